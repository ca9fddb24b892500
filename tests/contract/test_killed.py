"""A harness that is killed outright: what it leaves, the next start removes, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from leftovers import containers, processes, wait_for_end

from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.agent.docker import open_docker
from flb_handshake.agent.engine import LABEL, OWNER_LABEL
from flb_handshake.agent.ownership import Owner
from flb_handshake.agent.process import open_process
from flb_handshake.errors import AgentUnavailable
from flb_handshake.model import DEFAULT_VERSION

HARNESS = f"""
import asyncio, sys
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind, Job

IDLE = "[INPUT]\\n    Name dummy\\n[OUTPUT]\\n    Name null\\n    Match *\\n"

async def main():
    agent = choose(AgentKind(sys.argv[1]), "{DEFAULT_VERSION}").agent
    job = Job(name="job", config=IDLE, hosts=tuple(sys.argv[2:]))
    await agent.prepare([job])
    running = await agent.start(job)
    said = asyncio.Event()
    running.log.watch = lambda line: said.set()
    if not running.log.lines:
        await said.wait()
    print(agent.directory("job"), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
"""A harness with a Fluent Bit that runs; it says in which directory, and waits to be killed."""


def killed_harness(kind: str, *hosts: str) -> tuple[str, list[int]]:
    """The directory of a harness that was killed, and the processes that it had just before."""
    command = [sys.executable, "-c", HARNESS, kind, *hosts]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as harness:
        directory = harness.stdout.readline().strip()
        running = processes(directory)
        harness.kill()
    assert directory
    assert running
    return directory, running


@pytest.fixture
def has():
    def check(kind):
        try:
            agent = choose(AgentKind(kind), DEFAULT_VERSION).agent
        except AgentUnavailable as error:
            pytest.skip(f"no {kind} agent here: {error}")
        asyncio.run(agent.close())

    return check


@pytest.mark.parametrize("hosts", [(), ("logs.example.test",)])
def test_the_process_goes_with_the_harness_and_its_files_at_the_next_start(has, hosts):
    has("process")
    directory, running = killed_harness("process", *hosts)
    assert [pid for pid in running if not wait_for_end(pid)] == []
    assert Path(directory).is_dir()
    agent = open_process(None, version=DEFAULT_VERSION)
    try:
        agent.directory("first")
        assert not Path(directory).exists()
    finally:
        asyncio.run(agent.close())


def test_the_container_goes_at_the_next_start(has):
    has("docker")
    directory, running = killed_harness("docker")
    session = directory.strip("/").split("/")[0]
    assert containers(session)
    agent = open_docker(DEFAULT_VERSION)
    try:
        assert containers(session) == []
        assert [pid for pid in running if not wait_for_end(pid)] == []
    finally:
        asyncio.run(agent.close())


@pytest.fixture
def api(has):
    has("docker")
    with contextlib.closing(docker.APIClient(version="auto")) as client:
        yield client


@pytest.fixture
def contained(api):
    """Makes containers with these labels; they are removed after the test."""
    made = []

    def make(labels):
        image = f"fluent/fluent-bit:{DEFAULT_VERSION}"
        made.append(api.create_container(image, labels=labels)["Id"])
        return made[-1]

    yield make
    for container in made:
        with contextlib.suppress(docker.errors.NotFound):
            api.remove_container(container, force=True)


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def survives_the_next_start(api, container) -> bool:
    asyncio.run(open_docker(DEFAULT_VERSION).close())
    return container in [one["Id"] for one in api.containers(all=True)]


ABANDONED = {
    "its process has ended": lambda me: replace(me, pid=ended_process()),
    "its process number is another's now": lambda me: replace(me, started="1"),
    "the machine has restarted since": lambda me: replace(me, boot="an earlier one"),
}

KEPT = {
    "its owner lives": lambda me: me,
    "its owner is another process that lives": lambda me: replace(
        me, pid=os.getppid(), started=Owner.of(os.getppid()).started
    ),
    "it is another machine's": lambda me: replace(me, machine="another", pid=ended_process()),
    "its process is counted elsewhere": lambda me: replace(
        me, namespace="pid:[1]", pid=ended_process()
    ),
}


@pytest.mark.parametrize("owner", ABANDONED.values(), ids=ABANDONED)
def test_a_container_is_removed_when(api, contained, owner):
    container = contained({LABEL: "old", OWNER_LABEL: str(owner(Owner.me()))})
    assert not survives_the_next_start(api, container)


@pytest.mark.parametrize("owner", KEPT.values(), ids=KEPT)
def test_a_container_is_kept_when(api, contained, owner):
    container = contained({LABEL: "other", OWNER_LABEL: str(owner(Owner.me()))})
    assert survives_the_next_start(api, container)


@pytest.mark.parametrize(
    "labels",
    [{}, {"app": "flb-handshake"}, {LABEL: "mine"}, {LABEL: "mine", OWNER_LABEL: "not an owner"}],
    ids=["no label", "another label", "no owner", "an owner that cannot be read"],
)
def test_a_container_that_is_not_surely_ours_is_never_touched(api, contained, labels):
    assert survives_the_next_start(api, contained(labels))
