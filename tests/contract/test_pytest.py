"""pytest as the front of the harness: what it prints, what it plays, how it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flb_handshake.agent.process import find_binary
from flb_handshake.model import DEFAULT_VERSION

TOP = Path(__file__).parents[2]
REAL = find_binary(DEFAULT_VERSION)
AGENT = "process" if REAL else "reference"
SCENARIOS = str(TOP / "tests" / "test_scenarios.py")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=TOP,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_header_says_which_agent_and_why():
    done = run(SCENARIOS, "-k", "validity.unverified", "--agent", AGENT)
    assert done.returncode == 0, done.stdout
    header = next(line for line in done.stdout.splitlines() if line.startswith("agent: "))
    assert ("not Fluent Bit" in header) is (AGENT == "reference")
    assert "asked for" in header
    assert "6 passed" in done.stdout
    assert "validity.unverified" in done.stdout
    assert "! delivered" in done.stdout


def test_without_the_catalogue_no_agent_is_looked_for():
    done = run("tests/unit/test_der.py", "--collect-only", "-q", "--agent", "docker")
    assert done.returncode == 0, done.stdout
    assert "agent: " not in done.stdout


def test_an_agent_that_cannot_be_had_ends_the_run_with_its_hint():
    done = run(SCENARIOS, "-k", "validity", "--fluent-bit", "/bin/true")
    assert done.returncode == 3
    assert "/bin/true is not Fluent Bit" in done.stdout + done.stderr
    assert "hint: " in done.stdout + done.stderr


def test_a_malformed_file_ends_the_run_before_anything_is_played(tmp_path):
    (tmp_path / "mine.py").write_text("def broken(\n")
    done = run(SCENARIOS, "--scenarios", str(tmp_path), "--agent", AGENT)
    assert done.returncode == 2
    assert "mine.py:1" in done.stdout + done.stderr


def test_a_failure_ends_with_the_fix(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from flb_handshake.declare import Case, HEALTHY, case, delivered, expired, output\n"
        "from flb_handshake.declare import scenario\n"
        '@scenario\ndef wrong() -> Case:\n    "Wrong on purpose."\n'
        "    return case(output().but(chain=HEALTHY.but(expired())), delivered())\n"
    )
    done = run(SCENARIOS, "--scenarios", str(tmp_path), "--agent", AGENT)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("UNEXPECTED_FAI"))
    assert "scenario mine.wrong" in lines[start]
    end = next(number for number in range(start, len(lines)) if lines[number].startswith("  fix "))
    assert "renew the certificate" in lines[end]
    assert any(line.startswith("  evidence ") for line in lines[start:end])
    (TOP / ".handshake" / "mine.wrong.json").unlink()


@pytest.mark.skipif(REAL is None, reason=f"no fluent-bit {DEFAULT_VERSION} binary on this machine")
def test_two_workers_play_nothing_twice(tmp_path):
    counted = tmp_path / "fluent-bit"
    counted.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && echo x >> "{tmp_path}/starts"\nexec {REAL} "$@"\n'
    )
    counted.chmod(0o755)
    starts = tmp_path / "starts"
    wanted = (SCENARIOS, "-k", "validity or ciphers", "--fluent-bit", str(counted))
    assert run(*wanted).returncode == 0
    alone = len(starts.read_text())
    starts.unlink()
    done = run(*wanted, "-n", "2")
    assert done.returncode == 0, done.stdout
    assert len(starts.read_text()) == alone > 0
    assert "as expected" in done.stdout
