"""reproduce --log: the causes of a trouble, played in the release of the log, likeliest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flb_handshake import console
from flb_handshake.agent.choice import Chosen
from flb_handshake.agent.contract import AgentKind
from flb_handshake.commands import bundling
from flb_handshake.commands.diagnose import diagnosis, troubles_of
from flb_handshake.config.words import Configuration, Kind
from flb_handshake.diagnosis.configured import section_of
from flb_handshake.diagnosis.telling import Diagnosis
from flb_handshake.diagnosis.troubles import Trouble
from flb_handshake.errors import EXIT_AS_EXPECTED, EXIT_DISAGREES, UserMistake
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.report import reproduced
from flb_handshake.trials.reproducing import Tried, tried
from flb_handshake.trials.stand_ins import StandIn, Unplayed, stand_ins
from flb_handshake.trials.suspicions import PLAYABLE, signature


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
    now = dt.datetime.now(dt.UTC)
    release = next((one.release.exact for one in troubles if one.release.exact), "")
    chosen = console.chosen(agent, ref or release or DEFAULT_VERSION)
    every = True
    played = False
    packed: tuple[Tried, StandIn] | None = None
    for trouble in troubles:
        stood = _section(configuration, trouble, chosen)
        if isinstance(stood, str):
            console.say(f"{reproduced.heading(trouble)}\n  not played: {stood}\n")
            every = False
            continue
        found = diagnosis(trouble, configuration, now)
        results = _played(found, stood, chosen)
        played = True
        console.say(reproduced.told(found, results, chosen.agent.identity) + "\n")
        every = every and any(one.is_it for one in results)
        reproduced_one = next((one for one in results if one.is_it), None)
        if reproduced_one is not None and packed is None:
            packed = (reproduced_one, stood)
    if not played:
        raise UserMistake(
            f"{config}: no trouble of {log} is of an output of it that can be played",
            hint="the reasons stand above; is this the configuration that wrote the log?",
        )
    if bundle is not None:
        _pack(bundle, packed, chosen)
    return EXIT_AS_EXPECTED if every else EXIT_DISAGREES


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


def _section(configuration: Configuration, trouble: Trouble, chosen: Chosen) -> StandIn | str:
    """The output, or the node, that a trouble is of, as it is played; or why it is not."""
    section = section_of(configuration, trouble.owner, trouble.target)
    if section is None:
        return "the configuration has no output that it could be of"
    if section.kind is not Kind.OUTPUT:
        return f"it is of an {section.kind}, and outputs alone are reproduced from a log"
    if not _said(trouble):
        return "no error or warning of it is left in the log, so that nothing could be compared"
    found = stand_ins(section, chosen.agent.lacks)
    playable = [one for one in found if isinstance(one, StandIn)]
    if not playable:
        return "; ".join(one.reason for one in found if isinstance(one, Unplayed))
    host = trouble.target.rpartition(":")[0].strip("[]")
    return next((one for one in playable if one.dials == host), playable[0])


def _said(trouble: Trouble) -> frozenset[str]:
    return signature(text for _, text in trouble.lines)


def _played(found: Diagnosis, stood: StandIn, chosen: Chosen) -> tuple[Tried, ...]:
    words = tuple(dict.fromkeys((*(one.cause for one in found.causes), *PLAYABLE)))
    said = _said(found.trouble)

    def work(progress: Callable[[int, int], None]) -> Any:
        return tried(words, said, stood, chosen.agent, progress)

    results: tuple[Tried, ...] = console.with_progress(work, chosen)
    return results
