"""The likeliest causes of a trouble, played until one says in the log what the user's log said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flb_handshake.agent.contract import Agent
from flb_handshake.diagnosis.vocabulary import Word
from flb_handshake.evidence import Evidence
from flb_handshake.model import Setup
from flb_handshake.planning import Play
from flb_handshake.results import Finding, finding
from flb_handshake.session import Session
from flb_handshake.trials.stand_ins import StandIn
from flb_handshake.trials.suspicions import signature, suspected


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A cause that was played."""

    word: Word
    setup: Setup
    found: Finding
    missing: frozenset[str]
    """What the user's log says, and this run's does not."""

    @property
    def is_it(self) -> bool:
        """Whether the run failed and said all that the user's log says."""
        return not self.found.observation.outcome.arrived and not self.missing


def tried(
    words: Sequence[Word],
    said: frozenset[str],
    stood: StandIn,
    agent: Agent,
    progress: Callable[[int, int], None] = lambda *_: None,
    *,
    known: dict[Setup, Evidence] | None = None,
) -> tuple[Tried, ...]:
    """Plays these causes with the user's own settings, in this order. Raises HarnessFailure.

    What stands in `known` is not played again, and it gets what is: one log can hold several
    troubles of one section.
    """
    setups = [(word, setup) for word in words for setup in suspected(word, stood)]
    session = Session(agent=agent, evidence={} if known is None else known)
    plays = [Play(alias="reproduce.healthy", setup=stood.healthy, doubtful=True)]
    plays += [
        Play(alias=f"reproduce.{number}.{word}", setup=setup, doubtful=True, deadly=True)
        for number, (word, setup) in enumerate(setups, 1)
    ]
    session.play([one for one in plays if one.setup not in session.evidence], progress)
    twin = session.evidence[stood.healthy]
    found = []
    for word, setup in setups:
        evidence = session.evidence[setup]
        missing = said - signature(evidence.agent.log)
        found.append(Tried(word=word, setup=setup, found=finding(evidence, twin), missing=missing))
    return tuple(found)
