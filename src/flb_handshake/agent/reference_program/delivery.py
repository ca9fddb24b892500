"""Carries chunks from the inputs to the outputs that want them, again where one failed.

Facts: src/flb_engine.c, src/flb_scheduler.c and src/flb_task.c of 5.1.1, measured.
"""

from __future__ import annotations

import os
import queue
import threading
import time

from .protobuf import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from .inputs import Record
    from .output import Output

_WORKERS: Final = 16


class Chunk:
    """Records that came together; `when`, in seconds since the epoch, and from which input."""

    def __init__(self, records: Sequence[Record], tag: str, source: str) -> None:
        now = time.time()
        self.records = list(records)
        self.tag = tag
        self.source = source
        self.when = round(now, 6)
        self.name = f"{os.getpid()}-{int(now)}.{int(now % 1 * 1e9):09}.flb"


class Delivery:
    """The outputs, and the threads that work for them."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = outputs
        self._tasks: queue.SimpleQueue[tuple[Output, Chunk, int] | None] = queue.SimpleQueue()
        self._workers = min(_WORKERS, len(outputs))
        for _ in range(self._workers):
            threading.Thread(target=self._work, daemon=True).start()

    def route(self, records: Sequence[Record], tag: str, source: str) -> None:
        """Hands records to every output that wants their tag, metrics to those that take them."""
        if records:
            chunk = Chunk(records, tag, source)
            for output in self._outputs:
                if output.wants(tag) and output.takes_metrics == (METRICS in records[0]):
                    self._tasks.put((output, chunk, 0))

    def close(self) -> None:
        """Begins nothing more, and says goodbye to peers that are still there."""
        for _ in range(self._workers):
            self._tasks.put(None)
        for output in self._outputs:
            output.close()

    def _work(self) -> None:
        while task := self._tasks.get():
            output, chunk, attempts = task
            wait = output.deliver(chunk, attempts)
            if wait is not None:
                again = threading.Timer(wait, self._tasks.put, [(output, chunk, attempts + 1)])
                again.daemon = True
                again.start()
