"""The diagnosis of a Fluent Bit that does not start: the file or the property that stops it."""

import pytest
from diagnoses import (
    THE_INTERMEDIATE,
    VERIFY_PEER,
    WITH_CLIENT,
    diagnosis,
    line,
    pem,
)

from flb_handshake.certificates import (
    CLIENT,
    INTERMEDIATE,
)

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
        {"own": pem(CLIENT)},
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
        {"own": pem(CLIENT, INTERMEDIATE)},
        "key_mismatch",
        "(/certs/c.key) is not that of 'CN=fluent-bit",
        "tls.key_file",
    ),
    "certificates_in_wrong_order": (
        "[tls] key_file '/certs/c.key' 0: error:05800074:x509::key values mismatch",
        {"own": pem(INTERMEDIATE, CLIENT)},
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


CAUGHT = ["[engine] caught signal (SIGSEGV)"]


def test_a_version_that_4_x_does_not_know_is_why_it_crashes():
    bad = {**VERIFY_PEER, "tls.min_version": "TLSv9"}
    (found,) = diagnosis((), log=CAUGHT, exit_code=134, properties=bad, version="4.2.8")
    assert (found.cause, found.certain) == ("crashed", True)
    assert "tls.min_version is TLSv9" in found.because
    assert found.fix == "write TLSv1.2 or TLSv1.3 as tls.min_version"


@pytest.mark.parametrize(
    ("version", "value"), [("5.1.1", "TLSv9"), ("3.2.10", "TLSv9"), ("4.2.8", "tlsv1.2")]
)
def test_any_other_crash_is_told_and_not_explained(version, value):
    set_ = {**VERIFY_PEER, "tls.min_version": value}
    (found,) = diagnosis((), log=CAUGHT, exit_code=134, properties=set_, version=version)
    assert (found.cause, found.certain) == ("crashed", False)
    assert "SIGSEGV" in found.because


def test_ciphers_that_nobody_knows_leave_4_x_hanging():
    said = [line("[output http.0] error setting up TLS ciphers up to TLSv1.2")]
    bad = {**VERIFY_PEER, "tls.ciphers": "FOO"}
    (found,) = diagnosis((), log=said, properties=bad, version="4.2.8")
    assert (found.cause, found.certain) == ("bad_ciphers", True)
    assert "tls.ciphers (FOO)" in found.because
    assert "hangs" in found.because
