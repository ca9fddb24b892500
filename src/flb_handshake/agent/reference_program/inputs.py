"""Makes the records of `dummy` and `tail`, and the metrics of `fluentbit_metrics`.

Facts: plugins/in_dummy, in_tail and in_fluentbit_metrics of 5.1.1, measured.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import time

from .classic import seconds
from .protobuf import METRICS, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Protocol

    from .classic import Instance
    from .journal import Journal

    Record = Mapping[str, Any]

    class Source(Protocol):
        """An input that runs."""

        instance: Instance

        def collect(self) -> Mapping[str, Sequence[Record]]:
            """The records that have come since the last time, by their tag."""

        def is_done(self) -> bool:
            """Whether no more will come."""


_DEFAULT: Final = '{"message":"dummy"}'


class Dummy:
    """The same record at a rate, a number of times or for ever."""

    def __init__(self, instance: Instance, journal: Journal) -> None:
        self.instance = instance
        self._samples = instance.number_of("samples", default=0)
        self._copies = max(instance.number_of("copies", default=1), 1)
        self._pause = 1 / max(instance.number_of("rate", default=1), 1)
        rest = instance.number_of("interval_nsec", default=0) / 1e9
        if (interval := instance.number_of("interval_sec", default=0) + rest) > 0:
            self._pause = interval
        self._start = time.monotonic()
        self._made = 0
        try:
            self._record: Any = json.loads(instance.settings.get("dummy", _DEFAULT))
        except ValueError:
            said = "data is incomplete. Use default string."
            journal.say(("warn", f"[input:dummy:{instance.title}] {said}"))
            self._record = json.loads(_DEFAULT)

    def collect(self) -> Mapping[str, Sequence[Record]]:
        """See Source."""
        due = int((time.monotonic() - self._start) / self._pause)
        if self._samples > 0:
            due = min(due, self._samples)
        count, self._made = due - self._made, due
        made = [self._record] * (count * self._copies) if isinstance(self._record, dict) else []
        return {self.instance.tag: made}

    def is_done(self) -> bool:
        """See Source."""
        return 0 < self._samples <= self._made


class Metrics:
    """One metric of the program itself, as a request to write it: how long it has been running."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._pause = seconds(instance.settings.get("scrape_interval", "2"))
        self._start = time.monotonic()
        at_once = instance.flag("scrape_on_start", default=0) == 1
        self._due = self._start if at_once else self._start + self._pause

    def collect(self) -> Mapping[str, Sequence[Record]]:
        """See Source."""
        now = time.monotonic()
        if now < self._due:
            return {}
        self._due = now + self._pause
        labels = {"__name__": "fluentbit_uptime", "hostname": os.uname().nodename}
        request = written(labels, float(int(now - self._start)), int(time.time() * 1e3))
        return {self.instance.tag: [{METRICS: request}]}

    def is_done(self) -> bool:
        """See Source."""
        return False


class Tail:
    """Every line of the files that ends: as it is, for parsers are not modelled."""

    def __init__(self, instance: Instance, journal: Journal) -> None:
        self.instance = instance
        if parser := instance.settings.get("parser"):
            said = f"parser '{parser}' is not registered"
            journal.say(("error", f"[input:tail:{instance.title}] {said}"))
        self._key = instance.settings.get("key", "log")
        self._path_key = instance.settings.get("path_key")
        self._patterns = [one.strip() for one in instance.settings["path"].split(",")]
        self._read: dict[str, int] = {}
        if instance.flag("read_from_head", default=0) != 1:
            self._read = {path: os.stat(path).st_size for path in self._paths()}  # noqa: PTH116 # see grammar.read

    def collect(self) -> Mapping[str, Sequence[Record]]:
        """See Source."""
        found: list[Record] = []
        for path in self._paths():
            with contextlib.suppress(OSError), open(path, "rb") as file:  # noqa: PTH123 # see grammar.read
                file.seek(self._read.get(path, 0))
                whole, newline, _ = file.read().rpartition(b"\n")
                self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
                lines = whole.decode("utf-8", "replace").split("\n") if newline else []
                named = {self._path_key: path} if self._path_key else {}
                found += [{**named, self._key: line.removesuffix("\r")} for line in lines]
        return {self.instance.tag: found}

    def is_done(self) -> bool:
        """See Source."""
        return False

    def _paths(self) -> list[str]:
        found = (sorted(glob.glob(pattern)) for pattern in self._patterns)  # noqa: PTH207 # see grammar.read
        return [path for paths in found for path in paths]
