"""The bodies that outputs send over HTTP: the record in each form, and nothing in what is none."""

import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flb_handshake.peer.protocols import bodies
from flb_handshake.peer.protocols.services import SERVICES

RECORD = {"message": "handshake"}
TEXT = json.dumps(RECORD).encode()
QUOTED = json.dumps(TEXT.decode()).encode()
BASE64 = base64.b64encode(TEXT)


def field(number, content):
    """A field of protobuf whose content is shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def resource_logs(any_value):
    """ExportLogsServiceRequest: resource_logs.scope_logs.log_records.body."""
    return field(1, field(2, field(2, field(5, any_value))))


AS_TEXT = resource_logs(field(1, b"handshake"))
AS_MAP = resource_logs(field(6, field(1, field(1, b"message") + field(2, field(1, b"handshake")))))

SERIES = field(1, field(1, b"__name__") + field(2, b"up")) + field(2, b"\x09" + bytes(8))
WRITE_REQUEST = field(1, SERIES)
COMPRESSED = bytes([len(WRITE_REQUEST), (len(WRITE_REQUEST) - 1) << 2]) + WRITE_REQUEST
"""Snappy's block format: the length, then one literal of up to 60 bytes."""

BODIES = [
    ("http", b"[" + TEXT + b"]", RECORD),
    ("es", b'{"create":{"_index":"fluent-bit"}}\n' + TEXT + b"\n", RECORD),
    ("opensearch", b'{"create":{"_index":"fluent-bit"}}\n' + TEXT + b"\n", RECORD),
    ("splunk", b'{"time":1.5,"event":' + TEXT + b"}", RECORD),
    ("loki", b'{"streams":[{"stream":{"job":"x"},"values":[["1",' + QUOTED + b"]]}]}", RECORD),
    ("opentelemetry", AS_MAP, RECORD),
    ("opentelemetry", AS_TEXT, "handshake"),
    ("influxdb", b't,_seq=0 message="handshake",n=1i 1795522870986000000\n', RECORD),
    ("datadog", b"[" + TEXT + b"]", RECORD),
    ("kafka-rest", b'{"records":[{"value":' + TEXT + b"}]}", RECORD),
    ("logdna", b'{"lines":[{"timestamp":1,"line":' + QUOTED + b',"file":"t"}]}', RECORD),
    ("nrlogs", b'[{"logs":[' + TEXT + b"]}]", RECORD),
    ("slack", b'{"text":"handshake"}', {"text": "handshake"}),
    ("skywalking", b'[{"body":{"json":{"json":' + QUOTED + b"}}}]", RECORD),
    ("prometheus_remote_write", COMPRESSED, {"__name__": "up"}),
    ("cloudwatch_logs", b'{"logEvents":[{"timestamp":1,"message":' + QUOTED + b"}]}", RECORD),
    ("kinesis_firehose", b'{"Records":[{"Data":"' + BASE64 + b'"}]}', RECORD),
    ("kinesis_streams", b'{"Records":[{"Data":"' + BASE64 + b'","PartitionKey":"k"}]}', RECORD),
    ("s3", TEXT + b"\n", RECORD),
    ("azure", b"[" + TEXT + b"]", RECORD),
    ("azure_logs_ingestion", b"[" + TEXT + b"]", RECORD),
    ("td", gzip.compress(b"\x81\xa7message\xa9handshake", mtime=0), RECORD),
]


def test_every_service_has_a_body_here():
    assert {name for name, _, _ in BODIES} == set(SERVICES)


@pytest.mark.parametrize(("name", "body", "record"), BODIES)
def test_the_record_is_found_in_its_service_s_form(name, body, record):
    assert SERVICES[name].records(body) == [record]


@pytest.mark.parametrize(("name", "body"), [(name, body) for name, body, _ in BODIES])
def test_no_record_is_found_in_half_a_body(name, body):
    assert SERVICES[name].records(body[: len(body) // 2]) == []


def test_calls_of_grpc_come_in_frames():
    framed = bytes([0, 0, 0, 0, len(AS_MAP)]) + AS_MAP
    reads = bodies.grpc(bodies.otlp)

    assert reads(framed * 2) == [RECORD] * 2
    assert reads(framed[:-1]) == []
    assert reads(b"\x01" + framed[1:]) == []  # said to be compressed
    assert reads(AS_MAP) == []


def test_a_number_of_a_wrong_length_is_none():
    assert bodies.otlp(resource_logs(b"\x21" + bytes(6) + b"\xf0\x3f")) == [1.0]
    assert bodies.otlp(resource_logs(field(4, b"short"))) == []


@given(st.sampled_from(sorted(SERVICES)), st.binary(max_size=200))
def test_no_body_makes_a_service_raise(name, body):
    assert isinstance(SERVICES[name].records(body), list)


@given(st.sampled_from(BODIES), st.integers(min_value=0), st.integers(0, 255))
def test_no_spoilt_byte_makes_a_service_raise(whole, place, byte):
    name, body, _ = whole
    spoilt = bytearray(body)
    spoilt[place % len(body)] = byte

    assert isinstance(SERVICES[name].records(bytes(spoilt)), list)
