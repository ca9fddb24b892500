"""The command as a stranger meets it: what goes wrong is one line with a hint and an exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from flb_handshake.agent.process import find_binary
from flb_handshake.certificates import HEALTHY, HOST, LEAF, OTHER_LEAF, ROOT
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.pki import Pki
from flb_handshake.report.lines import schema

COMMAND = [sys.executable, "-m", "flb_handshake"]
INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
runpy.run_module("flb_handshake", run_name="__main__", alter_sys=True)
"""
REAL = find_binary(DEFAULT_VERSION)
AGENT = "process" if REAL else "reference"
VALID = Draft202012Validator(schema())
BASH, UNSHARE = shutil.which("bash") or "", shutil.which("unshare") or ""
BROKEN = 'def broken() -> None\n    "no colon"\n'


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    place = tmp_path_factory.mktemp("pems")
    pki = Pki()
    contents = {
        "root.pem": pki.pem(ROOT),
        "chain.pem": pki.pem(*HEALTHY.sent),
        "key.pem": pki.key_pem(LEAF),
        "locked.pem": pki.key_pem(LEAF, "secret"),
        "other.pem": pki.pem(OTHER_LEAF),
        "other-key.pem": pki.key_pem(OTHER_LEAF),
        "both.pem": pki.pem(LEAF) + pki.key_pem(LEAF),
        "garbage.pem": b"-----BEGIN NOTHING-----\n",
        "binary.pem": bytes(range(256)),
    }
    for name, content in contents.items():
        (place / name).write_bytes(content)
    return place


def assert_one_clear_error(done, code, *says):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    error = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    hints = [line for line in done.stderr.splitlines() if line.startswith("hint: ")]
    assert len(error) == 1, done.stderr
    assert len(hints) == 1, done.stderr
    for one in says:
        assert one in error[0] + hints[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--ca-file", "missing.pem"), ("--ca-file", "missing.pem", "No such file")),
        (("--ca-file", "."), ("--ca-file", "Is a directory")),
        (("--ca-file", "garbage.pem"), ("garbage.pem", "no certificate in PEM")),
        (("--ca-file", "binary.pem"), ("binary.pem", "not text")),
        (("--client-cert", "key.pem"), ("--client-cert", "no certificate in PEM")),
        (("--client-key", "missing.pem"), ("--client-key", "No such file")),
        (("--peer-cert", "chain.pem"), ("--peer-key belong together",)),
        (("--peer-cert", "chain.pem", "--peer-key", "root.pem"), ("no private key in PEM",)),
        (("--peer-cert", "chain.pem", "--peer-key", "locked.pem"), ("encrypted",)),
        (("--peer-cert", "chain.pem", "--peer-key", "other-key.pem"), ("does not belong",)),
        (("--peer-client-ca", "garbage.pem"), ("--peer-client-ca", "no certificate")),
        (("--peer-min-version", "1.3"), ("--peer-min-version 1.3", "TLSv1.2")),
        (("--set", "tls.verify"), ("--set tls.verify", "property=value")),
        (("--host", "a..b"), ("--host 'a..b'", "host name")),
        (("--host", "a b"), ("--host", "host name")),
        (("--set", "tls.ca_file=/x"), ("--set tls.ca_file", "--ca-file")),
        (("--host", "a\n    tls off"), ("--host", "host name")),
        (("--plugin", "forward"), ("--plugin forward", "HTTP")),
    ],
)
def test_a_bad_option_of_try_is_the_users_mistake(pems, arguments, says):
    given = [pems / one if one.endswith((".pem", ".")) else one for one in arguments]
    assert_one_clear_error(command("try", "--agent", AGENT, *given), 2, *says)


def test_an_unknown_mode_lists_the_modes():
    done = command("try", "--mode", "strict")
    assert done.returncode == 2
    assert "verify_peer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["show", "run"])
def test_an_unknown_id_gets_the_nearest_ones(verb):
    done = command(verb, "mode.cell[mode=verify_peer-ca=roots-collector=healthy]")
    assert_one_clear_error(done, 2, "mode.cell[mode=verify_peer-ca=root-collector=healthy]")


def test_a_malformed_case_file_is_named_with_its_line(tmp_path):
    (tmp_path / "mine.py").write_text(BROKEN)
    assert_one_clear_error(command("list", "--scenarios", tmp_path), 2, "mine.py:1", "syntax error")


def test_a_case_of_ones_own_is_run(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from flb_handshake.declare import Case, case, delivered, output, scenario\n"
        '@scenario\ndef healthy() -> Case:\n    "All is well."\n'
        "    return case(output(), delivered())\n"
    )
    done = command("run", "--agent", AGENT, "--scenarios", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 as expected" in done.stdout


def test_no_daemon_is_an_error_and_never_a_fallback():
    done = command(
        "run", "--agent", "docker", "mode.off", DOCKER_HOST="unix:///nowhere/docker.sock"
    )
    assert_one_clear_error(done, 3)


def test_without_a_daemon_auto_takes_what_there_is_and_says_so():
    done = command("run", "validity.unverified", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode == 0, done.stderr
    line = done.stderr.splitlines()[0]
    assert line.startswith("agent: ")
    assert "no Docker" in line
    assert ("process" if REAL else "not Fluent Bit") in line


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--fluent-bit", "/bin/true"), 3, "/bin/true is not Fluent Bit"),
        (("--fluent-bit", "/nowhere/fluent-bit"), 3, "No such file"),
        (("--agent", "process", "--fluent-bit", "0.0.1"), 3, "no fluent-bit 0.0.1"),
        (("--agent", "reference", "--fluent-bit", "0.0.1"), 3, "models Fluent Bit"),
        (("--agent", "reference", "--fluent-bit", "/bin/true"), 2, "--agent reference"),
        (("--agent", "process", "--fluent-bit", "some/image:1"), 2, "--agent process"),
    ],
)
def test_a_fluent_bit_that_cannot_be_had(arguments, code, says):
    assert_one_clear_error(command("run", "mode.off", *arguments), code, says)


def test_the_environment_names_the_fluent_bits_too():
    done = command("run", "mode.off", FLB_HANDSHAKE_FLUENT_BIT="/bin/true")
    assert_one_clear_error(done, 3, "/bin/true is not Fluent Bit")


def test_a_program_that_dies_at_once_shows_its_last_lines(tmp_path):
    impostor = tmp_path / "fluent-bit"
    impostor.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Fluent Bit v5.1.1" && exit 0\n'
        "echo 'libyaml-0.so.2: cannot open shared object file' >&2\nexit 127\n"
    )
    impostor.chmod(0o755)
    done = command("run", "article.translated", "--fluent-bit", impostor)
    assert done.returncode == 1, done.stderr
    assert "NOT_STARTED" in done.stdout
    assert "libyaml-0.so.2: cannot open shared object file" in done.stdout


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path):
    target = tmp_path / "missing" / "out.jsonl"
    assert_one_clear_error(command("run", "mode.off", "--jsonl", target), 2, str(target))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_the_report_is_said():
    done = command("run", "mode.off", "--agent", AGENT, "--jsonl", "/dev/full")
    assert_one_clear_error(done, 3, "No space left on device")


@pytest.mark.skipif(
    os.geteuid() != 0 or not UNSHARE or not BASH,
    reason="a small disk of its own takes root and unshare",
)
def test_a_full_disk_under_the_files_of_a_run_is_said(tmp_path):
    script = 'mount -t tmpfs -o size=64k none "$1" && TMPDIR="$1" exec "${@:2}"'
    arguments = [*COMMAND, "run", "mode.cell", "--agent", AGENT]
    done = subprocess.run(
        [UNSHARE, "--mount", BASH, "-c", script, "bash", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_one_clear_error(done, 3, "No space left on device", "TMPDIR")


def descendants(pid):
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(status.parent.name)
            found += [child, *descendants(child)]
    return found


def until(condition, seconds=30.0):
    ends = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < ends, "it did not come to that"
    return value


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_behind_and_keeps_what_came_in(tmp_path, by):
    kept = tmp_path / "kept.jsonl"
    arguments = ["run", "--agent", AGENT, "--isolated", "--jsonl", str(kept)]
    place = tmp_path / "tmp"
    place.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *arguments],
        env={**os.environ, "TMPDIR": str(place)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stderr.readline().startswith("agent: ")
        children = until(lambda: descendants(running.pid))
        until(lambda: len(set(children) - set(descendants(running.pid))) > 0)
        children = descendants(running.pid)
        running.send_signal(by)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 3, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    assert not list(place.iterdir())
    for line in kept.read_text().splitlines():
        VALID.validate(json.loads(line))


def test_try_with_ones_own_certificates(pems):
    given = ("--peer-cert", pems / "chain.pem", "--peer-key", pems / "key.pem", "--host", HOST)
    for mode in ("verify_peer", "verify_host"):
        arguments = (*given, "--mode", mode, "--ca-file", pems / "root.pem", "--json")
        done = command("try", "--agent", AGENT, *arguments)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        VALID.validate(told)
        assert (told["outcome"], told["sni"], told["exposure"]) == ("DELIVERED", HOST, [])
        assert told["control"] == "DELIVERED"


@pytest.mark.parametrize(
    ("arguments", "outcome", "alert", "exposure"),
    [
        (("--host", "x.example.test"), "DELIVERED", None, ["NAME_UNCHECKED"]),
        (
            ("--host", "x.example.test", "--mode", "verify_host"),
            "REFUSED_BY_AGENT",
            "bad_certificate",
            [],
        ),
        (("--set", "tls=maybe"), "CLEARTEXT", None, ["CLEARTEXT"]),
        (("--set", "tls.ciphers=FOO"), "NOT_STARTED", None, []),
        (("--peer-client-ca", "root.pem"), "REFUSED_BY_PEER", "certificate_required", []),
        (
            ("--peer-max-version", "TLSv1.2", "--set", "tls.min_version=TLSv1.3"),
            "REFUSED_BY_PEER",
            "protocol_version",
            [],
        ),
    ],
)
def test_try_says_what_settings_make_of_a_chain(pems, arguments, outcome, alert, exposure):
    given = ["--peer-cert", pems / "chain.pem", "--peer-key", pems / "key.pem"]
    given += ["--ca-file", pems / "root.pem"]
    given += [pems / one if one.endswith(".pem") else one for one in arguments]
    done = command("try", "--agent", AGENT, "--json", *given)
    told = json.loads(done.stdout)
    VALID.validate(told)
    assert (told["outcome"], told["alert"], told["exposure"]) == (outcome, alert, exposure)
    assert done.returncode == (0 if outcome == "DELIVERED" else 1)
    assert told["diagnosis"], "every refusal and every exposure has a cause and a fix"


def test_a_key_among_the_certificates_never_comes_out(pems):
    arguments = ("--client-cert", pems / "both.pem", "--client-key", pems / "both.pem")
    done = command("try", "--agent", AGENT, "--json", *arguments)
    assert json.loads(done.stdout)["outcome"] == "DELIVERED", done.stderr
    assert "PRIVATE KEY" not in done.stdout + done.stderr


def test_jsonl_junit_and_evidence_are_written_and_judged_again(tmp_path):
    chosen = "trust.untrusted_root"
    arguments = ("--jsonl", tmp_path / "o.jsonl", "--junit", tmp_path / "o.xml")
    done = command("run", chosen, "--agent", AGENT, *arguments, "--evidence", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    for one in told:
        VALID.validate(one)
    assert {one["verdict"] for one in told} == {"AGREES"}
    assert (tmp_path / "o.xml").read_text().count("<testcase ") == len(told) == 2
    kept = sorted((tmp_path / "kept").iterdir())
    assert len(kept) == 2
    assert "PRIVATE KEY" not in "".join(file.read_text() for file in kept)
    for file in kept:
        again = command("judge", file, "--json")
        assert again.returncode == 0, again.stderr
        same = next(one for one in told if one["id"] == json.loads(again.stdout)["id"])
        assert json.loads(again.stdout) == same


def test_evidence_of_a_failed_twin_is_not_believed_again(tmp_path):
    done = command("run", "trust.untrusted_root", "--agent", AGENT, "--evidence", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    file = next((tmp_path / "kept").iterdir())
    stored = json.loads(file.read_text())
    for control in ({**stored["control"], "events": []}, None):
        file.write_text(json.dumps({**stored, "control": control}))
        again = command("judge", file)
        assert again.returncode == 1
        assert "CONTROL_FAILED" in again.stdout


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"evidence": {"schema": 99}}', "\x00"])
def test_a_file_that_is_no_evidence_is_said_to_be_none(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    assert_one_clear_error(command("judge", tmp_path / "x.json"), 2)


def test_list_and_show_need_no_fluent_bit():
    listed = command("list", "--json", PATH=tempfile.gettempdir())
    entries = json.loads(listed.stdout)
    assert len(entries) >= 400
    assert all(entry["because"] for entry in entries)
    shown = command("show", "files.encrypted_key[mode=verify_peer-passphrase=right]")
    assert shown.returncode == 0
    for word in ("because", "[OUTPUT]", "tls.key_passwd", "Handshake Intermediate", "CA.File"):
        assert word in shown.stdout
    assert "PRIVATE KEY" not in shown.stdout


def test_a_closed_pipe_is_no_error():
    script = f"{' '.join(COMMAND)} list | head -n 1"
    done = subprocess.run(
        [BASH, "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in {0, 141}
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_colour_survives_a_pipe_when_it_is_asked_for():
    plain = command("run", "validity.unverified", "--agent", AGENT)
    coloured = command("run", "validity.unverified", "--agent", AGENT, FORCE_COLOR="1")
    assert "\x1b[" not in plain.stdout
    assert "\x1b[" in coloured.stdout
