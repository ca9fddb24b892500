"""Files that change under a running agent, each in one of the ways in which people change them."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flb_handshake.errors import HarnessFailure
from flb_handshake.model import Way

DATA: Final = "..data"
"""What Kubernetes calls the link that it swaps (pkg/volume/util/atomic_writer.go there)."""

_NUMBERS: Final = itertools.count(1)

Content = Mapping[str, tuple[bytes, int]]
"""What is to be there: bytes and mode by relative path; of a single file, the path is empty."""


def replace_file(path: Path, content: Content | None, way: Way) -> None:
    """Gives a file, or a directory of files, another content; None removes it.

    Raises HarnessFailure.
    """
    try:
        if content is None:
            path.unlink()
            return
        match way:
            case Way.IN_PLACE:
                _in_place(path, content)
            case Way.RENAME:
                _by_rename(path, content)
            case Way.SYMLINK:
                _by_symlink(path, content)
    except OSError as error:
        raise HarnessFailure(
            f"{path.name} cannot be changed under the running agent: {error.strerror or error}",
            hint="may this user write where the agent's files are?",
        ) from error


def _in_place(path: Path, content: Content) -> None:
    """Each file keeps its inode; of a directory, files that are not wanted go."""
    if path.is_dir():
        for left in [one for one in path.iterdir() if one.name not in content]:
            left.unlink()
    for name, (data, mode) in content.items():
        target = path / name if name else path
        with target.open("wb") as file:
            file.write(data)
        target.chmod(mode)


def _by_rename(path: Path, content: Content) -> None:
    """What is new is made beside it, and moved over it."""
    made = _made(path.with_name(f"{path.name}.new"), content)
    if path.is_dir():
        old = path.with_name(f"{path.name}.old")
        path.rename(old)
        made.rename(path)
        shutil.rmtree(old)
    else:
        made.replace(path)


def _by_symlink(path: Path, content: Content) -> None:
    """The link that the path leads through comes to point to a new directory, in one rename."""
    volume = path.parent
    held = volume / f"..{next(_NUMBERS)}"
    shutil.copytree(volume / DATA, held)
    if (held / path.name).is_dir():
        shutil.rmtree(held / path.name)
        (held / path.name).mkdir(mode=0o700)
    for name, (data, mode) in content.items():
        _write(held / path.name / name if name else held / path.name, data, mode)
    swapped = volume / f"{DATA}_tmp"
    swapped.symlink_to(held.name)
    old = (volume / DATA).readlink()
    swapped.replace(volume / DATA)
    shutil.rmtree(volume / old)


def _made(path: Path, content: Content) -> Path:
    if "" not in content:
        path.mkdir(mode=0o700)
    for name, (data, mode) in content.items():
        _write(path / name if name else path, data, mode)
    return path


def _write(path: Path, data: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    path.chmod(mode)
