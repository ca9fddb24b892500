"""What an input did, seen from the shipper's end: the outcome, what was shown, what is exposed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from minted import pki
from stages import (
    ACCEPTED,
    CLEAR_BYTES,
    CLOSED,
    INPUT,
    NEGOTIATED,
    REQUIRING,
    TLS_BYTES,
    alert,
    arrived,
    asked,
    at_proxy,
    event,
    in_steps,
    passed,
    ran,
    request,
    shipped,
    took,
)

from flb_handshake.certificates import (
    CLIENT_CHAIN,
    HEALTHY,
    LEAF,
    OTHER_CLIENT,
    Usage,
    chain,
    expired,
    usage,
)
from flb_handshake.declare import listening
from flb_handshake.judge import exposure, judge
from flb_handshake.model import CAFile, Mode
from flb_handshake.outcomes import Exposure, Outcome, Side
from flb_handshake.peer.events import Kind

REFUSED_CONNECTION = event(Kind.CLOSED, by="agent", how="refused")
TIMED_OUT = event(Kind.CLOSED, by="peer", how="timeout")


@pytest.mark.parametrize(
    ("events", "outcome", "refused_by"),
    [
        (passed(1), Outcome.DELIVERED, None),
        ((ACCEPTED, shipped(1, tls=False), arrived(1)), Outcome.CLEARTEXT, None),
        (
            (ACCEPTED, asked(), alert("agent", "certificate_required"), CLOSED),
            Outcome.REFUSED_BY_AGENT,
            Side.AGENT,
        ),
        ((ACCEPTED, alert("peer", "unknown_ca"), CLOSED), Outcome.REFUSED_BY_PEER, Side.PEER),
        ((ACCEPTED, NEGOTIATED, shipped(1), CLOSED), Outcome.CUT, None),
        ((ACCEPTED, CLOSED), Outcome.CUT, None),
        ((REFUSED_CONNECTION,), Outcome.CUT, None),
        ((ACCEPTED, NEGOTIATED, shipped(1)), Outcome.STALLED, None),
        ((ACCEPTED, TIMED_OUT), Outcome.STALLED, None),
        ((), Outcome.STALLED, None),
    ],
)
def test_the_shippers_events_and_what_comes_out_decide(events, outcome, refused_by):
    seen = judge(ran(*events, setup=INPUT, made=(1,)))
    assert (seen.outcome, seen.refused_by) == (outcome, refused_by)


def test_what_was_answered_but_never_came_out_is_no_delivery():
    answered = event(Kind.RESPONSE, status=201)
    seen = judge(ran(ACCEPTED, NEGOTIATED, shipped(1), answered, CLOSED, setup=INPUT))
    assert seen.outcome is Outcome.CUT
    assert seen.answer == "201"


def test_a_record_that_goes_both_ways_was_in_cleartext_once():
    both = (*passed(1), shipped(1, tls=False))
    assert judge(ran(*both, setup=INPUT)).outcome is Outcome.CLEARTEXT


def test_an_input_and_an_output_read_other_events():
    assert judge(ran(*took(1), setup=INPUT)).outcome is not Outcome.DELIVERED
    assert judge(ran(*passed(1))).outcome is not Outcome.DELIVERED
    assert judge(ran(*passed(4), setup=INPUT)).records == ({"n": 4},)
    assert judge(ran(ACCEPTED, CLEAR_BYTES, CLOSED, setup=INPUT)).outcome is Outcome.CUT


def test_an_input_that_ends_before_it_listens_has_not_started():
    seen = judge(ran(setup=INPUT, exit_code=255))
    assert (seen.outcome, seen.refused_by) == (Outcome.NOT_STARTED, Side.AGENT)


@pytest.mark.parametrize("setup", [INPUT, None])
def test_an_agent_that_ends_in_a_later_step_had_started(setup):
    extra = {"setup": setup} if setup else {}
    whole = in_steps(passed(1) if setup else took(1), (), exit_code=139, **extra)
    first, last = (judge(one) for one in whole.steps)
    assert first.outcome is Outcome.DELIVERED
    assert (last.outcome, last.refused_by) == (Outcome.CUT, None)


# What is shown of an input.

SERVED = event(Kind.SERVER_CHAIN, chain=[pki().pem(one).decode() for one in HEALTHY.sent])
SUBJECT = "CN=fluent-bit,OU=fluent-bit,O=flb-handshake"


def test_the_client_is_known_by_the_shippers_own_chain_where_it_was_asked():
    assert judge(ran(*passed(1), asked(), setup=INPUT)).client_subject == SUBJECT
    assert judge(ran(*passed(1), setup=INPUT)).client_subject is None
    bare = INPUT.but(chain=None)
    assert judge(ran(*passed(1), asked(), setup=bare)).client_subject is None


def test_the_server_is_known_by_what_it_presented():
    leaf = pki().certificate(LEAF).subject.rfc4514_string()
    assert judge(ran(ACCEPTED, SERVED, setup=INPUT)).server_subject == leaf
    assert judge(ran(ACCEPTED, setup=INPUT)).server_subject is None
    assert judge(ran(ACCEPTED, event(Kind.SERVER_CHAIN, chain=[]))).server_subject is None


def test_acceptable_cas_are_those_named_none_named_or_not_asked():
    assert judge(ran(ACCEPTED, asked("CN=a", "CN=b"), setup=INPUT)).acceptable == ("CN=a", "CN=b")
    assert judge(ran(ACCEPTED, asked(), setup=INPUT)).acceptable == ()
    assert judge(ran(ACCEPTED, setup=INPUT)).acceptable is None


@pytest.mark.parametrize(
    ("facts", "answer"),
    [({"status": 201}, "201"), ({"answer": "ack"}, "ack"), ({"answer": "0"}, "0"), ({}, None)],
)
def test_an_answer_is_a_status_or_the_protocols_own_word(facts, answer):
    assert judge(ran(ACCEPTED, event(Kind.RESPONSE, **facts), setup=INPUT)).answer == answer


HELLO = event(
    Kind.CLIENT_HELLO,
    versions=["TLSv1.3", "TLSv1.2"],
    alpn=["h2", "http/1.1"],
    session="ticket",
    records=3,
    sni="logs.example.test",
    ja4="t13d",
)


def test_what_a_client_hello_offers_is_shown():
    seen = judge(ran(ACCEPTED, HELLO))
    assert seen.offered == ("TLSv1.3", "TLSv1.2")
    assert seen.offered_alpn == ("h2", "http/1.1")
    assert (seen.resumption, seen.hello_records) == ("ticket", 3)


@pytest.mark.parametrize("resumed", [True, False])
def test_whether_a_session_went_on_is_shown(resumed):
    agreed = replace(NEGOTIATED, facts={**NEGOTIATED.facts, "resumed": resumed})
    assert judge(ran(ACCEPTED, agreed)).resumed is resumed
    assert judge(ran(ACCEPTED)).resumed is None


def test_without_a_client_hello_nothing_is_known_of_one():
    seen = judge(ran(ACCEPTED))
    assert (seen.offered, seen.offered_alpn, seen.resumption, seen.hello_records) == (
        (),
        (),
        None,
        None,
    )


def test_connections_are_counted_and_a_kept_one_is_none():
    second = event(Kind.ACCEPTED, connection=2)
    assert judge(ran(*took(1), second, *took(2))).connections == 3
    assert judge(ran(request(2), made=(2,), step="kept")).connections == 0


# A proxy.


def test_what_goes_on_with_a_proxy_is_not_what_goes_on_with_the_peer():
    clear = at_proxy(CLEAR_BYTES)
    seen = judge(ran(at_proxy(ACCEPTED), clear, *took(1)))
    assert (seen.outcome, seen.connections) == (Outcome.DELIVERED, 1)
    assert seen.first_bytes == "160301"
    inside = replace(HELLO, facts={**HELLO.facts, "sni": "inside"})
    assert judge(ran(at_proxy(HELLO), ACCEPTED, inside)).sni == "inside"


def test_bytes_that_only_the_proxy_got_in_cleartext_are_no_cleartext():
    seen = judge(ran(at_proxy(ACCEPTED), at_proxy(CLEAR_BYTES), at_proxy(CLOSED)))
    assert (seen.outcome, seen.first_bytes) == (Outcome.CUT, "")
    plain = at_proxy(request(1, tls=False))
    assert judge(ran(at_proxy(ACCEPTED), plain)).outcome is Outcome.STALLED


def test_a_proxy_that_is_refused_is_refused():
    said = at_proxy(alert("agent", "unknown_ca"))
    seen = judge(ran(at_proxy(ACCEPTED), at_proxy(TLS_BYTES), said, at_proxy(CLOSED)))
    assert (seen.outcome, seen.alert) == (Outcome.REFUSED_BY_AGENT, "unknown_ca")


# What is exposed.

UNASKED = listening(Mode.VERIFY_PEER, ca=CAFile.UNSET)


def shown(setup, *events, step=""):
    given = ran(*events, setup=setup, step=step)
    return exposure(given, judge(given))


@pytest.mark.parametrize(
    ("setup", "was_asked", "expected"),
    [
        (REQUIRING, True, ()),
        (INPUT, True, ()),
        (INPUT.but(chain=None), True, (Exposure.ANONYMOUS_CLIENT_ACCEPTED,)),
        (INPUT, False, (Exposure.ANONYMOUS_CLIENT_ACCEPTED,)),
        (UNASKED, False, ()),
        (UNASKED.but(chain=None), True, ()),
        (
            UNASKED.but(chain=None, properties=(("tls.verify_client_cert", "on"),)),
            True,
            (Exposure.ANONYMOUS_CLIENT_ACCEPTED,),
        ),
        (
            UNASKED.but(chain=None, properties=(("tls.verify_client_cert", "off"),)),
            True,
            (),
        ),
        (
            INPUT.but(chain=chain(OTHER_CLIENT, name="other")),
            True,
            (Exposure.WRONG_PEER_ACCEPTED,),
        ),
        (INPUT.but(chain=CLIENT_CHAIN.but(expired())), True, (Exposure.WRONG_PEER_ACCEPTED,)),
        (
            INPUT.but(chain=CLIENT_CHAIN.but(usage(Usage.SERVER))),
            True,
            (Exposure.WRONG_PEER_ACCEPTED,),
        ),
    ],
)
def test_who_was_let_in_shows_the_exposure(setup, was_asked, expected):
    asking = (asked(),) if was_asked else ()
    assert shown(setup, *passed(1), *asking) == expected


def test_records_that_came_in_cleartext_are_exposed_whoever_sent_them():
    assert shown(REQUIRING, ACCEPTED, shipped(1, tls=False), arrived(1)) == (Exposure.CLEARTEXT,)


def test_a_refused_shipper_exposes_nothing():
    refused = (ACCEPTED, asked(), alert("agent", "unknown_ca"), CLOSED)
    assert shown(INPUT.but(chain=None), *refused) == ()


def test_on_a_kept_connection_nobody_is_let_in():
    kept = (shipped(2), arrived(2))
    assert shown(INPUT.but(chain=None), *kept, step="kept") == ()
