"""The reference program's inputs speak HTTP/2 with whoever asks for it, as Fluent Bit 5.1.1 did."""

from __future__ import annotations

import json

import httpx
import pytest
from reference_runs import ALONE, HOST, Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def posted(bench, one, body):
    with httpx.Client(http2=True, verify=bench.client()) as client:
        return client.post(f"https://{HOST}:{one.port}/", json=body)


def test_a_record_that_comes_over_http2_is_taken_and_answered(bench):
    with bench.listening(**bench.secured()) as (one, sink):
        answer = posted(bench, one, [{"n": 1}])
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 201)
        assert json.loads(sink.next())[0]["n"] == 1


def test_what_is_refused_over_http2_is_answered_once(bench):
    with bench.listening(**bench.secured()) as (one, sink):
        answer = posted(bench, one, "no record")
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 400)
        assert answer.text == "error: unable to process records\n"
        assert sink.is_empty()


@pytest.mark.parametrize("key", ["http2", "http_server__http2"])
def test_http2_can_be_switched_off(bench, key):
    with bench.listening(**bench.secured(**{key: "off"})) as (one, _):
        answer = posted(bench, one, [{"n": 1}])
        assert (answer.http_version, answer.status_code) == ("HTTP/1.1", 201)


def test_without_the_library_an_input_agrees_on_http_1_alone(tmp_path):
    bench = Bench(tmp_path, program=ALONE)
    with bench.listening(**bench.secured()) as (one, _):
        answer = posted(bench, one, [{"n": 1}])
        assert (answer.http_version, answer.status_code) == ("HTTP/1.1", 201)


def test_what_is_no_http2_after_all_ends_the_connection(bench):
    with (
        bench.listening(**bench.secured()) as (one, sink),
        bench.client(alpn=["h2"]).wrap_socket(one.dial()) as connection,
    ):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        while connection.recv(1000):
            pass
        assert sink.is_empty()
