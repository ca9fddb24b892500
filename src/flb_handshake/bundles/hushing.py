"""A setup without a secret of the user's: stand-ins for its values, before it is played."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final

from flb_handshake.config.words import Section
from flb_handshake.dials import DIALS
from flb_handshake.lint.linting import IN_A_URL, is_secret, secrets
from flb_handshake.model import Role, Setup

_SPOKEN_OF: Final = re.compile(r"tls(\.(?!vhost|key_passwd).*)?|format|compress|json_date_format")
"""Properties of few words: a variable's value is no secret there, and another would not do."""

_SWITCHES: Final = frozenset({"on", "off", "true", "false", "yes", "no"})

_LOOKS_RANDOM: Final = re.compile(r"(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[\w-]{20,}")
"""As a token in the path of a webhook does, whatever the property is called."""

_ADDRESS: Final = "192.0.2.1"
"""RFC 5737: nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hushed:
    """A setup whose secrets are others."""

    setup: Setup
    hidden: tuple[str, ...]
    """The properties that have other values now, and nothing of the old ones."""


def hushed(setup: Setup, section: Section) -> Hushed:
    """The setup with stand-ins for whatever could be a secret in that section of the user's."""
    told = tuple(one for one in section.properties if not _SPOKEN_OF.fullmatch(one.name))
    found = secrets([replace(section, properties=told)]) - _SWITCHES
    of_urls = {word for one in told for word in IN_A_URL.findall(one.value)}
    of_urls |= {word for one in told for word in _LOOKS_RANDOM.findall(one.value)}
    ordered = sorted(found | of_urls, key=lambda one: (-len(one), one))
    words = {one: f"hidden-{number}" for number, one in enumerate(ordered, 1) if " " not in one}
    agent = setup.agent
    properties = tuple(
        (name, _value(name, value, setup, words)) for name, value in agent.properties
    )
    of_peer = ("chain", "client_ca") if setup.role is Role.OUTPUT else ("chain", "trusts")
    made = Setup(
        agent=replace(
            agent,
            host=_over(agent.host, words),
            vhost=_over(agent.vhost, words),
            ca=_over(agent.ca, words),
            ca_path=_over(agent.ca_path, words),
            crt=_over(agent.crt, words),
            key=_over(agent.key, words),
            properties=properties,
            input_properties=_over(agent.input_properties, words),
        ),
        peer=replace(
            setup.peer, **{name: _over(getattr(setup.peer, name), words) for name in of_peer}
        ),
    )
    hidden = tuple(
        name
        for (name, new), (_, old) in zip(properties, agent.properties, strict=True)
        if new != old
    )
    dialled = ("host",) if made.agent.host != agent.host else ()
    return Hushed(setup=made, hidden=(*dialled, *hidden))


def _value(name: str, value: str | None, setup: Setup, words: Mapping[str, str]) -> str | None:
    if value is None:
        return None
    if not is_secret(name.lower()):
        return value if _SPOKEN_OF.fullmatch(name.lower()) else _over(value, words)
    usual = {key.lower(): one for key, one in DIALS.get(setup.agent.plugin, {}).items()}
    if name.lower() in usual:
        return usual[name.lower()]
    if value in _SWITCHES:
        return value
    # As many words as before: a header has a name and a value, and one alone is a mistake.
    return " ".join(f"hidden-{number}" for number, _ in enumerate(value.split(), 1))


def _over(value: Any, words: Mapping[str, str]) -> Any:
    """The value with each secret in it replaced, alike wherever it stands."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        for secret, instead in words.items():
            value = value.replace(secret, instead)
        return value
    if isinstance(value, tuple):
        return tuple(_over(one, words) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: _over(getattr(value, one.name), words) for one in fields(value)}
        if "ips" in held:
            ips = value.ips  # type: ignore[attr-defined] # of a CertSpec
            held["ips"] = tuple(_ADDRESS if one in words else one for one in ips)
        return replace(value, **held)
    return value
