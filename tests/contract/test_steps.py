"""Plays in steps: what changes under a running agent, and what becomes of its records."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from leftovers import containers, processes, wait_for_end
from playing import KINDS, opened, outcomes, played, stepped, told

from flb_handshake.agent import changing, logs
from flb_handshake.agent.contract import Capability
from flb_handshake.declare import (
    CLIENT,
    HEALTHY,
    LEAF,
    OTHER_CLIENT,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    Close,
    Expire,
    File,
    FileForm,
    Hangup,
    Mode,
    Moment,
    Outcome,
    Reload,
    Replace,
    Reset,
    Restart,
    Serve,
    Way,
    chain,
    listening,
    output,
    present,
)
from flb_handshake.judge import judge
from flb_handshake.outcomes import Fates

OLD = File(certs=(ROOT,), stem="ca")
BOTH = File(certs=(ROOT, OTHER_ROOT), stem="ca")
MOVED = present(chain=chain(OTHER_LEAF, name="of the other CA"))
BACK = present(chain=HEALTHY)
RETRYING = {
    "properties": (("Retry_Limit", "9"),),
    "service": (("scheduler.base", "1"), ("scheduler.cap", "1")),
}

FINE = (Outcome.DELIVERED, None)
REFUSED = (Outcome.REFUSED_BY_AGENT, "unknown_ca")


@pytest.fixture
def agent(any_agent):
    if Capability.CHANGES in any_agent.lacks:
        pytest.skip(any_agent.lacks[Capability.CHANGES])
    return any_agent


@pytest.fixture
def views(monkeypatch):
    """What the agent has at a path, before and after each change of it."""
    found = []
    replace_file = changing.replace_file

    def look(path):
        link = str(path.readlink()) if path.is_symlink() else ""
        data = path.parent / changing.DATA
        volume = str(data.readlink()) if data.is_symlink() else ""
        held = path.read_bytes() if path.is_file() else b""
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        return {
            "content": held,
            "inode": path.stat().st_ino if path.exists() else None,
            "mode": mode,
            "link": link,
            "volume": volume,
            "beside": sorted(one.name for one in path.parent.iterdir()),
        }

    def watched(path, content, way):
        before = look(path)
        replace_file(path, content, way)
        found.append((before, look(path), content))

    monkeypatch.setattr(changing, "replace_file", watched)
    return found


@pytest.mark.parametrize("way", list(Way))
def test_a_file_is_replaced_where_the_agent_sees_it(agent, views, way):
    setup = stepped(output(ca=OLD), (Replace("ca", BOTH, way),), (MOVED, Hangup()))
    (evidence,) = played(agent, setup)
    assert told(evidence) == ([FINE] * 3, Fates())

    ((before, after, content),) = views
    assert before["content"].count(b"BEGIN CERTIFICATE") == 1
    assert after["content"] == content[""][0]
    assert after["mode"] == 0o600
    assert (before["inode"] == after["inode"]) == (way is Way.IN_PLACE)
    assert bool(before["link"]) == bool(after["link"]) == (way is Way.SYMLINK)
    assert before["link"] == after["link"]
    assert (before["volume"] != after["volume"]) == (way is Way.SYMLINK)
    unlike = set(after["beside"]) ^ set(before["beside"])
    assert unlike == {before["volume"], after["volume"]} - {""}


def test_a_file_that_goes_missing_is_gone_and_can_come_back(agent, views):
    gone = Replace("ca", File(form=FileForm.MISSING, stem="ca"))
    setup = stepped(output(ca=OLD), (gone, Hangup()), (Replace("ca", BOTH), MOVED, Hangup()))
    (evidence,) = played(agent, setup)
    assert told(evidence) == ([FINE] * 3, Fates())
    assert [(one[0]["mode"], one[1]["mode"]) for one in views] == [(0o600, None), (None, 0o600)]


@pytest.mark.parametrize("way", [Way.IN_PLACE, Way.RENAME])
def test_a_file_that_may_not_be_read_any_more_is_what_the_agent_makes_of_it(agent, views, way):
    if Capability.UNPRIVILEGED in agent.lacks:
        pytest.skip(agent.lacks[Capability.UNPRIVILEGED])
    closed = File(form=FileForm.UNREADABLE, certs=(OTHER_ROOT,), stem="ca")
    setup = stepped(output(ca=OLD), (Replace("ca", closed, way), Hangup()))
    (evidence,) = played(agent, setup)
    assert told(evidence) == ([FINE, FINE], Fates())
    assert views[0][1]["mode"] == 0
    assert any("reload failed" in line for line in evidence.then[0].agent.log)


SOON = timedelta(seconds=3)
SHORT = replace(LEAF, not_after=SOON)
SHORT_CLIENT = replace(CLIENT, not_after=SOON)
OTHER = present(chain=chain(OTHER_CLIENT, name="of the other CA"))

OUTPUTS = {
    "nothing": (output(), (), FINE, 0),
    "another collector, kept connection": (output(), (MOVED,), FINE, 0),
    "another collector": (output(), (MOVED, Hangup()), REFUSED, 1),
    "hung up politely": (output(), (Hangup(),), FINE, 1),
    "hung up by reset": (output(), (Hangup(Reset()),), FINE, 1),
    "restarted": (output(), (Restart(),), FINE, 1),
    "expired": (
        output(chain=chain(SHORT, name="of 3 seconds")),
        (Expire(SHORT), Hangup()),
        (Outcome.REFUSED_BY_AGENT, "certificate_expired"),
        1,
    ),
    "reloaded by SIGHUP": (output(), (Reload.SIGHUP,), FINE, 1),
    "reloaded over HTTP": (output(), (Reload.HTTP,), FINE, 1),
}
INPUTS = {
    "nothing": (listening(keeps=True), (), FINE, 0),
    "another shipper": (listening(Mode.REQUIRE, keeps=True), (OTHER,), REFUSED, 1),
    "hung up": (listening(keeps=True), (Hangup(),), FINE, 1),
    "restarted": (listening(keeps=True), (Restart(),), FINE, 1),
    "expired": (
        listening(Mode.REQUIRE, keeps=True, chain=chain(SHORT_CLIENT, name="of 3 seconds")),
        (Expire(SHORT_CLIENT), Hangup()),
        (Outcome.REFUSED_BY_AGENT, "certificate_expired"),
        1,
    ),
    "reloaded by SIGHUP": (listening(), (Reload.SIGHUP,), FINE, 1),
    "reloaded over HTTP": (listening(), (Reload.HTTP,), FINE, 1),
}
CASES = {f"output, {name}": case for name, case in OUTPUTS.items()}
CASES |= {f"input, {name}": case for name, case in INPUTS.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_kind_of_change_is_made(agent, case):
    setup, changes, expected, connections = case
    (evidence,) = played(agent, stepped(setup, changes))
    lost = 0 if expected is FINE else 1
    assert told(evidence) == ([FINE, expected], Fates(lost=lost))
    assert judge(evidence.then[0]).connections == connections


RECORDS = {
    "none goes astray": (output(), [(), (Hangup(),)], Fates()),
    "lost": (output(), [(MOVED, Hangup()), (BACK,)], Fates(lost=1)),
    "two lost": (output(), [(MOVED, Hangup()), ()], Fates(lost=2)),
    "late": (output(**RETRYING), [(MOVED, Hangup()), (BACK,)], Fates(late=1)),
    "doubled": (
        output(**RETRYING),
        [(present(behaviour=Close(Moment.MIDWAY)), Hangup()), (present(behaviour=Serve()),)],
        Fates(doubled=1),
    ),
    "lost at an input": (
        listening(Mode.REQUIRE),
        [(OTHER,), (present(chain=listening().shipper.chain),)],
        Fates(lost=1),
    ),
}


@pytest.mark.parametrize("case", RECORDS.values(), ids=RECORDS)
def test_records_are_numbered_and_counted(agent, case):
    setup, changes, expected = case
    (evidence,) = played(agent, stepped(setup, *changes))
    assert told(evidence)[1] == expected
    assert [one.made for one in evidence.steps] == [(1,), (2,), (3,)]


@pytest.mark.parametrize("setup", [output(), listening(Mode.REQUIRE)], ids=["output", "input"])
def test_evidence_keeps_the_steps_apart(agent, setup):
    bad = MOVED if setup == output() else OTHER
    good = present(chain=setup.peer.chain)
    (evidence,) = played(agent, stepped(setup, (), (bad, Hangup()), (good,), ()))
    steps = evidence.steps
    assert [one.step for one in steps] == ["", "step 1", "step 2", "step 3", "step 4"]
    assert outcomes(evidence).count(Outcome.REFUSED_BY_AGENT) == 1
    numbers = [[record["n"] for record in judge(one).records] for one in steps]
    assert numbers == [[1], [2], [], [4], [5]]
    for one in steps:
        errors = [line for line in one.agent.log if "certificate verif" in line]
        assert bool(errors) == (one.step == "step 2")
    events = [[event.t for event in one.events] for one in steps]
    lines = [[found.time for line in one.agent.log if (found := logs.parse(line))] for one in steps]
    for times in (events, lines):
        together = [one for each in times for one in each]
        assert together == sorted(together)
        assert len([each for each in times if each]) >= len(steps) - 1


def test_nothing_is_left_behind_at_the_end(agent):
    directory = agent.directory("")
    setup = stepped(output(ca=OLD), (Replace("ca", BOTH, Way.SYMLINK), Reload.SIGHUP))
    played(agent, setup, stepped(listening(), (Reload.HTTP,)))
    assert processes(directory) == []


HARNESS = """
import signal
import sys
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.declare import Hangup, Silent, Step, output, present
from flb_handshake.errors import HandshakeError
from flb_handshake.planning import Play
from flb_handshake.scenes import record
from flb_handshake.session import Session
from flb_handshake import stepping

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
agent = choose(AgentKind(sys.argv[1]), "5.1.1").agent
steps = (Step(name="silent", changes=(present(behaviour=Silent()), Hangup())),)

def told(number):
    if number == 2:
        print(agent.directory(""), flush=True)
    return record(number)

stepping.record = told
try:
    Session(agent=agent).play([Play(alias="stuck", setup=output().but(steps=steps))])
except HandshakeError as error:
    print(error)
    sys.exit(error.exit_code)
"""
"""A harness that says where its agent's files are in the middle of a step, which does not end."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind_after_ctrl_c_in_the_middle_of_a_step(kind, number):
    asyncio.run(opened(kind).close())
    command = [sys.executable, "-c", HARNESS, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as harness:
        directory = harness.stdout.readline().strip()
        running = processes(directory)
        os.kill(harness.pid, number)
        said, _ = harness.communicate(timeout=20)
    assert running
    assert said == "interrupted\n"
    assert harness.returncode == 3
    assert [pid for pid in running if not wait_for_end(pid)] == []
    assert containers(directory.strip("/").split("/")[0]) == []
    assert not Path(directory).exists()
