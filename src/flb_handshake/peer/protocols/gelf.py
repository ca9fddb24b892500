"""GELF: JSON objects; over TCP each has a zero byte behind it, in datagrams it may be zipped."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

from flb_handshake.peer.http import Heard
from flb_handshake.peer.protocols.conversation import Conversation, Junk, message
from flb_handshake.peer.protocols.streams import JSON, Pieces, json_value, unzipped

_VERSION: Final = "1.1"
_END: Final = b"\0"

_ZIPPED: Final = (b"\x1f\x8b", b"\x78")
"""How a datagram in gzip or zlib begins."""
_EITHER: Final = zlib.MAX_WBITS | 32


class GelfServer(Conversation):
    """Takes messages of GELF 1.1, and never answers."""

    NAME = "GELF"

    def __init__(self) -> None:
        super().__init__()
        self._cut = Pieces(_END)

    def turns(self, received: bytes) -> Iterator[Heard]:
        """Take bytes; give a record for each message. Raises Junk."""
        for piece in self._cut(received):
            record = gelf_record(piece)
            yield Heard(requests=(message([record], len(piece) + 1, kind=JSON),))


def gelf_record(piece: bytes) -> dict[str, Any]:
    """The record in a GELF message, under GELF's own names. Raises Junk."""
    value = json_value(piece)
    if not isinstance(value, dict) or value.get("version") != _VERSION:
        raise Junk(f"no object of version {_VERSION}")
    if "short_message" not in value:
        raise Junk("no short_message")
    return value


def gelf_datagram(datagram: bytes) -> bytes:
    """What it would be over TCP. Raises Junk, also for one of several chunks of a message."""
    if not datagram.startswith(_ZIPPED):
        return datagram + _END
    return unzipped(datagram, _EITHER) + _END
