"""Several releases beside each other: what they do not do alike, and how much they do."""

from __future__ import annotations

import io

from builders import evidence
from releases_told import ARRIVED, REFUSED, lacking, on
from rich.console import Console

from flb_handshake.report import side_by_side

DELIVERED, REFUSAL = evidence(*ARRIVED), evidence(*REFUSED)


def shown(played, **kept):
    console = Console(file=io.StringIO(), width=160)
    side_by_side.show(console, played, kept)
    return console.file.getvalue()


def test_only_what_differs_has_a_row_and_each_release_a_column():
    text = shown(
        {
            "3.0.7": [on("3.0.7", "f.c[a=x]", REFUSAL), on("3.0.7", "f.c[a=y]", DELIVERED)],
            "5.1.1": [on("5.1.1", "f.c[a=x]", DELIVERED), on("5.1.1", "f.c[a=y]", DELIVERED)],
        }
    )
    rows = [line.split() for line in text.splitlines()]
    assert ["f.c", "1", "of", "2", "alike"] in rows
    assert ["3.0.7", "5.1.1"] in rows
    assert ["[a=x]", "✗", "bad_certificate", "delivered"] in rows
    assert not [row for row in rows if row and row[0] == "[a=y]"]


def test_what_a_release_lacks_is_no_difference():
    played = {
        "2.2.3": [lacking("2.2.3", "f.c[a=x]", "`x`")],
        "4.2.8": [on("4.2.8", "f.c[a=x]", DELIVERED)],
        "5.1.1": [on("5.1.1", "f.c[a=x]", DELIVERED)],
    }
    assert "f.c  1 of 1 alike" in shown(played)
    played["5.1.1"] = [on("5.1.1", "f.c[a=x]", REFUSAL)]
    rows = [line.split() for line in shown(played).splitlines()]
    assert ["[a=x]", "unsupported", "delivered", "✗", "bad_certificate"] in rows


def test_every_failure_is_told_in_full_with_its_release():
    text = shown(
        {
            "3.0.7": [on("3.0.7", "f.c", REFUSAL)],
            "5.1.1": [on("5.1.1", "f.c", DELIVERED)],
        }
    )
    assert "UNEXPECTED_FAILURE scenario f.c    Fluent Bit 3.0.7 · process" in text
    assert text.count("UNEXPECTED_FAILURE") == 1
