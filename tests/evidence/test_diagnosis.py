"""From the log alone, the cause that both ends prove is among the first three."""

from __future__ import annotations

from collections import Counter

import pytest
from diagnosed import answers, ranking
from logged import found, without_memory

from flb_handshake import catalogue
from flb_handshake.diagnosis.gathering import gathered
from flb_handshake.outcomes import Outcome
from flb_handshake.recorded import recorded


@pytest.fixture(scope="module")
def scenarios():
    return catalogue.load()


@pytest.mark.parametrize("version", ["3.0.7", "5.1.1"])
def test_the_cause_is_among_the_first_three_where_the_log_speaks(version, scenarios):
    # Catches a rule that is weighed so that it outweighs what other wordings say.
    told = [one for one in answers(version, scenarios) if one.ranking]
    missed = Counter(
        (one.truth.value, one.ranking[:3]) for one in told if one.truth not in one.ranking[:3]
    )
    assert len(told) > 500
    assert missed.total() <= 0.05 * len(told), missed.most_common(10)
    assert sum(one.truth is one.ranking[0] for one in told) >= 0.87 * len(told)


def test_a_log_of_a_delivery_is_seldom_taken_for_trouble(scenarios):
    # Catches a wording that healthy runs use too; what remains are first tries that failed.
    found = [one for one in recorded("5.1.1", scenarios) if not one.all_causes]
    healthy = [one for one in found if one.observation.outcome is Outcome.DELIVERED]
    alarms = [one.scenario.id for one in healthy if ranking(one.evidence.agent.log)]
    assert len(healthy) > 300
    assert len(alarms) <= 0.02 * len(healthy), alarms


def test_remembering_lines_changes_nothing_that_is_said_of_a_release(scenarios):
    # Catches a number that is passed over as varying, and that a clue is read from.
    logs = {tuple(one.evidence.agent.log) for one in recorded("4.2.8", scenarios)}
    assert len(logs) > 1000
    read = [gathered(found(*log)) for log in logs]
    with without_memory():
        assert [gathered(found(*log)) for log in logs] == read
