"""`flb-handshake diagnose`: the TLS troubles in a Fluent Bit log, each with causes and a fix."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Final, cast

import typer

from flb_handshake import console
from flb_handshake.config import reading
from flb_handshake.config.words import Configuration
from flb_handshake.diagnosis import release as releases
from flb_handshake.diagnosis import telling
from flb_handshake.diagnosis.causes import ranked
from flb_handshake.diagnosis.configured import Settings, common, settings_behind, sided
from flb_handshake.diagnosis.examined import examined
from flb_handshake.diagnosis.gathering import Gathering
from flb_handshake.diagnosis.lines import Reader
from flb_handshake.diagnosis.meaning import STANDARD_INPUT, look_next, meaning, reproduction
from flb_handshake.diagnosis.release import Release
from flb_handshake.diagnosis.telling import Diagnosis
from flb_handshake.diagnosis.troubles import Trouble
from flb_handshake.errors import EXIT_AS_EXPECTED, EXIT_DISAGREES, UserMistake


def diagnose(
    logs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="LOG…", help="Logs of Fluent Bit; none or -: standard input."),
    ] = None,
    *,
    config: Annotated[
        Path | None, typer.Option(help="The configuration, by which causes are weighed.")
    ] = None,
    fluent_bit: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The release that wrote the log.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array of the troubles.")] = False,
) -> None:
    """Find the TLS troubles in a log, their causes and fixes. Exit code 1 if there are any."""
    release = _release(fluent_bit)
    configuration = reading.read(config) if config is not None else None
    now = dt.datetime.now(dt.UTC)
    paths = logs or [STANDARD_INPUT]
    if paths.count(STANDARD_INPUT) > 1:
        raise UserMistake("- is named twice", hint="standard input can be read once")
    found: list[Diagnosis] = []
    lines = 0
    for path in paths:
        count, troubles = troubles_of(path, release)
        lines += count
        name = _name(path) if len(paths) > 1 else ""
        found += [
            _playable(diagnosis(one, configuration, now, log=name), configuration, config, path)
            for one in troubles
        ]
    if as_json:
        console.say(json.dumps(telling.document(found), indent=1, ensure_ascii=False))
    else:
        console.say(telling.page(found, lines=lines, log=", ".join(map(_name, paths))))
    raise typer.Exit(EXIT_DISAGREES if found else EXIT_AS_EXPECTED)


def diagnosis(
    trouble: Trouble, configuration: Configuration | None, now: dt.datetime, *, log: str = ""
) -> Diagnosis:
    """All that is said of a trouble; files that the configuration names are looked at."""
    if configuration is not None:
        trouble = sided(trouble, configuration)
    each = _settings(configuration, trouble)
    settings = common(each)
    findings = tuple(dict.fromkeys(found for one in each for found in examined(one, now)))
    return Diagnosis(
        trouble=trouble,
        causes=ranked(trouble, settings, findings),
        meaning=meaning(trouble),
        next=look_next(trouble, settings),
        findings=findings,
        log=log,
    )


def _settings(configuration: Configuration | None, trouble: Trouble) -> tuple[Settings, ...]:
    if configuration is None:
        return ()
    return settings_behind(configuration, trouble)


def _playable(
    one: Diagnosis, configuration: Configuration | None, config: Path | None, log: Path
) -> Diagnosis:
    """The same, with the command that plays it where a configuration was given."""
    if configuration is None or config is None:
        return one
    settings = common(_settings(configuration, one.trouble))
    command = reproduction(one.trouble, settings, config, log)
    return replace(one, next=replace(one.next, reproduce=command))


def troubles_of(path: Path, release: Release | None) -> tuple[int, Sequence[Trouble]]:
    """How many lines a log has, and its troubles. Raises UserMistake."""
    reader, gathering = Reader(), Gathering(release)
    try:
        with ExitStack() as stack:
            gathering.take(reader.read(_opened(path, stack)))
    except OSError as error:
        raise UserMistake(
            f"{_name(path)} cannot be read: {error.strerror}",
            hint="name a log of Fluent Bit, or - for standard input",
        ) from error
    if not reader.is_log:
        what = "is empty" if not reader.size else "holds no line of a Fluent Bit log"
        raise UserMistake(
            f"{_name(path)} {what}",
            hint="give the lines as Fluent Bit writes them: [2026/11/25 12:00:00] [error] [tls] …",
        )
    return reader.count, gathering.done()


def _opened(path: Path, stack: ExitStack) -> BufferedReader:
    """The log, open. Raises UserMistake where its first bytes say that it is packed, OSError."""
    if path != STANDARD_INPUT:
        stream = stack.enter_context(path.open("rb"))
    else:
        stream = cast("BufferedReader", sys.stdin.buffer)
    begin = stream.peek(_LONGEST_MAGIC)
    for name, magic, unpack in _PACKED:
        if begin.startswith(magic):
            raise UserMistake(
                f"{_name(path)} is packed ({name})",
                hint=f"unpack it: {unpack} LOG | flb-handshake diagnose -",
            )
    return stream


_PACKED: Final = (
    ("gzip", b"\x1f\x8b", "zcat"),
    ("zstd", b"\x28\xb5\x2f\xfd", "zstdcat"),
    ("xz", b"\xfd7zXZ", "xzcat"),
    ("bzip2", b"BZh", "bzcat"),
    ("zip", b"PK\x03\x04", "unzip -p"),
)
"""How what packs logs begins them, and the command that gives the log back."""
_LONGEST_MAGIC: Final = 5


def _name(path: Path) -> str:
    return "standard input" if path == STANDARD_INPUT else str(path)


def _release(version: str | None) -> Release | None:
    """The release that was named. Raises UserMistake."""
    if version is None:
        return None
    found = releases.named(version.removeprefix("v"))
    if found is None:
        raise UserMistake(
            f"{version} is no version of Fluent Bit", hint="give it as 5.1.1, or as 3.2"
        )
    return found
