"""Runs Fluent Bits in containers: says who shares one, and brings home their output and end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

from flb_handshake.agent.contract import Capability, Identity, Job, Log, Running
from flb_handshake.agent.reach import Reach
from flb_handshake.errors import HarnessFailure

_STARTING_AT_ONCE: Final = 4
"""More do not start sooner: the daemon has 0.04 s of work with each, and so has every core."""

_FIRST_WORD: Final = 5.0
"""Seconds to wait for a Fluent Bit's first output, before which it cannot be told from the
container's runtime."""

_END: Final = 10.0
"""Seconds in which a process that was killed must have ended."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a container has of its own."""

    hosts: frozenset[str] = frozenset()
    certs: tuple[tuple[str, bytes], ...] | None = None
    """The system trust store, by file name; None: the image's."""

    def serve(self, wanted: Surroundings) -> bool:
        """Whether a job that wants those is at home here. More names than wanted do no harm."""
        return (
            self.certs == wanted.certs
            and bool(self.hosts) == bool(wanted.hosts)
            and self.hosts >= wanted.hosts
        )


class Output(Protocol):
    """What a Fluent Bit writes, as it comes, to its end."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Gives back the connection."""


class Spawned(Protocol):
    """One Fluent Bit in a container. Its methods block, and raise HarnessFailure."""

    def begin(self) -> Output:
        """Starts it."""

    def exit_code(self) -> int:
        """How it ended, once its output has."""

    def seen(self, path: str) -> Path:
        """Where a file of its container is, seen from here."""

    def signal(self, number: int) -> None:
        """Sends it a signal."""

    def kill(self) -> None:
        """Ends it. Harmless when it has ended already."""


class Engine(Protocol):
    """What can have containers. Its methods block, and raise HarnessFailure."""

    root: str
    """The directory, in each container, in which each job has its own."""
    way: Reach
    shares: bool
    """Whether one of several Fluent Bits in a container can be ended without the others."""

    def lodge(self, wanted: Surroundings, jobs: Sequence[Job], container: str | None = None) -> str:
        """Puts files into a container, a new one if none is given; gives its id."""

    def spawned(self, container: str, job: Job) -> Spawned:
        """A Fluent Bit for a job that was lodged."""

    def remove_all(self) -> None:
        """Removes every container of this session, in whatever state."""

    def close(self) -> None:
        """Gives back the connections."""


class RunningInContainer:
    """A Fluent Bit in a container, and the thread that brings its output home."""

    def __init__(self, spawned: Spawned) -> None:
        self.log = Log()
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._spawned = spawned
        self._heard = threading.Event()
        self._reader: threading.Thread | None = None

    def launch(self) -> None:
        """Starts it and waits for its first output. Blocks. Raises HarnessFailure."""
        output = self._spawned.begin()
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()
        self._heard.wait(_FIRST_WORD)

    def seen(self, path: str) -> Path:
        """See Running."""
        return self._spawned.seen(path)

    def signal(self, number: int) -> None:
        """See Running."""
        self._spawned.signal(number)

    async def stop(self) -> None:
        """See Running."""
        if not self.exited.done():
            await asyncio.to_thread(self._spawned.kill)
        await asyncio.wait({self.exited}, timeout=_END)
        if not self.exited.done():
            raise HarnessFailure(
                "a Fluent Bit in a container was killed, but does not end",
                hint="is the Docker daemon well? `docker ps` shows what it runs",
            )

    def join(self) -> None:
        """Waits for the thread, once the container is gone."""
        if self._reader is not None:
            self._reader.join(_END)

    def _read(self, output: Output) -> None:
        with contextlib.closing(output):
            for chunk in output:
                self._heard.set()
                self._tell(self.log.feed, chunk)
        try:
            code = self._spawned.exit_code()
        except HarnessFailure as failure:
            self._tell(self._lost, failure)
        else:
            self._tell(self._ended, code)
        self._heard.set()

    def _ended(self, code: int) -> None:
        self.log.end()
        self.exited.set_result(code)

    def _lost(self, failure: HarnessFailure) -> None:
        """Nobody knows how it ended: no outcome of the agent's, so an exception in `exited`."""
        self.log.end()
        self.exited.set_exception(failure)
        self.exited.exception()  # the loop complains of exceptions that nobody looked at

    def _tell(self, what: Callable[[_Value], None], value: _Value) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens any more
            self._loop.call_soon_threadsafe(what, value)


class DockerAgent:
    """An image of Fluent Bit. Jobs of equal surroundings share a container, where they can."""

    at_once = 16
    """Each process is an exec, for which the daemon works harder than Fluent Bit does: 64 at once
    keep its output back for so long that what runs is taken for stalled (Docker 20.10, two cores).
    """

    def __init__(
        self,
        engine: Engine,
        identity: Identity,
        lacks: Mapping[Capability, str],
        rooms: Mapping[Surroundings, str],
    ) -> None:
        self.identity = identity
        self.lacks = lacks
        self.dials = engine.way.dials
        self.bind = engine.way.binds
        self._engine = engine
        self._rooms = dict(rooms)
        self._lodgings: dict[str, str] = {}
        self._running: list[RunningInContainer] = []
        self._workers = ThreadPoolExecutor(_STARTING_AT_ONCE, thread_name_prefix="docker")

    def directory(self, job: str) -> str:
        """See Agent."""
        return f"{self._engine.root}/{job}"

    async def prepare(self, jobs: Sequence[Job]) -> None:
        """See Agent."""
        if self._engine.shares:
            groups = _grouped(jobs)
        else:
            groups = [(_wanted(job, job.hosts), [job]) for job in jobs]
        await asyncio.gather(*(self._lodge(wanted, group) for wanted, group in groups))

    async def _lodge(self, wanted: Surroundings, jobs: Sequence[Job]) -> None:
        room = self._room(wanted)
        container = await self._call(partial(self._engine.lodge, wanted, jobs, room))
        if self._engine.shares and room is None:
            self._rooms[wanted] = container
        self._lodgings |= dict.fromkeys((job.name for job in jobs), container)

    def _room(self, wanted: Surroundings) -> str | None:
        return next((room for has, room in self._rooms.items() if has.serve(wanted)), None)

    async def start(self, job: Job) -> Running:
        """See Agent."""
        running = RunningInContainer(self._engine.spawned(self._lodgings[job.name], job))
        self._running.append(running)
        await self._call(running.launch)
        return running

    async def close(self) -> None:
        """See Agent."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._workers.shutdown(cancel_futures=True)
        try:
            self._engine.remove_all()
            for running in self._running:
                running.join()
        finally:
            self._engine.close()

    async def _call(self, what: Callable[[], _Value]) -> _Value:
        return await asyncio.get_running_loop().run_in_executor(self._workers, what)


def _grouped(jobs: Sequence[Job]) -> list[tuple[Surroundings, list[Job]]]:
    """Jobs that share a container. All that want names share their names too."""
    names = [name for job in jobs for name in job.hosts]
    groups: dict[Surroundings, list[Job]] = defaultdict(list)
    for job in jobs:
        groups[_wanted(job, names if job.hosts else ())].append(job)
    return list(groups.items())


def _wanted(job: Job, hosts: Sequence[str]) -> Surroundings:
    certs = None if job.system_certs is None else tuple(sorted(job.system_certs.items()))
    return Surroundings(hosts=frozenset(hosts), certs=certs)
