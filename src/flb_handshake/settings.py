"""TLS intent in the article's words -> Fluent Bit's properties -> the text of a configuration.

The text is in Fluent Bit's classic syntax: every release from 1.9 to 5.1 reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flb_handshake.certificates import OTHER_ROOT, CertSpec, Chain, expired
from flb_handshake.model import AgentSpec, CAFile, File, FileForm, Mode, Setup

ModeTable = Mapping[Mode, Mapping[str, str]]

OUTPUT_MODES: Final[ModeTable] = {
    Mode.OFF: {"tls": "off"},
    Mode.NONE: {"tls": "on", "tls.verify": "off"},
    Mode.VERIFY_PEER: {"tls": "on", "tls.verify": "on"},
    Mode.VERIFY_HOST: {"tls": "on", "tls.verify": "on", "tls.verify_hostname": "on"},
    Mode.REQUIRE: {"tls": "on", "tls.verify": "on"},
}
"""Mode, mapped once. `require` adds nothing: a server always presents a certificate."""

RECORD: Final = '{"message":"handshake"}'
"""The record that `dummy` makes."""

_PACE: Final = {
    "Flush": "0.01",
    "Grace": "0",
    "Daemon": "off",
    "Log_Level": "debug",
    "HTTP_Server": "off",
}

_ANSWERS_AT: Final = {"http": {"URI": "/v1/logs", "Format": "json"}}
"""What makes a plugin send JSON to a path of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the files of an agent stand: a path for each file that its settings name."""

    paths: Mapping[File, str]

    def __getitem__(self, file: File) -> str:
        return self.paths[file]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One output of a configuration: whose settings, under which alias, dialling which port."""

    alias: str
    setup: Setup
    address: str
    port: int
    tag: str


def ca_file(kind: CAFile | File | None, chain: Chain) -> File | None:
    """The file that CA.File names, given the collector's chain; None: `tls.ca_file` is unset."""
    if isinstance(kind, File) or kind is None:
        return kind
    if kind in {CAFile.SYSTEM, CAFile.UNSET}:
        return None
    return File(
        form=_FORMS.get(kind, FileForm.PEM),
        certs=_held(kind, chain),
        crl_of=chain.leaf.path[1:] if kind is CAFile.ROOT_AND_CRL else (),
        text="these are not certificates\n" if kind is CAFile.GARBAGE else "",
        stem="ca-" + kind.value.replace(" ", "-"),
    )


_FORMS: Final = {
    CAFile.EMPTY: FileForm.TEXT,
    CAFile.GARBAGE: FileForm.TEXT,
    CAFile.MISSING: FileForm.MISSING,
    CAFile.DIRECTORY: FileForm.DIRECTORY,
    CAFile.DER: FileForm.DER,
    CAFile.CRLF: FileForm.CRLF,
}


def _held(kind: CAFile, chain: Chain) -> tuple[CertSpec, ...]:
    """The certificates in a CA.File of this kind."""
    match kind:
        case CAFile.ROOT | CAFile.DER | CAFile.CRLF | CAFile.ROOT_AND_CRL:
            return (chain.root,)
        case CAFile.INTERMEDIATE:
            return (chain.intermediate,)
        case CAFile.INTERMEDIATE_AND_ROOT:
            return (chain.intermediate, chain.root)
        case CAFile.OTHER_ROOT:
            return (OTHER_ROOT,)
        case CAFile.OTHER_AND_ROOT:
            return (OTHER_ROOT, chain.root)
        case CAFile.LEAF | CAFile.SELF_SIGNED_LEAF:
            return (chain.leaf,)
        case CAFile.EXPIRED_ROOT:
            return (chain.root.but(expired()),)
        case _:
            return ()


def files_of(setup: Setup) -> tuple[File, ...]:
    """Every file that the agent's settings name."""
    agent = setup.agent
    named = (ca_file(agent.ca, setup.peer.chain), agent.ca_path, agent.crt, agent.key)
    return tuple(file for file in named if file is not None)


def properties(setup: Setup, placed: Placed) -> dict[str, str]:
    """The TLS properties of the output, in the order in which people write them."""
    agent = setup.agent
    made = dict(OUTPUT_MODES[agent.mode])
    if agent.vhost is not None:
        made["tls.vhost"] = agent.vhost
    named = {
        "tls.ca_path": agent.ca_path,
        "tls.ca_file": ca_file(agent.ca, setup.peer.chain),
        "tls.crt_file": agent.crt,
        "tls.key_file": agent.key,
    }
    made |= {name: placed[file] for name, file in named.items() if file is not None}
    if agent.key_passwd is not None:
        made["tls.key_passwd"] = agent.key_passwd
    made["tls.debug"] = "1"
    for name, value in agent.properties:
        if value is None:
            made.pop(name, None)
        else:
            made[name] = value
    return made


def configuration(parts: Sequence[Part], placed: Placed, sources: Mapping[str, str]) -> str:
    """The whole text: a service, one input for each tag, one output for each part.

    `sources` gives the path that `tail` reads for a tag; a tag that is not in it is fed by `dummy`.
    """
    sections = [_section("SERVICE", _PACE)]
    seen: set[str] = set()
    for part in parts:
        if part.tag not in seen:
            seen.add(part.tag)
            sections.append(_section("INPUT", _input(part, sources.get(part.tag))))
    sections += [output_section(part, placed) for part in parts]
    return "\n".join(sections)


def output_section(part: Part, placed: Placed) -> str:
    """The text of one output."""
    agent = part.setup.agent
    return _section(
        "OUTPUT",
        {
            "Name": agent.plugin,
            "Alias": part.alias,
            "Match": part.tag,
            "Host": part.address,
            "Port": str(part.port),
            **_ANSWERS_AT.get(agent.plugin, {}),
            "Workers": "0",
            "Retry_Limit": "no_retries",
            **properties(part.setup, placed),
        },
    )


def whole_text(part: Part, placed: Placed, source: str) -> str:
    """A configuration that the scenario gives as it stands, with port and paths filled in."""
    agent: AgentSpec = part.setup.agent
    text = agent.config or ""
    filled = {"{port}": str(part.port), "{source}": source, "{host}": part.address}
    for name, file in (("{ca}", ca_file(agent.ca, part.setup.peer.chain)),):
        filled[name] = placed[file] if file is not None else ""
    for name, file in (("{crt}", agent.crt), ("{key}", agent.key)):
        filled[name] = placed[file] if file is not None else ""
    for word, value in filled.items():
        text = text.replace(word, value)
    return text


def _input(part: Part, source: str | None) -> dict[str, str]:
    extra = dict(part.setup.agent.input_properties)
    if source is not None:
        return {
            "Name": "tail",
            "Tag": part.tag,
            "Path": source,
            "Read_from_Head": "on",
            "Refresh_Interval": "1",
            **extra,
        }
    return {
        "Name": "dummy",
        "Tag": part.tag,
        "Dummy": RECORD,
        "Rate": "1000",
        "Samples": "1",
        **extra,
    }


def _section(name: str, entries: Mapping[str, str]) -> str:
    width = max(len(key) for key in entries)
    lines = [f"    {key:<{width}} {value}" for key, value in entries.items()]
    return "\n".join((f"[{name}]", *lines, ""))
