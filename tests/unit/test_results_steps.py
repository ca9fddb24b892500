"""A run in steps beside its expectations: which step decides, against which step of its twin."""

from __future__ import annotations

import pytest
from stages import (
    ACCEPTED,
    CLOSED,
    INPUT,
    OUTPUT,
    REFUSED,
    TLS_BYTES,
    alert,
    in_steps,
    passed,
    ran,
    request,
    steps,
    took,
)

from flb_handshake.declare import Then, delivered, not_started, refused, stalled
from flb_handshake.expectations import Expectation
from flb_handshake.judge import judge
from flb_handshake.model import Scenario
from flb_handshake.outcomes import Exposure, Fates, Outcome, VerdictKind
from flb_handshake.results import finding, plays, result
from flb_handshake.verdict import compare, compare_fates, fates_words, observed_words

WELL = in_steps(took(1), took(2))
BADLY = in_steps(took(1), REFUSED)
UNKNOWN = refused("unknown_ca")


def scenario(first, *then, setup=OUTPUT, fates=None, should=None):
    later = tuple(one if isinstance(one, Then) else Then(one) for one in then)
    return Scenario(
        id="a.b",
        because="Why.",
        setup=setup.but(steps=steps(len(later))),
        expectation=Expectation(does=first, should=should),
        then=tuple(Expectation(does=one.does, should=one.should) for one in later),
        fates=fates,
    )


def verdict(seen, *does, twin=WELL, **more):
    return result(scenario(*does, **more), seen, twin).verdict


def test_all_steps_as_expected_agree():
    told = verdict(BADLY, delivered(), UNKNOWN)
    assert (told.kind, told.reason, told.gap) == (VerdictKind.AGREES, "", False)
    inputs = in_steps(passed(1), passed(2), setup=INPUT)
    assert verdict(inputs, delivered(), delivered(), setup=INPUT).kind is VerdictKind.AGREES


@pytest.mark.parametrize(
    ("seen", "does", "kind", "begins"),
    [
        (BADLY, (delivered(), delivered()), VerdictKind.UNEXPECTED_FAILURE, "step 'step 2': exp"),
        (WELL, (delivered(), UNKNOWN), VerdictKind.UNEXPECTED_SUCCESS, "step 'step 2': exp"),
        (WELL, (stalled(), UNKNOWN), VerdictKind.UNEXPECTED_SUCCESS, "expected STALLED"),
        (
            in_steps(took(1), (ACCEPTED, TLS_BYTES, CLOSED), REFUSED),
            (delivered(), UNKNOWN, delivered()),
            VerdictKind.WRONG_REASON,
            "step 'step 2': exp",
        ),
    ],
)
def test_the_first_step_that_disagrees_decides_and_is_named(seen, does, kind, begins):
    told = verdict(seen, *does)
    assert told.kind is kind
    assert told.reason.startswith(begins)


def test_what_a_step_shows_is_said_beside_what_was_expected():
    kept = in_steps(took(1), (request(2),))
    assert verdict(kept, delivered(), delivered().showing(connections=0)).kind is VerdictKind.AGREES
    told = verdict(WELL, delivered(), delivered().showing(connections=0, version="TLSv1.3"))
    assert told.kind is VerdictKind.WRONG_REASON
    assert told.reason == (
        "step 'step 2': expected DELIVERED, connections 0, version TLSv1.3,"
        " observed DELIVERED, 1 record, connections 1, version TLSv1.3"
    )


def test_an_earlier_release_is_held_to_its_own_expectation():
    does = (delivered(), delivered().before("5.1", UNKNOWN))
    old = in_steps(took(1), REFUSED, version="5.0.9")
    as_first = ran(*took(1), made=(1,), version="5.0.9", then=old.then)
    assert verdict(as_first, *does).kind is VerdictKind.AGREES
    assert verdict(BADLY, *does).kind is VerdictKind.UNEXPECTED_FAILURE


# The twin.


@pytest.mark.parametrize(
    ("twin", "kind"),
    [
        (WELL, VerdictKind.AGREES),
        (in_steps(took(1)), VerdictKind.AGREES),
        (in_steps(took(1), ()), VerdictKind.CONTROL_FAILED),
        (in_steps((), took(2)), VerdictKind.AGREES),
        (in_steps(()), VerdictKind.CONTROL_FAILED),
        (in_steps(took(1), took(2), ()), VerdictKind.AGREES),
        (None, VerdictKind.CONTROL_FAILED),
    ],
    ids=["same", "shorter", "same step", "other step", "only one", "longer", "none"],
)
def test_a_refused_step_is_believed_beside_the_same_step_of_the_twin_or_its_last(twin, kind):
    assert verdict(BADLY, delivered(), UNKNOWN, twin=twin).kind is kind


def test_the_step_whose_control_failed_is_named():
    told = verdict(BADLY, delivered(), UNKNOWN, twin=in_steps(took(1), ()))
    assert told.reason.startswith("step 'step 2': without the defect")


def test_each_step_has_its_own_control():
    found = finding(in_steps(took(1), REFUSED, REFUSED), in_steps(took(1), REFUSED))
    assert [one.control.outcome for one in found.steps] == [
        Outcome.DELIVERED,
        Outcome.REFUSED_BY_AGENT,
        Outcome.REFUSED_BY_AGENT,
    ]
    assert [one.control for one in finding(BADLY, None).steps] == [None, None]


def test_a_run_in_steps_is_played_with_its_twin_without_them():
    wanted, twin = plays([scenario(delivered(), delivered())])
    assert (len(wanted.setup.steps), twin.setup) == (1, OUTPUT)


# A run that breaks off.


def test_a_step_that_was_never_reached_is_named():
    told = verdict(WELL, delivered(), delivered(), UNKNOWN)
    assert told.kind is VerdictKind.UNEXPECTED_FAILURE
    assert told.reason == "step 'step 3' was never reached: no end"


def test_an_agent_that_ended_is_the_reason_that_no_step_followed():
    ended = in_steps((), exit_code=255, log=("[error] why",))
    told = verdict(ended, not_started("why"), UNKNOWN)
    assert told.kind is VerdictKind.UNEXPECTED_FAILURE
    assert told.reason == (
        "step 'step 2' was never reached: the agent ended by itself, with exit code 255"
    )


def test_an_agent_that_crashes_in_a_step_is_told_of_at_that_step():
    crashed = in_steps(took(1), (), exit_code=139)
    told = verdict(crashed, delivered(), stalled(), delivered())
    assert told.kind is VerdictKind.WRONG_REASON
    assert told.reason == (
        "step 'step 2': expected STALLED, observed CUT; the agent ended by itself,"
        " with exit code 139; step 'step 3' was never reached"
    )


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [("unsupported", VerdictKind.UNSUPPORTED), ("harness_error", VerdictKind.HARNESS_ERROR)],
)
def test_what_was_not_played_at_all_is_no_step_that_was_never_reached(trouble, kind):
    told = verdict(ran(**{trouble: "no daemon"}), delivered(), UNKNOWN, delivered())
    assert (told.kind, told.reason) == (kind, "no daemon")


# The records of all steps.


def test_the_fates_of_the_records_are_compared_last():
    late = in_steps(took(1), REFUSED, took(2, 3))
    expected = (delivered(), UNKNOWN, delivered())
    assert verdict(late, *expected, fates=Fates(late=1)).kind is VerdictKind.AGREES
    told = verdict(late, *expected)
    assert told.kind is VerdictKind.WRONG_REASON
    assert told.reason == "records: expected 1 lost, observed 1 late"
    other = verdict(late, delivered(), delivered(), delivered())
    assert other.reason.startswith("step 'step 2'")


def test_fates_that_are_expected_of_an_earlier_release_are_its_own():
    does = (delivered(), delivered().before("5.1", UNKNOWN))
    old = ran(*took(1), made=(1,), version="5.0.9", then=BADLY.then)
    assert scenario(*does).fates_on(old.agent.version) == Fates(lost=1)


def test_a_run_without_steps_has_no_fates():
    assert verdict(ran(*REFUSED, made=(1,)), UNKNOWN, fates=Fates(late=9)).kind is (
        VerdictKind.AGREES
    )


@pytest.mark.parametrize(
    ("fates", "words"),
    [
        (Fates(), "each once and in time"),
        (Fates(lost=1), "1 lost"),
        (Fates(late=2, doubled=1), "2 late, 1 doubled"),
        (Fates(lost=1, late=2, doubled=3), "1 lost, 2 late, 3 doubled"),
    ],
)
def test_fates_in_words(fates, words):
    assert fates_words(fates) == words
    assert compare_fates(fates, fates) is None
    for other, observed in ((Fates(lost=7), "7 lost"), (Fates(lost=fates.lost, late=7), "7 late")):
        wrong = compare_fates(fates, other)
        assert wrong is not None
        assert wrong.reason.startswith(f"records: expected {words}, observed ")
        assert observed in wrong.reason


# What is found in all steps together.


@pytest.mark.parametrize("at", [0, 1])
def test_a_gap_in_any_step_is_a_gap(at):
    wants = [None, None]
    wants[at] = Outcome.REFUSED_BY_AGENT
    told = verdict(WELL, delivered(), Then(delivered(), wants[1]), should=wants[0])
    assert (told.kind, told.gap) == (VerdictKind.AGREES, True)


def test_causes_are_those_of_the_first_step_that_has_any_and_exposures_of_all():
    clear = (ACCEPTED, request(2, tls=False))
    found = finding(in_steps(took(1), clear, REFUSED, clear), None)
    assert not found.causes
    assert found.all_causes
    assert found.all_causes == found.then[0].causes
    assert found.all_exposure == (Exposure.CLEARTEXT,)


# What an observation says of itself.


def test_observed_words_tell_what_the_expectation_speaks_of():
    seen = judge(WELL)
    assert observed_words(seen) == "DELIVERED, 1 record"
    shown = delivered().showing(connections=1, alpn=None)
    assert observed_words(seen, shown) == "DELIVERED, 1 record, connections 1, alpn None"
    refusal = judge(ran(ACCEPTED, alert("peer", "unknown_ca"), CLOSED))
    assert observed_words(refusal, shown) == (
        "REFUSED_BY_PEER with unknown_ca from the peer, connections 1, alpn None"
    )


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [
        ({"connections": 1}, True),
        ({"connections": 2}, False),
        ({"version": "TLSv1.3", "group": "x25519"}, True),
        ({"version": "TLSv1.3", "group": "x448"}, False),
        ({"acceptable": None}, True),
        ({"acceptable": ()}, False),
        ({"offered": ()}, True),
    ],
)
def test_everything_that_is_named_must_be_shown(shown, agrees):
    seen = judge(WELL)
    told = compare(Expectation(does=delivered().showing(**shown)), WELL, seen, None)
    assert told.kind is (VerdictKind.AGREES if agrees else VerdictKind.WRONG_REASON)
