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


class MalformedError(OSError):
    """What came is no HTTP response."""


class Response:
    """A response; `closes`: the peer keeps the connection no longer."""

    def __init__(self, head: str, body: bytes) -> None:
        self.status = int(head[9:12])
        self.body = body.decode("utf-8", "replace")
        self.closes = re.search(r"\r\nconnection:\s*close", head, re.IGNORECASE) is not None

    @classmethod
    def read(cls, connection: socket.socket) -> Response:
        """Reads one response. Raises OSError, also if the peer ends before it is whole."""
        received = b""
        while len(received) < _MOST:
            data = connection.recv(1 << 16)
            if not data:
                if isinstance(connection, ssl.SSLSocket):
                    raise ssl.SSLZeroReturnError
                raise ConnectionResetError
            received += data
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
                return cls(head, body)
        raise MalformedError


def _status(received: bytes) -> int:
    text = received[9:12]
    return int(text) if text.isdigit() else 0
