"""The records in the bodies that Fluent Bit's outputs send over HTTP, one reader for each form.

Each takes a body and gives its records; what is not of its form holds none. Facts: plugins/out_*
of 1.9 to 5.1, and what arrived here from them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from flb_handshake.peer import snappy
from flb_handshake.peer.http import LONGEST_BODY, json_records
from flb_handshake.peer.protobuf import fields, inside
from flb_handshake.peer.protocols.conversation import Junk
from flb_handshake.peer.protocols.streams import GZIP, MsgpackValues, plain, unzipped

Records = list[Any]

_ACTIONS: Final = frozenset({"create", "index", "update", "delete"})
_DEEPEST: Final = 32


def documents(body: bytes) -> Records:
    """JSON values one after another, whatever stands between them."""
    text = body.decode("utf-8", "replace")
    decoder = json.JSONDecoder(parse_constant=str)
    found: Records = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        found.append(value)
    return found


def bulk(body: bytes) -> Records:
    """Elasticsearch's _bulk: lines of actions, and the documents after them."""
    found = documents(body)
    return [one for one in found if not (isinstance(one, dict) and one.keys() <= _ACTIONS)]


def events(body: bytes) -> Records:
    """Splunk's HTTP event collector: what stands in `event`."""
    return [one["event"] for one in documents(body) if isinstance(one, dict) and "event" in one]


def streams(body: bytes) -> Records:
    """Loki's push API: the line in each pair of a stream."""
    return [
        _parsed(pair[1])
        for push in json_records(body)
        for stream in _list(push, "streams")
        for pair in _list(stream, "values")
        if isinstance(pair, list) and len(pair) > 1
    ]


def values(body: bytes) -> Records:
    """Kafka's REST proxy: the value of each record."""
    return [
        one["value"]
        for push in json_records(body)
        for one in _list(push, "records")
        if isinstance(one, dict) and "value" in one
    ]


def lines(body: bytes) -> Records:
    """LogDNA's ingestion API: each line."""
    return [
        _parsed(one["line"])
        for push in json_records(body)
        for one in _list(push, "lines")
        if isinstance(one, dict) and "line" in one
    ]


def logs(body: bytes) -> Records:
    """New Relic's log API: the elements of `logs`."""
    return [one for push in json_records(body) for one in _list(push, "logs")]


def messages(body: bytes) -> Records:
    """CloudWatch's PutLogEvents: the message of each event; other calls have none."""
    return [
        _parsed(one["message"])
        for push in json_records(body)
        for one in _list(push, "logEvents")
        if isinstance(one, dict) and "message" in one
    ]


def base64_data(body: bytes) -> Records:
    """Kinesis and Firehose: the JSON in each record's Base64 data."""
    found: Records = []
    for push in json_records(body):
        for one in _list(push, "Records"):
            try:
                found += documents(base64.b64decode(one["Data"], validate=True))
            except (binascii.Error, KeyError, TypeError):
                continue
    return found


def zipped_maps(body: bytes) -> Records:
    """Treasure Data's import: maps in msgpack one after another, zipped."""
    try:
        return [plain(value) for value, _ in MsgpackValues()(unzipped(body, GZIP))]
    except Junk:
        return []


def json_bodies(body: bytes) -> Records:
    """SkyWalking's log collection: the JSON in each body."""
    found = []
    for one in json_records(body):
        try:
            found.append(_parsed(one["body"]["json"]["json"]))
        except (KeyError, TypeError):
            continue
    return found


_FIELD: Final = re.compile(r'([^\s,="]+)="((?:[^"\\]|\\.)*)"')


def line_protocol(body: bytes) -> Records:
    """InfluxDB's line protocol: the text fields of each line."""
    found = []
    for line in body.decode("utf-8", "replace").splitlines():
        texts = {name: value.replace('\\"', '"') for name, value in _FIELD.findall(line)}
        if texts:
            found.append(texts)
    return found


def otlp(body: bytes) -> Records:
    """OpenTelemetry's ExportLogsServiceRequest: the body of each log record."""
    try:
        return [_any_value(one) for one in inside(body, 1, 2, 2, 5)]
    except (ValueError, struct.error):
        return []


def grpc(reads: Callable[[bytes], Records]) -> Callable[[bytes], Records]:
    """The same inside of gRPC's frames: a flag and a length before each message."""

    def framed(body: bytes) -> Records:
        return [record for message in _messages(body) for record in reads(message)]

    return framed


def _messages(body: bytes) -> Iterator[bytes]:
    at = 0
    while at + 5 <= len(body):
        flag, size = struct.unpack_from(">BI", body, at)
        if flag:  # compressed, which Fluent Bit does not
            return
        yield body[at + 5 : at + 5 + size]
        at += 5 + size


def time_series(body: bytes) -> Records:
    """Prometheus remote write: the labels of each series that has a sample."""
    try:
        series = list(inside(snappy.uncompressed(body, LONGEST_BODY), 1))
        return [_labels(one) for one in series if any(inside(one, 2))]
    except (IndexError, ValueError):
        return []


def _labels(series: bytes) -> dict[str, str]:
    found = {}
    for label in inside(series, 1):
        name, value = (
            b"".join(inside(label, number)).decode("utf-8", "replace") for number in (1, 2)
        )
        found[name] = value
    return found


def _any_value(data: bytes, depth: int = _DEEPEST) -> Any:
    """OpenTelemetry's AnyValue: a text, a number, a list or a map.

    Raises ValueError, or struct.error for a number of a wrong length.
    """
    if depth == 0:
        return "…"
    for number, value in fields(data):
        if isinstance(value, int):
            return bool(value) if number == _BOOLEAN else value
        match number:
            case 1:
                return value.decode("utf-8", "replace")
            case 4:
                return struct.unpack("<d", value)[0]
            case 5:
                return [_any_value(one, depth - 1) for one in inside(value, 1)]
            case 6:
                pairs = inside(value, 1)
                return dict(_pair(one, depth - 1) for one in pairs)
    return None


_BOOLEAN: Final = 2


def _pair(data: bytes, depth: int) -> tuple[str, Any]:
    name = b"".join(inside(data, 1)).decode("utf-8", "replace")
    return name, next((_any_value(one, depth) for one in inside(data, 2)), None)


def _list(value: object, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _parsed(line: object) -> Any:
    """A line that is itself JSON, as most of Fluent Bit's are; else the line."""
    if not isinstance(line, str):
        return line
    try:
        return json.loads(line, parse_constant=str)
    except (ValueError, RecursionError):
        return line
