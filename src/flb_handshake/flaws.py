"""What is wrong with a chain of certificates, in the order in which OpenSSL looks for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from flb_handshake.hosts import is_address
from flb_handshake.trust import UNREADABLE, bears_name, extended_usages, extension, names

_SHORTEST_RSA: Final = 2048
_SHORTEST_CURVE: Final = 224
"""Bits: OpenSSL's security level 2, the default of Debian and of OpenSSL 3.2."""

_LABELS_AFTER_A_STAR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing wrong with one certificate of a chain."""

    kind: str
    """A cause's name as `remedies` has it; a variant of it after a slash."""
    certificate: x509.Certificate
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the text about it says beyond the certificate itself."""
    certain: bool = True
    """False: another flaw of the same certificate would look the same."""


def flaws(
    sent: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: dt.datetime,
    *,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    name: str | None = None,
    known: Sequence[x509.Certificate] = (),
    crls: Sequence[x509.CertificateRevocationList] = (),
) -> list[Flaw]:
    """All that is wrong with a chain, in the order in which OpenSSL's verification looks for it.

    `name` is what the leaf must bear; None: no name is checked. `known` are certificates from
    elsewhere: they tell whether an issuer that is missing is a root.
    """
    if not sent:
        return []
    route = path(sent, anchors)
    return [
        *_of_anchoring(route, anchors, known),
        *_of_extensions(route, usage),
        *_of_strength(route),
        *_of_identity(route[0], name),
        *_of_revocation(route, crls),
        *_of_signatures_and_dates(route, at),
        *_of_constraints(route),
    ]


def path(
    sent: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """From the leaf upwards, each with its issuer, as far as it leads; anchors are asked first."""
    route = [sent[0]]
    while not is_self_signed(route[-1]):
        above = [
            one
            for one in (*anchors, *sent[1:])
            if one not in route and _may_have_issued(one, route[-1])
        ]
        if not above:
            break
        route.append(above[0])
    return route


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it names itself as its issuer, by name and by key identifier."""
    return _may_have_issued(certificate, certificate)


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether OpenSSL lets it issue others (its X509_check_ca)."""
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return False
    basic = extension(certificate, x509.BasicConstraints)
    if basic is not None:
        return basic.ca
    first = certificate.version is x509.Version.v1
    return usage is not None or (first and is_self_signed(certificate))


def accepts_name(certificate: x509.Certificate, wanted: str) -> bool:
    """Whether OpenSSL takes the certificate for that name, as it is written.

    Unlike `bears_name` it takes the subject's CN where there is no dNSName, and it neither forgives
    a dot at the end nor encodes an internationalised name.
    """
    dns, addresses = names(certificate)
    if is_address(wanted):
        return str(ipaddress.ip_address(wanted)) in addresses
    host = wanted.lower().split(".")
    return any(_covers(one.lower().split("."), host) for one in dns or common_names(certificate))


def _covers(pattern: Sequence[str], host: Sequence[str]) -> bool:
    """A star is one whole label, and two labels stand after it (X509_check_host)."""
    if is_wildcard(".".join(pattern)):
        return bool(host[0]) and pattern[1:] == host[1:]
    return pattern == host


def is_wildcard(name: str) -> bool:
    """Whether OpenSSL takes the name for a pattern."""
    return name.startswith("*.") and name.count(".") >= _LABELS_AFTER_A_STAR


def common_names(certificate: x509.Certificate) -> list[str]:
    """The CNs of the subject."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [str(attribute.value) for attribute in found]


def _may_have_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """By name and key identifier, the signature aside: how OpenSSL picks candidates."""
    if issuer.subject != certificate.issuer:
        return False
    wanted = extension(certificate, x509.AuthorityKeyIdentifier)
    own = extension(issuer, x509.SubjectKeyIdentifier)
    if wanted is None or wanted.key_identifier is None or own is None:
        return True
    return wanted.key_identifier == own.digest


def _of_anchoring(
    route: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    known: Sequence[x509.Certificate],
) -> list[Flaw]:
    """Why the chain does not end in a self-signed anchor: OpenSSL's default, no partial chain."""
    top = route[-1]
    if is_self_signed(top):
        kind = "self_signed" if len(route) == 1 else "untrusted_root/sent"
        return [] if top in anchors else [Flaw(kind=kind, certificate=top)]
    for held in route:
        if held in anchors:
            facts = {"issuer": subject_of(top.issuer), "held": subject_of(held.subject)}
            return [Flaw(kind="ca_file_holds_no_root", certificate=top, facts=facts)]
    facts = {"issuer": subject_of(top.issuer)}
    if any(anchor.subject == top.issuer for anchor in anchors):
        return [Flaw(kind="untrusted_root/namesake", certificate=top, facts=facts)]
    kinds = ["untrusted_root", "missing_intermediate"]
    certain = False
    above = path([top, *known], anchors)[1:]
    if above and is_self_signed(above[-1]):
        certain = above[-1] in anchors or len(above) == 1
        if not certain:
            facts_above = {"issuer": subject_of(above[-1].subject)}
            return [
                Flaw(kind="missing_intermediate", certificate=top, facts=facts),
                Flaw(kind="untrusted_root", certificate=above[-2], facts=facts_above),
            ]
        kinds = ["missing_intermediate" if above[-1] in anchors else "untrusted_root"]
    elif len(route) == 1 and "root" not in facts["issuer"].lower():
        kinds.reverse()
    return [Flaw(kind=kind, certificate=top, facts=facts, certain=certain) for kind in kinds]


_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.OCSP_NO_CHECK,
    }
)
"""The critical extensions that OpenSSL honours (X509_supported_extension) but for rare ones."""


def _of_extensions(
    route: Sequence[x509.Certificate], usage: x509.ObjectIdentifier
) -> Iterator[Flaw]:
    below = 0
    for position, one in enumerate(route):
        strange = _unknown_criticalextension(one)
        if strange:
            kind = "unknown_critical_extension"
            yield Flaw(kind=kind, certificate=one, facts={"oid": strange})
        if position and not is_authority(one):
            issued = subject_of(route[position - 1].subject)
            kind = "issuer_is_not_a_ca"
            yield Flaw(kind=kind, certificate=one, facts={"below": issued})
        usages = extended_usages(one)
        if usages is not None and usage not in usages:
            held = ", ".join(_usage_name(each) for each in usages)
            yield Flaw(kind="wrong_usage", certificate=one, facts={"usages": held})
        basic = extension(one, x509.BasicConstraints)
        limit = basic.path_length if basic is not None else None
        if limit is not None and below > limit:
            facts = {"limit": str(limit), "count": str(below)}
            yield Flaw(kind="path_length_exceeded", certificate=one, facts=facts)
        if position and one.issuer != one.subject:
            below += 1


def _usage_name(usage: x509.ObjectIdentifier) -> str:
    known = {
        ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
        ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    }
    return known.get(usage, usage.dotted_string)


def _unknown_criticalextension(certificate: x509.Certificate) -> str | None:
    try:
        extensions = list(certificate.extensions)
    except UNREADABLE:
        return None
    strange = (one for one in extensions if one.critical and one.oid not in _UNDERSTOOD)
    return next((one.oid.dotted_string for one in strange), None)


def _of_strength(route: Sequence[x509.Certificate]) -> Iterator[Flaw]:
    """What OpenSSL's security level 2 (112 bits) refuses; a root's own signature does not count."""
    for position, one in enumerate(route):
        key = _weak_key(one)
        if key:
            yield Flaw(kind="weak_key", certificate=one, facts={"key": key})
        digest = _weak_digest(one)
        if digest and (position < len(route) - 1 or not is_self_signed(one)):
            yield Flaw(kind="weak_digest", certificate=one, facts={"digest": digest})


def _weak_key(certificate: x509.Certificate) -> str | None:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SHORTEST_RSA:
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _SHORTEST_CURVE:
        return key.curve.name
    return None


def _weak_digest(certificate: x509.Certificate) -> str | None:
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return {"sha1": "SHA-1", "md5": "MD5"}.get(digest.name) if digest is not None else None


def _of_identity(leaf: x509.Certificate, name: str | None) -> list[Flaw]:
    if name is None or accepts_name(leaf, name):
        return []
    kind = "wrong_host/spelling" if bears_name(leaf, name) else "wrong_host"
    return [Flaw(kind=kind, certificate=leaf)]


def _of_revocation(
    route: Sequence[x509.Certificate], crls: Sequence[x509.CertificateRevocationList]
) -> Iterator[Flaw]:
    for one in route:
        for crl in crls:
            entry = crl.get_revoked_certificate_by_serial_number(one.serial_number)
            if crl.issuer == one.issuer and entry is not None:
                since = f"{entry.revocation_date_utc:%Y-%m-%d %H:%M} UTC"
                yield Flaw(kind="revoked", certificate=one, facts={"since": since})


def _of_signatures_and_dates(route: Sequence[x509.Certificate], at: dt.datetime) -> Iterator[Flaw]:
    """From the top downwards, each signature before its certificate's dates, as OpenSSL goes."""
    for position in range(len(route) - 1, -1, -1):
        one = route[position]
        if position + 1 < len(route) and _is_forged(one, route[position + 1]):
            facts = {"issuer": subject_of(one.issuer)}
            yield Flaw(kind="bad_signature", certificate=one, facts=facts)
        if one.not_valid_before_utc > at:
            yield Flaw(kind="not_yet_valid", certificate=one)
        if one.not_valid_after_utc < at:
            root = position == len(route) - 1 and is_self_signed(one) and position > 0
            yield Flaw(kind="expired/root" if root else "expired", certificate=one)


def _is_forged(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the signature is proven wrong; what cannot be checked here is not."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return True
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return False


def _of_constraints(route: Sequence[x509.Certificate]) -> Iterator[Flaw]:
    """Constraints on DNS names (RFC 5280, section 4.2.1.10) that the leaf breaks."""
    dns, _ = names(route[0])
    for one in route[1:]:
        rules = extension(one, x509.NameConstraints)
        if rules is None:
            continue
        permitted = _dns_of(rules.permitted_subtrees)
        excluded = _dns_of(rules.excluded_subtrees)
        for name in dns or common_names(route[0]):
            facts = {"constrained": name, "bases": ", ".join(permitted or excluded)}
            if permitted and not any(_is_under(name, base) for base in permitted):
                yield Flaw(kind="name_constraint/permitted", certificate=one, facts=facts)
            elif any(_is_under(name, base) for base in excluded):
                yield Flaw(kind="name_constraint/excluded", certificate=one, facts=facts)


def _dns_of(subtrees: Sequence[x509.GeneralName] | None) -> list[str]:
    return [one.value for one in subtrees or () if isinstance(one, x509.DNSName)]


def _is_under(name: str, base: str) -> bool:
    name, base = name.lower(), base.lower()
    return not base or name == base or name.endswith(base if base[0] == "." else f".{base}")


def subject_of(name: x509.Name) -> str:
    """A subject or an issuer as people write it (RFC 4514)."""
    return name.rfc4514_string() or "(no name)"
