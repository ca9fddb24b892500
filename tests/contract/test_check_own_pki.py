"""check --pki: the user's own certificates, and what swapping one of them does."""

from __future__ import annotations

import json

import pytest
from shipper_servers import PKI
from test_command import REAL, assert_one_clear_error, command

from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    LEAF,
    OTHER_ROOT,
    ROOT,
    expired,
    named,
)

pytestmark = pytest.mark.skipif(not REAL, reason="no real Fluent Bit as a process here")

BEARING = HEALTHY.but(named("logs.example.com"))
OUTPUT = """\
[INPUT]
    Name dummy
[OUTPUT]
    Name http
    Match *
    Host logs.example.com
    tls on
    tls.verify_hostname on
    tls.ca_file /fluent-bit/certs/ca.pem
"""
MUTUAL = """\
    tls.crt_file /fluent-bit/certs/own.pem
    tls.key_file /fluent-bit/certs/own.key
"""
INPUT = """\
[INPUT]
    Name http
    tls on
    tls.verify on
    tls.verify_client_cert on
    tls.ca_file /fluent-bit/certs/ca.pem
    tls.crt_file /fluent-bit/certs/own.pem
    tls.key_file /fluent-bit/certs/own.key
[OUTPUT]
    Name stdout
    Match *
"""


@pytest.fixture
def check(tmp_path):
    place = tmp_path / "pki"
    place.mkdir()

    def run(text, **files):
        files = {name.replace("_", "."): content for name, content in files.items()}
        for name, content in files.items():
            (place / name).write_bytes(content)
        config = tmp_path / "fluent-bit.conf"
        config.write_text(text)
        done = command("check", config, "--pki", place, "--agent", "process", "--json")
        for name, content in files.items():
            if name.endswith(".key"):
                assert content.decode() not in done.stdout + done.stderr
        return done

    return run


COLLECTOR = {"collector_pem": PKI.pem(*BEARING.sent), "collector_key": PKI.key_pem(BEARING.leaf)}


def played(done):
    (one,) = json.loads(done.stdout)["played"]
    return one


def found(done):
    told = json.loads(done.stdout)["findings"]
    return {(one["rule"], one["line"]) for one in told if one["severity"] != "note"}


def test_their_own_chain_is_delivered_to_and_strangers_are_refused(check):
    done = check(OUTPUT, ca_pem=PKI.pem(ROOT), **COLLECTOR)
    assert done.returncode == 0, done.stdout + done.stderr
    assert played(done)["outcome"] == "DELIVERED"
    assert played(done)["refused"] == [
        "another CA",
        "self-signed",
        "missing intermediate",
        "cleartext",
    ]


def test_a_ca_file_that_is_swapped_does_not_deliver_and_its_line_is_named(check):
    done = check(OUTPUT, ca_pem=PKI.pem(OTHER_ROOT), **COLLECTOR)
    assert done.returncode == 1, done.stdout + done.stderr
    assert ("does-not-deliver", 9) in found(done)


def test_a_chain_that_has_expired_does_not_deliver(check):
    old = BEARING.but(expired())
    pair = {"collector_pem": PKI.pem(*old.sent), "collector_key": PKI.key_pem(old.leaf)}
    done = check(OUTPUT, ca_pem=PKI.pem(ROOT), **pair)
    assert done.returncode == 1
    assert "has expired" in done.stdout or "expired" in done.stdout
    assert played(done)["outcome"] == "REFUSED_BY_AGENT"


def test_what_the_collector_demands_is_demanded(check):
    own = {"own_pem": PKI.pem(*CLIENT_CHAIN.sent), "own_key": PKI.key_pem(CLIENT)}
    theirs = {"client-ca_pem": PKI.pem(ROOT), "ca_pem": PKI.pem(ROOT), **COLLECTOR}
    assert check(OUTPUT + MUTUAL, **own, **theirs).returncode == 0
    done = check(OUTPUT, **theirs)
    assert done.returncode == 1
    assert played(done)["outcome"] == "REFUSED_BY_PEER"


def test_an_input_admits_their_client_and_nobody_else(check):
    done = check(
        INPUT,
        ca_pem=PKI.pem(ROOT),
        own_pem=PKI.pem(*HEALTHY.sent),
        own_key=PKI.key_pem(LEAF),
        shipper_pem=PKI.pem(*CLIENT_CHAIN.sent),
        shipper_key=PKI.key_pem(CLIENT),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert played(done)["outcome"] == "DELIVERED"
    assert {"no client certificate", "client of another CA", "cleartext"} <= set(
        played(done)["refused"]
    )


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (COLLECTOR, ("ca.pem", "No such file", "fluent-bit.conf:9")),
        ({"ca_pem": PKI.pem(ROOT)}, ("collector.pem", "No such file")),
        (
            {"ca_pem": PKI.pem(ROOT), **COLLECTOR, "client-ca_pem": b""},
            ("client-ca.pem", "no certificate"),
        ),
        ({"ca_pem": b"\xff\xfe", **COLLECTOR}, ("ca.pem", "not text", "openssl pkcs12")),
        (
            {"ca_pem": PKI.pem(ROOT), **COLLECTOR, "collector_key": PKI.key_pem(CLIENT)},
            ("collector.pem and collector.key cannot be presented",),
        ),
    ],
)
def test_a_file_that_is_missing_or_does_not_fit_is_one_clear_line(check, files, says):
    assert_one_clear_error(check(OUTPUT, **files), 2, *says)


def test_own_certificates_and_stand_ins_contradict_each_other(tmp_path):
    config = tmp_path / "fluent-bit.conf"
    config.write_text(OUTPUT)
    done = command("check", config, "--pki", tmp_path, "--mint")
    assert_one_clear_error(done, 2, "--pki and --mint")
