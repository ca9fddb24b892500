"""From evidence to findings and results: judged, explained, and held against what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flb_handshake.evidence import Evidence
from flb_handshake.explain import Cause, explain
from flb_handshake.judge import Observation, exposure, judge
from flb_handshake.model import Exposure, Outcome, Scenario, Setup, VerdictKind
from flb_handshake.planning import Play
from flb_handshake.verdict import Verdict, compare

_FINE = frozenset({VerdictKind.AGREES, VerdictKind.UNSUPPORTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one run shows, whether or not anything was expected of it."""

    evidence: Evidence
    observation: Observation
    exposure: tuple[Exposure, ...]
    causes: tuple[Cause, ...]
    control: Observation | None
    """What became of the control twin; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Finding):
    """A finding beside the scenario that it was made for."""

    scenario: Scenario
    verdict: Verdict

    @property
    def disagrees(self) -> bool:
        """Whether a run that holds this result has failed."""
        return self.verdict.kind not in _FINE


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
    return [
        result(one, evidence[one.setup], evidence[one.control] if one.control else None)
        for one in scenarios
    ]


def result(one: Scenario, evidence: Evidence, twin: Evidence | None) -> Result:
    """The result of one scenario, from its own evidence and its control twin's."""
    found = finding(replace(evidence, scenario=one.id), twin)
    verdict = compare(one.expectation, found.evidence, found.observation, found.control)
    believed = verdict.kind is VerdictKind.AGREES and not found.observation.outcome.arrived
    if believed and one.control is not None and twin is None:
        reason = "there is no evidence of its control twin"
        verdict = Verdict(kind=VerdictKind.CONTROL_FAILED, reason=reason)
    return Result(
        evidence=found.evidence,
        observation=found.observation,
        exposure=found.exposure,
        causes=found.causes,
        control=found.control,
        scenario=one,
        verdict=verdict,
    )


def finding(evidence: Evidence, twin: Evidence | None) -> Finding:
    """What the evidence shows, without any expectation."""
    observation = judge(evidence)
    return Finding(
        evidence=evidence,
        observation=observation,
        exposure=exposure(evidence, observation),
        causes=explain(evidence, observation),
        control=judge(twin) if twin is not None else None,
    )
