"""What a peer saw, as events with monotonic times; JSON-able, so that evidence can keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """What an event tells."""

    ACCEPTED = "accepted"
    """The TCP connection was made, whichever end it was that accepted it."""
    FIRST_BYTES = "first_bytes"
    """`hex`: up to 16 bytes; `tls`: whether they can begin a TLS handshake."""
    CLIENT_HELLO = "client_hello"
    STATE = "state"
    """`name`: the handshake state that the TLS library entered."""
    ALERT = "alert"
    """`by`: who sent it (agent or peer), `level`, `name` (IANA's)."""
    NEGOTIATED = "negotiated"
    """`version`, `cipher`, `alpn`, `group`, and `resumed`: whether an earlier session goes on."""
    CLIENT_CHAIN = "client_chain"
    """`chain`: what the client presented (PEM texts); empty when it presented none."""
    SERVER_CHAIN = "server_chain"
    """`chain`: what the server presented (PEM texts), also when it was refused."""
    CERTIFICATE_REQUEST = "certificate_request"
    """The server asked for a certificate. `authorities`: the names in it (RFC 4514), maybe none."""
    TLS_ERROR = "tls_error"
    """`reason`: the TLS library's own words."""
    REQUEST = "request"
    """`tls`, `method`, `target`, `content_type`, `records`, `body` (its beginning)."""
    ARRIVED = "arrived"
    """What a shipper shipped came out of the agent at the other end: `records`, `count`, `body`."""
    SHIPPED = "shipped"
    """A shipper has handed over all of a message: `tls`, `records`, `bytes` (of the message)."""
    RESPONSE = "response"
    """`status` in HTTP; else `answer`, in the protocol's own word."""
    RENEGOTIATION = "renegotiation"
    """What came of a second handshake that the peer asked for: `done`."""
    CONNECT = "connect"
    """What an HTTP proxy was asked for: `target`, and `authorization`: whether one was sent."""
    CLOSED = "closed"
    """`by`: who ended it first (agent or peer), `how`: close_notify, FIN, RST, timeout or refused.

    Refused stands alone: there was no connection. In datagrams there is neither FIN nor RST: an
    `alert` is the end.
    """
    DROPPED = "dropped"
    """From here on events are missing: there were more than are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened on one connection, `t` seconds after the run began.

    What happened between the agent and an HTTP proxy before the peer has the fact `layer`,
    PROXY_LAYER. What happened in the proxy's tunnel has the same connection, and no `layer`.
    """

    t: float
    connection: int
    kind: Kind
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The event as evidence keeps it."""
        return {"t": self.t, "connection": self.connection, "kind": self.kind.value, **self.facts}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Event:
        """The event that `to_json` wrote. Raises KeyError or ValueError for anything else."""
        facts = {key: value for key, value in stored.items() if key not in _OWN}
        return cls(
            t=float(stored["t"]),
            connection=int(stored["connection"]),
            kind=Kind(stored["kind"]),
            facts=facts,
        )


PROXY_LAYER: Final = "proxy"

_OWN: Final = frozenset({"t", "connection", "kind"})

_ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}
"""IANA, TLS Alerts registry."""

ALERT_NAMES: Final = frozenset(_ALERTS.values())

_NUMBERS: Final = {name: number for number, name in _ALERTS.items()}

_WARNING: Final = 1
_FATAL: Final = 2

_WARNINGS: Final = frozenset({"close_notify", "user_canceled", "no_renegotiation"})
"""What is said at the level of a warning; everything else is fatal (RFC 5246, section 7.2)."""


def alert_facts(value: int) -> dict[str, str]:
    """Level and name of an alert as OpenSSL hands it over: the level in the high byte."""
    level, number = value >> 8, value & 0xFF
    return {
        "level": "fatal" if level == _FATAL else "warning",
        "name": _ALERTS.get(number, f"alert_{number}"),
    }


def alert_value(name: str) -> int:
    """Undo `alert_facts`. Raises KeyError for a name that is not IANA's."""
    level = _WARNING if name in _WARNINGS else _FATAL
    return level << 8 | _NUMBERS[name]
