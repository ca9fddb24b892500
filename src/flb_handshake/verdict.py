"""Expectation x Observation -> Verdict: the one place where the two meet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from packaging.version import Version

from flb_handshake.evidence import Evidence
from flb_handshake.expectations import Does, Expectation
from flb_handshake.judge import Observation
from flb_handshake.outcomes import Fates, Outcome, VerdictKind

_BY_SIGNAL = range(129, 160)
"""Exit codes by which a container tells of a signal; Fluent Bit itself returns 1 or 255."""


_LAST_WORD: Final = "[lib] backend failed"
"""What a release says whenever it does not start, whether or not the reason comes too."""

_TELLS_ALL: Final = Version("2.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an observation compares with what was expected."""

    kind: VerdictKind
    reason: str = ""
    """What differs, in words; empty when nothing does."""
    gap: bool = False
    """This Fluent Bit does as expected, but a careful operator would want otherwise."""


def compare(
    expectation: Expectation,
    evidence: Evidence,
    observation: Observation,
    control: Observation | None,
) -> Verdict:
    """Holds the observation against the expectation; a refusal counts only beside its control.

    `control` is the observation of the control twin; None where nothing is wrong to be removed.
    """
    if evidence.unsupported:
        return Verdict(kind=VerdictKind.UNSUPPORTED, reason=evidence.unsupported)
    if observation.outcome is Outcome.INVALID:
        return Verdict(kind=VerdictKind.HARNESS_ERROR, reason=observation.note)
    refused = not observation.outcome.arrived
    if refused and control is not None and control.outcome is not Outcome.DELIVERED:
        return Verdict(
            kind=VerdictKind.CONTROL_FAILED,
            reason=f"without the defect it was not delivered either: {control.outcome}"
            f"{f' ({control.note})' if control.note else ''}",
        )
    does = expectation.does.on(evidence.agent.version)
    kind = _disagreement(does, observation, evidence)
    if kind is None:
        wanted = expectation.should
        return Verdict(
            kind=VerdictKind.AGREES, gap=wanted is not None and wanted is not observation.outcome
        )
    told = f"expected {words(does)}, observed {observed_words(observation, does)}"
    if _ended_otherwise(does, evidence):
        told += f"; the agent ended by itself, with exit code {evidence.agent.exit_code}"
    return Verdict(kind=kind, reason=told)


def compare_fates(expected: Fates, observed: Fates) -> Verdict | None:
    """What differs in the fates of the records; None: nothing."""
    if expected == observed:
        return None
    reason = f"records: expected {fates_words(expected)}, observed {fates_words(observed)}"
    return Verdict(kind=VerdictKind.WRONG_REASON, reason=reason)


def fates_words(fates: Fates) -> str:
    """The fates of the records in words."""
    told = [f"{n} {fate}" for fate in ("lost", "late", "doubled") if (n := getattr(fates, fate))]
    return ", ".join(told) or "each once and in time"


def _disagreement(does: Does, seen: Observation, evidence: Evidence) -> VerdictKind | None:
    if seen.outcome.arrived and not does.outcome.arrived:
        return VerdictKind.UNEXPECTED_SUCCESS
    if does.outcome.arrived and not seen.outcome.arrived:
        return VerdictKind.UNEXPECTED_FAILURE
    if (
        seen.outcome is not does.outcome
        or seen.alert != does.alert
        or _ended_otherwise(does, evidence)
    ):
        return VerdictKind.WRONG_REASON
    if does.says and not _said(does.says, evidence):
        return VerdictKind.WRONG_REASON
    if does.lines and does.lines != tuple(_line(record) for record in seen.records):
        return VerdictKind.WRONG_REASON
    if does.carries and does.carries not in json.dumps(seen.records):
        return VerdictKind.WRONG_REASON
    if any(getattr(seen, name) != value for name, value in does.shows):
        return VerdictKind.WRONG_REASON
    return None


def _ended_otherwise(does: Does, evidence: Evidence) -> bool:
    """Whether the agent ended where it should not, or otherwise than it should: by a signal."""
    code = evidence.agent.exit_code
    if code is None:
        return False
    by_signal = code < 0 or code in _BY_SIGNAL
    ends = does.crashes or does.outcome is Outcome.NOT_STARTED
    return not ends or by_signal is not does.crashes


def _said(words: str, evidence: Evidence) -> bool:
    """Whether the log holds these words, or can have lost them.

    1.9.10 and 2.0.14 end at times before the thread that writes the log has said why.
    """
    log = evidence.agent.log
    loses = Version(evidence.agent.version) < _TELLS_ALL
    return any(words in line for line in log) or (loses and any(_LAST_WORD in line for line in log))


def _line(record: object) -> object:
    return record.get("log") if isinstance(record, dict) else None


def words(does: Does) -> str:
    """An expectation in words."""
    alert = f" with {does.alert}" if does.alert else ""
    says = f', saying "{does.says}"' if does.says else ""
    lines = f", with {len(does.lines)} given lines" if does.lines else ""
    carries = f', a record with "{does.carries}" in it' if does.carries else ""
    shown = "".join(f", {name} {value}" for name, value in does.shows)
    earlier = "".join(f"; below {release}: {words(then)}" for release, then in does.earlier)
    crash = " by a crash" if does.crashes else ""
    return f"{does.outcome}{crash}{alert}{says}{lines}{carries}{shown}{earlier}"


def observed_words(seen: Observation, does: Does | None = None) -> str:
    """An observation in words, as far as the expectation speaks of it."""
    alert = f" with {seen.alert} from the {seen.alert_from}" if seen.alert else ""
    shown = "".join(f", {name} {getattr(seen, name)}" for name, _ in (does.shows if does else ()))
    count = len(seen.records)
    records = f", {count} record{'' if count == 1 else 's'}" if seen.outcome.arrived else ""
    return f"{seen.outcome}{alert}{records}{shown}"
