"""YAML as a tree of nodes that know their lines; read by libyaml, as by Fluent Bit, if it is there.

Events are read one by one, so that neither a deep nest nor a bomb of aliases does any harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

DEEPEST_NEST: Final = 64
"""Mappings and lists within each other; nobody's configuration comes near."""

_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class NotYaml(Exception):
    """The text is no YAML: `str(error)` says why, `line` where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text as it is after quotes are taken off; `null` and `on` are texts too.

    `style` is how it is written: `|` and `>` for blocks, quotes, or empty.
    """

    text: str
    line: int
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Keys with values, in order, repeated ones too."""

    pairs: tuple[tuple[Node, Node], ...]
    line: int

    def entries(self) -> Iterator[tuple[str, int, Node]]:
        """Each key that is a text, with its line, and its value."""
        for key, value in self.pairs:
            if isinstance(key, Scalar):
                yield key.text, key.line, value

    def get(self, *names: str) -> Node | None:
        """The value found by going down these keys; None: there is none."""
        found: Node | None = self
        for name in names:
            if not isinstance(found, Mapping):
                return None
            found = next((value for key, _, value in found.entries() if key == name), None)
        return found

    def text(self, *names: str) -> str:
        """The text found there; empty: there is none."""
        found = self.get(*names)
        return found.text if isinstance(found, Scalar) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A `*name`, which Fluent Bit does not follow."""

    name: str
    line: int


Node = Scalar | Sequence | Mapping | Alias


def documents(text: str) -> list[Node]:
    """The documents of a text. Raises NotYaml."""
    found: list[Node] = []
    try:
        events = yaml.parse(text, Loader=_LOADER)
        found += (_node(one, events, 0) for one in events if isinstance(one, yaml.NodeEvent))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(error.problem or "unreadable", mark.line + 1 if mark else 1) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise NotYaml("a character that YAML does not allow", line) from error
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise NotYaml("unreadable", 1) from error
    return found


def _node(event: yaml.NodeEvent, events: Iterator[yaml.Event], depth: int) -> Node:
    line = event.start_mark.line + 1 if event.start_mark else 1
    if depth > DEEPEST_NEST:
        raise NotYaml(f"more than {DEEPEST_NEST} levels", line)
    if isinstance(event, yaml.AliasEvent):
        return Alias(name=str(event.anchor), line=line)
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(text=event.value, line=line, style=event.style or "")
    inner: list[Node] = []
    for one in events:
        if not isinstance(one, yaml.NodeEvent):
            break  # the end of this very list or mapping
        inner.append(_node(one, events, depth + 1))
    if isinstance(event, yaml.SequenceStartEvent):
        return Sequence(items=tuple(inner), line=line)
    return Mapping(pairs=tuple(zip(inner[::2], inner[1::2], strict=False)), line=line)
