"""A log from the field, reproduced: the logs are those that real releases wrote (recorded)."""

from __future__ import annotations

import re
from functools import cache
from types import SimpleNamespace

import pytest
from test_command import assert_one_clear_error, command

from flb_handshake import catalogue, recorded
from flb_handshake.agent import logs
from flb_handshake.agent.process import find_binary
from flb_handshake.diagnosis.vocabulary import Word
from flb_handshake.model import Setup
from flb_handshake.outcomes import Outcome
from flb_handshake.trials.reproducing import Tried
from flb_handshake.trials.suspicions import signature

CELL = "mode.cell[mode=verify_peer-ca={ca}-collector={collector}]"
CASES = {
    # what is wrong: (the scenario whose log it is, the cause)
    "another CA": (CELL.format(ca="other_root", collector="healthy"), "untrusted-ca"),
    "expired": (CELL.format(ca="root", collector="expired"), "expired"),
    "short": (CELL.format(ca="root", collector="no_intermediate"), "missing-intermediate"),
    "silent": ("transport.connect_timeout[seconds=2-logged=on]", "timeout"),
    "cleartext": ("transport.another_protocol[mode=verify_peer-protocol=HTTP]", "plaintext-port"),
}
ALIAS = "main"
CATALOGUE = cache(catalogue.load)
RELEASES = ("1.9.10", "5.1.1")


@cache
def said_in(release, scenario):
    """What somebody at `log_level info` would have kept of it."""
    every = CATALOGUE()
    (result,) = recorded.recorded(release, every, [catalogue.find(every, scenario)])
    # Equal setups were recorded once, under the first of their names.
    alias = re.search(r"Alias +(\S+)", result.evidence.agent.config)[1]
    kept = []
    for raw in result.evidence.agent.log:
        line = logs.parse(raw)
        if line is not None and line.level not in {logs.Level.DEBUG, logs.Level.TRACE}:
            kept.append(raw.replace(alias, ALIAS))
    return kept


def log_of(release, scenario, place):
    path = place / "field.log"
    kept = [f"Fluent Bit v{release}", *said_in(release, scenario)]
    path.write_text("\n".join(kept) + "\n")
    return path


def configured(place):
    lines = (
        "[INPUT]",
        "    Name dummy",
        "[OUTPUT]",
        "    Name http",
        f"    Alias {ALIAS}",
        "    Match *",
        "    Host logs.example.com",
        "    Header Authorization Bearer planted-secret-2",
        "    tls on",
        "    tls.ca_file /nowhere/ca.pem",
    )
    path = place / "fluent-bit.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def alike_in(told):
    """The causes of which it is told that they say the same."""
    rows = [row.split() for row in told.splitlines()]
    return {row[0] for row in rows if row[1:4] == ["says", "the", "same"]}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("case", CASES)
def test_the_true_cause_says_what_the_log_says(tmp_path, release, case):
    scenario, word = CASES[case]
    if not find_binary(release):
        pytest.skip(f"no real Fluent Bit {release} as a process here")
    log = log_of(release, scenario, tmp_path)
    config = configured(tmp_path)
    done = command("reproduce", "--config", config, "--log", log, "--agent", "process")
    assert f"Fluent Bit {release}, process" in done.stderr
    assert word in alike_in(done.stdout), done.stdout + done.stderr
    assert done.returncode == 0
    assert "planted-secret" not in done.stdout + done.stderr


def test_a_cause_that_says_otherwise_is_not_taken_for_it(tmp_path):
    """Since 3.2 the log names the reason: what has expired does not say `local issuer`."""
    if not find_binary("4.2.8"):
        pytest.skip("no real Fluent Bit 4.2.8 as a process here")
    log = log_of("4.2.8", CASES["expired"][0], tmp_path)
    config = configured(tmp_path)
    done = command("reproduce", "--config", config, "--log", log, "--agent", "process")
    assert "reproduced expired" in done.stdout
    text = log.read_text().replace("X509 code: 10", "X509 code: 999")
    log.write_text(text)
    done = command("reproduce", "--config", config, "--log", log, "--agent", "process")
    assert done.returncode == 1, done.stdout
    assert "none of them says what the log says" in done.stdout
    assert "not said here: " in done.stdout


def test_a_port_without_tls_answers_in_text_whatever_the_output_speaks(tmp_path):
    """A real 5.1.1 wrote this of its forward output, before a server of HTTP."""
    if not find_binary("5.1.1"):
        pytest.skip("no real Fluent Bit 5.1.1 as a process here")
    log, config = tmp_path / "field.log", tmp_path / "fluent-bit.conf"
    log.write_text(
        "[2026/11/28 08:53:28.584] [error] [tls] error: error:0A00010B:SSL routines::wrong version "
        "number\n[2026/11/28 08:53:28.584] [error] [output:forward:forward.0] no upstream "
        "connections available\n"
    )
    config.write_text("[OUTPUT]\n  Name forward\n  Host a.test\n  tls on\n  tls.verify off\n")
    done = command(
        *("reproduce", "--config", config, "--log", log),
        *("--agent", "process", "--fluent-bit", "5.1.1"),
    )
    assert "reproduced plaintext-port" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_a_log_without_trouble_has_nothing_to_reproduce(tmp_path):
    log = tmp_path / "good.log"
    log.write_text("[2026/11/25 10:00:00] [ info] [output:http:http.0] HTTP status=200\n")
    config = configured(tmp_path)
    done = command("reproduce", "--config", config, "--log", log, "--agent", "reference")
    assert done.returncode == 0
    assert "there is nothing to reproduce" in done.stdout


def test_a_configuration_that_did_not_write_the_log_is_said_to_be_another(tmp_path):
    log = tmp_path / "field.log"
    log.write_text(
        "[2026/11/25 10:00:00] [error] [tls] error: unexpected EOF\n"
        "[2026/11/25 10:00:00] [error] [output:forward:elsewhere] no upstream connections "
        "available to logs.example.org:24224\n"
    )
    config = configured(tmp_path)
    done = command("reproduce", "--config", config, "--log", log, "--agent", "reference")
    assert_one_clear_error(done, 2, "no trouble of", "is this the configuration")


def test_what_left_no_error_in_the_log_is_not_held_against_anything(tmp_path):
    """Every run that fails would say all of nothing."""
    log = tmp_path / "field.log"
    log.write_text(
        "[2026/11/25 10:00:00] [debug] [tls] connection #31 SSL3 alert read:fatal:unknown CA\n"
        "[2026/11/25 10:00:00] [debug] [output:http:main] no upstream connections available to "
        "logs.example.com:443\n"
    )
    done = command(
        "reproduce", "--config", configured(tmp_path), "--log", log, "--agent", "reference"
    )
    assert_one_clear_error(done, 2, "no trouble of")
    assert "nothing could be compared" in done.stdout


@pytest.mark.parametrize(
    ("outcome", "missing", "is_it"),
    [
        (Outcome.REFUSED_BY_AGENT, frozenset(), True),
        (Outcome.REFUSED_BY_AGENT, frozenset({"a line"}), False),
        (Outcome.DELIVERED, frozenset(), False),
    ],
)
def test_only_a_run_that_fails_and_says_all_of_it_is_it(outcome, missing, is_it):
    found = SimpleNamespace(observation=SimpleNamespace(outcome=outcome))
    one = Tried(word=Word.EXPIRED, setup=Setup(), found=found, missing=missing)
    assert one.is_it is is_it


def test_what_differs_from_run_to_run_is_no_part_of_a_signature():
    at_theirs = (
        "[2026/11/25 10:00:00] [error] [tls] connection #31 SSL_connect: error in error",
        "[2026/11/25 10:00:00] [error] [output:http:main] no upstream connections available to "
        "logs.example.org:443",
        "[2026/11/25 10:00:00] [ warn] [engine] failed to flush chunk '1-1.flb', retry in 8 s",
        "[2026/11/25 10:00:00] [ info] [sp] stream processor started",
        "[2026/11/25 10:00:00] [error] [downstream] connection #33 from  timed out after 10 "
        "seconds (connection timeout)",
        "[2026/11/25 10:00:00] [error] [tls] key_file 'own.key' 0: error:05800074:mismatch",
    )
    at_ours = (
        "[2026/11/25 11:11:11.123456789] [error] [tls] connection #7 SSL_connect: error in error",
        "[2026/11/25 11:11:11.123456789] [error] [output:http:x.1] no upstream connections "
        "available to 127.0.0.1:40001",
        "[2026/11/25 11:11:11] [error] [downstream] connection #7 from  timed out after 2 "
        "seconds (connection timeout)",
        "[2026/11/25 11:11:11] [error] [tls] key_file '/job/key.key' 268959746: error:05800074:"
        "mismatch",
    )
    assert signature(at_theirs) == signature(at_ours) != frozenset()
    other = "[2026/11/25 10:00:00] [error] [tls] reason: expired (X509 code: 10)"
    assert signature([other]) != signature([other.replace("10)", "20)")])
