"""What `pytest -k scenario` costs beside `flb-handshake run`, alone and with `-n 2`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import measuring

_ROUNDS = 3
_LIMIT = 1.5
_NO_CACHE = "PYTHONDONTWRITEBYTECODE"
"""Where this is set pytest rewrites and compiles every test module at every start."""


def seconds(*command: str) -> float:
    """How long a command takes that must succeed."""
    top = Path(__file__).parents[1]
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name != _NO_CACHE}
    subprocess.run(command, cwd=top, check=True, capture_output=True, env=environment)
    return time.monotonic() - began


def main() -> int:
    """Prints the ratios; with `-n 2` nothing is played twice, but two workers have to start."""
    python = sys.executable
    run, plain, parallel = [], [], []
    for _ in range(_ROUNDS):
        run.append(seconds(python, "-m", "flb_handshake", "run", "--agent", "process"))
        pytest = (python, "-m", "pytest", "-q", "-k", "scenario", "--agent", "process")
        plain.append(seconds(*pytest))
        parallel.append(seconds(*pytest, "-n", "2"))
    base = measuring.median(run)
    print(f"run {base:.2f} s, pytest {measuring.median(plain):.2f} s")
    kept = measuring.told("pytest against run", measuring.median(plain) / base, _LIMIT)
    print(f"      pytest -n 2 against run: {measuring.median(parallel) / base:.2f}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
