"""HTTP/1.1 as a record protocol: what the agent posts comes out as requests, each one answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol

import h11

_KEPT_RECORDS: Final = 20
_LONGEST_BODY: Final = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One complete request: the facts of it that evidence keeps, and how many records it carried."""

    facts: dict[str, Any]
    count: int


class RecordProtocol(Protocol):
    """What an agent speaks once it is connected. More protocols follow; each is one of these."""

    def receive(self, received: bytes) -> tuple[list[Request], bytes]:
        """The requests that these bytes complete, and what to answer.

        Raises ValueError when the bytes are not of this protocol.
        """

    @property
    def status(self) -> int:
        """The status that requests are answered with."""


class HttpServer:
    """The server side of HTTP/1.1 on one connection."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self._connection = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()

    def receive(self, received: bytes) -> tuple[list[Request], bytes]:
        """See RecordProtocol."""
        requests: list[Request] = []
        answer = b""
        try:
            self._connection.receive_data(received)
            while not isinstance(
                event := self._connection.next_event(), type(h11.NEED_DATA) | type(h11.PAUSED)
            ):
                if isinstance(event, h11.Request):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > _LONGEST_BODY:
                        raise ValueError(f"a body of more than {_LONGEST_BODY} bytes")
                elif isinstance(event, h11.EndOfMessage):
                    requests.append(self._complete())
                    answer += self._answer()
                elif isinstance(event, h11.ConnectionClosed):
                    break
        except h11.RemoteProtocolError as error:
            raise ValueError(f"not HTTP/1.1: {error}") from error
        return requests, answer

    def _complete(self) -> Request:
        assert self._head is not None  # noqa: S101 # h11 gives the head before the end
        head, body = self._head, bytes(self._body)
        self._body.clear()
        kind = next((value for name, value in head.headers if name == b"content-type"), b"")
        records = _records(body)
        facts = {
            "method": head.method.decode("ascii", "replace"),
            "target": head.target.decode("ascii", "replace"),
            "content_type": kind.decode("ascii", "replace"),
            "bytes": len(body),
            "records": records[:_KEPT_RECORDS],
            "count": len(records),
        }
        return Request(facts=facts, count=len(records))

    def _answer(self) -> bytes:
        body = b"" if self.status < 400 else b"TLS is spoken on this port\n"  # noqa: PLR2004 # 4xx
        answer = b""
        for event in (
            h11.Response(
                status_code=self.status, headers=[("content-length", str(len(body)))], reason=b"-"
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            answer += self._connection.send(event) or b""
        if self._connection.our_state is h11.DONE and self._connection.their_state is h11.DONE:
            self._connection.start_next_cycle()
        return answer


def _records(body: bytes) -> list[Any]:
    """The records in a JSON body: an array's elements, else the one value; none in other bodies."""
    try:
        value = json.loads(body)
    except ValueError:
        return []
    return value if isinstance(value, list) else [value]
