"""Certificates as declarations: one thing wrong at a time, and nothing else changed."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from flb_handshake import certificates
from flb_handshake.certificates import (
    CLIENT,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_HOST,
    OTHER_LEAF,
    ROOT,
    SELF_SIGNED,
    At,
    CertSpec,
    Key,
    Tamper,
    Usage,
    authority,
    chain,
    constrained,
    expired,
    keyed,
    long_chain,
    named,
    no_basic_constraints,
    not_a_ca,
    not_yet_valid,
    path_length,
    revoked,
    sha1,
    tampered,
    unknown_critical_extension,
    usage,
)

NOW = timedelta(0)

# Each defect, the fields that it may touch, and its name for people.
DEFECTS = [
    (expired(), {"not_before", "not_after"}, "expired"),
    (not_yet_valid(), {"not_before", "not_after"}, "not yet valid"),
    (named(OTHER_HOST), {"dns", "ips"}, "names other.example.test"),
    (named(), {"dns", "ips"}, "names none"),
    (named(ips=("127.0.0.1",)), {"dns", "ips"}, "names 127.0.0.1"),
    (named("a", "b", common_name="c"), {"dns", "ips", "common_name"}, "names a, b"),
    (named(*"abcdef"), {"dns", "ips"}, "names a and 5 more"),
    (usage(Usage.CLIENT), {"usages"}, "EKU clientAuth"),
    (usage(), {"usages"}, "EKU absent"),
    (not_a_ca(), {"ca"}, "CA:FALSE"),
    (no_basic_constraints(), {"ca"}, "no basicConstraints"),
    (path_length(0), {"path_length"}, "pathlen:0"),
    (constrained(permitted=("a", "b")), {"permitted"}, "nameConstraints permitted a, permitted b"),
    (constrained(excluded=("a",)), {"excluded"}, "nameConstraints excluded a"),
    (keyed(Key.RSA_1024), {"key"}, "key RSA 1024"),
    (sha1(), {"digest"}, "SHA-1 signature"),
    (tampered(Tamper.VERSION_1), {"tamper"}, "version 1"),
    (tampered(Tamper.BAD_SIGNATURE), {"tamper"}, "bad signature"),
    (unknown_critical_extension(), {"critical_extension"}, "unknown critical extension"),
    (revoked(), {"revoked"}, "revoked"),
]


def changed(before: CertSpec, after: CertSpec) -> set[str]:
    return {
        one.name
        for one in fields(CertSpec)
        if getattr(before, one.name) != getattr(after, one.name)
    }


@pytest.mark.parametrize(
    ("defect", "touches", "name"), DEFECTS, ids=[defect.name for defect, _, _ in DEFECTS]
)
def test_a_defect_is_named_and_changes_its_own_fields_only(defect, touches, name):
    whole = INTERMEDIATE if touches & {"ca", "path_length"} else LEAF

    broken = whole.but(defect)

    assert defect.name == name
    assert broken != whole
    assert changed(whole, broken) <= touches
    assert whole.but(defect) == broken


def test_no_usage_at_all_is_no_extension_and_not_an_empty_one():
    assert LEAF.but(usage()).usages is None


def test_every_maker_of_defects_is_tried_here():
    makers = {
        name
        for name, maker in vars(certificates).items()
        if getattr(maker, "__annotations__", {}).get("return") == "Defect" and name[0] != "_"
    }

    assert makers <= set(globals())


def test_an_unknown_field_is_no_defect():
    with pytest.raises(TypeError):
        LEAF.but(certificates.Defect(name="nonsense", fields=(("colour", "red"),)))


@pytest.mark.parametrize("days", [1, 400])
def test_an_expired_certificate_was_valid_once_and_ended_when_it_says(days):
    spec = LEAF.but(expired(timedelta(days=days)))

    assert spec.not_before < spec.not_after == -timedelta(days=days)


@pytest.mark.parametrize("days", [1, 400])
def test_a_certificate_that_is_not_yet_valid_will_be(days):
    spec = LEAF.but(not_yet_valid(timedelta(days=days)))

    assert timedelta(days=days) == spec.not_before < spec.not_after


@pytest.mark.parametrize("spec", [ROOT, INTERMEDIATE, LEAF, CLIENT, OTHER_LEAF, SELF_SIGNED])
def test_what_is_healthy_is_valid_now(spec):
    assert spec.not_before < NOW < spec.not_after


def test_equal_specs_are_equal_whatever_led_to_them():
    again = LEAF.but(named(OTHER_HOST)).but(named(HOST))

    assert again == LEAF
    assert hash(again) == hash(LEAF)
    assert {LEAF: "known"}[again] == "known"


def test_a_path_leads_up_to_the_self_signed_one():
    assert LEAF.path == (LEAF, INTERMEDIATE, ROOT)
    assert SELF_SIGNED.path == (SELF_SIGNED,)


def test_a_healthy_chain_sends_all_but_the_root():
    assert HEALTHY.sent == (LEAF, INTERMEDIATE)
    assert (HEALTHY.leaf, HEALTHY.intermediate, HEALTHY.root) == (LEAF, INTERMEDIATE, ROOT)


def test_a_self_signed_leaf_is_sent_and_is_its_own_root():
    alone = chain(SELF_SIGNED)

    assert alone.sent == (SELF_SIGNED,)
    assert (alone.intermediate, alone.root) == (SELF_SIGNED, SELF_SIGNED)


@pytest.mark.parametrize(("at", "index"), [(At.LEAF, 0), (At.INTERMEDIATE, 1), (At.ROOT, 2)])
def test_a_defect_is_placed_where_it_is_wanted_and_what_is_below_is_issued_anew(at, index):
    broken = HEALTHY.but(expired(), at=at)

    path = broken.leaf.path
    assert [spec.not_after < NOW for spec in path] == [place == index for place in range(3)]
    assert path[index] == replace(
        HEALTHY.leaf.path[index].but(expired()), issuer=path[index].issuer
    )
    assert path[index + 1 :] == HEALTHY.leaf.path[index + 1 :]
    assert broken.sent == path[:-1]
    assert broken.name == f"expired at {at}"


def test_two_defects_can_be_placed_one_after_the_other():
    broken = HEALTHY.but(expired()).but(sha1(), at=At.INTERMEDIATE)

    assert broken.leaf.not_after < NOW
    assert broken.intermediate.digest == "sha1"


def test_what_is_sent_is_data_and_the_leaf_stays():
    reversed_ = HEALTHY.sending(INTERMEDIATE, LEAF, name="reversed")

    assert reversed_.sent == (INTERMEDIATE, LEAF)
    assert (reversed_.leaf, reversed_.key_of, reversed_.name) == (LEAF, None, "reversed")


def test_a_wrong_key_leaves_the_certificates_as_they_are():
    wrong = HEALTHY.keyed_as(OTHER_LEAF)

    assert (wrong.leaf, wrong.sent) == (HEALTHY.leaf, HEALTHY.sent)
    assert wrong.key_of == OTHER_LEAF


@pytest.mark.parametrize("length", [2, 3, 12])
def test_a_long_chain_has_its_length_the_root_included(length):
    made = long_chain(length)

    assert len(made.leaf.path) == length
    assert len(set(made.leaf.path)) == length
    assert made.leaf.path[-1] == ROOT
    assert all(spec.ca for spec in made.leaf.path[1:])
    assert made.leaf.dns == (HOST,)


def test_an_authority_is_one_and_an_impostor_shares_nothing_but_the_names():
    assert authority("Somebody").ca is True
    assert OTHER_LEAF.dns == LEAF.dns
    assert OTHER_LEAF.common_name == LEAF.common_name
    assert OTHER_LEAF.key_label != LEAF.key_label
    assert not set(OTHER_LEAF.path) & set(LEAF.path)
