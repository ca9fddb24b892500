"""The diagnosis of what only a run in steps shows: files, certificates and peers that change."""

from dataclasses import replace

import pytest
from diagnoses import AGREED, DELIVERED, HELLO, VERIFY_PEER, closed, evidence, line, pem, request
from shipping import CAME_OUT, shipment, shipped
from shipping import DELIVERED as SHIPPED

from flb_handshake.certificates import CLIENT_CHAIN, HEALTHY, OTHER_ROOT, expired
from flb_handshake.explain import explain
from flb_handshake.judge import judge
from flb_handshake.peer.events import Kind

FAILED = line("[tls] detected certificate file changes but reload failed")
MISMATCH = line("[tls] key_file '/certs/c.key' 0: error:05800074:x509::key values mismatch")
GARBAGE = line("[tls] crt_file '/certs/c.pem' 1: error:0480006C:PEM routines::no start line")
ABORTED = line("[reload] loaded configuration contains error(s). Reloading is aborted")


def after(made, name="renewed"):
    """The causes of a step with this evidence."""
    step = replace(made, step=name)
    return explain(step, judge(step))


def test_a_file_that_cannot_be_read_anew_is_told_though_records_arrive():
    (found,) = after(evidence(DELIVERED, log=[GARBAGE, FAILED]))
    assert (found.cause, found.certain) == ("certificate_reload_failed", True)
    assert "crt_file '/certs/c.pem'" in found.because
    assert "goes on with what it had read before" in found.because


@pytest.mark.parametrize(
    "made", [evidence(DELIVERED, log=[MISMATCH, FAILED]), shipment(SHIPPED, log=[MISMATCH, FAILED])]
)
def test_a_torn_pair_is_told_as_one(made):
    found = after(made)[0]
    assert found.cause == "certificate_reload_failed"
    assert "only one has changed so far" in found.because
    assert "replace the other file too" in found.fix


def test_a_hot_reload_that_fails_is_told_with_what_ended_the_agent():
    found = after(evidence(log=[MISMATCH, ABORTED], exit_code=255))
    assert [one.cause for one in found] == ["hot_reload_failed", "key_mismatch"]
    assert "exit code 255" in found[0].because
    assert "does not go back" in found[0].fix


OTHER_CA = {"anchors": pem(OTHER_ROOT)}


@pytest.mark.parametrize("version", ["1.9.10", "5.0.9"])
def test_a_ca_that_was_taken_away_and_is_still_believed_is_told(version):
    (found,) = after(evidence(DELIVERED, version=version, **OTHER_CA))
    assert (found.cause, found.certain) == ("files_read_at_the_start_only", True)
    assert f"Fluent Bit {version} read the file when it started" in found.because
    assert "restart the agent" in found.fix


def test_nothing_is_said_of_old_files_where_nobody_was_believed_wrongly():
    assert after(evidence(DELIVERED, version="5.0.9")) == ()
    unchecked = {**VERIFY_PEER, "tls.verify": "off"}
    found = after(evidence(DELIVERED, version="5.0.9", properties=unchecked, **OTHER_CA))
    assert [one.cause for one in found] == ["verification_off"]


KEPT = (request(tls=True),)


def test_a_connection_that_outlives_its_certificate_is_told():
    (found,) = after(evidence(KEPT, sent=HEALTHY.but(expired())))
    assert (found.cause, found.certain) == ("kept_connection", True)
    assert "certificates are looked at in a handshake only" in found.because
    assert "expired 1 day ago" in found.because
    assert "net.keepalive" in found.fix


def test_a_shipper_s_connection_that_outlives_its_certificate_is_told():
    kept = (shipped(tls=True), CAME_OUT)
    (found,) = after(shipment(kept, shipper=CLIENT_CHAIN.but(expired())))
    assert found.cause == "kept_connection"
    assert "the shipper's certificate" in found.because
    assert "let the shipper open a new connection" in found.fix


def test_a_kept_connection_with_a_good_certificate_needs_no_diagnosis():
    assert after(evidence(KEPT)) == ()
    unchecked = {**VERIFY_PEER, "tls.verify": "off"}
    assert after(evidence(KEPT, sent=HEALTHY.but(expired()), properties=unchecked)) == ()


def test_a_certificate_that_expires_in_mid_session_is_refused_at_the_next_handshake():
    refusal = (Kind.ALERT, {"by": "agent", "level": "fatal", "name": "certificate_expired"})
    steps = (*AGREED[:-1], refusal, closed("agent"))
    (found,) = after(evidence(steps, sent=HEALTHY.but(expired())))
    assert (found.cause, found.certain) == ("expired", True)


def test_a_kept_connection_that_the_collector_had_ended_is_told():
    (found,) = after(evidence((closed("peer"),)))
    assert (found.cause, found.certain) == ("kept_connection_lost", True)
    assert "the collector had ended the connection that was kept open (FIN)" in found.because
    assert "net.keepalive_idle_timeout" in found.fix


def test_a_first_part_without_connections_has_kept_none():
    made = evidence((HELLO, closed("peer")))
    assert [one.cause for one in explain(made, judge(made))] == ["peer_closed"]
