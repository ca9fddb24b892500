"""The reference agent's inputs and a real Fluent Bit's: the same alerts, errors and records.

Closer than the catalogue looks: what the log of an input says is compared word for word. It is held
for one release of each way in which inputs were seen to tell it (HELD), each as far as it knows the
properties of a case, and wherever such a Fluent Bit is a process of this machine. The others are
held by the catalogue alone (test_agreement.py).
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
from functools import cache

import pytest
from reference_runs import MODEL, Bench, post

from flb_handshake.agent.process import open_process
from flb_handshake.errors import AgentUnavailable
from flb_handshake.model import Role
from flb_handshake.releases import KNOWN_SINCE, before

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
REFUSED = ("[tls] error", "[tls] certificate verification failed")
TOLD = (*REFUSED, "SSL3 alert write:fatal", "SSL3 alert read:fatal", " timed out after ")
TAKEN = ("is now available",)

HELD = {
    "2.2.3": "of no failure why",
    "3.0.7": "of a chain that it could not be verified",
    "4.2.8": "of a chain X.509's reason",
    "5.0.9": "of a handshake OpenSSL's reason",
    "5.1.1": "also of a connection that ends",
}
"""The releases, and what each of them is the last to tell so."""


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
        with contextlib.suppress(ssl.SSLEOFError):  # before 5.1 the input says no goodbye
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
        f"{name}, {version.name}": (DEMANDS, shipped(name, version=version), REFUSED)
        for name in (None, "lonely", "stranger", "expired", "early", "server_only")
        for version in (V12, V13)
    },
    "a certificate that is known": (DEMANDS, shipped("client"), TAKEN),
    "none where none is demanded": ({}, shipped(), TAKEN),
    "a stranger where none is demanded": ({}, shipped("stranger"), REFUSED),
    "nothing verified": (
        {"tls__verify": "off", **DEMANDS},
        shipped("stranger"),
        TAKEN,
    ),
    "too old": ({"tls__min_version": "TLSv1.3"}, shipped(version=V12), REFUSED),
    "too new": ({"tls__max_version": "TLSv1.2"}, shipped(version=V13), REFUSED),
    "another protocol": ({}, shipped(alpn=["foo"]), REFUSED),
    "a client that refuses": ({}, shipped(anchor="other_root.pem"), REFUSED),
    "a session resumed": ({}, resumed, REFUSED, TAKEN),
    "HTTP": ({}, sent(b"GET / HTTP/1.1\r\n\r\n"), REFUSED),
    "JSON": ({}, sent(b'{"n":1}\n'), REFUSED),
    "a probe": ({}, sent(b""), REFUSED),
    "a reset": ({}, reset, REFUSED),
    "silence": ({"net__accept_timeout": "1"}, silent, ("timed out",)),
    "a certificate renewed": ({}, renewed, TAKEN),
    "a key spoilt": ({}, spoilt, TAKEN),
}


def observed(bench, properties, act, *last):
    """What the log tells, in order, and the records that arrived."""
    with bench.listening(**{**bench.changing(), "tls__debug": "1", **properties}) as (one, sink):
        act(bench, one)
        for words in last:
            if not any(word in line for word in words for line in one.agent.lines):
                one.agent.until(*words)
        said = (re.sub(r"(tcp://[\d.]+):\d+", r"\1:PORT", line) for line in one.agent.said())
        told = [line for line in said if any(word in line for word in TOLD)]
        reloads = [line for line in one.agent.said() if "reload" in line]
        records = [] if sink.is_empty() else json.loads(sink.next())
    return told, reloads, [record["n"] for record in records]


def known(version, properties):
    """Whether the release has all these properties."""
    since = KNOWN_SINCE[Role.INPUT]
    return not any(
        before(version, since.get(name.replace("__", "."), version)) for name in properties
    )


ASKED = [
    pytest.param(version, case, id=f"{version}: {name}")
    for version in HELD
    for name, case in CASES.items()
    if known(version, case[0])
]


@pytest.mark.parametrize(("version", "case"), ASKED)
def test_an_input_tells_the_same_and_takes_the_same(tmp_path, version, case):
    model = (*MODEL, "--model", version)
    seen = []
    for program in (model, real(version)):
        place = tmp_path / f"{len(seen)}"
        place.mkdir()
        seen.append(observed(Bench(place, program), *case))
    assert seen[0] == seen[1]
    assert any(seen[0])


@cache
def real(version):
    try:
        agent = open_process(None, version=version)
    except AgentUnavailable as error:
        pytest.skip(f"no real Fluent Bit {version} as a process: {error}")
    return (agent.identity.found,)
