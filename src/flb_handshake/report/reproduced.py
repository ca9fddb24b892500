"""What came of playing the causes of a trouble: which says the same, or what was tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from flb_handshake.agent.contract import Identity
from flb_handshake.diagnosis.telling import Diagnosis
from flb_handshake.diagnosis.troubles import Trouble
from flb_handshake.diagnosis.vocabulary import Word
from flb_handshake.explain import Cause, fix_line
from flb_handshake.trials.reproducing import Tried
from flb_handshake.verdict import observed_words


def _causes(results: Sequence[Tried]) -> Sequence[Cause]:
    """What explains the first run that says the same."""
    return next(one.found.all_causes for one in results if one.is_it)


def heading(trouble: Trouble) -> str:
    """What the trouble is: whose, how often, and its last words."""
    whose = trouble.output or "nobody's by name"
    times = "once" if trouble.times == 1 else f"{trouble.times} times"
    return "\n".join([f"{whose}, {times}", *(f"  it said    {text}" for _, text in trouble.lines)])


class _Row(NamedTuple):
    """What is told of a run; several runs of one cause can come to the same."""

    word: Word
    mark: str
    seen: str
    missing: frozenset[str]


def _row(one: Tried) -> _Row:
    mark = "says the same" if one.is_it else "says otherwise"
    return _Row(one.word, mark, observed_words(one.found.observation), one.missing)


def told(found: Diagnosis, results: Sequence[Tried], identity: Identity, whose: str) -> str:
    """The whole answer; its last line is the fix, or what to look at next.

    `whose` is the section that was played: the log may not say.
    """
    rows = [heading(found.trouble), f"  played on  {identity.label}"]
    if not found.trouble.owner.name:
        rows.append(f"  played as  {whose}")
    exact = found.trouble.release.exact
    if exact and exact != identity.version:
        rows.append(f"  beware     the log is of {exact}: another release may say otherwise")
    control = next((one.found.control for one in results if one.found.control), None)
    if control is not None and not control.outcome.arrived:
        rows.append(f"  beware     with nothing wrong, it is {observed_words(control)} too")
    likely = {one.cause for one in found.causes}
    for row, times in Counter(map(_row, results)).items():
        ways = f", {times} ways" if times > 1 else ""
        rows.append(f"  {row.word:<22} {row.mark} ({row.seen}{ways})")
        if row.word in likely:
            rows += [f"      not said here: {line}" for line in sorted(row.missing)]
    played = {one.word for one in results}
    unplayed = [one.cause for one in found.causes if one.cause not in played]
    if unplayed:
        rows.append(f"  not played: {', '.join(unplayed)}")
    alike = list(dict.fromkeys(one.word for one in results if one.is_it))
    fixes = {one.cause: one.fix for one in found.causes}
    first = next((one for one in alike if one in fixes), None)
    if len(alike) > 1:
        rows.append(f"  the log cannot tell which of {', '.join(alike)}: {found.next.observation}")
    if alike:
        rows.append(f"  reproduced {first or alike[0]}")
        rows.append(f"  fix        {fixes[first] if first else fix_line(_causes(results))}")
    else:
        rows.append("  none of them says what the log says")
        rows.append(f"  next       {found.next.observation}: {found.next.command}")
    return "\n".join(rows)
