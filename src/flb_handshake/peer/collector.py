"""A TLS server that records everything: many listeners, each with its own manners, in one loop."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from OpenSSL import SSL, crypto

from flb_handshake.errors import CertificateFileError, HarnessFailure
from flb_handshake.model import Conduct, Moment
from flb_handshake.peer import hello, tls
from flb_handshake.peer.events import Event, Kind, alert_facts
from flb_handshake.peer.http import HttpServer, RecordProtocol, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from flb_handshake.model import CollectorSpec
    from flb_handshake.pki import Pki

_DRAIN: Final = 5.0
"""Seconds to wait for the other side to end after one side said its last words."""

_LONGEST_CONNECTION: Final = 30.0
"""Seconds after which a connection is taken down, whatever it waits for."""

_MOST_OPEN: Final = 512
"""Connections of one listener: beyond, the oldest goes, one without a handshake before others."""

_KEPT_EVENTS: Final = 2000
"""Per listener: what comes after is counted, not kept."""

_RESERVED_EVENTS: Final = 200
"""Kept beyond that, for what no junk can cause."""

_RESERVED_FOR: Final = frozenset({Kind.NEGOTIATED, Kind.CLIENT_CHAIN, Kind.REQUEST, Kind.RESPONSE})

_KEPT_BYTES: Final = 16
_BACKLOG: Final = 512
_RESETTING: Final = struct.pack("ii", 1, 0)
"""struct linger: close at once, with a reset."""


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
        self._open: dict[_Connection, None] = {}
        """The oldest first, as in the next one."""
        self._half_open: dict[_Connection, None] = {}
        self._server: asyncio.Server | None = None

    async def serve(self, bind: str) -> None:
        """Bind a port that the system picks, and keep it. Raises HarnessFailure."""
        try:
            bound = socket.create_server((bind, 0), backlog=_BACKLOG)
        except OSError as error:
            raise HarnessFailure(
                f"the collector cannot listen on {bind}: {error.strerror}",
                hint="raise the limit of open files (ulimit -n), or free some ports",
            ) from error
        self.port = bound.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), sock=bound, backlog=_BACKLOG
        )

    def close(self) -> None:
        """Stop listening and take down what is still open."""
        if self._server is not None:
            self._server.close()
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
        room = _KEPT_EVENTS + (_RESERVED_EVENTS if kind in _RESERVED_FOR else 0)
        if len(self.events) >= room and not owed:
            self.dropped += 1
            return False
        moment = round(self._clock(), 6)
        self.events.append(Event(t=moment, connection=connection, kind=kind, facts=facts))
        return True

    def opened(self, connection: _Connection) -> int:
        """Count a connection in, and another one out if there are too many; give its number."""
        if len(self._open) >= _MOST_OPEN:
            oldest = next(iter(self._half_open or self._open))
            self._forget(oldest)
            oldest.reset(how="timeout")
        self._open[connection] = self._half_open[connection] = None
        self._accepted += 1
        return self._accepted

    def shook_hands(self, connection: _Connection) -> None:
        """Count a connection among those that are worth keeping."""
        self._half_open.pop(connection, None)

    def ended(self, connection: _Connection) -> None:
        """Count a connection out."""
        self._forget(connection)
        if not self._open:
            self._settle()

    def received(self, records: int) -> None:
        """Count records; a body without countable records counts as one."""
        self._expected -= max(records, 1)
        if self._expected <= 0:
            self._settle()

    def _forget(self, connection: _Connection) -> None:
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
        await listener.serve(self._bind)
        self._listeners.append(listener)
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


class _Speech(Enum):
    """What a connection's first bytes are."""

    HANDSHAKE = "a TLS handshake record"
    ALERT = "a TLS alert: an agent that cannot even begin says so, such as one whose bounds clash"
    CLEARTEXT = "no TLS"


_ALERT_RECORD: Final = (b"\x15", b"\x03", b"\x00\x01\x02\x03\x04", b"\x00", b"\x02", b"\x01\x02")
"""The bytes that may stand in each place of an alert's record (RFC 8446, section 5.1)."""


def _speech(first: bytes) -> _Speech | None:
    """Tell what it is; None: too few bytes to tell, and TLS so far."""
    begins_handshake = hello.looks_like_tls(first)
    if begins_handshake is not False:
        return _Speech.HANDSHAKE if begins_handshake else None
    if any(byte not in allowed for byte, allowed in zip(first, _ALERT_RECORD, strict=False)):
        return _Speech.CLEARTEXT
    return _Speech.ALERT if len(first) > len(_ALERT_RECORD) else None


class _Connection(asyncio.Protocol):
    """One connection, from accept to its end."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._number = 0
        self._kept = False
        self._transport: asyncio.Transport | None = None
        self._first = b""
        self._speech: _Speech | None = None
        self._hello: hello.HelloParser | None = None
        self._tls: tls.TlsEndpoint | None = None
        self._records: RecordProtocol | None = None
        self._deaf = False
        """What still comes in is noticed, but not answered."""
        self._finished = False
        """We have said our last words."""
        self._closed_by: tuple[str, str] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 # a stream socket's
        self._transport = transport
        self._number = self._listener.opened(self)
        self._kept = self._report(Kind.ACCEPTED, {})
        self._wait(_LONGEST_CONNECTION)
        self._behave(Moment.ACCEPTED)

    def data_received(self, data: bytes) -> None:
        if self._speech is None:
            self._first += data
            self._speech = _speech(self._first)
            if self._speech is None:
                return
            data, self._first = self._first, b""
            self._report_first(data)
            if self._speech is _Speech.HANDSHAKE:
                self._hello = hello.HelloParser()
        if self._hello is not None:
            self._read_hello(data)
        if self._deaf:
            return
        if self._speech is _Speech.CLEARTEXT:
            self._on_records(data)
        elif self._speech is _Speech.ALERT:
            self._on_early_alert(data)
        elif self._listener.spec.behaviour.conduct is Conduct.CLEARTEXT:
            self._refuse_tls()
        elif not self._behave(Moment.CLIENT_HELLO):
            self._on_tls(data)

    def eof_received(self) -> bool:
        self._ended_by("agent", "FIN")
        return False

    def pause_writing(self) -> None:
        """Listen no more to an agent that asks and asks but takes no answers."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._ended_by("agent", "timeout" if isinstance(exc, TimeoutError) else "RST")
        if self._first:
            self._report_first(self._first)
        by, how = self._closed_by or ("peer", "FIN")
        self._listener.record(self._number, Kind.CLOSED, {"by": by, "how": how}, owed=self._kept)
        if self._timer is not None:
            self._timer.cancel()
        if self._tls is not None:
            self._tls.release()
        self._transport = self._tls = self._records = self._hello = self._timer = None
        self._listener.ended(self)

    def reset(self, *, how: str = "RST") -> None:
        """End the connection at once, with a reset."""
        self._ended_by("peer", how)
        if self._transport is not None and not self._transport.is_closing():
            linger = socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING
            self._transport.get_extra_info("socket").setsockopt(*linger)
        self._give_up()

    def _on_early_alert(self, data: bytes) -> None:
        level, number = data[5:7]
        self._report(Kind.ALERT, {"by": "agent", **alert_facts(level << 8 | number)})
        self._await_end()

    def _on_tls(self, data: bytes) -> None:
        if self._tls is None:
            assert self._listener.context is not None  # noqa: S101 # set by listen()
            self._tls = tls.TlsEndpoint(self._listener.context, self._report)
        plain = self._tls.receive(data)
        if self._tls.established:
            self._listener.shook_hands(self)
        if plain:
            self._on_records(plain)
        self._write(self._tls.outgoing())
        if self._tls.refused:
            self._await_end()
        elif self._tls.failed:
            self._finish("FIN")
        elif self._tls.ended:
            self._ended_by("agent", "close_notify")
            self._finish("close_notify")

    def _on_records(self, plain: bytes) -> None:
        if self._finished:
            return
        if self._records is None:
            serves = self._tls or self._listener.spec.behaviour.conduct is Conduct.CLEARTEXT
            self._records = HttpServer(HTTPStatus.CREATED if serves else HTTPStatus.BAD_REQUEST)
        heard = self._records.receive(plain)
        for request in heard.requests:
            self._report(Kind.REQUEST, {"tls": self._tls is not None, **request.facts})
        if self._tls is None:
            self._write(heard.answer)
        elif heard.answer:
            self._tls.send(heard.answer)
            self._write(self._tls.outgoing())
        for facts in heard.answers:
            self._report(Kind.RESPONSE, facts)
        for request in heard.requests:
            self._listener.received(request.count)
        if heard.over:
            self._finish("FIN" if self._tls is None else "close_notify")

    def _refuse_tls(self) -> None:
        """Answer a ClientHello as a server that speaks no TLS does."""
        self._deaf = True
        self._write(refusal())
        self._report(Kind.RESPONSE, {"status": HTTPStatus.BAD_REQUEST.value})
        self._finish("FIN")

    def _read_hello(self, data: bytes) -> None:
        """Parse the ClientHello once it is whole; a stream that is none stays unparsed."""
        assert self._hello is not None  # noqa: S101 # the caller looked
        try:
            parsed = self._hello.feed(data)
        except hello.HelloError as error:
            self._report(Kind.TLS_ERROR, {"reason": str(error)})
            self._hello = None
            return
        if parsed is not None:
            self._report(Kind.CLIENT_HELLO, parsed.to_json())
            self._hello = None

    def _behave(self, moment: Moment) -> bool:
        """Do what the behaviour asks for at this moment; tell whether it asks for anything."""
        behaviour = self._listener.spec.behaviour
        if behaviour.at is not moment or behaviour.conduct in {Conduct.SERVE, Conduct.CLEARTEXT}:
            return False
        if moment is Moment.CLIENT_HELLO and self._hello is not None:
            return True
        self._deaf = True
        if behaviour.conduct is Conduct.CLOSE:
            self._finish("FIN")
        elif behaviour.conduct is Conduct.RESET:
            self.reset()
        return True

    def _finish(self, how: str) -> None:
        """End our side and drain theirs: an immediate close would lose our last alert."""
        if self._finished or self._transport is None:
            return
        self._ended_by("peer", how)
        if how == "close_notify" and self._tls is not None and self._tls.established:
            self._tls.close()
            self._write(self._tls.outgoing())
        self._finished = True
        if not self._transport.is_closing():
            self._transport.write_eof()
        self._wait(_DRAIN)

    def _await_end(self) -> None:
        """Leave the end to the agent, who has just refused: how it ends is a fact about it."""
        if not self._finished:
            self._finished = True
            self._wait(_DRAIN)

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        self._ended_by("peer", "timeout")
        if self._transport is not None:
            self._transport.abort()

    def _write(self, outgoing: bytes) -> None:
        assert self._transport is not None  # noqa: S101 # connected
        if outgoing and not self._finished and not self._transport.is_closing():
            self._transport.write(outgoing)

    def _report_first(self, first: bytes) -> None:
        facts = {"hex": first[:_KEPT_BYTES].hex(), "tls": self._speech is not _Speech.CLEARTEXT}
        self._report(Kind.FIRST_BYTES, facts)

    def _ended_by(self, by: str, how: str) -> None:
        if self._closed_by is None:
            self._closed_by = (by, how)

    def _report(self, kind: Kind, facts: dict[str, Any]) -> bool:
        return self._listener.record(self._number, kind, facts)
