"""Says to whom something left on a machine belongs, and whether that owner is gone."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SEPARATOR: Final = "/"
_DEAD: Final = frozenset({"Z", "X"})
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process, so described that no other process is ever taken for it."""

    machine: str
    boot: str
    """Which run of the machine's kernel; empty where the system does not tell."""
    namespace: str
    """Which process numbers it counts in: those of a container are not those of its host."""
    pid: int
    started: str
    """When it began, in the kernel's ticks: a process number is used again."""

    @classmethod
    def me(cls) -> Owner:
        """This process."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Owner:
        """A process of this machine."""
        return cls(
            machine=f"{platform.node()}+{_text('/etc/machine-id')}",
            boot=_text("/proc/sys/kernel/random/boot_id"),
            namespace=_link("/proc/self/ns/pid"),
            pid=pid,
            started=_started(pid) or "",
        )

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The owner that `str()` wrote; None for anything else."""
        parts = text.split(_SEPARATOR)
        if len(parts) != len(cls.__slots__) or not parts[3].isascii() or not parts[3].isdigit():
            return None
        machine, boot, namespace, pid, started = parts
        return cls(machine=machine, boot=boot, namespace=namespace, pid=int(pid), started=started)

    def __str__(self) -> str:
        return _SEPARATOR.join(
            (self.machine, self.boot, self.namespace, str(self.pid), self.started)
        )

    def is_gone(self) -> bool:
        """Whether it has surely ended. What cannot be known from here counts as alive."""
        me = Owner.me()
        if self.machine != me.machine:
            return False
        if self.boot != me.boot:
            return True
        return self.namespace == me.namespace and _started(self.pid) != self.started


def _started(pid: int) -> str | None:
    """When a process began (empty: the system does not tell); None: there is no such process."""
    if _PROC.joinpath("self").exists():
        try:
            # proc(5), stat: the name may hold anything, so the fields are counted from its end.
            fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2]
        except OSError:
            return None
        state, *rest = fields.split()
        return None if state in _DEAD else rest[18]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""


def _text(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text(encoding="ascii").strip()
    return ""


def _link(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).readlink().name
    return ""


def is_ours_to_end(pid: int, mark: str) -> bool:
    """Whether a process of this machine has the mark in its command line, and we may end it."""
    if not bears(pid, mark):
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def bears(pid: int, mark: str) -> bool:
    """Whether a process of this machine has the mark in its command line."""
    with contextlib.suppress(OSError):
        return mark.encode() in (_PROC / str(pid) / "cmdline").read_bytes()
    return False


def bearers(mark: str) -> list[int]:
    """Every process of this machine that has the mark in its command line."""
    numbers = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if bears(pid, mark)]
