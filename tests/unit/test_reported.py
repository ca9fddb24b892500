"""Public reports: what a scenario may say of one, and that each is played or has its reason."""

from __future__ import annotations

import pytest

from flb_handshake import catalogue
from flb_handshake.errors import CatalogueError
from flb_handshake.releases import RELEASES, stands_for
from flb_handshake.report import lines, sheet
from flb_handshake.reported import UNPLAYED, Report

URL = "https://github.com/fluent/fluent-bit/issues/8975"

COLLECTED = {
    "aws/aws-for-fluent-bit": "410 802",
    "fluent/fluent-bit": "507 705 822 927 1312 1429 1536 1611 1615 1678 1788 1962 2150 2513 2581 "
    "2986 3077 3449 3512 4085 4117 4163 4562 4735 5246 5556 5893 6118 6165 6418 6431 6490 6498 "
    "6524 6690 6804 6898 7686 7803 8105 8489 8959 8975 9398 9478 9527 9593 9613 9663 9718 9741 "
    "9922 10156 11004 11486 11512 11778 11817 12193",
    "fluent/fluent-bit-docs": "507 2168",
    "fluent/fluent-bit-kubernetes-logging": "52",
    "kube-logging/logging-operator": "172",
    "newrelic/newrelic-fluent-bit-output": "208",
    "opensearch-project/OpenSearch": "4864",
    "tiredofit/docker-alpine": "77",
}
"""The issues of each repository that were collected for this family."""


@pytest.fixture(scope="module")
def played():
    return {one.report.id: one for one in catalogue.load() if one.report}


def test_every_report_is_played_or_has_its_reason(played):
    collected = {f"{place}#{n}" for place, numbers in COLLECTED.items() for n in numbers.split()}
    assert len(collected) == 68
    assert set(played) | set(UNPLAYED) == collected
    assert not set(played) & set(UNPLAYED)
    assert all(len(reason) > 20 for reason in UNPLAYED.values())


def test_a_scenario_is_called_after_its_report_and_refers_to_it(played):
    for name, one in played.items():
        repository, number = name.split("/")[1].split("#")
        assert one.id.startswith("field.")
        assert one.id.endswith(f".{repository.lower().replace('-', '_')}_{number}")
        assert one.report.url in one.refs


def test_the_family_plays_nothing_but_reports(played):
    family = [one for one in catalogue.load() if one.id.startswith("field.")]
    assert len(family) == len(played)


def test_what_was_not_delivered_has_its_remedy_as_a_twin(played):
    for one in played.values():
        if not one.expectation.does.on(stands_for(one.report)).outcome.arrived:
            assert one.control is not None, one.id


@pytest.mark.parametrize(
    ("report", "release"),
    [
        (Report(URL, ("3.0.7",)), "3.0.7"),
        (Report(URL, ("2.0.8", "1.9.9")), "2.0.14"),
        (Report(URL, ("0.12.13",)), "1.9.10"),
        (Report(URL, ("4.1",)), "4.2.8"),
        (Report(URL, ("2.0.8",), on="2.2.3"), "2.2.3"),
        (Report(URL, on="3.2.10"), "3.2.10"),
    ],
)
def test_a_report_is_shown_on_the_release_that_it_names_or_on_the_nearest(report, release):
    assert stands_for(report) == release
    assert release in RELEASES


def test_a_report_is_called_as_people_write_it():
    assert Report(URL, ("3.0.7",)).id == "fluent/fluent-bit#8975"
    pull = "https://github.com/fluent/fluent-bit/pull/11778"
    assert Report(pull, ("5.1",)).id == "fluent/fluent-bit#11778"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/fluent/fluent-bit",
        "https://example.test/fluent/fluent-bit/issues/1",
        f"{URL}#issuecomment-1",
    ],
)
def test_what_is_no_issue_is_no_report(url):
    with pytest.raises(ValueError, match="no issue and no pull request"):
        Report(url, ("3.0.7",))


def test_a_report_without_a_release_says_what_stands_for_it():
    with pytest.raises(ValueError, match="none is to stand for it"):
        Report(URL)


def test_the_line_to_be_seen_is_its_own_or_what_is_said_in_its_place():
    assert Report(URL, ("3.0.7",)).shown is None
    assert Report(URL, ("3.0.7",), "unexpected EOF").shown == "unexpected EOF"
    assert Report(URL, ("1.2.0",), "X509 - failed", now="unexpected EOF").shown == "unexpected EOF"


HEAD = """
from flb_handshake.declare import Case, Report, case, delivered, output, scenario
"""


def load(directory, report, name="mine.py"):
    place = directory / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(
        f'{HEAD}\n\n@scenario\ndef fine() -> Case:\n    "Why."\n'
        f"    return case(output(), delivered(), report=Report({URL!r}, {report}))\n"
    )
    return catalogue.load(directory)


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ('("latest",)', "latest"),
        ('on="3.1.0"', "3.1.0 is none of the releases"),
        ("()", "none is to stand for it"),
    ],
)
def test_a_report_of_no_release_is_refused_when_the_catalogue_loads(tmp_path, report, says):
    with pytest.raises(CatalogueError, match=says):
        load(tmp_path, report)


def test_a_folder_of_files_is_a_family_of_families(tmp_path):
    load(tmp_path, '("3.0.7",)')
    load(tmp_path, '("3.0.7",)', "field/names.py")
    load(tmp_path, '("3.0.7",)', ".hidden/names.py")
    found = load(tmp_path, '("3.0.7",)', "_drafts/names.py")
    assert [one.id for one in found] == ["mine.fine", "field.names.fine"]
    assert found[1].where == f"{tmp_path.name}/field/names.py:5"


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path):
    load(tmp_path, '("3.0.7",)', "field/names.py")
    found = load(tmp_path, '("2.0.8",)', "plugins/names.py")
    assert [one.report.versions for one in found] == [("3.0.7",), ("2.0.8",)]


def test_a_page_says_what_was_reported_and_which_release_shows_it(tmp_path):
    (one,) = load(tmp_path, '("2.0.8", "2.0.10"), "DH lib", now="reason(5)"')
    told = sheet.page(one).splitlines()
    assert f"  refs       {URL}" in told
    assert "  reported   for 2.0.8, 2.0.10; nearest release here: 2.0.14" in told
    assert "  its line   DH lib" in told
    assert "  here       reason(5)" in told


def test_a_page_says_when_no_release_was_reported(tmp_path):
    (one,) = load(tmp_path, 'on="3.2.10"')
    told = sheet.page(one).splitlines()
    assert "  reported   for no release by name; shown here on 3.2.10" in told


def test_a_report_is_told_to_programs_as_well(tmp_path):
    (one,) = load(tmp_path, '("2.0.8",), "DH lib"')
    assert sheet.entry(one)["report"] == {
        "url": URL,
        "versions": ["2.0.8"],
        "line": "DH lib",
        "now": None,
        "shown_on": "2.0.14",
    }
    assert sheet.entry(one)["report"] == lines.reported(one.report)
