"""Waits for what the outputs of a running agent deliver, and sees what came of each."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from flb_handshake.agent import logs
from flb_handshake.agent.contract import Running
from flb_handshake.listening import first_of
from flb_handshake.scenes import Scene
from flb_handshake.staging import Batch

_LAST_WORDS: Final = 0.3
"""Seconds for the log to say the rest, once every collector of a process has come to its end."""


class Waiting:
    """Knows when every output of a batch has come to its end: no sleeping, no polling."""

    def __init__(self, batch: Batch, running: Running) -> None:
        self._running = running
        self._ports = batch.ports
        self._listeners = {one.part.alias: one.listener for one in batch.members}
        self._left = set(self._listeners)
        self._unsettled = set(self._listeners)
        self._said_final: set[str] = set()
        self._connected: set[str] = set()
        self._done = asyncio.Event()
        for alias, listener in self._listeners.items():
            listener.on_settled = partial(self._settled, alias)
        running.log.watch = self._on_line
        for line in running.log.lines:
            self._on_line(line)

    async def until_done(self, limit: float) -> None:
        """Returns when all outputs are done, the agent has exited, or none got on for `limit` s."""
        left = None
        while left != self._open_ends and not self._done.is_set():
            left = self._open_ends
            await first_of([self._done.wait()], self._running.exited, limit)
            if self._running.exited.done():
                return

    @property
    def _open_ends(self) -> int:
        """What is still to be seen or said: it only gets less."""
        return len(self._left) + len(self._unsettled)

    def _on_line(self, line: str) -> None:
        alias = logs.final_alias(line, self._ports)
        if alias is not None:
            self._said_final.add(alias)
            if logs.connected_alias(line, self._ports) is not None:
                self._connected.add(alias)
            self._look(alias)

    def _settled(self, alias: str) -> None:
        """The collector has all it can get; the log may have last words, but not for long."""
        self._unsettled.discard(alias)
        self._look(alias)
        if not self._unsettled:
            asyncio.get_running_loop().call_later(_LAST_WORDS, self._done.set)

    def _look(self, alias: str) -> None:
        listener = self._listeners.get(alias)
        if listener is None or alias not in self._said_final:
            return
        # An output that gave up before it was connected leaves nothing to be seen; one that waits
        # for no answer is done before the collector has looked.
        if listener.settled or not (listener.events or alias in self._connected):
            self._left.discard(alias)
            if not self._left:
                self._done.set()


def scenes_of(
    batch: Batch, running: Running, began: float, until: float, exit_code: int | None
) -> list[Scene]:
    """What happened to each output of a batch, up to this time."""
    alone = len(batch.members) == 1
    everything = [line for line in running.log.lines if not logs.is_step(line)]
    whose = {} if alone else logs.attributed(everything, batch.ports)
    ran = exit_code is None and any(map(logs.is_started, everything))
    loud = [line for line in everything if _is_loud(line)]
    scenes = []
    for one in batch.members:
        events = tuple(event for event in one.listener.events if event.t <= until)
        lines = everything if alone else whose.get(one.part.alias, [])
        if not (alone or ran or events):  # it ended, or hangs, before anybody had a part in it
            lines = loud
        scenes.append(
            Scene(member=one, facts=one.facts, events=events, lines=tuple(lines), began=began)
        )
    return scenes


def _is_loud(line: str) -> bool:
    parsed = logs.parse(line)
    return parsed is None or parsed.level in {logs.Level.ERROR, logs.Level.WARN}
