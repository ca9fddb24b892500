"""The lines of a log that may speak of trouble, out of a stream of any size, as fast as a search.

Bytes are searched for a few literals in whole chunks; only lines that hold one are read at all.
What collectors of logs put around a line (journald, CRI, Docker, Compose, klog, JSON, colours) is
taken away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple

from flb_handshake.agent.logs import Level, LogLine

CHUNK: Final = 1 << 20
"""Bytes that are searched at once."""
LONGEST: Final = 1 << 16
"""Bytes of a line that are kept; what follows is passed over."""

_LITERALS: Final = (
    b"error",
    b" warn",
    b"alert",
    b"failed",
    b"signal (SIG",
    b"thumbprint",
    b"http://",
    b"Client sent",
    b"X509 -",
    b"getaddrinfo",
    b"Fluent Bit v",
    b"[fluent bit] ver",
)
"""One of these stands in every line that a clue or a release is read from."""

_LOUD: Final = (b"error", b" warn", b"Fluent Bit v")
"""One of these stands in every trouble of a log; the other literals stand near it."""
_NEIGHBOURS: Final = 4
"""Lines before and after a loud one that are searched for all literals."""
_DENSE: Final = 1000
"""Bytes to a loud line, below which all lines are near one."""
_THOROUGHLY: Final = 2000
"""Lines at the beginning of a log that are searched for all literals."""
_REMEMBERED: Final = 4096
_NEW: Final = object()

_LOOKS_LIKE_ONE: Final = re.compile(
    rb"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|Fluent Bit v\d|X509 - "
    rb"|\[(?:\\u001b|\x1b)?[^\]\n]{0,9}(?:error|warn|info|debug)\b[^\]\n]{0,9}\] "
    rb"|\[(?:tls|net|io_tls|engine|http_client)\] |Client sent an HTTP request"
)
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


class Found(NamedTuple):
    """A line that may speak of trouble; a tuple, since a log may hold nothing else."""

    number: int
    """Counted from 1."""
    time: str
    level: Level
    text: str

    @property
    def raw(self) -> str:
        """As it is shown: without what was put around it."""
        time = f"[{self.time}] " if self.time else ""
        return f"{time}[{self.level}] {self.text}"


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads streams one after the other, and counts."""

    count: int = 0
    """Lines so far."""
    size: int = 0
    """Bytes so far."""
    is_log: bool = False
    """Whether a line of Fluent Bit's has been seen."""
    _rest: bytes = field(default=b"", repr=False)
    _known: dict[bytes, LogLine | None] = field(default_factory=dict, repr=False)

    def read(self, stream: BinaryIO) -> Iterator[Found]:
        """The lines that hold one of the literals, in order. Raises OSError."""
        for block in iter(lambda: stream.read(CHUNK), b""):
            self.size += len(block)
            whole, line_end, rest = block.rpartition(b"\n")
            if not line_end:
                # A line longer than a chunk: only its beginning can be of use.
                self._rest = (self._rest + block)[:LONGEST]
                continue
            yield from self._search(self._rest + whole)
            self._rest = rest[:LONGEST]
        if self._rest:
            yield from self._search(self._rest)
            self._rest = b""

    def _search(self, block: bytes) -> Iterator[Found]:
        """Searches whole lines, the last of them without its end."""
        if not self.is_log:
            self.is_log = _LOOKS_LIKE_ONE.search(block) is not None
        number, reached = self.count + 1, 0
        for start, end in self._hits(block):
            number += block.count(b"\n", reached, start)
            reached = start
            found = self._line(number, block[start : min(end, start + LONGEST)])
            if found is not None:
                yield found
        self.count = number + block.count(b"\n", reached)

    def _hits(self, block: bytes) -> Iterator[tuple[int, int]]:
        """Where the lines begin and end that are read.

        The beginning of a log is searched for everything: a quoted excerpt may lack the levels.
        """
        if self.count < _THOROUGHLY:
            yield from _lines_with(_LITERALS, block, 0, len(block))
            return
        loud = _lines_with(_LOUD, block, 0, len(block))
        if len(loud) * _DENSE > len(block):
            yield from _lines_with(_LITERALS, block, 0, len(block))
            return
        stretches: list[tuple[int, int]] = []
        for start, end in loud:
            begin, stop = _back(block, start), _on(block, end)
            if stretches and begin <= stretches[-1][1]:
                begin = stretches.pop()[0]
            stretches.append((begin, stop))
        for begin, stop in stretches:
            yield from _lines_with(_LITERALS, block, begin, stop)

    def _line(self, number: int, raw: bytes) -> Found | None:
        """Reads a line; what stands behind its time is mostly known from before."""
        cut = raw.find(b"] [", 0, _PREFIX)
        known = self._known.get(raw[cut:], _NEW) if cut > 0 else _NEW
        if known is None:
            return None
        if isinstance(known, LogLine):
            time = raw[raw.rfind(b"[", 0, cut) + 1 : cut]
            return Found(number, time.decode("ascii", "replace"), known.level, known.text)
        line = unwrapped(raw.decode("utf-8", "replace").rstrip("\r"))
        if cut > 0 and b"{" not in raw[:cut] and b"\x1b" not in raw[:cut]:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[raw[cut:]] = line
        return Found(number, line.time, line.level, line.text) if line is not None else None


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
        if isinstance(inner, str):
            return _from_json(inner) if len(inner) < len(raw) else inner
    return raw


def _lines_with(
    literals: Sequence[bytes], block: bytes, begin: int, stop: int
) -> list[tuple[int, int]]:
    """Where the lines begin and end that hold one of the literals, in order."""
    found: dict[int, int] = {}
    for literal in literals:
        at = block.find(literal, begin, stop)
        while at >= 0:
            end = block.find(b"\n", at, stop)
            end = stop if end < 0 else end
            found[block.rfind(b"\n", 0, at) + 1] = end
            at = block.find(literal, end, stop)
    return sorted(found.items())


def _back(block: bytes, start: int) -> int:
    """The beginning of the lines before a line that may belong to it."""
    for _ in range(_NEIGHBOURS):
        start = block.rfind(b"\n", 0, max(0, start - 1)) + 1
    return start


def _on(block: bytes, end: int) -> int:
    """The end of the lines after a line that may belong to it."""
    for _ in range(_NEIGHBOURS):
        end = block.find(b"\n", end + 1)
        if end < 0:
            return len(block)
    return end
