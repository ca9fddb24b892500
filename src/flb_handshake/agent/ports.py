"""Ports for an agent to listen on that nobody else is given meanwhile."""

from __future__ import annotations

import socket
from typing import Final

from flb_handshake.errors import HarnessFailure

_LOOPBACK: Final = "127.0.0.1"


class Ports:
    """Ports of this machine's loopback, held for agents until they are released.

    A held port is bound and does not listen. An agent that sets SO_REUSEADDR, as Fluent Bit does
    (flb_net_server, src/flb_network.c), can still listen on it, and no other process is given it.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def reserve(self) -> int:
        """A port. Raises HarnessFailure when there is none."""
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind((_LOOPBACK, 0))
        except OSError as error:
            held.close()
            raise HarnessFailure(
                f"no port is free for an input of Fluent Bit: {error.strerror}",
                hint="raise the limit of open files (ulimit -n), or free some ports",
            ) from error
        port: int = held.getsockname()[1]
        self._held[port] = held
        return port

    def release(self) -> None:
        """Lets go of all of them."""
        for held in self._held.values():
            held.close()
        self._held.clear()
