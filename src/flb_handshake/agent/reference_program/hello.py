"""Reads the application protocols (ALPN, RFC 7301) that a ClientHello offers."""

from __future__ import annotations

_BEFORE_SESSION = 38
"""The bytes of a ClientHello's header, version and random."""

_ALPN = 16


def protocols(hello: bytes) -> list[str]:
    """The protocols in the client's order; none, if it asks for none or is not well formed."""
    _, rest = _vector(hello[_BEFORE_SESSION:], 1)
    _, rest = _vector(rest, 2)
    _, rest = _vector(rest, 1)
    extensions, _ = _vector(rest, 2)
    while extensions:
        kind = int.from_bytes(extensions[:2], "big")
        body, extensions = _vector(extensions[2:], 2)
        if kind == _ALPN:
            names, _ = _vector(body, 2)
            found = []
            while names:
                name, names = _vector(names, 1)
                found.append(name.decode("latin-1"))
            return found
    return []


def _vector(data: bytes, size: int) -> tuple[bytes, bytes]:
    """What a length of `size` bytes announces, and what follows it."""
    end = size + int.from_bytes(data[:size], "big")
    return data[size:end], data[end:]
