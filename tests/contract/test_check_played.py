"""A configuration in a pull request: what it lets through fails the check, at the line to blame."""

from __future__ import annotations

import json

import pytest
from shipper_servers import PKI
from test_command import REAL, assert_one_clear_error, command

from flb_handshake import catalogue
from flb_handshake.certificates import HEALTHY, OTHER_ROOT, ROOT
from flb_handshake.lint.rules import RULES
from flb_handshake.trials import findings
from flb_handshake.trials.mutants import Wrong

real = pytest.mark.skipif(not REAL, reason="no real Fluent Bit as a process here")

GOOD = """\
[INPUT]
    Name dummy

[OUTPUT]
    Name               http
    Match              *
    Host               logs.example.com
    Port               443
    Header             Authorization Bearer planted-secret-1
    tls                on
    tls.verify         on
    tls.verify_hostname on
    tls.ca_file        ca.pem
"""


@pytest.fixture
def check(tmp_path):
    (tmp_path / "ca.pem").write_bytes(PKI.pem(ROOT))
    (tmp_path / "other.pem").write_bytes(PKI.pem(OTHER_ROOT))

    def run(text, *options):
        config = tmp_path / "fluent-bit.conf"
        config.write_text(text)
        return command("check", config, "--agent", "process", *options)

    return run


def found(done):
    told = json.loads(done.stdout)
    return {(one["rule"], one["line"]) for one in told["findings"] if one["severity"] != "note"}


@real
def test_a_good_configuration_passes_the_strict_policy(check):
    done = check(GOOD, "--policy", "strict", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (played,) = json.loads(done.stdout)["played"]
    assert played["outcome"] == "DELIVERED"
    assert played["let_through"] == []
    assert len(played["refused"]) == 6
    assert "planted-secret" not in done.stdout + done.stderr


CHANGES = {
    # name: (before, after, findings that must be among those told)
    "verification turned off": (
        "tls.verify         on",
        "tls.verify         off",
        {("verify-off", 11), ("takes-another-ca", 11), ("takes-expired", 11)},
    ),
    "a property misspelt": (
        "tls.ca_file        ca.pem",
        "tls.ca_flie        ca.pem",
        {("unknown-property", 13), ("does-not-deliver", 10)},
    ),
    "a mode where a boolean belongs": (
        "tls                on",
        "tls                verify_peer",
        {("not-a-boolean", 10), ("sends-cleartext", 10)},
    ),
    "TLS taken out": (
        "    tls                on\n",
        "",
        {("tls-not-on", 10), ("sends-cleartext", 4)},
    ),
}


@real
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_weakens_it_fails_at_its_line(check, name):
    before, after, expected = CHANGES[name]
    assert before in GOOD
    done = check(GOOD.replace(before, after), "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert expected <= found(done)


@real
def test_names_unchecked_are_a_matter_of_policy(check):
    text = GOOD.replace("tls.verify_hostname on", "tls.verify_hostname off")
    assert check(text).returncode == 0
    done = check(text, "--policy", "strict", "--json")
    assert done.returncode == 1
    assert ("takes-any-name", 12) in found(done)


@real
def test_against_a_baseline_only_what_is_worse_fails(check, tmp_path):
    baseline = tmp_path / "baseline.json"
    lax = GOOD.replace("tls.verify         on", "tls.verify         off")
    assert check(lax, "--write-baseline", baseline).returncode == 0
    assert "planted-secret" not in baseline.read_text()
    moved = "# one line more\n" + lax
    done = check(moved, "--baseline", baseline, "--json")
    assert done.returncode == 0, done.stdout
    worse = lax.replace("tls                on", "tls                off")
    done = check(worse, "--baseline", baseline, "--json")
    assert done.returncode == 1
    assert ("sends-cleartext", 10) in found(done)


@real
@pytest.mark.parametrize("how", ["another path", "another content"])
def test_a_ca_file_that_is_swapped_fails_at_its_line(check, tmp_path, how):
    baseline = tmp_path / "baseline.json"
    assert check(GOOD, "--write-baseline", baseline).returncode == 0
    text = GOOD
    if how == "another path":
        text = GOOD.replace("ca.pem", "other.pem")
    else:
        (tmp_path / "ca.pem").write_bytes(PKI.pem(OTHER_ROOT))
    done = check(text, "--baseline", baseline, "--json")
    assert done.returncode == 1, done.stdout
    assert found(done) == {("another-file", 13)}


@real
def test_an_intermediate_alone_in_the_ca_file_does_not_deliver(check, tmp_path):
    (tmp_path / "ca.pem").write_bytes(PKI.pem(HEALTHY.intermediate))
    done = check(GOOD, "--json")
    assert done.returncode == 1
    assert {("no-root", 13), ("does-not-deliver", 13)} <= found(done)


@real
def test_what_is_not_played_is_said(check):
    text = GOOD.replace("Name               http", "Name               stackdriver").replace(
        "    Header             Authorization Bearer planted-secret-1\n", ""
    )
    done = check(text)
    assert "output stackdriver" in done.stdout
    assert "not played: it dials hosts of Google that no property moves elsewhere" in done.stdout
    assert "fluent-bit.conf:4: note: output stackdriver was not played" in done.stdout
    assert "leave `tls.verify` on" in done.stdout


@real
def test_the_nodes_of_an_upstream_file_are_played_each_by_itself(check, tmp_path):
    """`tls on` in the output is none of theirs: the second sends in cleartext."""
    (tmp_path / "nodes.conf").write_text(
        "[UPSTREAM]\n    name servers\n"
        "[NODE]\n    name one\n    host one.example.com\n    port 24224\n"
        "    shared_key planted-secret-3\n    tls on\n    tls.ca_file ca.pem\n"
        "[NODE]\n    name two\n    host two.example.com\n    port 24224\n"
    )
    done = check(
        "[INPUT]\n    Name dummy\n[OUTPUT]\n    Name forward\n    Match *\n"
        "    Upstream nodes.conf\n    tls on\n    tls.verify_hostname on\n",
        "--policy",
        "strict",
        "--json",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert {("takes-any-name", 8), ("sends-cleartext", 10)} <= found(done)
    one, two = json.loads(done.stdout)["played"]
    assert (one["section"], one["outcome"]) == ("node one", "DELIVERED")
    assert (two["section"], two["outcome"]) == ("node two", "CLEARTEXT")
    assert "planted-secret" not in done.stdout + done.stderr


@real
def test_the_secret_in_a_webhook_is_played_and_not_told(check):
    text = (
        "[INPUT]\n    Name dummy\n[OUTPUT]\n    Name slack\n    Match *\n"
        "    webhook https://hooks.example.com/services/T0/B0/planted-secret-2\n"
    )
    done = check(text, "--policy", "strict", "--json")
    assert done.returncode == 1
    assert ("takes-any-name", 3) in found(done)
    (played,) = json.loads(done.stdout)["played"]
    assert (played["outcome"], played["let_through"]) == ("DELIVERED", ["wrong name"])
    assert "planted-secret" not in done.stdout + done.stderr


def test_without_playing_no_fluent_bit_is_needed(check):
    done = check(GOOD, "--no-play", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["played"] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "No such file"), ("{", "no JSON"), ("[]", "no baseline"), ('{"format":2}', "format 1")],
)
def test_a_baseline_that_is_none_is_one_clear_line(check, tmp_path, text, says):
    baseline = tmp_path / "baseline.json"
    if text is not None:
        baseline.write_text(text)
    done = check(GOOD, "--no-play", "--baseline", baseline)
    assert_one_clear_error(done, 2, "--baseline", says, "--write-baseline")


def test_each_breach_has_a_rule_and_a_scenario_that_exist():
    known = {one.id for one in catalogue.load()}
    assert set(findings._BREACHES) == set(Wrong)
    for wrong, one in findings._BREACHES.items():
        for each in (one, findings._of_a_proxy(one, wrong)):
            assert each.rule in RULES
            assert each.scenario in known
