"""Certificates as declarations: what is in them, what is wrong with them, what is sent.

Equal specs are one certificate. `spec.but(expired())` is the same certificate with one thing wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

HOST: Final = "logs.example.test"
"""The name that the healthy collector bears. `.test` is reserved (RFC 6761) and never resolves."""

OTHER_HOST: Final = "other.example.test"
"""A name that no agent of the catalogue dials."""

_MANY: Final = 5
"""So many names are counted, not listed."""

_A_MONTH: Final = timedelta(days=30)
_AN_HOUR: Final = timedelta(hours=1)


class Key(StrEnum):
    """The kind of a certificate's key."""

    P256 = "P-256"
    P384 = "P-384"
    ED25519 = "Ed25519"
    RSA_1024 = "RSA 1024"
    RSA_2048 = "RSA 2048"
    RSA_4096 = "RSA 4096"


class Usage(StrEnum):
    """An extended key usage (RFC 5280, section 4.2.1.12)."""

    SERVER = "serverAuth"
    CLIENT = "clientAuth"


class Tamper(StrEnum):
    """What is done to a certificate that no library would issue."""

    BAD_SIGNATURE = "a byte of the signature is changed"
    VERSION_1 = "an X.509 version 1 certificate: no extensions at all"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertSpec:
    """One certificate. The defaults are a healthy leaf but for its names and its issuer.

    Times are offsets from the moment of minting. Specs of one `common_name`, `key` and `key_label`
    share their key pair: a cross-signed root is one key under two issuers.
    """

    common_name: str
    issuer: CertSpec | None = None
    """None: signed with its own key."""
    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    ca: bool | None = False
    """basicConstraints; None leaves the extension out."""
    path_length: int | None = None
    not_before: timedelta = -_AN_HOUR
    not_after: timedelta = _A_MONTH
    usages: tuple[Usage, ...] | None = (Usage.SERVER, Usage.CLIENT)
    """extendedKeyUsage of a leaf; None leaves the extension out."""
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    """nameConstraints: DNS subtrees."""
    key: Key = Key.P256
    key_label: str = ""
    digest: str = "sha256"
    critical_extension: bool = False
    """An extension that nobody knows, marked critical."""
    revoked: bool = False
    """Listed in its issuer's CRL."""
    tamper: Tamper | None = None

    def but(self, defect: Defect) -> CertSpec:
        """The same certificate with this one thing wrong."""
        return replace(self, **dict(defect.fields))  # type: ignore[arg-type] # fields are checked by Defect's makers

    @property
    def path(self) -> tuple[CertSpec, ...]:
        """This certificate and its issuers, up to the self-signed one."""
        return (self, *self.issuer.path) if self.issuer else (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing wrong with one certificate: the fields that it changes, and its name for people."""

    name: str
    fields: tuple[tuple[str, object], ...]


def _defect(name: str, **fields: object) -> Defect:
    return Defect(name=name, fields=tuple(fields.items()))


def expired(ago: timedelta = timedelta(days=1)) -> Defect:
    """Its validity ended that long ago."""
    return _defect("expired", not_before=-ago - _A_MONTH, not_after=-ago)


def not_yet_valid(ahead: timedelta = timedelta(days=1)) -> Defect:
    """Its validity begins that far ahead."""
    return _defect("not yet valid", not_before=ahead, not_after=ahead + _A_MONTH)


def named(
    *dns: str, ips: tuple[str, ...] = (), common_name: str | None = None, key_label: str = ""
) -> Defect:
    """It bears other names: these subjectAltNames, and this subject CN if one is given."""
    fields: dict[str, object] = {"dns": dns, "ips": ips}
    if common_name is not None:
        fields |= {"common_name": common_name, "key_label": key_label}
    names = (*dns, *ips)
    said = ", ".join(names) if len(names) < _MANY else f"{names[0]} and {len(names) - 1} more"
    return _defect(f"names {said or 'none'}", **fields)


def usage(*usages: Usage) -> Defect:
    """Its extendedKeyUsage holds these and nothing else; none at all leaves the extension out."""
    return _defect("EKU " + (", ".join(usages) or "absent"), usages=usages or None)


def not_a_ca() -> Defect:
    """BasicConstraints CA:FALSE on a certificate that issued another."""
    return _defect("CA:FALSE", ca=False)


def no_basic_constraints() -> Defect:
    """No basicConstraints on a certificate that issued another."""
    return _defect("no basicConstraints", ca=None)


def path_length(limit: int) -> Defect:
    """At most so many intermediates may follow."""
    return _defect(f"pathlen:{limit}", path_length=limit)


def constrained(*, permitted: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> Defect:
    """NameConstraints over DNS names (RFC 5280, section 4.2.1.10)."""
    said = [f"permitted {name}" for name in permitted] + [f"excluded {name}" for name in excluded]
    return _defect("nameConstraints " + ", ".join(said), permitted=permitted, excluded=excluded)


def keyed(key: Key) -> Defect:
    """Its key is of this kind."""
    return _defect(f"key {key}", key=key)


def sha1() -> Defect:
    """Signed with SHA-1."""
    return _defect("SHA-1 signature", digest="sha1")


def tampered(tamper: Tamper) -> Defect:
    """Changed after it was issued."""
    return _defect(tamper.name.lower().replace("_", " "), tamper=tamper)


def unknown_critical_extension() -> Defect:
    """It has a critical extension that nobody knows."""
    return _defect("unknown critical extension", critical_extension=True)


def revoked() -> Defect:
    """Its issuer's CRL lists it."""
    return _defect("revoked", revoked=True)


class At(StrEnum):
    """Where in a chain a defect is placed."""

    LEAF = "leaf"
    INTERMEDIATE = "intermediate"
    ROOT = "root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a side presents: the certificates it sends, in order, and what they should lead to.

    `sent` is data: reversed, missing and extra certificates need no code. The key that signs the
    handshake is that of the leaf, or of `key_of` where it is the wrong one.
    """

    leaf: CertSpec
    sent: tuple[CertSpec, ...]
    name: str = "healthy"
    key_of: CertSpec | None = field(default=None)

    @property
    def root(self) -> CertSpec:
        """The self-signed certificate above the leaf: what CA.File should hold."""
        return self.leaf.path[-1]

    @property
    def intermediate(self) -> CertSpec:
        """The leaf's issuer (the leaf itself, if it is self-signed)."""
        return self.leaf.issuer or self.leaf

    def but(self, defect: Defect, *, at: At = At.LEAF) -> Chain:
        """The same chain, issued anew, with this defect at that place."""
        path = list(self.leaf.path)
        index = {At.LEAF: 0, At.INTERMEDIATE: 1, At.ROOT: len(path) - 1}[at]
        path[index] = path[index].but(defect)
        above: CertSpec | None = None
        for position in range(len(path) - 1, -1, -1):
            above = path[position] = replace(path[position], issuer=above)
        return chain(path[0], name=f"{defect.name} at {at}")

    def sending(self, *sent: CertSpec, name: str) -> Chain:
        """The same leaf and key, other certificates on the wire."""
        return replace(self, sent=sent, name=name)

    def keyed_as(self, other: CertSpec) -> Chain:
        """The same certificates, but the handshake is signed with another certificate's key."""
        return replace(self, key_of=other, name="key of another certificate")


def chain(leaf: CertSpec, *, name: str = "healthy") -> Chain:
    """A leaf and its intermediates in order; the root is not sent."""
    return Chain(leaf=leaf, sent=leaf.path[:-1] or (leaf,), name=name)


def authority(common_name: str, *, issuer: CertSpec | None = None) -> CertSpec:
    """A healthy certificate authority."""
    return CertSpec(
        common_name=common_name,
        issuer=issuer,
        ca=True,
        not_before=-timedelta(days=365),
        not_after=timedelta(days=3650),
        usages=None,
    )


ROOT: Final = authority("Handshake Root")
INTERMEDIATE: Final = authority("Handshake Intermediate", issuer=ROOT)
LEAF: Final = CertSpec(common_name=HOST, issuer=INTERMEDIATE, dns=(HOST,))
CLIENT: Final = CertSpec(common_name="fluent-bit", issuer=INTERMEDIATE, dns=("fluent-bit",))
HEALTHY: Final = chain(LEAF)
CLIENT_CHAIN: Final = chain(CLIENT)

OTHER_ROOT: Final = authority("Unrelated Root")
OTHER_INTERMEDIATE: Final = authority("Unrelated Intermediate", issuer=OTHER_ROOT)
OTHER_LEAF: Final = CertSpec(
    common_name=HOST, issuer=OTHER_INTERMEDIATE, dns=(HOST,), key_label="impostor"
)
OTHER_CLIENT: Final = CertSpec(
    common_name="fluent-bit",
    issuer=OTHER_INTERMEDIATE,
    dns=("fluent-bit",),
    key_label="impostor",
)
SELF_SIGNED: Final = CertSpec(common_name=HOST, dns=(HOST,), key_label="self-signed")


def long_chain(length: int) -> Chain:
    """A chain of so many certificates, the leaf and the root included."""
    above = ROOT
    for step in range(length - 2):
        above = authority(f"Handshake Intermediate {step + 1} of {length - 2}", issuer=above)
    return chain(replace(LEAF, issuer=above), name=f"a chain of {length}")
