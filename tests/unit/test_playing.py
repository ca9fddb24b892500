"""When a play is played again, and when it is given up; with stand-ins for agents and listeners."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from builders import ACCEPTED, evidence

from flb_handshake import runner
from flb_handshake.agent.contract import Log
from flb_handshake.certificates import LEAF, chain
from flb_handshake.declare import output
from flb_handshake.deliveries import Waiting
from flb_handshake.planning import Play

SHORT = output(chain=chain(replace(LEAF, not_after=timedelta(seconds=5))))


class Agent:
    """As much of one as planning looks at."""

    bind = "127.0.0.1"
    at_once = 4
    lacks: dict[object, str] = {}  # noqa: RUF012 # nobody changes it
    identity = SimpleNamespace(
        kind="process", version="5.1.1", label="x", tls_library="x", found="x"
    )


@pytest.mark.parametrize(
    ("ends", "played", "is_lost"),
    [([3.9], 1, False), ([4.1, 3.9], 2, False), ([9.0, 9.0, 9.0], 3, True)],
    ids=["in time", "once too late", "always too late"],
)
def test_what_expires_before_its_first_record_is_played_again(monkeypatch, ends, played, is_lost):
    moments = iter(ends)

    async def performed(stage, planned):
        ((one,),) = planned
        stage._keep(one.setup, evidence(replace(ACCEPTED, t=next(moments))))

    monkeypatch.setattr(runner._Stage, "_perform", performed)
    monkeypatch.setattr(runner, "batches", lambda *_, **__: [])
    stage = runner._Stage(Agent(), 1.0, lambda _: None, {})
    asyncio.run(stage._perform_at_once(Play(alias="short", setup=SHORT)))
    assert len(list(moments)) == len(ends) - played
    error = stage._evidence[SHORT].harness_error
    assert (error is not None) is is_lost
    assert not error or "too busy" in error


def listener():
    return SimpleNamespace(on_settled=None, settled=False, events=[])


def waited(limit, *settling):
    """Seconds until a batch is given up whose outputs settle at these times."""

    async def play():
        members = [
            SimpleNamespace(part=SimpleNamespace(alias=f"o{n}"), listener=listener())
            for n in range(len(settling) + 1)
        ]
        batch = SimpleNamespace(members=members, ports={})
        exited = asyncio.get_running_loop().create_future()
        waiting = Waiting(batch, SimpleNamespace(log=Log(), exited=exited))
        for one, moment in zip(members, settling, strict=False):
            asyncio.get_running_loop().call_later(moment, one.listener.on_settled)
        began = time.monotonic()
        await waiting.until_done(limit)
        return time.monotonic() - began

    return asyncio.run(play())


def test_a_process_is_given_up_when_none_of_its_outputs_gets_on():
    assert 0.3 <= waited(0.3) < 2


def test_each_output_that_gets_on_gives_the_others_time():
    assert 0.8 <= waited(0.3, 0.2, 0.4, 0.55) < 4
