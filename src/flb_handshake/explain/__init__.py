"""Evidence and Observation -> Diagnosis: the causes that fit, best first, each as sure as shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flb_handshake.dossier import Dossier, read
from flb_handshake.evidence import Evidence
from flb_handshake.explain import exposures, inputs, outputs, starts
from flb_handshake.explain.causes import Cause, fix_line
from flb_handshake.explain.steps import of_step
from flb_handshake.judge import Observation
from flb_handshake.outcomes import Outcome

__all__ = ["Cause", "explain", "fix_line"]


def explain(evidence: Evidence, observation: Observation) -> tuple[Cause, ...]:
    """The causes that fit, best first; none for a healthy delivery and for a run that was none.

    Where several fit alike, the last one's `because` says so and what to look at next. A run in
    steps is explained step by step: `evidence` is one of its steps.
    """
    if observation.outcome is Outcome.INVALID:
        return ()
    run = read(evidence, observation)
    of_steps = of_step(run)
    if of_steps and not _adds(run):
        return tuple(of_steps)
    by_outcome = (_OF_AN_INPUT if run.is_input else _OF_AN_OUTPUT)[observation.outcome]
    return (*of_steps, *by_outcome(run))


def _adds(run: Dossier) -> bool:
    """Whether the outcome says more than what the step has shown: somebody refused, or took it."""
    return run.observation.outcome not in {Outcome.CUT, Outcome.STALLED}


def _delivered(run: Dossier) -> list[Cause]:
    disturbed = [] if run.is_input else outputs.disturbed(run)
    return [*exposures.in_delivery(run), *disturbed]


_Causes = Mapping[Outcome, Callable[[Dossier], list[Cause]]]

_OF_AN_OUTPUT: Final[_Causes] = {
    Outcome.REFUSED_BY_AGENT: outputs.refused_by_agent,
    Outcome.REFUSED_BY_PEER: outputs.refused_by_peer,
    Outcome.NOT_STARTED: starts.not_started,
    Outcome.CUT: outputs.cut,
    Outcome.STALLED: outputs.stalled,
    Outcome.CLEARTEXT: exposures.in_cleartext,
    Outcome.DELIVERED: _delivered,
}

_OF_AN_INPUT: Final[_Causes] = {
    **_OF_AN_OUTPUT,
    Outcome.REFUSED_BY_AGENT: inputs.refused_by_agent,
    Outcome.REFUSED_BY_PEER: inputs.refused_by_peer,
    Outcome.CUT: inputs.cut,
    Outcome.STALLED: inputs.stalled,
}
