"""Takes the chunks that are routed to an output, and tries again where one failed.

Facts: src/flb_engine.c, src/flb_router.c and src/flb_output.c of 5.1.1, measured.
"""

from __future__ import annotations

import os
import re
import threading

from .classic import atoi

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Final, Protocol

    from .classic import Instance
    from .delivery import Chunk
    from .journal import Voice
    from .upstream import Upstream

    class Speaker(Protocol):
        """What an output speaks once it is connected."""

        unreachable: str
        """What it says where there is no connection; nothing: it does not say."""

        def begin(self, connection: socket.socket) -> bool:
            """Says what comes before the first chunk of a connection; whether it went well."""

        def deliver(self, connection: socket.socket, chunk: Chunk) -> Fate:
            """Sends a chunk. Raises nothing."""

    class Carrier(Protocol):
        """How an output gets its chunks to where they belong."""

        def carry(self, chunk: Chunk) -> Fate:
            """Sends a chunk. Raises nothing."""

        def part(self) -> None:
            """Closes what is not needed any more, once everything is said."""

        def close(self) -> None:
            """Says goodbye to a peer that is still there."""


_MOST_DOUBLED: Final = 30
"""So often a wait is doubled before only its bound counts."""


class Fate:
    """What became of a chunk; `again`: a further attempt is worth it; `kept`: the connection is."""

    def __init__(self, *, delivered: bool, again: bool, kept: bool = False) -> None:
        self.delivered = delivered
        self.again = again
        self.kept = kept


DELIVERED: Final = Fate(delivered=True, again=False, kept=True)
LOST: Final = Fate(delivered=False, again=True)


class Connected:
    """A carrier over connections, in what the plugin speaks."""

    def __init__(self, upstream: Upstream, speaker: Speaker, voice: Voice) -> None:
        self._upstream = upstream
        self._speaker = speaker
        self._voice = voice
        self.part = upstream.part
        self.close = upstream.close

    def carry(self, chunk: Chunk) -> Fate:
        """See Carrier."""
        connection = self._upstream.reusable()
        if connection is None:
            connection = self._upstream.connect()
            if connection is None:
                if self._speaker.unreachable:
                    self._voice.plugin("error", self._speaker.unreachable)
                return LOST
            if not self._speaker.begin(connection):
                self._upstream.leave(connection)
                return LOST
        fate = self._speaker.deliver(connection, chunk)
        if fate.kept:
            self._upstream.keep(connection)
        else:
            self._upstream.leave(connection)
        return fate


class Output:
    """One output; `waits`: the bounds of the wait before a further attempt, in seconds."""

    def __init__(
        self, instance: Instance, carrier: Carrier, voice: Voice, *, waits: tuple[int, int]
    ) -> None:
        self.instance = instance
        self.takes_metrics = instance.plugin == "prometheus_remote_write"
        self._carrier = carrier
        self._voice = voice
        self._base, self._cap = waits
        self._retries = _retries(instance.settings.get("retry_limit", "1"))
        self._at_a_time = threading.Lock()

    def wants(self, tag: str) -> bool:
        """Whether records of this tag are routed here (flb_router_match: only `*` is special)."""
        if pattern := self.instance.settings.get("match_regex"):
            return re.match(pattern, tag) is not None
        match = self.instance.settings.get("match")
        if match is None:
            return False
        return re.fullmatch(".*".join(map(re.escape, match.split("*"))), tag) is not None

    def deliver(self, chunk: Chunk, attempts: int) -> int | None:
        """Tries to send a chunk that was tried so often before.

        The seconds until it is to be tried again; None: it is done with, for better or worse.
        """
        with self._at_a_time:
            fate = self._carrier.carry(chunk)
            wait = None
            if fate.again:
                wait = self._again(chunk, attempts)
            elif attempts and fate.delivered:
                self._engine(
                    "info", f"flush chunk '{chunk.name}' succeeded at retry {attempts}", chunk
                )
            self._voice.write()
            self._carrier.part()
            return wait

    def _again(self, chunk: Chunk, attempts: int) -> int | None:
        """Says whether and when the chunk is tried again (handle_output_event, flb_engine.c)."""
        if self._retries == 0:
            self._engine("info", f"chunk '{chunk.name}' is not retried (no retry config)", chunk)
            return None
        if self._retries is not None and attempts >= self._retries:
            self._engine("error", f"chunk '{chunk.name}' cannot be retried", chunk, numbered=False)
            return None
        longest = min(self._cap, self._base << min(attempts + 1, _MOST_DOUBLED))
        # The random module would cost a tenth of the start.
        drawn = int.from_bytes(os.urandom(4), "big")
        wait = self._base + drawn % max(longest - self._base + 1, 1) + 1
        said = f"failed to flush chunk '{chunk.name}', retry in {wait} seconds"
        self._engine("warn", said, chunk)
        return wait

    def _engine(self, level: str, said: str, chunk: Chunk, *, numbered: bool = True) -> None:
        what = f"task_id=0, input={chunk.source} > output={self.instance.title}"
        number = f" (out_id={self.instance.number})" if numbered else ""
        self._voice.say(level, f"[engine] {said}: {what}{number}")

    def close(self) -> None:
        """Says goodbye to a peer that is still there, unless the connection is in use."""
        if self._at_a_time.acquire(blocking=False):
            self._carrier.close()
            self._voice.write()
            self._at_a_time.release()


def _retries(limit: str) -> int | None:
    """How often a chunk is tried again; None: without end (flb_output_set_property)."""
    if limit.lower() in {"no_limits", "false", "off"}:
        return None
    if limit.lower() == "no_retries":
        return 0
    return max(atoi(limit), 1)
