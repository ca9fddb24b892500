"""From plays to a process: listeners, a configuration, files, and the facts that judging needs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from flb_handshake import placing
from flb_handshake.agent.contract import Agent, Capability, Job, Place
from flb_handshake.agent.ports import Ports
from flb_handshake.behaviours import Cleartext
from flb_handshake.dials import GATHERS, PARSERS, credentials
from flb_handshake.evidence import Facts
from flb_handshake.facts import facts_of
from flb_handshake.model import CollectorSpec, Replace, Role, Setup, Way
from flb_handshake.peer.collector import Collector, Listener
from flb_handshake.peer.protocols import TOKENS, spoken_by
from flb_handshake.pki import Pki
from flb_handshake.planning import Play, changes, needs, settings_of
from flb_handshake.settings import (
    LOOPBACK,
    Part,
    Placed,
    asks_for_tokens,
    configuration,
    environment,
    files_of,
    is_metrics,
    is_parsed,
    is_reloaded,
    listens,
    section,
    spoils_records,
    upstream_file,
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
    """The collector; of an input, the one to which its records are sent on."""
    section: str
    """Its own part of the configuration."""
    placed: Placed
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
    def role(self) -> Role:
        """Which part of Fluent Bit its plays try: all the same one."""
        return self.members[0].play.setup.role

    @property
    def gathers(self) -> float:
        """Seconds in which nothing need happen, for outputs that gather records first."""
        return max(GATHERS.get(one.play.setup.agent.plugin, 0.0) for one in self.members)

    @property
    def is_mixed(self) -> bool:
        """Whether its plays differ in the agent's settings."""
        return len({settings_of(one.play.setup) for one in self.members}) > 1


async def staged(
    plays: Sequence[Play], agent: Agent, collector: Collector, ports: Ports, pki: Pki
) -> Batch:
    """A batch with its listeners, its configuration and its files. Raises HarnessFailure."""
    listeners = [await listener_for(one.setup, collector) for one in plays]
    tokens = ""
    if any(asks_for_tokens(one.setup) for one in plays):
        giver = await collector.listen(SINK, spoken=TOKENS)
        tokens = f"{agent.dials}:{giver.port}"
    return around(plays, listeners, agent, ports, pki, tokens=tokens)


def around(
    plays: Sequence[Play],
    listeners: Sequence[Listener],
    place: Place,
    ports: Ports,
    pki: Pki,
    *,
    tokens: str = "",
) -> Batch:
    """The configuration and the files that go with listeners that stand. Raises HarnessFailure.

    `tokens` is the address of whoever gives tokens.
    """
    name = f"job-{next(_NUMBERS)}"
    tags: dict[object, str] = {}
    parts = [
        replace(
            _part(one, listener.port, place, tags, ports),
            tokens=tokens,
            store=f"{place.directory(name)}/store-{listener.port}",
        )
        for one, listener in zip(plays, listeners, strict=True)
    ]
    files = placing.Files(place.directory(name), pki)
    mounted = any(_swaps(one.setup) for one in plays)
    placed = files.place((file for one in plays for file in files_of(one.setup)), mounted=mounted)
    of_nodes = (upstream_file(part, placed) for part in parts)
    placed = files.place(file for file in of_nodes if file is not None)
    config = _config(parts, placed, files)
    members = tuple(
        Member(
            play=one,
            part=part,
            listener=listener,
            section=_own_text(part, placed) if part.setup.agent.config is None else config,
            placed=placed,
            facts=facts_of(part, placed, pki),
        )
        for one, part, listener in zip(plays, parts, listeners, strict=True)
    )
    job = _job(name, config, files, parts, pki)
    given = environment(parts[0], placed)
    return Batch(members=members, job=replace(job, environment={**job.environment, **given}))


def _own_text(part: Part, placed: Placed) -> str:
    """What of the configuration, and of an upstream file beside it, is this part's own."""
    upstream = upstream_file(part, placed)
    own = section(part, placed)
    return own if upstream is None else f"{own}\n{upstream.text}"


async def listener_for(setup: Setup, collector: Collector, port: int = 0) -> Listener:
    """The peer of an output, on this port; of an input, where its records go, on any.

    Raises what `Collector.listen` does.
    """
    if setup.role is Role.INPUT:
        return await collector.listen(SINK)
    expected, spoken = max(1, len(setup.agent.source)), spoken_by(setup.agent)
    return await collector.listen(setup.collector, expected=expected, spoken=spoken, port=port)


SINK: Final = CollectorSpec(behaviour=Cleartext())
"""Where the records of an input go, and where tokens come from: this is not what is tried."""


def _swaps(setup: Setup) -> bool:
    """Whether a file of the agent's changes by a symlink swap."""
    return any(one.way is Way.SYMLINK for one in changes(setup) if isinstance(one, Replace))


def _config(parts: Sequence[Part], placed: Placed, files: placing.Files) -> str:
    lines = {part.tag: part.setup.agent.source for part in parts if part.setup.agent.source}
    sources = {
        tag: files.text(f"{tag}.log", "".join(f"{line}\n" for line in found))
        for tag, found in lines.items()
    }
    if parts[0].setup.agent.config is not None:
        return whole_text(parts[0], placed, sources.get(parts[0].tag, ""))
    parsed = any(is_parsed(part.setup) for part in parts)
    parsers = files.text("parsers.conf", PARSERS) if parsed else ""
    return configuration(parts, placed, sources, parsers)


def _part(one: Play, port: int, place: Place, tags: dict[object, str], ports: Ports) -> Part:
    """A play as one output or input; outputs that read the same source share its tag."""
    wanted, setup = one.setup.agent, one.setup
    own_tag = listens(setup) or spoils_records(setup)
    source = one.alias if own_tag else (wanted.source, wanted.input_properties, is_metrics(setup))
    dialled = wanted.host if setup.role is Role.OUTPUT else LOOPBACK
    return Part(
        alias=one.alias,
        setup=setup,
        address=place.dials if dialled == LOOPBACK else dialled,
        port=port,
        tag=tags.setdefault(source, f"t{len(tags)}"),
        listens=ports.reserve() if listens(setup) else 0,
        admin=ports.reserve() if is_reloaded(setup) else 0,
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
        environment=_environment(parts),
    )


def _environment(parts: Sequence[Part]) -> dict[str, str]:
    """What Fluent Bit takes from the environment: credentials for AWS, and one proxy for all."""
    wanted: dict[str, str] = {}
    for part in parts:
        agent = part.setup.agent
        wanted |= credentials(agent.plugin, (name for name, _ in agent.properties))
    peer = parts[0].setup.peer
    proxy = peer.proxy if isinstance(peer, CollectorSpec) else None
    if proxy is not None:
        scheme = "https" if proxy.chain else "http"
        wanted["HTTP_PROXY"] = f"{scheme}://{LOOPBACK}:{parts[0].port}"
    return wanted
