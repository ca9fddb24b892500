"""What a careful reader finds in certificates: who signed what, since when, for which name.

This is the harness's own look at public material, apart from what any agent does with it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from flb_handshake.hosts import is_address

_SHORTEST_RSA: Final = 2048
"""NIST SP 800-131A allows no shorter key since 2014."""

UNREADABLE: Final = (
    ValueError,
    TypeError,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for an extension that is absent, or that it cannot make sense of."""


def certificates(pem: str) -> list[x509.Certificate]:
    """The certificates in a PEM text; those that cannot be read are left out."""
    found = []
    for block in pem.split("-----BEGIN CERTIFICATE-----")[1:]:
        body = block.split("-----END CERTIFICATE-----")[0]
        text = f"-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----\n"
        try:
            found.append(x509.load_pem_x509_certificate(text.encode("utf-8", "replace")))
        except (ValueError, x509.InvalidVersion):
            continue
    return found


def revocation_lists(pem: str) -> list[x509.CertificateRevocationList]:
    """The CRLs in a PEM text; those that cannot be read are left out."""
    found = []
    for block in pem.split("-----BEGIN X509 CRL-----")[1:]:
        body = block.split("-----END X509 CRL-----")[0]
        text = f"-----BEGIN X509 CRL-----{body}-----END X509 CRL-----\n"
        try:
            found.append(x509.load_pem_x509_crl(text.encode("utf-8", "replace")))
        except ValueError:
            continue
    return found


def is_trusted(
    sent: Sequence[x509.Certificate],
    anchors: str,
    at: dt.datetime,
    *,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> bool:
    """Whether the chain that was sent leads to one of the anchors, with all of it valid then."""
    return why_untrusted(sent, anchors, at, usage=usage) is None


def why_untrusted(
    sent: Sequence[x509.Certificate],
    anchors: str,
    at: dt.datetime,
    *,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> str | None:
    """Why a careful reader would not believe this chain; None when nothing is wrong with it.

    `anchors` is PEM, with CRLs if there are any: then revocation is looked at too.
    """
    if not sent:
        return "no certificate was sent"
    store = crypto.X509Store()
    for anchor in certificates(anchors):
        store.add_cert(crypto.X509.from_cryptography(anchor))
    lists = revocation_lists(anchors)
    for revoked in lists:
        store.add_crl(revoked)
    if lists:
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)
    store.set_time(at)
    leaf, *above = (crypto.X509.from_cryptography(one) for one in sent)
    try:
        crypto.X509StoreContext(store, leaf, above).verify_certificate()
    except crypto.X509StoreContextError as error:
        return str(error)
    usages = extended_usages(sent[0])
    if usages is not None and usage not in usages:
        part = "server" if usage == ExtendedKeyUsageOID.SERVER_AUTH else "client"
        return f"its extended key usage does not allow a {part}"
    try:
        key = sent[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "its key is of a kind that cannot be read"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SHORTEST_RSA:
        return f"its RSA key has only {key.key_size} bits"
    return None


def signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether this issuer's name and key made this certificate."""
    try:
        if certificate.issuer != issuer.subject:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """The value of an extension; None when it is absent or cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except UNREADABLE:
        return None


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether its basicConstraints let it issue others; without them it may not."""
    basic = extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca


def extended_usages(certificate: x509.Certificate) -> list[x509.ObjectIdentifier] | None:
    """The extended key usages; None when the extension is absent or cannot be read."""
    found = extension(certificate, x509.ExtendedKeyUsage)
    return None if found is None else list(found)


def names(certificate: x509.Certificate) -> tuple[list[str], list[str]]:
    """The names that a certificate bears: subjectAltName's DNS names and its IP addresses."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except UNREADABLE:
        return [], []
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return found.get_values_for_type(x509.DNSName), addresses


def bears_name(certificate: x509.Certificate, wanted: str) -> bool:
    """Whether it names what was dialled (RFC 9525: a wildcard is one whole label).

    The subject's CN counts for a host name where subjectAltName has no dNSName at all, as it does
    for OpenSSL's X509_check_host; it never counts for an address.
    """
    dns, addresses = names(certificate)
    if is_address(wanted):
        return str(ipaddress.ip_address(wanted)) in addresses
    host = _labels(wanted)
    return any(_matches(_labels(pattern), host) for pattern in dns or _common_names(certificate))


def _common_names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return []
    return [str(attribute.value) for attribute in found]


def _labels(name: str) -> list[str]:
    try:
        ascii_name = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        ascii_name = name
    return ascii_name.rstrip(".").lower().split(".")


def _matches(pattern: list[str], host: list[str]) -> bool:
    if len(pattern) != len(host):
        return False
    wild = pattern[0] == "*" and len(pattern) > 2 and bool(host[0])  # noqa: PLR2004 # no whole domain
    return pattern[1:] == host[1:] and (wild or pattern[0] == host[0])
