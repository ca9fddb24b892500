"""What is spoken inside TLS, recorded and answered."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress

import pytest
from collector_clients import (
    BODY,
    CLEARTEXT,
    ENDLESS,
    PKI,
    POST,
    PyOpenSSL,
    client_context,
    connect,
    dial,
    ends,
    facts,
    play,
    until_end,
)
from OpenSSL import SSL

from flb_handshake.model import CollectorSpec
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.connection import Connection
from flb_handshake.peer.events import Kind


def speaking(*pieces):
    """Say these, each once the last one has been answered; give all answers."""

    def client(port):
        session = connect(client_context(), port)
        heard = b""
        for piece in pieces:
            session.sendall(piece)
            heard += session.recv(65536)
        with suppress(OSError):
            while more := session.recv(65536):
                heard += more
        session.close()
        return heard

    return client


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        (b"this is not HTTP\r\n\r\n", 400, "illegal request line"),
        (b"\x00\x01\x02\x03\r\n\r\n", 400, "illegal request line"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: minus\r\n\r\n", 400, "Content-Length"),
        (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400, "Host"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000, 431, "too long"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
            "illegal chunk header",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
            501,
            "Transfer-Encoding",
        ),
    ],
)
def test_what_is_not_http_is_refused_with_the_reason_and_ends_the_session(said, status, why):
    answer, listener = play(CollectorSpec(), speaking(said))

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    (response,) = facts(listener, Kind.RESPONSE)
    assert response["status"] == status
    assert why in response["reason"]
    assert facts(listener, Kind.TLS_ERROR) == []
    assert ends(listener) == [("peer", "close_notify")]


def test_a_request_is_recorded_though_what_follows_it_is_broken():
    answer, listener = play(CollectorSpec(), speaking(POST + b"and then nonsense\r\n\r\n"))

    assert answer.count(b"HTTP/1.1 ") == 2
    assert [one["count"] for one in facts(listener, Kind.REQUEST)] == [1]
    assert [one["status"] for one in facts(listener, Kind.RESPONSE)] == [201, 400]


def test_a_request_in_the_same_breath_as_the_end_of_the_session_is_recorded():
    def client(port):
        plain = dial(port)
        session = SSL.Connection(PyOpenSSL().context, None)
        session.set_connect_state()
        for _ in range(2):
            with suppress(SSL.WantReadError):
                session.do_handshake()
            plain.sendall(session.bio_read(65536))
            session.bio_write(plain.recv(65536))
        session.sendall(POST)
        session.shutdown()
        plain.sendall(session.bio_read(65536))
        got = until_end(plain)
        plain.close()
        return got

    _, listener = play(CollectorSpec(), client)

    assert [one["count"] for one in facts(listener, Kind.REQUEST)] == [1]
    assert ends(listener) == [("agent", "close_notify")]


def test_a_chunked_body_is_one_request():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, BODY[i : i + 1]) for i in range(len(BODY)))

    answer, listener = play(
        CollectorSpec(), speaking(head + b"Connection: close\r\n\r\n" + chunks + b"0\r\n\r\n")
    )

    assert answer.startswith(b"HTTP/1.1 201 ")
    (request,) = facts(listener, Kind.REQUEST)
    assert (request["records"], request["bytes"]) == ([{"message": "handshake"}], len(BODY))


def test_several_requests_on_one_connection_are_each_answered():
    last = POST.replace(b"Host:", b"Connection: close\r\nHost:")

    answer, listener = play(CollectorSpec(), speaking(POST, POST + POST, last))

    assert answer.count(b"HTTP/1.1 201 ") == 4
    assert len(facts(listener, Kind.REQUEST)) == len(facts(listener, Kind.RESPONSE)) == 4
    assert len(facts(listener, Kind.NEGOTIATED)) == 1


def test_a_client_that_waits_for_the_go_ahead_gets_it():
    head, body = POST.split(b"\r\n\r\n")
    waiting = head + b"\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"

    answer, listener = play(CollectorSpec(), speaking(waiting, body))

    assert answer.startswith(b"HTTP/1.1 100 ")
    assert answer.count(b"HTTP/1.1 201 ") == 1
    assert len(facts(listener, Kind.REQUEST)) == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 9000000", b"Transfer-Encoding: chunked"])
def test_a_body_over_the_limit_is_refused(framing):
    head = b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n"
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"

    def client(port):
        session = connect(client_context(), port)
        session.sendall(head)
        for _ in range(80):  # more than the limit, and the collector takes it all: no reset
            session.sendall(piece)
        answer = session.recv(65536)
        session.close()
        return answer

    answer, listener = play(CollectorSpec(), client)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert [one["status"] for one in facts(listener, Kind.RESPONSE)] == [413]
    assert facts(listener, Kind.REQUEST) == []


@pytest.mark.parametrize(
    ("body", "count", "records"),
    [
        (b"[1,2,3]", 3, [1, 2, 3]),
        (b'{"a":1}', 1, [{"a": 1}]),
        (b"[" * 100_000, 0, []),
        (b"[NaN]", 1, ["NaN"]),
        (b"\xff\xfe not JSON", 0, []),
        (json.dumps(["x" * 40_000] * 5).encode(), 5, ["x" * 40_000]),
        (b"[" + b",".join([b"0"] * 1000) + b"]", 1000, [0] * 20),
        (b"", 0, []),
    ],
)
def test_a_body_of_any_kind_is_counted_and_kept_within_bounds(body, count, records):
    request = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )

    answer, listener = play(CollectorSpec(), speaking(request))

    assert answer.startswith(b"HTTP/1.1 201 ")
    (seen,) = facts(listener, Kind.REQUEST)
    assert (seen["count"], seen["records"], seen["bytes"]) == (count, records, len(body))
    assert bool(seen["body"]) == (bool(body) and not records)
    json.dumps(seen, allow_nan=False)


@pytest.mark.parametrize("method", [b"HEAD", b"CONNECT", b"GET", b"PUT"])
def test_a_request_of_any_method_is_answered(method):
    said = method + b" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    answer, listener = play(CollectorSpec(), speaking(said))

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert [one["method"] for one in facts(listener, Kind.REQUEST)] == [method.decode()]


def test_an_agent_that_takes_no_answers_is_not_listened_to_until_it_does():
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec(behaviour=CLEARTEXT), expected=ENDLESS)
        near, far = socket.socketpair()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        far.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: Connection(listener), sock=near
        )
        asked = 0
        while transport.is_reading() and asked < 100_000:
            with suppress(BlockingIOError):
                asked += far.send(request * 50) // len(request)
            await asyncio.sleep(0)
        waiting = transport.get_write_buffer_size()
        while not transport.is_reading():
            with suppress(BlockingIOError):
                far.recv(1 << 20)
            await asyncio.sleep(0)
        transport.abort()
        far.close()
        collector.close()
        await asyncio.sleep(0)
        return asked, waiting

    asked, waiting = asyncio.run(performance())

    assert asked < 100_000
    assert waiting < 1 << 20
