"""What the inputs that take HTTP make of a request: records, and an answer.

Facts: plugins/in_http, in_elasticsearch, in_splunk, in_opentelemetry and in_prometheus_remote_write
of 5.1.1, measured.
"""

from __future__ import annotations

import json
import re

from .documents import InvalidError, documents
from .protobuf import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Final

    from .classic import Instance
    from .listener import Connection
    from .server import Request

    Endpoint = Callable[[Request, Connection], Sequence["Answer"]]
    """Hands the records to the connection, and gives the answers."""


class Answer:
    """An answer to a request: its status and its body."""

    def __init__(self, status: int, body: str = "", *, json: bool = False) -> None:
        self.status = status
        self.body = body
        self.json = json


_NO_ENDPOINT: Final = Answer(400, "error: invalid HTTP endpoint\n")
_NO_METHOD: Final = Answer(400, "error: invalid HTTP method\n")
_UNPROCESSED: Final = Answer(400, "error: unable to process records\n")
_NOT_OTLP: Final = Answer(400, "invalid request: deserialisation error\n")


def endpoint(instance: Instance) -> Endpoint:
    """The endpoint of an input that takes HTTP."""
    made: dict[str, Callable[[Instance], Endpoint]] = {
        "http": _http,
        "elasticsearch": _elasticsearch,
        "splunk": lambda _: _splunk,
        "opentelemetry": _opentelemetry,
        "prometheus_remote_write": _remote_write,
    }
    return made[instance.plugin](instance)


def _http(instance: Instance) -> Endpoint:
    status = instance.number_of("successful_response_code", default=201)

    def answer(request: Request, connection: Connection) -> Sequence[Answer]:
        if request.method != "POST":
            return [_NO_METHOD]
        # Fluent Bit answers twice when a request has no content that it takes.
        if not request.kind:
            return [Answer(400, "error: header 'Content-Type' is not set\n"), _UNPROCESSED]
        if request.kind != "application/json":
            return [Answer(400, "error: invalid 'Content-Type'\n"), _UNPROCESSED]
        if not request.body:
            return [Answer(400, "error: no payload found\n"), _UNPROCESSED]
        found = _whole(request.body, connection, "JSON data is incomplete, skipping")
        if found is None:
            return [_UNPROCESSED]
        # The path names the tag, even where the configuration does.
        connection.take(found, re.sub("[^A-Za-z0-9_.]", "_", request.path[1:]) or None)
        return [Answer(status)]

    return answer


def _splunk(request: Request, connection: Connection) -> Sequence[Answer]:
    path = request.path
    if request.method == "GET" and path == "/services/collector/health":
        return [Answer(200, '{"text":"Success","code":200}', json=True)]
    if request.method != "POST":
        return [_NO_METHOD if request.method != "GET" else _NO_ENDPOINT]
    raw = path in {"/services/collector/raw", "/services/collector/raw/1.0"}
    if not raw and path not in _SPLUNK_EVENTS:
        return [_NO_ENDPOINT]
    if not request.body:
        return [Answer(400, '{"text":"No data","code":5}', json=True)]
    said = "invalid JSON message, skipping"
    found = [{"log": request.body}] if raw else _whole(request.body, connection, said)
    if found is None:
        return [Answer(400, '{"text":"Invalid data format","code":6}', json=True)]
    connection.take(found)
    return [Answer(200, '{"text":"Success","code":0}', json=True)]


_SPLUNK_EVENTS: Final = frozenset(
    {"/services/collector", "/services/collector/event", "/services/collector/event/1.0"}
)


def _elasticsearch(instance: Instance) -> Endpoint:
    key = instance.settings.get("meta_key", "@meta")
    version = instance.settings.get("version", "8.0.0")

    def answer(request: Request, connection: Connection) -> Sequence[Answer]:
        if request.method == "GET" and request.path == "/":
            shown = {"number": version, "build_flavor": "Fluent Bit OSS"}
            tagline = "Fluent Bit's Bulk API compatible endpoint"
            return [Answer(200, _compact({"version": shown, "tagline": tagline}), json=True)]
        if request.method != "POST":
            return [_NO_METHOD if request.method not in {"GET", "HEAD"} else _NO_ENDPOINT]
        if request.path != "/_bulk":
            return [_NO_ENDPOINT]
        found = _whole(request.body, connection, "invalid JSON message, skipping")
        if found is None:
            return []  # measured: it never answers
        records, items = _bulk(found, key)
        connection.take(records)
        failed = any(one["status"] >= 400 for item in items for one in item.values())  # noqa: PLR2004 # HTTP's errors
        return [Answer(200, _compact({"errors": failed, "items": items}), json=True)]

    return answer


def _bulk(found: Iterable[Any], key: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The records of a bulk request, and what is said of each of its actions."""
    records: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    rest = iter(found)
    for action in rest:
        kind = next(iter(action), "unknown")
        if kind in {"create", "index"}:
            records.append({key: action, **next(rest, {})})
            items.append({kind: {"status": 201, "result": "created"}})
        elif kind == "update":
            next(rest, None)
            items.append({kind: {"status": 403, "result": "forbidden"}})
        else:
            items.append({kind: {"status": 404, "result": "not_found"}})
    return records, items


def _opentelemetry(instance: Instance) -> Endpoint:
    status = instance.number_of("successful_response_code", default=201)
    key = instance.settings.get("logs_body_key", "log")

    def answer(request: Request, connection: Connection) -> Sequence[Answer]:
        if request.path != "/v1/logs":
            return [Answer(404, "error: invalid endpoint\n")]
        if request.method != "POST":
            return [_NO_METHOD]
        if request.kind != "application/json":
            connection.say("error", f"Unsupported content type {request.kind}")
            return [_NOT_OTLP]
        try:
            sent = json.loads(request.body)
            found = list(_otlp(sent.get("resourceLogs"), key))
        except (ValueError, AttributeError, RecursionError):
            connection.say("error", "Invalid JSON payload")
        except (TypeError, KeyError):
            said = "failed to process logs from JSON payload"
            connection.say("error", f"{said} (3) FLB_OTEL_LOGS_ERR_RESOURCELOGS_MISSING")
        else:
            if found:
                connection.take(found)
                return [Answer(status)]
            connection.say("error", "failed to append logs to the input buffer")
        return [_NOT_OTLP]

    return answer


def _remote_write(instance: Instance) -> Endpoint:
    """Metrics are kept as they came: nobody but an output of their own kind sends them on."""
    status = instance.number_of("successful_response_code", default=201)
    uri = instance.settings.get("uri")

    def answer(request: Request, connection: Connection) -> Sequence[Answer]:
        if uri and request.path != uri:
            return [_NO_ENDPOINT]
        if request.method != "POST":
            return [_NO_METHOD]
        connection.take([{METRICS: request.data}])
        return [Answer(status)]

    return answer


def _otlp(resources: Any, key: str) -> Iterator[dict[str, Any]]:
    for resource in resources:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                body = _value(record.get("body", {}))
                yield body if isinstance(body, dict) else {key: body}


def _value(any_value: dict[str, Any]) -> Any:
    """An OTLP AnyValue as plain JSON."""
    for kind, value in any_value.items():
        if kind == "intValue":
            return int(value)
        if kind == "arrayValue":
            return [_value(one) for one in value.get("values", [])]
        if kind == "kvlistValue":
            return {one["key"]: _value(one["value"]) for one in value.get("values", [])}
        return value
    return None


def _whole(text: str, connection: Connection, said: str) -> list[dict[str, Any]] | None:
    """The objects of a body that is whole JSON, out of arrays too; None, once the log says so."""
    try:
        found, rest = documents(text)
    except InvalidError:
        found, rest = [], text
    found = [one for each in found for one in (each if isinstance(each, list) else [each])]
    if rest or not all(isinstance(one, dict) for one in found):
        connection.say("warn", said)
        return None
    return found


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
