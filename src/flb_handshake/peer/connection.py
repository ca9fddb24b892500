"""One connection to a collector: what is recorded of it, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flb_handshake.behaviours import (
    Alert,
    Banner,
    Behaviour,
    Cleartext,
    Close,
    Drip,
    Moment,
    Renegotiate,
    Reset,
)
from flb_handshake.peer import behaving, hello, records, tls
from flb_handshake.peer.events import Kind, alert_facts, alert_value
from flb_handshake.peer.http import REFUSES, Heard, HttpServer, RecordProtocol, refusal
from flb_handshake.peer.http2 import EitherHttp, Http2Server
from flb_handshake.peer.opening import Opening, opening
from flb_handshake.peer.outgoing import Outgoing, reset
from flb_handshake.peer.protocols.conversation import Unserved
from flb_handshake.peer.witness import Witness

if TYPE_CHECKING:
    from flb_handshake.peer.dtls import DtlsHelloParser

_DRAIN: Final = 5.0
"""Seconds to wait for the other side to end after one side said its last words."""

_LONGEST_CONNECTION: Final = 30.0
"""Seconds after which a connection is taken down, whatever it waits for."""

_KEPT_BYTES: Final = 16


class Connection(asyncio.Protocol):
    """One connection, from accept to its end."""

    _opens: Callable[[bytes], Opening | None] = staticmethod(opening)
    _HelloParser: type[hello.HelloParser | DtlsHelloParser] = hello.HelloParser
    _Endpoint: type[tls.TlsEndpoint] = tls.TlsEndpoint
    _HEADER: int = records.HEADER
    """Bytes of a record before what is in it."""

    def __init__(self, listener: Witness) -> None:
        self.closed_by: tuple[str, str] | None = None
        """Who ended it first, and how, once that is known."""
        self._listener = listener
        self._spec = listener.spec
        self._context = listener.context
        self._number = 0
        self._kept = False
        self._transport: asyncio.Transport | None = None
        self._out: Outgoing | None = None
        self._first = b""
        self._opening: Opening | None = None
        self._hello: hello.HelloParser | DtlsHelloParser | None = None
        self._tls: tls.TlsEndpoint | None = None
        self._records: RecordProtocol | None = None
        self._spoken = listener.spoken
        self._deaf = False
        """What still comes in is noticed, but not answered."""
        self._finished = False
        """We have said our last words."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """Where it comes from: address and port. Empty, if nobody can tell."""
        found = self._transport and self._transport.get_extra_info("peername")
        return f"{found[0]}:{found[1]}" if found else ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: asyncio has accepted it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 # a stream socket's
        self._transport = transport
        self._out = Outgoing(transport)
        self._out.reshape = behaving.reshape_of(self._spec.behaviour)
        self._number = self._listener.opened(self)
        self._kept = self._report(Kind.ACCEPTED, {})
        self._wait(self._listener.patience or _LONGEST_CONNECTION)
        self._behave(Moment.CONNECTED)
        if isinstance(self._spec.behaviour, Cleartext):
            self._greet()
        if self._listener.is_closed:  # it was on its way in when the listener closed
            self.reset(how="timeout")

    def data_received(self, data: bytes) -> None:
        """Notice what the agent sends, and answer it if that is our conduct."""
        if self._opening is None:
            self._first += data
            self._opening = self._opens(self._first)
            if self._opening is None:
                return
            data, self._first = self._first, b""
            self._on_first(data)
        if self._hello is not None:
            self._read_hello(data)
        if self._deaf:
            if isinstance(self._spec.behaviour, Banner):  # the agent has spoken
                self._finish("FIN")
        elif self._opening is Opening.CLEARTEXT:
            self._on_records(data)
        elif self._opening is Opening.ALERT:
            self._await_end()
        elif isinstance(self._spec.behaviour, Cleartext):
            self._refuse_tls()
        elif not self._waits_for_hello() and not self._behave(Moment.CLIENT_HELLO):
            self._on_tls(data)

    def eof_received(self) -> bool:
        """Note that the agent sends no more; what we still have to say is sent, then it ends."""
        self._ended_by("agent", "FIN")
        if self._out is None or self._transport is None or not self._out.is_behind:
            return False
        self._out.end(self._transport.close)
        return True

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
        if self._tls is not None:
            self._tls.release()
        if self._timer is not None:
            self._timer.cancel()
        if self._out is not None:
            self._out.stop()
        by, how = self.closed_by or ("peer", "FIN")
        self._report(Kind.CLOSED, {"by": by, "how": how}, owed=self._kept)
        self._transport = self._tls = self._records = self._hello = self._timer = self._out = None
        self._listener.ended(self)

    def reset(self, *, how: str = "RST") -> None:
        """End the connection at once, with a reset."""
        self._ended_by("peer", how)
        if self._transport is not None and not self._transport.is_closing():
            reset(self._transport)
        self._give_up()

    def hang_up(self) -> None:
        """End our side, without a word in TLS; what still comes is not looked at."""
        self._deaf = True
        self._finish("FIN")

    def _on_first(self, first: bytes) -> None:
        self._report_first(first)
        if self._opening is Opening.HANDSHAKE:
            self._hello = self._HelloParser()
        elif self._opening is Opening.ALERT:
            self._report_alert(first)

    def _report_alert(self, record: bytes) -> None:
        """Report an alert that came unencrypted, and that OpenSSL has not read."""
        alert = int.from_bytes(record[self._HEADER : self._HEADER + 2])
        self._report(Kind.ALERT, {"by": "agent", **alert_facts(alert)})

    def _on_tls(self, data: bytes) -> None:
        behaviour = self._spec.behaviour
        if self._tls is None:
            assert self._context is not None  # noqa: S101 # set by listen()
            self._tls = self._Endpoint(self._context, self._report)
        began = self._tls.established
        stops = behaving.ends_at(behaviour, Moment.FINISHED)
        plain = self._tls.receive(data, until_agreed=stops)
        if self._tls.established and not began:
            self._listener.shook_hands(self)
            if self._behave(Moment.FINISHED):
                return
            self._greet()
            if isinstance(behaviour, Renegotiate):
                self._tls.renegotiate()
        if plain:
            self._on_records(plain)
        self._flush()
        if self._deaf:
            return
        self._on_end(self._tls, data)

    def _on_end(self, endpoint: tls.TlsEndpoint, data: bytes) -> None:
        """See whether these bytes have ended TLS, and how."""
        if endpoint.failed and not endpoint.refused and self._opens(data) is Opening.ALERT:
            # OpenSSL reads no alert of another version than the one it has chosen. A client that
            # does not speak that one can say so in no other.
            self._report_alert(data)
            self._await_end()
        elif endpoint.refused:
            self._await_end()
        elif endpoint.failed:
            self._finish("FIN")
        elif endpoint.ended:
            self._ended_by("agent", "close_notify")
            self._finish("close_notify")

    def _on_records(self, plain: bytes) -> None:
        if self._records is None:
            self._records = self._protocol()
        heard = self._records.receive(plain)
        for request in heard.requests:
            self._report(Kind.REQUEST, {"tls": self._tls is not None, **request.facts})
        if self._answer(heard):
            for facts in heard.answers:
                self._report(Kind.RESPONSE, facts)
        for request in heard.requests:
            self._listener.received(request.count)
        if heard.over and not self._deaf:
            self._finish("FIN" if self._tls is None else "close_notify")

    def _greet(self) -> None:
        """Speak first, where the protocol wants that."""
        if self._spoken.serve is not None:
            conversation = self._spoken.serve()
            self._records = self._heard_by(conversation)
            self._say(conversation.greeting())

    def _heard_by(self, conversation: RecordProtocol) -> RecordProtocol:
        """What takes the bytes that are meant for it."""
        return conversation

    def _protocol(self) -> RecordProtocol:
        """What is spoken inside of TLS, or without it."""
        if self._spoken.serve is not None:
            return self._heard_by(Unserved(self._spoken.serve()))
        if self._tls is not None and self._tls.alpn == "h2":
            return Http2Server(self._spoken.service)
        if self._tls is None and isinstance(self._spec.behaviour, Cleartext):
            return EitherHttp(self._spoken.service)
        return HttpServer(self._spoken.service if self._tls else REFUSES)

    def _answer(self, heard: Heard) -> bool:
        """Answer, and tell whether the answer is whole."""
        if self._tls is not None and self._tls.failed:
            return False
        midway = behaving.moment_of(self._spec.behaviour) is Moment.MIDWAY
        if self._tls is None or not midway or not heard.requests:
            self._say(heard.answer)
            return True
        self._flush()
        self._tls.send(heard.answer)
        response = self._tls.outgoing()
        middle = len(response) // 2
        self._write(response[:middle])
        if self._behave(Moment.MIDWAY):
            return False
        self._write(response[middle:])
        return True

    def _refuse_tls(self) -> None:
        """Answer a ClientHello as a server that speaks no TLS does: in HTTP, or not at all."""
        self._deaf = True
        if self._spoken.serve is None:
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

    def _waits_for_hello(self) -> bool:
        """Whether TLS must not see what has come of the ClientHello: it would answer the last."""
        return self._hello is not None and behaving.ends_at(
            self._spec.behaviour, Moment.CLIENT_HELLO
        )

    def _behave(self, moment: Moment) -> bool:
        """Do what the behaviour asks for at this moment; tell whether our part ends with it."""
        behaviour = self._spec.behaviour
        if moment is Moment.CONNECTED and isinstance(behaviour, Banner):
            self._write(behaviour.text.encode())
            self._deaf = True
        if behaving.moment_of(behaviour) is moment:
            self._deaf = behaving.ends_at(behaviour, moment)
            self._misbehave(behaviour)
        return self._deaf

    def _misbehave(self, behaviour: Behaviour) -> None:
        match behaviour:
            case Close():
                self._finish("FIN")
            case Reset():
                self.reset()
            case Drip(bytes=size, every=seconds) if self._out is not None:
                self._out.slow_down(size, seconds)
            case Alert(name=name):
                self._write(records.alert(name))
                self._report(Kind.ALERT, {"by": "peer", **alert_facts(alert_value(name))})
                self._finish("FIN")

    def _finish(self, how: str) -> None:
        """End our side and drain theirs: an immediate close would lose our last alert."""
        if self._finished or self._out is None:
            return
        self._ended_by("peer", how)
        if how == "close_notify" and self._tls is not None and self._tls.established:
            self._tls.close()
            self._flush()
        self._finished = True
        self._out.end(self._say_no_more)

    def _say_no_more(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
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

    def _say(self, plain: bytes) -> None:
        """Say this, inside of TLS where there is any."""
        if self._tls is None:
            self._write(plain)
        elif plain and not self._finished:
            self._tls.send(plain)
            self._flush()

    def _flush(self) -> None:
        """Write what TLS has to say, up to the ServerHello where something is to happen then."""
        assert self._tls is not None  # noqa: S101 # the caller speaks TLS
        said = self._tls.outgoing()
        end = 0
        if behaving.moment_of(self._spec.behaviour) is Moment.SERVER_HELLO:
            end = records.after_server_hello(said)
        if end:
            self._write(said[:end])
            if self._behave(Moment.SERVER_HELLO):
                return
        self._write(said[end:])

    def _write(self, outgoing: bytes) -> None:
        if self._out is not None and not self._finished:
            self._out.say(outgoing)

    def _report_first(self, first: bytes) -> None:
        facts = {"hex": first[:_KEPT_BYTES].hex(), "tls": self._opening is not Opening.CLEARTEXT}
        self._report(Kind.FIRST_BYTES, facts)

    def _ended_by(self, by: str, how: str) -> None:
        if self.closed_by is None:
            self.closed_by = (by, how)

    def _report(self, kind: Kind, facts: dict[str, Any], *, owed: bool = False) -> bool:
        return self._listener.record(self._number, kind, facts, owed=owed)
