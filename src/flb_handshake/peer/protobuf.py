"""Protobuf's wire format, as far as logs and metrics need it: fields by their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

VARINT: Final = 0
DOUBLE: Final = 1
BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}
"""Wire types of a fixed length, in bytes."""

_LONGEST_VARINT: Final = 10


def varint(number: int) -> bytes:
    """Seven bits in each byte, the low ones first, and a mark on all but the last."""
    made = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def key(number: int, wire_type: int) -> bytes:
    """What stands before the value of a field."""
    return varint(number << 3 | wire_type)


def field(number: int, value: bytes) -> bytes:
    """A field that holds bytes: a text, or a message."""
    return key(number, BYTES) + varint(len(value)) + value


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, and where it ends. Raises ValueError."""
    number = 0
    for index in range(_LONGEST_VARINT):
        if at + index >= len(data):
            break
        number |= (data[at + index] & 0x7F) << (7 * index)
        if not data[at + index] & 0x80:
            return number, at + index + 1
    raise ValueError("a number without an end")


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The number and the value of each field of a message. Raises ValueError."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value, at = read_varint(data, at)
            yield number, value
            continue
        if wire_type == BYTES:
            size, at = read_varint(data, at)
        elif wire_type in _FIXED:
            size = _FIXED[wire_type]
        else:
            raise ValueError(f"no wire type is {wire_type}")
        if at + size > len(data):
            raise ValueError("a field that is longer than its message")
        yield number, data[at : at + size]
        at += size


def inside(data: bytes, *path: int) -> Iterator[bytes]:
    """The bytes of the fields to which these numbers lead, from message to message.

    Raises ValueError.
    """
    if not path:
        yield data
        return
    for number, value in fields(data):
        if number == path[0] and isinstance(value, bytes):
            yield from inside(value, *path[1:])
