"""Variables of a configuration, filled in as Fluent Bit does once it has read all files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from flb_handshake.config.words import Kind, Property, Section

_FILLED_IN_NODES: Final = frozenset(
    {
        "host",
        "name",
        "port",
        "tls.ca_file",
        "tls.ca_path",
        "tls.crt_file",
        "tls.key_file",
        "tls.key_passwd",
        "tls.vhost",
    }
)
"""All else in a node is taken as it is written, its switches among it (1.9.10 to 5.1.1)."""

_USED: Final = re.compile(r"\$\{([^}]+)\}")


def filled(
    sections: Sequence[Section], environment: Mapping[str, str]
) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    """The sections with their values filled in, and the variables that nobody sets, in order.

    Only afterwards: an `@SET` at the end of a file counts for its beginning (1.9.10, 5.1.1).
    Defaults, as in `${NAME:-default}`, are known from 4.2 on: 4.0.14 takes it all for a name.
    """
    unset: dict[str, None] = {}

    def of(section: Section) -> Section:
        return replace(
            section,
            properties=tuple(
                _filled(one, environment, unset)
                if section.kind is not Kind.NODE or one.name in _FILLED_IN_NODES
                else one
                for one in section.properties
            ),
            sections=tuple(of(one) for one in section.sections),
        )

    return tuple(of(one) for one in sections), tuple(unset)


def _filled(one: Property, environment: Mapping[str, str], unset: dict[str, None]) -> Property:
    def value(match: re.Match[str]) -> str:
        name, separator, default = match[1].partition(":-")
        held = environment.get(name)
        if held is not None and (held or not separator):
            return held
        if not separator:
            unset[name] = None
        return default

    # What is never closed is no variable; looked for, it would take the square of its length.
    whole, brace, rest = one.written.rpartition("}")
    return replace(one, value=_USED.sub(value, whole + brace) + rest)
