"""Whose signature leads where: anchors, intermediates, and chains put together wrongly."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_INTERMEDIATE,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    SELF_SIGNED,
    At,
    CAFile,
    Case,
    CertSpec,
    Chain,
    Does,
    File,
    Mode,
    Outcome,
    Tamper,
    case,
    certificate_file,
    chain,
    constrained,
    delivered,
    long_chain,
    matrix,
    no_basic_constraints,
    not_a_ca,
    output,
    path_length,
    refused,
    revoked,
    tampered,
    unknown_critical_extension,
)

_VERIFYING = (Mode.VERIFY_PEER, Mode.VERIFY_HOST)


def _served(mode: Mode, presented: Chain, does: Does, should: Outcome | None = None) -> Case:
    return case(output(mode).but(chain=presented), does, should=should)


@matrix(mode=_VERIFYING)
def untrusted_root(mode: Mode) -> Case:
    """An impostor with the right name, certified by an authority that CA.File does not hold."""
    setup = output(mode).but(chain=chain(OTHER_LEAF, name="another authority's"), ca=_right_root())
    return case(setup, refused("unknown_ca"))


@matrix(mode=_VERIFYING)
def same_named_root(mode: Mode) -> Case:
    """The impostor's root bears the very name of the right one: the key decides, not the name."""
    twin = CertSpec(
        common_name=ROOT.common_name,
        ca=True,
        usages=None,
        key_label="impostor",
    )
    between = CertSpec(
        common_name=INTERMEDIATE.common_name,
        issuer=twin,
        ca=True,
        usages=None,
        key_label="impostor",
    )
    leaf = CertSpec(common_name=HOST, issuer=between, dns=(HOST,), key_label="impostor")
    setup = output(mode).but(chain=chain(leaf, name="a root of the same name"), ca=_right_root())
    return case(setup, refused("unknown_ca"))


@matrix(mode=_VERIFYING)
def self_signed_leaf(mode: Mode) -> Case:
    """The collector signed its own certificate, and CA.File does not hold it."""
    setup = output(mode).but(chain=chain(SELF_SIGNED, name="self-signed"), ca=_right_root())
    return case(setup, refused("unknown_ca"))


@matrix(mode=_VERIFYING)
def missing_intermediate(mode: Mode) -> Case:
    """The collector sends its leaf alone: the way to the root is broken."""
    return _served(mode, HEALTHY.sending(LEAF, name="no intermediate"), refused("unknown_ca"))


@matrix(mode=_VERIFYING)
def reversed_chain(mode: Mode) -> Case:
    """Leaf, root, intermediate: TLS 1.3 and OpenSSL take issuers in any order."""
    return _served(
        mode, HEALTHY.sending(LEAF, ROOT, INTERMEDIATE, name="issuers in reverse"), delivered()
    )


@matrix(mode=_VERIFYING)
def root_sent_too(mode: Mode) -> Case:
    """The collector sends the root as well, which is superfluous and harmless."""
    return _served(
        mode, HEALTHY.sending(LEAF, INTERMEDIATE, ROOT, name="with its root"), delivered()
    )


@matrix(mode=_VERIFYING)
def unrelated_extras(mode: Mode) -> Case:
    """Certificates of another authority among those sent do no harm."""
    sent = (LEAF, OTHER_ROOT, OTHER_INTERMEDIATE, INTERMEDIATE)
    return _served(mode, HEALTHY.sending(*sent, name="with unrelated extras"), delivered())


@matrix(mode=_VERIFYING)
def leaf_sent_twice(mode: Mode) -> Case:
    """The leaf stands twice at the head of what is sent, as careless bundling makes it."""
    return _served(mode, HEALTHY.sending(LEAF, LEAF, INTERMEDIATE, name="leaf twice"), delivered())


@matrix(mode=_VERIFYING, ca=(CAFile.OTHER_ROOT, CAFile.ROOT))
def cross_signed_root(mode: Mode, ca: CAFile) -> Case:
    """The new root is also sent signed by an older one: either anchor is enough."""
    crossed = CertSpec(
        common_name=ROOT.common_name,
        issuer=OTHER_ROOT,
        ca=True,
        usages=None,
        not_before=ROOT.not_before,
        not_after=ROOT.not_after,
    )
    sent = HEALTHY.sending(LEAF, INTERMEDIATE, crossed, name="cross-signed root")
    return case(output(mode).but(chain=sent, ca=ca), delivered())


@matrix(mode=_VERIFYING)
def issuer_is_no_authority(mode: Mode) -> Case:
    """The issuer says CA:FALSE of itself: any holder of a certificate could sign another."""
    return _served(mode, HEALTHY.but(not_a_ca(), at=At.INTERMEDIATE), refused("unknown_ca"))


@matrix(mode=_VERIFYING)
def issuer_without_basic_constraints(mode: Mode) -> Case:
    """The issuer does not say that it is an authority."""
    presented = HEALTHY.but(no_basic_constraints(), at=At.INTERMEDIATE)
    return _served(mode, presented, refused("unknown_ca"))


@matrix(mode=_VERIFYING, at=(At.INTERMEDIATE, At.ROOT))
def path_length_exceeded(mode: Mode, at: At) -> Case:
    """More intermediates follow than the authority allows.

    pathlen:0 on the root forbids the one intermediate; on the intermediate it forbids none, so one
    more intermediate is put between.
    """
    if at is At.ROOT:
        return _served(mode, HEALTHY.but(path_length(0), at=At.ROOT), refused("unknown_ca"))
    limited = INTERMEDIATE.but(path_length(0))
    second = CertSpec(common_name="Second Intermediate", issuer=limited, ca=True, usages=None)
    leaf = CertSpec(common_name=HOST, issuer=second, dns=(HOST,))
    return _served(mode, chain(leaf, name="one intermediate too many"), refused("unknown_ca"))


@matrix(mode=_VERIFYING, at=(At.INTERMEDIATE, At.ROOT))
def name_constraint_kept(mode: Mode, at: At) -> Case:
    """The authority may certify names under example.test, and did."""
    return _served(mode, HEALTHY.but(constrained(permitted=("example.test",)), at=at), delivered())


@matrix(mode=_VERIFYING, kind=("permitted", "excluded"))
def name_constraint_broken(mode: Mode, kind: str) -> Case:
    """The authority may not certify this name: it permits only others, or excludes this one."""
    broken = (
        constrained(permitted=("elsewhere.test",))
        if kind == "permitted"
        else constrained(excluded=("example.test",))
    )
    return _served(mode, HEALTHY.but(broken, at=At.INTERMEDIATE), refused("certificate_unknown"))


@matrix(mode=_VERIFYING, at=(At.LEAF, At.INTERMEDIATE))
def bad_signature(mode: Mode, at: At) -> Case:
    """A certificate was changed after it was signed."""
    presented = HEALTHY.but(tampered(Tamper.BAD_SIGNATURE), at=at)
    return _served(mode, presented, refused("decrypt_error"))


@matrix(mode=(Mode.NONE, *_VERIFYING))
def key_of_another_certificate(mode: Mode) -> Case:
    """The collector shows a certificate whose key it does not have.

    Even without verification TLS itself notices: the signature of the handshake does not match.
    """
    return _served(mode, HEALTHY.keyed_as(OTHER_LEAF), refused("decrypt_error"))


@matrix(mode=_VERIFYING, at=(At.LEAF, At.INTERMEDIATE))
def critical_extension(mode: Mode, at: At) -> Case:
    """An extension that nobody knows is marked critical: it must not be passed over."""
    return _served(
        mode, HEALTHY.but(unknown_critical_extension(), at=at), refused("certificate_unknown")
    )


@matrix(mode=_VERIFYING, at=(At.LEAF, At.INTERMEDIATE))
def revoked_certificate(mode: Mode, at: At) -> Case:
    """The authority has revoked it, and its CRL even stands in CA.File: nothing looks at it."""
    setup = output(mode).but(chain=HEALTHY.but(revoked(), at=at), ca=CAFile.ROOT_AND_CRL)
    return case(setup, delivered(), should=Outcome.REFUSED_BY_AGENT)


@matrix(mode=_VERIFYING)
def chain_of_twelve(mode: Mode) -> Case:
    """Twelve certificates from leaf to root are not too many."""
    return _served(mode, long_chain(12), delivered())


def _right_root() -> File:
    return certificate_file(chain(ROOT))
