"""The pages of `docs/` are what catalogue and evidence say, and what a reader can open."""

from __future__ import annotations

from pathlib import Path

import pytest
from rejudged import SCENARIOS, judged

from flb_handshake import catalogue, pages, recorded
from flb_handshake.diagnosis.vocabulary import WORD_OF, Word
from flb_handshake.report import causes
from flb_handshake.reported import UNPLAYED

DOCS = Path(__file__).parents[2] / "docs"
COMMAND = "python docs/write.py"
LARGEST = 2_000_000


@pytest.fixture(scope="module")
def made():
    played = {one: tuple(judged(one).values()) for one in recorded.releases()}
    return pages.made_of(SCENARIOS, played, catalogue.introductions())


@pytest.fixture(scope="module")
def written():
    return {
        path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
        for path in DOCS.rglob("*.md")
        if pages.is_made(path.relative_to(DOCS).as_posix())
    }


def test_the_pages_are_up_to_date(made, written):
    assert written.keys() == made.keys(), f"write them anew: {COMMAND}"
    stale = [name for name, text in made.items() if written[name] != text]
    assert not stale, f"write them anew: {COMMAND}"


def test_the_pages_are_small_enough_to_be_read(made):
    assert sum(len(text.encode()) for text in made.values()) < LARGEST


def test_every_row_of_a_table_has_the_cells_of_its_head(made):
    for name, text in made.items():
        width = 0
        for line in text.splitlines():
            bars = line.replace("\\|", "").count("|") if line.startswith("|") else 0
            assert not bars or not width or bars == width, (name, line)
            width = bars


def test_each_public_report_is_named_once(made):
    text = made["field-reports.md"]
    for one in SCENARIOS:
        if one.report:
            assert text.count(f"[{one.report.id}]({one.report.url})") == 1
    for name, reason in UNPLAYED.items():
        assert f"| {name} | {reason} |" in text


def test_what_is_known_to_look_safe_is_told_as_that(made):
    text = made["exposures.md"]
    told = {line for line in text.splitlines() if line.startswith("## ")}
    for title in (
        "Output, tls is no boolean (tls word is no boolean)",
        "Output, tls.verify on, tls.verify_hostname is not set (name not checked)",
        "Input, tls.verify off, tls.verify_client_cert on (anonymous client accepted)",
    ):
        assert [one for one in told if one.endswith(title)], title


@pytest.mark.parametrize("word", Word)
def test_what_shows_a_cause_is_judged_to_have_it(word, made):
    # Catches a section whose log is that of another trouble, and a word without a section.
    assert f"\n## {word}\n" in made["causes.md"]
    name = causes.scenario(word)
    if name is None:
        assert word is Word.RESOURCE_LIMIT
        return
    told = [step.causes[0].cause for step in judged("5.1.1")[name].steps if step.causes]
    # The judge calls it so too where the store of the system is what counts.
    wanted = Word.UNTRUSTED_CA if word is Word.SYSTEM_CA else word
    assert wanted in {WORD_OF.get(cause) for cause in told}, (name, told)
    assert f"**Scenario**: [`{name}`]" in made["causes.md"]
