"""The JA4 TLS client fingerprint, as FoxIO's technical_details/JA4.md defines it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from flb_handshake.peer.registry import JA4_VERSIONS, SIGNATURE_NAMES, VERSION_NAMES

if TYPE_CHECKING:
    from flb_handshake.peer.hello import ClientHello

_SERVER_NAME: Final = 0
_ALPN: Final = 16
_DTLS: Final = 0xFE
"""The major version of DTLS, whose versions count backwards."""


def fingerprint(hello: ClientHello) -> str:
    """The fingerprint of a client that offers this."""
    signatures = [_code(name, _SIGNATURE_CODES) for name in hello.signature_algorithms]
    kinds = sorted({*hello.extensions} - {_SERVER_NAME, _ALPN})
    hashed = ",".join(f"{kind:04x}" for kind in kinds)
    if kinds and signatures:
        hashed += "_" + ",".join(f"{code:04x}" for code in signatures)
    in_datagrams = hello.legacy_version >> 8 == _DTLS
    offered_versions = (_code(name, _VERSION_CODES) for name in hello.versions)
    newest = (min if in_datagrams else max)(offered_versions, default=0)
    seen = "d" if in_datagrams else "t"
    seen += JA4_VERSIONS.get(newest, "00")
    seen += "d" if _SERVER_NAME in hello.extensions else "i"
    for offered in (hello.ciphers, hello.extensions):
        seen += f"{min(len(offered), 99):02}"
    seen += _protocol(_unprintable(hello.alpn[0]) if hello.alpn else b"")
    return f"{seen}_{_hash(','.join(sorted(hello.ciphers)))}_{_hash(hashed)}"


_VERSION_CODES: Final = {name: code for code, name in VERSION_NAMES.items()}
_SIGNATURE_CODES: Final = {name: code for code, name in SIGNATURE_NAMES.items()}


def _code(name: str, codes: dict[str, int]) -> int:
    """The code of a name; what has none is written in hexadecimal digits."""
    return codes[name] if name in codes else int(name, 16)


def _unprintable(text: str) -> bytes:
    """The bytes of a name as a hello tells it."""
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")


def _protocol(first: bytes) -> str:
    if not first:
        return "00"
    ends = first[:1] + first[-1:]
    if ends.isalnum():  # of bytes, this asks for ASCII
        return ends.decode("ascii")
    digits = first.hex()
    return digits[0] + digits[-1]


def _hash(listed: str) -> str:
    return hashlib.sha256(listed.encode("ascii")).hexdigest()[:12] if listed else "0" * 12
