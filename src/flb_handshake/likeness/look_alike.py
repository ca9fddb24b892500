"""A chain of ours in the shape of another's: names, validity, usages, kinds of keys, order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flb_handshake import trust
from flb_handshake.certificates import OTHER_ROOT, CertSpec, Chain, Key, Usage, authority

_LONG_RSA: Final = 3072
_SHORT_RSA: Final = 2048
_LONG_CURVE: Final = 384

_USAGES: Final = {
    ExtendedKeyUsageOID.SERVER_AUTH: Usage.SERVER,
    ExtendedKeyUsageOID.CLIENT_AUTH: Usage.CLIENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlike:
    """A chain of ours, and which of its certificates stands for which of theirs."""

    chain: Chain
    stands_for: tuple[tuple[x509.Certificate, CertSpec], ...]
    missing_issuer: x509.Name | None
    """Who issued the last of the path, where that one was not sent; None: it signed itself."""

    def anchors(self, held: Sequence[x509.Certificate]) -> tuple[CertSpec, ...]:
        """What stands for the certificates of a CA file: those of the path, or an unrelated one."""
        found = dict.fromkeys(self._anchor(one) for one in held)
        return tuple(found)

    def _anchor(self, one: x509.Certificate) -> CertSpec:
        for theirs, ours in self.stands_for:
            if theirs.subject == one.subject and _same_key(theirs, one):
                return ours
        last = next(
            theirs for theirs, ours in reversed(self.stands_for) if ours in self.chain.leaf.path
        )
        if self.missing_issuer == one.subject and trust.signed(last, one):
            return self.chain.root
        return OTHER_ROOT


def look_alike(sent: Sequence[x509.Certificate], now: dt.datetime) -> LookAlike:
    """Our chain in the shape of the one that was sent, leaf first; times keep their distance."""
    path = _path(sent)
    last = path[-1]
    self_signed = last.issuer == last.subject
    above: CertSpec | None = None
    if not self_signed:
        above = authority(f"Stand-in for {_called(last.issuer)}")
    ours: dict[int, CertSpec] = {}
    for one in reversed(path):
        above = ours[id(one)] = _spec(one, above, now)
    for one in sent:
        if id(one) not in ours:
            ours[id(one)] = _spec(one, authority("Issuer of an extra certificate"), now)
    leaf = ours[id(sent[0])]
    chain = Chain(leaf=leaf, sent=tuple(ours[id(one)] for one in sent), name="look-alike")
    pairs = tuple((one, ours[id(one)]) for one in sent)
    return LookAlike(
        chain=chain, stands_for=pairs, missing_issuer=None if self_signed else last.issuer
    )


def _path(sent: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf and its issuers, as far as they were sent, in whatever order."""
    path, left = [sent[0]], list(sent[1:])
    while path[-1].issuer != path[-1].subject:
        issuer = next((one for one in left if trust.signed(path[-1], one)), None)
        if issuer is None:
            break
        left.remove(issuer)
        path.append(issuer)
    return path


def _spec(one: x509.Certificate, issuer: CertSpec | None, now: dt.datetime) -> CertSpec:
    dns, addresses = trust.names(one)
    basic = trust.extension(one, x509.BasicConstraints)
    constraints = trust.extension(one, x509.NameConstraints)
    usages = trust.extended_usages(one)
    return CertSpec(
        common_name=_called(one.subject),
        issuer=issuer,
        dns=tuple(dns),
        ips=tuple(addresses),
        ca=basic.ca if basic else None,
        path_length=basic.path_length if basic else None,
        not_before=one.not_valid_before_utc - now,
        not_after=one.not_valid_after_utc - now,
        usages=None if usages is None else tuple(_USAGES[use] for use in usages if use in _USAGES),
        permitted=_subtrees(constraints.permitted_subtrees) if constraints else (),
        excluded=_subtrees(constraints.excluded_subtrees) if constraints else (),
        key=_kind(one),
        key_label=f"look-alike {one.serial_number}",
    )


def _called(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return str(found[0].value)
    return "nameless"


def _subtrees(names: Sequence[x509.GeneralName] | None) -> tuple[str, ...]:
    return tuple(one.value for one in names or () if isinstance(one, x509.DNSName))


def _kind(one: x509.Certificate) -> Key:
    """The nearest kind of key that we make; one that cannot be read is taken to be P-256."""
    try:
        key = one.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return Key.P256
    match key:
        case rsa.RSAPublicKey(key_size=bits):
            long = Key.RSA_4096 if bits >= _LONG_RSA else Key.RSA_2048
            return long if bits >= _SHORT_RSA else Key.RSA_1024
        case ed25519.Ed25519PublicKey():
            return Key.ED25519
        case ec.EllipticCurvePublicKey(key_size=bits) if bits >= _LONG_CURVE:
            return Key.P384
        case _:
            return Key.P256


def _same_key(one: x509.Certificate, other: x509.Certificate) -> bool:
    try:
        return one.public_key() == other.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
