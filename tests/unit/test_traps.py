"""What looks safe and is not: the rule, word by word, and what is told as one thing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import CLOSED, NEGOTIATED, event, evidence
from releases_told import ARRIVED, IN_CLEARTEXT, OF_ANOTHER_HOST, on

from flb_handshake.outcomes import Exposure
from flb_handshake.peer.events import Kind
from flb_handshake.traps import around_the_node, looks_safe, properties, traps

CLEAR, WRONG = Exposure.CLEARTEXT, Exposure.WRONG_PEER_ACCEPTED
NAME, ANONYMOUS = Exposure.NAME_UNCHECKED, Exposure.ANONYMOUS_CLIENT_ACCEPTED
CA = {"tls.ca_file": "/job/ca.pem"}
VERIFY = {"tls": "on", "tls.verify": "on"}


def given(role="output", plugin="http", **changes):
    return evidence(role=role, plugin=plugin, **changes)


OUTPUT = [
    (CLEAR, {}, False),
    (CLEAR, {"tls": "off"}, False),
    (CLEAR, {"tls": "No", **CA, "tls.verify": "on"}, False),
    (CLEAR, {"tls": "maybe"}, True),
    (CLEAR, {"tls": "on"}, True),
    (CLEAR, CA, True),
    (CLEAR, {"tls.verify": "off"}, False),
    (CLEAR, {"tls.verify": "off", **CA}, True),
    (CLEAR, {"tls.debug": "1"}, False),
    (CLEAR, {"mode": "tls"}, True),
    (CLEAR, {"mode": "tls", "tls": "off"}, True),
    (CLEAR, {"mode": "tcp"}, False),
    (WRONG, VERIFY, True),
    (WRONG, {"tls": "on"}, True),
    (WRONG, {"tls": "on", "tls.verify": "maybe"}, True),
    (WRONG, {"tls": "on", "tls.verify": "off", **CA}, False),
    (WRONG, {"tls": "on", "tls.verify": "no", "tls.verify_hostname": "on"}, True),
    (WRONG, {**VERIFY, "tls.verify_hostname": "off"}, True),
    (NAME, VERIFY, True),
    (NAME, {**VERIFY, "tls.verify_hostname": "off"}, False),
    (NAME, {**VERIFY, "tls.verify_hostname": "strict"}, True),
    (NAME, {"tls": "on", "tls.verify": "off", "tls.verify_hostname": "on"}, True),
    (NAME, {"tls": "on", "tls.verify": "off", "tls.verify_hostname": "off"}, False),
    (NAME, {"tls": "on", "tls.verify": "off"}, False),
    (ANONYMOUS, VERIFY, False),
    (ANONYMOUS, {**VERIFY, "tls.crt_file": "/job/crt.pem"}, True),
]
INPUT = [
    (ANONYMOUS, VERIFY, True),
    (ANONYMOUS, {**VERIFY, "tls.verify_client_cert": "off"}, False),
    (ANONYMOUS, {"tls": "on", "tls.verify": "off", **CA}, False),
    (ANONYMOUS, {"tls": "on", "tls.verify": "off", "tls.verify_client_cert": "on"}, True),
    (WRONG, VERIFY, True),
    (WRONG, {"tls": "on", "tls.verify": "off"}, False),
    (CLEAR, {"tls": "off", **CA}, False),
]
RULE = [("output", *one) for one in OUTPUT] + [("input", *one) for one in INPUT]


@pytest.mark.parametrize(("role", "exposure", "words", "safe"), RULE)
def test_a_configuration_looks_safe_if_it_asks_and_nowhere_says_no(role, exposure, words, safe):
    seen = given(role, properties=tuple(words.items()))
    assert looks_safe(seen, exposure) is safe


def test_the_configuration_itself_counts_where_it_stands_as_its_author_wrote_it():
    config = "[OUTPUT]\n    Name  http\n    Match *\n    Port 1\n    TLS   maybe\n"
    seen = given(properties=(("tls", "on"), ("tls.verify", "on")))
    seen = replace(seen, agent=replace(seen.agent, config=config))
    assert properties(seen) == {"tls": "maybe"}
    assert looks_safe(seen, CLEAR)


def cleartext(*named):
    return evidence(*IN_CLEARTEXT, properties=named)


MAYBE = cleartext(("tls", "maybe"), ("tls.verify", "on"), ("tls.debug", "1"))
REQUIRE = cleartext(("tls", "require"), ("tls.verify", "on"), ("tls.ca_file", "/job/ca.pem"))
PLAIN = cleartext(("tls", "off"))
FORGOTTEN = cleartext(("tls.ca_file", "/job/ca.pem"))


def test_words_for_the_same_are_one_trap_and_the_smallest_configuration_shows_it():
    (found,) = traps({"5.1.1": [on("5.1.1", "a.one", REQUIRE), on("5.1.1", "a.two", MAYBE)]})
    assert found.ids == ("a.one", "a.two")
    assert found.example.result.scenario.id == "a.two"
    assert found.example.properties == {"tls": "maybe", "tls.verify": "on"}
    assert found.words("tls") == ("require", "maybe")


def test_of_configurations_as_small_the_one_seen_on_most_releases_is_shown_on_the_newest():
    played = {
        "4.2.8": [on("4.2.8", "a.two", MAYBE)],
        "5.1.1": [on("5.1.1", "a.one", MAYBE), on("5.1.1", "a.two", MAYBE)],
    }
    (found,) = traps(played)
    assert (found.example.result.scenario.id, found.example.release) == ("a.two", "5.1.1")
    assert found.releases == {"4.2.8", "5.1.1"}


def test_what_plainly_says_no_is_no_trap():
    assert traps({"5.1.1": [on("5.1.1", "a.one", PLAIN)]}) == []


def test_another_reason_is_another_trap_and_the_newest_release_comes_first():
    played = {
        "4.2.8": [on("4.2.8", "a.one", MAYBE)],
        "5.1.1": [on("5.1.1", "a.two", FORGOTTEN)],
    }
    assert [one.why for one in traps(played)] == [
        "tls properties without tls",
        "tls word is no boolean",
    ]


def test_cleartext_comes_before_a_name_that_nobody_checks():
    unchecked = evidence(*ARRIVED, sent=OF_ANOTHER_HOST)
    played = {"5.1.1": [on("5.1.1", "a.name", unchecked), on("5.1.1", "a.clear", MAYBE)]}
    assert [one.exposure for one in traps(played)] == [CLEAR, NAME]


def test_a_plugin_does_not_make_another_trap():
    other = replace(MAYBE, facts=replace(MAYBE.facts, plugin="splunk"))
    (found,) = traps({"5.1.1": [on("5.1.1", "a.one", MAYBE), on("5.1.1", "a.two", other)]})
    assert len(found.sightings) == 2


def test_a_step_that_opens_a_hole_is_told_by_its_name():
    gone = (event(Kind.ACCEPTED), NEGOTIATED, *ARRIVED[3:4], CLOSED)
    later = replace(evidence(*gone, anchors=""), step="root taken away")
    made = replace(evidence(*ARRIVED), then=(later,))
    (found,) = traps({"5.0.9": [on("5.0.9", "a.one", _in(made, "5.0.9"))]})
    assert (found.why, found.exposure) == ("root taken away", WRONG)
    assert found.example.step.evidence.step == "root taken away"


def _in(made, release):
    agent = replace(made.agent, version=release, label=f"Fluent Bit {release}")
    then = tuple(replace(one, agent=agent) for one in made.then)
    return replace(made, agent=agent, then=then)


def test_what_an_output_says_beside_its_upstream_file_makes_it_look_safe():
    bare = evidence(*IN_CLEARTEXT)
    config = (
        "[OUTPUT]\n    Name http\n    Upstream /a/file\n    tls on\n"
        "[UPSTREAM]\n    Name x\n[NODE]\n    Name n\n    Host h\n"
    )
    seen = replace(bare, agent=replace(bare.agent, config=config))
    assert looks_safe(seen, CLEAR)
    assert around_the_node(seen) == {"tls": "on"}
    assert around_the_node(bare) is None
