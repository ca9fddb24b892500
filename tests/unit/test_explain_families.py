"""No cell of the family server_role is left without a cause: what its evidence holds is enough.

The facts are those of the cell's own files and settings, the events and the log those of a run
that does what the cell expects, as Fluent Bit 5.1.1 (OpenSSL 3.0.22) was seen to do it.
"""

from collections import Counter
from dataclasses import replace

import pytest
from diagnoses import line
from shipping import ACCEPTED, AGREED, ASKED, CAME_OUT, CHAIN, GREETED, HELLO, shipment, shipped

from flb_handshake import catalogue
from flb_handshake.behaviours import Cleartext, Close, Silent
from flb_handshake.explain import explain
from flb_handshake.facts import facts_of
from flb_handshake.judge import exposure, judge
from flb_handshake.model import Mode
from flb_handshake.outcomes import Outcome
from flb_handshake.peer.events import Event, Kind
from flb_handshake.pki import Pki
from flb_handshake.placing import Files
from flb_handshake.settings import Part, files_of

PKI = Pki()

SAYS = {
    "certificate_required": "peer did not return a certificate",
    "decode_error": "unexpected eof while reading",
    "internal_error": "no suitable signature algorithm",
    "no_application_protocol": "no application protocol",
}
BEGINS = {"(": "[input http.0] error initializing TLS context ", "a": "[tls] private_key 'k' "}
"""What stands before the words that a cell expects the log to hold."""

BEFORE_THE_ANSWER = {"internal_error", "no_application_protocol"}


def cells():
    found = catalogue.select(catalogue.load(), ["server_role.*"])
    assert len(found) > 700
    return found


def evidence_of(one):
    """Evidence of a run of this cell that went as it is expected to."""
    setup = one.setup
    part = Part(alias=one.id, setup=setup, address="127.0.0.1", port=1, tag="t", listens=2)
    facts = facts_of(part, Files("/job", PKI).place(files_of(setup)), PKI)
    events, log = story(one)
    made = shipment()
    timed = tuple(
        Event(t=number * 0.01, connection=1, kind=kind, facts=said)
        for number, (kind, said) in enumerate(events)
    )
    started = one.expectation.does.outcome is not Outcome.NOT_STARTED
    agent = replace(made.agent, log=tuple(log), exit_code=None if started else 255)
    return replace(made, agent=agent, facts=facts, events=timed)


def story(one):
    """The events and the log of such a run."""
    does, setup = one.expectation.does, one.setup
    behaviour = setup.shipper.behaviour
    over = (Kind.CLOSED, {"by": "agent", "how": "FIN"})
    if does.outcome is Outcome.NOT_STARTED:
        return (), [line(f"{BEGINS.get(does.says[:1], '')}{does.says}")]
    if does.outcome is Outcome.DELIVERED:
        asked = (ASKED,) if setup.agent.mode in {Mode.VERIFY_PEER, Mode.REQUIRE} else ()
        return (*AGREED, *asked, shipped(tls=True), CAME_OUT), []
    if does.outcome is Outcome.CLEARTEXT:
        return (ACCEPTED, shipped(tls=False), CAME_OUT), []
    if does.alert is not None:
        return refusal(does, behaviour)
    if isinstance(behaviour, Close):
        return (ACCEPTED, (Kind.CLOSED, {"by": "peer", "how": "FIN"})), []
    if isinstance(behaviour, Silent):
        why = "IO" if setup.agent.mode is Mode.OFF else "connection"
        said = f"[downstream] connection #31 from  timed out after 1 seconds ({why} timeout)"
        return (ACCEPTED, over), [line(said)]
    if isinstance(behaviour, Cleartext):
        said = "[tls] error: error:0A00009C:SSL routines::http request"
        return (ACCEPTED, shipped(tls=False), over), [line(said)]
    return (ACCEPTED, HELLO, *(() if does.outcome is Outcome.STALLED else (over,))), []


def refusal(does, behaviour):
    by = "peer" if does.outcome is Outcome.REFUSED_BY_PEER else "agent"
    fatal = (Kind.ALERT, {"by": by, "level": "fatal", "name": does.alert})
    over = (Kind.CLOSED, {"by": "peer" if isinstance(behaviour, Close) else "agent", "how": "FIN"})
    said = f"[tls] error: x:SSL routines::{SAYS.get(does.alert, 'certificate verify failed')}"
    if isinstance(behaviour, Close):
        return (ACCEPTED, fatal, over), [line(said)]
    if does.alert in BEFORE_THE_ANSWER:
        return (*GREETED, fatal, over), [line(said)]
    return (*AGREED, CHAIN, fatal, over), [line(said)]


@pytest.fixture(scope="module")
def explained():
    found = []
    for one in cells():
        made = evidence_of(one)
        seen = judge(made)
        found.append((one, seen, exposure(made, seen), explain(made, seen)))
    return found


def test_the_stories_end_as_their_cells_do(explained):
    ends = {one.id: (seen.outcome, seen.alert) for one, seen, _, _ in explained}
    expected = {one.id: one.expectation.does for one, *_ in explained}
    assert ends == {name: (does.outcome, does.alert) for name, does in expected.items()}


def test_no_cell_is_left_unexplained(explained):
    needed = [
        (one.id, causes)
        for one, seen, exposed, causes in explained
        if seen.outcome is not Outcome.DELIVERED or exposed
    ]
    assert [name for name, causes in needed if not causes] == []
    named = Counter(cause.cause for _, causes in needed for cause in causes)
    assert not {"unexplained", "not_started"} & set(named)


def test_no_cell_is_worded_as_if_the_agent_were_the_client(explained):
    told = {cause.because + cause.fix for _, _, _, causes in explained for cause in causes}
    assert [text for text in told if "collector" in text] == []


def test_only_a_foreign_ca_or_an_unknown_end_is_not_decided(explained):
    started = [found for found in explained if found[1].outcome is not Outcome.NOT_STARTED]
    guessed = {cause.cause for *_, causes in started for cause in causes if not cause.certain}
    assert guessed <= {
        "client_certificate_untrusted",
        "client_intermediate_missing",
        "input_held_up",
        "input_speaks_no_tls",
        "agent_closed",
    }
