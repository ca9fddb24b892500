"""A stream cut into what stands in it: pieces between marks, JSON values, msgpack values.

Each cutter takes bytes as they come, keeps at most LONGEST of what is not whole yet, and raises
Junk for the rest.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

import msgpack  # type: ignore[import-untyped]

from flb_handshake.peer.protocols.conversation import LONGEST, Junk

_DEEPEST: Final = 32
"""Levels of a value that are kept; evidence is no place for a maze."""

_MOST_ELEMENTS: Final = 4096
"""Of one array or map in msgpack, which makes room for them before they have come."""

GZIP: Final = zlib.MAX_WBITS | 16
"""The window of what begins with a header of gzip's; see `unzipped`."""

_EVENT_TIME: Final = 0
"""Fluentd's extension type: seconds and nanoseconds, four bytes each."""


class Cutter(Protocol):
    """Cuts a stream into values, each with its size in bytes."""

    def __call__(self, received: bytes) -> Iterator[tuple[Any, int]]:
        """Take bytes; give what is whole. Raises Junk."""


class Pieces:
    """Cuts at a mark of one byte, which is not part of a piece."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._rest = bytearray()

    def __call__(self, received: bytes) -> Iterator[bytes]:
        """Take bytes; give the pieces that they complete. Raises Junk."""
        first, *more = received.split(self._mark)
        self._rest += first
        _hold(self._rest)
        for piece in more:
            yield bytes(self._rest)
            self._rest[:] = piece


class JsonValues:
    """Cuts a stream of arrays and objects, with or without line ends between them."""

    _MARKS: Final = re.compile(rb'["\\\[\]{}]')

    def __init__(self) -> None:
        self._value = bytearray()
        self._scanned = 0
        self._depth = 0
        self._quoted = False

    def __call__(self, received: bytes) -> Iterator[tuple[Any, int]]:
        """Take bytes; give the values that they complete. Raises Junk."""
        self._value += received
        while end := self._end():
            whole = bytes(self._value[:end])
            del self._value[:end]
            self._scanned = 0
            yield json_value(whole), end
        _hold(self._value)
        if not self._depth and self._value.strip():
            raise Junk("no JSON array or object")

    def _end(self) -> int:
        """Where the first value ends; 0: not yet. What was looked at is not looked at again."""
        for mark in iter(lambda: self._MARKS.search(self._value, self._scanned), None):
            byte = mark[0]
            self._scanned = mark.end() + (byte == b"\\")  # and what stands behind a backslash
            if byte == b'"':
                self._quoted = not self._quoted
            elif not self._quoted and byte != b"\\":
                self._depth += 1 if byte in b"[{" else -1
                if self._depth <= 0:
                    self._depth = 0
                    return mark.end()
        self._scanned = max(self._scanned, len(self._value))
        return 0


class MsgpackValues:
    """Cuts a stream of msgpack values; strings need not be text, as Fluent Bit's are not."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            raw=True,
            strict_map_key=False,
            max_buffer_size=LONGEST,
            max_array_len=_MOST_ELEMENTS,
            max_map_len=_MOST_ELEMENTS,
        )
        self._told = 0

    def __call__(self, received: bytes) -> Iterator[tuple[Any, int]]:
        """Take bytes; give the values that they complete. Raises Junk."""
        try:
            self._unpacker.feed(received)
            for value in self._unpacker:
                size = self._unpacker.tell() - self._told
                self._told += size
                yield value, size
        except (ValueError, TypeError, OverflowError, msgpack.UnpackException) as error:
            raise Junk(f"no msgpack: {error or type(error).__name__}") from error


def json_value(whole: bytes) -> Any:
    """The value of a JSON text. Raises Junk."""
    try:
        # NaN and the infinities are no JSON, and evidence is: they stay words.
        return plain(json.loads(whole, parse_constant=str))
    except (ValueError, RecursionError) as error:
        raise Junk(f"no JSON: {error}") from error


def text(raw: object) -> str:
    """What stands for a name in msgpack, in whatever bytes."""
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else str(raw)


def plain(value: object, depth: int = _DEEPEST) -> Any:
    """A value out of JSON or msgpack as evidence has it: JSON, and not too deep."""
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        return {text(name): plain(one, depth - 1) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one, depth - 1) for one in value]
    if isinstance(value, msgpack.ExtType):
        return plain_time(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    return text(value)


def plain_time(value: msgpack.ExtType) -> float | str:
    """Fluentd's time in seconds; what is none is told in hexadecimal digits."""
    if value.code == _EVENT_TIME and len(value.data) == 8:  # noqa: PLR2004 # see _EVENT_TIME
        seconds, nanoseconds = value.data[:4], value.data[4:]
        return float(int.from_bytes(seconds) + int.from_bytes(nanoseconds) / 1e9)
    return str(value.data.hex())


def event_record(event: object) -> Any:
    """What was logged, out of Fluent Bit's `[time, record]`, or `[[time, metadata], record]`.

    Raises Junk.
    """
    if not isinstance(event, list) or len(event) != 2 or not isinstance(event[1], dict):  # noqa: PLR2004 # a pair
        raise Junk("no pair of time and record")
    return plain(event[1])


def json_records(value: object) -> list[Any]:
    """The records in a JSON value: an array's elements, else the one."""
    return value if isinstance(value, list) else [value]


def event_records(value: object) -> list[Any]:
    """The record in an event."""
    return [event_record(value)]


JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"

FORMATS: Final[Mapping[str, tuple[str, Callable[[], Cutter], Callable[[object], list[Any]]]]] = {
    "msgpack": (MSGPACK, MsgpackValues, event_records),
    "json": (JSON, JsonValues, json_records),
    "json_lines": (JSON, JsonValues, json_records),
    "json_stream": (JSON, JsonValues, json_records),
}
"""What Fluent Bit's `format` comes to on the wire: its media type, how it is cut, its records."""


def unzipped(packed: bytes, window: int) -> bytes:
    """What was compressed; `window` as zlib has it (`wbits`). Raises Junk."""
    unzip = zlib.decompressobj(window)
    try:
        whole = unzip.decompress(packed, LONGEST)
    except zlib.error as error:
        raise Junk(f"nothing to unzip: {error}") from error
    if not unzip.eof:
        raise Junk("compressed, and it does not end, or not soon enough")
    return whole


def _hold(rest: bytearray) -> None:
    if len(rest) > LONGEST:
        rest.clear()
        raise Junk(f"more than {LONGEST} bytes without an end")
