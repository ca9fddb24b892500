"""Writes a log in Fluent Bit's format, to standard error."""

from __future__ import annotations

import os
import threading
import time

from .classic import LEVELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final, NoReturn

    from .classic import Instance
    from .grammar import Line

    Entry = tuple[float, Line]
    """A line and when it was said, in seconds since the epoch."""


_STANDARD_ERROR: Final = 2


class Journal:
    """A log up to a level; what is written together stays together."""

    def __init__(self, level: int) -> None:
        self.level = level
        self._lock = threading.Lock()

    def write(self, entries: Iterable[Entry]) -> None:
        """Writes lines; one without a level is written bare."""
        made = []
        for when, (level, text) in entries:
            if not level:
                made.append(f"{text}\n")
            elif LEVELS.get(level, 0) <= self.level:
                clock = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(when))
                made.append(f"[{clock}.{int(when * 1000) % 1000:03}] [{level:>5}] {text}\n")
        data = "".join(made).encode("utf-8", "surrogateescape")
        try:
            with self._lock:
                while data:
                    data = data[os.write(_STANDARD_ERROR, data) :]
        except BrokenPipeError:
            os._exit(1)  # who started this is gone: nothing is left behind

    def say(self, *lines: Line) -> None:
        """Writes lines that are said now."""
        now = time.time()
        self.write([(now, line) for line in lines])


class Voice:
    """What an output says: lines wait until they are written, so that they stay together."""

    def __init__(self, instance: Instance, journal: Journal) -> None:
        self._journal = journal
        self._entries: list[Entry] = []
        self._named = f"[output:{instance.plugin}:{instance.title}]"
        own = instance.settings.get("log_level", "").lower()
        self._level = LEVELS.get(own, journal.level)

    def say(self, level: str, text: str) -> None:
        """Says something that names no output."""
        self._entries.append((time.time(), (level, text)))

    def plugin(self, level: str, text: str) -> None:
        """Says something in the name of the output."""
        if LEVELS[level] <= self._level:
            self.say(level, f"{self._named} {text}")

    def write(self) -> None:
        """Writes what was said since the last time."""
        self._journal.write(self._entries)
        self._entries.clear()

    def crash(self) -> NoReturn:
        """Ends everything, as Fluent Bit does of a SIGSEGV."""
        self.say("", "[engine] caught signal (SIGSEGV)")
        self.write()
        os.abort()
