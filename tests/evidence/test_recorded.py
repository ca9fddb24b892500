"""Recorded evidence of real releases, judged again on every run: nothing is played here."""

from __future__ import annotations

import lzma

import pytest
from rejudged import SCENARIOS, judged

from flb_handshake import recorded
from flb_handshake.outcomes import VerdictKind
from flb_handshake.releases import RELEASES, stands_for
from flb_handshake.report.matrix import function_of
from flb_handshake.results import results

FUNCTIONS = tuple(dict.fromkeys(function_of(one.id) for one in SCENARIOS))
REPORTED = tuple(one for one in SCENARIOS if one.report)
MUST_BE_REAL = {"1.9.10", "3.0.7", "4.2.8", "5.1.1"}

every_release = pytest.mark.parametrize("version", RELEASES)


def test_what_was_recorded_are_the_releases_that_the_catalogue_is_held_to():
    assert recorded.releases() == RELEASES
    assert set(RELEASES) >= MUST_BE_REAL


@every_release
def test_every_case_has_its_evidence_and_its_twins(version):
    have = recorded.by_setup(version, SCENARIOS)
    missing = [one.id for one in SCENARIOS if one.setup not in have]
    missing += [one.id for one in SCENARIOS if one.control and one.control not in have]
    assert not missing, f"record it anew: python tests/evidence/record.py {version}"


@every_release
def test_it_was_a_real_fluent_bit(version):
    for one in recorded.evidence(version).values():
        assert one.agent.kind in {"process", "docker"}
        assert one.agent.version == version


@every_release
def test_no_private_key_and_no_passphrase_was_recorded(version):
    text = lzma.decompress((recorded.directory() / f"{version}.jsonl.xz").read_bytes())
    assert b"PRIVATE KEY" not in text
    assert b"correct horse" not in text
    assert b"wrong horse" not in text


@every_release
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_stored_evidence_still_gives_the_verdict(version, function):
    found = [one for one in judged(version).values() if function_of(one.scenario.id) == function]
    assert found
    wrong = {one.scenario.id: one.verdict.reason for one in found if one.disagrees}
    assert not wrong


@every_release
def test_most_of_the_catalogue_can_be_asked_of_every_release(version):
    """TLS for inputs came with 2.0, and is more than half of the catalogue."""
    unsupported = [
        one for one in judged(version).values() if one.verdict.kind is VerdictKind.UNSUPPORTED
    ]
    assert len(unsupported) < len(SCENARIOS) * (0.65 if version.startswith("1.") else 0.5)


@every_release
def test_evidence_of_one_case_does_not_pass_for_another(version):
    told = judged(version)
    refused = told["validity.too_old[mode=verify_peer-at=leaf]"]
    delivered = told["mode.cell[mode=none-ca=root-collector=healthy]"]
    assert refused.observation != delivered.observation
    swapped = recorded.by_setup(version, SCENARIOS)
    swapped[refused.scenario.setup] = delivered.evidence
    assert results([refused.scenario], swapped)[0].disagrees


@pytest.mark.parametrize("one", REPORTED, ids=lambda one: one.id)
def test_what_was_reported_is_seen_on_the_release_that_stands_for_it(one):
    report = one.report
    found = judged(stands_for(report))[one.id]
    assert found.verdict.kind is VerdictKind.AGREES
    said = [line for step in found.evidence.steps for line in step.agent.log]
    assert report.shown is None or any(report.shown in line for line in said)


def test_evidence_of_one_release_does_not_pass_for_another():
    """3.0.7 compares names by default, the others do not."""
    impostors = [one for one in SCENARIOS if one.id.startswith("names.dialled_by_a_name_of")]
    older, newer = (recorded.by_setup(version, SCENARIOS) for version in ("3.0.6", "3.0.7"))
    found = {one.scenario.id: one.observation for one in results(impostors, older)}
    other = {one.scenario.id: one.observation for one in results(impostors, newer)}
    assert {one for one in found if found[one].outcome is not other[one].outcome} == {
        "names.dialled_by_a_name_of_another[mode=verify_peer]"
    }
