"""An ear at a running agent's log, for whoever waits until it says something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from flb_handshake.agent import logs
from flb_handshake.agent.contract import Running

Wanted = Callable[[str], bool]

_TO_START: Final = 5
"""So many times the limit of anything else has an agent to start, or to say why it does not."""


class Ear:
    """Hears each line of one agent once, and wakes those who wait for it. No polling."""

    def __init__(self, running: Running) -> None:
        self.ended = running.exited
        """The agent's end."""
        self._running = running
        self._waiting: list[tuple[Wanted, asyncio.Event]] = []
        running.log.watch = self._on_line

    @property
    def position(self) -> int:
        """How many lines there are so far."""
        return len(self._running.log.lines)

    def lines(self, since: int) -> list[str]:
        """The lines from this position on."""
        return self._running.log.lines[since:]

    async def heard(self, wanted: Wanted, *, since: int, limit: float) -> bool:
        """Whether the agent says such a line, from this position on and within `limit` seconds.

        It does not, once it has ended.
        """
        if any(map(wanted, self.lines(since))):
            return True
        said = asyncio.Event()
        entry = wanted, said
        self._waiting.append(entry)
        try:
            await first_of([said.wait()], self.ended, limit)
        finally:
            self._waiting.remove(entry)
        return said.is_set()

    async def heard_start(self, limit: float) -> bool:
        """Whether the agent says that it has started: all its inputs listen then."""
        return await self.heard(logs.is_started, since=0, limit=limit * _TO_START)

    def _on_line(self, line: str) -> None:
        for wanted, said in self._waiting:
            if wanted(line):
                said.set()


async def first_of(waits: list[Any], ended: asyncio.Future[int], limit: float) -> None:
    """Returns when one of the waits is over, the agent has ended, or after `limit` seconds."""
    tasks: set[asyncio.Future[Any]] = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(
            tasks | {ended}, timeout=max(0.0, limit), return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for task in tasks:
            task.cancel()
