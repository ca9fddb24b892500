"""A TLS client that ships records to an input of an agent, and records everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from OpenSSL import SSL, crypto

from flb_handshake.behaviours import NoSecureRenegotiation, Renegotiate
from flb_handshake.errors import HarnessFailure
from flb_handshake.peer import posting, tls, tls_client
from flb_handshake.peer.behaving import check_behaviour
from flb_handshake.peer.client_connection import ClientConnection, ConnectionEnded
from flb_handshake.peer.events import Event, Kind
from flb_handshake.peer.shipping import POSTS, SPEAKERS

if TYPE_CHECKING:
    from flb_handshake.model import ShipperSpec
    from flb_handshake.pki import Pki

PLUGINS: Final = frozenset({*POSTS, *SPEAKERS})
"""The inputs whose protocol a shipper speaks."""


class Shipper:
    """The peer of an input, and what it saw.

    Connections are numbered from 1, an attempt that was refused among them.
    """

    def __init__(
        self, spec: ShipperSpec, plugin: str, pki: Pki, clock: Callable[[], float]
    ) -> None:
        """Make a shipper for an input of this name; `clock` gives the seconds of its events.

        Raises:
            HarnessFailure: its chain, versions or ciphers cannot be used, it cannot behave so, or
                it does not speak the input's protocol.

        """
        _check(spec, plugin)
        self.events: list[Event] = []
        self.watch: Callable[[Event], None] = lambda _: None
        """Called with each event as it happens, also while nothing is being shipped."""
        self._spec = spec
        self._plugin = plugin
        self._clock = clock
        self._context = _context(spec, plugin, pki)
        self._address = ("", 0)
        self._dialled = 0
        self._connection: ClientConnection | None = None
        self._http: posting.Client | None = None
        self._session: SSL.Session | None = None

    async def ship(
        self, address: str, port: int, record: Mapping[str, Any], *, limit: float
    ) -> None:
        """Ship one record to an input at this address, for at most `limit` seconds.

        Comes back once the agent has answered, where its protocol answers, or the record is
        written, where it does not; or once the connection has ended. Whatever the agent does is
        in the events and never raised. The connection stays open, and is read, until `close` or
        the next record: an agent that refuses a certificate in TLS 1.3 says so after the record.
        """
        self._address = (address, port)
        if not self._spec.keeps:
            await self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                with suppress(ConnectionEnded):
                    await self._deliver(record)
                if self._connection is not None and self._connection.is_over:
                    await self._connection.ended()

    async def close(self) -> None:
        """End an open connection politely, and wait for its end, at most briefly."""
        await self._hang_up()

    async def _deliver(self, record: Mapping[str, Any]) -> None:
        connection = self._connection
        if connection is None or connection.is_over or (self._http and self._http.is_over):
            connection = await self._open()
        if self._plugin not in POSTS:
            await SPEAKERS[self._plugin](connection, record)
            return
        if self._http is None:
            self._http = posting.client(connection)
        made = POSTS[self._plugin](record)
        await posting.post(connection, self._http, made, self._authority, record)

    @property
    def _authority(self) -> str:
        address, port = self._address
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    async def _open(self) -> ClientConnection:
        """Make a new connection in place of the one before. Raises ConnectionEnded."""
        await self._hang_up()
        self._dialled += 1
        report = partial(self._record, self._dialled)
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: ClientConnection(self._spec, self._context, report, self._session),
                *self._address,
            )
        except OSError as error:
            report(Kind.CLOSED, {"by": "agent", "how": _how(error)})
            raise ConnectionEnded from error
        except asyncio.CancelledError:
            report(Kind.CLOSED, {"by": "agent", "how": "timeout"})
            raise
        self._connection = connection
        await connection.open()
        return connection

    async def _hang_up(self) -> None:
        connection, self._connection, self._http = self._connection, None, None
        if connection is not None:
            if self._spec.resumes:
                self._session = connection.session
            await connection.close()

    def _record(self, connection: int, kind: Kind, facts: dict[str, Any]) -> None:
        event = Event(t=round(self._clock(), 6), connection=connection, kind=kind, facts=facts)
        self.events.append(event)
        self.watch(event)


def _check(spec: ShipperSpec, plugin: str) -> None:
    """Raise HarnessFailure for what no shipper can do."""
    wrong = objection(spec, plugin)
    if wrong:
        raise HarnessFailure(
            f"a shipper cannot do this: {wrong}",
            hint="give its spec another behaviour, or its input another plugin",
        )


def objection(spec: ShipperSpec, plugin: str) -> str:
    """Say why no shipper can do this; empty: one can."""
    if plugin not in PLUGINS:
        return f"of all inputs it knows {', '.join(sorted(PLUGINS))}, not '{plugin}'"
    if isinstance(spec.behaviour, NoSecureRenegotiation | Renegotiate):
        return f"{type(spec.behaviour).__name__} is a server's behaviour"
    try:
        check_behaviour(spec.behaviour)
    except ValueError as error:
        return str(error)
    return ""


def _context(spec: ShipperSpec, plugin: str, pki: Pki) -> SSL.Context:
    alpn = spec.alpn
    if not alpn and plugin in POSTS:
        alpn = ("h2", "http/1.1") if spec.http2 else ("http/1.1",)
    try:
        return tls_client.context(spec, alpn, pki)
    except (SSL.Error, crypto.Error, ValueError, TypeError) as error:
        chain = f"the chain '{spec.chain.name}'" if spec.chain else "no certificate"
        chain = "the given files" if spec.files else chain
        raise HarnessFailure(
            f"the shipper cannot connect with {chain}: {tls.reason(error)}",
            hint="the certificate and the key must belong together; they, the versions and "
            f"the ciphers must be of a kind that {tls.library()} loads",
        ) from error


def _how(error: OSError) -> str:
    """Say how an attempt to connect ended, in an event's word."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "RST" if isinstance(error, ConnectionResetError) else "timeout"
