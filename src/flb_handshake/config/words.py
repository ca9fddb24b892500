"""What a configuration consists of, whatever syntax it was written in; each word knows its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Where something stands: the file as it was named, and the line, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One key with its value."""

    key: str
    """As it is written; Fluent Bit does not tell cases apart, see `name`."""
    value: str
    """With variables filled in, as Fluent Bit gets it."""
    written: str
    """As it stands in the file."""
    spot: Spot

    @property
    def name(self) -> str:
        """The key in small letters, by which properties are compared."""
        return self.key.lower()

    @property
    def is_open(self) -> bool:
        """Whether it is filled in elsewhere: by Helm, a secret, a variable that nobody sets."""
        filled = _VARIABLE.sub("", self.written).strip()
        by_variable = "${" in self.written and filled == self.value.strip()
        return by_variable or "{{" in self.value or self.value.startswith(KEPT_ELSEWHERE)


KEPT_ELSEWHERE: Final = "(secret "
"""How the value of a resource begins that stands in a secret of Kubernetes."""

_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


class Kind(StrEnum):
    """What a section is about."""

    SERVICE = "service"
    INPUT = "input"
    FILTER = "filter"
    OUTPUT = "output"
    CUSTOM = "custom"
    PROCESSOR = "processor"
    UPSTREAM = "upstream"
    NODE = "node"
    PROXY = "proxy"
    """What an output says of an HTTPS proxy, read as an end of its own."""
    OTHER = "other"
    """Parsers, plugins, stream tasks: nothing that opens a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section: an input, an output, a node of an upstream file."""

    kind: Kind
    title: str
    """The section's name as it is written, without brackets."""
    properties: tuple[Property, ...]
    spot: Spot
    sections: tuple[Section, ...] = ()
    """What belongs to it: processors of a plugin in YAML, nodes of an output's upstream file."""

    def find(self, name: str) -> Property | None:
        """The property of that name (in small letters) that counts; None: it is not set.

        Of a property that stands there twice, the last; of `name`, and of all in a node, the first
        (1.9.10, 5.1.1).
        """
        found = [one for one in self.properties if one.name == name]
        if not found:
            return None
        return found[0] if name == "name" or self.kind is Kind.NODE else found[-1]

    def value(self, name: str) -> str | None:
        """The value of the property that counts."""
        found = self.find(name)
        return found.value if found else None

    @property
    def plugin(self) -> str:
        """The plugin's name in small letters, without what follows a dot; empty: it has none."""
        return (self.value("name") or "").lower().partition(".")[0]

    @property
    def called(self) -> str:
        """How reports call it: by kind and plugin, and by its alias where it has one."""
        alias = self.value("alias")
        # A node's name is its own, and can be an address; an input's or output's is its plugin's.
        is_own = self.kind in {Kind.NODE, Kind.PROXY}
        name = self.value("name") or "" if is_own else self.plugin
        return f"{self.kind} {name}" + (f" '{alias}'" if alias else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why Fluent Bit would not start with it, or what it would pass over without a word."""

    text: str
    hint: str
    spot: Spot
    fatal: bool = True
    """Whether it keeps Fluent Bit from starting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All files of a configuration as one."""

    sections: tuple[Section, ...]
    refusals: tuple[Refusal, ...] = ()
    files: tuple[str, ...] = ()
    """Every file that was read, in the order of reading."""
    sets: tuple[tuple[str, str], ...] = ()
    """Variables that it sets itself, by `@SET` or `env`, each with its value."""
    unset: tuple[str, ...] = ()
    """Variables that it uses and nobody sets."""

    def of(self, kind: Kind) -> tuple[Section, ...]:
        """The sections of a kind, in order."""
        return tuple(one for one in self.sections if one.kind is kind)
