"""TLS records as they stand on the wire: cut, taken apart and made up, without a TLS library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from flb_handshake.peer.events import alert_value

Reshape: TypeAlias = Callable[[bytes], bytes]
"""What becomes of a peer's records on their way out. It is given whole ones, in order."""

HEADER: Final = 5
"""Bytes: type, version, version, length, length (RFC 8446, section 5.1)."""

ALERT: Final = 21
HANDSHAKE: Final = 22

_TLS_1_2: Final = b"\x03\x03"

_MESSAGE_HEADER: Final = 4
_SERVER_HELLO: Final = 2
_RANDOM: Final = slice(HEADER + _MESSAGE_HEADER + 2, HEADER + _MESSAGE_HEADER + 2 + 32)
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random by which a ServerHello is a HelloRetryRequest (RFC 8446, section 4.1.3)."""

_RENEGOTIATION_INFO: Final = 0xFF01


def split(stream: bytes) -> Iterator[bytes]:
    """Give the records of a stream; what is no whole record comes last, as it is."""
    while stream:
        end = HEADER + int.from_bytes(stream[3:HEADER])
        yield stream[:end]
        stream = stream[end:]


def alert(name: str, version: bytes = _TLS_1_2) -> bytes:
    """An alert's record, unencrypted. Raises KeyError for none of IANA's names."""
    return bytes((ALERT,)) + version + b"\x00\x02" + alert_value(name).to_bytes(2)


def after_server_hello(flight: bytes) -> int:
    """Where the record that holds the ServerHello ends; 0: there is none.

    The ServerHello is the first of a flight. A HelloRetryRequest is none yet.
    """
    first = next(split(flight), b"")
    return len(first) if _begins_server_hello(first) and first[_RANDOM] != _RETRY else 0


class Fragmenter:
    """Cuts handshake records into smaller ones, until the first that is of another type.

    From there on what is a handshake message is encrypted, and no longer ours to cut. An alert
    stays whole.
    """

    def __init__(self, size: int) -> None:
        """Let a record have so many bytes at most, its header not counted."""
        self._size = size
        self._is_plain = True

    def __call__(self, stream: bytes) -> bytes:
        """Take whole records, in order; give them cut."""
        return b"".join(self._cut(record) for record in split(stream))

    def _cut(self, record: bytes) -> bytes:
        self._is_plain &= record[0] == HANDSHAKE
        if not self._is_plain:
            return record
        head, body = record[:3], record[HEADER:]
        pieces = (body[at : at + self._size] for at in range(0, len(body), self._size))
        return b"".join(head + len(piece).to_bytes(2) + piece for piece in pieces)


def without_renegotiation_info(stream: bytes) -> bytes:
    """Take the extension out of a ServerHello; whatever begins with anything else stays as it is.

    What the client hashes is no longer what the server does, so a client that does not mind fails
    later, at the Finished: this shows who minds.
    """
    record = next(split(stream), b"")
    if not _begins_server_hello(record):
        return stream
    end = HEADER + _MESSAGE_HEADER + int.from_bytes(record[HEADER + 1 : HEADER + 4])
    body = _without(record[HEADER + _MESSAGE_HEADER : end], _RENEGOTIATION_INFO)
    message = bytes((_SERVER_HELLO,)) + len(body).to_bytes(3) + body
    content = message + record[end:]
    return record[:3] + len(content).to_bytes(2) + content + stream[len(record) :]


def _begins_server_hello(record: bytes) -> bool:
    return record[:1] == bytes((HANDSHAKE,)) and record[5:6] == bytes((_SERVER_HELLO,))


def _without(hello: bytes, unwanted: int) -> bytes:
    """Give the body of a ServerHello without one of its extensions (RFC 5246, section 7.4.1.3)."""
    # version, random, session id, cipher suite, compression method; then the extensions' length
    at = 2 + 32 + 1 + hello[34] + 2 + 1
    kept = b""
    rest = hello[at + 2 :]
    while rest:
        end = 4 + int.from_bytes(rest[2:4])
        kept += b"" if int.from_bytes(rest[:2]) == unwanted else rest[:end]
        rest = rest[end:]
    return hello[:at] + (len(kept).to_bytes(2) + kept if kept else b"")
