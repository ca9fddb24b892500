"""Plays setups: plans who shares a process, runs agent and peers, and brings home the evidence."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import math
import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from packaging.version import Version

from flb_handshake import placing
from flb_handshake.agent import logs
from flb_handshake.agent.contract import Agent, Capability, Job, Running
from flb_handshake.certificates import CertSpec
from flb_handshake.errors import HarnessFailure
from flb_handshake.evidence import AgentRun, Evidence, Facts
from flb_handshake.model import CAFile, FileForm, Setup
from flb_handshake.peer import tls
from flb_handshake.peer.collector import Collector, Listener
from flb_handshake.pki import Pki, key_identity
from flb_handshake.settings import (
    Part,
    Placed,
    ca_file,
    configuration,
    files_of,
    output_section,
    properties,
    whole_text,
)

_DEADLINE: Final = 6.0
"""Seconds a process is given, and a bit more for each of its outputs."""

_LAST_WORDS: Final = 0.3
"""Seconds for the log to say the rest, once every collector of a process has come to its end."""

_DEADLINE_PER_OUTPUT: Final = 0.01
_LARGEST_BATCH: Final = 1000
_LARGE: Final = 250
"""Outputs from which on a process runs alone among its like: open connections take memory."""

_LARGEST_BATCH_BEFORE_4: Final = 250
"""Releases up to 3.x route to 256 outputs of one process; the rest get nothing, silently."""

_NUMBERS: Final = itertools.count(1)
"""Of jobs: an agent can play again, and the files of its first jobs are still there."""

_KEPT_LINES: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A setup to be played, and how it is called."""

    alias: str
    setup: Setup
    doubtful: bool = False
    """It may keep its process from starting, so it shares one only with those of equal settings."""


Progress = Callable[[int], None]
"""Called with the number of setups whose evidence has come in."""


async def play(
    plays: Sequence[Play],
    agent: Agent,
    *,
    isolated: bool = False,
    deadline: float = _DEADLINE,
    progress: Progress = lambda _: None,
    kept: dict[Setup, Evidence] | None = None,
) -> dict[Setup, Evidence]:
    """Plays every distinct setup once. Raises HarnessFailure when nothing can be played at all.

    `kept` is filled as evidence comes in, so that an interrupted run loses nothing of it.
    """
    stage = _Stage(agent, deadline, progress, {} if kept is None else kept)
    try:
        return await stage.play(plays, isolated=isolated)
    finally:
        stage.collector.close()


def needs(setup: Setup) -> frozenset[Capability]:
    """What this setup asks of its surroundings."""
    wanted = set()
    if not _resolves(setup.agent.host):
        wanted.add(Capability.HOSTS)
    if setup.agent.ca is CAFile.SYSTEM:
        wanted.add(Capability.SYSTEM_STORE)
    if any(file.form is FileForm.UNREADABLE for file in files_of(setup)):
        wanted.add(Capability.UNPRIVILEGED)
    return frozenset(wanted)


def _resolves(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


class _Stage:
    """One performance: a PKI, a collector and an agent, until everything is played."""

    def __init__(
        self, agent: Agent, deadline: float, progress: Progress, kept: dict[Setup, Evidence]
    ) -> None:
        self.agent = agent
        self.pki = Pki()
        self.collector = Collector(self.pki, bind=agent.bind)
        self._deadline = deadline
        self._progress = progress
        self._evidence = kept
        self._turns = asyncio.Semaphore(agent.at_once)
        self._large_turns = asyncio.Semaphore(1)

    async def play(self, plays: Sequence[Play], *, isolated: bool) -> dict[Setup, Evidence]:
        """Plays what can be played here, and says of the rest why not."""
        distinct: dict[Setup, Play] = {}
        for one in plays:
            distinct.setdefault(one.setup, one)
        possible = []
        for one in distinct.values():
            missing = [self.agent.lacks[it] for it in needs(one.setup) if it in self.agent.lacks]
            if missing:
                self._keep(one.setup, self._nothing(one, unsupported="; ".join(missing)))
            else:
                possible.append(one)
        slow = [one for one in possible if self._slow_keys(one.setup)]
        fast = [one for one in possible if not self._slow_keys(one.setup)]
        await asyncio.gather(
            self._perform(self._batches(fast, isolated=isolated)),
            self._perform_when_minted(self._batches(slow, isolated=isolated)),
        )
        return self._evidence

    def _slow_keys(self, setup: Setup) -> list[CertSpec]:
        """The certificates whose keys take long to make: RSA 4096 takes half a second or more."""
        specs = [*setup.peer.chain.leaf.path, *(c for file in files_of(setup) for c in file.certs)]
        return [spec for spec in specs if spec.key.value.startswith("RSA")]

    async def _perform_when_minted(self, batches: Sequence[Sequence[Play]]) -> None:
        """Makes the slow keys beside everything else, and then plays what needs them."""
        wanted = {
            key_identity(spec): spec
            for batch in batches
            for one in batch
            for spec in self._slow_keys(one.setup)
        }
        await asyncio.gather(*(asyncio.to_thread(self.pki.key, one) for one in wanted.values()))
        await self._perform(batches)

    def _batches(self, plays: Iterable[Play], *, isolated: bool) -> list[list[Play]]:
        """Those that can share a process, together: the large batches first."""
        if isolated:
            return [[one] for one in plays]
        groups: dict[object, list[Play]] = defaultdict(list)
        for one in plays:
            setup = one.setup
            if setup.agent.config is not None:
                groups[(one.alias,)].append(one)
            elif one.doubtful:
                groups[(setup.agent, files_of(setup))].append(one)
            else:
                groups[needs(setup)].append(one)
        old = Version(self.agent.identity.version) < Version("4")
        most = _LARGEST_BATCH_BEFORE_4 if old else _LARGEST_BATCH
        cut = [
            group[start : start + most]
            for group in groups.values()
            for start in range(0, len(group), most)
        ]
        return sorted(cut, key=len, reverse=True)

    async def _perform(self, batches: Sequence[Sequence[Play]]) -> None:
        """Runs the batches side by side; one that did not start is divided until it is one play."""
        ready = [await self._made(batch) for batch in batches]
        await self.agent.prepare([one.job for one in ready])
        rest = await asyncio.gather(*(self._run(one) for one in ready))
        again = [half for divided in rest for half in divided]
        if again:
            await self._perform(again)

    async def _made(self, batch: Sequence[Play]) -> _Batch:
        """A batch with its listeners, its configuration and its files."""
        name = f"job-{next(_NUMBERS)}"
        parts: list[Part] = []
        listeners: list[Listener] = []
        tags: dict[object, str] = {}
        for one in batch:
            agent = one.setup.agent
            listener = await self.collector.listen(
                one.setup.peer, expected=max(1, len(agent.source))
            )
            tag = tags.setdefault((agent.source, agent.input_properties), f"t{len(tags)}")
            address = self.agent.dials if agent.host == "127.0.0.1" else agent.host
            parts.append(
                Part(
                    alias=one.alias,
                    setup=one.setup,
                    address=address,
                    port=listener.port,
                    tag=tag,
                )
            )
            listeners.append(listener)
        files = placing.Files(self.agent.directory(name), self.pki)
        placed = files.place(file for one in batch for file in files_of(one.setup))
        sources = {
            tags[key]: files.source(tags[key], key[0])  # type: ignore[index] # keys are pairs
            for key in tags
            if key[0]  # type: ignore[index]
        }
        first = batch[0].setup
        if first.agent.config is not None:
            config = whole_text(parts[0], placed, sources.get(parts[0].tag, ""))
        else:
            config = configuration(parts, placed, sources)
        wanted = needs(first)
        job = Job(
            name=name,
            config=config,
            files=tuple(files.files),
            hosts=tuple(sorted({part.setup.agent.host.rstrip(".").lower() for part in parts}))
            if Capability.HOSTS in wanted
            else (),
            system_certs=placing.system_store(
                self.pki, [part.setup.peer.chain.root for part in parts]
            )
            if Capability.SYSTEM_STORE in wanted
            else None,
            unprivileged=Capability.UNPRIVILEGED in wanted,
        )
        sections = [
            config if one.setup.agent.config is not None else output_section(part, placed)
            for one, part in zip(batch, parts, strict=True)
        ]
        facts = [self._facts(part, placed) for part in parts]
        return _Batch(
            plays=tuple(batch),
            parts=tuple(parts),
            listeners=tuple(listeners),
            job=job,
            sections=tuple(sections),
            facts=tuple(facts),
        )

    async def _run(self, batch: _Batch) -> list[list[Play]]:
        """Runs a batch; gives its halves if it must be divided to know which play ended it."""
        turn = self._large_turns if len(batch.parts) > _LARGE else self._turns
        async with turn:
            began = self.collector.clock()
            try:
                running = await self.agent.start(batch.job)
                exit_code, until = await self._watched(batch, running)
            except HarnessFailure as error:
                for one in batch.plays:
                    self._keep(one.setup, self._nothing(one, harness_error=str(error)))
                return []
        for listener in batch.listeners:
            listener.close()
        if (
            exit_code is not None
            and batch.is_mixed
            and not any(one.events for one in batch.listeners)
        ):
            middle = len(batch.plays) // 2
            return [list(batch.plays[:middle]), list(batch.plays[middle:])]
        self._collect(batch, running, exit_code, (began, until))
        return []

    async def _watched(self, batch: _Batch, running: Running) -> tuple[int | None, float]:
        """Waits for all that can happen, then stops it; its exit code, if it ended by itself.

        And when it was stopped: a connection that ends after that was cut by us, not by the agent.
        """
        waiting = _Waiting(batch, running)
        await waiting.until_done(self._deadline + _DEADLINE_PER_OUTPUT * len(batch.parts))
        exit_code = running.exited.result() if running.exited.done() else None
        until = round(self.collector.clock(), 6)  # as events have it
        await running.stop()
        return exit_code, until if exit_code is None else math.inf

    def _collect(
        self, batch: _Batch, running: Running, exit_code: int | None, span: tuple[float, float]
    ) -> None:
        identity = self.agent.identity
        began, until = span
        alone = len(batch.parts) == 1
        everything = [line for line in running.log.lines if not logs.is_step(line)]
        whose = {} if alone else logs.attributed(everything, batch.ports)
        loud = [line for line in everything if _is_loud(line)] if exit_code is not None else []
        for one, part, listener, section, facts in zip(
            batch.plays, batch.parts, batch.listeners, batch.sections, batch.facts, strict=True
        ):
            lines = everything if alone else whose.get(part.alias, [])
            events = tuple(event for event in listener.events if event.t <= until)
            if exit_code is not None and not events:
                lines = loud
            last = events[-1].t if events else self.collector.clock()
            self._keep(
                one.setup,
                Evidence(
                    scenario=one.alias,
                    agent=AgentRun(
                        kind=identity.kind,
                        label=identity.label,
                        version=identity.version,
                        tls_library=identity.tls_library,
                        config=section,
                        log=tuple(lines[-_KEPT_LINES:]),
                        exit_code=exit_code,
                        shared=not alone,
                    ),
                    facts=facts,
                    events=events,
                    peer_library=tls.library(),
                    duration=max(0.0, last - began),
                    host=_HOST,
                ),
            )

    def _facts(self, part: Part, placed: Placed) -> Facts:
        setup = part.setup
        held = ca_file(setup.agent.ca, setup.peer.chain)
        sent, _ = setup.peer.files or (self.pki.pem(*setup.peer.chain.sent).decode(), "")
        client = setup.agent.crt
        client_ca = setup.peer.client_ca_pem or (
            self.pki.pem(setup.peer.client_ca).decode() if setup.peer.client_ca else ""
        )
        anchors = placing.public_pem(self.pki, held, setup.agent.ca_path)
        if setup.agent.ca is CAFile.SYSTEM:
            anchors += self.pki.pem(setup.peer.chain.root).decode()
        return Facts(
            name=setup.agent.name,
            plugin=setup.agent.plugin,
            properties=tuple(properties(setup, placed).items()),
            chain="the given files" if setup.peer.files else setup.peer.chain.name,
            sent=sent,
            anchors=anchors or None,
            ca_file=str(setup.agent.ca) if isinstance(setup.agent.ca, CAFile) else "given",
            client=placing.public_pem(self.pki, client),
            client_auth=setup.peer.client_auth,
            client_anchors=client_ca,
            at=self.pki.now.isoformat(),
        )

    def _nothing(
        self, one: Play, *, unsupported: str | None = None, harness_error: str | None = None
    ) -> Evidence:
        """Evidence of a run that did not happen."""
        identity = self.agent.identity
        part = Part(alias=one.alias, setup=one.setup, address="", port=0, tag="")
        files = placing.Files("", self.pki)
        placed = files.place(files_of(one.setup))
        return Evidence(
            scenario=one.alias,
            agent=AgentRun(
                kind=identity.kind,
                label=identity.label,
                version=identity.version,
                tls_library=identity.tls_library,
                config="",
                log=(),
                exit_code=None,
                shared=False,
            ),
            facts=self._facts(part, placed),
            events=(),
            peer_library=tls.library(),
            duration=0.0,
            unsupported=unsupported,
            harness_error=harness_error,
            host=_HOST,
        )

    def _keep(self, setup: Setup, evidence: Evidence) -> None:
        self._evidence[setup] = evidence
        self._progress(len(self._evidence))


_HOST: Final = {"system": platform.system(), "release": platform.release()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Plays that share a process, with all that was made for them; the tuples run in step."""

    plays: tuple[Play, ...]
    parts: tuple[Part, ...]
    listeners: tuple[Listener, ...]
    job: Job
    sections: tuple[str, ...]
    facts: tuple[Facts, ...]

    @property
    def ports(self) -> dict[int, str]:
        """Which alias dials which port."""
        return {part.port: part.alias for part in self.parts}

    @property
    def is_mixed(self) -> bool:
        """Whether its plays differ in the agent's settings."""
        kinds = {(one.setup.agent, files_of(one.setup)) for one in self.plays}
        return len(kinds) > 1


class _Waiting:
    """Knows when every output of a batch has come to its end: no sleeping, no polling."""

    def __init__(self, batch: _Batch, running: Running) -> None:
        self._running = running
        self._ports = batch.ports
        self._listeners = {
            part.alias: listener
            for part, listener in zip(batch.parts, batch.listeners, strict=True)
        }
        self._left = set(self._listeners)
        self._unsettled = set(self._listeners)
        self._said_final: set[str] = set()
        self._done = asyncio.Event()
        for alias, listener in self._listeners.items():
            listener.on_settled = partial(self._settled, alias)
        running.log.watch = self._on_line
        for line in running.log.lines:
            self._on_line(line)

    async def until_done(self, limit: float) -> None:
        """Returns when all outputs are done, the agent has exited, or the limit (s) is reached."""
        done: asyncio.Future[Any] = asyncio.create_task(self._done.wait())
        try:
            ends: set[asyncio.Future[Any]] = {done, self._running.exited}
            await asyncio.wait(ends, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            done.cancel()

    def _on_line(self, line: str) -> None:
        alias = logs.final_alias(line, self._ports)
        if alias is not None:
            self._said_final.add(alias)
            self._look(alias)

    def _settled(self, alias: str) -> None:
        """The collector has all it can get; the log may have last words, but not for long."""
        self._unsettled.discard(alias)
        self._look(alias)
        if not self._unsettled:
            asyncio.get_running_loop().call_later(_LAST_WORDS, self._done.set)

    def _look(self, alias: str) -> None:
        listener = self._listeners.get(alias)
        if listener is None or alias not in self._said_final:
            return
        if listener.settled or not listener.events:
            self._left.discard(alias)
            if not self._left:
                self._done.set()


def _is_loud(line: str) -> bool:
    parsed = logs.parse(line)
    return parsed is None or parsed.level in {logs.Level.ERROR, logs.Level.WARN}
