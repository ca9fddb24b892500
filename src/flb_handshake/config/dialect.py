"""The article's dialect, `<TLS> Mode … CA.File … </TLS>` within a section, in Fluent Bit's words.

No release reads it: 1.9.10 and 5.1.1 stop at `<TLS>` with "undefined value".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from flb_handshake.config import reading
from flb_handshake.config.capable import End, end
from flb_handshake.config.words import Configuration, Property, Section, Spot
from flb_handshake.errors import UserMistake
from flb_handshake.model import Mode
from flb_handshake.settings import INPUT_MODES, OUTPUT_MODES

_TAG: Final = re.compile(r"\s*<(/?)tls>\s*", re.IGNORECASE)

_FILES: Final = {
    "client.key": "tls.key_file",
    "client.cert": "tls.crt_file",
    "ca.file": "tls.ca_file",
    "ca.path": "tls.ca_path",
}

_OF_CLIENT: Final = {
    Mode.OFF: "in cleartext",
    Mode.NONE: "encrypted, to whoever answers: no certificate is verified",
    Mode.VERIFY_PEER: "the server's chain is verified, its name is not",
    Mode.VERIFY_HOST: "the server's chain is verified, and its name (3.1 and later)",
    Mode.REQUIRE: "as verify_peer: a server presents a certificate anyway",
}

_OF_SERVER: Final = {
    Mode.OFF: "in cleartext",
    Mode.NONE: "encrypted, for everybody: no client is asked for a certificate",
    Mode.VERIFY_PEER: "a client is asked for a certificate, and one without is let in",
    Mode.VERIFY_HOST: "as verify_peer: a client has no name to be checked",
    Mode.REQUIRE: "a client without a trusted certificate is refused (5.0 and later)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What became of a word, or why nothing could."""

    text: str
    spot: Spot


@dataclass(slots=True, kw_only=True)
class _Block:
    """One `<TLS>` block: its words, with where they stand."""

    spot: Spot
    words: list[Property] = field(default_factory=list)


def is_dialect(text: str) -> bool:
    """Whether a line of it opens such a block."""
    return any(_opens(line) for line in text.splitlines())


def translated(
    text: str, *, name: str, environment: Mapping[str, str] | None = None
) -> tuple[Configuration, tuple[Note, ...]]:
    """The configuration as Fluent Bit could read it, and what each word became.

    Raises UserMistake where a block is never closed or stands outside of a section, or where Mode
    is a word of nobody's.
    """
    rest, blocks = _taken_out(text, name)
    found = reading.read_text(
        rest, name=name, syntax=reading.Syntax.CLASSIC, environment=environment
    )
    sections = list(found.sections)
    notes: list[Note] = []
    for block in blocks:
        place = _owner(sections, block)
        sections[place], told = _with_tls(sections[place], block)
        notes += told
    return replace(found, sections=tuple(sections)), tuple(notes)


def _opens(line: str) -> bool:
    match = _TAG.fullmatch(line)
    return match is not None and not match[1]


def _taken_out(text: str, name: str) -> tuple[str, list[_Block]]:
    """The text with empty lines where blocks were, so that line numbers stay; and the blocks."""
    blocks: list[_Block] = []
    rest: list[str] = []
    within: _Block | None = None
    for number, line in enumerate(text.split("\n"), 1):
        spot = Spot(name, number)
        match = _TAG.fullmatch(line)
        if match is None and within is None:
            rest.append(line)
            continue
        rest.append("")
        if match is None:
            _keep(line.strip(), within, spot)
        elif bool(match[1]) != (within is not None):
            said = "closed" if match[1] else "opened"
            other = "opened" if match[1] else "closed"
            raise UserMistake(
                f"{spot}: a TLS block is {said} and none was {other}",
                hint="write <TLS>, a line for each word, and </TLS>",
            )
        elif within is None:
            within = _Block(spot=spot)
            blocks.append(within)
        else:
            within = None
    if within is not None:
        raise UserMistake(f"{within.spot}: a TLS block is never closed", hint="add </TLS>")
    return "\n".join(rest), blocks


def _keep(line: str, block: _Block | None, spot: Spot) -> None:
    if block is None or not line or line.startswith("#"):
        return
    key, _, value = line.partition(" ")
    value = value.strip()
    if not value:
        raise UserMistake(f"{spot}: {key} has no value", hint="put a blank and a value after it")
    block.words.append(Property(key=key, value=value, written=value, spot=spot))


def _owner(sections: Sequence[Section], block: _Block) -> int:
    """The section in whose lines the block stands."""
    above = [
        place
        for place, one in enumerate(sections)
        if one.spot.file == block.spot.file and one.spot.line < block.spot.line
    ]
    if not above:
        raise UserMistake(
            f"{block.spot}: a TLS block stands outside of any section",
            hint="put it into an [INPUT] or an [OUTPUT]",
        )
    return above[-1]


def _with_tls(section: Section, block: _Block) -> tuple[Section, list[Note]]:
    role = end(section)
    if role is End.NEITHER:
        return section, list(_meaningless(section, block))
    made: list[Property] = []
    notes: list[Note] = []
    if not any(one.name == "mode" for one in block.words):
        made.append(_property("tls", "on", block.spot))
        said = "<TLS> without Mode: tls on, and what the release does by default"
        notes.append(_note(section, said, block.spot))
    for word in block.words:
        properties, said = _word(word, role)
        made += (_property(key, value, word.spot) for key, value in properties)
        notes.append(_note(section, said, word.spot))
    return replace(section, properties=(*section.properties, *made)), notes


def _meaningless(section: Section, block: _Block) -> Iterable[Note]:
    """Notes that nothing of the block can mean anything."""
    plugin = section.plugin or "a section without a name"
    does = f"{plugin} opens no port and makes no connection with TLS of its own"
    said = f"<TLS> becomes nothing: {does}; 5.1.1 refuses `tls on` here, 1.9.10 passes over it"
    yield _note(section, said, block.spot)
    for word in block.words:
        yield _note(section, f"{word.key} {word.value} becomes nothing", word.spot)


def _word(word: Property, role: End) -> tuple[list[tuple[str, str]], str]:
    """The properties that a word becomes, and how that is told."""
    if word.name == "mode":
        return _mode(word, role)
    name = _FILES.get(word.name)
    if name is None:
        return [], f"{word.key} becomes nothing: neither the article nor Fluent Bit has such a word"
    meaning = {
        "tls.key_file": "the key of the certificate that it presents",
        "tls.crt_file": "the certificate that it presents",
    }.get(name, "the CAs by which it verifies the other side")
    if role is End.SERVER and name == "tls.crt_file":
        meaning += ", as a server's: clients verify it"
    return [(name, word.written)], f"{word.key} becomes {name}: {meaning}"


def _mode(word: Property, role: End) -> tuple[list[tuple[str, str]], str]:
    try:
        mode = Mode(word.value.lower())
    except ValueError as error:
        raise UserMistake(
            f"{word.spot}: there is no Mode {word.value}",
            hint=f"the modes are {', '.join(Mode)}",
        ) from error
    is_server = role is End.SERVER
    made = (INPUT_MODES if is_server else OUTPUT_MODES)[mode]
    meaning = (_OF_SERVER if is_server else _OF_CLIENT)[mode]
    became = ", ".join(f"{key} {value}" for key, value in made.items())
    return list(made.items()), f"Mode {word.value} becomes {became}: {meaning}"


def _property(key: str, value: str, spot: Spot) -> Property:
    return Property(key=key, value=value, written=value, spot=spot)


def _note(section: Section, said: str, spot: Spot) -> Note:
    return Note(text=f"[{section.title}] {section.plugin}: {said}", spot=spot)
