"""Forward, the protocol of Fluentd: msgpack arrays, with or without a handshake about a key.

Version 1 of the specification: Message, Forward, PackedForward and CompressedPackedForward modes,
the response to the option `chunk`, and the handshake of HELO, PING and PONG.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]

from flb_handshake.peer.http import Heard
from flb_handshake.peer.protocols.conversation import Conversation, Junk, message
from flb_handshake.peer.protocols.streams import (
    GZIP,
    MSGPACK,
    MsgpackValues,
    event_record,
    text,
    unzipped,
)

_HOSTNAME: Final = b"flb-handshake"
_NONCE: Final = 16
_PING: Final = 6
"""Its elements: the word, host name, salt, digest, user name, password."""


class ForwardServer(Conversation):
    """Takes events and acknowledges chunks; with a shared key, after who sends them knows it."""

    NAME = "forward"

    def __init__(self, shared_key: str | None = None) -> None:
        super().__init__()
        self._key = None if shared_key is None else shared_key.encode()
        self._nonce = os.urandom(_NONCE).hex().encode()
        self._cut = MsgpackValues()
        self._admitted = shared_key is None

    def greeting(self) -> bytes:
        """A HELO with a nonce where there is a shared key; else nothing."""
        if self._key is None:
            return b""
        options = {"nonce": self._nonce.decode(), "auth": "", "keepalive": True}
        return bytes(msgpack.packb(["HELO", options]))

    def turns(self, received: bytes) -> Iterator[Heard]:
        """Take bytes; give what each message comes to. Raises Junk."""
        for value, size in self._cut(received):
            if not isinstance(value, list):
                raise Junk("a message that is no array")
            yield self._message(value, size) if self._admitted else self._ping(value)

    def _ping(self, value: list[Any]) -> Heard:
        """Compare the digest that a client sends with ours, and prove that we have the key too."""
        ping = value[:_PING]
        if len(ping) < _PING or not all(isinstance(one, bytes) for one in ping):
            raise Junk("no PING where a shared key is asked for")
        word, hostname, salt, digest, *_ = ping
        if word != b"PING":
            raise Junk("no PING where a shared key is asked for")
        self._admitted = hmac.compare_digest(self._digest(salt, hostname), digest)
        if not self._admitted:
            pong = ["PONG", False, "shared_key mismatch", "", ""]
            answers = ({"answer": "PONG", "reason": "shared_key mismatch"},)
            return Heard(answer=msgpack.packb(pong), answers=answers, over=True)
        pong = ["PONG", True, "", _HOSTNAME.decode(), self._digest(salt, _HOSTNAME).decode()]
        return Heard(answer=msgpack.packb(pong), answers=({"answer": "PONG"},))

    def _digest(self, salt: bytes, hostname: bytes) -> bytes:
        said = salt + hostname + self._nonce + (self._key or b"")
        return hashlib.sha512(said).hexdigest().encode()

    def _message(self, value: list[Any], size: int) -> Heard:
        tag, entries, options = _parts(value)
        arrived = message(_records(entries, options), size, target=text(tag), kind=MSGPACK)
        chunk = options.get(b"chunk")
        if not isinstance(chunk, bytes):
            return Heard(requests=(arrived,))
        ack = msgpack.packb({b"ack": chunk}, use_bin_type=False)
        return Heard(requests=(arrived,), answer=ack, answers=({"answer": "ack"},))


def _parts(value: list[Any]) -> tuple[bytes, object, dict[Any, Any]]:
    """Tag, entries and options. Raises Junk."""
    options = value[-1] if len(value) > 2 and isinstance(value[-1], dict) else {}  # noqa: PLR2004
    match value:
        case [bytes(tag), list() | bytes() as entries, *rest] if rest in ([], [None], [options]):
            return tag, entries, options
        case [bytes(tag), int() | float() | msgpack.ExtType() as when, dict(record), *rest]:
            last = rest[0] if rest and isinstance(rest[0], dict) else {}
            return tag, [[when, record]], last
    raise Junk("an array that is no message")


def _records(entries: object, options: dict[Any, Any]) -> list[Any]:
    if isinstance(entries, bytes):
        packed = unzipped(entries, GZIP) if options.get(b"compressed") == b"gzip" else entries
        entries = [value for value, _ in MsgpackValues()(packed)]
    assert isinstance(entries, list)  # noqa: S101 # see _parts
    return [event_record(entry) for entry in entries]
