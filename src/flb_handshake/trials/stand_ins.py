"""From a section of a user's configuration to a setup: its own properties, our peer and files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from flb_handshake import trust
from flb_handshake.agent.contract import Capability
from flb_handshake.ca_files import ca_content
from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    LEAF,
    ROOT,
    SELF_SIGNED,
    Chain,
    Defect,
    chain,
    named,
)
from flb_handshake.config.dialling import LOOPBACK, Dialled, dialled
from flb_handshake.config.looking import State, look
from flb_handshake.config.words import Kind, Property, Section
from flb_handshake.declare import certificate_file, key_file
from flb_handshake.dials import DIALS, HOST_AND_PORT, TAKES
from flb_handshake.hosts import can_be_dialled, is_address
from flb_handshake.lint.end import ALWAYS, UNASKED, Truth, truth
from flb_handshake.model import (
    AgentSpec,
    CAFile,
    ClientAuth,
    CollectorSpec,
    File,
    FileForm,
    Mode,
    Setup,
    ShipperSpec,
    Upstream,
)
from flb_handshake.peer import shipper
from flb_handshake.trials.obstacles import (
    CLIENTS_BY_HAND,
    NO_NAME,
    OF_A_PLUGIN,
    Obstacle,
    filled_in_elsewhere,
    lacks_store,
    obstacle,
)
from flb_handshake.trials.properties import OF_A_URL, OF_RECORDS, OURS, own, record
from flb_handshake.trials.proxied import proxy_of, through

_UNASKED: Final = frozenset({*ALWAYS, *UNASKED, *OF_A_PLUGIN, *OF_A_URL})
"""Outputs that may speak TLS without a word about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A section as it is played."""

    section: Section
    healthy: Setup
    """Nothing is wrong in it: whatever the section trusts is what the peer presents."""
    name: str
    """The name or address that a careful output would check; empty for an input."""
    trusts: CAFile
    """What stands in for its CA file."""
    dials: str = ""
    """The name or address that it means to dial; empty for an input."""
    note: str = ""
    """What of it is not played; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """A section that cannot be played, why, and what to do instead."""

    section: Section
    reason: str
    instead: str

    @staticmethod
    def because(section: Section, found: Obstacle) -> Unplayed:
        """The section with what is in its way."""
        return Unplayed(section=section, reason=found.reason, instead=found.instead)


def speaks_of_tls(section: Section) -> bool:
    """Whether anything in it, or in its nodes, is about TLS, meant or not."""
    if section.kind is Kind.OUTPUT and section.plugin in _UNASKED:
        return True
    said = any(one.name == "tls" or one.name.startswith("tls.") for one in section.properties)
    return said or any(speaks_of_tls(one) for one in section.sections if one.kind is Kind.NODE)


def stand_ins(section: Section, lacks: Collection[Capability]) -> tuple[StandIn | Unplayed, ...]:
    """The section with a healthy peer of its kind, on an agent that lacks these capabilities.

    Of an upstream file, each node by itself; and what is said of an HTTPS proxy by itself, too.
    """
    if opened := _opened(section):
        return (opened,)
    if section.kind is Kind.INPUT:
        return (_input(section),)
    if found := obstacle(section):
        return (Unplayed.because(section, found),)
    if section.find("upstream") is None:
        whole = _output(section, dialled(section), lacks)
        proxy = proxy_of(section)
        if proxy is None or isinstance(whole, Unplayed):
            return (whole,)
        return (whole, _proxy(proxy, whole.healthy, lacks))
    nodes = [one for one in section.sections if one.kind is Kind.NODE]
    return tuple(_output(section, _of_node(one), lacks, one) for one in nodes)


def _no_port(section: Section) -> str:
    """Why an input opens no TCP port; empty: it does."""
    mode = (section.value("mode") or "unix_udp").lower()
    if section.plugin == "syslog" and mode != "tcp":
        return f"its mode is {mode}, in which it opens no TCP port"
    if section.plugin == "forward" and section.find("unix_path"):
        return "it listens on a socket of its machine"
    return ""


def _proxy(proxy: Section, healthy: Setup, lacks: Collection[Capability]) -> StandIn | Unplayed:
    """The HTTPS proxy of an output, which loopback stands in for; the collector is healthy."""
    kind = _ca(proxy, fallback=CAFile.ROOT if proxy.find("tls.ca_path") else CAFile.SYSTEM)
    if kind is CAFile.SYSTEM and Capability.SYSTEM_STORE in lacks:
        return Unplayed.because(proxy, lacks_store(lacks))
    presented = _presented(kind, LOOPBACK)
    ca = kind if kind is CAFile.SYSTEM else ca_content(kind, presented)
    setup = through(healthy, ca, presented)
    return StandIn(section=proxy, healthy=setup, name=LOOPBACK, trusts=kind)


def _of_node(node: Section) -> Dialled:
    return Dialled(host=node.value("host") or LOOPBACK)


def _opened(section: Section) -> Unplayed | None:
    """The section as one that cannot be played, if what decides is filled in elsewhere."""
    found = [one for one in section.properties if one.is_open and _decides(one)]
    if not found:
        return None
    return Unplayed.because(section, filled_in_elsewhere(found[0]))


def _decides(opened: Property) -> bool:
    """Whether nothing can stand in for a property that is filled in elsewhere.

    A host that comes to nothing is Fluent Bit's own, for which loopback stands in.
    """
    if opened.name == "host":
        return opened.value != ""
    return f"{opened.name}.".startswith("tls.") and opened.name not in OURS


def _input(section: Section) -> StandIn | Unplayed:
    if wrong := shipper.objection(ShipperSpec(), section.plugin) or _no_port(section):
        return Unplayed.because(section, Obstacle(reason=wrong, instead=CLIENTS_BY_HAND))
    crt, key = _own_pair(section, server=True)
    kind = _ca(section, fallback=CAFile.UNSET)
    agent = AgentSpec(
        plugin=section.plugin,
        mode=Mode.OFF,
        ca=ca_content(kind, CLIENT_CHAIN),
        ca_path=_ca_path(section),
        crt=crt,
        key=key,
        key_passwd=_passphrase(section),
        vhost=None,
        properties=own(section, TAKES.get(section.plugin, {}), without=OF_RECORDS),
    )
    setup = Setup(agent=agent, peer=_client(section))
    return StandIn(section=section, healthy=setup, name="", trusts=kind)


def _client(section: Section) -> ShipperSpec:
    """A client that is meant: with no certificate, where an input could believe none."""
    named = ("tls.ca_file", "tls.ca_path", "tls.verify_client_cert")
    unasked = truth(section.value("tls.verify") or "on", "5.1.1") is Truth.OFF
    meant = unasked or any(section.find(name) for name in named)
    return ShipperSpec() if meant else ShipperSpec(chain=None)


def _output(
    output: Section, whom: Dialled, lacks: Collection[Capability], node: Section | None = None
) -> StandIn | Unplayed:
    """The output, or a node of its upstream file: a node takes nothing of TLS from its output."""
    section = node or output
    fallback = CAFile.UNSET if section.find("tls.ca_path") else CAFile.SYSTEM
    kind = _ca(section, fallback=fallback)
    if kind is CAFile.SYSTEM and Capability.SYSTEM_STORE in lacks:
        return Unplayed.because(section, lacks_store(lacks))
    host, vhost, name = _dialled(whom.host, section.value("tls.vhost"), lacks)
    if not all(is_address(one) or can_be_dialled(one) for one in (host, name)):
        return Unplayed.because(section, NO_NAME)
    crt, key = _own_pair(section, server=False)
    presented = _presented(kind, name)
    peer = CollectorSpec(
        chain=presented,
        client_auth=ClientAuth.DEMAND if crt else ClientAuth.NONE,
        client_ca=ROOT if crt else None,
    )
    agent = AgentSpec(
        plugin=output.plugin,
        mode=Mode.OFF,
        # Pinned: a kind is what it is in relation to whatever the peer presents.
        ca=kind if kind is CAFile.SYSTEM else ca_content(kind, presented),
        ca_path=_ca_path(section),
        crt=crt,
        key=key,
        key_passwd=_passphrase(section),
        host=host,
        vhost=vhost,
        properties=own(output, DIALS.get(output.plugin, HOST_AND_PORT), whom.leading),
        upstream=Upstream(properties=own(node, HOST_AND_PORT)) if node else None,
        input_properties=record(output),
    )
    setup = Setup(agent=agent, peer=peer)
    return StandIn(
        section=section,
        healthy=setup,
        name=name,
        trusts=kind,
        dials=whom.host,
        note=_OF_TOKENS if whom.tokens else "",
    )


_OF_TOKENS: Final = (
    "its token is ours, and asked for in cleartext: that connection heeds none of these `tls` "
    "properties, trusts the system's CAs and checks no name"
)


def _dialled(
    host: str, vhost: str | None, lacks: Collection[Capability]
) -> tuple[str, str | None, str]:
    """What is dialled, `tls.vhost`, and the name that a careful output would check.

    An address cannot lead elsewhere, so loopback stands in for it.
    """
    if is_address(host):
        return LOOPBACK, vhost, vhost or LOOPBACK
    if host == "localhost" or Capability.HOSTS not in lacks:
        return host, vhost, vhost or host
    return LOOPBACK, vhost or host, vhost or host


def _presented(kind: CAFile, name: str) -> Chain:
    called = bearing(name)
    if kind is CAFile.SELF_SIGNED_LEAF:
        return chain(SELF_SIGNED.but(called), name="self-signed, and trusted as such")
    return HEALTHY.but(called)


def _own_pair(section: Section, *, server: bool) -> tuple[File | None, File | None]:
    """The certificate and the key that stand in for its own, each only where it names one."""
    whose, owner = (HEALTHY, LEAF) if server else (CLIENT_CHAIN, CLIENT)
    crt = certificate_file(whose) if section.find("tls.crt_file") else None
    named_key = section.find("tls.key_file")
    key = key_file(owner, _passphrase(section) or "") if named_key else None
    return crt, key


def _passphrase(section: Section) -> str | None:
    """Not the user's own: nothing of ours is to hold a secret."""
    return "stand-in" if section.find("tls.key_passwd") else None


def _ca_path(section: Section) -> File | None:
    if section.find("tls.ca_path") is None:
        return None
    return File(form=FileForm.HASHED, certs=(ROOT,), stem="ca-path")


def _ca(section: Section, *, fallback: CAFile) -> CAFile:
    """A CA file of the same shape as the one that it names; a whole one, if that is not here."""
    given = section.find("tls.ca_file")
    if given is None:
        return fallback
    seen = look(given)
    if seen is None or seen.state is not State.READ:
        return CAFile.ROOT
    held = trust.certificates(seen.pem)
    roots = [one for one in held if one.subject == one.issuer]
    if held and not roots:
        return CAFile.INTERMEDIATE
    if roots and not any(trust.is_ca(one) for one in roots):
        return CAFile.SELF_SIGNED_LEAF
    return CAFile.ROOT if held else CAFile.GARBAGE


def bearing(name: str) -> Defect:
    """What makes a certificate bear this name, or this address."""
    return named(ips=(name,)) if is_address(name) else named(name)
