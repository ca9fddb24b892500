"""Prometheus remote write 1.0: one sample as snappy-compressed protobuf."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from flb_handshake.peer import snappy
from flb_handshake.peer.protobuf import DOUBLE, VARINT, field, key, varint

HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def request(labels: Mapping[str, str], value: float, milliseconds: int) -> bytes:
    """A WriteRequest with one series of one sample, its labels sorted as the spec demands."""
    series = b"".join(
        field(1, field(1, name.encode()) + field(2, labels[name].encode()))
        for name in sorted(labels)
    )
    sample = key(1, DOUBLE) + struct.pack("<d", value) + key(2, VARINT) + varint(milliseconds)
    return snappy.compressed(field(1, series + field(2, sample)))
