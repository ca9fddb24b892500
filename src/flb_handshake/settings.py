"""TLS intent in the article's words -> Fluent Bit's properties -> the text of a configuration.

The text is in Fluent Bit's classic syntax: every release from 1.9 to 5.1 reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flb_handshake.ca_files import ca_content, ca_file
from flb_handshake.dials import DIALS, HOST_AND_PORT, METRICS, TAKES
from flb_handshake.model import (
    CollectorSpec,
    File,
    FileForm,
    Mode,
    Reload,
    Role,
    Setup,
    Upstream,
    Where,
)

ModeTable = Mapping[Mode, Mapping[str, str]]

OUTPUT_MODES: Final[ModeTable] = {
    Mode.OFF: {"tls": "off"},
    Mode.NONE: {"tls": "on", "tls.verify": "off"},
    Mode.VERIFY_PEER: {"tls": "on", "tls.verify": "on"},
    Mode.VERIFY_HOST: {"tls": "on", "tls.verify": "on", "tls.verify_hostname": "on"},
    Mode.REQUIRE: {"tls": "on", "tls.verify": "on"},
}
"""Mode, mapped once. `require` adds nothing: a server always presents a certificate."""

INPUT_MODES: Final[ModeTable] = {
    Mode.OFF: {"tls": "off"},
    Mode.NONE: {"tls": "on", "tls.verify": "off"},
    Mode.VERIFY_PEER: {"tls": "on", "tls.verify": "on"},
    Mode.VERIFY_HOST: {"tls": "on", "tls.verify": "on", "tls.verify_hostname": "on"},
    Mode.REQUIRE: {"tls": "on", "tls.verify": "on", "tls.verify_client_cert": "on"},
}
"""The same for an input, which is a TLS server: `verify_peer` asks for a client certificate and
takes none; `require` (5.0 and later) takes nobody without one. `verify_host` is `verify_peer`: a
client has no name to be checked."""

RECORD: Final = '{"message":"handshake"}'
"""The record that `dummy` makes."""

LOOPBACK: Final = "127.0.0.1"
"""Where the inputs of an agent listen, and its own HTTP server."""

_YES: Final = frozenset({"on", "true", "yes"})

_PACE: Final = {
    "Flush": "0.01",
    "Grace": "0",
    "Daemon": "off",
    "Log_Level": "debug",
    "HTTP_Server": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the files of an agent stand: a path for each file that its settings name."""

    paths: Mapping[File, str]

    def __getitem__(self, file: File) -> str:
        return self.paths[file]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One scenario's part of a configuration: whose settings, under which alias and tag.

    An output dials the collector at `address` and `port`; what an input takes is sent on to there.
    """

    alias: str
    setup: Setup
    address: str
    port: int
    tag: str
    listens: int = 0
    """The port of an input: the one that is tried, or the one that feeds an output in steps."""
    admin: int = 0
    """The port of the agent's own HTTP server, where it is asked to reload; 0: it has none."""
    tokens: str = ""
    """The address of a server of tokens, in cleartext; empty: it asks for none."""
    store: str = ""
    """The path of a directory for what it keeps before it sends it, and nobody else's."""


def listens(setup: Setup) -> bool:
    """Whether an input listens for it: the one that is tried, or the feed of an output in steps."""
    return setup.role is Role.INPUT or bool(setup.steps)


def is_reloaded(setup: Setup) -> bool:
    """Whether the agent is told to reload, for which it has an HTTP server."""
    return any(isinstance(change, Reload) for step in setup.steps for change in step.changes)


def is_metrics(setup: Setup) -> bool:
    """Whether its output sends metrics, which `dummy` does not make."""
    return setup.role is Role.OUTPUT and setup.agent.plugin in METRICS


def spoils_records(setup: Setup) -> bool:
    """Whether other outputs find the same records spoiled: `out_websocket` masks them in place.

    Those in msgpack, its default, stand where all outputs read them; seen in 5.1.1.
    """
    forms = [value for name, value in setup.agent.properties if name.lower() == "format"]
    is_websocket = setup.role is Role.OUTPUT and setup.agent.plugin == "websocket"
    return is_websocket and (not forms or forms[-1] in {None, "msgpack"})


def speaks_tls(setup: Setup) -> bool:
    """Whether its Mode, or a property of its own that wins over it, switches TLS on."""
    modes = OUTPUT_MODES if setup.role is Role.OUTPUT else INPUT_MODES
    made = _but(dict(modes[setup.agent.mode]), setup.agent.properties)
    return made.get("tls", "off").lower() in _YES


def is_parsed(setup: Setup) -> bool:
    """Whether its input needs PARSERS."""
    return setup.role is Role.INPUT and setup.agent.plugin == "syslog"


def named_files(setup: Setup) -> dict[str, File]:
    """Every file that the agent's settings name, by the property that names it."""
    agent = setup.agent
    named = {
        "tls.ca_path": agent.ca_path,
        "tls.ca_file": ca_file(setup),
        "tls.crt_file": agent.crt,
        "tls.key_file": agent.key,
        "tls.proxy.ca_file": _proxy_ca(setup),
    }
    return {name: file for name, file in named.items() if file is not None}


def _proxy_ca(setup: Setup) -> File | None:
    proxy = setup.peer.proxy if isinstance(setup.peer, CollectorSpec) else None
    chain = proxy.chain if proxy else None
    return ca_content(setup.agent.proxy_ca, chain or setup.judged)


CHANGEABLE: Final = {
    "ca": "tls.ca_file",
    "ca_path": "tls.ca_path",
    "crt": "tls.crt_file",
    "key": "tls.key_file",
}
"""The property that names it, by the agent's field, of each file that can change meanwhile."""


def files_of(setup: Setup) -> tuple[File, ...]:
    """Every file that the agent's settings name, at the start."""
    return tuple(named_files(setup).values())


def properties(setup: Setup, placed: Placed) -> dict[str, str]:
    """The properties of the output or input, in the order in which people write them: TLS first."""
    upstream = setup.agent.upstream
    made = {} if upstream and upstream.tls is Where.NODE else _of_tls(setup, placed)
    return _but(made, setup.agent.properties)


def _of_node(upstream: Upstream, setup: Setup, placed: Placed) -> dict[str, str]:
    made = {} if upstream.tls is Where.OUTPUT else _of_tls(setup, placed)
    return _but(made, upstream.properties)


def _of_tls(setup: Setup, placed: Placed) -> dict[str, str]:
    agent = setup.agent
    modes = OUTPUT_MODES if setup.role is Role.OUTPUT else INPUT_MODES
    made = dict(modes[agent.mode])
    if agent.vhost is not None:
        made["tls.vhost"] = agent.vhost
    made |= {name: placed[file] for name, file in named_files(setup).items()}
    if agent.key_passwd is not None:
        made["tls.key_passwd"] = agent.key_passwd
    made["tls.debug"] = "1"
    return made


def _but(made: dict[str, str], changes: Sequence[tuple[str, str | None]]) -> dict[str, str]:
    """The same with these, the last word; None takes one away."""
    for name, value in changes:
        if value is None:
            made.pop(name, None)
        else:
            made[name] = value
    return made


def configuration(
    parts: Sequence[Part], placed: Placed, sources: Mapping[str, str], parsers: str = ""
) -> str:
    """The whole text: a service, an input for each tag, an output for each part.

    `sources` gives the path that `tail` reads for a tag; a tag that is not in it is fed by `dummy`,
    or over the port that its part listens on. `parsers` is the path of PARSERS, if it is needed.
    """
    sections = [_section("SERVICE", _service(parts[0], parsers))]
    seen: set[str] = set()
    for part in parts:
        if part.setup.role is Role.OUTPUT and part.tag not in seen:
            seen.add(part.tag)
            sections.append(_section("INPUT", _source(part, sources.get(part.tag))))
    sections += [section(part, placed) for part in parts]
    return "\n".join(sections)


def _service(part: Part, parsers: str) -> dict[str, str]:
    made = dict(_PACE)
    if parsers:
        made["Parsers_File"] = parsers
    if part.admin:
        own = {"HTTP_Server": "on", "HTTP_Listen": LOOPBACK, "HTTP_Port": str(part.admin)}
        made |= {"Hot_Reload": "on", **own}
    return made | dict(part.setup.agent.service)


def section(part: Part, placed: Placed) -> str:
    """The text that is this part's own: its output, or its input and what sends its records on."""
    if part.setup.role is Role.OUTPUT:
        made = properties_of(part, placed)
        upstream = upstream_file(part, placed)
        return _output(part, made if upstream is None else made | {"Upstream": placed[upstream]})
    return "\n".join((_input(part, placed), _output(part, {})))


def _output(part: Part, properties: Mapping[str, str]) -> str:
    plugin = part.setup.agent.plugin
    if part.setup.role is Role.INPUT:
        plugin = plugin if plugin in METRICS else "http"
    return _section(
        "OUTPUT",
        {
            "Name": plugin,
            "Alias": part.alias,
            "Match": part.tag,
            **_dialled(plugin, part),
            "Workers": "0",
            "Retry_Limit": "no_retries",
            **properties,
        },
    )


def upstream_file(part: Part, placed: Placed) -> File | None:
    """The file that its `Upstream` names; None: it has none."""
    upstream = part.setup.agent.upstream
    if upstream is None:
        return None
    node = {
        "Name": "node",
        "Host": part.address,
        "Port": str(part.port),
        **_of_node(upstream, part.setup, placed),
    }
    text = "\n".join((_section("UPSTREAM", {"Name": "nodes"}), _section("NODE", node)))
    return File(form=FileForm.TEXT, text=text, stem="upstream")


def _dialled(plugin: str, part: Part) -> dict[str, str]:
    if part.setup.agent.upstream is not None:
        return {}
    dials = DIALS.get(plugin, HOST_AND_PORT)
    left_out = {name for name, value in part.setup.agent.properties if value is None}
    return {name: _addressed(value, part) for name, value in dials.items() if name not in left_out}


def properties_of(part: Part, placed: Placed) -> dict[str, str]:
    """The same as `properties`, with the collector's address where it is asked for."""
    made = properties(part.setup, placed)
    return {name: _addressed(value, part) for name, value in made.items()}


def dialling(part: Part, placed: Placed) -> dict[str, str]:
    """The properties by which it dials: the node's in its upstream file, where it has one."""
    upstream = part.setup.agent.upstream
    if upstream is None:
        return properties_of(part, placed)
    return _of_node(upstream, part.setup, placed)


def _addressed(value: str, part: Part) -> str:
    filled = value.replace("{host}", part.address).replace("{port}", str(part.port))
    return filled.replace("{store}", part.store).replace("{tokens}", part.tokens)


def asks_for_tokens(setup: Setup) -> bool:
    """Whether it asks a server of ours for a token first, beside its collector."""
    return any("{tokens}" in (value or "") for _, value in setup.agent.properties)


def _input(part: Part, placed: Placed) -> str:
    plugin = part.setup.agent.plugin
    return _section(
        "INPUT",
        {
            "Name": plugin,
            "Alias": part.alias,
            "Tag": part.tag,
            "Listen": LOOPBACK,
            "Port": str(part.listens),
            **TAKES.get(plugin, {}),
            **properties(part.setup, placed),
        },
    )


def whole_text(part: Part, placed: Placed, source: str) -> str:
    """A configuration that the scenario gives as it stands, with port and paths filled in."""
    return _filled(part.setup.agent.config or "", part, placed, source)


def environment(part: Part, placed: Placed) -> dict[str, str]:
    """The variables that the scenario gives the agent, with port and paths filled in."""
    return {name: _filled(value, part, placed, "") for name, value in part.setup.agent.environment}


def _filled(text: str, part: Part, placed: Placed, source: str) -> str:
    files = named_files(part.setup)
    filled = {"{port}": str(part.port), "{source}": source, "{host}": part.address}
    for word in ("ca", "crt", "key"):
        file = files.get(f"tls.{word}_file")
        filled[f"{{{word}}}"] = placed[file] if file is not None else ""
    for word, value in filled.items():
        text = text.replace(word, value)
    return text


def _source(part: Part, source: str | None) -> dict[str, str]:
    """The input that feeds an output."""
    extra = dict(part.setup.agent.input_properties)
    if part.listens:
        return {
            "Name": "tcp",
            "Tag": part.tag,
            "Listen": LOOPBACK,
            "Port": str(part.listens),
            "Format": "json",
            **extra,
        }
    if is_metrics(part.setup):
        return {
            "Name": "fluentbit_metrics",
            "Tag": part.tag,
            "Scrape_On_Start": "on",
            "Scrape_Interval": "60",
            **extra,
        }
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
