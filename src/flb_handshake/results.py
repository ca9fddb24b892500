"""From evidence to findings and results: judged, explained, and held against what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from flb_handshake.evidence import Evidence
from flb_handshake.explain import Cause, explain
from flb_handshake.judge import Observation, exposure, fates, judge
from flb_handshake.model import Scenario, Setup
from flb_handshake.outcomes import Exposure, Fates, Outcome, VerdictKind
from flb_handshake.planning import Play
from flb_handshake.verdict import Verdict, compare, compare_fates

_FINE = frozenset({VerdictKind.AGREES, VerdictKind.UNSUPPORTED})


_OF_THE_AGENT: Final = frozenset(
    {
        VerdictKind.UNEXPECTED_FAILURE,
        VerdictKind.UNEXPECTED_SUCCESS,
        VerdictKind.WRONG_REASON,
    }
)
"""Verdicts on something that the agent did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one run shows, whether or not anything was expected of it."""

    evidence: Evidence
    observation: Observation
    exposure: tuple[Exposure, ...]
    causes: tuple[Cause, ...]
    control: Observation | None
    """What became of the control twin; None: there is none."""
    then: tuple[Finding, ...] = ()
    """What the steps show that followed, each by itself."""

    @property
    def steps(self) -> tuple[Finding, ...]:
        """This, and the steps that followed."""
        return (self, *self.then)

    @property
    def fates(self) -> Fates:
        """What became of numbered records."""
        return fates(self.evidence)

    @property
    def all_causes(self) -> tuple[Cause, ...]:
        """The causes of the first step that has any."""
        return next((one.causes for one in self.steps if one.causes), ())

    @property
    def all_exposure(self) -> tuple[Exposure, ...]:
        """What is exposed in any of the steps."""
        return tuple(dict.fromkeys(found for one in self.steps for found in one.exposure))


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
            doubtful=any(does.outcome is Outcome.NOT_STARTED for does in variants),
            deadly=any(
                does.crashes and does.outcome is not Outcome.NOT_STARTED for does in variants
            ),
        )
        for one in scenarios
        for variants in (one.expectation.does.variants,)
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
    return Result(
        evidence=found.evidence,
        observation=found.observation,
        exposure=found.exposure,
        causes=found.causes,
        control=found.control,
        then=found.then,
        scenario=one,
        verdict=_verdict(one, found),
    )


def _verdict(one: Scenario, found: Finding) -> Verdict:
    """The first step that disagrees decides; where none does, the fates of the records."""
    gap = False
    for position, expected in enumerate((one.expectation, *one.then)):
        if position >= len(found.steps):
            return _never_reached(one, found, position)
        step = found.steps[position]
        verdict = compare(expected, step.evidence, step.observation, step.control)
        believed = verdict.kind is VerdictKind.AGREES and not step.observation.outcome.arrived
        if believed and one.control is not None and step.control is None:
            reason = "there is no evidence of its control twin"
            verdict = Verdict(kind=VerdictKind.CONTROL_FAILED, reason=reason)
        if verdict.kind is not VerdictKind.AGREES:
            where = f"step '{step.evidence.step}': " if step.evidence.step else ""
            unmade = (
                one.setup.steps[len(found.steps) - 1 :] if verdict.kind in _OF_THE_AGENT else ()
            )
            rest = f"; step '{unmade[0].name}' was never reached" if unmade else ""
            return replace(verdict, reason=where + verdict.reason + rest)
        gap = gap or verdict.gap
    expected_fates = one.fates_on(found.evidence.agent.version)
    if one.then and (wrong := compare_fates(expected_fates, found.fates)) is not None:
        return wrong
    return Verdict(kind=VerdictKind.AGREES, gap=gap)


def _never_reached(one: Scenario, found: Finding, position: int) -> Verdict:
    code = found.steps[-1].evidence.agent.exit_code
    ended = f"the agent ended by itself, with exit code {code}" if code is not None else "no end"
    step = one.setup.steps[position - 1].name
    return Verdict(
        kind=VerdictKind.UNEXPECTED_FAILURE, reason=f"step '{step}' was never reached: {ended}"
    )


def finding(evidence: Evidence, twin: Evidence | None) -> Finding:
    """What the evidence shows, without any expectation.

    Each step has its counterpart in the twin: the step of the same place, or the twin's last one.
    """
    twins = twin.steps if twin is not None else ()
    first, *then = (
        _finding(step, twins[min(position, len(twins) - 1)] if twins else None)
        for position, step in enumerate(evidence.steps)
    )
    return replace(first, then=tuple(then))


def _finding(evidence: Evidence, twin: Evidence | None) -> Finding:
    observation = judge(evidence)
    return Finding(
        evidence=evidence,
        observation=observation,
        exposure=exposure(evidence, observation),
        causes=explain(evidence, observation),
        control=judge(twin) if twin is not None else None,
    )
