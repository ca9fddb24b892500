"""What was recorded of every scenario on every release, and how one of these results is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flb_handshake.model import Scenario
from flb_handshake.outcomes import VerdictKind
from flb_handshake.report import markdown, terminal
from flb_handshake.report.spans import alike, span
from flb_handshake.results import Result

ABSENT: Final = "n/a"
UNRECORDED: Final = "?"

LEGEND: Final = f"""\
| in a cell | meaning |
|---|---|
| delivered | the record arrived, over TLS |
| CLEARTEXT | the record arrived, without TLS |
| the name of an alert | Fluent Bit refused, and sent this alert |
| peer: the name of an alert | the other end refused, and sent this alert |
| cut | the connection ended, and nobody said why |
| stalled | nothing came, until the deadline |
| no start | Fluent Bit did not start |
| a > b | what came of one step, and of the next; behind it, what became of the records |
| {terminal.EXPOSED} | exposed: cleartext, or somebody is believed who should not be |
| {terminal.DISAGREES} | not what the catalogue expects, or its control twin failed |
| {ABSENT} | this release has no such setting, or no such plugin |
| {UNRECORDED} | not recorded yet |
"""

_LONGEST: Final = 40
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The results of each release, the oldest first, by the ids of their scenarios."""

    results: Mapping[str, Mapping[str, Result]]

    @classmethod
    def of(cls, played: Mapping[str, Iterable[Result]]) -> Ledger:
        """From the results of each release, in the order of the releases."""
        return cls(
            {name: {one.scenario.id: one for one in found} for name, found in played.items()}
        )

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases, the oldest first."""
        return tuple(self.results)

    def text(self, release: str, one: Scenario | None) -> str:
        """What a cell says of a scenario on a release; of no scenario it says nothing."""
        if one is None:
            return ""
        found = self.results[release].get(one.id)
        if found is None:
            return UNRECORDED
        if found.verdict.kind is VerdictKind.UNSUPPORTED:
            return ABSENT
        return markdown.prose(f"{terminal.cell(found).plain}{_shown(found)}")

    def texts(self, release: str, scenarios: Sequence[Scenario | None]) -> tuple[str, ...]:
        """The same of several."""
        return tuple(self.text(release, one) for one in scenarios)

    def reasons(self, release: str, scenarios: Iterable[Scenario]) -> tuple[str, ...]:
        """Why this release was not asked for some of these scenarios."""
        found = (self.results[release].get(one.id) for one in scenarios)
        return tuple(
            dict.fromkeys(
                one.verdict.reason.removeprefix(f"{one.evidence.agent.label} has ")
                for one in found
                if one is not None and one.verdict.kind is VerdictKind.UNSUPPORTED
            )
        )

    def absences(self, scenarios: Sequence[Scenario]) -> str:
        """A sentence for each reason why releases were not asked for some of these scenarios."""
        every = {release: self.reasons(release, scenarios) for release in self.releases}
        reasons = dict.fromkeys(reason for found in every.values() for reason in found)
        told: dict[str, list[str]] = {}
        for reason in reasons:
            holds = [release for release, found in every.items() if reason in found]
            told.setdefault(span(holds, self.releases), []).append(markdown.prose(reason))
        return "".join(f"{ABSENT} on {name}: {'; '.join(why)}.\n\n" for name, why in told.items())

    def asked(self, scenarios: Sequence[Scenario]) -> tuple[str, ...]:
        """The releases that were asked for any of these scenarios."""
        nothing = {ABSENT, UNRECORDED}
        return tuple(
            release for release in self.releases if set(self.texts(release, scenarios)) - nothing
        )

    def unrecorded(self, scenarios: Sequence[Scenario]) -> str:
        """A sentence for what is not recorded of these scenarios; empty: all of it is."""
        told = [
            f"{count} of {len(scenarios)} on {span(found, self.releases)}"
            for found, count in alike(
                self.releases, lambda name: self.texts(name, scenarios).count(UNRECORDED)
            )
            if count
        ]
        return f"Not recorded yet: {'; '.join(told)}.\n\n" if told else ""


def _shown(found: Result) -> str:
    """What else an expectation speaks of, as it was observed."""
    version = found.evidence.agent.version
    expected = (found.scenario.expectation, *found.scenario.then)
    shown = {
        f"{name} {_value(name, getattr(step.observation, name))}": None
        for step, it in zip(found.steps, expected, strict=False)
        for name, _ in it.does.on(version).shows
    }
    return "".join(f", {one}" for one in shown)


def _value(name: str, value: Any) -> str:
    """A value of an observation in a word or two; of a subject, its common name."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_value(name, one) for one in value) or "none"
    text = "none" if value is None else str(value)
    if text.startswith("CN="):
        text = text.split(",", 1)[0].removeprefix("CN=")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
