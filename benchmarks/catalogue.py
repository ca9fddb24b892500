"""The whole catalogue as a process and in a container, against a container for each scenario."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring

from flb_handshake import catalogue
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.errors import HandshakeError
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.results import Result
from flb_handshake.session import Session

_ROUNDS = 3
_CONTAINERS = 4
_SECONDS = 4.0
_DOCKER_MORE = 2.0
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
