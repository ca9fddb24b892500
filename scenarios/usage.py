"""What a certificate may be used for: extended key usage, on the leaf and above it."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    At,
    Case,
    Does,
    Mode,
    Tamper,
    Usage,
    case,
    delivered,
    matrix,
    output,
    refused,
    tampered,
    usage,
)

_VERIFYING = (Mode.VERIFY_PEER, Mode.VERIFY_HOST)

_LEAF_USAGES: dict[str, tuple[tuple[Usage, ...], Does]] = {
    "server_only": ((Usage.SERVER,), delivered()),
    "client_only": ((Usage.CLIENT,), refused("unsupported_certificate")),
    "absent": ((), delivered()),
}

_ISSUER_USAGES: dict[str, tuple[tuple[Usage, ...], Does]] = {
    "server_only": ((Usage.SERVER,), delivered()),
    "client_only": ((Usage.CLIENT,), refused("unsupported_certificate")),
}


@matrix(mode=_VERIFYING, eku=tuple(_LEAF_USAGES))
def leaf(mode: Mode, eku: str) -> Case:
    """The collector's certificate must allow a server, if it says anything of it at all."""
    usages, does = _LEAF_USAGES[eku]
    return case(output(mode).but(chain=HEALTHY.but(usage(*usages))), does)


@matrix(mode=_VERIFYING, eku=tuple(_ISSUER_USAGES))
def intermediate(mode: Mode, eku: str) -> Case:
    """An authority that is limited to other uses cannot certify a server."""
    usages, does = _ISSUER_USAGES[eku]
    return case(output(mode).but(chain=HEALTHY.but(usage(*usages), at=At.INTERMEDIATE)), does)


@matrix(mode=_VERIFYING)
def version_1_leaf(mode: Mode) -> Case:
    """A version 1 certificate has no extensions: its name stands in the CN, its uses are free."""
    return case(output(mode).but(chain=HEALTHY.but(tampered(Tamper.VERSION_1))), delivered())


@matrix(mode=_VERIFYING)
def version_1_issuer(mode: Mode) -> Case:
    """A version 1 certificate cannot say that it is an authority."""
    presented = HEALTHY.but(tampered(Tamper.VERSION_1), at=At.INTERMEDIATE)
    return case(output(mode).but(chain=presented), refused("unknown_ca"))
