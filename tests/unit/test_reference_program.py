"""The reference program reads, refuses, verifies and says what Fluent Bit 5.1.1 was seen to."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from reference_runs import LIMIT, PROGRAM, Running

from flb_handshake.agent.reference_program.classic import (
    Instance,
    boolean,
    check_properties,
    load,
    seconds,
)
from flb_handshake.agent.reference_program.context import name_of, protocol, security
from flb_handshake.agent.reference_program.grammar import StartError
from flb_handshake.agent.reference_program.handshake import Watch, farewell
from flb_handshake.agent.reference_program.releases import Release
from flb_handshake.agent.reference_program.wording import numbered

RELEASE = Release("5.1.1")

DUMMY = "[INPUT]\n    Name dummy\n    Rate 1000\n    Samples 1\n    Tag t0\n"
SERVICE = "[SERVICE]\n    Flush 0.01\n    Grace 0\n    Log_Level debug\n"


def output(port, **properties):
    given = {"Alias": "here", "Match": "*", "Host": "127.0.0.1", "Port": port, **properties}
    lines = [f"    {name.replace('__', '.')} {value}\n" for name, value in given.items()]
    return "".join(("[OUTPUT]\n    Name http\n    Retry_Limit no_retries\n", *lines))


# --- what it reads ---------------------------------------------------------------------------


@pytest.fixture
def read(tmp_path):
    def reader(text):
        path = tmp_path / "fluent-bit.conf"
        path.write_bytes(text.encode())
        return load(str(path), RELEASE)

    return reader


@pytest.fixture
def refused(read):
    def reader(text):
        with pytest.raises(StartError) as caught:
            read(text)
        return caught.value

    return reader


def test_keys_in_any_case_and_sections_by_any_beginning_of_their_name(read):
    made = read(
        "[s]\n  FLUSH   0.5\n[In]\n  NAME  dummy\n[oUTpUT]\n  nAME HTTP\n  Tls.Verify  off \n"
    )
    assert made.flush == 0.5
    assert [one.name for one in made.inputs] == ["dummy.0"]
    assert made.outputs[0].settings == {"tls.verify": "off"}


def test_instances_are_numbered_across_plugins_and_titled_by_their_alias(read):
    made = read(DUMMY + "[INPUT]\n    Name tail\n    Alias log\n    Path x\n" + DUMMY)
    assert [one.name for one in made.inputs] == ["dummy.0", "tail.1", "dummy.2"]
    assert [one.title for one in made.inputs] == ["dummy.0", "log", "dummy.2"]


def test_comments_blank_lines_crlf_and_a_last_line_without_end_are_read(read):
    text = "# one\r\n\r\n[INPUT]\r\n    # two\r\n    \r\n    Name dummy\r\n    Tag a b # c"
    assert read(text).inputs[0].settings == {"tag": "a b # c"}


def test_a_line_indented_twice_is_read_like_one_indented_once(read):
    assert read("[INPUT]\n  Name dummy\n    Tag x\n").inputs[0].settings == {"tag": "x"}


def test_a_group_keeps_its_keys_to_itself(read):
    made = read("[INPUT]\n  Name dummy\n  [some group]\n    Tag x\n  Rate 5\n")
    assert made.inputs[0].settings == {"rate": "5"}


def test_variables_are_filled_in_with_their_value_their_default_or_nothing(read, monkeypatch):
    monkeypatch.setenv("FLB_TEST_PLACE", "here")
    monkeypatch.delenv("FLB_TEST_NOWHERE", raising=False)
    said = "${FLB_TEST_PLACE}/${FLB_TEST_NOWHERE:-there}/${FLB_TEST_NOWHERE}/${SET}"
    made = read(f"@SET SET=set\n[INPUT]\n  Name dummy\n  Tag {said}\n")
    assert made.inputs[0].settings == {"tag": "here/there//set"}
    warned = "[env] variable ${FLB_TEST_NOWHERE} is used but not set"
    assert made.warnings == [("warn", warned)]


def test_blanks_around_the_equals_sign_belong_to_what_is_set(read):
    made = read("@SET  A = b \n[INPUT]\n  Name dummy\n  Tag x${A}y${A }z\n")
    assert made.inputs[0].settings == {"tag": "xy bz"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param(
            DUMMY + "    <TLS>\n      Mode verify_peer\n    </TLS>\n",
            6,
            "undefined value - check config is in valid classic format",
            id="the article's block",
        ),
        (
            "[INPUT]\n    Name\tdummy\n",
            2,
            "undefined value - check config is in valid classic format",
        ),
        ("[INPUT]\n    Name dummy\n    Tag \n", 3, "key has an empty value"),
        ("[INPUT]\n    Name dummy\n    Tag   \n", 3, "could not allocate key value pair"),
        ("    Name dummy\n[INPUT]\n", 1, "could not allocate key value pair"),
        ("[INPUT\n    Name dummy\n", 1, "bad header definition"),
        ("[INPUT]\n    Name dummy\n  Tag x\n", 3, "invalid indentation level"),
        ("[INPUT]\n    Name dummy\n\tTag x\n", 3, "invalid indentation level"),
        ("[INPUT]\n    Name dummy\n   \n", 3, "invalid indentation level"),
        ("[INPUT]\n    Name dummy\n      # deep\n", 3, "invalid indentation level"),
    ],
)
def test_a_line_that_fluent_bit_cannot_read_is_named(refused, tmp_path, text, line, message):
    error = refused(text)
    where = f"[config] error in {tmp_path}/fluent-bit.conf:{line}: {message}"
    assert error.lines[-2:] == (
        ("error", where),
        ("error", "configuration file contains errors, aborting."),
    )
    assert error.code == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[INPUT]\n  Name tail\n  Tls on\n", "[config] tail.0 does not support TLS"),
        (DUMMY + "    tls True\n", "[config] dummy.0 does not support TLS"),
        ("[INPUT]\n  Tag x\n", "[config] section 'input' is missing the 'name' property"),
        (
            "[OUTPUT]\n  Name nonesuch\n",
            "[config] section 'nonesuch' tried to instance a plugin name that doesn't exist",
        ),
        (
            DUMMY + "    tls.verify_client_cert maybe\n",
            (
                "[config] could not configure property 'tls.verify_client_cert' on input plugin "
                "with section name 'dummy'"
            ),
        ),
        (
            "[SERVICE]\n  Log_Level loud\n",
            "[config] could not configure service property 'log_level'",
        ),
        ("[SERVICE]\n  Flush x\n", "invalid flush value, aborting."),
    ],
)
def test_a_setting_that_stops_the_start_exits_with_1(refused, text, said):
    error = refused(text)
    assert ("error", said) in error.lines
    assert error.code == 1


def test_tls_with_an_unknown_word_is_no_tls_and_stops_nothing_on_an_input(read):
    assert read(DUMMY + "    tls maybe\n").inputs[0].flag("tls", default=0) == -1


@pytest.mark.parametrize(
    ("property_", "said"),
    [
        ("tls.verify_client_cert on", "unknown configuration property 'tls.verify_client_cert'."),
        ("tls.ca_fil x", "unknown configuration property 'tls.ca_fil'. The following properties"),
        ("net.foo 1", "are allowed: net.dns.mode, net.dns.resolver,"),
        ("oauth2.foo 1", "oauth2.timeout, and oauth2.connect_timeout."),
        ("uri /a\n    URI /b", "configuration property 'uri' is set 2 times"),
    ],
)
def test_a_property_that_the_output_does_not_know_stops_the_start(read, property_, said):
    made = read(output(1) + f"    {property_}\n")
    with pytest.raises(StartError) as caught:
        check_properties(made.outputs[0], RELEASE)
    assert caught.value.code == 255
    assert said in caught.value.lines[0][1]
    assert caught.value.lines[0][1].startswith("[config] http: ")


@pytest.mark.parametrize(
    "property_", ["tls.proxy.verify off", "header A b\n    header C d", "compress gzip", "ipv6 on"]
)
def test_a_property_without_effect_in_the_model_is_accepted(read, property_):
    check_properties(read(output(1) + f"    {property_}\n").outputs[0], RELEASE)


# --- what words and versions mean ------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *(("on", 1), ("TRUE", 1), ("Yes", 1), ("off", 0), ("No", 0), ("false", 0)),
        *(("maybe", -1), ("1", -1), ("0", -1), ("verify_peer", -1), ("", -1)),
    ],
)
def test_a_boolean_is_one_of_six_words(word, value):
    assert boolean(word) == value


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("TLSv1.2", "TLSv1.2"),
        ("tlsv1.3", "TLSv1.3"),
        ("TLSv1", "TLSv1"),
        ("TLSv1.", "TLSv1.1"),
        ("T", "TLSv1"),
        ("s", "SSLv2"),
        ("1.3", None),
        ("TLSv9", None),
        ("TLSv1.33", None),
        (None, None),
    ],
)
def test_a_protocol_is_named_by_any_beginning_of_its_name(word, name):
    assert protocol(word) == name


def test_times_have_units():
    assert [seconds(text) for text in ("7", "7s", "2m", "1H", "1d", "x")] == [
        7,
        7,
        120,
        3600,
        86400,
        0,
    ]


def made_context(**settings):
    instance = Instance(kind="output", plugin="http", number=0)
    instance.settings = {"tls": "on", "tls.ca_path": "/none", "host": "127.0.0.1"}
    instance.settings |= {name.replace("__", "."): value for name, value in settings.items()}
    made = security(instance, RELEASE, "/nowhere")
    if made is None:
        return None
    made.restrict()
    return made.session(print)


@pytest.mark.parametrize("word", ["off", "maybe", "verify_peer", "1"])
def test_only_a_true_word_turns_tls_on(word):
    assert made_context(tls=word) is None


@pytest.mark.parametrize(
    ("verify", "hostname", "mode", "checks_name"),
    [
        ("on", "on", ssl.CERT_REQUIRED, True),
        ("on", "off", ssl.CERT_REQUIRED, False),
        ("on", "maybe", ssl.CERT_REQUIRED, False),
        ("maybe", "on", ssl.CERT_REQUIRED, False),
        ("off", "on", ssl.CERT_NONE, False),
    ],
)
def test_the_name_is_checked_only_if_both_words_are_true(verify, hostname, mode, checks_name):
    made = made_context(tls__verify=verify, tls__verify_hostname=hostname)
    assert (made.verify_mode, made.check_hostname) == (mode, checks_name)


@pytest.mark.parametrize(
    ("lowest", "highest", "allowed"),
    [
        ("", "", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"]),
        ("TLSv1.3", "", ["TLSv1_3"]),
        ("", "TLSv1.2", ["TLSv1", "TLSv1_1", "TLSv1_2"]),
        ("1.3", "", ["TLSv1_1", "TLSv1_2", "TLSv1_3"]),
        ("TLSv1", "", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"]),
        ("TLSv1.3", "TLSv1.2", []),
    ],
)
def test_a_lower_bound_that_is_no_protocol_is_tls_1_1(lowest, highest, allowed):
    made = made_context(tls__min_version=lowest, tls__max_version=highest)
    names = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
    assert [one for one in names if not made.options & getattr(ssl, f"OP_NO_{one}")] == allowed
    assert made.minimum_version == ssl.TLSVersion.MINIMUM_SUPPORTED


@pytest.mark.parametrize(
    ("host", "vhost", "name"),
    [
        ("collector.test.", None, "collector.test"),
        ("collector.test", "other.test.", "other.test."),
        ("127.0.0.1", None, "127.0.0.1"),
    ],
)
def test_last_dots_are_cut_from_the_host_and_not_from_vhost(host, vhost, name):
    instance = Instance(kind="output", plugin="http", number=0)
    instance.settings = {"host": host} | ({"tls.vhost": vhost} if vhost else {})
    assert name_of(instance, RELEASE) == name


def test_reasons_bear_openssls_numbers():
    verify = "error:0A000086:SSL routines::certificate verify failed"
    assert numbered("CERTIFICATE_VERIFY_FAILED") == verify
    required = "error:0A00045C:SSL routines::tlsv13 alert certificate required"
    assert numbered("TLSV13_ALERT_CERTIFICATE_REQUIRED", 116) == required
    assert numbered(None, 5) == "error:0A0003ED:SSL routines::reason(1005)"


@pytest.mark.parametrize(
    ("code", "alert"),
    [
        *((20, "unknown CA"), (10, "certificate expired"), (9, "bad certificate")),
        *((7, "decrypt error"), (26, "unsupported certificate"), (34, "certificate unknown")),
    ],
)
def test_without_a_view_of_what_is_sent_the_alert_follows_from_the_verification(code, alert):
    said = []
    watch = Watch(lambda *line: said.append(line), RELEASE, debug=True)
    watch.begin(5)
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.reason = code, "CERTIFICATE_VERIFY_FAILED"
    watch.failed(error)
    assert ("debug", f"[tls] connection #5 SSL3 alert write:fatal:{alert}") in said


# --- what it refuses to start with -----------------------------------------------------------


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A healthy root, a server for collector.test, a client, and a root that nobody asked for."""
    place = tmp_path_factory.mktemp("pki")
    root, other = trustme.CA(), trustme.CA()
    server, client = root.issue_cert("collector.test"), root.issue_cert("shipper.test")
    root.cert_pem.write_to_path(place / "root.pem")
    other.cert_pem.write_to_path(place / "other.pem")
    other.issue_cert("x.test").private_key_pem.write_to_path(place / "other.key")
    for name, one in (("server", server), ("client", client)):
        one.private_key_and_cert_chain_pem.write_to_path(place / f"{name}.both")
        one.private_key_pem.write_to_path(place / f"{name}.key")
        (place / f"{name}.pem").write_bytes(b"".join(pem.bytes() for pem in one.cert_chain_pems))
    key = serialization.load_pem_private_key((place / "client.key").read_bytes(), None)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (place / "client.encrypted").write_bytes(secret)
    (place / "garbage").write_text("these are not certificates\n")
    (place / "empty").write_bytes(b"")
    return place


CA_NOTHING = "error:05800088:x509 certificate routines::no certificate or crl found"
UNPAIRED = "private_key '{key}' and password don't match"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"ca_file": "none"}, ["ca_file '{ca}' N: error:80000002:system library::No such file"]),
        ({"ca_file": "garbage"}, [f"ca_file '{{ca}}' N: {CA_NOTHING}"]),
        ({"ca_file": "empty"}, [f"ca_file '{{ca}}' N: {CA_NOTHING}"]),
        ({"ca_file": "."}, [f"ca_file '{{ca}}' N: {CA_NOTHING}"]),
        ({"ca_file": "client.key"}, [f"ca_file '{{ca}}' N: {CA_NOTHING}"]),
        ({"crt_file": "garbage"}, ["crt_file '{crt}' N: error:0480006C:PEM routines::no start"]),
        ({"crt_file": "none"}, ["crt_file '{crt}' N: error:80000002:system library::No such"]),
        ({"key_file": "client.key"}, [UNPAIRED]),
        (
            {"crt_file": "client.pem", "key_file": "other.key"},
            ["key_file '{key}' N: error:05800074:x509 certificate routines::key values", UNPAIRED],
        ),
        (
            {"crt_file": "client.pem", "key_file": "none"},
            ["key_file '{key}' N: error:80000002:system library::No such file", UNPAIRED],
        ),
        (
            {"crt_file": "client.pem", "key_file": "garbage"},
            ["key_file '{key}' N: error:1E08010C:DECODER routines::unsupported", UNPAIRED],
        ),
        (
            {"crt_file": "client.pem", "key_file": "client.encrypted"},
            ["key_file '{key}' N: error:1400006B:UI routines::processing error", UNPAIRED],
        ),
        (
            {"crt_file": "client.pem", "key_file": "client.encrypted", "key_passwd": "wrong"},
            ["key_file '{key}' N: error:1C800064:Provider routines::bad decrypt", UNPAIRED],
        ),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(pki, properties, said):
    files = {
        f"tls__{name}": str(pki / value) if name.endswith("_file") else value
        for name, value in properties.items()
    }
    with pytest.raises(StartError) as caught:
        made_context(**{"tls__ca_path": "" if "ca_file" in properties else "/none", **files})
    ca, crt, key = (files.get(f"tls__{name}_file") for name in ("ca", "crt", "key"))
    texts = [text.removeprefix("[tls] ") for _, text in caught.value.lines]
    for text, expected in zip(texts, said, strict=False):
        before, _, after = expected.format(ca=ca, crt=crt, key=key).partition("N: ")
        assert text.startswith(before)
        assert after in text
    assert texts[len(said) :] == [
        "could not create TLS backend",
        "[output http.0] error initializing TLS context",
    ]
    assert caught.value.code == 255


def test_ca_path_silences_a_ca_file_that_is_missing(pki):
    assert made_context(tls__ca_path="/none", tls__ca_file=str(pki / "none")) is not None


@pytest.mark.parametrize("ciphers", ["FOO", "TLS_AES_128_GCM_SHA256"])
def test_ciphers_that_name_none_before_tls_1_3_stop_the_start(ciphers):
    with pytest.raises(StartError, match="error setting up TLS ciphers") as caught:
        made_context(tls__ciphers=ciphers)
    assert caught.value.code == 255


def test_a_certificate_without_a_key_is_used_for_nothing(pki):
    assert made_context(tls__crt_file=str(pki / "client.pem")) is not None


def test_the_right_password_opens_the_key(pki):
    files = {"tls__crt_file": "client.pem", "tls__key_file": "client.encrypted"}
    given = {name: str(pki / file) for name, file in files.items()}
    assert made_context(**{**given, "tls__key_passwd": "secret"}) is not None


# --- what it does as a program ---------------------------------------------------------------


class Collector:
    """A TLS server on loopback for one connection: what came, or how the handshake failed."""

    def __init__(self, pki, *, client_ca=None, highest=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki / "server.both")
        self.context.num_tickets = 0
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        if highest:
            self.context.maximum_version = highest
        if client_ca:
            self.context.load_verify_locations(client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.names, self.first, self.request, self.refusal = [], b"", b"", None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LIMIT)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(LIMIT)

    def _serve(self):
        with contextlib.suppress(OSError):
            raw, _ = self.listener.accept()
            raw.settimeout(LIMIT)
            self.first = raw.recv(1, socket.MSG_PEEK)
            with raw if self.first != b"\x16" else self._secured(raw) as connection:
                while not self.request.endswith((b"]", b"}")):
                    self.request += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    def _secured(self, raw):
        connection = self.context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        try:
            connection.do_handshake()
        except ssl.SSLError as error:
            self.refusal = error.reason
            # An end instead of a reset, so that what was sent last is read.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)
            connection.close()
            raise
        return connection

    def records(self):
        return json.loads(self.request.partition(b"\r\n\r\n")[2])


ENDED = ("HTTP status=", "is not retried")


@pytest.fixture
def conf(tmp_path):
    def writer(*parts):
        path = tmp_path / "fluent-bit.conf"
        path.write_text("".join(parts))
        return path

    return writer


@pytest.fixture
def secured(pki):
    def properties(**more):
        settled = {"tls": "on", "tls__ca_file": pki / "root.pem", "tls__vhost": "collector.test"}
        return {**settled, "tls__verify_hostname": "on", "tls__debug": "1", **more}

    return properties


@pytest.fixture
def attempted(conf):
    """Runs one output until its attempt has ended, and gives the log so far."""

    def attempt(collector, *arguments, **properties):
        text = conf(SERVICE, DUMMY, output(collector.port, **properties))
        with Running(text, *arguments) as agent:
            return agent.until(*ENDED)

    return attempt


def test_a_healthy_delivery_is_logged_and_the_program_runs_on_until_it_is_told_to_stop(
    pki, conf, secured
):
    with Collector(pki) as collector:
        text = conf(SERVICE, DUMMY, output(collector.port, URI="/v1/logs", **secured()))
        with Running(text) as agent:
            log = agent.until(*ENDED)
            agent.process.send_signal(signal.SIGTERM)
            assert agent.end() == 0
    where = f"127.0.0.1:{collector.port}"
    assert log[0] == "reference (a model of Fluent Bit 5.1.1, not Fluent Bit)"
    assert log[1] == f"OpenSSL: {ssl.OPENSSL_VERSION}"
    assert log[-1].endswith(f"[ info] [output:http:here] {where}, HTTP status=201")
    assert any(line.endswith(f" to {where} is connected") for line in log)
    assert agent.lines[-1].endswith("SSL3 alert write:warning:close notify")
    assert collector.names == ["collector.test"]
    assert collector.request.startswith(b"POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1:")
    (record,) = collector.records()
    assert list(record) == ["date", "message"]
    assert isinstance(record["date"], float)


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "refusal",
    [
        ("unknown CA", "TLSV1_ALERT_UNKNOWN_CA"),
        ("bad certificate", "SSLV3_ALERT_BAD_CERTIFICATE"),
    ],
)
def test_a_refusal_reaches_the_peer_and_is_logged_in_fluent_bits_words(
    pki, attempted, secured, highest, refusal
):
    defect, reason = refusal
    wrong_name = {"tls__vhost": "other.test"}
    change = {"tls__ca_file": pki / "other.pem"} if defect == "unknown CA" else wrong_name
    with Collector(pki, highest=highest) as collector:
        said = attempted(collector, **secured(**change))
    log = [line.partition("] ")[2] for line in said]
    assert collector.refusal == reason
    shaken = [line for line in log if "[tls]" in line and "SSL_connect:" not in line]
    assert shaken[0].endswith(f"SSL3 alert write:fatal:{defect}")
    failed = "[error] [tls] error: error:0A000086:SSL routines::certificate verify failed"
    assert shaken[1] == failed
    where = f"127.0.0.1:{collector.port}"
    assert log[-2] == f"[error] [output:http:here] no upstream connections available to {where}"
    assert log[-1].startswith("[ info] [engine] chunk '")
    assert log[-1].endswith("input=dummy.0 > output=here (out_id=0)")


def test_a_connection_is_left_without_a_reset_that_could_overtake_the_last_alert():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    peer.settimeout(LIMIT)
    peer.sendall(b"what we never read")
    leaving = threading.Thread(target=farewell, args=(ours,))
    leaving.start()
    with peer:
        assert peer.recv(1) == b""
    leaving.join(LIMIT)
    assert ours.fileno() == -1


@pytest.mark.parametrize("debug", ["0", "4", "on"])
def test_alerts_are_logged_only_for_tls_debug_1(pki, attempted, secured, debug):
    with Collector(pki) as collector:
        change = secured(tls__debug=debug, tls__ca_file=pki / "other.pem")
        log = attempted(collector, **change)
    assert collector.refusal == "TLSV1_ALERT_UNKNOWN_CA"
    assert not [line for line in log if "[tls] connection #" in line]


@pytest.mark.parametrize("word", ["maybe", "verify_peer"])
def test_tls_that_is_not_a_boolean_sends_the_record_in_cleartext(pki, attempted, secured, word):
    with Collector(pki) as collector:
        attempted(collector, **secured(tls=word))
    assert collector.first == b"P"
    assert collector.records()[0]["message"] == "dummy"


def test_verify_with_an_unknown_word_verifies_the_chain_but_not_the_name(pki, attempted, secured):
    with Collector(pki) as collector:
        log = attempted(collector, **secured(tls__verify="maybe", tls__vhost="other.test"))
    assert "HTTP status=201" in log[-1]
    with Collector(pki) as collector:
        attempted(collector, **secured(tls__verify="maybe", tls__ca_file=pki / "other.pem"))
    assert collector.refusal == "TLSV1_ALERT_UNKNOWN_CA"


def test_a_client_certificate_is_sent(pki, attempted, secured):
    files = {"tls__crt_file": pki / "client.pem", "tls__key_file": pki / "client.key"}
    with Collector(pki, client_ca=pki / "root.pem") as collector:
        assert "HTTP status=201" in attempted(collector, **secured(**files))[-1]


def test_an_alert_that_follows_the_handshake_is_read_and_named(pki, attempted, secured):
    with Collector(pki, client_ca=pki / "root.pem") as collector:
        log = "\n".join(attempted(collector, **secured()))
    assert collector.refusal == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    assert "error:0A00045C:SSL routines::tlsv13 alert certificate required" in log
    assert f"[http_client] broken connection to 127.0.0.1:{collector.port} ?" in log


def test_an_address_is_not_sent_as_a_name(pki, attempted, secured):
    with Collector(pki) as collector:
        attempted(collector, **secured(tls__vhost="127.0.0.1", tls__verify_hostname="off"))
    assert collector.names == [None]


def test_a_hosts_file_leads_to_the_peer_and_the_host_is_what_is_asked_for(
    pki, attempted, secured, tmp_path
):
    hosts = tmp_path / "hosts"
    hosts.write_text("# names\n127.0.0.1 localhost Collector.test # here\n")
    properties = secured(Host="collector.test")
    del properties["tls__vhost"]
    with Collector(pki) as collector:
        log = attempted(collector, "--hosts", str(hosts), **properties)
    assert "HTTP status=201" in log[-1]
    assert collector.names == ["collector.test"]


def test_without_a_ca_the_system_store_is_what_is_trusted(pki, attempted, secured, tmp_path):
    (tmp_path / "ca-bundle.crt").write_bytes((pki / "root.pem").read_bytes())
    properties = secured()
    del properties["tls__ca_file"]
    with Collector(pki) as collector:
        log = attempted(collector, "--system-certs", str(tmp_path), **properties)
    assert "HTTP status=201" in log[-1]


def test_every_line_of_a_file_goes_only_to_the_outputs_that_match_its_tag(pki, conf, tmp_path):
    log = tmp_path / "access.log"
    log.write_text('one "1"\n\ntwo\nhalf a line')
    tail = f"[INPUT]\n    Name tail\n    Path {log}\n    Tag web.a\n    Read_from_Head on\n"
    with Collector(pki) as first, Collector(pki) as second:
        parts = [output(first.port, Match="web.*"), output(second.port, Match="t0", Alias="there")]
        with Running(conf(SERVICE, tail, DUMMY, *parts)) as agent:
            agent.until(*ENDED)
            agent.until(*ENDED)
    assert [record["log"] for record in first.records()] == ['one "1"', "", "two"]
    assert [record["message"] for record in second.records()] == ["dummy"]


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ("    <TLS>\n", 1, "[error] configuration file contains errors, aborting."),
        (
            "    tls on\n    tls.ca_file /none\n",
            255,
            "[error] [engine] output initialization failed",
        ),
        ("    tls.verify_client_cert on\n", 255, "[error] [engine] output initialization failed"),
        ("[INPUT]\n    Name dummy\n    x y\n", 255, "[error] [engine] input initialization failed"),
    ],
)
def test_a_start_that_fails_exits_with_fluent_bits_code(conf, change, code, said):
    with Running(conf(SERVICE, DUMMY, output(1), change)) as agent:
        assert agent.end() == code
    assert agent.lines[-1].endswith(said)


def test_neither_keys_nor_passwords_are_ever_printed(pki, conf):
    key = pki / "client.encrypted"
    change = {"tls": "on", "tls__crt_file": pki / "client.pem", "tls__key_file": key}
    text = conf(SERVICE, DUMMY, output(1, **change), "    tls.key_passwd hushhush\n")
    with Running(text) as agent:
        assert agent.end() == 255
    said = "\n".join(agent.lines)
    assert "hushhush" not in said
    assert not [line for line in key.read_text().splitlines() if line in said]


def run(*arguments):
    command = [sys.executable, "-I", "-S", str(PROGRAM), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def test_it_says_what_it_is_and_is_not():
    said = run("--version")
    assert said.returncode == 0
    first, second = said.stdout.splitlines()
    assert first == "reference (a model of Fluent Bit 5.1.1, not Fluent Bit)"
    assert second == f"OpenSSL: {ssl.OPENSSL_VERSION}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "4.2.9", "-c", "x"], "there is no model of Fluent Bit 4.2.9, only of 1.9.10"),
        (["--model", "5.1.1"], "-c CONF is missing"),
        (["-c"], "-c needs a value"),
        (["--nonsense"], "unknown argument '--nonsense'"),
        (["-c", "x", "--hosts", "/none"], "No such file or directory: '/none'"),
    ],
)
def test_a_wrong_command_line_is_the_callers_mistake(arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
