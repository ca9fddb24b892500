from __future__ import annotations

from dataclasses import replace

import pytest
from builders import ACCEPTED, CLEAR_BYTES, CLOSED, TLS_BYTES, alert, evidence, request

from flb_handshake.declare import (
    carrying,
    cleartext,
    crashed,
    cut,
    delivered,
    not_started,
    refused,
    refused_by_peer,
)
from flb_handshake.expectations import Expectation
from flb_handshake.judge import judge
from flb_handshake.outcomes import Outcome, VerdictKind
from flb_handshake.verdict import compare

DELIVERED = evidence(ACCEPTED, TLS_BYTES, request(tls=True))
CLEARTEXT = evidence(ACCEPTED, CLEAR_BYTES, request(tls=False))
REFUSED = evidence(ACCEPTED, TLS_BYTES, alert("agent", "unknown_ca"), CLOSED)
STALLED = evidence()


def verdict(does, seen, control=DELIVERED, should=None):
    twin = judge(control) if control is not None else None
    return compare(Expectation(does=does, should=should), seen, judge(seen), twin)


@pytest.mark.parametrize(
    ("does", "seen", "kind"),
    [
        (delivered(), DELIVERED, VerdictKind.AGREES),
        (delivered(), REFUSED, VerdictKind.UNEXPECTED_FAILURE),
        (delivered(), CLEARTEXT, VerdictKind.WRONG_REASON),
        (cleartext(), CLEARTEXT, VerdictKind.AGREES),
        (cleartext(), DELIVERED, VerdictKind.WRONG_REASON),
        (refused("unknown_ca"), REFUSED, VerdictKind.AGREES),
        (refused("unknown_ca"), DELIVERED, VerdictKind.UNEXPECTED_SUCCESS),
        (refused("bad_certificate"), REFUSED, VerdictKind.WRONG_REASON),
        (refused_by_peer("unknown_ca"), REFUSED, VerdictKind.WRONG_REASON),
        (not_started("x"), REFUSED, VerdictKind.WRONG_REASON),
    ],
)
def test_outcome_side_and_alert_must_all_agree(does, seen, kind):
    assert verdict(does, seen).kind is kind


def test_a_refusal_without_its_control_is_not_believed():
    assert verdict(refused("unknown_ca"), REFUSED, control=STALLED).kind is (
        VerdictKind.CONTROL_FAILED
    )


def test_a_dead_network_never_passes_a_negative_case():
    dead = evidence(harness_error="no daemon")
    assert verdict(refused("unknown_ca"), REFUSED, control=dead).kind is (
        VerdictKind.CONTROL_FAILED
    )
    assert verdict(refused("unknown_ca"), dead, control=dead).kind is VerdictKind.HARNESS_ERROR


def test_a_control_that_went_out_in_cleartext_is_no_control():
    assert verdict(refused("unknown_ca"), REFUSED, control=CLEARTEXT).kind is (
        VerdictKind.CONTROL_FAILED
    )


def test_an_agent_that_crashes_after_all_is_no_success():
    crashed = evidence(ACCEPTED, TLS_BYTES, request(tls=True), exit_code=139)
    told = verdict(delivered(), crashed)
    assert told.kind is VerdictKind.WRONG_REASON
    assert "exit code 139" in told.reason
    log = ("[error] [tls] ca_file 'x' 1: error",)
    for code, kind in ((255, VerdictKind.AGREES), (139, VerdictKind.WRONG_REASON)):
        seen = evidence(exit_code=code, log=log)
        assert verdict(not_started("[tls] ca_file '"), seen).kind is kind


def test_a_delivery_needs_no_control():
    assert verdict(delivered(), DELIVERED, control=STALLED).kind is VerdictKind.AGREES


def test_what_the_log_must_say_is_part_of_the_reason():
    right = evidence(exit_code=255, log=("[error] [tls] ca_file 'x' 1: error",))
    wrong = evidence(exit_code=255, log=("[error] something else",))
    assert verdict(not_started("[tls] ca_file '"), right).kind is VerdictKind.AGREES
    assert verdict(not_started("[tls] ca_file '"), wrong).kind is VerdictKind.WRONG_REASON


def test_the_very_lines_must_arrive():
    got = evidence(ACCEPTED, TLS_BYTES, request(tls=True, records=({"log": "a"}, {"log": "b"})))
    assert verdict(delivered(("a", "b")), got).kind is VerdictKind.AGREES
    assert verdict(delivered(("a",)), got).kind is VerdictKind.WRONG_REASON
    assert verdict(delivered(("b", "a")), got).kind is VerdictKind.WRONG_REASON


def test_the_subject_of_the_agent_must_be_the_right_one():
    assert verdict(delivered(client_subject="CN=x"), DELIVERED).kind is VerdictKind.WRONG_REASON


def test_what_the_agent_cannot_be_given_is_unsupported():
    seen = evidence(unsupported="no namespaces here")
    told = verdict(delivered(), seen)
    assert (told.kind, told.reason) == (VerdictKind.UNSUPPORTED, "no namespaces here")


def test_a_gap_is_reported_and_breaks_nothing():
    told = verdict(delivered(), DELIVERED, should=Outcome.REFUSED_BY_AGENT)
    assert told.kind is VerdictKind.AGREES
    assert told.gap
    assert not verdict(delivered(), DELIVERED).gap
    assert not verdict(delivered(), DELIVERED, should=Outcome.DELIVERED).gap


CAUGHT = "[engine] caught signal (SIGSEGV)"
SAID = "[2026/11/24 12:00:00] [error] [output http.0] error initializing TLS context"
LAST = "[2026/11/24 12:00:00] [error] [lib] backend failed"


def ended(code, *log, version="5.1.1"):
    made = evidence(exit_code=code, log=log)
    return replace(made, agent=replace(made.agent, version=version))


@pytest.mark.parametrize("code", [-11, 134, 139])
def test_a_crash_agrees_where_it_is_expected_and_nowhere_else(code):
    assert verdict(crashed(), ended(code, CAUGHT)).kind is VerdictKind.AGREES
    assert verdict(not_started("caught"), ended(code, CAUGHT)).kind is VerdictKind.WRONG_REASON
    assert verdict(crashed(), ended(255, CAUGHT)).kind is VerdictKind.WRONG_REASON
    assert verdict(crashed(), STALLED).kind is VerdictKind.WRONG_REASON


def test_a_crash_in_the_middle_agrees_only_where_one_is_expected():
    midway = replace(crashed(), outcome=Outcome.CUT)
    seen = evidence(ACCEPTED, CLOSED, exit_code=134, log=(CAUGHT,))
    alive = evidence(ACCEPTED, CLOSED)
    assert verdict(midway, seen).kind is VerdictKind.AGREES
    assert verdict(cut(), seen).kind is VerdictKind.WRONG_REASON
    assert verdict(crashed(), seen).kind is VerdictKind.WRONG_REASON
    assert verdict(cut(), alive).kind is VerdictKind.AGREES


def test_releases_that_end_before_their_log_has_said_why_are_believed_without_it():
    expected = not_started("error initializing TLS context")
    assert verdict(expected, ended(255, SAID)).kind is VerdictKind.AGREES
    assert verdict(expected, ended(255, LAST, version="2.0.14")).kind is VerdictKind.AGREES
    assert verdict(expected, ended(255, version="2.0.14")).kind is VerdictKind.WRONG_REASON
    assert verdict(expected, ended(255, LAST, version="2.2.3")).kind is VerdictKind.WRONG_REASON


def test_a_record_must_hold_what_it_is_expected_to_carry():
    assert verdict(carrying("handshake", delivered()), DELIVERED).kind is VerdictKind.AGREES

    other = verdict(carrying("other", delivered()), DELIVERED)

    assert other.kind is VerdictKind.WRONG_REASON
    assert 'a record with "other" in it' in other.reason
