"""What can come of a run, of its records and of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a run. INVALID: the harness failed, so nothing is known of the agent."""

    DELIVERED = "DELIVERED"
    CLEARTEXT = "CLEARTEXT"
    REFUSED_BY_AGENT = "REFUSED_BY_AGENT"
    REFUSED_BY_PEER = "REFUSED_BY_PEER"
    NOT_STARTED = "NOT_STARTED"
    CUT = "CUT"
    STALLED = "STALLED"
    INVALID = "INVALID"

    @property
    def arrived(self) -> bool:
        """Whether the records left the agent."""
        return self in {Outcome.DELIVERED, Outcome.CLEARTEXT}


class Side(StrEnum):
    """An end of a handshake."""

    AGENT = "agent"
    PEER = "peer"


class Exposure(StrEnum):
    """What an attacker gains if it stays so."""

    CLEARTEXT = "CLEARTEXT"
    WRONG_PEER_ACCEPTED = "WRONG_PEER_ACCEPTED"
    NAME_UNCHECKED = "NAME_UNCHECKED"
    ANONYMOUS_CLIENT_ACCEPTED = "ANONYMOUS_CLIENT_ACCEPTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What became of the numbered records of a run in steps: how many had which fate."""

    lost: int = 0
    """Never arrived."""
    late: int = 0
    """Arrived, but in a later step than the one that they were made in."""
    doubled: int = 0
    """Arrived more than once."""


class VerdictKind(StrEnum):
    """An observation held against its expectation."""

    AGREES = "AGREES"
    UNEXPECTED_SUCCESS = "UNEXPECTED_SUCCESS"
    UNEXPECTED_FAILURE = "UNEXPECTED_FAILURE"
    WRONG_REASON = "WRONG_REASON"
    CONTROL_FAILED = "CONTROL_FAILED"
    HARNESS_ERROR = "HARNESS_ERROR"
    UNSUPPORTED = "UNSUPPORTED"
