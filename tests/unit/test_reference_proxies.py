"""The reference program goes through proxies as Fluent Bit 5.1.1 did."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import threading

import pytest
from reference_runs import HOST, LIMIT, Bench, Running, Sink


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


class Proxy:
    """A proxy that says `status` to CONNECT, and then carries bytes; it keeps what it was asked."""

    def __init__(self, status="200 OK", context=None):
        self._answer = f"HTTP/1.1 {status}\r\n\r\n".encode()
        self._context = context
        self._listening = socket.create_server((HOST, 0))
        self.port = self._listening.getsockname()[1]
        self.asked = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listening.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        with (
            contextlib.suppress(OSError),
            self._context.wrap_socket(raw, server_side=True) if self._context else raw as near,
        ):
            head = near.recv(4096).decode()
            self.asked.append(head)
            near.sendall(self._answer)
            if b" 200 " not in self._answer:
                return
            host, port = re.match(r"CONNECT (\S+):(\d+) ", head).groups()
            with socket.create_connection((host, int(port)), LIMIT) as far:
                ways = {near: far, far: near}
                while True:
                    for one in select.select(list(ways), [], [])[0]:
                        if not (data := one.recv(1 << 16)):
                            return
                        ways[one].sendall(data)


def sent(bench, url, port, **properties):
    """The log of an output that has a record for this port, up to the end of it."""
    given = {"Alias": "out", "Port": port, "Retry_Limit": "no_retries", **properties}
    lines = "".join(f"    {name.replace('__', '.')} {value}\n" for name, value in given.items())
    source = "[INPUT]\n    Name dummy\n    Rate 1000\n    Samples 1\n"
    service = "[SERVICE]\n    Flush 0.01\n    Log_Level debug\n"
    bench.conf.write_text(f"{service}{source}[OUTPUT]\n    Name http\n{lines}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HTTP_PROXY", url)
        with Running(bench.conf, program=bench.program) as agent:
            said = agent.until("is now available", "is not retried", "initialization failed")
            return "\n".join(said)


def test_a_tunnel_is_asked_for_and_the_record_goes_through_it(bench):
    with Sink() as sink, Proxy() as proxy:
        said = sent(bench, f"http://{HOST}:{proxy.port}", sink.port)
        assert json.loads(sink.next())[0]["message"] == "dummy"
    assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{sink.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization" not in proxy.asked[0]
    assert f"[output:http:out] 127.0.0.1:{sink.port}, HTTP status=200" in said


def test_credentials_of_the_proxy_are_shown_to_it(bench):
    with Sink() as sink, Proxy() as proxy:
        sent(bench, f"http://me:secret@{HOST}:{proxy.port}", sink.port)
    assert "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.asked[0]


@pytest.mark.parametrize("word", ["127.0.0.1", "a.test,127.0.0.1", "*"])
def test_a_host_may_be_an_exception(bench, monkeypatch, word):
    monkeypatch.setenv("NO_PROXY", word)
    with Sink() as sink, Proxy() as proxy:
        sent(bench, f"http://{HOST}:{proxy.port}", sink.port)
        assert json.loads(sink.next())
        assert not proxy.asked


def test_a_proxy_that_refuses_is_heard(bench):
    with Sink() as sink, Proxy("407 Proxy Authentication Required") as proxy:
        said = sent(bench, f"http://{HOST}:{proxy.port}", sink.port)
        assert sink.is_empty()
    assert "[upstream] proxy returned 407" in said
    assert "flb_establish_proxy error: (null)" in said
    assert "no upstream connections available to" in said


TRUSTED = {"tls__proxy__verify_hostname": "off"}


@pytest.mark.parametrize(
    ("anchor", "properties", "reason"),
    [
        ("root.pem", TRUSTED, None),
        ("root.pem", {}, "certificate verify failed"),
        ("other_root.pem", TRUSTED, "certificate verify failed"),
        ("other_root.pem", {"tls__proxy__verify": "off"}, None),
    ],
)
def test_a_proxy_over_tls_is_judged_by_properties_of_its_own(bench, anchor, properties, reason):
    given = {"tls__proxy__ca_file": bench.place / anchor, **properties}
    with Sink() as sink, Proxy(context=bench.server()) as proxy:
        said = sent(bench, f"https://{HOST}:{proxy.port}", sink.port, **given)
        assert sink.is_empty() == (reason is not None)
    assert reason is None or reason in said
    assert (f"proxy TLS handshake failed for {HOST}:{proxy.port}" in said) == (reason is not None)


def test_tls_goes_through_tls(bench):
    tls = {"tls": "on", "tls__ca_file": bench.place / "root.pem", "tls__vhost": "localhost"}
    given = {**tls, "tls__proxy__ca_file": bench.place / "root.pem", **TRUSTED}
    with Sink(context=bench.server()) as sink, Proxy(context=bench.server()) as proxy:
        said = sent(bench, f"https://{HOST}:{proxy.port}", sink.port, **given)
        assert json.loads(sink.next())[0]["message"] == "dummy"
    assert "HTTP status=200" in said


def test_a_proxy_of_another_kind_stops_the_start(bench):
    said = sent(bench, "socks5://127.0.0.1:1", 1)
    assert "[error] only HTTP and HTTPS proxies are supported." in said
    assert "[error] [output] failed to initialize 'http' plugin" in said


def test_the_property_of_out_http_is_not_modelled(bench):
    bench.conf.write_text(
        "[INPUT]\n    Name dummy\n[OUTPUT]\n    Name http\n    Alias out\n    proxy http://x:1\n"
    )
    with Running(bench.conf) as agent:
        assert agent.end() == 255
    assert "[output:http:out] the reference agent models no property 'proxy'" in agent.lines[-3]
