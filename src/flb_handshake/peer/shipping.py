"""What a shipper says in each protocol, and what it takes for an answer.

Everything here ends early, and silently, when the agent answers what its protocol does not know.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgpack  # type: ignore[import-untyped]

from flb_handshake.peer import remote_write
from flb_handshake.peer.protobuf import varint

if TYPE_CHECKING:
    from flb_handshake.peer.client_connection import ClientConnection

Record: TypeAlias = Mapping[str, Any]

Speak: TypeAlias = "Callable[[ClientConnection, Record], Awaitable[None]]"
"""Ships one record over an open connection, and waits for the answer if there is to be one.

Raises ConnectionEnded.
"""

_NAME: Final = "flb-handshake"

_LONGEST_ANSWER: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Post:
    """An HTTP request with one record in it."""

    target: str
    headers: Mapping[str, str]
    body: bytes


def json_post(record: Record) -> Post:
    """What `in_http` takes: an array of records."""
    return _json("/", [record])


def bulk_post(record: Record) -> Post:
    """What `in_elasticsearch` takes: an action and its document, a line each."""
    lines = json.dumps({"create": {"_index": _NAME}}), json.dumps(record), ""
    return Post("/_bulk", {"Content-Type": "application/x-ndjson"}, "\n".join(lines).encode())


def hec_post(record: Record) -> Post:
    """What `in_splunk` takes: an event of the HTTP Event Collector."""
    return _json("/services/collector/event", {"event": record})


def otlp_post(record: Record) -> Post:
    """What `in_opentelemetry` takes: OTLP/HTTP in JSON, one log record."""
    pairs = [{"key": name, "value": _any_value(value)} for name, value in record.items()]
    logged = {
        "timeUnixNano": str(int(_now().timestamp() * 1e9)),
        "body": {"kvlistValue": {"values": pairs}},
        "attributes": pairs,
    }
    scoped = {"scope": {"name": _NAME}, "logRecords": [logged]}
    return _json("/v1/logs", {"resourceLogs": [{"resource": {}, "scopeLogs": [scoped]}]})


def remote_write_post(record: Record) -> Post:
    """What `in_prometheus_remote_write` takes: one sample, whose labels are the record."""
    labels = {"__name__": "handshake", **{name: str(value) for name, value in record.items()}}
    body = remote_write.request(labels, 1.0, int(_now().timestamp() * 1e3))
    return Post("/api/v1/write", remote_write.HEADERS, body)


async def say_json(connection: ClientConnection, record: Record) -> None:
    """What `in_tcp` takes: a line of JSON. It never answers."""
    await _hand_over(connection, json.dumps(record).encode() + b"\n", record)


async def say_syslog(connection: ClientConnection, record: Record) -> None:
    """What `in_syslog` takes: a line of RFC 5424. It never answers.

    The record's message is the line's; everything else in it is structured data.
    """
    data = " ".join(
        f'{name}="{_param(value)}"' for name, value in record.items() if name != "message"
    )
    when = _now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    element = f"[record@32473 {data}]" if data else "-"  # RFC 5612: a number for documentation
    said = f"<14>1 {when} {_NAME} {_NAME} - - {element} {record.get('message', '')}\n"
    await _hand_over(connection, said.encode(), record)


async def say_forward(connection: ClientConnection, record: Record) -> None:
    """What `in_forward` takes: Forward mode, with the `chunk` option, which asks for an ack."""
    chunk = f"{_NAME}-{connection.shipped}"
    entries = [[int(_now().timestamp()), dict(record)]]
    said = msgpack.packb([_NAME, entries, {"chunk": chunk, "size": 1}])
    await _hand_over(connection, said, record)
    answers = msgpack.Unpacker(max_buffer_size=_LONGEST_ANSWER)
    while heard := await connection.read(_LONGEST_ANSWER):
        try:
            answers.feed(heard)
            answer = next(answers, None)
        except (ValueError, TypeError, OverflowError, msgpack.UnpackException):
            return
        if answer is not None:
            if isinstance(answer, dict) and answer.get("ack") == chunk:
                connection.answered(answer="ack")
            return


async def say_mqtt(connection: ClientConnection, record: Record) -> None:
    """What `in_mqtt` takes (MQTT 3.1.1): CONNECT once, then PUBLISH at QoS 1, which is answered."""
    if not connection.shipped:
        await connection.write(_packet(0x10, _text("MQTT") + b"\x04\x02\x00\x3c" + _text(_NAME)))
        kind, body = await _answer(connection)
        if kind != _CONNACK or body[1:] != b"\x00":
            if kind == _CONNACK:
                connection.answered(answer=f"CONNACK {body[1:].hex()}")
            return
    number = (connection.shipped % 0xFFFF + 1).to_bytes(2)
    said = _packet(0x32, _text(_NAME) + number + json.dumps(record).encode())
    await _hand_over(connection, said, record)
    if await _answer(connection) == (_PUBACK, number):
        connection.answered(answer="PUBACK")


POSTS: Final[Mapping[str, Callable[[Record], Post]]] = {
    "http": json_post,
    "elasticsearch": bulk_post,
    "splunk": hec_post,
    "opentelemetry": otlp_post,
    "prometheus_remote_write": remote_write_post,
}
"""Inputs that speak HTTP."""

SPEAKERS: Final[Mapping[str, Speak]] = {
    "tcp": say_json,
    "syslog": say_syslog,
    "forward": say_forward,
    "mqtt": say_mqtt,
}
"""Inputs with a protocol of their own."""

_CONNACK: Final = 0x20
_PUBACK: Final = 0x40


async def pieces(connection: ClientConnection, said: bytes) -> AsyncIterator[bytes]:
    """A message in the pieces in which it is written; what is to happen midway does so between."""
    if connection.acts_midway:
        half = len(said) // 2
        yield said[:half]
        connection.midway()
        said = said[half:]
    yield said


async def _hand_over(connection: ClientConnection, said: bytes, record: Record) -> None:
    async for piece in pieces(connection, said):
        await connection.write(piece)
    connection.handed_over(record, len(said))


async def _answer(connection: ClientConnection) -> tuple[int, bytes]:
    """An MQTT packet of at most 127 bytes, as all answers are: its first byte, and what follows."""
    heard = b""
    while len(heard) < 2 or len(heard) < 2 + heard[1]:  # noqa: PLR2004 # the fixed header
        more = await connection.read(2 - len(heard) if len(heard) < 2 else heard[1])  # noqa: PLR2004
        if not more:
            return 0, b""
        heard += more
    return heard[0], heard[2:]


def _packet(first: int, body: bytes) -> bytes:
    """MQTT 3.1.1, section 2.2: a fixed header, then the rest."""
    return bytes([first]) + varint(len(body)) + body


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2) + text.encode()


def _param(value: object) -> str:
    """RFC 5424, section 6.3.3."""
    escaped = str(value)
    for mark in ("\\", '"', "]"):
        escaped = escaped.replace(mark, "\\" + mark)
    return escaped


def _any_value(value: object) -> dict[str, object]:
    """OTLP's AnyValue in JSON, where a 64-bit integer is a string."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


def _json(target: str, value: object) -> Post:
    return Post(target, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
