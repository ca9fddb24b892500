"""Turns certificate specs into certificates, keys and files, once each and only in memory.

trustme makes the healthy baseline; what trustme cannot break, `cryptography` makes; what that will
not sign either (version 1, SHA-1, a broken signature) is put together from its DER.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Final, TypeAlias

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flb_handshake import der
from flb_handshake.certificates import CertSpec, Chain, Key, Tamper, Usage
from flb_handshake.errors import HarnessFailure

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_ORGANISATION: Final = "flb-handshake"
_UNKNOWN_OID: Final = x509.ObjectIdentifier("2.25.104729")
"""Under 2.25 (X.667) anyone may take a number; nobody has given this one a meaning."""

_EARLIEST: Final = dt.datetime(1950, 1, 1, tzinfo=dt.UTC)
_LATEST: Final = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
_YEARS: Final = range(2001, 2990)
"""In which the healthy baseline is valid: trustme's CAs begin in 2000 and end in 3000."""

_NO_LIMIT: Final = 99
"""trustme always limits the path length; no chain of ours comes near this."""

_USAGES: Final = {
    Usage.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    Usage.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
}


class Pki:
    """Mints what is asked for and remembers it, so that equal specs are one certificate.

    Keys live in memory; whoever writes them to a disk answers for the file's mode.
    """

    def __init__(self, now: dt.datetime | None = None) -> None:
        """Raises HarnessFailure for a moment at which nothing that it mints would be valid."""
        self.now = now or dt.datetime.now(dt.UTC).replace(microsecond=0)
        if self.now.year not in _YEARS:
            raise HarnessFailure(
                f"this machine's clock says that it is {self.now:%Y-%m-%d %H:%M} UTC: no "
                "certificate of ours would be valid then",
                hint="set the clock (`timedatectl`, `date`) to a year from "
                f"{_YEARS[0]} to {_YEARS[-1]}",
            )
        self._keys: dict[tuple[Key, str, str], PrivateKey] = {}
        self._certificates: dict[CertSpec, x509.Certificate] = {}
        self._authorities: dict[CertSpec, trustme.CA] = {}

    def certificate(self, spec: CertSpec) -> x509.Certificate:
        """The certificate of this spec."""
        if spec not in self._certificates:
            made = self._by_trustme(spec) if self._trustme_can(spec) else self._forged(spec)
            self._certificates[spec] = made
        return self._certificates[spec]

    def key(self, spec: CertSpec) -> PrivateKey:
        """The private key of this spec; shared by specs of one common name, kind and label."""
        identity = key_identity(spec)
        if identity not in self._keys:
            if self._trustme_can(spec):
                self.certificate(spec)
            else:
                self._keys[identity] = _new_key(spec.key)
        return self._keys[identity]

    def pem(self, *specs: CertSpec) -> bytes:
        """These certificates in PEM, in this order."""
        return b"".join(
            self.certificate(spec).public_bytes(serialization.Encoding.PEM) for spec in specs
        )

    def key_pem(self, spec: CertSpec, passphrase: str = "") -> bytes:
        """The key of this spec in PEM (PKCS#8), encrypted if there is a passphrase."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        return self.key(spec).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    def handshake_key(self, chain: Chain) -> bytes:
        """The key in PEM that a server of this chain signs handshakes with.

        For `key_of`, a P-256 key whose private part is the other's while its public part is the
        leaf's: OpenSSL compares public parts only, so it serves, and every signature is wrong.
        """
        if chain.key_of is None:
            return self.key_pem(chain.leaf)
        ours, theirs = self.key(chain.leaf), self.key(chain.key_of)
        if not isinstance(ours, ec.EllipticCurvePrivateKey) or not isinstance(
            theirs, ec.EllipticCurvePrivateKey
        ):
            raise TypeError("a wrong key can only be made of two P-256 keys")
        return der.p256_key_pem(
            private=theirs.private_numbers().private_value,
            public=ours.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            ),
        )

    def crl_pem(self, issuer: CertSpec) -> bytes:
        """A CRL of this issuer that lists every revoked certificate minted so far."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate(issuer).subject)
            .last_update(self.now - dt.timedelta(hours=1))
            .next_update(self.now + dt.timedelta(days=30))
        )
        for spec, certificate in self._certificates.items():
            if spec.revoked and spec.issuer == issuer:
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder()
                    .serial_number(certificate.serial_number)
                    .revocation_date(self.now - dt.timedelta(hours=1))
                    .build()
                )
        crl = builder.sign(self.key(issuer), _digest(issuer.key))
        return crl.public_bytes(serialization.Encoding.PEM)

    def _trustme_can(self, spec: CertSpec) -> bool:
        """Trustme makes keys of its own, so it makes only the first certificate of a key."""
        if not _is_baseline(spec) or key_identity(spec) in self._keys:
            return False
        if spec.issuer is None:
            return True
        self.certificate(spec.issuer)
        return spec.issuer in self._authorities

    def _by_trustme(self, spec: CertSpec) -> x509.Certificate:
        if spec.ca:
            issued = self._authority(spec).cert_pem.bytes()
            key = self._authority(spec).private_key_pem.bytes()
        else:
            assert spec.issuer is not None  # noqa: S101 # held by _is_baseline
            leaf = self._authority(spec.issuer).issue_cert(
                *spec.dns,
                *spec.ips,
                common_name=spec.common_name,
                organization_name=_ORGANISATION,
                organization_unit_name=spec.common_name,
                not_before=self._at(spec.not_before),
                not_after=self._at(spec.not_after),
                key_type=trustme.KeyType.ECDSA,
            )
            issued = leaf.cert_chain_pems[0].bytes()
            key = leaf.private_key_pem.bytes()
        loaded = serialization.load_pem_private_key(key, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)  # noqa: S101 # KeyType.ECDSA
        self._keys[key_identity(spec)] = loaded
        return x509.load_pem_x509_certificate(issued)

    def _authority(self, spec: CertSpec) -> trustme.CA:
        if spec not in self._authorities:
            self._authorities[spec] = trustme.CA(
                parent_cert=self._authority(spec.issuer) if spec.issuer else None,
                path_length=_NO_LIMIT,
                organization_name=_ORGANISATION,
                organization_unit_name=spec.common_name,
            )
        return self._authorities[spec]

    def _at(self, offset: dt.timedelta) -> dt.datetime:
        """So long from now; what a certificate cannot say (RFC 5280, 4.1.2.5) is cut off."""
        try:
            return min(max(self.now + offset, _EARLIEST), _LATEST)
        except OverflowError:
            return _LATEST if offset > dt.timedelta() else _EARLIEST

    def _forged(self, spec: CertSpec) -> x509.Certificate:
        issuer = spec.issuer or spec
        signer = self.key(issuer)
        subject = _subject(spec)
        above = self.certificate(spec.issuer).subject if spec.issuer else subject
        public = self.key(spec).public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(above)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._at(spec.not_before))
            .not_valid_after(self._at(spec.not_after))
        )
        for extension, critical in self._extensions(spec, signer):
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(signer, _digest(issuer.key))
        if spec.tamper is Tamper.VERSION_1:
            certificate = _signed_again(der.as_version_1(_tbs(certificate)), certificate, signer)
        elif spec.tamper is Tamper.BAD_SIGNATURE:
            encoded = certificate.public_bytes(serialization.Encoding.DER)
            certificate = x509.load_der_x509_certificate(der.with_broken_signature(encoded))
        if spec.digest == "sha1":
            certificate = _signed_by_sha1(certificate, signer)
        return certificate

    def _extensions(
        self, spec: CertSpec, signer: PrivateKey
    ) -> list[tuple[x509.ExtensionType, bool]]:
        made: list[tuple[x509.ExtensionType, bool]] = [
            (x509.SubjectKeyIdentifier.from_public_key(self.key(spec).public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
        ]
        if spec.ca is not None:
            limit = spec.path_length if spec.ca else None
            made.append((x509.BasicConstraints(ca=spec.ca, path_length=limit), True))
        names: list[x509.GeneralName] = [x509.DNSName(_ascii(name)) for name in spec.dns]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in spec.ips]
        if names:
            made.append((x509.SubjectAlternativeName(names), False))
        if spec.usages is not None:
            made.append((x509.ExtendedKeyUsage([_USAGES[use] for use in spec.usages]), False))
        if spec.permitted or spec.excluded:
            constraints = x509.NameConstraints(
                permitted_subtrees=[x509.DNSName(name) for name in spec.permitted] or None,
                excluded_subtrees=[x509.DNSName(name) for name in spec.excluded] or None,
            )
            made.append((constraints, True))
        if spec.critical_extension:
            made.append((x509.UnrecognizedExtension(_UNKNOWN_OID, b"\x05\x00"), True))
        return made


def key_identity(spec: CertSpec) -> tuple[Key, str, str]:
    """What specs must have in common to share a key."""
    return (spec.key, spec.common_name, spec.key_label)


def _is_baseline(spec: CertSpec) -> bool:
    """Whether trustme can make it: a P-256 authority or leaf with nothing but ordinary names."""
    if spec.issuer is not None and not (_is_baseline(spec.issuer) and spec.issuer.ca):
        return False
    plain = CertSpec(
        common_name=spec.common_name,
        issuer=spec.issuer,
        dns=() if spec.ca else spec.dns,
        ips=() if spec.ca else spec.ips,
        ca=spec.ca,
        not_before=spec.not_before,
        not_after=spec.not_after,
        usages=None if spec.ca else spec.usages,
    )
    lives = spec.not_before < dt.timedelta(0) < spec.not_after
    if spec.ca:
        return spec == plain and lives
    usual = spec.usages == (Usage.SERVER, Usage.CLIENT)
    named = bool(spec.dns) and all(_is_ordinary(name) for name in spec.dns)
    return spec == plain and lives and usual and named and spec.issuer is not None


def _is_ordinary(name: str) -> bool:
    return name.isascii() and name.replace(".", "").replace("-", "").isalnum() and name.islower()


def _subject(spec: CertSpec) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, spec.common_name),
    ]
    if not spec.ca:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, spec.common_name))
    return x509.Name(attributes)


def _ascii(name: str) -> str:
    """A name as a certificate holds it: an internationalised one as ASCII (IDNA 2003, RFC 3490)."""
    return name if name.isascii() else name.encode("idna").decode()


def _new_key(kind: Key) -> PrivateKey:
    match kind:
        case Key.P256:
            return ec.generate_private_key(ec.SECP256R1())
        case Key.P384:
            return ec.generate_private_key(ec.SECP384R1())
        case Key.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case Key.RSA_1024 | Key.RSA_2048 | Key.RSA_4096:
            return rsa.generate_private_key(
                public_exponent=65537, key_size=int(kind.value.removeprefix("RSA "))
            )


def _digest(signer: Key) -> hashes.SHA256 | None:
    return None if signer is Key.ED25519 else hashes.SHA256()


def _tbs(certificate: x509.Certificate) -> bytes:
    return certificate.tbs_certificate_bytes


def _signed_again(
    tbs: bytes, certificate: x509.Certificate, signer: PrivateKey
) -> x509.Certificate:
    """The same algorithm over another to-be-signed part; the signer is a P-256 key."""
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 # every tampered chain's
    signature = signer.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = der.algorithm_of(certificate.public_bytes(serialization.Encoding.DER))
    return x509.load_der_x509_certificate(der.certificate(tbs, algorithm, signature))


def _signed_by_sha1(certificate: x509.Certificate, signer: PrivateKey) -> x509.Certificate:
    """Signed with SHA-1, which cryptography's certificate builder refuses but its keys do not."""
    encoded = certificate.public_bytes(serialization.Encoding.DER)
    algorithm = der.ECDSA_WITH_SHA1
    if isinstance(signer, rsa.RSAPrivateKey):
        algorithm = der.RSA_WITH_SHA1
    tbs = der.with_algorithm(_tbs(certificate), der.algorithm_of(encoded), algorithm)
    sha1 = hashes.SHA1()  # noqa: S303 # the defect itself
    if isinstance(signer, rsa.RSAPrivateKey):
        signature = signer.sign(tbs, padding.PKCS1v15(), sha1)
    elif isinstance(signer, ec.EllipticCurvePrivateKey):
        signature = signer.sign(tbs, ec.ECDSA(sha1))
    else:
        raise TypeError("Ed25519 knows no SHA-1")
    return x509.load_der_x509_certificate(der.certificate(tbs, algorithm, signature))
