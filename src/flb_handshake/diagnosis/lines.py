"""The lines of a log that may speak of trouble, out of a stream of any size, as fast as a search.

Bytes are searched for a few literals in whole chunks. Where they are rare, only lines near one are
read at all; where they are not, a line costs a look at what is known of its like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, TypeAlias

from flb_handshake.diagnosis.joining import joined
from flb_handshake.diagnosis.wrapping import unwrapped

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

_SPEAKS: Final = re.compile(b"|".join(map(re.escape, _LITERALS)))
_LOUD: Final = (b"error", b" warn", b"Fluent Bit v")
"""One of these stands in every trouble of a log; the other literals stand near it."""
_NEIGHBOURS: Final = 4
"""Lines before and after a loud one that are searched for all literals."""
_SAMPLE: Final = 1 << 16
_DENSE: Final = 1000
"""Bytes to a loud line in the beginning of a chunk, below which all its lines are read."""
_THOROUGHLY: Final = 2000
"""Lines at the beginning of a log that are searched for all literals."""
_REMEMBERED: Final = 1024
"""Lines that are remembered, of each way of putting something before them."""
_WAYS: Final = 32
_SHORT: Final = 512
"""Bytes behind its time of a line that is remembered."""
_NEW: Final = ""

_LOOKS_LIKE_ONE: Final = re.compile(
    rb"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|Fluent Bit v\d|X509 - "
    rb"|\[(?:\\u001b|\x1b)?[^\]\n]{0,9}(?:error|warn|info|debug)\b[^\]\n]{0,9}\] "
    rb"|\[(?:tls|net|io_tls|engine|http_client)\] |Client sent an HTTP request"
)
_COLOURS: Final = re.compile(rb"(?:\x1b|\\u001b)\[[0-9;]*[A-Za-z]")
_ONES: Final = bytes.maketrans(b"0123456789", b"1" * 10)
_VARYING: Final = (
    (b"connection #", re.compile(rb"connection #\d+"), b"connection #1"),
    (
        b" chunk '",
        re.compile(rb" chunk '[^']*'(?:, retry in \d+ seconds)?(?:: task_id=\d+)?"),
        b" chunk ''",
    ),
    (b'"time":"', re.compile(rb'"time":"[^"]*"'), b'"time":""'),
)
"""What differs from line to line and says nothing: a literal to look for, and what replaces it."""

Found: TypeAlias = tuple[int, bytes, str]
"""A line that may speak of trouble: its number from 1, the line itself, and what it says.

What it says is as Fluent Bit writes it, `[level] text`, without its time and with the same numbers
for all that vary. A plain tuple, since a log may hold nothing else.
"""


def shown(raw: bytes) -> tuple[str, str]:
    """The time of a line, and what it says behind it, both as they stand there."""
    line = unwrapped(raw[:LONGEST].decode("utf-8", "replace").rstrip("\r"))
    return (line.time, f"[{line.level}] {line.text}") if line is not None else ("", "")


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
    _waiting: bytes = field(default=b"", repr=False)
    _ways: dict[bytes, dict[bytes, str | None]] = field(default_factory=dict, repr=False)
    """By what stands before it, its digits aside, and by the rest of the line: what it says."""

    def read(self, stream: BinaryIO) -> Iterator[Found]:
        """The lines that hold one of the literals, in order. Raises OSError."""
        for block in iter(lambda: stream.read(CHUNK), b""):
            self.size += len(block)
            if b"\0" in block:  # UTF-16, or what a truncated file is filled with
                block = block.translate(None, b"\0")  # noqa: PLW2901
            whole, line_end, rest = block.rpartition(b"\n")
            if not line_end:
                # A line longer than a chunk: only its beginning can be of use.
                self._rest = (self._rest + block)[:LONGEST]
                continue
            yield from self._joined(self._rest + whole, is_all=False)
            self._rest = rest[:LONGEST]
        if self._rest or self._waiting:
            yield from self._joined(self._rest, is_all=True)
            self._rest = b""

    def _joined(self, block: bytes, *, is_all: bool) -> Iterator[Found]:
        """Searches whole lines, but for those of which parts may still come."""
        if self._waiting:
            block = self._waiting + b"\n" + block if block or not is_all else self._waiting
        whole, self._waiting = joined(block, is_all=is_all)
        if whole is not None:
            yield from self._search(whole)

    def _search(self, block: bytes) -> Iterator[Found]:
        """Searches whole lines, the last of them without its end."""
        if not self.is_log:
            self.is_log = _LOOKS_LIKE_ONE.search(block) is not None
        yield from self._said(self._near(block))
        self.count += block.count(b"\n") + 1

    def _near(self, block: bytes) -> Iterable[tuple[int, bytes]]:
        """The lines that are read, with their numbers.

        The beginning of a log is read whole: a quoted excerpt may lack the levels.
        """
        if self.count < _THOROUGHLY or _is_dense(block[:_SAMPLE]):
            return self._every(block)
        loud = _lines_with(_LOUD, block, 0, len(block))
        if len(loud) * _DENSE > len(block):
            return self._every(block)
        return self._numbered(block, _stretches(block, loud))

    def _every(self, block: bytes) -> Iterable[tuple[int, bytes]]:
        return enumerate(_plain(block).split(b"\n"), self.count + 1)

    def _numbered(
        self, block: bytes, stretches: Iterable[tuple[int, int]]
    ) -> Iterator[tuple[int, bytes]]:
        number, reached = self.count + 1, 0
        for begin, stop in stretches:
            for start, end in _lines_with(_LITERALS, block, begin, stop):
                number += block.count(b"\n", reached, start)
                reached = start
                yield number, _plain(block[start:end])

    def _said(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Found]:
        """The lines that say something; what one says is mostly known from before.

        This is what a line costs where all of them are trouble, so nothing is called that need not.
        """
        before, way, known = b"", b"", self._known(b"")
        for number, raw in lines:
            head, between, tail = raw.partition(b"] [")
            if not between:
                head, tail = b"", raw
            if head != before:
                before, alike = head, head.translate(_ONES)
                if alike != way:
                    way, known = alike, self._known(alike)
            said = known.get(tail, _NEW)
            if said is _NEW:
                said = _learned(known, way + between, tail)
            if said is not None:
                yield number, raw if len(raw) <= LONGEST else raw[:LONGEST], said

    def _known(self, way: bytes) -> dict[bytes, str | None]:
        """What is known of lines that have this before them."""
        if len(self._ways) >= _WAYS and way not in self._ways:
            self._ways.clear()
        return self._ways.setdefault(way, {})


def _learned(known: dict[bytes, str | None], before: bytes, tail: bytes) -> str | None:
    """What a line says that is new but for what varies; it is remembered."""
    steady = tail
    for literal, varying, instead in _VARYING:
        if literal in tail:
            steady = varying.sub(instead, steady)
    said = known.get(steady, _NEW)
    if said is _NEW:
        said = _read(before + steady)
    if len(tail) <= _SHORT:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[steady] = said
    return said


def _read(raw: bytes) -> str | None:
    """What a line says; None: nothing that is of use."""
    return shown(raw)[1] or None if _SPEAKS.search(raw) else None


def _is_dense(sample: bytes) -> bool:
    """Whether loud lines stand so near to each other that looking for them saves nothing."""
    return sum(map(sample.count, _LOUD)) * _DENSE > len(sample)


def _plain(some: bytes) -> bytes:
    """Lines without colours: what is remembered of others should fit these too."""
    if b"\x1b[" in some or b"\\u001b[" in some:
        return _COLOURS.sub(b"", some)
    return some


def _stretches(block: bytes, loud: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where the neighbourhoods of loud lines begin and end, those that touch as one."""
    stretches: list[tuple[int, int]] = []
    for start, end in loud:
        begin, stop = _back(block, start), _on(block, end)
        if stretches and begin <= stretches[-1][1]:
            begin = stretches.pop()[0]
        stretches.append((begin, stop))
    return stretches


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
