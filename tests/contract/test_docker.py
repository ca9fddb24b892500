"""What only the docker agent promises: of images, containers and daemons."""

from __future__ import annotations

import asyncio
import contextlib
import io
import ipaddress
import signal
import subprocess
import sys
import tarfile
import time

import docker
import pytest
import registry
from leftovers import containers, processes

from flb_handshake.agent import docker as docker_agent
from flb_handshake.agent.contract import Capability, Job
from flb_handshake.agent.docker import open_docker
from flb_handshake.agent.reach import through_gateway
from flb_handshake.behaviours import Silent
from flb_handshake.certificates import HEALTHY, ROOT
from flb_handshake.errors import AgentUnavailable
from flb_handshake.judge import judge
from flb_handshake.model import DEFAULT_VERSION, CAFile, File, FileForm, Setup
from flb_handshake.outcomes import Outcome
from flb_handshake.planning import Play
from flb_handshake.runner import play

SILENT = Setup().but(behaviour=Silent())


@pytest.fixture
def api():
    try:
        asyncio.run(open_docker(DEFAULT_VERSION).close())
    except AgentUnavailable as error:
        pytest.skip(f"no docker agent here: {error}")
    with contextlib.closing(docker.APIClient(version="auto")) as client:
        yield client


@pytest.fixture
def agent(api):
    del api
    made = open_docker(DEFAULT_VERSION)
    yield made
    asyncio.run(made.close())


def session(agent):
    return agent.directory("").strip("/")


def played(agent, *plays, **options):
    evidence = asyncio.run(play(plays, agent, **options))
    return [judge(evidence[one.setup]) for one in plays]


def alone(alias, setup):
    return Play(alias=alias, setup=setup, doubtful=True)


def test_jobs_of_equal_surroundings_share_a_container(agent):
    unreadable = File(form=FileForm.UNREADABLE, certs=(ROOT,))
    seen = played(
        agent,
        Play(alias="batch", setup=Setup()),
        *(alone(f"alone {n}", Setup().but(properties=(("log_level", f"{n}"),))) for n in range(3)),
        alone("unreadable", Setup().but(ca=unreadable)),
        *(
            alone(name, Setup().but(host=name, vhost=None, chain=HEALTHY))
            for name in ("logs.example.test", "other.example.test")
        ),
        Play(alias="system", setup=Setup().but(ca=CAFile.SYSTEM)),
    )
    assert len(seen) == 8
    assert len(containers(session(agent))) == 3


def test_a_system_store_holds_what_it_is_given_and_nothing_else(agent):
    job = Job(name="job", config="", system_certs={"0a1b2c3d.0": b"one", "4e5f6071.0": b"two"})
    asyncio.run(agent.prepare([job]))
    api = agent._engine._daemon._api
    stream, _ = api.get_archive(agent._lodgings["job"], "/etc/ssl/certs")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        found = {one.name: one.mode & 0o777 for one in archive.getmembers()}
    assert found == {"certs": 0o755, "certs/0a1b2c3d.0": 0o644, "certs/4e5f6071.0": 0o644}


def test_nothing_of_this_machine_is_mounted_into_a_container_and_it_has_no_rights(agent, api):
    (name,) = containers(session(agent))
    facts = api.inspect_container(name)
    assert facts["Mounts"] == []
    assert facts["HostConfig"]["Binds"] is None
    assert facts["HostConfig"]["CapDrop"] == ["ALL"]
    assert not facts["HostConfig"]["CapAdd"]
    assert not any("proxy" in one.lower() for one in facts["Config"]["Env"] or ())


def test_elsewhere_it_dials_its_host_through_the_gateway(api, monkeypatch):
    (network,) = api.inspect_network("bridge")["IPAM"]["Config"]
    gateway = str(ipaddress.ip_network(network["Subnet"])[1])
    monkeypatch.setattr(docker_agent, "reach", lambda *_: through_gateway(binds=gateway))
    agent = open_docker(DEFAULT_VERSION)
    try:
        assert (agent.dials, agent.bind) == ("host.docker.internal", gateway)
        seen = played(
            agent,
            Play(alias="healthy", setup=Setup()),
            Play(alias="named", setup=Setup().but(host="logs.example.test", vhost=None)),
        )
    finally:
        asyncio.run(agent.close())
    assert [one.outcome for one in seen] == [Outcome.DELIVERED, Outcome.DELIVERED]


@pytest.mark.usefixtures("api")
def test_a_daemon_too_old_to_know_its_host_lacks_names(monkeypatch):
    monkeypatch.setattr(docker_agent, "reach", lambda *_: through_gateway())
    monkeypatch.setattr(docker_agent, "lacks_names", lambda *_: "too old")
    agent = open_docker(DEFAULT_VERSION)
    try:
        (seen,) = played(agent, Play(alias="n", setup=Setup().but(host="a.example", vhost=None)))
    finally:
        asyncio.run(agent.close())
    assert agent.lacks == {Capability.HOSTS: "too old"}
    assert (seen.outcome, seen.note) == (Outcome.INVALID, "too old")


def test_a_container_that_is_taken_away_is_never_an_outcome_of_the_agent(agent, api):
    start = agent.start

    async def start_and_lose(job):
        running = await start(job)
        for name in containers(session(agent)):
            await asyncio.to_thread(api.remove_container, name, force=True)
        return running

    agent.start = start_and_lose
    (seen,) = played(agent, alone("lost", SILENT))
    assert seen.outcome is Outcome.INVALID
    assert "not by this harness" in seen.note


def test_it_is_ended_even_before_the_daemon_knows_its_number(agent, monkeypatch):
    daemon = agent._engine._daemon
    ask = daemon.state_beside
    monkeypatch.setattr(daemon, "state_beside", lambda one: {**ask(one), "Pid": 0})
    (seen,) = played(agent, alone("early", SILENT), deadline=0.5)
    assert seen.outcome is Outcome.STALLED
    assert processes(agent.directory("")) == []


def test_an_image_can_be_named_by_its_id(api):
    name = api.inspect_image(f"fluent/fluent-bit:{DEFAULT_VERSION}")["Id"]
    other = open_docker(name)
    try:
        assert other.identity.version == DEFAULT_VERSION
        assert other.identity.found == name
    finally:
        asyncio.run(other.close())


STARTED = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from flb_handshake.agent.docker import open_docker
agent = open_docker("{DEFAULT_VERSION}")
print(agent.directory("").strip("/"), flush=True)
{{}}
"""


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("ending", ["raise ValueError", "sys.exit(3)", "signal.pause()"])
def test_nothing_is_left_behind_by_a_harness_that_crashes_or_is_interrupted(ending):
    command = [sys.executable, "-c", STARTED.format(ending)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as harness:
        mark = harness.stdout.readline().strip()
        if ending == "signal.pause()":
            assert containers(mark)
            harness.send_signal(signal.SIGINT)
        harness.wait(timeout=60)
    assert mark
    assert harness.returncode != 0
    assert containers(mark) == []


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("unix:///nowhere/docker.sock", "No such file"),
        ("tcp://127.0.0.1:9", "refused"),
        ("nonsense://", "nonsense"),
    ],
)
def test_no_daemon_is_said_with_a_hint(monkeypatch, host, says):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(AgentUnavailable, match=says) as raised:
        open_docker(DEFAULT_VERSION)
    assert "\n" not in str(raised.value)
    assert "DOCKER_HOST" in raised.value.hint


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("ref", ["Not An Image", "", "UPPER/case:1"])
def test_what_is_no_image_reference_is_said_with_a_hint(ref):
    with pytest.raises(AgentUnavailable, match="image") as raised:
        open_docker(ref)
    assert raised.value.hint


@pytest.mark.usefixtures("api")
def test_an_image_that_the_registry_does_not_have():
    with (
        registry.serving({}, "none") as where,
        pytest.raises(AgentUnavailable, match="cannot be pulled") as raised,
    ):
        open_docker(f"{where}/fluent-bit:9.9.9")
    assert "docker pull" in raised.value.hint


@pytest.mark.usefixtures("api")
def test_a_pull_that_makes_no_progress_is_given_up(monkeypatch):
    monkeypatch.setattr(docker_agent, "_PULL_PATIENCE", 1.0)
    manifest, blobs = registry.image()
    began = time.monotonic()
    with (
        registry.serving(blobs, manifest, stops_after=1000) as where,
        pytest.raises(AgentUnavailable, match="made no progress") as raised,
    ):
        open_docker(f"{where}/stalled:1")
    assert time.monotonic() - began < 10
    assert "docker pull" in raised.value.hint


@pytest.fixture
def pulled(api):
    """An image in a registry; what was pulled of it is removed after the test."""
    manifest, blobs = registry.image()
    with registry.serving(blobs, manifest) as where:
        name = f"{where}/no-fluent-bit:1"
        yield name
        with contextlib.suppress(docker.errors.ImageNotFound):
            api.remove_image(name)


def test_an_image_comes_in_with_a_bar_and_is_no_fluent_bit(pulled, api, capsys):
    with pytest.raises(AgentUnavailable, match="not an image of Fluent Bit") as raised:
        open_docker(pulled)
    assert "5.1.1" in raised.value.hint
    out, err = capsys.readouterr()
    assert out == ""
    assert "pulling" in err
    assert api.inspect_image(pulled)["RepoTags"] == [pulled]


def test_a_fluent_bit_that_only_bears_the_name_is_found_out(api):
    """The image of Fluent Bit, with its loader in the place of its binary."""
    made = api.create_container(f"fluent/fluent-bit:{DEFAULT_VERSION}")["Id"]
    name = "flb-handshake-test/impostor:1"
    try:
        stream, _ = api.get_archive(made, "/lib64/ld-linux-x86-64.so.2")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            loader = archive.extractfile(archive.getmembers()[0]).read()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            entry = tarfile.TarInfo("fluent-bit/bin/fluent-bit")
            entry.size, entry.mode = len(loader), 0o755
            archive.addfile(entry, io.BytesIO(loader))
        api.put_archive(made, "/", packed.getvalue())
        api.commit(made, repository=name)
        with pytest.raises(AgentUnavailable, match="not an image of Fluent Bit"):
            open_docker(name)
    finally:
        api.remove_container(made, force=True)
        api.remove_image(name)  # which the daemon refuses while a container of it is left
