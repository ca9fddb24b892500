"""A collector behind an HTTP proxy: the tunnel, what is told of each layer, and who ends what."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest
from behaviour_client import TLS_1_3, VERSIONS, Visit
from collector_clients import (
    CONNECT,
    HOST,
    PKI,
    POST,
    TARGET,
    client_context,
    dial,
    facts,
    play,
    post,
    until_end,
)

from flb_handshake.behaviours import Close, Drip, Moment, Reset, Silent
from flb_handshake.certificates import HEALTHY, OTHER_ROOT
from flb_handshake.model import CollectorSpec, ProxySpec
from flb_handshake.peer import collector as collector_module
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind

SECRET = "dXNlcjpwYXNzd29yZA"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

PLAIN = ProxySpec()
SECURE = ProxySpec(chain=HEALTHY)


def reached(port, proxy, **options):
    """A connection to the proxy, over TLS where it has any."""
    plain = dial(port)
    if proxy.chain is None:
        return plain
    return client_context(**options).wrap_socket(plain, server_hostname=HOST)


def tunnelling(proxy, *, last="", version=TLS_1_3, asked=CONNECT):
    """A client that asks for a tunnel, and visits the collector through it."""

    def client(port):
        with reached(port, proxy) as outer:
            outer.sendall(asked)
            answer = outer.recv(100)
            visit = Visit(outer, version, last, 0)
            visit.run(1)
            return answer, visit.seen

    return client


def as_seen_through(proxy, end):
    """An end of the connection: Python's ssl takes a reset for an end of the stream (3.11)."""
    return "FIN" if proxy is SECURE else end


def layers(listener, kind):
    return [one.get("layer") for one in facts(listener, kind)]


def closed(listener):
    return [(one.get("layer"), one["by"], one["how"]) for one in facts(listener, Kind.CLOSED)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("proxy", [PLAIN, SECURE], ids=["http", "https"])
def test_what_is_said_in_the_tunnel_is_the_collector_s_own(proxy, version):
    client = tunnelling(proxy, version=version)

    (answer, seen), listener = play(CollectorSpec(proxy=proxy), client)

    assert answer == ESTABLISHED
    assert [one[:13] for one in seen.answers] == [b"HTTP/1.1 201 "]
    assert facts(listener, Kind.CONNECT) == [
        {"layer": "proxy", "target": TARGET, "authorization": False}
    ]
    outer = ["proxy"] if proxy is SECURE else []
    assert layers(listener, Kind.CLIENT_HELLO) == [*outer, None]
    assert layers(listener, Kind.NEGOTIATED) == [*outer, None]
    assert layers(listener, Kind.ACCEPTED) == ["proxy", None]
    assert layers(listener, Kind.REQUEST) == [None]
    assert {event.connection for event in listener.events} == {1}
    assert [(layer, by) for layer, by, _ in closed(listener)] == [
        (None, "agent"),
        ("proxy", "agent"),
    ]
    assert listener.settled


def test_that_credentials_were_sent_is_told_and_they_are_not():
    asked = CONNECT[:-2] + f"Proxy-Authorization: Basic {SECRET}\r\n\r\n".encode()

    _, listener = play(CollectorSpec(proxy=SECURE), tunnelling(SECURE, asked=asked))

    assert [one["authorization"] for one in facts(listener, Kind.CONNECT)] == [True]
    assert SECRET not in json.dumps([event.to_json() for event in listener.events])


def test_a_proxy_whose_handshake_is_refused_leaves_that_and_nothing_more():
    def client(port):
        with pytest.raises(ssl.SSLCertVerificationError):
            reached(port, SECURE, trust=OTHER_ROOT)

    _, listener = play(CollectorSpec(proxy=SECURE), client)

    assert facts(listener, Kind.ALERT) == [
        {"layer": "proxy", "by": "agent", "level": "fatal", "name": "unknown_ca"}
    ]
    (end,) = closed(listener)
    assert end[:2] == ("proxy", "agent")
    assert {event.facts.get("layer") for event in listener.events} == {"proxy"}


@pytest.mark.parametrize("status", [403, 407, 502])
@pytest.mark.parametrize("proxy", [PLAIN, SECURE], ids=["http", "https"])
def test_a_proxy_that_refuses_says_its_status_and_opens_no_tunnel(proxy, status):
    refusing = ProxySpec(chain=proxy.chain, status=status)

    def client(port):
        with reached(port, refusing) as outer:
            outer.sendall(CONNECT)
            return until_end(outer)

    (heard, end), listener = play(CollectorSpec(proxy=refusing), client)

    assert heard.startswith(f"HTTP/1.1 {status} ".encode())
    assert end == "FIN"
    assert facts(listener, Kind.RESPONSE) == [{"layer": "proxy", "status": status}]
    assert layers(listener, Kind.CONNECT) == ["proxy"]
    assert {event.facts.get("layer") for event in listener.events} == {"proxy"}
    assert closed(listener)[0][:2] == ("proxy", "peer")


@pytest.mark.parametrize(
    "asked", [POST, b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\nx\r\n"]
)
def test_whoever_wants_no_tunnel_is_refused(asked):
    def client(port):
        with dial(port) as plain:
            plain.sendall(asked)
            plain.shutdown(1)
            return until_end(plain)[0]

    heard, listener = play(CollectorSpec(proxy=PLAIN), client)

    assert heard[:12] in {b"HTTP/1.1 405", b"HTTP/1.1 400"}
    assert {event.facts.get("layer") for event in listener.events} == {"proxy"}


def test_a_connect_that_is_no_http_is_refused():
    def client(port):
        with dial(port) as plain:
            plain.sendall(b"CONNECT \x00\r\n\r\n")
            return until_end(plain)

    (heard, end), listener = play(CollectorSpec(proxy=PLAIN), client)

    assert (heard[:12], end) == (b"HTTP/1.1 400", "FIN")
    assert facts(listener, Kind.CONNECT) == []


def test_a_connect_may_come_in_pieces_and_with_a_hello_behind_it():
    def client(port):
        with dial(port) as plain:
            for piece in (CONNECT[:3], CONNECT[3:20], CONNECT[20:]):
                plain.sendall(piece)
            assert plain.recv(len(ESTABLISHED)) == ESTABLISHED
            plain.sendall(b"\x16\x03")
            plain.shutdown(1)
            return until_end(plain)

    def at_once(port):
        with dial(port) as plain:
            plain.sendall(CONNECT + b"\x16\x03")
            plain.shutdown(1)
            return until_end(plain)

    for visit in (client, at_once):
        _, listener = play(CollectorSpec(proxy=PLAIN), visit)
        assert len(facts(listener, Kind.CONNECT)) == 1
        (first,) = [one for one in facts(listener, Kind.FIRST_BYTES) if "layer" not in one]
        assert first == {"hex": "1603", "tls": True}


def test_cleartext_is_refused_by_a_proxy_that_speaks_tls():
    def client(port):
        with dial(port) as plain:
            plain.sendall(CONNECT)
            plain.shutdown(1)
            return until_end(plain)[0]

    heard, listener = play(CollectorSpec(proxy=SECURE), client)

    assert heard.startswith(b"HTTP/1.1 405 ")
    (first,) = facts(listener, Kind.FIRST_BYTES)
    assert (first["layer"], first["tls"]) == ("proxy", False)


@pytest.mark.parametrize("proxy", [PLAIN, SECURE], ids=["http", "https"])
@pytest.mark.parametrize("moment", [Moment.CONNECTED, Moment.CLIENT_HELLO, Moment.MIDWAY])
@pytest.mark.parametrize("conduct", [Close, Reset, Silent])
def test_a_collector_behaves_in_the_tunnel_as_it_would_without(proxy, moment, conduct):
    spec = CollectorSpec(proxy=proxy, behaviour=conduct(moment))
    last = {Moment.CLIENT_HELLO: "hello", Moment.MIDWAY: "request"}.get(moment, "nothing")

    (answer, seen), listener = play(spec, tunnelling(proxy, last=last if conduct is Silent else ""))

    assert answer == ESTABLISHED
    assert seen.answers == []
    how = {Close: "FIN", Reset: "RST", Silent: "FIN"}[conduct]
    assert seen.end in {how, as_seen_through(proxy, how)}
    by = "agent" if conduct is Silent else "peer"
    assert closed(listener) == [(None, by, how), ("proxy", by, how)]


@pytest.mark.parametrize(("how", "end"), [(Close(), "FIN"), (Reset(), "RST")])
@pytest.mark.parametrize("proxy", [PLAIN, SECURE], ids=["http", "https"])
def test_hanging_up_reaches_through_the_proxy(proxy, how, end):

    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec(proxy=proxy))
        outer = await asyncio.to_thread(reached, listener.port, proxy)
        outer.sendall(CONNECT)
        assert await asyncio.to_thread(outer.recv, 100) == ESTABLISHED
        listener.hang_up(how)
        heard = await asyncio.to_thread(until_end, outer)
        outer.close()
        collector.close()
        await asyncio.sleep(0)
        return heard, listener

    (heard, seen), listener = asyncio.run(performance())

    assert heard == b""
    assert seen in {end, as_seen_through(proxy, end)}
    assert [(layer, by) for layer, by, _ in closed(listener)] == [(None, "peer"), ("proxy", "peer")]
    assert closed(listener)[0][2] == end


def test_a_slow_answer_comes_whole_out_of_the_tunnel_and_ends_it():
    spec = CollectorSpec(proxy=PLAIN, behaviour=Drip(bytes=4, every=0.002))

    def client(port):
        with dial(port) as plain:
            plain.sendall(CONNECT + POST.replace(b"Host:", b"Connection: close\r\nHost:"))
            plain.shutdown(1)
            return until_end(plain)

    (heard, end), listener = play(spec, client)

    refused = heard.removeprefix(ESTABLISHED)
    assert (refused[:12], refused[-4:], end) == (b"HTTP/1.1 400", b"\r\n\r\n", "FIN")
    assert listener.events[-1].t - listener.events[0].t < 3  # nobody waits for a deadline


def test_a_handshake_in_the_tunnel_makes_a_connection_worth_keeping(monkeypatch):
    monkeypatch.setattr(collector_module, "_MOST_OPEN", 4)

    def client(port):
        plain = dial(port)
        plain.sendall(CONNECT)
        assert plain.recv(100) == ESTABLISHED
        session = client_context().wrap_socket(plain, server_hostname=HOST)
        post(session)
        idle = [dial(port) for _ in range(6)]
        for one in idle[:3]:
            until_end(one)
        answer = post(session)
        for one in (session, *idle):
            one.close()
        return answer

    answer, _ = play(CollectorSpec(proxy=PLAIN), client)

    assert answer.startswith(b"HTTP/1.1 201 ")
