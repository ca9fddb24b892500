"""The diagnosis of a refused agent, and of two sides that do not speak alike."""

from dataclasses import replace

import pytest
from diagnoses import (
    ACCEPTED,
    ANSWERED,
    GREETED,
    THE_INTERMEDIATE,
    THE_ROOT,
    VERIFY_HOST,
    VERIFY_PEER,
    WITH_CLIENT,
    alert,
    closed,
    diagnosis,
    line,
    mutual,
    refused,
)

from flb_handshake.certificates import (
    CLIENT,
    INTERMEDIATE,
    OTHER_CLIENT,
    SELF_SIGNED,
    Tamper,
    Usage,
    expired,
    not_yet_valid,
    tampered,
    usage,
)
from flb_handshake.explain import explain
from flb_handshake.judge import judge

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
        ["leads to 'CN=agent,OU=agent,O=flb-handshake'", f"the collector trusts {THE_ROOT}"],
        "let the collector trust the CA 'CN=agent,OU=agent,O=flb-handshake'",
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
    unagreed = ["no_shared_cipher", "no_common_group"]
    assert [one.cause for one in found] == ["client_certificate_missing", *unagreed]
    assert "cannot tell which of" in found[-1].because
    open_to_all = explain(replace(made, facts=replace(made.facts, client_auth="none")), judge(made))
    assert [one.cause for one in open_to_all] == unagreed


# What the two sides speak.


def test_versions_without_overlap_are_told_with_what_was_offered():
    steps = (*GREETED, alert("peer", "protocol_version"), closed("peer"))
    (found,) = diagnosis(steps)
    assert (found.cause, found.certain) == ("protocol_version", True)
    assert "the agent offered TLSv1.3, TLSv1.2" in found.because
    assert "tls.min_version" in found.fix


def test_a_collector_of_tls_1_1_signs_with_what_openssl_3_refuses():
    text = "[tls] error: error:0A00014D:SSL routines::legacy sigalg disallowed or unsupported"
    last = "[output:http:http.0] no upstream connections available to 127.0.0.1:1"
    (found,) = diagnosis(refused("internal_error"), log=[line(text), line(last)])
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
