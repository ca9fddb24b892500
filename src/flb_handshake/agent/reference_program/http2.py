"""Speaks HTTP/2, as inputs that take HTTP do and `opentelemetry` outputs: one request each stream.

It needs `h2`, the library with which this project's peers speak HTTP/2. HPACK and flow control by
hand would be three times as long as this file.

Facts: src/http_server/flb_http_server_http2.c and src/flb_http_client_http2.c of 5.1.1, measured.
That its inputs crash (SIGSEGV) at the second request of a connection is not modelled.
"""

from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import H2Error

from .response import MalformedError, Response, piece
from .server import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Sequence

    from h2.events import Event

    from .endpoints import Answer


def attend(
    receive: Callable[[], bytes],
    send: Callable[[bytes], None],
    answer: Callable[[Request], Sequence[Answer]],
) -> None:
    """Answers requests until the peer ends, or says what is no HTTP/2. Raises OSError."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
    connection.initiate_connection()
    heads: dict[int, dict[str, str]] = {}
    bodies: dict[int, bytes] = {}
    over = False
    while not over:
        send(connection.data_to_send())
        received = receive()
        try:
            events = connection.receive_data(received)
        except H2Error:
            return
        for event in events:
            if isinstance(event, RequestReceived):
                heads[event.stream_id] = {str(name): str(value) for name, value in event.headers}
            elif isinstance(event, DataReceived):
                number = event.stream_id
                bodies[number] = bodies.get(number, b"") + event.data
                connection.acknowledge_received_data(event.flow_controlled_length, number)
            elif isinstance(event, StreamEnded):
                number = event.stream_id
                asked = _request(heads.pop(number), bodies.pop(number, b""))
                _answer(connection, number, answer(asked))
            elif isinstance(event, ConnectionTerminated):
                over = True
        over = over or not received


def _head(headers: Iterable[tuple[object, object]]) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers}


def _request(head: dict[str, str], body: bytes) -> Request:
    kind = head.get("content-type", "")
    return Request(head.get(":method", ""), head.get(":path", "/"), kind, body)


def _answer(connection: H2Connection, number: int, answers: Sequence[Answer]) -> None:
    """Gives the first answer: a stream has room for no other."""
    for one in answers[:1]:
        head = [(":status", str(one.status))]
        if one.json:
            head.append(("content-type", "application/json"))
        connection.send_headers(number, head, end_stream=not one.body)
        if one.body:
            connection.send_data(number, one.body.encode(), end_stream=True)


class Client:
    """The client side of one connection. Raises OSError."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._http2 = H2Connection(H2Configuration(header_encoding="latin-1"))
        self._http2.initiate_connection()

    def exchange(self, head: list[tuple[str, str]], body: bytes) -> Response:
        """Sends a request and waits for its response."""
        number = self._http2.get_next_available_stream_id()
        self._http2.send_headers(number, head)
        came = bytearray()
        status = 0
        while True:
            body = self._send(number, body)
            for event in self._received():
                if isinstance(event, ResponseReceived):
                    status = int(_head(event.headers)[":status"])
                elif isinstance(event, DataReceived):
                    came += event.data
                    length = event.flow_controlled_length
                    self._http2.acknowledge_received_data(length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    self._socket.sendall(self._http2.data_to_send())
                    return Response(status, bytes(came))
                elif isinstance(event, (ConnectionTerminated, StreamReset)):
                    raise MalformedError

    def _send(self, number: int, body: bytes) -> bytes:
        """Sends as much as the peer takes now; the rest."""
        while body:
            room = self._http2.local_flow_control_window(number)
            size = min(room, self._http2.max_outbound_frame_size)
            if not size:
                break
            self._http2.send_data(number, body[:size], end_stream=size >= len(body))
            body = body[size:]
        self._socket.sendall(self._http2.data_to_send())
        return body

    def _received(self) -> list[Event]:
        try:
            return self._http2.receive_data(piece(self._socket))
        except H2Error:
            raise MalformedError from None
