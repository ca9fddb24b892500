"""A TLS server that records everything: many listeners, each with its own manners, in one loop."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from OpenSSL import SSL, crypto

from flb_handshake.behaviours import Close, Reset
from flb_handshake.errors import CertificateFileError, HarnessFailure, PortTaken
from flb_handshake.model import CollectorSpec
from flb_handshake.peer import behaving, datagrams, tls
from flb_handshake.peer.connection import Connection
from flb_handshake.peer.datagrams import DatagramConnection
from flb_handshake.peer.events import Event, Kind
from flb_handshake.peer.protocols import HTTP, Spoken
from flb_handshake.peer.proxy import ProxyConnection
from flb_handshake.peer.witness import Audience

if TYPE_CHECKING:
    from collections.abc import Callable

    from flb_handshake.pki import Pki

_MOST_OPEN: Final = 512
"""Connections of one listener: beyond, the oldest goes, one without a handshake before others."""

_KEPT_EVENTS: Final = 2000
"""Per listener: what comes after is counted, not kept."""

_RESERVED_EVENTS: Final = 200
"""Kept beyond that, for what junk does not cause."""

_RESERVED_FOR: Final = frozenset({Kind.NEGOTIATED, Kind.CLIENT_CHAIN, Kind.REQUEST})

_BACKLOG: Final = 512

_CHANCES: Final = 20
"""How many ports are tried to find one that is free for TCP and UDP alike."""

_TURNS: Final = 3
"""Of the loop, after which asyncio has handed over whatever it had accepted."""


class Listener:
    """One collector on one port, and what it saw."""

    def __init__(self, spec: CollectorSpec, expected: int, home: Collector, spoken: Spoken) -> None:
        """Raise ValueError for what no collector can do, and what `Collector.listen` does."""
        self.events: list[Event] = []
        self.dropped = 0
        self.on_settled: Callable[[], None] = lambda: None
        self.port = 0
        self.proxy_context: SSL.Context | None = None
        """The TLS of an HTTPS proxy before it."""
        self.datagram_context: SSL.Context | None = None
        """The DTLS, where datagrams come."""
        self.is_closed = False
        self.patience: float | None = None
        """See Witness."""
        self.audience: Audience | None = None
        """Who is told what happens, without end, instead of its being kept."""
        self.spoken = spoken
        self._home = home
        self._accepted = 0
        self._room = _KEPT_EVENTS
        self._reserve = _RESERVED_EVENTS
        self._open: dict[Connection, None] = {}
        """The oldest first, as in the next one."""
        self._half_open: dict[Connection, None] = {}
        self._dismissed: set[Connection] = set()
        """Those that we ended ourselves."""
        self._server: asyncio.Server | None = None
        self._ear: datagrams.Ear | None = None
        self.change(spec)
        self.expect(expected)

    def change(self, spec: CollectorSpec) -> None:
        """Serve new connections by this; those that are open go on as they were served.

        Raises:
            ValueError: no collector can behave so; see `behaving.check`.
            CertificateFileError, HarnessFailure: as `Collector.listen` does.

        """
        behaving.check(spec)
        self.context = self._home.context(spec)
        self.datagram_context = None
        if self.spoken.unpack is not None:
            self.datagram_context = self._home.context(spec, in_datagrams=True)
        proxy = spec.proxy
        self.proxy_context = None
        if proxy is not None and proxy.chain is not None:
            self.proxy_context = self._home.context(CollectorSpec(chain=proxy.chain))
        self.spec = spec

    def expect(self, records: int) -> None:
        """Begin anew: nothing has come of what is expected from now on.

        It settles when so many records arrived, or when all connections that were opened since
        have ended. One from before that ends settles nothing, unless none is left open; one that
        `hang_up` or `restart` ended does not even then.
        """
        self.settled = False
        """Whether all expected records came, or every connection that came has ended."""
        self._expected = records
        self._fresh: set[Connection] = set()
        """The open ones that were opened since."""

    async def serve(self, bind: str, port: int = 0) -> None:
        """Bind this port, or for 0 one that the system picks, and keep it.

        Raises:
            HarnessFailure: no port can be had.
            PortTaken: this one cannot.

        """
        try:
            await self._listen(bind, port)
        except HarnessFailure as error:
            if not port:
                raise
            raise PortTaken(port, str(error)) from error

    async def restart(self) -> None:
        """Reset what is open, stop listening, and listen again on the same port.

        Raises HarnessFailure when the port has been taken in between.
        """
        assert self._server is not None  # noqa: S101 # it was served
        address = self._server.sockets[0].getsockname()[0]
        self.is_closed = True
        self._dismissed.update(self._open)
        self._stop()
        for connection in tuple(self._open):
            connection.reset()
        for _ in range(_TURNS):
            await self._turn()
        self.is_closed = False
        await self._listen(address, self.port)

    def hang_up(self, how: Close | Reset) -> None:
        """End all open connections; it goes on listening. `how` counts, not its moment."""
        self._dismissed.update(self._open)
        for connection in tuple(self._open):
            if isinstance(how, Reset):
                connection.reset()
            else:
                connection.hang_up()

    def close(self) -> None:
        """Stop listening and take down what is still open."""
        self.is_closed = True
        self._stop()
        for connection in tuple(self._open):
            connection.reset(how="timeout")

    def welcome(self) -> Connection:
        """Make a connection for one that is coming in."""
        return Connection(self) if self.spec.proxy is None else ProxyConnection(self)

    async def _listen(self, bind: str, port: int) -> None:
        try:
            bound = await self._bound(bind, port)
        except OSError as error:
            raise HarnessFailure(
                f"the collector cannot listen on {bind}: {os.strerror(error.errno or 0)}",
                hint="raise the limit of open files (ulimit -n), or free some ports",
            ) from error
        # asyncio leaves Nagle's algorithm on for a socket that does not name its protocol: an
        # answer behind a session ticket would then wait 40 ms for a delayed ACK. What a listening
        # socket is set to, the accepted ones inherit.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = bound.getsockname()[1]
        # In two steps, the first of which does not wait: a run that is cancelled here knows the
        # server, and closes it.
        self._server = await asyncio.get_running_loop().create_server(
            self.welcome, sock=bound, backlog=_BACKLOG, start_serving=False
        )
        await self._server.start_serving()

    async def _bound(self, bind: str, port: int) -> socket.socket:
        """A socket for connections, and an ear for datagrams on the same port where they come."""
        for chance in reversed(range(1 if port else _CHANCES)):
            bound = socket.create_server((bind, port), backlog=_BACKLOG)
            if self.spoken.unpack is None:
                break
            try:
                number = bound.getsockname()[1]
                self._ear = await datagrams.listen(bind, number, partial(DatagramConnection, self))
                break
            except OSError:  # somebody else has that port for UDP
                bound.close()
                if not chance:
                    raise
        return bound

    def _stop(self) -> None:
        if self._ear is not None:
            self._ear.close()
        if self._server is not None:
            # asyncio loses a connection that it has accepted but not yet handed over when its
            # server closes: so it accepts no more at once, and closes one turn of the loop later.
            loop = self._server.get_loop()
            for bound in self._server.sockets:
                loop.remove_reader(bound.fileno())
            loop.call_soon(self._server.close)

    @staticmethod
    async def _turn() -> None:
        """Let the loop turn once."""
        loop = asyncio.get_running_loop()
        turned = loop.create_future()
        loop.call_soon(turned.set_result, None)
        await turned

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def record(
        self, connection: int, kind: Kind, facts: dict[str, Any], *, owed: bool = False
    ) -> bool:
        """Keep an event, with its time; tell whether there was room. What is owed always has."""
        if owed or self.audience is not None:
            pass
        elif self._room > 0:
            self._room -= 1
        elif self._reserve > 0 and kind in _RESERVED_FOR:
            self._reserve -= 1
        else:
            self.dropped += 1
            if self.dropped == 1:
                self._keep(connection, Kind.DROPPED, {})
            return False
        self._keep(connection, kind, facts)
        return True

    def opened(self, connection: Connection) -> int:
        """Count a connection in, and another one out if there are too many; give its number."""
        if len(self._open) >= _MOST_OPEN:
            oldest = next(iter(self._half_open or self._open))
            self._forget(oldest)
            oldest.reset(how="timeout")
        self._open[connection] = self._half_open[connection] = None
        self._fresh.add(connection)
        self._accepted += 1
        if self.audience is not None:
            self.audience.came(self._accepted, connection.address)
        return self._accepted

    def shook_hands(self, connection: Connection) -> None:
        """Count a connection among those that are worth keeping."""
        self._half_open.pop(connection, None)

    def ended(self, connection: Connection) -> None:
        """Count a connection out."""
        was_fresh = connection in self._fresh
        self._forget(connection)
        if connection in self._dismissed:
            self._dismissed.discard(connection)
        elif not self._open or (was_fresh and not self._fresh):
            self._settle()

    def received(self, records: int) -> None:
        """Count records."""
        self._expected -= records
        if self._expected <= 0:
            self._settle()

    def _forget(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        self._half_open.pop(connection, None)
        self._fresh.discard(connection)

    def _keep(self, connection: int, kind: Kind, facts: dict[str, Any]) -> None:
        moment = round(self._home.clock(), 6)
        event = Event(t=moment, connection=connection, kind=kind, facts=facts)
        if self.audience is None:
            self.events.append(event)
        else:
            self.audience.saw(event)

    def _settle(self) -> None:
        self.settled = True
        self.on_settled()


class Collector:
    """Listeners that share a loop, a clock and the contexts of equal specs."""

    def __init__(self, pki: Pki, *, bind: str = "127.0.0.1") -> None:
        self._pki = pki
        self._bind = bind
        self._began = time.monotonic()
        self._contexts: dict[tuple[CollectorSpec, bool], SSL.Context] = {}
        self._listeners: list[Listener] = []

    def clock(self) -> float:
        """Seconds since this collector was made."""
        return time.monotonic() - self._began

    async def listen(
        self, spec: CollectorSpec, *, expected: int = 1, spoken: Spoken = HTTP, port: int = 0
    ) -> Listener:
        """Add a listener that expects so many records, in what is spoken here, on a free port.

        Raises:
            ValueError: no collector can behave so; see `behaving.check`.
            CertificateFileError: the user's own chain, key or CA cannot be served.
            HarnessFailure: one of ours cannot, or no port is free.
            PortTaken: a port was asked for, and it cannot be had.

        """
        listener = Listener(spec, expected, self, spoken)
        self._listeners.append(listener)
        await listener.serve(self._bind, port)
        return listener

    def close(self) -> None:
        """Close every listener."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def context(self, spec: CollectorSpec, *, in_datagrams: bool = False) -> SSL.Context:
        """The TLS or DTLS that goes with a spec, made once. Raises as `listen` does."""
        made = self._contexts.get((spec, in_datagrams))
        if made is None:
            made = self._contexts[spec, in_datagrams] = self._new_context(
                spec, in_datagrams=in_datagrams
            )
        return made

    def _new_context(self, spec: CollectorSpec, *, in_datagrams: bool) -> SSL.Context:
        try:
            return tls.context(spec, self._pki, in_datagrams=in_datagrams)
        except (SSL.Error, crypto.Error, ValueError, TypeError) as error:
            if spec.files or spec.client_ca_pem:
                raise CertificateFileError(
                    f"the collector cannot serve the given certificates: {tls.reason(error)}",
                    hint="give PEM files: the chain with the leaf first, the leaf's own key "
                    "without a passphrase, and the CAs of client certificates",
                ) from error
            raise HarnessFailure(
                f"the collector cannot serve the chain '{spec.chain.name}': {tls.reason(error)}",
                hint="the certificate and the key must belong together; they, the versions, "
                f"the ciphers and the groups must be of a kind that {tls.library()} loads",
            ) from error
