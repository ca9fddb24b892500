"""The page of public reports: which of them is played, where, and why the rest are not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flb_handshake.model import Scenario
from flb_handshake.releases import stands_for
from flb_handshake.reported import UNPLAYED, Report
from flb_handshake.verdict import words

_HEAD: Final = """\
# Reports from the field

Public reports about Fluent Bit and TLS, each played by a scenario of the family `field`: the
situation as far as the report tells it, the line of the log that it quotes, and beside it, as its
control twin, the remedy. `flb-handshake show ID` prints the configuration, and
`flb-handshake run ID --fluent-bit RELEASE` plays it.

A report is shown on the release that it names or, where there is none of that name here, on the
nearest one. Where that release has other words for the same thing, both are given: reports of
before 1.7 quote mbedTLS, which Fluent Bit left with 2.0.
"""

_PLAYED: Final = """\
| report | reported for | shown on | scenario | outcome there | line of the log |
|---|---|---|---|---|---|
"""

_REST: Final = """
## Not played

| report | why |
|---|---|
"""


def page(scenarios: Iterable[Scenario]) -> str:
    """The page, in Markdown."""
    played = [(one.report, one) for one in scenarios if one.report is not None]
    rows = [_row(report, one) for report, one in sorted(played, key=lambda row: row[1].id)]
    rest = [f"| {name} | {reason} |" for name, reason in UNPLAYED.items()]
    return _HEAD + "\n" + _PLAYED + "\n".join(rows) + "\n" + _REST + "\n".join(rest) + "\n"


def _row(report: Report, one: Scenario) -> str:
    shown_on = stands_for(report)
    lasting = (one.expectation, *one.then)[-1].does.on(shown_on)
    said = f"`{report.line}`" if report.line else ""
    if report.now:
        said += f"; here `{report.now}`"
    return (
        f"| [{report.id}]({report.url}) | {', '.join(report.versions) or '-'} | {shown_on} "
        f"| `{one.id}` | {words(lasting)} | {said} |"
    )
