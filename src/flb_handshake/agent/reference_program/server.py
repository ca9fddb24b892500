"""Speaks HTTP/1.1 as the inputs of Fluent Bit do that take HTTP; `http2.py` speaks HTTP/2.

Facts: src/http_server and src/flb_http_common.c of 5.1.1, measured.
"""

from __future__ import annotations

import re
from importlib.machinery import PathFinder

from .endpoints import Answer
from .lines import NOT_ACCEPTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from .endpoints import Endpoint
    from .listener import Connection
    from .releases import Release

_PATIENCE: Final = 10
"""How long it waits since 5.0 for more, in seconds (http_server.idle_timeout)."""

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
    """One request: `path` is without its query, `kind` the media type without its parameters.

    `lasts`: the connection does not end with it.
    """

    def __init__(
        self, method: str, target: str, content_type: str, body: bytes, *, lasts: bool = True
    ) -> None:
        self.method = method
        self.path = target.partition("?")[0]
        self.kind = content_type.partition(";")[0].strip().lower()
        self.data = body
        self.lasts = lasts

    @property
    def body(self) -> str:
        """The body as text."""
        return self.data.decode("utf-8", "replace")


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
    parted = _body(headers, rest)
    if parted is None:
        return None, data
    kind = header(headers, "content-type")
    return Request(head[1], head[2], kind, parted[0], lasts=head[3] == "1"), parted[1]


def _body(headers: str, rest: bytes) -> tuple[bytes, bytes] | None:
    """The body and what follows it; None: it is not whole yet. Raises ValueError."""
    if header(headers, "transfer-encoding").lower() == "chunked":
        return _unchunked(rest)
    length = int(header(headers, "content-length") or 0)
    if length < 0:
        raise ValueError
    return None if len(rest) < length else (rest[:length], rest[length:])


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


_HTTP_1: Final = ("http/1.1", "http/1.0")
HTTP_2: Final = "h2"


def knows_http2() -> bool:
    """Whether the program was told where the library is."""
    return PathFinder.find_spec("h2") is not None


class Http:
    """Requests, each handed to an endpoint, over one connection."""

    def __init__(
        self, default_port: int, endpoint: Endpoint, release: Release, *, http2: bool
    ) -> None:
        self.default_port = default_port
        self.offers: tuple[str, ...] = (
            ((HTTP_2, *_HTTP_1) if http2 else _HTTP_1) if release.offers_protocols else ()
        )
        self.one_at_a_time = not release.shakes_hands_aside
        self.idle = _PATIENCE if release.has_one_http_server else None
        self.refused = None if release.offers_protocols else NOT_ACCEPTED
        self._release = release
        self._endpoint = endpoint

    def listening(self, title: str, where: str) -> str | None:
        """See Conversation."""
        said = f"{title} listening on {where} with 1 worker"
        return said if self._release.has_one_http_server else None

    def failed(self, title: str, where: str) -> Sequence[str]:
        """See Conversation."""
        return (f"{title} could not start http server on {where}. Aborting",)

    def converse(self, connection: Connection) -> None:
        """See Conversation."""

        def answer(request: Request) -> Sequence[Answer]:
            return self._endpoint(request, connection)

        if connection.protocol == HTTP_2:
            # h2 takes longer to import than all of the program: only who speaks it pays for it.
            from .http2 import attend as attend_http2  # noqa: PLC0415

            attend_http2(connection.receive, connection.send, answer)
        else:
            waits = self._release.waits_after_noise
            attend(connection.receive, connection.send, answer, waits=waits)


def attend(
    receive: Callable[[], bytes],
    send: Callable[[bytes], None],
    answer: Callable[[Request], Sequence[Answer]],
    *,
    waits: bool = False,
) -> None:
    """Answers requests until the peer ends, or says what is no HTTP. Raises OSError.

    `waits`: after what is no HTTP it goes on waiting for the end of a request.
    """
    data = b""
    while received := receive():
        data += received
        while data:
            try:
                request, data = parse(data)
            except ValueError:
                if not waits:
                    return
                break
            if request is None:
                break
            for one in answer(request):
                send(response(one))
            if not request.lasts:
                return
