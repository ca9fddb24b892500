from __future__ import annotations

import pytest
from builders import (
    ACCEPTED,
    CLEAR_BYTES,
    CLOSED,
    NEGOTIATED,
    TLS_BYTES,
    alert,
    client_pem,
    event,
    evidence,
    pki,
    request,
)

from flb_handshake.certificates import (
    HEALTHY,
    LEAF,
    OTHER_HOST,
    OTHER_LEAF,
    At,
    Key,
    chain,
    expired,
    keyed,
    named,
    revoked,
)
from flb_handshake.judge import exposure, judge
from flb_handshake.outcomes import Exposure, Outcome, Side
from flb_handshake.peer.events import Kind


@pytest.mark.parametrize(
    ("events", "outcome", "refused_by"),
    [
        ((ACCEPTED, TLS_BYTES, NEGOTIATED, request(tls=True)), Outcome.DELIVERED, None),
        ((ACCEPTED, TLS_BYTES, NEGOTIATED, request(tls=True, records=())), Outcome.DELIVERED, None),
        ((ACCEPTED, CLEAR_BYTES, request(tls=False)), Outcome.CLEARTEXT, None),
        (
            (ACCEPTED, TLS_BYTES, request(tls=True, records=()), CLEAR_BYTES, request(tls=False)),
            Outcome.CLEARTEXT,
            None,
        ),
        ((TLS_BYTES, request(tls=True, records=()), CLEAR_BYTES), Outcome.CLEARTEXT, None),
        ((CLEAR_BYTES, TLS_BYTES, request(tls=True)), Outcome.DELIVERED, None),
        ((ACCEPTED, CLEAR_BYTES, CLOSED), Outcome.CLEARTEXT, None),
        (
            (ACCEPTED, TLS_BYTES, alert("agent", "unknown_ca"), CLOSED),
            Outcome.REFUSED_BY_AGENT,
            Side.AGENT,
        ),
        (
            (ACCEPTED, TLS_BYTES, alert("peer", "certificate_required"), CLOSED),
            Outcome.REFUSED_BY_PEER,
            Side.PEER,
        ),
        ((ACCEPTED, TLS_BYTES, CLOSED), Outcome.CUT, None),
        ((ACCEPTED, TLS_BYTES), Outcome.STALLED, None),
        (
            (ACCEPTED, TLS_BYTES, event(Kind.CLOSED, by="peer", how="timeout")),
            Outcome.STALLED,
            None,
        ),
        ((), Outcome.STALLED, None),
    ],
)
def test_the_events_decide_the_outcome(events, outcome, refused_by):
    seen = judge(evidence(*events))
    assert (seen.outcome, seen.refused_by) == (outcome, refused_by)


def test_an_agent_that_exits_before_it_dials_has_not_started():
    seen = judge(evidence(exit_code=255))
    assert seen.outcome is Outcome.NOT_STARTED
    assert seen.refused_by is Side.AGENT


def test_a_close_notify_is_no_refusal():
    seen = judge(evidence(ACCEPTED, TLS_BYTES, alert("agent", "close_notify", "warning"), CLOSED))
    assert seen.outcome is Outcome.CUT
    assert seen.alert is None


def test_the_first_fatal_alert_names_who_refused():
    both = (alert("agent", "unknown_ca"), alert("peer", "internal_error"))
    seen = judge(evidence(ACCEPTED, TLS_BYTES, *both))
    assert (seen.alert, seen.alert_from) == ("unknown_ca", Side.AGENT)


def test_a_delivery_outweighs_an_alert_on_another_connection():
    events = (ACCEPTED, TLS_BYTES, alert("agent", "unknown_ca"), NEGOTIATED, request(tls=True))
    assert judge(evidence(*events)).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("trouble", ["harness_error", "unsupported"])
def test_a_failure_of_the_harness_is_no_outcome_of_the_agent(trouble):
    seen = judge(evidence(ACCEPTED, TLS_BYTES, request(tls=True), **{trouble: "no daemon"}))
    assert seen.outcome is Outcome.INVALID
    assert seen.note == "no daemon"


def test_the_agent_is_known_by_its_subject():
    presented = event(Kind.CLIENT_CHAIN, chain=[client_pem()])
    seen = judge(evidence(ACCEPTED, TLS_BYTES, NEGOTIATED, presented, request(tls=True)))
    assert seen.client_subject == "CN=fluent-bit,OU=fluent-bit,O=flb-handshake"


DELIVERY = (ACCEPTED, TLS_BYTES, NEGOTIATED, request(tls=True))


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (HEALTHY, ()),
        (chain(OTHER_LEAF), (Exposure.WRONG_PEER_ACCEPTED,)),
        (HEALTHY.sending(LEAF, name="leaf alone"), (Exposure.WRONG_PEER_ACCEPTED,)),
        (HEALTHY.but(expired()), (Exposure.WRONG_PEER_ACCEPTED,)),
        (HEALTHY.but(keyed(Key.RSA_1024)), (Exposure.WRONG_PEER_ACCEPTED,)),
        (HEALTHY.but(named(OTHER_HOST)), (Exposure.NAME_UNCHECKED,)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_was_accepted_shows_the_exposure(served, expected):
    given = evidence(*DELIVERY, sent=pki().pem(*served.sent).decode())
    assert exposure(given, judge(given)) == expected


@pytest.mark.parametrize("at", [At.LEAF, At.INTERMEDIATE])
def test_a_revoked_certificate_that_was_accepted_is_an_exposure(at):
    served = HEALTHY.but(revoked(), at=at)
    sent = pki().pem(*served.sent).decode()
    root, intermediate = served.root, served.intermediate
    anchors = pki().pem(root) + pki().crl_pem(root) + pki().crl_pem(intermediate)
    given = evidence(*DELIVERY, sent=sent, anchors=anchors.decode())
    assert exposure(given, judge(given)) == (Exposure.WRONG_PEER_ACCEPTED,)


def test_cleartext_is_an_exposure_whatever_the_certificates():
    given = evidence(ACCEPTED, CLEAR_BYTES, request(tls=False))
    assert exposure(given, judge(given)) == (Exposure.CLEARTEXT,)


def test_a_refusal_exposes_nothing():
    served = pki().pem(*chain(OTHER_LEAF).sent).decode()
    given = evidence(ACCEPTED, TLS_BYTES, alert("agent", "unknown_ca"), sent=served)
    assert exposure(given, judge(given)) == ()


def test_an_anonymous_client_is_exposed_only_where_a_certificate_was_asked_for():
    asked = evidence(*DELIVERY, client_auth="ask")
    assert exposure(asked, judge(asked)) == (Exposure.ANONYMOUS_CLIENT_ACCEPTED,)
    for other in ("none", "demand"):
        not_asked = evidence(*DELIVERY, client_auth=other)
        assert exposure(not_asked, judge(not_asked)) == ()


def test_a_warning_is_no_refusal_whatever_its_name():
    seen = judge(evidence(ACCEPTED, TLS_BYTES, alert("agent", "unrecognized_name", "warning")))
    assert (seen.outcome, seen.alert) == (Outcome.STALLED, None)


def test_a_run_is_cut_only_when_every_connection_has_ended():
    second = event(Kind.ACCEPTED, connection=2)
    assert judge(evidence(ACCEPTED, TLS_BYTES, second, CLOSED)).outcome is Outcome.STALLED


def test_the_moment_of_the_run_counts_and_not_the_present():
    later = (pki().now.replace(year=pki().now.year + 5)).isoformat()
    given = evidence(*DELIVERY, at=later)
    assert exposure(given, judge(given)) == (Exposure.WRONG_PEER_ACCEPTED,)
