"""Ctrl-C and SIGTERM before a command has begun, and streams that whoever called has closed."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from test_command import BASH, COMMAND

IMPORTING = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

class Struck:
    def find_spec(self, name, *_):
        if name == "flb_handshake.catalogue":  # one of the first that the command needs
            os.kill(os.getpid(), int(sys.argv[1]))

sys.meta_path.insert(0, Struck())
sys.argv[1:] = [sys.argv[1], "list"]
runpy.run_module("flb_handshake", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_python_imports_is_one_clear_line(by):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, str(int(by))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    error, hint = done.stderr.splitlines()
    assert error == "error: interrupted"
    assert hint.startswith("hint: ")


def test_the_entry_point_imports_next_to_nothing_before_it_can_be_ended():
    code = "import sys, flb_handshake.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name for name in done.stdout.split() if name.startswith("flb_handshake")}
    assert loaded == {"flb_handshake", "flb_handshake.__main__", "flb_handshake.errors"}


@pytest.mark.skipif(not BASH, reason="there is no bash here")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code(closed):
    script = f"{' '.join(COMMAND)} show no-such-id {closed}"
    done = subprocess.run([BASH, "-c", script], capture_output=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
