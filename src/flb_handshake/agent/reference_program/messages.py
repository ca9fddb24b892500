"""What `forward` and `mqtt` take from a connection: messages, and an answer to each that wants one.

Facts: plugins/in_forward and plugins/in_mqtt of 5.1.1, measured. A shared key, and topics to which
somebody subscribes, are not modelled.
"""

from __future__ import annotations

import gzip
import json
import re

from .grammar import StartError
from .packing import packed, unpacker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from .classic import Instance
    from .listener import Connection

_CONNACK: Final = b"\x20\x02\x00\x00"
_CONNECT: Final = 1
_PUBLISH: Final = 3
_PING: Final = 12
_PINGRESP: Final = b"\xd0\x00"
_PACKET: Final = re.compile(rb"(.)([\x80-\xff]{0,3}[\x00-\x7f])", re.DOTALL)


class _Spoken:
    """What both have in common: they shake hands with one at a time, and say so little."""

    offers: tuple[str, ...] = ()
    one_at_a_time: bool = True
    idle: int | None = None
    refused: str | None = "could not accept new connection"

    def __init__(self, default_port: int) -> None:
        self.default_port = default_port

    def listening(self, title: str, where: str) -> str:
        """See Conversation."""
        return f"{title} listening on {where}"

    def failed(self, title: str, where: str) -> Sequence[str]:
        """See Conversation."""
        return (f"{title} could not bind address {where}. Aborting",)


class Forward(_Spoken):
    """Fluentd's protocol, in each of its modes; who gives a chunk a name gets an answer."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(24224)
        if "shared_key" in instance.settings or "security.users" in instance.settings:
            said = "the reference agent models no shared key of in_forward"
            raise StartError(("error", said), code=255)
        self._tag = instance.settings.get("tag")

    def converse(self, connection: Connection) -> None:
        """See Conversation."""
        values = unpacker()
        while data := connection.receive():
            values.feed(data)
            try:
                for value in values:
                    self._take(connection, value)
            except (ValueError, TypeError, LookupError):
                connection.say("warn", "wrong message, skipping")
                return

    def _take(self, connection: Connection, value: Any) -> None:
        tag, entries, *rest = value
        if isinstance(entries, (list, bytes)):
            options = rest[0] if rest else None
        else:  # a single event: its time, and its record behind it
            entries, options = [[entries, rest[0]]], (rest[1:] or [None])[0]
        options = options or {}
        if isinstance(entries, bytes):
            zipped = options.get("compressed") == "gzip"
            values = unpacker()
            values.feed(gzip.decompress(entries) if zipped else entries)
            entries = list(values)
        connection.take([entry[1] for entry in entries], self._tag or tag)
        if "chunk" in options:
            connection.send(packed({"ack": options["chunk"]}))


class Mqtt(_Spoken):
    """MQTT 3.1.1: JSON that is published, with its topic."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(1883)
        self._key = instance.settings.get("payload_key")

    def converse(self, connection: Connection) -> None:
        """See Conversation."""
        rest = b""
        while data := connection.receive():
            rest += data
            while packet := _packet(rest):
                kind, body, rest = packet
                self._take(connection, kind, body)

    def _take(self, connection: Connection, kind: int, body: bytes) -> None:
        if kind >> 4 == _CONNECT:
            connection.send(_CONNACK)
        elif kind >> 4 == _PING:
            connection.send(_PINGRESP)
        elif kind >> 4 == _PUBLISH:
            end = 2 + int.from_bytes(body[:2], "big")
            topic = body[2:end].decode("utf-8", "replace")
            certain = bool(kind & 0x06)  # a quality of service that wants an answer
            start = end + 2 if certain else end
            try:
                record = json.loads(body[start:])
            except ValueError:
                record = None
            if isinstance(record, dict):
                kept = {self._key: record} if self._key else record
                connection.take([{"topic": topic, **kept}])
            else:
                connection.say("warn", "invalid JSON message, skipping")
            if certain:
                connection.send(b"\x40\x02" + body[end : end + 2])


def _packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first byte and the rest of the first packet that is whole, and what follows it."""
    head = _PACKET.match(data)
    if head is None:
        return None
    size = sum((one & 0x7F) << 7 * place for place, one in enumerate(head[2]))
    end = head.end() + size
    return (head[1][0], data[head.end() : end], data[end:]) if len(data) >= end else None
