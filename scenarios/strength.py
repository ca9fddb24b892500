"""Keys and signatures, from too weak to unusual."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    At,
    Case,
    Does,
    Key,
    Mode,
    Outcome,
    case,
    delivered,
    keyed,
    matrix,
    output,
    refused,
    sha1,
)

_VERIFYING = (Mode.VERIFY_PEER, Mode.VERIFY_HOST)

_LEAF_KEYS: dict[Key, Does] = {
    Key.RSA_1024: refused("bad_certificate"),
    Key.RSA_2048: delivered(),
    Key.RSA_4096: delivered(),
    Key.P384: delivered(),
    Key.ED25519: delivered(),
}


@matrix(mode=_VERIFYING, key=tuple(_LEAF_KEYS))
def leaf_key(mode: Mode, key: Key) -> Case:
    """The kind of the collector's key. At security level 2 a key of 1024 bits is too weak."""
    return case(output(mode).but(chain=HEALTHY.but(keyed(key))), _LEAF_KEYS[key])


@matrix(mode=_VERIFYING, key=(Key.RSA_1024, Key.RSA_2048, Key.P384, Key.ED25519))
def intermediate_key(mode: Mode, key: Key) -> Case:
    """The kind of the authority's key, which signs the collector's certificate."""
    does = refused("bad_certificate") if key is Key.RSA_1024 else delivered()
    return case(output(mode).but(chain=HEALTHY.but(keyed(key), at=At.INTERMEDIATE)), does)


@matrix(key=(Key.RSA_1024,))
def weak_key_unverified(key: Key) -> Case:
    """Without verification the strength of a key does not matter either."""
    setup = output(Mode.NONE).but(chain=HEALTHY.but(keyed(key)))
    return case(setup, delivered(), should=Outcome.REFUSED_BY_AGENT)


@matrix(mode=_VERIFYING, at=(At.LEAF, At.INTERMEDIATE, At.ROOT))
def sha1_signature(mode: Mode, at: At) -> Case:
    """Signed with SHA-1. The signature of a root is never looked at."""
    does = delivered() if at is At.ROOT else refused("bad_certificate")
    return case(output(mode).but(chain=HEALTHY.but(sha1(), at=at)), does)
