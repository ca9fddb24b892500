"""Looks at the files that a configuration names, and tells what can be seen from here."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from flb_handshake.config.words import Property

LONGEST: Final = 4 << 20
"""Bytes of a file that are read; the bundle of a whole system has about 250,000."""

_HASHED: Final = re.compile(r"[0-9a-f]{8}\.\d+")
"""How OpenSSL names what it looks up in a directory (X509_LOOKUP_hash_dir)."""
EMPTY: Final[Mapping[str, str]] = {
    "unhashed": "has no file in it whose name is a hash",
    "empty": "is empty",
    "a_file": "is a file",
    "missing": "does not exist or cannot be read",
}
"""Why OpenSSL finds no authority in a directory, by the words of the scenario `files.ca_path`."""


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


def emptiness(directory: Look) -> str | None:
    """Why no authority is found there, a key of `EMPTY`; None: some may be."""
    if directory.state is not State.DIRECTORY:
        return "a_file" if directory.state is State.READ else "missing"
    try:
        entries = [*directory.path.iterdir()]
    except OSError:
        return "missing"
    if any(_HASHED.fullmatch(one.name) and one.exists() for one in entries):
        return None
    return "unhashed" if entries else "empty"
