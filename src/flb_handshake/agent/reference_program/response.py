"""Reads the response to a chunk as Fluent Bit does.

Facts: src/flb_http_client.c of 5.1.1, measured.
"""

from __future__ import annotations

import re
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Final

_MOST: Final = 1 << 20
"""The longest response that is read."""


def piece(connection: socket.socket) -> bytes:
    """What came. Raises OSError, also if the peer ends."""
    data = connection.recv(1 << 16)
    if data:
        return data
    if isinstance(connection, ssl.SSLSocket):
        raise ssl.SSLZeroReturnError
    raise ConnectionResetError


class MalformedError(OSError):
    """What came is no HTTP response."""


class PartialError(TimeoutError):
    """A part of a response came in time, and the rest did not."""


class Response:
    """A response; `closes`: the peer keeps the connection no longer."""

    def __init__(self, status: int, body: bytes, *, closes: bool = False) -> None:
        self.status = status
        self.body = body.decode("utf-8", "replace")
        self.closes = closes

    @classmethod
    def read(cls, connection: socket.socket) -> Response:
        """Reads one response. Raises OSError, also if the peer ends before it is whole."""
        received = b""
        while len(received) < _MOST:
            try:
                received += piece(connection)
            except TimeoutError as error:
                raise PartialError(str(error)) if received else error from None
            raw, found, body = received.partition(b"\r\n\r\n")
            if len(received) > 14 and not 100 <= _status(received) <= 599:  # noqa: PLR2004 # as Fluent Bit
                break
            head = raw.decode("latin-1")
            length = re.search(r"\r\ncontent-length:\s*(\d+)", head, re.IGNORECASE)
            chunked = re.search(r"\r\ntransfer-encoding:\s*chunked", head, re.IGNORECASE)
            whole = len(body) >= int(length[1]) if length else True
            if chunked and not length:
                whole = body.endswith(b"0\r\n\r\n")
                body = re.sub(rb"(?:\A|\r\n)[0-9A-Fa-f]+\r\n", b"", body).removesuffix(b"\r\n")
            if found and whole:
                closes = re.search(r"\r\nconnection:\s*close", head, re.IGNORECASE) is not None
                return cls(_status(received), body, closes=closes)
        raise MalformedError


def _status(received: bytes) -> int:
    text = received[9:12]
    return int(text) if text.isdigit() else 0
