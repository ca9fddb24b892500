"""DER is taken apart and put together without loss; what is none is refused and never crashes."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from minted import pki, read
from OpenSSL import crypto

from flb_handshake import der
from flb_handshake.certificates import LEAF, OTHER_LEAF, ROOT

LENGTHS = (0, 1, 127, 128, 255, 256, 65535, 65536)


def encoded(spec):
    return read(spec).public_bytes(serialization.Encoding.DER)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_values_without_loss_or_a_value_error(content):
    try:
        found = list(der.values(content))
    except ValueError:
        return
    assert b"".join(whole for _, _, whole in found) == content
    assert all(whole.endswith(body) and whole[0] == tag for tag, body, whole in found)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=400)), max_size=5))
def test_what_is_wrapped_comes_out_again(wrapped):
    content = b"".join(der.wrap(tag, body) for tag, body in wrapped)

    assert [(tag, body) for tag, body, _ in der.values(content)] == wrapped


@given(st.data())
def test_a_value_that_is_cut_off_anywhere_is_refused(data):
    whole = der.wrap(0x30, bytes(data.draw(st.sampled_from(LENGTHS))))
    cut = data.draw(st.integers(1, len(whole) - 1))

    with pytest.raises(ValueError, match="encoding"):
        list(der.values(whole[:cut]))


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_is_written_in_as_few_bytes_as_it_needs(length):
    header = der.wrap(0x04, bytes(length))[:-length] if length else der.wrap(0x04, b"")

    digits = (length.bit_length() + 7) // 8
    assert len(header) == (2 if length < 128 else 2 + digits)


@pytest.mark.parametrize("content", [b"\x30\x80\x00\x00", b"\x30\x82", b"\x30\x82\x00", b"\x30"])
def test_an_indefinite_or_broken_length_is_refused(content):
    with pytest.raises(ValueError, match="encoding"):
        list(der.values(content))


def test_a_certificate_comes_apart_and_together_again():
    certificate = read(LEAF)
    whole = encoded(LEAF)

    again = der.certificate(
        certificate.tbs_certificate_bytes, der.algorithm_of(whole), certificate.signature
    )

    assert again == whole


def test_a_broken_signature_differs_in_one_bit():
    whole = encoded(LEAF)

    broken = der.with_broken_signature(whole)

    assert len(broken) == len(whole)
    differing = [a ^ b for a, b in zip(whole, broken, strict=True) if a != b]
    assert differing == [1]
    assert broken.startswith(whole[:-1])


def test_version_1_loses_version_and_extensions_and_keeps_the_rest():
    tbs = read(LEAF).tbs_certificate_bytes
    (_, inside, _) = next(der.values(tbs))
    before = [whole for _, _, whole in der.values(inside)]

    (_, kept, _) = next(der.values(der.as_version_1(tbs)))

    assert [whole for _, _, whole in der.values(kept)] == before[1:-1]


def test_another_algorithm_stands_where_the_old_one_stood():
    tbs, old = read(LEAF).tbs_certificate_bytes, der.algorithm_of(encoded(LEAF))

    changed = der.with_algorithm(tbs, old, der.ECDSA_WITH_SHA1)

    assert changed.count(der.ECDSA_WITH_SHA1) == tbs.count(old) == 1
    assert der.with_algorithm(changed, der.ECDSA_WITH_SHA1, old) == tbs


def test_a_key_of_two_halves_is_read_as_it_was_written():
    ours, theirs = pki().key(LEAF), pki().key(OTHER_LEAF)
    point = serialization.PublicFormat.UncompressedPoint
    public = ours.public_key().public_bytes(serialization.Encoding.X962, point)

    def written(private):
        pem = der.p256_key_pem(private=private.private_numbers().private_value, public=public)
        return crypto.load_privatekey(crypto.FILETYPE_PEM, pem)

    def public_der(key):
        return crypto.dump_publickey(crypto.FILETYPE_ASN1, key)

    whole, mixed = written(ours), written(theirs)
    assert public_der(whole) == public_der(mixed)
    assert whole.to_cryptography_key().private_numbers() == ours.private_numbers()


def test_a_small_private_number_keeps_its_leading_zeros():
    point = serialization.PublicFormat.UncompressedPoint
    public = pki().key(ROOT).public_key().public_bytes(serialization.Encoding.X962, point)

    pem = der.p256_key_pem(private=1, public=public)

    assert crypto.load_privatekey(crypto.FILETYPE_PEM, pem).bits() == 256
    body = b"".join(pem.splitlines()[1:-1])
    ((_, inside, _),) = der.values(base64.b64decode(body))
    assert [value for tag, value, _ in der.values(inside) if tag == 0x04] == [bytes(31) + b"\x01"]
