"""One thing that is wrong with a configuration: where, why, what to do, and what proves it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from flb_handshake.config.words import Spot


class Severity(StrEnum):
    """How much it matters; the words are those of SARIF's levels and of GitHub's annotations."""

    ERROR = "error"
    """Records go astray, in cleartext or to anybody, or Fluent Bit does not start."""
    WARNING = "warning"
    """Less is checked than it looks, or it is about to break."""
    NOTE = "note"
    """Worth knowing; it fails no check."""


GRAVE = frozenset({Severity.ERROR, Severity.WARNING})
"""What a check fails for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found, whether by reading the configuration or by playing it.

    No text holds a value that could be a secret: see `secrets`.
    """

    rule: str
    """The id of the rule, a key of `rules.RULES`."""
    severity: Severity
    spot: Spot
    text: str
    """The reason, in one or two sentences."""
    fix: str
    """What to write instead."""
    scenario: str | None = None
    """The scenario of the catalogue that proves it; None: no handshake shows it."""
    releases: tuple[str, ...] = ()
    """The releases that it holds for, in the order in which they were asked about."""
    of_proxy: bool = False
    """Whether it is of what an output says of an HTTPS proxy, not of the output itself."""
    played: bool = False
    """Whether playing found it, so that its text tells of one run: of ports, and of times."""

    @property
    def grave(self) -> bool:
        """Whether a check fails for it."""
        return self.severity in GRAVE


def together(of_each: Iterable[Sequence[Finding]]) -> tuple[Finding, ...]:
    """The findings for several releases as one list, by place; what is equal is told once."""
    found: dict[Finding, tuple[str, ...]] = {}
    for findings in of_each:
        for one in findings:
            bare = replace(one, releases=())
            found[bare] = tuple(dict.fromkeys((*found.get(bare, ()), *one.releases)))
    ranks = list(Severity)
    told = [replace(bare, releases=releases) for bare, releases in found.items()]
    return tuple(sorted(told, key=lambda one: (one.spot, ranks.index(one.severity), one.rule)))
