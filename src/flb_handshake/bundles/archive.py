"""A zip of text files, written and read: nothing too large, nothing outside its own folder."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from flb_handshake.errors import UserMistake

MOST_MEMBERS: Final = 300
LARGEST: Final = 16 << 20
"""Bytes of all members together, unpacked."""

HINT: Final = "give a file that `flb-handshake reproduce --bundle FILE.zip` wrote"
_ENCRYPTED: Final = 1
"""The bit of a member's flags (APPNOTE 4.4.4)."""

_WRITTEN: Final = (2020, 1, 1, 0, 0, 0)
"""A date for each member: equal content makes an equal file."""


def packed(members: Mapping[str, bytes]) -> bytes:
    """The zip; a member that ends in / is a directory, and all are their owner's alone."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _WRITTEN)
            is_directory = name.endswith("/")
            kind, mode = (stat.S_IFDIR, 0o700) if is_directory else (stat.S_IFREG, 0o600)
            entry.external_attr = (kind | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return held.getvalue()


def unpacked(path: Path) -> dict[str, bytes]:
    """The files of a zip by name, or of the folder that it was unpacked to. Raises UserMistake."""
    try:
        if path.is_dir():
            return _of_folder(path)
        if path.exists() and not path.is_file():  # of a device there is no end
            raise ValueError("this is no file, and a pipe cannot be read twice")
        with zipfile.ZipFile(path) as archive:
            return _of_zip(archive)
    except (
        *(OSError, EOFError, NotImplementedError, RuntimeError, ValueError),
        *(zipfile.BadZipFile, zlib.error),
    ) as error:
        why = getattr(error, "strerror", None) or error
        raise UserMistake(f"{path} is not a bundle: {why}", hint=HINT) from error


def _of_folder(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    files = sorted(one for one in path.rglob("*") if one.is_file() and not one.is_symlink())
    _check(len(files), sum(one.stat().st_size for one in files))
    for one in files:
        found[one.relative_to(path).as_posix()] = one.read_bytes()
    return found


def _of_zip(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    _check(len(entries), sum(one.file_size for one in entries))
    found: dict[str, bytes] = {}
    left = LARGEST
    for one in entries:
        _check_name(one)
        if one.is_dir():
            continue
        with archive.open(one) as file:
            content = file.read(left + 1)  # whatever the size that it claims
        left -= len(content)
        if left < 0:
            raise ValueError(f"it unpacks to more than {LARGEST >> 20} MB")
        found[one.filename] = content
    return found


def _check(members: int, size: int) -> None:
    if members > MOST_MEMBERS:
        raise ValueError(f"it holds {members} files, and a bundle never more than {MOST_MEMBERS}")
    if size > LARGEST:
        raise ValueError(f"it unpacks to more than {LARGEST >> 20} MB")


def _check_name(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.orig_filename:
        raise ValueError(f"{entry.orig_filename!r:.60} would leave the folder")
    if entry.flag_bits & _ENCRYPTED:
        raise ValueError(f"{entry.filename!r:.60} is encrypted")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ValueError(f"{entry.filename!r:.60} is a link")
