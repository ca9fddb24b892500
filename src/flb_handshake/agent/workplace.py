"""Where the files of jobs stand on this machine: readable for their owner alone, and then gone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from flb_handshake.agent.contract import Job
from flb_handshake.errors import HarnessFailure

_PREFIX: Final = "flb-handshake-"
_OURS: Final = re.compile(rf"{_PREFIX}(\d{{1,10}})-.*")


class Workplace:
    """A directory for the files of jobs; it goes when the harness does, or at the next start."""

    def __init__(self) -> None:
        sweep()
        self.root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))

    def put(self, job: Job) -> None:
        """Writes the job's files. Raises HarnessFailure."""
        try:
            lay(self.root / job.name, job)
        except OSError as error:
            raise HarnessFailure(
                f"the files of a run cannot be written to {self.root}: {error.strerror}",
                hint="make room there, or name another place in the variable TMPDIR",
            ) from error

    def remove(self) -> None:
        """Takes everything away."""
        shutil.rmtree(self.root, ignore_errors=True)


def lay(base: Path, job: Job) -> None:
    """Makes a directory with the job's files, for their owner alone. Raises OSError."""
    base.mkdir(mode=0o700, exist_ok=True)
    _write(base / "fluent-bit.conf", job.config.encode(), 0o600)
    for file in job.files:
        path = base / file.path
        if file.link is not None:
            path.symlink_to(file.link)
        elif file.content is None:
            _make_directory(path)
        else:
            _write(path, file.content, file.mode)
    if job.hosts:
        lines = ["127.0.0.1 localhost", *(f"127.0.0.1 {name} {name}." for name in job.hosts)]
        _write(base / "hosts", ("\n".join(lines) + "\n").encode(), 0o644)
    if job.system_certs is not None:
        (base / "system-certs").mkdir(mode=0o755)
        for name, content in job.system_certs.items():
            _write(base / "system-certs" / name, content, 0o644)


def sweep() -> None:
    """Removes the directories that a killed harness of this user left behind."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}[0-9]*-*"):
        match = _OURS.fullmatch(left.name)
        with contextlib.suppress(OSError, OverflowError):
            if match and left.stat().st_uid == os.getuid() and not _is_alive(int(match[1])):
                shutil.rmtree(left, ignore_errors=True)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Writes a file that was never readable by more than it should be."""
    _make_directory(path.parent)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    path.chmod(mode)


def _make_directory(path: Path) -> None:
    """Makes it and those above it for their owner alone: mkdir's `parents` lets others in."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(mode=0o700)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
