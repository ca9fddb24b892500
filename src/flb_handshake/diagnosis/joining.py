"""Lines that the container's runtime cut into parts (CRI, Docker: at 16 KiB), put together."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final, NamedTuple

LONGEST_WAIT: Final = 1 << 18
"""Bytes of lines that wait for the end of one among them; after that it is as long as it is."""
_LOOKED_AT: Final = 1 << 12
"""Bytes in which it is seen who wrote a log."""

_CRI: Final = re.compile(rb"(?m)^\S+ (stdout|stderr) (P|F)(?::\S+)? ")
_DOCKER: Final = re.compile(rb'(\{"log":")([^"\\]*(?:\\.[^"\\]*)*)","stream":"(\w+)"')
_OF_DOCKER: Final = b'","stream":"'
_ENDED: Final = b'\\n","stream":"'
_OWN: Final = re.compile(rb"(?:\\u001b\[[\d;]*m)*(?:\[\d{4}/\d\d/\d\d |Fluent Bit v\d)")
"""How a line of Fluent Bit's begins, which is no part of one before it."""


class _Part(NamedTuple):
    """A line that a runtime wrote, in three: all before what was logged, that, and all behind."""

    stream: bytes
    before: bytes
    text: bytes
    behind: bytes
    goes_on: bool
    may_continue: bool


def joined(block: bytes, *, is_all: bool) -> tuple[bytes | None, bytes]:
    """Whole lines, with each that was cut in the place of its first part; and those that wait.

    The former are None where all wait.
    The places of the other parts stay empty, so that lines keep their numbers. `is_all`: nothing
    comes after them that could be waited for.
    """
    if not _has_parts(block):
        return block, b""
    lines = block.split(b"\n")
    cut: defaultdict[bytes, list[tuple[int, _Part]]] = defaultdict(list)
    for at, line in enumerate(lines):
        part = _part(line)
        if part is None:
            continue
        if not part.may_continue:
            _put_together(lines, cut.pop(part.stream, []))
        if part.goes_on or cut[part.stream]:
            cut[part.stream].append((at, part))
        if not part.goes_on:
            _put_together(lines, cut.pop(part.stream, []))
    waiting = min((parts[0][0] for parts in cut.values() if parts), default=len(lines))
    held = b"\n".join(lines[waiting:])
    if held and not is_all and len(held) < LONGEST_WAIT:
        return b"\n".join(lines[:waiting]) if waiting else None, held
    for parts in cut.values():
        _put_together(lines, parts)
    return b"\n".join(lines), b""


def _has_parts(block: bytes) -> bool:
    """Whether a line was cut; of who writes no parts, next to nothing is asked."""
    begin = block[:_LOOKED_AT]
    if _CRI.search(begin):
        return b" stderr P" in block or b" stdout P" in block
    return _OF_DOCKER in begin and block.count(_OF_DOCKER) > block.count(_ENDED)


def _part(line: bytes) -> _Part | None:
    if match := _CRI.match(line):
        goes_on = match[2] == b"P"
        begin, behind = line[: match.end()], line[match.end() :]
        return _Part(match[1], begin, behind, b"", goes_on, may_continue=True)
    if match := _DOCKER.match(line):
        goes_on = not match[2].endswith(b"\\n")
        return _Part(
            match[3], match[1], match[2], line[match.end(2) :], goes_on, not _OWN.match(match[2])
        )
    return None


def _put_together(lines: list[bytes], parts: list[tuple[int, _Part]]) -> None:
    """Puts the parts of a line in the place of the first, as what ended it would have been."""
    if len(parts) < 2:  # noqa: PLR2004  # one part is a line by itself
        return
    for at, _ in parts:
        lines[at] = b""
    text = b"".join(part.text for _, part in parts)
    lines[parts[0][0]] = parts[0][1].before + text + parts[-1][1].behind
