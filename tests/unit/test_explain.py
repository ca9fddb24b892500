"""The diagnosis: what is proven is named with its evidence, and what is not is said to be open."""

import datetime as dt
import string
from dataclasses import replace

import pytest

from flb_handshake import remedies
from flb_handshake.certificates import (
    CLIENT,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_CLIENT,
    OTHER_HOST,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    SELF_SIGNED,
    At,
    CertSpec,
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
    revoked,
    sha1,
    tampered,
    unknown_critical_extension,
    usage,
)
from flb_handshake.evidence import AgentRun, Evidence, Facts
from flb_handshake.explain import explain, fix_line
from flb_handshake.judge import judge
from flb_handshake.model import Outcome, Side
from flb_handshake.peer.events import Event, Kind
from flb_handshake.pki import Pki
from flb_handshake.suspects import (
    ALERTS,
    FORMS,
    OF_THE_CLIENT,
    OF_THE_COLLECTOR,
    PEER_SAYS,
    REASONS,
    SIGNS,
    X509_CODES,
)

NOW = dt.datetime(2026, 11, 23, 8, 30, tzinfo=dt.timezone.utc)
PKI = Pki(now=NOW)
THE_LEAF = "'CN=logs.example.test,OU=logs.example.test,O=flb-handshake'"
THE_ROOT = "'OU=Handshake Root,O=flb-handshake'"
THE_INTERMEDIATE = "'OU=Handshake Intermediate,O=flb-handshake'"

VERIFY_PEER = {
    "tls": "on",
    "tls.verify": "on",
    "tls.vhost": HOST,
    "tls.ca_file": "/certs/ca.pem",
    "tls.debug": "1",
}
VERIFY_HOST = {**VERIFY_PEER, "tls.verify_hostname": "on"}
WITH_CLIENT = {**VERIFY_HOST, "tls.crt_file": "/certs/c.pem", "tls.key_file": "/certs/c.key"}

ACCEPTED = (Kind.ACCEPTED, {})
HELLO = (Kind.CLIENT_HELLO, {"sni": HOST, "versions": ["TLSv1.3", "TLSv1.2"]})
GREETED = (ACCEPTED, (Kind.FIRST_BYTES, {"hex": "160301", "tls": True}), HELLO)
ANSWERED = (*GREETED, (Kind.STATE, {"name": "SSLv3/TLS write server hello"}))
AGREED = (*ANSWERED, (Kind.NEGOTIATED, {"version": "TLSv1.3", "cipher": "X"}))


def request(*, tls):
    return (Kind.REQUEST, {"tls": tls, "records": [{"log": "a line"}]})


def closed(by, how="FIN"):
    return (Kind.CLOSED, {"by": by, "how": how})


def alert(by, name):
    return (Kind.ALERT, {"by": by, "level": "fatal", "name": name})


DELIVERED = (*AGREED, request(tls=True), closed("agent"))
CLEARTEXT = (
    ACCEPTED,
    (Kind.FIRST_BYTES, {"hex": "504f5354", "tls": False}),
    request(tls=False),
    closed("agent"),
)


def refused(name, by="agent", says="words of the library"):
    spoken = (Kind.TLS_ERROR, {"reason": says})
    return (*ANSWERED, alert(by, name), spoken, closed("peer"))


def pem(*specs):
    return PKI.pem(*specs).decode()


def line(text, level="error"):
    return f"[2026/11/23 08:30:00.000] [{level}] {text}"


def evidence(
    steps=(),
    *,
    log=(),
    exit_code=None,
    version="5.1.1",
    config="",
    properties=VERIFY_PEER,
    sent=HEALTHY,
    pace=0.01,
    **facts,
):
    """Evidence of a run: its events in order, its log, and what it was set up with."""
    given = {
        "name": HOST,
        "plugin": "http",
        "properties": tuple(properties.items()),
        "chain": "healthy",
        "sent": pem(*sent.sent) if sent is not None else "",
        "anchors": pem(ROOT),
        "ca_file": "root",
        "client": "",
        "client_auth": "none",
        "client_anchors": "",
        "at": NOW.isoformat(),
        **facts,
    }
    return Evidence(
        scenario="a.run",
        agent=AgentRun(
            kind="process",
            label=f"Fluent Bit {version}",
            version=version,
            tls_library="OpenSSL 3.0.22 25 Aug 2026",
            config=config,
            log=tuple(log),
            exit_code=exit_code,
            shared=False,
        ),
        facts=Facts(**given),
        events=tuple(
            Event(t=number * pace, connection=1, kind=kind, facts=said)
            for number, (kind, said) in enumerate(steps)
        ),
        peer_library="OpenSSL 4.0.0 14 Apr 2026",
        duration=1.0,
    )


def diagnosis(*args, **kwargs):
    made = evidence(*args, **kwargs)
    return explain(made, judge(made))


def mutual(steps, client, **kwargs):
    """A run against a collector that demands a certificate of Handshake Root."""
    facts = {
        "properties": WITH_CLIENT,
        "client": pem(*client) if client else "",
        "client_auth": "demand",
        "client_anchors": pem(ROOT),
    }
    return evidence(steps, **{**facts, **kwargs})


# What a verifying agent refuses: (chain, CA.File, alert) -> cause, words of its because, of its fix.

LONE_LEAF = HEALTHY.sending(LEAF, name="no intermediate")
WITH_ROOT = HEALTHY.sending(LEAF, INTERMEDIATE, ROOT, name="with its root")
TWIN = CertSpec(common_name=ROOT.common_name, ca=True, usages=None, key_label="impostor")

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

CA_PATH = {**VERIFY_PEER, "tls.ca_path": "/certs/dir"}
ONLY_CA_PATH = {key: word for key, word in CA_PATH.items() if key != "tls.ca_file"}


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


# What a collector refuses of the agent's certificate.

CLIENTS = {
    "expired": (
        (CLIENT.but(expired()), INTERMEDIATE),
        "certificate_expired",
        "client_certificate_expired",
        ["the client certificate 'CN=fluent-bit", "1 day ago, on 2026-11-22 08:30 UTC"],
        "renew the client certificate in tls.crt_file",
    ),
    "not_yet_valid": (
        (CLIENT.but(not_yet_valid()), INTERMEDIATE),
        "bad_certificate",
        "client_certificate_not_yet_valid",
        ["only in 1 day, on 2026-11-24"],
        "the collector's clock",
    ),
    "wrong_usage": (
        (CLIENT.but(usage(Usage.SERVER)), INTERMEDIATE),
        "unsupported_certificate",
        "client_certificate_wrong_usage",
        ["is for serverAuth", "not for clientAuth"],
        "extendedKeyUsage clientAuth",
    ),
    "no_intermediate": (
        (CLIENT,),
        "unknown_ca",
        "client_intermediate_missing",
        [f"was issued by {THE_INTERMEDIATE}", f"the collector trusts {THE_ROOT}"],
        f"append the intermediate {THE_INTERMEDIATE} to tls.crt_file",
    ),
    "bad_signature": (
        (CLIENT.but(tampered(Tamper.BAD_SIGNATURE)), INTERMEDIATE),
        "decrypt_error",
        "client_certificate_bad_signature",
        [f"is not that of {THE_INTERMEDIATE}"],
        "tls.crt_file anew",
    ),
    "self_signed": (
        (replace(SELF_SIGNED, common_name="agent"),),
        "unknown_ca",
        "client_certificate_untrusted",
        ["the client certificate 'CN=agent", f"the collector trusts {THE_ROOT}"],
        "let the collector trust the CA",
    ),
}


@pytest.mark.parametrize("case", CLIENTS)
def test_a_refused_agent_is_explained_by_its_certificate(case):
    client, name, cause, because, fix = CLIENTS[case]
    made = mutual(refused(name, by="peer"), client)
    (found,) = explain(made, judge(made))
    assert (found.cause, found.certain) == (cause, True)
    assert [words for words in because if words not in found.because] == []
    assert fix in found.fix


def test_a_client_of_another_authority_leads_to_a_root_or_lacks_an_intermediate():
    made = mutual(refused("unknown_ca", by="peer"), OTHER_CLIENT.path[:-1])
    found = explain(made, judge(made))
    assert [one.cause for one in found] == [
        "client_certificate_untrusted",
        "client_intermediate_missing",
    ]
    assert "'OU=Unrelated Root,O=flb-handshake'" in found[0].because
    assert "cannot tell which of" in found[-1].because


def test_a_collector_that_says_what_it_misses_is_believed():
    says = "peer did not return a certificate"
    made = mutual(refused("handshake_failure", "peer", says), (), properties=VERIFY_HOST)
    (found,) = explain(made, judge(made))
    assert (found.cause, found.certain) == ("client_certificate_missing", True)
    assert "tls.crt_file and tls.key_file are not set" in found.because
    assert "set tls.crt_file and tls.key_file" in found.fix


def test_a_certificate_without_its_key_is_not_presented():
    keyless = {key: word for key, word in WITH_CLIENT.items() if key != "tls.key_file"}
    steps = refused("certificate_required", "peer")
    made = mutual(steps, (CLIENT, INTERMEDIATE), properties=keyless)
    (found,) = explain(made, judge(made))
    assert found.cause == "client_certificate_missing"
    assert "without tls.key_file Fluent Bit leaves it out" in found.because
    assert "set tls.key_file" in found.fix


def test_a_late_refusal_explains_the_broken_connection_in_the_log():
    log = [line("[http_client] broken connection to 127.0.0.1:1 ?")]
    made = mutual(refused("certificate_required", "peer"), (), log=log, properties=VERIFY_HOST)
    assert "hence its `broken connection`" in explain(made, judge(made))[0].because


def test_a_handshake_failure_without_words_may_be_a_certificate_or_a_cipher():
    early = (*GREETED, alert("peer", "handshake_failure"), closed("peer"))
    made = mutual(early, (), properties=VERIFY_HOST)
    found = explain(made, judge(made))
    assert [one.cause for one in found] == ["client_certificate_missing", "no_shared_cipher"]
    assert "cannot tell which of" in found[-1].because
    open_to_all = explain(replace(made, facts=replace(made.facts, client_auth="none")), judge(made))
    assert [one.cause for one in open_to_all] == ["no_shared_cipher"]


# What the two sides speak.


def test_versions_without_overlap_are_told_with_what_was_offered():
    steps = (*GREETED, alert("peer", "protocol_version"), closed("peer"))
    (found,) = diagnosis(steps)
    assert (found.cause, found.certain) == ("protocol_version", True)
    assert "the agent offered TLSv1.3, TLSv1.2" in found.because
    assert "tls.min_version" in found.fix


def test_a_collector_of_tls_1_1_signs_with_what_openssl_3_refuses():
    text = "[tls] error: error:0A00014D:SSL routines::legacy sigalg disallowed or unsupported"
    (found,) = diagnosis(refused("internal_error"), log=[line(text)])
    assert (found.cause, found.certain) == ("protocol_version", True)
    assert "below TLS 1.2" in found.because
    assert "legacy sigalg disallowed" in found.because


def test_no_shared_cipher_names_tls_ciphers():
    properties = {**VERIFY_PEER, "tls.ciphers": "AES128-GCM-SHA256"}
    steps = refused("handshake_failure", "peer", "no shared cipher")
    (found,) = diagnosis(steps, properties=properties)
    assert (found.cause, found.certain) == ("no_shared_cipher", True)
    assert "AES128-GCM-SHA256" in found.because
    assert "tls.ciphers" in found.fix


def test_a_plain_port_is_recognised_by_the_agent_s_words():
    text = "[tls] error: error:0A00010B:SSL routines::wrong version number"
    (found,) = diagnosis((*GREETED, closed("peer")), log=[line(text)])
    assert (found.cause, found.certain) == ("peer_speaks_no_tls", True)
    assert "TLS port" in found.fix


@pytest.mark.parametrize(("how", "steps"), [("RST", (ACCEPTED,)), ("FIN", GREETED)])
def test_a_collector_that_hangs_up_is_told_with_how_far_it_came(how, steps):
    (found,) = diagnosis((*steps, closed("peer", how)))
    assert (found.cause, found.certain) == ("peer_closed", True)
    assert f"ended the connection ({how})" in found.because
    progress = "ClientHello came" if steps is GREETED else "the agent sent nothing"
    assert progress in found.because


def test_before_5_0_an_unexpected_eof_may_be_a_plain_port_too():
    steps = (*GREETED, closed("peer"))
    found = diagnosis(steps, log=[line("[tls] error: unexpected EOF")], version="4.2.8")
    assert [one.cause for one in found] == ["peer_closed", "peer_speaks_no_tls"]
    assert "cannot tell which of" in found[-1].because


def test_a_silent_collector_is_told_with_how_long_it_was_waited_for():
    (found,) = diagnosis((*GREETED, closed("agent")), pace=7.0)
    assert (found.cause, found.certain) == ("peer_silent", True)
    assert "nothing came from the collector in 7 seconds" in found.because
    assert "net.connect_timeout" in found.fix


def test_an_agent_that_hangs_up_at_once_is_not_explained():
    (found,) = diagnosis((*ANSWERED, closed("agent")))
    assert (found.cause, found.certain) == ("agent_closed", False)
    assert "cannot tell why: look at the agent's log" in found.because


def test_a_name_that_does_not_resolve_is_told_with_the_log_s_words():
    text = "[net] getaddrinfo(host='nowhere.test', err=4): Domain name not found"
    log = [line(text, "warn"), line("[output:http:http.0] no upstream connections available to x")]
    (found,) = diagnosis((), log=log)
    assert (found.cause, found.certain) == ("name_does_not_resolve", True)
    assert "nowhere.test" in found.because
    assert "Host" in found.fix


def test_a_connection_that_nobody_accepts_names_the_address():
    log = [line("[output:http:http.0] no upstream connections available to 127.0.0.1:1")]
    (found,) = diagnosis((), log=log)
    assert found.cause == "connection_refused"
    assert "127.0.0.1:1" in found.because
    assert "Host and Port" in found.fix


# What stops the start.

START = {
    "ca_missing": (
        "[tls] ca_file '/certs/ca.pem' 268435584: error:80000002:system library::No such file",
        {},
        "ca_file_missing",
        "/certs/ca.pem, which does not exist",
        "correct tls.ca_file",
    ),
    "ca_unreadable": (
        "[tls] ca_file '/certs/ca.pem' 2: error:8000000D:system library::Permission denied",
        {},
        "ca_file_unreadable",
        "/certs/ca.pem, which Fluent Bit may not read",
        "(tls.ca_file)",
    ),
    "ca_empty": (
        "[tls] ca_file '/certs/ca.pem' 0: error:05800088:x::no certificate or crl found",
        {"ca_file": "empty file"},
        "ca_file_empty",
        "which is empty",
        "tls.ca_file",
    ),
    "ca_directory": (
        "[tls] ca_file '/certs/ca.pem' 0: error:05800088:x::no certificate or crl found",
        {"ca_file": "a directory"},
        "ca_file_is_directory",
        "which is a directory",
        "tls.ca_path",
    ),
    "ca_der": (
        "[tls] ca_file '/certs/ca.pem' 0: error:05800088:x::no certificate or crl found",
        {"ca_file": "DER"},
        "ca_file_not_pem",
        "(it is DER)",
        "openssl x509 -inform DER",
    ),
    "crt_missing": (
        "[tls] crt_file '/certs/c.pem' 2: error:80000002:system library::No such file",
        {},
        "crt_file_unusable",
        "/certs/c.pem, which does not exist",
        "tls.crt_file",
    ),
    "crt_garbage": (
        "[tls] crt_file '/certs/c.pem' 1: error:0480006C:PEM routines::no start line",
        {},
        "crt_file_unusable",
        "holds no usable PEM certificate (it says: no start line)",
        "tls.crt_file",
    ),
    "crt_weak": (
        "[tls] crt_file '/certs/c.pem' 0: error:0A00018F:SSL routines::ee key too small",
        {"client": pem(CLIENT)},
        "client_certificate_weak_key",
        "'CN=fluent-bit",
        "RSA 2048",
    ),
    "key_missing": (
        "[tls] key_file '/certs/c.key' 2: error:80000002:system library::No such file",
        {},
        "key_file_missing",
        "/certs/c.key, which does not exist",
        "tls.key_file",
    ),
    "key_unreadable": (
        "[tls] key_file '/certs/c.key' 2: error:8000000D:system library::Permission denied",
        {},
        "key_file_unreadable",
        "may not read",
        "tls.key_file",
    ),
    "key_garbage": (
        "[tls] key_file '/certs/c.key' 1: error:1E08010C:DECODER routines::unsupported",
        {},
        "key_file_not_pem",
        "no PEM private key",
        "tls.key_file",
    ),
    "key_of_another": (
        "[tls] key_file '/certs/c.key' 0: error:05800074:x509::key values mismatch",
        {"client": pem(CLIENT, INTERMEDIATE)},
        "key_mismatch",
        "(/certs/c.key) is not that of 'CN=fluent-bit",
        "tls.key_file",
    ),
    "certificates_in_wrong_order": (
        "[tls] key_file '/certs/c.key' 0: error:05800074:x509::key values mismatch",
        {"client": pem(INTERMEDIATE, CLIENT)},
        "key_mismatch",
        f"the first certificate in tls.crt_file is {THE_INTERMEDIATE}, a CA's",
        "first into tls.crt_file",
    ),
    "no_passphrase": (
        "[tls] key_file '/certs/c.key' 7: error:1400006B:UI routines::processing error",
        {},
        "key_passphrase",
        "tls.key_passwd is not set",
        "set tls.key_passwd",
    ),
    "wrong_passphrase": (
        "[tls] key_file '/certs/c.key' 2: error:1C800064:Provider routines::bad decrypt",
        {"properties": {**WITH_CLIENT, "tls.key_passwd": "(hidden)"}},
        "key_passphrase",
        "tls.key_passwd does not open it",
        "set tls.key_passwd",
    ),
    "key_without_certificate": (
        "[tls] private_key '/certs/c.key' and password don't match",
        {"properties": {**VERIFY_PEER, "tls.key_file": "/certs/c.key"}},
        "key_without_certificate",
        "without tls.crt_file",
        "set tls.crt_file",
    ),
    "ciphers": (
        "[output http.0] error setting up TLS ciphers up to TLSv1.2",
        {"properties": {**VERIFY_PEER, "tls.ciphers": "FOO"}},
        "bad_ciphers",
        "tls.ciphers (FOO)",
        "set tls.ciphers",
    ),
    "misspelt": (
        "[config] http: unknown configuration property 'tls.cafile'. The following are allowed: x",
        {},
        "unknown_property",
        "http of Fluent Bit 5.1.1 has no property 'tls.cafile'",
        "write tls.ca_file in place of tls.cafile",
    ),
    "of_inputs_only": (
        "[config] http: unknown configuration property 'tls.verify_client_cert'",
        {},
        "unknown_property",
        "tls.verify_client_cert",
        "it is a property of inputs",
    ),
    "too_new": (
        "[config] http: unknown configuration property 'tls.min_version'",
        {"version": "3.2.2"},
        "unknown_property",
        "Fluent Bit 3.2.2",
        "move to Fluent Bit 4.0",
    ),
    "the_article_s_word": (
        "[config] http: unknown configuration property 'mode'",
        {},
        "unknown_property",
        "'mode'",
        "verify_host is `tls on`, `tls.verify on`, `tls.verify_hostname on`",
    ),
    "tls_on_tail": (
        "[config] tail.0 does not support TLS",
        {},
        "tls_on_plugin_without_tls",
        "tail.0 opens no network connection",
        "take tls away from tail.0",
    ),
}


@pytest.mark.parametrize("case", START)
def test_what_stops_the_start_is_told_with_the_file_or_the_property(case):
    text, facts, cause, because, fix = START[case]
    facts = {"properties": WITH_CLIENT, **facts}
    (found,) = diagnosis((), log=[line(text)], exit_code=255, **facts)
    assert (found.cause, found.certain) == (cause, True)
    assert because in found.because
    assert fix in found.fix


def test_a_ca_file_without_certificates_of_unknown_form_is_not_decided():
    text = "[tls] ca_file '/certs/ca.pem' 0: error:05800088:x::no certificate or crl found"
    found = diagnosis((), log=[line(text)], exit_code=255, ca_file="given")
    assert [one.cause for one in found] == [
        "ca_file_not_pem",
        "ca_file_empty",
        "ca_file_is_directory",
    ]
    assert "cannot tell which of" in found[-1].because
    assert "/certs/ca.pem (head -c 64)" in found[-1].because


def test_a_mismatch_without_a_reason_is_not_decided():
    text = "[tls] private_key '/certs/c.key' and password don't match"
    found = diagnosis((), log=[line(text)], exit_code=255, properties=WITH_CLIENT)
    assert [one.cause for one in found] == ["key_mismatch", "key_passphrase", "key_file_missing"]
    assert "cannot tell which of" in found[-1].because


def test_a_nested_block_is_shown_and_translated():
    config = "[OUTPUT]\n    Name http\n    <TLS>\n        Mode verify_host\n    </TLS>\n"
    text = "[config] error in /x/fluent-bit.conf:3: undefined value - check config is in valid "
    log = [line(text + "classic format")]
    (found,) = diagnosis((), log=log, exit_code=1, config=config)
    assert (found.cause, found.certain) == ("config_syntax", True)
    assert "line 3" in found.because
    assert "`<TLS>`" in found.because
    assert "Mode verify_host is `tls on`, `tls.verify on`, `tls.verify_hostname on`" in found.fix


def test_a_stop_that_nobody_knows_shows_the_last_words():
    (found,) = diagnosis((), log=[line("[engine] no room left")], exit_code=255)
    assert (found.cause, found.certain) == ("not_started", False)
    assert "exit code 255 (it says: [engine] no room left)" in found.because
    assert "cannot tell why" in found.because


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


@pytest.mark.parametrize("case", PLAIN)
def test_cleartext_is_explained_by_the_words_of_the_configuration(case):
    properties, cause, because, fix = PLAIN[case]
    (found,) = diagnosis(CLEARTEXT, properties=properties)
    assert (found.cause, found.certain) == (cause, True)
    assert because in found.because
    assert fix in found.fix


def test_the_configuration_counts_and_not_what_was_meant():
    config = "[INPUT]\n    Name dummy\n[OUTPUT]\n    Name  http\n    TLS   Maybe\n"
    (found,) = diagnosis(CLEARTEXT, properties=VERIFY_HOST, config=config)
    assert found.cause == "tls_word_is_no_boolean"
    assert "`tls Maybe`" in found.because


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


def test_a_name_that_only_the_cn_bears_is_told_where_names_are_checked():
    nameless = HEALTHY.but(named(common_name=HOST, key_label="nameless"))
    (found,) = diagnosis(DELIVERED, properties=VERIFY_HOST, sent=nameless)
    assert found.cause == "name_only_in_common_name"
    assert f"only the CN '{HOST}'" in found.because
    assert f"subjectAltName DNS:{HOST}" in found.fix


def test_a_revoked_certificate_is_accepted_all_the_same():
    sent = HEALTHY.but(revoked())
    certificate = pem(*sent.sent)
    crls = "".join(PKI.crl_pem(issuer).decode() for issuer in sent.leaf.path[1:])
    (found,) = diagnosis(DELIVERED, sent=sent, anchors=pem(ROOT) + crls)
    assert certificate
    assert found.cause == "accepted_all_the_same"
    assert "was revoked on 2026-11-23 07:30 UTC" in found.because


def test_an_anonymous_agent_among_known_ones_is_told():
    (found,) = diagnosis(DELIVERED, client_auth="ask", client_anchors=pem(ROOT))
    assert (found.cause, found.certain) == ("anonymous_client_accepted", True)
    assert "tls.crt_file and tls.key_file" in found.fix


# The knowledge is whole, and its texts can always be filled in.


def test_every_cause_that_a_table_names_has_a_text():
    suspected = [one for suspects in (*ALERTS.values(), *SIGNS.values()) for one in suspects.causes]
    suspected += [one for causes in X509_CODES.values() for one in causes]
    suspected += [*FORMS.values(), *OF_THE_CLIENT.values(), *OF_THE_COLLECTOR.values()]
    suspected += [one for _, one in PEER_SAYS] + [reason.cause for reason in REASONS]
    lacking = [one for one in suspected if not getattr(remedies.REMEDIES.get(one), "meaning", "")]
    assert lacking == []


def test_every_next_observation_that_a_table_names_has_a_text():
    named_by = {suspects.look for suspects in (*ALERTS.values(), *SIGNS.values())}
    assert named_by <= set(remedies.LOOK)


@pytest.mark.parametrize("name", sorted(remedies.REMEDIES))
def test_no_fix_ends_a_sentence_or_names_what_fluent_bit_does_not_have(name):
    fix = remedies.REMEDIES[name].fix
    words = {word.strip("`,;:()") for word in fix.split()}
    properties = {word for word in words if word.startswith("tls.")}
    assert properties <= {*remedies.PROPERTIES, "tls.verify_client_cert"}
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
    found = diagnosis(DELIVERED, sent=sent, client_auth="ask", client_anchors=pem(ROOT))
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
