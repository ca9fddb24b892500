"""The troubles in a log: what belongs together, repeats counted, memory flat at any size."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from flb_handshake.agent.logs import Level
from flb_handshake.diagnosis import release as releases
from flb_handshake.diagnosis.clues import Clue, clues, side_of
from flb_handshake.diagnosis.lines import Found
from flb_handshake.diagnosis.release import Release
from flb_handshake.diagnosis.wordings import AFTERMATH

_OWNER: Final = re.compile(
    r"^\[(?P<kind>output|input|filter)[: ](?:(?P<plugin>\w+):)?(?P<name>[^\]]+)\]"
)
_OLD_OWNER: Final = re.compile(r"^\[(?P<kind>out|in|filter)_(?P<plugin>\w+)\]")
_OLD_PLUGINS: Final = {"fw": "forward", "kube": "kubernetes", "ws": "websocket"}
_KINDS: Final = {"out": "output", "in": "input"}
_TARGET: Final = re.compile(
    r"(?:failed to|available to|broken connection to|connection #-?\d+ to|remote|records to|"
    r"handshake failed for) (?:\w+://)?(?P<target>[^\s,:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5})"
)
_DETAIL: Final = re.compile(r"^\[tls\] connection #")
_END: Final = re.compile(r"^\[tls\] (?:error: |certificate verification failed)| timed out after ")

CONTEXT: Final = 6
"""Lines that are kept of a trouble, besides how often it came."""
_WIDTH: Final = 400
_MOST: Final = 500
"""Troubles that are told apart; what comes after that many falls under the last."""
_APART: Final = 25
"""Lines between two that need not belong together any more."""
_TEXTS: Final = 64
"""Different lines of one trouble that are weighed."""
_REMEMBERED: Final = 4096
"""Lines whose clues are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose trouble it is."""

    kind: str = ""
    """output, input, filter; empty: nobody says."""
    plugin: str = ""
    name: str = ""


NOBODY: Final = Owner()
_LOUD: Final = frozenset({Level.ERROR, Level.WARN})


@dataclass(slots=True, kw_only=True)
class Trouble:
    """One trouble, as often as it came."""

    owner: Owner
    target: str
    """HOST:PORT; empty: nobody says."""
    is_input: bool
    clues: dict[str, Clue]
    release: Release
    lines: list[tuple[int, str]]
    """The first of its lines, with their numbers."""
    texts: tuple[str, ...] = ()
    """What its first lines say."""
    first: int
    last: int
    times: int = 0
    debug: bool = False
    """Whether the log holds lines of `tls.debug`, or of `log_level debug`."""
    at: tuple[str, str] = ("", "")
    """The times of the first and the last line."""

    @property
    def output(self) -> str | None:
        """What it is called in reports: the output's or input's name, else what is dialled."""
        return self.owner.name or self.target or None

    @property
    def decisive(self) -> Clue:
        """The clue that says most."""
        return max(self.clues.values(), key=lambda one: one.strength)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a line says."""

    owner: Owner
    target: str
    is_input: bool | None
    begins: bool
    """Whether it stands at the beginning of a trouble."""
    ends: bool
    """Whether it is the last that is said of a handshake, but for whose it was."""
    certain: bool
    """Whether it is trouble whatever its level."""


@dataclass(slots=True)
class _Times:
    """How often a line came, and the last of them."""

    last: Found
    times: int = 1


@dataclass(slots=True)
class _Open:
    """Lines that belong together so far."""

    owner: Owner = NOBODY
    target: str = ""
    is_input: bool | None = None
    texts: dict[str, Found] = field(default_factory=dict)
    """What is said, each once: what it means may depend on a side that a later line names."""
    ends: dict[str, _Times] = field(default_factory=dict)
    """Of what ends a handshake, how often each was said."""
    begun: bool = False
    """Whether a line came that stands at the beginning of a trouble."""
    lines: list[Found] = field(default_factory=list)
    last: int = 0
    loud: bool = False
    begun_after_owner: bool = False


def owner_of(text: str) -> Owner:
    """The input, filter or output that a line names."""
    if match := _OWNER.match(text):
        name = match["name"]
        plugin = match["plugin"] or name.rpartition(".")[0] or name
        return Owner(kind=match["kind"], plugin=plugin, name=name)
    if match := _OLD_OWNER.match(text):
        plugin = _OLD_PLUGINS.get(match["plugin"], match["plugin"])
        kind = _KINDS.get(match["kind"], match["kind"])
        return Owner(kind=kind, plugin=plugin, name=plugin)
    return NOBODY


def target_of(text: str) -> str:
    """HOST:PORT that a line says to have been dialled; empty: none."""
    match = _TARGET.search(text)
    return match["target"] if match else ""


class Gathering:
    """Takes lines one by one and keeps the troubles."""

    def __init__(self, release: Release | None = None) -> None:
        self.release = release or releases.UNKNOWN
        self._told = release
        self._open = _Open()
        self._troubles: dict[tuple[str, str], Trouble] = {}
        self._known: dict[str, _Said | None] = {}
        self._same: dict[tuple[object, ...], Trouble] = {}

    def take(self, found: Iterable[Found]) -> None:
        """Takes the lines of a log in order."""
        for one in found:
            self._line(one)

    def done(self) -> list[Trouble]:
        """The troubles, in the order in which they began."""
        self._close()
        return sorted(self._troubles.values(), key=lambda one: one.first)

    def _line(self, one: Found) -> None:
        if one.text in self._known:
            said = self._known[one.text]
        else:
            self._learn(one.text)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            said = self._known[one.text] = _said(one.text)
        if said is None:
            return
        now, owner = self._open, said.owner
        if now.lines and (one.number - now.last > _APART or _is_another(now, said)):
            self._close()
            now = self._open
        if owner is not NOBODY and now.owner is NOBODY:
            now.owner = owner
        elif said.begins and now.owner is not NOBODY:
            now.begun_after_owner = True
        self._add(now, one, said)

    def _add(self, now: _Open, one: Found, said: _Said) -> None:
        if len(now.texts) < _TEXTS:
            now.texts.setdefault(one.text, one)
        if said.ends:
            known = now.ends.get(one.text)
            if known is None:
                now.ends[one.text] = _Times(last=one)
            else:
                known.times, known.last = known.times + 1, one
        if len(now.lines) < CONTEXT:
            now.lines.append(one)
        else:
            now.lines[-1] = one
        now.begun |= said.begins
        now.last = one.number
        now.loud |= said.certain or one.level in _LOUD
        if said.is_input is not None:
            now.is_input = said.is_input
        now.target = now.target or said.target

    def _learn(self, text: str) -> None:
        if self._told is not None:
            return
        banner = releases.from_banner(text)
        if banner is not None:
            if self.release.exact not in {"", banner.exact}:
                self._close()  # what came before was another release's
            if self.release.exact != banner.exact:
                self._known.clear()
                self._same.clear()
            self.release = banner
        else:
            self.release = releases.from_wording(text, self.release)

    def _close(self) -> None:
        now, self._open = self._open, _Open()
        if not now.loud:
            return
        if now.owner is NOBODY and not now.target:
            for one in _parted(now):
                self._take_up(one)
        else:
            self._take_up(now)

    def _take_up(self, now: _Open) -> None:
        is_input = now.owner.kind == "input" if now.is_input is None else now.is_input
        alike = (now.owner, now.target, is_input, *now.texts)
        same = self._same.get(alike)
        if same is None:
            same = self._kept(now, clues_of(now.texts, is_input=is_input), is_input=is_input)
            if len(self._same) >= _REMEMBERED:
                self._same.clear()
            self._same[alike] = same
        counted = _Times(last=now.lines[-1])
        if now.owner is NOBODY and not now.target:
            counted = next(iter(now.ends.values()), counted)
        same.times += counted.times
        same.last = max(counted.last.number, now.lines[-1].number)
        same.at = (same.at[0], counted.last.time or same.at[1])

    def _kept(self, now: _Open, said: dict[str, Clue], *, is_input: bool) -> Trouble:
        """The trouble that these lines are one more time of, or the first."""
        strongest = max(said.values(), key=lambda clue: clue.strength)
        key = (now.owner.name or now.target, strongest.name)
        if key not in self._troubles and len(self._troubles) >= _MOST:
            key = next(reversed(self._troubles))
        same = self._troubles.get(key)
        if same is None:
            same = self._troubles[key] = Trouble(
                owner=now.owner,
                target=now.target,
                is_input=is_input,
                clues=said,
                release=self.release,
                lines=[(one.number, one.raw[:_WIDTH]) for one in now.lines],
                texts=tuple(dict.fromkeys(one.text for one in now.lines)),
                first=now.lines[0].number,
                last=now.lines[-1].number,
                at=(now.lines[0].time, now.lines[0].time),
            )
        same.clues.update(said)
        same.release = self.release if self.release.known else same.release
        same.debug |= any("SSL_" in text or "SSL3 alert" in text for text in now.texts)
        return same


def clues_of(texts: Iterable[str], *, is_input: bool) -> dict[str, Clue]:
    """What these lines speak for together, by name."""
    return {clue.name: clue for text in texts for clue in clues(text, is_input=is_input)}


def _said(text: str) -> _Said | None:
    """What a line says, as far as the other lines do not matter; None: nothing."""
    each = clues(text, is_input=False)
    if not each:
        return None
    owner = owner_of(text)
    return _Said(
        owner=owner,
        target=target_of(text),
        is_input=side_of(text),
        begins=owner is NOBODY and any(clue.begins for clue in each),
        ends=_END.search(text) is not None,
        certain=any(clue.name not in AFTERMATH for clue in each),
    )


def _is_another(now: _Open, said: _Said) -> bool:
    """Whether a line begins something new: another's, or the next try of the same."""
    if said.owner is not NOBODY and now.owner is not NOBODY:
        return said.owner != now.owner or now.begun_after_owner
    return said.begins and now.owner is not NOBODY and now.begun


def _parted(now: _Open) -> list[_Open]:
    """Lines that nobody claims, one handshake after the other: those of an input bear no name.

    Outputs name themselves behind such a line, so theirs are never parted.
    """
    if not now.ends:
        return [now]
    parts = [_Open(is_input=now.is_input)]
    for text, one in now.texts.items():
        if parts[-1].ends:
            parts.append(_Open(is_input=now.is_input))
        part = parts[-1]
        part.texts[text] = one
        part.lines = [*part.lines, one][:CONTEXT]
        if text in now.ends:
            part.ends = {text: now.ends[text]}
    if len(parts) > 1 and not parts[-1].ends and all(map(_DETAIL.search, parts[-1].texts)):
        rest = parts.pop()  # what belongs to no handshake that follows
        parts[-1].texts |= rest.texts
    return parts


def gathered(found: Iterable[Found], release: Release | None = None) -> list[Trouble]:
    """The troubles in these lines; with a release, it is not looked for."""
    gathering = Gathering(release)
    gathering.take(found)
    return gathering.done()
