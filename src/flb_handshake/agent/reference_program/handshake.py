"""Shakes hands on either side, and logs what OpenSSL did as Fluent Bit's `tls.debug 1` does.

Facts: src/tls/openssl.c of 5.1.1; OpenSSL 3.0's own numbers and words, each alert measured.
"""

from __future__ import annotations

import contextlib
import socket
import ssl

from .addresses import PLACEHOLDER, is_address, take_for_name
from .wording import handshake_failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from .releases import Release

    Say = Callable[[str, str], None]
    """Takes a level and a text for the log."""

_LINGER: Final = 1.0

_ALERTS: Final = {
    0: "close notify",
    10: "unexpected_message",
    20: "bad record mac",
    21: "decryption failed",
    22: "record overflow",
    30: "decompression failure",
    40: "handshake failure",
    41: "no certificate",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown CA",
    49: "access denied",
    50: "decode error",
    51: "decrypt error",
    60: "export restriction",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    90: "user canceled",
    100: "no renegotiation",
    110: "unsupported extension",
    111: "certificate unobtainable",
    112: "unrecognized name",
    113: "bad certificate status response",
    114: "bad certificate hash value",
    115: "unknown PSK identity",
    120: "no application protocol",
}
"""OpenSSL 3.0's words for the alerts; 86, 109 and 116 it calls "unknown", as any other."""

_ALERT_FOR: Final = {
    42: (6, 9, 13, 14, 27, 28, 62, 63, 64, 65, 66, 67, 68, 94),
    48: (2, 18, 19, 20, 21, 22, 24, 25, 79),
    45: (10, 12),
    44: (23,),
    51: (4, 5, 7, 8),
    43: (26,),
    40: (50,),
    80: (1, 17, 69, 70),
}
"""The alert for each X.509 verification code, 46 for the rest (ssl_x509err2alert, OpenSSL 3.0)."""

_CLIENT_HELLO: Final = 1
_STATES: Final = {
    ("write", 1): "SSLv3/TLS write client hello",
    ("read", 2): "SSLv3/TLS read server hello",
    ("read", 4): "SSLv3/TLS read server session ticket",
    ("read", 8): "TLSv1.3 read encrypted extensions",
    ("read", 11): "SSLv3/TLS read server certificate",
    ("read", 12): "SSLv3/TLS read server key exchange",
    ("read", 13): "SSLv3/TLS read server certificate request",
    ("read", 14): "SSLv3/TLS read server done",
    ("read", 15): "TLSv1.3 read server certificate verify",
    ("read", 20): "SSLv3/TLS read finished",
    ("write", 11): "SSLv3/TLS write client certificate",
    ("write", 15): "SSLv3/TLS write certificate verify",
    ("write", 16): "SSLv3/TLS write client key exchange",
    ("write", 20): "SSLv3/TLS write finished",
}


class HandshakeError(Exception):
    """A handshake that failed; its connection is still open."""

    def __init__(self, connection: ssl.SSLSocket, *, timed_out: bool = False) -> None:
        super().__init__("handshake")
        self.connection = connection
        self.timed_out = timed_out


def handshake(raw: socket.socket, made: ssl.SSLContext, name: str, watch: Watch) -> ssl.SSLSocket:
    """Shakes hands for this name. Raises HandshakeError, once the log says why."""
    watch.attach(made)
    odd = watch.release.takes_addresses_for_names and is_address(name)
    connection = made.wrap_socket(
        raw,
        # As bytes a name goes out as it was written; as str Python would convert it.
        server_hostname=(PLACEHOLDER if odd else name).encode(),
        do_handshake_on_connect=False,
        suppress_ragged_eofs=False,
    )
    if odd:
        take_for_name(connection, name)
    watch.begin(connection.fileno())
    shake(connection, watch)
    return connection


def shake(connection: ssl.SSLSocket, watch: Watch) -> None:
    """Shakes hands on either side. Raises HandshakeError, once the log says why."""
    try:
        connection.do_handshake()
    except TimeoutError:
        raise HandshakeError(connection, timed_out=True) from None
    except OSError as error:
        watch.failed(error)
        raise HandshakeError(connection) from None
    watch.settle()


def farewell(connection: socket.socket) -> None:
    """Closes so that the peer sees what was sent last: no reset may overtake an alert."""
    with contextlib.suppress(OSError):
        connection.settimeout(_LINGER)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    connection.close()


def listen_in(made: ssl.SSLContext, take: Callable[..., None]) -> None:
    """Has the messages told of every connection that this context makes from now on."""
    if hasattr(type(made), "_msg_callback"):
        # CPython has no public way to see an alert that was sent.
        made._msg_callback = take  # type: ignore[attr-defined]  # noqa: SLF001


class Watch:
    """Turns OpenSSL's messages into the lines of Fluent Bit's `tls.debug 1`.

    `alert` is the last alert that the peer sent on this connection, `hello` the ClientHello that
    this side read, `wrote` whether this side sent an alert, and `refusal` its reason where
    Python's ssl knows none. Of a handshake that this side accepts only the beginning, the alerts
    and the end are said.
    """

    def __init__(self, say: Say, release: Release, *, debug: bool, accepts: bool = False) -> None:
        self.alert: int | None = None
        self.hello = b""
        self.refusal: str | None = None
        self._what = "SSL_accept" if accepts else "SSL_connect"
        self._number = -1
        self._say = say
        self.release = release
        self._debug = debug
        self._state = ""
        self.wrote = False

    def attach(self, made: ssl.SSLContext) -> None:
        """Takes the messages of every connection that this context will make."""
        listen_in(made, self.take)

    def begin(self, number: int) -> None:
        """A connection of this number begins."""
        self._number, self.alert, self._state, self.wrote = number, None, "", False
        self.hello, self.refusal = b"", None
        self._tell("debug", f"{self._what}: before SSL initialization")

    def settle(self) -> None:
        """What was last received was accepted."""
        if self._state:
            self._tell("debug", f"{self._what}: {self._state}")
        self._state = ""

    def failed(self, error: OSError) -> None:
        """Says in which state the handshake ended, and why."""
        if isinstance(error, ssl.SSLCertVerificationError) and not self.wrote:
            codes = _ALERT_FOR.items()
            code = next((one for one, all_ in codes if error.verify_code in all_), 46)
            self._alert("write", "fatal", code)
        fatal = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLZeroReturnError)
        where = "error" if fatal else self._reached()
        self._tell("error", f"{self._what}: error in {where}")
        self._say("error", handshake_failed(self.release, error, self.alert, self.refusal))

    def take(
        self, _conn: object, direction: str, _version: object, kind: int, message: int, body: bytes
    ) -> None:
        """Takes one message from CPython; `kind` is TLS's ContentType."""
        if kind == 21:  # noqa: PLR2004 # an alert: its level and its number
            if direction == "read":
                self.settle()
                self.alert = body[1]
            self.wrote = self.wrote or direction == "write"
            level = {1: "warning", 2: "fatal"}.get(body[0], "unknown")
            self._alert(direction, level, body[1])
        elif kind == 22 and (direction, int(message)) == ("read", _CLIENT_HELLO):  # noqa: PLR2004 # a handshake
            self.hello = body
        elif kind == 22 and (direction, int(message)) in _STATES and not self.hello:  # noqa: PLR2004
            self.settle()
            # A state is reached once the message was accepted, which the next one shows.
            self._state = _STATES[direction, int(message)]

    def _reached(self) -> str:
        """The state in which the handshake ended, if it was the connection that failed."""
        if self._what == "SSL_connect":
            return "SSLv3/TLS write client hello"
        return "SSLv3/TLS write server done" if self.hello else "before SSL initialization"

    def _alert(self, direction: str, level: str, code: int) -> None:
        self._tell("debug", f"SSL3 alert {direction}:{level}:{_ALERTS.get(code, 'unknown')}")

    def _tell(self, level: str, text: str) -> None:
        if self._debug:
            self._say(level, f"[tls] connection #{self._number} {text}")
