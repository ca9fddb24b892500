"""Which plugins are built into a Fluent Bit, as its `--help` lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Plugins = Mapping[str, frozenset[str]]
"""The names by role: `input`, `filter` and `output`."""

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")
_SECTIONS: Final = {"Inputs": "input", "Filters": "filter", "Outputs": "output"}
_ENTRY: Final = re.compile(r"^  (\S+)")
_NAMED: Final = re.compile(
    r"^\[(input|filter|output)\]|^\s+name\s+(\S+)", re.IGNORECASE | re.MULTILINE
)


def listed(said: str) -> Plugins | None:
    """What a `--help` lists; None: it lists nothing, so that nothing is known."""
    found: dict[str, set[str]] = {role: set() for role in _SECTIONS.values()}
    role: str | None = None
    for line in _ESCAPES.sub("", said).splitlines():
        if entry := _ENTRY.match(line):
            if role is not None:
                found[role].add(entry[1])
        elif line.strip():
            role = _SECTIONS.get(line.strip())
    if not all(found.values()):
        return None
    return {name: frozenset(plugins) for name, plugins in found.items()}


def is_missing(plugins: Plugins | None, role: str, name: str) -> bool:
    """Whether it is known that this one is not built in."""
    return plugins is not None and name.lower() not in plugins[role]


def named(config: str) -> set[tuple[str, str]]:
    """The plugins that a configuration in classic mode names: the role of each, and the name."""
    found: set[tuple[str, str]] = set()
    role = ""
    for match in _NAMED.finditer(config):
        if match[1]:
            role = match[1].lower()
        elif role:
            found.add((role, match[2]))
    return found
