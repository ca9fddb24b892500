"""What goes wrong on the way: it is told in clear words, and never blamed on the agent."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import socket
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from leftovers import processes
from playing import KINDS, left_behind, opened, outcomes, played, stepped, verdict

from flb_handshake import stepping
from flb_handshake.agent import changing
from flb_handshake.agent.contract import AgentKind, Identity
from flb_handshake.agent.ports import Ports
from flb_handshake.agent.process import ProcessAgent
from flb_handshake.agent.reference import ReferenceAgent
from flb_handshake.certificates import LEAF, chain
from flb_handshake.declare import (
    ROOT,
    Expire,
    File,
    FileForm,
    Hangup,
    Outcome,
    Reload,
    Replace,
    Silent,
    Way,
    delivered,
    listening,
    output,
    present,
)
from flb_handshake.judge import judge
from flb_handshake.model import DEFAULT_VERSION, Setup
from flb_handshake.outcomes import VerdictKind
from flb_handshake.peer.events import Kind
from flb_handshake.planning import Play
from flb_handshake.results import finding
from flb_handshake.scenes import record
from flb_handshake.session import Session

OLD = File(certs=(ROOT,), stem="ca")
FIVE_SECONDS = replace(LEAF, not_after=timedelta(seconds=5))
GARBAGE = File(form=FileForm.TEXT, text="these are not certificates\n", stem="ca")
SILENT = stepped(output(), (present(behaviour=Silent()), Hangup()))


@pytest.fixture
def agent(any_agent):
    """Each agent; in the end nothing of its jobs may still run."""
    directory = any_agent.directory("")
    yield any_agent
    assert processes(f"{directory}job-") == []


@pytest.fixture
def as_record(monkeypatch):
    """Does this with the running agent, just before the record of a number is made."""

    def install(agent, wanted, what):
        started = []
        start = agent.start

        async def watched(job):
            started.append(await start(job))
            return started[-1]

        def made(number):
            if number == wanted:
                what(started[-1])
            return record(number)

        agent.start = watched
        monkeypatch.setattr(stepping, "record", made)

    return install


def said(evidence):
    """What a run that was none has to tell."""
    assert judge(evidence).outcome is Outcome.INVALID
    assert not evidence.then
    return judge(evidence).note


def test_a_silent_collector_ends_its_step_at_the_deadline(agent):
    (evidence,) = played(agent, SILENT, deadline=0.7)
    assert outcomes(evidence) == [Outcome.DELIVERED, Outcome.STALLED]
    found = verdict(SILENT, evidence, delivered(), delivered())
    assert found.kind is VerdictKind.UNEXPECTED_FAILURE
    assert found.reason == "step 'step 1': expected DELIVERED, observed STALLED"


@pytest.mark.parametrize("setup", [output(), listening()], ids=["output", "input"])
@pytest.mark.parametrize("how", Reload)
def test_an_agent_that_is_stuck_ends_each_step_at_the_deadline(agent, as_record, setup, how):
    as_record(agent, 2, lambda running: running.signal(signal.SIGSTOP))
    steps = stepped(setup, (), (how,))
    (evidence,) = played(agent, steps, deadline=0.7)
    assert outcomes(evidence) == [Outcome.DELIVERED, Outcome.STALLED, Outcome.STALLED]
    found = verdict(steps, evidence, *[delivered()] * 3)
    assert "step 'step 1': expected DELIVERED, observed STALLED" in found.reason


def test_an_input_that_takes_no_connection_is_told_of(agent, as_record, taken):
    ports = taken()
    waiting = []

    def stop_and_fill(running):
        running.signal(signal.SIGSTOP)
        for _ in range(600):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(("127.0.0.1", ports[0]))

    as_record(agent, 1, stop_and_fill)
    try:
        (evidence,) = played(agent, stepped(output(), ()), deadline=0.7)
    finally:
        for one in waiting:
            one.close()
    told = f"the agent's input on port {ports[0]} takes no records: it does not answer ("
    assert said(evidence).startswith(told)


@pytest.mark.parametrize("way", [Way.IN_PLACE, Way.RENAME])
@pytest.mark.parametrize("trouble", ["path gone", "nobody may write there"])
def test_a_file_that_we_cannot_change_is_no_outcome(agent, monkeypatch, way, trouble):
    start = agent.start

    async def watched(job):
        running = await start(job)
        seen = running.seen

        def elsewhere(_, path):
            if trouble == "path gone":
                shutil.rmtree(seen(path).parent)
                return seen(path)
            return Path("/sys/kernel") / Path(path).name

        monkeypatch.setattr(type(running), "seen", elsewhere)
        return running

    agent.start = watched
    setup = stepped(output(ca=OLD), (Replace("ca", GARBAGE, way),), ())
    (evidence,) = played(agent, setup)
    reason = "No such file or directory" if trouble == "path gone" else "Permission denied"
    told = "step 'step 1': ca.pem cannot be changed under the running agent"
    assert said(evidence).startswith(f"{told}: {reason} (")
    assert verdict(setup, evidence, *[delivered()] * 3).kind is VerdictKind.HARNESS_ERROR


@pytest.fixture
def taken(monkeypatch):
    """Somebody else listens on the ports that were reserved: all of them, or one of them."""
    others = []
    reserve = Ports.reserve

    def install(*which):
        numbers = []

        def reserved(ports):
            port = reserve(ports)
            numbers.append(port)
            if len(numbers) in which:
                others.append(socket.socket())
                others[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                others[-1].bind(("127.0.0.1", port))
                others[-1].listen()
            return port

        monkeypatch.setattr(Ports, "reserve", reserved)
        return numbers

    yield install
    for other in others:
        other.close()


RESERVED = {
    "an input": (listening(), 1),
    "an input of another kind": (listening(plugin="tcp"), 1),
    "what takes numbered records": (stepped(output(), ()), 1),
    "what is asked to reload": (stepped(output(), (Reload.HTTP,)), 2),
}


@pytest.mark.parametrize("case", RESERVED.values(), ids=RESERVED)
def test_a_reserved_port_that_somebody_has_is_no_outcome(agent, taken, case):
    setup, which = case
    ports = taken(which)
    (evidence,) = played(agent, setup)
    port = ports[which - 1]
    assert said(evidence).startswith(
        f"the agent could not listen on port {port}: something else has it (`ss -ltnp"
    )


def test_all_inputs_of_a_process_share_its_fate_where_a_port_is_taken(agent, taken):
    ports = taken(2)
    found = played(agent, *(listening(sni=f"h{number}.example.test") for number in range(3)))
    assert all(f"port {ports[1]}" in said(one) for one in found)


def test_a_taken_port_of_a_user_s_own_configuration_is_the_agent_s_affair(agent):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = (
            f"[INPUT]\n    Name tcp\n    Listen 127.0.0.1\n    Port {port}\n"
            "[OUTPUT]\n    Name http\n    Match *\n    Host {host}\n    Port {port}\n"
        )
        (evidence,) = played(agent, Setup().but(config=config))
    seen = judge(evidence)
    assert seen.outcome is Outcome.NOT_STARTED
    assert [one.text for one in seen.signs if one.name == "port_taken"] == [
        f"[downstream] could not bind address 127.0.0.1:{port}. Aborting"
    ]


def test_an_agent_that_a_stranger_kills_between_steps_is_no_outcome(agent, as_record):
    as_record(agent, 2, lambda running: running.signal(signal.SIGKILL))
    (evidence,) = played(agent, stepped(output(), (), ()))
    assert "was killed, and not by this harness" in said(evidence)


@pytest.mark.parametrize("how", Reload)
def test_an_agent_that_ends_by_itself_keeps_the_steps_before(agent, how):
    setup = stepped(output(ca=OLD), (), (Replace("ca", GARBAGE), how), (), ())
    (evidence,) = played(agent, setup)
    assert outcomes(evidence) == [Outcome.DELIVERED, Outcome.DELIVERED, Outcome.CUT]
    assert [one.agent.exit_code for one in evidence.steps] == [None, None, 255]
    assert [len(one.observation.records) for one in finding(evidence, None).steps] == [1, 1, 0]
    found = verdict(setup, evidence, *[delivered()] * 5)
    assert found.kind is VerdictKind.UNEXPECTED_FAILURE
    assert found.reason == (
        "step 'step 2': expected DELIVERED, observed CUT; the agent ended by itself, with exit "
        "code 255; step 'step 3' was never reached"
    )


STUB = """
import re, socket, ssl, sys, threading
moment, path = sys.argv[1:]
text = open(path).read()
given = lambda name: re.search(rf"\\\\[INPUT\\\\][^\\\\[]*?{re.escape(name)} +(\\\\S+)", text)[1]
server = socket.create_server((given("Listen"), int(given("Port"))))
print("[2026/01/01 00:00:00] [ info] [sp] stream processor started", flush=True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(given("tls.crt_file"), given("tls.key_file"))
held = []
while moment != "never accepts":
    connection, _ = server.accept()
    held.append(connection)
    if moment == "after the ClientHello":
        connection.recv(1 << 16)
    elif moment == "after the request":
        held.append(context.wrap_socket(connection, server_side=True))
        held[-1].recv(1 << 16)
threading.Event().wait()
"""
"""In place of a Fluent Bit: it listens where the configuration says, and never answers."""


class Stub(ProcessAgent):
    def __init__(self, moment):
        identity = Identity(
            kind=AgentKind.PROCESS,
            version=DEFAULT_VERSION,
            label="a server that does not answer",
            tls_library="none",
            found=sys.executable,
        )
        super().__init__(identity, lacks={})
        self._moment = moment

    def command(self, job):
        path = f"{self.directory(job.name)}/fluent-bit.conf"
        return [self.identity.found, "-c", STUB.replace("\\\\", "\\"), self._moment, path]


SHIPS = {
    "once": (listening(), 1),
    "once, where no answer is due": (listening(plugin="tcp"), 1),
    "once, with an acknowledgement": (listening(plugin="mqtt"), 1),
    "in steps": (stepped(listening(), ()), 2),
}


@pytest.mark.parametrize("ships", SHIPS.values(), ids=SHIPS)
@pytest.mark.parametrize(
    "moment", ["never accepts", "after accept", "after the ClientHello", "after the request"]
)
def test_a_server_that_never_answers_stalls_its_shipper(moment, ships):
    setup, steps = ships
    agent = Stub(moment)
    directory = agent.directory("")
    try:
        (evidence,) = played(agent, setup, deadline=0.5)
    finally:
        asyncio.run(agent.close())
    assert outcomes(evidence) == [Outcome.STALLED] * steps
    kinds = {event.kind for event in evidence.events}
    assert (Kind.NEGOTIATED in kinds) == (moment == "after the request")
    assert left_behind(directory) == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_behind_after_a_step_that_fails(kind, monkeypatch):
    agent = opened(kind)
    directory = agent.directory("")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(changing, "_write", full)
    setup = stepped(output(ca=OLD), (Replace("ca", GARBAGE),))
    session = Session(agent=agent)
    session.play([Play(alias="full", setup=setup)])
    assert "No space left on device" in said(session.evidence[setup])
    assert left_behind(directory) == []


class Mute(ReferenceAgent):
    """Its first starts give a process that never says a word."""

    def __init__(self, silences):
        real = opened("reference")
        super().__init__(real.identity, lacks=real.lacks)
        self._left = silences
        asyncio.run(real.close())

    def command(self, job):
        self._left -= 1
        if self._left < 0:
            return super().command(job)
        return [sys.executable, "-c", "import time; time.sleep(600)", *super().command(job)[-2:]]


PLAYED = {
    "an output": (output(), 1),
    "an input": (listening(), 1),
    "in steps": (stepped(output(), (Hangup(),)), 2),
    "what expires": (stepped(output(chain=chain(FIVE_SECONDS)), (Expire(FIVE_SECONDS),)), 2),
}


@pytest.mark.parametrize(("setup", "steps"), PLAYED.values(), ids=PLAYED)
def test_an_agent_that_has_not_said_a_word_is_started_again(setup, steps):
    agent = Mute(silences=1)
    directory = agent.directory("")
    try:
        (evidence,) = played(agent, setup, deadline=1.0)
    finally:
        asyncio.run(agent.close())
    assert outcomes(evidence)[0] is Outcome.DELIVERED
    assert len(evidence.steps) == steps
    assert left_behind(directory) == []


def test_an_agent_that_never_says_a_word_is_no_outcome():
    agent = Mute(silences=100)
    try:
        (evidence,) = played(agent, output(), deadline=0.5)
    finally:
        asyncio.run(agent.close())
    assert "has not said a word" in evidence.harness_error
