"""What a configuration makes possible: the settings of one section, as far as TLS goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from flb_handshake.config.dialling import LOOPBACK, hosts
from flb_handshake.config.words import Configuration, Kind, Property, Section
from flb_handshake.diagnosis.release import UNKNOWN, Release
from flb_handshake.diagnosis.troubles import NOBODY, Trouble, clues_of
from flb_handshake.hosts import is_address
from flb_handshake.lint.end import Truth, truth

_NEWEST: Final = "999"
_KINDS: Final = {"input": Kind.INPUT, "filter": Kind.FILTER, "output": Kind.OUTPUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One section, as far as TLS is concerned."""

    plugin: str
    host: str = ""
    port: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """By the names of properties in small letters; `tls.…` of other plugins' own names too."""
    written: Mapping[str, Property] = field(default_factory=dict)
    """The same as they stand in their files."""
    is_node: bool = False
    """Whether it stands in an upstream file."""
    release: str = _NEWEST
    """What reads it; where nobody knows, the newest."""

    def get(self, name: str) -> str:
        """The value; empty: not set."""
        return self.values.get(name, "")

    def is_on(self, name: str) -> bool | None:
        """Whether it is switched on; None: it is not set, or is no boolean to the release."""
        taken = truth(self.get(name), self.release)
        return None if taken is Truth.NEITHER else taken is Truth.ON

    @property
    def host_is_address(self) -> bool:
        """Whether an address is dialled, which certificates seldom bear."""
        return is_address(self.host.strip("[]"))

    @property
    def host_is_url(self) -> bool:
        """Whether a URL stands where a host name belongs."""
        return "://" in self.host and self.plugin not in _TAKE_URLS

    @property
    def name(self) -> str:
        """The name that SNI and the name check mean."""
        return self.get("tls.vhost") or self.host


_TAKE_URLS: Final = frozenset({"kubernetes", "kubernetes_events"})
_OWN_NAMES: Final = {
    "kube_ca_file": "tls.ca_file",
    "kube_ca_path": "tls.ca_path",
    "kube_url": "host",
    "endpoint": "host",
}
"""Names under which plugins take the same."""


def settings_of(section: Section, release: Release = UNKNOWN) -> Settings:
    """The settings of a section, as that release reads them."""
    values: dict[str, str] = {}
    written: dict[str, Property] = {}
    for one in section.properties:
        name = _OWN_NAMES.get(one.name, one.name)
        values[name] = one.value
        written[name] = one
    return Settings(
        plugin=section.plugin,
        host=values.get("host", ""),
        port=values.get("port", ""),
        values=values,
        written=written,
        release=release.exact or _NEWEST,
    )


def settings_behind(configuration: Configuration, trouble: Trouble) -> tuple[Settings, ...]:
    """The settings that a trouble may be of: one section's, or those of nodes; empty: unknown.

    A node of an upstream file takes nothing from the output that names the file (1.9.10, 5.1.1).
    """
    found = sections_of(configuration, trouble)
    if len(found) != 1:
        return ()
    (section,) = found
    nodes = _nodes(section)
    dialled = [one for one in nodes if _dials(one, trouble.target)]
    return tuple(
        replace(
            settings_of(one, trouble.release),
            plugin=section.plugin,
            is_node=one is not section,
        )
        for one in dialled or nodes or (section,)
    )


def common(each: Sequence[Settings]) -> Settings | None:
    """What all of them say; None: there are none."""
    if not each:
        return None
    values = {
        name: value
        for name, value in each[0].values.items()
        if all(one.get(name) == value for one in each)
    }
    return replace(
        each[0],
        host=values.get("host", ""),
        port=values.get("port", ""),
        values=values,
        written={name: one for name, one in each[0].written.items() if name in values},
    )


def sections_of(configuration: Configuration, trouble: Trouble) -> tuple[Section, ...]:
    """The section that a trouble is of, or all that it could be of; none: it cannot be told."""
    owner, target = trouble.owner, trouble.target
    kinds = [_KINDS[owner.kind]] if owner.kind in _KINDS else list(_KINDS.values())
    if trouble.is_input:
        kinds = [Kind.INPUT]
    found = [
        (one, f"{one.plugin}.{number}")
        for kind in kinds
        for number, one in enumerate(configuration.of(kind))
    ]
    named = [one for one, name in found if owner.name in {one.value("alias"), name}]
    # The number counts all of a kind in some releases, and those of one plugin in others.
    of_plugin = [one for one, _ in found if owner.plugin and one.plugin == owner.plugin]
    dialled = [one for one, _ in found if _dials(one, target)]
    on_the_host = [one for one, _ in found if _dials(one, target, port=False)]
    for some in (named, of_plugin, dialled, on_the_host):
        if some:
            return (next((one for one in some if one in dialled), some[0]),)
    with_tls = tuple(
        one for one, _ in found if any(each.name.startswith("tls") for each in one.properties)
    )
    if owner.name:
        return ()
    return with_tls if trouble.is_input or len(with_tls) == 1 else ()


def _nodes(section: Section) -> tuple[Section, ...]:
    return tuple(one for one in section.sections if one.kind is Kind.NODE)


def _dials(section: Section, target: str, *, port: bool = True) -> bool:
    """Whether it, or a node of it, dials HOST:PORT; not to say a port is to leave it open."""
    host, _, at = target.rpartition(":")
    host = host.strip("[]")
    if host and host in _told_otherwise(section):
        return True
    return bool(host) and any(
        one.value("host") == host and (not port or one.value("port") in {None, at})
        for one in _nodes(section) or (section,)
    )


def _told_otherwise(section: Section) -> frozenset[str]:
    """The host of an output that a URL, or anything else than `host`, tells whom to dial."""
    if section.kind is not Kind.OUTPUT or _nodes(section):
        return frozenset()
    return hosts(section) - {LOOPBACK, section.value("host")}


def sided(trouble: Trouble, configuration: Configuration) -> Trouble:
    """The trouble as one of an input, where no line says whose it is and an input serves TLS.

    An output names itself when a connection of its own fails; an input that speaks HTTP does not
    (3.0.7 to 5.1.1; `tcp` neither, from 4.2.8 on).
    """
    serves = any(
        settings_of(one, trouble.release).is_on("tls") for one in configuration.of(Kind.INPUT)
    )
    if trouble.is_input or trouble.owner is not NOBODY or trouble.target or not serves:
        return trouble
    return replace(trouble, is_input=True, clues=clues_of(trouble.texts, is_input=True))
