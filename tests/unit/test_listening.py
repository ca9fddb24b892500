"""An ear at an agent's log wakes whoever waits, once, and never outlasts the agent or its limit."""

from __future__ import annotations

import asyncio
import time

import pytest

from flb_handshake.agent.contract import Log
from flb_handshake.listening import Ear, first_of

LONG = 30.0
"""Seconds that no test waits: what is tested comes sooner."""

SOON = 0.02


class Process:
    """A process that says what a test wants it to say."""

    def __init__(self):
        self.log = Log()
        self.exited = asyncio.get_running_loop().create_future()

    def say(self, *lines):
        for line in lines:
            self.log.feed(f"{line}\n".encode())


def later(function, *arguments):
    asyncio.get_running_loop().call_later(SOON, function, *arguments)


def is_wanted(line):
    return line == "wanted"


def run(scene):
    """Plays a scene; it must not take as long as the limits that it gives."""
    began = time.monotonic()
    asyncio.run(asyncio.wait_for(scene(), LONG))
    assert time.monotonic() - began < LONG / 3


def test_what_was_said_already_is_heard_at_once():
    async def scene():
        process = Process()
        process.say("before", "wanted")
        ear = Ear(process)
        assert ear.position == 2
        assert ear.lines(1) == ["wanted"]
        assert await ear.heard(is_wanted, since=1, limit=LONG)

    run(scene)


def test_what_was_said_before_does_not_count():
    async def scene():
        process = Process()
        process.say("wanted")
        ear = Ear(process)
        assert not await ear.heard(is_wanted, since=ear.position, limit=SOON)

    run(scene)


def test_what_is_said_later_wakes_whoever_waits():
    async def scene():
        process = Process()
        ear = Ear(process)
        later(process.say, "other", "wanted")
        assert await ear.heard(is_wanted, since=0, limit=LONG)
        assert ear.lines(0) == ["other", "wanted"]

    run(scene)


def test_half_a_line_is_not_heard_until_it_ends():
    async def scene():
        process = Process()
        ear = Ear(process)
        process.log.feed(b"wan")
        assert not await ear.heard(is_wanted, since=0, limit=SOON)
        later(process.log.feed, b"ted\n")
        assert await ear.heard(is_wanted, since=0, limit=LONG)

    run(scene)


def test_two_who_wait_are_woken_each_by_their_own_line():
    async def scene():
        process = Process()
        ear = Ear(process)
        wanted = asyncio.create_task(ear.heard(is_wanted, since=0, limit=LONG))
        again = asyncio.create_task(ear.heard(is_wanted, since=0, limit=LONG))
        other = asyncio.create_task(ear.heard(lambda line: line == "o", since=0, limit=10 * SOON))
        later(process.say, "wanted")
        assert await asyncio.gather(wanted, again, other) == [True, True, False]

    run(scene)


def test_an_agent_that_ends_says_nothing_more():
    async def scene():
        process = Process()
        ear = Ear(process)
        later(process.exited.set_result, 1)
        assert not await ear.heard(is_wanted, since=0, limit=LONG)
        assert not await ear.heard(is_wanted, since=0, limit=LONG)
        process.say("wanted")
        assert await ear.heard(is_wanted, since=0, limit=LONG)

    run(scene)


def test_an_agent_whose_end_is_a_failure_is_no_failure_of_the_ear():
    async def scene():
        process = Process()
        ear = Ear(process)
        later(process.exited.set_exception, RuntimeError("killed"))
        assert not await ear.heard(is_wanted, since=0, limit=LONG)
        with pytest.raises(RuntimeError):
            process.exited.result()

    run(scene)


@pytest.mark.parametrize("limit", [SOON, 0.0, -1.0])
def test_nobody_waits_longer_than_the_limit(limit):
    async def scene():
        assert not await Ear(Process()).heard(is_wanted, since=0, limit=limit)

    run(scene)


def test_whoever_gave_up_is_forgotten():
    async def scene():
        process = Process()
        ear = Ear(process)
        asked = []

        def look(line):
            asked.append(line)
            return False

        assert not await ear.heard(look, since=0, limit=SOON)
        task = asyncio.create_task(ear.heard(look, since=0, limit=LONG))
        later(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        process.say("nobody hears this")
        assert asked == []

    run(scene)


def test_the_first_of_several_ends_the_wait_and_the_others_are_let_go():
    async def scene():
        process = Process()
        slow, quick = asyncio.Event(), asyncio.Event()
        never = asyncio.create_task(slow.wait())
        later(quick.set)
        await first_of([never, quick.wait()], process.exited, LONG)
        assert quick.is_set()
        with pytest.raises(asyncio.CancelledError):
            await never
        assert not process.exited.done()

    run(scene)


@pytest.mark.parametrize("how", ["limit", "end", "cancelled"])
def test_however_the_wait_ends_nothing_is_left_running(how):
    async def scene():
        process = Process()
        never = asyncio.create_task(asyncio.Event().wait())
        if how == "end":
            later(process.exited.set_result, 0)
        waiting = asyncio.create_task(
            first_of([never], process.exited, SOON if how == "limit" else LONG)
        )
        if how == "cancelled":
            later(waiting.cancel)
        await asyncio.wait({waiting})
        assert waiting.cancelled() is (how == "cancelled")
        with pytest.raises(asyncio.CancelledError):
            await never
        assert not process.exited.cancelled()

    run(scene)


def test_who_shields_a_task_keeps_it():
    async def scene():
        process = Process()
        done = asyncio.Event()
        kept = asyncio.create_task(done.wait())
        await first_of([asyncio.shield(kept)], process.exited, SOON)
        assert not kept.done()
        done.set()
        assert await kept

    run(scene)


def test_an_agent_has_longer_to_start_than_for_anything_else():
    async def scene():
        process = Process()
        ear = Ear(process)
        started = "[2026/11/23 18:00:00.000] [ info] [sp] stream processor started"
        asyncio.get_running_loop().call_later(0.3, process.say, started)
        assert await ear.heard_start(0.2)

    run(scene)
