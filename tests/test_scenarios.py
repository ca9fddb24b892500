"""The only test of the catalogue: each scenario does on this Fluent Bit what it is said to do."""

from __future__ import annotations

import pytest

from fixtures.handshake import Handshakes, Trial
from flb_handshake.outcomes import VerdictKind
from flb_handshake.results import Result


def test_scenario(trial: Trial, result: Result, handshakes: Handshakes) -> None:
    assert result.scenario.id == trial.scenario.id
    if result.verdict.kind is VerdictKind.UNSUPPORTED:
        pytest.skip(result.verdict.reason)
    if result.disagrees:
        pytest.fail(handshakes.failure(trial.ref, result), pytrace=False)
