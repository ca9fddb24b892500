"""Prometheus remote write 1.0: one sample as snappy-compressed protobuf."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

_LONGEST_LITERAL: Final = 1 << 16

_BYTES: Final = 2
_DOUBLE: Final = 1
_VARINT: Final = 0
"""Wire types of protobuf."""


def request(labels: Mapping[str, str], value: float, milliseconds: int) -> bytes:
    """A WriteRequest with one series of one sample, its labels sorted as the spec demands."""
    series = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, labels[name].encode()))
        for name in sorted(labels)
    )
    sample = _key(1, _DOUBLE) + struct.pack("<d", value) + _key(2, _VARINT) + varint(milliseconds)
    return snappy(_field(1, series + _field(2, sample)))


def snappy(plain: bytes) -> bytes:
    """Snappy's block format, literals alone."""
    made = varint(len(plain))
    for at in range(0, len(plain), _LONGEST_LITERAL):
        literal = plain[at : at + _LONGEST_LITERAL]
        made += bytes([61 << 2]) + (len(literal) - 1).to_bytes(2, "little") + literal
    return made


def varint(number: int) -> bytes:
    """Seven bits in each byte, the low ones first, and a mark on all but the last."""
    made = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _key(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def _field(number: int, value: bytes) -> bytes:
    return _key(number, _BYTES) + varint(len(value)) + value
