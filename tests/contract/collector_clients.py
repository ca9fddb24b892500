"""Clients of the collector that are not ours: Python's ssl, pyOpenSSL, and plain sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import suppress

import pytest
from OpenSSL import SSL

from flb_handshake.behaviours import Cleartext
from flb_handshake.certificates import (
    HOST,
    ROOT,
)
from flb_handshake.model import ClientAuth, CollectorSpec
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind
from flb_handshake.peer.tls import VERSIONS
from flb_handshake.pki import Pki

PKI = Pki()
WITHIN = 20
"""Seconds that nothing here comes near; a test that waits so long has failed."""

BODY = b'[{"message":"handshake"}]'
POST = (
    b"POST /v1/logs HTTP/1.1\r\nHost: logs.example.test\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
TARGET = "collector.example.test:443"
CONNECT = f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode()
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


CLEARTEXT = Cleartext()
DEMANDING = CollectorSpec(client_auth=ClientAuth.DEMAND, client_ca=ROOT)


def greeting():
    """A whole ClientHello as it stands on the wire."""
    client = SSL.Connection(PyOpenSSL().context, None)
    client.set_tlsext_host_name(HOST.encode())
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(65536)


HELLO = greeting()


async def feed(listener, said):
    """Give these pieces to a connection of the listener, as its transport would."""
    ended = asyncio.Event()
    listener.on_settled = ended.set
    near, far = socket.socketpair()
    far.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, connection = await loop.create_connection(listener.welcome, sock=near)
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
    await asyncio.wait_for(ended.wait(), WITHIN)
