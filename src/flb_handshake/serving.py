"""A scenario's peer left standing for whoever comes, and the files that Fluent Bit needs for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from flb_handshake.agent.contract import Job, PlacedFile
from flb_handshake.agent.ports import Ports
from flb_handshake.agent.workplace import lay
from flb_handshake.certificates import CLIENT, CLIENT_CHAIN
from flb_handshake.errors import HarnessFailure
from flb_handshake.model import ClientAuth, CollectorSpec, Role, Scenario, Setup
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Event, Kind
from flb_handshake.peer.shipper import Shipper
from flb_handshake.peer.witness import Audience
from flb_handshake.pki import Pki
from flb_handshake.planning import Play
from flb_handshake.scenes import arrival, record
from flb_handshake.settings import LOOPBACK
from flb_handshake.staging import SINK, Member, around, listener_for

_PATIENCE: Final = 86_400.0
"""Seconds that a connection may last: somebody types at its other end."""

_SHIPPED_WITHIN: Final = 6.0
"""Seconds that an input is given to take a record."""

PEERS_OWN: Final = "peer"
"""The directory of what is no file of the agent's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A peer that stands, and what was laid out for those who come to it."""

    scenario: Scenario
    directory: Path
    member: Member
    job: Job
    ship: Shipping | None
    """Ships a record to an input; None: the peer is a collector, to which others ship."""

    @property
    def setup(self) -> Setup:
        """What is served: the scenario's, before its first step."""
        return self.member.play.setup

    @property
    def port(self) -> int:
        """The port that is tried: the collector's, or the input's of a Fluent Bit to be run."""
        part = self.member.part
        return part.listens if self.setup.role is Role.INPUT else part.port


@contextlib.asynccontextmanager
async def standing(
    scenario: Scenario, directory: Path, audience: Audience, *, port: int = 0
) -> AsyncIterator[Stand]:
    """The peer of a scenario on this port, 0 for a free one, with files in this directory.

    Raises:
        PortTaken: somebody else has the port.
        HarnessFailure: the peer cannot be had, or the files cannot be written.

    """
    pki = Pki()
    collector, ports = Collector(pki), _Ports(port)
    setup = replace(scenario.setup, steps=())
    try:
        listener = await listener_for(setup, collector, port)
        play = Play(alias=scenario.id, setup=setup)
        batch = around([play], [listener], _Here(str(directory)), ports, pki)
        files = (*batch.job.files, *_by_hand(setup, pki))
        job = replace(batch.job, files=files)
        _lay(directory, job)
        (member,) = batch.members
        is_input = setup.role is Role.INPUT
        if listener.spoken.unpack is None:  # of a sender of datagrams nobody sees the end
            listener.patience = _PATIENCE
        listener.audience = _Arrivals(audience) if is_input else audience
        ship = Shipping(setup, member.part.listens, pki, collector, audience) if is_input else None
        yield Stand(scenario=scenario, directory=directory, member=member, job=job, ship=ship)
        listener.audience = None  # what we end now is no event
        if ship is not None:
            await ship.close()
    finally:
        collector.close()
        ports.release()


@contextlib.asynccontextmanager
async def shipping(
    setup: Setup, audience: Audience, *, port: int, sink: int
) -> AsyncIterator[Shipping]:
    """The peer of an input that somebody runs on this port, and what its records are sent on to.

    Raises PortTaken and HarnessFailure.
    """
    pki = Pki()
    collector = Collector(pki)
    try:
        listener = await collector.listen(SINK, port=sink)
        listener.patience = _PATIENCE
        listener.audience = _Arrivals(audience)
        ship = Shipping(setup, port, pki, collector, audience)
        yield ship
        listener.audience = None  # what we end now is no event
        await ship.close()
    finally:
        collector.close()


def _lay(directory: Path, job: Job) -> None:
    try:
        lay(directory, job)
    except OSError as error:
        raise HarnessFailure(
            f"the files cannot be written to {directory}: {error.strerror}",
            hint="make room there, or name another place: --save DIR",
        ) from error


class _Here:
    """This machine, and the one directory that all files are in."""

    dials = LOOPBACK

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def directory(self, _: str) -> str:
        return self._directory


class _Ports(Ports):
    """Gives the port that was asked for, if one was: whether it is free, Fluent Bit will say."""

    def __init__(self, chosen: int) -> None:
        super().__init__()
        self._chosen = chosen

    def reserve(self) -> int:
        return self._chosen or super().reserve()


def _by_hand(setup: Setup, pki: Pki) -> list[PlacedFile]:
    """What somebody with curl, openssl or a server of their own needs beside the agent's files."""
    peer, made = setup.peer, {}
    if peer.chain is not None:
        made["root.pem"] = pki.pem(peer.chain.root)
        made["chain.pem"] = pki.pem(*peer.chain.sent)
        made["chain.key"] = pki.handshake_key(peer.chain)
    if isinstance(peer, CollectorSpec) and peer.client_auth is not ClientAuth.NONE:
        made["client.pem"] = pki.pem(*CLIENT_CHAIN.sent)
        made["client.key"] = pki.key_pem(CLIENT)
    return [
        PlacedFile(path=f"{PEERS_OWN}/{name}", content=content) for name, content in made.items()
    ]


class _Arrivals:
    """Passes on what arrives where an input's records go, and nothing else of that connection."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def came(self, connection: int, address: str) -> None:
        """Nobody asked for this one: it is the agent's output."""

    def saw(self, event: Event) -> None:
        if event.kind is Kind.REQUEST:
            self._audience.saw(arrival(event))


class Shipping:
    """A shipper that ships one record each time it is asked to, and one at a time."""

    def __init__(
        self, setup: Setup, port: int, pki: Pki, collector: Collector, audience: Audience
    ) -> None:
        """Raise HarnessFailure for what no shipper can do."""
        self._shipper = Shipper(setup.shipper, setup.agent.plugin, pki, collector.clock)
        self._shipper.watch = audience.saw
        self._port = port
        self._shipped = 0
        self._under_way: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        """Ship one more; while one is under way, do nothing."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._ship())

    async def _ship(self) -> None:
        self._shipper.events.clear()
        self._shipped += 1
        await self._shipper.ship(LOOPBACK, self._port, record(self._shipped), limit=_SHIPPED_WITHIN)

    async def close(self) -> None:
        """End what is under way, and the connection."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait({self._under_way})
        self._shipper.watch = lambda _: None
        await self._shipper.close()
