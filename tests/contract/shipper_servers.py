"""Servers for shippers that are not ours: Python's ssl on plain sockets, in a thread."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from flb_handshake.certificates import HEALTHY
from flb_handshake.model import ShipperSpec
from flb_handshake.peer.events import Kind
from flb_handshake.peer.shipper import Shipper
from flb_handshake.pki import Pki

PKI = Pki()
WITHIN = 20
"""Seconds that nothing here comes near; a test that waits so long has failed."""

HEALTHY_SHIPPER = ShipperSpec()

RESETTING = struct.pack("ii", 1, 0)

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def record(number):
    return {"message": "handshake", "n": number}


def server_context(*, chain=HEALTHY, version=None, asks=None, demands=False, alpn=()):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = made.maximum_version = VERSIONS[version or "TLSv1.3"]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "server.pem")
        path.write_bytes(PKI.pem(*chain.sent) + PKI.key_pem(chain.leaf))
        made.load_cert_chain(path)
    if asks is not None:
        made.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL
        made.load_verify_locations(cadata=PKI.pem(asks).decode())
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made


def play(
    server,
    *,
    spec=HEALTHY_SHIPPER,
    plugin="tcp",
    records=1,
    limit=WITHIN,
    connections=1,
    until=None,
):
    """Ship records numbered from 7 to `server(plain)`, called with each connection in turn.

    The shipper closes what is open once there was an event of the kind `until`, if one is named.

    Gives what the server returned, of the last connection, and the shipper once it is closed.
    """

    def serve(bound):
        answer = None
        for _ in range(connections):
            plain, _ = bound.accept()
            plain.settimeout(WITHIN)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with plain:
                answer = server(plain)
        return answer

    async def performance():
        failures = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: failures.append(told))
        shipper = Shipper(spec, plugin, PKI, time.monotonic)
        happened = asyncio.Event()
        shipper.watch = lambda event: happened.set() if event.kind is until else None
        with socket.create_server(("127.0.0.1", 0)) as bound:
            bound.settimeout(WITHIN)
            serving = asyncio.create_task(asyncio.to_thread(partial(serve, bound)))
            for number in range(7, 7 + records):
                await shipper.ship("127.0.0.1", bound.getsockname()[1], record(number), limit=limit)
            if until is not None:
                await asyncio.wait_for(happened.wait(), WITHIN)
            await shipper.close()
            answer = await asyncio.wait_for(serving, WITHIN)
        assert failures == []
        return answer, shipper

    return asyncio.run(performance())


def kinds(shipper):
    return [event.kind for event in shipper.events if event.kind is not Kind.STATE]


def reset(plain):
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
    plain.close()


def until_end(plain):
    """Everything that the other side says until it ends, and how that was: "FIN" or "RST"."""
    heard = b""
    try:
        while piece := plain.recv(65536):
            heard += piece
    except ConnectionResetError:
        return heard, "RST"
    return heard, "FIN"


def take_all(context):
    """A server that shakes hands and reads until the end; gives what it read."""

    def server(plain):
        with context.wrap_socket(plain, server_side=True) as session:
            heard = b""
            with suppress(ssl.SSLError, ConnectionResetError):
                while piece := session.recv(65536):
                    heard += piece
                session.unwrap()
            return heard

    return server


@dataclass
class Seen:
    """What a server saw of one connection."""

    raw: bytes = b""
    before_flight: int = -1
    """How much of `raw` came before the server's first flight went out; -1: it never did."""
    done: bool = False
    """Whether the handshake was."""
    plain: bytes = b""
    end: str = ""
    times: list = field(default_factory=list)


def watch(context):
    """A server that shakes hands through memory, takes what comes, and looks at every byte."""

    def server(plain):
        seen = Seen()
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(came, goes, server_side=True)
        try:
            while piece := plain.recv(65536):
                seen.raw += piece
                seen.times.append(time.monotonic())
                came.write(piece)
                with suppress(ssl.SSLWantReadError, ssl.SSLError):
                    if not seen.done:
                        session.do_handshake()
                        seen.done = True
                    while heard := session.read(65536):
                        seen.plain += heard
                if answer := goes.read():
                    seen.before_flight = max(seen.before_flight, 0) or len(seen.raw)
                    plain.sendall(answer)
            seen.end = "FIN"
        except OSError:
            seen.end = "RST"
        return seen

    return server
