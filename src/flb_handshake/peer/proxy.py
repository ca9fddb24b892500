"""An HTTP proxy before a collector: CONNECT, and a tunnel with an ordinary connection inside."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import h11

from flb_handshake.behaviours import Cleartext
from flb_handshake.model import CollectorSpec
from flb_handshake.peer.connection import Connection
from flb_handshake.peer.events import PROXY_LAYER, Kind
from flb_handshake.peer.http import HttpServer, HttpService, RecordProtocol, refusal
from flb_handshake.peer.witness import ProxyWitness, Witness

if TYPE_CHECKING:
    from OpenSSL import SSL

    from flb_handshake.peer.protocols import Spoken

_CONNECT: Final = b"CONNECT "
_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


class _Layer:
    """A listener as one of the two layers of a connection sees it."""

    def __init__(self, listener: Witness, spec: CollectorSpec, context: SSL.Context | None) -> None:
        self.spec = spec
        self.context = context
        self._listener = listener

    @property
    def spoken(self) -> Spoken:
        return self._listener.spoken

    @property
    def is_closed(self) -> bool:
        return self._listener.is_closed

    @property
    def patience(self) -> float | None:
        return self._listener.patience

    def received(self, records: int) -> None:
        self._listener.received(records)


class _Outside(_Layer):
    """What happens between the agent and the proxy."""

    def record(
        self, connection: int, kind: Kind, facts: dict[str, Any], *, owed: bool = False
    ) -> bool:
        return self._listener.record(connection, kind, {"layer": PROXY_LAYER, **facts}, owed=owed)

    def opened(self, connection: Connection) -> int:
        return self._listener.opened(connection)

    def shook_hands(self, connection: Connection) -> None:
        self._listener.shook_hands(connection)

    def ended(self, connection: Connection) -> None:
        self._listener.ended(connection)


class _Inside(_Layer):
    """What happens in the tunnel: the listener has counted this connection already."""

    def __init__(
        self,
        listener: Witness,
        spec: CollectorSpec,
        context: SSL.Context | None,
        around: tuple[Connection, int],
    ) -> None:
        super().__init__(listener, spec, context)
        self._around, self._number = around

    def record(
        self, connection: int, kind: Kind, facts: dict[str, Any], *, owed: bool = False
    ) -> bool:
        return self._listener.record(connection, kind, facts, owed=owed)

    def opened(self, _: Connection) -> int:
        return self._number

    def shook_hands(self, _: Connection) -> None:
        self._listener.shook_hands(self._around)

    def ended(self, _: Connection) -> None:
        """Leave it to the connection around this one."""


class ProxyConnection(Connection):
    """A connection to the proxy; once the tunnel is there, the collector's own is fed by it."""

    def __init__(self, listener: ProxyWitness) -> None:
        proxy = listener.spec.proxy
        assert proxy is not None  # noqa: S101 # the caller looked
        own = CollectorSpec(behaviour=Cleartext())
        if proxy.chain is not None:
            own = CollectorSpec(chain=proxy.chain)
        super().__init__(_Outside(listener, own, listener.proxy_context))
        self._serves_tls = proxy.chain is not None
        self._behind = listener
        self._collector = (listener.spec, listener.context)
        self._status = HTTPStatus(proxy.status)
        self._asked = b""
        self._is_connect: bool | None = None
        self._http = h11.Connection(h11.SERVER)
        self._inner: Connection | None = None

    def eof_received(self) -> bool:
        """Pass it on, and end once the inner connection has said everything."""
        waits = self._inner is not None and self._inner.eof_received()
        return super().eof_received() or waits

    def connection_lost(self, exc: Exception | None) -> None:
        """Both end alike, the inner one first."""
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.closed_by = inner.closed_by or self.closed_by
            self.closed_by = inner.closed_by
            inner.connection_lost(exc)
        super().connection_lost(exc)

    def say(self, tunnelled: bytes) -> None:
        """Say what the inner connection writes."""
        self._say(tunnelled)

    def end(self) -> None:
        """End our side: the inner connection has."""
        self._finish("FIN" if self._tls is None else "close_notify")

    def _on_records(self, plain: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(plain)
            return
        if self._is_connect is None:
            self._asked += plain
            plain = self._asked
            if len(plain) < len(_CONNECT) and _CONNECT.startswith(plain):
                return
            is_met = self._serves_tls is (self._tls is not None)
            self._is_connect = is_met and plain.startswith(_CONNECT)
        if self._is_connect:
            self._read_connect(plain)
        else:
            super()._on_records(plain)

    def _protocol(self) -> RecordProtocol:
        """What is spoken with an agent that wants no tunnel."""
        return HttpServer(HttpService(status=HTTPStatus.METHOD_NOT_ALLOWED))

    def _read_connect(self, plain: bytes) -> None:
        try:
            self._http.receive_data(plain)
            event = self._http.next_event()
            while event is not h11.NEED_DATA and event is not h11.PAUSED:
                if isinstance(event, h11.Request):
                    self._report_connect(event)
                event = self._http.next_event()
        except h11.RemoteProtocolError:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if event is h11.NEED_DATA:
            return
        if self._status is HTTPStatus.OK:
            self._tunnel(self._http.trailing_data[0])
        else:
            self._refuse(self._status)

    def _report_connect(self, asked: h11.Request) -> None:
        authorized = any(name == b"proxy-authorization" for name, _ in asked.headers)
        target = asked.target.decode("ascii", "replace")
        self._report(Kind.CONNECT, {"target": target, "authorization": authorized})

    def _refuse(self, status: HTTPStatus) -> None:
        self._say(refusal(status))
        self._report(Kind.RESPONSE, {"status": status.value})
        self.end()

    def _tunnel(self, first: bytes) -> None:
        """Let the collector take over, with what came in behind the CONNECT."""
        assert self._transport is not None  # noqa: S101 # connected
        self._say(_ESTABLISHED)
        self._report(Kind.RESPONSE, {"status": self._status.value})
        inside = _Inside(self._behind, *self._collector, (self, self._number))
        self._inner = Connection(inside)
        self._inner.connection_made(_Tunnel(self, self._transport))
        if first:
            self._inner.data_received(first)


class _Tunnel(asyncio.Transport):
    """What the inner connection takes for its transport."""

    def __init__(self, around: ProxyConnection, transport: asyncio.Transport) -> None:
        super().__init__()
        self._around = around
        self._transport = transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell of the socket, which both share."""
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether nothing more can be said."""
        return self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Say it through the proxy."""
        self._around.say(bytes(data))

    def write_eof(self) -> None:
        """End the tunnel from our side."""
        self._around.end()

    def close(self) -> None:
        """End the connection once everything is said."""
        self._around.end()
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Take no more from the agent for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more again."""
        self._transport.resume_reading()
