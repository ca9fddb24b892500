"""What a shipper says arrives: each protocol, read by a small server that speaks it."""

from __future__ import annotations

import json
import re
import ssl
import struct
from contextlib import contextmanager, suppress

import h2.config
import h2.connection
import h2.events
import h11
import msgpack
import pytest
from collector_clients import ends, facts
from shipper_servers import kinds, play, record, server_context, take_all

from flb_handshake.behaviours import Close, Moment, Silent
from flb_handshake.model import ShipperSpec
from flb_handshake.peer import snappy
from flb_handshake.peer.events import Kind

HTTP = {
    "http": ("/", "application/json"),
    "elasticsearch": ("/_bulk", "application/x-ndjson"),
    "splunk": ("/services/collector/event", "application/json"),
    "opentelemetry": ("/v1/logs", "application/json"),
    "prometheus_remote_write": ("/api/v1/write", "application/x-protobuf"),
}
AFTER = {"records": [record(7)], "tls": True}


@contextmanager
def shaken(plain, context):
    with context.wrap_socket(plain, server_side=True) as session:
        yield session
        with suppress(ssl.SSLError, OSError):
            session.unwrap()


def http1(plain):
    """Read one request by h11, and say 201; gives target, headers and body."""
    with shaken(plain, server_context(alpn=["http/1.1"])) as session:
        reader, body = h11.Connection(h11.SERVER), b""
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                reader.receive_data(session.recv(65536))
            elif isinstance(event, h11.Request):
                head = event
            else:
                body += event.data
        session.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
        headers = {name.decode(): value.decode() for name, value in head.headers}
        return head.target.decode(), headers, body


def http2(plain):
    """Read one request by h2, and say 201; gives target, headers, body, and its last piece."""
    with shaken(plain, server_context(alpn=["h2"])) as session:
        made = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        made.initiate_connection()
        session.sendall(made.data_to_send())
        head, body, reads = {}, b"", []
        while True:
            events = made.receive_data(session.recv(65536))
            reads.append(b"")
            for event in events:
                if isinstance(event, h2.events.RequestReceived):
                    head = {key.decode(): value.decode() for key, value in event.headers}
                elif isinstance(event, h2.events.DataReceived):
                    body += event.data
                    reads[-1] += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    made.send_headers(event.stream_id, [(":status", "201")], end_stream=True)
            session.sendall(made.data_to_send())
            if any(isinstance(event, h2.events.StreamEnded) for event in events):
                session.recv(65536)
                return head.pop(":path"), head, body, reads[-1]


def assert_it_holds_the_record(plugin, body):
    if plugin == "http":
        assert json.loads(body) == [record(7)]
    elif plugin == "elasticsearch":
        action, document = body.splitlines()
        assert body.endswith(b"\n")
        assert "create" in json.loads(action)
        assert json.loads(document) == record(7)
    elif plugin == "splunk":
        assert json.loads(body) == {"event": record(7)}
    elif plugin == "opentelemetry":
        (logged,) = json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        pairs = [
            {"key": "message", "value": {"stringValue": "handshake"}},
            {"key": "n", "value": {"intValue": "7"}},
        ]
        assert logged["body"]["kvlistValue"]["values"] == logged["attributes"] == pairs
    else:
        ((labels, samples),) = write_request(unsnapped(body))
        assert labels == [("__name__", "handshake"), ("message", "handshake"), ("n", "7")]
        assert [value for value, _ in samples] == [1.0]


@pytest.mark.parametrize("plugin", HTTP)
def test_a_record_by_http_1(plugin):
    (target, headers, body), shipper = play(http1, plugin=plugin)

    assert (target, headers["content-type"]) == HTTP[plugin]
    assert_it_holds_the_record(plugin, body)
    assert facts(shipper, Kind.SHIPPED) == [{**AFTER, "bytes": len(body)}]
    assert facts(shipper, Kind.RESPONSE) == [{"status": 201}]
    assert facts(shipper, Kind.NEGOTIATED)[0]["alpn"] == "http/1.1"


@pytest.mark.parametrize("plugin", HTTP)
def test_a_record_by_http_2(plugin):
    (target, headers, body, last), shipper = play(
        http2, plugin=plugin, spec=ShipperSpec(http2=True)
    )

    assert (target, headers["content-type"]) == HTTP[plugin]
    assert_it_holds_the_record(plugin, body)
    assert facts(shipper, Kind.SHIPPED) == [{**AFTER, "bytes": len(body)}]
    assert facts(shipper, Kind.RESPONSE) == [{"status": 201}]
    assert facts(shipper, Kind.NEGOTIATED)[0]["alpn"] == "h2"
    assert last == body  # read apart from the stream's end, it crashes 5.1.1


def test_remote_write_names_its_version_and_compression():
    (_, headers, _), _ = play(http1, plugin="prometheus_remote_write")

    assert headers["content-encoding"] == "snappy"
    assert headers["x-prometheus-remote-write-version"] == "0.1.0"


def test_an_http_2_shipper_speaks_http_1_where_that_is_chosen():
    (target, _, _), shipper = play(http1, plugin="http", spec=ShipperSpec(http2=True))

    assert target == "/"
    assert facts(shipper, Kind.RESPONSE) == [{"status": 201}]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_no_proxy_of_the_environment_is_asked(variable, monkeypatch):
    monkeypatch.setenv(variable, "http://127.0.0.1:1")

    _, shipper = play(http1, plugin="http")

    assert facts(shipper, Kind.RESPONSE) == [{"status": 201}]


def test_a_redirect_is_an_answer():
    context = server_context()

    def server(plain):
        with shaken(plain, context) as session:
            while not session.recv(65536).endswith(b"]"):
                pass
            session.sendall(
                b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
            )

    _, shipper = play(server, plugin="http")

    assert facts(shipper, Kind.RESPONSE) == [{"status": 307}]


@pytest.mark.parametrize(
    "cut", [b"HTTP/1.1 20", b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nok"]
)
def test_an_answer_that_is_cut_is_none(cut):
    context = server_context()

    def server(plain):
        with context.wrap_socket(plain, server_side=True) as session:
            while not session.recv(65536).endswith(b"]"):
                pass
            session.sendall(cut)

    _, shipper = play(server, plugin="http")

    assert facts(shipper, Kind.SHIPPED)
    assert not facts(shipper, Kind.RESPONSE)
    assert ends(shipper) == [("agent", "FIN")]


@pytest.mark.parametrize(
    ("behaviour", "end"), [(Close(Moment.MIDWAY), "FIN"), (Silent(Moment.MIDWAY), "timeout")]
)
@pytest.mark.parametrize("http2", [False, True])
def test_half_of_a_request_is_half_of_its_body(behaviour, end, http2):
    whole = json.dumps([record(7)], separators=(",", ":")).encode()
    context = server_context(alpn=["h2", "http/1.1"])

    heard, shipper = play(
        take_all(context),
        plugin="http",
        spec=ShipperSpec(http2=http2, behaviour=behaviour),
        limit=0.3,
    )

    assert b'[{"message"' in heard
    assert b"7}]" not in heard
    assert len(whole) > 10
    assert ends(shipper) == [("peer", end)]
    assert not facts(shipper, Kind.SHIPPED)


def test_a_line_of_json():
    heard, shipper = play(take_all(server_context()), plugin="tcp")

    assert json.loads(heard) == record(7)
    assert heard.endswith(b"}\n")
    assert facts(shipper, Kind.SHIPPED) == [{**AFTER, "bytes": len(heard)}]
    assert Kind.RESPONSE not in kinds(shipper)


def test_a_line_of_syslog():
    heard, shipper = play(take_all(server_context()), plugin="syslog")

    assert re.fullmatch(
        rb"<14>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z flb-handshake flb-handshake - - "
        rb'\[record@32473 n="7"\] handshake\n',
        heard,
    )
    assert facts(shipper, Kind.SHIPPED) == [{**AFTER, "bytes": len(heard)}]


def test_a_forward_message_is_acknowledged():
    context = server_context()

    def server(plain):
        with shaken(plain, context) as session:
            tag, entries, option = msgpack.unpackb(session.recv(65536))
            session.sendall(msgpack.packb({"ack": option["chunk"]}))
            return tag, entries

    (tag, ((when, shipped),)), shipper = play(server, plugin="forward")

    assert tag == "flb-handshake"
    assert isinstance(when, int)
    assert shipped == record(7)
    assert facts(shipper, Kind.RESPONSE) == [{"answer": "ack"}]


def test_each_forward_message_is_a_chunk_of_its_own():
    context = server_context()

    def server(plain):
        chunks = []
        with shaken(plain, context) as session:
            for _ in range(2):
                chunks.append(msgpack.unpackb(session.recv(65536))[2]["chunk"])
                session.sendall(msgpack.packb({"ack": chunks[-1]}))
        return chunks

    (one, other), shipper = play(server, plugin="forward", records=2, spec=ShipperSpec(keeps=True))

    assert one != other
    assert facts(shipper, Kind.RESPONSE) == [{"answer": "ack"}] * 2


def test_an_ack_of_another_chunk_is_none():
    context = server_context()

    def server(plain):
        with shaken(plain, context) as session:
            session.recv(65536)
            session.sendall(msgpack.packb({"ack": "another"}))

    _, shipper = play(server, plugin="forward")

    assert not facts(shipper, Kind.RESPONSE)


def packet(session):
    first, length = session.recv(1)[0], session.recv(1)[0]
    return first, session.recv(length) if length else b""


def broker(answers, context, *, code=0):
    """A server of MQTT that takes so many messages; gives what CONNECT and they were."""

    def server(plain):
        with shaken(plain, context) as session:
            heard = [packet(session)]
            session.sendall(bytes([0x20, 2, 0, code]))
            for _ in range(answers):
                heard.append(packet(session))
                at = 2 + int.from_bytes(heard[-1][1][:2])
                session.sendall(b"\x40\x02" + heard[-1][1][at : at + 2])
            return heard

    return server


def test_mqtt_messages_on_a_kept_connection():
    (connect, *published), shipper = play(
        broker(2, server_context()), plugin="mqtt", records=2, spec=ShipperSpec(keeps=True)
    )

    assert connect == (0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x0dflb-handshake")
    for number, (first, body) in enumerate(published, 1):
        assert first == 0x32  # PUBLISH, QoS 1
        assert body[:17] == b"\x00\x0dflb-handshake" + number.to_bytes(2)
        assert json.loads(body[17:]) == record(6 + number)
    assert facts(shipper, Kind.RESPONSE) == [{"answer": "PUBACK"}] * 2


def test_an_mqtt_client_that_is_not_let_in_publishes_nothing():
    _, shipper = play(broker(0, server_context(), code=5), plugin="mqtt")

    assert facts(shipper, Kind.RESPONSE) == [{"answer": "CONNACK 05"}]
    assert not facts(shipper, Kind.SHIPPED)


@pytest.mark.parametrize("size", [0, 1, 59, 61, 300, 65536, 65537, 200_000])
def test_snappys_literals_are_read_back(size):
    plain = bytes(at % 251 for at in range(size))

    assert unsnapped(snappy.compressed(plain)) == plain


def varint(raw, at):
    number = shift = 0
    while True:
        number |= (raw[at] & 0x7F) << shift
        shift += 7
        at += 1
        if raw[at - 1] < 0x80:
            return number, at


def unsnapped(raw):
    """Read snappy's block format, as far as literals of two length bytes go."""
    size, at = varint(raw, 0)
    plain = b""
    while at < len(raw):
        assert raw[at] == 61 << 2
        length = int.from_bytes(raw[at + 1 : at + 3], "little") + 1
        plain += raw[at + 3 : at + 3 + length]
        at += 3 + length
    assert len(plain) == size
    return plain


def fields(raw):
    at, found = 0, []
    while at < len(raw):
        key, at = varint(raw, at)
        if key & 7 == 2:
            length, at = varint(raw, at)
            value, at = raw[at : at + length], at + length
        elif key & 7 == 1:
            (value,), at = struct.unpack_from("<d", raw, at), at + 8
        else:
            value, at = varint(raw, at)
        found.append((key >> 3, value))
    return found


def write_request(raw):
    """Read prometheus.WriteRequest: the series, each with its labels and samples."""
    for number, series in fields(raw):
        assert number == 1
        parts = fields(series)
        labels = [tuple(v.decode() for _, v in fields(one)) for kind, one in parts if kind == 1]
        yield labels, [tuple(v for _, v in fields(one)) for kind, one in parts if kind == 2]
