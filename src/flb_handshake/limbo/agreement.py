"""Limbo's expectations, held against what Fluent Bit did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flb_handshake.evidence import Evidence
from flb_handshake.judge import Observation, judge
from flb_handshake.limbo.setups import setup
from flb_handshake.limbo.suite import LimboCase
from flb_handshake.model import Setup
from flb_handshake.outcomes import Outcome, Side
from flb_handshake.planning import Play
from flb_handshake.verdict import observed_words


class Agreement(StrEnum):
    """What comes of a case."""

    AGREES = "agrees"
    FALSE_ACCEPT = "false accept"
    """Limbo refuses, Fluent Bit let it pass."""
    FALSE_REFUSAL = "false refusal"
    """Limbo lets it pass, Fluent Bit refused."""
    UNDECIDED = "undecided"
    """It was played, but Fluent Bit neither let it pass nor refused the certificate."""
    CONTROL_FAILED = "control failed"
    """It was refused, and so was our own healthy chain in its place: so nothing is known."""
    HARNESS_ERROR = "harness error"
    NOT_PLAYED = "not played"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One case, and what came of it."""

    case: LimboCase
    agreement: Agreement
    reason: str = ""
    """Why it was not played, or why nothing is known."""
    seen: Observation | None = None

    @property
    def is_decided(self) -> bool:
        """Whether it counts: Fluent Bit let it pass, or refused it."""
        return self.accepted is not None

    @property
    def accepted(self) -> bool | None:
        """What Fluent Bit did; None: nothing is known."""
        match self.agreement:
            case Agreement.AGREES:
                return self.case.succeeds
            case Agreement.FALSE_ACCEPT | Agreement.FALSE_REFUSAL:
                return not self.case.succeeds
            case _:
                return None

    @property
    def said(self) -> tuple[str, ...]:
        """What Fluent Bit and its OpenSSL said: the alert, and the line of the log."""
        if self.seen is None:
            return ()
        alert = [f"alert {self.seen.alert}"] if self.seen.alert else []
        return (*alert, *(one.text for one in self.seen.signs if one.name in _TELLING))


_TELLING = frozenset({"certificate_verify_failed", "ca_file_unusable", "tls_context_failed"})


Plan = Mapping[LimboCase, Setup | str]
"""What is played for each case, or why nothing is."""


def plan(cases: Sequence[LimboCase], version: str) -> Plan:
    """What is to be played for these cases on this release, now."""
    now = dt.datetime.now(dt.UTC)
    return {one: setup(one, version, now) for one in cases}


def plays(planned: Plan) -> list[Play]:
    """What must be played: the cases, and their control twins."""
    wanted = []
    for case, made in planned.items():
        if isinstance(made, Setup):
            wanted.append(Play(alias=case.id, setup=made))
            if made.whole is not None:
                wanted.append(Play(alias=f"control.of.{case.id}", setup=made.whole))
    return wanted


def answers(planned: Plan, evidence: Mapping[Setup, Evidence]) -> list[Answer]:
    """What came of each case. A setup that is missing from the evidence is a KeyError."""
    return [
        Answer(case=case, agreement=Agreement.NOT_PLAYED, reason=made)
        if isinstance(made, str)
        else _answer(case, evidence[made], evidence[made.whole] if made.whole else None)
        for case, made in planned.items()
    ]


def _answer(case: LimboCase, evidence: Evidence, twin: Evidence | None) -> Answer:
    seen, control = judge(evidence), judge(twin) if twin is not None else None
    if evidence.unsupported:
        return Answer(case=case, agreement=Agreement.NOT_PLAYED, reason=evidence.unsupported)
    if seen.outcome is Outcome.INVALID:
        return Answer(case=case, agreement=Agreement.HARNESS_ERROR, reason=seen.note)
    accepted = seen.outcome is Outcome.DELIVERED
    if not accepted and seen.refused_by is not Side.AGENT:
        return Answer(
            case=case, agreement=Agreement.UNDECIDED, reason=observed_words(seen), seen=seen
        )
    if not accepted and (control is None or control.outcome is not Outcome.DELIVERED):
        became = observed_words(control) if control else "not played"
        reason = f"refused, but so was our healthy chain: {became}"
        return Answer(case=case, agreement=Agreement.CONTROL_FAILED, reason=reason, seen=seen)
    if accepted == case.succeeds:
        return Answer(case=case, agreement=Agreement.AGREES, seen=seen)
    wrong = Agreement.FALSE_ACCEPT if accepted else Agreement.FALSE_REFUSAL
    return Answer(case=case, agreement=wrong, seen=seen)
