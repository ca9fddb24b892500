"""What is behind HTTP for each output that speaks it: how its bodies are read, what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from flb_handshake.peer.http import HttpService
from flb_handshake.peer.protocols import bodies

_OK: Final = HTTPStatus.OK

SERVICES: Final[Mapping[str, HttpService]] = {
    "http": HttpService(),
    "es": HttpService(
        records=bodies.bulk, status=_OK, answer=b'{"took":1,"errors":false,"items":[]}'
    ),
    "opensearch": HttpService(
        records=bodies.bulk, status=_OK, answer=b'{"took":1,"errors":false,"items":[]}'
    ),
    "splunk": HttpService(records=bodies.events, status=_OK, answer=b'{"text":"Success","code":0}'),
    "loki": HttpService(records=bodies.streams, status=HTTPStatus.NO_CONTENT),
    "opentelemetry": HttpService(
        records=bodies.otlp,
        status=_OK,
        content_type="application/x-protobuf",
        grpc=HttpService(
            records=bodies.grpc(bodies.otlp),
            status=_OK,
            answer=bytes(5),  # an empty message
            content_type="application/grpc",
        ),
    ),
    "influxdb": HttpService(records=bodies.line_protocol, status=HTTPStatus.NO_CONTENT),
    "datadog": HttpService(status=HTTPStatus.ACCEPTED),
    "kafka-rest": HttpService(
        records=bodies.values,
        status=_OK,
        answer=b'{"offsets":[]}',
        content_type="application/vnd.kafka.json.v2+json",
    ),
    "logdna": HttpService(records=bodies.lines, status=_OK, answer=b'{"status":"ok"}'),
    "nrlogs": HttpService(records=bodies.logs, status=HTTPStatus.ACCEPTED),
    "slack": HttpService(status=_OK, answer=b"ok", content_type="text/html"),
    "skywalking": HttpService(records=bodies.json_bodies, status=_OK),
    "prometheus_remote_write": HttpService(
        records=bodies.time_series, status=HTTPStatus.NO_CONTENT
    ),
    "azure": HttpService(status=_OK),
    "td": HttpService(records=bodies.zipped_maps, status=_OK, answer=b'{"md5_hex":""}'),
    "azure_logs_ingestion": HttpService(
        status=_OK,
        answer=b'{"token_type":"Bearer","expires_in":3599,"access_token":"nobody-s"}',
        asks_first=True,
    ),
    "cloudwatch_logs": HttpService(
        records=bodies.messages, status=_OK, answer=b"{}", asks_first=True
    ),
    "kinesis_firehose": HttpService(
        records=bodies.base64_data,
        status=_OK,
        answer=b'{"FailedPutCount":0,"RequestResponses":[]}',
    ),
    "kinesis_streams": HttpService(
        records=bodies.base64_data, status=_OK, answer=b'{"FailedRecordCount":0,"Records":[]}'
    ),
    "s3": HttpService(records=bodies.documents, status=_OK),
}

PLAIN: Final = SERVICES["http"]
"""JSON, and 201."""
