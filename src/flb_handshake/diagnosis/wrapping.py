"""What is put around a line, taken away: by journald, CRI, Docker, klog; JSON and colours."""

from __future__ import annotations

import json
import re
from typing import Final

from flb_handshake.agent.logs import Level, LogLine

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_OWN: Final = re.compile(
    r"(?:\[(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\] )?"
    r"\[ ?(?P<level>error|warn|info|debug|trace|help)\] ?(?P<text>.*)$"
)
_NO_LEVEL: Final = re.compile(
    r"(?:\[(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\] )?"
    r"(?P<text>(?:\[(?:tls|net|io_tls|engine|http_client|upstream|openssl)\] |X509 - |SSL - |"
    r"Client sent an HTTP request).*)$"
)
_BANNER: Final = re.compile(r"(?P<text>Fluent Bit v\d+\.\d+.*)$")
_WRAPPED: Final = ("log", "message", "MESSAGE", "msg", "textPayload")
"""The fields in which Docker, journald -o json and the usual shippers keep a line."""
_PREFIX: Final = 400
"""Characters in which a line of Fluent Bit's begins, if it is one."""


def unwrapped(raw: str) -> LogLine | None:
    """Fluent Bit's own line, whatever was put around it; None: it is none of its."""
    text = _COLOURS.sub("", _from_json(raw))
    for shape, level in ((_OWN, None), (_NO_LEVEL, Level.ERROR), (_BANNER, Level.INFO)):
        if (match := shape.search(text, 0, max(_PREFIX, len(text)))) and match.start() < _PREFIX:
            parts = match.groupdict()
            return LogLine(
                time=parts.get("time") or "",
                level=level or Level(parts["level"]),
                text=parts["text"].rstrip(),
            )
    return None


def _from_json(raw: str) -> str:
    """The line inside a JSON object, as often as it is wrapped."""
    start = raw.find("{")
    if start < 0 or not raw.rstrip().endswith("}") or start > _PREFIX:
        return raw
    try:
        entry = json.loads(raw[start:])
    except (ValueError, RecursionError):
        return raw
    if not isinstance(entry, dict):
        return raw
    for name in _WRAPPED:
        inner = entry.get(name)
        if isinstance(inner, list):  # journald's way with what holds an escape
            inner = _of_bytes(inner)
        if isinstance(inner, str):
            return _from_json(inner) if len(inner) < len(raw) else inner
    return raw


def _of_bytes(numbers: list[object]) -> str | None:
    """The text whose bytes these are; None: they are none."""
    some = [one for one in numbers if isinstance(one, int) and 0 <= one < 256]  # noqa: PLR2004
    return bytes(some).decode("utf-8", "replace") if len(some) == len(numbers) else None
