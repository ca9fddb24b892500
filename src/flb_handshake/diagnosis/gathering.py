"""Lines gathered into troubles: what belongs together, repeats counted, memory flat at any size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from flb_handshake.diagnosis import release as releases
from flb_handshake.diagnosis.clues import Clue
from flb_handshake.diagnosis.lines import Found, shown
from flb_handshake.diagnosis.release import Release
from flb_handshake.diagnosis.together import (
    END,
    MOST_TEXTS,
    Said,
    Together,
    failed_at_once,
    is_another,
    parted,
    said_by,
    with_one_more,
)
from flb_handshake.diagnosis.troubles import Trouble, clues_of

CONTEXT: Final = 6
"""Lines that are kept of a trouble, besides how often it came."""
_WIDTH: Final = 400
_MOST: Final = 500
"""Troubles that are told apart; what comes after that many falls under the last."""
_APART: Final = 25
"""Lines between two that need not belong together any more."""
_REMEMBERED: Final = 1 << 13
"""Lines whose clues are remembered, and as many steps from line to line."""


@dataclass(slots=True)
class _Tally:
    """A line that nobody has claimed so far, as often as it came."""

    first: Found
    last: Found
    times: int = 1


@dataclass(slots=True, eq=False)
class _State:
    """The same, each but once, with what is known to come of it."""

    so_far: Together
    steps: dict[str, _Step] = field(default_factory=dict)
    """By the next line that says something."""
    parts: tuple[_State, ...] = ()
    """The handshakes that it is of, if it ends here and nobody has claimed it."""
    trouble: Trouble | None = None
    """What it is one more time of, if it ends here."""


class _Step(NamedTuple):
    """What a line makes of a state; a tuple, since each line of a log may be one."""

    ends: _State | None
    """What ends before it: all that was gathered, or what is of another than is named now."""
    counts: bool
    """Whether it says anything of a trouble."""
    after: _State
    loose: str = ""
    """Its text, if nobody has claimed what was gathered with it."""


class Gathering:
    """Takes lines one by one and keeps the troubles.

    A log that is all trouble says the same few things for hours, so what a line makes of those
    before it is found out once: after that, it is a step from one state to the next.
    """

    def __init__(self, release: Release | None = None) -> None:
        self._told = release is not None
        self._troubles: dict[tuple[str, str, str], Trouble] = {}
        self._said: dict[str, Said | None] = {}
        self._states: dict[Together, _State] = {}
        self._found_out = 0
        self._state = self._state_of(Together(release=release or releases.UNKNOWN))
        self._last = 0
        self._lines: list[Found] = []
        self._loose: dict[str, _Tally] = {}

    def take(self, found: Iterable[Found]) -> None:
        """Takes the lines of a log in order."""
        state, last, lines = self._state, self._last, self._lines
        for one in found:
            number, _, said = one
            ends, counts, after, loose = state.steps.get(said) or self._found(state, said)
            if counts and number - last > _APART and lines:
                ends, (_, _, after, loose) = state, self._anew(state, said)
            if ends is not None:
                left = [] if ends is state else _left(ends.so_far, after.so_far, lines)
                self._end(ends, [it for it in lines if it not in left])
                lines = left
            state = after
            if loose:
                self._tally(loose, one)
            if counts:
                last = number
                if len(lines) < CONTEXT:
                    lines.append(one)
                else:
                    lines[-1] = one
        self._state, self._last, self._lines = state, last, lines

    def done(self) -> list[Trouble]:
        """The troubles, in the order in which they began."""
        self._end(self._state, self._lines)
        self._state, self._lines = self._begin(self._state.so_far.release), []
        return sorted(self._troubles.values(), key=lambda one: one.first)

    def _found(self, state: _State, line: str) -> _Step:
        """What a line makes of a state, found out and remembered."""
        if self._found_out >= _REMEMBERED:
            self._found_out = 0
            for each in self._states.values():
                each.steps.clear()  # they lead to each other, and would be kept for a while
            self._states.clear()
        self._found_out += 1
        step = state.steps[line] = self._step(state, line)
        return step

    def _step(self, state: _State, line: str) -> _Step:
        now = state.so_far
        text = line.partition(" ")[2]
        release = now.release if self._told else releases.after(text, now.release)
        if now.release.exact not in {"", release.exact}:
            return _Step(ends=state, counts=False, after=self._begin(release))
        now = replace(now, release=release)
        said = self._said_by(line)
        if said is None:
            return _Step(ends=None, counts=False, after=self._state_of(now))
        ends, rest = None, now
        if both := failed_at_once(now, said):
            ends, rest = self._state_of(both[0]), both[1]
        elif is_another(now, said):
            ends, rest = state, Together(release=release)
        after = with_one_more(rest, said)
        loose = "" if after.is_claimed else said.text
        return _Step(ends=ends, counts=True, after=self._state_of(after), loose=loose)

    def _anew(self, state: _State, line: str) -> _Step:
        """What a line makes of nothing: none before it belongs to it."""
        begin = self._begin(state.so_far.release)
        return begin.steps.get(line) or self._found(begin, line)

    def _tally(self, text: str, one: Found) -> None:
        """Counts a line that nobody has claimed; beyond the most texts, as one more of the last."""
        tally = self._loose.get(text)
        if tally is None:
            if len(self._loose) < MOST_TEXTS:
                self._loose[text] = _Tally(first=one, last=one)
                return
            tally = next(reversed(self._loose.values()))
        tally.times, tally.last = tally.times + 1, one

    def _begin(self, release: Release) -> _State:
        return self._state_of(Together(release=release))

    def _state_of(self, so_far: Together) -> _State:
        found = self._states.get(so_far)
        if found is None:
            found = self._states[so_far] = _State(so_far)
        return found

    def _said_by(self, line: str) -> Said | None:
        if line not in self._said:
            if len(self._said) >= _REMEMBERED:
                self._said.clear()
            self._said[line] = said_by(line)
        return self._said[line]

    def _end(self, state: _State, lines: Sequence[Found]) -> None:
        """Counts what was gathered as a trouble, or as one more time of one."""
        now, loose = state.so_far, self._loose
        self._loose = {}
        if not now.loud:
            return
        if now.is_claimed:
            self._count(state, lines, lines[-1])
            return
        state.parts = state.parts or tuple(map(self._state_of, parted(now)))
        for part in state.parts:
            each = [loose[text] for text in part.so_far.texts]
            times = next((loose[it].times for it in part.so_far.texts if END.search(it)), 1)
            last = max((one.last for one in each), key=lambda found: found[0])
            self._count(part, [one.first for one in each][:CONTEXT], last, times)

    def _count(self, state: _State, lines: Sequence[Found], last: Found, times: int = 1) -> None:
        now, same = state.so_far, state.trouble
        if same is None:
            same = state.trouble = self._kept(now, lines)
        if same.release is not now.release and now.release.known:
            same.release = now.release
        same.times += times
        same.last = last[0]
        same.ends = (same.ends[0], last[1])

    def _kept(self, now: Together, lines: Sequence[Found]) -> Trouble:
        """The trouble that these lines are one more time of, or the first."""
        is_input = now.owner.kind == "input" if now.is_input is None else now.is_input
        said = clues_of(now.texts, is_input=is_input)
        strongest = max(said.values(), key=lambda clue: clue.strength)
        key = (now.owner.kind, now.owner.name or now.target, strongest.name)
        if key not in self._troubles and len(self._troubles) >= _MOST:
            key = next(reversed(self._troubles))
        same = self._troubles.get(key)
        if same is None:
            same = self._troubles[key] = _first(now, said, lines, is_input=is_input)
        same.clues = said | same.clues
        same.debug |= now.debug and any(" SSL" in text for text in now.texts)
        return same


def _first(
    now: Together, said: dict[str, Clue], lines: Sequence[Found], *, is_input: bool
) -> Trouble:
    return Trouble(
        owner=now.owner,
        target=now.target,
        is_input=is_input,
        clues=said,
        release=now.release,
        lines=[(number, _shown(raw)[:_WIDTH]) for number, raw, _ in lines],
        texts=tuple(dict.fromkeys(line.partition(" ")[2] for _, _, line in lines)),
        first=lines[0][0],
        last=lines[-1][0],
        ends=(lines[0][1], lines[-1][1]),
    )


def _left(ended: Together, after: Together, lines: Sequence[Found]) -> list[Found]:
    """The lines of what goes on; of what both say, the first is of what has ended."""
    left, told = [], set()
    for one in lines[:-1]:
        text = one[2].partition(" ")[2]
        if text in after.texts and (text in told or text not in ended.texts):
            left.append(one)
        told.add(text)
    return left


def _shown(raw: bytes) -> str:
    """A line without what was put around it."""
    time, said = shown(raw)
    return f"[{time}] {said}" if time else said


def gathered(found: Iterable[Found], release: Release | None = None) -> list[Trouble]:
    """The troubles in these lines; with a release, it is not looked for."""
    gathering = Gathering(release)
    gathering.take(found)
    return gathering.done()
