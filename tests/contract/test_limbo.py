"""x509-limbo's cases played with each agent, and the command that plays them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest
from limbo_cases import client_case, limbo_case, written

from flb_handshake.agent.process import find_binary
from flb_handshake.certificates import (
    CLIENT_CHAIN,
    HEALTHY,
    OTHER_CLIENT,
    OTHER_LEAF,
    chain,
    expired,
    named,
)
from flb_handshake.limbo import agreement, suite
from flb_handshake.limbo.agreement import Agreement
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.runner import play

AGENT = "process" if find_binary(DEFAULT_VERSION) else "reference"
EXPIRED = HEALTHY.but(expired())
FAILS = {"expected_result": "FAILURE"}
TRUSTED = {"trusted_certs": limbo_case(chain=HEALTHY)["trusted_certs"]}


def test_what_limbo_expects_is_told_from_what_it_does_not(any_agent, tmp_path):
    wrong_name = {"expected_peer_name": {"kind": "DNS", "value": "else.test"}}
    address = {"expected_peer_name": {"kind": "IP", "value": "192.0.2.1"}}
    wanted = {
        Agreement.AGREES: [
            limbo_case("server::healthy"),
            limbo_case("server::expired", EXPIRED, **FAILS),
            limbo_case("server::other-root", chain(OTHER_LEAF), **FAILS, **TRUSTED),
            limbo_case("server::wrong-name", **FAILS, **wrong_name),
            limbo_case("server::address", HEALTHY.but(named(ips=("192.0.2.1",))), **address),
            client_case("client::healthy"),
            client_case("client::other-root", chain(OTHER_CLIENT), **FAILS, **TRUSTED),
            client_case("client::expired", CLIENT_CHAIN.but(expired()), **FAILS),
        ],
        Agreement.FALSE_ACCEPT: [
            limbo_case("server::healthy-is-wrong", **FAILS),
            client_case("client::healthy-is-wrong", **FAILS),
        ],
        Agreement.FALSE_REFUSAL: [
            limbo_case("server::expired-is-right", EXPIRED),
            client_case("client::expired-is-right", CLIENT_CHAIN.but(expired())),
        ],
    }
    cases = suite.read(
        written(tmp_path / "limbo.json", *(one for of in wanted.values() for one in of))
    )
    planned = agreement.plan(cases, any_agent.identity.version)
    evidence = asyncio.run(play(agreement.plays(planned), any_agent))
    answers = agreement.answers(planned, evidence)
    assert {one.case.id: one.agreement for one in answers} == {
        one["id"]: kind for kind, of in wanted.items() for one in of
    }
    said = {one.case.id: one.said for one in answers}
    assert said["server::expired"][0] == "alert certificate_expired"
    assert said["client::other-root"][0] == "alert unknown_ca"
    assert not said["server::healthy"]
    assert "PRIVATE KEY" not in "".join(repr(one) for one in evidence.values())


def command(*arguments):
    line = [sys.executable, "-m", "flb_handshake", "limbo", *map(str, arguments), "--agent", AGENT]
    return subprocess.run(
        line, capture_output=True, text=True, check=False, timeout=120, env={**os.environ}
    )


@pytest.fixture
def limbo(tmp_path):
    return lambda *cases, **changes: written(tmp_path / "limbo.json", *cases, **changes)


def test_the_command_fails_for_a_false_accept_alone(limbo):
    file = limbo(
        limbo_case("web::accept", **FAILS),
        limbo_case("web::refusal", EXPIRED),
        limbo_case("web::keyless", peer_certificate_key=None),
    )
    done = command(file)
    assert done.returncode == 1, done.stderr
    assert "agrees with x509-limbo in 0 of the 2 test cases that it decided, of 3" in done.stdout
    assert "FALSE ACCEPTS: limbo refuses, Fluent Bit let it pass (1)" in done.stdout
    without = command(file, "*::refusal", "keyless", "--json")
    assert without.returncode == 0, without.stderr
    (run,) = json.loads(without.stdout)["runs"]
    assert [one["agreement"] for one in run["cases"]] == ["false refusal", "not played"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("{", "this is not JSON"),
        ("\xff", "this is not JSON"),
        ('{"version": 2, "testcases": []}', "version 2, not 1"),
        (json.dumps({"version": 1, "testcases": [limbo_case()] * 2}), "two test cases are called"),
        (
            json.dumps({"version": 1, "testcases": [limbo_case(trusted_certs=["x"])]}),
            "web::one: trusted_certs is no CERTIFICATE in PEM",
        ),
    ],
    ids=["missing", "broken", "binary", "version", "repeated", "pem"],
)
def test_a_bad_suite_is_one_clear_line(tmp_path, text, says):
    file = tmp_path / "limbo.json"
    if text is not None:
        file.write_text(text, encoding="latin-1")
    done = command(file)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert "limbo.json" in errors[0]
    assert says in errors[0]
    assert "Traceback" not in done.stderr
    assert not done.stdout
