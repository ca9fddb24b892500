from __future__ import annotations

from collections import Counter

import pytest

from flb_handshake import catalogue
from flb_handshake.errors import CatalogueError, UnknownScenario
from flb_handshake.outcomes import Outcome
from flb_handshake.peer.events import ALERT_NAMES

HEAD = """
from flb_handshake.declare import *
from flb_handshake.declare import (
    HEALTHY, CAFile, Case, Mode, case, delivered, expired, matrix, not_started, output, refused,
    scenario, Outcome,
)
"""


@pytest.fixture(scope="module")
def scenarios():
    return catalogue.load()


def test_at_least_four_hundred_cases_of_every_family(scenarios):
    families = Counter(one.id.split(".")[0] for one in scenarios)
    wanted = {"mode", "trust", "names", "validity", "usage", "strength", "files", "article"}
    assert wanted | {"syntax"} <= set(families)
    assert sum(families.values()) >= 400
    assert families["mode"] == 5 * 16 * 4


def test_every_refusal_has_a_twin_in_which_the_defect_is_gone(scenarios):
    for one in scenarios:
        if not one.expectation.does.outcome.arrived:
            assert one.control is not None, one.id
            assert one.control != one.setup, one.id


def test_every_case_says_why_and_where(scenarios):
    for one in scenarios:
        assert len(one.because) > 20, one.id
        file, line = one.where.split(":")
        assert file.startswith("scenarios/")
        assert file.endswith(".py")
        assert int(line) > 0


def test_ids_survive_a_shell_and_a_pytest_expression(scenarios):
    for one in scenarios:
        assert not set(one.id) & set(" '\"\\/#$&;|<>()"), one.id


def test_should_repeats_no_release_s_does(scenarios):
    for one in scenarios:
        does = one.expectation.does
        every = {does.outcome, *(earlier.outcome for _, earlier in does.earlier)}
        assert every != {one.expectation.should}, one.id


def load(tmp_path, body, head=HEAD):
    (tmp_path / "mine.py").write_text(head + body)
    return catalogue.load(tmp_path)


def test_a_case_of_ones_own_is_found_under_its_file_and_function(tmp_path):
    body = """
@matrix(mode=(Mode.NONE, Mode.VERIFY_PEER), ca=(CAFile.ROOT, CAFile.OTHER_AND_ROOT))
def fine(mode: Mode, ca: CAFile) -> Case:
    "All is well."
    return case(output(mode).but(ca=ca), delivered())
"""
    found = load(tmp_path, body)
    assert [one.id for one in found][-1] == "mine.fine[mode=verify_peer-ca=other_and_right_root]"
    assert len(found) == 4
    assert found[0].control is None
    assert found[1].control == found[0].setup


GOOD = 'def fine() -> Case:\n    "Why."\n    return case(output(), delivered())\n'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "no function here is marked"),
        ("import os\n@scenario\n" + GOOD, "imports os"),
        ("from . import other\n@scenario\n" + GOOD, "imports ."),
        ("@scenario\ndef broken(:\n", "syntax error"),
        ("x = 1 / 0\n", "ZeroDivisionError"),
        ("@scenario\ndef silent() -> Case:\n    return case(output(), delivered())\n", "docstring"),
        ("@matrix(mode=(Mode.NONE,))\n" + GOOD, "other arguments than the axes mode"),
        ('@scenario\ndef none() -> Case:\n    "Why."\n    return None\n', "gives no case"),
        (
            '@scenario\ndef odd() -> Case:\n    "Why."\n'
            "    return case(output().but(colour=1), delivered())\n",
            "colour",
        ),
        (
            '@scenario\ndef bare() -> Case:\n    "Why."\n'
            '    return case(output(), refused("unknown_ca"))\n',
            "nothing is wrong",
        ),
        (
            '@scenario\ndef odd() -> Case:\n    "Why."\n'
            '    return case(output().but(ca=CAFile.OTHER_ROOT), refused("no_such"))\n',
            "no_such is no TLS alert",
        ),
        (
            '@scenario\ndef odd() -> Case:\n    "Why."\n'
            '    return case(output().but(ca=CAFile.MISSING), not_started(""))\n',
            "what the log says",
        ),
        (
            '@scenario\ndef odd() -> Case:\n    "Why."\n'
            "    return case(output(), delivered(), should=Outcome.DELIVERED)\n",
            "`should` repeats `does`",
        ),
        (
            '@matrix(word=("a b", "a_b"))\ndef odd(word: str) -> Case:\n    "Why."\n'
            "    return case(output(), delivered())\n",
            "two scenarios are called mine.odd[word=a_b]",
        ),
    ],
    ids=lambda text: "file" if "\n" in text else text[-20:],
)
def test_a_malformed_file_is_named_with_its_line_and_its_trouble(tmp_path, body, says):
    with pytest.raises(CatalogueError) as told:
        load(tmp_path, body)
    assert says in str(told.value)
    assert "mine.py" in str(told.value)
    assert told.value.hint


def test_a_runtime_error_names_the_line_in_the_file(tmp_path):
    with pytest.raises(CatalogueError, match=r"mine\.py:3: ZeroDivisionError"):
        load(tmp_path, "\n\nx = 1 / 0\n", head="")


def test_an_empty_directory_is_said_to_be_empty(tmp_path):
    with pytest.raises(CatalogueError, match="no scenario files"):
        catalogue.load(tmp_path)


def test_an_unknown_id_gets_the_nearest_ones(scenarios):
    with pytest.raises(UnknownScenario) as told:
        catalogue.find(scenarios, "mode.cell[mode=verify_peer-ca=rot-collector=healthy]")
    assert "mode.cell[mode=verify_peer-ca=root-collector=healthy]" in told.value.hint


def test_a_pattern_is_an_id_a_part_or_a_glob(scenarios):
    whole = "mode.cell[mode=none-ca=root-collector=healthy]"
    assert [one.id for one in catalogue.select(scenarios, [whole])] == [whole]
    assert len(catalogue.select(scenarios, ["mode.off"])) == 64
    assert len(catalogue.select(scenarios, ["mode.cell[mode=none*expired]"])) == 16
    assert catalogue.select(scenarios, []) == scenarios
    with pytest.raises(UnknownScenario):
        catalogue.select(scenarios, ["mode.off", "nonsense-9"])


def test_every_outcome_of_the_issue_is_somewhere_in_the_catalogue(scenarios):
    outcomes = {one.expectation.does.outcome for one in scenarios}
    assert {
        Outcome.DELIVERED,
        Outcome.CLEARTEXT,
        Outcome.REFUSED_BY_AGENT,
        Outcome.REFUSED_BY_PEER,
        Outcome.NOT_STARTED,
    } <= outcomes


def test_every_alert_that_iana_knows_is_injected():
    found = catalogue.select(catalogue.load(), ["transport.injected_alert"])
    assert {dict(one.labels)["alert"] for one in found} == ALERT_NAMES
