"""When certificates are valid: too old, too young, and where in the chain."""

from __future__ import annotations

from datetime import timedelta

from flb_handshake.declare import (
    HEALTHY,
    At,
    Case,
    Mode,
    Outcome,
    case,
    delivered,
    expired,
    matrix,
    not_yet_valid,
    output,
    refused,
)

_VERIFYING = (Mode.VERIFY_PEER, Mode.VERIFY_HOST)
_PLACES = (At.LEAF, At.INTERMEDIATE, At.ROOT)
_AGES = {
    "a_minute": timedelta(minutes=1),
    "a_day": timedelta(days=1),
    "ten_years": timedelta(days=3650),
}


@matrix(mode=_VERIFYING, at=_PLACES)
def too_old(mode: Mode, at: At) -> Case:
    """A certificate of the chain ended yesterday; the root in CA.File is checked as well."""
    return case(
        output(mode).but(chain=HEALTHY.but(expired(), at=at)), refused("certificate_expired")
    )


@matrix(mode=_VERIFYING, at=_PLACES)
def too_young(mode: Mode, at: At) -> Case:
    """A certificate of the chain begins tomorrow: the alert says bad_certificate, not a date."""
    return case(
        output(mode).but(chain=HEALTHY.but(not_yet_valid(), at=at)), refused("bad_certificate")
    )


@matrix(mode=_VERIFYING, ago=tuple(_AGES))
def by_how_much(mode: Mode, ago: str) -> Case:
    """A minute is as bad as ten years: there is no grace."""
    setup = output(mode).but(chain=HEALTHY.but(expired(_AGES[ago])))
    return case(setup, refused("certificate_expired"))


@matrix(ahead=tuple(_AGES))
def clock_behind(ahead: str) -> Case:
    """An agent whose clock runs behind sees a fresh certificate as not yet valid."""
    setup = output(Mode.VERIFY_PEER).but(chain=HEALTHY.but(not_yet_valid(_AGES[ahead])))
    return case(setup, refused("bad_certificate"))


@matrix(at=_PLACES, age=("expired", "not_yet_valid"))
def unverified(at: At, age: str) -> Case:
    """With Mode none no date is looked at."""
    wrong = expired() if age == "expired" else not_yet_valid()
    setup = output(Mode.NONE).but(chain=HEALTHY.but(wrong, at=at))
    return case(setup, delivered(), should=Outcome.REFUSED_BY_AGENT)
