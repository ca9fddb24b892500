"""The diagnosis of a refused chain: which certificate is at fault, or which causes stay open."""

import datetime as dt

import pytest
from diagnoses import (
    CA_PATH,
    LONE_LEAF,
    ONLY_CA_PATH,
    THE_INTERMEDIATE,
    THE_LEAF,
    THE_ROOT,
    TWIN,
    VERIFY_HOST,
    VERIFY_PEER,
    WITH_ROOT,
    diagnosis,
    line,
    mutual,
    pem,
    refused,
)

from flb_handshake.certificates import (
    CLIENT,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    OTHER_HOST,
    OTHER_ROOT,
    ROOT,
    SELF_SIGNED,
    At,
    Key,
    Tamper,
    Usage,
    chain,
    constrained,
    expired,
    keyed,
    named,
    no_basic_constraints,
    not_a_ca,
    not_yet_valid,
    path_length,
    sha1,
    tampered,
    unknown_critical_extension,
    usage,
)
from flb_handshake.explain import explain
from flb_handshake.judge import judge
from flb_handshake.outcomes import Side
from flb_handshake.suspects import ALERTS

# What a verifying agent refuses: chain, CA.File, alert -> cause, words of its because and fix.

CHAINS = {
    "root_sent_but_not_trusted": (
        WITH_ROOT,
        (OTHER_ROOT,),
        "unknown_ca",
        "untrusted_root",
        [f"ends in the root {THE_ROOT}", "(it holds 'OU=Unrelated Root,O=flb-handshake')"],
        f"put the root {THE_ROOT} into tls.ca_file",
    ),
    "root_of_the_same_name": (
        HEALTHY,
        (TWIN,),
        "unknown_ca",
        "untrusted_root",
        [THE_INTERMEDIATE, THE_ROOT, "of that name, but with another key"],
        "in place of its namesake",
    ),
    "self_signed": (
        chain(SELF_SIGNED),
        (ROOT,),
        "unknown_ca",
        "self_signed",
        [THE_LEAF, "is self-signed, and tls.ca_file"],
        f"put the certificate {THE_LEAF} itself into tls.ca_file",
    ),
    "only_the_intermediate_in_the_ca_file": (
        HEALTHY,
        (INTERMEDIATE,),
        "unknown_ca",
        "ca_file_holds_no_root",
        [f"does not hold {THE_ROOT}", f"and {THE_INTERMEDIATE} is none"],
        f"put the root {THE_ROOT} into tls.ca_file",
    ),
    "issuer_says_ca_false": (
        HEALTHY.but(not_a_ca(), at=At.INTERMEDIATE),
        (ROOT,),
        "unknown_ca",
        "issuer_is_not_a_ca",
        ["Handshake Intermediate", f"issued {THE_LEAF}", "basicConstraints"],
        "with basicConstraints CA:TRUE",
    ),
    "issuer_without_basic_constraints": (
        HEALTHY.but(no_basic_constraints(), at=At.INTERMEDIATE),
        (ROOT,),
        "unknown_ca",
        "issuer_is_not_a_ca",
        ["Handshake Intermediate"],
        "with basicConstraints CA:TRUE",
    ),
    "path_length": (
        HEALTHY.but(path_length(0), at=At.ROOT),
        "root of the chain",
        "unknown_ca",
        "path_length_exceeded",
        ["the root", "allows 0 intermediates", "the chain has 1"],
        "longer pathlen",
    ),
    "expired_leaf": (
        HEALTHY.but(expired()),
        (ROOT,),
        "certificate_expired",
        "expired",
        [f"the collector's certificate {THE_LEAF}", "1 day ago, on 2026-11-22 08:30 UTC"],
        f"renew the certificate {THE_LEAF}",
    ),
    "expired_intermediate": (
        HEALTHY.but(expired(dt.timedelta(hours=5)), at=At.INTERMEDIATE),
        (ROOT,),
        "certificate_expired",
        "expired",
        [f"the intermediate {THE_INTERMEDIATE}", "5 hours ago, on 2026-11-23 03:30 UTC"],
        f"renew the certificate {THE_INTERMEDIATE}",
    ),
    "expired_root": (
        HEALTHY,
        (ROOT.but(expired(dt.timedelta(days=400))),),
        "certificate_expired",
        "expired",
        ["the root", "400 days ago, on 2025-10-19", "tls.ca_file holds it"],
        "into tls.ca_file in place of the expired one",
    ),
    "not_yet_valid": (
        HEALTHY.but(not_yet_valid(dt.timedelta(minutes=90))),
        (ROOT,),
        "bad_certificate",
        "not_yet_valid",
        [THE_LEAF, "only in 1 hour, on 2026-11-23 10:00 UTC"],
        "set the agent's clock right",
    ),
    "wrong_usage": (
        HEALTHY.but(usage(Usage.CLIENT)),
        (ROOT,),
        "unsupported_certificate",
        "not_a_server_certificate",
        [THE_LEAF, "is for clientAuth"],
        "with the extendedKeyUsage serverAuth",
    ),
    "name_not_permitted": (
        HEALTHY.but(constrained(permitted=("elsewhere.test",)), at=At.INTERMEDIATE),
        (ROOT,),
        "certificate_unknown",
        "name_constraint",
        [THE_INTERMEDIATE, "permits only names under elsewhere.test", f"bears '{HOST}'"],
        f"permit '{HOST}'",
    ),
    "name_excluded": (
        HEALTHY.but(constrained(excluded=("example.test",)), at=At.INTERMEDIATE),
        (ROOT,),
        "certificate_unknown",
        "name_constraint",
        ["excludes names under example.test", f"bears '{HOST}'"],
        f"do not exclude '{HOST}'",
    ),
    "unknown_critical_extension": (
        HEALTHY.but(unknown_critical_extension()),
        (ROOT,),
        "certificate_unknown",
        "unknown_critical_extension",
        [THE_LEAF, "2.25.104729"],
        "without that extension",
    ),
    "bad_signature": (
        HEALTHY.but(tampered(Tamper.BAD_SIGNATURE), at=At.INTERMEDIATE),
        (ROOT,),
        "decrypt_error",
        "bad_signature",
        [f"the intermediate {THE_INTERMEDIATE} is not that of {THE_ROOT}"],
        f"install the certificate {THE_INTERMEDIATE} anew",
    ),
    "key_of_another": (
        HEALTHY,
        (ROOT,),
        "decrypt_error",
        "key_of_another_certificate",
        [f"not with the key of the collector's certificate {THE_LEAF}"],
        f"the private key that belongs to the certificate {THE_LEAF}",
    ),
    "weak_key": (
        HEALTHY.but(keyed(Key.RSA_1024)),
        (ROOT,),
        "bad_certificate",
        "weak_key",
        [THE_LEAF, "RSA 1024", "the agent's OpenSSL 3.0.22"],
        "RSA 2048",
    ),
    "weak_digest": (
        HEALTHY.but(sha1()),
        (ROOT,),
        "bad_certificate",
        "weak_digest",
        [THE_LEAF, "signed with SHA-1"],
        "signed with SHA-256",
    ),
}


@pytest.mark.parametrize("case", CHAINS)
def test_a_refused_chain_is_explained_by_the_certificate_that_is_at_fault(case):
    sent, anchors, name, cause, because, fix = CHAINS[case]
    anchors = (sent.root,) if isinstance(anchors, str) else anchors
    (found,) = diagnosis(refused(name), sent=sent, anchors=pem(*anchors))
    assert (found.cause, found.certain) == (cause, True)
    assert [words for words in because if words not in found.because] == []
    assert fix in found.fix


NAMES = {
    "another_host": (HOST, named(OTHER_HOST), [f"bears DNS:{OTHER_HOST}"], f"'{OTHER_HOST}'"),
    "no_name_at_all": (
        HOST,
        named(common_name=OTHER_HOST),
        [f"no subjectAltName, only the CN '{OTHER_HOST}'", f"DNS:{HOST} would have matched"],
        f"subjectAltName DNS:{HOST}",
    ),
    "another_address": (
        "127.0.0.1",
        named(HOST, ips=("127.0.0.2",)),
        [f"bears DNS:{HOST}, IP:127.0.0.2", "IP:127.0.0.1 would have matched"],
        f"set tls.vhost to '{HOST}'",
    ),
    "an_address_as_a_dns_name": (
        "127.0.0.1",
        named("127.0.0.1"),
        ["bears DNS:127.0.0.1", "IP:127.0.0.1 would have matched"],
        "subjectAltName IP:127.0.0.1",
    ),
    "a_star_is_one_label": (
        "a.b.example.test",
        named("*.example.test"),
        ["bears DNS:*.example.test"],
        "a name that '*.example.test' covers",
    ),
    "dot_at_the_end": (
        f"{HOST}.",
        named(HOST),
        [f"which is '{HOST}.' written otherwise"],
        f"{HOST} as Host or tls.vhost",
    ),
    "many_names": (
        HOST,
        named(*(f"host-{number}.example.test" for number in range(50))),
        ["DNS:host-0.example.test, DNS:host-1.example.test, DNS:host-2.example.test and 47 more"],
        f"DNS:{HOST}",
    ),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_wrong_name_is_told_beside_the_names_that_the_certificate_bears(case):
    name, bears, because, fix = NAMES[case]
    (found,) = diagnosis(
        refused("bad_certificate"), properties=VERIFY_HOST, sent=HEALTHY.but(bears), name=name
    )
    assert (found.cause, found.certain) == ("wrong_host", True)
    assert [words for words in because if words not in found.because] == []
    assert fix in found.fix


def test_the_dot_after_a_host_of_its_own_is_no_defect_for_fluent_bit_trims_it():
    without_vhost = {key: word for key, word in VERIFY_HOST.items() if key != "tls.vhost"}
    late = HEALTHY.but(not_yet_valid())
    (found,) = diagnosis(
        refused("bad_certificate"), properties=without_vhost, sent=late, name=f"{HOST}."
    )
    assert found.cause == "not_yet_valid"


def test_an_address_was_compared_as_a_name_before_5_0_6():
    sent = HEALTHY.but(named(HOST, ips=("127.0.0.1",)))
    facts = {"properties": VERIFY_HOST, "sent": sent, "name": "127.0.0.1"}
    (found,) = diagnosis(refused("bad_certificate"), version="4.2.8", **facts)
    assert (found.cause, found.certain) == ("wrong_host", True)
    assert "as if it were a DNS name" in found.because
    assert not diagnosis(refused("bad_certificate"), version="5.1.1", **facts)[0].certain


def test_a_flaw_that_the_alert_does_not_fit_is_not_named():
    both = HEALTHY.but(expired()).but(named(OTHER_HOST))
    steps = refused("certificate_expired")
    assert [one.cause for one in diagnosis(steps, sent=both, properties=VERIFY_HOST)] == ["expired"]


def test_a_wrong_name_is_no_cause_where_no_name_is_checked():
    late = HEALTHY.but(named(OTHER_HOST)).but(not_yet_valid())
    steps = refused("bad_certificate")
    assert [one.cause for one in diagnosis(steps, sent=late)] == ["not_yet_valid"]
    checked = diagnosis(steps, sent=late, properties=VERIFY_HOST)
    assert [one.cause for one in checked] == ["wrong_host", "not_yet_valid"]


def test_two_proven_flaws_of_one_class_are_both_told_in_openssl_s_order():
    both = HEALTHY.but(expired()).but(expired(), at=At.INTERMEDIATE)
    found = diagnosis(refused("certificate_expired"), sent=both)
    assert [one.because.split(" '")[0] for one in found] == [
        "the intermediate",
        "the collector's certificate",
    ]
    assert all(one.certain for one in found)


# Where the certificates leave two causes open.


def test_an_issuer_that_nobody_shows_may_be_a_root_or_an_intermediate():
    found = diagnosis(refused("unknown_ca"), anchors=pem(OTHER_ROOT))
    assert [(one.cause, one.certain) for one in found] == [
        ("untrusted_root", False),
        ("missing_intermediate", False),
    ]
    assert f"{THE_INTERMEDIATE} was issued by {THE_ROOT}" in found[0].because
    assert "cannot tell" not in found[0].because
    assert "cannot tell which of untrusted root, missing intermediate" in found[-1].because
    assert f"look at the certificate {THE_ROOT}" in found[-1].because


def test_a_lone_leaf_most_likely_lacks_its_intermediate():
    found = diagnosis(refused("unknown_ca"), sent=LONE_LEAF)
    assert [one.cause for one in found] == ["missing_intermediate", "untrusted_root"]
    assert f"{THE_LEAF} was issued by {THE_INTERMEDIATE}" in found[0].because
    assert f"send the intermediate {THE_INTERMEDIATE}" in found[0].fix
    assert not any(one.certain for one in found)


def test_a_certificate_from_elsewhere_proves_that_the_intermediate_is_missing():
    made = mutual(refused("unknown_ca"), (CLIENT, INTERMEDIATE), sent=LONE_LEAF)
    (found,) = explain(made, judge(made))
    assert (found.cause, found.certain) == ("missing_intermediate", True)


def test_a_root_seen_elsewhere_proves_that_it_is_not_trusted():
    made = mutual(refused("unknown_ca"), (CLIENT, INTERMEDIATE), anchors=pem(OTHER_ROOT))
    (found,) = explain(made, judge(made))
    assert (found.cause, found.certain) == ("untrusted_root", True)


def test_an_unset_ca_file_points_to_the_system_s_store():
    unset = {key: word for key, word in VERIFY_PEER.items() if key != "tls.ca_file"}
    found = diagnosis(refused("unknown_ca"), properties=unset, anchors=None, ca_file="unset")
    assert found[0].cause == "untrusted_root"
    assert "the system's trust store (tls.ca_file is not set)" in found[0].because


@pytest.mark.parametrize(
    ("side", "name"), [(side, name) for side, name in ALERTS if not ALERTS[side, name].proves]
)
def test_without_the_chain_only_the_class_of_the_alert_is_told(side, name):
    by = "agent" if side is Side.AGENT else "peer"
    found = diagnosis(
        refused(name, by), properties=VERIFY_HOST, sent=None, anchors=None, client_auth="demand"
    )
    assert {one.cause for one in found} <= set(ALERTS[side, name].causes)
    assert found
    assert not any(one.certain for one in found)
    assert "; cannot tell w" in found[-1].because
    assert found[-1].because.endswith(" next")


def test_the_code_that_older_releases_log_decides_without_the_chain():
    text = "[tls] certificate verification failed, reason: hostname mismatch (X509 code: 62)"
    (found,) = diagnosis(
        refused("bad_certificate"),
        properties=VERIFY_HOST,
        sent=None,
        version="4.2.8",
        log=[line(text)],
    )
    assert (found.cause, found.certain) == ("wrong_host", True)


def test_a_chain_without_fault_leaves_the_class_open():
    found = diagnosis(refused("bad_certificate"))
    assert not any(one.certain for one in found)
    assert "wrong_host" not in [one.cause for one in found]


# Trust that is looked for in the wrong place.


def test_ca_path_wins_over_a_ca_file_that_would_do():
    (found,) = diagnosis(refused("unknown_ca"), properties=CA_PATH)
    assert (found.cause, found.certain) == ("ca_path_wins", True)
    assert "/certs/dir" in found.because
    assert "take tls.ca_path away" in found.fix


def test_a_ca_path_that_holds_the_root_under_another_name_is_not_hashed():
    (found,) = diagnosis(refused("unknown_ca"), properties=ONLY_CA_PATH, ca_file="unset")
    assert (found.cause, found.certain) == ("ca_path_not_hashed", True)
    assert "openssl rehash /certs/dir" in found.fix


def test_a_ca_path_without_certificates_may_be_empty_or_missing():
    found = diagnosis(refused("unknown_ca"), properties=ONLY_CA_PATH, anchors=None, ca_file="unset")
    assert [one.cause for one in found] == ["ca_path_empty", "ca_path_missing"]
    assert "cannot tell which of ca path empty, ca path missing" in found[-1].because
    assert "the directory /certs/dir" in found[-1].because


def test_both_places_unknown_are_not_decided():
    found = diagnosis(refused("unknown_ca"), properties=CA_PATH, ca_file="given")
    assert [one.cause for one in found] == ["ca_path_wins", "ca_path_not_hashed"]
    assert not any(one.certain for one in found)


def test_a_hashed_ca_path_without_the_root_lacks_the_root():
    found = diagnosis(
        refused("unknown_ca"), properties=ONLY_CA_PATH, anchors=pem(OTHER_ROOT), ca_file="unset"
    )
    assert found[0].cause == "untrusted_root"
    assert "tls.ca_path (it holds 'OU=Unrelated Root,O=flb-handshake')" in found[0].because
