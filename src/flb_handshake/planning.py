"""Who shares a process with whom: what each setup needs, and which can run together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from packaging.version import Version

from flb_handshake.agent.contract import Capability
from flb_handshake.behaviours import Cleartext, Drip, Silent
from flb_handshake.certificates import CertSpec
from flb_handshake.hosts import is_address
from flb_handshake.model import (
    CAFile,
    Change,
    ClientAuth,
    CollectorSpec,
    FileForm,
    Reload,
    Replace,
    Role,
    Setup,
    ShipperSpec,
)
from flb_handshake.settings import files_of, speaks_tls

_LARGEST_BATCH: Final = 250
"""Releases up to 3.x route to 256 outputs of one process; the rest get nothing, silently. Later
ones take a thousand and more, which gains nothing: several processes start side by side."""

_LARGEST_BATCH_OF_INPUTS: Final = 25
"""Shippers of one process come one after another, so that its log can be told apart."""

_LARGEST_BATCH_OF_INPUTS_BEFORE_5_1: Final = 1
"""Up to 5.0.x every input takes half a second for each flight of a handshake, and does nothing else
meanwhile; processes do so side by side."""

_SOON: Final = timedelta(minutes=10)

SLOW_INPUTS: Final = frozenset({"forward", "mqtt", "syslog", "tcp"})
"""5.1.1 takes half a second for each handshake of these, and does nothing else meanwhile; those
that speak HTTP take 2 ms."""

_TIMES_OUT_SAFELY: Final = Version("2.1")
"""2.0.14 crashes (SIGSEGV) when several outputs of one process time out; 2.2.3 does not."""

_CLOSES_SAFELY: Final = Version("2.0")
"""1.9.10 closes a connection that its collector has ended, and says close_notify after that: where
the next connection has got the same descriptor, it says so there, and spoils it."""

_WAITS_FOR_NOTHING: Final = frozenset({"forward", "gelf", "syslog", "tcp"})
"""Outputs that are done before a collector has refused them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A setup to be played, and how it is called."""

    alias: str
    setup: Setup
    doubtful: bool = False
    """It may keep its process from starting, so it shares one only with those of equal settings."""
    deadly: bool = False
    """It may end its process later, so it shares one with nobody."""


def needs(setup: Setup) -> frozenset[Capability]:
    """What this setup asks of its surroundings."""
    wanted = set()
    if setup.agent.host != "localhost" and not is_address(setup.agent.host):
        wanted.add(Capability.HOSTS)
    if CAFile.SYSTEM in {setup.agent.ca, setup.agent.proxy_ca}:
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
    if ("mode", "dtls") in setup.agent.properties:
        wanted.add(Capability.DTLS)
    if setup.agent.upstream is not None:
        wanted.add(Capability.UPSTREAMS)
    if any(name.lower() == "proxy" for name, _ in setup.agent.properties):
        wanted.add(Capability.PLUGIN_PROXY)
    return frozenset(wanted)


_TOGETHER: Final = {
    Role.OUTPUT: {"http"},
    Role.INPUT: {"elasticsearch", "http", "opentelemetry", "splunk", "syslog", "tcp"},
}
"""Plugins that share processes with none but these: whatever the rest do spoils none of theirs."""


def changes(setup: Setup) -> list[Change]:
    """All that changes in the steps of a setup."""
    return [change for step in setup.steps for change in step.changes]


def is_alone(setup: Setup) -> bool:
    """Whether it can share a process with nobody.

    A silent or slow shipper would hold up those that come after it; and so would one that speaks
    TLS to an input without, which releases before 5.1 keep waiting for the end of its request.
    """
    agent, peer = setup.agent, setup.peer
    if setup.steps or agent.config is not None or agent.service or agent.environment:
        return True
    if isinstance(peer, CollectorSpec):
        return peer.proxy is not None
    slow = agent.plugin in SLOW_INPUTS or peer.silent_others > 0
    unheard = not speaks_tls(setup) and not isinstance(peer.behaviour, Cleartext)
    return slow or unheard or isinstance(peer.behaviour, Silent | Drip)


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


def _harms_others(setup: Setup, release: Version) -> bool:
    """Whether this release, so set up, spoils the other runs of its process."""
    if release < _CLOSES_SAFELY and setup.agent.plugin in _WAITS_FOR_NOTHING:
        return setup.role is Role.OUTPUT and setup.agent.crt is None and _demands(setup.peer)
    return release < _TIMES_OUT_SAFELY and is_impatient(setup)


def _demands(peer: CollectorSpec | ShipperSpec) -> bool:
    return isinstance(peer, CollectorSpec) and peer.client_auth is ClientAuth.DEMAND


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


def batches(
    plays: Iterable[Play], *, version: str, isolated: bool, modelled: bool = False
) -> list[list[Play]]:
    """Those that can share a process of this release, together, those that take longest first.

    `modelled`: the inputs of a model take no time.
    """
    if isolated:
        return [[one] for one in plays]
    groups: dict[object, list[Play]] = defaultdict(list)
    release = Version(version)
    for one in plays:
        if one.deadly or is_alone(one.setup) or _harms_others(one.setup, release):
            groups[one.alias].append(one)
        elif one.doubtful:
            groups[settings_of(one.setup)].append(one)
        else:
            together = one.setup.agent.plugin in _TOGETHER[one.setup.role]
            groups[one.setup.role, needs(one.setup), together].append(one)
    slow = release < Version("5.1") and not modelled
    inputs = _LARGEST_BATCH_OF_INPUTS_BEFORE_5_1 if slow else _LARGEST_BATCH_OF_INPUTS
    cut = []
    for group in groups.values():
        most = inputs if group[0].setup.role is Role.INPUT else _LARGEST_BATCH
        cut += [group[start : start + most] for start in range(0, len(group), most)]
    return sorted(cut, key=lambda group: (_waits_long(group[0].setup), len(group)), reverse=True)


def _waits_long(setup: Setup) -> bool:
    """Whether nothing happens in it until the deadline: the sooner it begins, the better."""
    return isinstance(setup.peer, ShipperSpec) and setup.peer.silent_others > 0


def settings_of(setup: Setup) -> object:
    """What two setups have in common when their agents are set alike, whatever they dial."""
    return setup.role, setup.agent, files_of(setup)
