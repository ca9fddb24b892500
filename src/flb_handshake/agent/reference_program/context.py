"""Makes of `tls.*` properties the OpenSSL context that Fluent Bit makes, or refuses to start.

Facts: src/tls/openssl.c, src/tls/flb_tls.c and src/flb_output.c of 5.1.1, each measured.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import warnings

from .classic import StartError, read
from .handshake import numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

    from .classic import Instance
    from .releases import Release

SYSTEM_CERTIFICATES: Final = "/etc/ssl/certs"
_BUNDLE: Final = "ca-bundle.crt"
_LONGEST_NAME: Final = 255
_CIPHERS: Final = "DEFAULT:@SECLEVEL=2"
"""What Debian's OpenSSL gives Fluent Bit: measured, the ClientHello is the same to the byte."""

_PROTOCOLS: Final = {
    "SSLv2": 0,
    "SSLv3": ssl.OP_NO_SSLv3,
    "TLSv1": ssl.OP_NO_TLSv1,
    "TLSv1.1": ssl.OP_NO_TLSv1_1,
    "TLSv1.2": ssl.OP_NO_TLSv1_2,
    "TLSv1.3": ssl.OP_NO_TLSv1_3,
}
"""Each protocol and the option that forbids it, from the oldest to the newest."""

_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)(-----END |\Z)", re.DOTALL
)
_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_ENCRYPTED: Final = re.compile(rb"BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED")
_WEAK: Final = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"})

# An arbitrary second number stands between the path and OpenSSL's text: what is on its queue next.
_NO_CERTIFICATE: Final = "0: error:05800088:x509 certificate routines::no certificate or crl found"
_BAD_END: Final = "92798985: error:04800066:PEM routines::bad end line"
_NO_START: Final = "168296457: error:0480006C:PEM routines::no start line"
_NOT_A_KEY: Final = "168296457: error:1E08010C:DECODER routines::unsupported"
_BAD_PASSWORD: Final = "293601396: error:1C800064:Provider routines::bad decrypt"  # noqa: S105 # no password
_NO_PASSWORD: Final = "75497581: error:1400006B:UI routines::processing error"  # noqa: S105 # no password
_MISMATCH: Final = "0: error:05800074:x509 certificate routines::key values mismatch"

_UNSENDABLE: Final = "not-ascii.invalid"


def context(output: Instance, release: Release, system: str) -> ssl.SSLContext | None:
    """The output's TLS context; None: it sends in cleartext. Raises StartError."""
    made = None
    if output.flag("tls", default=0) == 1:
        _check_name(name_of(output))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the old protocols' options
            made = _context(output, release, system)
    given = output.settings.get
    if given("tls.proxy.ca_path") or given("tls.proxy.ca_file"):
        which = " for tls.proxy.ca_file/tls.proxy.ca_path"
        _trust(_bare(), given("tls.proxy.ca_path"), given("tls.proxy.ca_file"), output, which)
    return made


def name_of(output: Instance) -> str:
    """The name that is sent and checked: `tls.vhost` as it is, or the host without last dots.

    Fluent Bit sends one that is not ASCII as it stands, and no certificate bears such a name.
    Python's ssl module cannot send it: a name that no certificate bears either takes its place.
    """
    vhost = output.settings.get("tls.vhost")
    name = vhost or output.settings.get("host", "127.0.0.1").rstrip(".")
    return name if name.isascii() else _UNSENDABLE


def _check_name(name: str) -> None:
    """Refuses a name that Python's ssl module cannot send, and Fluent Bit can."""
    if name.startswith(".") or not 0 < len(name) <= _LONGEST_NAME:
        said = f"the reference agent cannot ask for the name '{name}'"
        raise StartError(("error", said), code=255)


def _context(output: Instance, release: Release, system: str) -> ssl.SSLContext:
    made = _bare()
    given = output.settings.get
    verify = output.flag("tls.verify", default=1)
    # -1, an unknown word, is not "off": the chain is verified. Nor is it "on": the name is not.
    made.check_hostname = verify == 1 and output.flag("tls.verify_hostname", default=0) == 1
    made.verify_mode = ssl.CERT_NONE if verify == 0 else ssl.CERT_REQUIRED
    if given("tls.ca_path") or given("tls.ca_file"):
        _trust(made, given("tls.ca_path"), given("tls.ca_file"), output)
    else:
        bundle = os.path.join(system, _BUNDLE)  # noqa: PTH118 # see classic.read
        with contextlib.suppress(OSError):
            made.load_verify_locations(bundle if os.access(bundle, os.R_OK) else None, system)
    crt, key = given("tls.crt_file"), given("tls.key_file")
    if crt:
        _check_certificate(crt, output)
    if key:
        _load_key(made, crt, key, output)
    lowest, highest = given("tls.min_version"), given("tls.max_version")
    if lowest or highest:
        made.options |= _forbidden(lowest, highest, release)
    if ciphers := given("tls.ciphers"):
        try:
            made.set_ciphers(ciphers)
        except ssl.SSLError:
            said = f"[output {output.name}] error setting up TLS ciphers up to TLSv1.2"
            raise StartError(("error", said), code=255) from None
    return made


def _bare() -> ssl.SSLContext:
    """A context with the options of OpenSSL itself, not with those that Python adds."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.options = ssl.OP_NO_COMPRESSION | ssl.OP_ENABLE_MIDDLEBOX_COMPAT
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    made.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
    made.set_ciphers(_CIPHERS)
    return made


def _trust(
    made: ssl.SSLContext, path: str | None, file: str | None, output: Instance, which: str = ""
) -> None:
    """Loads the anchors: a path silences a file, and may be missing."""
    try:
        if path:
            made.load_verify_locations(capath=path)
        else:
            made.load_verify_locations(file)
    except ssl.SSLError as error:
        text = _NO_CERTIFICATE if error.reason == "NO_CERTIFICATE_OR_CRL_FOUND" else _BAD_END
        _stop(output, f"ca_file '{file}' {text}", which=which)
    except OSError as error:
        text = _system(error, missing=268435584, directory=_NO_CERTIFICATE)
        _stop(output, f"ca_file '{file}' {text}", which=which)


def _check_certificate(crt: str, output: Instance) -> None:
    """Refuses a certificate file that OpenSSL would; without a key, it is used for nothing."""
    try:
        blocks = _CERTIFICATE.findall(read(crt))
    except OSError as error:
        _stop(output, f"crt_file '{crt}' {_system(error, directory=_NO_START)}")
    if not blocks or not blocks[0][1]:
        _stop(output, f"crt_file '{crt}' {_BAD_END if blocks else _NO_START}")
    try:
        _bare().load_cert_chain(crt, password=_unasked)
    except ssl.SSLError as error:
        # Any other reason is the key, for which nobody asked.
        if error.reason in _WEAK:
            _stop(output, f"crt_file '{crt}' 0: {numbered(error.reason)}")
    except _Unasked:
        pass


def _load_key(made: ssl.SSLContext, crt: str | None, key: str, output: Instance) -> None:
    password = output.settings.get("tls.key_passwd")
    trouble: str | None = None
    try:
        content = read(key)
        if crt:
            made.load_cert_chain(crt, key, password or _unasked)
            return
        trouble = None if _KEY.search(content) else _NOT_A_KEY
    except _Unasked:
        trouble = _NO_PASSWORD
    except ssl.SSLError as error:
        encrypted = _ENCRYPTED.search(content)
        trouble = {"KEY_VALUES_MISMATCH": _MISMATCH, "NO_CERTIFICATE_ASSIGNED": None}.get(
            error.reason or "", _BAD_PASSWORD if encrypted else _NOT_A_KEY
        )
    except OSError as error:
        trouble = _system(error, directory=_NOT_A_KEY)
    said = [f"key_file '{key}' {trouble}"] if trouble else []
    _stop(output, *said, f"private_key '{key}' and password don't match")


class _Unasked(Exception):  # not an error: how a question is declined
    """OpenSSL asked for a password that nobody gave."""


def _unasked() -> NoReturn:
    raise _Unasked


def _forbidden(lowest: str | None, highest: str | None, release: Release) -> int:
    """The options that forbid what is outside the bounds (tls_set_minmax_proto)."""
    names = list(_PROTOCOLS)
    low = names.index(protocol(lowest) or release.lowest_when_bounded)
    high = names.index(protocol(highest) or names[-1])
    forbidden = 0
    for place, option in enumerate(_PROTOCOLS.values()):
        if not low <= place <= high:
            forbidden |= option
    return forbidden


def protocol(word: str | None) -> str | None:
    """The first protocol whose name begins with the word; None: the word is ignored."""
    if not word:
        return None
    return next((name for name in _PROTOCOLS if name.lower().startswith(word.lower())), None)


def _system(error: OSError, *, directory: str, missing: int = 268959746) -> str:
    """OpenSSL's text for a file that cannot be opened; a directory opens, and is then no PEM."""
    if isinstance(error, IsADirectoryError):
        return directory
    number = error.errno or 0
    queued = missing if isinstance(error, FileNotFoundError) else 268959746
    return f"{queued}: error:{0x80000000 | number:08X}:system library::{os.strerror(number)}"


def _stop(output: Instance, *said: str, which: str = "") -> NoReturn:
    raise StartError(
        *(("error", f"[tls] {text}") for text in said),
        ("error", "[tls] could not create TLS backend"),
        ("error", f"[output {output.name}] error initializing TLS context{which}"),
        code=255,
    )
