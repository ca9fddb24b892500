"""What is declared of a certificate is in it, and OpenSSL says of it what is meant."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from minted import dns_names, extension, issued, openssl_says, pki, read

from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_HOST,
    OTHER_INTERMEDIATE,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    At,
    Key,
    Tamper,
    Usage,
    chain,
    constrained,
    expired,
    keyed,
    named,
    no_basic_constraints,
    not_a_ca,
    not_yet_valid,
    path_length,
    sha1,
    tampered,
    unknown_critical_extension,
    usage,
)
from flb_handshake.pki import Pki

# The baseline.


@pytest.mark.parametrize("spec", [ROOT, INTERMEDIATE, LEAF, CLIENT, OTHER_ROOT, OTHER_INTERMEDIATE])
def test_trustme_makes_the_healthy_ones(spec):
    """It fixes the life of an authority and limits its path; nothing here does either."""
    certificate = read(spec)

    assert certificate.issuer == read(spec.issuer or spec).subject
    assert issued(spec, spec.issuer or spec)
    subject = certificate.subject
    (organisation,) = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    (unit,) = subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert (organisation.value, unit.value) == ("flb-handshake", spec.common_name)
    names = [one.value for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    assert names == ([] if spec.ca else [spec.common_name])
    assert certificate.not_valid_before_utc < pki().now < certificate.not_valid_after_utc
    basic = extension(spec, x509.BasicConstraints)
    assert bool(basic and basic.value.ca) == spec.ca
    if spec.ca:
        assert certificate.not_valid_before_utc == dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
        assert basic.value.path_length > 90


@pytest.mark.parametrize("made", [HEALTHY, CLIENT_CHAIN])
def test_openssl_trusts_what_is_healthy(made):
    assert openssl_says(made.sent) == 0
    assert openssl_says(made.sent, OTHER_ROOT) == 20


def test_equal_specs_are_one_certificate_and_other_ones_are_not():
    fresh = Pki()
    again = replace(LEAF, dns=(OTHER_HOST,)).but(named(HOST))

    assert fresh.certificate(LEAF) is fresh.certificate(again)
    assert fresh.key(LEAF) is fresh.key(again)
    assert fresh.certificate(LEAF) != fresh.certificate(CLIENT)
    assert fresh.certificate(LEAF) != Pki().certificate(LEAF)


def test_every_certificate_has_a_serial_number_of_its_own():
    specs = [LEAF, INTERMEDIATE, ROOT, LEAF.but(expired()), LEAF.but(sha1()), CLIENT]

    assert len({read(spec).serial_number for spec in specs}) == len(specs)


@pytest.mark.parametrize("first", [LEAF, LEAF.but(expired())])
@pytest.mark.parametrize("by_key", [True, False])
def test_whatever_is_asked_for_first_all_fits_together(first, by_key):
    fresh = Pki()
    if by_key:
        fresh.key(first)
    fresh.certificate(first)

    for spec in (LEAF, LEAF.but(expired()), INTERMEDIATE, ROOT.but(expired()), ROOT):
        certificate = fresh.certificate(spec)
        assert certificate.public_key() == fresh.key(spec).public_key()
        certificate.verify_directly_issued_by(fresh.certificate(spec.issuer or spec))


def test_a_key_is_shared_by_name_kind_and_label():
    expired_root = ROOT.but(expired())

    assert pki().key(ROOT) is pki().key(expired_root)
    assert pki().key(LEAF) is not pki().key(OTHER_LEAF)
    assert pki().key(LEAF) is not pki().key(LEAF.but(keyed(Key.P384)))


# Each defect, read back.


@pytest.mark.parametrize("spec", [LEAF, INTERMEDIATE, ROOT])
@pytest.mark.parametrize(("defect", "code"), [(expired(), 10), (not_yet_valid(), 9)])
def test_the_validity_is_the_declared_one(spec, defect, code):
    broken = spec.but(defect)

    certificate = read(broken)
    assert certificate.not_valid_before_utc == pki().now + broken.not_before
    assert certificate.not_valid_after_utc == pki().now + broken.not_after
    place = {LEAF: At.LEAF, INTERMEDIATE: At.INTERMEDIATE, ROOT: At.ROOT}[spec]
    made = HEALTHY.but(defect, at=place)
    assert openssl_says(made.sent, made.root) == code


@pytest.mark.parametrize(
    ("defect", "dns", "addresses"),
    [
        (named(OTHER_HOST), [OTHER_HOST], []),
        (named("*.example.test", "*.*.test", "l*.example.test", "*"), None, []),
        (named("LOGS.Example.TEST"), ["LOGS.Example.TEST"], []),
        (named(HOST + "."), [HOST + "."], []),
        (named("127.0.0.1"), ["127.0.0.1"], []),
        (named(ips=("127.0.0.1", "::1")), [], ["127.0.0.1", "::1"]),
        (named("bücher.example.test"), ["xn--bcher-kva.example.test"], []),
        (named(*(f"n{number}.example.test" for number in range(1000))), None, []),
    ],
)
def test_the_names_are_the_declared_ones(defect, dns, addresses):
    spec = LEAF.but(defect)

    found = extension(spec, x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == (dns if dns is not None else list(spec.dns))
    wanted = [ipaddress.ip_address(one) for one in addresses]
    assert found.get_values_for_type(x509.IPAddress) == wanted
    assert openssl_says(chain(spec).sent) == 0


def test_without_names_there_is_no_subject_alt_name_and_the_cn_is_as_declared():
    bare = LEAF.but(named())
    renamed = LEAF.but(named(HOST, common_name=OTHER_HOST))

    assert extension(bare, x509.SubjectAlternativeName) is None
    assert read(bare).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == HOST
    assert read(renamed).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == OTHER_HOST
    assert dns_names(renamed) == [HOST]


@pytest.mark.parametrize(
    ("usages", "held"),
    [
        ((Usage.CLIENT,), [ExtendedKeyUsageOID.CLIENT_AUTH]),
        ((Usage.SERVER,), [ExtendedKeyUsageOID.SERVER_AUTH]),
        ((), None),
    ],
)
def test_the_usages_are_the_declared_ones(usages, held):
    found = extension(LEAF.but(usage(*usages)), x509.ExtendedKeyUsage)

    assert (list(found.value) if found else None) == held


@pytest.mark.parametrize("at", [At.INTERMEDIATE, At.ROOT])
@pytest.mark.parametrize(
    ("defect", "ca", "code"), [(not_a_ca(), False, 79), (no_basic_constraints(), None, 79)]
)
def test_an_issuer_that_is_no_authority_is_refused(at, defect, ca, code):
    made = HEALTHY.but(defect, at=at)

    broken = made.intermediate if at is At.INTERMEDIATE else made.root
    found = extension(broken, x509.BasicConstraints)
    assert (found.value.ca if found else None) is ca
    assert openssl_says(made.sent, made.root) == code


@pytest.mark.parametrize(("limit", "code"), [(0, 25), (1, 0)])
def test_a_path_is_as_long_as_the_root_lets_it_be(limit, code):
    made = HEALTHY.but(path_length(limit), at=At.ROOT)

    assert extension(made.root, x509.BasicConstraints).value.path_length == limit
    assert openssl_says(made.sent, made.root) == code


@pytest.mark.parametrize(
    ("constraint", "code"),
    [
        (constrained(permitted=("example.test",)), 0),
        (constrained(permitted=("elsewhere.test",)), 47),
        (constrained(excluded=("example.test",)), 48),
        (constrained(excluded=("elsewhere.test",)), 0),
        (constrained(permitted=("example.test",), excluded=("logs.example.test",)), 48),
    ],
)
def test_names_are_constrained_as_declared(constraint, code):
    made = HEALTHY.but(constraint, at=At.INTERMEDIATE)

    found = extension(made.intermediate, x509.NameConstraints)
    fields = dict(constraint.fields)
    assert found.critical
    for held, wanted in (
        (found.value.permitted_subtrees, fields["permitted"]),
        (found.value.excluded_subtrees, fields["excluded"]),
    ):
        assert [name.value for name in held or ()] == list(wanted)
    assert openssl_says(made.sent) == code


@pytest.mark.parametrize(
    ("key", "at", "kind", "size"),
    [
        (Key.P256, At.LEAF, ec.EllipticCurvePublicKey, 256),
        (Key.P384, At.LEAF, ec.EllipticCurvePublicKey, 384),
        (Key.P384, At.INTERMEDIATE, ec.EllipticCurvePublicKey, 384),
        (Key.ED25519, At.LEAF, ed25519.Ed25519PublicKey, None),
        (Key.ED25519, At.INTERMEDIATE, ed25519.Ed25519PublicKey, None),
        (Key.RSA_1024, At.LEAF, rsa.RSAPublicKey, 1024),
        (Key.RSA_2048, At.INTERMEDIATE, rsa.RSAPublicKey, 2048),
        (Key.RSA_4096, At.LEAF, rsa.RSAPublicKey, 4096),
    ],
)
def test_a_key_is_of_the_declared_kind_and_works(key, at, kind, size):
    made = HEALTHY.but(keyed(key), at=at)

    public = read(made.leaf.path[0 if at is At.LEAF else 1]).public_key()
    assert isinstance(public, kind)
    assert getattr(public, "key_size", None) == size
    assert openssl_says(made.sent) == 0


@pytest.mark.parametrize("issuer", [None, Key.RSA_2048])
def test_a_sha_1_signature_is_one_and_is_right(issuer):
    above = INTERMEDIATE.but(keyed(issuer)) if issuer else INTERMEDIATE
    spec = replace(LEAF, issuer=above).but(sha1())

    certificate = read(spec)
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA1)
    assert certificate.tbs_certificate_bytes.count(b"\x2b\x0e\x03\x02\x1a") == 0
    assert dns_names(spec) == [HOST]
    above_key = read(above).public_key()
    tbs, signature = certificate.tbs_certificate_bytes, certificate.signature
    if issuer:
        padding = certificate.signature_algorithm_parameters
        above_key.verify(signature, tbs, padding, hashes.SHA1())  # noqa: S303 # as declared
    else:
        above_key.verify(signature, tbs, ec.ECDSA(hashes.SHA1()))  # noqa: S303 # as declared


def test_ed25519_knows_no_sha_1():
    spec = replace(LEAF, issuer=INTERMEDIATE.but(keyed(Key.ED25519))).but(sha1())

    with pytest.raises(TypeError, match="Ed25519"):
        read(spec)


@pytest.mark.parametrize("spec", [LEAF, INTERMEDIATE])
def test_a_version_1_certificate_is_one_and_its_signature_is_right(spec):
    broken = spec.but(tampered(Tamper.VERSION_1))

    certificate = read(broken)
    assert certificate.version is x509.Version.v1
    assert len(certificate.extensions) == 0
    assert issued(broken, broken.issuer)
    place = At.LEAF if spec is LEAF else At.INTERMEDIATE
    made = HEALTHY.but(tampered(Tamper.VERSION_1), at=place)
    assert openssl_says(made.sent) == (0 if spec is LEAF else 79)


@pytest.mark.parametrize("at", [At.LEAF, At.INTERMEDIATE])
def test_a_broken_signature_is_well_formed_and_wrong(at):
    made = HEALTHY.but(tampered(Tamper.BAD_SIGNATURE), at=at)

    broken = made.leaf.path[0 if at is At.LEAF else 1]
    assert not issued(broken, broken.issuer)
    assert openssl_says(made.sent) == 7


def test_an_unknown_critical_extension_is_refused():
    spec = LEAF.but(unknown_critical_extension())

    unknown = [
        one for one in read(spec).extensions if type(one.value) is x509.UnrecognizedExtension
    ]
    assert [one.critical for one in unknown] == [True]
    assert openssl_says(chain(spec).sent) == 34


@pytest.mark.parametrize(
    ("offset", "year"), [(dt.timedelta(days=3_000_000), 9999), (-dt.timedelta(days=700_000), 1950)]
)
def test_what_no_certificate_can_say_of_a_time_is_cut_off(offset, year):
    """A chain without an end (RFC 5280, 4.1.2.5), seen again a day later, ends after 9999."""
    began = replace(LEAF, not_before=offset, not_after=max(offset, LEAF.not_after))
    ended = replace(LEAF, not_after=offset) if offset > dt.timedelta() else began
    certificate = read(ended)
    if offset > dt.timedelta():
        assert certificate.not_valid_after_utc.year == year
    else:
        assert certificate.not_valid_before_utc.year == year
