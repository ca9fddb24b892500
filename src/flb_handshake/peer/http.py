"""HTTP/1.1 as a record protocol: what the agent posts comes out as requests, each one answered."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

import h11

_KEPT_RECORDS: Final = 20
_KEPT_RECORD_BYTES: Final = 64 << 10
"""Per request: further records are counted, not kept."""

_KEPT_BODY: Final = 200
"""Characters kept of a body that holds no records."""

LONGEST_BODY: Final = 4 << 20

_GZIP: Final = zlib.MAX_WBITS | 16
"""Which tells zlib that a header of gzip's comes first."""

_SPOKEN: Final = frozenset({b"1.0", b"1.1"})
"""h11 takes the preface of HTTP/2 for a request of that version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One complete request: the facts that evidence keeps, and how many records it carries."""

    facts: dict[str, Any]
    count: int
    """Of the records that are waited for. What nobody can count is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What some bytes from the agent came to."""

    requests: tuple[Request, ...] = ()
    answer: bytes = b""
    """What to say in return."""
    answers: tuple[dict[str, Any], ...] = ()
    """The facts of each answer in it: `status`, and `reason` where one was refused."""
    over: bool = False
    """Whether the conversation ends with this answer."""


def json_records(body: bytes) -> list[Any]:
    """The records of a JSON body: an array's elements, else the one value; of others, none."""
    try:
        # NaN and the infinities are no JSON, and evidence is: they stay words.
        value = json.loads(body, parse_constant=str)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpService:
    """What is behind HTTP: how its bodies are read, and what it answers to every request."""

    records: Callable[[bytes], list[Any]] = json_records
    """The records in a body; never raises."""
    status: HTTPStatus = HTTPStatus.CREATED
    answer: bytes = b""
    content_type: str = "application/json"
    asks_first: bool = False
    """Whether an agent begins with requests that bring no records."""
    grpc: HttpService | None = None
    """What is behind it for calls of gRPC, which come over HTTP/2 and have a media type of their
    own; the status of their answer comes behind it."""


REFUSES: Final = HttpService(status=HTTPStatus.BAD_REQUEST)
"""What a port of TLS says to HTTP without."""


def read(
    service: HttpService,
    *,
    method: bytes,
    target: bytes,
    headers: Mapping[bytes, bytes],
    body: bytes,
) -> Request:
    """The request of which these are the parts, whatever version of HTTP brought them."""
    records = service.records(_uncompressed(body, headers.get(b"content-encoding", b"")))
    content_type = headers.get(b"content-type", b"")
    facts = {
        "method": method.decode("ascii", "replace"),
        "target": target.decode("ascii", "replace"),
        "content_type": content_type.decode("ascii", "replace"),
        "bytes": len(body),
        "records": kept_records(records, len(body)),
        "count": len(records),
        "body": "" if records else body[:_KEPT_BODY].decode("ascii", "backslashreplace"),
    }
    count = len(records) if service.asks_first else max(len(records), 1)
    return Request(facts=facts, count=count)


class RecordProtocol(Protocol):
    """What an agent speaks once it is connected. More protocols follow; each is one of these."""

    def receive(self, received: bytes) -> Heard:
        """Take bytes; give the requests that they complete, and the answer. Never raises."""


class HttpServer:
    """The server side of HTTP/1.1 on one connection: every whole request gets the same status."""

    def __init__(self, service: HttpService) -> None:
        self._service = service
        self._connection = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._over = False

    def receive(self, received: bytes) -> Heard:
        """Take bytes; what comes after the end of the conversation is not looked at."""
        requests: list[Request] = []
        answers: list[dict[str, Any]] = []
        answer = b""
        if received and not self._over:
            try:
                self._connection.receive_data(received)
                for request, said in iter(self._next, None):
                    answer += said
                    if request is not None:
                        requests.append(request)
                        answers.append({"status": self._service.status.value})
            except (h11.ProtocolError, _TooLong) as error:
                status = _status_of(error)
                answer += refusal(status)
                answers.append({"status": status.value, "reason": f"not HTTP/1.1: {error}"})
                self._over = True
                self._body.clear()
        return Heard(
            requests=tuple(requests), answer=answer, answers=tuple(answers), over=self._over
        )

    def _next(self) -> tuple[Request | None, bytes] | None:
        """Give the next request and what is said to it; None when more bytes are needed first."""
        while not self._over:
            event = self._connection.next_event()
            if isinstance(event, h11.Request):
                if event.http_version not in _SPOKEN:
                    raise h11.RemoteProtocolError("HTTP/2 where nothing was agreed on")
                self._head = event
                if self._connection.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    return None, self._connection.send(go_on) or b""
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > LONGEST_BODY:
                    raise _TooLong
            elif isinstance(event, h11.EndOfMessage):
                return self._complete(), self._answer()
            else:
                return None
        return None

    def _complete(self) -> Request:
        assert self._head is not None  # noqa: S101 # h11 gives the head before the end
        head, body = self._head, bytes(self._body)
        self._body.clear()
        return read(
            self._service,
            method=head.method,
            target=head.target,
            headers=dict(head.headers),
            body=body,
        )

    def _answer(self) -> bytes:
        status, body = self._service.status, self._service.answer
        headers = [("Content-Length", str(len(body)))]
        if body:
            headers.append(("Content-Type", self._service.content_type))
        head = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        answer = self._connection.send(head) or b""
        if self._connection.our_state is h11.SEND_BODY:  # else it was a CONNECT: nothing follows
            answer += self._connection.send(h11.Data(data=body)) or b""
            answer += self._connection.send(h11.EndOfMessage()) or b""
        if self._connection.our_state is h11.DONE and self._connection.their_state is h11.DONE:
            self._connection.start_next_cycle()
        else:
            self._over = True
        return answer


class _TooLong(Exception):  # it never leaves this module
    """A body over the limit."""

    def __str__(self) -> str:
        return f"a body of more than {LONGEST_BODY} bytes"


def refusal(status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> bytes:
    """Say no in HTTP/1.1, outside of any conversation, and that the connection ends."""
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def _status_of(error: h11.ProtocolError | _TooLong) -> HTTPStatus:
    if isinstance(error, _TooLong):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return HTTPStatus(error.error_status_hint)


def _uncompressed(body: bytes, encoding: bytes) -> bytes:
    """The body as it was before gzip; what is no gzip, or has no end, is left as it is."""
    if encoding.lower() != b"gzip":
        return body
    try:
        return zlib.decompressobj(_GZIP).decompress(body, LONGEST_BODY)
    except zlib.error:
        return body


def kept_records(records: list[Any], size: int) -> list[Any]:
    """Keep the first records, as far as evidence has room; `size` is that of their body."""
    kept = records[:_KEPT_RECORDS]
    if size <= _KEPT_RECORD_BYTES:
        return kept
    room = _KEPT_RECORD_BYTES
    for index, record in enumerate(kept):
        room -= len(json.dumps(record))
        if room < 0:
            return kept[:index]
    return kept
