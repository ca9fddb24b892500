"""`diagnose` as a stranger meets it: exit codes, JSON, standard input, mistakes in one line."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from test_command import COMMAND, REAL, command

from flb_handshake.certificates import HEALTHY, LEAF, OTHER_ROOT
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.pki import Pki

LOG = """Fluent Bit v4.2.8
[2026/11/25 12:00:00] [error] [tls] certificate verification failed, reason: hostname mismatch \
(X509 code: 62)
[2026/11/25 12:00:00] [error] [output:http:http.0] no upstream connections available to \
logs.example.test:443
"""
QUIET = "[2026/11/25 12:00:00] [ info] [engine] started (pid=1)\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "fluent-bit.log"
    path.write_text(LOG)
    return path


def test_trouble_is_exit_1_and_ends_with_the_fix(log):
    done = command("diagnose", log)
    assert done.returncode == 1, done.stderr
    assert "hostname-mismatch" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("  fix ")


def test_json_holds_what_was_promised(log):
    done = command("diagnose", log, "--json")
    (one,) = json.loads(done.stdout)
    assert done.returncode == 1
    assert (one["output"], one["release"]) == ("http.0", "4.2.8")
    assert [line["number"] for line in one["lines"]] == [2, 3]
    first = one["causes"][0]
    assert set(first) == {"cause", "confidence", "because", "fix", "scenario"}
    assert first["cause"] == "hostname-mismatch"
    assert {"meaning", "next"} <= set(one)


def test_a_log_of_a_gigabyte_is_read_in_little_memory():
    """A healthy log with one trouble at its very end; what is kept would be seen in the memory."""
    block = (QUIET * 1000).encode()
    blocks = (1 << 30) // len(block)
    with subprocess.Popen(
        [*COMMAND, "diagnose", "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        for _ in range(blocks):
            reader.stdin.write(block)
        # Of this program alone: rusage's peak begins with that of the process that started it.
        status = Path(f"/proc/{reader.pid}/status").read_text()
        told, _ = reader.communicate(LOG.encode())
    (one,) = json.loads(told)
    assert reader.returncode == 1
    assert [line["number"] for line in one["lines"]] == [1000 * blocks + 2, 1000 * blocks + 3]
    assert int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) < 200 << 10


def test_a_log_without_trouble_is_exit_0(tmp_path):
    path = tmp_path / "quiet.log"
    path.write_text(QUIET)
    done = command("diagnose", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no TLS trouble in 1 lines" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_is_read(arguments):
    done = subprocess.run(
        [*COMMAND, "diagnose", *arguments], input=LOG, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "standard input" in done.stdout


def test_the_configuration_is_asked(log, tmp_path):
    config = tmp_path / "fluent-bit.conf"
    config.write_text(
        "[OUTPUT]\n name http\n host logs.example.test\n port 443\n tls on\n tls.ca_file /no/ca\n"
    )
    done = command("diagnose", log, "--config", config, "--json")
    (one,) = json.loads(done.stdout)
    assert one["files"][0]["cause"] == "ca_file_missing"
    assert "-CAfile /no/ca" in one["next"]["command"]


CONFIGURED = "[OUTPUT]\n name http\n host logs.example.test\n port 443\n tls on\n"


def next_of(tmp_path, log, text, *arguments):
    config = tmp_path / "fluent-bit.conf"
    config.write_text(CONFIGURED)
    log.write_text(text)
    done = command("diagnose", log, "--config", config, *arguments)
    return done.stdout, f"flb-handshake reproduce --config {config}"


def test_where_the_log_tells_what_was_dialled_its_look_alike_is_to_be_played(log, tmp_path):
    # Catches playing 5.1.1 for a log of 4.2.8, and a command that text or document leaves out.
    told, begin = next_of(tmp_path, log, LOG)
    whole = f"{begin} --server logs.example.test:443 --fluent-bit 4.2.8"
    assert f"  play it    {whole}\n" in told
    told, _ = next_of(tmp_path, log, LOG, "--json")
    assert json.loads(told)[0]["next"]["reproduce"] == whole


def test_where_it_does_not_the_log_is_to_be_played(log, tmp_path):
    # Catches `--server` with nothing after it.
    told, begin = next_of(tmp_path, log, "".join(LOG.splitlines(keepends=True)[:2]))
    assert f"  play it    {begin} --log {log}\n" in told


def test_without_a_configuration_there_is_nothing_to_play(log):
    told = json.loads(command("diagnose", log, "--json").stdout)
    assert told[0]["next"]["reproduce"] == ""
    assert "play it" not in command("diagnose", log).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.log",), "nowhere.log cannot be read"),
        (("junk",), "holds no line of a Fluent Bit log"),
        (("empty",), "is empty"),
        (("junk", "--fluent-bit", "latest"), "latest is no version"),
        ((".",), "Is a directory"),
        (("junk", "--config", "nowhere.conf"), "nowhere.conf"),
        (("long",), "holds no line of a Fluent Bit log"),
        (("packed",), "packed is packed (gzip)"),
        (("-", "-"), "- is named twice"),
    ],
)
def test_a_mistake_is_one_line_with_a_hint(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "junk").write_bytes(bytes(range(256)) * 5000)
    (tmp_path / "long").write_bytes(b"x" * 50_000_000)
    (tmp_path / "packed").write_bytes(gzip.compress(LOG.encode()))
    (tmp_path / "empty").touch()
    done = command("diagnose", *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_log_that_may_not_be_read_is_one_line(log):
    log.chmod(0)
    done = command("diagnose", log)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{log} cannot be read: Permission denied" in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (gzip.compress(LOG.encode()), "standard input is packed (gzip)"),
        (None, "standard input is empty"),
    ],
)
def test_a_mistake_with_standard_input_is_one_line_too(given, said):
    closing = ["sh", "-c", 'exec "$@" <&-', "sh"] if given is None else []
    done = subprocess.run(
        [*closing, *COMMAND, "diagnose"], input=given, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        LOG.encode("utf-16"),
        b"\xfe\xff" + LOG.encode("utf-16-be"),
        LOG.encode("utf-8-sig"),
        LOG.replace("\n", "\r\n").encode(),
        b"\0" * 3_000_000 + LOG.encode(),
        b"[" * 5_000_000 + b"\n" + LOG.encode(),
        LOG.replace("host", "h\0st").encode() + b"\xff\xfe" * 1000,
    ],
    ids=["UTF-16", "UTF-16BE", "BOM", "CRLF", "NUL", "long", "junk"],
)
def test_a_log_is_read_however_it_was_written(text, log):
    log.write_bytes(text)
    done = command("diagnose", log, "--json")
    (one,) = json.loads(done.stdout)
    assert (done.returncode, one["output"], one["release"]) == (1, "http.0", "4.2.8")
    assert one["causes"][0]["cause"] == "hostname-mismatch"


def test_a_log_is_read_from_a_pipe_with_a_name(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        [*COMMAND, "diagnose", tmp_path / "pipe"], stdout=subprocess.PIPE
    ) as reader:
        (tmp_path / "pipe").write_text(LOG)
        assert b"hostname-mismatch" in reader.communicate()[0]
    assert reader.returncode == 1


EXAMPLE = (Path(__file__).parents[2] / "docs" / "from-error-to-fix.md").read_text()


def test_the_worked_example_says_what_is_said_today(tmp_path, monkeypatch):
    # Catches pasted output that has grown old; its log is shortened, so counts are passed over.
    monkeypatch.chdir(tmp_path)
    log, config = re.findall(r"```(?:text|ini)\n(.*?)```", EXAMPLE, re.DOTALL)[:2]
    (tmp_path / "pod.log").write_text(log)
    (tmp_path / "fluent-bit.conf").write_text(config)
    (tmp_path / "ca.pem").write_bytes(Pki().pem(OTHER_ROOT))
    done = command("diagnose", "pod.log", "--config", "fluent-bit.conf")
    head, rows = done.stdout.split("\n  release ")
    assert "\nhttp.0: " in head
    assert rows in EXAMPLE


REFUSING = """
[SERVICE]
    flush 1
[INPUT]
    name dummy
[OUTPUT]
    name http
    match *
    host 127.0.0.1
    port {port}
    tls on
    tls.ca_file {place}/other.pem
"""


@pytest.mark.skipif(REAL is None, reason="no real Fluent Bit here")
def test_the_log_of_a_real_fluent_bit_is_understood(tmp_path):
    # Catches wordings that only our own tests use.
    pki = Pki()
    (tmp_path / "chain.pem").write_bytes(pki.pem(*HEALTHY.sent))
    (tmp_path / "key.pem").write_bytes(pki.key_pem(LEAF))
    (tmp_path / "other.pem").write_bytes(pki.pem(OTHER_ROOT))
    config = tmp_path / "fluent-bit.conf"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_present, args=(listening, tmp_path), daemon=True).start()
        port = listening.getsockname()[1]
        config.write_text(REFUSING.format(port=port, place=tmp_path))
        log = _log_until(config, "no upstream connections available")
    done = command("diagnose", _written(tmp_path, log), "--config", config, "--json")
    (one,) = json.loads(done.stdout)
    assert (one["output"], one["release"]) == ("http.0", DEFAULT_VERSION)
    assert one["causes"][0]["cause"] == "untrusted-ca"
    assert f"-connect 127.0.0.1:{port} " in one["next"]["command"]


def _present(listening, place):
    """Shows the chain to whoever connects, until the listener is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "chain.pem", place / "key.pem")
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        try:
            context.wrap_socket(plain, server_side=True).close()
        except OSError:
            plain.close()


def _log_until(config, words):
    """The log of Fluent Bit up to the line that holds these words."""
    told = []
    with subprocess.Popen(
        [REAL, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as agent:
        try:
            for line in agent.stderr:
                told.append(line)
                if words in line:
                    break
        finally:
            agent.kill()
    return "".join(told)


def _written(place, log):
    path = place / "fluent-bit.log"
    path.write_text(log)
    return path
