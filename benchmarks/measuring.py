"""What the benchmarks share: a stopwatch on the agent, medians, and a verdict on a ratio."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from flb_handshake.agent.contract import Agent, Job, Running
from flb_handshake.agent.process import open_process
from flb_handshake.errors import HandshakeError
from flb_handshake.judge import judge
from flb_handshake.model import DEFAULT_VERSION, Setup
from flb_handshake.outcomes import Outcome
from flb_handshake.planning import Play
from flb_handshake.runner import play


@dataclass(slots=True)
class Timed:
    """An agent that remembers when its first process was started."""

    agent: Agent
    began: float = 0.0

    def __getattr__(self, name: str) -> object:
        return getattr(self.agent, name)

    async def start(self, job: Job) -> Running:
        """Starts the job, and the clock."""
        self.began = self.began or time.monotonic()
        return await self.agent.start(job)


def healthy(count: int) -> list[Play]:
    """So many scenarios that are delivered, no two of them the same."""
    base = Setup()
    return [
        Play(alias=f"healthy-{number}", setup=base.but(vhost=f"host-{number}.example.test"))
        for number in range(count)
    ]


def played(plays: Sequence[Play]) -> float:
    """Seconds from the start of Fluent Bit to the last verdict, all of them delivered."""
    timed = Timed(agent())

    async def run() -> float:
        try:
            evidence = await play(plays, timed)  # type: ignore[arg-type] # it passes all else on
            outcomes = [judge(one).outcome for one in evidence.values()]
            ended = time.monotonic()
        finally:
            await timed.agent.close()
        wrong = [one for one in outcomes if one is not Outcome.DELIVERED]
        if wrong or len(outcomes) != len(plays):
            sys.exit(f"{len(wrong)} of {len(outcomes)} were not delivered: nothing was measured")
        return ended - timed.began

    return asyncio.run(run())


def agent() -> Agent:
    """The binary of the default version; without one there is nothing to measure."""
    try:
        return open_process(None, version=DEFAULT_VERSION)
    except HandshakeError as error:
        sys.exit(f"nothing measured: {error}\nhint: {error.hint}")


def median(values: Sequence[float]) -> float:
    """The middle one: these machines are noisy."""
    return statistics.median(values)


def told(what: str, ratio: float, limit: float, *, at_least: bool = False) -> bool:
    """Prints a ratio beside its limit; whether it keeps it."""
    kept = ratio >= limit if at_least else ratio <= limit
    sign = ">=" if at_least else "<="
    print(f"{'ok  ' if kept else 'OVER'}  {what}: {ratio:.2f} (wanted {sign} {limit})")
    return kept
