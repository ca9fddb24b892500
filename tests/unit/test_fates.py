"""What became of each numbered record, and which step a delivery belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stages import (
    ACCEPTED,
    CLOSED,
    INPUT,
    NEGOTIATED,
    OUTPUT,
    REFUSED,
    TLS_BYTES,
    arrived,
    event,
    in_steps,
    passed,
    ran,
    request,
    shipped,
    took,
)

from flb_handshake.judge import fates, judge
from flb_handshake.outcomes import Fates, Outcome
from flb_handshake.peer.events import Kind

NOTHING: tuple[int, ...] = ()


def whole(role, *numbers):
    """A run of one record in each step; in each step these numbers arrived."""
    if role == "output":
        return in_steps(*(took(*some) if some else REFUSED for some in numbers))
    each = (passed(*some) if some else (ACCEPTED, CLOSED) for some in numbers)
    return in_steps(*each, setup=INPUT)


@pytest.mark.parametrize("role", ["output", "input"])
@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (((1,),), Fates()),
        (((1,), (2,), (3,)), Fates()),
        (((1,), NOTHING), Fates(lost=1)),
        ((NOTHING, NOTHING, NOTHING), Fates(lost=3)),
        (((1,), NOTHING, (2, 3)), Fates(late=1)),
        ((NOTHING, NOTHING, (1, 2, 3)), Fates(late=2)),
        (((1,), (2, 2)), Fates(doubled=1)),
        (((1,), (1, 2)), Fates(doubled=1)),
        (((1, 1), (1, 2)), Fates(doubled=1)),
        (((1,), NOTHING, (2, 2, 3)), Fates(late=1, doubled=1)),
        (((1,), NOTHING, (1, 2)), Fates(lost=1, late=1, doubled=1)),
        ((NOTHING, (1, 2, 2), NOTHING), Fates(lost=1, late=1, doubled=1)),
        (((1,), (2, 9)), Fates()),
    ],
)
def test_a_record_is_lost_late_or_doubled(role, numbers, expected):
    assert fates(whole(role, *numbers)) == expected


def test_what_a_shipper_handed_over_and_never_came_out_is_lost():
    given = in_steps(passed(1), (ACCEPTED, NEGOTIATED, shipped(2), CLOSED), setup=INPUT)
    assert fates(given) == Fates(lost=1)


def test_of_a_run_that_breaks_off_only_the_records_that_were_made_count():
    assert fates(in_steps(took(1), took(2))) == Fates()


def test_records_without_numbers_have_no_fate():
    odd = event(Kind.REQUEST, tls=True, records=["n", {"n": "1"}, {"n": [1]}, None], count=4)
    assert fates(ran(ACCEPTED, odd, made=())) == Fates()
    assert fates(ran(ACCEPTED, odd, made=(1,))) == Fates(lost=1)
    assert judge(ran(ACCEPTED, odd, CLOSED, made=(1,))).outcome is Outcome.CUT


@pytest.mark.parametrize(
    ("setup", "other", "own"),
    [
        (OUTPUT, (ACCEPTED, TLS_BYTES, request(1), CLOSED), took(1, 2)),
        (INPUT, (ACCEPTED, NEGOTIATED, shipped(2), arrived(1), CLOSED), passed(1, 2)),
    ],
    ids=["output", "input"],
)
def test_only_a_record_of_its_own_makes_a_step_delivered(setup, other, own):
    for events, outcome in ((other, Outcome.CUT), (own, Outcome.DELIVERED)):
        given = ran(*events, setup=setup, step="later", made=(2,))
        assert judge(given).outcome is outcome
        assert judge(replace(given, made=())).outcome is Outcome.DELIVERED


def test_the_observation_shows_late_records_as_well():
    assert judge(ran(*took(1, 2), step="later", made=(2,))).records == ({"n": 1}, {"n": 2})
