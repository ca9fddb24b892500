from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flb_handshake.agent import logs

FIRST = "[2026/11/23 09:00:34.212] "


def at(level: str, text: str) -> str:
    return f"{FIRST}[{level:>5}] {text}"


def hello(descriptor: int) -> str:
    return at("debug", f"[tls] connection #{descriptor} SSL_connect: before SSL initialization")


def alert(descriptor: int, name: str) -> str:
    return at("debug", f"[tls] connection #{descriptor} SSL3 alert write:fatal:{name}")


ERROR = at("error", "[tls] error: error:0A000086:SSL routines::certificate verify failed")


@pytest.mark.parametrize(
    ("raw", "level", "text"),
    [
        (at("error", "[tls] error: x"), logs.Level.ERROR, "[tls] error: x"),
        (at("info", "[output:http:a] b"), logs.Level.INFO, "[output:http:a] b"),
        ("[2023/01/01 00:00:00] [ warn] old", logs.Level.WARN, "old"),
        (
            "\x1b[1m[2026/11/23 09:00:34.2]\x1b[0m [\x1b[91merror\x1b[0m] red",
            logs.Level.ERROR,
            "red",
        ),
    ],
)
def test_a_line_is_a_level_and_a_text_with_or_without_colour(raw, level, text):
    line = logs.parse(raw)
    assert line is not None
    assert (line.level, line.text) == (level, text)


@pytest.mark.parametrize("raw", ["", "Fluent Bit v5.1.1", "[2026/11/23] [error] x", "| |_  | |"])
def test_a_banner_is_no_line(raw):
    assert logs.parse(raw) is None


def test_only_steps_of_a_handshake_are_steps():
    step = at("debug", "[tls] connection #3 SSL_connect: SSLv3/TLS read finished")
    waits = at("debug", "[tls] connection #3 WANT_READ")
    assert logs.is_step(step)
    assert logs.is_step(waits)
    for other in (hello(3), alert(3, "unknown CA"), ERROR, at("error", "[tls] connection #3 x")):
        assert not logs.is_step(other)


PORTS = {7001: "a", 7002: "b[x=1] y"}


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("[engine] chunk '1.flb' is not retried: input=dummy.0 > output=a (out_id=0)", "a"),
        ("[engine] chunk '1.flb': input=d > output=b[x=1] y (out_id=17)", "b[x=1] y"),
        ("[upstream] KA connection #37 to 127.0.0.1:7002 is now available", "b[x=1] y"),
        ("[upstream] KA connection #37 to 127.0.0.1:9999 is now available", None),
        ("[upstream] KA connection #37 to 127.0.0.1:7002 is connected", None),
        ("[output:http:a] 127.0.0.1:7001, HTTP status=201", None),
    ],
)
def test_the_last_word_on_an_output_is_known(text, alias):
    assert logs.final_alias(at("debug", text), PORTS) == alias


def test_lines_of_interleaved_connections_find_their_outputs():
    failed = at("debug", "[upstream] connection #8 failed to 127.0.0.1:7002")
    gave_up = at(
        "error", "[output:http:b[x=1] y] no upstream connections available to 127.0.0.1:7002"
    )
    connected = at("debug", "[upstream] KA connection #7 to 127.0.0.1:7001 is connected")
    status = at("info", "[output:http:a] 127.0.0.1:7001, HTTP status=201")
    whose = logs.attributed(
        [hello(7), hello(8), connected, alert(8, "unknown CA"), ERROR, failed, gave_up, status],
        PORTS,
    )
    assert whose["a"] == [hello(7), connected, status]
    assert whose["b[x=1] y"] == [hello(8), alert(8, "unknown CA"), ERROR, failed, gave_up]


def test_a_file_descriptor_that_is_used_again_has_a_new_owner():
    first = at("debug", "[upstream] connection #7 failed to 127.0.0.1:7001")
    second = at("debug", "[upstream] connection #7 failed to 127.0.0.1:7002")
    whose = logs.attributed(
        [
            hello(7),
            alert(7, "certificate expired"),
            first,
            hello(7),
            alert(7, "unknown CA"),
            second,
        ],
        PORTS,
    )
    assert alert(7, "certificate expired") in whose["a"]
    assert alert(7, "unknown CA") in whose["b[x=1] y"]
    assert alert(7, "unknown CA") not in whose["a"]


def test_what_an_unnamed_connection_said_is_not_given_to_the_next_of_its_descriptor():
    named = at("debug", "[upstream] connection #7 failed to 127.0.0.1:7002")

    whose = logs.attributed([hello(7), alert(7, "expired"), hello(7), named], PORTS)

    assert whose == {"b[x=1] y": [hello(7), named]}


def test_what_comes_after_a_connection_was_named_is_still_its_own():
    named = at("debug", "[upstream] KA connection #7 to 127.0.0.1:7001 is connected")

    whose = logs.attributed([hello(7), named, alert(7, "late"), hello(8)], PORTS)

    assert whose == {"a": [hello(7), named, alert(7, "late")]}


@pytest.mark.parametrize(
    ("alias", "longer"), [("x", "x] y"), ("a] ", "a] ] b"), ("[", "[] ["), ("q", "q] q] q")]
)
def test_an_alias_may_hold_what_ends_it(alias, longer):
    lines = [at("error", f"[output:http:{longer}] gave up"), at("warn", f"[output:http:{alias}] x")]

    alone = logs.attributed(lines, {7001: longer})
    short = logs.attributed(lines[1:], {7001: alias})

    assert alone == {longer: lines[:1]}
    assert short == {alias: lines[1:]}


def test_an_error_belongs_to_the_output_that_speaks_next():
    speaks = [
        at("error", f"[output:http:{alias}] no upstream connections available")
        for alias in PORTS.values()
    ]

    whose = logs.attributed([ERROR, speaks[1], ERROR, ERROR, speaks[0]], PORTS)

    assert whose == {"b[x=1] y": [ERROR, speaks[1]], "a": [ERROR, ERROR, speaks[0]]}


@pytest.mark.parametrize("digits", ["9" * 5000, "99999", "٣٣٣", "0"])
def test_a_port_that_is_none_is_nobodys(digits):
    for text in (
        f"KA connection #1 to h:{digits} is now available",
        f"connection #1 to h:{digits}",
    ):
        line = at("debug", f"[upstream] {text}")
        assert logs.final_alias(line, PORTS) is None
        assert logs.attributed([line], PORTS) == {}


def test_a_line_that_names_a_foreign_output_is_nobodys():
    assert logs.attributed([at("error", "[output:http:other] x")], PORTS) == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "[tls] error: error:0A000086:SSL routines::certificate verify failed",
            "certificate_verify_failed",
        ),
        (
            "[tls] certificate verification failed, reason: x (X509 code: 20)",
            "certificate_verify_failed",
        ),
        ("[tls] error: error:0A00010B:SSL routines::wrong version number", "not_tls"),
        ("[tls] error: error:0A000418:SSL routines::tlsv1 alert unknown ca", "alert_received"),
        ("[tls] connection #3 SSL3 alert write:fatal:unknown CA", "alert_sent"),
        ("[tls] error: unexpected EOF", "unexpected_eof"),
        ("[tls] ca_file 'x' 1: error:80000002:system library::No such file", "ca_file_unusable"),
        ("[tls] private_key 'k' and password don't match", "key_mismatch"),
        ("[output http.0] error setting up TLS ciphers up to TLSv1.2", "ciphers_refused"),
        ("[config] tail.0 does not support TLS", "tls_not_supported"),
        ("[config] http: unknown configuration property 'tls.mode'.", "unknown_property"),
        (
            "[config] error in c.conf:3: undefined value - check config is in valid classic format",
            "config_syntax",
        ),
        ("[net] getaddrinfo(host='x', err=4): Domain name not found", "name_not_found"),
        ("[http_client] response timeout reached (elapsed=2s, limit=2s)", "response_timeout"),
        (
            "[downstream] connection #31 from  timed out after 1 seconds (connection timeout)",
            "accept_timeout",
        ),
        (
            "[downstream] connection #31 from  timed out after 1 seconds (IO timeout)",
            "io_timeout",
        ),
        ("[input:syslog:x] could not accept new connection", "not_accepted"),
        ("[downstream] could not bind address 127.0.0.1:33585. Aborting", "port_taken"),
        (
            "[input http.0] error initializing TLS context (certificate file missing)",
            "tls_certificate_missing",
        ),
        (
            "[input http.0] error initializing TLS context (private key file missing)",
            "tls_key_missing",
        ),
        ("[tls] reloaded TLS certificate configuration", "reloaded"),
        ("[tls] detected certificate file changes but reload failed", "reload_failed"),
        (
            "[reload] loaded configuration contains error(s). Reloading is aborted",
            "hot_reload_failed",
        ),
        ("[upstream] error in flb_establish_proxy: -1", "proxy_failed"),
    ],
)
def test_signs_have_one_name_whatever_the_era_says(text, name):
    found = logs.signs([at("error", text)])
    assert name in {sign.name for sign in found}
    assert found[0].text in text


def test_a_collector_that_is_slow_is_no_shipper_that_is_silent():
    text = "[upstream] connection #6 to tcp://x:1 timed out after 2 seconds (connection timeout)"
    assert [sign.name for sign in logs.signs([at("error", text)])] == ["timed_out"]


@pytest.mark.parametrize(
    "said",
    ["[net] getaddrinfo(host='https://x', err=4): Domain name not found", "[aws_client] failed"],
)
def test_what_speaks_for_an_output_without_its_name_is_that_of_the_next_one(said):
    lines = [at("warn", said), at("error", "[output:http:a] no"), at("error", "[output:http:b] no")]
    whose = logs.attributed(lines, {7001: "a", 7002: "b"})
    assert whose == {"a": lines[:2], "b": lines[2:]}


def test_each_sign_is_told_once():
    names = [sign.name for sign in logs.signs([ERROR, ERROR])]
    assert names == ["certificate_verify_failed", "openssl_reason"]


LINES = st.lists(
    st.one_of(
        st.text(),
        st.builds(at, st.sampled_from(["error", "debug", "warn"]), st.text()),
        st.builds(hello, st.integers()),
        st.builds(alert, st.integers(0, 9), st.text()),
        st.builds(hello, st.integers(0, 9)),
        st.builds(
            lambda descriptor, words, port: at(
                "debug", f"[upstream] {words} #{descriptor} to 127.0.0.1:{port} is now available"
            ),
            st.integers(-1, 9),
            st.sampled_from(["KA connection", "connection", "connection #3 failed to"]),
            st.integers(0, 10**6),
        ),
        st.builds(lambda alias: at("error", f"[output:http:{alias}] x"), st.text(max_size=20)),
        st.builds(lambda alias: at("info", f"output={alias} (out_id=1)"), st.text(max_size=20)),
    )
)


@given(LINES, st.dictionaries(st.integers(0, 70000), st.text(max_size=20), max_size=3))
def test_no_log_crashes_its_readers(lines, ports):
    for line in lines:
        logs.parse(line)
        logs.is_step(line)
        logs.final_alias(line, ports)
    logs.signs(lines)
    whose = logs.attributed(lines, ports)
    assert set(whose) <= set(ports.values())
    given_out = Counter(line for found in whose.values() for line in found)
    assert given_out <= Counter(lines)  # each line is one output's, once
