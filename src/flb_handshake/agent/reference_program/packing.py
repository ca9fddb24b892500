"""Packs and unpacks msgpack, with the library that this project's peers use.

It is imported when somebody speaks it: most of the model needs the standard library alone.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "msgpack"
_EVENT_TIME = 0


def _library() -> Any:
    import msgpack  # type: ignore[import-untyped]  # noqa: PLC0415 # see above

    return msgpack


def packed(value: object) -> bytes:
    """A value as it travels."""
    return bytes(_library().packb(value))


def unpacker() -> Any:
    """What is fed with bytes, and gives values."""
    return _library().Unpacker(strict_map_key=False)


def event_time(when: float) -> Any:
    """Fluentd's type for a time, in seconds and nanoseconds."""
    return _library().ExtType(_EVENT_TIME, struct.pack(">II", int(when), int(when % 1 * 1e9)))
