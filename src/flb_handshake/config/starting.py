"""What Fluent Bit 5.1.1 refuses in files that it could read, before it looks at any plugin.

A level of nobody's and parsers that cannot be read do not stop releases up to 5.0.9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from flb_handshake.config.files import Reading
from flb_handshake.config.words import Kind, Property, Section

LEVELS: Final = ("off", "error", "warn", "warning", "info", "debug", "trace")
_NAMED: Final = (Kind.INPUT, Kind.FILTER, Kind.OUTPUT, Kind.CUSTOM)
_NUMBER: Final = re.compile(r"\s*\+?(0x[\da-f]+|\d+\.?\d*|\.\d+)", re.ASCII | re.IGNORECASE)
_PARSERS: Final = ("parser", "multiline_parser")

_TEMPLATE: Final = "{{"
"""Where Helm fills in a value that is not known here."""

_NEVER_EMPTY: Final = re.compile(
    r"alias|ipv6|workers|tls|tls\.(debug|verify|verify_client_cert|verify_hostname)|net\..*"
)
"""Properties of inputs and outputs that Fluent Bit does not know when they come to nothing.

Measured in ten releases from 1.9.10 to 5.1.1.
"""

FileReader = Callable[[Path, Property], None]
"""Reads a file that a property names."""


def check(sections: Sequence[Section], reading: Reading, read_file: FileReader) -> None:
    """Notes what is refused; `read_file` reads the files that the service names."""
    _check_flush(sections, reading)
    for section in sections:
        if section.kind is Kind.SERVICE:
            _service(section, reading, read_file)
        elif section.kind in _NAMED and section.find("name") is None:
            reading.refuse(
                f"{section.kind} without a name", "say with Name which plugin it is", section.spot
            )
        elif section.kind is Kind.OTHER and section.title.lower() in _PARSERS:
            reading.refuse(
                f"[{section.title}] cannot stand in the main configuration",
                "put it into a file of its own, and name that with Parsers_File in [SERVICE]",
                section.spot,
            )
        if section.kind in _NAMED:
            _check_level(section.find("log_level"), reading)
        if section.kind in {Kind.INPUT, Kind.OUTPUT}:
            _check_empty(section, reading)
        for inner in section.sections:
            if inner.kind is Kind.PROCESSOR and inner.find("name") is None:
                hint = "say with name which processor it is"
                reading.refuse("a processor without a name", hint, inner.spot)


def _service(section: Section, reading: Reading, read_file: FileReader) -> None:
    for one in section.properties:
        if _TEMPLATE in one.value:
            continue
        if one.name == "log_level":
            _check_level(one, reading)
        elif one.name in {"parsers_file", "plugins_file"}:
            read_file(Path(one.value), one)


def _check_empty(section: Section, reading: Reading) -> None:
    """Each that comes to nothing counts, whatever stands after it."""
    for one in section.properties:
        if one.value or not _NEVER_EMPTY.fullmatch(one.name):
            continue
        if not one.is_open:
            reading.refuse(f"{one.key} is empty", "give it a value, or remove the line", one.spot)
        elif not reading.elsewhere:
            said = f"{one.key} is empty unless somebody sets its variable, which nobody does here"
            hint = "set the variable, or give it a default, as in ${NAME:-on} (4.2 and later)"
            reading.refuse(said, hint, one.spot)


def _check_flush(sections: Sequence[Section], reading: Reading) -> None:
    """Only the last of all services counts (1.9.10, 5.1.1)."""
    said = [one.find("flush") for one in sections if one.kind is Kind.SERVICE]
    last = next((one for one in reversed(said) if one is not None), None)
    if last is not None and not _is_time(last.value) and _TEMPLATE not in last.value:
        hint = "give seconds above 0, as in: Flush 1"
        reading.refuse(f"it cannot flush every {last.value!r} seconds", hint, last.spot)


def _is_time(text: str) -> bool:
    match = _NUMBER.match(text)
    if match is None:
        return False
    return (int(match[1], 16) if "x" in match[1].lower() else float(match[1])) > 0


def _check_level(one: Property | None, reading: Reading) -> None:
    if one is not None and one.value.lower() not in LEVELS and _TEMPLATE not in one.value:
        hint = f"the levels are {', '.join(LEVELS)}"
        reading.refuse(f"there is no log level {one.value!r}", hint, one.spot)
