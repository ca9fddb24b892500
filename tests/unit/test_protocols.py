"""The record protocols that are not HTTP, as bytes alone: what arrives, and what is said."""

import gzip
import hashlib
import json
import struct

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flb_handshake.peer.http import LONGEST_BODY
from flb_handshake.peer.protocols.conversation import Conversation
from flb_handshake.peer.protocols.forward import ForwardServer
from flb_handshake.peer.protocols.gelf import GelfServer
from flb_handshake.peer.protocols.nats import NatsServer
from flb_handshake.peer.protocols.syslog import SyslogServer
from flb_handshake.peer.protocols.tcp import TcpServer
from flb_handshake.peer.protocols.websocket import WebSocketServer

RECORD = {"message": "handshake"}
KEY = "a key that is shared"
TIME = b"\xd7\x00\x6b\x05\x81\x3a\x3a\x8b\x11\x0e"
"""An EventTime, as Fluent Bit writes one."""
EVENT = b"\x92" + TIME + b"\x81\xa7message\xa9handshake"
EVENT_WITH_METADATA = b"\x92\x92" + TIME + b"\x80\x81\xa7message\xa9handshake"
LINE = b"<14>1 2026-11-24T12:21:07.014304Z - - - - - \xef\xbb\xbfhandshake\n"
GELF = b'{"version":"1.1", "short_message":"handshake", "timestamp":1795522870.986}\0'
PUBLISHED = b'[[1795522870.98,{"tag":"t","message":"handshake"}]]'
CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"lang":"c"}\r\n'
PUB = b"PUB t %d\r\n%b\r\n" % (len(PUBLISHED), PUBLISHED)
UPGRADE = (
    b"GET /logs HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(payload, *, opcode=0x1, final=True, mask=b"\x12\x34\x56\x78"):
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = b"\xfe" + struct.pack(">H", size)
    else:
        length = b"\xff" + struct.pack(">Q", size)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([0x80 * final | opcode]) + length + mask + masked


def records(heard):
    return [record for request in heard.requests for record in request.facts["records"]]


def said(heard):
    return [one["answer"] for one in heard.answers]


WHOLE = [
    pytest.param(ForwardServer, b"\x92\xa1t\x91" + EVENT, RECORD, id="forward"),
    pytest.param(ForwardServer, b"\x92\xa1t\x91" + EVENT_WITH_METADATA, RECORD, id="metadata"),
    pytest.param(ForwardServer, b"\x92\xa1t\xc4\x1e" + EVENT, RECORD, id="packed"),
    pytest.param(
        ForwardServer, b"\x93\xa1t" + TIME + EVENT[11:], RECORD, id="message, with EventTime"
    ),
    pytest.param(
        ForwardServer, b"\x93\xa1t\xce\x6b\x05\x81\x3f" + EVENT[11:], RECORD, id="message"
    ),
    pytest.param(
        SyslogServer,
        LINE,
        {"pri": "14", "time": "2026-11-24T12:21:07.014304Z", **RECORD},
        id="syslog",
    ),
    pytest.param(
        GelfServer,
        GELF,
        {"version": "1.1", "short_message": "handshake", "timestamp": 1795522870.986},
        id="gelf",
    ),
    pytest.param(TcpServer, EVENT_WITH_METADATA, RECORD, id="tcp, msgpack"),
    pytest.param(lambda: TcpServer("json"), b'[{"message":"handshake"}]', RECORD, id="tcp, json"),
    pytest.param(
        lambda: TcpServer("json_lines"), b'{"message":"handshake"}\n', RECORD, id="tcp, lines"
    ),
    pytest.param(NatsServer, CONNECT + PUB, {"tag": "t", **RECORD}, id="nats"),
    pytest.param(WebSocketServer, UPGRADE + frame(EVENT), RECORD, id="websocket, msgpack"),
    pytest.param(
        lambda: WebSocketServer("json"),
        UPGRADE + frame(b'[{"message":"handshake"}]'),
        RECORD,
        id="websocket, json",
    ),
]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(("make", "stream", "record"), WHOLE)
def test_a_record_arrives_once_in_whatever_pieces(make, stream, record, size):
    server = make()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]

    early = [server.receive(piece) for piece in pieces[:-1]]
    last = server.receive(pieces[-1])

    arrived = [one for heard in [*early, last] for one in records(heard)]
    if stream.endswith(b"\n") and b"{" in stream:  # a value is whole before its line is
        assert arrived == [record]
    else:
        assert arrived == records(last) == [record]
    assert not last.over
    assert last.requests == () or last.requests[-1].count == 1


@pytest.mark.parametrize(("make", "stream", "record"), WHOLE)
def test_a_second_record_follows_on_the_same_connection(make, stream, record):
    server = make()
    server.receive(stream)

    again = server.receive(stream.removeprefix(UPGRADE))

    assert records(again) == [record]
    assert not again.over


@pytest.mark.parametrize(("make", "stream"), [param.values[:2] for param in WHOLE])
def test_nothing_arrives_of_what_is_not_whole(make, stream):
    whole = stream.rstrip(b"\n") if b"{" in stream else stream

    heard = make().receive(whole[:-1])

    assert heard.requests == ()
    assert not heard.over


JUNK = [
    pytest.param(ForwardServer, b"GET / HTTP/1.1\r\n\r\n", id="forward: HTTP"),
    pytest.param(ForwardServer, msgpack.packb(["t", 1]), id="forward: two elements"),
    pytest.param(ForwardServer, msgpack.packb(["t", [["no", "pair"]]]), id="forward: no record"),
    pytest.param(ForwardServer, msgpack.packb([1, []]), id="forward: no tag"),
    pytest.param(ForwardServer, msgpack.packb(["t", b"\xc1"]), id="forward: broken entries"),
    pytest.param(
        ForwardServer, msgpack.packb(["t", b"no", {"compressed": "gzip"}]), id="forward: no gzip"
    ),
    pytest.param(ForwardServer, b"\xdd\xff\xff\xff\xff" * 40, id="forward: endless arrays"),
    pytest.param(ForwardServer, b"\x81\x90\x01", id="forward: an array for a key"),
    pytest.param(lambda: ForwardServer(KEY), b"\x92\xa1t\x91" + EVENT, id="forward: no PING"),
    pytest.param(lambda: ForwardServer(KEY), b"\x96\xa4PING\1\2\3\4\5", id="forward: empty PING"),
    pytest.param(SyslogServer, b"GET / HTTP/1.1\r\n", id="syslog: HTTP"),
    pytest.param(SyslogServer, LINE.replace(b"<14>", b"<192>"), id="syslog: priority"),
    pytest.param(SyslogServer, b"68 " + LINE, id="syslog: octets counted"),
    pytest.param(GelfServer, b"{}\0", id="gelf: no version"),
    pytest.param(GelfServer, b'{"version":"1.1"}\0', id="gelf: no message"),
    pytest.param(GelfServer, b"[]\0", id="gelf: an array"),
    pytest.param(GelfServer, b"\xff\0", id="gelf: no text"),
    pytest.param(TcpServer, msgpack.packb({"no": "event"}), id="tcp: no event"),
    pytest.param(TcpServer, b"\xc1", id="tcp: no msgpack"),
    pytest.param(lambda: TcpServer("json"), b"GET / HTTP/1.1\r\n\r\n", id="tcp: HTTP"),
    pytest.param(lambda: TcpServer("json"), b"]", id="tcp: an end of nothing"),
    pytest.param(lambda: TcpServer("json"), b"[" * 5000 + b"]" * 5000, id="tcp: a maze"),
    pytest.param(NatsServer, b"HELLO\r\n", id="nats: no verb"),
    pytest.param(NatsServer, b"CONNECT no\r\n", id="nats: options"),
    pytest.param(NatsServer, b"PUB t\r\n", id="nats: no size"),
    pytest.param(NatsServer, b"PUB t 999999999\r\n", id="nats: size"),
    pytest.param(NatsServer, b"PUB t 2\r\n[]no", id="nats: no end"),
    pytest.param(NatsServer, b"PUB t 2\r\n{}\r\n", id="nats: an object"),
    pytest.param(NatsServer, b"x" * 5000, id="nats: an endless line"),
    pytest.param(WebSocketServer, b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", id="websocket: HTTP"),
    pytest.param(WebSocketServer, b"\x16\x03\x01", id="websocket: TLS"),
    pytest.param(WebSocketServer, UPGRADE + b"\x81\x02{}", id="websocket: not masked"),
    pytest.param(WebSocketServer, UPGRADE + frame(b"", opcode=3), id="websocket: opcode"),
    pytest.param(WebSocketServer, UPGRADE + frame(b"", opcode=0), id="websocket: continues"),
    pytest.param(WebSocketServer, UPGRADE + frame(b"\xc1"), id="websocket: no msgpack"),
    pytest.param(
        WebSocketServer, UPGRADE + b"\x81\xff" + b"\xff" * 12, id="websocket: an endless frame"
    ),
]


@pytest.mark.parametrize(("make", "junk"), JUNK)
def test_junk_is_refused_once_and_ends_the_conversation(make, junk):
    server = make()

    heard = server.receive(junk)

    assert heard.over
    assert heard.requests == ()
    assert said(heard)[-1] == "refused"
    assert heard.answers[-1]["reason"].startswith(f"not {server.NAME}: ")
    assert server.receive(junk) == type(heard)(over=True)


ENDLESS = [
    pytest.param(make, start, id=start.decode("latin-1"))
    for make, start in [
        (ForwardServer, b"\xdb\x00\x3f\xff\xff"),
        (SyslogServer, b"<14>1 "),
        (GelfServer, b'{"version":"1.1"'),
        (lambda: TcpServer("json"), b'["'),
        (lambda: TcpServer("msgpack"), b"\xdb\x00\x3f\xff\xff"),
    ]
]


@pytest.mark.parametrize(("make", "start"), ENDLESS)
def test_what_has_no_end_is_given_up(make, start):
    server = make()
    assert not server.receive(start).over
    piece = b"a" * (1 << 16)

    ended = [server.receive(piece).over for _ in range(LONGEST_BODY // len(piece) + 2)]

    assert ended[-1]
    assert not ended[LONGEST_BODY // len(piece) // 2]


def test_a_frame_over_the_limit_is_not_waited_for():
    server = WebSocketServer("json")
    server.receive(UPGRADE)
    half = frame(b"a" * (LONGEST_BODY // 2 + 1), final=False)

    first = server.receive(half)
    second = server.receive(b"\x80" + frame(b"a" * (LONGEST_BODY // 2 + 1))[1:])

    assert not first.over
    assert second.over
    assert second.answer == b"\x88\x02" + (1009).to_bytes(2)


def test_gzip_that_grows_is_given_up():
    bomb = gzip.compress(EVENT * (LONGEST_BODY // len(EVENT) + 1))
    heard = ForwardServer().receive(msgpack.packb(["t", bomb, {"compressed": "gzip"}]))

    assert heard.over
    assert "not soon enough" in heard.answers[0]["reason"]


def test_forward_acknowledges_a_chunk_and_nothing_else():
    server = ForwardServer()
    asked = server.receive(b"\x93\xa1t\x91" + EVENT + msgpack.packb({"chunk": "c1", "size": 1}))
    unasked = server.receive(b"\x93\xa1t\x91" + EVENT + msgpack.packb({"size": 1}))

    assert msgpack.unpackb(asked.answer) == {"ack": "c1"}
    assert said(asked) == ["ack"]
    assert (unasked.answer, unasked.answers) == (b"", ())
    assert asked.requests[0].facts["target"] == "t"


def test_forward_unpacks_what_was_compressed():
    packed = msgpack.packb(["t", gzip.compress(EVENT * 3), {"compressed": "gzip"}])

    assert records(ForwardServer().receive(packed)) == [RECORD] * 3


def ping(server, key, *, host=b"agent", salt=b"\xff\x00salt"):
    word, options = msgpack.unpackb(server.greeting())
    assert word == "HELO"
    nonce = options["nonce"].encode()
    digest = hashlib.sha512(salt + host + nonce + key.encode()).hexdigest()
    return msgpack.packb([b"PING", host, salt, digest.encode(), b"", b""], use_bin_type=False)


def test_forward_admits_who_has_the_shared_key_and_proves_that_it_has_it_too():
    server = ForwardServer(KEY)
    nonce = msgpack.unpackb(server.greeting())[1]["nonce"].encode()

    pong = server.receive(ping(server, KEY))
    heard = server.receive(b"\x92\xa1t\x91" + EVENT)

    word, admitted, reason, host, digest = msgpack.unpackb(pong.answer)
    own = hashlib.sha512(b"\xff\x00salt" + host.encode() + nonce + KEY.encode()).hexdigest()
    assert (word, admitted, reason, digest) == ("PONG", True, "", own)
    assert not pong.over
    assert records(heard) == [RECORD]


def test_forward_refuses_who_has_another_key():
    server = ForwardServer(KEY)

    pong = server.receive(ping(server, "another key"))
    later = server.receive(b"\x92\xa1t\x91" + EVENT)

    assert msgpack.unpackb(pong.answer)[:3] == ["PONG", False, "shared_key mismatch"]
    assert pong.over
    assert later.requests == ()


def test_a_nonce_is_for_one_connection():
    assert ForwardServer(KEY).greeting() != ForwardServer(KEY).greeting()


def test_forward_without_a_key_and_the_others_let_the_agent_begin():
    servers = [ForwardServer(), SyslogServer(), GelfServer(), TcpServer(), WebSocketServer()]

    assert [server.greeting() for server in servers] == [b""] * len(servers)


def test_nats_says_what_it_is_and_answers_as_it_is_asked_to():
    server = NatsServer()
    verb, _, info = server.greeting().partition(b" ")

    heard = server.receive(b'CONNECT {"verbose":true}\r\nPING\r\n' + PUB)

    assert (verb, json.loads(info)["proto"]) == (b"INFO", 1)
    assert heard.answer == b"+OK\r\nPONG\r\n+OK\r\n"
    assert said(heard) == ["+OK", "PONG", "+OK"]
    assert heard.requests[0].facts["target"] == "t"
    assert NatsServer().receive(CONNECT + PUB).answer == b""


def test_nats_names_an_error_as_its_server_does():
    assert NatsServer().receive(b"NO\r\n").answer == b"-ERR 'Unknown Protocol Operation'\r\n"


def test_syslog_keeps_what_is_said_beside_the_message():
    line = b'<191>1 2026-01-01T00:00:00Z h a p m [x@1 a="\\"\\]" b="2"][y] text\n'

    assert records(SyslogServer().receive(line)) == [
        {
            "pri": "191",
            "time": "2026-01-01T00:00:00Z",
            "host": "h",
            "app": "a",
            "pid": "p",
            "msgid": "m",
            "data": '[x@1 a="\\"\\]" b="2"][y]',
            "message": "text",
        }
    ]


def test_json_values_need_no_line_ends_and_hold_brackets_in_strings():
    stream = b'{"a":"]}\\"{"}{"b":[1,{}]}\n\n[{"c":1},{"d":2}] '

    heard = TcpServer("json_stream").receive(stream)

    assert records(heard) == [{"a": ']}"{'}, {"b": [1, {}]}, {"c": 1}, {"d": 2}]
    assert not heard.over


def test_a_websocket_is_accepted_as_the_standard_says():
    heard = WebSocketServer().receive(UPGRADE)
    head = heard.answer.lower()

    # RFC 6455, section 1.3, has this very key
    assert heard.answer.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in heard.answer
    assert b"upgrade: websocket\r\n" in head
    assert said(heard) == ["101"]


def test_a_websocket_answers_a_ping_and_a_close():
    server = WebSocketServer()
    server.receive(UPGRADE)

    pong = server.receive(frame(b"are you there", opcode=0x9))
    closed = server.receive(frame((1000).to_bytes(2) + b"bye", opcode=0x8))

    assert pong.answer == b"\x8a\x0dare you there"
    assert closed.answer == b"\x88\x02\x03\xe8"
    assert (pong.over, closed.over) == (False, True)


def test_a_message_can_come_in_several_frames_and_be_long():
    server = WebSocketServer("json")
    body = json.dumps([{"message": "x" * 70_000}]).encode()
    parts = [
        frame(body[:10], final=False),
        frame(b"", opcode=0x9),
        frame(body[10:300], opcode=0, final=False),
        frame(body[300:], opcode=0),
    ]

    heard = server.receive(UPGRADE + b"".join(parts))

    assert [request.count for request in heard.requests] == [1]
    assert heard.requests[0].facts["target"] == "/logs"
    assert heard.requests[0].facts["bytes"] == len(body)


def test_what_json_does_not_have_becomes_words():
    odd = {b"\xff": float("nan"), b"t": msgpack.ExtType(0, b"\0\0\0\1\0\0\0\0"), 1: [b"\xfe", None]}
    heard = TcpServer().receive(msgpack.packb([0, odd]))

    assert records(heard) == [{"\\xff": "nan", "t": 1.0, "1": ["\\xfe", None]}]
    json.dumps(records(heard), allow_nan=False)


def test_a_maze_is_cut():
    deep = {}
    for _ in range(200):
        deep = {"a": deep}
    packed = TcpServer().receive(msgpack.packb([0, deep]))
    told = TcpServer("json").receive(json.dumps(deep).encode())

    for heard in (packed, told):
        assert json.dumps(records(heard)).count("{") == 32
        assert not heard.over


STREAMS = [param.values[1] for param in (*WHOLE, *JUNK)]


@settings(max_examples=400, deadline=None)
@given(
    make=st.sampled_from([param.values[0] for param in (*WHOLE, *JUNK)]),
    stream=st.lists(
        st.one_of(
            st.sampled_from(STREAMS),
            st.sampled_from(STREAMS).flatmap(lambda it: st.integers(0, 60).map(lambda n: it[n:])),
            st.binary(max_size=80),
        ),
        max_size=5,
    ),
)
def test_no_bytes_in_whatever_pieces_make_one_raise(make, stream):
    server = make()
    assert isinstance(server, Conversation)

    for piece in stream:
        heard = server.receive(piece)
        json.dumps([request.facts for request in heard.requests], allow_nan=False)
        json.dumps(heard.answers, allow_nan=False)
