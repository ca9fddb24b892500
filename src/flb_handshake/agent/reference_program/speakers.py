"""What the outputs speak that do not speak HTTP: a writer for each protocol.

Facts: plugins/out_forward, out_gelf, out_syslog, out_tcp, out_websocket and out_nats of 5.1.1, and
what arrived from it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import struct

from .forms import compact, in_format, stamp
from .output import DELIVERED, LOST
from .packing import event_time, packed, unpacker
from .response import Response, piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any, Final

    from .classic import Instance
    from .delivery import Chunk
    from .journal import Voice
    from .output import Fate
    from .upstream import Upstream

    Write = Callable[[Instance, Chunk], bytes]
    """A chunk as it is sent."""

_SHORT: Final = "no upstream connections available"


class Stream:
    """Writes chunks one behind another, and hears nothing."""

    def __init__(
        self, instance: Instance, write: Write, upstream: Upstream, unreachable: str = _SHORT
    ) -> None:
        self.unreachable = unreachable
        self._instance = instance
        self._write = write
        self._upstream = upstream

    def begin(self, connection: socket.socket) -> bool:
        """See Speaker."""
        del connection
        return True

    def deliver(self, connection: socket.socket, chunk: Chunk) -> Fate:
        """See Speaker."""
        try:
            connection.settimeout(None)
            connection.sendall(self._write(self._instance, chunk))
        except OSError as error:
            self._upstream.broken(connection, error)
            return LOST
        return DELIVERED


def text_or_msgpack(instance: Instance, chunk: Chunk) -> bytes:
    """Records in the output's `format`, which is msgpack by default."""
    if instance.settings.get("format", "msgpack").lower() != "msgpack":
        return in_format(instance, chunk)
    return b"".join(packed([[event_time(chunk.when), {}], one]) for one in chunk.records)


def gelf(instance: Instance, chunk: Chunk) -> bytes:
    """Messages of GELF 1.1, each with a zero byte behind it."""
    return b"".join(one + b"\0" for one in gelf_messages(instance, chunk))


def gelf_messages(instance: Instance, chunk: Chunk) -> list[bytes]:
    """Messages of GELF 1.1. One that has no short message is none."""
    key = instance.settings.get("gelf_short_message_key", "short_message")
    made = []
    for one in chunk.records:
        if key in one:
            rest = {f"_{name}": value for name, value in one.items() if name != key}
            message = {"version": "1.1", "short_message": one[key], **rest}
            made.append(compact({**message, "timestamp": round(chunk.when, 3)}).encode())
    return made


def syslog(instance: Instance, chunk: Chunk) -> bytes:
    """Messages of RFC 5424, a line each."""
    return b"".join(one + b"\n" for one in syslog_messages(instance, chunk))


def syslog_messages(instance: Instance, chunk: Chunk) -> list[bytes]:
    """Messages of RFC 5424."""
    key = instance.settings.get("syslog_message_key", "")
    head = f"<14>1 {stamp(chunk.when, 6)} - - - - -"
    return [f"{head} {one[key]}".encode() if key in one else head.encode() for one in chunk.records]


def nats(_: Instance, chunk: Chunk) -> bytes:
    """CONNECT before each chunk, and the chunk as one message."""
    events = [[chunk.when, {"tag": chunk.tag, **one}] for one in chunk.records]
    body = compact(events)
    options = '{"verbose":false,"pedantic":false,"ssl_required":false,"name":"fluent-bit"}'
    return f"CONNECT {options}\r\nPUB {chunk.tag} {len(body)}\r\n{body}\r\n".encode()


class Forward:
    """Fluentd's protocol: with a handshake where there is a shared key."""

    unreachable: str = _SHORT

    def __init__(self, instance: Instance, upstream: Upstream, voice: Voice) -> None:
        given = instance.settings.get
        self._key = given("shared_key")
        self._hostname = given("self_hostname", "localhost")
        self._zipped = given("compress", "").lower() == "gzip"
        self._acknowledged = instance.flag("require_ack_response", default=0) == 1
        self._upstream = upstream
        self._voice = voice

    def begin(self, connection: socket.socket) -> bool:
        """See Speaker. A HELO, a PING and a PONG."""
        if self._key is None:
            return True
        connection.settimeout(None)
        try:
            helo = self._received(connection)
            self._voice.plugin("debug", "protocol: received HELO")
            connection.sendall(self._ping(self._key.encode(), helo[1]["nonce"]))
            pong = self._received(connection)
        except OSError as error:
            self._upstream.broken(connection, error)
            return False
        except (KeyError, IndexError, TypeError):
            return False
        return bool(pong[1])

    def deliver(self, connection: socket.socket, chunk: Chunk) -> Fate:
        """See Speaker."""
        connection.settimeout(None)
        try:
            connection.sendall(self._message(chunk))
            if self._acknowledged:
                self._received(connection)
        except OSError as error:
            self._upstream.broken(connection, error)
            if self._acknowledged:
                self._voice.plugin("error", "cannot get ack")
            return LOST
        return DELIVERED

    def _ping(self, key: bytes, nonce: str | bytes) -> bytes:
        salt, host = os.urandom(16), self._hostname
        known = nonce.encode() if isinstance(nonce, str) else nonce
        digest = hashlib.sha512(salt + host.encode() + known + key).hexdigest()
        return packed(["PING", host, salt, digest, "", ""])

    def _message(self, chunk: Chunk) -> bytes:
        options: dict[str, Any] = {}
        entries: Any = [[event_time(chunk.when), one] for one in chunk.records]
        if self._zipped:
            entries = gzip.compress(b"".join(packed(one) for one in entries))
            options = {"compressed": "gzip"}
        if self._acknowledged:
            options["chunk"] = base64.b64encode(os.urandom(16)).decode()
        if options:
            return packed([chunk.tag, entries, {"size": len(chunk.records), **options}])
        return packed([chunk.tag, entries])

    @staticmethod
    def _received(connection: socket.socket) -> Any:
        """One whole message. Raises OSError."""
        values = unpacker()
        while True:
            values.feed(piece(connection))
            for value in values:
                return value


class WebSocket:
    """An upgrade, and then a masked frame for each chunk."""

    unreachable: str = ""

    def __init__(self, instance: Instance, upstream: Upstream, voice: Voice) -> None:
        self._instance = instance
        self._upstream = upstream
        self._voice = voice

    def begin(self, connection: socket.socket) -> bool:
        """See Speaker."""
        self._voice.say("info", "[out_ws] handshake for ws")
        uri = self._instance.settings.get("uri", "/")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {uri} HTTP/1.1", f"Host: {self._upstream.host}:{self._upstream.port}"]
        lines += ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}"]
        lines += ["Sec-WebSocket-Version: 13", "", ""]
        status = 0
        connection.settimeout(None)
        try:
            connection.sendall("\r\n".join(lines).encode())
            status = Response.read(connection).status
        except OSError as error:
            self._upstream.broken(connection, error)
            said = f"broken connection to {self._upstream.where} ?"
            self._voice.say("error", f"[http_client] {said}")
        if status != 101:  # noqa: PLR2004 # switching protocols
            said = f"Http Get Operation ret = -1, http resp = {status}"
            self._voice.say("debug", f"[out_ws] {said}")
            return False
        return True

    def deliver(self, connection: socket.socket, chunk: Chunk) -> Fate:
        """See Speaker."""
        try:
            connection.sendall(_frame(text_or_msgpack(self._instance, chunk)))
        except OSError as error:
            self._upstream.broken(connection, error)
            return LOST
        return DELIVERED


def _frame(data: bytes) -> bytes:
    """A message of one frame, masked as a client's has to be (RFC 6455, section 5.2)."""
    size = len(data)
    if size <= 125:  # noqa: PLR2004 # what stands in the header itself
        head = bytes((0x82, 0x80 | size))
    elif size < 1 << 16:
        head = struct.pack(">BBH", 0x82, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", 0x82, 0x80 | 127, size)
    mask = os.urandom(4)
    return head + mask + bytes(one ^ mask[at % 4] for at, one in enumerate(data))
