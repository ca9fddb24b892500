"""A user's own certificates in place of stand-ins: what a configuration names, and its peer's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from flb_handshake import trust
from flb_handshake.config.words import Kind, Section
from flb_handshake.errors import CertificateFileError
from flb_handshake.model import CAFile, ClientAuth, File, FileForm, Setup
from flb_handshake.peer import tls
from flb_handshake.trials.stand_ins import StandIn

_PEERS: Final = {Kind.OUTPUT: "collector", Kind.NODE: "collector", Kind.INPUT: "shipper"}
_CLIENT_CA: Final = "client-ca.pem"


@dataclass(frozen=True, slots=True)
class OwnPki:
    """A directory with the files that a configuration names, by the last part of their paths.

    Beside them `collector.pem` and `collector.key`, the chain (leaf first) and the key that outputs
    meet; `shipper.pem` and `shipper.key`, what a client of the inputs presents, if it has any; and
    `client-ca.pem`, what the collector demands client certificates of, if it does.
    """

    directory: Path

    def stood(self, one: StandIn) -> StandIn:
        """The same with these files; a proxy keeps its stand-ins.

        Raises CertificateFileError for one that is not there.
        """
        if one.section.kind is Kind.PROXY:
            return one
        healthy = self._agent(one)
        own = self._pair(one.section)
        if one.section.kind is Kind.INPUT:
            healthy = healthy.but(chain=None, files=own, trusts=None)
        else:
            demanded = self._optional(_CLIENT_CA)
            if demanded is not None and not trust.certificates(demanded):
                raise CertificateFileError(
                    f"--pki {self.directory / _CLIENT_CA}: there is no certificate in PEM in it",
                    hint="put the CAs there that clients are demanded of, or remove the file",
                )
            auth = ClientAuth.DEMAND if demanded else ClientAuth.NONE
            healthy = healthy.but(files=own, client_auth=auth, client_ca_pem=demanded)
        return replace(one, healthy=replace(healthy, whole=None))

    def _agent(self, one: StandIn) -> Setup:
        section = one.section
        healthy = one.healthy.but(key_passwd=section.value("tls.key_passwd"))
        if one.healthy.agent.ca is CAFile.SYSTEM:
            # The machine's own store is the user's: nothing stands in for it.
            healthy = healthy.but(ca=CAFile.UNSET)
        for field, name in (
            ("ca", "tls.ca_file"),
            ("crt", "tls.crt_file"),
            ("key", "tls.key_file"),
        ):
            named = section.find(name)
            if named is not None:
                last = PurePosixPath(named.value).name
                text = self._text(last, f"`{name}` at {named.spot} names it")
                file = File(form=FileForm.TEXT, text=text, stem=field)
                healthy = healthy.but(**{field: file})
        return healthy

    def _pair(self, section: Section) -> tuple[str, str] | None:
        """What the peer presents. Raises CertificateFileError."""
        peer = _PEERS[section.kind]
        chain = self._optional(f"{peer}.pem")
        if chain is None and section.kind is Kind.INPUT:
            return None
        why = f"it is what {section.kind}s meet"
        pair = (self._text(f"{peer}.pem", why), self._text(f"{peer}.key", why))
        if (wrong := tls.objection(pair)) is not None:
            raise CertificateFileError(
                f"--pki {self.directory}: {peer}.pem and {peer}.key cannot be presented: {wrong}",
                hint="the leaf must come first, and the key must be the leaf's, not encrypted",
            )
        return pair

    def _optional(self, name: str) -> str | None:
        path = self.directory / name
        return self._text(name, "") if path.exists() else None

    def _text(self, name: str, why: str) -> str:
        path = self.directory / name
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise CertificateFileError(
                f"--pki {path}: {error.strerror}: {why}",
                hint="put it there under that name, or leave out --pki: stand-ins need no files",
            ) from error
        except UnicodeDecodeError as error:
            raise CertificateFileError(
                f"--pki {path}: this is not text, so it is not PEM",
                hint="convert it: openssl x509 -in FILE -inform DER -out FILE.pem; of PKCS#12: "
                "openssl pkcs12 -in FILE -nodes -out FILE.pem",
            ) from error
