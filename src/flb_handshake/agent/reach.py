"""Says how a container finds the peers of this host: by which address, on which network."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

_LOOPBACK: Final = "127.0.0.1"
_OF_THE_HOST: Final = "host.docker.internal"
_GATEWAY: Final = "host-gateway"
"""A word of the engine's API, 1.41 and later: the address at which a container finds its host."""

_GATEWAY_SINCE: Final = (1, 41)
_ANY_PORT: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The way from a container to a peer of the harness."""

    dials: str
    binds: str
    network: str
    named: str
    """Where the names lead that a job wants for its peer."""

    def extra_hosts(self, names: Iterable[str]) -> dict[str, str]:
        """The container's own host names."""
        own = {} if self.network == "host" else {self.dials: self.named}
        # A resolver takes a name with a dot at its end for another one.
        both = [spelt for name in names for spelt in (name, f"{name}.")]
        return own | dict.fromkeys(both, self.named)


def reach(daemon: str, facts: Mapping[str, Any]) -> Reach:
    """How it is with the daemon at this URL, given what it says of itself (`/info`)."""
    if sys.platform != "linux" or facts.get("OperatingSystem") == "Docker Desktop":
        return through_gateway()
    address = _own_address(daemon)
    return Reach(dials=address, binds=address, network="host", named=address)


def through_gateway(binds: str = "0.0.0.0") -> Reach:  # noqa: S104 # see below
    """Where the daemon lives in a machine of its own.

    Which address of this host its gateway leads to differs from product to product, and some do
    not reach what listens on loopback alone: so peers listen on all.
    """
    return Reach(dials=_OF_THE_HOST, binds=binds, network="bridge", named=_GATEWAY)


def lacks_names(way: Reach, api_version: str) -> str | None:
    """Why a job cannot have host names of its own; None: it can."""
    known = tuple(int(part) for part in api_version.split(".")[:2])
    if way.named == _GATEWAY and known < _GATEWAY_SINCE:
        return (
            f"this Docker engine (API {api_version}) does not know the address of its host: "
            "names of their own need 20.10 or later"
        )
    return None


def _own_address(daemon: str) -> str:
    """The address of this host, seen from the daemon's: loopback, unless it is another machine."""
    where = urlsplit(daemon)
    if where.scheme not in {"tcp", "http", "https", "ssh"} or not where.hostname:
        return _LOOPBACK
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            # A datagram socket that is connected has sent nothing, but knows its way.
            probe.connect((where.hostname, _ANY_PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return _LOOPBACK
