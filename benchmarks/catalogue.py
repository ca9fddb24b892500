"""The whole catalogue as a process and in a container, against a container for each scenario.

It ends with the ten slowest scenarios, and what each of them waits for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import measuring

from flb_handshake import catalogue
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.errors import HandshakeError
from flb_handshake.model import DEFAULT_VERSION, Expire, Reload, Role, Scenario
from flb_handshake.outcomes import Outcome
from flb_handshake.planning import SLOW_INPUTS, changes, is_alone, is_impatient
from flb_handshake.results import Result
from flb_handshake.session import Session

_ROUNDS = 3
_CONTAINERS = 4
_SECONDS = 20.0
_DOCKER_MORE = 12.0
_BATCHABLE_EACH = 4.0 / 664
"""Seconds for each scenario that shares a process: the rate at which the first 664 were played."""

_SLOWEST = 10
_DEADLINE = 6.0
"""Seconds after which the harness gives up a run to which nothing happens."""
_TIMES_FASTER = 100

_ONE = """
[SERVICE]
    Flush 1
    Grace 0
[INPUT]
    Name dummy
[OUTPUT]
    Name  exit
    Match *
    Flush_count 1
"""
"""A Fluent Bit with default timing that ends after its first flush: the least that one scenario in
a container of its own costs."""


def whole(kind: AgentKind) -> tuple[float, list[Result]]:
    """Seconds of the whole catalogue on an agent of this kind, verdicts included."""
    scenarios = catalogue.load()
    session = Session(agent=choose(kind, DEFAULT_VERSION).agent)
    began = time.monotonic()
    found = session.run(scenarios)
    return time.monotonic() - began, found


def batchable(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Those that can share a process, and wait for nothing."""
    return [
        one
        for one in scenarios
        if not is_alone(one.setup)
        and not is_impatient(one.setup)
        and one.setup.role is Role.OUTPUT
        and one.expectation.does.outcome is not Outcome.NOT_STARTED
    ]


def batchable_each() -> float:
    """Seconds for each scenario that can share a process."""
    scenarios = batchable(catalogue.load())
    began = time.monotonic()
    Session(agent=choose(AgentKind.PROCESS, DEFAULT_VERSION).agent).run(scenarios)
    return (time.monotonic() - began) / len(scenarios)


def slowest(found: Sequence[Result]) -> list[str]:
    """A line for each of the slowest: its seconds, its id, and what it waits for."""
    by_time = sorted(found, key=_seconds, reverse=True)[:_SLOWEST]
    return [f"  {_seconds(one):5.1f} s  {one.scenario.id}: {_why(one)}" for one in by_time]


def _seconds(one: Result) -> float:
    """From the start of its agent to its last event, or to the deadline where nothing came."""
    stalled = sum(step.observation.outcome is Outcome.STALLED for step in one.steps)
    return sum(step.evidence.duration for step in one.steps) + stalled * _DEADLINE


def _why(one: Result) -> str:
    """What takes the time in this scenario, the longest wait first."""
    setup = one.scenario.setup
    outcomes = {step.observation.outcome for step in one.steps}
    given = dict(setup.agent.properties)
    if Outcome.STALLED in outcomes:
        return "nothing ends it but the harness's deadline of 6 s"
    if any(isinstance(change, Expire) for change in changes(setup)):
        return "a certificate of 5 s has to expire, and its last second to pass"
    if "Retry_Limit" in given and setup.steps:
        return "Fluent Bit tries again after 1 to 2 s (scheduler.base 1)"
    timeouts = [name for name in given if name.startswith("net.") and name.endswith("timeout")]
    if timeouts and Outcome.CUT in outcomes:
        return f"it ends by {timeouts[0]} {given[timeouts[0]]}"
    if Outcome.NOT_STARTED in outcomes:
        return "Fluent Bit sleeps for 1 s before it exits"
    if setup.agent.plugin in SLOW_INPUTS and setup.role is Role.INPUT:
        return "a handshake of this input takes 0.5 s"
    if any(isinstance(change, Reload) for change in changes(setup)):
        return "a hot reload takes down all and starts it again"
    return "it waits for nothing of its own: it shares the machine with the others"


def container_each() -> float:
    """Seconds of one scenario in a container of its own, with default flush."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "fluent-bit.conf").write_text(_ONE)
        command = ["docker", "run", "--rm", "-v", f"{place}:/conf:ro"]
        command += [f"fluent/fluent-bit:{DEFAULT_VERSION}", "-c", "/conf/fluent-bit.conf"]
        began = time.monotonic()
        for _ in range(_CONTAINERS):
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        return (time.monotonic() - began) / _CONTAINERS


def main() -> int:
    """Prints how long each way takes, and the ratios."""
    process = []
    for _ in range(_ROUNDS):
        seconds, found = whole(AgentKind.PROCESS)
        process.append(seconds)
        if any(one.disagrees for one in found):
            sys.exit("nothing measured: the catalogue does not agree with this Fluent Bit")
    kept = measuring.told("seconds, process", measuring.median(process), _SECONDS)
    each = measuring.median([batchable_each() for _ in range(_ROUNDS)])
    kept &= measuring.told("of the first rate, where batched", each / _BATCHABLE_EACH, 1.0)
    print("the slowest:", *slowest(found), sep="\n")
    try:
        docker = [whole(AgentKind.DOCKER)[0] for _ in range(_ROUNDS)]
        each = container_each()
    except (HandshakeError, OSError, subprocess.SubprocessError) as error:
        print(f"docker not measured: {error}")
        return 0 if kept else 1
    more = measuring.median(docker) - measuring.median(process)
    kept &= measuring.told("seconds more in docker", more, _DOCKER_MORE)
    faster = each * len(found) / measuring.median(process)
    print(f"a container each: {each:.2f} s, {each * len(found):.0f} s for {len(found)}")
    kept &= measuring.told("times faster", faster, _TIMES_FASTER, at_least=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
