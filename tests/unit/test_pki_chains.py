"""Chains, CRLs and keys fit together as they are meant to, or do not."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from minted import openssl_says, pki, read
from OpenSSL import SSL, crypto

from flb_handshake.certificates import (
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    SELF_SIGNED,
    Key,
    authority,
    chain,
    expired,
    long_chain,
    named,
    revoked,
)
from flb_handshake.pki import Pki

# Chains.


@pytest.mark.parametrize(
    ("made", "anchor", "code"),
    [
        (HEALTHY.sending(LEAF, name="no intermediate"), ROOT, 20),
        (HEALTHY.sending(LEAF, ROOT, INTERMEDIATE, name="out of order"), ROOT, 0),
        (HEALTHY.sending(LEAF, INTERMEDIATE, OTHER_ROOT, name="extra"), ROOT, 0),
        (HEALTHY.sending(LEAF, INTERMEDIATE, ROOT, name="whole"), OTHER_ROOT, 19),
        (chain(SELF_SIGNED), ROOT, 18),
        (chain(SELF_SIGNED), SELF_SIGNED, 0),
        (chain(OTHER_LEAF), ROOT, 20),
        (long_chain(12), ROOT, 0),
    ],
)
def test_openssl_says_of_a_chain_what_is_meant(made, anchor, code):
    assert openssl_says(made.sent, anchor) == code


def test_a_cross_signed_root_is_one_key_under_two_issuers():
    crossed = replace(ROOT, issuer=OTHER_ROOT)

    assert read(crossed).subject == read(ROOT).subject
    assert read(crossed).public_key() == read(ROOT).public_key()
    assert read(crossed).issuer == read(OTHER_ROOT).subject
    sent = (*HEALTHY.sent, crossed)
    assert openssl_says(sent, OTHER_ROOT) == 0
    assert openssl_says(sent, ROOT) == 0


def test_a_crl_lists_the_revoked_of_its_issuer_and_no_others():
    gone, kept = LEAF.but(revoked()), LEAF
    elsewhere = replace(OTHER_LEAF, revoked=True)
    for spec in (gone, kept, elsewhere):
        read(spec)

    crl = x509.load_pem_x509_crl(pki().crl_pem(INTERMEDIATE))
    assert crl.issuer == read(INTERMEDIATE).subject
    assert crl.is_signature_valid(read(INTERMEDIATE).public_key())
    assert [one.serial_number for one in crl] == [read(gone).serial_number]
    pem = pki().crl_pem(INTERMEDIATE)
    assert openssl_says(chain(gone).sent, crls=[pem]) == 23
    assert openssl_says(chain(kept).sent, crls=[pem]) == 0


# Keys.


def test_a_key_is_written_in_the_clear_or_encrypted():
    plain, locked = pki().key_pem(LEAF), pki().key_pem(LEAF, "open sesame")

    public = read(LEAF).public_key()
    assert serialization.load_pem_private_key(plain, None).public_key() == public
    opened = serialization.load_pem_private_key(locked, b"open sesame")
    assert opened.public_key() == public
    assert b"ENCRYPTED" in locked
    with pytest.raises(TypeError):
        serialization.load_pem_private_key(locked, None)


def shake_hands(made):
    """A handshake through memory with a client that checks nothing; its error, if it has one."""
    server_context = SSL.Context(SSL.TLS_SERVER_METHOD)
    server_context.use_certificate(read(made.leaf))
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, pki().handshake_key(made))
    server_context.use_privatekey(key)
    server_context.check_privatekey()
    server = SSL.Connection(server_context, None)
    server.set_accept_state()
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    client.set_connect_state()
    for one, other in ((client, server), (server, client)) * 2:
        try:
            with suppress(SSL.WantReadError):
                one.do_handshake()
        except SSL.Error as error:
            return error
        with suppress(SSL.WantReadError):
            other.bio_write(one.bio_read(65536))
    return None


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL PKey objects:DeprecationWarning")
def test_the_key_of_another_certificate_is_served_and_signs_wrongly():
    assert shake_hands(HEALTHY) is None
    assert "signature" in str(shake_hands(HEALTHY.keyed_as(OTHER_LEAF)))


def test_a_wrong_key_can_only_be_made_of_two_p_256_keys():
    with pytest.raises(TypeError, match="P-256"):
        pki().handshake_key(HEALTHY.keyed_as(replace(OTHER_LEAF, key=Key.RSA_2048)))


# Many.


def test_hundreds_of_specs_share_what_they_have_in_common():
    fresh = Pki()
    specs = [LEAF.but(named(f"host{number}.example.test")) for number in range(100)]
    specs += [LEAF.but(named(HOST, common_name=f"cn{number}")) for number in range(100)]

    minted = {fresh.certificate(spec) for spec in (*specs, *specs)}

    assert len(minted) == 200
    assert {one.issuer for one in minted} == {fresh.certificate(INTERMEDIATE).subject}
    for one in minted:
        one.verify_directly_issued_by(fresh.certificate(INTERMEDIATE))
    keys = {fresh.key(spec) for spec in specs}
    assert len(keys) == 101  # those of one common name share theirs


def test_the_moment_of_minting_can_be_chosen():
    then = dt.datetime(2030, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
    past = Pki(then)

    certificate = past.certificate(LEAF.but(expired()))

    assert certificate.not_valid_after_utc == then - dt.timedelta(days=1)
    assert past.certificate(LEAF).not_valid_before_utc == then - dt.timedelta(hours=1)


def test_an_authority_of_a_name_of_its_own_can_issue():
    own = authority("Somebody's own root")
    leaf = replace(LEAF, issuer=own)

    assert openssl_says(chain(leaf).sent, own) == 0
