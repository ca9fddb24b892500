"""Holds the clock of a Docker daemon's machine against ours: certificates are made by ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from flb_handshake.errors import AgentUnavailable

_MOST: Final = dt.timedelta(hours=1)
"""How far back the certificates that are made here are valid."""


def check_clock(facts: Mapping[str, Any], now: dt.datetime) -> None:
    """Raises AgentUnavailable if the daemon (`/info`) lives at quite another time.

    One that does not say what time it is, or not as ISO 8601, is believed.
    """
    try:
        theirs = dt.datetime.fromisoformat(str(facts.get("SystemTime")))
        apart = theirs - now
    except (TypeError, ValueError, OverflowError):
        return
    if abs(apart) > _MOST:
        raise AgentUnavailable(
            f"the Docker daemon's clock says {_told(theirs)}, this machine's {_told(now)}",
            hint="set the clocks: certificates that are made here would not be valid there, or "
            "what should have expired would be",
        )


def _told(moment: dt.datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
