"""Several releases in one command: `run` side by side, and `diff`, played and recorded."""

from __future__ import annotations

import json

import pytest
from test_command import AGENT, assert_one_clear_error, command

from flb_handshake.agent.choice import Chosen
from flb_handshake.agent.contract import AgentKind
from flb_handshake.agent.process import find_binary
from flb_handshake.agent.reference import open_reference
from flb_handshake.commands import diff
from flb_handshake.errors import AgentUnavailable, UserMistake
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.releases import RELEASES

OLDER = next((one for one in RELEASES if find_binary(one) and one != DEFAULT_VERSION), "")
NAMES = "names.dialled_by_a_name_of_another"

two_real = pytest.mark.skipif(
    not (OLDER and find_binary(DEFAULT_VERSION)), reason="there are no two Fluent Bits here"
)


@two_real
def test_two_releases_are_played_and_shown_side_by_side(tmp_path):
    lines = tmp_path / "both.jsonl"
    refs = ("--fluent-bit", OLDER, "--fluent-bit", DEFAULT_VERSION)
    done = command("run", NAMES, "--agent", "process", *refs, "--jsonl", lines)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {one["fluent_bit"] for one in told} == {OLDER, DEFAULT_VERSION}
    assert f"{NAMES}  " in done.stdout
    assert "of 2 alike" in done.stdout
    for ref in (OLDER, DEFAULT_VERSION):
        assert f"\n{ref}: 2 scenarios: " in done.stdout
        assert f"Fluent Bit {ref}, process" in done.stderr


@two_real
def test_an_upgrade_is_played_on_both_sides():
    done = command("diff", OLDER, DEFAULT_VERSION, "validity.unverified", "--agent", "process")
    assert done.returncode == 0, done.stderr
    assert f"from  Fluent Bit {OLDER}, played now (" in done.stdout
    assert f"to    Fluent Bit {DEFAULT_VERSION}, played now (" in done.stdout
    assert "6 situations compared, 6 alike" in done.stdout


def test_the_same_release_given_twice_is_played_once():
    refs = ("--fluent-bit", DEFAULT_VERSION) * 2
    done = command("run", "validity.unverified", "--agent", AGENT, *refs)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("agent: ") == 1


def test_a_release_and_itself_do_not_differ():
    done = command("diff", *(DEFAULT_VERSION,) * 2, "validity.unverified", "--agent", AGENT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[3:] == ["6 situations compared, 6 alike"]


def test_what_was_recorded_is_compared_without_any_fluent_bit():
    done = command("diff", "3.0.6", "3.0.7", NAMES, "--recorded", PATH="/nowhere")
    assert done.returncode == 1, done.stderr
    assert "agent: " not in done.stderr
    assert "from  Fluent Bit 3.0.6, recorded evidence (" in done.stdout
    assert "no longer let through (1)" in done.stdout
    assert "! delivered  ->  bad_certificate" in done.stdout


def test_an_upgrade_that_changes_nothing_weighty_is_no_failure():
    done = command("diff", "4.0.14", "4.2.8", "validity", "--recorded")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "27 situations compared, 27 alike" in done.stdout


def test_programs_get_an_upgrade_as_one_object():
    done = command("diff", "3.0.6", "3.0.7", NAMES, "--recorded", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["from"].startswith("Fluent Bit 3.0.6, recorded evidence")
    assert (told["compared"], told["alike"]) == (1, 0)
    assert told["not_compared"] == {"from": 0, "to": 0, "neither": 1}
    (change,) = told["changes"]
    assert (change["id"], change["grade"]) == (f"{NAMES}[mode=verify_peer]", "NOW_REFUSED")
    assert change["exposure_before"] == ["NAME_UNCHECKED"]
    assert change["exposure_after"] == []


def test_nothing_to_compare_is_a_mistake_and_no_good_news(monkeypatch):
    monkeypatch.setattr(diff, "recorded", lambda *_: [])
    with pytest.raises(UserMistake, match=r"no results of both 3\.0\.6 and 3\.0\.7"):
        diff.diff("3.0.6", "3.0.7", [NAMES], only_recorded=True)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--recorded",), 2, ("nothing was recorded of Fluent Bit 0.0.1", "1.9.10")),
        (("--agent", "process"), 3, ("0.0.1",)),
        ((), 3, ("0.0.1",)),
    ],
)
def test_a_release_that_is_neither_here_nor_recorded(options, code, says):
    done = command("diff", "0.0.1", DEFAULT_VERSION, "mode.off", *options)
    assert_one_clear_error(done, code, *says)


def no_agent(*_):
    raise AgentUnavailable("it is not here", hint="bring it")


def the_model(*_):
    return Chosen(agent=open_reference(DEFAULT_VERSION), why="there is nothing else")


@pytest.mark.parametrize("choose", [no_agent, the_model])
def test_evidence_stands_in_for_a_release_that_is_not_here(monkeypatch, choose):
    """And so it does for one that only the model could play."""
    monkeypatch.setattr(diff, "choose", choose)
    assert diff._at_hand(AgentKind.AUTO, DEFAULT_VERSION) is None


def test_evidence_does_not_stand_in_for_what_was_asked_for_by_name(monkeypatch):
    monkeypatch.setattr(diff, "choose", no_agent)
    with pytest.raises(AgentUnavailable):
        diff._at_hand(AgentKind.PROCESS, DEFAULT_VERSION)
    monkeypatch.setattr(diff, "choose", the_model)
    chosen = diff._at_hand(AgentKind.REFERENCE, DEFAULT_VERSION)
    assert chosen is not None
    assert chosen.agent.identity.kind is AgentKind.REFERENCE
