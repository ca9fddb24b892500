"""The pages of `docs/` that are made: truth table, exposures, causes and public reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flb_handshake import catalogue, recorded
from flb_handshake.model import Scenario
from flb_handshake.report import causes, exposures, families, field, truth_table
from flb_handshake.report.ledger import Ledger
from flb_handshake.results import Result
from flb_handshake.traps import traps

_FIXED: Final = frozenset({"causes.md", "exposures.md", "field-reports.md", "truth-table.md"})


def is_made(path: str) -> bool:
    """Whether a page at this path in `docs/` is a made one; people write the others."""
    return path in _FIXED or path.startswith("truth-table/")


def everything() -> dict[str, str]:
    """Each page by its path in `docs/`, from the catalogue and what was recorded of it."""
    scenarios = catalogue.load()
    played = {release: recorded.recorded(release, scenarios) for release in recorded.releases()}
    return made_of(scenarios, played, catalogue.introductions())


def made_of(
    scenarios: Sequence[Scenario],
    played: Mapping[str, Sequence[Result]],
    told: Mapping[str, str],
) -> dict[str, str]:
    """The same from these results, by release, the oldest first.

    `told` is what files and functions of the catalogue say of themselves. What was not recorded is
    said to be missing.
    """
    ledger = Ledger.of(played)
    pages = {
        "field-reports.md": field.page(scenarios),
        "truth-table.md": truth_table.page(scenarios, ledger, told),
        "causes.md": causes.page(ledger),
        "exposures.md": exposures.page(traps(played), ledger),
    }
    for family, members in families.families(scenarios).items():
        pages[f"truth-table/{family}.md"] = families.page(family, members, ledger, told)
    for release in ledger.releases:
        text = truth_table.page_of_a_release(release, scenarios, ledger)
        pages[f"truth-table/{release}.md"] = text
    return pages
