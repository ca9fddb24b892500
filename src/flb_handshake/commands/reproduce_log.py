"""reproduce --log: the causes of a trouble, played in the release of the log, likeliest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flb_handshake import console
from flb_handshake.agent.choice import Chosen
from flb_handshake.agent.contract import AgentKind
from flb_handshake.commands import bundling
from flb_handshake.commands.diagnose import diagnosis, troubles_of
from flb_handshake.config.words import Configuration, Kind, Section
from flb_handshake.diagnosis.configured import sections_of
from flb_handshake.diagnosis.telling import Diagnosis
from flb_handshake.diagnosis.troubles import Trouble
from flb_handshake.errors import EXIT_AS_EXPECTED, EXIT_DISAGREES, UserMistake
from flb_handshake.evidence import Evidence
from flb_handshake.model import DEFAULT_VERSION, Setup
from flb_handshake.report import reproduced
from flb_handshake.trials.reproducing import Tried, tried
from flb_handshake.trials.stand_ins import StandIn, Unplayed, stand_ins
from flb_handshake.trials.suspicions import playable, signature


def from_log(
    configuration: Configuration,
    config: Path,
    log: Path,
    agent: AgentKind,
    ref: str | None,
    *,
    bundle: Path | None = None,
) -> int:
    """Tells of each trouble which cause says the same here; the exit code.

    0: each was reproduced; 1: one was not. Raises UserMistake and HarnessFailure.
    """
    _, troubles = troubles_of(log, None)
    if not troubles:
        console.say(f"{log} tells of no trouble with TLS: there is nothing to reproduce")
        return EXIT_AS_EXPECTED
    release = next((one.release.exact for one in troubles if one.release.exact), "")
    chosen = console.chosen(agent, ref or release or DEFAULT_VERSION)
    known: dict[Setup, Evidence] = {}
    answers = [_answered(configuration, one, chosen, known) for one in troubles]
    if all(one is None for one in answers):
        raise UserMistake(
            f"{config}: no trouble of {log} is of an input or output of it that can be played",
            hint="the reasons stand above; is this the configuration that wrote the log?",
        )
    if bundle is not None:
        found = (one.reproduced for one in answers if one is not None)
        _pack(bundle, next((one for one in found if one is not None), None), chosen)
    every = all(one is not None and one.reproduced for one in answers)
    return EXIT_AS_EXPECTED if every else EXIT_DISAGREES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """A trouble that was played."""

    reproduced: tuple[Tried, StandIn] | None
    """The first run that says what the log says, and what was played; None: there is none."""


def _answered(
    configuration: Configuration, trouble: Trouble, chosen: Chosen, known: dict[Setup, Evidence]
) -> _Answer | None:
    """Plays a trouble, and tells what came of it; None: it cannot be played.

    What could be of several sections is played as each, until one says the same.
    """
    found = diagnosis(trouble, configuration, dt.datetime.now(dt.UTC))
    stood = _sections(configuration, found.trouble, chosen)
    if isinstance(stood, str):
        console.say(f"{reproduced.heading(found.trouble)}\n  not played: {stood}\n")
        return None
    for one in stood:
        results = _played(found, one, chosen, known)
        whose = f"{one.section.called} ({one.section.spot})"
        told = reproduced.told(found, results, chosen.agent.identity, whose)
        console.say(told + "\n")
        same = next((each for each in results if each.is_it), None)
        if same is not None:
            return _Answer(reproduced=(same, one))
    return _Answer(reproduced=None)


def _pack(path: Path, packed: tuple[Tried, StandIn] | None, chosen: Chosen) -> None:
    """Packs the first run that says what the log says, if there is one."""
    if packed is None:
        console.say(f"nothing was reproduced, so {path} is not written")
        return
    one, stood = packed
    bundling.write(
        path,
        chosen,
        setup=one.setup,
        healthy=stood.healthy,
        section=stood.section,
        seen=one.found,
    )


def _sections(
    configuration: Configuration, trouble: Trouble, chosen: Chosen
) -> Sequence[StandIn] | str:
    """The section that a trouble is of, or those that it could be of, as played; or why not."""
    sections = sections_of(configuration, trouble)
    if not sections:
        kind = "input" if trouble.is_input else "output"
        return f"the configuration has no {kind} that it could be of"
    if not _said(trouble):
        return "no error or warning of it is left in the log, so that nothing could be compared"
    stood = [each for one in sections for each in _stood(one, chosen)]
    playable = [one for one in stood if isinstance(one, StandIn)]
    if not playable:
        return "; ".join(
            one if isinstance(one, str) else one.reason
            for one in stood
            if not isinstance(one, StandIn)
        )
    # Of an output's nodes, those that dial what the log names.
    host = trouble.target.rpartition(":")[0].strip("[]")
    return [one for one in playable if host and one.dials == host] or playable


def _stood(section: Section, chosen: Chosen) -> Sequence[StandIn | Unplayed | str]:
    if section.kind not in {Kind.INPUT, Kind.OUTPUT}:
        return [f"it is of a {section.kind}, and inputs and outputs alone are played"]
    found = stand_ins(section, chosen.agent.lacks)
    return [one for one in found if one.section.kind is not Kind.PROXY]


def _said(trouble: Trouble) -> frozenset[str]:
    return signature(text for _, text in trouble.lines)


def _played(
    found: Diagnosis, stood: StandIn, chosen: Chosen, known: dict[Setup, Evidence]
) -> tuple[Tried, ...]:
    words = tuple(dict.fromkeys((*(one.cause for one in found.causes), *playable(stood))))
    said = _said(found.trouble)

    def work(progress: Callable[[int, int], None]) -> Any:
        return tried(words, said, stood, chosen.agent, progress, known=known)

    results: tuple[Tried, ...] = console.with_progress(work, chosen)
    return results
