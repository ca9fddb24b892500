"""The diagnosis: what is proven is named with its evidence, and what is not is said to be open."""

import string
from dataclasses import replace

import pytest
from diagnoses import (
    CA_PATH,
    CLEARTEXT,
    DELIVERED,
    GREETED,
    LONE_LEAF,
    PKI,
    THE_LEAF,
    THE_ROOT,
    VERIFY_HOST,
    VERIFY_PEER,
    WITH_ROOT,
    closed,
    diagnosis,
    evidence,
    line,
    pem,
    refused,
)

from flb_handshake.certificates import (
    HEALTHY,
    HOST,
    LEAF,
    OTHER_HOST,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    chain,
    expired,
    named,
    revoked,
)
from flb_handshake.explain import explain, fix_line
from flb_handshake.judge import judge
from flb_handshake.outcomes import Outcome
from flb_handshake.remedies import OF_AN_INPUT, OF_AN_OUTPUT
from flb_handshake.remedies.properties import PROPERTIES
from flb_handshake.suspects import (
    AGENT_SAYS,
    ALERTS,
    ALERTS_OF_AN_INPUT,
    FORMS,
    PEER_SAYS,
    REASONS,
    SIGNS,
    X509_CODES,
    of_own,
    of_peer,
)

# What is delivered, and should not be.


def test_a_healthy_delivery_needs_no_diagnosis():
    assert diagnosis(DELIVERED) == ()
    assert diagnosis(DELIVERED, properties=VERIFY_HOST) == ()


def test_a_run_that_was_none_has_no_diagnosis():
    made = replace(evidence(refused("unknown_ca")), harness_error="no room")
    assert explain(made, judge(made)) == ()


PLAIN = {
    "off": ({"tls": "off"}, "tls_off", "tls is off", "set tls on"),
    "unset": ({}, "tls_off", "tls is not set", "set tls on"),
    "no_boolean": ({"tls": "maybe"}, "tls_word_is_no_boolean", "`tls maybe`", "set tls on"),
    "forgotten": (
        {"tls.verify": "on", "tls.ca_file": "/certs/ca.pem", "tls.debug": "1"},
        "tls_properties_without_tls",
        "there is tls.verify, tls.ca_file, but no `tls on`",
        "add tls on",
    ),
}


@pytest.mark.parametrize("version", ["1.9.10", "5.1.1"])
def test_a_word_that_is_no_boolean_is_told_as_one_on_every_release(version):
    (found,) = diagnosis(CLEARTEXT, properties={"tls": "maybe"}, version=version)
    assert found.cause == "tls_word_is_no_boolean"
    (said_no,) = diagnosis(CLEARTEXT, properties={"tls": "No"}, version=version)
    assert said_no.cause == "tls_off"


@pytest.mark.parametrize("case", PLAIN)
def test_cleartext_is_explained_by_the_words_of_the_configuration(case):
    properties, cause, because, fix = PLAIN[case]
    (found,) = diagnosis(CLEARTEXT, properties=properties)
    assert (found.cause, found.certain) == (cause, True)
    assert because in found.because
    assert fix in found.fix


OF_A_PLUGIN = {
    "datagrams, by default": ("gelf", {"tls": "on"}, "mode is udp, its default", "set mode tcp"),
    "datagrams": ("syslog", {"mode": "UDP"}, "mode is UDP", "set mode tcp"),
    "no TLS": ("nats", {"tls": "on"}, "nats of Fluent Bit 5.1.1 speaks no TLS", "tunnel"),
    "scheme": (
        "s3",
        {"tls": "on", "Endpoint": "http://127.0.0.1:9000"},
        "the endpoint is http://127.0.0.1:9000",
        "write https://",
    ),
}


@pytest.mark.parametrize("case", OF_A_PLUGIN)
def test_cleartext_can_be_the_plugin_s_doing_whatever_tls_says(case):
    plugin, properties, because, fix = OF_A_PLUGIN[case]
    (found,) = diagnosis(CLEARTEXT, properties=properties, plugin=plugin)
    assert found.certain
    assert because in found.because
    assert fix in found.fix


def test_what_a_plugin_can_encrypt_is_the_configuration_s_doing():
    (found,) = diagnosis(CLEARTEXT, properties={"mode": "tls"}, plugin="gelf")
    assert found.cause == "tls_properties_without_tls"
    (found,) = diagnosis(CLEARTEXT, properties={"Endpoint": "https://a"}, plugin="s3")
    assert found.cause == "tls_off"


def test_the_configuration_counts_and_not_what_was_meant():
    config = "[INPUT]\n    Name dummy\n[OUTPUT]\n    Name  http\n    TLS   Maybe\n"
    (found,) = diagnosis(CLEARTEXT, properties=VERIFY_HOST, config=config)
    assert found.cause == "tls_word_is_no_boolean"
    assert "`tls Maybe`" in found.because


def test_the_node_counts_and_not_the_output_that_names_its_file():
    config = "[OUTPUT]\n    Name  http\n    tls   on\n[UPSTREAM]\n    Name x\n[NODE]\n    Name n\n"
    (found,) = diagnosis(CLEARTEXT, properties=VERIFY_HOST, config=config)
    assert (found.cause, found.certain) == ("tls_off_in_the_node", True)
    assert "tls is not set in the [NODE]" in found.because
    assert found.fix.endswith("in each [NODE]")


def test_without_verification_an_impostor_is_told_by_what_is_wrong_with_him():
    properties = {**VERIFY_PEER, "tls.verify": "off"}
    (found,) = diagnosis(DELIVERED, properties=properties, sent=HEALTHY.but(expired()))
    assert (found.cause, found.certain) == ("verification_off", True)
    assert "tls.verify is off" in found.because
    assert "expired 1 day ago" in found.because
    assert found.fix.startswith("set tls.verify on; then renew")
    (impostor,) = diagnosis(DELIVERED, properties=properties, sent=chain(OTHER_LEAF))
    assert "'OU=Unrelated Root,O=flb-handshake'" in impostor.because


UNCHECKED = {
    "default": ({}, "5.1.1", "tls.verify_hostname is off by default", "set tls.verify_hostname on"),
    "no_boolean": (
        {"tls.verify_hostname": "strict"},
        "5.1.1",
        "tls.verify_hostname is 'strict', which is no boolean and counts as off",
        "set tls.verify_hostname on",
    ),
    "verify_is_no_boolean": (
        {"tls.verify": "yep", "tls.verify_hostname": "on"},
        "5.1.1",
        "`tls.verify yep` is no boolean",
        "set tls.verify on",
    ),
    "too_old": ({}, "2.2.3", "Fluent Bit 2.2.3 cannot compare", "Fluent Bit 3.1 or later"),
}


@pytest.mark.parametrize("case", UNCHECKED)
def test_a_name_that_nobody_compares_is_told_with_the_reason(case):
    words, version, because, fix = UNCHECKED[case]
    (found,) = diagnosis(
        DELIVERED,
        properties={**VERIFY_PEER, **words},
        version=version,
        sent=HEALTHY.but(named(OTHER_HOST)),
    )
    assert (found.cause, found.certain) == ("name_not_checked", True)
    assert f"bears DNS:{OTHER_HOST}, but '{HOST}' is meant" in found.because
    assert because in found.because
    assert fix in found.fix


def test_a_name_that_only_the_cn_bears_was_compared_all_the_same():
    nameless = HEALTHY.but(named(common_name=HOST, key_label="nameless"))
    assert not diagnosis(DELIVERED, properties=VERIFY_HOST, sent=nameless)


def test_a_revoked_certificate_is_accepted_all_the_same():
    sent = HEALTHY.but(revoked())
    pem(*sent.sent)  # a CRL lists what was minted before it
    crls = "".join(PKI.crl_pem(issuer).decode() for issuer in sent.leaf.path[1:])
    (found,) = diagnosis(DELIVERED, sent=sent, anchors=pem(ROOT) + crls)
    assert found.cause == "accepted_all_the_same"
    assert "was revoked on 2026-11-23 07:30 UTC" in found.because


def test_an_anonymous_agent_among_known_ones_is_told():
    (found,) = diagnosis(DELIVERED, client_auth="ask", peer_anchors=pem(ROOT))
    assert (found.cause, found.certain) == ("anonymous_client_accepted", True)
    assert "tls.crt_file and tls.key_file" in found.fix


# The knowledge is whole, and its texts can always be filled in.


PROPERTIES_ELSEWHERE = {"tls.verify_client_cert", "tls.proxy.ca_file", "tls.proxy.verify"}

FLAWS = (
    *("untrusted_root", "missing_intermediate", "self_signed", "ca_file_holds_no_root", "expired"),
    *("not_yet_valid", "wrong_host", "weak_key", "weak_digest", "wrong_usage", "bad_signature"),
    *("issuer_is_not_a_ca", "path_length_exceeded", "unknown_critical_extension"),
)
BOOKS = {
    "an output": (OF_AN_OUTPUT, (*ALERTS.values(), *SIGNS.values())),
    "an input": (OF_AN_INPUT, (*ALERTS_OF_AN_INPUT.values(), *SIGNS.values())),
}


@pytest.mark.parametrize("whose", BOOKS)
def test_every_cause_that_a_table_names_has_a_text(whose):
    book, tables = BOOKS[whose]
    told = [one for suspects in tables for one in suspects.causes if not suspects.proves]
    told += [one for causes in X509_CODES.values() for one in causes]
    told += [*FORMS.values(), *(reason.cause for reason in REASONS)]
    lacking = [one for one in told if not getattr(book.remedies.get(one), "meaning", "")]
    assert lacking == []
    proven = [one for suspects in tables for one in suspects.causes if suspects.proves]
    proven += [name for _, name in (*PEER_SAYS, *AGENT_SAYS)]
    is_input = whose == "an input"
    proven += [of(flaw, is_input=is_input) for flaw in FLAWS for of in (of_peer, of_own)]
    assert [one for one in proven if one not in book.remedies] == []


@pytest.mark.parametrize("whose", BOOKS)
def test_every_next_observation_that_a_table_names_has_a_text(whose):
    book, tables = BOOKS[whose]
    assert {suspects.look for suspects in tables} <= set(book.look)


ALL_TEXTS = [(book, name) for book in (OF_AN_OUTPUT, OF_AN_INPUT) for name in sorted(book.remedies)]


@pytest.mark.parametrize(
    ("book", "name"), ALL_TEXTS, ids=[f"{book.peer}-{name}" for book, name in ALL_TEXTS]
)
def test_no_fix_ends_a_sentence_or_names_what_fluent_bit_does_not_have(book, name):
    fix = book.remedies[name].fix
    words = {word.strip("`,;:()") for word in fix.split()}
    properties = {word for word in words if word.startswith("tls.")}
    assert properties <= {*PROPERTIES, *PROPERTIES_ELSEWHERE}
    assert not fix.endswith(".")
    assert all(field for _, field, _, _ in string.Formatter().parse(fix) if field is not None)


OUTCOMES = {
    Outcome.DELIVERED: DELIVERED,
    Outcome.CLEARTEXT: CLEARTEXT,
    Outcome.CUT: (*GREETED, closed("agent")),
    Outcome.STALLED: GREETED,
    Outcome.NOT_STARTED: (),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("sign", [None, *SIGNS])
def test_evidence_that_lacks_everything_is_still_explained(outcome, sign):
    texts = {
        None: "[engine] something",
        "certificate_verify_failed": "[tls] error: x::certificate verify failed",
        "not_tls": "[tls] error: x::wrong version number",
        "unexpected_eof": "[tls] error: unexpected EOF",
        "connection_reset": "[tls] Connection reset by peer",
        "broken_connection": "[http_client] broken connection",
        "ca_path_unusable": "[tls] ca_path 'x'",
        "ca_file_unusable": "[tls] ca_file 'x'",
        "crt_file_unusable": "[tls] crt_file 'x'",
        "key_file_unusable": "[tls] key_file 'x'",
        "key_mismatch": "private_key 'x' and password don't match",
        "ciphers_refused": "error setting up TLS ciphers",
        "tls_not_supported": "does not support TLS",
        "unknown_property": "unknown configuration property 'x",
        "config_syntax": "undefined value - check config is in valid classic format",
        "name_not_found": "getaddrinfo(host='x'",
        "timed_out": "connection timed out after 10 seconds",
        "no_upstream": "no upstream connections available",
        "tls_certificate_missing": "error initializing TLS context (certificate file missing)",
        "tls_key_missing": "error initializing TLS context (private key file missing)",
        "port_taken": "[downstream] could not bind address 127.0.0.1:1. Aborting",
    }
    made = evidence(
        OUTCOMES[outcome],
        log=[line(texts[sign])],
        exit_code=255 if outcome is Outcome.NOT_STARTED else None,
        properties={},
        sent=None,
        anchors=None,
        ca_file="given",
    )
    seen = judge(replace(made, facts=replace(made.facts, sent=pem(LEAF))))
    assert seen.outcome is outcome
    if sign is not None:
        assert sign in [one.name for one in seen.signs]
    for one in explain(made, seen):
        assert "{" not in one.because + one.fix
        assert one.because.strip()
        assert one.fix.strip()


@pytest.mark.parametrize("by", ["agent", "peer"])
@pytest.mark.parametrize("sent", [HEALTHY, None], ids=["chain", "no chain"])
def test_an_alert_that_no_table_knows_is_left_unexplained(by, sent):
    found = diagnosis(refused("user_angry", by), sent=sent)
    assert [(one.cause, one.certain) for one in found] == [("unexplained", False)]
    assert "the collector answered the ClientHello with its certificate" in found[0].because


# The last line.


def test_the_fix_line_holds_every_certain_fix_once():
    sent = HEALTHY.but(named(OTHER_HOST))
    found = diagnosis(DELIVERED, sent=sent, client_auth="ask", peer_anchors=pem(ROOT))
    told = fix_line(found)
    assert told == f"{found[0].fix}; {found[1].fix}"
    assert fix_line((found[0], found[0])) == found[0].fix


def test_the_fix_line_of_an_open_case_names_what_each_fix_is_for():
    found = diagnosis(refused("unknown_ca"), sent=LONE_LEAF)
    told = fix_line(found)
    assert told.startswith("likeliest, if missing intermediate: let the collector send")
    assert "; if untrusted root: put the root" in told


def test_there_is_no_fix_line_without_a_cause():
    assert fix_line(()) == ""


GOLDEN = {
    "expired": (
        {"steps": refused("certificate_expired"), "sent": HEALTHY.but(expired())},
        f"the collector's certificate {THE_LEAF} expired 1 day ago, on 2026-11-22 08:30 UTC",
        f"renew the certificate {THE_LEAF}, and let the collector send the new one",
    ),
    "wrong_host": (
        {
            "steps": refused("bad_certificate"),
            "properties": VERIFY_HOST,
            "sent": HEALTHY.but(named(OTHER_HOST)),
        },
        f"the collector's certificate {THE_LEAF} bears DNS:other.example.test, but "
        "'logs.example.test' is checked: DNS:logs.example.test would have matched",
        "give the collector a certificate with the subjectAltName DNS:logs.example.test, or set "
        "tls.vhost to 'other.example.test'",
    ),
    "ca_path_wins": (
        {"steps": refused("unknown_ca"), "properties": CA_PATH},
        "tls.ca_path (/certs/dir) is set beside tls.ca_file, and wins: the root in tls.ca_file, "
        "which would do, is not read",
        "take tls.ca_path away, so that tls.ca_file counts",
    ),
    "name_not_checked": (
        {"steps": DELIVERED, "sent": HEALTHY.but(named(OTHER_HOST))},
        "the certificate bears DNS:other.example.test, but 'logs.example.test' is meant, and "
        "nobody compares: tls.verify_hostname is off by default",
        "set tls.verify_hostname on; then give the collector a certificate with the subjectAltName "
        "DNS:logs.example.test, or set tls.vhost to 'other.example.test'",
    ),
    "untrusted_root": (
        {"steps": refused("unknown_ca"), "sent": WITH_ROOT, "anchors": pem(OTHER_ROOT)},
        f"the chain ends in the root {THE_ROOT}, which tls.ca_file (it holds 'OU=Unrelated Root,"
        "O=flb-handshake') does not hold",
        f"put the root {THE_ROOT} into tls.ca_file, if you trust it",
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_the_texts_read_as_they_are_meant_to(case):
    given, because, fix = GOLDEN[case]
    (found,) = diagnosis(**given)
    assert found.because == because
    assert found.fix == fix
