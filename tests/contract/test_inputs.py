"""Fluent Bit as the server: inputs that share a process, and shippers that come to them."""

from __future__ import annotations

import asyncio
import re
from itertools import product

import pytest
from playing import played, seen

from flb_handshake import planning
from flb_handshake.agent.contract import AgentKind
from flb_handshake.declare import (
    CLIENT,
    CLIENT_CHAIN,
    OTHER_CLIENT,
    CAFile,
    Cleartext,
    Close,
    Mode,
    Moment,
    Outcome,
    Silent,
    Usage,
    chain,
    expired,
    listening,
    usage,
)
from flb_handshake.judge import judge
from flb_handshake.planning import Play
from flb_handshake.runner import play

SHIPPERS = {
    "right": {},
    "none": {"chain": None},
    "other CA": {"chain": chain(OTHER_CLIENT, name="other CA")},
    "expired": {"chain": CLIENT_CHAIN.but(expired())},
    "wrong EKU": {"chain": CLIENT_CHAIN.but(usage(Usage.SERVER))},
    "no intermediate": {"chain": CLIENT_CHAIN.sending(CLIENT, name="no intermediate")},
    "cleartext": {"behaviour": Cleartext()},
    "TLS 1.1": {"max_version": "TLSv1.1"},
    "wrong ALPN": {"alpn": ("spdy/3.1",)},
    "probe": {"behaviour": Close()},
}
PLUGINS = ("http", "elasticsearch", "splunk", "opentelemetry")
SLOW = ("tcp", "syslog")
"""5.1.1 takes half a second for a handshake of these, so there are few."""

SETUPS = [
    *(
        listening(mode, plugin).but(**shipper)
        for plugin, mode, shipper in product(
            PLUGINS, (Mode.NONE, Mode.VERIFY_PEER, Mode.REQUIRE), SHIPPERS.values()
        )
    ),
    *(listening(Mode.OFF, plugin).but(**SHIPPERS["cleartext"]) for plugin in PLUGINS),
    *(
        listening(Mode.REQUIRE, plugin).but(**SHIPPERS[name])
        for plugin, name in product(SLOW, ("right", "none", "cleartext"))
    ),
]

HEALTHY = [listening(Mode.REQUIRE, sni=f"h{number}.example.test") for number in range(4)]


def test_alone_and_together_are_judged_alike(any_agent):
    setups = SETUPS
    if any_agent.identity.kind is not AgentKind.PROCESS:
        # A container or a Python for each would take a minute.
        setups = [one for one in SETUPS if one.agent.plugin in {"http", "splunk", "tcp"}]
    together = played(any_agent, *setups)
    alone = played(any_agent, *setups, isolated=True)
    assert not any(one.agent.shared for one in alone)
    assert sum(one.agent.shared for one in together) > len(setups) * 3 / 4
    differing = [
        (setup.agent.plugin, setup.agent.mode, setup.shipper, seen(one), seen(other))
        for setup, one, other in zip(setups, together, alone, strict=True)
        if seen(one) != seen(other)
    ]
    assert not differing


def test_the_log_of_each_is_its_own(any_agent):
    first, second, third, fourth = HEALTHY
    refused = listening(Mode.REQUIRE).but(**SHIPPERS["other CA"])
    asked = listening(Mode.REQUIRE).but(**SHIPPERS["none"])
    found = played(any_agent, first, refused, second, third, asked, fourth)
    assert all(one.agent.shared for one in found)
    errors = [[line for line in one.agent.log if "[tls] error" in line] for one in found]
    assert [bool(one) for one in errors] == [False, True, False, False, True, False]
    assert "certificate verify failed" in errors[1][0]
    assert "peer did not return a certificate" in errors[4][0]
    for number, one in enumerate(found):
        named = {match for line in one.agent.log for match in re.findall(r"number \d+", line)}
        assert named <= {f"number {number}"}


def test_a_silent_shipper_holds_up_nobody(any_agent):
    silent = [
        listening(Mode.REQUIRE).but(behaviour=Silent(moment), sni="silent.example.test")
        for moment in (Moment.CONNECTED, Moment.HALF_HELLO)
    ]
    plays = [Play(alias=f"n{index}", setup=one) for index, one in enumerate([*silent, *HEALTHY])]
    kept = {}
    asyncio.run(play(plays, any_agent, deadline=3.0, kept=kept))
    came_in = list(kept)
    assert came_in[:-2] == HEALTHY
    assert {judge(kept[one]).outcome for one in HEALTHY} == {Outcome.DELIVERED}
    assert all(judge(kept[one]).outcome is not Outcome.DELIVERED for one in silent)


MANY = 200


def test_many_inputs_of_one_process_all_listen(any_agent, monkeypatch):
    monkeypatch.setattr(planning, "_LARGEST_BATCH_OF_INPUTS", MANY)
    started = []
    start = any_agent.start

    async def counted(job):
        started.append(job)
        return await start(job)

    any_agent.start = counted
    setups = [listening(Mode.REQUIRE, sni=f"h{number}.example.test") for number in range(MANY)]
    found = played(any_agent, *setups, deadline=20.0)
    assert len(started) == 1
    assert [judge(one).outcome for one in found].count(Outcome.DELIVERED) == MANY
    assert len({record["n"] for one in found for record in judge(one).records}) == 1
    assert all(len(judge(one).records) == 1 for one in found)


@pytest.mark.parametrize("isolated", [False, True])
def test_one_that_does_not_start_does_not_take_its_neighbours_with_it(any_agent, isolated):
    broken = listening(Mode.REQUIRE).but(ca=CAFile.GARBAGE)
    found = played(any_agent, *HEALTHY[:2], broken, *HEALTHY[2:], isolated=isolated)
    outcomes = [judge(one).outcome for one in found]
    assert outcomes.pop(2) is Outcome.NOT_STARTED
    assert outcomes == [Outcome.DELIVERED] * len(HEALTHY)
