"""A TLS server that records everything: many listeners, each with its own manners, in one loop."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final

from OpenSSL import SSL

from flb_handshake.errors import HarnessFailure
from flb_handshake.model import Behaviour, CollectorSpec, Conduct, Moment
from flb_handshake.peer import hello, tls
from flb_handshake.peer.events import Event, Kind
from flb_handshake.peer.http import HttpServer, RecordProtocol
from flb_handshake.pki import Pki

_DRAIN: Final = 2.0
"""Seconds to wait for the other side to end after our alert."""

_LONGEST_CONNECTION: Final = 30.0
"""Seconds after which a connection is taken down, whatever it waits for."""

_KEPT_EVENTS: Final = 2000
"""Per listener: what comes after is counted, not kept."""

_KEPT_BYTES: Final = 16
_BACKLOG: Final = 512
_WORDS_FOR_TLS: Final = b"HTTP/1.1 400 -\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


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
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def serve(self, bind: str) -> None:
        """Binds a port that the system picks, and keeps it. Raises HarnessFailure."""
        try:
            bound = socket.create_server((bind, 0), backlog=_BACKLOG)
        except OSError as error:
            raise HarnessFailure(
                f"the collector cannot listen on {bind}: {error.strerror}",
                hint="raise the limit of open files (ulimit -n), or free some ports",
            ) from error
        self.port = bound.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=bound)

    def close(self) -> None:
        """Stops listening and takes down what is still open."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._open):
            connection.abort()

    def record(self, connection: int, kind: Kind, facts: dict[str, Any]) -> None:
        """Keeps an event, with its time."""
        if len(self.events) >= _KEPT_EVENTS:
            self.dropped += 1
            return
        moment = round(self._clock(), 6)
        self.events.append(Event(t=moment, connection=connection, kind=kind, facts=facts))

    def opened(self, connection: _Connection) -> int:
        """Counts a connection in; gives its number."""
        self._open.add(connection)
        self._accepted += 1
        return self._accepted

    def ended(self, connection: _Connection) -> None:
        """Counts a connection out."""
        self._open.discard(connection)
        if not self._open:
            self._settle()

    def received(self, records: int) -> None:
        """Counts records; a body without countable records counts as one."""
        self._expected -= max(records, 1)
        if self._expected <= 0:
            self._settle()

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
        """A new listener that expects so many records. Raises HarnessFailure."""
        listener = Listener(spec, expected, self.clock)
        if spec not in self._contexts:
            try:
                self._contexts[spec] = tls.context(spec, self._pki)
            except (SSL.Error, ValueError, TypeError) as error:
                raise HarnessFailure(
                    f"the collector cannot serve the chain '{spec.chain.name}': {error}",
                    hint="the certificate and the key must belong together and be of a kind "
                    f"that {tls.library()} loads",
                ) from error
        listener.context = self._contexts[spec]
        await listener.serve(self._bind)
        self._listeners.append(listener)
        return listener

    def close(self) -> None:
        """Closes every listener."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()


class _Connection(asyncio.Protocol):
    """One connection, from accept to its end."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._number = 0
        self._transport: asyncio.Transport | None = None
        self._first = b""
        self._tls: tls.TlsEndpoint | None = None
        self._hello: bytes | None = b""
        self._http: RecordProtocol | None = None
        self._deaf = False
        """Nothing that still comes in is looked at: an alert is on its way, or silence is kept."""
        self._closed_by: tuple[str, str] | None = None
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 # a stream socket's
        self._transport = transport
        self._number = self._listener.opened(self)
        self._report(Kind.ACCEPTED, {})
        self._limit = asyncio.get_running_loop().call_later(_LONGEST_CONNECTION, self.abort)
        self._behave(Moment.ACCEPTED)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._tls is not None:
            self._on_tls(data)
        elif self._http is not None:
            self._on_http(data, encrypted=False)
        else:
            self._on_first(data)

    def eof_received(self) -> bool:
        self._ended_by("agent", "FIN")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ConnectionResetError):
            self._ended_by("agent", "RST")
        if self._first:
            sample = self._first[:_KEPT_BYTES].hex()
            self._report(Kind.FIRST_BYTES, {"hex": sample, "tls": False})
        by, how = self._closed_by or ("peer", "FIN")
        self._report(Kind.CLOSED, {"by": by, "how": how})
        if self._limit is not None:
            self._limit.cancel()
        self._tls = None
        self._listener.ended(self)

    def abort(self) -> None:
        """Ends the connection at once, with a reset."""
        self._ended_by("peer", "timeout")
        if self._transport is not None:
            self._transport.abort()

    def _on_first(self, data: bytes) -> None:
        self._first += data
        speaks_tls = hello.looks_like_tls(self._first)
        if speaks_tls is None:
            return
        sample = self._first[:_KEPT_BYTES].hex()
        self._report(Kind.FIRST_BYTES, {"hex": sample, "tls": speaks_tls})
        data, self._first = self._first, b""
        if not speaks_tls:
            serves = self._listener.spec.behaviour.conduct is Conduct.CLEARTEXT
            self._http = HttpServer(201 if serves else 400)
            self._on_http(data, encrypted=False)
        elif self._listener.spec.behaviour.conduct is Conduct.CLEARTEXT:
            self._look_at_hello(data)
            self._finish(_WORDS_FOR_TLS)
        else:
            assert self._listener.context is not None  # noqa: S101 # set by listen()
            self._tls = tls.TlsEndpoint(self._listener.context, self._report)
            self._on_tls(data)

    def _on_tls(self, data: bytes) -> None:
        assert self._tls is not None  # noqa: S101 # the caller looked
        assert self._transport is not None  # noqa: S101 # connected
        self._look_at_hello(data)
        if self._behave(Moment.CLIENT_HELLO):
            return
        plain, wire = self._tls.receive(data)
        if self._tls.failed:
            self._finish(wire)
            return
        self._transport.write(wire)
        if plain:
            self._on_http(plain, encrypted=True)
        if self._tls.ended:
            self._ended_by("agent", "close_notify")
            self._finish(self._tls.close())

    def _on_http(self, plain: bytes, *, encrypted: bool) -> None:
        assert self._transport is not None  # noqa: S101 # connected
        if self._http is None:
            self._http = HttpServer()
        try:
            requests, answer = self._http.receive(plain)
        except ValueError as error:
            self._report(Kind.TLS_ERROR, {"reason": str(error)})
            self._finish(b"")
            return
        for request in requests:
            self._report(Kind.REQUEST, {"tls": encrypted, **request.facts})
        if answer:
            sealed = self._tls.send(answer) if self._tls is not None and encrypted else answer
            self._transport.write(sealed)
            self._report(Kind.RESPONSE, {"status": self._http.status})
        for request in requests:
            self._listener.received(request.count)

    def _look_at_hello(self, data: bytes) -> None:
        """Parses the ClientHello once it is whole; a stream that is none stays unparsed."""
        if self._hello is None:
            return
        self._hello += data
        try:
            parsed = hello.parse(self._hello)
        except hello.HelloError as error:
            self._report(Kind.TLS_ERROR, {"reason": str(error)})
            self._hello = None
            return
        if parsed is not None:
            self._report(Kind.CLIENT_HELLO, parsed.to_json())
            self._hello = None

    def _behave(self, moment: Moment) -> bool:
        """Does what the listener's behaviour asks for at this moment; whether it asked for any."""
        behaviour: Behaviour = self._listener.spec.behaviour
        assert self._transport is not None  # noqa: S101 # connected
        if behaviour.at is not moment or behaviour.conduct in {Conduct.SERVE, Conduct.CLEARTEXT}:
            return False
        if moment is Moment.CLIENT_HELLO and self._hello is not None:
            return True
        self._deaf = True
        if behaviour.conduct is Conduct.CLOSE:
            self._finish(b"")
        elif behaviour.conduct is Conduct.RESET:
            self._ended_by("peer", "RST")
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
            self._transport.abort()
        return True

    def _finish(self, last_words: bytes) -> None:
        """Says the last words, ends our side, drains theirs: an immediate close loses the alert."""
        assert self._transport is not None  # noqa: S101 # connected
        self._deaf = True
        self._ended_by("peer", "FIN")
        if self._transport.is_closing():
            return
        if last_words:
            self._transport.write(last_words)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        asyncio.get_running_loop().call_later(_DRAIN, self._transport.abort)

    def _ended_by(self, by: str, how: str) -> None:
        if self._closed_by is None:
            self._closed_by = (by, how)

    def _report(self, kind: Kind, facts: dict[str, Any]) -> None:
        self._listener.record(self._number, kind, facts)
