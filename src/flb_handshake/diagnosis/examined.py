"""The files that a section names, looked at: missing, unreadable, expired, of another key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from flb_handshake.config.looking import EMPTY, State, emptiness, look
from flb_handshake.diagnosis.configured import Settings

_DIRECTORIES: Final = {"tls.ca_path": "tls.ca_file", "tls.proxy.ca_path": "tls.proxy.ca_file"}
"""Each with the file that is not read beside it (1.9.10 to 5.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Causes:
    """What is wrong with a file, by the judge's own names."""

    missing: str
    unreadable: str
    not_pem: str
    expired: str = ""
    not_yet_valid: str = ""


_OF_AUTHORITIES: Final = _Causes(
    missing="ca_file_missing",
    unreadable="ca_file_unreadable",
    not_pem="ca_file_not_pem",
    expired="expired",
    not_yet_valid="not_yet_valid",
)
_FILES: Final = {
    "tls.ca_file": _OF_AUTHORITIES,
    "tls.proxy.ca_file": replace(
        _OF_AUTHORITIES,
        expired="proxy_certificate_refused",
        not_yet_valid="proxy_certificate_refused",
    ),
    "tls.crt_file": _Causes(
        missing="crt_file_unusable",
        unreadable="crt_file_unusable",
        not_pem="crt_file_unusable",
        expired="client_certificate_expired",
        not_yet_valid="client_certificate_not_yet_valid",
    ),
    "tls.key_file": _Causes(
        missing="key_file_missing",
        unreadable="key_file_unreadable",
        not_pem="key_file_not_pem",
    ),
}
_EMPTY: Final = {
    "unhashed": "ca_path_not_hashed",
    "empty": "ca_path_empty",
    "a_file": "ca_path_missing",
    "missing": "ca_path_missing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong with a file."""

    cause: str
    """The judge's own name of the cause."""
    told: str


def examined(settings: Settings, now: dt.datetime) -> tuple[Finding, ...]:
    """What is wrong with the files, as this machine sees them; `now` has a time zone."""
    found = [one for name in _DIRECTORIES for one in _of_directory(name, settings)]
    contents: dict[str, bytes] = {}
    unread = {file for path, file in _DIRECTORIES.items() if settings.get(path)}
    for name, causes in _FILES.items():
        named = settings.written.get(name) if name not in unread else None
        seen = look(named) if named is not None else None
        if named is None or seen is None:
            continue
        where = f"{name} ({named.value}, {named.spot})"
        match seen.state:
            case State.READ:
                contents[name] = seen.pem.encode()
            case State.MISSING | State.ELSEWHERE:
                found.append(Finding(cause=causes.missing, told=f"{where} does not exist here"))
            case State.DIRECTORY:
                found.append(Finding(cause=causes.unreadable, told=f"{where} is a directory"))
            case State.UNREADABLE:
                found.append(Finding(cause=causes.unreadable, told=f"{where} cannot be read"))
    for name, pem in contents.items():
        if name != "tls.key_file":
            found += _of_certificates(name, pem, now)
    if "tls.crt_file" in contents and "tls.key_file" in contents:
        found += _of_key(contents["tls.crt_file"], contents["tls.key_file"], settings)
    return tuple(found)


def _of_directory(name: str, settings: Settings) -> Iterator[Finding]:
    named = settings.written.get(name)
    seen = look(named) if named is not None else None
    if named is None or seen is None or seen.state is State.ELSEWHERE:
        return
    why = emptiness(seen)
    if why is None:
        return
    told = f"{name} ({named.value}, {named.spot}) {EMPTY[why]}: nobody is trusted"
    proxied = name.startswith("tls.proxy.")
    if settings.get(_DIRECTORIES[name]):
        cause, told = "ca_path_wins", f"{told}, and {_DIRECTORIES[name]} is not read beside it"
    else:
        cause = _EMPTY[why]
    yield Finding(cause="proxy_certificate_refused" if proxied else cause, told=told)


def _of_certificates(name: str, pem: bytes, now: dt.datetime) -> list[Finding]:
    try:
        held = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return [Finding(cause=_FILES[name].not_pem, told=f"{name} holds no certificate in PEM")]
    # A bundle of CAs may well hold old ones besides: it is wrong only where all of them are.
    some = held[:1] if name == "tls.crt_file" else held
    if all(one.not_valid_after_utc < now for one in some):
        last = max(one.not_valid_after_utc for one in some)
        return [
            Finding(
                cause=_FILES[name].expired, told=f"what {name} holds has expired on {last:%Y-%m-%d}"
            )
        ]
    if all(one.not_valid_before_utc > now for one in some):
        return [
            Finding(cause=_FILES[name].not_yet_valid, told=f"what {name} holds is not valid yet")
        ]
    return []


def _of_key(crt: bytes, key: bytes, settings: Settings) -> list[Finding]:
    password = settings.get("tls.key_passwd").encode() or None
    try:
        private = serialization.load_pem_private_key(key, password)
    except TypeError:
        told = "tls.key_file is locked, and tls.key_passwd is not set (or the other way round)"
        return [Finding(cause="key_passphrase", told=told)]
    except ValueError:
        cause = "key_passphrase" if b"ENCRYPTED" in key else "key_file_not_pem"
        return [Finding(cause=cause, told="tls.key_file cannot be opened as a key in PEM")]
    try:
        certificate = x509.load_pem_x509_certificate(crt)
        public = certificate.public_key()
    except ValueError:
        return []
    shape = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*shape) != public.public_bytes(*shape):
        told = "tls.key_file is not the key of the first certificate in tls.crt_file"
        return [Finding(cause="key_mismatch", told=told)]
    return []
