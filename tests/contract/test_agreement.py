"""The reference agent and a real Fluent Bit: the same outcome, the same side, the same alert."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest

from flb_handshake import catalogue
from flb_handshake.agent.process import open_process
from flb_handshake.agent.reference import MODELLED, open_reference
from flb_handshake.errors import AgentUnavailable
from flb_handshake.evidence import Evidence, unpack
from flb_handshake.judge import exposure, judge
from flb_handshake.model import Setup
from flb_handshake.results import plays
from flb_handshake.session import Session

RECORDED = Path(__file__).parents[1] / "evidence"
SCENARIOS = catalogue.load()


@pytest.fixture(scope="module", params=MODELLED)
def version(request):
    return request.param


@pytest.fixture(scope="module")
def modelled(version) -> dict[Setup, Evidence]:
    session = Session(agent=open_reference(version))
    session.play(plays(SCENARIOS))
    return session.evidence


@pytest.fixture(scope="module")
def really(version) -> dict[Setup, Evidence]:
    try:
        agent = open_process(None, version=version)
    except AgentUnavailable as error:
        pytest.skip(f"no real Fluent Bit {version} as a process: {error}")
    session = Session(agent=agent)
    session.play(plays(SCENARIOS))
    return session.evidence


@pytest.fixture(scope="module")
def recorded(version) -> dict[Setup, Evidence]:
    packed = gzip.decompress((RECORDED / f"{version}.jsonl.gz").read_bytes()).decode()
    stored = {one.scenario: one for one in unpack(packed.splitlines())}
    return {one.setup: stored[one.alias] for one in plays(SCENARIOS) if one.alias in stored}


def essence(evidence: Evidence):
    seen = judge(evidence)
    shown = exposure(evidence, seen)
    return seen.outcome, seen.refused_by, seen.alert, seen.alert_from, shown


def differences(one: dict[Setup, Evidence], other: dict[Setup, Evidence]) -> dict[str, object]:
    return {
        scenario.id: (essence(one[scenario.setup]), essence(other[scenario.setup]))
        for scenario in SCENARIOS
        if not (one[scenario.setup].unsupported or other[scenario.setup].unsupported)
        and essence(one[scenario.setup]) != essence(other[scenario.setup])
    }


def say(capsys, what: str, differing: dict[str, object]) -> None:
    with capsys.disabled():
        sys.stdout.write(
            f"\nreference agent and {what}: {len(SCENARIOS) - len(differing)} of {len(SCENARIOS)}\n"
        )


def test_the_reference_agent_agrees_with_a_real_one(modelled, really, version, capsys):
    differing = differences(modelled, really)
    say(capsys, f"a real Fluent Bit {version}", differing)
    assert not differing


def test_the_reference_agent_agrees_with_what_was_recorded(modelled, recorded, version, capsys):
    differing = differences(modelled, recorded)
    say(capsys, f"recorded evidence of {version}", differing)
    assert not differing


def test_a_model_that_refused_everything_would_be_caught(modelled, recorded):
    refusal = next(
        evidence for evidence in modelled.values() if judge(evidence).alert == "unknown_ca"
    )
    stubborn = dict.fromkeys(modelled, refusal)
    assert len(differences(stubborn, recorded)) > len(SCENARIOS) / 2


def test_every_line_of_the_reference_agent_says_that_it_is_a_model(modelled, version):
    label = f"reference (a model of Fluent Bit {version}, not Fluent Bit)"
    assert {evidence.agent.label for evidence in modelled.values()} == {label}
