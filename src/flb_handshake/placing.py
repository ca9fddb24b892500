"""Files beside the agent: from what a scenario says of a file to bytes at a path."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from flb_handshake import der
from flb_handshake.agent.changing import DATA, Content
from flb_handshake.agent.contract import PlacedFile
from flb_handshake.certificates import CertSpec
from flb_handshake.model import File, FileForm
from flb_handshake.pki import Pki
from flb_handshake.settings import Placed

_SUFFIX = {FileForm.DER: ".der", FileForm.KEY: ".key", FileForm.TEXT: ".txt"}
_DIRECTORIES = {FileForm.DIRECTORY, FileForm.HASHED, FileForm.UNHASHED}


class Files:
    """The files of one job, gathered under its directory."""

    def __init__(self, directory: str, pki: Pki) -> None:
        self.files: list[PlacedFile] = []
        self._directory = directory
        self._pki = pki
        self._paths: dict[File, str] = {}
        self._taken: set[str] = set()
        self._volume = ""

    def place(self, wanted: Iterable[File], *, mounted: bool = False) -> Placed:
        """Paths for these files, the files themselves gathered.

        `mounted` puts them as Kubernetes mounts a secret: each is a link through `..data`.
        """
        for file in wanted:
            if file not in self._paths:
                name = self._free_name(file)
                if mounted:
                    self._paths[file] = f"{self._directory}/{_VOLUME}/{name}"
                    self.files += self._mounted(file, name)
                else:
                    self._paths[file] = f"{self._directory}/{name}"
                    self.files += _gathered(name, file, parts(self._pki, file))
        return Placed(paths=self._paths)

    def _mounted(self, file: File, name: str) -> list[PlacedFile]:
        made = []
        if not self._volume:
            self._volume = f"{_VOLUME}/{_FIRST}"
            made += [
                PlacedFile(path=_VOLUME, content=None),
                PlacedFile(path=self._volume, content=None),
                PlacedFile(path=f"{_VOLUME}/{DATA}", content=None, link=_FIRST),
            ]
        link = PlacedFile(path=f"{_VOLUME}/{name}", content=None, link=f"{DATA}/{name}")
        return [*made, *_gathered(f"{self._volume}/{name}", file, parts(self._pki, file)), link]

    def text(self, name: str, content: str) -> str:
        """The path of a text that is not the scenario's own: a log to read, parsers."""
        self.files.append(PlacedFile(path=name, content=content.encode()))
        return f"{self._directory}/{name}"

    def _free_name(self, file: File) -> str:
        suffix = "" if file.form in _DIRECTORIES else _SUFFIX.get(file.form, ".pem")
        name, count = f"{file.stem}{suffix}", 1
        while name in self._taken:
            count += 1
            name = f"{file.stem}-{count}{suffix}"
        self._taken.add(name)
        return name


_VOLUME: Final = "secret"
_FIRST: Final = "..0"


def parts(pki: Pki, file: File) -> Content | None:
    """What stands on the disk for a file: bytes and mode, of a directory by name; None: nothing."""
    match file.form:
        case FileForm.MISSING:
            return None
        case FileForm.DIRECTORY:
            return {}
        case FileForm.HASHED:
            return {name: (data, 0o600) for name, data in hashed(pki, file.certs).items()}
        case FileForm.UNHASHED:
            return {f"{i}.pem": (pki.pem(spec), 0o600) for i, spec in enumerate(file.certs)}
        case FileForm.UNREADABLE:
            return {"": (pki.pem(*file.certs), 0o000)}
        case FileForm.KEY:
            (owner,) = file.certs
            return {"": (pki.key_pem(owner, file.passphrase), 0o600)}
        case _:
            return {"": (content(pki, file), 0o600)}


def _gathered(name: str, file: File, held: Content | None) -> list[PlacedFile]:
    if held is None:
        return []
    found = [PlacedFile(path=name, content=None)] if file.form in _DIRECTORIES else []
    for inner, (data, mode) in held.items():
        path = f"{name}/{inner}" if inner else name
        found.append(PlacedFile(path=path, content=data, mode=mode))
    return found


def content(pki: Pki, file: File) -> bytes:
    """What is in a file of certificates or of text."""
    match file.form:
        case FileForm.TEXT:
            return file.text.encode()
        case FileForm.DER:
            return b"".join(
                pki.certificate(spec).public_bytes(serialization.Encoding.DER)
                for spec in file.certs
            )
        case FileForm.CRLF:
            return pki.pem(*file.certs).replace(b"\n", b"\r\n")
        case _:
            crls = b"".join(pki.crl_pem(issuer) for issuer in file.crl_of)
            return pki.pem(*file.certs) + crls


_PUBLIC = re.compile(r"-----BEGIN (CERTIFICATE|X509 CRL)-----.*?-----END \1-----", re.DOTALL)
_READABLE = {FileForm.PEM, FileForm.CRLF, FileForm.TEXT, FileForm.HASHED, FileForm.UNHASHED}


def public_pem(pki: Pki, *files: File | None) -> str:
    """The certificates and CRLs that a PEM reader finds in these files, and nothing secret."""
    texts = [
        file.text if file.form is FileForm.TEXT else content(pki, file).decode()
        for file in files
        if file is not None and file.form in _READABLE
    ]
    return "".join(f"{found[0]}\n" for text in texts for found in _PUBLIC.finditer(text))


def hashed(pki: Pki, specs: Iterable[CertSpec]) -> dict[str, bytes]:
    """A directory as OpenSSL looks it up: each certificate under the hash of its subject."""
    found: dict[str, bytes] = {}
    counts: Counter[int] = Counter()
    for spec in specs:
        number = subject_hash(pki.certificate(spec))
        found[f"{number:08x}.{counts[number]}"] = pki.pem(spec)
        counts[number] += 1
    return found


def system_store(pki: Pki, roots: Iterable[CertSpec]) -> Mapping[str, bytes]:
    """A system trust store that holds these roots and nothing else."""
    return hashed(pki, dict.fromkeys(roots))


def subject_hash(certificate: x509.Certificate) -> int:
    """The number that OpenSSL's `c_rehash` names a certificate by (X509_NAME_hash)."""
    digest = hashes.Hash(hashes.SHA1())  # noqa: S303 # OpenSSL's choice, not for security
    digest.update(der.canonical_name(certificate.subject.public_bytes()))
    return int.from_bytes(digest.finalize()[:4], "little")
