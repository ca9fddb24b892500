"""One connection of a shipper: what is recorded of it, and how the shipper behaves on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from flb_handshake.behaviours import Alert, Banner, Cleartext, Close, Drip, Moment, Reset
from flb_handshake.peer import hello, records
from flb_handshake.peer.behaving import ends_at, moment_of, reshape_of
from flb_handshake.peer.events import Kind, alert_facts, alert_value
from flb_handshake.peer.opening import Opening, opening
from flb_handshake.peer.outgoing import Outgoing, reset
from flb_handshake.peer.tls_client import ClientEndpoint

if TYPE_CHECKING:
    from OpenSSL import SSL

    from flb_handshake.model import ShipperSpec
    from flb_handshake.peer.tls import Report

_DRAIN: Final = 1.0
"""Seconds to wait for the agent to end after our last words."""

_FIRST_WORD: Final = 2.0
"""Seconds to wait for the agent's judgement of our certificate in TLS 1.3: a ticket or an alert.

Whoever does not wait learns of a refusal by a reset, if its record crosses the alert."""

_KEPT_BYTES: Final = 16

_MOST_UNREAD: Final = 1 << 20
"""Bytes; no answer of an agent comes near. What comes beyond is thrown away."""

_HEADER: Final = 5
"""Bytes: type, version, version, length, length (RFC 8446, section 5.1)."""

_LONGEST_RECORD: Final = _HEADER + (1 << 14)


class ConnectionEnded(Exception):
    """The connection takes nothing more; its events say why. Never leaves the shipper."""


class ClientConnection(asyncio.Protocol):
    """One connection to an agent, from connect to its end."""

    def __init__(
        self,
        spec: ShipperSpec,
        made: SSL.Context,
        report: Report,
        resumed: SSL.Session | None = None,
    ) -> None:
        """Make a connection, on which this session is to be resumed."""
        self.shipped = 0
        """Messages that were handed over."""
        self._spec = spec
        self._context = made
        self._report = report
        self._resumed = resumed
        self._transport: asyncio.Transport | None = None
        self._tls: ClientEndpoint | None = None
        self._hello: hello.HelloParser | None = None
        self._out: Outgoing | None = None
        self._reshape = reshape_of(spec.behaviour)
        self._heard = b""
        """The agent's first record, until it is whole."""
        self._opening: Opening | None = None
        self._noticed = False
        """The agent's first record was whole."""
        self._plain = bytearray()
        self._paused = False
        self._was_answered = False
        """The agent has said something after the handshake."""
        self._mute = False
        """We say nothing more."""
        self._finished = False
        """We have said our last words."""
        self._closed_by: tuple[str, str] | None = None
        self._lost = False
        self._news = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether either side has said that it says nothing more."""
        return self._lost or self._finished or self._closed_by is not None or self._is_refused

    @property
    def is_secured(self) -> bool:
        """Whether the handshake is done."""
        return self._tls is not None and self._tls.established

    @property
    def session(self) -> SSL.Session | None:
        """What a further connection can resume."""
        return self._tls.session if self._tls is not None and self.is_secured else None

    @property
    def alpn(self) -> str | None:
        """The protocol that the agent chose."""
        return self._tls.alpn if self._tls is not None else None

    @property
    def acts_midway(self) -> bool:
        """Whether something is to happen in the middle of a message."""
        return moment_of(self._spec.behaviour) is Moment.MIDWAY

    async def open(self) -> None:
        """Shake hands, unless the shipper speaks cleartext. Raises ConnectionEnded."""
        behaviour = self._spec.behaviour
        if isinstance(behaviour, Banner):
            self._put(behaviour.text.encode())
            self._mute = True
        elif not self._behave(Moment.CONNECTED):
            if isinstance(behaviour, Cleartext):
                return
            self._begin_tls()
        await self._until(lambda: self.is_secured and not self._mute)
        if self._tls is not None and self._tls.may_be_refused_yet:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FIRST_WORD):
                    await self._until(lambda: self._was_answered or self.is_over)

    async def write(self, plain: bytes) -> None:
        """Say this, and wait until the system has all of it. Raises ConnectionEnded."""
        if self.is_over:
            raise ConnectionEnded
        if not self._mute:
            if self._tls is not None:
                self._tls.send(plain)
                self._put(self._tls.outgoing())
            else:
                self._put(plain)
            if self._out is not None:
                self._out.end(self._news.set)
        await self._until(lambda: not (self._mute or self._is_behind or self.is_over))

    async def read(self, most: int = _MOST_UNREAD) -> bytes:
        """What the agent said, as soon as it is anything; nothing once it says no more."""
        with suppress(ConnectionEnded):
            await self._until(lambda: bool(self._plain) or self.is_over)
        taken = bytes(self._plain[:most])
        del self._plain[:most]
        return taken

    def midway(self) -> None:
        """Half of a message has been written."""
        self._behave(Moment.MIDWAY)

    def handed_over(self, record: Mapping[str, Any], size: int) -> None:
        """Note that all of a message, of so many bytes, has been said."""
        self.shipped += 1
        facts = {"tls": self._tls is not None, "records": [dict(record)], "bytes": size}
        self._report(Kind.SHIPPED, facts)

    def answered(self, **facts: Any) -> None:
        """Note what the agent answered."""
        self._report(Kind.RESPONSE, facts)

    async def close(self) -> None:
        """End the connection as politely as its state allows, and wait briefly for its end."""
        if self._mute or not (self.is_secured or isinstance(self._spec.behaviour, Cleartext)):
            self._finish("timeout")
        else:
            self._finish("close_notify" if self._tls is not None else "FIN")
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                await self.ended()
        if self._transport is not None:
            self._transport.abort()
        await self.ended()

    async def ended(self) -> None:
        """Wait for the end."""
        await self._wait(lambda: self._lost)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the agent's system has accepted it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 # a stream socket's
        self._transport = transport
        transport.set_write_buffer_limits(0)
        self._out = Outgoing(transport)
        self._report(Kind.ACCEPTED, {})

    def data_received(self, data: bytes) -> None:
        """Notice what the agent says, and answer it if that is our conduct."""
        self._notice(data)
        self._was_answered = self.is_secured
        if self._tls is None:
            self._keep(data)
        elif self._tls.said_finished or not (self._mute or self._finished):
            self._on_tls(data)
        self._news.set()

    def eof_received(self) -> bool:
        """Note that the agent says no more; so do we."""
        self._ended_by("agent", "FIN")
        return False

    def pause_writing(self) -> None:
        """Note that the system has not taken everything."""
        self._paused = True

    def resume_writing(self) -> None:
        """Note that the system has taken everything."""
        self._paused = False
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note how it ended, and hold on to nothing."""
        if exc is not None:
            self._ended_by("agent", "timeout" if isinstance(exc, TimeoutError) else "RST")
        if self._opening is None and self._heard:
            self._tell_first(is_tls=True)
        by, how = self._closed_by or ("peer", "FIN")
        self._report(Kind.CLOSED, {"by": by, "how": how})
        if self._out is not None:
            self._out.stop()
        if self._tls is not None:
            self._tls.release()
        self._transport = self._out = None
        self._lost = True
        self._news.set()

    def _begin_tls(self) -> None:
        self._tls = ClientEndpoint(self._context, self._report, self._spec.sni, self._resumed)
        self._hello = hello.HelloParser()
        self._tls.begin()
        said = self._tls.outgoing()
        if moment_of(self._spec.behaviour) is Moment.HALF_HELLO:
            half = len(said) // 2
            self._put(said[:half])
            self._behave(Moment.HALF_HELLO)
            said = said[half:]
        self._put(said)
        self._behave(Moment.CLIENT_HELLO)

    def _on_tls(self, data: bytes) -> None:
        assert self._tls is not None  # noqa: S101 # the caller looked
        had_finished = self._tls.said_finished
        self._keep(self._tls.receive(data))
        self._put(self._tls.outgoing())
        if self._tls.said_finished and not had_finished:
            self._behave(Moment.FINISHED)
        if self._tls.refused:
            self._mute = True
        elif self._tls.failed:
            self._finish("FIN")
        elif self._tls.ended:
            self._ended_by("agent", "close_notify")
            self._finish("close_notify")

    @property
    def _is_refused(self) -> bool:
        return self._tls is not None and (self._tls.refused or self._tls.failed)

    @property
    def _is_behind(self) -> bool:
        return self._paused or (self._out is not None and self._out.is_behind)

    def _notice(self, data: bytes) -> None:
        """Look at the agent's first record: what it begins with, and whether it is whole."""
        if self._noticed:
            return
        self._heard = (self._heard + data)[:_LONGEST_RECORD]
        if self._opening is None:
            self._opening = opening(self._heard)
            if self._opening is not None:
                self._tell_first(is_tls=self._opening is not Opening.CLEARTEXT)
        if self._opening is None or len(self._heard) < _HEADER:
            return
        if len(self._heard) < _HEADER + int.from_bytes(self._heard[3:_HEADER]):
            return
        self._noticed = True
        if self._opening is Opening.HANDSHAKE:
            self._behave(Moment.SERVER_HELLO)
        elif self._opening is Opening.ALERT and (self._tls is None or self._mute):
            said = alert_facts(int.from_bytes(self._heard[_HEADER : _HEADER + 2]))
            self._report(Kind.ALERT, {"by": "agent", **said})

    def _tell_first(self, *, is_tls: bool) -> None:
        self._report(Kind.FIRST_BYTES, {"hex": self._heard[:_KEPT_BYTES].hex(), "tls": is_tls})

    def _behave(self, moment: Moment) -> bool:
        """Do what the behaviour asks for at this moment; tell whether we say nothing more."""
        behaviour = self._spec.behaviour
        if self._mute or self._finished or moment_of(behaviour) is not moment:
            return self._mute
        if isinstance(behaviour, Drip) and self._out is not None:
            self._out.slow_down(behaviour.bytes, behaviour.every)
        elif isinstance(behaviour, Reset):
            self._reset()
        elif isinstance(behaviour, Close):
            self._finish("FIN")
        elif isinstance(behaviour, Alert):
            self._put(records.alert(behaviour.name))
            self._report(Kind.ALERT, {"by": "peer", **alert_facts(alert_value(behaviour.name))})
            self._finish("FIN")
        self._mute = ends_at(behaviour, moment)
        return self._mute

    def _put(self, said: bytes) -> None:
        """Put bytes on the wire, whole records of TLS if that is what they are."""
        if not said or self._mute or self._finished or self._out is None:
            return
        shaped = self._reshape(said)
        self._out.say(shaped)
        if self._hello is not None and (parsed := self._hello.feed(shaped)) is not None:
            self._hello = None
            self._report(Kind.CLIENT_HELLO, parsed.to_json())

    def _finish(self, how: str) -> None:
        """End our side; what the agent still says is heard."""
        if self._finished or self._transport is None:
            return
        self._ended_by("peer", how)
        if how == "close_notify" and self._tls is not None and not self._tls.failed:
            self._tls.close()
            self._put(self._tls.outgoing())
        self._finished = True
        if self._out is not None:
            self._out.end(self._write_eof)

    def _write_eof(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            with suppress(OSError):  # the agent has reset it, as its transport is about to tell
                self._transport.write_eof()

    def _reset(self) -> None:
        self._ended_by("peer", "RST")
        if self._transport is not None and not self._transport.is_closing():
            reset(self._transport)

    def _keep(self, plain: bytes) -> None:
        self._plain += plain[: _MOST_UNREAD - len(self._plain)]

    def _ended_by(self, by: str, how: str) -> None:
        if self._closed_by is None:
            self._closed_by = (by, how)
        self._news.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds. Raises ConnectionEnded when the connection ends first."""
        await self._wait(lambda: self._lost or holds())
        if self._lost:
            raise ConnectionEnded

    async def _wait(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._news.clear()
            await self._news.wait()
