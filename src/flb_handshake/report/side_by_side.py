"""Several releases beside each other: a column for each, a row for what they do not do alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flb_handshake.outcomes import VerdictKind
from flb_handshake.report import matrix, terminal
from flb_handshake.results import Result

Played = Mapping[str, Sequence[Result]]
"""The results of the same scenarios by the name of each agent."""


def tables(played: Played) -> Iterable[Table]:
    """A table for each scenario function: what differs, and how much does not."""
    by_agent = {name: {one.scenario.id: one for one in found} for name, found in played.items()}
    every = [one for found in played.values() for one in found]
    for function, members in matrix.by_function(one.scenario for one in every).items():
        ids = dict.fromkeys(one.id for one in members)
        rows = {one: [found.get(one) for found in by_agent.values()] for one in ids}
        differing = {one: cells for one, cells in rows.items() if not _alike(cells)}
        yield _table(function, tuple(by_agent), differing, len(rows))


def _table(
    function: str,
    names: Sequence[str],
    differing: Mapping[str, Sequence[Result | None]],
    count: int,
) -> Table:
    alike = count - len(differing)
    told = f"{function}  {alike} of {count} alike"
    table = Table(title=told, title_justify="left", title_style="bold", box=None, padding=(0, 2))
    table.show_header = bool(differing)
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name)
    for one, cells in differing.items():
        table.add_row(Text(one.removeprefix(function) or one), *map(terminal.cell, cells))
    return table


def _alike(cells: Sequence[Result | None]) -> bool:
    """Whether all that have it do alike: those that do not have it are none to compare with."""
    return len({terminal.cell(one).plain for one in cells if one is None or _has(one)}) <= 1


def _has(result: Result) -> bool:
    return result.verdict.kind is not VerdictKind.UNSUPPORTED


def show(console: Console, played: Played, kept: Mapping[str, Mapping[str, Path]]) -> None:
    """Prints the tables, a legend, and every failure in full; `kept`: evidence files by id."""
    for table in tables(played):
        console.print(table)
        console.print()
    terminal.legend(console)
    for name, found in played.items():
        terminal.failures(console, found, kept.get(name, {}))
