"""Recorded evidence of real releases: what they did, where they are not at hand.

`tests/evidence/record.py` records it, one file for each release; a wheel carries the files too.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from packaging.version import Version

from flb_handshake.errors import UserMistake
from flb_handshake.evidence import Evidence, pack, unpack
from flb_handshake.model import Scenario, Setup
from flb_handshake.peer.events import Event, Kind
from flb_handshake.results import Result, plays, results

_SUFFIX: Final = ".jsonl.xz"

_NOISE: Final = (
    (re.compile(r"/\w+/flb-handshake-[\w-]+/job-\d+"), "/job"),
    (re.compile(r"\[/\S+(/src/tls/\w+\.c:\d+)"), r"[\1"),
    (re.compile(r"\[/\S+(/compiler_depend\.ts:\d+)"), r"[\1"),
    (re.compile(r"^(\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)\.\d+"), r"\1"),
    (re.compile(r"(127\.0\.0\.1:|\b(?:[Pp]ort|tcp_port)(?: +|=))\d{4,5}\b"), r"\g<1>24224"),
    (re.compile(r"(connection |[( ])#-?\d+"), r"\1#0"),
    (re.compile(r"\b\d+-\d{10}\.\d+\.flb\b"), "chunk.flb"),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "0x0"),
)
"""What no two runs have in common and nothing follows from."""

_RECORD_HEADER: Final = 12
"""Hexadecimal digits of the first bytes in TLS, before what is random in them."""


def directory() -> Path:
    """Where the files are: beside this module in a wheel, among the tests in a checkout."""
    inside = Path(__file__).parent / "recorded_evidence"
    if inside.is_dir():
        return inside
    return Path(__file__).parents[2] / "tests" / "evidence" / "recorded"


def releases() -> tuple[str, ...]:
    """The releases that were recorded, the oldest first."""
    found = (path.name.removesuffix(_SUFFIX) for path in directory().glob(f"*{_SUFFIX}"))
    return tuple(sorted(found, key=Version))


@cache
def evidence(version: str) -> Mapping[str, Evidence]:
    """All that was recorded of a release, by the id of its scenario. Raises UserMistake."""
    try:
        text = lzma.decompress((directory() / f"{version}{_SUFFIX}").read_bytes()).decode()
    except FileNotFoundError:
        raise UserMistake(
            f"nothing was recorded of Fluent Bit {version}",
            hint=f"there is recorded evidence of {', '.join(releases())}",
        ) from None
    return {one.scenario: one for one in unpack(text.splitlines())}


def by_setup(version: str, scenarios: Sequence[Scenario]) -> dict[Setup, Evidence]:
    """What was recorded of these scenarios and of their control twins. Raises UserMistake.

    Equal setups were played once, for the first scenario of the catalogue that has them, so that
    only the whole catalogue finds all of it.
    """
    stored = evidence(version)
    return {one.setup: stored[one.alias] for one in plays(scenarios) if one.alias in stored}


def recorded(
    version: str, scenarios: Sequence[Scenario], wanted: Sequence[Scenario] | None = None
) -> list[Result]:
    """The results of those whose evidence, and whose twin's, was recorded. Raises UserMistake.

    `scenarios` is the whole catalogue, `wanted` what of it is asked for; None: all.
    """
    have = by_setup(version, scenarios)
    known = [
        one
        for one in (scenarios if wanted is None else wanted)
        if one.setup in have and (one.control is None or one.control in have)
    ]
    return results(known, have)


def write(version: str, found: Sequence[Evidence]) -> Path:
    """Stores the evidence of a release, settled, in place of what there was. Raises OSError."""
    lines = pack([settled(one) for one in found])
    path = directory() / f"{version}{_SUFFIX}"
    path.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))
    return path


def settled(one: Evidence) -> Evidence:
    """The same without what differs from run to run and tells nothing.

    Ports, file descriptors and directories get one name each, times are cut to a tenth of a second
    and those of the log to a second, and of first bytes in TLS only the header is kept.
    """
    agent = replace(
        one.agent,
        config=_quiet(one.agent.config),
        log=tuple(map(_quiet, one.agent.log)),
    )
    named = tuple((name, _quiet(value)) for name, value in one.facts.properties)
    return replace(
        one,
        agent=agent,
        facts=replace(one.facts, properties=named),
        events=tuple(map(_settled_event, one.events)),
        duration=round(one.duration, 1),
        then=tuple(map(settled, one.then)),
    )


def _settled_event(event: Event) -> Event:
    facts: dict[str, Any] = dict(event.facts)
    if event.kind is Kind.FIRST_BYTES and facts["tls"]:
        facts["hex"] = facts["hex"][:_RECORD_HEADER]
    return replace(event, t=round(event.t, 1), facts=facts)


def _quiet(text: str) -> str:
    for pattern, instead in _NOISE:
        text = pattern.sub(instead, text)
    return text
