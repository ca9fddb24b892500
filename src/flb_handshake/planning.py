"""Who shares a process with whom: what each setup needs, and which can run together."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from packaging.version import Version

from flb_handshake.agent.contract import Capability
from flb_handshake.certificates import CertSpec
from flb_handshake.model import CAFile, FileForm, Setup
from flb_handshake.settings import files_of

_LARGEST_BATCH: Final = 1000
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
    if any(file.form is FileForm.UNREADABLE for file in files_of(setup)):
        wanted.add(Capability.UNPRIVILEGED)
    return frozenset(wanted)


def _resolves(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def slow_keys(setup: Setup) -> list[CertSpec]:
    """The certificates whose keys take long to make: RSA 4096 takes half a second or more."""
    specs = [*setup.judged.leaf.path, *(c for file in files_of(setup) for c in file.certs)]
    return [spec for spec in specs if spec.key.value.startswith("RSA")]


def batches(plays: Iterable[Play], *, version: str, isolated: bool) -> list[list[Play]]:
    """Those that can share a process of this release, together: the large batches first."""
    if isolated:
        return [[one] for one in plays]
    groups: dict[object, list[Play]] = defaultdict(list)
    for one in plays:
        if one.setup.agent.config is not None:
            groups[one.alias].append(one)
        elif one.doubtful:
            groups[settings_of(one.setup)].append(one)
        else:
            groups[needs(one.setup)].append(one)
    old = Version(version) < Version("4")
    most = _LARGEST_BATCH_BEFORE_4 if old else _LARGEST_BATCH
    cut = [
        group[start : start + most]
        for group in groups.values()
        for start in range(0, len(group), most)
    ]
    return sorted(cut, key=len, reverse=True)


def settings_of(setup: Setup) -> object:
    """What two setups have in common when their agents are set alike, whatever they dial."""
    return setup.agent, files_of(setup)
