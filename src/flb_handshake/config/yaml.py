"""Reads YAML as Fluent Bit 5.1.1 does: what it would stop at is noted, and reading goes on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from flb_handshake.config import nodes
from flb_handshake.config.files import DEEPEST, Reading, leaves
from flb_handshake.config.nodes import Node, NotYaml, Scalar
from flb_handshake.config.words import Kind, Property, Section, Spot
from flb_handshake.errors import ConfigurationFileError

_PARTS: Final = {"inputs": Kind.INPUT, "filters": Kind.FILTER, "outputs": Kind.OUTPUT}
_LISTS: Final = {
    "customs": Kind.CUSTOM,
    "parsers": Kind.OTHER,
    "multiline_parsers": Kind.OTHER,
    "stream_processor": Kind.OTHER,
    "upstream_servers": Kind.UPSTREAM,
}
_SIGNALS: Final = ("logs", "metrics", "traces")
_SPACE: Final = " \t\n\v\f\r"
_CAPITAL: Final = re.compile(r"[A-Z]")
_DEEP: Final = ("processors", "routes", "rules", "condition")
"""Keys below which mappings and lists may stand in each other."""


class Reader:
    """Reads one file into a `Reading`, and what it includes."""

    def __init__(self, reading: Reading, *, root: Path, above: int = 0) -> None:
        self._reading = reading
        self._root = root
        self._above = above
        self._name = ""
        self._first = 0

    def read(self, text: str, *, name: str, first: int = 1) -> None:
        """Reads a text; `first` is the number of its first line in the file called `name`."""
        self._name, self._first = name, first - 1
        if any("\ud800" <= one <= "\udfff" for one in text):
            self._refuse("it is not UTF-8", "save it as UTF-8", 1)
            return
        try:
            found = nodes.documents(text)
        except NotYaml as error:
            hint = "check the line above, too: colons, quotes and indentation, blanks and no tabs"
            self._refuse(f"it is no YAML: {error}", hint, error.line)
            return
        for document in found:
            self._document(document)

    def _document(self, document: Node) -> None:
        readers: Mapping[str, Callable[[Node], None]] = {
            "env": self._environment,
            "includes": self._includes,
            "pipeline": self._pipeline,
            "plugins": self._plugins,
            "service": self._service,
        }
        for key, line, value in self._entries(document, "the configuration"):
            name = key.lower()
            if name in readers:
                readers[name](value)
            elif name in _LISTS:
                for item in self._items(value, name):
                    self._section(item, _LISTS[name], name)
            else:
                self._other(key, line, value)

    def _other(self, key: str, line: int, value: Node) -> None:
        """What Fluent Bit knows no use for must at least be flat."""
        hint = "see that it is spelt as in: service, env, includes, pipeline, parsers, customs"
        self._refuse(f"{key} is passed over", hint, line, fatal=False)
        for _, _, inner in self._entries(value, key):
            self._text(inner, key)

    def _service(self, value: Node) -> None:
        line = value.line + self._first
        # Only one, over all files.
        if any(one.kind is Kind.SERVICE for one in self._reading.sections):
            self._refuse("service stands there twice", "put both into one", value.line)
        made = [
            self._property(key, text, at)
            for key, at, inner in self._entries(value, "service")
            if (text := self._text(inner, key)) is not None
        ]
        spot = Spot(self._name, line)
        section = Section(kind=Kind.SERVICE, title="service", properties=tuple(made), spot=spot)
        self._reading.sections.append(section)

    def _environment(self, value: Node) -> None:
        if isinstance(value, nodes.Sequence):
            for item in value.items:
                held = {
                    key: self._text(inner, key) or ""
                    for key, _, inner in self._entries(item, "an item of env")
                }
                if "name" in held and "value" in held:
                    self._reading.set(held["name"], held["value"])
            return
        for key, _, inner in self._entries(value, "env"):
            text = self._text(inner, key)
            if text is not None:
                self._reading.set(key, text)

    def _plugins(self, value: Node) -> None:
        for item in self._items(value, "plugins"):
            self._text(item, "plugins")

    def _pipeline(self, value: Node) -> None:
        for key, line, items in self._entries(value, "pipeline"):
            kind = _PARTS.get(key.lower())
            if kind is None:
                hint = "a pipeline has inputs, filters and outputs; customs stand beside it"
                self._refuse(f"{key} is no part of a pipeline", hint, line)
                continue
            for item in self._items(items, key):
                self._section(item, kind, key)

    def _section(self, item: Node, kind: Kind, title: str) -> None:
        self._reading.sections.append(self._made(item, kind, title))

    def _made(self, item: Node, kind: Kind, title: str, *, deep: bool = False) -> Section:
        properties: list[Property] = []
        inner: list[Section] = []
        for key, line, value in self._entries(item, f"an item of {title}"):
            if key == "processors" and isinstance(value, nodes.Mapping):
                inner += self._processors(value, kind)
            elif kind is Kind.UPSTREAM and key.lower() == "nodes":
                inner += [self._made(one, Kind.NODE, key) for one in self._items(value, key)]
            elif kind is Kind.OTHER and key.lower() == "rules":
                inner += [self._made(one, Kind.OTHER, key) for one in self._items(value, key)]
            elif deep or key in _DEEP or isinstance(value, Scalar | nodes.Alias):
                properties += self._plain(key, value, line)
            elif isinstance(value, nodes.Mapping):
                inner.append(self._map(value, key))
            else:
                properties += self._listed(key, value, kind)
        return Section(
            kind=kind,
            title=title,
            properties=tuple(properties),
            spot=Spot(self._name, item.line + self._first),
            sections=tuple(inner),
        )

    def _plain(self, key: str, value: Node, line: int) -> Iterator[Property]:
        if isinstance(value, Scalar | nodes.Alias):
            text = self._text(value, key)
            if text is not None:
                yield self._property(key, text, line)

    def _listed(self, key: str, value: Node, kind: Kind) -> Iterator[Property]:
        """A list is the property as often as the list is long; none takes a list of lists."""
        items = self._items(value, key)
        if kind in {Kind.OTHER, Kind.NODE}:
            self._refuse(f"{key} cannot be a list", "give it one value", value.line)
        for item in items:
            text = self._text(item, key)
            if text is not None:
                yield self._property(key, text, item.line)

    def _map(self, value: Node, key: str) -> Section:
        """A mapping within a plugin: flat, whatever it may mean to the plugin."""
        made = [
            self._property(inner, text, line)
            for inner, line, one in self._entries(value, key)
            if (text := self._text(one, inner)) is not None
        ]
        spot = Spot(self._name, value.line + self._first)
        return Section(kind=Kind.OTHER, title=key, properties=tuple(made), spot=spot)

    def _processors(self, value: nodes.Mapping, kind: Kind) -> Iterator[Section]:
        if kind is Kind.FILTER:
            hint = "give them to an input or an output"
            self._refuse("a filter's processors are passed over", hint, value.line, fatal=False)
        for key, line, items in value.entries():
            if key.lower() not in _SIGNALS:
                hint = f"they are for {', '.join(_SIGNALS)}"
                self._refuse(f"there are no processors of {key}", hint, line)
                continue
            for item in self._items(items, key):
                yield self._made(item, Kind.PROCESSOR, key, deep=True)

    def _includes(self, value: Node) -> None:
        if isinstance(value, Scalar):
            self._refuse("includes must be a list", "begin each path with a dash", value.line)
            return
        for item in _flat(value):
            if not isinstance(item, Scalar):
                hint = "write a list of paths"
                self._refuse("includes takes paths", hint, item.line)
            elif not item.text:
                self._refuse("includes names no file", "name one, or remove it", item.line)
            else:
                self._include(item.text, item.line)

    def _include(self, value: str, line: int) -> None:
        """Reads what is included: from the folder of the including file; `*` makes a pattern."""
        beside = Path(self._name).parent
        paths = [os.path.join(beside, value)]  # noqa: PTH118 # a "./" tells two inclusions apart
        if "*" in value:
            paths = [str(one) for one in self._reading.matching(beside, value)]
            if not paths:
                hint = "correct the pattern, if there should be files"
                self._refuse(f"{value} matches no file", hint, line, fatal=False)
        for path in paths:
            if Path(path).name not in self._reading.inline and leaves(Path(path), self._root):
                hint = "Fluent Bit reads it all the same; keep a configuration in one folder"
                said = f"{value} leaves the folder {self._root}"
                self._refuse(said, hint, line, fatal=False)
            self._file(path, line)

    def _file(self, path: str, line: int) -> None:
        if path in self._reading.files:
            hint = "remove this include: no file is read twice"
            self._refuse(f"{path} is already included", hint, line)
        elif self._above >= DEEPEST:
            hint = "put fewer files in a row"
            self._refuse(f"more than {DEEPEST} files include each other", hint, line)
        else:
            try:
                source = self._reading.source(Path(path))
            except ConfigurationFileError as error:
                hint = "name a file, by its path from the folder of the including file"
                self._refuse(str(error), hint, line, fatal=not self._reading.elsewhere)
                return
            self._reading.files.append(path)
            inner = Reader(self._reading, root=self._root, above=self._above + 1)
            inner.read(source.text, name=source.name, first=source.first)

    def _entries(self, node: Node, what: str) -> Iterator[tuple[str, int, Node]]:
        if not isinstance(node, nodes.Mapping):
            self._refuse(f"{what} must be a mapping", "write it as keys with values", node.line)
            return
        for key, _ in node.pairs:
            if not isinstance(key, Scalar) or not key.text:
                hint = "write a key as a plain text"
                self._refuse("a key is no text", hint, key.line)
        yield from (one for one in node.entries() if one[0])

    def _items(self, node: Node, what: str) -> tuple[Node, ...]:
        if isinstance(node, nodes.Sequence):
            return node.items
        hint = "begin each of its items with a dash"
        self._refuse(f"{what} must be a list", hint, node.line)
        return ()

    def _text(self, node: Node, what: str) -> str | None:
        if isinstance(node, Scalar):
            return node.text
        if isinstance(node, nodes.Alias):
            said, hint = f"*{node.name} is not followed", "Fluent Bit knows no aliases: repeat it"
        else:
            said, hint = f"{what} takes a text here", "a list or a mapping cannot stand here"
        self._refuse(said, hint, node.line)
        return None

    def _property(self, key: str, text: str, line: int) -> Property:
        spot, value = Spot(self._name, line + self._first), text.strip(_SPACE)
        return Property(key=_translated(key.strip(_SPACE)), value=value, written=value, spot=spot)

    def _refuse(self, text: str, hint: str, line: int, *, fatal: bool = True) -> None:
        spot = Spot(self._name, line + self._first)
        self._reading.refuse(text, hint, spot, fatal=fatal)


def _translated(key: str) -> str:
    """A key in camel case as Fluent Bit takes it from 3.2 on: `tls.caFile` is `tls.ca_file`."""
    if "_" in key or not key[:1].islower():
        return key
    return _CAPITAL.sub(lambda found: f"_{found[0].lower()}", key)


def _flat(node: Node) -> Iterator[Node]:
    """The items of a list, and of the lists in it."""
    if isinstance(node, nodes.Sequence):
        for item in node.items:
            yield from _flat(item)
    else:
        yield node
