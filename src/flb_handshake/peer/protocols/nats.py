"""NATS: the server speaks first; what a client publishes is a line and so many bytes behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from flb_handshake.peer.http import Heard, Request
from flb_handshake.peer.protocols.conversation import LONGEST, Conversation, Junk, message
from flb_handshake.peer.protocols.streams import JSON, json_value

_LONGEST_LINE: Final = 4096
"""The server's own limit on a line of control (`max_control_line`)."""

_END: Final = b"\r\n"

_INFO: Final = {
    "server_id": "flb-handshake",
    "server_name": "flb-handshake",
    "version": "2.10.0",
    "proto": 1,
    "headers": False,
    "max_payload": LONGEST,
}

_PUB: Final = re.compile(
    rb"PUB[ \t]+(?P<subject>[^ \t]+)(?:[ \t]+[^ \t]+)?[ \t]+(?P<size>\d{1,9})", re.IGNORECASE
)


class NatsServer(Conversation):
    """Takes what is published; it acknowledges each if the client has asked for that."""

    NAME = "NATS"

    def __init__(self) -> None:
        super().__init__()
        self._rest = bytearray()
        self._published: re.Match[bytes] | None = None
        """The line before a payload that has not come whole."""
        self._verbose = True  # a client that does not say so is told

    def greeting(self) -> bytes:
        """What this server is: any client may wait for that."""
        return b"INFO " + json.dumps(_INFO).encode() + _END

    def turns(self, received: bytes) -> Iterator[Heard]:
        """Take bytes; give what each line, with its payload, comes to. Raises Junk."""
        self._rest += received
        while True:
            heard = self._line() if self._published is None else self._payload(self._published)
            if heard is None:
                return
            yield heard

    def _line(self) -> Heard | None:
        """What the next line comes to; None: it is not whole."""
        end = self._rest.find(_END, 0, _LONGEST_LINE + len(_END))
        if end < 0:
            if len(self._rest) > _LONGEST_LINE:
                raise _violation("Maximum Control Line Exceeded")
            return None
        line = bytes(self._rest[:end])
        del self._rest[: end + len(_END)]
        verb, _, rest = line.partition(b" ")
        match verb.upper():
            case b"CONNECT":
                return self._connect(rest)
            case b"PUB":
                return self._publish(line)
            case b"PING":
                return Heard(answer=b"PONG\r\n", answers=({"answer": "PONG"},))
            case b"PONG" | b"":
                return Heard()
            case _:
                raise _violation("Unknown Protocol Operation", line)

    def _connect(self, options: bytes) -> Heard:
        value = json_value(options)
        if not isinstance(value, dict):
            raise _violation("Parser Error", options)
        self._verbose = value.get("verbose") is not False
        return self._done()

    def _publish(self, line: bytes) -> Heard:
        published = _PUB.fullmatch(line)
        if published is None:
            raise _violation("Parser Error", line)
        if int(published["size"]) > LONGEST:
            raise _violation("Maximum Payload Violation")
        self._published = published
        return Heard()

    def _payload(self, published: re.Match[bytes]) -> Heard | None:
        """What was published; None: it has not all come."""
        size = int(published["size"])
        if len(self._rest) < size + len(_END):
            return None
        payload = bytes(self._rest[:size])
        if self._rest[size : size + len(_END)] != _END:
            raise _violation("Parser Error", payload)
        del self._rest[: size + len(_END)]
        self._published = None
        return self._done(_arrived(published["subject"], payload))

    def _done(self, *requests: Request) -> Heard:
        if not self._verbose:
            return Heard(requests=requests)
        return Heard(requests=requests, answer=b"+OK\r\n", answers=({"answer": "+OK"},))


def _arrived(subject: bytes, payload: bytes) -> Request:
    """Fluent Bit publishes an array of pairs, each of a time and a record."""
    value = json_value(payload)
    if not isinstance(value, list):
        raise Junk("no array of events")
    records: list[Any] = []
    for event in value:
        if not isinstance(event, list) or not event:
            raise Junk("no pair of time and record")
        records.append(event[-1])
    target = subject.decode("ascii", "backslashreplace")
    return message(records, len(payload), method="PUB", target=target, kind=JSON)


def _violation(error: str, line: bytes = b"") -> Junk:
    return Junk(f"{error}: {line[:60]!r}" if line else error, f"-ERR '{error}'\r\n".encode())
