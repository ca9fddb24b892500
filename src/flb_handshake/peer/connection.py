"""One connection to a collector: what is recorded of it, and what is answered."""

from __future__ import annotations

import asyncio
import socket
import struct
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from flb_handshake.model import Cleartext, Close, Moment, Reset, Silent
from flb_handshake.peer import hello, tls
from flb_handshake.peer.events import Kind, alert_facts
from flb_handshake.peer.http import HttpServer, RecordProtocol, refusal

if TYPE_CHECKING:
    from OpenSSL import SSL

    from flb_handshake.model import CollectorSpec

_DRAIN: Final = 5.0
"""Seconds to wait for the other side to end after one side said its last words."""

_LONGEST_CONNECTION: Final = 30.0
"""Seconds after which a connection is taken down, whatever it waits for."""

_KEPT_BYTES: Final = 16

_RESETTING: Final = struct.pack("ii", 1, 0)
"""struct linger: close at once, with a reset."""


class Witness(Protocol):
    """Who keeps what happens on connections: a listener."""

    spec: CollectorSpec
    context: SSL.Context | None
    is_closed: bool
    """Whether it wants no more connections."""

    def record(
        self, connection: int, kind: Kind, facts: dict[str, Any], *, owed: bool = False
    ) -> bool:
        """Keep an event, with its time; tell whether there was room. What is owed always has."""

    def opened(self, connection: Connection) -> int:
        """Count a connection in, and another one out if there are too many; give its number."""

    def shook_hands(self, connection: Connection) -> None:
        """Count a connection among those that are worth keeping."""

    def received(self, records: int) -> None:
        """Count records; a body without countable records counts as one."""

    def ended(self, connection: Connection) -> None:
        """Count a connection out."""


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


class Connection(asyncio.Protocol):
    """One connection, from accept to its end."""

    def __init__(self, listener: Witness) -> None:
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
        """Begin: asyncio has accepted it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 # a stream socket's
        self._transport = transport
        self._number = self._listener.opened(self)
        self._kept = self._report(Kind.ACCEPTED, {})
        self._wait(_LONGEST_CONNECTION)
        self._behave(Moment.CONNECTED)
        if self._listener.is_closed:  # it was on its way in when the listener closed
            self.reset(how="timeout")

    def data_received(self, data: bytes) -> None:
        """Notice what the agent sends, and answer it if that is our conduct."""
        if self._speech is None:
            self._first += data
            self._speech = _speech(self._first)
            if self._speech is None:
                return
            data, self._first = self._first, b""
            self._on_first(data)
        if self._hello is not None:
            self._read_hello(data)
        if self._deaf:
            return
        if self._speech is _Speech.CLEARTEXT:
            self._on_records(data)
        elif self._speech is _Speech.ALERT:
            self._await_end()
        elif isinstance(self._listener.spec.behaviour, Cleartext):
            self._refuse_tls()
        elif not self._behave(Moment.CLIENT_HELLO):
            self._on_tls(data)

    def eof_received(self) -> bool:
        """Note that the agent sends no more; what we still have to say is sent, then it ends."""
        self._ended_by("agent", "FIN")
        return False

    def pause_writing(self) -> None:
        """Listen no more to an agent that asks and asks but takes no answers."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Listen again: the agent has taken our answers."""
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note how it ended, and hold on to nothing."""
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

    def _on_first(self, first: bytes) -> None:
        self._report_first(first)
        if self._speech is _Speech.HANDSHAKE:
            self._hello = hello.HelloParser()
        elif self._speech is _Speech.ALERT:
            alert = int.from_bytes(first[5:7])
            self._report(Kind.ALERT, {"by": "agent", **alert_facts(alert)})

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
        if self._records is None:
            serves = self._tls or isinstance(self._listener.spec.behaviour, Cleartext)
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
        if not isinstance(behaviour, Silent | Close | Reset) or behaviour.at is not moment:
            return False
        if moment is Moment.CLIENT_HELLO and self._hello is not None:
            return True
        self._deaf = True
        if isinstance(behaviour, Close):
            self._finish("FIN")
        elif isinstance(behaviour, Reset):
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
