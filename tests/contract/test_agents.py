"""Every agent that this machine has is held to the same contract."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import stat
import tarfile
import tempfile
import time
from pathlib import Path

import pytest
from leftovers import containers, processes

from flb_handshake.agent import engine
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind, Capability, Job, PlacedFile
from flb_handshake.agent.docker import open_docker
from flb_handshake.behaviours import Silent
from flb_handshake.certificates import HEALTHY, ROOT, expired
from flb_handshake.errors import AgentUnavailable
from flb_handshake.judge import judge
from flb_handshake.model import DEFAULT_VERSION, CAFile, File, FileForm, Setup
from flb_handshake.outcomes import Outcome, Side
from flb_handshake.planning import Play
from flb_handshake.runner import play

IDLE = "[SERVICE]\n    Flush 1\n[INPUT]\n    Name dummy\n[OUTPUT]\n    Name null\n    Match *\n"
SILENT = Setup().but(behaviour=Silent())
ALONE = "docker, a container each"


def opened(kind: str, monkeypatch):
    if kind == ALONE:
        monkeypatch.setattr(engine, "is_ours_to_end", lambda *_: False)
        return open_docker(DEFAULT_VERSION)
    return choose(AgentKind(kind), DEFAULT_VERSION).agent


@pytest.fixture(params=["docker", ALONE, "process", "reference"])
def agent(request, monkeypatch):
    try:
        made = opened(request.param, monkeypatch)
    except AgentUnavailable as error:
        pytest.skip(f"no {request.param} agent here: {error}")
    yield made
    asyncio.run(made.close())


def played(agent, *plays, deadline=6.0):
    """The evidence of these plays, in their order. The agent stays open."""
    evidence = asyncio.run(play(plays, agent, deadline=deadline))
    return [evidence[one.setup] for one in plays]


def outcomes(agent, *setups):
    plays = [Play(alias=f"number {index}", setup=one) for index, one in enumerate(setups)]
    return [judge(one).outcome for one in played(agent, *plays)]


def alone(setup):
    return Play(alias="alone", setup=setup, doubtful=True)


def needs(agent, capability):
    if capability in agent.lacks:
        pytest.skip(agent.lacks[capability])


def marks(agent):
    """What the command line of every process of this agent has."""
    return agent.directory("")


def left_behind(directory):
    name = directory.strip("/").split("/")[0]
    return [
        *processes(directory),
        *containers(name),
        *Path(tempfile.gettempdir()).glob(f"flb-handshake-{os.getpid()}-*"),
    ]


def test_it_says_what_it_is(agent):
    identity = agent.identity
    assert identity.version == DEFAULT_VERSION
    assert DEFAULT_VERSION in identity.label
    assert identity.tls_library.startswith("OpenSSL ")
    assert ("not Fluent Bit" in identity.label) == (identity.kind is AgentKind.REFERENCE)


def test_what_is_healthy_is_delivered(agent):
    (evidence,) = played(agent, Play(alias="healthy", setup=Setup()))
    seen = judge(evidence)
    assert (seen.outcome, seen.version) == (Outcome.DELIVERED, "TLSv1.3")
    assert len(seen.records) == 1
    assert evidence.agent.exit_code is None
    assert any("HTTP status=201" in line for line in evidence.agent.log)


def test_an_untrusted_root_is_refused_with_its_alert(agent):
    (evidence,) = played(agent, Play(alias="r", setup=Setup().but(ca=CAFile.OTHER_ROOT)))
    seen = judge(evidence)
    assert (seen.outcome, seen.refused_by) == (Outcome.REFUSED_BY_AGENT, Side.AGENT)
    assert (seen.alert, seen.alert_from) == ("unknown_ca", Side.AGENT)


def test_a_bad_configuration_ends_it_and_its_last_words_are_kept(agent):
    bad = Setup().but(properties=(("no_such_property", "1"),))
    (evidence,) = played(agent, alone(bad))
    assert judge(evidence).outcome is Outcome.NOT_STARTED
    assert evidence.agent.exit_code not in {None, 0}
    assert any("no_such_property" in line for line in evidence.agent.log)
    assert processes(marks(agent)) == []


def test_what_does_not_come_to_an_end_is_killed_at_its_deadline(agent):
    began = time.monotonic()
    (evidence,) = played(agent, alone(SILENT), deadline=0.7)
    assert judge(evidence).outcome is Outcome.STALLED
    assert evidence.agent.exit_code is None
    assert time.monotonic() - began < 5
    assert processes(marks(agent)) == []


def test_many_run_side_by_side(agent):
    bad = [Setup().but(properties=(("no_such_property", str(number)),)) for number in range(6)]
    began = time.monotonic()
    plays = [Play(alias=f"bad {index}", setup=one, doubtful=True) for index, one in enumerate(bad)]
    found = played(agent, *plays, Play(alias="good", setup=Setup()))
    assert [judge(one).outcome for one in found] == [Outcome.NOT_STARTED] * 6 + [Outcome.DELIVERED]
    assert time.monotonic() - began < 6, "each sleeps for a second before it exits"


def test_a_job_can_have_host_names_of_its_own(agent):
    needs(agent, Capability.HOSTS)
    names = ("logs.example.test", "other.example.test", "logs.example.test.")
    named = [Setup().but(host=name, vhost=None) for name in names]
    assert outcomes(agent, *named, Setup()) == [Outcome.DELIVERED] * 4


def test_a_job_can_have_a_system_trust_store_of_its_own(agent):
    needs(agent, Capability.SYSTEM_STORE)
    found = outcomes(agent, Setup().but(ca=CAFile.SYSTEM), Setup().but(ca=CAFile.UNSET), Setup())
    assert found == [Outcome.DELIVERED, Outcome.REFUSED_BY_AGENT, Outcome.DELIVERED]


def test_file_permissions_bind_it(agent):
    needs(agent, Capability.UNPRIVILEGED)
    closed = Setup().but(ca=File(form=FileForm.UNREADABLE, certs=(ROOT,)))
    (evidence, twin) = played(agent, alone(closed), Play(alias="twin", setup=Setup()))
    assert judge(evidence).outcome is Outcome.NOT_STARTED
    assert "ca_file_unusable" in {sign.name for sign in judge(evidence).signs}
    assert judge(twin).outcome is Outcome.DELIVERED


def test_it_can_play_again(agent):
    expired_leaf = Setup().but(chain=HEALTHY.but(expired()))
    first = outcomes(agent, Setup(), Setup().but(host="logs.example.test", vhost=None))

    assert outcomes(agent, expired_leaf) == [Outcome.REFUSED_BY_AGENT]
    assert first[0] is Outcome.DELIVERED


def test_keys_are_for_their_owner_alone(agent):
    job = Job(
        name="job",
        config=IDLE,
        files=(
            PlacedFile(path="client.key", content=b"a key"),
            PlacedFile(path="certs", content=None),
            PlacedFile(path="certs/inner.pem", content=b"a certificate"),
            PlacedFile(path="deep/er/inner.pem", content=b"another"),
            PlacedFile(path="closed.pem", content=b"closed", mode=0o000),
        ),
    )
    asyncio.run(agent.prepare([job]))
    assert modes(agent, job) == {
        "": 0o700,
        "fluent-bit.conf": 0o600,
        "client.key": 0o600,
        "certs": 0o700,
        "certs/inner.pem": 0o600,
        "deep": 0o700,
        "deep/er": 0o700,
        "deep/er/inner.pem": 0o600,
        "closed.pem": 0o000,
    }


def modes(agent, job):
    base = Path(agent.directory(job.name))
    if agent.identity.kind is not AgentKind.DOCKER:
        found = [base, *base.rglob("*")]
        return {
            str(path.relative_to(base)).lstrip("."): stat.S_IMODE(path.stat().st_mode)
            for path in found
        }
    api = agent._engine._daemon._api
    stream, _ = api.get_archive(agent._lodgings[job.name], str(base))
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        return {
            one.name.removeprefix("job").lstrip("/"): stat.S_IMODE(one.mode)
            for one in archive.getmembers()
        }


def test_nothing_is_left_behind(agent):
    directory = marks(agent)
    asyncio.run(run_and_close(agent, Setup(), SILENT, Setup().but(ca=CAFile.SYSTEM)))
    assert left_behind(directory) == []


async def run_and_close(agent, *setups):
    plays = [Play(alias=str(index), setup=one) for index, one in enumerate(setups)]
    try:
        await play(plays, agent, deadline=0.5)
    finally:
        await agent.close()


def test_one_that_somebody_else_kills_is_no_outcome_of_the_agent(agent):
    start = agent.start

    async def start_and_kill(job):
        running = await start(job)
        ends = time.monotonic() + 10
        # In the middle of an exec a process has no command line to be found by.
        while not (found := processes(agent.directory(job.name) + "/")):
            assert time.monotonic() < ends
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return running

    agent.start = start_and_kill
    (evidence,) = played(agent, alone(SILENT))
    seen = judge(evidence)
    assert seen.outcome is Outcome.INVALID
    assert "not by this harness" in seen.note


@pytest.mark.parametrize(
    "moment", ["turn 2", "turn 3", "preparing", "starting", "running", "stopping"]
)
def test_nothing_is_left_behind_when_it_is_cancelled(agent, moment):
    directory = marks(agent)
    asyncio.run(cancel(agent, moment))
    assert left_behind(directory) == []


async def cancel(agent, moment):
    """Cancels a play at this moment of its agent, and closes the agent."""
    reached = asyncio.Event()
    prepare, start = agent.prepare, agent.start

    async def prepare_and_tell(jobs):
        if moment == "preparing":
            reached.set()
        await prepare(jobs)

    async def start_and_tell(job):
        if moment == "starting":
            reached.set()
        running = await start(job)
        stop = running.stop

        async def stop_and_tell():
            reached.set()
            await stop()

        running.stop = stop_and_tell
        if moment == "running":
            reached.set()
        return running

    agent.prepare, agent.start = prepare_and_tell, start_and_tell
    others = [Play(alias=str(i), setup=SILENT.but(vhost=f"v{i}"), doubtful=True) for i in range(5)]
    named = Play(alias="named", setup=SILENT.but(host="logs.example.test"))
    playing = asyncio.create_task(play([*others, named], agent, deadline=0.3))
    if moment.startswith("turn "):  # of the loop: in the middle of opening a listener
        for _ in range(int(moment[-1])):
            await asyncio.sleep(0)
    else:
        await reached.wait()
    playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await playing
    await agent.close()
