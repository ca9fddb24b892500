"""Configurations as Kubernetes keeps them: a ConfigMap, the Helm chart's values, an operator's.

Lines are those of the outer file. Facts: fluent/helm-charts and fluent-operator of 2025.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flb_handshake.config import classic, nodes, yaml
from flb_handshake.config.files import Reading, Source
from flb_handshake.config.nodes import Mapping, Node, NotYaml, Scalar
from flb_handshake.config.resources import KINDS, section
from flb_handshake.config.words import Spot

_ENDINGS: Final = (".conf", ".yaml", ".yml")
_MAIN: Final = ("fluent-bit.conf", "fluent-bit.yaml", "fluent-bit.yml")
_CHART: Final = ("service", "inputs", "filters", "outputs")
"""The keys of the Helm chart's `config:` that it puts together as fluent-bit.conf."""
_OF_VALUES: Final = frozenset(
    {"daemonSetVolumes", "image", "rbac", "serviceAccount", "testFramework"}
)
"""Keys that the values of the chart have, and no configuration of Fluent Bit's."""
_CONTROL: Final = re.compile(r"^[ \t]*\{\{.*\}\}[ \t]*$", re.MULTILINE)
"""A line that is Helm's alone, such as `{{- if … }}`."""
_BEGINS: Final = re.compile(r"^(apiVersion|config|kind):", re.MULTILINE)
_PLACEHOLDER: Final = re.compile(r"\{\{-?\s*\.Values\.([\w.]+)\s*-?\}\}")


def is_manifest(text: str) -> bool:
    """Whether a YAML text is such a file, and not a configuration of Fluent Bit's own."""
    try:
        found = [one for one in nodes.documents(text) if isinstance(one, Mapping)]
    except NotYaml:
        return _BEGINS.search(text) is not None
    return any(_is_resource(one) or _is_chart(one) for one in found)


def _is_resource(document: Mapping) -> bool:
    return bool(document.text("apiVersion") and document.text("kind"))


def _is_chart(document: Mapping) -> bool:
    if isinstance(document.get("config"), Mapping):
        return not _is_resource(document)
    return any(key in _OF_VALUES for key, _, _ in document.entries())


class Reader:
    """Reads one file into a `Reading`."""

    def __init__(self, reading: Reading, *, root: Path) -> None:
        self._reading = reading
        self._root = root
        self._name = ""

    def read(self, text: str, *, name: str) -> None:
        """Reads all resources of a text, which stands in the file called `name`."""
        self._name = name
        self._reading.elsewhere = True
        try:
            found = list(_resources(nodes.documents(text)))
        except NotYaml as error:
            hint = "check the line above, too: colons, quotes and indentation, blanks and no tabs"
            if "{{" in text:
                hint = "if it is a template of Helm's, check what `helm template` makes of it"
            self._reading.refuse(f"it is no YAML: {error}", hint, Spot(name, error.line))
            return
        maps = [one for one in found if one.text("kind") == "ConfigMap"]
        self._maps(maps)
        for one in found:
            if _is_chart(one):
                self._chart(one)
            elif one.text("kind") in KINDS:
                self._resource(one)

    def _maps(self, maps: list[Mapping]) -> None:
        """Reads the main file among all ConfigMaps; the others are what it may include."""
        for one in maps:
            data = one.get("data")
            for key, _, value in data.entries() if isinstance(data, Mapping) else ():
                if isinstance(value, Scalar) and key.lower().endswith(_ENDINGS):
                    self._reading.inline[key] = self._source(value)
        inline = self._reading.inline
        main = next((one for one in _MAIN if one in inline), next(iter(inline), None))
        if main is None:
            if maps:
                hint = "put a file such as fluent-bit.conf into its data"
                spot = Spot(self._name, maps[0].line)
                said = "the ConfigMap holds no configuration"
                self._reading.refuse(said, hint, spot, fatal=False)
            return
        self._reading.files.append(str(self._root / main))
        source = inline[main]
        is_classic = main.endswith(".conf")
        made = classic.Reader if is_classic else yaml.Reader
        reader = made(self._reading, root=self._root)
        reader.read(source.text, name=source.name, first=source.first)

    def _chart(self, values: Mapping) -> None:
        """Reads the chart's parts as the one file into which the chart puts them."""
        for key in ("customParsers", "custom_parsers"):
            parsers = values.get("config", key)
            if isinstance(parsers, Scalar):
                self._reading.inline["custom_parsers.conf"] = self._source(parsers)
        for group in ("upstream", "extraFiles"):
            extra = values.get("config", group)
            for key, _, value in extra.entries() if isinstance(extra, Mapping) else ():
                if isinstance(value, Scalar):
                    self._reading.inline[key] = self._source(value)
        parts = [values.get("config", part) for part in _CHART]
        held = [one for one in parts if isinstance(one, Scalar)]
        if not held:
            hint = f"put one of {', '.join(_CHART)} into its `config`"
            spot = Spot(self._name, (values.get("config") or values).line)
            said = "the values hold no configuration"
            self._reading.refuse(said, hint, spot, fatal=False)
        reader = classic.Reader(self._reading, root=self._root)
        for one in held:
            source = self._source(one)
            text = _PLACEHOLDER.sub(lambda found: _value(values, found), source.text)
            reader.read(_CONTROL.sub("", text), name=source.name, first=source.first)

    def _resource(self, one: Mapping) -> None:
        kind = KINDS[one.text("kind")]
        spec = one.get("spec")
        if not isinstance(spec, Mapping):
            hint = "give it a spec"
            said = f"{one.text('kind')} says nothing"
            self._reading.refuse(said, hint, Spot(self._name, one.line), fatal=False)
            return
        custom = spec.get("customPlugin", "config")
        if isinstance(custom, Scalar):
            self._custom(custom, kind.value)
        found = section(spec, kind, one.text("kind"), self._name)
        if found is not None:
            self._reading.sections.append(found)
        elif not isinstance(custom, Scalar):
            hint = "name one in its spec, as in: es: {host: …}"
            said = f"the {one.text('kind')} names no plugin"
            self._reading.refuse(said, hint, Spot(self._name, spec.line), fatal=False)

    def _custom(self, custom: Scalar, title: str) -> None:
        """Reads the lines of a custom plugin; the operator puts the section's name before them."""
        source = self._source(custom)
        reader = classic.Reader(self._reading, root=self._root)
        reader.read(f"[{title.upper()}]", name=source.name, first=max(1, source.first - 1))
        # The operator indents whatever it finds.
        text = "\n".join(f"    {line.strip()}" for line in source.text.splitlines())
        reader.read(text, name=source.name, first=source.first)

    def _source(self, value: Scalar) -> Source:
        """A text within the file: a block begins on the line after its sign."""
        inner = value.style in {"|", ">"}
        return Source(text=value.text, name=self._name, first=value.line + inner)


def _resources(documents: list[Node]) -> Iterator[Mapping]:
    """The resources of a file, those of its lists too."""
    for one in documents:
        if not isinstance(one, Mapping):
            continue
        items = one.get("items")
        if one.text("kind").endswith("List") and isinstance(items, nodes.Sequence):
            yield from (item for item in items.items if isinstance(item, Mapping))
        else:
            yield one


def _value(values: Mapping, found: re.Match[str]) -> str:
    """What a placeholder of the chart stands for; itself, where the values do not say."""
    return values.text(*found[1].split(".")) or found[0]
