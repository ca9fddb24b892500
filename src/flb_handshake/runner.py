"""Plays setups: runs agents and peers side by side, and brings home the evidence."""

from __future__ import annotations

import asyncio
import math
import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar

from flb_handshake.agent import logs
from flb_handshake.agent.contract import Agent, AgentKind, Running
from flb_handshake.agent.plugins import is_missing, named
from flb_handshake.agent.ports import Ports
from flb_handshake.deliveries import Waiting, scenes_of
from flb_handshake.errors import HarnessFailure, SilentStart
from flb_handshake.evidence import AgentRun, Evidence
from flb_handshake.facts import facts_of
from flb_handshake.model import Role, Setup
from flb_handshake.objections import objection
from flb_handshake.peer import tls
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Event, Kind
from flb_handshake.pki import Pki, key_identity
from flb_handshake.placing import Files
from flb_handshake.planning import (
    Play,
    batches,
    good_for,
    is_impatient,
    is_urgent,
    needs,
    slow_keys,
)
from flb_handshake.releases import missing
from flb_handshake.scenes import Scene
from flb_handshake.settings import Part, files_of
from flb_handshake.shipments import ship_all
from flb_handshake.staging import Batch, Member, staged
from flb_handshake.stepping import Surroundings, play_steps

_TRIES: Final = 3
"""How often a play is begun whose certificates expire at once, or whose agent never says a word."""

_DEADLINE: Final = 6.0
"""Seconds in which something must happen to a process: an output of it gets on, a step ends."""

_LARGE: Final = 250
"""Outputs from which on a process runs alone among its like: open connections take memory."""

_KEPT_LINES: Final = 80

_Value = TypeVar("_Value")

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
        stage.close()


class _When(Enum):
    """What a play has to wait for."""

    NOW = "nothing"
    MINTED = "keys that take long to make"
    AT_ONCE = "its certificates, which are made when its turn has come"
    QUIET = "everybody else: its agent gives up soon"


def _when(setup: Setup) -> _When:
    if is_impatient(setup):
        return _When.QUIET
    if is_urgent(setup):
        return _When.AT_ONCE
    return _When.MINTED if slow_keys(setup) else _When.NOW


class _Stage:
    """One performance: a PKI, a collector and an agent, until everything is played."""

    def __init__(
        self, agent: Agent, deadline: float, progress: Progress, kept: dict[Setup, Evidence]
    ) -> None:
        self.agent = agent
        self.pki = Pki()
        self.collector = Collector(self.pki, bind=agent.bind)
        self.ports = Ports()
        self._deadline = deadline
        self._progress = progress
        self._evidence = kept
        self._turns = asyncio.Semaphore(agent.at_once)
        self._large_turns = asyncio.Semaphore(1)
        self._silences: Counter[Setup] = Counter()

    async def play(self, plays: Sequence[Play], *, isolated: bool) -> dict[Setup, Evidence]:
        """Plays what can be played here, and says of the rest why not."""
        distinct: dict[Setup, Play] = {}
        for one in plays:
            distinct.setdefault(one.setup, one)
        possible = []
        for one in distinct.values():
            if (wrong := objection(one.setup)) is not None:
                failed = HarnessFailure(wrong.what, hint=wrong.hint)
                self._keep(one.setup, self._nothing(one, harness_error=_told(failed)))
                continue
            lacking = [self.agent.lacks[it] for it in needs(one.setup) if it in self.agent.lacks]
            lacking += self._not_in_this_release(one.setup)
            if lacking:
                self._keep(one.setup, self._nothing(one, unsupported="; ".join(lacking)))
            else:
                possible.append(one)
        identity = self.agent.identity
        plan = partial(
            batches,
            version=identity.version,
            isolated=isolated,
            modelled=identity.kind is AgentKind.REFERENCE,
        )
        groups: dict[_When, list[Play]] = defaultdict(list)
        for one in possible:
            groups[_when(one.setup)].append(one)
        slow = groups[_When.MINTED]
        await _together(
            [
                self._perform(plan(groups[_When.NOW])),
                self._perform_when_minted(plan(slow), slow),
                *(self._perform_at_once(one) for one in groups[_When.AT_ONCE]),
            ]
        )
        await self._perform(plan(groups[_When.QUIET]))
        return self._evidence

    def _not_in_this_release(self, setup: Setup) -> list[str]:
        """What this Fluent Bit does not have of what a setup asks for, in words."""
        identity = self.agent.identity
        unknown = missing(setup, identity.version)
        found = [unknown] if unknown is not None else []
        config = setup.agent.config
        wanted = {(str(setup.role), setup.agent.plugin)} if config is None else named(config)
        found += [
            f"this {identity.label} has no {role} plugin '{name}'"
            for role, name in sorted(wanted)
            if is_missing(identity.plugins, role, name)
        ]
        return found

    async def _perform_at_once(self, one: Play) -> None:
        """Plays what would expire if it waited: its certificates are made when its turn comes.

        On a machine so busy that they have expired before the first record was through, it is
        played again, with new ones.
        """
        async with self._turns:
            for _ in range(_TRIES):
                stage = _Stage(self.agent, self._deadline, self._progress, self._evidence)
                try:
                    await stage._perform([[one]])
                finally:
                    stage.close()
                if not self._was_too_late(one.setup):
                    return
        said = f"{_TRIES} times its certificates had expired before the first record was through"
        self._keep(one.setup, self._nothing(one, harness_error=f"{said}: this machine is too busy"))

    def _was_too_late(self, setup: Setup) -> bool:
        events = self._evidence[setup].events
        # Certificates count in whole seconds: the first of theirs may be over when they are made.
        lasted = good_for(setup).total_seconds() - 1
        return bool(events) and events[-1].t > lasted

    def close(self) -> None:
        """Lets go of all ports."""
        self.collector.close()
        self.ports.release()

    async def _perform_when_minted(
        self, planned: Sequence[Sequence[Play]], slow: Sequence[Play]
    ) -> None:
        """Makes the slow keys beside everything else, and then plays what needs them."""
        wanted = {key_identity(spec): spec for one in slow for spec in slow_keys(one.setup)}
        await asyncio.gather(*(asyncio.to_thread(self.pki.key, one) for one in wanted.values()))
        await self._perform(planned)

    async def _perform(self, planned: Sequence[Sequence[Play]]) -> None:
        """Runs the batches side by side; what an exit leaves open is played again, divided."""
        ready = [
            await staged(one, self.agent, self.collector, self.ports, self.pki) for one in planned
        ]
        await self.agent.prepare([one.job for one in ready])
        rest = await _together([self._run(one) for one in ready])
        again = [plays for left in rest for plays in left]
        if again:
            await self._perform(again)

    async def _run(self, batch: Batch) -> list[list[Play]]:
        """Runs a batch; gives what must be played again to know which play ended the process."""
        turn = self._large_turns if len(batch.members) > _LARGE else self._turns
        async with turn:
            try:
                running = await self.agent.start(batch.job)
                scenes, exit_code = await self._performed(batch, running)
            except HarnessFailure as error:
                if isinstance(error, SilentStart) and self._may_try_again(batch):
                    return [[one.play for one in batch.members]]
                for one in batch.members:
                    self._keep(one.play.setup, self._nothing(one.play, harness_error=_told(error)))
                return []
            finally:
                for one in batch.members:
                    one.listener.close()
        again = _undecided(batch) if exit_code is not None and batch.is_mixed else []
        self._collect(batch, scenes, exit_code, {id(one) for one in again})
        if len(again) < len(batch.members):
            return [[one.play] for one in again]
        middle = len(again) // 2
        return [[one.play for one in half] for half in (again[:middle], again[middle:])]

    def _may_try_again(self, batch: Batch) -> bool:
        """Whether to start once more what has not said a word: it may not have run at all.

        Seen with Docker 20.10: of 2,676 scenarios, the exec of one gave nothing in 30 s.
        """
        self._silences.update(one.play.setup for one in batch.members)
        return max(self._silences[one.play.setup] for one in batch.members) < _TRIES

    async def _performed(self, batch: Batch, running: Running) -> tuple[list[Scene], int | None]:
        """The scenes of all members, and the exit code, if the agent ended by itself."""
        began = self.collector.clock()
        try:
            if batch.members[0].play.setup.steps:
                around = Surroundings(collector=self.collector, pki=self.pki, limit=self._deadline)
                scenes = await play_steps(batch.members[0], running, around)
            elif batch.role is Role.INPUT:
                scenes = await ship_all(batch, running, self.collector, self.pki, self._deadline)
            else:
                scenes = []
                await Waiting(batch, running).until_done(self._deadline + batch.gathers)
            exit_code = running.exited.result() if running.exited.done() else None
            if exit_code is not None:
                _check_ports(batch, running)
            elif not running.log.lines and not any(one.listener.events for one in batch.members):
                raise SilentStart
            # A connection that ends from now on was cut by us, not by the agent.
            until = round(self.collector.clock(), 6) if exit_code is None else math.inf
        finally:
            await running.stop()
        return scenes or scenes_of(batch, running, began, until, exit_code), exit_code

    def _collect(
        self, batch: Batch, scenes: Sequence[Scene], exit_code: int | None, left_out: set[int]
    ) -> None:
        by_member: dict[int, list[Scene]] = defaultdict(list)
        for scene in scenes:
            by_member[id(scene.member)].append(scene)
        alone = len(batch.members) == 1
        for one in batch.members:
            if id(one) in left_out:
                continue
            first, *then = (
                self._evidence_of(
                    scene, exit_code if scene is by_member[id(one)][-1] else None, shared=not alone
                )
                for scene in by_member[id(one)]
            )
            self._keep(one.play.setup, replace(first, then=tuple(then)))

    def _evidence_of(self, scene: Scene, exit_code: int | None, *, shared: bool) -> Evidence:
        last = scene.events[-1].t if scene.events else self.collector.clock()
        lines = [line for line in scene.lines if not logs.is_step(line)]
        return Evidence(
            scenario=scene.member.play.alias,
            agent=self._agent_run(scene.member.section, lines, exit_code, shared=shared),
            facts=scene.facts,
            events=scene.events,
            peer_library=tls.library(),
            duration=max(0.0, last - scene.began),
            host=_HOST,
            step=scene.step,
            made=scene.made,
        )

    def _agent_run(
        self, config: str, log: Sequence[str], exit_code: int | None, *, shared: bool
    ) -> AgentRun:
        identity = self.agent.identity
        return AgentRun(
            kind=identity.kind,
            label=identity.label,
            version=identity.version,
            tls_library=identity.tls_library,
            config=config,
            log=tuple(log[-_KEPT_LINES:]),
            exit_code=exit_code,
            shared=shared,
        )

    def _nothing(
        self, one: Play, *, unsupported: str | None = None, harness_error: str | None = None
    ) -> Evidence:
        """Evidence of a run that did not happen."""
        part = Part(alias=one.alias, setup=one.setup, address="", port=0, tag="")
        return Evidence(
            scenario=one.alias,
            agent=self._agent_run("", (), None, shared=False),
            facts=facts_of(part, Files("", self.pki).place(files_of(one.setup)), self.pki),
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


def _told(failure: HarnessFailure) -> str:
    return f"{failure} ({failure.hint})"


def _check_ports(batch: Batch, running: Running) -> None:
    """Raises HarnessFailure if it ended because somebody has a port that was reserved for it.

    A port that a user's own configuration names is the agent's own affair.
    """
    reserved = {port for one in batch.members for port in (one.part.listens, one.part.admin)}
    for line in running.log.lines:
        port = logs.taken_port(line)
        if port in reserved:
            raise HarnessFailure(
                f"the agent could not listen on port {port}: something else has it",
                hint=f"`ss -ltnp 'sport = :{port}'` shows what; another run takes other ports",
            )


async def _together(works: Sequence[Coroutine[Any, Any, _Value]]) -> list[_Value]:
    """What these give, run side by side. None of them still runs when one has failed.

    asyncio.gather would come back at once and leave the others at work, also on the agent that is
    being closed by then.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


_HOST: Final = {"system": platform.system(), "release": platform.release()}


def _undecided(batch: Batch) -> list[Member]:
    """Those of whom an exit says nothing: another play of the batch may have brought it about."""
    return [one for one in batch.members if not any(map(_is_the_end, one.listener.events))]


def _is_the_end(event: Event) -> bool:
    return event.kind is Kind.REQUEST or (
        event.kind is Kind.ALERT and event.facts["level"] == "fatal"
    )
