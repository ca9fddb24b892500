"""The page of a family: each of its scenario functions, and what the releases make of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from flb_handshake.model import Scenario
from flb_handshake.report import markdown, matrix
from flb_handshake.report.ledger import ABSENT, UNRECORDED, Ledger
from flb_handshake.report.matrix import AXES_OF_A_TABLE, Matrix, function_of
from flb_handshake.report.spans import alike, span

_DIFFERS: Final = "†"

_HEAD: Final = """\
# {family}

{about}

Recorded on real releases, {first} to {last}, and written by `python docs/write.py`;
[what the words in a cell mean](../truth-table.md#legend). A table shows the newest release, and all
the others as well, but for the cells with {mark}: a second table tells what those are where.

"""


def family_of(name: str) -> str:
    """The family that an id, or a scenario function, belongs to."""
    return name.split(".", 1)[0]


def families(scenarios: Iterable[Scenario]) -> dict[str, list[Scenario]]:
    """The scenarios of each family, in the order of the catalogue."""
    found: dict[str, list[Scenario]] = {}
    for one in scenarios:
        found.setdefault(family_of(one.id), []).append(one)
    return found


def about(family: str, members: Iterable[Scenario], told: Mapping[str, str]) -> str:
    """What a family says of itself; a folder of reports has no words of its own."""
    if family not in told and all(one.report for one in members):
        return "Public reports: each is a situation of its own, held to its own line of the log."
    return markdown.prose(told.get(family, ""))


def page(family: str, members: Sequence[Scenario], ledger: Ledger, told: Mapping[str, str]) -> str:
    """The page, in Markdown; `told` is what files and functions say of themselves."""
    text = about(family, members, told)
    first, last = ledger.releases[0], ledger.releases[-1]
    head = _HEAD.format(family=family, about=text, mark=_DIFFERS, first=first, last=last)
    parts = [head, ledger.unrecorded(members)]
    file = family
    for name, inside in matrix.by_function(members).items():
        if (of := name.rpartition(".")[0]) != file:
            file = of
            parts.append(f"## {file}\n\n{markdown.prose(told.get(file, ''))}\n\n")
        level = "##" if file == family else "###"
        parts.append(f"{level} {name}\n\n{markdown.prose(told.get(name, ''))}\n\n")
        parts.append(_function(inside, ledger, told.get(name, "")))
    return "".join(parts).rstrip() + "\n"


def _function(members: Sequence[Scenario], ledger: Ledger, reason: str) -> str:
    """Its tables; those that are the same stand there once."""
    report = members[0].report
    link = f"[The report]({report.url}).\n\n" if report else ""
    if not ledger.asked(members):
        return link + ledger.absences(members) + ledger.unrecorded(members)
    if len(members[0].labels) < AXES_OF_A_TABLE:
        return link + _listing(members, ledger, reason) + ledger.absences(members)
    titles: dict[str, list[str]] = {}
    for one in matrix.matrices(members):
        titles.setdefault(_matrix(one, ledger, reason), []).append(one.group)
    return link + "".join(_titled(groups) + body for body, groups in titles.items())


def _titled(groups: Sequence[str]) -> str:
    """The values of the outer axes that a table stands for."""
    told = " · ".join(one.replace("  ", ", ") for one in groups if one)
    return f"**{markdown.prose(told)}**\n\n" if told else ""


def _listing(members: Sequence[Scenario], ledger: Ledger, reason: str) -> str:
    """A row for each scenario, a column for the releases that do alike."""
    columns = list(alike(ledger.asked(members), lambda release: ledger.texts(release, members)))
    names = [span(releases, ledger.releases) for releases, _ in columns]
    if not members[0].labels:
        told = zip(names, (texts[0] for _, texts in columns), strict=True)
        return "".join(f"- {name}: {text}\n" for name, text in told) + "\n"
    axis = members[0].labels[0][0]
    rows = [
        [markdown.prose(one.labels[0][1]), *(texts[position] for _, texts in columns)]
        for position, one in enumerate(members)
    ]
    return _with_reasons([axis, *names], rows, [[one] for one in members], reason)


def _with_reasons(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    scenarios: Sequence[Sequence[Scenario | None]],
    reason: str,
) -> str:
    """The table, and what its rows give as their reason: before it, or each in its row."""
    why = [_why(cells, reason) for cells in scenarios]
    if len(set(why)) == 1:
        return (f"{why[0]}\n\n" if why[0] else "") + markdown.table(head, rows) + "\n"
    told = [[*row, because] for row, because in zip(rows, why, strict=True)]
    return markdown.table([*head, "why"], told) + "\n"


def _why(scenarios: Sequence[Scenario | None], reason: str) -> str:
    """What scenarios give as their reason beside their function's, if all give the same."""
    said = {one.because.removeprefix(reason).strip() for one in scenarios if one is not None}
    return markdown.prose(said.pop()) if len(said) == 1 else ""


def _matrix(one: Matrix, ledger: Ledger, reason: str) -> str:
    """One table of the newest release, and how the others differ."""
    asked = ledger.asked(one.scenarios)
    if not asked:
        return ledger.absences(one.scenarios) + ledger.unrecorded(one.scenarios)
    marked = {scenario.id for scenario in one.scenarios if _differs(scenario, ledger, asked)}
    rows = [
        [
            markdown.prose(row),
            *(
                ledger.text(asked[-1], cell)
                + (f" {_DIFFERS}" if cell is not None and cell.id in marked else "")
                for cell in cells
            ),
        ]
        for row, cells in one.rows
    ]
    head = [markdown.prose(one.corner), *map(markdown.prose, one.columns)]
    table = _with_reasons(head, rows, [cells for _, cells in one.rows], reason)
    differences = _differences(one, marked, ledger, asked)
    return table + differences + ledger.absences(one.scenarios)


def _differs(one: Scenario, ledger: Ledger, asked: Sequence[str]) -> bool:
    """Whether a release makes something else of it than the newest; what lacks it does not."""
    texts = {ledger.text(release, one) for release in asked} - {ABSENT, UNRECORDED}
    return bool(texts - {ledger.text(asked[-1], one)})


def _differences(one: Matrix, marked: set[str], ledger: Ledger, asked: Sequence[str]) -> str:
    """The cells that releases fill otherwise: a row for those that they fill alike."""
    differing = [scenario for scenario in one.scenarios if scenario.id in marked]
    if not differing:
        return ""
    groups = list(alike(asked, lambda release: ledger.texts(release, differing)))
    filled: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for row, cells in one.rows:
        columns: dict[tuple[str, ...], list[str]] = {}
        for column, cell in zip(one.columns, cells, strict=True):
            if cell is not None and cell.id in marked:
                texts = tuple(ledger.text(names[0], cell) for names, _ in groups)
                columns.setdefault(texts, []).append(column)
        for texts, found in columns.items():
            filled.setdefault((texts, tuple(found)), []).append(row)
    row_axis, column_axis = one.corner.split(" \\ ")
    head = [f"{_DIFFERS} {row_axis}", column_axis]
    rows = [
        [
            markdown.prose(", ".join(found)),
            "each" if len(columns) == len(one.columns) else markdown.prose(", ".join(columns)),
            *texts,
        ]
        for (texts, columns), found in filled.items()
    ]
    return (
        markdown.table([*head, *(span(names, ledger.releases) for names, _ in groups)], rows) + "\n"
    )


def link(name: str) -> str:
    """A scenario's id as a link to its place in the truth table, from a page beside it."""
    place = f"truth-table/{family_of(name)}.md#{markdown.anchor(function_of(name))}"
    return f"[{markdown.code(name)}]({place})"
