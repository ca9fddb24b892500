"""Recorded evidence with only the log shown to the diagnosis, beside what the judge knows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flb_handshake.diagnosis.causes import overall, ranked
from flb_handshake.diagnosis.gathering import gathered
from flb_handshake.diagnosis.lines import Reader
from flb_handshake.diagnosis.vocabulary import WORD_OF, Word
from flb_handshake.model import Scenario
from flb_handshake.outcomes import Outcome
from flb_handshake.recorded import recorded

NOTHING_TO_FIND = frozenset({Outcome.DELIVERED, Outcome.CLEARTEXT, Outcome.INVALID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One run that failed, and what is said from its log alone."""

    scenario: str
    truth: Word
    ranking: tuple[Word, ...]
    """Empty: the log does not say that anything failed."""


def ranking(lines: Sequence[str]) -> tuple[Word, ...]:
    """The causes that the lines of a log speak for, the release not being told."""
    stream = io.BytesIO("\n".join(lines).encode())
    return overall([ranked(one) for one in gathered(Reader().read(stream))])


def answers(version: str, scenarios: Sequence[Scenario]) -> Iterator[Answer]:
    """Every run that failed in a release; the truth is what the judge proves from both ends."""
    for result in recorded(version, scenarios):
        for step in result.steps:
            if step.causes and step.observation.outcome not in NOTHING_TO_FIND:
                yield Answer(
                    scenario=result.scenario.id,
                    truth=WORD_OF[step.causes[0].cause],
                    ranking=ranking(step.evidence.agent.log),
                )
