"""Snappy's block format: written as literals alone, read whole."""

from __future__ import annotations

from typing import Final

from flb_handshake.peer.protobuf import read_varint, varint

_LITERAL, _NEAR_COPY, _COPY = 0, 1, 2
"""The kinds of elements; the fourth is a copy from further away."""

_LONGEST_LITERAL: Final = 1 << 16
_LONG_LITERAL: Final = 60
"""From here on the length of a literal stands behind, in one byte or more."""


def compressed(plain: bytes) -> bytes:
    """The block of these bytes."""
    made = varint(len(plain))
    for at in range(0, len(plain), _LONGEST_LITERAL):
        literal = plain[at : at + _LONGEST_LITERAL]
        made += bytes([61 << 2]) + (len(literal) - 1).to_bytes(2, "little") + literal
    return made


def uncompressed(block: bytes, longest: int) -> bytes:
    """What is in a block. Raises ValueError for what is none, or holds more bytes than that."""
    size, at = read_varint(block, 0)
    if size > longest:
        raise ValueError(f"more than {longest} bytes")
    made = bytearray()
    while at < len(block) and len(made) <= size:
        kind, rest = block[at] & 3, block[at] >> 2
        at += 1
        if kind == _LITERAL:
            if rest >= _LONG_LITERAL:
                width = rest - _LONG_LITERAL + 1
                rest, at = int.from_bytes(block[at : at + width], "little"), at + width
            made += block[at : at + rest + 1]
            at += rest + 1
            continue
        near = kind == _NEAR_COPY
        length = (rest & 7) + 4 if near else rest + 1
        width = 1 if near else 2 if kind == _COPY else 4
        back = int.from_bytes(block[at : at + width], "little") | (rest >> 3 << 8 if near else 0)
        at += width
        if not 0 < back <= len(made):
            raise ValueError("a copy of what is not there")
        for _ in range(length):
            made.append(made[-back])
    if len(made) != size:
        raise ValueError("it is not as long as it says")
    return bytes(made)
