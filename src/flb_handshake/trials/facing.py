"""An output of a user's configuration before the look-alike of a server that was seen."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509

from flb_handshake import trust
from flb_handshake.certificates import OTHER_ROOT, ROOT, CertSpec, Chain
from flb_handshake.config.dialling import LOOPBACK
from flb_handshake.config.looking import State, look
from flb_handshake.config.words import Property
from flb_handshake.likeness.look_alike import LookAlike, look_alike
from flb_handshake.likeness.server import Seen
from flb_handshake.model import CAFile, ClientAuth, File, Setup
from flb_handshake.peer.tls import VERSIONS
from flb_handshake.trials.stand_ins import StandIn

_ASSUMED: Final = "is not to be read here: it is taken to hold what the chain leads to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facing:
    """An output before the look-alike, and before a healthy peer."""

    setup: Setup
    healthy: Setup
    notes: tuple[str, ...]
    """What was assumed, and what cannot be the same here."""


def facing(stood: StandIn, seen: Seen, now: dt.datetime) -> Facing:
    """This output before a collector of the same shape, that negotiates the same."""
    alike = look_alike(seen.chain, now)
    ca, notes = _trusted(stood, alike, seen)
    setup = stood.healthy.but(
        chain=_here(alike.chain, stood.dials),
        ca=ca,
        max_version=seen.version if seen.version in VERSIONS else None,
        alpn=(seen.alpn,) if seen.alpn else (),
    )
    if seen.asks:
        wanted, said = _client_auth(stood, seen)
        notes += said
        setup = setup.but(
            client_auth=ClientAuth.DEMAND if seen.demands else ClientAuth.ASK,
            client_ca=wanted,
        )
    else:
        setup = setup.but(client_auth=ClientAuth.NONE, client_ca=None)
    return Facing(setup=setup, healthy=stood.healthy, notes=tuple(notes))


def _here(chain: Chain, dialled: str) -> Chain:
    """The chain with loopback in place of the address that is dialled."""
    if dialled not in chain.leaf.ips:
        return chain
    ips = tuple(LOOPBACK if one == dialled else one for one in chain.leaf.ips)
    leaf = replace(chain.leaf, ips=ips)
    sent = tuple(leaf if one == chain.leaf else one for one in chain.sent)
    return replace(chain, leaf=leaf, sent=sent)


def _trusted(
    stood: StandIn, alike: LookAlike, seen: Seen
) -> tuple[File | CAFile | None, list[str]]:
    """What stands in for its CA file before this chain, and what was assumed of it."""
    given = stood.section.find("tls.ca_file")
    if given is not None:
        held = _held(given)
        if held is None:
            root = File(certs=(alike.chain.root,), stem="ca")
            return root, [f"{given.value} {_ASSUMED}"]
        return File(certs=alike.anchors(held), stem="ca"), []
    if stood.section.find("tls.ca_path") is not None:
        root = File(certs=(alike.chain.root,), stem="ca")
        return root, ["tls.ca_path is taken to hold what the chain leads to"]
    known = _is_known_to_the_system(seen)
    word = "a CA" if known else "no CA"
    return (
        CAFile.SYSTEM if known else CAFile.UNSET,
        [f"the CAs of this machine stand for those of yours: {word} of theirs issued the chain"],
    )


def _held(named: Property) -> list[x509.Certificate] | None:
    """The certificates in the file; None: it is not to be read here."""
    seen = look(named)
    return trust.certificates(seen.pem) if seen and seen.state is State.READ else None


def _is_known_to_the_system(seen: Seen) -> bool:
    """Whether somebody in this machine's store issued the last certificate of the path."""
    context = ssl.create_default_context()
    anchors = [
        x509.load_der_x509_certificate(der) for der in context.get_ca_certs(binary_form=True)
    ]
    return any(trust.signed(one, anchor) for one in seen.chain for anchor in anchors)


def _client_auth(stood: StandIn, seen: Seen) -> tuple[CertSpec, list[str]]:
    """The CA that client certificates must lead to: the user's one's, if the server names it."""
    given = stood.section.find("tls.crt_file")
    if given is None or not seen.authorities:
        return ROOT, []
    own = _held(given)
    if not own:
        note = f"{given.value} is not to be read here: its CA is taken to be one of the server's"
        return ROOT, [note]
    issuers = {one.issuer.rfc4514_string() for one in own}
    if issuers & set(seen.authorities):
        return ROOT, []
    note = (
        f"the server names {', '.join(seen.authorities)}; the certificate in {given.value} was "
        f"issued by {', '.join(sorted(issuers))}"
    )
    return OTHER_ROOT, [note]
