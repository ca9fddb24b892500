"""Which causes a wording leaves possible, and how release, plugin and configuration weigh them."""

from __future__ import annotations

import datetime as dt

import pytest
from logged import AT, CODE, EOF, causes, none_available, troubles, words

from flb_handshake import catalogue
from flb_handshake.certificates import HEALTHY, LEAF, OTHER_LEAF, ROOT
from flb_handshake.config import reading
from flb_handshake.diagnosis.causes import ranked
from flb_handshake.diagnosis.configured import (
    Settings,
    common,
    sections_of,
    settings_behind,
    settings_of,
    sided,
)
from flb_handshake.diagnosis.examined import examined
from flb_handshake.diagnosis.meaning import look_next, meaning
from flb_handshake.diagnosis.remedying import SCENARIOS
from flb_handshake.diagnosis.telling import Diagnosis, page
from flb_handshake.diagnosis.vocabulary import WORD_OF, Word
from flb_handshake.pki import Pki
from flb_handshake.suspects import ALERTS, ALERTS_OF_AN_INPUT, FORMS, REASONS, SIGNS, X509_CODES

NOW = dt.datetime.now(dt.UTC)
TLS = AT + "[error] [tls] "
SSL = TLS + "error: error:0A000086:SSL routines::"
ALERT = AT + "[debug] [tls] connection #9 SSL3 alert {}:fatal:{}"
ACCEPT = AT + "[error] [tls] connection #9 SSL_accept: error in error"


def code(number):
    return CODE.format(reason="whatever", code=number)


REACHED = [
    ("untrusted-ca", [code(18)]),
    ("missing-intermediate", [code(21)]),
    ("hostname-mismatch", [code(62)]),
    ("expired", [code(10)]),
    ("not-yet-valid", [code(9)]),
    ("wrong-purpose", [code(26)]),
    ("weak-key", [code(66)]),
    ("client-cert-missing", [SSL + "tlsv13 alert certificate required"]),
    ("client-cert-untrusted", [ALERT.format("read", "unknown CA"), EOF]),
    ("client-cert-untrusted", [ALERT.format("write", "unknown CA"), ACCEPT]),
    ("key-mismatch", [TLS + "private_key '/k' and password don't match"]),
    ("ca-file-unreadable", [TLS + "ca_file '/c' 1: error:80000002::No such file or directory"]),
    ("system-ca", [code(20), none_available(target="logs.example.test:443")]),
    ("config-syntax", [AT + "[ warn] [net] getaddrinfo(host='https://a/b', err=4): no such name"]),
    ("plaintext-port", [SSL + "wrong version number"]),
    ("protocol-version", [SSL + "tlsv1 alert protocol version"]),
    ("cipher", [AT + "[error] [output:http:http.0] error setting up TLS ciphers up to TLSv1.2"]),
    ("alpn", [SSL + "no application protocol", ACCEPT]),
    ("sni", [SSL + "tlsv1 alert unrecognized name"]),
    ("proxy", [AT + "[debug] [http_client] proxy TLS handshake failed for squid:3129"]),
    ("rotation", [TLS + "detected certificate file changes but reload failed"]),
    ("timeout", [AT + "[error] [upstream] connection #4 to a:443 timed out after 10 seconds"]),
    ("connection-reset", [TLS + "error: tls handshake failed (ssl_error=5)"]),
    ("resource-limit", [AT + "[error] [/src/flb_io.c:9 errno=24] Too many open files", EOF]),
    ("not-tls", [AT + "[ warn] [net] getaddrinfo(host='nowhere', err=4): Domain name not found"]),
    ("unknown", [ALERT.format("read", "user canceled"), EOF]),
]  # fmt: skip


@pytest.mark.parametrize(("word", "log"), REACHED, ids=lambda value: str(value)[:30])
def test_every_word_is_the_first_of_some_log(word, log):
    assert words(*log)[0] == word


def test_no_word_is_left_that_no_log_reaches():
    assert {word for word, _ in REACHED} == set(Word)


def test_every_cause_of_the_judge_falls_under_a_word():
    # Catches a cause that is added to `suspects` and not to the table.
    of_tables = [
        one.causes for table in (ALERTS, ALERTS_OF_AN_INPUT, SIGNS) for one in table.values()
    ]
    named = {cause for causes in [*of_tables, *X509_CODES.values()] for cause in causes}
    named |= {one.cause for one in REASONS} | set(FORMS.values())
    assert named <= set(WORD_OF)


def test_every_scenario_that_is_named_is_in_the_catalogue():
    assert {one.id for one in catalogue.load()} >= SCENARIOS


def test_confidences_are_ranked_shares_of_one():
    for log in (log for _, log in REACHED):
        each = [one.confidence for one in causes(*log)]
        assert each == sorted(each, reverse=True)
        assert 0 < sum(each) <= 1.03
        assert all(one.fix and one.because for one in causes(*log))


FAILED_TO = AT + "[debug] [upstream] connection #{} failed to logs.example.test:9200"
IN_ERROR = AT + "[error] [tls] connection #9 SSL_connect: error in {}"


def test_where_alerts_are_written_and_none_is_nobody_refused_a_certificate():
    # Catches SSL_connect lines, which come at log_level info too, taken for those of alerts.
    quiet = (IN_ERROR.format("error"), EOF, none_available())
    loud = (*quiet[:2], FAILED_TO.format(9), none_available())
    assert words(*quiet, release="2.2.3")[:2] == ["untrusted-ca", "connection-reset"]
    assert words(*loud, release="2.2.3")[0] == "connection-reset"
    asked = [look_next(troubles(*log)[0], None).command for log in (quiet, loud)]
    assert ["tls.debug 1" in one for one in asked] == [True, False]


def test_an_end_before_the_hello_of_the_server_is_no_refused_certificate():
    log = (IN_ERROR.format("SSLv3/TLS write client hello"), EOF, none_available())
    assert words(*log, release="2.2.3")[0] == "connection-reset"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (IN_ERROR.format("error"), "connection-reset"),
        (ACCEPT, "connection-reset"),
    ],
)
def test_decode_error_is_what_openssl_says_to_an_end_in_the_handshake(line, cause):
    assert words(ALERT.format("write", "decode error"), line)[0] == cause


def test_a_connection_that_never_stood_is_not_the_fault_of_tls():
    # Catches its number, -1, passed over with those of connections that stood.
    assert words(FAILED_TO.format(-1), none_available())[0] == "not-tls"
    assert words(FAILED_TO.format(9), IN_ERROR.format("error"), EOF)[0] != "not-tls"


def test_an_end_that_says_nothing_leaves_much_open():
    each = causes(EOF, none_available(), release="2.2.3")
    assert len(each) >= 4
    assert each[0].confidence < 0.5


@pytest.mark.parametrize(
    ("release", "told"),
    [("2.2.3", "up to 3.0.6"), ("3.1", "3.0.7 to 3.1"), ("4.2.8", "3.2 to 4.2")],
)
def test_what_an_unexpected_end_means_is_told_by_release(release, told):
    (one,) = troubles(EOF, none_available(), release=release)
    assert told in meaning(one)
    assert "says almost nothing" in meaning(one)


def test_a_release_that_says_why_it_refuses_makes_refusals_unlikely_where_it_does_not():
    before = words(EOF, none_available(), release="2.2.3")
    after = words(EOF, none_available(), release="4.2.8")
    assert before.index("untrusted-ca") < after.index("untrusted-ca")


def test_3_0_7_is_known_for_names_and_3_2_0_for_its_protocols():
    refused = EOF + " with reason: certificate verify failed"
    assert words(refused, release="3.0.7")[0] == "hostname-mismatch"
    assert words(refused, release="3.1.4")[0] != "hostname-mismatch"
    assert words(EOF, release="3.2.0")[0] == "alpn"
    assert "alpn" not in words(EOF, release="3.2.1")


def test_the_configuration_makes_causes_impossible_or_likely():
    broken = AT + "[error] [http_client] broken connection to logs.example.test:9200 ?"
    bare = Settings(plugin="http", values={"tls": "on"})
    full = Settings(plugin="http", values={"tls": "on", "tls.ca_file": "/c", "tls.crt_file": "/x"})
    off = Settings(plugin="http", values={"tls": "off"})
    unverified = Settings(plugin="http", values={"tls": "on", "tls.verify": "off"})
    assert words(code(20), settings=bare)[0] == "system-ca"
    assert words(code(20), settings=full)[0] == "untrusted-ca"
    assert words(broken, settings=off)[0] == "plaintext-port"
    open_ended = words(EOF, none_available(), settings=bare, release="2.2.3")
    checked_off = words(EOF, none_available(), settings=unverified, release="2.2.3")
    assert "system-ca" in open_ended
    assert not {"system-ca", "untrusted-ca", "hostname-mismatch"} & set(checked_off)


CONFIG = """
[OUTPUT]
    name http
    host logs.example.test
    port 9200
    tls on
    tls.vhost inner.example.test
    tls.ca_file {place}/ca.pem
    tls.crt_file {place}/crt.pem
    tls.key_file {place}/key.pem
[OUTPUT]
    name http
    alias second
    host other.example.test
"""


@pytest.fixture
def configured(tmp_path):
    file = tmp_path / "fluent-bit.conf"
    file.write_text(CONFIG.format(place=tmp_path))
    return reading.read(file, environment={})


def settings(configured, *log):
    (one,) = troubles(*log)
    return common(settings_behind(configured, one))


def test_the_section_is_found_by_alias_by_number_and_by_what_is_dialled(configured):
    by_alias = settings(
        configured, EOF, AT + "[error] [output:http:second] no upstream connections available"
    )
    by_number = settings(configured, EOF, none_available())
    dialled = settings(configured, EOF, AT + "[error] [http_client] broken connection to "
                       "other.example.test:80 ?")  # fmt: skip
    assert by_alias.host == dialled.host == "other.example.test"
    assert by_number.host == "logs.example.test"


SERVING = """
[INPUT]
    name http
    tls {tls}
[INPUT]
    name tcp
    tls on
[OUTPUT]
    name http
    tls on
"""


@pytest.mark.parametrize("tls", ["on", "off"])
def test_what_nobody_claims_is_an_inputs_where_an_input_serves_tls(tmp_path, tls):
    """Catches a line of an input, told as if an output had refused its server."""
    file = tmp_path / "fluent-bit.conf"
    file.write_text(SERVING.format(tls=tls))
    configuration = reading.read(file, environment={})
    (nobodys,) = troubles(EOF)
    one = sided(nobodys, configuration)
    assert one.is_input
    assert WORD_OF[next(iter(one.decisive.causes))] is Word.PLAINTEXT_PORT
    assert [found.plugin for found in sections_of(configuration, one)] == ["http", "tcp"]
    assert not settings_behind(configuration, one)
    (outputs,) = troubles(EOF, none_available())
    assert sided(outputs, configuration) is outputs
    file.write_text(SERVING.format(tls="off").replace("[INPUT]\n    name tcp", "[OUTPUT]\n name x"))
    assert sided(nobodys, reading.read(file, environment={})) is nobodys


def test_the_files_it_names_are_examined(configured, tmp_path):
    pki = Pki()
    section = settings(configured, EOF, none_available())
    assert [one.cause for one in examined(section, NOW)] == [
        "ca_file_missing", "crt_file_unusable", "key_file_missing",
    ]  # fmt: skip
    (tmp_path / "ca.pem").write_bytes(pki.pem(ROOT))
    (tmp_path / "crt.pem").write_bytes(pki.pem(*HEALTHY.sent))
    (tmp_path / "key.pem").write_bytes(pki.key_pem(OTHER_LEAF))
    assert [one.cause for one in examined(section, NOW)] == ["key_mismatch"]
    (tmp_path / "key.pem").write_bytes(pki.key_pem(LEAF))
    assert not examined(section, NOW)
    late = NOW + dt.timedelta(days=1000 * 365)
    assert {one.cause for one in examined(section, late)} == {
        "client_certificate_expired",
        "expired",
    }
    (tmp_path / "key.pem").write_bytes(pki.key_pem(LEAF, "secret"))
    assert [one.cause for one in examined(section, NOW)] == ["key_passphrase"]
    (tmp_path / "ca.pem").write_bytes(b"\0junk")
    assert examined(section, NOW)[0].cause == "ca_file_not_pem"


def test_a_file_is_looked_for_beside_the_configuration_that_names_it(tmp_path):
    (tmp_path / "ca.pem").write_bytes(Pki().pem(ROOT))
    file = tmp_path / "fluent-bit.conf"
    file.write_text("[OUTPUT]\n    Name http\n    tls on\n    tls.ca_file ca.pem\n")
    (section,) = reading.read(file, environment={}).sections
    assert not examined(settings_of(section), NOW)


def test_a_fault_in_a_file_leads_where_the_log_speaks_of_it(configured, tmp_path):
    pki = Pki()
    (tmp_path / "ca.pem").write_bytes(pki.pem(ROOT))
    section = settings(configured, EOF, none_available())
    late = NOW + dt.timedelta(days=1000 * 365)
    (one,) = troubles(EOF, none_available(), release="2.2.3")
    first = ranked(one, section, examined(section, late))[0]
    assert first.cause is Word.EXPIRED
    assert "tls.ca_file" in first.because


def test_a_file_that_is_missing_here_alone_is_not_blamed_for_a_handshake(configured):
    section = settings(configured, EOF, none_available())
    (one,) = troubles(EOF, none_available())
    assert ranked(one, section, examined(section, NOW))[0].cause is not Word.CA_FILE_UNREADABLE


def test_the_next_command_dials_as_the_output_does(configured, tmp_path):
    log = (code(20), none_available())
    (one,) = troubles(*log)
    command = look_next(one, settings(configured, *log)).command
    assert command.startswith("openssl s_client -connect logs.example.test:9200 ")
    assert "-servername inner.example.test" in command
    assert f"-CAfile {tmp_path}/ca.pem" in command


def test_an_address_is_checked_as_an_address():
    # Catches a command that would refuse what Fluent Bit accepts: an IP in a subjectAltName.
    (one,) = troubles(code(62), none_available())
    values = {"tls": "on", "tls.verify_hostname": "on"}
    by_address = Settings(plugin="http", host="10.0.0.1", port="443", values=values)
    assert "-verify_ip 10.0.0.1" in look_next(one, by_address).command
    assert "-servername" not in look_next(one, by_address).command


def test_a_log_without_debug_lines_is_asked_for_them():
    (one,) = troubles(EOF, none_available())
    assert "tls.debug 1" in look_next(one, None).command


def test_the_last_line_of_the_page_is_the_fix():
    (one,) = troubles(code(10), none_available())
    each = ranked(one)
    told = Diagnosis(trouble=one, causes=each, meaning=meaning(one), next=look_next(one, None))
    text = page([told], lines=2, log="LOG")
    assert text.splitlines()[-1] == f"  fix        {each[0].fix}"
