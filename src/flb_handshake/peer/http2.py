"""HTTP/2 as a record protocol: every request has one answer, and so has every call of gRPC."""

from __future__ import annotations

from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import H2Error

from flb_handshake.peer.http import (
    LONGEST_BODY,
    Heard,
    HttpServer,
    HttpService,
    RecordProtocol,
    Request,
    read,
)

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client begins with (RFC 9113, section 3.4)."""

_GRPC: Final = b"application/grpc"
"""The media type of calls, to which their encoding may be added."""


class Http2Server:
    """The server side of HTTP/2 on one connection: every whole request gets the same status."""

    def __init__(self, service: HttpService) -> None:
        self._service = service
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
                        answers.append({"status": self._service.status.value})
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
        called = self._service.grpc
        if called is not None and head.get(b"content-type", b"").startswith(_GRPC):
            service = called
            self._answer_call(number, service)
        else:
            service = self._service
            self._answer(number, service)
        return read(
            service,
            method=head.get(b":method", b""),
            target=head.get(b":path", b""),
            headers=head,
            body=body,
        )

    def _answer_call(self, number: int, service: HttpService) -> None:
        head = [(":status", str(service.status.value)), ("content-type", service.content_type)]
        self._connection.send_headers(number, head)
        self._connection.send_data(number, service.answer)
        self._connection.send_headers(number, [("grpc-status", "0")], end_stream=True)

    def _answer(self, number: int, service: HttpService) -> None:
        head = [
            (":status", str(service.status.value)),
            ("content-length", str(len(service.answer))),
        ]
        self._connection.send_headers(number, head, end_stream=not service.answer)
        if service.answer:
            self._connection.send_data(number, service.answer, end_stream=True)

    def _forget(self, number: int) -> None:
        self._heads.pop(number, None)
        self._bodies.pop(number, None)


class EitherHttp:
    """HTTP/1.1, or HTTP/2 with an agent that begins with it without asking (RFC 9113, 3.3)."""

    def __init__(self, service: HttpService) -> None:
        self._service = service
        self._first = b""
        self._chosen: RecordProtocol | None = None

    def receive(self, received: bytes) -> Heard:
        """Take bytes, which say with their first ones what is spoken."""
        if self._chosen is None:
            self._first += received
            if len(self._first) < len(_PREFACE) and _PREFACE.startswith(self._first):
                return Heard()
            is_http2 = self._first.startswith(_PREFACE)
            self._chosen = (Http2Server if is_http2 else HttpServer)(self._service)
            received, self._first = self._first, b""
        return self._chosen.receive(received)
