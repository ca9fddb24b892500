"""What check finds in a configuration: every rule, what triggers it, and what only comes near."""

from __future__ import annotations

import datetime as dt

import pytest
from lint_cases import GOOD, KNOWN, PAIR, output
from lint_files import ASKED, write

from flb_handshake import catalogue
from flb_handshake.config.reading import Syntax, read_text
from flb_handshake.config.words import Spot
from flb_handshake.lint.end import Truth, truth
from flb_handshake.lint.finding import Finding, Severity, together
from flb_handshake.lint.linting import lint
from flb_handshake.lint.rules import RULES
from flb_handshake.releases import RELEASES

UNPROVEN = {"key-readable", "refused-by-fluent-bit", "tls-beside-datagrams"}
"""What no handshake shows."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write(tmp_path_factory.mktemp("lint"))


@pytest.fixture(scope="module")
def scenarios():
    return {one.id: one for one in catalogue.load()}


def found_in(text, files, release="5.1.1", now=ASKED, **environment):
    for name, path in files.items():
        text = text.replace(f"{{{name}}}", str(path))
    read = read_text(text, name="fluent-bit.conf", syntax=Syntax.CLASSIC, environment=environment)
    return lint(read, release, now)


def places(found, *, grave):
    return sorted((one.spot.line, one.rule) for one in found if one.grave is grave)


OF_A_TRIAL = {name for name, rule in RULES.items() if rule.title.startswith("Played: ")}
"""Rules that only playing can break: tests/contract/test_check_played.py."""


@pytest.mark.parametrize("name", KNOWN)
def test_a_configuration_with_a_known_answer(name, files):
    known = KNOWN[name]
    found = found_in(known.text, files, known.release)
    assert places(found, grave=True) == sorted(known.found), found
    assert places(found, grave=False) == sorted(known.notes), found


def test_there_are_enough_of_them_and_every_rule_has_one():
    told = {rule for one in KNOWN.values() for _, rule in (*one.found, *one.notes)}
    assert set(RULES) - told == {"another-file", *OF_A_TRIAL}
    assert len(KNOWN) >= 40


def test_every_finding_names_a_scenario_of_the_catalogue(files, scenarios):
    for name, known in KNOWN.items():
        for release in RELEASES:
            for one in found_in(known.text, files, release):
                assert (one.scenario is None) == (one.rule in UNPROVEN), (name, one)
                assert one.scenario is None or one.scenario in scenarios, (name, release, one)


def test_what_the_scenario_plays_is_what_the_rule_says(files, scenarios):
    """A finding that says cleartext is proven by a scenario that ends so, and so on."""
    ends = {
        "cleartext": {"CLEARTEXT"},
        "does not start": {"NOT_STARTED"},
        "crashes": {"CUT", "NOT_STARTED"},
        "nobody is trusted": {"REFUSED_BY_AGENT"},
        "anybody who answers": {"DELIVERED"},
    }
    seen = set()
    for known in KNOWN.values():
        for release in RELEASES:
            for one in found_in(known.text, files, release):
                if one.scenario is None or one.rule in _BY_KIN:
                    continue
                for words, outcomes in ends.items():
                    if words in one.text:
                        seen.add(words)
                        does = scenarios[one.scenario].expectation.does.on(release)
                        assert does.outcome.name in outcomes, (release, one)
    assert seen == set(ends)


_BY_KIN = {
    "tls-not-on",  # an output's scenario stands for the input's
    "not-a-boolean",
    "unknown-property",
    "node-without-tls",
}


def test_each_release_reads_the_words_that_it_was_seen_to_read(scenarios):
    for word, name in (("on", "on"), ("yes", "yes"), ("1", "one"), ("verify_peer", "verify_peer")):
        for release in RELEASES:
            does = scenarios[f"syntax.tls[word={name}]"].expectation.does.on(release)
            secured = truth(word, release) is Truth.ON
            assert secured == (does.outcome.name == "DELIVERED"), (word, release)


def test_turning_verify_off_is_told_with_its_line(files):
    before, after = (output(*GOOD), output(*GOOD).replace("tls.verify on", "tls.verify off"))
    assert not found_in(before, files)
    assert (5, "verify-off") in places(found_in(after, files), grave=True)


def test_a_misspelt_property_is_told_with_its_line_and_the_nearest_one(files):
    (one,) = (
        one
        for one in found_in(output(*GOOD).replace("ca_file", "ca_flie"), files)
        if one.rule == "unknown-property"
    )
    assert one.spot == Spot("fluent-bit.conf", 7)
    assert "`tls.ca_file`" in one.fix


@pytest.mark.parametrize(
    ("written", "meant"),
    [("CA.File", "tls.ca_file"), ("tls.cert_file", "tls.crt_file"), ("macth", "match")],
)
def test_the_nearest_property_is_what_was_meant(written, meant, files):
    (one,) = found_in(output(*GOOD, f"{written} x"), files)
    assert f"`{meant}`" in one.fix


def test_a_property_of_a_later_release_is_told_as_one(files):
    (one,) = found_in(output(*GOOD), files, "3.0.6")
    assert "3.1" in one.text
    assert one.scenario == "syntax.of_a_later_release[property_=tls.verify_hostname]"


def test_thirty_days_before_its_end_a_certificate_is_told_of_and_not_earlier(files):
    text = output(*GOOD, *PAIR)
    assert not found_in(text, files)
    late = found_in(text, files, now=ASKED + dt.timedelta(days=1))
    assert [one.rule for one in late] == ["expires-soon"]
    later = found_in(text, files, now=ASKED + dt.timedelta(days=40))
    assert [one.rule for one in later] == ["expired"]


def test_a_relative_path_is_looked_for_beside_its_configuration(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = files["ca"].parent
    text = output(*GOOD[:3], "tls.ca_file ca")
    named = read_text(
        text, name=str(place / "fluent-bit.conf"), syntax=Syntax.CLASSIC, environment={}
    )
    assert not lint(named, "5.1.1", ASKED)
    lost = read_text(text, name="fluent-bit.conf", syntax=Syntax.CLASSIC, environment={})
    assert [one.rule for one in lint(lost, "5.1.1", ASKED)] == ["file-missing"]


def test_what_is_equal_in_two_releases_is_told_once_with_both():
    one = Finding(rule="verify-off", severity=Severity.ERROR, spot=Spot("a", 1), text="t", fix="f")
    both = together(
        [[_in(one, "5.1.1")], [_in(one, "3.0.6"), _in(_told(one, "only here"), "3.0.6")]]
    )
    assert [(each.text, each.releases) for each in both] == [
        ("t", ("5.1.1", "3.0.6")),
        ("only here", ("3.0.6",)),
    ]


def _in(one, release):
    return Finding(
        rule=one.rule,
        severity=one.severity,
        spot=one.spot,
        text=one.text,
        fix=one.fix,
        releases=(release,),
    )


def _told(one, text):
    return Finding(rule=one.rule, severity=one.severity, spot=one.spot, text=text, fix=one.fix)


def test_what_fluent_bit_refuses_is_a_finding_with_its_line(files):
    found = found_in(output(*GOOD) + "[INPUT]\n    tag x\n", files)
    assert (8, "refused-by-fluent-bit") in places(found, grave=True)
