"""Recorded evidence of real releases, judged again on every run: nothing is played here."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pytest

from flb_handshake import catalogue
from flb_handshake.evidence import Evidence, unpack
from flb_handshake.model import Setup
from flb_handshake.results import Result, plays, results

RECORDED = sorted(Path(__file__).parent.glob("*.jsonl.gz"))
SCENARIOS = catalogue.load()


@cache
def recorded(path: Path) -> dict[str, Evidence]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return {one.scenario: one for one in unpack(lines)}


def by_setup(path: Path) -> dict[Setup, Evidence]:
    stored = recorded(path)
    return {one.setup: stored[one.alias] for one in plays(SCENARIOS) if one.alias in stored}


@cache
def judged(path: Path) -> dict[str, Result]:
    return {one.scenario.id: one for one in results(SCENARIOS, by_setup(path))}


def test_a_real_5_1_1_was_recorded():
    assert "5.1.1" in {path.name.removesuffix(".jsonl.gz") for path in RECORDED}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_every_case_has_its_evidence_and_its_twins(path):
    have = by_setup(path)
    missing = [one.id for one in SCENARIOS if one.setup not in have]
    missing += [one.id for one in SCENARIOS if one.control and one.control not in have]
    assert not missing, "record it anew: python tests/evidence/record.py"


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_it_was_a_real_fluent_bit(path):
    for one in recorded(path).values():
        assert one.agent.kind in {"process", "docker"}
        assert one.agent.version == path.name.removesuffix(".jsonl.gz")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_no_private_key_and_no_passphrase_was_recorded(path):
    text = gzip.decompress(path.read_bytes())
    assert b"PRIVATE KEY" not in text
    assert b"correct horse" not in text
    assert b"wrong horse" not in text


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
@pytest.mark.parametrize("one", SCENARIOS, ids=lambda one: one.id)
def test_the_stored_evidence_still_gives_the_verdict(path, one):
    result = judged(path)[one.id]
    assert not result.disagrees, result.verdict.reason


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_evidence_of_one_case_does_not_pass_for_another(path):
    told = judged(path)
    refused = told["validity.too_old[mode=verify_peer-at=leaf]"]
    delivered = told["mode.cell[mode=none-ca=root-collector=healthy]"]
    assert refused.observation != delivered.observation
    swapped = dict(by_setup(path))
    swapped[refused.scenario.setup] = delivered.evidence
    assert results([refused.scenario], swapped)[0].disagrees
