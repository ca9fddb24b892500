"""An input's log from the field, reproduced: the logs are those that real releases wrote."""

from __future__ import annotations

import pytest
from test_command import assert_one_clear_error, command
from test_reproduce_log import ALIAS, alike_in, said_in

from flb_handshake.agent.process import find_binary

CELL = "server_role.cell[http=1.1-mode=verify_peer-ca={ca}-shipper={shipper}]"
FILES = "server_role.files[mode=verify_peer-trouble={}]"

OF_5_1 = {
    # the scenario whose log it is: the cause
    CELL.format(ca="right", shipper="other_CA"): "client-cert-untrusted",
    CELL.replace("verify_peer", "require").format(
        ca="right", shipper="no_certificate"
    ): "client-cert-missing",
    CELL.format(ca="right", shipper="cleartext"): "plaintext-port",
    CELL.format(ca="right", shipper="TLS_1.1_only"): "protocol-version",
    CELL.format(ca="right", shipper="wrong_ALPN"): "alpn",
    CELL.format(ca="right", shipper="TCP_probe"): "connection-reset",
    CELL.format(ca="right", shipper="silent"): "timeout",
    CELL.format(ca="missing_file", shipper="right"): "ca-file-unreadable",
    FILES.format("expired"): "expired",
    FILES.format("intermediate_not_in_it"): "missing-intermediate",
    FILES.format("key_of_another_certificate"): "key-mismatch",
}
OF_4_2 = {
    CELL.format(ca="right", shipper="other_CA"): "client-cert-untrusted",
    CELL.format(ca="right", shipper="expired"): "expired",
    CELL.format(ca="right", shipper="cleartext"): "plaintext-port",
    CELL.format(ca="right", shipper="silent"): "timeout",
    CELL.format(ca="missing_file", shipper="right"): "ca-file-unreadable",
    FILES.format("key_of_another_certificate"): "key-mismatch",
}
OF_3_0 = {
    CELL.format(ca="right", shipper="expired"): "expired",
    CELL.format(ca="right", shipper="wrong_ALPN"): "alpn",
    CELL.format(ca="right", shipper="half_a_ClientHello"): "timeout",
    FILES.format("encrypted_key_no_password"): "key-mismatch",
}
CASES = {"5.1.1": OF_5_1, "4.2.8": OF_4_2, "3.0.7": OF_3_0}
UNHEARD_OF = (
    "[2026/11/25 10:00:00] [error] [tls] certificate verification failed, reason: no reason at all "
    "(X509 code: 999)"
)
FAR = ["[2026/11/25 10:00:00] [ info] [engine] nothing happens"] * 30
"""So many lines after it, nothing belongs to what was said before."""

PAIR = ("tls.crt_file /nowhere/own.pem", "tls.key_file /nowhere/own.key")
SERVES = ("tls on", "tls.ca_file /nowhere/ca.pem", *PAIR)
VERIFIED = ("tls.verify on", "tls.verify_client_cert on")


def configured(place, *inputs):
    """Each input is its plugin and its properties; an output with TLS of its own is there too."""
    sections = [("INPUT", f"Name {plugin}", *extra) for plugin, *extra in inputs]
    sections.append(("OUTPUT", "Name http", "Host logs.example.com", "Match *", "tls on"))
    path = place / "fluent-bit.conf"
    rows = [row for head, *rest in sections for row in (f"[{head}]", *(f"    {r}" for r in rest))]
    path.write_text("\n".join(rows) + "\n")
    return path


def reproduced(place, release, config, *lines):
    """What is told of each trouble of a log, in order; and all of it."""
    if not find_binary(release):
        pytest.skip(f"no real Fluent Bit {release} as a process here")
    log = place / "field.log"
    log.write_text("\n".join([f"Fluent Bit v{release}", *lines]) + "\n")
    done = command("reproduce", "--config", config, "--log", log, "--agent", "process")
    assert f"Fluent Bit {release}, process" in done.stderr, done.stderr
    return [one for one in done.stdout.split("\n\n") if one.strip()], done


@pytest.mark.parametrize("release", CASES)
def test_the_true_cause_says_what_the_log_of_an_input_says(tmp_path, release):
    """One log of many troubles, of an input that no line names; and of one that nothing makes."""
    switches = VERIFIED if release >= "5" else VERIFIED[:1]
    config = configured(tmp_path, ("http", f"Alias {ALIAS}", *SERVES, *switches))
    lines = [line for one in CASES[release] for line in (*said_in(release, one), *FAR)]
    told, done = reproduced(tmp_path, release, config, *lines, UNHEARD_OF)
    assert len(told) == len(CASES[release]) + 1, done.stdout
    for (scenario, word), one in zip(CASES[release].items(), told, strict=False):
        assert word in alike_in(one), (scenario, one)
        assert f"played as  input http '{ALIAS}' ({config}:1)" in one
    assert "none of them says what the log says" in told[-1]
    assert not alike_in(told[-1])
    assert done.returncode == 1


def test_an_input_that_the_log_names_is_the_one_that_is_played(tmp_path):
    """Its shared key stays with the user: our shipper logs in nowhere."""
    forward = ("forward", f"Alias {ALIAS}", "Shared_Key planted-secret", *SERVES, *VERIFIED)
    config = configured(tmp_path, ("http", "tls on"), forward)
    lines = said_in("5.1.1", "server_role.plugin[plugin=forward-mode=verify_peer-shipper=other_CA]")
    (told,), done = reproduced(tmp_path, "5.1.1", config, *lines)
    assert told.startswith(f"{ALIAS}, once")
    assert "reproduced client-cert-untrusted" in told, told
    assert done.returncode == 0
    assert "with nothing wrong" not in told
    assert "planted-secret" not in done.stdout + done.stderr


def test_what_could_be_of_several_inputs_is_played_as_each_until_one_says_the_same(tmp_path):
    """The first asks nobody for a certificate, so it cannot have said it."""
    asks_nobody = ("http", *SERVES, "tls.verify off")
    config = configured(tmp_path, asks_nobody, ("opentelemetry", *SERVES, *VERIFIED))
    lines = said_in("5.1.1", CELL.format(ca="right", shipper="other_CA"))
    (first, second), done = reproduced(tmp_path, "5.1.1", config, *lines)
    assert f"played as  input http ({config}:1)" in first
    assert "none of them says what the log says" in first
    assert "played as  input opentelemetry" in second
    assert "reproduced client-cert-untrusted" in second
    assert done.returncode == 0


def test_what_an_input_leaves_out_is_found_by_playing_it_as_it_stands(tmp_path):
    config = configured(tmp_path, ("http", "tls on"))
    lines = said_in("5.1.1", FILES.format("no_certificate"))
    (told,), done = reproduced(tmp_path, "5.1.1", config, *lines)
    assert "reproduced config-syntax" in told, told
    assert "with nothing wrong, it is NOT_STARTED too" in told
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (("syslog", "Mode unix_udp", *SERVES), "in which it opens no TCP port"),
        (("forward", "Unix_Path /run/x", *SERVES), "it listens on a socket of its machine"),
        (("kubernetes_events", "tls on"), "not 'kubernetes_events'"),
    ],
)
def test_an_input_that_cannot_be_played_says_why(tmp_path, own, reason):
    log = tmp_path / "field.log"
    log.write_text(f"{UNHEARD_OF}\n")
    config = configured(tmp_path, own)
    done = command("reproduce", "--config", config, "--log", log, "--agent", "reference")
    assert_one_clear_error(done, 2, "no trouble of", "is this the configuration")
    assert reason in done.stdout
