"""DTLS, which is TLS in datagrams (RFC 6347): its records, its hello and its endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from OpenSSL import SSL

from flb_handshake.peer.hello import MAX_HELLO, ClientHello, HelloError, read_hello
from flb_handshake.peer.opening import Opening
from flb_handshake.peer.tls import Report, TlsEndpoint

HEADER: Final = 13
"""Bytes: type, version, version, two of the epoch, six of a number, length, length."""

_MAJOR: Final = b"\xfe"
_ALERT: Final = 21
_HANDSHAKE: Final = 22
_TYPES: Final = range(20, 26)
_EPOCH: Final = slice(3, 5)
_NOT_ENCRYPTED: Final = b"\0\0"

_MESSAGE_HEADER: Final = 12
"""Bytes: type, three of a length, two of a number, three each of a fragment's offset and length."""
_CLIENT_HELLO: Final = 1

_COOKIE_BEHIND: Final = 34
"""Bytes of a hello before the session id, which stands before the cookie."""

_LONGEST_RECORD: Final = 1400
"""Bytes, its header included. OpenSSL asks a socket for this, and there is none."""


def records(data: bytes) -> Iterator[bytes]:
    """Give the records in some data; what is no whole record comes last, as it is."""
    while data:
        end = HEADER + int.from_bytes(data[HEADER - 2 : HEADER])
        yield data[:end]
        data = data[end:]


def is_record(datagram: bytes) -> bool:
    """Whether it looks as DTLS does."""
    return len(datagram) > HEADER and datagram[0] in _TYPES and datagram[1:2] == _MAJOR


def is_stray(datagram: bytes) -> bool:
    """Whether it is of a session that is over: of DTLS, and nothing that a session begins with."""
    if not is_record(datagram) or opening(datagram) is Opening.ALERT:
        return False
    opens = datagram[0] == _HANDSHAKE and datagram[HEADER] == _CLIENT_HELLO
    return not opens or datagram[_EPOCH] != _NOT_ENCRYPTED


def opening(datagram: bytes) -> Opening:
    """Tell what a first datagram is."""
    if not is_record(datagram):
        return Opening.CLEARTEXT
    is_plain = datagram[_EPOCH] == _NOT_ENCRYPTED
    return Opening.ALERT if datagram[0] == _ALERT and is_plain else Opening.HANDSHAKE


class DtlsHelloParser:
    """Reads a hello as its fragments arrive, in one datagram or in several."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._records = 0
        self._hello: ClientHello | None = None

    def feed(self, datagram: bytes) -> ClientHello | None:
        """Take the next datagram; the hello as soon as it is whole, and ever after.

        Raises HelloError: it can never become a valid hello.
        """
        for record in records(datagram):
            if self._hello is not None:
                break
            self._take(record)
        return self._hello

    def _take(self, record: bytes) -> None:
        fragment = record[HEADER:]
        if record[0] != _HANDSHAKE or len(fragment) < _MESSAGE_HEADER:
            raise HelloError("a DTLS handshake record holds a fragment of a message")
        if fragment[0] != _CLIENT_HELLO:
            raise HelloError(f"the first message has type {fragment[0]}, not 1 (client_hello)")
        length, offset = int.from_bytes(fragment[1:4]), int.from_bytes(fragment[6:9])
        if length > MAX_HELLO:
            raise HelloError(f"the hello announces {length} bytes; {MAX_HELLO} are the most read")
        piece = fragment[_MESSAGE_HEADER:][: int.from_bytes(fragment[9:12])]
        self._records += 1
        if offset == len(self._body):  # else it came before, or comes again
            self._body += piece
        if len(self._body) >= length:
            found = read_hello(
                _without_cookie(bytes(self._body[:length])),
                int.from_bytes(record[1:3]),
                self._records,
            )
            self._hello = replace(found, bytes=_MESSAGE_HEADER + length)


def _without_cookie(body: bytes) -> bytes:
    """A hello as TLS has it. Raises HelloError."""
    at = _COOKIE_BEHIND
    at += 1 + int.from_bytes(body[at : at + 1])
    cookie = body[at : at + 1]
    if not cookie:
        raise HelloError("the hello: cut short before its cookie")
    return body[:at] + body[at + 1 + cookie[0] :]


class DtlsEndpoint(TlsEndpoint):
    """The server's end of one DTLS session."""

    def __init__(self, made: SSL.Context, report: Report) -> None:
        super().__init__(made, report)
        self._connection.set_ciphertext_mtu(_LONGEST_RECORD)
