"""Speaks HTTP/1.1 as the inputs of Fluent Bit do that take HTTP; HTTP/2 it does not speak.

Facts: src/http_server and src/flb_http_common.c of 5.1.1, measured.
"""

from __future__ import annotations

import re

from .endpoints import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from .endpoints import Endpoint
    from .listener import Connection

_MOST: Final = 4 << 20
"""The longest request that is read (http_server.buffer_max_size)."""

_REQUEST_LINE: Final = re.compile(r"([A-Z]+) (/\S*) HTTP/1\.([01])\r\n")
_REASONS: Final = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
}


class Request:
    """One request: `path` is without its query, `kind` the media type without its parameters."""

    def __init__(self, head: re.Match[str], headers: str, body: bytes) -> None:
        self.method = head[1]
        self.path = head[2].partition("?")[0]
        self.lasts = head[3] == "1"
        self.kind = header(headers, "content-type").partition(";")[0].strip().lower()
        self.body = body.decode("utf-8", "replace")


def header(headers: str, name: str) -> str:
    """The value of a header; nothing, if it is not there."""
    match = re.search(rf"(?:^|\r\n){name}:[ \t]*([^\r\n]*)", headers, re.IGNORECASE)
    return match[1] if match else ""


def parse(data: bytes) -> tuple[Request | None, bytes]:
    """The first request that is whole, and what follows it. Raises ValueError, if it is none."""
    raw, found, rest = data.partition(b"\r\n\r\n")
    if not data[:1].isalpha() or len(data) > _MOST:
        raise ValueError
    text = raw.decode("latin-1")
    head = _REQUEST_LINE.match(text + "\r\n")
    if not found or head is None:
        return None, data
    headers = text[head.end() :]
    if header(headers, "transfer-encoding").lower() == "chunked":
        body = _unchunked(rest)
        return (None, data) if body is None else (Request(head, headers, body[0]), body[1])
    length = int(header(headers, "content-length") or 0)
    if length < 0:
        raise ValueError
    if len(rest) < length:
        return None, data
    return Request(head, headers, rest[:length]), rest[length:]


def _unchunked(data: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while match := re.match(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n", data):
        size = int(match[1], 16)
        end = match.end() + size
        if data[end : end + 2] != b"\r\n":
            return None
        if not size:
            return body, data[end + 2 :]
        body += data[match.end() : end]
        data = data[end + 2 :]
    return None


def response(answer: Answer) -> bytes:
    """An answer as it is sent."""
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'OK')}"]
    lines += ["server: Fluent Bit", "x-http-engine: Monkey heritage"]
    if answer.json:
        lines.append("content-type: application/json")
    lines.append(f"content-length: {len(answer.body)}")
    return "\r\n".join((*lines, "", answer.body)).encode()


class Http:
    """Requests, each handed to an endpoint, over one connection."""

    offers: str | None = "http/1.1"
    one_at_a_time: bool = False
    idle: int | None = 10
    refused: str | None = None

    def __init__(self, default_port: int, endpoint: Endpoint) -> None:
        self.default_port = default_port
        self._endpoint = endpoint

    def listening(self, title: str, where: str) -> str:
        """See Conversation."""
        return f"{title} listening on {where} with 1 worker"

    def failed(self, title: str, where: str) -> Sequence[str]:
        """See Conversation."""
        return (f"{title} could not start http server on {where}. Aborting",)

    def converse(self, connection: Connection) -> None:
        """See Conversation."""

        def answer(request: Request) -> Sequence[Answer]:
            return self._endpoint(request, connection)

        attend(connection.receive, connection.send, answer)


def attend(
    receive: Callable[[], bytes],
    send: Callable[[bytes], None],
    answer: Callable[[Request], Sequence[Answer]],
) -> None:
    """Answers requests until the peer ends, or says what is no HTTP. Raises OSError."""
    data = b""
    while received := receive():
        data += received
        while data:
            try:
                request, data = parse(data)
            except ValueError:
                return
            if request is None:
                break
            for one in answer(request):
                send(response(one))
            if not request.lasts:
                return
