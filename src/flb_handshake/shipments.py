"""Ships to the inputs of a running agent, one shipper after another, and sees what comes out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from flb_handshake.agent import logs
from flb_handshake.agent.contract import Running
from flb_handshake.listening import Ear, Wanted, first_of
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Event, Kind
from flb_handshake.peer.shipper import Shipper
from flb_handshake.pki import Pki
from flb_handshake.planning import SLOW_INPUTS
from flb_handshake.scenes import Scene, merged, record
from flb_handshake.settings import LOOPBACK, speaks_tls
from flb_handshake.staging import Batch, Member

_LAST_WORDS: Final = 0.5
"""Seconds for the log to say the rest, once a record has arrived, or a connection has ended: a
thread of its own writes it."""

_ACCEPTED: Final = range(200, 300)


async def ship_all(
    batch: Batch, running: Running, collector: Collector, pki: Pki, limit: float
) -> list[Scene]:
    """One scene for each member; `limit` is the time of each shipper, in seconds."""
    ear = Ear(running)
    began = collector.clock()
    ready = await ear.heard_start(limit)
    scenes = []
    for one in batch.members:
        since = ear.position if ready else 0
        events: list[Event] = []
        if ready and not running.exited.done():
            began = collector.clock()
            setup = one.play.setup
            shipper = Shipper(setup.shipper, setup.agent.plugin, pki, collector.clock)
            async with _silent_others(setup.shipper.silent_others, one.part.listens):
                events = await ship(shipper, one, ear, record(1), limit)
        scenes.append(
            Scene(
                member=one,
                facts=one.facts,
                events=merged(events, one.listener.events),
                lines=tuple(ear.lines(since)),
                began=began,
            )
        )
    return scenes


@contextlib.asynccontextmanager
async def _silent_others(count: int, port: int) -> AsyncIterator[None]:
    """So many clients that have connected, and say nothing until this is over."""
    others = []
    try:
        for _ in range(count):
            _, other = await asyncio.open_connection(LOOPBACK, port)
            others.append(other)
        yield
    finally:
        for other in others:
            other.transport.abort()


async def ship(
    shipper: Shipper,
    one: Member,
    ear: Ear,
    shipped: dict[str, Any],
    limit: float,
    *,
    keeps: bool = False,
) -> list[Event]:
    """Ships a record; gives what its shipper has seen of it, once that is all that can be seen.

    Its connection is ended then, unless the shipper keeps it. What comes of an end after the
    deadline is our own doing, and is not told.
    """
    before = len(shipper.events)
    await _ship(shipper, one, ear, shipped, limit)
    events = shipper.events[before:]
    if keeps:
        return events
    await _farewell(shipper, ear)
    is_over = one.listener.settled or any(event.kind is Kind.CLOSED for event in events)
    return shipper.events[before:] if is_over else events


async def _ship(
    shipper: Shipper, one: Member, ear: Ear, shipped: dict[str, Any], limit: float
) -> None:
    """Ships a record, and returns when all is seen that can be seen of it."""
    until = time.monotonic() + limit
    since, before = ear.position, len(shipper.events)
    over = asyncio.Event()
    one.listener.on_settled = over.set

    def look(event: Event) -> None:
        if event.kind is Kind.CLOSED and not _is_accepted(shipper.events[before:]):
            over.set()

    shipper.watch = look
    sending = asyncio.create_task(shipper.ship(LOOPBACK, one.part.listens, shipped, limit=limit))
    try:
        await first_of([asyncio.shield(sending)], ear.ended, limit)
        said = shipper.events[before:]
        if _is_open(said) or _is_accepted(said):
            await first_of([over.wait()], ear.ended, until - time.monotonic())
        if one.listener.settled:
            await ear.heard(_is_sent_on(one), since=since, limit=_LAST_WORDS)
        elif speaks_tls(one.play.setup):
            slow = one.play.setup.agent.plugin in SLOW_INPUTS
            last_word = _is_not_accepted if slow else _is_error
            await ear.heard(last_word, since=since, limit=_LAST_WORDS)
    finally:
        sending.cancel()
        await asyncio.wait({sending})
    if not sending.cancelled():
        sending.result()  # what a shipper raises is no outcome of the agent


async def _farewell(shipper: Shipper, ear: Ear) -> None:
    """Ends the connection, and hears what the agent says of that: it is no other shipper's."""
    since = ear.position
    was_open = _is_open(shipper.events)
    await shipper.close()
    if was_open:
        await ear.heard(_is_farewell, since=since, limit=_LAST_WORDS)


def _is_farewell(line: str) -> bool:
    return "closed by the remote peer" in line or _is_error(line)


def _is_error(line: str) -> bool:
    return "[tls] error" in line


def _is_not_accepted(line: str) -> bool:
    """What such an input says after the error of TLS (5.1.1: syslog does)."""
    return "could not accept new connection" in line


def _is_sent_on(one: Member) -> Wanted:
    """Whether a line says that the record has left: it must not stand with the next shipper's."""
    alias, ports = one.part.alias, {one.part.port: one.part.alias}
    return lambda line: logs.final_alias(line, ports) == alias


def _is_open(events: list[Event]) -> bool:
    kinds = {event.kind for event in events}
    return Kind.SHIPPED in kinds and Kind.CLOSED not in kinds


def _is_accepted(events: list[Event]) -> bool:
    """Whether the agent has said that it took the record."""
    answers = [event.facts for event in events if event.kind is Kind.RESPONSE]
    return any("answer" in said or said.get("status") in _ACCEPTED for said in answers)
