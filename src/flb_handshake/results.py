"""From evidence to results: each scenario beside its control twin, judged, explained, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flb_handshake.evidence import Evidence
from flb_handshake.explain import Cause, explain
from flb_handshake.judge import Observation, exposure, judge
from flb_handshake.model import Exposure, Outcome, Scenario, Setup, VerdictKind
from flb_handshake.runner import Play
from flb_handshake.verdict import Verdict, compare

_BAD: frozenset[VerdictKind] = frozenset(VerdictKind) - {
    VerdictKind.AGREES,
    VerdictKind.UNSUPPORTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All there is to say of one scenario on one agent."""

    scenario: Scenario
    evidence: Evidence
    observation: Observation
    exposure: tuple[Exposure, ...]
    causes: tuple[Cause, ...]
    verdict: Verdict
    control: Observation | None
    """What became of the control twin; None: there is none."""

    @property
    def disagrees(self) -> bool:
        """Whether a run that holds this result has failed."""
        return self.verdict.kind in _BAD


def plays(scenarios: Sequence[Scenario]) -> list[Play]:
    """What must be played for these scenarios: each of them, and their control twins."""
    wanted = [
        Play(
            alias=one.id,
            setup=one.setup,
            doubtful=one.expectation.does.outcome is Outcome.NOT_STARTED,
        )
        for one in scenarios
    ]
    twins = [
        Play(alias=f"control.of.{one.id}", setup=one.control)
        for one in scenarios
        if one.control is not None
    ]
    return wanted + twins


def results(scenarios: Sequence[Scenario], evidence: Mapping[Setup, Evidence]) -> list[Result]:
    """Judges what was played. A setup that is missing from the evidence is a KeyError."""
    seen = {setup: judge(one) for setup, one in evidence.items()}
    made = []
    for one in scenarios:
        own = replace(evidence[one.setup], scenario=one.id)
        observation = seen[one.setup]
        control = seen[one.control] if one.control is not None else None
        made.append(
            Result(
                scenario=one,
                evidence=own,
                observation=observation,
                exposure=exposure(own, observation),
                causes=explain(own, observation),
                verdict=compare(one.expectation, own, observation, control),
                control=control,
            )
        )
    return made

