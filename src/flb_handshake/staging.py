"""From plays to a process: listeners, a configuration, files, and the facts that judging needs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flb_handshake import placing
from flb_handshake.agent.contract import Agent, Capability, Job
from flb_handshake.evidence import Facts
from flb_handshake.facts import facts_of
from flb_handshake.peer.collector import Collector, Listener
from flb_handshake.pki import Pki
from flb_handshake.planning import Play, needs, settings_of
from flb_handshake.settings import (
    Part,
    configuration,
    files_of,
    section,
    whole_text,
)

_NUMBERS: Final = itertools.count(1)
"""Of jobs: an agent can play again, and the files of its first jobs are still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One play of a batch, with all that was made for it."""

    play: Play
    part: Part
    listener: Listener
    section: str
    """Its own part of the configuration."""
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Plays that share a process, and the process's job."""

    members: tuple[Member, ...]
    job: Job

    @property
    def ports(self) -> dict[int, str]:
        """Which alias dials which port."""
        return {one.part.port: one.part.alias for one in self.members}

    @property
    def is_mixed(self) -> bool:
        """Whether its plays differ in the agent's settings."""
        return len({settings_of(one.play.setup) for one in self.members}) > 1


async def staged(plays: Sequence[Play], agent: Agent, collector: Collector, pki: Pki) -> Batch:
    """A batch with its listeners, its configuration and its files. Raises HarnessFailure."""
    name = f"job-{next(_NUMBERS)}"
    tags: dict[object, str] = {}
    listeners = [
        await collector.listen(one.setup.collector, expected=max(1, len(one.setup.agent.source)))
        for one in plays
    ]
    parts = [
        _part(one, listener.port, agent, tags)
        for one, listener in zip(plays, listeners, strict=True)
    ]
    files = placing.Files(agent.directory(name), pki)
    placed = files.place(file for one in plays for file in files_of(one.setup))
    lines = {part.tag: part.setup.agent.source for part in parts if part.setup.agent.source}
    sources = {tag: files.source(tag, found) for tag, found in lines.items()}
    whole = plays[0].setup.agent.config is not None
    config = (
        whole_text(parts[0], placed, sources.get(parts[0].tag, ""))
        if whole
        else configuration(parts, placed, sources)
    )
    members = tuple(
        Member(
            play=one,
            part=part,
            listener=listener,
            section=config if whole else section(part, placed),
            facts=facts_of(part, placed, pki),
        )
        for one, part, listener in zip(plays, parts, listeners, strict=True)
    )
    return Batch(members=members, job=_job(name, config, files, parts, pki))


def _part(one: Play, port: int, agent: Agent, tags: dict[object, str]) -> Part:
    """A play as one output; those that read the same input share its tag."""
    wanted = one.setup.agent
    return Part(
        alias=one.alias,
        setup=one.setup,
        address=agent.dials if wanted.host == "127.0.0.1" else wanted.host,
        port=port,
        tag=tags.setdefault((wanted.source, wanted.input_properties), f"t{len(tags)}"),
    )


def _job(name: str, config: str, files: placing.Files, parts: Sequence[Part], pki: Pki) -> Job:
    wanted = needs(parts[0].setup)
    hosts: set[str] = set()
    if Capability.HOSTS in wanted:
        hosts = {part.setup.agent.host.rstrip(".").lower() for part in parts}
    store: Mapping[str, bytes] | None = None
    if Capability.SYSTEM_STORE in wanted:
        store = placing.system_store(pki, [part.setup.judged.root for part in parts])
    return Job(
        name=name,
        config=config,
        files=tuple(files.files),
        hosts=tuple(sorted(hosts)),
        system_certs=store,
        unprivileged=Capability.UNPRIVILEGED in wanted,
    )
