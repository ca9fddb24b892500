"""A baseline: what it holds on to, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flb_handshake.config.reading import read
from flb_handshake.config.words import Spot
from flb_handshake.errors import UserMistake
from flb_handshake.lint import baseline
from flb_handshake.lint.finding import Finding, Severity

TEXT = """\
[OUTPUT]
    Name http
    tls on
    tls.ca_file first.pem
[OUTPUT]
    Name http
    tls on
    tls.ca_file second.pem
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "first.pem").write_text("one")
    (tmp_path / "second.pem").write_text("two")
    return tmp_path


def configured(place, text=TEXT):
    path = place / "fluent-bit.conf"
    path.write_text(text)
    return read(path)


def finding(one, line, **fields):
    spot = Spot(one.sections[0].spot.file, line)
    known = {"rule": "verify-off", "severity": Severity.ERROR, "text": "", "fix": ""}
    return Finding(spot=spot, **{**known, **fields})


def rules(found):
    return [(one.rule, one.spot.line) for one in found]


def test_of_two_outputs_of_one_plugin_each_has_its_own(place):
    whole = configured(place)
    held = baseline.of([whole], [finding(whole, 3)])
    assert held.accepted == {"output http": ["error verify-off: "]}
    assert baseline.worse(held, [whole], [finding(whole, 3)]) == ()
    assert rules(baseline.worse(held, [whole], [finding(whole, 7)])) == [("verify-off", 7)]


@pytest.mark.parametrize(("file", "line"), [("first.pem", 4), ("second.pem", 8)])
def test_a_file_with_other_content_is_another_file(place, file, line):
    held = baseline.of([configured(place)], [])
    Path(place, file).write_text("three")
    assert rules(baseline.worse(held, [configured(place)], [])) == [("another-file", line)]


def test_a_note_is_neither_held_nor_hidden(place):
    whole = configured(place)
    note = finding(whole, 3, severity=Severity.NOTE)
    held = baseline.of([whole], [note])
    assert held.accepted == {}
    assert baseline.worse(held, [whole], [note]) == (note,)


def test_what_is_written_is_what_is_read(place):
    whole = configured(place)
    held = baseline.of([whole], [finding(whole, 3)])
    path = place / "baseline.json"
    path.write_text(baseline.text(held))
    assert baseline.load(path) == held


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (TEXT.replace("    tls.ca_file second.pem\n", ""), 5),
        (TEXT + "    tls.crt_file own.pem\n", 9),
    ],
    ids=["taken out", "put in"],
)
def test_a_file_that_is_named_no_more_or_for_the_first_time_is_told(place, after, line):
    held = baseline.of([configured(place)], [])
    assert rules(baseline.worse(held, [configured(place, after)], [])) == [("another-file", line)]


def test_another_finding_of_the_same_rule_is_new_unless_it_was_played(place):
    whole = configured(place)
    played = finding(whole, 4, rule="p", played=True)
    held = baseline.of([whole], [finding(whole, 3, text="tls.verfy"), played])
    worse = baseline.worse(held, [whole], [finding(whole, 3, text="tls.hostnam")])
    assert rules(worse) == [("verify-off", 3)]
    again = replace(played, text="another port")
    assert baseline.worse(held, [whole], [again]) == ()


def test_what_is_put_up_with_of_a_proxy_is_not_of_its_output(place):
    whole = configured(place)
    of_proxy = finding(whole, 3, rule="takes-expired", played=True, of_proxy=True)
    held = baseline.of([whole], [of_proxy])
    assert baseline.worse(held, [whole], [of_proxy]) == ()
    worse = baseline.worse(held, [whole], [replace(of_proxy, of_proxy=False)])
    assert rules(worse) == [("takes-expired", 3)]


def test_a_proxy_that_is_trusted_by_another_file_is_told(place):
    text = TEXT.replace("tls.ca_file first", "tls.proxy.ca_file first")
    held = baseline.of([configured(place, text)], [])
    Path(place, "first.pem").write_text("three")
    assert rules(baseline.worse(held, [configured(place, text)], [])) == [("another-file", 4)]


def test_a_node_that_is_new_is_not_put_up_with(place):
    node = "[NODE]\n    name {}\n    host h\n    port 1\n    tls.verify off\n"
    nodes = "[UPSTREAM]\n    name u\n" + node.format("a")
    (place / "up.conf").write_text(nodes)
    text = f"[OUTPUT]\n    Name forward\n    Upstream {place / 'up.conf'}\n"

    def told(line):
        found = finding(configured(place, text), 1)
        return replace(found, spot=Spot(str(place / "up.conf"), line))

    held = baseline.of([configured(place, text)], [told(7)])
    (place / "up.conf").write_text(nodes + node.format("b"))
    assert rules(baseline.worse(held, [configured(place, text)], [told(7), told(12)])) == [
        ("verify-off", 12)
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"format": 1, "accepted": {"x": [5]}, "files": {}}',
        '{"format": 1, "accepted": {}, "files": {"x": {"tls.ca_file": 5}}}',
    ],
)
def test_a_baseline_that_was_edited_into_nonsense_is_none(place, text):
    path = place / "baseline.json"
    path.write_text(text)
    with pytest.raises(UserMistake, match="no baseline"):
        baseline.load(path)
