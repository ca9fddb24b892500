"""HTTP/2 as a record protocol, where it was agreed on by ALPN: every request has one answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import H2Error

from flb_handshake.peer.http import LONGEST_BODY, Heard, Request, read


class Http2Server:
    """The server side of HTTP/2 on one connection: every whole request gets the same status."""

    def __init__(self, status: HTTPStatus = HTTPStatus.CREATED) -> None:
        self._status = status
        self._connection = H2Connection(
            H2Configuration(client_side=False, header_encoding=None, logger=None)
        )
        self._connection.initiate_connection()
        self._heads: dict[int, dict[bytes, bytes]] = {}
        self._bodies: dict[int, bytearray] = {}
        self._over = False

    def receive(self, received: bytes) -> Heard:
        """Take bytes; what comes after the end of the conversation is not looked at."""
        requests: list[Request] = []
        answers: list[dict[str, Any]] = []
        if not self._over:
            try:
                for event in self._connection.receive_data(received):
                    request = self._on_event(event)
                    if request is not None:
                        requests.append(request)
                        answers.append({"status": self._status.value})
            except H2Error as error:
                answers.append({"status": 0, "reason": f"not HTTP/2: {error}"})
                self._over = True
        return Heard(
            requests=tuple(requests),
            answer=self._connection.data_to_send(),
            answers=tuple(answers),
            over=self._over,
        )

    def _on_event(self, event: object) -> Request | None:
        match event:
            case RequestReceived(stream_id=number, headers=headers):
                self._heads[number] = {bytes(name): bytes(value) for name, value in headers or ()}
                self._bodies[number] = bytearray()
            case DataReceived(stream_id=number, data=data, flow_controlled_length=length):
                self._on_data(number, data or b"", length or 0)
            case StreamEnded(stream_id=number) if number in self._heads:
                return self._complete(number)
            case StreamReset(stream_id=number):
                self._forget(number)
            case ConnectionTerminated():
                self._over = True
        return None

    def _on_data(self, number: int, data: bytes, length: int) -> None:
        self._connection.acknowledge_received_data(length, number)
        body = self._bodies.get(number)
        if body is None:
            return
        body += data
        if len(body) > LONGEST_BODY:
            self._connection.reset_stream(number, ErrorCodes.ENHANCE_YOUR_CALM)
            self._forget(number)

    def _complete(self, number: int) -> Request:
        head, body = self._heads[number], bytes(self._bodies[number])
        self._forget(number)
        status = [(":status", str(self._status.value)), ("content-length", "0")]
        self._connection.send_headers(number, status, end_stream=True)
        return read(
            method=head.get(b":method", b""),
            target=head.get(b":path", b""),
            content_type=head.get(b"content-type", b""),
            body=body,
        )

    def _forget(self, number: int) -> None:
        self._heads.pop(number, None)
        self._bodies.pop(number, None)
