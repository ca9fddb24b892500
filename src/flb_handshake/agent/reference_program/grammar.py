"""Reads the text of a classic-mode file: its sections, with their keys and values in order.

Facts: src/config_format/flb_cf_fluentbit.c of 5.1.1, measured on its binary.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost a sixth of the start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final, NoReturn

    Line = tuple[str, str]
    """A level and a text of the log."""

_BLANK: Final = " \t"
_SPACE: Final = " \t\n\v\f\r"
_SECTIONS: Final = ("service", "inputs", "outputs")
ABORTED: Final = 128 + 6
"""The code of a start that ends in SIGABRT."""

HUNG: Final = -1
"""The code of a start that never ends: a mutex is left locked."""


class StartError(Exception):
    """Fluent Bit does not start: what it says, and the code with which it exits."""

    def __init__(self, *lines: Line, code: int = 1) -> None:
        super().__init__(lines[0][1] if lines else "")
        self.lines = lines
        self.code = code


class Unreadable(StartError):
    """The text itself is none of classic mode."""


class Section:
    """A section: its name as written, in small letters, what it is read as, and its entries."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.entries: list[tuple[str, str]] = []


def sections(path: str, environment: dict[str, str]) -> list[Section]:
    """The file's sections, in order; `@SET` goes into the environment."""
    found: list[Section] = []
    indent = ""
    in_group = False
    for number, line in _lines(path):

        def refuse(message: str, *before: Line, at: int = number) -> NoReturn:
            raise Unreadable(*before, ("error", f"[config] error in {path}:{at}: {message}"))

        if not line or line[0] == "#":
            continue
        if line[0] == "@" and len(line) > 3:  # noqa: PLR2004 # what Fluent Bit takes for a command
            _command(line, environment)
        elif line[0] == "[":
            in_group = False
            _open(line, found, refuse)
        else:
            if not indent:
                # The first character counts as indentation, whatever it is.
                indent = line[0] + line[1:][: _blanks(line[1:])]
                if indent == line:
                    continue
            depth = _depth(line, indent, refuse)
            in_group = in_group and depth > len(indent)
            rest = line[depth:]
            if rest and rest[0] != "#":
                entry = _entry(rest, found, refuse)
                in_group = in_group or entry is None
                if entry is not None and not in_group:
                    found[-1].entries.append(entry)
    return found


def read(path: str) -> bytes:
    """What a file holds. Raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123 # pathlib would cost a tenth of the start
        return file.read()


def _lines(path: str) -> Iterator[tuple[int, str]]:
    raw = read(path).decode("utf-8", "surrogateescape")
    *whole, last = raw.split("\n")
    for number, line in enumerate(whole, 1):
        yield number, line.removesuffix("\r")
    if last:
        yield len(whole) + 1, last


def _command(line: str, environment: dict[str, str]) -> None:
    name, separator, value = line[1:].partition(" ")
    if not separator:
        raise Unreadable
    if name.lower() == "include":
        raise StartError(("error", "the reference agent does not model @INCLUDE"))
    if name.lower() == "set" and "=" in value:
        # Blanks around the equals sign belong to the name and to the value (2.0.14, 5.1.1).
        key, _, content = value.strip(_SPACE).partition("=")
        environment[key] = content


def _open(line: str, found: list[Section], refuse: Callable[[str], NoReturn]) -> None:
    end = line.find("]")
    if end < 0:
        refuse("bad header definition")
    name = line[1:end].lower()
    # A section is recognised by any beginning of its name: [IN] is an input.
    kind = next((known for known in _SECTIONS if name and known.startswith(name)), "")
    found.append(Section(name, kind.removesuffix("s")))


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip(_BLANK))


def _depth(line: str, indent: str, refuse: Callable[..., NoReturn]) -> int:
    """How far a line is indented: once, or exactly twice, as within a group."""
    wrong = "invalid indentation level"
    if not line.startswith(indent):
        pairs = zip(indent, line, strict=False)
        first = next((mine for its, mine in pairs if its != mine), line[len(indent) :])
        # A line that ends within its indentation has nothing there that could be a blank.
        mixed = first != "" and first in _BLANK and not indent.startswith(line)
        said = "inconsistent use of tab and space" if mixed else "indentation level is too low"
        refuse(wrong, ("error", f"[config] {said}"))
    extra = _blanks(line[len(indent) :])
    if extra not in {0, len(indent)}:
        refuse(wrong, ("error", "[config] extra indentation level found"))
    return len(indent) + extra


def _entry(
    rest: str, found: list[Section], refuse: Callable[[str], NoReturn]
) -> tuple[str, str] | None:
    """A key and its value; None for the head of a group."""
    key, separator, value = rest.partition(" ")
    if not separator:
        refuse("undefined value - check config is in valid classic format")
    if key[0] == "[":
        if "]" not in rest:
            refuse("expected a valid group name: [..]")
        return None
    if not value:
        refuse("key has an empty value")
    key, value = key.strip(_SPACE).lower(), value.strip(_SPACE)
    if not value or not found:
        refuse("could not allocate key value pair")
    return key, value
