"""Encodes what travels as Protocol Buffers: OpenTelemetry's logs, and metrics to be written.

Facts: opentelemetry/proto/collector/logs/v1, prometheus/prompb/remote.proto, and the format
description of Snappy.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

METRICS: Final = "\0metrics"
"""Under which a record of an input of metrics holds the whole request to write them."""

_BYTES: Final = 2
_DOUBLE: Final = 1
_LITERAL: Final = 61 << 2
"""Snappy's tag of a literal whose length stands in two bytes."""

_LONGEST_LITERAL: Final = 1 << 16


def varint(number: int) -> bytes:
    """A number of as many bytes as it needs."""
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004 # seven bits a byte
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def _field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def _whole(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def _fraction(number: int, value: float) -> bytes:
    return varint(number << 3 | _DOUBLE) + struct.pack("<d", value)


def logs(bodies: Iterable[Any]) -> bytes:
    """An ExportLogsServiceRequest with a log record for each body."""
    records = b"".join(_field(2, _field(5, _any_value(one))) for one in bodies)
    return _field(1, _field(2, records))


def _any_value(value: Any) -> bytes:
    if isinstance(value, bool):
        return _whole(2, int(value))
    if isinstance(value, int) and value >= 0:
        return _whole(3, value)
    if isinstance(value, (int, float)):
        return _fraction(4, float(value))
    if isinstance(value, list):
        return _field(5, b"".join(_field(1, _any_value(one)) for one in value))
    if isinstance(value, dict):
        pairs = (_field(1, key.encode()) + _field(2, _any_value(one)) for key, one in value.items())
        return _field(6, b"".join(_field(1, pair) for pair in pairs))
    return _field(1, str(value).encode())


def written(labels: Mapping[str, str], value: float, milliseconds: int) -> bytes:
    """A request to write one sample of a series, compressed."""
    named = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, one.encode()))
        for name, one in labels.items()
    )
    sample = _fraction(1, value) + _whole(2, milliseconds)
    return _compressed(_field(1, named + _field(2, sample)))


def _compressed(data: bytes) -> bytes:
    """Snappy's format, all literals."""
    pieces = [data[at : at + _LONGEST_LITERAL] for at in range(0, len(data), _LONGEST_LITERAL)]
    literals = (struct.pack("<BH", _LITERAL, len(one) - 1) + one for one in pieces)
    return varint(len(data)) + b"".join(literals)
