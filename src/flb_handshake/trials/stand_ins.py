"""From a section of a user's configuration to a setup: its own properties, our peer and files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
from flb_handshake.config.looking import State, look
from flb_handshake.config.words import Kind, Property, Section
from flb_handshake.declare import certificate_file, key_file
from flb_handshake.dials import DIALS, HOST_AND_PORT, TAKES
from flb_handshake.hosts import can_be_dialled, is_address
from flb_handshake.lint.linting import is_secret
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
)
from flb_handshake.peer import shipper

LOOPBACK: Final = "127.0.0.1"

OURS: Final = frozenset(
    {
        "alias",
        "host",
        "listen",
        "log_level",
        "match",
        "match_regex",
        "name",
        "port",
        "retry_limit",
        "routable",
        "storage.type",
        "tag",
        "threaded",
        "tls.ca_file",
        "tls.ca_path",
        "tls.crt_file",
        "tls.debug",
        "tls.key_file",
        "tls.key_passwd",
        "tls.vhost",
        "workers",
    }
)
"""Where it is, whom it dials, which files it reads and how it waits: ours take their place."""

_OF_RECORDS: Final = frozenset(
    {
        "empty_shared_key",
        "format",
        "parser",
        "security.users",
        "self_hostname",
        "separator",
        "shared_key",
        "splunk_token",
        "tag_from_uri",
        "tag_key",
        "tag_prefix",
        "uri",
    }
)
"""What an input asks of a record beyond TLS: its form, its tag, who logs in. Our shipper has one
form and no password."""

ELSEWHERE: Final = frozenset(
    {"aws_auth", "cloud_id", "oauth2", "oauth2.enable", "oauth2.token_url", "proxy", "upstream"}
)
"""Properties that make an output dial somebody else, whom no peer of ours plays."""

OF_A_URL: Final = frozenset(
    name for name, words in DIALS.items() if not HOST_AND_PORT.items() <= words.items()
)
"""Outputs that are told by another property whom to dial."""

_OWN_TLS: Final = frozenset({"kafka"})
"""Outputs whose TLS is a library's own, set by other properties."""

_OPENS_NO_TLS: Final = frozenset({"counter", "exit", "file", "flowcounter", "null", "stdout"})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """A section that cannot be played, and why."""

    section: Section
    reason: str


def speaks_of_tls(section: Section) -> bool:
    """Whether anything in it, or in its nodes, is about TLS, meant or not."""
    if section.kind is Kind.OUTPUT and section.plugin in {*OF_A_URL, *_OWN_TLS}:
        return True
    said = any(one.name == "tls" or one.name.startswith("tls.") for one in section.properties)
    return said or any(speaks_of_tls(one) for one in section.sections if one.kind is Kind.NODE)


def stand_in(section: Section, lacks: Collection[Capability]) -> StandIn | Unplayed:
    """The section with a healthy peer of its kind, on an agent that lacks these capabilities."""
    if opened := [one.key for one in section.properties if one.is_open and _decides(one)]:
        return Unplayed(section=section, reason=f"'{opened[0]}' is filled in elsewhere")
    if section.kind is Kind.INPUT:
        return _input(section)
    return _output(section, lacks)


def _decides(opened: Property) -> bool:
    """Whether nothing can stand in for a property that is filled in elsewhere.

    A host that comes to nothing is Fluent Bit's own, for which loopback stands in.
    """
    if opened.name == "host":
        return opened.value != ""
    return f"{opened.name}.".startswith("tls.") and opened.name not in OURS


def _input(section: Section) -> StandIn | Unplayed:
    if wrong := shipper.objection(ShipperSpec(), section.plugin) or _no_port(section):
        return Unplayed(section=section, reason=wrong)
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
        properties=_own(section, TAKES.get(section.plugin, {}), without=_OF_RECORDS),
    )
    setup = Setup(agent=agent, peer=ShipperSpec())
    return StandIn(section=section, healthy=setup, name="", trusts=kind)


def _no_port(section: Section) -> str:
    """Why an input opens no TCP port; empty: it does."""
    mode = (section.value("mode") or "unix_udp").lower()
    if section.plugin == "syslog" and mode != "tcp":
        return f"its mode is {mode}, in which it opens no TCP port"
    if section.plugin == "forward" and section.find("unix_path"):
        return "it listens on a socket of its machine"
    return ""


def _output(section: Section, lacks: Collection[Capability]) -> StandIn | Unplayed:
    plugin = section.plugin
    if plugin in _OPENS_NO_TLS:
        return Unplayed(section=section, reason=f"'{plugin}' opens no connection")
    if plugin in _OWN_TLS:
        return Unplayed(section=section, reason=f"the TLS of '{plugin}' is not Fluent Bit's own")
    if plugin in OF_A_URL:
        return Unplayed(section=section, reason=f"'{plugin}' dials what another property names")
    if elsewhere := [one.key for one in section.properties if one.name in ELSEWHERE]:
        return Unplayed(section=section, reason=f"'{elsewhere[0]}' makes it dial somebody else")
    fallback = CAFile.UNSET if section.find("tls.ca_path") else CAFile.SYSTEM
    kind = _ca(section, fallback=fallback)
    if kind is CAFile.SYSTEM and Capability.SYSTEM_STORE in lacks:
        return Unplayed(section=section, reason=lacks_store(lacks))
    host, vhost, name = _dialled(section, lacks)
    if not is_address(name) and not can_be_dialled(name):
        return Unplayed(section=section, reason="what it dials cannot be the name of a host")
    crt, key = _own_pair(section, server=False)
    presented = _presented(kind, name)
    peer = CollectorSpec(
        chain=presented,
        client_auth=ClientAuth.DEMAND if crt else ClientAuth.NONE,
        client_ca=ROOT if crt else None,
    )
    agent = AgentSpec(
        plugin=plugin,
        mode=Mode.OFF,
        # Pinned: a kind is what it is in relation to whatever the peer presents.
        ca=kind if kind is CAFile.SYSTEM else ca_content(kind, presented),
        ca_path=_ca_path(section),
        crt=crt,
        key=key,
        key_passwd=_passphrase(section),
        host=host,
        vhost=vhost,
        properties=_own(section, DIALS.get(plugin, HOST_AND_PORT)),
    )
    setup = Setup(agent=agent, peer=peer)
    return StandIn(section=section, healthy=setup, name=name, trusts=kind)


def lacks_store(lacks: Collection[Capability]) -> str:
    """Why an output without a CA file cannot be played here."""
    why = lacks.get(Capability.SYSTEM_STORE, "") if isinstance(lacks, Mapping) else ""
    return f"it trusts the system's CAs, and {why or 'this agent cannot be given any'}"


def _own(
    section: Section, dials: Mapping[str, str], without: Collection[str] = ()
) -> tuple[tuple[str, str | None], ...]:
    """Its properties as they stand, the last of each; what a plugin needs is not said twice.

    What comes to nothing, as nobody sets its variable here, is nothing to Fluent Bit either. What
    Helm fills in is left out, unless it is a secret, for which any text will do.
    """
    spelt = {name.lower(): name for name in dials}
    tls = () if section.find("tls") else (("tls", None),)
    found: dict[str, str] = {}
    for one in section.properties:
        unknown = "{{" in one.value and not is_secret(one.name)
        kept = one.name not in OURS and one.name not in without
        if kept and one.value and not unknown:
            found[spelt.get(one.name, one.name)] = one.value
    return (*tls, *found.items())


def _dialled(section: Section, lacks: Collection[Capability]) -> tuple[str, str | None, str]:
    """What is dialled, `tls.vhost`, and the name that a careful output would check.

    An address cannot lead elsewhere, so loopback stands in for it.
    """
    host = section.value("host") or LOOPBACK
    vhost = section.value("tls.vhost")
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
