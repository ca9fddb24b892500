"""A chain of ours in the shape of another's, and what of it a CA file holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from minted import openssl_says, pki, read

from flb_handshake.certificates import (
    HEALTHY,
    INTERMEDIATE,
    LEAF,
    OTHER_INTERMEDIATE,
    OTHER_ROOT,
    ROOT,
    SELF_SIGNED,
    Key,
    Usage,
    chain,
    constrained,
    expired,
    keyed,
    long_chain,
    named,
    not_a_ca,
    not_yet_valid,
    path_length,
    usage,
)
from flb_handshake.errors import CertificateFileError, UserMistake
from flb_handshake.likeness import server
from flb_handshake.likeness.look_alike import look_alike

EXPIRED = 10
NOT_YET = 9
NO_ISSUER = 20
NOT_A_CA = {24, 79}  # OpenSSL 3.0 and later say 79


def alike(*sent):
    return look_alike([read(one) for one in sent], pki().now)


def verdict(made, *anchors):
    return openssl_says(made.chain.sent, *(anchors or (made.chain.root,)))


@pytest.mark.parametrize("theirs", [HEALTHY, long_chain(5), chain(SELF_SIGNED)])
def test_a_chain_that_can_be_trusted_has_a_look_alike_that_can(theirs):
    made = alike(*theirs.sent)
    assert len(made.chain.sent) == len(theirs.sent)
    assert verdict(made) == 0
    assert verdict(made, OTHER_ROOT) != 0


def test_names_usages_limits_and_keys_are_kept():
    theirs = HEALTHY.but(named("a.example.com", "*.b.example.com", ips=("192.0.2.7",)))
    leaf = alike(*theirs.sent).chain.leaf
    assert (leaf.dns, leaf.ips) == (("a.example.com", "*.b.example.com"), ("192.0.2.7",))
    spec = replace(LEAF, usages=(Usage.CLIENT,), key=Key.RSA_2048)
    leaf = alike(spec).chain.leaf
    assert (leaf.usages, leaf.key) == ((Usage.CLIENT,), Key.RSA_2048)
    assert alike(LEAF.but(usage())).chain.leaf.usages is None
    above = INTERMEDIATE.but(path_length(0)).but(constrained(permitted=("example.com",)))
    made = alike(replace(LEAF, issuer=above), above).chain.leaf.issuer
    assert (made.path_length, made.permitted) == (0, ("example.com",))
    assert alike(LEAF.but(keyed(Key.P384))).chain.leaf.key is Key.P384
    assert alike(LEAF.but(keyed(Key.ED25519))).chain.leaf.key is Key.ED25519


@pytest.mark.parametrize(("defect", "code"), [(expired(), EXPIRED), (not_yet_valid(), NOT_YET)])
def test_what_is_over_stays_over(defect, code):
    made = alike(*HEALTHY.but(defect).sent)
    assert verdict(made) == code


def test_an_issuer_that_is_no_ca_stays_none():
    broken = INTERMEDIATE.but(not_a_ca())
    assert verdict(alike(replace(LEAF, issuer=broken), broken)) in NOT_A_CA


def test_an_intermediate_that_was_not_sent_is_missing_here_too():
    made = alike(LEAF)
    assert len(made.chain.sent) == 1
    # Its issuer stands for whoever issued it, and that one was not seen to be a root.
    assert made.missing_issuer == read(LEAF).issuer
    assert made.anchors([read(ROOT)]) == (OTHER_ROOT,)
    assert made.anchors([read(INTERMEDIATE)]) == (made.chain.root,)


def test_order_and_what_does_not_belong_are_kept():
    made = alike(LEAF, ROOT, OTHER_INTERMEDIATE, INTERMEDIATE)
    assert [one.common_name for one in made.chain.sent] == [
        made.chain.leaf.common_name,
        *(one for one in ("Handshake Root", "Unrelated Intermediate", "Handshake Intermediate")),
    ]
    assert verdict(made) == 0


def test_a_ca_file_holds_what_stands_for_its_own():
    whole = alike(LEAF, INTERMEDIATE, ROOT)
    assert whole.anchors([read(ROOT)]) == (whole.chain.root,)
    assert whole.anchors([read(OTHER_ROOT)]) == (OTHER_ROOT,)
    assert whole.anchors([read(INTERMEDIATE)]) == (whole.chain.intermediate,)
    assert whole.anchors([]) == ()
    short = alike(LEAF, INTERMEDIATE)
    assert short.anchors([read(OTHER_ROOT), read(ROOT)]) == (OTHER_ROOT, short.chain.root)
    # Of the same name, but another key: as a CA that was renewed.
    renewed = replace(ROOT, key_label="renewed")
    assert short.anchors([read(renewed)]) == (OTHER_ROOT,)
    assert whole.anchors([read(renewed)]) == (OTHER_ROOT,)


@pytest.mark.parametrize("text", ["host", "host:", ":443", "host:0", "host:65536", "host:x", ""])
def test_what_is_no_address_is_said_to_be_none(text):
    with pytest.raises(UserMistake, match="this is no HOST:PORT"):
        server.address(text)


def test_addresses_are_taken_apart():
    assert server.address("logs.example.com:443") == ("logs.example.com", 443)
    assert server.address("[2001:db8::1]:24224") == ("2001:db8::1", 24224)


def test_a_file_without_a_chain_is_said_to_have_none():
    with pytest.raises(CertificateFileError, match=r"x\.pem: there is no certificate"):
        server.saved("-----BEGIN CERTIFICATE-----\nAAAA\n", "x.pem")
    assert len(server.saved(pki().pem(*HEALTHY.sent).decode(), "x.pem").chain) == 2
