"""A TLS server that records everything: many listeners, each with its own manners, in one loop."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from OpenSSL import SSL, crypto

from flb_handshake.errors import CertificateFileError, HarnessFailure
from flb_handshake.peer import tls
from flb_handshake.peer.connection import Connection
from flb_handshake.peer.events import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from flb_handshake.model import CollectorSpec
    from flb_handshake.pki import Pki

_MOST_OPEN: Final = 512
"""Connections of one listener: beyond, the oldest goes, one without a handshake before others."""

_KEPT_EVENTS: Final = 2000
"""Per listener: what comes after is counted, not kept."""

_RESERVED_EVENTS: Final = 200
"""Kept beyond that, for what junk does not cause."""

_RESERVED_FOR: Final = frozenset({Kind.NEGOTIATED, Kind.CLIENT_CHAIN, Kind.REQUEST})

_BACKLOG: Final = 512


class Listener:
    """One collector on one port, and what it saw."""

    def __init__(self, spec: CollectorSpec, expected: int, clock: Callable[[], float]) -> None:
        self.spec = spec
        self.events: list[Event] = []
        self.dropped = 0
        self.settled = False
        """Whether all expected records came, or every connection that came has ended."""
        self.on_settled: Callable[[], None] = lambda: None
        self.port = 0
        self.context: SSL.Context | None = None
        self._expected = expected
        self._clock = clock
        self._accepted = 0
        self._room = _KEPT_EVENTS
        self._reserve = _RESERVED_EVENTS
        self._open: dict[Connection, None] = {}
        """The oldest first, as in the next one."""
        self._half_open: dict[Connection, None] = {}
        self._server: asyncio.Server | None = None
        self.is_closed = False

    async def serve(self, bind: str) -> None:
        """Bind a port that the system picks, and keep it. Raises HarnessFailure."""
        try:
            bound = socket.create_server((bind, 0), backlog=_BACKLOG)
        except OSError as error:
            raise HarnessFailure(
                f"the collector cannot listen on {bind}: {error.strerror}",
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
            lambda: Connection(self), sock=bound, backlog=_BACKLOG, start_serving=False
        )
        await self._server.start_serving()

    def close(self) -> None:
        """Stop listening and take down what is still open."""
        self.is_closed = True
        if self._server is not None:
            # asyncio loses a connection that it has accepted but not yet handed over when its
            # server closes: so it accepts no more at once, and closes one turn of the loop later.
            loop = self._server.get_loop()
            for bound in self._server.sockets:
                loop.remove_reader(bound.fileno())
            loop.call_soon(self._server.close)
        for connection in tuple(self._open):
            connection.reset(how="timeout")

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def record(
        self, connection: int, kind: Kind, facts: dict[str, Any], *, owed: bool = False
    ) -> bool:
        """Keep an event, with its time; tell whether there was room. What is owed always has."""
        if owed:
            pass
        elif self._room > 0:
            self._room -= 1
        elif self._reserve > 0 and kind in _RESERVED_FOR:
            self._reserve -= 1
        else:
            self.dropped += 1
            return False
        moment = round(self._clock(), 6)
        self.events.append(Event(t=moment, connection=connection, kind=kind, facts=facts))
        return True

    def opened(self, connection: Connection) -> int:
        """Count a connection in, and another one out if there are too many; give its number."""
        if len(self._open) >= _MOST_OPEN:
            oldest = next(iter(self._half_open or self._open))
            self._forget(oldest)
            oldest.reset(how="timeout")
        self._open[connection] = self._half_open[connection] = None
        self._accepted += 1
        return self._accepted

    def shook_hands(self, connection: Connection) -> None:
        """Count a connection among those that are worth keeping."""
        self._half_open.pop(connection, None)

    def ended(self, connection: Connection) -> None:
        """Count a connection out."""
        self._forget(connection)
        if not self._open:
            self._settle()

    def received(self, records: int) -> None:
        """Count records; a body without countable records counts as one."""
        self._expected -= max(records, 1)
        if self._expected <= 0:
            self._settle()

    def _forget(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        self._half_open.pop(connection, None)

    def _settle(self) -> None:
        self.settled = True
        self.on_settled()


class Collector:
    """Listeners that share a loop, a clock and the contexts of equal specs."""

    def __init__(self, pki: Pki, *, bind: str = "127.0.0.1") -> None:
        self._pki = pki
        self._bind = bind
        self._began = time.monotonic()
        self._contexts: dict[CollectorSpec, SSL.Context] = {}
        self._listeners: list[Listener] = []

    def clock(self) -> float:
        """Seconds since this collector was made."""
        return time.monotonic() - self._began

    async def listen(self, spec: CollectorSpec, *, expected: int = 1) -> Listener:
        """Add a listener that expects so many records.

        Raises:
            CertificateFileError: the user's own chain, key or CA cannot be served.
            HarnessFailure: one of ours cannot, or no port is free.

        """
        listener = Listener(spec, expected, self.clock)
        listener.context = self._contexts.get(spec) or self._new_context(spec)
        self._listeners.append(listener)
        await listener.serve(self._bind)
        return listener

    def close(self) -> None:
        """Close every listener."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def _new_context(self, spec: CollectorSpec) -> SSL.Context:
        try:
            made = tls.context(spec, self._pki)
        except (SSL.Error, crypto.Error, ValueError, TypeError) as error:
            if spec.files or spec.client_ca_pem:
                raise CertificateFileError(
                    f"the collector cannot serve the given certificates: {tls.reason(error)}",
                    hint="give PEM files: the chain with the leaf first, the leaf's own key "
                    "without a passphrase, and the CAs of client certificates",
                ) from error
            raise HarnessFailure(
                f"the collector cannot serve the chain '{spec.chain.name}': {tls.reason(error)}",
                hint="the certificate and the key must belong together; they, the versions and "
                f"the ciphers must be of a kind that {tls.library()} loads",
            ) from error
        self._contexts[spec] = made
        return made
