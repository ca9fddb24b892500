"""The reference program reads files again, and tries again, as Fluent Bit 5.1.1 was seen to.

Each expectation was measured on Fluent Bit 5.1.1 with OpenSSL 3.0.22.
"""

from __future__ import annotations

import json
import signal
import socket
import urllib.request

import pytest
from reference_runs import CREATED, HOST, LIMIT, Bench, Running, Sink, free_port


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# --- files and configurations that change ----------------------------------------------------


def presented(bench, one):
    with bench.client().wrap_socket(one.dial()) as connection:
        return dict(pair for (pair,) in connection.getpeercert()["subject"])["commonName"]


RELOADED = "[tls] reloaded TLS certificate configuration"
NOT_RELOADED = "[tls] detected certificate file changes but reload failed"


def test_a_certificate_is_read_again_when_its_file_has_changed(bench):
    with bench.listening(**bench.changing()) as (one, _):
        before = presented(bench, one)
        bench.use("renewed")
        assert presented(bench, one) == "renewed.test" != before
        assert len(one.says(RELOADED)) == 1
        presented(bench, one)
        one.ship(bench.client())
        one.says("[upstream] KA connection")
        assert len(one.says(RELOADED)) == 1


def test_a_file_that_cannot_be_used_leaves_what_was_read_before(bench):
    key = bench.place / "now.key"
    with bench.listening(**bench.changing()) as (one, _):
        key.write_text("garbage\n")
        assert one.ship(bench.client()) == CREATED
        assert one.says(NOT_RELOADED)
        said = "\n".join(one.agent.said())
        assert f"[tls] private_key '{key}' and password don't match" in said
        assert "could not create TLS backend" not in said
        key.unlink()
        assert one.ship(bench.client()) == CREATED
        bench.use("renewed")
        assert presented(bench, one) == "renewed.test"
        assert one.says(RELOADED)


def hot(bench):
    return bench.listening(service="    Hot_Reload on\n", **bench.changing())


def test_a_hot_reload_opens_the_inputs_anew(bench):
    with hot(bench) as (one, _):
        port = free_port()
        bench.conf.write_text(
            bench.conf.read_text().replace(f"Port {one.port}\n", f"Port {port}\n")
        )
        one.agent.process.send_signal(signal.SIGHUP)
        assert one.says("[reload] successful reload done.")
        with pytest.raises(ConnectionRefusedError):
            one.dial()
        one.port = port
        assert one.ship(bench.client()) == CREATED
        texts = [line.partition("] ")[2] for line in one.agent.said() if "[reload]" in line]
        assert texts == [
            "[reload] stop everything of the old context",
            "[reload] start everything",
            "[reload] successful reload done.",
        ]


def test_a_hot_reload_with_a_certificate_that_cannot_be_used_ends_the_program(bench):
    with hot(bench) as (one, _):
        (bench.place / "now.pem").write_text("garbage\n")
        one.agent.process.send_signal(signal.SIGHUP)
        assert one.agent.end() == 255
        aborted = "[reload] loaded configuration contains error(s). Reloading is aborted"
        assert one.agent.lines[-1].endswith(aborted)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("nonsense\n", "[config] error in"),
        ("    foo bar\n", "[reload] reloaded config is invalid. Reloading is halted"),
        (
            "[INPUT]\n    Name zork\n",
            "[reload] reloaded config format is invalid. Reloading is halted",
        ),
    ],
)
def test_a_hot_reload_of_what_cannot_be_read_leaves_everything(bench, change, said):
    with hot(bench) as (one, _):
        bench.conf.write_text(bench.conf.read_text() + change)
        one.agent.process.send_signal(signal.SIGHUP)
        assert one.says(said)
        assert one.ship(bench.client()) == CREATED


def test_without_hot_reload_a_hangup_is_only_named(bench):
    with bench.listening(**bench.changing()) as (one, _):
        one.agent.process.send_signal(signal.SIGHUP)
        assert one.says("[reload] hot reloading is not enabled")
        assert one.ship(bench.client()) == CREATED


@pytest.mark.parametrize(
    ("enabled", "answer"),
    [
        ("on", {"reload": "done", "status": 0}),
        ("off", {"reload": "not enabled", "status": -1}),
    ],
)
def test_a_reload_is_asked_for_over_http(bench, enabled, answer):
    admin = free_port()
    service = f"    Hot_Reload {enabled}\n    HTTP_Server on\n"
    service += f"    HTTP_Listen {HOST}\n    HTTP_Port {admin}\n"
    with bench.listening(service=service, **bench.changing()) as (one, _):
        one.says(f"[http_server] listen iface={HOST}")
        where = f"http://{HOST}:{admin}/api/v2/reload"
        with urllib.request.urlopen(where, b"{}", LIMIT) as response:
            assert json.load(response) == answer
        if enabled == "on":
            one.says("[reload] successful reload done.")
        with urllib.request.urlopen(where, timeout=LIMIT) as response:
            assert json.load(response) == {"hot_reload_count": int(enabled == "on")}


# --- outputs that try again ------------------------------------------------------------------

ONCE = "[INPUT]\n    Name dummy\n    Rate 1000\n    Samples 1\n"


def dispatch(port, limit, **properties):
    given = {"Alias": "out", "Match": "*", "Port": port, "Retry_Limit": limit, **properties}
    lines = [f"    {name.replace('__', '.')} {value}\n" for name, value in given.items()]
    service = "[SERVICE]\n    Flush 0.01\n    scheduler.base 0\n    scheduler.cap 0\n"
    return "".join((service, ONCE, "[OUTPUT]\n    Name http\n", *lines))


@pytest.mark.parametrize(
    ("limit", "statuses", "last", "warned"),
    [
        ("1", (500, 500), "cannot be retried: task_id=0, input=dummy.0 > output=out", ["retry"]),
        ("1", (500, 200), "succeeded at retry 1: task_id=0, input=dummy.0 > output=out", ["retry"]),
        ("0", (500, 500), "cannot be retried", ["invalid", "retry"]),
        ("no_retries", (500,), "is not retried (no retry config)", []),
    ],
)
def test_a_chunk_is_tried_again_as_often_as_it_may(bench, limit, statuses, last, warned):
    with Sink(*statuses) as sink:
        bench.conf.write_text(dispatch(sink.port, limit))
        with Running(bench.conf) as agent:
            agent.until(last)
        bodies = [sink.next() for _ in statuses]
    assert last in agent.lines[-1]
    assert len(set(bodies)) == 1
    assert sink.is_empty()
    found = [line for line in agent.lines if "[ warn]" in line]
    said = {
        "retry": "retry in 1 seconds: task_id=0",
        "invalid": "invalid retry_limit. set default.",
    }
    assert len(found) == len(warned)
    assert all(said[one] in line for one, line in zip(warned, found, strict=True))


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"net__io_timeout": "1"}, "[http_client] read idle timeout reached (idle=1s, limit=1s)"),
        (
            {"http__response_timeout": "1"},
            "[http_client] response timeout reached (elapsed=1s, limit=1s)",
        ),
        (
            {"net__connect_timeout": "1", "tls": "on", "tls__verify": "off"},
            "timed out after 1 seconds (connection timeout)",
        ),
    ],
)
def test_an_output_waits_as_long_as_it_is_told_to(bench, properties, said):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bench.conf.write_text(dispatch(silent.getsockname()[1], "no_retries", **properties))
        with Running(bench.conf) as agent:
            assert said in "\n".join(agent.until("is not retried"))
