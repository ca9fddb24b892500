"""TLS records that no library would write so: pure functions over bytes."""

from __future__ import annotations

from typing import Final

from flb_handshake.peer.events import alert_value

HANDSHAKE: Final = 0x16
ALERT: Final = 0x15

HEADER: Final = 5
"""Bytes before what a record holds: type, version, length (RFC 8446, section 5.1)."""


def cut_handshake(stream: bytes, size: int) -> bytes:
    """Whole records with every handshake record cut into records of at most `size` bytes each.

    Raises ValueError for a size under one.
    """
    if size < 1:
        raise ValueError(f"a record holds at least one byte, not {size}")
    made = bytearray()
    at = 0
    while at < len(stream):
        header = stream[at : at + HEADER]
        held = stream[at + HEADER : at + HEADER + int.from_bytes(header[3:])]
        at += HEADER + len(held)
        step = size if header[0] == HANDSHAKE else max(len(held), 1)
        for start in range(0, len(held), step):
            piece = held[start : start + step]
            made += header[:3] + len(piece).to_bytes(2) + piece
    return bytes(made)


def alert_record(name: str, version: bytes = b"\x03\x01") -> bytes:
    """An unencrypted alert of that name (IANA's). Raises KeyError for no such name."""
    return bytes([ALERT]) + version + b"\x00\x02" + alert_value(name).to_bytes(2)
