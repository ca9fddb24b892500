"""Makes of `tls.*` properties the OpenSSL context that Fluent Bit makes, or refuses to start.

Facts: src/tls/openssl.c, src/tls/flb_tls.c, src/flb_output.c and src/flb_input.c of 5.1.1, each
measured.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import threading
import warnings

from .grammar import ABORTED, HUNG, StartError, read
from .wording import numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

    from .classic import Instance
    from .grammar import Line
    from .handshake import Say
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

_NO_BACKEND: Final = ("error", "[tls] could not create TLS backend")
SECURED: Final = frozenset({"logdna", "nrlogs", "slack"})
"""Outputs that speak TLS unless they are told not to."""

_WATCHED: Final = ("ca_path", "ca_file", "crt_file", "key_file")
_NEEDED: Final = (("tls.crt_file", "certificate file"), ("tls.key_file", "private key file"))
_UNSENDABLE: Final = "not-ascii.invalid"


class Unusable(Exception):
    """What OpenSSL refuses, a file or all of it: what Fluent Bit says of that."""

    def __init__(self, *said: str, of: str = "tls") -> None:
        super().__init__(*said)
        self.lines = tuple(("error", f"[{of}] {text}") for text in said)


class Security:
    """The TLS context of an output or of an input that listens, made again when its files change.

    Before each new session Fluent Bit looks at the files' size, inode, device and times
    (flb_tls_reload_if_needed). A file that cannot be used leaves the context as it was, and is
    tried again at the next session.
    """

    def __init__(self, instance: Instance, release: Release, system: str) -> None:
        self._instance = instance
        self._release = release
        self._system = system
        self._at_a_time = threading.Lock()
        _check(instance, release)
        try:
            self._current = self._make()
        except Unusable as error:
            raise StartError(*error.lines, _NO_BACKEND, _failed(instance), code=255) from None
        self._seen = self._look()

    def restrict(self) -> None:
        """Keeps to the protocols and ciphers that are asked for. Raises StartError."""
        given = self._instance.settings.get
        lowest, highest = given("tls.min_version"), given("tls.max_version")
        if self._release.crashes_at_bounds and _odd(lowest, highest):
            raise StartError(("", "[engine] caught signal (SIGSEGV)"), code=ABORTED)
        if lowest or highest:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # the old protocols' options
                self._current.options |= _forbidden(lowest, highest, self._release)
        if ciphers := given("tls.ciphers"):
            try:
                self._current.set_ciphers(ciphers)
            except ssl.SSLError:
                who = f"[{self._instance.kind} {self._instance.name}]"
                said = f"{who} error setting up TLS ciphers up to TLSv1.2"
                code = HUNG if self._release.hangs_at_ciphers else 255
                raise StartError(("error", said), code=code) from None

    def session(self, say: Say) -> ssl.SSLContext:
        """The context for a new session; the log says if it had to be made again."""
        with self._at_a_time:
            seen = self._look() if self._release.rereads_files else self._seen
            if seen != self._seen:
                try:
                    self._current = self._make()
                except Unusable as error:
                    for level, text in error.lines:
                        say(level, text)
                    say("error", "[tls] detected certificate file changes but reload failed")
                else:
                    self.restrict()
                    self._seen = seen
                    say("info", "[tls] reloaded TLS certificate configuration")
            return self._current

    def _make(self) -> ssl.SSLContext:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return _context(self._instance, self._release, self._system)

    def _look(self) -> list[tuple[int, ...] | None]:
        return [_status(self._instance.settings.get(f"tls.{name}")) for name in _WATCHED]


def security(instance: Instance, release: Release, system: str) -> Security | None:
    """What secures an input or output; None: it talks in cleartext. Raises StartError."""
    made = Security(instance, release, system) if _is_secured(instance, release) else None
    given = instance.settings.get
    proxied = "tls.proxy.ca_file" in release.properties.core[instance.kind]
    if proxied and (given("tls.proxy.ca_path") or given("tls.proxy.ca_file")):
        which = " for tls.proxy.ca_file/tls.proxy.ca_path"
        try:
            bare = _bare(ssl.PROTOCOL_TLS_CLIENT)
            _trust(bare, given("tls.proxy.ca_path"), given("tls.proxy.ca_file"))
        except Unusable as error:
            raise StartError(
                *error.lines, _NO_BACKEND, _failed(instance, which), code=255
            ) from None
    return made


def _is_secured(instance: Instance, release: Release) -> bool:
    """Whether `tls` is on, or what it is unset is on for the plugin."""
    if instance.kind == "input":
        return instance.flag("tls", default=0) == 1
    mode = instance.settings.get("mode", "").lower()
    if instance.plugin == "syslog" and mode == "tls" and release.since("5.1"):
        return True
    return instance.flag("tls", default=int(instance.plugin in SECURED)) == 1


def _failed(instance: Instance, which: str = "") -> Line:
    said = f"[{instance.kind} {instance.name}] error initializing TLS context{which}"
    return ("error", said)


def _status(path: str | None) -> tuple[int, ...] | None:
    """What Fluent Bit compares of a file (tls_file_status_get); empty: there is none."""
    if path is None:
        return None
    try:
        seen = os.stat(path)  # noqa: PTH116 # see grammar.read
    except OSError:
        return ()
    return (seen.st_size, seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns)


def name_of(output: Instance, release: Release, *, proxied: bool = False) -> str:
    """The name that is sent and checked: `tls.vhost` as it is, or the host without last dots.

    Before 2.0.13 the host keeps its dots; since 2.0 `tls.vhost` is passed over behind a proxy.

    Fluent Bit sends one that is not ASCII as it stands, and no certificate bears such a name.
    Python's ssl module cannot send it: a name that no certificate bears either takes its place.
    """
    passed_over = proxied and release.passes_over_vhost
    vhost = None if passed_over else output.settings.get("tls.vhost")
    host = output.settings.get("host", "127.0.0.1")
    name = vhost or (host.rstrip(".") if release.trims_dots else host)
    return name if name.isascii() else _UNSENDABLE


def _check(instance: Instance, release: Release) -> None:
    """Refuses what is missing, and a name that Python's ssl module cannot send."""
    if instance.kind == "input":
        for key, what in _NEEDED:
            if key not in instance.settings:
                level, said = _failed(instance)
                raise StartError((level, f"{said} ({what} missing)"), code=255)
        return
    name = name_of(instance, release)
    if name.startswith(".") or not 0 < len(name) <= _LONGEST_NAME:
        said = f"the reference agent cannot ask for the name '{name}'"
        raise StartError(("error", said), code=255)


def _context(instance: Instance, release: Release, system: str) -> ssl.SSLContext:
    given = instance.settings.get
    serves = instance.kind == "input"
    made = _bare(ssl.PROTOCOL_TLS_SERVER if serves else ssl.PROTOCOL_TLS_CLIENT)
    verify = instance.flag("tls.verify", default=1)
    # -1, an unknown word, is not "off": the chain is verified. Nor is it "on": the name is not.
    asked_for = instance.flag("tls.verify_hostname", default=0) == 1
    named = verify == 1 and (asked_for or release.always_checks_names)
    made.check_hostname = named and not serves
    demanded = not serves or instance.flag("tls.verify_client_cert", default=0) == 1
    # A certificate that is asked for and not demanded may be missing. With `tls.verify off` none
    # is asked for, whatever `tls.verify_client_cert` says.
    asked = ssl.CERT_REQUIRED if demanded else ssl.CERT_OPTIONAL
    made.verify_mode = ssl.CERT_NONE if verify == 0 else asked
    if given("tls.ca_path") or given("tls.ca_file"):
        _trust(made, given("tls.ca_path"), given("tls.ca_file"))
    else:
        bundle = os.path.join(system, _BUNDLE)  # noqa: PTH118 # see grammar.read
        with contextlib.suppress(OSError):
            made.load_verify_locations(bundle if os.access(bundle, os.R_OK) else None, system)
    crt, key = given("tls.crt_file"), given("tls.key_file")
    if crt:
        _check_certificate(crt)
    if key:
        _load_key(made, crt, key, given("tls.key_passwd"), release)
    return made


def _bare(role: ssl._SSLMethod) -> ssl.SSLContext:
    """A context with the options of OpenSSL itself, not with those that Python adds."""
    try:
        made = ssl.SSLContext(role)
    except ssl.SSLError:  # its own configuration leaves it nothing to work with
        raise Unusable("could not create context", of="openssl") from None
    made.options = ssl.OP_NO_COMPRESSION | ssl.OP_ENABLE_MIDDLEBOX_COMPAT
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    made.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
    made.set_ciphers(_CIPHERS)
    return made


def _trust(made: ssl.SSLContext, path: str | None, file: str | None) -> None:
    """Loads the anchors: a path silences a file, and may be missing."""
    try:
        if path:
            made.load_verify_locations(capath=path)
        else:
            made.load_verify_locations(file)
    except ssl.SSLError as error:
        text = _NO_CERTIFICATE if error.reason == "NO_CERTIFICATE_OR_CRL_FOUND" else _BAD_END
        raise Unusable(f"ca_file '{file}' {text}") from None
    except OSError as error:
        text = _system(error, missing=268435584, directory=_NO_CERTIFICATE)
        raise Unusable(f"ca_file '{file}' {text}") from None


def _check_certificate(crt: str) -> None:
    """Refuses a certificate file that OpenSSL would; without a key, it is used for nothing."""
    try:
        blocks = _CERTIFICATE.findall(read(crt))
    except OSError as error:
        raise Unusable(f"crt_file '{crt}' {_system(error, directory=_NO_START)}") from None
    if not blocks or not blocks[0][1]:
        raise Unusable(f"crt_file '{crt}' {_BAD_END if blocks else _NO_START}")
    try:
        _bare(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(crt, password=_unasked)
    except ssl.SSLError as error:
        # Any other reason is the key, for which nobody asked.
        if error.reason in _WEAK:
            raise Unusable(f"crt_file '{crt}' 0: {numbered(error.reason)}") from None
    except _Unasked:
        pass


def _load_key(
    made: ssl.SSLContext, crt: str | None, key: str, password: str | None, release: Release
) -> None:
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
    # Before 5.0 the certificate is named in the place of its key.
    named = key if release.names_the_key else crt
    said = [f"key_file '{named}' {trouble}"] if trouble else []
    raise Unusable(*said, f"private_key '{key}' and password don't match")


class _Unasked(Exception):  # not an error: how a question is declined
    """OpenSSL asked for a password that nobody gave."""


def _unasked() -> NoReturn:
    raise _Unasked


def _odd(*bounds: str | None) -> bool:
    """Whether one of them is no protocol's name."""
    return any(bound and protocol(bound) is None for bound in bounds)


def _forbidden(lowest: str | None, highest: str | None, release: Release) -> int:
    """The options that forbid what is outside the bounds (tls_set_minmax_proto)."""
    names = list(_PROTOCOLS)
    # Measured: only a lower bound that is no protocol leaves the default in its place.
    low = names.index(protocol(lowest) or release.lowest_when_bounded) if lowest else 0
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
