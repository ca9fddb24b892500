"""Writes sections as Fluent Bit's own classic syntax or YAML, and says what has no words there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from flb_handshake.config.reading import Syntax
from flb_handshake.config.words import Configuration, Kind, Property, Section
from flb_handshake.errors import UserMistake

_PARTS: Final = {Kind.INPUT: "inputs", Kind.FILTER: "filters", Kind.OUTPUT: "outputs"}
_TITLES: Final = {
    Kind.SERVICE: "SERVICE",
    Kind.CUSTOM: "CUSTOM",
    Kind.INPUT: "INPUT",
    Kind.FILTER: "FILTER",
    Kind.OUTPUT: "OUTPUT",
}
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./$](?:[A-Za-z0-9_./${}=+,;-]*[A-Za-z0-9_./}=+-])?")
"""What YAML needs no quotes for."""

_UNSEEN: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON writes as it is, and YAML does not read."""


def written(found: Configuration, to: Syntax) -> str:
    """The configuration's text. Raises UserMistake for a value that the syntax cannot hold."""
    kept = [one for one in found.sections if one.kind in _TITLES]
    lines = _classic(kept, found.sets) if to is Syntax.CLASSIC else _yaml(kept, found.sets)
    return "\n".join(lines) + "\n"


def left_out(found: Configuration) -> Iterator[Section]:
    """The sections of which `written` says nothing, in order."""
    for one in found.sections:
        if one.kind not in _TITLES:
            yield one
        yield from (inner for inner in one.sections if inner.kind is not Kind.NODE)


def _classic(sections: Sequence[Section], sets: Sequence[tuple[str, str]]) -> Iterator[str]:
    for key, value in sets:
        yield f"@SET {key}={value}"
    if sets:
        yield ""
    for number, section in enumerate(sections):
        if number:
            yield ""
        yield f"[{_TITLES[section.kind]}]"
        said = [one for one in section.properties if one.written]
        width = max((len(one.key) for one in said), default=0)
        for one in said:
            _check_fits(one)
            yield f"    {one.key:{width}} {one.written}"


def _check_fits(one: Property) -> None:
    """Classic syntax holds one line, and no blanks around it."""
    if "\n" in one.written or one.written != one.written.strip() or re.search(r"\s", one.key):
        raise UserMistake(
            f"{one.spot}: classic syntax cannot hold this value of {one.key}",
            hint="keep it in YAML: classic takes one line, without blanks around it",
        )


def _yaml(sections: Sequence[Section], sets: Sequence[tuple[str, str]]) -> Iterator[str]:
    if sets:
        yield "env:"
        yield from (f"  {_scalar(key)}: {_scalar(value)}" for key, value in sets)
    service = [
        one for section in sections if section.kind is Kind.SERVICE for one in section.properties
    ]
    if service:
        yield "service:"
        # Only here a key may stand twice (5.1.1): a service takes no lists.
        yield from (f"  {_scalar(one.name)}: {_scalar(one.written)}" for one in service)
    customs = [one for one in sections if one.kind is Kind.CUSTOM]
    if customs:
        yield "customs:"
        yield from _items(customs, "  ")
    if any(one.kind in _PARTS for one in sections):
        yield "pipeline:"
    for kind, name in _PARTS.items():
        found = [one for one in sections if one.kind is kind]
        if found:
            yield f"  {name}:"
            yield from _items(found, "    ")


def _items(sections: Sequence[Section], indent: str) -> Iterator[str]:
    for section in sections:
        lead = f"{indent}- "
        for name in dict.fromkeys(one.name for one in section.properties):
            values = [one.written for one in section.properties if one.name == name]
            if len(values) == 1 or name == "name":
                yield f"{lead}{_scalar(name)}: {_scalar(values[0])}"
            else:
                yield f"{lead}{_scalar(name)}:"
                yield from (f"{indent}    - {_scalar(value)}" for value in values)
            lead = f"{indent}  "


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
