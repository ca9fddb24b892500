"""Which scenarios concern a configuration: those that set what one of its ends sets.

An end is an input, an output or a node of an upstream file. A scenario concerns an end if, as both
releases of an upgrade read them:

- they are the same end of a connection: both inputs, both outputs, or both nodes;
- the plugin is the same; or the scenario's is `http`, by which the catalogue tries TLS itself, and
  it sets nothing that is of that plugin alone, and the end speaks over a stream;
- the switches stand alike: TLS or none, the chain verified or not, names compared or not, client
  certificates demanded or not. Words are compared by what each release takes them for;
- whatever else the scenario sets, the end sets too: files by being named, anything else by its
  value. What the end sets beyond that narrows nothing;
- where the scenario is about something that is missing, it is missing there too: a store of
  authorities of one's own, a client certificate that is asked for.

A CA file that holds just the right root stands for any store. A proxy has to be told of by the end,
in `proxy` or `tls.proxy.…`: the environment of whoever runs it cannot be seen. Addresses, time
limits and formats of the records are how a scenario is played, and not what it is about. Where
neither release uses TLS, nothing else of TLS is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from flb_handshake.config import capable
from flb_handshake.config.reading import Syntax, read_text
from flb_handshake.config.words import Configuration, Kind, Property, Section, Spot
from flb_handshake.lint.end import ALWAYS, End, Truth, ends, truth
from flb_handshake.model import CAFile, ClientAuth, CollectorSpec, Replace, Role, Scenario, Setup
from flb_handshake.settings import Part, Placed, dialling, files_of

_TRIES_TLS: Final = "http"
"""The plugin, on either end, by which the catalogue tries TLS and not the plugin."""

_PLAYING: Final = frozenset(
    {
        "apikey",
        "base_uri",
        "compress",
        "endpoint",
        "format",
        "host",
        "name",
        "port",
        "alias",
        "match",
        "retry_limit",
        "splunk_token",
        "tls.debug",
        "tls.vhost",
        "uri",
        "webhook",
        "workers",
    }
)
"""How a scenario is played. `tls.vhost` says the name that a host would say."""

_SWITCHES: Final = frozenset({"tls", "tls.verify", "tls.verify_client_cert"})
"""Compared by what comes of them."""

_FILES: Final = frozenset(
    {"tls.ca_file", "tls.ca_path", "tls.crt_file", "tls.key_file", "tls.proxy.ca_file"}
)
_PROXY: Final = "proxy"
_SECRETS: Final = frozenset({"tls.key_passwd", "shared_key", _PROXY})
"""Compared by being set, as files are: the value is its owner's."""

_Stance = tuple[bool, ...]
"""What comes of the switches: TLS; and with it the chain verified, names compared, client
certificates demanded."""

_STORES: Final = ("tls.ca_file", "tls.ca_path")
_CERTIFICATE: Final = "tls.crt_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One end of a configuration, and the scenarios that concern it."""

    end: End
    scenarios: tuple[Scenario, ...]


def concerns(
    configuration: Configuration, scenarios: Sequence[Scenario], releases: Sequence[str]
) -> tuple[Concern, ...]:
    """For each end that can have TLS, in order, what of these concerns it in all the releases."""
    theirs = [(one, _ends_of(one.setup, releases)) for one in scenarios]
    found = []
    for ours in zip(*(tuple(ends(configuration, one)) for one in releases), strict=True):
        if not _can_have_tls(ours[0]):
            continue
        fitting = (
            one
            for one, of_scenario in theirs
            if any(_concerns(one.setup, its, ours) for its in of_scenario)
        )
        found.append(Concern(end=ours[-1], scenarios=tuple(fitting)))
    return tuple(found)


def _can_have_tls(end: End) -> bool:
    """Whether it is a side of a connection that the catalogue plays; an output with nodes is none.

    Its nodes dial, and each of them is an end of its own.
    """
    if end.is_node:
        return True
    if end.listens:
        return capable.end(end.section) is capable.End.SERVER
    dials = capable.end(end.section) is capable.End.CLIENT or end.plugin in ALWAYS
    return dials and not any(end.section.sections)


def _ends_of(setup: Setup, releases: Sequence[str]) -> tuple[tuple[End, ...], ...]:
    """The ends that a scenario tries, each as every release reads it."""
    if setup.agent.config is not None:
        text = setup.agent.config
        whole = read_text(text, name="scenario", syntax=Syntax.CLASSIC, environment={})
        read = [[one for one in ends(whole, each) if not one.listens] for each in releases]
        return tuple(zip(*read, strict=True))
    section = _section(setup)
    plugin = setup.agent.plugin
    return (tuple(End(section=section, plugin=plugin, release=one) for one in releases),)


def _section(setup: Setup) -> Section:
    """What a scenario sets, as a section of a configuration."""
    kind = Kind.INPUT if setup.role is Role.INPUT else Kind.OUTPUT
    kind = kind if setup.agent.upstream is None else Kind.NODE
    placed = Placed(paths={file: file.stem for file in files_of(setup)})
    part = Part(alias="", setup=setup, address="", port=0, tag="")
    made = {"name": setup.agent.plugin, **dialling(part, placed)}
    spot = Spot("scenario", 1)
    properties = tuple(
        Property(key=name, value=value, written=value, spot=spot) for name, value in made.items()
    )
    return Section(kind=kind, title=kind.value, properties=properties, spot=spot)


def _concerns(setup: Setup, theirs: Sequence[End], ours: Sequence[End]) -> bool:
    """Whether a scenario's end is like one of the configuration's, in every release."""
    its, own = theirs[0], ours[0]
    if its.section.kind is not own.section.kind or not _same_plugin(its, own):
        return False
    stances = [(_stance(one), _stance(other)) for one, other in zip(theirs, ours, strict=True)]
    if any(one is None or one != other for one, other in stances):
        return False
    if _is_proxied(setup) and not _names_proxy(own):
        return False
    if not _may_have_tls(stances):
        return all(_sets_alike(one, own) for one in _told(its) if not one.name.startswith("tls"))
    stands_for_any = _has_right_root(setup)
    return _lacks_alike(setup, its, own) and all(
        _sets_alike(one, own) for one in _told(its) if not (stands_for_any and one.name in _STORES)
    )


def _may_have_tls(stances: Sequence[tuple[_Stance | None, _Stance | None]]) -> bool:
    """Whether there is TLS in any of the releases."""
    return any(one is not None and one[0] for one, _ in stances)


def _is_proxied(setup: Setup) -> bool:
    """Whether it goes through a proxy, whatever names that: a property or the environment."""
    return isinstance(setup.peer, CollectorSpec) and setup.peer.proxy is not None


def _names_proxy(own: End) -> bool:
    names = (one.name for one in own.section.properties)
    return any(name == _PROXY or name.startswith("tls.proxy.") for name in names)


def _same_plugin(its: End, own: End) -> bool:
    if its.plugin == own.plugin:
        return True
    in_datagrams = own.plugin in {"syslog", "gelf"} and own.mode in {"udp", "dtls", "unix_udp"}
    over_stream = own.listens or not in_datagrams
    of_tls = all(one.name.startswith("tls") for one in _told(its))
    return its.plugin == _TRIES_TLS and over_stream and of_tls


def _stance(end: End) -> _Stance | None:
    """What comes of the switches; None: nobody has measured what the plugin does unasked."""
    if end.secured is None:
        return None
    if not end.secured:
        return (False,)
    demands = end.listens and end.says("tls.verify_client_cert") is Truth.ON
    return (True, end.verifies, end.checks_names, demands)


def _told(end: End) -> Iterator[Property]:
    """What it sets, less its switches and how it is played."""
    for one in end.section.properties:
        if one.name not in _PLAYING | _SWITCHES and not one.name.startswith("net."):
            yield one


def _sets_alike(wanted: Property, own: End) -> bool:
    found = own.find(wanted.name)
    if found is None:
        return False
    if wanted.name in _FILES | _SECRETS:
        return True
    said, meant = (truth(one.value, own.release) for one in (found, wanted))
    same = found.value.strip().lower() == wanted.value.strip().lower()
    return same or said is meant is not Truth.NEITHER


def _has_right_root(setup: Setup) -> bool:
    """Whether its CA file is as it should be, and stays so."""
    changed = {
        change.file
        for step in setup.steps
        for change in step.changes
        if isinstance(change, Replace)
    }
    plain = setup.agent.ca is CAFile.ROOT and setup.agent.ca_path is None
    return plain and "ca" not in changed


def _lacks_alike(setup: Setup, its: End, own: End) -> bool:
    """Whether what a scenario lacks on purpose is lacking there, too."""
    asks = isinstance(setup.peer, CollectorSpec) and setup.peer.client_auth is not ClientAuth.NONE
    if asks and its.find(_CERTIFICATE) is None and own.find(_CERTIFICATE) is not None:
        return False
    its_store = any(its.find(name) for name in _STORES)
    return its_store or not its.verifies or not any(own.find(name) for name in _STORES)
