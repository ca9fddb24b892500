"""The reference program's inputs make of what is shipped what those of Fluent Bit 5.1.1 made.

Each expectation was measured on Fluent Bit 5.1.1 with OpenSSL 3.0.22.
"""

from __future__ import annotations

import json
import ssl

import pytest
from reference_runs import CREATED, Bench, post

from flb_handshake.agent.reference_program.documents import InvalidError, documents
from flb_handshake.agent.reference_program.hello import protocols, tickets
from flb_handshake.agent.reference_program.server import parse


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# --- what records become ---------------------------------------------------------------------

BULK = b'{"create":{"_index":"x"}}\n{"n":1}\n'
OTLP = b"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[
    {"body":{"stringValue":"one"}},
    {"body":{"kvlistValue":{"values":[{"key":"n","value":{"intValue":"2"}}]}}},
    {"body":{"arrayValue":{"values":[{"boolValue":true}]}}}]}]}]}"""


@pytest.mark.parametrize(
    ("plugin", "request_", "status", "records"),
    [
        ("http", post("/t0", b'{"n":1}{"n":2}'), 201, [{"n": 1}, {"n": 2}]),
        ("http", post("/", b'[{"n":1},{"n":2}]'), 201, [{"n": 1}, {"n": 2}]),
        (
            "splunk",
            post("/services/collector/event", b'{"event":{"n":1}}'),
            200,
            [{"event": {"n": 1}}],
        ),
        ("splunk", post("/services/collector/raw", b"a line"), 200, [{"log": "a line"}]),
        (
            "elasticsearch",
            post("/_bulk", BULK, "application/x-ndjson"),
            200,
            [{"@meta": {"create": {"_index": "x"}}, "n": 1}],
        ),
        ("opentelemetry", post("/v1/logs", OTLP), 201, [{"log": "one"}, {"n": 2}, {"log": [True]}]),
    ],
)
def test_records_over_http_are_routed_with_their_fields(bench, plugin, request_, status, records):
    with bench.listening(plugin, **bench.secured()) as (one, sink):
        assert one.ship(bench.client(), request_).split()[1] == str(status)
        came = json.loads(sink.next())
    assert [{k: v for k, v in record.items() if k != "date"} for record in came] == records


def test_the_path_names_the_tag(bench):
    with bench.listening() as (one, sink):
        assert one.ship(data=post("/elsewhere", b'{"n":1}')) == CREATED
        assert one.ship(data=post("/t0", b'{"n":2}')) == CREATED
        assert [record["n"] for record in json.loads(sink.next())] == [2]


@pytest.mark.parametrize(
    ("plugin", "request_", "status", "said"),
    [
        ("http", post("/", b'{"n":1'), 400, "JSON data is incomplete, skipping"),
        ("http", post("/", b"3"), 400, "JSON data is incomplete, skipping"),
        ("http", post("/", b'{"n":1}', "text/plain"), 400, None),
        ("http", post("/", b""), 400, None),
        ("http", b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
        ("splunk", post("/services/collector", b"x"), 400, "invalid JSON message, skipping"),
        ("splunk", post("/elsewhere", b"{}"), 400, None),
        ("elasticsearch", post("/elsewhere", b"{}"), 400, None),
        ("opentelemetry", post("/v1/traces", b"{}"), 404, None),
        ("opentelemetry", post("/v1/logs", b"{}"), 400, "FLB_OTEL_LOGS_ERR_RESOURCELOGS_MISSING"),
        ("opentelemetry", post("/v1/logs", b"x", "a/b"), 400, "Unsupported content type a/b"),
    ],
)
def test_a_request_that_brings_no_record_is_answered_and_named(
    bench, plugin, request_, status, said
):
    with bench.listening(plugin) as (one, sink):
        assert one.ship(data=request_).split()[1] == str(status)
        assert said is None or one.says(said)
        assert sink.is_empty()


@pytest.mark.parametrize(
    ("sent", "records"),
    [
        (b'{"n":1}', [{"n": 1}]),
        (b'\n{"n":1}{"n":2}\n[3]\n{"n":', [{"n": 1}, {"n": 2}, {"msg": [3]}]),
    ],
)
def test_tcp_takes_documents_that_follow_one_another(bench, sent, records):
    with bench.listening("tcp") as (one, sink), one.dial() as connection:
        connection.sendall(sent)
        came = json.loads(sink.next())
    assert [{k: v for k, v in record.items() if k != "date"} for record in came] == records


def test_tcp_takes_nothing_of_what_came_with_a_bare_value(bench):
    with bench.listening("tcp") as (one, sink), one.dial() as connection:
        connection.sendall(b'3\n{"n":1}\n')
        assert one.says("[input:tcp:in] log event encoding error : -6")
        assert sink.is_empty()


PARSER = r"""[PARSER]
    Name        rfc5424
    Format      regex
    Regex       ^\<(?<pri>[0-9]{1,5})\>1 (?<time>[^ ]+) (?<host>[^ ]+) .* - - (?<message>.+)$
    Time_Key    time
"""
MESSAGE = b"<34>1 2026-11-23T18:00:00.003Z here su 123 - - hello there"


@pytest.mark.parametrize(
    ("format_", "sent"),
    [("newline", MESSAGE + b"\r\n"), ("octet_counting", b"%d %s" % (len(MESSAGE), MESSAGE))],
)
def test_syslog_takes_what_its_parser_reads(bench, format_, sent):
    (bench.place / "parsers.conf").write_text(PARSER)
    given = bench.secured(Mode="tcp", Parser="rfc5424", Format=format_)
    with bench.listening("syslog", "    Parsers_File parsers.conf\n", **given) as (one, sink):
        with bench.client().wrap_socket(one.dial()) as connection:
            connection.sendall(sent)
            (record,) = json.loads(sink.next())
        del record["date"]
        said = record.pop("message")
        assert record == {"pri": "34", "host": "here"}
        assert said == ("hello there\r" if format_ == "newline" else "hello there")
        if format_ == "newline":
            with bench.client().wrap_socket(one.dial()) as connection:
                connection.sendall(b"nonsense\n")
                assert one.says("error parsing log message with parser 'rfc5424'")


# --- its parts -------------------------------------------------------------------------------


def hello(**more):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "alpn" in more:
        made.set_alpn_protocols(more["alpn"])
    sent = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        made.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="x.test").do_handshake()
    return sent.read()[5:]


def test_the_protocols_of_a_hello_are_read_in_its_order():
    assert protocols(hello(alpn=["h2", "http/1.1"])) == ["h2", "http/1.1"]
    assert protocols(hello()) == []


def test_a_hello_that_is_cut_or_garbled_is_read_as_far_as_it_goes():
    whole = hello(alpn=["h2"])
    for end in range(len(whole)):
        protocols(whole[:end])
        list(tickets(whole[:end]))
    assert list(tickets(b"\xff" * 300)) == protocols(b"\xff" * 300) == []


@pytest.mark.parametrize(
    ("text", "found", "rest"),
    [
        ('{"a":1}\n{"b"', [{"a": 1}], '{"b"'),
        ('{"a":"half', [], '{"a":"half'),
        ("", [], ""),
        ("\n[1] ", [[1]], ""),
    ],
)
def test_documents_are_read_as_far_as_they_are_whole(text, found, rest):
    assert documents(text) == (found, rest)


@pytest.mark.parametrize("text", ["nonsense", '{"a":}', '{"a":1}nonsense', "[" * 100_000])
def test_what_more_would_not_make_json_is_invalid(text):
    with pytest.raises(InvalidError):
        documents(text)


def test_a_request_is_read_when_it_is_whole_and_chunks_are_put_together():
    head = b"POST /a?b=c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b'3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
    for end in range(1, len(head + body)):
        assert parse((head + body)[:end])[0] is None
    request, rest = parse(head + body + b"next")
    assert (request.path, request.body, rest) == ("/a", '{"a":1}', b"next")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01",
        b"P / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"P / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_not_answered(data):
    with pytest.raises(ValueError, match=r"^$|invalid literal"):
        parse(data)
