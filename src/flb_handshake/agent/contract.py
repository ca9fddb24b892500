"""What every way of running a Fluent Bit promises, and the words in which it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from flb_handshake.agent.plugins import Plugins

KILLED: Final = 128 + 9
"""The exit code of a process that SIGKILL ended."""


class AgentKind(StrEnum):
    """The ways to run an agent."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"
    REFERENCE = "reference"


class Capability(StrEnum):
    """What a scenario can need of its surroundings, beyond files and a port."""

    HOSTS = "host names of its own"
    SYSTEM_STORE = "a system trust store of its own"
    UNPRIVILEGED = "file permissions that bind it"
    PORTS = "ports of its own that the harness can reach"
    CHANGES = "files that change while it runs, and signals"
    PROXY = "an HTTP proxy named in its environment"
    DTLS = "TLS in datagrams"
    UPSTREAMS = "an upstream file"
    PLUGIN_PROXY = "an output that sends its requests to a proxy of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which agent it is."""

    kind: AgentKind
    version: str
    label: str
    """How every header, report and JSON line names it."""
    tls_library: str
    found: str
    """The image or the path of the binary."""
    plugins: Plugins | None = None
    """Those that are built in; None: that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFile:
    """A file to put before the agent; a directory, if there is neither content nor link."""

    path: str
    """Relative to the job's directory."""
    content: bytes | None
    mode: int = 0o600
    link: str | None = None
    """What it points to, if it is a symbolic link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One process of Fluent Bit: its configuration, its files and its surroundings."""

    name: str
    config: str
    files: tuple[PlacedFile, ...] = ()
    hosts: tuple[str, ...] = ()
    """Names that lead to the peer's address."""
    system_certs: Mapping[str, bytes] | None = None
    """What stands in /etc/ssl/certs instead of the usual, by file name."""
    unprivileged: bool = False
    """Without the root user's right to read what permissions forbid."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Log:
    """The agent's output, line by line, as it comes."""

    lines: list[str] = field(default_factory=list)
    watch: Callable[[str], None] | None = None
    """Called with each line that is complete."""
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Takes what the agent wrote."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._take(line)

    def end(self) -> None:
        """The agent writes no more: what it began is a line too."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""

    def _take(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace").rstrip("\r")
        self.lines.append(line)
        if self.watch is not None:
            self.watch(line)


class Running(Protocol):
    """One process of Fluent Bit that was started."""

    log: Log
    exited: asyncio.Future[int]
    """Its exit code, once it has ended by itself or was stopped: 128 and the signal's number, if a
    signal ended it. A HarnessFailure, if somebody else killed it or nobody knows how it ended."""

    def seen(self, path: str) -> Path:
        """Where a file of the agent's is, seen from the harness. Raises HarnessFailure."""

    def signal(self, number: int) -> None:
        """Sends it a signal. Raises HarnessFailure."""

    async def stop(self) -> None:
        """Ends it at once and waits until it has ended. Harmless when it has ended already."""


class Place(Protocol):
    """Where an agent is: what its configuration says of files and of its peer."""

    dials: str
    """The address under which the agent reaches a peer of this host."""

    def directory(self, job: str) -> str:
        """Where the files of a job stand, as the agent sees them."""


class Agent(Place, Protocol):
    """A Fluent Bit that can be run, again and again."""

    identity: Identity
    lacks: Mapping[Capability, str]
    """Why it cannot give what a scenario can need; a capability that is not in here it has."""
    bind: str
    """The address that such a peer listens on."""
    at_once: int
    """How many processes are run side by side."""

    async def prepare(self, jobs: Sequence[Job]) -> None:
        """Puts the files of these jobs in place. Raises HarnessFailure."""

    async def start(self, job: Job) -> Running:
        """Starts a job that was prepared. Raises HarnessFailure."""

    async def close(self) -> None:
        """Leaves nothing behind: no process, no container, no file."""
