"""Says what is in a container, to whom it belongs and how a Fluent Bit in it is ended."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import secrets
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from flb_handshake.agent.containers import Output, Spawned, Surroundings
from flb_handshake.agent.contract import KILLED, AgentKind, Identity, Job
from flb_handshake.agent.image import binary_of, not_fluent_bit, versions_of
from flb_handshake.agent.ownership import Owner, bearers, bears, is_ours_to_end
from flb_handshake.agent.parcel import Holder, Parcel
from flb_handshake.agent.plugins import Plugins, listed
from flb_handshake.agent.reach import Reach
from flb_handshake.errors import AgentUnavailable, HarnessFailure

LABEL: Final = "flb-handshake"
"""Every container of ours bears it, with the session's name; no other is ever touched."""

OWNER_LABEL: Final = "flb-handshake.owner"

_PROBE_LIMIT: Final = 10.0
_REMOVING_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a container is made of."""

    image: str
    name: str
    command: tuple[str, ...]
    user: str
    labels: Mapping[str, str]
    network: str
    hosts: Mapping[str, str]


class Daemon(Protocol):
    """Docker's, as far as it is needed. Its methods block, and raise HarnessFailure."""

    def made(self, recipe: Recipe) -> str:
        """The id of a new container that has not started."""

    def put(self, container: str, archive: bytes) -> None:
        """Unpacks an archive at a container's root."""

    def start(self, container: str) -> None:
        """Starts it."""

    def attached(self, container: str) -> Output:
        """What its main process will write."""

    def beside(
        self, container: str, command: Sequence[str], env: Mapping[str, str]
    ) -> tuple[str, Output]:
        """Another process in a container: its id and what it writes."""

    def said(self, container: str, command: Sequence[str], env: Mapping[str, str]) -> bytes:
        """All that another process in a container writes."""

    def file(self, container: str, path: str) -> bytes:
        """The content of a file in it."""

    def state(self, container: str) -> Mapping[str, Any]:
        """Whether it is `Running`, and the `Pid` of its main process on the daemon's machine."""

    def state_beside(self, process: str) -> Mapping[str, Any]:
        """The same of another process in a container; an `ExitCode` once it has ended."""

    def ended(self, container: str) -> int:
        """The exit code of a container that has ended."""

    def kill(self, container: str) -> None:
        """Ends it at once. Harmless when it has ended already."""

    def remove(self, container: str) -> None:
        """Ends and removes it at once. Harmless when it is gone already."""

    def labelled(self, *labels: str) -> list[tuple[str, Mapping[str, str]]]:
        """The ids and labels of all containers that bear these (`name` or `name=value`)."""

    def close(self) -> None:
        """Gives back the connections."""


def remove_abandoned(daemon: Daemon) -> None:
    """Removes what bears our label and whose owner is gone. Raises HarnessFailure."""
    for container, labels in daemon.labelled(LABEL, OWNER_LABEL):
        owner = Owner.parse(labels[OWNER_LABEL])
        if owner is not None and owner.is_gone():
            daemon.remove(container)


class ContainerEngine:
    """The containers of one session, all of one image. See Engine.

    In a container that is shared, the main process is a Fluent Bit that does nothing, and those
    of the jobs run beside it by exec. To end one of them, a signal is sent to its process, which
    takes a daemon on this machine: nothing in Docker's API does it, and the official image has no
    program that could. So with any other daemon, each job has a container of its own.
    """

    def __init__(
        self, daemon: Daemon, image: Mapping[str, Any], name: str, way: Reach, *, rootless: bool
    ) -> None:
        session = secrets.token_hex(6)
        self.root = f"/{LABEL}-{session}"
        self.way = way
        self.shares = True
        self._daemon = daemon
        self._image = image
        self._name = name
        self._labels = {LABEL: session, OWNER_LABEL: str(Owner.me())}
        self._numbers = itertools.count(1)
        # As whoever started the harness, so that a signal of his is allowed to end it.
        ours = sys.platform == "linux" and not rootless
        self._holder = Holder(uid=os.getuid(), gid=os.getgid()) if ours else Holder(uid=0, gid=0)
        self._binary = binary_of(image["Config"])
        atexit.register(self._remove_at_exit)

    def identify(self) -> tuple[Identity, str]:
        """Which Fluent Bit it is, and a container for jobs that want no surroundings.

        Raises AgentUnavailable if it is none.
        """
        try:
            container = self.lodge(Surroundings(), [])
        except HarnessFailure as error:
            if self._binary in str(error):
                raise not_fluent_bit(self._name, str(error)) from error
            raise
        if self._image["Id"] not in _KNOWN:
            _KNOWN[self._image["Id"]] = self._probed(container)
        version, library, plugins = _KNOWN[self._image["Id"]]
        self.shares = is_ours_to_end(self._daemon.state(container)["Pid"], self.root)
        if not self.shares:
            self._daemon.remove(container)
        identity = Identity(
            kind=AgentKind.DOCKER,
            version=version,
            label=f"Fluent Bit {version}",
            tls_library=library,
            found=self._name,
            plugins=plugins,
        )
        return identity, container

    def lodge(self, wanted: Surroundings, jobs: Sequence[Job], container: str | None = None) -> str:
        """See Engine."""
        parcel = Parcel(self._holder)
        for job in jobs:
            parcel.add_job(f"{self.root}/{job.name}", job)
        if container is not None:
            self._daemon.put(container, parcel.sealed())
            return container
        if wanted.certs is not None:
            parcel.replace_system_store(dict(wanted.certs))
        idle = ("-i", "dummy", "-t", self.root, "-o", "null", "-f", "3600")
        made = self._daemon.made(
            Recipe(
                image=self._image["Id"],
                name=f"{self.root[1:]}-{next(self._numbers)}",
                command=(self._binary, *idle) if self.shares else self._command(jobs[0]),
                user=f"{self._holder.uid}:{self._holder.gid}",
                labels=self._labels,
                network=self.way.network,
                hosts=self.way.extra_hosts(sorted(wanted.hosts)),
            )
        )
        self._daemon.put(made, parcel.sealed())
        if self.shares:
            self._daemon.start(made)
        return made

    def spawned(self, container: str, job: Job) -> Spawned:
        """See Engine."""
        if self.shares:
            return _Beside(self._daemon, container, self._command(job), dict(job.environment))
        return _Alone(self._daemon, container)

    def remove_all(self) -> None:
        """See Engine."""
        with ThreadPoolExecutor(_REMOVING_AT_ONCE) as removing:
            list(removing.map(self._daemon.remove, self._ours()))

    def close(self) -> None:
        """See Engine."""
        atexit.unregister(self._remove_at_exit)
        self._daemon.close()

    def _command(self, job: Job) -> tuple[str, ...]:
        return (self._binary, "-c", f"{self.root}/{job.name}/fluent-bit.conf")

    def _probed(self, container: str) -> tuple[str, str, Plugins | None]:
        """The versions of Fluent Bit and of its TLS library, and its plugins.

        Raises AgentUnavailable.
        """
        limit = threading.Timer(_PROBE_LIMIT, self._daemon.remove, (container,))
        limit.start()
        try:
            say = partial(self._daemon.said, container, (self._binary, "--version"))
            file = partial(self._daemon.file, container)
            version, library = versions_of(self._name, self._binary, say, file)
            help_ = self._daemon.said(container, (self._binary, "--help"), {})
            return version, library, listed(help_.decode(errors="replace"))
        except AgentUnavailable:
            raise
        except HarnessFailure as error:
            raise not_fluent_bit(self._name, str(error)) from error
        finally:
            limit.cancel()

    def _ours(self) -> list[str]:
        return [found for found, _ in self._daemon.labelled(f"{LABEL}={self._labels[LABEL]}")]

    def _remove_at_exit(self) -> None:
        """The agent was never closed. No threads: there are none any more this late."""
        with contextlib.suppress(HarnessFailure):
            for container in self._ours():
                self._daemon.remove(container)


_KNOWN: Final[dict[str, tuple[str, str, Plugins | None]]] = {}
"""What an image was found to hold, by its id."""


@dataclass(slots=True)
class _Beside:
    """A Fluent Bit that runs in a shared container, by exec."""

    _daemon: Daemon
    _container: str
    _command: tuple[str, ...]
    _environment: Mapping[str, str]
    _id: str = ""
    _was_killed: bool = False

    def begin(self) -> Output:
        self._id, output = self._daemon.beside(self._container, self._command, self._environment)
        return output

    def exit_code(self) -> int:
        return _believed(self._daemon.state_beside(self._id)["ExitCode"], self._was_killed)

    def seen(self, path: str) -> Path:
        """Through the kernel's view of the process: it runs as the user who started the harness."""
        for pid in self._pids():
            return Path(f"/proc/{pid}/root{path}")
        raise HarnessFailure(
            "a Fluent Bit in a container is gone, and its files with it",
            hint="see its log: did it end by itself?",
        )

    def signal(self, number: int) -> None:
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        self._was_killed = True
        self.signal(signal.SIGKILL)

    def _pids(self) -> list[int]:
        """Its number here. Its output can be here before the daemon knows it."""
        mark = self._command[-1]
        pid = self._daemon.state_beside(self._id)["Pid"]
        return [pid] if bears(pid, mark) else bearers(mark)


@dataclass(slots=True)
class _Alone:
    """A Fluent Bit that is the main process of its own container."""

    _daemon: Daemon
    _container: str
    _was_killed: bool = False

    def begin(self) -> Output:
        output = self._daemon.attached(self._container)
        self._daemon.start(self._container)
        return output

    def exit_code(self) -> int:
        code = self._daemon.ended(self._container)
        self._daemon.remove(self._container)
        return _believed(code, self._was_killed)

    def seen(self, path: str) -> Path:
        raise HarnessFailure(_OUT_OF_REACH.format(what=f"the file {path}"), hint=_NEARER)

    def signal(self, number: int) -> None:
        raise HarnessFailure(_OUT_OF_REACH.format(what=f"signal {number}"), hint=_NEARER)

    def kill(self) -> None:
        self._was_killed = True
        self._daemon.kill(self._container)


_OUT_OF_REACH: Final = "{what} is out of reach in a container of another machine"
_NEARER: Final = "use a Docker daemon on this machine, or --agent process"


def _believed(code: int | None, was_killed: bool) -> int:  # noqa: FBT001 # both are one answer
    """An exit code that says something of the agent. Raises HarnessFailure for any other."""
    if code is None or (code == KILLED and not was_killed):
        raise HarnessFailure(
            "a Fluent Bit was killed, and not by this harness",
            hint="did somebody remove its container, or has the machine run out of memory?",
        )
    return code
