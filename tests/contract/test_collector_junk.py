"""Nothing that is sent to a collector stops it or wears it down."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import weakref
from collections import deque
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from collector_clients import (
    BODY,
    CONNECT,
    DEMANDING,
    ENDLESS,
    HELLO,
    PKI,
    POST,
    RESETTING,
    WITHIN,
    PyOpenSSL,
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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from flb_handshake.behaviours import (
    Alert,
    Banner,
    Cleartext,
    Close,
    Drip,
    Fragment,
    Moment,
    NoSecureRenegotiation,
    Renegotiate,
    Reset,
    Serve,
    Silent,
)
from flb_handshake.certificates import HEALTHY, ROOT
from flb_handshake.model import ClientAuth, CollectorSpec, ProxySpec
from flb_handshake.peer import collector as collector_module
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.connection import Connection
from flb_handshake.peer.events import Kind
from flb_handshake.peer.tls import TlsEndpoint


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


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
    CollectorSpec(behaviour=Cleartext()),
    *(
        CollectorSpec(behaviour=conduct(moment))
        for conduct in (Silent, Close, Reset, Drip)
        for moment in set(Moment) - {Moment.HALF_HELLO}
    ),
    *(
        CollectorSpec(behaviour=Alert("internal_error", moment))
        for moment in (Moment.CONNECTED, Moment.CLIENT_HELLO, Moment.SERVER_HELLO)
    ),
    CollectorSpec(behaviour=Banner("SSH-2.0-OpenSSH_9.6\r\n")),
    CollectorSpec(behaviour=Fragment()),
    CollectorSpec(behaviour=NoSecureRenegotiation()),
    CollectorSpec(behaviour=Renegotiate(), max_version="TLSv1.2"),
    CollectorSpec(tickets=True),
    CollectorSpec(proxy=ProxySpec()),
    CollectorSpec(proxy=ProxySpec(chain=HEALTHY)),
    CollectorSpec(proxy=ProxySpec(status=407), behaviour=Reset()),
]

MATERIAL = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            HELLO,
            HELLO[:300],
            POST,
            CONNECT,
            CONNECT + HELLO,
            POST * 3,
            bytes.fromhex("15030300020246"),
        ]
    ),
    st.binary(max_size=60).map(lambda body: b"\x16\x03\x01" + len(body).to_bytes(2) + body),
    st.binary(max_size=60).map(lambda body: b"\x15\x03\x03" + len(body).to_bytes(2) + body),
    st.tuples(st.integers(0, len(HELLO) - 1), st.integers(0, 255)).map(
        lambda flip: HELLO[: flip[0]] + bytes((flip[1],)) + HELLO[flip[0] + 1 :]
    ),
)


def pieces(stream, cuts):
    """The stream, cut at these places."""
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(places) if b > a]


@pytest.fixture(scope="module")
def stage():
    """A loop with one listener for each spec; what goes wrong in the loop is gathered."""
    loop = asyncio.new_event_loop()
    failures = []
    loop.set_exception_handler(lambda _, told: failures.append(told))
    collector = Collector(PKI)
    listeners = [
        loop.run_until_complete(collector.listen(spec, expected=ENDLESS)) for spec in SPECS
    ]
    for listener in listeners:
        listener._room = ENDLESS
    yield loop, listeners, failures
    collector.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("which", range(len(SPECS)))
def test_a_tunnel_and_a_hello_in_pieces_make_no_connection_raise(stage, which, size):
    loop, listeners, failures = stage
    said = CONNECT + HELLO + POST

    loop.run_until_complete(feed(listeners[which], pieces(said, range(0, len(said), size))))

    assert failures == []


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
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
    assert len(facts(listener, Kind.CLOSED)) == len(facts(listener, Kind.ACCEPTED)) > 0
    json.dumps([event.to_json() for event in listener.events], allow_nan=False)


def completes_a_handshake(spec):
    """Whether a client gets through it in two round trips, as long as a socket pair is read."""
    behaviour = spec.behaviour
    late = getattr(behaviour, "at", None) is Moment.MIDWAY
    plain = isinstance(behaviour, Serve | Fragment)
    return spec.proxy is None and (late or plain)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    which=st.sampled_from([at for at, spec in enumerate(SPECS) if completes_a_handshake(spec)]),
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
def test_nothing_that_is_said_within_tls_makes_a_connection_raise(stage, which, said, broken):
    loop, listeners, failures = stage
    listener = listeners[which]
    listener.events.clear()

    async def performance():
        ended = asyncio.Event()
        listener.on_settled = ended.set
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
        for _ in range(2 if broken else 0):
            connection.data_received(b"\x17\x03\x03" + len(broken).to_bytes(2) + broken)
        session.shutdown()
        connection.data_received(session.bio_read(65536))
        transport.abort()
        far.close()
        await asyncio.wait_for(ended.wait(), WITHIN)

    loop.run_until_complete(performance())

    assert failures == []
    assert [event.kind for event in listener.events].count(Kind.NEGOTIATED) == 1
    assert len(facts(listener, Kind.TLS_ERROR)) <= 1  # what failed once is not asked again
    json.dumps([event.to_json() for event in listener.events], allow_nan=False)
