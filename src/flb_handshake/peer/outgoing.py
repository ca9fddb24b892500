"""What a peer says, on its way to the transport: as it is, in another shape, or slowly."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

from flb_handshake.peer.records import Reshape

_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""struct linger: a close is a reset."""


def reset(transport: asyncio.Transport) -> None:
    """End a connection at once, with a reset."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


class Outgoing:
    """One connection's outgoing bytes, and its last word."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting = bytearray()
        """What is still to be said, where it is said slowly."""
        self._pace: tuple[int, float] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._at_end: Callable[[], object] | None = None
        self.reshape: Reshape = bytes
        """What is done to each portion first; it is one of whole TLS records."""

    @property
    def is_behind(self) -> bool:
        """Whether something that was said is still to go out."""
        return bool(self._waiting)

    def slow_down(self, size: int, seconds: float) -> None:
        """From now on, let so many bytes out every so many seconds."""
        self._pace = (size, seconds)

    def say(self, portion: bytes) -> None:
        """Let these bytes out, after all that was said before."""
        if not portion or self._transport.is_closing():
            return
        shaped = self.reshape(portion)
        if self._pace is None:
            self._transport.write(shaped)
            return
        self._waiting += shaped
        if self._timer is None:
            self._drip(*self._pace)

    def end(self, then: Callable[[], object]) -> None:
        """Call this once everything that was said is out."""
        if self._waiting:
            self._at_end = then
        else:
            then()

    def stop(self) -> None:
        """Say nothing more, not even what waits."""
        self._waiting.clear()
        self._at_end = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drip(self, size: int, seconds: float) -> None:
        self._timer = None
        if not self._waiting or self._transport.is_closing():
            return
        self._transport.write(bytes(self._waiting[:size]))
        del self._waiting[:size]
        if not self._waiting and self._at_end is not None:
            self._at_end()
        else:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._drip, size, seconds)
