"""Reads classic syntax as Fluent Bit does, and goes on after what Fluent Bit would stop at.

Measured on 1.9.10 and 5.1.1. They differ in what nobody writes: 1.9.10 refuses a line of 70 000
characters and every NUL, and dies where files include themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from flb_handshake.config.files import DEEPEST, Reading, is_file, is_folder, leaves
from flb_handshake.config.words import Kind, Property, Section, Spot
from flb_handshake.errors import ConfigurationFileError

_BLANK: Final = " \t"
_SPACE: Final = " \t\n\v\f\r"
_SHORTEST_COMMAND: Final = 4
"""Characters: a shorter line that begins with @ is a key like any other."""

KINDS: Final = {
    "service": Kind.SERVICE,
    "parser": Kind.OTHER,
    "multiline_parser": Kind.OTHER,
    "customs": Kind.CUSTOM,
    "inputs": Kind.INPUT,
    "filters": Kind.FILTER,
    "outputs": Kind.OUTPUT,
}
"""A section is told by any beginning of its name: `[IN]` is an input (1.9.10, 5.1.1)."""

_NODES: Final = {"upstream": Kind.UPSTREAM, "node": Kind.NODE}


def kind_of(title: str) -> Kind:
    """What a section of that name is about."""
    name = title.lower()
    if name in _NODES:
        return _NODES[name]
    return next((KINDS[one] for one in KINDS if name and one.startswith(name)), Kind.OTHER)


@dataclass(slots=True, kw_only=True)
class _Open:
    """A section or a group that still takes keys."""

    section: Section
    properties: list[Property] = field(default_factory=list)
    groups: list[_Open] = field(default_factory=list)
    within: bool = False
    """Whether the last of its groups takes the keys."""

    def closed(self) -> Section:
        """What it has come to."""
        groups = tuple(one.closed() for one in self.groups)
        return replace(self.section, properties=tuple(self.properties), sections=groups)


class Reader:
    """Reads one file into a `Reading`, and what it includes."""

    def __init__(self, reading: Reading, *, root: Path, above: tuple[str, ...] = ()) -> None:
        self._reading = reading
        self._root = root
        self._above = above
        self._name = ""
        self._indent = ""
        self._open: _Open | None = None
        self._place = 0
        self._foreign = ""

    def read(self, text: str, *, name: str, first: int = 1) -> None:
        """Reads a text; `first` is the number of its first line in the file called `name`."""
        self._name = name
        # No text of ours holds half a character: reports are written as UTF-8.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        *lines, last = text.split("\n")
        for number, line in enumerate([*lines, last] if last else lines, first):
            self._line(line.removesuffix("\r"), Spot(name, number))
        self._close()

    def _close(self) -> None:
        """Puts what the open section has come to where it was opened."""
        if self._open is not None:
            self._reading.sections[self._place] = self._open.closed()

    def _line(self, line: str, spot: Spot) -> None:
        if self._foreign:
            if line.strip().lower() == self._foreign:
                self._foreign = ""
        elif not line or line[0] == "#":
            return
        elif line[0] == "@" and len(line) >= _SHORTEST_COMMAND:
            self._command(line, spot)
        elif line[0] == "[":
            self._header(line, spot)
        else:
            self._within(line, spot)

    def _header(self, line: str, spot: Spot) -> None:
        title, end, _ = line[1:].partition("]")
        if not end:
            hint = "close it: " + line.rstrip() + "]"
            self._reading.refuse("a section's name has no closing bracket", hint, spot)
        section = Section(kind=kind_of(title), title=title, properties=(), spot=spot)
        self._close()
        self._open = _Open(section=section)
        self._place = len(self._reading.sections)
        self._reading.sections.append(section)

    def _within(self, line: str, spot: Spot) -> None:
        if not self._indent:
            # The first character counts as indentation, whatever it is.
            self._indent = line[0] + line[1:][: _blanks(line[1:])]
            if self._indent == line:
                return
        depth = self._depth(line, spot)
        if self._open is not None and depth <= len(self._indent):
            self._open.within = False
        rest = line[depth:]
        if rest and rest[0] != "#":
            self._entry(rest, spot)

    def _depth(self, line: str, spot: Spot) -> int:
        """How far a line is indented: as the first one, or exactly twice that."""
        indent = self._indent
        if not line.startswith(indent):
            pairs = zip(indent, line, strict=False)
            first = next((mine for its, mine in pairs if its != mine), line[len(indent) :])
            mixed = first != "" and first in _BLANK and not indent.startswith(line)
            said = "inconsistent use of tab and space" if mixed else "indentation level is too low"
            self._misplaced(line, said, spot)
            return _blanks(line)
        extra = _blanks(line[len(indent) :])
        if extra not in {0, len(indent)}:
            self._misplaced(line, "extra indentation level found", spot)
        return len(indent) + extra

    def _misplaced(self, line: str, said: str, spot: Spot) -> None:
        wanted = "tab" if self._indent.startswith("\t") else "blank"
        count = len(self._indent)
        if line.strip().startswith("<"):
            self._article(line.strip(), spot)
            return
        what = "an empty line counts too" if not line.strip() else "comments count too"
        self._reading.refuse(
            f"it is not indented as this file's first key is: {said}",
            f"indent it by {count} {wanted}{'s' * (count != 1)}, as the file's first key; {what}",
            spot,
        )

    def _article(self, tag: str, spot: Spot) -> None:
        """Refuses a block in angle brackets, and passes over what stands in it."""
        self._reading.refuse(
            f"{tag} is no word of Fluent Bit",
            "`flb-handshake translate` turns such blocks into properties",
            spot,
        )
        if not tag.startswith("</"):
            self._foreign = f"</{tag[1:]}".lower()

    def _entry(self, rest: str, spot: Spot) -> None:
        key, separator, value = rest.partition(" ")
        if key[0] == "<" and key[-1] == ">":
            self._article(rest.strip(), spot)
        elif not separator:
            hint = "put at least one blank, not a tab, between key and value"
            self._reading.refuse(f"{key.strip() or repr(key)} has no value", hint, spot)
        elif key[0] == "[":
            self._group(rest, spot)
        else:
            self._keep(key.partition("\0")[0].strip(_SPACE), _cut(value), spot)

    def _group(self, rest: str, spot: Spot) -> None:
        title, end, _ = rest[1:].partition("]")
        if not end:
            hint = "write [NAME] at the start of a line for a section"
            self._reading.refuse("a group's name has no closing bracket", hint, spot)
        elif self._open is None:
            self._outside(rest, spot)
        else:
            group = Section(kind=Kind.OTHER, title=title, properties=(), spot=spot)
            self._open.within = True
            self._open.groups.append(_Open(section=group))

    def _keep(self, key: str, value: str, spot: Spot) -> None:
        if not value or not key:
            hint = "give it a value, or remove the line"
            self._reading.refuse(f"{key or 'a line without a key'} has no value", hint, spot)
        elif self._open is None:
            self._outside(key, spot)
        else:
            made = Property(key=key, value=value, written=value, spot=spot)
            taker = self._open.groups[-1] if self._open.within else self._open
            taker.properties.append(made)

    def _outside(self, key: str, spot: Spot) -> None:
        hint = "put it below a section such as [SERVICE], [INPUT] or [OUTPUT] of the same file"
        self._reading.refuse(f"{key} stands outside of any section", hint, spot)

    def _command(self, line: str, spot: Spot) -> None:
        name, separator, value = line[1:].partition(" ")
        if not separator:
            hint = "put one blank between the command and what follows it"
            self._reading.refuse(f"@{name.strip()} has no value", hint, spot)
        elif name.lower() == "include":
            self._include(value, spot)
        elif name.lower() == "set":
            self._set(value, spot)
        else:
            hint = "the commands are @INCLUDE and @SET"
            self._reading.refuse(f"@{name} is passed over", hint, spot, fatal=False)

    def _set(self, value: str, spot: Spot) -> None:
        # Blanks around the equals sign belong to the name and to the value (5.1.1).
        key, separator, content = value.strip(_SPACE).partition("=")
        if separator:
            self._reading.set(key, content)
        else:
            hint = "write @SET name=value"
            self._reading.refuse(f"@SET {value} sets nothing", hint, spot, fatal=False)

    def _include(self, value: str, spot: Spot) -> None:
        """Reads what is included: from the folder of the first file, even in a file of another.

        `*` alone makes a pattern; `?` and `[` do not, and variables are not filled in.
        """
        if not value:
            hint = "name a file: @INCLUDE inputs.conf"
            self._reading.refuse("@INCLUDE names no file", hint, spot)
        for path in self._named(value, spot):
            if path.name not in self._reading.inline and leaves(path, self._root):
                hint = "Fluent Bit reads it all the same; keep a configuration in one folder"
                said = f"@INCLUDE {value} leaves the folder {self._root}"
                self._reading.refuse(said, hint, spot, fatal=False)
            self._read(path, spot)

    def _named(self, value: str, spot: Spot) -> Iterable[Path]:
        if not value:
            return []
        if "*" not in value:
            beside, here = self._root / value, Path(value)
            # Fluent Bit looks in its working directory, too (5.1.1).
            return [here if is_file(here) and not is_file(beside) else beside]
        found = self._reading.matching(self._root, value)
        if not found:
            hint = "Fluent Bit does not start with a pattern that matches nothing"
            self._reading.refuse(f"@INCLUDE {value} matches no file", hint, spot)
        return found

    def _read(self, path: Path, spot: Spot) -> None:
        name = str(path)
        if is_folder(path):
            hint = "name its files: @INCLUDE folder/*.conf"
            said = f"{name} is a folder, of which nothing is read"
            self._reading.refuse(said, hint, spot, fatal=False)
            return
        if name in self._reading.files:
            loop = name in self._above or name == self._name
            said = "includes itself" if loop else "is included twice"
            self._reading.refuse(f"{name} {said}", "remove this @INCLUDE", spot)
            return
        if len(self._above) >= DEEPEST:
            hint = "put fewer files in a row"
            self._reading.refuse(f"more than {DEEPEST} files include each other", hint, spot)
            return
        try:
            source = self._reading.source(path)
        except ConfigurationFileError as error:
            hint = "@INCLUDE takes one blank, then a path from the folder of the first file"
            self._reading.refuse(str(error), hint, spot, fatal=not self._reading.elsewhere)
            return
        self._reading.files.append(name)
        inner = Reader(self._reading, root=self._root, above=(*self._above, self._name))
        inner.read(source.text, name=source.name, first=source.first)


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip(_BLANK))


def _cut(value: str) -> str:
    """A value ends at a NUL, and blanks around it do not count."""
    return value.partition("\0")[0].strip(_SPACE)
