"""One run from agent to results, as the command line and pytest both need it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flb_handshake.agent.contract import Agent
from flb_handshake.errors import HarnessFailure, Interrupted
from flb_handshake.evidence import Evidence, write
from flb_handshake.model import Scenario, Setup
from flb_handshake.planning import Play
from flb_handshake.results import Result, plays, results
from flb_handshake.runner import play

DIRECTORY: Final = Path(".handshake")
"""Where the evidence of what disagrees is kept when nobody names another place."""

Progress = Callable[[int, int], None]
"""Called with how many setups have been played, and of how many."""


@dataclass(slots=True)
class Session:
    """An agent, and the evidence that has come in; interrupted, it keeps what it has."""

    agent: Agent
    isolated: bool = False
    evidence: dict[Setup, Evidence] = field(default_factory=dict)
    seconds: float = 0.0

    def run(
        self, scenarios: Sequence[Scenario], progress: Progress = lambda *_: None
    ) -> list[Result]:
        """Plays these scenarios and their twins, judges them, and leaves nothing behind.

        Raises HarnessFailure, which after Ctrl-C or SIGTERM is Interrupted.
        """
        self.play(plays(scenarios), progress)
        return results(scenarios, self.evidence)

    def play(self, wanted: Sequence[Play], progress: Progress = lambda *_: None) -> None:
        """Plays these, and closes the agent whatever happens."""
        total = len({one.setup for one in wanted})
        began = time.monotonic()
        before = signal.getsignal(signal.SIGTERM)
        _allow_many_files()
        try:
            asyncio.run(self._play(wanted, lambda done: progress(done, total)))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise Interrupted from None
        except OSError as error:
            raise HarnessFailure(
                f"the run broke off: {error}",
                hint="free the disk space, memory or open files that it names, and try again",
            ) from error
        finally:
            signal.signal(signal.SIGTERM, before)
            self.seconds += time.monotonic() - began

    async def _play(self, wanted: Sequence[Play], progress: Callable[[int], None]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 # asyncio.run made one
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            # SIGTERM cleans up like Ctrl-C; only a main thread of a POSIX system can catch it.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            await play(
                wanted, self.agent, isolated=self.isolated, progress=progress, kept=self.evidence
            )
        finally:
            await self.agent.close()

    def complete(self, scenarios: Sequence[Scenario]) -> list[Result]:
        """The results of those scenarios whose evidence, and whose twin's, is in."""
        have = [
            one
            for one in scenarios
            if one.setup in self.evidence and (one.control is None or one.control in self.evidence)
        ]
        return results(have, self.evidence)


def _allow_many_files() -> None:
    """Raises the limit of open files as far as it goes: each scenario holds a port open."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 # POSIX only

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep(
    found: Sequence[Result], evidence: Mapping[Setup, Evidence], directory: Path
) -> dict[str, Path]:
    """Writes the evidence of these results, each beside its twin's; gives the files by id.

    Raises OSError.
    """
    return {
        one.scenario.id: write(
            directory,
            one.evidence,
            evidence[one.scenario.control] if one.scenario.control else None,
        )
        for one in found
    }
