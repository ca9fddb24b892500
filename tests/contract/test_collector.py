"""What a collector records of a connection's course, and what it does with one."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading

import pytest
from collector_clients import (
    CLEARTEXT,
    DEMANDING,
    HELLO,
    PKI,
    POST,
    RESETTING,
    WITHIN,
    PyOpenSSL,
    alerts,
    client_context,
    connect,
    dial,
    ends,
    facts,
    feed,
    play,
    post,
    shake,
    until_end,
)

from flb_handshake.behaviours import Close, Moment, Reset, Silent
from flb_handshake.certificates import (
    CLIENT,
    HEALTHY,
    HOST,
    OTHER_CLIENT,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    Usage,
    chain,
    expired,
    named,
    usage,
)
from flb_handshake.model import CollectorSpec
from flb_handshake.peer import connection as connection_module
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind


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
        in_time = given_up.wait(WITHIN)
        plain.close()
        return alert if in_time else b"never"

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
        writer.write(POST)
        await reader.readuntil(b"\r\n\r\n")
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


@pytest.mark.parametrize("moment", [Moment.CONNECTED, Moment.CLIENT_HELLO])
@pytest.mark.parametrize(
    ("conduct", "heard", "end"),
    [
        (Close, (b"", "FIN"), ("peer", "FIN")),
        (Reset, (b"", "RST"), ("peer", "RST")),
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

    got, listener = play(CollectorSpec(behaviour=conduct(moment)), client)

    assert got == heard
    assert ends(listener) == [end]
    greeted = [one["sni"] for one in facts(listener, Kind.CLIENT_HELLO)]
    assert greeted == ([HOST] if moment is Moment.CLIENT_HELLO else [])
    assert facts(listener, Kind.STATE) == []


def test_a_collector_waits_for_the_whole_client_hello_before_it_resets():
    reset = CollectorSpec(behaviour=Reset(Moment.CLIENT_HELLO))

    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(reset)
        await feed(listener, [HELLO[:100], HELLO[100:-1], HELLO[-1:]])
        collector.close()
        return listener

    listener = asyncio.run(performance())

    assert [one["sni"] for one in facts(listener, Kind.CLIENT_HELLO)] == [HOST]
    assert ends(listener) == [("peer", "RST")]


@pytest.mark.parametrize("moment", [Moment.CONNECTED, Moment.CLIENT_HELLO])
def test_a_silent_collector_hears_everything_and_says_nothing(moment):
    behaviour = Silent(moment)

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

    behaviour = Silent()
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


def test_an_answer_does_not_wait_for_the_acknowledgement_of_what_went_before():
    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec())
        accepted = asyncio.get_running_loop().create_future()
        opened = listener.opened
        listener.opened = lambda one: accepted.set_result(one) or opened(one)
        plain = await asyncio.to_thread(dial, listener.port)
        near = (await asyncio.wait_for(accepted, WITHIN))._transport.get_extra_info("socket")
        delay = near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        plain.close()
        collector.close()
        await asyncio.sleep(0)
        return delay

    assert asyncio.run(performance())
