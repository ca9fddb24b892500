"""Looks at the files that a configuration names, and tells what can be seen from here."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from flb_handshake.config.words import Property

LONGEST: Final = 4 << 20
"""Bytes of a file that are read; the bundle of a whole system has about 250,000."""


class State(StrEnum):
    """What a path turned out to be."""

    READ = "read"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    """Its directory does not exist either: the path is that of another machine."""
    UNREADABLE = "unreadable"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A file as it was found."""

    state: State
    path: Path
    pem: str = ""
    """What it holds; never told to anybody."""
    open_to_others: bool = False
    """Whether every user of this machine may read it."""


def look(named: Property) -> Look | None:
    """The file that a property names; None: its name has a variable that nobody sets.

    A relative path is looked for where we run, as Fluent Bit does, and then beside the file that
    names it, as it stands in a repository.
    """
    text = named.value.strip()
    if not text or named.is_open or "\0" in text:
        return None
    given = Path(text)
    beside = Path(named.spot.file).parent / given
    try:
        path = given if given.is_absolute() or given.exists() else beside
        return _look(path, elsewhere=given.is_absolute() and not given.parent.is_dir())
    except OSError:
        return Look(state=State.UNREADABLE, path=given)


def _look(path: Path, *, elsewhere: bool) -> Look:
    if not path.exists():
        return Look(state=State.ELSEWHERE if elsewhere else State.MISSING, path=path)
    if path.is_dir():
        return Look(state=State.DIRECTORY, path=path)
    if not path.is_file():
        return Look(state=State.UNREADABLE, path=path)
    with path.open("rb") as file:
        pem = file.read(LONGEST).decode("utf-8", "replace")
    others = bool(path.stat().st_mode & stat.S_IROTH)
    return Look(state=State.READ, path=path, pem=pem, open_to_others=others)
