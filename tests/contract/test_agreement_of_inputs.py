"""The reference agent's inputs and a real Fluent Bit's: the same alerts, errors and records."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct

import pytest
from reference_runs import MODEL, Bench, post

from flb_handshake.agent.process import open_process
from flb_handshake.agent.reference import MODELLED
from flb_handshake.errors import AgentUnavailable

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
TOLD = ("[tls] error", "SSL3 alert write:fatal", "SSL3 alert read:fatal", " timed out after ")


@pytest.fixture(scope="module", params=MODELLED)
def real(request):
    try:
        agent = open_process(None, version=request.param)
    except AgentUnavailable as error:
        pytest.skip(f"no real Fluent Bit {request.param} as a process: {error}")
    return (agent.identity.found,)


def shipped(certificate=None, **context):
    def act(bench, one):
        with contextlib.suppress(OSError):
            ship(bench.client(certificate, **context), one)

    return act


def ship(context, one, session=None):
    with context.wrap_socket(one.dial(), session=session) as connection:
        connection.sendall(post("/", b'{"n":1}'))
        connection.recv(1000)
        made = connection.session
        connection.unwrap()
        return made


def sent(data):
    def act(_, one):
        with one.dial() as connection:
            connection.sendall(data)

    return act


def reset(_, one):
    with one.dial() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(_, one):
    with one.dial() as connection:
        connection.recv(1)


def resumed(bench, one):
    context = bench.client()
    session = ship(context, one)
    with pytest.raises(ssl.SSLError, match="internal error"):
        ship(context, one, session)


def renewed(bench, one):
    bench.use("renewed")
    shipped()(bench, one)


def spoilt(bench, one):
    (bench.place / "now.key").write_text("garbage\n")
    shipped()(bench, one)


DEMANDS = {"tls__verify_client_cert": "on"}
CASES = {
    **{
        f"{name}, {version.name}": (DEMANDS, shipped(name, version=version), "[tls] error")
        for name in (None, "lonely", "stranger", "expired", "early", "server_only")
        for version in (V12, V13)
    },
    "a certificate that is known": (DEMANDS, shipped("client"), "is now available"),
    "none where none is demanded": ({}, shipped(), "is now available"),
    "a stranger where none is demanded": ({}, shipped("stranger"), "[tls] error"),
    "nothing verified": (
        {"tls__verify": "off", **DEMANDS},
        shipped("stranger"),
        "is now available",
    ),
    "too old": ({"tls__min_version": "TLSv1.3"}, shipped(version=V12), "[tls] error"),
    "too new": ({"tls__max_version": "TLSv1.2"}, shipped(version=V13), "[tls] error"),
    "another protocol": ({}, shipped(alpn=["foo"]), "[tls] error"),
    "a client that refuses": ({}, shipped(anchor="other_root.pem"), "[tls] error"),
    "a session resumed": ({}, resumed, "session id context", "is now available"),
    "HTTP": ({}, sent(b"GET / HTTP/1.1\r\n\r\n"), "[tls] error"),
    "JSON": ({}, sent(b'{"n":1}\n'), "[tls] error"),
    "a probe": ({}, sent(b""), "[tls] error"),
    "a reset": ({}, reset, "[tls] error"),
    "silence": ({"net__accept_timeout": "1"}, silent, "timed out"),
    "a certificate renewed": ({}, renewed, "is now available"),
    "a key spoilt": ({}, spoilt, "is now available"),
}


def observed(bench, properties, act, *last):
    """What the log tells, in order, and the records that arrived."""
    with bench.listening(**{**bench.changing(), "tls__debug": "1", **properties}) as (one, sink):
        act(bench, one)
        for words in last:
            one.says(words)
        told = [line for line in one.agent.said() if any(word in line for word in TOLD)]
        reloads = [line for line in one.agent.said() if "reload" in line]
        records = [] if sink.is_empty() else json.loads(sink.next())
    return told, reloads, [record["n"] for record in records]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_input_tells_the_same_and_takes_the_same(tmp_path, real, case):
    seen = []
    for program in (MODEL, real):
        place = tmp_path / f"{len(seen)}"
        place.mkdir()
        seen.append(observed(Bench(place, program), *case))
    assert seen[0] == seen[1]
    assert any(seen[0])
