"""`serve` as somebody works with it: Fluent Bit, curl and openssl by hand, told as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind, Job
from flb_handshake.agent.process import find_binary
from flb_handshake.model import DEFAULT_VERSION

COMMAND = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as one does that nohup has begun
runpy.run_module("flb_handshake", run_name="__main__", alter_sys=True)
"""
REAL = find_binary(DEFAULT_VERSION)
SECONDS = 60.0
HEALTHY = "mode.cell[mode=verify_peer-ca=root-collector=healthy]"
IMPOSTOR = "trust.untrusted_root[mode=verify_peer]"
DEMANDED = "client_auth.policy[policy=demand-certificate=right-version=TLSv1.3]"
INPUT = "server_role.plugin[plugin=forward-mode=none-shipper=right]"
CURL, OPENSSL = shutil.which("curl"), shutil.which("openssl")
needs_curl = pytest.mark.skipif(not CURL, reason="there is no curl here")
needs_openssl = pytest.mark.skipif(not OPENSSL, reason="there is no openssl here")


class Served:
    """A `serve` that runs: what it has said so far, and a wait for what it will say."""

    def __init__(self, place, *arguments):
        self.place = place
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "serve", *map(str, arguments)],
            env={**os.environ, "TMPDIR": str(place)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._watchdog = threading.Timer(SECONDS, self.process.kill)
        self._watchdog.start()

    def until(self, *words):
        """The next line that has all these words in it."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if all(word in line for word in words):
                return self.lines[-1]
        raise AssertionError((words, self.lines, self.process.stderr.read()))

    def end(self, by=signal.SIGINT):
        self.process.send_signal(by)
        rest, errors = self.process.communicate()
        self._watchdog.cancel()
        self.lines += rest.splitlines()
        return self.process.returncode, errors

    def command(self, program):
        (found,) = [line.strip() for line in self.lines if line.startswith(f"  {program} ")]
        return shlex.split(found)

    @property
    def directory(self):
        (line,) = [line for line in self.lines if line.startswith("  files ")]
        return Path(line.split()[1])

    @property
    def port(self):
        (line,) = [line for line in self.lines if "127.0.0.1:" in line and "s on" in line]
        return int(line.rpartition(":")[2])


@pytest.fixture
def serve(tmp_path):
    place = tmp_path / "tmp"
    place.mkdir()
    made = []

    def begin(*arguments):
        made.append(Served(place, *arguments))
        made[-1].until("Ctrl-C ends it")
        return made[-1]

    yield begin
    for one in made:
        one._watchdog.cancel()
        one.process.kill()
        one.process.wait()
        for pipe in (one.process.stdin, one.process.stdout, one.process.stderr):
            pipe.close()


@pytest.fixture(scope="module")
def fluent_bit():
    """Runs a Fluent Bit (the model of it, where there is none) until the block ends."""
    agent = choose(AgentKind.PROCESS if REAL else AgentKind.REFERENCE, DEFAULT_VERSION).agent
    program = agent.command(Job(name="any", config=""))[:-2]

    @contextlib.contextmanager
    def running(config):
        with subprocess.Popen(
            [*program, "-c", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    yield running
    asyncio.run(agent.close())


def by_hand(arguments, **options):
    return subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        **options,
    )


def snippet(lines):
    """The configuration as it was printed, less what it is indented by."""
    first = next(i for i, line in enumerate(lines) if line.startswith("A configuration")) + 2
    last = next(i for i, line in enumerate(lines) if line.startswith("  fluent-bit -c"))
    return "".join(f"{line[2:]}\n" for line in lines[first:last])


def test_fluent_bit_with_the_printed_configuration_delivers_before_ones_eyes(
    serve, fluent_bit, tmp_path
):
    peer = serve(HEALTHY)
    config = tmp_path / "printed.conf"
    config.write_text(snippet(peer.lines))
    with fluent_bit(config):
        peer.until("#1", "connection from 127.0.0.1:")
        assert "SNI logs.example.test" in peer.until("ClientHello")
        peer.until("#1", "handshake done: TLSv1.3, TLS_")
        peer.until("#1", "received over TLS: POST /v1/logs, 1 record", '"message": "handshake"')
    peer.until("#1", "closed from there")


def test_fluent_bit_that_refuses_is_heard_to_say_why(serve, fluent_bit):
    peer = serve(IMPOSTOR)
    with fluent_bit(peer.directory / "fluent-bit.conf"):
        peer.until("#1", "alert received: fatal unknown_ca")
    code, errors = peer.end()
    assert (code, errors) == (0, "")
    assert not [line for line in peer.lines if "handshake done" in line or "received over" in line]


@needs_openssl
def test_openssl_with_the_right_ca_and_with_another(serve):
    peer = serve(IMPOSTOR)
    right = by_hand(peer.command("openssl"))
    assert "Verify return code: 0 (ok)" in right.stdout
    peer.until("#1", "handshake done")
    (line,) = [one for one in peer.lines if one.endswith("  tls.ca_file")]
    wrong = [
        line.split()[0] if one.endswith("root.pem") else one for one in peer.command("openssl")
    ]
    assert by_hand(wrong).returncode != 0
    peer.until("#2", "alert received: fatal unknown_ca")


@needs_curl
def test_curl_with_a_client_certificate_and_without(serve):
    peer = serve(DEMANDED)
    whole = peer.command("curl")
    done = by_hand(whole)
    assert done.returncode == 0, done.stderr
    assert "< HTTP/1.1 201" in done.stderr
    peer.until("#1", "client certificate: CN=fluent-bit")
    peer.until("#1", "received over TLS: POST /, 1 record", '{"message": "by hand"}')
    at = whole.index("--cert")
    anonymous = by_hand(whole[:at] + whole[at + 4 :])
    assert anonymous.returncode != 0
    peer.until("#2", "alert sent: fatal certificate_required")


def test_two_connections_at_once_are_told_apart(serve):
    peer = serve(HEALTHY)
    trusting = ssl.create_default_context(cafile=peer.directory / "peer" / "root.pem")
    with contextlib.ExitStack() as stack:
        for number in (1, 2):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", peer.port)))
            secured = trusting.wrap_socket(plain, server_hostname="logs.example.test")
            stack.enter_context(secured)
            peer.until(f"#{number}", f"connection from 127.0.0.1:{secured.getsockname()[1]}")
            peer.until(f"#{number}", "handshake done")
    ended = {re.search(r"#\d+", peer.until("#", "closed"))[0] for _ in range(2)}
    assert ended == {"#1", "#2"}


def test_what_is_no_tls_is_said_to_be_none(serve):
    peer = serve(HEALTHY)
    with socket.create_connection(("127.0.0.1", peer.port)) as plain:
        plain.sendall(b"\x1b[2Jhello\r\n")
        said = peer.until("no TLS: it begins with")
    assert "\x1b" not in said
    assert "hello" in said


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_at_a_word_and_leaves_nothing_behind(serve, by):
    peer = serve(DEMANDED)
    (left,) = peer.place.iterdir()
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    with socket.create_connection(("127.0.0.1", peer.port)):
        peer.until("connection from")
        before = len(peer.lines)
        code, errors = peer.end(by)
    assert (code, errors) == (0, "")
    assert peer.lines[before:] == ["", "ended; nothing is left behind"]
    assert not list(peer.place.iterdir())


def test_saved_files_stay_and_their_owner_alone_can_read_them(serve, tmp_path):
    saved = tmp_path / "new" / "saved"
    peer = serve(DEMANDED, "--save", saved)
    code, errors = peer.end()
    assert (code, errors) == (0, "")
    assert peer.lines[-1] == f"ended; the files stay in {saved}"
    assert not list(peer.place.iterdir())
    files = {one.relative_to(saved).as_posix(): one for one in saved.rglob("*") if one.is_file()}
    assert {"fluent-bit.conf", "key.key", "peer/client.key", "peer/root.pem"} <= set(files)
    for name, one in files.items():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, name
        assert str(one) in "\n".join(peer.lines)
    directories = [saved, *(one for one in saved.rglob("*") if one.is_dir())]
    assert {stat.S_IMODE(one.stat().st_mode) for one in directories} == {0o700}


def refused(*arguments, place):
    done = by_hand(
        [sys.executable, "-m", "flb_handshake", "serve", *map(str, arguments)],
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert not done.stdout
    assert not list(place.iterdir())
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    return done.returncode, error + hint


def test_a_taken_port_is_the_users_mistake_and_nothing_is_written(tmp_path):
    place, saved = tmp_path / "tmp", tmp_path / "saved"
    place.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(HEALTHY, "--port", port, "--save", saved, place=place)
    assert code == 2
    assert f"port {port}" in said
    assert "in use" in said
    assert not list(saved.iterdir())


def test_a_port_that_is_asked_for_is_served(serve):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    peer = serve(HEALTHY, "--port", port)
    assert peer.port == port
    socket.create_connection(("127.0.0.1", port)).close()
    peer.until("connection from")


def test_nothing_of_the_users_is_written_over(tmp_path):
    place, saved = tmp_path / "tmp", tmp_path / "saved"
    place.mkdir()
    saved.mkdir()
    (saved / "mine.pem").write_text("mine")
    code, said = refused(HEALTHY, "--save", saved, place=place)
    assert code == 2
    assert "something is in it already" in said
    assert [one.name for one in saved.iterdir()] == ["mine.pem"]


def test_an_unknown_id_gets_the_nearest_ones(tmp_path):
    code, said = refused(f"{HEALTHY}x", place=tmp_path)
    assert code == 2
    assert HEALTHY in said


def test_a_record_is_shipped_to_an_input_whenever_somebody_presses_enter(serve, fluent_bit):
    peer = serve(INPUT)
    peer.process.stdin.write("\n")
    peer.process.stdin.flush()
    peer.until("#1", "connection refused: nothing listens there")
    with fluent_bit(peer.directory / "fluent-bit.conf") as agent:
        for line in agent.stdout:
            if b"listening on 127.0.0.1" in line:
                break
        for number in (2, 3):
            peer.process.stdin.write("\n")
            peer.process.stdin.flush()
            peer.until(f"#{number}", "server certificate: CN=logs.example.test")
            peer.until(f"#{number}", "record shipped over TLS")
            assert f'"n": {number}' in peer.until("came out of Fluent Bit: 1 record")
    assert peer.end()[0] == 0


def test_a_reader_that_goes_away_ends_it(serve):
    peer = serve(HEALTHY)
    peer.process.stdout.close()
    with socket.create_connection(("127.0.0.1", peer.port)):
        assert peer.process.wait(SECONDS) == 0
    assert peer.process.stderr.read() == ""
    assert not list(peer.place.iterdir())


def test_the_quick_start_shows_what_serve_prints(serve, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text()
    shown = page[page.index("$ flb-handshake serve") : page.index("In another terminal")]
    saved = tmp_path / "certs"
    peer = serve(IMPOSTOR, "--save", saved)
    port = str(peer.port)
    printed = [
        line.replace(port, "8443").replace(str(saved), "/tmp/q/certs")  # noqa: S108 # the page's
        for line in peer.lines
    ]
    for line in shown.splitlines()[1:]:
        assert line in {*printed, "```", "…"}
