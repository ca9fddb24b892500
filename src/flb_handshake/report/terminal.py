"""Results for people: a matrix to look at, a failure to read, a summary to end with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flb_handshake.agent.contract import AgentKind
from flb_handshake.evidence import is_secret
from flb_handshake.explain import fix_line
from flb_handshake.judge import Observation
from flb_handshake.model import Role, Scenario
from flb_handshake.outcomes import Fates, Outcome, VerdictKind
from flb_handshake.report import matrix
from flb_handshake.report.matrix import Matrix
from flb_handshake.results import Finding, Result
from flb_handshake.verdict import fates_words, observed_words, words

_LABEL_WIDTH: Final = 10

_SHORT: Final = {
    Outcome.DELIVERED: "delivered",
    Outcome.CLEARTEXT: "CLEARTEXT",
    Outcome.NOT_STARTED: "no start",
    Outcome.CUT: "cut",
    Outcome.STALLED: "stalled",
    Outcome.INVALID: "-",
}

_NOT_THE_AGENTS: Final = {VerdictKind.CONTROL_FAILED, VerdictKind.HARNESS_ERROR}
"""Verdicts that say nothing of the agent: the reason is all there is to tell."""

EXPOSED: Final = "!"
DISAGREES: Final = "✗"


def agent_name(result: Finding) -> str:
    """The agent as every header names it."""
    agent = result.evidence.agent
    if agent.kind == AgentKind.REFERENCE:
        return agent.label
    return f"{agent.label} · {agent.kind}"


def matrices(results: Sequence[Result]) -> Iterable[Table]:
    """A table for each scenario function whose matrix has at least two axes."""
    by_id = {one.scenario.id: one for one in results}
    for name, members in matrix.by_function(one.scenario for one in results).items():
        for found in matrix.matrices(members):
            yield _table(f"{name}  {found.group}".rstrip(), found, by_id)


def _table(title: str, shown: Matrix, results: Mapping[str, Result]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2))
    table.add_column(shown.corner, no_wrap=True)
    for column in shown.columns:
        table.add_column(column)
    for row, scenarios in shown.rows:
        table.add_row(row, *(cell(results[one.id] if one else None) for one in scenarios))
    return table


def cell(result: Result | None) -> Text:
    """A result in a word or two, with its mark: exposed, or not as expected."""
    if result is None:
        return Text("")
    if result.verdict.kind is VerdictKind.UNSUPPORTED:
        return Text("unsupported", style="dim")
    text = gist(result)
    if result.disagrees:
        return Text(f"{DISAGREES} {text}", style="bold red")
    if result.all_exposure:
        return Text(f"{EXPOSED} {text}", style="yellow")
    return Text(text, style="green" if all(_arrived(one) for one in result.steps) else "")


def gist(result: Finding) -> str:
    """What came of each step in a word or two, and what became of the records."""
    text = " > ".join(short(one.observation) for one in result.steps)
    if result.then and result.fates != Fates():
        text += f" ({fates_words(result.fates)})"
    return text


def _arrived(found: Finding) -> bool:
    return found.observation.outcome.arrived


def short(seen: Observation) -> str:
    """An observation in a word or two."""
    text = _SHORT.get(seen.outcome) or (seen.alert or "refused")
    return f"peer: {text}" if seen.outcome is Outcome.REFUSED_BY_PEER else text


def failure_text(result: Result, kept: Path | None = None) -> str:
    """What a scenario that disagrees prints: what was declared, expected, seen, why and the fix.

    `kept` is the file that holds its evidence.
    """
    scenario, seen = result.scenario, result.observation
    entries = [
        ("declared", f"{declared(result)}    {scenario.where}"),
        ("expected", _expected(scenario)),
        ("observed", _observed(result)),
        ("it said", _it_said(result)),
        *steps(result),
    ]
    if scenario.then or result.verdict.kind in _NOT_THE_AGENTS:
        entries.append(("verdict", result.verdict.reason))
    if result.control is not None:
        entries.append(("control", f"without the defect: {observed_words(result.control)}"))
    if result.all_exposure:
        entries.append(("exposure", ", ".join(result.all_exposure)))
    if kept is not None:
        entries.append(("evidence", f"{kept}    judge it again: flb-handshake judge '{kept}'"))
    entries += [("why", one.because) for one in result.all_causes]
    head = f"{result.verdict.kind} scenario {scenario.id}    {agent_name(result)}"
    if result.all_causes:
        entries.append(("fix", fix_line(result.all_causes)))
    elif seen.note:
        entries.append(("why", seen.note))
    return "\n".join((head, *_aligned(entries)))


def declared(result: Finding) -> str:
    """The setup in one line: the plugin, the properties, and what is wrong with the peer."""
    facts = result.evidence.facts
    told = "  ".join(
        f"{name}: {'(hidden)' if is_secret(name) else value}" for name, value in facts.properties
    )
    kind = "out" if facts.role == Role.OUTPUT else "in"
    return f"{kind}_{facts.plugin}  {told}  CA.File: {facts.ca_file}  peer: {facts.chain}"


def _expected(scenario: Scenario) -> str:
    return "; then ".join(words(one.does) for one in (scenario.expectation, *scenario.then))


def steps(result: Finding) -> list[tuple[str, str]]:
    """A line for each step that followed, and the fates of the records."""
    if not result.then:
        return []
    told = [
        ("then", f"{one.evidence.step}: {observed_words(one.observation)}") for one in result.then
    ]
    return [*told, ("records", fates_words(result.fates))]


def _observed(result: Result) -> str:
    seen = result.observation
    told = observed_words(seen, result.scenario.expectation.does)
    if seen.outcome is Outcome.CLEARTEXT:
        start = bytes.fromhex(seen.first_bytes)[:8]
        told += f": the first bytes were {start.hex(' ')} ({start!r}), no ClientHello"
    elif seen.version:
        told += f", {seen.version}, {seen.cipher}"
    return told


def _it_said(result: Result) -> str:
    loud = [sign.text for sign in result.observation.signs if sign.name != "http_status"]
    if result.observation.outcome is Outcome.NOT_STARTED and not loud:
        loud = [line.strip() for line in result.evidence.agent.log if line.strip()][-3:]
    return " | ".join(loud[:3]) or "nothing: no warning, no error"


def _aligned(entries: Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {label:<{_LABEL_WIDTH}} {text}" for label, text in entries]


def summary(results: Sequence[Result]) -> str:
    """One line: how many agree, how many do not and in which way, what is exposed."""
    kinds = Counter(result.verdict.kind for result in results)
    said = [f"{kinds.pop(VerdictKind.AGREES, 0)} as expected"]
    said += [f"{count} {kind}" for kind, count in sorted(kinds.items())]
    exposed = sum(1 for result in results if result.all_exposure)
    gaps = sum(1 for result in results if result.verdict.gap)
    told = f"{len(results)} scenarios: {', '.join(said)}"
    return f"{told}; {exposed} exposed, {gaps} not as a careful operator would want"


def show(console: Console, results: Sequence[Result], kept: Mapping[str, Path]) -> None:
    """Prints the matrices, a legend, and every failure in full; `kept`: evidence files by id."""
    for table in matrices(results):
        console.print(table)
        console.print()
    alone = [one for one in results if len(one.scenario.labels) < matrix.AXES_OF_A_TABLE]
    if alone:
        listing = Table(box=None, padding=(0, 2), show_header=False)
        for one in alone:
            listing.add_row(Text(one.scenario.id), cell(one))
        console.print(listing)
        console.print()
    legend(console)
    failures(console, results, kept)


def legend(console: Console) -> None:
    """Prints what the marks mean."""
    console.print(f"{EXPOSED} exposed   {DISAGREES} not as expected", style="dim")


def failures(console: Console, results: Sequence[Result], kept: Mapping[str, Path]) -> None:
    """Prints every result that disagrees, in full."""
    for one in results:
        if one.disagrees:
            console.print()
            text = failure_text(one, kept.get(one.scenario.id))
            console.print(Text(text), soft_wrap=True)
