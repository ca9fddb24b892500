"""The model of each release and that release itself: the same outcome, side, alert and exposure.

The whole catalogue is compared, step by step, with the real Fluent Bit where it is a process of
this machine, and with its recorded evidence everywhere. What cannot be asked of a release, because
it lacks a property, is no gap of the model; what the model cannot do is, and is counted. That the
recording is whole is held in tests/evidence. What differs is played once more: a machine that is
busy for long stalls runs.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from flb_handshake import catalogue, recorded
from flb_handshake.agent.contract import Agent
from flb_handshake.agent.process import open_process
from flb_handshake.agent.reference import MODELLED, open_reference
from flb_handshake.errors import AgentUnavailable
from flb_handshake.evidence import Evidence
from flb_handshake.judge import exposure, judge
from flb_handshake.model import Scenario, Setup
from flb_handshake.releases import missing
from flb_handshake.results import plays, results
from flb_handshake.session import Session

SCENARIOS = catalogue.load()
MOST = 0.9
"""The part of what a release can be asked that its model has an answer to, at the least."""

Run = dict[Setup, Evidence]


@pytest.fixture(scope="module", params=MODELLED)
def version(request):
    return request.param


@pytest.fixture(scope="module")
def modelled(version) -> Run:
    return played(open_reference(version))


@pytest.fixture(scope="module")
def really(version) -> Run:
    try:
        agent = open_process(None, version=version)
    except AgentUnavailable as error:
        pytest.skip(f"no real Fluent Bit {version} as a process: {error}")
    return played(agent)


def played(agent, scenarios: Sequence[Scenario] = SCENARIOS) -> Run:
    session = Session(agent=agent)
    session.play(plays(scenarios))
    return session.evidence


@dataclass
class Agreement:
    """A model held against the real thing; what could be compared is what both played."""

    agreeing: list[str] = field(default_factory=list)
    differing: dict[str, object] = field(default_factory=dict)
    unmodelled: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Nothing is known of what the real one does."""

    def tell(self, capsys, what: str) -> None:
        compared = len(self.agreeing) + len(self.differing)
        families = Counter(one.split("[")[0].rpartition(".")[0] for one in self.unknown)
        not_known = f", {len(self.unknown)} not recorded ({dict(families)})" if families else ""
        with capsys.disabled():
            sys.stdout.write(
                f"\nthe model and {what}: {len(self.agreeing)} of {compared} agree;"
                f" {len(self.unmodelled)} not modelled{not_known}\n"
            )


def looked_at_twice(
    model: Run, real: Mapping[Setup, Evidence], *agents: tuple[Run, Agent]
) -> Agreement:
    """The agreement, once whatever differs has been played again with these agents."""
    differing = agreement(model, real).differing
    if again := [one for one in SCENARIOS if one.id in differing]:
        for run, agent in agents:
            run.update(played(agent, again))
    return agreement(model, real)


def agreement(model: Run, real: Mapping[Setup, Evidence]) -> Agreement:
    found = Agreement()
    for one in SCENARIOS:
        ours, theirs = model[one.setup], real.get(one.setup)
        if theirs is None:
            found.unknown.append(one.id)
        elif theirs.unsupported:
            continue
        elif ours.unsupported:
            found.unmodelled.append(one.id)
        elif essence(ours) == essence(theirs):
            found.agreeing.append(one.id)
        else:
            found.differing[one.id] = (essence(ours), essence(theirs))
    return found


def essence(evidence: Evidence) -> list[object]:
    """What is compared: of each step."""
    found = []
    for step in evidence.steps:
        seen = judge(step)
        shown = exposure(step, seen)
        found.append((seen.outcome, seen.refused_by, seen.alert, seen.alert_from, shown))
    return found


def test_a_model_agrees_with_the_real_one(modelled, really, version, capsys):
    agents = (
        (modelled, open_reference(version)),
        (really, open_process(None, version=version)),
    )
    found = looked_at_twice(modelled, really, *agents)
    found.tell(capsys, f"a real Fluent Bit {version}")
    assert not found.unknown
    assert not found.differing


def test_a_model_agrees_with_what_was_recorded(modelled, version, capsys):
    agents = ((modelled, open_reference(version)),)
    stored = recorded.by_setup(version, SCENARIOS)
    found = looked_at_twice(modelled, stored, *agents)
    found.tell(capsys, f"what was recorded of Fluent Bit {version}")
    assert not found.differing


def test_a_model_does_what_the_catalogue_expects_of_its_release(modelled):
    """Also what the log must say."""
    found = results(SCENARIOS, modelled)
    wrong = {one.scenario.id: one.verdict.reason for one in found if one.disagrees}
    assert not wrong


def test_nearly_all_that_a_release_can_be_asked_is_modelled(modelled, version, capsys):
    asked = [one for one in SCENARIOS if missing(one.setup, version) is None]
    answered = [one for one in asked if not modelled[one.setup].unsupported]
    with capsys.disabled():
        sys.stdout.write(f"\nmodelled of {version}: {len(answered)} of {len(asked)}\n")
    assert len(answered) >= MOST * len(asked), unanswered(asked, modelled)


def unanswered(asked: list[Scenario], model: Run) -> Counter[str | None]:
    """How often which reason was given."""
    return Counter(model[one.setup].unsupported for one in asked)


def test_a_model_that_refused_everything_would_be_caught(modelled, version):
    refusal = next(one for one in modelled.values() if judge(one).alert == "unknown_ca")
    stubborn = dict.fromkeys(modelled, refusal)
    found = agreement(stubborn, recorded.by_setup(version, SCENARIOS))
    assert len(found.differing) > len(found.agreeing)


def test_every_line_of_a_model_says_that_it_is_one(modelled, version):
    label = f"reference (a model of Fluent Bit {version}, not Fluent Bit)"
    assert {evidence.agent.label for evidence in modelled.values()} == {label}
