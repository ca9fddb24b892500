"""What a real server presents and negotiates, seen by one handshake that believes anything."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509

from flb_handshake import trust
from flb_handshake.errors import CertificateFileError, HarnessFailure, UserMistake
from flb_handshake.hosts import can_be_dialled, is_address
from flb_handshake.model import ShipperSpec
from flb_handshake.peer import tls_client
from flb_handshake.peer.events import Kind
from flb_handshake.pki import Pki

PATIENCE: Final = 10.0
"""Seconds that a server has for a handshake."""

_LAST_WORDS: Final = 1.0
"""Seconds for a server of TLS 1.3 to say that it will not do without a certificate."""

_CHUNK: Final = 1 << 16

_RECORDS: Final = range(20, 25)
"""The first byte of a TLS record (RFC 8446, 5.1)."""

_OPENING: Final = 40
"""Bytes that are shown of an answer that is no TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a server."""

    chain: tuple[x509.Certificate, ...]
    """In the order in which it sends them."""
    version: str = ""
    alpn: str | None = None
    """What it chose of h2 and http/1.1; None: nothing."""
    asks: bool = False
    """Whether it asks for a client certificate."""
    demands: bool = False
    """Whether it does not go on without one."""
    authorities: tuple[str, ...] = ()
    """The names of the CAs that it would have a client certificate of (RFC 4514)."""


@dataclass(slots=True)
class _Notes:
    facts: dict[Kind, dict[str, Any]] = field(default_factory=dict)
    alert: str = ""

    def take(self, kind: Kind, facts: dict[str, Any]) -> None:
        self.facts[kind] = facts
        if kind is Kind.ALERT and facts["by"] == "agent":
            self.alert = facts["name"]

    def get(self, kind: Kind, name: str) -> Any:
        return self.facts.get(kind, {}).get(name)


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, an IPv6 address in brackets. Raises UserMistake."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise UserMistake(
            f"--server {text}: this is no HOST:PORT", hint="for example logs.example.com:443"
        )
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not is_address(bare) and ("/" in bare or ":" in bare or not can_be_dialled(bare)):
        raise UserMistake(
            f"--server {text}: {bare!r} cannot be a host's name",
            hint="name the host alone, without https:// and path, as in logs.example.com:443",
        )
    return bare, int(port)


def look(host: str, port: int, *, name: str, patience: float = PATIENCE) -> Seen:
    """One handshake, `name` sent as SNI; nothing is asked of the server after it.

    Raises HarnessFailure where there is no server, or none that speaks TLS.
    """
    notes = _Notes()
    spec = ShipperSpec(chain=None, trusts=None)
    made = tls_client.context(spec, ("h2", "http/1.1"), Pki())
    endpoint = tls_client.ClientEndpoint(made, notes.take, name or None)
    try:
        with socket.create_connection((host, port), timeout=patience) as connection:
            _shake_hands(endpoint, connection, time.monotonic() + patience)
    except OSError as error:
        raise HarnessFailure(
            f"{host}:{port}: {error.strerror or error}",
            hint="is this the server and the port that the output dials, and can this machine "
            "reach it? one that speaks no TLS wants `tls off`",
        ) from error
    finally:
        endpoint.release()
    presented = notes.get(Kind.SERVER_CHAIN, "chain")
    chain = x509.load_pem_x509_certificates("".join(presented).encode()) if presented else []
    if not chain:
        said = notes.alert or notes.get(Kind.TLS_ERROR, "reason") or "it said nothing"
        raise HarnessFailure(
            f"{host}:{port} presents no certificate: {said}",
            hint="a server that speaks no TLS wants `tls off`; one that says nothing may be another"
            " program: ask whoever runs it",
        )
    asks = Kind.CERTIFICATE_REQUEST in notes.facts
    return Seen(
        chain=tuple(chain),
        version=notes.get(Kind.NEGOTIATED, "version") or "",
        alpn=notes.get(Kind.NEGOTIATED, "alpn"),
        asks=asks,
        demands=asks and bool(notes.alert),
        authorities=tuple(notes.get(Kind.CERTIFICATE_REQUEST, "authorities") or ()),
    )


def _shake_hands(
    endpoint: tls_client.ClientEndpoint, connection: socket.socket, until: float
) -> None:
    """Goes on until both are done, and listens for a last refusal. Raises OSError."""
    endpoint.begin()
    first = True
    while not (endpoint.failed or endpoint.ended):
        connection.sendall(endpoint.outgoing())
        if endpoint.established:
            if not endpoint.may_be_refused_yet:
                return
            until = min(until, time.monotonic() + _LAST_WORDS)
        connection.settimeout(max(0.01, until - time.monotonic()))
        try:
            received = connection.recv(_CHUNK)
        except TimeoutError:
            if endpoint.established:
                return
            why = "never answers" if first else "never ends its handshake"
            raise TimeoutError(f"it takes the connection and {why}") from None
        if not received:
            return
        if first and received[0] not in _RECORDS:
            opening = received.split(b"\n", 1)[0][:_OPENING].decode(errors="replace").strip()
            raise ConnectionError(f"it speaks no TLS, its answer begins with {opening!r}")
        first = False
        endpoint.receive(received)


def saved(text: str, name: str) -> Seen:
    """A chain that was saved before, leaf first (PEM). Raises CertificateFileError."""
    chain = trust.certificates(text)
    if not chain:
        raise CertificateFileError(
            f"{name}: there is no certificate in PEM in it",
            hint="save one: openssl s_client -connect HOST:PORT -showcerts </dev/null >FILE",
        )
    return Seen(chain=tuple(chain))
