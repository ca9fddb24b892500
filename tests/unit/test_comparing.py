"""What an upgrade changes: in which way, what is told first, and what is not compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import ACCEPTED, CLOSED, TLS_BYTES, alert, evidence
from releases_told import ARRIVED, IN_CLEARTEXT, OF_ANOTHER_HOST, REFUSED, lacking, on

from flb_handshake.comparing import WEIGHTY, Comparison, Grade, compare
from flb_handshake.report import differences

DELIVERED = evidence(*ARRIVED)
EXPOSED = evidence(*ARRIVED, sent=OF_ANOTHER_HOST)
REFUSAL = evidence(*REFUSED)
OTHER_ALERT = evidence(ACCEPTED, TLS_BYTES, alert("agent", "unknown_ca"), CLOSED)
BY_PEER = evidence(ACCEPTED, TLS_BYTES, alert("peer", "bad_certificate"), CLOSED)
NOT_STARTED = evidence(exit_code=255)
STALLED = evidence()
NEITHER_DID = evidence(harness_error="no room")


def said(seen, *lines):
    log = tuple(f"[2026/11/24 12:00:00.0] [error] {line}" for line in lines)
    return replace(seen, agent=replace(seen.agent, log=log))


EOF = "[tls] error: unexpected EOF"
REASON = "[tls] error: error:0A000086:SSL routines::certificate verify failed"


def between(before: object, after: object) -> Comparison:
    """The comparison of one scenario; what is no evidence is what the release lacks."""
    results = [
        lacking(release, "a.one", seen) if isinstance(seen, str) else on(release, "a.one", seen)
        for release, seen in (("4.2.8", before), ("5.1.1", after))
    ]
    return compare(results[:1], results[1:])


GRADES = {
    "exposed": (DELIVERED, EXPOSED, Grade.NOW_EXPOSED),
    "in cleartext": (DELIVERED, evidence(*IN_CLEARTEXT), Grade.NOW_EXPOSED),
    "a refusal that is gone, and exposed": (REFUSAL, EXPOSED, Grade.NOW_EXPOSED),
    "refused": (DELIVERED, REFUSAL, Grade.NOW_REFUSED),
    "refused in place of exposed": (EXPOSED, REFUSAL, Grade.NOW_REFUSED),
    "refused at another step": (
        replace(REFUSAL, then=(DELIVERED,)),
        replace(DELIVERED, then=(REFUSAL,)),
        Grade.NOW_REFUSED,
    ),
    "accepted": (REFUSAL, DELIVERED, Grade.NOW_ACCEPTED),
    "starts": (NOT_STARTED, DELIVERED, Grade.WORKS),
    "no longer stalls": (STALLED, DELIVERED, Grade.WORKS),
    "the peer's refusal is gone": (BY_PEER, DELIVERED, Grade.WORKS),
    "safe": (EXPOSED, DELIVERED, Grade.NO_LONGER_EXPOSED),
    "another alert": (REFUSAL, OTHER_ALERT, Grade.OTHERWISE),
    "another side": (REFUSAL, BY_PEER, Grade.OTHERWISE),
    "another line": (said(REFUSAL, EOF), said(REFUSAL, REASON), Grade.LOG),
    "no line": (said(REFUSAL, EOF), REFUSAL, Grade.LOG),
    "gained": ("`x` (5.1 and later)", DELIVERED, Grade.GAINED),
    "lost": (DELIVERED, "`x` any more", Grade.LOST),
    "alike": (DELIVERED, DELIVERED, None),
}


@pytest.mark.parametrize("case", GRADES)
def test_each_change_has_its_grade(case):
    before, after, grade = GRADES[case]
    found = between(before, after)
    assert [one.grade for one in found.changes] == ([grade] if grade else [])
    assert found.alike == (0 if grade else 1)


@pytest.mark.parametrize("after", ["`x`", NEITHER_DID])
def test_what_says_nothing_of_the_agent_is_not_alike(after):
    found = between("`x`" if after == "`x`" else DELIVERED, after)
    assert (found.compared, found.untold, found.changes) == (0, 1, ())


def test_what_works_at_last_stops_no_upgrade():
    assert not {Grade.WORKS, Grade.LOG, Grade.GAINED, Grade.NO_LONGER_EXPOSED} & WEIGHTY
    assert {Grade.NOW_EXPOSED, Grade.NOW_REFUSED, Grade.LOST} <= WEIGHTY


def test_what_only_one_side_has_is_counted_and_never_alike():
    before = [on("4.2.8", name, DELIVERED) for name in ("a.one", "a.two")]
    after = [on("5.1.1", name, DELIVERED) for name in ("a.two", "a.three", "a.four")]
    found = compare(before, after)
    assert (found.compared, found.alike) == (1, 1)
    assert (found.only_before, found.only_after) == (1, 2)
    text = differences.page(found, ("A", "B"))
    assert "1 situation compared, 1 alike" in text
    assert "1 not compared: there is no evidence but of 'from'" in text
    assert "2 not compared: there is no evidence but of 'to'" in text


def sides():
    """Two releases that differ in many ways, the harmless first."""
    changes = [
        (said(REFUSAL, EOF), said(REFUSAL, REASON)),
        (REFUSAL, DELIVERED),
        (DELIVERED, REFUSAL),
        (DELIVERED, EXPOSED),
        (DELIVERED, DELIVERED),
    ]
    before = [on("4.2.8", f"f{n}.one[x=1]", old) for n, (old, _) in enumerate(changes)]
    after = [on("5.1.1", f"f{n}.one[x=1]", new) for n, (_, new) in enumerate(changes)]
    return before, after


def test_the_most_dangerous_is_told_first_and_the_counts_before_all():
    before, after = sides()
    names = tuple(
        differences.name(found, how)
        for found, how in ((before, "recorded evidence"), (after, "played now"))
    )
    told = differences.page(compare(before, after), names).splitlines()
    assert told[:4] == [
        "from  Fluent Bit 4.2.8, recorded evidence (OpenSSL 3.0.22)",
        "to    Fluent Bit 5.1.1, played now (OpenSSL 3.0.22)",
        "",
        "5 situations compared, 1 alike",
    ]
    heads = [line for line in told if line.endswith(" (1)")]
    assert heads == [
        "now exposed (1)",
        "no longer let through (1)",
        "let through, and was refused (1)",
        "the log says in other words (1)",
    ]
    exposed = told[told.index(heads[0]) : told.index(heads[1])]
    assert exposed[1:4] == [
        "     1  f3.one",
        "        delivered  ->  ! delivered",
        "        e.g. f3.one[x=1]",
    ]
    assert exposed[4].startswith("        why  the certificate bears DNS:other.example.test")
    assert exposed[5].startswith("        fix  set tls.verify_hostname on")


def test_a_line_that_gives_two_signs_is_quoted_once():
    found = between(said(REFUSAL, EOF), said(REFUSAL, REASON))
    text = differences.page(found, ("A", "B"))
    assert text.count(f"- {EOF}") == 1
    assert text.count(f"+ {REASON}") == 1


@pytest.mark.parametrize(
    ("before", "after", "head"),
    [
        (said(REFUSAL, EOF), REFUSAL, "the log no longer says (1)"),
        (REFUSAL, said(REFUSAL, EOF), "the log says, and did not (1)"),
    ],
)
def test_a_log_that_falls_silent_is_told_apart_from_one_that_speaks_up(before, after, head):
    assert head in differences.page(between(before, after), ("A", "B")).splitlines()


def test_of_many_kinds_of_the_same_the_rest_is_counted():
    names = [f"f{n}.one" for n in range(9)]
    before = [on("4.2.8", name, NOT_STARTED) for name in names]
    after = [on("5.1.1", name, DELIVERED) for name in names]
    text = differences.page(compare(before, after), ("A", "B"))
    assert text.count("e.g. ") == 6
    assert "     3  of 3 more kinds; --json has each of them" in text


def test_programs_get_each_change():
    before, after = sides()
    told = differences.document(compare(before, after), ("A", "B"))
    assert (told["from"], told["to"], told["compared"], told["alike"]) == ("A", "B", 5, 1)
    assert [one["grade"] for one in told["changes"]] == [
        "NOW_EXPOSED",
        "NOW_REFUSED",
        "NOW_ACCEPTED",
        "LOG",
    ]
    assert told["changes"][0]["exposure_after"] == ["NAME_UNCHECKED"]
    assert told["changes"][-1]["log_lost"] == ["unexpected_eof"]
