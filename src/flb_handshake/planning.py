"""Who shares a process with whom: what each setup needs, and which can run together."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from packaging.version import Version

from flb_handshake.agent.contract import Capability
from flb_handshake.behaviours import Drip, Silent
from flb_handshake.certificates import CertSpec
from flb_handshake.model import (
    CAFile,
    Change,
    CollectorSpec,
    FileForm,
    Reload,
    Replace,
    Role,
    Setup,
    ShipperSpec,
)
from flb_handshake.settings import files_of

_LARGEST_BATCH: Final = 1000
_LARGEST_BATCH_OF_INPUTS: Final = 25
"""Shippers of one process come one after another, so that its log can be told apart."""

_SOON: Final = timedelta(minutes=10)

SLOW_INPUTS: Final = frozenset({"forward", "mqtt", "syslog", "tcp"})
"""5.1.1 takes half a second for each handshake of these, and does nothing else meanwhile; those
that speak HTTP take 2 ms."""

_LARGEST_BATCH_BEFORE_4: Final = 250
"""Releases up to 3.x route to 256 outputs of one process; the rest get nothing, silently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A setup to be played, and how it is called."""

    alias: str
    setup: Setup
    doubtful: bool = False
    """It may keep its process from starting, so it shares one only with those of equal settings."""


def needs(setup: Setup) -> frozenset[Capability]:
    """What this setup asks of its surroundings."""
    wanted = set()
    if not _resolves(setup.agent.host):
        wanted.add(Capability.HOSTS)
    if setup.agent.ca is CAFile.SYSTEM:
        wanted.add(Capability.SYSTEM_STORE)
    changed = [change.to for change in changes(setup) if isinstance(change, Replace)]
    if any(file.form is FileForm.UNREADABLE for file in (*files_of(setup), *changed)):
        wanted.add(Capability.UNPRIVILEGED)
    if setup.role is Role.INPUT or setup.steps:
        wanted.add(Capability.PORTS)
    if changed or any(isinstance(change, Reload) for change in changes(setup)):
        wanted.add(Capability.CHANGES)
    if isinstance(setup.peer, CollectorSpec) and setup.peer.proxy:
        wanted.add(Capability.PROXY)
    if isinstance(setup.peer, ShipperSpec) and setup.peer.http2:
        wanted.add(Capability.HTTP_2)
    if setup.agent.plugin not in _MODELLED[setup.role]:
        wanted.add(Capability.ANY_PLUGIN)
    return frozenset(wanted)


_MODELLED: Final = {
    Role.OUTPUT: {"http"},
    Role.INPUT: {"elasticsearch", "http", "opentelemetry", "splunk", "syslog", "tcp"},
}
"""The plugins that every agent has, also a model of Fluent Bit."""


def changes(setup: Setup) -> list[Change]:
    """All that changes in the steps of a setup."""
    return [change for step in setup.steps for change in step.changes]


def is_alone(setup: Setup) -> bool:
    """Whether it can share a process with nobody.

    A silent or slow shipper would hold up those that come after it.
    """
    agent, peer = setup.agent, setup.peer
    if setup.steps or agent.config is not None or agent.service:
        return True
    if isinstance(peer, CollectorSpec):
        return peer.proxy is not None
    slow = agent.plugin in SLOW_INPUTS or peer.silent_others > 0
    return slow or isinstance(peer.behaviour, Silent | Drip)


def _resolves(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def slow_keys(setup: Setup) -> list[CertSpec]:
    """The certificates whose keys take long to make: RSA 4096 takes half a second or more."""
    return [spec for spec in _certificates(setup) if spec.key.value.startswith("RSA")]


def is_urgent(setup: Setup) -> bool:
    """Whether it must be played as soon as its certificates are made: one soon begins or ends."""
    return good_for(setup) < _SOON


def good_for(setup: Setup) -> timedelta:
    """How long its certificates stay what they are, from the moment in which they are made."""
    bounds = [bound for one in _certificates(setup) for bound in (one.not_before, one.not_after)]
    return min((bound for bound in bounds if bound > timedelta(0)), default=timedelta.max)


def is_impatient(setup: Setup) -> bool:
    """Whether its agent gives up so soon that it wants a machine with nothing else to do."""
    return any(name in _PATIENCE for name, _ in setup.agent.properties)


_PATIENCE: Final = frozenset({"net.accept_timeout", "net.connect_timeout", "net.io_timeout"})


def _certificates(setup: Setup) -> list[CertSpec]:
    """Those of both sides, at the start and after each step."""
    found: list[CertSpec] = []
    for step in (None, *setup.steps):
        setup = setup.after(step) if step else setup
        chain = setup.peer.chain
        found += chain.leaf.path if chain is not None else ()
        found += [spec for file in files_of(setup) for spec in file.certs]
    return found


def batches(plays: Iterable[Play], *, version: str, isolated: bool) -> list[list[Play]]:
    """Those that can share a process of this release, together, those that take longest first."""
    if isolated:
        return [[one] for one in plays]
    groups: dict[object, list[Play]] = defaultdict(list)
    for one in plays:
        if is_alone(one.setup):
            groups[one.alias].append(one)
        elif one.doubtful:
            groups[settings_of(one.setup)].append(one)
        else:
            groups[one.setup.role, needs(one.setup)].append(one)
    old = Version(version) < Version("4")
    largest = _LARGEST_BATCH_BEFORE_4 if old else _LARGEST_BATCH
    cut = []
    for group in groups.values():
        most = _LARGEST_BATCH_OF_INPUTS if group[0].setup.role is Role.INPUT else largest
        cut += [group[start : start + most] for start in range(0, len(group), most)]
    return sorted(cut, key=lambda group: (_waits_long(group[0].setup), len(group)), reverse=True)


def _waits_long(setup: Setup) -> bool:
    """Whether nothing happens in it until the deadline: the sooner it begins, the better."""
    return isinstance(setup.peer, ShipperSpec) and setup.peer.silent_others > 0


def settings_of(setup: Setup) -> object:
    """What two setups have in common when their agents are set alike, whatever they dial."""
    return setup.role, setup.agent, files_of(setup)
