"""What must not be let through: the healthy peer of a section, with one thing wrong at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from cryptography.hazmat.primitives import serialization

from flb_handshake import trust
from flb_handshake.behaviours import Cleartext
from flb_handshake.certificates import (
    OTHER_CLIENT,
    OTHER_HOST,
    OTHER_LEAF,
    SELF_SIGNED,
    chain,
    expired,
    named,
)
from flb_handshake.config.words import Kind
from flb_handshake.model import CAFile, Setup
from flb_handshake.trials.proxied import presenting
from flb_handshake.trials.stand_ins import StandIn, bearing


class Wrong(StrEnum):
    """The one thing that is wrong with the peer."""

    OTHER_CA = "another CA"
    NAME = "wrong name"
    EXPIRED = "expired"
    SELF_SIGNED = "self-signed"
    NO_INTERMEDIATE = "missing intermediate"
    CLEARTEXT = "cleartext"
    ANONYMOUS = "no client certificate"
    FOREIGN = "client of another CA"
    EXPIRED_CLIENT = "expired client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A setup that a careful operator would want refused."""

    wrong: Wrong
    setup: Setup


def mutants(stood: StandIn) -> tuple[Mutant, ...]:
    """All that can be wrong with the peer of this section; its healthy setup is their twin.

    What only the issuer could make (expired, another name) is left out where the peer's chain is
    the user's own.
    """
    if stood.section.kind is Kind.INPUT:
        return tuple(_of_input(stood))
    if stood.healthy.collector.files is not None:
        return tuple(_of_own_output(stood))
    return tuple(_of_output(stood))


def _of_own_output(stood: StandIn) -> Iterator[Mutant]:
    whole, called = stood.healthy, bearing(stood.name)
    foreign = whole.but(files=None, chain=chain(OTHER_LEAF.but(called)))
    yield Mutant(wrong=Wrong.OTHER_CA, setup=foreign)
    lone = whole.but(files=None, chain=chain(SELF_SIGNED.but(called)))
    yield Mutant(wrong=Wrong.SELF_SIGNED, setup=lone)
    sent, key = whole.collector.files or ("", "")
    leaf, *above = trust.certificates(sent)
    if above:
        text = leaf.public_bytes(serialization.Encoding.PEM).decode()
        yield Mutant(wrong=Wrong.NO_INTERMEDIATE, setup=whole.but(files=(text, key)))
    yield Mutant(wrong=Wrong.CLEARTEXT, setup=whole.but(behaviour=Cleartext()))


def _of_output(stood: StandIn) -> Iterator[Mutant]:
    whole, called = stood.healthy, bearing(stood.name)
    proxy = whole.collector.proxy
    presented = proxy.chain if proxy and proxy.chain else whole.collector.chain
    # The system's own store, where one was made of the healthy peer's root: it has neither of both.
    made_of_it = stood.trusts is CAFile.SYSTEM and proxy is None
    stranger = whole.but(ca=CAFile.UNSET) if made_of_it else whole
    foreign = presenting(stranger, chain(OTHER_LEAF.but(called)))
    yield Mutant(wrong=Wrong.OTHER_CA, setup=replace(foreign, whole=whole))
    if stood.trusts is not CAFile.SELF_SIGNED_LEAF:
        # What trusts one certificate by itself trusts it whatever name it bears.
        yield Mutant(wrong=Wrong.NAME, setup=presenting(whole, presented.but(named(OTHER_HOST))))
        lone = presenting(stranger, chain(SELF_SIGNED.but(called)))
        yield Mutant(wrong=Wrong.SELF_SIGNED, setup=replace(lone, whole=whole))
    yield Mutant(wrong=Wrong.EXPIRED, setup=presenting(whole, presented.but(expired())))
    if stood.trusts not in {CAFile.INTERMEDIATE, CAFile.SELF_SIGNED_LEAF}:
        short = presented.sending(presented.leaf, name="without its intermediate")
        yield Mutant(wrong=Wrong.NO_INTERMEDIATE, setup=presenting(whole, short))
    if proxy is None:
        yield Mutant(wrong=Wrong.CLEARTEXT, setup=whole.but(behaviour=Cleartext()))


def _of_input(stood: StandIn) -> Iterator[Mutant]:
    whole = stood.healthy
    presented = whole.shipper.chain
    yield Mutant(wrong=Wrong.ANONYMOUS, setup=whole.but(chain=None, files=None))
    yield Mutant(wrong=Wrong.FOREIGN, setup=whole.but(chain=chain(OTHER_CLIENT), files=None))
    if presented is not None:
        old = presented.but(expired())
        yield Mutant(wrong=Wrong.EXPIRED_CLIENT, setup=whole.but(chain=old))
    yield Mutant(wrong=Wrong.CLEARTEXT, setup=whole.but(behaviour=Cleartext()))
