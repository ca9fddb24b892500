"""What comes over UDP: the datagrams of each sender, as a connection of their own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from flb_handshake.peer import dtls
from flb_handshake.peer.connection import Connection
from flb_handshake.peer.http import RecordProtocol
from flb_handshake.peer.protocols.conversation import Unpacked

if TYPE_CHECKING:
    from flb_handshake.peer.witness import DatagramWitness

Address: TypeAlias = tuple[Any, ...]


class DatagramConnection(Connection):
    """A connection whose bytes come in datagrams, each with messages of its own."""

    _opens = staticmethod(dtls.opening)
    _HelloParser = dtls.DtlsHelloParser
    _Endpoint = dtls.DtlsEndpoint
    _HEADER = dtls.HEADER

    def __init__(self, listener: DatagramWitness) -> None:
        super().__init__(listener)
        self._context = listener.datagram_context

    def _heard_by(self, conversation: RecordProtocol) -> RecordProtocol:
        """In DTLS a message has its mark at the end, as in a stream: it is Fluent Bit's way."""
        unpack = self._spoken.unpack
        if unpack is None or self._tls is not None:
            return conversation
        return Unpacked(conversation, unpack)

    def _refuse_tls(self) -> None:
        """Take no notice: a server without DTLS finds no message in a ClientHello."""
        self._deaf = True

    def _finish(self, how: str) -> None:
        super()._finish("alert" if self._tls is not None and self._tls.failed else how)

    def _await_end(self) -> None:
        """Hold it to be over: with the agent's alert it is, and nothing comes behind it."""
        self._ended_by("agent", "alert")
        super()._finish("alert")


class Ear(asyncio.DatagramProtocol):
    """Listens for datagrams, and tells their senders apart."""

    def __init__(self, welcome: Callable[[], Connection]) -> None:
        self._welcome = welcome
        self._transport: asyncio.DatagramTransport | None = None
        self._flows: dict[Address, _Flow] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the port is bound."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # no subclass before 3.12

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Hand it to the connection of its sender; one that has ended begins anew."""
        assert self._transport is not None  # noqa: S101 # connected
        flow = self._flows.get(addr)
        if flow is None:
            if dtls.is_stray(data):
                return
            flow = self._flows[addr] = _Flow(self._transport, addr, self._welcome(), self._forget)
            flow.begin()
        flow.hear(data)

    def close(self) -> None:
        """Listen no more."""
        if self._transport is not None:
            self._transport.close()

    def _forget(self, addr: Address) -> None:
        self._flows.pop(addr, None)


class _Flow(asyncio.Transport):
    """What a connection takes for its transport: the way to one sender of datagrams."""

    def __init__(
        self,
        transport: asyncio.DatagramTransport,
        addr: Address,
        connection: Connection,
        forget: Callable[[Address], None],
    ) -> None:
        super().__init__()
        self._transport = transport
        self._addr = addr
        self._connection = connection
        self._forget = forget
        self._closing = False

    def begin(self) -> None:
        """Tell the connection that there is somebody."""
        self._connection.connection_made(self)

    def hear(self, datagram: bytes) -> None:
        """Give a datagram to the connection; an empty one says nothing."""
        if datagram and not self._closing:
            self._connection.data_received(datagram)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell of the sender, and of the socket, which all senders share."""
        if name == "peername":
            return self._addr
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether nothing more can be said."""
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Say it, each record in a datagram of its own."""
        for record in dtls.records(bytes(data)):
            if not self._closing:
                self._transport.sendto(record, self._addr)

    def write_eof(self) -> None:
        """End it: the other side will not say that it has heard."""
        self.close()

    def close(self) -> None:
        """End it."""
        if not self._closing:
            self._closing = True
            self._forget(self._addr)
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)

    def abort(self) -> None:
        """End it."""
        self.close()

    def pause_reading(self) -> None:
        """Nothing waits to be read: what is not taken at once is lost."""

    def resume_reading(self) -> None:
        """Nothing has waited."""


async def listen(bind: str, port: int, welcome: Callable[[], Connection]) -> Ear:
    """Listen for datagrams on this very port. Raises OSError when it is taken."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.bind((bind, port))
        bound.setblocking(False)
        ear = Ear(welcome)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: ear, sock=bound)
    except BaseException:
        bound.close()
        raise
    return ear
