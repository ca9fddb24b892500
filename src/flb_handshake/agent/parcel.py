"""Packs the files of jobs into one archive, in which every file and directory has its owner."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from flb_handshake.agent.contract import Job

SYSTEM_STORE: Final = "/etc/ssl/certs"
"""Where Fluent Bit looks when no CA is named: `ca-bundle.crt` in it, and it as a hashed directory
(src/tls/openssl.c, since 1.7.0)."""

_PRIVATE_FILE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700
_PUBLIC_FILE: Final = 0o644
_PUBLIC_DIRECTORY: Final = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who owns the files, by number."""

    uid: int
    gid: int


class Parcel:
    """An archive in the making."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._bytes = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w")  # noqa: SIM115 # closed by sealed()
        self._directories: set[str] = set()
        self._now = time.time()

    def add_job(self, directory: str, job: Job) -> None:
        """The job's configuration and files, readable by their owner alone."""
        self._directory(directory, _PRIVATE_DIRECTORY)
        self._entry(f"{directory}/fluent-bit.conf", job.config.encode(), _PRIVATE_FILE)
        for file in job.files:
            path = f"{directory}/{file.path}"
            if file.link is not None:
                self._link(path, file.link)
            elif file.content is None:
                self._directory(path, _PRIVATE_DIRECTORY)
            else:
                self._directory(str(PurePosixPath(path).parent), _PRIVATE_DIRECTORY)
                self._entry(path, file.content, file.mode)

    def replace_system_store(self, certs: Mapping[str, bytes]) -> None:
        """A system trust store with these files and nothing of what was there.

        Unpacking replaces a directory by a file and a file by a directory, but merges directories:
        so a file goes first.
        """
        self._entry(SYSTEM_STORE, b"", _PUBLIC_FILE)
        self._entry(SYSTEM_STORE, None, _PUBLIC_DIRECTORY)
        for name, content in certs.items():
            self._entry(f"{SYSTEM_STORE}/{name}", content, _PUBLIC_FILE)

    def sealed(self) -> bytes:
        """The whole archive, to be unpacked at the root. Nothing can be added any more."""
        self._tar.close()
        return self._bytes.getvalue()

    def _directory(self, path: str, mode: int) -> None:
        """A directory and those above it that are not there yet."""
        if path in self._directories or path == "/":
            return
        self._directories.add(path)
        self._directory(str(PurePosixPath(path).parent), mode)
        self._entry(path, None, mode)

    def _link(self, path: str, target: str) -> None:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.type = tarfile.SYMTYPE
        entry.linkname = target
        entry.mtime = self._now
        entry.uid, entry.gid = self._holder.uid, self._holder.gid
        self._tar.addfile(entry)

    def _entry(self, path: str, content: bytes | None, mode: int) -> None:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.mode = mode
        entry.mtime = self._now
        entry.uid, entry.gid = self._holder.uid, self._holder.gid
        if content is None:
            entry.type = tarfile.DIRTYPE
            self._tar.addfile(entry)
        else:
            entry.size = len(content)
            self._tar.addfile(entry, io.BytesIO(content))
