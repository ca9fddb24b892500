"""A section's properties as they are played: its own, but for where it is and whom it dials."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from flb_handshake.config.dialling import LOOPBACK, NOTHING
from flb_handshake.config.words import Section
from flb_handshake.dials import DIALS, HOST_AND_PORT
from flb_handshake.hosts import is_address
from flb_handshake.lint.linting import is_secret
from flb_handshake.model import AgentSpec
from flb_handshake.peer.protocols import SPOKEN

_OURS: Final = frozenset(
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
        "tls.proxy.ca_file",
        "tls.proxy.ca_path",
        "tls.vhost",
        "upstream",
        "workers",
    }
)
"""Where it is, whom it dials, which files it reads and how it waits: ours take their place."""

_WAITING: Final[Mapping[str, frozenset[str]]] = {
    "s3": frozenset(
        {
            "store_dir",
            "total_file_size",
            "upload_chunk_size",
            "upload_timeout",
            "use_put_object",
        }
    ),
}
"""How an output gathers records before it sends them, and where: ours do not wait, and what the
user's own keeps there is left alone."""

_ELSEWHERE: Final = frozenset(
    {"aws_auth", "cloud_id", "oauth2", "oauth2.enable", "oauth2.token_url", "proxy", "upstream"}
)
"""Properties by which an output dials somebody else than its host."""

OF_A_URL: Final = frozenset(
    name for name, words in DIALS.items() if not HOST_AND_PORT.items() <= words.items()
)
"""Outputs that are told by another property whom to dial."""


def own(
    section: Section, dials: Mapping[str, str], leading: Mapping[str, str | None] = NOTHING
) -> Properties:
    """Its properties as they stand, the last of each; what a plugin needs is not said twice.

    `dials` are the words by which its plugin dials, and `leading` takes the place of its own.
    """
    spelt = {name.lower(): name for name in (*dials, *leading)}
    ports = {name.lower() for name, word in dials.items() if word == "{port}"}
    ours = _OURS | ports | _WAITING.get(section.plugin, frozenset())
    tls = () if section.find("tls") else (("tls", None),)
    found: dict[str, str | None] = {}
    for one in section.properties:
        if one.name not in ours:
            name = spelt.get(one.name, one.name)
            found[name] = one.value if one.value.strip() else _unset(name, dials)
    return (*tls, *(found | dict(leading)).items())


Properties = tuple[tuple[str, str | None], ...]


def _unset(name: str, dials: Mapping[str, str]) -> str | None:
    """What stands in for a variable that nobody sets here: Fluent Bit takes no empty value.

    A switch is taken for on, as by the rules; a secret for anybody's.
    """
    if name == "tls" or name.startswith("tls.verify"):
        return "on"
    return dials.get(name, "nobody-s" if is_secret(name) else None)


_TAKES_KEYS: Final = re.compile(r".*(log|message)_key")
_KEY: Final = re.compile(r"\$?(\w+)")


def record(section: Section) -> tuple[tuple[str, str], ...]:
    """What `dummy` is told, where an output sends nothing but keys that our record has not."""
    found = [
        _KEY.fullmatch(one.value.strip())
        for one in section.properties
        if _TAKES_KEYS.fullmatch(one.name)
    ]
    keys = dict.fromkeys(("message", *(one[1] for one in found if one)), "handshake")
    return (("Dummy", json.dumps(keys)),) if len(keys) > 1 else ()


_BY_ONE_URL: Final = frozenset({"logdna", "nrlogs", "slack"})
"""Outputs whose one property says whom they dial; the others need more than files and a port."""

_LED: Final = re.compile(r"(https?://)?\{host\}(:\{port\})?(/[^\s@]*)?")


def _leads_away(word: str, value: str) -> bool:
    """Whether a property that DIALS gives an address has another than our peer's."""
    addresses = "{host}" in word or "{port}" in word
    return addresses and not _LED.fullmatch(value)


_NAME: Final = re.compile(r"[a-z0-9_.]+", re.IGNORECASE)


def stranger(agent: AgentSpec) -> str | None:
    """Why this is no output as `stand_ins` makes them, but could reach further than our peer.

    For settings that somebody else brought: it writes no file and dials loopback alone.
    """
    plugin, host = agent.plugin, agent.host
    if agent.upstream is not None:
        return "whom it dials stands in a file of its own"
    if plugin not in SPOKEN or plugin in OF_A_URL - _BY_ONE_URL:
        return f"'{plugin}' is no output that can be played anywhere"
    if host != LOOPBACK and (is_address(host) or not re.fullmatch(r"[\w.-]+", host)):
        return f"it dials {host}"
    if any(name != "Dummy" for name, _ in agent.input_properties):
        return "its input is not ours"
    words = {name.lower(): word for name, word in DIALS.get(plugin, {}).items()}
    ours = words.keys() - {"host", "port"}
    for name, value in agent.properties:
        low = name.lower()
        if plugin in _BY_ONE_URL and _leads_away(words.get(low, ""), value or ""):
            return f"'{name}' does not lead to our peer"
        if not _NAME.fullmatch(name) or "\n" in (value or ""):
            return f"{name!r:.40} is no property"
        if low in _ELSEWHERE or low.endswith("_path") or (low in _OURS and low not in ours):
            return f"'{name}' is not its own to set"
    return None
