"""What the logs of two releases still tell of what both refuse."""

from __future__ import annotations

import pytest
from builders import ACCEPTED, CLOSED, TLS_BYTES, alert, evidence
from releases_told import ARRIVED, on

from flb_handshake.comparing import compare
from flb_handshake.outcomes import Side
from flb_handshake.report import differences


def logged(text, level="error"):
    return f"[2026/11/24 12:00:00] [{level}] {text}"


EXPIRED = logged("[tls] certificate verification failed, reason: expired (X509 code: 10)")
UNTRUSTED = logged("[tls] certificate verification failed, reason: unknown (X509 code: 20)")
FAILED = logged("[tls] error: error:0A000086:SSL routines::certificate verify failed")


def refused(*log, by="agent"):
    return evidence(ACCEPTED, TLS_BYTES, alert(by, "unknown_ca"), CLOSED, log=log)


def between(before, after):
    earlier = [on("4.2.8", f"a.b{number}", one) for number, one in enumerate(before)]
    later = [on("5.1.1", f"a.b{number}", one) for number, one in enumerate(after)]
    return compare(earlier, later)


def told(before, after):
    (found,) = between(before, after).tellings
    return found.refusals, found.told, found.reasons


def test_reasons_that_one_log_tells_apart_and_the_other_does_not_are_counted():
    before = [refused(EXPIRED), refused(UNTRUSTED), refused(EXPIRED)]
    assert told(before, [refused(FAILED)] * 3) == (3, (3, 3), (2, 1))


def test_a_log_that_says_nothing_gives_no_reason():
    assert told([refused()], [refused(FAILED)]) == (1, (0, 1), (0, 1))


@pytest.mark.parametrize(
    "line",
    [
        logged("[tls] error: error:1", "debug"),
        logged("[http_client] broken connection"),
        logged("[tls] connection #9 SSL_connect: error in error"),
    ],
)
def test_what_is_not_said_by_tls_at_the_default_level_is_no_reason(line):
    assert told([refused(line)], [refused(FAILED)]) == (1, (0, 1), (0, 1))


def test_paths_and_numbers_of_a_run_make_no_other_reason():
    said = [refused(logged(f"[tls] ca_file '/x/{n}.pem' failed on #{n}")) for n in range(2)]
    assert told(said, said) == (2, (2, 2), (1, 1))


def test_only_what_both_refuse_from_the_same_side_is_counted_and_each_side_by_itself():
    by_peer = refused(EXPIRED, by="peer")
    before = [refused(EXPIRED), refused(EXPIRED), evidence(*ARRIVED), by_peer]
    after = [refused(FAILED), by_peer, refused(FAILED), by_peer]
    found = between(before, after).tellings
    assert [(one.by, one.refusals) for one in found] == [(Side.AGENT, 1), (Side.PEER, 1)]
    assert not between([evidence(*ARRIVED)], [refused(FAILED)]).tellings


def test_it_is_said_in_one_line_before_the_changes():
    found = between([refused(EXPIRED), refused(UNTRUSTED)], [refused(FAILED), refused(FAILED)])
    assert differences.page(found, ("A", "B")).splitlines()[5] == (
        "of 2 refusals by the agent, the log gives a reason for 2 (as before), "
        "and tells 1 (before: 2) reasons apart"
    )
    (entry,) = differences.document(found, ("A", "B"))["log_of_refusals"]
    assert entry == {"by": "agent", "refusals": 2, "told": (2, 2), "reasons": (2, 1)}
