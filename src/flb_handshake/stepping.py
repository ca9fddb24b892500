"""Plays a setup in steps: changes one thing after another under a running agent.

Before each step something changes; then one more numbered record is made, and what becomes of it
is seen. Each step has a scene of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import signal
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import httpx

from flb_handshake import placing
from flb_handshake.agent import changing, logs
from flb_handshake.agent.contract import Running
from flb_handshake.ca_files import ca_file
from flb_handshake.errors import HarnessFailure
from flb_handshake.facts import facts_of
from flb_handshake.listening import Ear, first_of
from flb_handshake.model import (
    Change,
    CollectorSpec,
    Expire,
    File,
    Hangup,
    Present,
    Reload,
    Replace,
    Restart,
    Role,
    Setup,
    Step,
)
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Event
from flb_handshake.peer.shipper import Shipper
from flb_handshake.pki import Pki
from flb_handshake.scenes import Scene, merged, record
from flb_handshake.settings import CHANGEABLE, LOOPBACK, Placed, named_files
from flb_handshake.shipments import ship
from flb_handshake.staging import Member

_LAST_WORDS: Final = 0.3
"""Seconds for the log to say the rest, once the collector has come to its end."""

_NOTICE: Final = 1.0
"""Seconds for the agent to notice that a connection it keeps has been ended."""

_LAST_SECOND: Final = dt.timedelta(seconds=1.1)
"""A certificate is valid to the end of its last second (RFC 5280, section 4.1.2.5). OpenSSL 4.0
holds to that; 3.0 takes it for expired as that second begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a play in steps needs beside its agent."""

    collector: Collector
    pki: Pki
    limit: float
    """Seconds for each step."""


async def play_steps(member: Member, running: Running, around: Surroundings) -> list[Scene]:
    """The scenes of a member, the beginning first; fewer than it has steps if the agent ends.

    Raises HarnessFailure when a change cannot be made.
    """
    performance = _Performance(member, running, around)
    try:
        return await performance.play()
    finally:
        await performance.close()


class _Performance:
    """One member and its agent, from the first record to the last."""

    def __init__(self, member: Member, running: Running, around: Surroundings) -> None:
        self._member = member
        self._running = running
        self._around = around
        self._ear = Ear(running)
        self._setup = _fixed(member.play.setup)
        self._paths: dict[File, str] = dict(member.placed.paths)
        self._feed: asyncio.StreamWriter | None = None
        self._shipper: Shipper | None = None
        self._at = around.pki.now
        """When it is, for the certificates: later, once one was waited for to expire."""

    async def play(self) -> list[Scene]:
        """See play_steps."""
        scenes: list[Scene] = []
        ready = await self._ear.heard_start(self._around.limit)
        steps: list[Step | None] = [None, *self._setup.steps]
        for number, step in enumerate(steps, 1):
            scenes.append(await self._step(number, step, ready=ready))
            if not ready or self._running.exited.done():
                break
        return await self._with_late_arrivals(scenes)

    async def close(self) -> None:
        """Lets go of what is open."""
        if self._feed is not None:
            self._feed.close()
        if self._shipper is not None:
            await self._shipper.close()

    async def _step(self, number: int, step: Step | None, *, ready: bool) -> Scene:
        listener = self._member.listener
        since = self._ear.position if step else 0
        arrived, before, shipped = len(listener.events), self._shipper, len(self._shipped)
        began = self._around.collector.clock()
        if step is not None:
            await self._make(step, since)
            self._setup = self._setup.after(step)
        own = self._shipped[shipped:] if self._shipper is before else []
        if ready and not self._running.exited.done():
            listener.expect(1)
            if self._setup.role is Role.OUTPUT:
                await self._emit(number, since)
            else:
                own += await self._ship(number)
        events = tuple(listener.events[arrived:])
        if self._setup.role is Role.INPUT:
            events = merged(own, list(events))
        part = replace(self._member.part, setup=self._setup)
        facts = facts_of(part, Placed(paths=self._paths), self._around.pki)
        return Scene(
            member=self._member,
            facts=replace(facts, at=self._at.isoformat()),
            events=events,
            lines=tuple(self._ear.lines(since)),
            began=began,
            step=step.name if step else "",
            made=(number,),
        )

    @property
    def _shipped(self) -> list[Event]:
        return self._shipper.events if self._shipper is not None else []

    async def _emit(self, number: int, since: int) -> None:
        """Gives the agent a record to send, and returns when it is done with it."""
        listener, alias = self._member.listener, self._member.part.alias
        ports = {self._member.part.port: alias}
        settled = asyncio.Event()
        listener.on_settled = settled.set
        line = json.dumps(record(number)).encode() + b"\n"
        if self._feed is None or self._feed.is_closing():
            self._feed = await self._dialled()
        self._feed.write(line)
        if listener.settled:
            settled.set()

        async def done() -> None:
            await settled.wait()
            final = partial(_is_final, alias=alias, ports=ports)
            await self._ear.heard(final, since=since, limit=_LAST_WORDS)

        async def given_up() -> None:
            gave_up = partial(_gives_up, alias=alias)
            await self._ear.heard(gave_up, since=since, limit=self._around.limit)
            if listener.open_connections:
                await settled.wait()

        await first_of([done(), given_up()], self._running.exited, self._around.limit)

    async def _dialled(self) -> asyncio.StreamWriter:
        try:
            async with asyncio.timeout(self._around.limit):
                _, writer = await asyncio.open_connection(LOOPBACK, self._member.part.listens)
        except OSError as error:
            raise HarnessFailure(
                f"the agent's input on port {self._member.part.listens} takes no records: "
                f"{error.strerror or 'it does not answer'}",
                hint="see the agent's log in the evidence",
            ) from error
        return writer

    async def _ship(self, number: int) -> list[Event]:
        around, spec = self._around, self._setup.shipper
        if self._shipper is None:
            plugin = self._setup.agent.plugin
            self._shipper = Shipper(spec, plugin, around.pki, around.collector.clock)
        return await ship(
            self._shipper,
            self._member,
            self._ear,
            record(number),
            around.limit,
            keeps=spec.keeps,
        )

    async def _with_late_arrivals(self, scenes: list[Scene]) -> list[Scene]:
        """Waits for what the agent wants to send again; it arrives in the last step."""
        arrived = len(self._member.listener.events)
        clock = self._around.collector.clock
        until = clock() + self._around.limit
        while clock() < until and not self._running.exited.done():
            since = self._ear.position
            if not logs.awaiting_retry(self._ear.lines(0)):
                break
            await self._ear.heard(_speaks_of_a_chunk, since=since, limit=until - clock())
        late = self._member.listener.events[arrived:]
        if not late or self._setup.role is Role.INPUT:
            return scenes
        last = scenes[-1]
        return [*scenes[:-1], replace(last, events=(*last.events, *late))]

    async def _make(self, step: Step, since: int) -> None:
        try:
            for change in step.changes:
                await self._change(change, since)
        except HarnessFailure as error:
            raise HarnessFailure(f"step '{step.name}': {error}", hint=error.hint) from error

    async def _change(self, change: Change, since: int) -> None:
        match change:
            case Replace():
                self._replace(change)
            case Present():
                await self._present(change)
            case Restart() | Hangup():
                await self._end_connections(change)
            case Expire():
                await self._expire(change)
            case Reload():
                await self._reload(change, since)

    def _replace(self, change: Replace) -> None:
        old = named_files(self._setup)[CHANGEABLE[change.file]]
        path = self._paths[old]
        self._paths[change.to] = path
        content = placing.parts(self._around.pki, change.to)
        changing.replace_file(self._running.seen(path), content, change.way)

    async def _present(self, change: Present) -> None:
        changed = self._setup.but(**dict(change.fields))
        if isinstance(changed.peer, CollectorSpec):
            self._member.listener.change(changed.peer)
        elif self._shipper is not None:
            await self._shipper.close()
            self._shipper = None

    async def _end_connections(self, change: Restart | Hangup) -> None:
        """Ends them, and waits until the agent has noticed.

        A record that comes sooner can meet a dead connection.
        """
        if self._setup.role is Role.INPUT:
            if self._shipper is not None:
                await self._shipper.close()
            return
        listener, since = self._member.listener, self._ear.position
        were_open = listener.open_connections
        if isinstance(change, Restart):
            await listener.restart()
        else:
            listener.hang_up(change.how)
        if were_open:
            await self._ear.heard(logs.is_let_go, since=since, limit=_NOTICE)

    async def _expire(self, change: Expire) -> None:
        end = self._around.pki.now + change.spec.not_after + _LAST_SECOND
        self._at = max(self._at, end)
        left = (end - dt.datetime.now(dt.UTC)).total_seconds()
        await first_of([], self._running.exited, left)

    async def _reload(self, change: Reload, since: int) -> None:
        """Asks for it, and waits until the inputs listen again."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        if change is Reload.SIGHUP:
            self._running.signal(signal.SIGHUP)
        else:
            await self._ask_to_reload()
        await self._ear.heard(logs.is_started, since=since, limit=self._around.limit)

    async def _ask_to_reload(self) -> None:
        url = f"http://{LOOPBACK}:{self._member.part.admin}/api/v2/reload"
        async with httpx.AsyncClient(trust_env=False, timeout=self._around.limit) as client:
            # The server that answers is one of those that the reload takes down.
            with contextlib.suppress(httpx.HTTPError):
                await client.post(url, json={})


def _fixed(setup: Setup) -> Setup:
    """The setup with its CA.File as it is at the start, whatever the peer comes to present."""
    content = ca_file(setup)
    return replace(setup, agent=replace(setup.agent, ca=content)) if content else setup


def _is_final(line: str, alias: str, ports: dict[int, str]) -> bool:
    return logs.final_alias(line, ports) == alias


def _gives_up(line: str, alias: str) -> bool:
    return logs.final_alias(line, {}) == alias


def _speaks_of_a_chunk(line: str) -> bool:
    return " chunk '" in line
