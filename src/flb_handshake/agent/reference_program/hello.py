"""Reads what a server has to know of a ClientHello before OpenSSL answers it (RFC 8446)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

_BEFORE_SESSION: Final = 38
"""The bytes of a ClientHello's header, version and random."""

_ALPN: Final = 16
_SESSION_TICKET: Final = 35
_PRE_SHARED_KEY: Final = 41
_AGE: Final = 4
"""The bytes that follow each identity of a pre-shared key."""


def protocols(hello: bytes) -> list[str]:
    """The application protocols (ALPN) that are offered, in the client's order."""
    names, _ = _vector(_extensions(hello).get(_ALPN, b""), 2)
    found = []
    while names:
        name, names = _vector(names, 1)
        found.append(name.decode("latin-1"))
    return found


def tickets(hello: bytes) -> Iterator[bytes]:
    """The tickets of earlier sessions that the client would resume, of TLS 1.2 and of 1.3."""
    found = _extensions(hello)
    if old := found.get(_SESSION_TICKET):
        yield old
    identities, _ = _vector(found.get(_PRE_SHARED_KEY, b""), 2)
    while identities:
        one, rest = _vector(identities, 2)
        identities = rest[_AGE:]
        yield one


def _extensions(hello: bytes) -> dict[int, bytes]:
    _, rest = _vector(hello[_BEFORE_SESSION:], 1)
    _, rest = _vector(rest, 2)
    _, rest = _vector(rest, 1)
    rest, _ = _vector(rest, 2)
    found = {}
    while rest:
        kind = int.from_bytes(rest[:2], "big")
        found[kind], rest = _vector(rest[2:], 2)
    return found


def _vector(data: bytes, size: int) -> tuple[bytes, bytes]:
    """What a length of `size` bytes announces, and what follows it."""
    end = size + int.from_bytes(data[:size], "big")
    return data[size:end], data[end:]
