"""The reference program's inputs let in, refuse and say what those of Fluent Bit 5.1.1 did.

Each expectation was measured on Fluent Bit 5.1.1 with OpenSSL 3.0.22.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import warnings

import pytest
from reference_runs import CREATED, Bench, Running, configuration, free_port, post

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# --- who is let in ---------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
@pytest.mark.parametrize(
    ("certificate", "alert"),
    [
        ("lonely", ("TLSV1_ALERT_UNKNOWN_CA", "unknown CA")),
        ("stranger", ("TLSV1_ALERT_UNKNOWN_CA", "unknown CA")),
        ("expired", ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "certificate expired")),
        ("early", ("SSLV3_ALERT_BAD_CERTIFICATE", "bad certificate")),
        ("server_only", ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "unsupported certificate")),
    ],
)
@pytest.mark.parametrize("plugin", ["http", "tcp"])
def test_a_client_certificate_is_refused_with_openssls_alert(
    bench, plugin, version, certificate, alert
):
    name, words = alert
    with bench.listening(plugin, **bench.secured(tls__verify_client_cert="on")) as (one, sink):
        assert one.ship(bench.client(certificate, version=version)) == name
        assert one.says(f"SSL3 alert write:fatal:{words}")
        assert one.says("error:0A000086:SSL routines::certificate verify failed")
        assert plugin != "tcp" or one.says("[downstream] connection #")
        assert sink.is_empty()


@pytest.mark.parametrize(
    ("version", "alert"),
    [(V12, "SSLV3_ALERT_HANDSHAKE_FAILURE"), (V13, "TLSV13_ALERT_CERTIFICATE_REQUIRED")],
)
def test_no_client_certificate_is_refused_where_one_is_demanded(bench, version, alert):
    with bench.listening(**bench.secured(tls__verify_client_cert="on")) as (one, _):
        assert one.ship(bench.client(version=version)) == alert
        assert one.says("error:0A0000C7:SSL routines::peer did not return a certificate")


UNKNOWN = "TLSV1_ALERT_UNKNOWN_CA"
REQUIRED = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


@pytest.mark.parametrize(
    ("properties", "none", "known", "stranger"),
    [
        ({}, CREATED, CREATED, UNKNOWN),
        ({"tls__verify": "on"}, CREATED, CREATED, UNKNOWN),
        ({"tls__verify": "off"}, CREATED, CREATED, CREATED),
        ({"tls__verify": "maybe", "tls__verify_client_cert": "on"}, REQUIRED, CREATED, UNKNOWN),
        ({"tls__verify": "off", "tls__verify_client_cert": "on"}, CREATED, CREATED, CREATED),
        ({"tls__verify_client_cert": "on", "tls__ca_file": None}, REQUIRED, UNKNOWN, UNKNOWN),
    ],
)
def test_a_certificate_is_asked_for_by_verify_and_demanded_by_verify_client_cert(
    bench, properties, none, known, stranger
):
    with bench.listening(**bench.secured(**properties)) as (one, _):
        assert one.ship(bench.client()) == none
        assert one.ship(bench.client("client")) == known
        assert one.ship(bench.client("stranger")) == stranger


@pytest.mark.parametrize(("verify", "resumes"), [("on", False), ("off", True)])
@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_an_input_that_asks_for_certificates_refuses_to_resume_a_session(
    bench, verify, resumes, version
):
    context = bench.client(version=version)
    with bench.listening(**bench.secured(tls__verify=verify)) as (one, _):
        assert one.ship(context) == CREATED
        again = one.ship(context, session=one.session)
        if resumes:
            assert (again, one.reused) == (CREATED, True)
        else:
            assert again == "TLSV1_ALERT_INTERNAL_ERROR"
            assert one.says("error:0A000115:SSL routines::session id context uninitialized")


@pytest.mark.parametrize(
    ("properties", "version", "alert", "said"),
    [
        ({"tls__min_version": "TLSv1.3"}, V12, "TLSV1_ALERT_PROTOCOL_VERSION", "0A000102"),
        ({"tls__max_version": "TLSv1.2"}, V13, "TLSV1_ALERT_PROTOCOL_VERSION", "0A000102"),
        (
            {"tls__ciphers": "ECDHE-RSA-AES128-SHA256"},
            V12,
            "SSLV3_ALERT_HANDSHAKE_FAILURE",
            "0A0000C1:SSL routines::no shared cipher",
        ),
    ],
)
def test_a_protocol_or_cipher_outside_the_bounds_is_refused(
    bench, properties, version, alert, said
):
    with bench.listening(**bench.secured(**properties)) as (one, _):
        assert one.ship(bench.client(version=version)) == alert
        assert one.says(f"[tls] error: error:{said}")


def test_a_shipper_of_tls_1_1_finds_no_signature_that_both_sides_allow(bench):
    context = bench.client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = (
            ssl.TLSVersion.TLSv1,
            ssl.TLSVersion.TLSv1_1,
        )
    context.set_ciphers("ALL:@SECLEVEL=0")
    with bench.listening(**bench.secured()) as (one, _):
        assert one.ship(context) == "TLSV1_ALERT_INTERNAL_ERROR"
        assert one.says("error:0A000076:SSL routines::no suitable signature algorithm")


@pytest.mark.parametrize(
    ("plugin", "alpn", "answer"),
    [
        ("http", ["http/1.1"], CREATED),
        ("http", ["foo", "http/1.0"], CREATED),
        ("http", ["foo"], "no application protocol"),
        ("tcp", ["foo"], None),
    ],
)
def test_an_input_over_http_refuses_other_protocols_and_another_does_not_look(
    bench, plugin, alpn, answer
):
    with bench.listening(plugin, **bench.secured()) as (one, sink):
        if answer is None:
            with bench.client(alpn=alpn).wrap_socket(one.dial()) as connection:
                connection.sendall(b'{"n":1}\n')
            assert json.loads(sink.next())[0]["n"] == 1
            return
        assert answer in one.ship(bench.client(alpn=alpn))
        if answer != CREATED:
            assert one.says("error:0A0000EB:SSL routines::no application protocol")


# --- who is no TLS client at all -------------------------------------------------------------


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "error:0A00009C:SSL routines::http request"),
        (b'{"n":1}\n', "error:0A00010B:SSL routines::wrong version number"),
        (b"", "error:0A000126:SSL routines::unexpected eof while reading"),
        (reset, "tls handshake failed (ssl_error=5)"),
    ],
)
def test_what_is_no_tls_is_named(bench, sent, said):
    with bench.listening(**bench.secured()) as (one, sink):
        with one.dial() as connection:
            sent(connection) if callable(sent) else connection.sendall(sent)
        assert one.says(f"[tls] error: {said}")
        assert sink.is_empty()


def test_a_client_that_refuses_the_input_is_heard(bench):
    with bench.listening(**bench.secured()) as (one, _):
        assert one.ship(bench.client(anchor="other_root.pem")) == "CERTIFICATE_VERIFY_FAILED"
        assert one.says("SSL3 alert read:fatal:unknown CA")
        assert one.says("[tls] error: error:0A000418:SSL routines::tlsv1 alert unknown ca")


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("http", "[downstream] connection #N from  timed out after 1 seconds (connection timeout)"),
        ("tcp", " timed out after 10 seconds"),
    ],
)
def test_a_client_that_is_silent_is_left_after_the_accept_timeout(bench, plugin, said):
    with (
        bench.listening(plugin, **bench.secured(net__accept_timeout="1")) as (one, _),
        one.dial() as silent,
    ):
        if plugin == "tcp":  # it shakes hands with one at a time
            with bench.client().wrap_socket(one.dial()):
                silent.setblocking(False)
                assert silent.recv(1) == b""
        else:
            assert one.ship(bench.client()) == CREATED
            assert silent.recv(1) == b""
        one.says("timed out after")
        assert said in next(line for line in one.agent.said() if "timed out" in line)


def test_an_end_without_close_notify_is_an_error_in_the_log_and_one_with_it_is_not(bench):
    with bench.listening(**bench.secured()) as (one, _):
        with bench.client().wrap_socket(one.dial()) as connection:
            connection.sendall(post("/", b'{"n":1}'))
            connection.recv(1000)
            connection.unwrap()
        assert one.says("[tls] connection closed by the remote peer (close_notify)")
        assert one.ship(bench.client()) == CREATED
        assert one.says("[tls] error: error:0A000126:SSL routines::unexpected eof while reading")


@pytest.mark.parametrize("word", ["off", "maybe"])
def test_tls_to_an_input_in_cleartext_ends_or_is_taken_for_bad_json(bench, word):
    with bench.listening("http", tls=word) as (one, _):
        assert "EOF" in one.ship(bench.client())
    with bench.listening("tcp", tls=word) as (one, _):
        with one.dial() as raw:
            raw.settimeout(0.3)
            with pytest.raises(TimeoutError):
                bench.client().wrap_socket(raw)
        assert one.says("[input:tcp:in] invalid JSON message, skipping")


# --- what it refuses to start with -----------------------------------------------------------

NO_TLS = "[input http.0] error initializing TLS context"


@pytest.mark.parametrize(
    ("properties", "code", "said"),
    [
        ({"tls__crt_file": None}, 255, f"{NO_TLS} (certificate file missing)"),
        ({"tls__key_file": None}, 255, f"{NO_TLS} (private key file missing)"),
        ({"tls__crt_file": "/none"}, 255, NO_TLS),
        ({"tls__key_file": "/none"}, 255, "[tls] private_key '/none' and password don't match"),
        ({"tls__ca_file": "/none"}, 255, "[tls] could not create TLS backend"),
        ({"tls__ciphers": "FOO"}, 255, "[input http.0] error setting up TLS ciphers up to TLSv1.2"),
        ({"Listen": "192.0.2.1"}, 255, "could not start http server on 192.0.2.1:"),
        ({"foo": "x"}, 255, "[config] http: unknown configuration property 'foo'."),
        ({"net__foo": "x"}, 255, "[config] http: unknown configuration property 'net.foo'."),
        ({"tls__verify_client_cert": "maybe"}, 1, "could not configure property"),
        ({"tls": "off", "tls__min_version": "TLSv1.2"}, -6, "[engine] caught signal (SIGSEGV)"),
        ({"tls": "off", "tls__ciphers": "DEFAULT"}, -6, "[engine] caught signal (SIGSEGV)"),
    ],
)
def test_an_input_that_cannot_be_secured_stops_the_start(bench, properties, code, said):
    bench.conf.write_text(configuration("http", free_port(), 1, **bench.secured(**properties)))
    with Running(bench.conf) as agent:
        assert agent.end() == code
    assert said in "\n".join(agent.lines)
    assert ("[engine] input initialization failed" in agent.lines[-1]) == (code == 255)


@pytest.mark.parametrize("plugin", ["kubernetes_events", "systemd"])
def test_a_plugin_that_is_not_modelled_is_one_that_it_does_not_have(bench, plugin):
    bench.conf.write_text(configuration(plugin, 1, 1))
    with Running(bench.conf) as agent:
        assert agent.end() == 1
    said = "\n".join(agent.lines)
    assert f"section '{plugin}' tried to instance a plugin name that doesn't exist" in said
    assert "the reference agent models no other input than dummy, tail, http," in said


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Mode": "tcp"}, "[error] [in_syslog] parser not set"),
        ({"Mode": "udp"}, "the reference agent models no other mode of syslog than tcp, not udp"),
    ],
)
def test_syslog_needs_a_parser_and_tcp(bench, properties, said):
    bench.conf.write_text(configuration("syslog", free_port(), 1, **properties))
    with Running(bench.conf) as agent:
        assert agent.end() == 255
    assert said in "\n".join(agent.lines)
