"""Lines that belong together, repeats, whose they are, and the release that wrote them."""

from __future__ import annotations

import pytest
from logged import AT, CODE, EOF, none_available, troubles

from flb_handshake.diagnosis.gathering import CONTEXT

OTHER = none_available("forward.1", "fw.example.test:24224")


def test_repeats_are_one_trouble_with_its_first_and_last_line():
    (one,) = troubles(*[EOF, none_available()] * 40)
    assert (one.times, one.first, one.last) == (40, 1, 80)
    assert (one.output, one.owner.plugin, one.target) == (
        "http.0",
        "http",
        "logs.example.test:9200",
    )
    assert len(one.lines) <= CONTEXT


def test_a_line_without_a_name_belongs_to_the_output_after_it():
    # Catches the trouble of one output told of another.
    refused = CODE.format(reason="hostname mismatch", code=62)
    first, second = troubles(EOF, none_available(), refused, OTHER, EOF, none_available())
    assert (first.output, first.times) == ("http.0", 2)
    assert (second.output, second.times) == ("forward.1", 1)
    assert "code:62" in second.clues
    assert "code:62" not in first.clues


def test_an_output_named_before_its_reason_keeps_it():
    first, second = troubles(none_available(), EOF, OTHER, EOF)
    assert {"unexpected_eof"} <= set(first.clues) & set(second.clues)


def test_two_that_fail_at_once_are_named_in_the_order_in_which_they_failed():
    """Catches what one output met told of the next, and of every output after that."""
    refused = AT + "[error] [tls] error: unexpected EOF with reason: certificate verify failed"
    at_once = (EOF, refused, none_available(), OTHER)
    first, second = troubles(*at_once, EOF, none_available(), refused, OTHER, *at_once)
    assert [(one.output, one.times) for one in (first, second)] == [("http.0", 3), ("forward.1", 3)]
    assert "eof_with_reason" not in first.clues
    assert "unexpected_eof" not in second.clues
    assert [number for number, _ in first.lines] == [1, 3]
    assert [number for number, _ in second.lines] == [2, 4]
    assert (first.last, second.last) == (11, 12)


def test_three_that_fail_alike_at_once_fail_once_each():
    third = none_available("splunk.2", "hec.example.test:8088")
    each = troubles(EOF, EOF, EOF, none_available(), OTHER, third, EOF, none_available())
    assert [(one.output, one.times) for one in each] == [
        ("http.0", 2),
        ("forward.1", 1),
        ("splunk.2", 1),
    ]
    assert all("unexpected_eof" in one.clues for one in each)


def test_an_input_and_an_output_of_one_name_are_two():
    # Both are numbered by their own kind: forward.1 may be either.
    refused = AT + "[error] [tls] error: error:0A00009C:SSL routines::http request"
    of_input = AT + "[error] [input:forward:forward.1] could not accept new connection"
    cleartext = AT + "[error] [tls] error: error:0A00010B:SSL routines::wrong version number"
    each = troubles(cleartext, OTHER, refused, of_input, cleartext, OTHER)
    assert [(one.owner.kind, one.times) for one in each] == [("output", 2), ("input", 1)]


def test_what_is_far_apart_does_not_belong_together():
    far = [AT + "[ info] [engine] nothing"] * 100
    first, second = troubles(EOF, *far, none_available())
    assert (first.output, second.output) == (None, "http.0")


def test_what_nobody_claims_is_told_apart_by_handshake_and_counted():
    """An input that speaks HTTP bears no name: its lines follow each other, and nothing else."""
    accept = AT + "[error] [tls] connection #31 SSL_accept: error in error"
    expired = CODE.format(reason="certificate has expired", code=10)
    key = AT + "[error] [tls] private_key 'own.key' and password don't match"
    each = troubles(accept, expired, EOF, expired, EOF, EOF, key)
    assert [(one.decisive.name, one.times) for one in each] == [
        ("code:10", 2),
        ("unexpected_eof", 3),
        ("key_mismatch", 1),
    ]
    assert [(one.first, one.last) for one in each] == [(1, 4), (3, 6), (7, 7)]
    assert [text for _, text in each[0].lines] == [accept, expired]
    assert all(one.is_input for one in each)


def test_an_alert_belongs_to_the_handshake_that_ends_after_it():
    alert = AT + "[debug] [tls] connection #{} SSL3 alert write:fatal:{}"
    code = CODE.format(reason="certificate has expired", code=10)
    each = troubles(
        alert.format(31, "certificate expired"), code, alert.format(32, "unknown CA"), EOF
    )
    told = [set(one.clues) for one in each]
    assert told == [
        {"alert:agent:certificate_expired", "code:10"},
        {"alert:agent:unknown_ca", "unexpected_eof"},
    ]


def test_two_kinds_of_trouble_of_one_output_are_told_apart():
    expired = CODE.format(reason="certificate has expired", code=10)
    each = troubles(EOF, none_available(), expired, none_available())
    assert [one.decisive.name for one in each] == ["unexpected_eof", "code:10"]


def test_however_many_outputs_there_are_the_troubles_stay_bounded():
    many = [line for n in range(700) for line in (EOF, none_available(f"http.{n}"))]
    each = troubles(*many)
    assert len(each) == 500
    assert sum(one.times for one in each) == 700


@pytest.mark.parametrize(
    ("line", "name", "how"),
    [
        ("Fluent Bit v5.1.1", "5.1.1", "from the banner"),
        (AT + "[ info] [fluent bit] version=3.2.10, commit=, pid=1", "3.2.10", "from the banner"),
        (CODE.format(reason="x", code=10), "3.2 to 4.2", "from the wording"),
        (EOF + " with reason: certificate verify failed", "3.0.7 to 3.1", "from the wording"),
        (
            AT + "[error] [tls] error: error:0A000086:SSL routines::certificate verify failed",
            "5.0 or later",
            "from the wording",
        ),
        (AT + "[error] [tls] error: tls handshake failed (ssl_error=5)", "5.1 or later",
         "from the wording"),
        (AT + "[error] [engine] unexplained", "1.7 to 4.2", "from the wording"),
    ],
)  # fmt: skip
def test_the_release_is_told_from_banner_or_wording(line, name, how):
    each = troubles(line, EOF if "unexplained" in line else none_available("http.9"))
    assert {(one.release.name, one.release.how) for one in each} == {(name, how)}


def test_a_release_that_is_named_overrules_the_wording():
    (one,) = troubles(CODE.format(reason="x", code=10), release="4.0.14")
    assert (one.release.name, one.release.how) == ("4.0.14", "it was named")


def test_an_upgrade_within_a_log_begins_anew():
    later = AT + "[error] [tls] error: tls handshake failed (ssl_error=5)"
    log = ["Fluent Bit v4.2.8", EOF, none_available(), "Fluent Bit v5.1.1", later, OTHER]
    assert [one.release.exact for one in troubles(*log)] == ["4.2.8", "5.1.1"]


def test_an_input_that_fetches_is_a_client_and_one_that_listens_is_a_server():
    failed = CODE.format(reason="x", code=20)
    (fetching,) = troubles(
        failed,
        AT + "[error] [input:kubernetes_events:k.0] upstream connection initialization error",
    )
    (listening,) = troubles(
        failed, AT + "[error] [input:forward:forward.0] could not accept new connection"
    )
    assert (fetching.is_input, listening.is_input) == (False, True)


def test_a_quiet_log_has_no_trouble():
    assert not troubles(
        AT + "[ info] [output:http:http.0] logs.example.test:443, HTTP status=200",
        AT + "[debug] [upstream] KA connection #5 to a:443 has been disconnected by the remote",
        AT + "[error] [output:es:es.0] HTTP status=401 URI=/_bulk, response: unauthorized",
    )
