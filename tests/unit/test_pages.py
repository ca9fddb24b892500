"""The pages that are made from recorded evidence: what is told once, and what is told apart."""

from __future__ import annotations

import re

import pytest
from builders import evidence
from releases_told import (
    ARRIVED,
    IN_CLEARTEXT,
    OF_ANOTHER_HOST,
    REFUSED,
    lacking,
    on,
    scenario,
)

from flb_handshake import catalogue, pages
from flb_handshake.declare import delivered
from flb_handshake.expectations import Expectation
from flb_handshake.report import exposures, families, markdown, truth_table
from flb_handshake.report.ledger import Ledger
from flb_handshake.report.questions import QUESTIONS
from flb_handshake.report.spans import alike, span
from flb_handshake.traps import traps

RELEASES = ("1.9.10", "3.0.6", "3.0.7", "4.2.8", "5.1.1")
NAME = "tls.verify_hostname"
WRONG_NAME = evidence(*ARRIVED, sent=OF_ANOTHER_HOST, chain="names another")
TOLD = {"family": "A family: of tests.", "family.cell": "Why it is so."}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (RELEASES, "every release"),
        (RELEASES[:2], "1.9.10 to 3.0.6"),
        (("3.0.7",), "3.0.7"),
        (("1.9.10", "3.0.6", "4.2.8", "5.1.1"), "1.9.10 to 3.0.6, 4.2.8 to 5.1.1"),
        (("5.1.1", "1.9.10"), "1.9.10, 5.1.1"),
        ((), ""),
    ],
)
def test_releases_beside_each_other_are_a_range(found, told):
    assert span(found, RELEASES) == told


def test_one_release_alone_is_called_by_its_name():
    assert span(("5.1.1",), ("5.1.1",)) == "5.1.1"


def test_releases_that_show_the_same_stand_together():
    shows = {"1.9.10": "a", "3.0.6": "a", "3.0.7": "b", "4.2.8": "a", "5.1.1": "c"}
    assert list(alike(RELEASES, shows.__getitem__)) == [
        (("1.9.10", "3.0.6", "4.2.8"), "a"),
        (("3.0.7",), "b"),
        (("5.1.1",), "c"),
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain, no_intermediate", "plain, no_intermediate"),
        ("the <TLS> block, *.example", r"the \<TLS> block, \*.example"),
        ("_x and `_x <y>`", r"\_x and `_x <y>`"),
        ("a > b", "a > b"),
    ],
)
def test_what_is_no_markup_is_not_taken_for_any(text, written):
    assert markdown.prose(text) == written


def test_a_bar_or_a_line_end_does_not_break_a_table():
    assert markdown.table(["a"], [["x | y\nz"]]) == "| a |\n| --- |\n| x \\| y z |\n"


def test_code_may_hold_backticks():
    assert markdown.code("on") == "`on`"
    assert markdown.code("a `b` c") == "`` a `b` c ``"


def cells(*names):
    return [scenario(f"family.cell[mode={mode}-ca={ca}]") for mode, ca in names]


FOUR = cells(("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"))


def played(**others):
    """All four cells delivered on three releases, but for what is given by cell and release."""
    told = {}
    for release in ("3.0.6", "3.0.7", "5.1.1"):
        told[release] = [
            others.get(f"{''.join(value for _, value in one.labels)}_{release}")
            or on(release, one, evidence(*ARRIVED))
            for one in FOUR
        ]
    return told


def page(told):
    return families.page("family", FOUR, Ledger.of(told), TOLD)


def test_what_all_releases_do_alike_is_one_table():
    text = page(played())
    assert text.count("| --- | --- |") == 1
    assert "| a | delivered | delivered |" in text
    assert "†" not in text.split("## family.cell")[1]


def test_only_what_differs_is_told_by_release():
    refused = {"ax_3.0.7": on("3.0.7", FOUR[0], evidence(*REFUSED))}
    text = page(played(**refused)).split("## family.cell")[1]
    assert "| a | delivered † | delivered |" in text
    assert "| b | delivered | delivered |" in text
    assert "| † mode | ca | 3.0.6, 5.1.1 | 3.0.7 |" in text
    assert "| a | x | delivered | ✗ bad_certificate |" in text


def test_rows_that_releases_fill_alike_are_one_row():
    changed = {
        f"{cell}_3.0.7": on("3.0.7", one, evidence(*REFUSED))
        for cell, one in zip(("ax", "ay", "bx", "by"), FOUR, strict=True)
    }
    text = page(played(**changed))
    assert "| a, b | each | delivered | ✗ bad_certificate |" in text


def test_what_a_release_lacks_is_no_difference_and_told_with_its_reason():
    told = played()
    told["3.0.6"] = [lacking("3.0.6", one, f"`{NAME}` (3.1 and later)") for one in FOUR]
    text = page(told).split("## family.cell")[1]
    assert "†" not in text
    assert f"n/a on 3.0.6: no `{NAME}` (3.1 and later)." in text


def test_what_is_not_recorded_is_said_and_no_failure():
    told = played()
    told["3.0.6"] = []
    del told["5.1.1"][0]
    text = page(told)
    assert "Not recorded yet: 4 of 4 on 3.0.6; 1 of 4 on 5.1.1." in text
    assert "| a | ? † | delivered |" in text
    assert "Not recorded yet: 4 of 4 on every release" in page({"3.0.6": [], "5.1.1": []})


def test_a_reason_that_all_rows_share_is_told_once_and_others_in_their_rows():
    assert "| why |" not in page(played())
    four = [
        scenario(one.id, because=f"Why it is so. Row {dict(one.labels)['mode']}.") for one in FOUR
    ]
    told = {"5.1.1": [on("5.1.1", one, evidence(*ARRIVED)) for one in four]}
    text = families.page("family", four, Ledger.of(told), TOLD)
    assert "| a | delivered | delivered | Row a. |" in text


def test_what_an_expectation_speaks_of_is_shown():
    does = delivered().showing(version="TLSv1.2", offered_alpn=("h2",), client_subject=None)
    one = scenario("family.single", expectation=Expectation(does=does))
    told = {name: [on(name, one, evidence(*ARRIVED))] for name in ("3.0.7", "5.1.1")}
    text = families.page("family", [one], Ledger.of(told), {})
    shown = "version TLSv1.3, offered_alpn none, client_subject none"
    assert f"- every release: ✗ delivered, {shown}\n" in text


def test_the_page_of_a_release_holds_what_that_release_did():
    told = played(**{"ax_3.0.7": on("3.0.7", FOUR[0], evidence(*IN_CLEARTEXT))})
    ledger = Ledger.of(told)
    text = truth_table.page_of_a_release("3.0.7", FOUR, ledger)
    assert "# Fluent Bit 3.0.7\n" in text
    assert "OpenSSL 3.0.22" in text
    assert "| a | ✗ CLEARTEXT | delivered |" in text
    assert "CLEARTEXT" not in truth_table.page_of_a_release("5.1.1", FOUR, ledger)


SCENARIOS = catalogue.load()


def test_every_question_has_its_scenario_and_none_is_asked_twice():
    asked = [name for _, questions in QUESTIONS for _, name in questions]
    assert set(asked) <= {one.id for one in SCENARIOS}
    assert len(asked) == len(set(asked))


def test_the_truth_table_answers_from_the_results_and_counts_them():
    known = {one.id: one for one in SCENARIOS}
    one = known["mode.cell[mode=verify_peer-ca=root-collector=wrong_host]"]
    told = {
        "3.0.6": [on("3.0.6", one, WRONG_NAME)],
        "3.0.7": [on("3.0.7", one, evidence(*REFUSED))],
    }
    text = truth_table.page(SCENARIOS, Ledger.of(told), catalogue.introductions())
    (row,) = [line for line in text.splitlines() if "another host's, and nothing" in line]
    assert row.endswith("| ! delivered | bad_certificate |")
    (mode,) = [line for line in text.splitlines() if line.startswith("| [mode]")]
    assert mode.endswith("| Mode x CA.File x collector | 1 / 1 | 1 / 0 |")
    assert "Recorded on 3.0.6, 3.0.7, with OpenSSL 3.0.22" in text
    assert f"Not recorded yet: {len(SCENARIOS) - 1} of {len(SCENARIOS)} on every release." in text


def test_every_link_between_the_pages_leads_somewhere():
    one = next(one for one in SCENARIOS if one.id.startswith("mode.cell"))
    told = {"5.1.1": [on("5.1.1", one, WRONG_NAME)]}
    made = pages.made_of(SCENARIOS, told, catalogue.introductions())
    assert "truth-table/mode.md" in made
    assert "truth-table/5.1.1.md" in made
    headings = {
        name: {markdown.anchor(line.lstrip("# ")) for line in text.splitlines() if line[:1] == "#"}
        for name, text in made.items()
    }
    for name, text in made.items():
        for target, place in re.findall(r"\]\(([\w./-]*)#?([\w-]*)(?: \"[^\"]+\")?\)", text):
            folder = name.rpartition("/")[0]
            path = "/".join(filter(None, (folder, target))) if target else name
            path = re.sub(r"[\w-]+/\.\./", "", path)
            assert path in made, (name, target)
            assert not place or place in headings[path], (name, target, place)


def test_the_page_of_exposures_shows_the_smallest_section_with_placeholders():
    given = (
        ("tls", "on"),
        ("tls.verify", "on"),
        ("tls.vhost", "logs.example.test"),
        ("tls.ca_file", "/job/ca.pem"),
        ("tls.debug", "1"),
    )
    one = "family.cell[mode=a-ca=x]"
    seen = evidence(*ARRIVED, sent=OF_ANOTHER_HOST, properties=given, chain="names another")
    told = {
        "3.0.6": [on("3.0.6", one, seen)],
        "3.0.7": [on("3.0.7", one, evidence(*REFUSED))],
        "5.1.1": [on("5.1.1", one, seen)],
    }
    text = exposures.page(traps(told), Ledger.of(told))
    assert (
        "[OUTPUT]\n"
        "    name        http\n"
        "    match       *\n"
        "    host        logs.example.test\n"
        "    port        443\n"
        "    tls         on\n"
        "    tls.verify  on\n"
        "    tls.ca_file /etc/fluent-bit/certs/ca.pem\n"
        "```"
    ) in text
    assert "**Holds for** 3.0.6, 5.1.1 (`http`)." in text
    assert "Elsewhere: 3.0.7: ✗ bad_certificate." in text
    assert "**Fix** (3.0.6): move to Fluent Bit 3.1 or later" in text
    assert "**Fix** (5.1.1): set tls.verify_hostname on" in text
    assert "| NAME_UNCHECKED | ! | · | ! |" in text
