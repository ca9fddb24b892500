"""The collector, held to its promises over loopback by clients that are not ours.

The clients are Python's own ssl (the system's OpenSSL), pyOpenSSL and `openssl s_client`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from OpenSSL import SSL, crypto

from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    HOST,
    LEAF,
    OTHER_CLIENT,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    Key,
    Usage,
    chain,
    expired,
    keyed,
    named,
    usage,
)
from flb_handshake.errors import CertificateFileError, HarnessFailure
from flb_handshake.model import Behaviour, ClientAuth, CollectorSpec, Conduct, Moment
from flb_handshake.peer import collector as collector_module
from flb_handshake.peer import connection as connection_module
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.connection import Connection
from flb_handshake.peer.events import Kind
from flb_handshake.peer.tls import VERSIONS, TlsEndpoint
from flb_handshake.pki import Pki

PKI = Pki()
WITHIN = 20
"""Seconds that nothing here comes near; a test that waits so long has failed."""

BODY = b'[{"message":"handshake"}]'
POST = (
    b"POST /v1/logs HTTP/1.1\r\nHost: logs.example.test\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
RESETTING = struct.pack("ii", 1, 0)
ENDLESS = 10**9


def play(spec, client, *, expected=ENDLESS):
    """Run a blocking `client(port)` against a collector of this spec.

    Gives what the client returns, and the listener once every connection to it has ended.
    """

    async def performance():
        failures = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: failures.append(told))
        collector = Collector(PKI)
        listener = await collector.listen(spec, expected=expected)
        settled = asyncio.Event()
        listener.on_settled = settled.set
        try:
            result = await asyncio.to_thread(client, listener.port)
            await asyncio.wait_for(settled.wait(), WITHIN)
        finally:
            collector.close()
            await asyncio.sleep(0)
        assert failures == []
        return result, listener

    return asyncio.run(performance())


def facts(listener, kind, connection=None):
    return [
        dict(event.facts)
        for event in listener.events
        if event.kind is kind and connection in {None, event.connection}
    ]


def ends(listener):
    return [(one["by"], one["how"]) for one in facts(listener, Kind.CLOSED)]


def alerts(listener):
    return [(one["by"], one["level"], one["name"]) for one in facts(listener, Kind.ALERT)]


def dial(port):
    plain = socket.create_connection(("127.0.0.1", port), timeout=WITHIN)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def until_end(plain):
    """Everything that the other side says until it ends, and how that was: "FIN" or "RST"."""
    heard = b""
    try:
        while piece := plain.recv(65536):
            heard += piece
    except ConnectionResetError:
        return heard, "RST"
    return heard, "FIN"


def client_context(*, trust=ROOT, version=None, name_checked=True, tmp_path=None, cert=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = name_checked
    made.load_verify_locations(cadata=PKI.pem(trust).decode())
    if version is not None:
        made.minimum_version = made.maximum_version = version
    if cert is not None:
        path = tmp_path / "client.pem"
        path.write_bytes(PKI.pem(*cert.sent) + PKI.key_pem(cert.leaf))
        made.load_cert_chain(path)
    return made


def connect(context, port, **options):
    return context.wrap_socket(dial(port), server_hostname=HOST, **options)


def post(session, request=POST):
    session.sendall(request)
    return session.recv(65536)


def shake(context, port):
    """Shake hands; the TLS error that this ends in, else what became of a POST."""
    with dial(port) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=HOST) as session:
                answer = post(session)
                with suppress(ssl.SSLError, OSError):
                    session.unwrap()
                return answer
        except ssl.SSLError as error:
            return error


class PyOpenSSL:
    """A client on the OpenSSL of cryptography's wheels, which is told to take anything."""

    def __init__(self, *, low=None, high=None, ciphers="ALL:@SECLEVEL=0", alpn=(), cert=None):
        made = SSL.Context(SSL.TLS_CLIENT_METHOD)
        made.set_cipher_list(ciphers.encode())
        if low:
            made.set_min_proto_version(VERSIONS[low])
        if high:
            made.set_max_proto_version(VERSIONS[high])
        if alpn:
            made.set_alpn_protos(list(alpn))
        if cert:
            leaf, *above = (PKI.certificate(spec) for spec in cert.sent)
            made.use_certificate(leaf)
            for one in above:
                made.add_extra_chain_cert(one)
            made.use_privatekey(PKI.key(cert.leaf))
        self.context = made

    def __call__(self, port):
        """Deliver, and give the connection, with the answer or the error in `said`."""
        plain = dial(port)
        plain.settimeout(None)  # pyOpenSSL wants a socket that blocks
        session = SSL.Connection(self.context, plain)
        session.set_tlsext_host_name(HOST.encode())
        session.set_connect_state()
        try:
            session.do_handshake()
            session.sendall(POST)
            session.said = session.recv(65536)
            session.shutdown()
        except SSL.Error as error:
            session.said = error
        plain.close()
        return session


CLEARTEXT = Behaviour(conduct=Conduct.CLEARTEXT)
DEMANDING = CollectorSpec(client_auth=ClientAuth.DEMAND, client_ca=ROOT)


# An alert is seen.


@pytest.mark.parametrize("size", [len(POST), 300_000])
def test_a_tls_1_3_client_that_writes_at_once_always_sees_the_alert(size):
    context = client_context(version=ssl.TLSVersion.TLSv1_3)

    def fifty_times(port):
        seen = []
        for _ in range(50):
            session = connect(context, port)  # it believes that all is well
            try:
                session.sendall(POST.ljust(size, b"x"))
                while session.recv(65536):
                    pass
                seen.append("end")
            except OSError as error:
                seen.append(getattr(error, "reason", None) or type(error).__name__)
            session.close()
        return seen

    seen, listener = play(DEMANDING, fifty_times)

    assert seen == ["TLSV13_ALERT_CERTIFICATE_REQUIRED"] * 50
    assert alerts(listener) == [("peer", "fatal", "certificate_required")] * 50
    assert ends(listener) == [("peer", "FIN")] * 50


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("spec", "trust", "name"),
    [
        (CollectorSpec(), OTHER_ROOT, "unknown_ca"),
        (CollectorSpec(chain=HEALTHY.but(expired())), ROOT, "certificate_expired"),
        (CollectorSpec(chain=HEALTHY.but(named("other.example.test"))), ROOT, "bad_certificate"),
        (CollectorSpec(chain=HEALTHY.but(usage(Usage.CLIENT))), ROOT, "unsupported_certificate"),
        (CollectorSpec(chain=HEALTHY.keyed_as(OTHER_LEAF)), ROOT, "decrypt_error"),
    ],
)
def test_an_alert_of_the_agent_is_recorded_and_the_end_is_left_to_it(version, spec, trust, name):
    context = client_context(trust=trust, version=version)

    error, listener = play(spec, lambda port: shake(context, port))

    assert isinstance(error, ssl.SSLError)
    assert alerts(listener) == [("agent", "fatal", name)]
    assert ends(listener) in ([("agent", "FIN")], [("agent", "RST")])


@pytest.mark.parametrize(
    ("spec", "client", "expected"),
    [
        (DEMANDING, PyOpenSSL(), "certificate_required"),
        (DEMANDING, PyOpenSSL(high="TLSv1.2"), "handshake_failure"),
        (DEMANDING, PyOpenSSL(cert=chain(OTHER_CLIENT)), "unknown_ca"),
        (DEMANDING, PyOpenSSL(cert=chain(CLIENT.but(expired()))), "certificate_expired"),
        (
            DEMANDING,
            PyOpenSSL(cert=chain(CLIENT.but(usage(Usage.SERVER)))),
            "unsupported_certificate",
        ),
        (CollectorSpec(min_version="TLSv1.3"), PyOpenSSL(high="TLSv1.2"), "protocol_version"),
        (CollectorSpec(max_version="TLSv1.2"), PyOpenSSL(low="TLSv1.3"), "protocol_version"),
        (
            CollectorSpec(max_version="TLSv1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
            PyOpenSSL(high="TLSv1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384:@SECLEVEL=0"),
            "handshake_failure",
        ),
    ],
)
def test_an_alert_of_the_peer_is_recorded_and_reaches_the_agent(spec, client, expected):
    session, listener = play(spec, client)

    assert alerts(listener) == [("peer", "fatal", expected)]
    assert expected.replace("_", " ").removesuffix(" version") in str(session.said)
    assert ends(listener) == [("peer", "FIN")]
    assert facts(listener, Kind.REQUEST) == []


def test_the_alert_of_an_agent_that_cannot_even_begin_is_no_cleartext():
    session, listener = play(CollectorSpec(), PyOpenSSL(low="TLSv1.3", high="TLSv1.2"))

    assert "no protocols available" in str(session.said)
    assert facts(listener, Kind.FIRST_BYTES) == [{"hex": "15030300020246", "tls": True}]
    assert alerts(listener) == [("agent", "fatal", "protocol_version")]
    assert ends(listener) == [("agent", "FIN")]


# How a connection ends, and by whom.


def closing(how):
    def client(port):
        session = connect(client_context(), port)
        post(session)
        if how == "close_notify":
            session.unwrap().close()
        elif how == "RST":
            session.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
            session.close()
        else:
            raw = socket.socket(fileno=session.detach())
            raw.settimeout(WITHIN)
            raw.shutdown(socket.SHUT_WR)
            until_end(raw)
            raw.close()

    return client


@pytest.mark.parametrize("how", ["close_notify", "FIN", "RST"])
def test_the_end_of_a_session_is_recorded_as_the_agent_ended_it(how):
    _, listener = play(CollectorSpec(), closing(how))

    assert ends(listener) == [("agent", how)]
    both = [("agent", "warning", "close_notify"), ("peer", "warning", "close_notify")]
    assert alerts(listener) == (both if how == "close_notify" else [])


def test_a_session_that_the_peer_ends_ends_with_its_close_notify():
    def client(port):
        session = connect(client_context(), port)
        session.sendall(POST.replace(b"Host:", b"Connection: close\r\nHost:"))
        heard = b""
        while piece := session.recv(65536):  # no ssl.SSLEOFError: it ends properly
            heard += piece
        session.unwrap().close()
        return heard

    answer, listener = play(CollectorSpec(), client)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert ends(listener) == [("peer", "close_notify")]
    assert alerts(listener) == [
        ("peer", "warning", "close_notify"),
        ("agent", "warning", "close_notify"),
    ]


def test_an_agent_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(connection_module, "_LONGEST_CONNECTION", 0.05)

    def client(port):
        with dial(port) as plain:
            return until_end(plain)

    (heard, _), listener = play(CollectorSpec(), client)

    assert heard == b""
    assert ends(listener) == [("peer", "timeout")]


def test_an_agent_that_does_not_end_after_our_alert_is_given_up(monkeypatch):
    monkeypatch.setattr(connection_module, "_DRAIN", 0.05)
    given_up = threading.Event()

    def client(port):
        plain = dial(port)
        plain.sendall(b"\x16\x03\x01\x00\x05hello")
        alert = plain.recv(100)
        given_up.wait(WITHIN)
        plain.close()
        return alert

    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec())
        listener.on_settled = given_up.set
        alert = await asyncio.to_thread(client, listener.port)
        collector.close()
        return alert, listener

    alert, listener = asyncio.run(performance())

    assert alert[:1] == b"\x15"
    assert ends(listener) == [("peer", "FIN")]


def test_closing_the_collector_takes_down_what_is_open():
    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec())
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(POST[:10])
        while not facts(listener, Kind.FIRST_BYTES):
            await asyncio.sleep(0)
        settled = asyncio.Event()
        listener.on_settled = settled.set
        collector.close()
        await asyncio.wait_for(settled.wait(), WITHIN)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", listener.port)
        return listener

    assert ends(asyncio.run(performance())) == [("peer", "timeout")]


# Conduct.


def greeting():
    """A whole ClientHello as it stands on the wire."""
    client = SSL.Connection(PyOpenSSL().context, None)
    client.set_tlsext_host_name(HOST.encode())
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65536)


HELLO = greeting()


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize(
    ("conduct", "heard", "end"),
    [
        (Conduct.CLOSE, (b"", "FIN"), ("peer", "FIN")),
        (Conduct.RESET, (b"", "RST"), ("peer", "RST")),
    ],
)
def test_a_collector_that_cuts_cuts_at_its_moment(moment, conduct, heard, end):
    def client(port):
        try:
            plain = dial(port)
        except ConnectionResetError:
            return b"", "RST"  # so fast that it was not even connected
        with plain:
            if moment is Moment.CLIENT_HELLO:
                plain.sendall(HELLO[:100])
                plain.sendall(HELLO[100:])
            return until_end(plain)

    got, listener = play(CollectorSpec(behaviour=Behaviour(conduct=conduct, at=moment)), client)

    assert got == heard
    assert ends(listener) == [end]
    greeted = [one["sni"] for one in facts(listener, Kind.CLIENT_HELLO)]
    assert greeted == ([HOST] if moment is Moment.CLIENT_HELLO else [])
    assert facts(listener, Kind.STATE) == []


@pytest.mark.parametrize("moment", Moment)
def test_a_silent_collector_hears_everything_and_says_nothing(moment):
    behaviour = Behaviour(conduct=Conduct.SILENT, at=moment)

    def client(port):
        with dial(port) as plain:
            plain.sendall(HELLO)
            plain.shutdown(socket.SHUT_WR)
            return until_end(plain)

    got, listener = play(CollectorSpec(behaviour=behaviour), client)

    assert got == (b"", "FIN")
    kinds = [event.kind for event in listener.events]
    assert kinds == [Kind.ACCEPTED, Kind.FIRST_BYTES, Kind.CLIENT_HELLO, Kind.CLOSED]
    assert ends(listener) == [("agent", "FIN")]


def test_a_silent_collector_sees_that_records_come_in_cleartext():
    def client(port):
        with dial(port) as plain:
            plain.sendall(POST)
            plain.shutdown(socket.SHUT_WR)
            return until_end(plain)

    behaviour = Behaviour(conduct=Conduct.SILENT, at=Moment.ACCEPTED)
    got, listener = play(CollectorSpec(behaviour=behaviour), client)

    assert got == (b"", "FIN")
    assert facts(listener, Kind.FIRST_BYTES) == [{"hex": POST[:16].hex(), "tls": False}]


def post_in_cleartext(port):
    with dial(port) as plain:
        return post(plain)


def test_a_collector_without_tls_takes_records_in_cleartext():
    serving = CollectorSpec(behaviour=CLEARTEXT)

    answer, listener = play(serving, post_in_cleartext)

    assert answer.startswith(b"HTTP/1.1 201 ")
    (request,) = facts(listener, Kind.REQUEST)
    assert (request["tls"], request["records"]) == (False, [{"message": "handshake"}])


def test_a_collector_without_tls_answers_a_client_hello_in_cleartext():
    serving = CollectorSpec(behaviour=CLEARTEXT)

    error, listener = play(serving, lambda port: shake(client_context(), port))

    assert error.reason == "WRONG_VERSION_NUMBER"
    assert [one["sni"] for one in facts(listener, Kind.CLIENT_HELLO)] == [HOST]
    assert facts(listener, Kind.RESPONSE) == [{"status": 400}]
    assert ends(listener) == [("peer", "FIN")]


def test_a_collector_with_tls_refuses_records_in_cleartext_but_records_them():
    answer, listener = play(CollectorSpec(), post_in_cleartext)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert facts(listener, Kind.FIRST_BYTES) == [{"hex": POST[:16].hex(), "tls": False}]
    (request,) = facts(listener, Kind.REQUEST)
    assert (request["tls"], request["count"]) == (False, 1)
    assert facts(listener, Kind.RESPONSE) == [{"status": 400}]


@pytest.mark.parametrize("first", [b"\x16", b"\x16\x03", b"\x15\x03\x03\x00"])
def test_the_beginning_of_a_tls_record_is_not_taken_for_cleartext(first):
    def client(port):
        with dial(port) as plain:
            plain.sendall(first)

    _, listener = play(CollectorSpec(), client)

    assert facts(listener, Kind.FIRST_BYTES) == [{"hex": first.hex(), "tls": True}]
    assert ends(listener) == [("agent", "FIN")]


# What is spoken inside.


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


# No session is resumed.


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("policy", [ClientAuth.NONE, ClientAuth.ASK])
def test_no_session_is_resumed(version, policy):
    context = client_context(version=version)

    def client(port):
        reused = []
        known = None
        for _ in range(3):
            session = connect(context, port, session=known)
            post(session)  # the tickets of TLS 1.3 come with the answer at the latest
            reused.append(session.session_reused)
            known = session.session
            session.unwrap().close()
        return reused

    reused, listener = play(CollectorSpec(client_auth=policy, client_ca=ROOT), client)

    assert reused == [False] * 3
    assert len(facts(listener, Kind.NEGOTIATED)) == 3


# Versions, ciphers, ALPN.


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_is_spoken_alone(version):
    spec = CollectorSpec(min_version=version, max_version=version)

    session, listener = play(spec, PyOpenSSL(low=version, high=version))

    assert session.said.startswith(b"HTTP/1.1 201 ")
    (agreed,) = facts(listener, Kind.NEGOTIATED)
    assert agreed["version"] == version
    assert agreed["cipher"]
    assert len(facts(listener, Kind.REQUEST)) == 1


@pytest.mark.parametrize("key", Key)
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_each_kind_of_key_is_served(version, key):
    spec = CollectorSpec(chain=HEALTHY.but(keyed(key)), min_version=version, max_version=version)

    session, _ = play(spec, PyOpenSSL())

    assert session.said.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    ("flag", "version"),
    [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1"), ("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")],
)
def test_each_version_is_spoken_with_the_openssl_of_the_system(flag, version, tmp_path):
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("this system has no openssl command")
    (tmp_path / "root.pem").write_bytes(PKI.pem(ROOT))

    def client(port):
        return subprocess.run(  # noqa: S603 # a list of our own words
            [
                *(program, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, flag),
                *("-cipher", "ALL:@SECLEVEL=0", "-CAfile", tmp_path / "root.pem"),
                *("-verify_return_error", "-verify_hostname", HOST, "-ign_eof", "-quiet"),
            ],
            input=POST.replace(b"Host:", b"Connection: close\r\nHost:"),
            capture_output=True,
            timeout=WITHIN,
            check=False,
        )

    spec = CollectorSpec(min_version=version, max_version=version)
    said, listener = play(spec, client)

    if said.returncode and not facts(listener, Kind.CLIENT_HELLO):
        pytest.skip(f"this system's openssl does not speak {version}: {said.stderr[:200]!r}")
    assert said.stdout.startswith(b"HTTP/1.1 201 "), said.stderr
    assert [one["version"] for one in facts(listener, Kind.NEGOTIATED)] == [version]


def test_the_lowest_and_highest_version_bind():
    spec = CollectorSpec(min_version="TLSv1.1", max_version="TLSv1.2")

    def agreed(client):
        _, listener = play(spec, client)
        return [one["version"] for one in facts(listener, Kind.NEGOTIATED)]

    assert agreed(PyOpenSSL()) == ["TLSv1.2"]
    assert agreed(PyOpenSSL(high="TLSv1.1")) == ["TLSv1.1"]
    assert agreed(PyOpenSSL(high="TLSv1")) == []
    assert agreed(PyOpenSSL(low="TLSv1.3")) == []


def test_the_chosen_ciphers_are_served_with_old_versions_too():
    spec = CollectorSpec(ciphers="ECDHE-ECDSA-AES128-SHA")

    _, listener = play(spec, PyOpenSSL(low="TLSv1", high="TLSv1"))

    assert [one["cipher"] for one in facts(listener, Kind.NEGOTIATED)] == ["ECDHE-ECDSA-AES128-SHA"]


@pytest.mark.parametrize(
    ("known", "offered", "chosen"),
    [
        (("h2", "http/1.1"), (b"http/1.1", b"h2"), "h2"),
        (("http/1.1",), (b"h2", b"http/1.1"), "http/1.1"),
        (("h2",), (b"http/1.1",), None),
        (("h2",), (), None),
        ((), (b"h2",), None),
    ],
)
def test_alpn_is_chosen_by_the_collectors_preference(known, offered, chosen):
    session, listener = play(CollectorSpec(alpn=known), PyOpenSSL(alpn=offered))

    assert [one["alpn"] for one in facts(listener, Kind.NEGOTIATED)] == [chosen]
    assert session.get_alpn_proto_negotiated().decode() == (chosen or "")
    (hello,) = facts(listener, Kind.CLIENT_HELLO)
    assert hello["alpn"] == [name.decode() for name in offered]


def test_a_healthy_session_is_recorded_from_accept_to_close():
    context = client_context(version=ssl.TLSVersion.TLSv1_3)

    answer, listener = play(CollectorSpec(), lambda port: shake(context, port))

    assert answer.startswith(b"HTTP/1.1 201 ")
    kinds = list(dict.fromkeys(event.kind for event in listener.events))
    assert kinds == [
        *(Kind.ACCEPTED, Kind.FIRST_BYTES, Kind.CLIENT_HELLO, Kind.STATE, Kind.NEGOTIATED),
        *(Kind.REQUEST, Kind.RESPONSE, Kind.ALERT, Kind.CLOSED),
    ]
    times = [event.t for event in listener.events]
    assert times == sorted(times)
    states = [one["name"] for one in facts(listener, Kind.STATE)]
    assert any("read client hello" in state for state in states)
    assert any("read finished" in state for state in states)
    (agreed,) = facts(listener, Kind.NEGOTIATED)
    assert agreed["version"] == "TLSv1.3"
    assert agreed["group"]


# Client certificates.


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("policy", ClientAuth)
@pytest.mark.parametrize("cert", [None, CLIENT_CHAIN])
def test_a_client_certificate_is_taken_by_policy(version, policy, cert):
    spec = CollectorSpec(client_auth=policy, client_ca=ROOT)

    session, listener = play(spec, PyOpenSSL(low=version, high=version, cert=cert))

    delivered = cert is not None or policy is not ClientAuth.DEMAND
    assert len(facts(listener, Kind.REQUEST)) == delivered
    presented = [one["chain"] for one in facts(listener, Kind.CLIENT_CHAIN)]
    if policy is ClientAuth.NONE:
        assert presented == []
    else:
        assert presented == [[PKI.pem(spec).decode() for spec in cert.sent] if cert else []]
        names = [name.CN or name.OU for name in session.get_client_ca_list()]
        assert names == ["Handshake Root"]


@pytest.mark.parametrize("policy", [ClientAuth.ASK, ClientAuth.DEMAND])
@pytest.mark.parametrize(
    ("cert", "reason"),
    [
        (chain(OTHER_CLIENT), "X509 code 20 at depth 1"),  # unable to get local issuer certificate
        (chain(CLIENT.but(expired())), "X509 code 10 at depth 0"),  # certificate has expired
        (CLIENT_CHAIN.sending(CLIENT, name="no intermediate"), "X509 code 20 at depth 0"),
    ],
)
def test_a_refused_client_certificate_is_recorded_with_the_reason(policy, cert, reason):
    spec = CollectorSpec(client_auth=policy, client_ca=ROOT)

    _, listener = play(spec, PyOpenSSL(cert=cert))

    (error,) = facts(listener, Kind.TLS_ERROR)
    assert reason in error["reason"]
    (presented,) = facts(listener, Kind.CLIENT_CHAIN)
    assert presented["chain"] == [PKI.pem(spec).decode() for spec in cert.sent]
    assert facts(listener, Kind.REQUEST) == []


def test_without_a_ca_no_client_certificate_is_good_enough():
    spec = CollectorSpec(client_auth=ClientAuth.ASK)

    _, without = play(spec, PyOpenSSL())
    _, with_one = play(spec, PyOpenSSL(cert=CLIENT_CHAIN))

    assert len(facts(without, Kind.REQUEST)) == 1
    assert alerts(with_one)[0] == ("peer", "fatal", "unknown_ca")


# What a user brings.


def own(cert=LEAF, key=None, **changes):
    files = (PKI.pem(*cert.path[:-1]).decode(), key or PKI.key_pem(cert).decode())
    return CollectorSpec(files=files, **changes)


def test_a_users_own_chain_and_ca_are_served():
    ca = PKI.pem(OTHER_ROOT, ROOT).decode()
    spec = own(client_auth=ClientAuth.DEMAND, client_ca_pem=ca)

    session, listener = play(spec, PyOpenSSL(cert=CLIENT_CHAIN))

    assert len(facts(listener, Kind.REQUEST)) == 1
    assert len(session.get_client_ca_list()) == 2
    assert session.get_peer_cert_chain(as_cryptography=True) == [
        PKI.certificate(one) for one in HEALTHY.sent
    ]


@pytest.mark.parametrize(
    "spec",
    [
        own(key=PKI.key_pem(OTHER_LEAF).decode()),
        own(key=PKI.key_pem(LEAF, "secret").decode()),
        own(key="no key"),
        replace(own(), files=("no certificate", PKI.key_pem(LEAF).decode())),
        own(client_auth=ClientAuth.ASK, client_ca_pem="no certificate"),
    ],
)
def test_what_a_user_brings_and_cannot_be_served_is_the_users_mistake(spec):
    async def performance():
        await Collector(PKI).listen(spec)

    with pytest.raises(CertificateFileError) as told:
        asyncio.run(performance())
    assert told.value.hint


@pytest.mark.parametrize(
    "spec",
    [
        CollectorSpec(ciphers="FOO"),
        CollectorSpec(min_version="TLSv9"),
        CollectorSpec(max_version="1.3"),
        CollectorSpec(chain=HEALTHY.but(keyed(Key.P384)).keyed_as(replace(LEAF, key=Key.RSA_2048))),
    ],
)
def test_what_cannot_be_served_fails_the_harness_and_not_the_agent(spec):
    async def performance():
        await Collector(PKI).listen(spec)

    with pytest.raises(HarnessFailure) as told:
        asyncio.run(performance())
    assert told.value.hint


def test_an_address_that_is_not_ours_fails_the_harness():
    async def performance():
        await Collector(PKI, bind="192.0.2.1").listen(CollectorSpec())

    with pytest.raises(HarnessFailure, match="cannot listen on 192.0.2.1"):
        asyncio.run(performance())


def test_a_listener_is_settled_when_what_it_expects_has_come():
    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec(), expected=2)
        settled = asyncio.Event()
        listener.on_settled = settled.set
        session = await asyncio.to_thread(connect, client_context(), listener.port)
        await asyncio.to_thread(post, session)
        after_one = listener.settled
        await asyncio.to_thread(post, session)
        await asyncio.wait_for(settled.wait(), WITHIN)
        opened = listener.open_connections
        session.close()
        collector.close()
        await asyncio.sleep(0)
        return after_one, opened

    assert asyncio.run(performance()) == (False, 1)


# Nothing wears it down.


def open_files():
    return len(os.listdir("/dev/fd"))


class Junk:
    """Connections that lead to nothing, a few at a time; some are left open, the last so many."""

    LEFT_OPEN = 600

    def __init__(self, port, seed):
        self._address = ("127.0.0.1", port)
        self._noise = seed
        self._open = deque()

    async def send(self, count, *, at_once=40):
        kinds = [self.nothing, self.noise, self.half_hello, self.half_record, self.scan]
        numbers = iter(range(count))

        async def worker():
            for number in numbers:
                await kinds[number % len(kinds)](number)

        await asyncio.gather(*(worker() for _ in range(at_once)))

    async def _dial(self):
        plain = socket.socket()
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, self._address)
        return plain

    async def nothing(self, _):
        (await self._dial()).close()

    async def noise(self, number):
        plain = await self._dial()
        self._say(plain, self._noise[number % 4000 :][:96])
        plain.close()

    async def half_hello(self, _):
        await self._leave_open(HELLO[: len(HELLO) // 2])

    async def half_record(self, _):
        await self._leave_open(b"\x16\x03\x01\x20\x00\x01")

    async def scan(self, _):
        plain = await self._dial()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
        plain.close()

    async def _leave_open(self, beginning):
        plain = await self._dial()
        self._say(plain, beginning)
        self._open.append(plain)
        if len(self._open) > self.LEFT_OPEN:
            self._open.popleft().close()

    @staticmethod
    def _say(plain, said):
        with suppress(ConnectionResetError, BrokenPipeError):
            plain.send(said)

    def close(self):
        while self._open:
            self._open.popleft().close()


@pytest.fixture
def many_files():
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def living(*kinds):
    gc.collect()
    return sum(isinstance(one, kinds) for one in gc.get_objects())


@pytest.mark.usefixtures("many_files")
def test_ten_thousand_junk_connections_neither_stop_it_nor_leak():
    most_open = 0

    async def performance():
        nonlocal most_open
        failures = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: failures.append(told))
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec(), expected=ENDLESS)
        opened = listener.opened

        def counted(connection):
            nonlocal most_open
            number = opened(connection)
            most_open = max(most_open, listener.open_connections)
            return number

        listener.opened = counted
        junk = Junk(listener.port, os.urandom(5000))
        before = open_files()
        await junk.send(10_000)
        settled = asyncio.Event()
        listener.on_settled = settled.set
        junk.close()
        await asyncio.wait_for(settled.wait(), WITHIN)
        after = open_files()
        healthy = await asyncio.to_thread(shake, client_context(), listener.port)
        number = opened.__self__._accepted
        left = living(Connection, TlsEndpoint, SSL.Connection)
        collector.close()
        return failures, listener, (before, after), healthy, number, left

    failures, listener, files, healthy, number, left = asyncio.run(performance())

    assert failures == []
    assert number == 10_001
    assert most_open == collector_module._MOST_OPEN == 512
    assert files[1] <= files[0]
    assert left <= 3  # the healthy one may still be closing
    assert healthy.startswith(b"HTTP/1.1 201 ")
    assert [one["count"] for one in facts(listener, Kind.REQUEST, number)] == [1]
    assert len(listener.events) <= 4200
    assert listener.dropped > 10_000
    begun = {event.connection for event in listener.events if event.kind is Kind.ACCEPTED}
    ended = {event.connection for event in listener.events if event.kind is Kind.CLOSED}
    assert begun <= ended


def test_one_that_has_shaken_hands_outlives_those_that_have_not(monkeypatch):
    monkeypatch.setattr(collector_module, "_MOST_OPEN", 4)

    def client(port):
        healthy = connect(client_context(), port)
        post(healthy)
        idle = [dial(port) for _ in range(6)]
        evicted = [until_end(plain)[1] for plain in idle[:3]]
        answer = post(healthy)
        for one in (healthy, *idle):
            one.close()
        return evicted, answer

    (evicted, answer), listener = play(CollectorSpec(), client)

    assert evicted == ["RST"] * 3
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert ends(listener)[:3] == [("peer", "timeout")] * 3


def test_a_connection_that_has_ended_is_let_go_at_once():
    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(DEMANDING)
        seen = []
        opened = listener.opened
        listener.opened = lambda one: seen.append(weakref.ref(one)) or opened(one)
        settled = asyncio.Event()
        listener.on_settled = settled.set
        gc.collect()
        gc.disable()
        try:
            await asyncio.to_thread(shake, client_context(), listener.port)
            await asyncio.wait_for(settled.wait(), WITHIN)
            await asyncio.sleep(0)
            return [one() for one in seen]
        finally:
            gc.enable()
            collector.close()

    assert asyncio.run(performance()) == [None]


SPECS = [
    CollectorSpec(),
    CollectorSpec(client_auth=ClientAuth.ASK, client_ca=ROOT),
    *(
        CollectorSpec(behaviour=Behaviour(conduct=conduct, at=moment))
        for conduct in (Conduct.SILENT, Conduct.CLOSE, Conduct.RESET, Conduct.CLEARTEXT)
        for moment in Moment
    ),
]

MATERIAL = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([HELLO, HELLO[:300], POST, POST * 3, bytes.fromhex("15030300020246")]),
    st.binary(max_size=60).map(lambda body: b"\x16\x03\x01" + len(body).to_bytes(2) + body),
    st.binary(max_size=60).map(lambda body: b"\x15\x03\x03" + len(body).to_bytes(2) + body),
    st.tuples(st.integers(0, len(HELLO) - 1), st.integers(0, 255)).map(
        lambda flip: HELLO[: flip[0]] + bytes((flip[1],)) + HELLO[flip[0] + 1 :]
    ),
)


def pieces(stream, cuts):
    """The stream, cut at these places."""
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[a:b] for a, b in zip(places, places[1:], strict=False) if b > a]


@pytest.fixture(scope="module")
def stage():
    """A loop with one listener for each spec; what goes wrong in the loop is gathered."""
    loop = asyncio.new_event_loop()
    failures = []
    loop.set_exception_handler(lambda _, told: failures.append(told))
    collector = Collector(PKI)
    listeners = [loop.run_until_complete(collector.listen(spec)) for spec in SPECS]
    yield loop, listeners, failures
    collector.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


async def feed(listener, said):
    """Give these pieces to a connection of the listener, as its transport would."""
    near, far = socket.socketpair()
    far.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, connection = await loop.create_connection(lambda: Connection(listener), sock=near)
    for piece in said:
        connection.data_received(piece)
        if transport.is_closing():
            break
        with suppress(BlockingIOError, ConnectionResetError):
            while far.recv(65536):
                pass
    if not transport.is_closing():
        connection.eof_received()
    transport.abort()
    far.close()
    while listener.open_connections:
        await asyncio.sleep(0)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    which=st.integers(0, len(SPECS) - 1),
    stream=st.lists(MATERIAL, max_size=4).map(b"".join),
    cuts=st.lists(st.integers(0, 5000), max_size=12),
)
def test_no_bytes_in_whatever_pieces_make_a_connection_raise(stage, which, stream, cuts):
    loop, listeners, failures = stage
    listener = listeners[which]
    listener.events.clear()

    loop.run_until_complete(feed(listener, pieces(stream, cuts)))

    assert failures == []
    assert [event.kind for event in listener.events].count(Kind.CLOSED) == 1
    json.dumps([event.to_json() for event in listener.events], allow_nan=False)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=200),
            st.sampled_from([POST, POST[:40], BODY, b"\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"]),
            st.sampled_from([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"HEAD / HTTP/9.9\r\n\r\n"]),
            st.binary(max_size=30).map(
                lambda it: b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + it
            ),
        ),
        max_size=5,
    ),
    broken=st.one_of(st.none(), st.binary(min_size=1, max_size=80)),
)
def test_nothing_that_is_said_within_tls_makes_a_connection_raise(stage, said, broken):
    loop, listeners, failures = stage
    listener = listeners[0]
    listener.events.clear()

    async def performance():
        near, far = socket.socketpair()
        far.setblocking(False)
        session = SSL.Connection(PyOpenSSL().context, None)
        session.set_connect_state()
        transport, connection = await loop.create_connection(
            lambda: Connection(listener), sock=near
        )
        for _ in range(2):
            with suppress(SSL.WantReadError):
                session.do_handshake()
            connection.data_received(session.bio_read(65536))
            session.bio_write(far.recv(65536))
        for piece in said:
            session.sendall(piece)
            connection.data_received(session.bio_read(65536))
        if broken:
            connection.data_received(b"\x17\x03\x03" + len(broken).to_bytes(2) + broken)
        session.shutdown()
        connection.data_received(session.bio_read(65536))
        transport.abort()
        far.close()
        while listener.open_connections:
            await asyncio.sleep(0)

    loop.run_until_complete(performance())

    assert failures == []
    assert [event.kind for event in listener.events].count(Kind.NEGOTIATED) == 1
    json.dumps([event.to_json() for event in listener.events], allow_nan=False)
