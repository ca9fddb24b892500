"""Looks for what an agent can leave behind: processes, containers, directories."""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path

from flb_handshake.agent.docker import DockerDaemon
from flb_handshake.agent.engine import LABEL
from flb_handshake.errors import AgentUnavailable


def processes(mark: str) -> list[int]:
    """The processes of this machine that have the mark in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def containers(mark: str = "") -> list[str]:
    """The names of containers that bear our label, and the mark in their name."""
    try:
        # The SDK's own client leaves its socket open where there is no daemon.
        daemon = DockerDaemon()
    except AgentUnavailable:
        return []
    with contextlib.closing(daemon):
        found = daemon._api.containers(all=True, filters={"label": LABEL})
    return [one["Names"][0] for one in found if mark in one["Names"][0]]


def wait_for_end(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process that is not ours to wait for ends in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
