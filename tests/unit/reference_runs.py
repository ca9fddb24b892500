"""Runs the reference program as the harness does, before peers of the tests' own."""

from __future__ import annotations

import contextlib
import http.server
import os
import queue
import re
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import h2
from minted import pki

import flb_handshake
from flb_handshake.certificates import (
    CLIENT,
    INTERMEDIATE,
    LEAF,
    OTHER_CLIENT,
    OTHER_INTERMEDIATE,
    OTHER_ROOT,
    ROOT,
    Usage,
    expired,
    named,
    not_yet_valid,
    usage,
)

PROGRAM = Path(flb_handshake.__file__).parent / "agent" / "reference_program"
LIMIT = 10.0


ALONE = (sys.executable, "-I", "-S", str(PROGRAM))
"""The program, isolated, without site-packages."""

MODEL = (*ALONE, "--packages", str(Path(h2.__file__).parents[1]))
"""As the harness runs it."""


class Running:
    """The program, or another Fluent Bit, and what it logs."""

    def __init__(self, conf, *arguments, program=MODEL):
        self.process = subprocess.Popen(
            [*program, "-c", str(conf), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.lines = []

    def __enter__(self):
        self.limit = threading.Timer(LIMIT, self.process.kill)
        self.limit.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.limit.cancel()
        self.process.stderr.close()

    def until(self, *words):
        """Reads on until a line has one of the words, or there are no more: all lines so far."""
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if any(word in line for word in words):
                break
        return list(self.lines)

    def end(self):
        """Its exit code, if it ends by itself or was told to."""
        self.until()
        return self.process.wait(LIMIT)

    def said(self):
        """What was logged so far, without times and without the numbers of connections."""
        texts = (line.partition("] [")[2] or line for line in self.lines)
        return [re.sub(r"connection #\d+", "connection #N", text) for text in texts]


class Sink:
    """A collector, in cleartext or with a context: its requests' records, as they come."""

    def __init__(self, *statuses, context=None):
        statuses = list(statuses)
        came = self._came = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                came.put(self.rfile.read(int(self.headers["content-length"])).decode())
                self.send_response(statuses.pop(0) if statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def next(self):
        """The next request's body."""
        return self._came.get(timeout=LIMIT)

    def is_empty(self):
        return self._came.empty()


def _own_address():
    """A loopback address that no other process of tests takes a port of, where there are many."""
    number = os.getpid()
    linux = sys.platform == "linux"
    return (
        f"127.{number >> 16 & 63 | 64}.{number >> 8 & 255}.{number & 255}" if linux else "127.0.0.1"
    )


HOST = _own_address()


def free_port():
    with socket.create_server((HOST, 0)) as one:
        return one.getsockname()[1]


CREATED = "HTTP/1.1 201 Created"
LEAVES = {
    "server": (LEAF, INTERMEDIATE),
    "renewed": (LEAF.but(named("renewed.test", common_name="renewed.test")), INTERMEDIATE),
    "client": (CLIENT, INTERMEDIATE),
    "lonely": (CLIENT,),
    "expired": (CLIENT.but(expired()), INTERMEDIATE),
    "early": (CLIENT.but(not_yet_valid()), INTERMEDIATE),
    "server_only": (CLIENT.but(usage(Usage.SERVER)), INTERMEDIATE),
    "stranger": (OTHER_CLIENT, OTHER_INTERMEDIATE),
}


def post(path, body, kind="application/json"):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def configuration(plugin, port, sink, service="", **properties):
    """An input that listens, and an output that sends what has the tag `t0`."""
    given = {"Alias": "in", "Tag": "t0", "Listen": HOST, "Port": port, **properties}
    lines = [f"    {name.replace('__', '.')} {value}\n" for name, value in given.items()]
    output = (
        f"[OUTPUT]\n    Name http\n    Alias out\n    Match t0\n    Port {sink}\n    Format json\n"
    )
    begin = f"[SERVICE]\n    Flush 0.01\n    Grace 0\n    Log_Level debug\n{service}[INPUT]\n"
    return "".join((begin, f"    Name {plugin}\n", *lines, output, "    Retry_Limit no_retries\n"))


class Input:
    """One input that listens, with an output to a sink."""

    def __init__(self, agent, port):
        self.agent, self.port = agent, port

    def dial(self):
        return socket.create_connection((HOST, self.port), LIMIT)

    def ship(self, context=None, data=None, session=None):
        """Ships one record: the response's first line, or the reason why there is none."""
        raw = self.dial()
        try:
            with context.wrap_socket(raw, session=session) if context else raw as connection:
                connection.sendall(data or post("/", b'{"n":1}'))
                response = connection.recv(1 << 16)
                self.session = connection.session if context else None
                self.reused = connection.session_reused if context else None
                return response.partition(b"\r\n")[0].decode()
        except ssl.SSLError as error:
            return error.reason or str(error)

    def says(self, word):
        """Reads the log until a line has the word: all of those that have it."""
        if not any(word in line for line in self.agent.lines):
            self.agent.until(word)
        return [line for line in self.agent.said() if word in line]


class Bench:
    """A directory with certificates and a configuration, and what it takes to use them."""

    def __init__(self, place, program=MODEL):
        self.place = place
        self.program = program
        self.conf = place / "fluent-bit.conf"
        for name, specs in LEAVES.items():
            (place / f"{name}.pem").write_bytes(pki().pem(*specs))
            (place / f"{name}.key").write_bytes(pki().key_pem(specs[0]))
        (place / "root.pem").write_bytes(pki().pem(ROOT))
        (place / "other_root.pem").write_bytes(pki().pem(OTHER_ROOT))

    def secured(self, **more):
        """The properties of a healthy TLS input, with some changed, or left out: None."""
        given = {"tls": "on", "tls__crt_file": self.place / "server.pem", "tls__debug": "1"}
        given["tls__key_file"] = self.place / "server.key"
        given["tls__ca_file"] = self.place / "root.pem"
        return {name: value for name, value in {**given, **more}.items() if value is not None}

    def use(self, name):
        """Puts this certificate and its key where `changing` looks for them."""
        for kind in ("pem", "key"):
            (self.place / f"now.{kind}").write_bytes((self.place / f"{name}.{kind}").read_bytes())

    def changing(self):
        """The properties of a TLS input whose certificate and key can be changed."""
        self.use("server")
        paths = {name: self.place / f"now.{kind}" for name, kind in _CHANGING.items()}
        return self.secured(**paths, tls__debug=None)

    @contextlib.contextmanager
    def listening(self, plugin="http", service="", **properties):
        """Runs an input until it listens; the sink of its output is the second of what it gives."""
        port = free_port()
        with Sink() as sink:
            self.conf.write_text(configuration(plugin, port, sink.port, service, **properties))
            with Running(self.conf, program=self.program) as agent:
                agent.until("[downstream] listening on")
                yield Input(agent, port), sink

    def server(self):
        """The context of a collector, or of a proxy, with the healthy certificate."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.place / "server.pem", self.place / "server.key")
        return made

    def client(self, certificate=None, *, version=None, alpn=(), anchor="root.pem"):
        """The context of a shipper."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.load_verify_locations(self.place / anchor)
        if certificate:
            files = (self.place / f"{certificate}.{kind}" for kind in ("pem", "key"))
            made.load_cert_chain(*files)
        if version:
            made.minimum_version = made.maximum_version = version
        if alpn:
            made.set_alpn_protocols(list(alpn))
        return made


_CHANGING = {"tls__crt_file": "pem", "tls__key_file": "key"}
