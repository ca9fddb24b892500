"""The files that a section names, looked at: missing, unreadable, expired, of another key."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from flb_handshake.config.looking import State, look
from flb_handshake.diagnosis.configured import Settings

_FILES: Final = ("tls.ca_file", "tls.crt_file", "tls.key_file")
_MISSING: Final = {
    "tls.ca_file": "ca_file_missing",
    "tls.crt_file": "crt_file_unusable",
    "tls.key_file": "key_file_missing",
}
_UNREADABLE: Final = {
    "tls.ca_file": "ca_file_unreadable",
    "tls.crt_file": "crt_file_unusable",
    "tls.key_file": "key_file_unreadable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong with a file."""

    cause: str
    """The judge's own name of the cause."""
    told: str


def examined(settings: Settings, now: dt.datetime) -> tuple[Finding, ...]:
    """What is wrong with the files, as this machine sees them; `now` has a time zone."""
    found: list[Finding] = []
    contents: dict[str, bytes] = {}
    for name in _FILES:
        named = settings.written.get(name)
        seen = look(named) if named is not None else None
        if named is None or seen is None:
            continue
        where = f"{name} ({named.value}, {named.spot})"
        match seen.state:
            case State.READ:
                contents[name] = seen.pem.encode()
            case State.MISSING | State.ELSEWHERE:
                found.append(Finding(cause=_MISSING[name], told=f"{where} does not exist here"))
            case State.DIRECTORY:
                found.append(Finding(cause=_UNREADABLE[name], told=f"{where} is a directory"))
            case State.UNREADABLE:
                found.append(Finding(cause=_UNREADABLE[name], told=f"{where} cannot be read"))
    for name, unusable in (
        ("tls.ca_file", "ca_file_not_pem"),
        ("tls.crt_file", "crt_file_unusable"),
    ):
        if name in contents:
            found += _of_certificates(name, contents[name], unusable, now)
    if "tls.crt_file" in contents and "tls.key_file" in contents:
        found += _of_key(contents["tls.crt_file"], contents["tls.key_file"], settings)
    return tuple(found)


def _of_certificates(name: str, pem: bytes, unusable: str, now: dt.datetime) -> list[Finding]:
    try:
        held = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return [Finding(cause=unusable, told=f"{name} holds no certificate in PEM")]
    # A bundle of CAs may well hold old ones besides: it is wrong only where all of them are.
    some = held[:1] if name == "tls.crt_file" else held
    cause = "client_certificate_expired" if name == "tls.crt_file" else "expired"
    if all(one.not_valid_after_utc < now for one in some):
        last = max(one.not_valid_after_utc for one in some)
        return [Finding(cause=cause, told=f"what {name} holds has expired on {last:%Y-%m-%d}")]
    if all(one.not_valid_before_utc > now for one in some):
        return [Finding(cause="not_yet_valid", told=f"what {name} holds is not valid yet")]
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
