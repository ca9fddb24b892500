"""Sharing a process changes nothing: alone and together are judged alike."""

from __future__ import annotations

import asyncio

import pytest

from flb_handshake import catalogue
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.judge import judge
from flb_handshake.model import DEFAULT_VERSION, CAFile, Setup
from flb_handshake.outcomes import Outcome
from flb_handshake.planning import Play
from flb_handshake.results import plays
from flb_handshake.runner import play
from flb_handshake.session import Session

SCENARIOS = [
    one
    for family in ("trust", "validity.too", "usage", "files", "syntax", "article")
    for one in catalogue.select(catalogue.load(), [family])
]


def agent():
    return choose(AgentKind.AUTO, DEFAULT_VERSION).agent


def observed(evidence):
    seen = judge(evidence)
    signs = frozenset(sign.name for sign in seen.signs)
    return (
        seen.outcome,
        seen.alert,
        seen.alert_from,
        seen.version,
        seen.sni,
        seen.client_subject,
        signs,
    )


def test_alone_and_together_are_judged_alike():
    wanted = plays(SCENARIOS)
    together, alone = Session(agent=agent()), Session(agent=agent(), isolated=True)
    together.play(wanted)
    alone.play(wanted)
    assert {one.agent.shared for one in alone.evidence.values()} == {False}
    assert sum(one.agent.shared for one in together.evidence.values()) > len(SCENARIOS) / 2
    differing = {
        evidence.scenario: (observed(evidence), observed(alone.evidence[setup]))
        for setup, evidence in together.evidence.items()
        if observed(evidence) != observed(alone.evidence[setup])
    }
    assert not differing


def test_one_that_unexpectedly_does_not_start_does_not_take_the_others_with_it():
    others = [
        Play(alias=f"other {kind}", setup=Setup().but(ca=kind))
        for kind in (CAFile.ROOT, CAFile.OTHER_ROOT, CAFile.CRLF, CAFile.OTHER_AND_ROOT)
    ]
    broken = Play(alias="broken", setup=Setup().but(ca=CAFile.GARBAGE))
    wanted = [*others[:2], broken, *others[2:]]
    one = agent()

    async def run():
        try:
            return await play(wanted, one)
        finally:
            await one.close()

    found = asyncio.run(run())
    outcomes = {name.alias: judge(found[name.setup]).outcome for name in wanted}
    assert outcomes["broken"] is Outcome.NOT_STARTED
    assert outcomes["other root"] is Outcome.DELIVERED
    assert outcomes["other other root"] is Outcome.REFUSED_BY_AGENT
    assert outcomes["other CRLF line ends"] is Outcome.DELIVERED


@pytest.mark.parametrize("isolated", [False, True])
def test_equal_setups_are_played_once(isolated):
    calls = []
    one = agent()

    async def run():
        try:
            return await play(
                [Play(alias=str(number), setup=Setup()) for number in range(5)],
                one,
                isolated=isolated,
                progress=calls.append,
            )
        finally:
            await one.close()

    assert len(asyncio.run(run())) == 1
    assert calls == [1]
