"""What was recorded of each release, judged again once for all tests."""

from __future__ import annotations

from functools import cache

from flb_handshake import catalogue, recorded
from flb_handshake.results import Result

SCENARIOS = catalogue.load()


@cache
def judged(version: str) -> dict[str, Result]:
    """The results of a release, by the ids of their scenarios."""
    return {one.scenario.id: one for one in recorded.recorded(version, SCENARIOS)}
