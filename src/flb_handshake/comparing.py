"""What changes for a user from one release to another: two results of the same scenario."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Final

from flb_handshake.agent import logs
from flb_handshake.outcomes import Outcome, Side, VerdictKind
from flb_handshake.results import Finding, Result


class Grade(StrEnum):
    """In which way two releases differ, what an upgrade is to be stopped for first."""

    NOW_EXPOSED = "now exposed"
    NOW_REFUSED = "no longer let through"
    NOW_ACCEPTED = "let through, and was refused"
    LOST = "cannot be set any more"
    OTHERWISE = "ends otherwise: another side, alert or outcome"
    WORKS = "delivered, and failed before"
    NO_LONGER_EXPOSED = "no longer exposed"
    LOG = "only the log tells something else"
    GAINED = "can be set now"


WEIGHTY: Final = frozenset(
    {Grade.NOW_EXPOSED, Grade.NOW_REFUSED, Grade.NOW_ACCEPTED, Grade.LOST, Grade.OTHERWISE}
)
"""Grades that an upgrade can break, or weaken, something by."""

_OF_TLS: Final = re.compile(r"\[tls\] (?!connection #)")
"""What names a connection is said under `tls.debug 1` alone."""

_OF_THIS_RUN: Final = re.compile(r"'[^']*'|#-?\d+|\d+(?= seconds)|:\d{4,5}\b")
"""Paths, descriptors, durations and ports."""

_NOISE: Final = frozenset({"http_status", "no_upstream", "broken_connection"})
"""Signs that say that something failed, and not why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One scenario that two releases do not do alike."""

    grade: Grade
    before: Result
    after: Result

    @property
    def gone(self) -> tuple[str, ...]:
        """The signs that the log no longer gives."""
        return tuple(sorted(_signs(self.before).keys() - _signs(self.after).keys()))

    @property
    def come(self) -> tuple[str, ...]:
        """The signs that the log gives now."""
        return tuple(sorted(_signs(self.after).keys() - _signs(self.before).keys()))

    def said(self, name: str) -> str:
        """The line of the log that gave this sign."""
        return {**_signs(self.after), **_signs(self.before)}[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the logs, at their default level, tell of the refusals by one side."""

    by: Side
    refusals: int
    """How many scenarios both releases refuse from that side."""
    told: tuple[int, int]
    """In how many of these each log gives a reason: before, and after."""
    reasons: tuple[int, int]
    """How many different reasons each gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two releases, as far as both were asked the same."""

    changes: tuple[Change, ...]
    """What differs, in the order of the grades."""
    compared: int
    """How many scenarios there are results of on both sides, at least one of which says something
    of the agent."""
    only_before: int
    only_after: int
    """How many there are results of on one side alone."""
    untold: int
    """How many neither release can be asked, or where the harness failed."""
    tellings: tuple[Telling, ...]
    """What the logs still tell, where anything was refused."""

    @property
    def alike(self) -> int:
        """How many do not differ in anything."""
        return self.compared - len(self.changes)


def compare(before: Sequence[Result], after: Sequence[Result]) -> Comparison:
    """What differs; what there is a result of on one side alone is counted."""
    later = {one.scenario.id: one for one in after}
    on_both = [(one, later[one.scenario.id]) for one in before if one.scenario.id in later]
    pairs = [pair for pair in on_both if _tells(*pair)]
    changes = [
        Change(grade=grade, before=one, after=other)
        for one, other in pairs
        if (grade := _grade(one, other)) is not None
    ]
    order = list(Grade)
    return Comparison(
        changes=tuple(sorted(changes, key=lambda change: order.index(change.grade))),
        compared=len(pairs),
        only_before=len(before) - len(on_both),
        only_after=len(after) - len(on_both),
        untold=len(on_both) - len(pairs),
        tellings=tuple(told for side in (Side.AGENT, Side.PEER) if (told := _telling(pairs, side))),
    )


def _telling(pairs: Sequence[tuple[Result, Result]], side: Side) -> Telling | None:
    """None: there is nothing that both releases refuse from that side."""
    by = Outcome.REFUSED_BY_AGENT if side is Side.AGENT else Outcome.REFUSED_BY_PEER
    reasons = [
        (_reason(one), _reason(other))
        for one, other in pairs
        if {one.steps[-1].observation.outcome, other.steps[-1].observation.outcome} == {by}
    ]
    if not reasons:
        return None
    earlier, later = zip(*reasons, strict=True)
    return Telling(
        by=side,
        refusals=len(reasons),
        told=(sum(map(bool, earlier)), sum(map(bool, later))),
        reasons=(len({*earlier} - {""}), len({*later} - {""})),
    )


def _reason(found: Finding) -> str:
    """What the last error of TLS says, without what differs from run to run; empty: nothing."""
    read = (logs.parse(line) for step in found.steps for line in step.evidence.agent.log)
    said = [
        line.text
        for line in read
        if line and line.level is logs.Level.ERROR and _OF_TLS.match(line.text)
    ]
    return _OF_THIS_RUN.sub("", said[-1]) if said else ""


def _tells(before: Result, after: Result) -> bool:
    """Whether there is something to compare: neither failed of itself, and one at least was run."""
    kinds = {before.verdict.kind, after.verdict.kind}
    return VerdictKind.HARNESS_ERROR not in kinds and kinds != {VerdictKind.UNSUPPORTED}


def _grade(before: Result, after: Result) -> Grade | None:
    """How they differ; None: they do not."""
    known = [one.verdict.kind is not VerdictKind.UNSUPPORTED for one in (before, after)]
    if not all(known):
        return Grade.GAINED if known[1] else Grade.LOST if known[0] else None
    if set(after.all_exposure) - set(before.all_exposure):
        return Grade.NOW_EXPOSED
    if _arrivals(before) != _arrivals(after):
        if any(came and not comes for came, comes in _arrivals_of_both(before, after)):
            return Grade.NOW_REFUSED
        return Grade.NOW_ACCEPTED if _refuses(before) else Grade.WORKS
    if set(before.all_exposure) != set(after.all_exposure):
        return Grade.NO_LONGER_EXPOSED
    if _ends(before) != _ends(after):
        return Grade.OTHERWISE
    return Grade.LOG if _signs(before).keys() != _signs(after).keys() else None


def _arrivals(found: Finding) -> tuple[bool, ...]:
    return tuple(one.observation.outcome.arrived for one in found.steps)


def _arrivals_of_both(before: Finding, after: Finding) -> Iterator[tuple[bool, bool]]:
    """Step by step; a step that was not reached has not arrived."""
    return zip_longest(_arrivals(before), _arrivals(after), fillvalue=False)


def _refuses(found: Finding) -> bool:
    """Whether the agent itself refused, in any of the steps."""
    return any(one.observation.outcome is Outcome.REFUSED_BY_AGENT for one in found.steps)


def _ends(found: Finding) -> tuple[object, ...]:
    """How each step ended, what it said, and what became of the records."""
    steps = [
        (one.observation.outcome, one.observation.refused_by, one.observation.alert)
        for one in found.steps
    ]
    return (*steps, found.fates)


def _signs(found: Finding) -> dict[str, str]:
    """What the log tells in all steps, by the names of the signs."""
    return {
        sign.name: sign.text
        for one in reversed(found.steps)
        for sign in one.observation.signs
        if sign.name not in _NOISE
    }
