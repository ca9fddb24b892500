"""The files of a configuration: found, opened and noted, and never more of them than is sane."""

from __future__ import annotations

import fnmatch
import glob
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flb_handshake.config.words import Refusal, Section, Spot
from flb_handshake.errors import ConfigurationFileError

LARGEST: Final = 1 << 20
"""Bytes: what a ConfigMap holds at most; what is larger is no configuration."""

DEEPEST: Final = 64
"""Files that include each other in a row; 30 were seen to be read by 1.9.10 and 5.1.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A text, the file in which it stands, and the number of its first line there."""

    text: str
    name: str
    first: int = 1


@dataclass(slots=True, kw_only=True)
class Reading:
    """What comes together while the files are read."""

    environment: dict[str, str]
    """Variables by name; those of `sets` are among them."""
    sets: dict[str, str] = field(default_factory=dict)
    """What `@SET` and `env` set."""
    sections: list[Section] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    inline: dict[str, Source] = field(default_factory=dict)
    """Files that stand within a manifest, by name."""
    elsewhere: bool = False
    """Whether it is for another machine, whose files cannot be seen from here."""

    def source(self, path: Path) -> Source:
        """What a file says. Raises ConfigurationFileError."""
        return self.inline.get(path.name) or Source(text=text_of(path), name=str(path))

    def matching(self, root: Path, pattern: str) -> list[Path]:
        """The files that a pattern names, in order, as glob(3) does: a leading dot is hidden."""
        if self.inline:
            return [Path(one) for one in fnmatch.filter(self.inline, Path(pattern).name)]
        whole = Path(glob.escape(str(root))) / pattern
        try:
            return [Path(one) for one in sorted(glob.glob(str(whole)))]  # noqa: PTH207 # Path.glob takes no absolute pattern
        except (OSError, ValueError, re.error):
            return []

    def set(self, name: str, value: str) -> None:
        """Sets a variable; what was set before, here or in the environment, no longer counts."""
        self.environment[name] = self.sets[name] = value

    def refuse(self, text: str, hint: str, spot: Spot, *, fatal: bool = True) -> None:
        """Notes what Fluent Bit refuses, or passes over where it is not fatal."""
        self.refusals.append(Refusal(text=text, hint=hint, spot=spot, fatal=fatal))


def text_of(path: Path) -> str:
    """What the file says; bytes that are no UTF-8 are kept as surrogates.

    Raises ConfigurationFileError.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ConfigurationFileError(
                f"{path} is not a file", hint="name a file in classic syntax or YAML"
            )
        if found.st_size > LARGEST:
            raise ConfigurationFileError(
                f"{path} is too large for a configuration: {found.st_size} bytes",
                hint="name the configuration itself",
            )
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ConfigurationFileError(
            f"{path} cannot be read: {error.strerror}",
            hint="give the path of a configuration that you may read",
        ) from error
    except ValueError as error:  # a NUL within a name
        raise ConfigurationFileError(
            f"{str(path)!r} cannot be the name of a file", hint="correct the path"
        ) from error


def leaves(path: Path, root: Path) -> bool:
    """Whether a file lies outside of the folder where the configuration begins."""
    try:
        return not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return True


def is_file(path: Path) -> bool:
    """Whether there is such a file; what cannot be a path is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is such a folder."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
