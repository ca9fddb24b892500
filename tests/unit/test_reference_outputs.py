"""What the reference program's outputs send is what those of Fluent Bit 5.1.1 were seen to send.

The collector's own readers read it, which know nothing of the program.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading

import pytest
from reference_runs import ALONE, Running

from flb_handshake.agent.reference_program import protobuf, speakers
from flb_handshake.agent.reference_program.classic import Instance
from flb_handshake.agent.reference_program.delivery import Chunk, Delivery
from flb_handshake.agent.reference_program.exchange import Exchange
from flb_handshake.agent.reference_program.forms import FORMS
from flb_handshake.agent.reference_program.grammar import StartError
from flb_handshake.agent.reference_program.outputs import _check, address
from flb_handshake.agent.reference_program.plugin_properties import PLUGINS
from flb_handshake.agent.reference_program.releases import Release
from flb_handshake.agent.reference_program.speakers import Forward, WebSocket
from flb_handshake.model import AgentSpec
from flb_handshake.peer.http import HttpServer
from flb_handshake.peer.http2 import Http2Server
from flb_handshake.peer.protocols import spoken_by
from flb_handshake.peer.protocols.forward import ForwardServer
from flb_handshake.peer.protocols.gelf import GelfServer
from flb_handshake.peer.protocols.nats import NatsServer
from flb_handshake.peer.protocols.services import SERVICES
from flb_handshake.peer.protocols.syslog import SyslogServer
from flb_handshake.peer.protocols.tcp import TcpServer
from flb_handshake.peer.protocols.websocket import WebSocketServer

RECORD = {"message": "handshake"}
RELEASE = Release("5.1.1")


def instance(plugin, **settings):
    made = Instance(kind="output", plugin=plugin, number=0)
    made.settings = {name.replace("__", "."): value for name, value in settings.items()}
    return made


def chunk(*records):
    return Chunk(records or (RECORD,), "t0", "dummy.0")


class Spoken:
    """As much of an upstream and of a voice as a speaker uses."""

    host, port, where, keepalive, secured = "h.test", 1, "h.test:1", True, False

    def __init__(self):
        self.said = []

    def broken(self, _, error):
        self.said.append(repr(error))

    def say(self, _, text):
        self.said.append(text)

    plugin = say


@contextlib.contextmanager
def served(server):
    """A connection to this server; what it heard comes at the end, in a list."""
    near, far = socket.socketpair()
    heard = []

    def serve():
        with far, contextlib.suppress(OSError):
            if greeting := getattr(server, "greeting", bytes)():
                far.sendall(greeting)
            while data := far.recv(1 << 16):
                one = server.receive(data)
                heard.extend(request.facts for request in one.requests)
                if one.answer:
                    far.sendall(one.answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with near:
        yield near, heard
    thread.join()


# --- over HTTP -------------------------------------------------------------------------------

EXPECTED = {
    "http": ("/", "application/json", RECORD),
    "es": ("/_bulk", "application/x-ndjson", RECORD),
    "opensearch": ("/_bulk", "application/x-ndjson", RECORD),
    "splunk": ("/services/collector/event", "", RECORD),
    "loki": ("/loki/api/v1/push", "application/json", RECORD),
    "opentelemetry": ("/v1/logs", "application/x-protobuf", "handshake"),
    "influxdb": ("/write?db=fluentbit&precision=n", "", RECORD),
    "datadog": ("/api/v2/logs", "application/json", RECORD),
    "kafka-rest": ("/topics/fluent-bit", "application/vnd.kafka.json.v2+json", RECORD),
    "logdna": ("/logs/ingest?hostname=", "application/json; charset=UTF-8", RECORD),
    "nrlogs": ("/log/v1", "application/json", RECORD),
    "slack": ("/services/x", "application/json", {}),
    "skywalking": ("/v3/logs", "application/json", RECORD),
    "prometheus_remote_write": ("/", "application/x-protobuf", {"__name__": "up"}),
}
URLS = {"base_uri": "https://h.test:1/log/v1", "webhook": "https://h.test/services/x"}


def test_which_outputs_over_http_that_the_collector_reads_are_modelled():
    of_aws = {"cloudwatch_logs", "kinesis_firehose", "kinesis_streams", "s3"}
    others = {"azure", "azure_logs_ingestion", "td"}
    assert set(FORMS) == set(EXPECTED) == set(SERVICES) - of_aws - others


OUTPUTS = [name[2:] for name in PLUGINS if name.startswith("-o")]


@pytest.mark.parametrize("plugin", EXPECTED)
def test_an_output_over_http_sends_what_its_service_reads(plugin):
    target, kind, record = EXPECTED[plugin]
    voice = Spoken()
    exchange = Exchange(instance(plugin, **URLS), FORMS[plugin], voice, voice, RELEASE)
    sent = {protobuf.METRICS: protobuf.written({"__name__": "up"}, 1.0, 1)}
    with served(HttpServer(SERVICES[plugin])) as (connection, heard):
        exchange.begin(connection)
        fate = exchange.deliver(connection, chunk(sent if "prometheus" in plugin else RECORD))
    assert (fate.delivered, fate.kept) == (True, True)
    (facts,) = heard
    assert facts["target"].startswith(target)
    assert facts["content_type"] == kind
    (found,) = facts["records"]
    assert found == record if isinstance(record, str) else record.items() <= found.items()


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({}, ("http/1.1", "http/1.0")),
        ({"http2": "off"}, ("http/1.1", "http/1.0")),
        ({"http2": "on"}, ("h2", "http/1.1", "http/1.0")),
        ({"http2": "force"}, ("h2",)),
        ({"grpc": "on"}, ("h2", "http/1.1", "http/1.0")),
    ],
)
def test_opentelemetry_offers_what_it_may_speak(settings, offered):
    assert FORMS["opentelemetry"].offers(instance("opentelemetry", **settings)) == offered
    assert FORMS["es"].offers(instance("es")) == ()


@pytest.mark.parametrize("settings", [{"http2": "on"}, {"grpc": "on"}])
def test_opentelemetry_speaks_http2_and_grpc(settings):
    made = instance("opentelemetry", **settings)
    voice = Spoken()
    exchange = Exchange(made, FORMS["opentelemetry"], voice, voice, RELEASE)
    agent = AgentSpec(plugin="opentelemetry", properties=tuple(settings.items()))
    with served(Http2Server(spoken_by(agent).service)) as (connection, heard):
        exchange.begin(connection)
        assert exchange.deliver(connection, chunk()).delivered
        assert exchange.deliver(connection, chunk({"message": "x" * 200_000})).delivered
    assert [facts["count"] for facts in heard] == [1, 1]
    assert [facts["bytes"] > 200_000 for facts in heard] == [False, True]


def test_what_is_not_text_has_a_value_of_its_own_kind():
    value = {"a": 1, "b": [1.5, True], "c": {"d": "e"}, "f": -1}
    assert SERVICES["opentelemetry"].records(protobuf.logs([value])) == [{**value, "f": -1.0}]


# --- in protocols of their own ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "write", "settings", "record"),
    [
        (GelfServer(), speakers.gelf, {"gelf_short_message_key": "message"}, "short_message"),
        (SyslogServer(), speakers.syslog, {"syslog_message_key": "message"}, "message"),
        (NatsServer(), speakers.nats, {}, "message"),
        (TcpServer(), speakers.text_or_msgpack, {}, "message"),
        (TcpServer("json"), speakers.text_or_msgpack, {"format": "json"}, "message"),
        (TcpServer("json_lines"), speakers.text_or_msgpack, {"format": "json_lines"}, "message"),
    ],
    ids=["gelf", "syslog", "nats", "tcp", "tcp json", "tcp json_lines"],
)
def test_a_stream_is_what_its_server_reads(server, write, settings, record):
    heard = server.receive(write(instance("x", **settings), chunk(RECORD, RECORD)))
    found = [one for request in heard.requests for one in request.facts["records"]]
    assert [one[record] for one in found] == ["handshake"] * 2


@pytest.mark.parametrize("key", [None, "known"])
@pytest.mark.parametrize("acknowledged", ["on", "off"])
@pytest.mark.parametrize("compress", ["gzip", "text"])
def test_forward_shakes_hands_and_has_each_chunk_acknowledged(key, acknowledged, compress):
    settings = {"require_ack_response": acknowledged, "compress": compress}
    settings |= {"shared_key": key} if key else {}
    voice = Spoken()
    made = Forward(instance("forward", **settings), voice, voice)
    with served(ForwardServer(key)) as (connection, heard):
        assert made.begin(connection)
        assert made.deliver(connection, chunk()).delivered
    assert [(facts["target"], facts["records"]) for facts in heard] == [("t0", [RECORD])]


def test_forward_is_refused_with_another_key():
    voice = Spoken()
    made = Forward(instance("forward", shared_key="another"), voice, voice)
    with served(ForwardServer("known")) as (connection, heard):
        assert not made.begin(connection)
    assert not heard


def test_an_acknowledgement_that_does_not_come_is_told():
    voice = Spoken()
    made = Forward(instance("forward", require_ack_response="on"), voice, voice)
    near, far = socket.socketpair()
    far.shutdown(socket.SHUT_WR)
    with near, far:
        fate = made.deliver(near, chunk())
    assert (fate.delivered, fate.again) == (False, True)
    assert voice.said[-1] == "cannot get ack"


@pytest.mark.parametrize("size", [1, 200, 70_000])
@pytest.mark.parametrize("form", ["msgpack", "json"])
def test_websocket_upgrades_and_masks_frames_of_any_length(form, size):
    voice = Spoken()
    made = WebSocket(instance("websocket", format=form), voice, voice)
    with served(WebSocketServer(form)) as (connection, heard):
        assert made.begin(connection)
        assert made.deliver(connection, chunk({"message": "x" * size})).delivered
    (facts,) = heard
    assert facts["count"] == 1
    assert size < facts["bytes"] < size + 100


# --- whom they dial, and what stops the start ------------------------------------------------


@pytest.mark.parametrize(
    ("plugin", "settings", "dialled"),
    [
        ("http", {}, ("127.0.0.1", 80)),
        ("es", {"host": "h.test"}, ("h.test", 9200)),
        ("forward", {"port": "1"}, ("127.0.0.1", 1)),
        ("logdna", {"logdna_host": "h.test", "host": "no"}, ("h.test", 443)),
        ("nrlogs", URLS, ("h.test", 1)),
        ("slack", URLS, ("h.test", 443)),
    ],
)
def test_an_output_dials_whom_its_own_properties_name(plugin, settings, dialled):
    assert address(instance(plugin, **settings)) == dialled


@pytest.mark.parametrize(
    ("plugin", "name", "url", "said"),
    [
        ("nrlogs", "base_uri", "h.test:1/log/v1", "error parsing base_uri 'h.test:1/log/v1'"),
        ("slack", "webhook", "h.test:1/services/x", "could not process 'webhook' address"),
        ("slack", "webhook", "http://h.test:1/x", "invalid protocol 'http', we expected 'https'"),
    ],
)
def test_an_output_does_not_start_with_an_address_that_it_cannot_read(plugin, name, url, said):
    with pytest.raises(StartError) as refused:
        _check(instance(plugin, **{name: url}), RELEASE)
    assert said in refused.value.lines[0][1]
    assert refused.value.code == 255


@pytest.mark.parametrize(
    "plugin", [*(name[2:] for name in PLUGINS if name.startswith("-o")), "http"]
)
def test_metrics_go_to_no_output_of_logs(plugin):
    class Output:
        takes_metrics = plugin == "prometheus_remote_write"

        def __init__(self):
            self.came = threading.Event()

        def wants(self, _):
            return True

        def deliver(self, *_):
            self.came.set()

    output = Output()
    delivery = Delivery([output])
    delivery.route([{protobuf.METRICS: b""}], "t0", "x")
    assert output.came.wait(5 if output.takes_metrics else 0.05) == output.takes_metrics


@pytest.mark.parametrize(
    ("plugin", "properties", "said"),
    [
        ("nats", {"tls": "on"}, "[config] nats.0 does not support TLS"),
        ("syslog", {"tls": "on"}, "mode=udp with tls=on is unsupported; use mode=dtls"),
        ("syslog", {"mode": "dtls"}, "the reference agent models no DTLS"),
        ("slack", {"foo": "x"}, "The following properties are allowed: webhook."),
        ("nats", {"foo": "x"}, "The following properties are allowed: "),
        ("forward", {}, "the reference agent was not told where the library msgpack is"),
        ("opentelemetry", {"grpc": "on"}, "was not told where the library h2 is"),
    ],
)
def test_what_an_output_cannot_do_stops_the_start(tmp_path, plugin, properties, said):
    conf = tmp_path / "fluent-bit.conf"
    lines = "".join(f"    {name} {value}\n" for name, value in properties.items())
    conf.write_text(f"[INPUT]\n    Name dummy\n[OUTPUT]\n    Name {plugin}\n{lines}")
    with Running(conf, program=ALONE) as agent:
        assert agent.end() != 0
    assert said in "\n".join(agent.lines)


def test_datagrams_are_never_secured(tmp_path):
    with socket.socket(type=socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(10)
        conf = tmp_path / "fluent-bit.conf"
        conf.write_text(
            "[SERVICE]\n    Flush 0.01\n[INPUT]\n    Name dummy\n    Rate 100\n[OUTPUT]\n"
            f"    Name gelf\n    Match *\n    Port {sink.getsockname()[1]}\n    tls on\n"
            "    Gelf_Short_Message_Key message\n"
        )
        with Running(conf):
            assert json.loads(sink.recv(1000))["short_message"] == "dummy"
