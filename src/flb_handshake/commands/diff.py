"""The command `diff`: what an upgrade changes, of everything or of one configuration."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from flb_handshake import catalogue, console
from flb_handshake.agent.choice import Chosen, choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.comparing import WEIGHTY, Comparison, compare
from flb_handshake.concerns import concerns
from flb_handshake.config.reading import read
from flb_handshake.errors import (
    EXIT_AS_EXPECTED,
    EXIT_DISAGREES,
    EXIT_HARNESS_FAILED,
    AgentUnavailable,
    UserMistake,
)
from flb_handshake.lint.upgrade import upgrade
from flb_handshake.model import Scenario
from flb_handshake.outcomes import VerdictKind
from flb_handshake.recorded import evidence, recorded, releases
from flb_handshake.report import differences
from flb_handshake.report import upgrade as report
from flb_handshake.report.upgrade import Narrowed
from flb_handshake.results import Result
from flb_handshake.session import Session

_RECORDED: Final = "recorded evidence"


def diff(
    before: Annotated[str, typer.Argument(metavar="FROM", help="A version.")],
    after: Annotated[str, typer.Argument(metavar="TO", help="A version, an image or a path.")],
    patterns: Annotated[list[str] | None, typer.Argument(help="As for run.")] = None,
    *,
    agent: Annotated[
        AgentKind, typer.Option("--agent", help="How to run Fluent Bit.")
    ] = AgentKind.AUTO,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Compare what this configuration uses, and read it too."),
    ] = None,
    only_recorded: Annotated[
        bool, typer.Option("--recorded", help="Play nothing: compare recorded evidence.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What an upgrade changes: outcomes, who refuses, what is exposed, what the log tells.

    With --config, exit code 1 also if the new release finds fault with what the old one took.
    """
    selected = catalogue.select(catalogue.load(), patterns or [])
    refs = (before, after)
    # Both are looked for before either is played.
    chosen = [None if only_recorded else _at_hand(agent, ref) for ref in refs]
    narrowed = None
    if config is not None:
        versions = [_version(ref, one) for ref, one in zip(refs, chosen, strict=True)]
        narrowed = _narrowed(config, selected, (versions[0], versions[1]))
        wanted = narrowed.scenarios
        selected = tuple(one for one in selected if one.id in wanted)
    sides = [_side(ref, one, selected) for ref, one in zip(refs, chosen, strict=True)]
    found = compare(*(results for _, results in sides))
    names = (sides[0][0] or before, sides[1][0] or after)
    if not found.compared and not (narrowed and narrowed.tells):
        raise _nothing_to_compare(before, after, config)
    _tell(found, names, narrowed, as_json=as_json)
    raise typer.Exit(_code(found, [one for _, results in sides for one in results], narrowed))


def _code(found: Comparison, results: Sequence[Result], narrowed: Narrowed | None) -> int:
    """How it ends: whether the harness failed, or the upgrade breaks or weakens something."""
    if any(one.verdict.kind is VerdictKind.HARNESS_ERROR for one in results):
        return EXIT_HARNESS_FAILED
    breaks = narrowed is not None and narrowed.upgrade.breaks
    weighty = breaks or any(one.grade in WEIGHTY for one in found.changes)
    return EXIT_DISAGREES if weighty else EXIT_AS_EXPECTED


def _narrowed(config: Path, scenarios: Sequence[Scenario], versions: tuple[str, str]) -> Narrowed:
    """What of these concerns the configuration, and what reading it finds in either release."""
    configuration = read(config)
    return Narrowed(
        files=configuration.files,
        releases=versions,
        concerns=concerns(configuration, scenarios, versions),
        upgrade=upgrade(configuration, *versions, dt.datetime.now(dt.UTC)),
    )


def _nothing_to_compare(before: str, after: str, config: Path | None) -> UserMistake:
    if config is not None:
        fatal = next((one for one in read(config).refusals if one.fatal), None)
        if fatal is not None:
            return UserMistake(f"{fatal.spot}: {fatal.text}", hint=fatal.hint)
        return UserMistake(
            f"of what was asked for nothing that concerns {config} has results of both {before} "
            f"and {after}",
            hint="leave out the patterns, if there are any; `flb-handshake check` plays the "
            "configuration itself on each release",
        )
    return UserMistake(
        f"of what was asked for there are no results of both {before} and {after}",
        hint="ask for other scenarios, or let the releases be played: leave out --recorded",
    )


def _tell(
    found: Comparison, names: tuple[str, str], narrowed: Narrowed | None, *, as_json: bool
) -> None:
    if as_json:
        document = differences.document(found, names)
        if narrowed is not None:
            document["configuration"] = report.document(narrowed)
        console.say(json.dumps(document, indent=1, ensure_ascii=False))
        return
    page = differences.page(found, names)
    console.say(page if narrowed is None else f"{report.page(narrowed)}\n\n{page}")


def _version(ref: str, chosen: Chosen | None) -> str:
    """The release behind a REF. Raises UserMistake where nothing was recorded of it."""
    if chosen is not None:
        return chosen.agent.identity.version
    evidence(ref)
    return ref


def _side(
    ref: str, chosen: Chosen | None, selected: Sequence[Scenario]
) -> tuple[str, list[Result]]:
    """What a release does, and how that is known: it is played, or else it was recorded."""
    if chosen is None:
        found = recorded(ref, catalogue.load(), selected)
        return differences.name(found, _RECORDED), found
    console.err().print(f"agent: {chosen.line}", highlight=False, markup=False, soft_wrap=True)
    session = Session(agent=chosen.agent)
    found = console.with_progress(partial(session.run, selected), chosen)
    return differences.name(found, "played now"), found


def _at_hand(kind: AgentKind, ref: str) -> Chosen | None:
    """The real Fluent Bit for a REF; None: there is none here, but evidence of it."""
    try:
        chosen = choose(kind, ref)
    except AgentUnavailable as error:
        if kind is not AgentKind.AUTO:
            raise
        if ref in releases():
            return None
        hint = f"{error.hint}; there is recorded evidence of {', '.join(releases())}"
        raise AgentUnavailable(f"neither here nor recorded: {error}", hint=hint) from error
    modelled = chosen.agent.identity.kind is AgentKind.REFERENCE
    return None if modelled and kind is AgentKind.AUTO and ref in releases() else chosen
