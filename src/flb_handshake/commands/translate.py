"""`flb-handshake translate`: the article's dialect, or one syntax, in the words of another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flb_handshake import console
from flb_handshake.config import dialect, reading, writing
from flb_handshake.config.dialect import Note
from flb_handshake.config.files import text_of
from flb_handshake.config.reading import Syntax
from flb_handshake.config.words import Configuration, Spot
from flb_handshake.errors import UserMistake


def translate(
    file: Annotated[Path, typer.Argument(help="A configuration; the article's dialect, too.")],
    *,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="yaml|classic", help="The syntax; else what it is not yet."),
    ] = None,
) -> None:
    """Print a configuration as Fluent Bit reads it, and on standard error what became of it."""
    if to not in {None, Syntax.YAML, Syntax.CLASSIC}:
        raise UserMistake(f"--to {to} is no syntax", hint="give yaml or classic")
    text = text_of(file)
    notes: tuple[Note, ...] = ()
    syntax = reading.syntax_of(file, text)
    if syntax is Syntax.CLASSIC and dialect.is_dialect(text):
        found, notes = dialect.translated(text, name=str(file))
        target = Syntax(to or Syntax.CLASSIC)
    else:
        found = reading.read_text(text, name=str(file), syntax=syntax)
        target = Syntax(to or (Syntax.YAML if syntax is Syntax.CLASSIC else Syntax.CLASSIC))
        if target is syntax:
            raise UserMistake(
                f"{file} is {syntax} already", hint="name the other syntax, or leave --to out"
            )
    _check(found)
    text = writing.written(found, target)
    _tell(found, notes)
    console.say(text.rstrip("\n"))


def _check(found: Configuration) -> None:
    """Raises UserMistake for what Fluent Bit would not read; the first of it, as it would."""
    fatal = next((one for one in found.refusals if one.fatal), None)
    if fatal is not None:
        raise UserMistake(f"{fatal.spot}: {fatal.text}", hint=fatal.hint)


def _tell(found: Configuration, notes: tuple[Note, ...]) -> None:
    told = [(one.spot, one.text) for one in notes]
    told += [(one.spot, one.text) for one in found.refusals]
    told += [
        (one.spot, f"{one.title} is left out: it has no place in one file of this syntax")
        for one in writing.left_out(found)
    ]
    if len(found.files) > 1:
        told += [(Spot(found.files[0], 1), f"files in one: {', '.join(found.files)}")]
    for spot, said in told:
        console.err().print(f"{spot}: {said}", markup=False, highlight=False, soft_wrap=True)
