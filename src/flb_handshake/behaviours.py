"""How a peer can behave: small types, at each point of a connection, on whichever end it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Moment(StrEnum):
    """A point of a connection at which a peer can misbehave, on whichever end it is."""

    CONNECTED = "after connect"
    HALF_HELLO = "in the middle of the ClientHello"
    """Of a shipper; what a collector says to a ClientHello cannot be earlier than its end."""
    CLIENT_HELLO = "after ClientHello"
    SERVER_HELLO = "after ServerHello"
    FINISHED = "after the client's Finished"
    """A collector has it and has not answered it; a shipper has sent it, and nothing after it."""
    MIDWAY = "in the middle of the message"
    """Of its own one: a collector's response, a shipper's request."""


@dataclass(frozen=True, slots=True)
class Serve:
    """As it should be."""


@dataclass(frozen=True, slots=True)
class Cleartext:
    """No TLS: a collector serves HTTP without it, a shipper sends its records without it."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Says nothing more from then on, and leaves the connection open."""

    at: Moment = Moment.CONNECTED


@dataclass(frozen=True, slots=True)
class Close:
    """Closes the connection then (FIN), without close_notify."""

    at: Moment = Moment.CONNECTED


@dataclass(frozen=True, slots=True)
class Reset:
    """Resets the connection then (RST)."""

    at: Moment = Moment.CONNECTED


@dataclass(frozen=True, slots=True)
class Drip:
    """From then on it speaks slowly: so many bytes every so many seconds."""

    at: Moment = Moment.CONNECTED
    bytes: int = 256
    every: float = 0.02


@dataclass(frozen=True, slots=True)
class Alert:
    """Sends an alert that no TLS library would send then, unencrypted, and closes.

    CONNECTED, CLIENT_HELLO and (up to TLS 1.2) SERVER_HELLO are the moments when that is possible.
    """

    name: str
    """IANA's."""
    at: Moment = Moment.CLIENT_HELLO


@dataclass(frozen=True, slots=True)
class Banner:
    """Speaks first, and another protocol: what an SSH or SMTP server does."""

    text: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """Cuts its handshake records, as long as they are not encrypted, into so many bytes each."""

    bytes: int = 64


@dataclass(frozen=True, slots=True)
class NoSecureRenegotiation:
    """A server of before RFC 5746: its ServerHello (up to TLS 1.2) has no renegotiation_info."""


@dataclass(frozen=True, slots=True)
class Renegotiate:
    """A server that asks for a second handshake once the first is done (up to TLS 1.2)."""


Behaviour: TypeAlias = (
    Serve
    | Cleartext
    | Silent
    | Close
    | Reset
    | Drip
    | Alert
    | Banner
    | Fragment
    | NoSecureRenegotiation
    | Renegotiate
)
"""How a peer behaves: a closed set. Whoever plays one matches all of them."""
