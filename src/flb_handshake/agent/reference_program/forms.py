"""What each output that speaks HTTP asks for, and the records as its service takes them.

Facts: plugins/out_* of 5.1.1, and what arrived from it. What they say of a response is modelled for
`http` alone: the others say here what it says.
"""

from __future__ import annotations

import json
import os
import re
import struct
import time

from . import protobuf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Final

    from .classic import Instance
    from .delivery import Chunk

    Record = Mapping[str, Any]
    Target = Callable[[Instance], str]
    Body = Callable[[Instance, Chunk], bytes]


class Form:
    """What an output that speaks HTTP asks for and sends; `unreachable`: see Speaker.

    `offers` are the application protocols (ALPN) that it offers. `call` stands in its place with
    `grpc on`, where HTTP/2 was agreed on.
    """

    def __init__(
        self,
        target: Target,
        body: Body,
        kind: Callable[[Instance], str],
        *,
        unreachable: str = "",
        headers: tuple[str, ...] = (),
        offers: Callable[[Instance], tuple[str, ...]] = lambda _: (),
        call: Form | None = None,
    ) -> None:
        self.target = target
        self.body = body
        self.kind = kind
        self.unreachable = unreachable
        self.headers = headers
        self.offers = offers
        self._call = call

    def spoken(self, instance: Instance, *, http2: bool) -> Form:
        """What is sent over this version of HTTP."""
        return self._call if self._call and http2 and _is_grpc(instance) else self


def compact(value: object) -> str:
    """JSON as Fluent Bit writes it."""
    return json.dumps(value, separators=(",", ":"))


def stamp(when: float, digits: int) -> str:
    """A time as RFC 3339 has it, with so many digits of a second."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when))
    return f"{seconds}.{int(when % 1 * 10**digits):0{digits}}Z"


def in_format(instance: Instance, chunk: Chunk) -> bytes:
    """The records in the output's `format`, each with its time under `json_date_key`."""
    key = instance.settings.get("json_date_key", "date")
    dated = {} if instance.flag("json_date_key", default=1) == 0 else {key: chunk.when}
    texts = [compact({**dated, **one}) for one in chunk.records]
    form = instance.settings.get("format", "json").lower()
    if form == "json_lines":
        return "".join(f"{text}\n" for text in texts).encode()
    if form == "json_stream":
        return "".join(texts).encode()
    return f"[{','.join(texts)}]".encode()


def _kind(instance: Instance) -> str:
    lines = instance.settings.get("format", "json").lower() == "json_lines"
    return "application/x-ndjson" if lines else "application/json"


def _uri(instance: Instance) -> str:
    return f"/{instance.settings.get('uri', '/').removeprefix('/')}"


def _bulk(instance: Instance, chunk: Chunk) -> bytes:
    index = {"_index": instance.settings.get("index", "fluent-bit"), "_type": "_doc"}
    lines: list[object] = []
    for one in chunk.records:
        lines += [{"create": index}, {"@timestamp": stamp(chunk.when, 3), **one}]
    return "".join(f"{compact(line)}\n" for line in lines).encode()


def _events(_: Instance, chunk: Chunk) -> bytes:
    return "".join(compact({"time": chunk.when, "event": one}) for one in chunk.records).encode()


def _streams(_: Instance, chunk: Chunk) -> bytes:
    values = [[str(int(chunk.when * 1e9)), compact(one)] for one in chunk.records]
    stream = {"stream": {"job": "fluent-bit"}, "values": values}
    return compact({"streams": [stream]}).encode()


def _logs(instance: Instance, chunk: Chunk) -> bytes:
    key = instance.settings.get("logs_body_key", "message").lstrip("$")
    return protobuf.logs(one.get(key, one) for one in chunk.records)


def _message(instance: Instance, chunk: Chunk) -> bytes:
    """The same as a message of gRPC: not compressed, and so many bytes."""
    message = _logs(instance, chunk)
    return struct.pack(">BI", 0, len(message)) + message


def _is_grpc(instance: Instance) -> bool:
    return instance.flag("grpc", default=0) == 1


def _logs_uri(instance: Instance) -> str:
    return instance.settings.get("logs_uri", "/v1/logs")


def _line_protocol(_: Instance, chunk: Chunk) -> bytes:
    lines = []
    for one in chunk.records:
        fields = ",".join(f'{name}="{_quoted(value)}"' for name, value in one.items())
        lines.append(f"{chunk.tag} {fields} {int(chunk.when * 1e9)}\n")
    return "".join(lines).encode()


def _quoted(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"')


def _database(instance: Instance) -> str:
    return f"/write?db={instance.settings.get('database', 'fluentbit')}&precision=n"


def _milliseconds(chunk: Chunk) -> list[Record]:
    return [{"timestamp": int(chunk.when * 1e3), **one} for one in chunk.records]


def _datadog(_: Instance, chunk: Chunk) -> bytes:
    return compact(_milliseconds(chunk)).encode()


def _values(_: Instance, chunk: Chunk) -> bytes:
    values = [{"@timestamp": stamp(chunk.when, 9), **one} for one in chunk.records]
    return compact({"records": [{"value": one} for one in values]}).encode()


def _ingested(_: Instance, chunk: Chunk) -> bytes:
    lines = [{"timestamp": int(chunk.when), "line": compact(one)} for one in chunk.records]
    return compact({"lines": lines}).encode()


def _ingestion(_: Instance) -> str:
    host = os.uname().nodename
    return f"/logs/ingest?hostname={host}&mac=&ip=&now={int(time.time())}&tags="


def _new_relic(_: Instance, chunk: Chunk) -> bytes:
    common = {"attributes": {"plugin": {"type": "Fluent Bit"}}}
    logs = [{**one, "attributes": {}} for one in _milliseconds(chunk)]
    return compact([{"common": common, "logs": logs}]).encode()


def _text(_: Instance, chunk: Chunk) -> bytes:
    said = (f'["timestamp": {chunk.when:.9f}, {compact(one)}]\n' for one in chunk.records)
    return compact({"text": "".join(said)}).encode()


def _skywalking(_: Instance, chunk: Chunk) -> bytes:
    service = {"service": "sw-service", "serviceInstance": "fluent-bit"}
    when = int(chunk.when * 1e3)
    return compact(
        [
            {"timestamp": when, **service, "body": {"json": {"json": compact(one)}}}
            for one in chunk.records
        ]
    ).encode()


def _metrics(_: Instance, chunk: Chunk) -> bytes:
    """Those of the last of its inputs' requests: they are passed on as they came."""
    return next(iter(_requests(chunk)), b"")


def _requests(chunk: Chunk) -> Iterator[bytes]:
    for one in reversed(chunk.records):
        if isinstance(request := one.get(protobuf.METRICS), bytes):
            yield request


def _path_of(key: str) -> Target:
    """The path of the URL that a property holds."""

    def target(instance: Instance) -> str:
        found = URL.match(instance.settings.get(key, ""))
        return found[4] or "/" if found else "/"

    return target


URL: Final = re.compile(r"(https?)://([^:/]+)(?::(\d+))?(/.*)?")
"""Scheme, host, port and path."""

_TO_WHOM: Final = "no upstream connections available to {where}"
_SHORT: Final = "no upstream connections available"
_PROTOBUF: Final = "application/x-protobuf"
_SERVICE: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def _always(value: str) -> Callable[[Instance], str]:
    return lambda _: value


def _offered(instance: Instance) -> tuple[str, ...]:
    older = ("http/1.1", "http/1.0")
    word = instance.settings.get("http2", "off").lower()
    if word == "force":
        return ("h2",)
    modern = instance.flag("http2", default=0) == 1 or _is_grpc(instance)
    return ("h2", *older) if modern else older


_JSON: Final = _always("application/json")

FORMS: Final = {
    "http": Form(_uri, in_format, _kind, unreachable=_TO_WHOM),
    "es": Form(_always("/_bulk"), _bulk, _always("application/x-ndjson")),
    "opensearch": Form(_always("/_bulk"), _bulk, _always("application/x-ndjson")),
    "splunk": Form(_always("/services/collector/event"), _events, _always("")),
    "loki": Form(_always("/loki/api/v1/push"), _streams, _JSON, unreachable=_SHORT),
    "opentelemetry": Form(
        _logs_uri,
        _logs,
        _always(_PROTOBUF),
        unreachable=_TO_WHOM,
        offers=_offered,
        call=Form(_always(_SERVICE), _message, _always("application/grpc")),
    ),
    "influxdb": Form(_database, _line_protocol, _always("")),
    "datadog": Form(_always("/api/v2/logs"), _datadog, _JSON),
    "kafka-rest": Form(
        _always("/topics/fluent-bit"), _values, _always("application/vnd.kafka.json.v2+json")
    ),
    "logdna": Form(
        _ingestion, _ingested, _always("application/json; charset=UTF-8"), unreachable=_SHORT
    ),
    "nrlogs": Form(_path_of("base_uri"), _new_relic, _JSON, unreachable=_SHORT),
    "slack": Form(_path_of("webhook"), _text, _JSON),
    "skywalking": Form(
        _always("/v3/logs"),
        _skywalking,
        _JSON,
        unreachable="failed to establish connection to {where}",
    ),
    "prometheus_remote_write": Form(
        _uri,
        _metrics,
        _always(_PROTOBUF),
        unreachable=_TO_WHOM,
        headers=("Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 0.1.0"),
    ),
}
"""The outputs that speak HTTP, by plugin."""
