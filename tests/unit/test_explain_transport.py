"""The diagnosis of an output whose collector behaves badly, and of the proxy before it."""

import pytest
from diagnoses import (
    ACCEPTED,
    AGREED,
    ANSWERED,
    DELIVERED,
    GREETED,
    VERIFY_PEER,
    alert,
    closed,
    diagnosis,
    line,
    mutual,
    request,
)

from flb_handshake.certificates import CLIENT, INTERMEDIATE, expired
from flb_handshake.explain import explain
from flb_handshake.judge import judge
from flb_handshake.peer.events import ALERT_NAMES, Kind
from flb_handshake.remedies.alerts import ADVICE, MEANING

TIMEOUT = line(
    "[upstream] connection #6 to tcp://127.0.0.1:1 timed out after 2 seconds (x timeout)"
)
BROKEN = line("[http_client] broken connection to 127.0.0.1:1 ?")


def openssl(words):
    return line(f"[tls] error: error:0A000000:SSL routines::{words}")


MOMENTS = {
    "after accept": ((ACCEPTED,), "the agent sent nothing"),
    "after ClientHello": (GREETED, "the agent's ClientHello came"),
    "after ServerHello": (ANSWERED, "the collector answered the ClientHello"),
    "after Finished": (AGREED, "the handshake was complete"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_a_collector_that_ends_the_connection_is_told_with_the_moment(moment, how):
    steps, told = MOMENTS[moment]
    (found,) = diagnosis((*steps, closed("peer", how)))
    assert (found.cause, found.certain) == ("peer_closed", True)
    assert told in found.because
    assert f"ended the connection ({how})" in found.because
    assert ("load balancers" in found.fix) is (how == "RST")


@pytest.mark.parametrize(
    ("steps", "told", "fix"),
    [
        (GREETED, "nothing came from the collector in 2 seconds", "net.connect_timeout"),
        (AGREED, "no response came in 2 seconds", "net.io_timeout"),
    ],
)
def test_silence_is_told_with_what_was_waited_for(steps, told, fix):
    (found,) = diagnosis((*steps, closed("agent")), log=[TIMEOUT])
    assert (found.cause, found.certain) == ("peer_silent", True)
    assert told in found.because
    assert fix in found.fix


def test_an_answer_that_is_not_whole_in_time_may_be_slow_or_silent():
    found = diagnosis((*ANSWERED, closed("agent")), log=[TIMEOUT])
    assert [(one.cause, one.certain) for one in found] == [
        ("peer_slow", False),
        ("peer_silent", False),
    ]
    assert "tcpdump" in found[-1].because


STRANGE = sorted(
    {"access_denied", "certificate_required", "illegal_parameter", "missing_extension"}
    | {"unexpected_message", "bad_record_mac", "unknown_ca", "inappropriate_fallback"}
)


@pytest.mark.parametrize("name", STRANGE)
def test_an_alert_that_nothing_explains_is_told_in_plain_words(name):
    (found,) = diagnosis((*GREETED, alert("peer", name), closed("peer")))
    assert (found.cause, found.certain) == ("peer_alert", False)
    assert f"sent the alert {name}: {MEANING[name]}" in found.because
    assert "look at the collector's own log next" in found.because


@pytest.mark.parametrize(
    ("steps", "wanted"), [(GREETED, "demand"), (ANSWERED, "none")], ids=["too early", "not asked"]
)
def test_a_certificate_that_was_not_shown_is_not_blamed(steps, wanted):
    made = mutual(
        (*steps, alert("peer", "certificate_expired"), closed("peer")),
        (CLIENT.but(expired()), INTERMEDIATE),
        client_auth=wanted,
    )
    (found,) = explain(made, judge(made))
    assert (found.cause, found.certain) == ("peer_alert", False)


def test_a_warning_before_the_end_is_told():
    warned = (Kind.ALERT, {"by": "peer", "level": "warning", "name": "no_renegotiation"})
    (found,) = diagnosis((*GREETED, warned, closed("peer")))
    assert found.cause == "peer_alert"
    assert "it does no second handshake" in found.because


def test_plain_words_are_those_of_alerts_that_exist():
    assert set(MEANING) <= ALERT_NAMES
    assert set(ADVICE) <= set(MEANING)


def test_an_alert_after_the_answer_cannot_mean_the_ciphers():
    (found,) = diagnosis((*ANSWERED, alert("peer", "handshake_failure"), closed("peer")))
    assert (found.cause, found.certain) == ("peer_alert", False)


def test_http_without_tls_is_told_with_its_status():
    steps = (*GREETED, (Kind.RESPONSE, {"status": 400}), closed("peer"))
    (found,) = diagnosis(steps, log=[openssl("wrong version number")])
    assert (found.cause, found.certain) == ("peer_speaks_no_tls", True)
    assert "HTTP in cleartext (status 400)" in found.because
    assert "HTTPS port" in found.fix


# What the two sides cannot agree on.


def test_a_server_of_before_rfc_5746_is_told():
    log = [openssl("unsafe legacy renegotiation disabled")]
    (found,) = diagnosis((*ANSWERED, alert("agent", "handshake_failure"), closed("agent")), log=log)
    assert (found.cause, found.certain) == ("no_secure_renegotiation", True)
    assert "RFC 5746" in found.because
    assert "update the collector's TLS library" in found.fix


CLASH = {**VERIFY_PEER, "tls.min_version": "TLSv1.3", "tls.max_version": "TLSv1.2"}


@pytest.mark.parametrize("log", [[], [openssl("no protocols available")]], ids=["quiet", "told"])
def test_bounds_that_clash_are_told_though_no_hello_was_sent(log):
    steps = (ACCEPTED, alert("agent", "protocol_version"), closed("agent"))
    (found,) = diagnosis(steps, log=log, properties=CLASH)
    assert (found.cause, found.certain) == ("version_bounds_clash", True)
    assert "tls.min_version is TLSv1.3 and tls.max_version TLSv1.2" in found.because


@pytest.mark.parametrize(
    ("bound", "word"), [("tls.min_version", "TLSv1.3"), ("tls.max_version", "TLSv1.2")]
)
def test_bounds_that_do_not_meet_the_collector_s_are_told_with_the_one_that_is_set(bound, word):
    steps = (*GREETED, alert("peer", "protocol_version"), closed("peer"))
    (found,) = diagnosis(steps, properties={**VERIFY_PEER, bound: word})
    assert (found.cause, found.certain) == ("protocol_version", True)
    assert f"({bound} is {word})" in found.because


def spoken(words):
    said = (Kind.TLS_ERROR, {"reason": words})
    return (*GREETED, alert("peer", "handshake_failure"), said, closed("peer"))


def test_no_common_group_is_known_by_the_collector_s_words():
    (found,) = diagnosis(spoken("no suitable key share"))
    assert (found.cause, found.certain) == ("no_common_group", True)
    assert "x25519" in found.fix


def test_no_shared_cipher_without_a_list_of_the_agent_s_may_be_a_group():
    found = diagnosis(spoken("no shared cipher"))
    assert [one.cause for one in found] == ["no_shared_cipher", "no_common_group"]
    assert not any(one.certain for one in found)


# What befalls a connection over which the records had come.


@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_a_response_that_was_cut_off_is_told_with_its_price(how):
    (found,) = diagnosis((*AGREED, request(tls=True), closed("peer", how)), log=[BROKEN])
    assert (found.cause, found.certain) == ("response_lost", True)
    assert f"({how})" in found.because
    assert "expect records twice" in found.fix


def test_a_renegotiation_that_was_not_done_is_told():
    steps = (*AGREED, request(tls=True), (Kind.RENEGOTIATION, {"done": False}), closed("peer"))
    (found,) = diagnosis(steps, log=[BROKEN])
    assert (found.cause, found.certain) == ("renegotiation_failed", True)


def test_a_response_that_came_whole_is_no_trouble():
    steps = (*DELIVERED[:-1], (Kind.RESPONSE, {"status": 201}), closed("peer"))
    assert diagnosis(steps, log=[BROKEN]) == ()


# The proxy.


def of_proxy(*steps):
    return tuple((kind, {**facts, "layer": "proxy"}) for kind, facts in steps)


CONNECT = (Kind.CONNECT, {"target": "logs:443", "authorization": False})


@pytest.mark.parametrize(
    ("status", "told", "fix"),
    [
        (403, "its rules do not allow a tunnel", "allow CONNECT to logs:443"),
        (407, "it wants a user and a password, and got none", "user and password in its URL"),
        (502, "it did not reach the collector itself", "reach logs:443"),
        (418, "there is no tunnel", "look into the proxy's log"),
    ],
)
def test_a_proxy_that_refuses_the_tunnel_is_told_with_its_status(status, told, fix):
    answer = (Kind.RESPONSE, {"status": status})
    (found,) = diagnosis(of_proxy(ACCEPTED, CONNECT, answer, closed("peer")))
    assert (found.cause, found.certain) == ("proxy_refused_tunnel", True)
    assert f"CONNECT logs:443 with the status {status}" in found.because
    assert told in found.because
    assert fix in found.fix


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("unknown_ca", "set tls.proxy.ca_file to the root of the proxy's certificate"),
        ("certificate_expired", "renew the proxy's certificate"),
        ("bad_certificate", "name or address by which the agent reaches it"),
        ("unsupported_certificate", "look at the proxy's certificate"),
    ],
)
def test_a_proxy_whose_certificate_is_refused_is_not_taken_for_the_collector(name, fix):
    (found,) = diagnosis(of_proxy(*GREETED, alert("agent", name), closed("agent")))
    assert (found.cause, found.certain) == ("proxy_certificate_refused", True)
    assert fix in found.fix


def test_a_proxy_that_refuses_the_agent_is_told():
    (found,) = diagnosis(of_proxy(*GREETED, alert("peer", "access_denied"), closed("peer")))
    assert found.cause == "proxy_refused_agent"
    assert "and not the collector" in found.because


def test_a_proxy_that_ends_the_connection_is_told():
    (found,) = diagnosis(of_proxy(ACCEPTED, closed("peer", "RST")))
    assert found.cause == "proxy_ended"
    assert "(RST)" in found.because


def test_a_refusal_in_the_tunnel_is_the_collector_s():
    tunnel = of_proxy(ACCEPTED, CONNECT, (Kind.RESPONSE, {"status": 200}))
    steps = (*tunnel, *ANSWERED, alert("agent", "unknown_ca"), closed("agent"))
    found = diagnosis(steps, anchors=None, properties={"tls": "on", "tls.verify": "on"})
    assert found[0].cause == "untrusted_root"
