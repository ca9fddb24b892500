"""The truth table: what each release makes of what people ask most, and where the rest stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from flb_handshake.model import Scenario
from flb_handshake.outcomes import Outcome, VerdictKind
from flb_handshake.report import markdown, matrix
from flb_handshake.report.families import about, families, family_of
from flb_handshake.report.ledger import LEGEND, Ledger
from flb_handshake.report.questions import QUESTIONS
from flb_handshake.results import Result

_HEAD: Final = """\
# What Fluent Bit does with TLS

{count} situations in {families} families, each played on a real Fluent Bit against a peer that
records everything, with one thing wrong at a time: what was delivered, who refused and with which
alert, and what is exposed.

Recorded on {releases}. No result is typed by hand: `python docs/write.py` writes these pages from
the evidence, and a test holds that they are what it says.

[The questions asked most](#the-questions-asked-most) · [every family](#every-family) ·
[every release](#every-release) · [the legend](#legend) ·
[what looks safe and is not](exposures.md) · [public reports](field-reports.md)

"""

_QUESTIONS: Final = """\
## The questions asked most

Each row is one situation. Its link leads to the family; the title of the link is the id of the
scenario, whose configuration `flb-handshake show ID` prints. [The legend](#legend) says what the
words mean.

"""

_FAMILIES: Final = """\
## Every family

How many of a family's situations were played on each release / how many of them are exposed.

"""

_RELEASES: Final = """\
## Every release

What came of what was played; of a run in steps, what came of its first record.

"""

_PAGE_OF_A_RELEASE: Final = """\
# Fluent Bit {release}

{recorded}. Each situation that was recorded, as `pytest -k scenario` prints it.
[What the words in a cell mean](../truth-table.md#legend).

"""

_OUTCOMES: Final = (
    ("delivered", {Outcome.DELIVERED}),
    ("CLEARTEXT", {Outcome.CLEARTEXT}),
    ("refused", {Outcome.REFUSED_BY_AGENT}),
    ("peer refused", {Outcome.REFUSED_BY_PEER}),
    ("no start", {Outcome.NOT_STARTED}),
    ("cut or stalled", {Outcome.CUT, Outcome.STALLED}),
)


def page(scenarios: Sequence[Scenario], ledger: Ledger, told: Mapping[str, str]) -> str:
    """The page that leads to the others, in Markdown."""
    found = families(scenarios)
    return "".join(
        (
            _HEAD.format(count=len(scenarios), families=len(found), releases=_releases(ledger)),
            _QUESTIONS,
            _answers(scenarios, ledger),
            _FAMILIES,
            _counts(found, ledger, told),
            ledger.unrecorded(scenarios),
            _RELEASES,
            _outcomes(ledger),
            "## Legend\n\n",
            LEGEND,
        )
    )


def page_of_a_release(release: str, scenarios: Sequence[Scenario], ledger: Ledger) -> str:
    """Every matrix of one release, in Markdown."""
    alone = Ledger({release: ledger.results[release]})
    parts = [_PAGE_OF_A_RELEASE.format(release=release, recorded=_recorded(alone, release))]
    parts.append(alone.unrecorded(scenarios))
    for family, members in families(scenarios).items():
        parts.append(f"## [{family}]({family}.md)\n\n")
        single = []
        for name, found in matrix.by_function(members).items():
            if not alone.asked(found):
                parts.append(f"{markdown.code(name)}\n\n{alone.absences(found)}")
            elif len(found[0].labels) < matrix.AXES_OF_A_TABLE:
                single += [(markdown.code(one.id), alone.text(release, one)) for one in found]
            else:
                parts += [_matrix(name, one, alone, release) for one in matrix.matrices(found)]
        if single:
            parts.append(markdown.table(["scenario", ""], single) + "\n")
    return "".join(parts).rstrip() + "\n"


def _answers(scenarios: Sequence[Scenario], ledger: Ledger) -> str:
    """A table for each subject: a row for each question, a column for each release."""
    known = {one.id: one for one in scenarios}
    parts = []
    for subject, questions in QUESTIONS:
        rows = [
            [
                f'{markdown.prose(question)} ([{_link_text(name)}]({_place(name)} "{name}"))',
                *(ledger.text(release, known[name]) for release in ledger.releases),
            ]
            for question, name in questions
        ]
        head = ["", *ledger.releases]
        parts.append(f"### {subject}\n\n{markdown.table(head, rows)}\n")
    return "".join(parts)


def _link_text(name: str) -> str:
    return markdown.code(matrix.function_of(name))


def _place(name: str) -> str:
    heading = markdown.anchor(matrix.function_of(name))
    return f"truth-table/{family_of(name)}.md#{heading}"


def _counts(
    found: Mapping[str, Sequence[Scenario]], ledger: Ledger, told: Mapping[str, str]
) -> str:
    rows = []
    for family, members in found.items():
        counts = []
        for release in ledger.releases:
            played = _played(ledger, release, {one.id for one in members})
            exposed = sum(1 for one in played if one.all_exposure)
            counts.append(f"{len(played)} / {exposed}")
        short = about(family, members, told).split(": ", 1)[0].split(". ", 1)[0].rstrip(".")
        rows.append([f"[{family}](truth-table/{family}.md)", short, *counts])
    return markdown.table(["family", "", *ledger.releases], rows) + "\n"


def _played(ledger: Ledger, release: str, wanted: set[str]) -> list[Result]:
    """The results of these scenarios, but those that this release was not asked for."""
    return [
        one
        for name, one in ledger.results[release].items()
        if name in wanted and one.verdict.kind is not VerdictKind.UNSUPPORTED
    ]


def _outcomes(ledger: Ledger) -> str:
    rows = []
    for release in ledger.releases:
        found = _played(ledger, release, set(ledger.results[release]))
        counts = Counter(one.observation.outcome for one in found)
        exposed = sum(1 for one in found if one.all_exposure)
        rows.append(
            [
                f"[{release}](truth-table/{release}.md)",
                _library(ledger, release),
                _dates(ledger, release),
                *(str(sum(counts[one] for one in outcomes)) for _, outcomes in _OUTCOMES),
                str(exposed),
            ]
        )
    names = [name for name, _ in _OUTCOMES]
    head = ["release", "TLS library", "recorded on", *names, "exposed"]
    return markdown.table(head, rows) + "\n"


def _releases(ledger: Ledger) -> str:
    """The releases, and the TLS library that they ran with."""
    found = dict.fromkeys(_library(ledger, release) for release in ledger.releases)
    return f"{', '.join(ledger.releases)}, with {' or '.join(found)}"


def _recorded(ledger: Ledger, release: str) -> str:
    return f"Recorded on {_dates(ledger, release)}, with {_library(ledger, release)}"


def _library(ledger: Ledger, release: str) -> str:
    """The TLS libraries that the evidence names, without the dates of their own."""
    found = (one.evidence.agent.tls_library for one in ledger.results[release].values())
    return ", ".join(sorted({" ".join(name.split()[:2]) for name in found}))


def _dates(ledger: Ledger, release: str) -> str:
    days = sorted({one.evidence.facts.at[:10] for one in ledger.results[release].values()})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else "no day"


def _matrix(name: str, one: matrix.Matrix, ledger: Ledger, release: str) -> str:
    head = [markdown.prose(one.corner), *map(markdown.prose, one.columns)]
    rows = [[markdown.prose(row), *ledger.texts(release, cells)] for row, cells in one.rows]
    title = f"**{name}**  {markdown.prose(one.group.replace('  ', ', '))}".rstrip()
    return f"{title}\n\n{markdown.table(head, rows)}\n"
