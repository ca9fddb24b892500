from __future__ import annotations

import datetime as dt

import pytest
from builders import pki
from hypothesis import given
from hypothesis import strategies as st

from flb_handshake import trust
from flb_handshake.certificates import (
    CLIENT,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_LEAF,
    ROOT,
    At,
    Tamper,
    Usage,
    chain,
    expired,
    named,
    not_a_ca,
    not_yet_valid,
    path_length,
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
    for found in trust.certificates(broken):
        trust.names(found)
        trust.extended_usages(found)


@given(st.text())
def test_no_name_crashes_the_comparison(name):
    assert trust.bears_name(certificate("a.test"), name) in {True, False}
