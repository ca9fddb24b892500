"""Who keeps what happens on a connection, as the connection sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from flb_handshake.peer.events import Event, Kind

if TYPE_CHECKING:
    from OpenSSL import SSL

    from flb_handshake.model import CollectorSpec
    from flb_handshake.peer.connection import Connection
    from flb_handshake.peer.protocols import Spoken


class Audience(Protocol):
    """Who watches what happens, while it happens."""

    def came(self, connection: int, address: str) -> None:
        """A connection of this number has come from there; its events follow."""

    def saw(self, event: Event) -> None:
        """This has just happened."""


class Witness(Protocol):
    """Who keeps what happens on connections: a listener."""

    @property
    def spec(self) -> CollectorSpec:
        """What a new connection is served by."""

    @property
    def context(self) -> SSL.Context | None:
        """The TLS that goes with it."""

    @property
    def spoken(self) -> Spoken:
        """What is spoken with those that connect."""

    @property
    def is_closed(self) -> bool:
        """Whether it wants no more connections."""

    @property
    def patience(self) -> float | None:
        """Seconds after which a connection is taken down; None: as long as a run's may last."""

    def record(
        self, connection: int, kind: Kind, facts: dict[str, Any], *, owed: bool = False
    ) -> bool:
        """Keep an event, with its time; tell whether there was room. What is owed always has."""

    def opened(self, connection: Connection) -> int:
        """Count a connection in, and another one out if there are too many; give its number."""

    def shook_hands(self, connection: Connection) -> None:
        """Count a connection among those that are worth keeping."""

    def received(self, records: int) -> None:
        """Count records."""

    def ended(self, connection: Connection) -> None:
        """Count a connection out."""


class ProxyWitness(Witness, Protocol):
    """Who keeps what happens on connections through a proxy: a listener."""

    @property
    def proxy_context(self) -> SSL.Context | None:
        """The TLS of the proxy itself, where it has any."""


class DatagramWitness(Witness, Protocol):
    """Who keeps what comes in datagrams: a listener."""

    @property
    def datagram_context(self) -> SSL.Context | None:
        """The DTLS that goes with it, where datagrams come."""
