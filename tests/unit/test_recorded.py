"""What is stored of a release: everything that tells something, and no noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import ACCEPTED, CLEAR_BYTES, TLS_BYTES, alert, event, evidence

from flb_handshake import recorded
from flb_handshake.errors import UserMistake
from flb_handshake.judge import judge
from flb_handshake.peer.events import Kind
from flb_handshake.recorded import settled

LOG = "[2026/11/24 12:00:00.123456] [error] [http_client] connection #{fd} to 127.0.0.1:{port}"
CONFIG = "    Port        {port}\n    tls.ca_file /tmp/flb-handshake-{run}/job-{job}/ca.pem\n"


def run(port: int, fd: int, run: str, t: float):
    made = evidence(
        ACCEPTED,
        event(Kind.FIRST_BYTES, t=t, hex="160303007a" + f"{port:08x}" * 3, tls=True),
        alert("agent", "unknown_ca"),
        log=(LOG.format(fd=fd, port=port),),
    )
    config = CONFIG.format(port=port, run=run, job=fd)
    named = (("tls.ca_file", f"/tmp/flb-handshake-{run}/job-{fd}/ca.pem"),)  # noqa: S108
    return replace(
        made,
        duration=t,
        agent=replace(made.agent, config=config),
        facts=replace(made.facts, properties=named),
    )


def test_two_runs_of_the_same_are_stored_alike():
    one, other = run(40001, 9, "100-abc_d", 0.111), run(51234, 112, "7-x", 0.1234)
    assert one != other
    assert settled(one) == settled(other)


def test_what_is_stored_is_judged_as_what_was_played():
    made = run(40001, 9, "100-abc", 0.1)
    assert replace(judge(settled(made)), first_bytes="") == replace(
        judge(made), first_bytes="", signs=judge(settled(made)).signs
    )
    assert judge(settled(made)).first_bytes == "160303007a00"


def test_what_went_out_in_cleartext_is_kept():
    assert settled(evidence(ACCEPTED, CLEAR_BYTES)).events[1] == CLEAR_BYTES
    assert settled(evidence(ACCEPTED, TLS_BYTES)).events[1] == TLS_BYTES


def test_another_fault_is_stored_otherwise():
    made = run(40001, 9, "100-abc", 0.1)
    other = replace(made, events=(*made.events[:2], alert("agent", "bad_certificate")))
    assert settled(made) != settled(other)


def test_steps_are_settled_too():
    made, later = run(40001, 9, "1-a", 0.11), run(40002, 10, "2-b", 0.11)
    assert settled(replace(made, then=(later,))).then == (settled(made),)


def test_a_release_that_was_not_recorded_is_a_clear_mistake():
    with pytest.raises(UserMistake, match=r"nothing was recorded of Fluent Bit 0\.1"):
        recorded.evidence("0.1")
