"""Plays setups with any agent of this machine, for tests of what comes of them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from leftovers import containers, processes

from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.errors import AgentUnavailable
from flb_handshake.expectations import Expectation
from flb_handshake.judge import exposure, judge
from flb_handshake.model import DEFAULT_VERSION, Scenario, Step
from flb_handshake.planning import Play
from flb_handshake.results import finding, result
from flb_handshake.runner import play

KINDS = ("docker", "process", "reference")


def opened(kind):
    """An agent of this kind; the test is skipped where there is none."""
    try:
        return choose(AgentKind(kind), DEFAULT_VERSION).agent
    except AgentUnavailable as error:
        pytest.skip(f"no {kind} agent here: {error}")


def played(agent, *setups, deadline=6.0, **options):
    """The evidence of these setups, in their order; each is called by its number."""
    plays = [Play(alias=f"number {index}", setup=one) for index, one in enumerate(setups)]
    evidence = asyncio.run(play(plays, agent, deadline=deadline, **options))
    return [evidence[one] for one in setups]


def stepped(setup, *changes):
    """The setup with a step for each of these tuples of changes, called by their places."""
    steps = tuple(Step(name=f"step {number}", changes=one) for number, one in enumerate(changes, 1))
    return setup.but(steps=steps)


def told(evidence):
    """Outcome and alert of each step, and what became of the records."""
    found = finding(evidence, None)
    steps = [(one.observation.outcome, one.observation.alert) for one in found.steps]
    assert not evidence.harness_error
    return steps, found.fates


def outcomes(evidence):
    """The outcome of each step."""
    return [judge(one).outcome for one in evidence.steps]


def seen(evidence):
    """Everything that must not depend on who shares a process."""
    one = judge(evidence)
    signs = frozenset(sign.name for sign in one.signs)
    exposed = exposure(evidence, one)
    return (one.outcome, one.alert, one.alert_from, one.version, one.answer, exposed, signs)


def verdict(setup, evidence, *expected):
    """What is said of a setup of which this is expected at the start and in each step."""
    first, *then = (Expectation(does=one) for one in expected)
    case = Scenario(
        id="case",
        because="",
        setup=replace(setup, whole=setup),
        expectation=first,
        then=tuple(then),
    )
    return result(case, evidence, None).verdict


def left_behind(directory):
    """Processes, containers and files of an agent whose jobs are in this directory."""
    return [
        *processes(directory),
        *containers(directory.strip("/").split("/")[0]),
        *Path(tempfile.gettempdir()).glob(f"flb-handshake-{os.getpid()}-*"),
    ]
