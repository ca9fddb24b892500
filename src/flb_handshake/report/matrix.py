"""The scenarios of one function as a table: its last two axes, once for each of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flb_handshake.model import Scenario

AXES_OF_A_TABLE: Final = 2


def function_of(scenario_id: str) -> str:
    """The scenario function that an id belongs to (`mode.cell`)."""
    return scenario_id.split("[", 1)[0]


def by_function(scenarios: Iterable[Scenario]) -> dict[str, list[Scenario]]:
    """The scenarios of each function, by its name."""
    found: dict[str, list[Scenario]] = defaultdict(list)
    for one in scenarios:
        found[function_of(one.id)].append(one)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One table: which scenario stands in which row and column."""

    group: str
    """The values of the outer axes that it is for; empty: there are no others."""
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Scenario | None, ...]], ...]

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """All that stand in it, row by row."""
        return tuple(one for _, cells in self.rows for one in cells if one is not None)


def matrices(members: Sequence[Scenario]) -> Iterator[Matrix]:
    """The tables of one function; none if its matrix has less than two axes."""
    if len(members[0].labels) < AXES_OF_A_TABLE:
        return
    *outer, row_axis, column_axis = [axis for axis, _ in members[0].labels]
    groups: dict[tuple[str, ...], list[Scenario]] = defaultdict(list)
    for member in members:
        groups[tuple(value for _, value in member.labels[: len(outer)])].append(member)
    for group, inside in groups.items():
        said = "  ".join(f"{axis}={value}" for axis, value in zip(outer, group, strict=True))
        yield _matrix(said, row_axis, column_axis, inside)


def _matrix(group: str, row_axis: str, column_axis: str, inside: Sequence[Scenario]) -> Matrix:
    """The last two axes as a table, the longer one downwards."""
    cells = {(one.labels[-2][1], one.labels[-1][1]): one for one in inside}
    if len({column for _, column in cells}) > len({row for row, _ in cells}):
        row_axis, column_axis = column_axis, row_axis
        cells = {(column, row): one for (row, column), one in cells.items()}
    columns = tuple(dict.fromkeys(column for _, column in cells))
    return Matrix(
        group=group,
        corner=f"{row_axis} \\ {column_axis}",
        columns=columns,
        rows=tuple(
            (row, tuple(cells.get((row, column)) for column in columns))
            for row in dict.fromkeys(row for row, _ in cells)
        ),
    )
