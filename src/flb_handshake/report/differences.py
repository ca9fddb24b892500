"""The changes from one release to another, for somebody who is about to upgrade."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from flb_handshake.comparing import Change, Comparison, Grade
from flb_handshake.report import terminal
from flb_handshake.report.matrix import function_of
from flb_handshake.results import Result

_Group = tuple[str, str]

_COUNTED: Final = frozenset({Grade.GAINED, Grade.LOST})
"""Grades of which only the reasons are told: there is nothing to compare with."""

_EXPLAINED: Final = frozenset({Grade.NOW_EXPOSED, Grade.NOW_REFUSED})

_GROUPS: Final = 6
"""So many groups of one kind are told; the rest is counted."""

_LINE: Final = 120
"""Characters of a line of the log that are quoted."""


def name(results: Sequence[Result], how: str) -> str:
    """One side, as a page names it: the release, how that is known, and its TLS library."""
    agents = (f"{one.evidence.agent.label}, {how} ({_library(one)})" for one in results)
    return "; ".join(dict.fromkeys(agents))


def _library(result: Result) -> str:
    """The name and version of the TLS library that an agent ran with."""
    return " ".join(result.evidence.agent.tls_library.split()[:2])


def page(found: Comparison, names: tuple[str, str]) -> str:
    """All of it as text: which two, how much of each kind, and then each kind, the worst first."""
    told = [f"from  {names[0]}", f"to    {names[1]}", "", *_summary(found)]
    for grade in Grade:
        changes = [one for one in found.changes if one.grade is grade]
        if changes and grade is Grade.LOG:
            told += _log(changes)
        elif changes:
            told += ["", f"{grade} ({len(changes)})", *_lines(grade, changes)]
    return "\n".join(told)


def _summary(found: Comparison) -> Iterator[str]:
    counts = Counter(one.grade for one in found.changes)
    situations = "situation" if found.compared == 1 else "situations"
    yield f"{found.compared} {situations} compared, {found.alike} alike"
    yield from (f"{counts[grade]:>6} {grade}" for grade in Grade if counts[grade])
    for count, side in ((found.only_before, "from"), (found.only_after, "to")):
        if count:
            yield f"{count:>6} not compared: there is no evidence but of '{side}'"
    if found.untold:
        yield f"{found.untold:>6} not compared: neither release has it, or the harness failed"
    for one in found.tellings:
        yield (
            f"of {one.refusals} refusals by the {one.by}, the log gives a reason for "
            f"{_now(one.told)}, and tells {_now(one.reasons)} reasons apart"
        )


def _now(both: tuple[int, int]) -> str:
    before, after = both
    return f"{after} (before: {before})" if before != after else f"{after} (as before)"


def _lines(grade: Grade, changes: Sequence[Change]) -> Iterator[str]:
    groups: dict[_Group, list[Change]] = defaultdict(list)
    for one in changes:
        groups[_group(grade, one)].append(one)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    shown = ordered if grade in _EXPLAINED else ordered[:_GROUPS]
    for (where, what), members in shown:
        yield f"  {len(members):>4}  {where or what}"
        if where:
            yield f"        {what}"
            yield f"        e.g. {members[0].before.scenario.id}"
        if grade in _EXPLAINED:
            yield from _why(members[0].after)
    yield from _rest(ordered[len(shown) :])


def _group(grade: Grade, change: Change) -> _Group:
    """What changes of one kind have in common, in words: where, and what."""
    if grade in _COUNTED:
        lacking = change.before if grade is Grade.GAINED else change.after
        return "", lacking.verdict.reason
    what = f"{terminal.cell(change.before)}  ->  {terminal.cell(change.after)}"
    return function_of(change.before.scenario.id), what


def _why(result: Result) -> Iterator[str]:
    for cause in result.all_causes[:1]:
        yield f"        why  {cause.because}"
        yield f"        fix  {cause.fix}"


def _rest(groups: Sequence[tuple[object, Sequence[Change]]]) -> Iterator[str]:
    if groups:
        count = sum(len(members) for _, members in groups)
        yield f"  {count:>4}  of {len(groups)} more kinds; --json has each of them"


def _log(changes: Sequence[Change]) -> Iterator[str]:
    """What the log does not say any more comes first: who looks for it finds nothing."""
    kinds: dict[str, list[Change]] = {
        "the log no longer says": [one for one in changes if not one.come],
        "the log says in other words": [one for one in changes if one.come and one.gone],
        "the log says, and did not": [one for one in changes if not one.gone],
    }
    for kind, members in kinds.items():
        if members:
            yield from ("", f"{kind} ({len(members)})", *_words(members))


def _words(changes: Sequence[Change]) -> Iterator[str]:
    groups: dict[_Group, list[Change]] = defaultdict(list)
    for one in changes:
        groups[", ".join(one.gone), ", ".join(one.come)].append(one)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    for _, members in ordered[:_GROUPS]:
        first = members[0]
        yield f"  {len(members):>4}  e.g. {first.before.scenario.id}"
        for mark, signs in (("-", first.gone), ("+", first.come)):
            quoted = dict.fromkeys(first.said(sign) for sign in signs)
            yield from (f"        {mark} {line[:_LINE]}" for line in quoted)
    yield from _rest(ordered[_GROUPS:])


def document(found: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    """All of it as plain JSON values."""
    return {
        "from": names[0],
        "to": names[1],
        "compared": found.compared,
        "alike": found.alike,
        "not_compared": {
            "from": found.only_before,
            "to": found.only_after,
            "neither": found.untold,
        },
        "log_of_refusals": [asdict(one) for one in found.tellings],
        "changes": [*map(_entry, found.changes)],
    }


def _entry(change: Change) -> dict[str, Any]:
    """One change as plain JSON values."""
    return {
        "id": change.before.scenario.id,
        "grade": change.grade.name,
        "before": terminal.gist(change.before),
        "after": terminal.gist(change.after),
        "exposure_before": list(change.before.all_exposure),
        "exposure_after": list(change.after.all_exposure),
        "log_lost": list(change.gone),
        "log_gained": list(change.come),
    }
