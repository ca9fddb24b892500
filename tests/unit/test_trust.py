from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import shutil
import subprocess

import pytest
from builders import pki
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from flb_handshake import der, flaws, trust
from flb_handshake.certificates import (
    CLIENT,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_LEAF,
    ROOT,
    At,
    Key,
    Tamper,
    Usage,
    chain,
    expired,
    keyed,
    named,
    not_a_ca,
    not_yet_valid,
    path_length,
    revoked,
    tampered,
    usage,
)


def certificate(*dns, ips=(), common_name=None):
    changed = HEALTHY.but(named(*dns, ips=ips, common_name=common_name, key_label="trust"))
    return pki().certificate(changed.leaf)


@pytest.mark.parametrize(
    ("dns", "wanted", "bears"),
    [
        (("a.test",), "a.test", True),
        (("a.test",), "A.TEST", True),
        (("a.test",), "a.test.", True),
        (("a.test",), "b.test", False),
        (("b.test", "a.test"), "a.test", True),
        (("a.test",), "x.a.test", False),
        (("*.a.test",), "x.a.test", True),
        (("*.a.test",), "x.y.a.test", False),
        (("*.a.test",), "a.test", False),
        (("x*.a.test",), "xy.a.test", False),
        (("*",), "a", False),
        (("*.test",), "a.test", False),
        (("xn--bcher-kva.test",), "bücher.test", True),
        (("127.0.0.1",), "127.0.0.1", False),
    ],
)
def test_a_name_is_borne_as_rfc_9525_has_it(dns, wanted, bears):
    assert trust.bears_name(certificate(*dns), wanted) is bears


def test_an_address_is_borne_only_as_an_address():
    assert trust.bears_name(certificate("a.test", ips=("127.0.0.1",)), "127.0.0.1")
    assert not trust.bears_name(certificate("a.test", ips=("127.0.0.2",)), "127.0.0.1")
    assert not trust.bears_name(certificate(common_name="127.0.0.1"), "127.0.0.1")


def test_the_common_name_counts_only_without_any_other_name():
    assert trust.bears_name(certificate(common_name=HOST), HOST)
    assert not trust.bears_name(certificate(common_name="other.test"), HOST)
    assert not trust.bears_name(certificate("other.test", common_name=HOST), HOST)


def with_names(*names, common_names=(), raw=None, extension=ExtensionOID.SUBJECT_ALTERNATIVE_NAME):
    """A certificate of any subjectAltName and any number of CNs; `raw` is an extension's DER."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in common_names])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(pki().certificate(ROOT).subject)
        .public_key(pki().key(LEAF).public_key())
        .serial_number(1)
        .not_valid_before(pki().now - dt.timedelta(hours=1))
        .not_valid_after(pki().now + dt.timedelta(hours=1))
    )
    if raw:
        unread = x509.UnrecognizedExtension(extension, raw)
        builder = builder.add_extension(unread, critical=False)
    elif names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(pki().key(ROOT), hashes.SHA256())


def test_a_constraint_that_nobody_can_make_sense_of_is_no_reason_to_break_off():
    address_without_mask = bytes.fromhex("300aa00830068704c0000201")
    made = with_names(raw=address_without_mask, extension=ExtensionOID.NAME_CONSTRAINTS)
    assert trust.names(made) == ([], [])
    assert trust.extended_usages(made) is None
    root = pki().certificate(ROOT)
    found = flaws.flaws([made], [root], pki().now, name=HOST)
    assert [one.kind for one in found] == ["wrong_host"]


@pytest.mark.parametrize(
    ("names", "common_names", "bears"),
    [
        ((), (HOST,), True),
        ((), (HOST.upper(),), True),
        ((), ("*.example.test",), True),
        ((), ("first.test", HOST), True),
        ((), (), False),
        ((x509.RFC822Name("a@example.test"),), (HOST,), True),
        ((x509.IPAddress(ipaddress.ip_address("127.0.0.1")),), (HOST,), True),
        ((x509.DNSName("other.test"),), (HOST,), False),
    ],
)
def test_the_common_name_counts_where_openssl_lets_it(names, common_names, bears, tmp_path):
    made = with_names(*names, common_names=common_names)

    assert trust.bears_name(made, HOST) is bears
    (tmp_path / "root.pem").write_bytes(pki().pem(ROOT))
    (tmp_path / "leaf.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    if program := shutil.which("openssl"):
        words = ["verify", "-CAfile", "root.pem", "-verify_hostname", HOST, "leaf.pem"]
        said = subprocess.run([program, *words], cwd=tmp_path, capture_output=True, check=False)
        assert (said.returncode == 0) is bears


def test_a_star_stands_for_at_least_one_letter():
    assert not trust.bears_name(certificate("*.example.test"), ".example.test")


def why(served, anchors=(ROOT,), at=None):
    sent = trust.certificates(pki().pem(*served.sent).decode())
    return trust.why_untrusted(sent, pki().pem(*anchors).decode(), at or pki().now)


def test_a_healthy_chain_is_trusted_in_its_time_and_not_after():
    assert why(HEALTHY) is None
    assert why(HEALTHY, at=pki().now + dt.timedelta(days=400)) is not None


@pytest.mark.parametrize(
    "served",
    [
        chain(OTHER_LEAF, name="another authority's"),
        HEALTHY.sending(LEAF, name="no intermediate"),
        HEALTHY.but(expired()),
        HEALTHY.but(not_yet_valid()),
        HEALTHY.but(expired(), at=At.INTERMEDIATE),
        HEALTHY.but(not_a_ca(), at=At.INTERMEDIATE),
        HEALTHY.but(path_length(0), at=At.ROOT),
        HEALTHY.but(tampered(Tamper.BAD_SIGNATURE)),
        HEALTHY.but(usage(Usage.CLIENT)),
    ],
    ids=lambda served: served.name,
)
def test_each_defect_is_seen(served):
    assert why(served, anchors=(served.root if "another" not in served.name else ROOT,))


def test_an_intermediate_is_no_anchor():
    assert why(HEALTHY, anchors=(INTERMEDIATE,)) is not None
    assert why(HEALTHY, anchors=()) is not None


def test_nothing_sent_is_nothing_trusted():
    assert trust.why_untrusted([], "", pki().now) == "no certificate was sent"


def test_who_signed_whom_is_told_by_key_and_not_by_name():
    leaf, issuer, other = (pki().certificate(one) for one in (LEAF, INTERMEDIATE, ROOT))
    assert trust.signed(leaf, issuer)
    assert not trust.signed(leaf, other)
    forged = pki().certificate(HEALTHY.but(tampered(Tamper.BAD_SIGNATURE)).leaf)
    assert not trust.signed(forged, issuer)


def test_every_certificate_of_a_text_is_found_among_anything_else():
    text = "junk\n" + pki().pem(LEAF, CLIENT).decode().replace("\n", "\r\n") + "-----BEGIN X-----"
    assert len(trust.certificates(text)) == 2
    assert trust.certificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----") == []


def test_a_version_that_there_is_not_is_left_out():
    whole = pki().certificate(LEAF).public_bytes(serialization.Encoding.DER)
    version_3, version_2 = bytes.fromhex("a003020102"), bytes.fromhex("a003020101")
    assert whole.count(version_3) == 1
    body = base64.encodebytes(whole.replace(version_3, version_2)).decode()

    text = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"

    assert trust.certificates(text + pki().pem(LEAF).decode()) == [pki().certificate(LEAF)]


@pytest.mark.parametrize(
    "raw",
    [
        bytes.fromhex(
            "3009a507a1050c03616263"
        ),  # an ediPartyName, which cryptography does not read
        bytes.fromhex("30038201"),  # cut off
        b"",
    ],
)
def test_names_that_cannot_be_read_are_no_names(raw):
    made = with_names(common_names=("a.test",), raw=raw or b"\x04\x00")

    assert trust.names(made) == ([], [])
    assert trust.extended_usages(made) is None
    assert trust.bears_name(made, "b.test") is False


# A public key on prime239v1, a curve that OpenSSL knows and cryptography does not.
STRANGE_KEY = bytes.fromhex(
    "3055301306072a8648ce3d020106082a8648ce3d030104033e000401b12a32c2821d6b2bf5e68377d3246e4eff"
    "f47f5dde1b0604768f857c55423c183e56cc3e2e39c174e5531bbe41ceb00c655b80c28264874a6b0748"
)


def test_a_key_that_cannot_be_read_is_not_trusted():
    leaf = pki().certificate(LEAF)
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    own_key = leaf.public_key().public_bytes(serialization.Encoding.DER, info)
    ((tag, inside, _),) = der.values(leaf.tbs_certificate_bytes)
    tbs = der.wrap(tag, inside.replace(own_key, STRANGE_KEY))
    signature = pki().key(INTERMEDIATE).sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = der.algorithm_of(leaf.public_bytes(serialization.Encoding.DER))
    strange = x509.load_der_x509_certificate(der.certificate(tbs, algorithm, signature))

    why = trust.why_untrusted(
        [strange, pki().certificate(INTERMEDIATE)], pki().pem(ROOT).decode(), pki().now
    )

    assert why == "its key is of a kind that cannot be read"


def test_a_revoked_certificate_is_seen_where_a_crl_stands_beside_the_anchors():
    gone = HEALTHY.but(revoked())
    sent = trust.certificates(pki().pem(*gone.sent).decode())
    anchors = pki().pem(ROOT).decode()
    lists = "".join(pki().crl_pem(one).decode() for one in (INTERMEDIATE, ROOT))

    assert trust.why_untrusted(sent, anchors, pki().now) is None
    assert "revoked" in str(trust.why_untrusted(sent, anchors + lists, pki().now))
    assert len(trust.revocation_lists(anchors + lists)) == 2


def test_a_short_rsa_key_is_not_trusted():
    assert "1024" in str(why(HEALTHY.but(keyed(Key.RSA_1024))))


PEM = st.sampled_from(
    ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN X509 CRL-----"]
)


@given(st.lists(st.one_of(PEM, st.text(), st.binary().map(lambda raw: raw.hex()))).map("\n".join))
def test_no_text_crashes_the_readers_of_pem(text):
    assert isinstance(trust.certificates(text), list)
    assert isinstance(trust.revocation_lists(text), list)
    assert trust.why_untrusted(trust.certificates(text), text, pki().now)


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=4))
def test_a_damaged_certificate_is_read_or_left_out(position, damage):
    pem = pki().pem(LEAF).decode()
    at = position % len(pem)
    broken = pem[:at] + damage.hex() + pem[at + 1 :]
    found = trust.certificates(broken)
    assert len(found) <= 1
    for one in found:
        dns, addresses = trust.names(one)
        assert all(isinstance(name, str) for name in (*dns, *addresses))
        assert isinstance(trust.extended_usages(one), list | None)


@given(st.text())
def test_no_name_crashes_the_comparison(name):
    assert trust.bears_name(certificate("a.test"), name) in {True, False}
