"""Whatever an agent says, a shipper raises nothing and records its end."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

import pytest
from collector_clients import ends, facts
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shipper_servers import PKI, play, server_context, until_end

from flb_handshake.behaviours import Cleartext
from flb_handshake.model import ShipperSpec
from flb_handshake.peer import tls_client
from flb_handshake.peer.client_connection import ClientConnection
from flb_handshake.peer.events import Kind
from flb_handshake.peer.shipper import PLUGINS

JUNK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CONTEXT = tls_client.context(ShipperSpec(), (), PKI)
CONTEXTS = {
    protocol: server_context(alpn=[protocol] if protocol else ()) for protocol in ("h2", None)
}
FRAME = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00"
"""A frame of SETTINGS that announces more than it holds."""


@JUNK
@given(said=st.binary(min_size=1, max_size=200))
@example(said=b"\x16\x03\x03\x00\x00")
@example(said=b"\x15\x03\x03\x00\x02\x02\xff")
@example(said=b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00")
def test_junk_in_place_of_a_server_hello(said):
    def server(plain):
        plain.recv(65536)
        with suppress(OSError):
            plain.sendall(said)
            plain.shutdown(socket.SHUT_WR)
            until_end(plain)

    _, shipper = play(server)

    assert len(ends(shipper)) == 1
    (first,) = facts(shipper, Kind.FIRST_BYTES)
    assert first["hex"] == said[:16].hex()
    assert not facts(shipper, Kind.NEGOTIATED)


@pytest.mark.parametrize("plugin", sorted(PLUGINS))
@JUNK
@given(said=st.binary(min_size=1, max_size=200))
@example(said=b"HTTP/1.1 201 \xff\r\n\r\n")
@example(said=b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok")
@example(said=b"\x20\x02\x00\x00\x40\x7f\x00")
@example(said=b"\x81\x81\x01\x02")
@example(said=b"\xd7\xff" + b"\xff" * 8)
def test_junk_for_an_answer(plugin, said):
    def server(plain):
        plain.recv(65536)
        with suppress(OSError):
            plain.sendall(said)
            plain.shutdown(socket.SHUT_WR)
            until_end(plain)

    _, shipper = play(server, spec=ShipperSpec(behaviour=Cleartext()), plugin=plugin)

    assert len(ends(shipper)) == 1
    assert facts(shipper, Kind.SHIPPED) or plugin == "mqtt"


@JUNK
@given(said=st.binary(min_size=1, max_size=200))
@example(said=FRAME)
@example(said=FRAME + bytes(6) + b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\xff")
def test_junk_for_an_answer_by_http_2(said):
    def server(plain):
        with (
            suppress(ssl.SSLError, OSError),
            CONTEXTS["h2"].wrap_socket(plain, server_side=True) as session,
        ):
            session.recv(65536)
            session.sendall(said)
            session.unwrap()

    _, shipper = play(server, spec=ShipperSpec(http2=True), plugin="http")

    assert len(ends(shipper)) == 1


def test_an_answer_that_nobody_reads_fills_no_memory():
    connection = ClientConnection(ShipperSpec(), CONTEXT, lambda *_: None)

    for _ in range(3):
        connection._keep(bytes(1 << 20))

    assert len(connection._plain) == 1 << 20
