"""Files beside the agent: from what a scenario says of a file to bytes at a path."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from flb_handshake import der
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

    def place(self, wanted: Iterable[File]) -> Placed:
        """Paths for these files, the files themselves gathered."""
        for file in wanted:
            if file not in self._paths:
                name = self._free_name(file)
                self._paths[file] = f"{self._directory}/{name}"
                self.files += self._contents(file, name)
        return Placed(paths=self._paths)

    def source(self, tag: str, lines: Sequence[str]) -> str:
        """The path of a log file with these lines."""
        name = f"{tag}.log"
        text = "".join(f"{line}\n" for line in lines)
        self.files.append(PlacedFile(path=name, content=text.encode()))
        return f"{self._directory}/{name}"

    def _free_name(self, file: File) -> str:
        suffix = "" if file.form in _DIRECTORIES else _SUFFIX.get(file.form, ".pem")
        name, count = f"{file.stem}{suffix}", 1
        while name in self._taken:
            count += 1
            name = f"{file.stem}-{count}{suffix}"
        self._taken.add(name)
        return name

    def _contents(self, file: File, name: str) -> list[PlacedFile]:
        match file.form:
            case FileForm.MISSING:
                return []
            case FileForm.DIRECTORY:
                return [PlacedFile(path=name, content=None)]
            case FileForm.HASHED:
                return _directory(name, hashed(self._pki, file.certs))
            case FileForm.UNHASHED:
                certs = {f"{index}.pem": self._pki.pem(c) for index, c in enumerate(file.certs)}
                return _directory(name, certs)
            case FileForm.UNREADABLE:
                return [PlacedFile(path=name, content=self._pki.pem(*file.certs), mode=0o000)]
            case FileForm.KEY:
                (owner,) = file.certs
                return [PlacedFile(path=name, content=self._pki.key_pem(owner, file.passphrase))]
            case _:
                return [PlacedFile(path=name, content=content(self._pki, file))]


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


def _directory(name: str, contents: Mapping[str, bytes]) -> list[PlacedFile]:
    return [
        PlacedFile(path=name, content=None),
        *(PlacedFile(path=f"{name}/{inner}", content=data) for inner, data in contents.items()),
    ]
