"""A bundled run, played here, and whether the same came of it as elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flb_handshake.agent.contract import Agent
from flb_handshake.evidence import Evidence
from flb_handshake.model import Setup
from flb_handshake.planning import Play
from flb_handshake.results import Finding, finding
from flb_handshake.session import Session
from flb_handshake.trials.suspicions import signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A section before a peer, before a healthy one, and what came of both."""

    setup: Setup
    healthy: Setup
    evidence: Evidence = field(compare=False)
    control: Evidence = field(compare=False)

    @property
    def found(self) -> Finding:
        """What it shows."""
        return finding(self.evidence, None if self.setup == self.healthy else self.control)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """In what two runs differ."""

    what: str
    before: str
    now: str


def play(
    setup: Setup,
    healthy: Setup,
    agent: Agent,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Run:
    """Plays both. Raises HarnessFailure."""
    session = Session(agent=agent)
    plays = [
        Play(alias="bundle.healthy", setup=healthy, doubtful=True),
        Play(alias="bundle.played", setup=setup, doubtful=True, deadly=True),
    ]
    session.play(plays, progress)
    evidence = session.evidence
    return Run(setup=setup, healthy=healthy, evidence=evidence[setup], control=evidence[healthy])


def differences(before: Run, now: Run) -> tuple[Difference, ...]:
    """What came otherwise: the outcome, who refused, the alert, or what the log has to say.

    Of the log, that each line is said again is asked, not that nothing else is: what else is said
    depends on how long one listens.
    """
    one, other = before.found.observation, now.found.observation
    pairs = (
        ("outcome", one.outcome, other.outcome),
        ("refused by", one.refused_by or "nobody", other.refused_by or "nobody"),
        ("alert", one.alert or "none", other.alert or "none"),
        ("alert from", one.alert_from or "nobody", other.alert_from or "nobody"),
    )
    found = [
        Difference(what=what, before=str(old), now=str(new))
        for what, old, new in pairs
        if old != new
    ]
    missing = signature(before.evidence.agent.log) - signature(now.evidence.agent.log)
    found += [Difference(what="log", before=line, now="not said here") for line in sorted(missing)]
    return tuple(found)
