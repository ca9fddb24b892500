"""A shipper's requests over its own connections, in HTTP/1.1 and in HTTP/2.

A request is written without waiting for the agent, nor for other shippers: it takes no turn of the
event loop but what writing takes, whatever else goes on in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

import h11
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import H2Error

from flb_handshake.peer.client_connection import ClientConnection, ConnectionEnded
from flb_handshake.peer.shipping import Post, pieces

if TYPE_CHECKING:
    from flb_handshake.peer.shipping import Record

_OURS: Final = {"User-Agent": "flb-handshake", "Accept": "*/*"}


class Client(Protocol):
    """One side of a conversation in HTTP, which can hold several requests."""

    is_over: bool
    """No further request can be made."""

    def send(self, post: Post, scheme: str, authority: str) -> AsyncIterator[bytes]:
        """What is to be written for a request, piece by piece."""

    async def answer(self) -> int | None:
        """The status of the whole answer to it; None: the agent ended, or spoke no HTTP."""


def client(connection: ClientConnection) -> Client:
    """Make a client that speaks what was agreed on for this connection."""
    return Http2Client(connection) if connection.alpn == "h2" else Http1Client(connection)


async def post(
    connection: ClientConnection, made: Client, post: Post, authority: str, record: Record
) -> None:
    """Ship one record in a request; an answer that comes before its end is heard too."""
    scheme = "https" if connection.is_secured else "http"
    with suppress(ConnectionEnded):
        async for piece in made.send(post, scheme, authority):
            await connection.write(piece)
        connection.handed_over(record, len(post.body))
    status = await made.answer()
    if status is not None:
        connection.answered(status=status)


class Http1Client:
    """See Client; one request after another (RFC 9112)."""

    def __init__(self, connection: ClientConnection) -> None:
        """Begin a conversation."""
        self.is_over = False
        self._connection = connection
        self._http = h11.Connection(our_role=h11.CLIENT)

    async def send(self, post: Post, scheme: str, authority: str) -> AsyncIterator[bytes]:  # noqa: ARG002 # HTTP/1.1 does not say it
        """See Client."""
        headers = {"Host": authority, **_OURS, **_headers(post)}
        yield self._said(h11.Request(method="POST", target=post.target, headers=[*headers.items()]))
        async for piece in pieces(self._connection, post.body):
            yield self._said(h11.Data(data=piece))
        self._said(h11.EndOfMessage())

    async def answer(self) -> int | None:
        """See Client."""
        status = None
        event: object = None
        try:
            while not isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                event = await self._event()
                status = event.status_code if isinstance(event, h11.Response) else status
        except h11.RemoteProtocolError:
            event = None
        self.is_over = {self._http.our_state, self._http.their_state} != {h11.DONE}
        if not self.is_over:
            self._http.start_next_cycle()
        return status if isinstance(event, h11.EndOfMessage) else None

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._connection.read())
        return event

    def _said(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> bytes:
        return self._http.send(event) or b""


class Http2Client:
    """See Client; a stream for each request (RFC 9113).

    The end of a request comes with the last of its body: Fluent Bit 5.1.1 crashes (SIGSEGV,
    measured with five inputs) when it reads an empty DATA frame of its own that ends a stream.
    """

    def __init__(self, connection: ClientConnection) -> None:
        """Begin a conversation."""
        self.is_over = False
        self._connection = connection
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._http.initiate_connection()
        self._stream = 0

    async def send(self, post: Post, scheme: str, authority: str) -> AsyncIterator[bytes]:
        """See Client. A body is one frame, which ours are small enough for."""
        self._stream = self._http.get_next_available_stream_id()
        pseudo = {
            ":method": "POST",
            ":scheme": scheme,
            ":authority": authority,
            ":path": post.target,
        }
        headers = {name.lower(): value for name, value in {**_OURS, **_headers(post)}.items()}
        self._http.send_headers(self._stream, [*(pseudo | headers).items()])
        yield self._http.data_to_send()
        sent = 0
        async for piece in pieces(self._connection, post.body):
            sent += len(piece)
            self._http.send_data(self._stream, piece, end_stream=sent == len(post.body))
            yield self._http.data_to_send()

    async def answer(self) -> int | None:
        """See Client."""
        status = None
        while heard := await self._connection.read():
            try:
                events = self._http.receive_data(heard)
            except H2Error:
                break
            for event in events:
                match event:
                    case ResponseReceived(stream_id=self._stream, headers=headers):
                        status = _status(dict(headers or ()))
                    case DataReceived(stream_id=number, flow_controlled_length=length):
                        self._http.acknowledge_received_data(length or 0, number)
                    case StreamEnded(stream_id=self._stream):
                        await self._say()
                        return status
                    case StreamReset() | ConnectionTerminated():
                        self.is_over = True
                        return None
            await self._say()
        self.is_over = True
        return None

    async def _say(self) -> None:
        """Acknowledge what h2 has been told, to an agent that still listens."""
        if said := self._http.data_to_send():
            with suppress(ConnectionEnded):
                await self._connection.write(said)


def _status(headers: Mapping[bytes, bytes]) -> int | None:
    said = headers.get(b":status", b"")
    return int(said) if said.isdigit() else None


def _headers(post: Post) -> dict[str, str]:
    return {**post.headers, "Content-Length": str(len(post.body))}
