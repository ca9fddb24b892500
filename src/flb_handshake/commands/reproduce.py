"""The command reproduce: the user's own sections, played until they fail as theirs did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from flb_handshake import console
from flb_handshake.agent.choice import Chosen
from flb_handshake.agent.contract import AgentKind
from flb_handshake.commands import bundling, reproduce_log
from flb_handshake.config.dialling import hosts
from flb_handshake.config.reading import read
from flb_handshake.config.words import Configuration, Kind, Section
from flb_handshake.errors import (
    EXIT_AS_EXPECTED,
    EXIT_DISAGREES,
    EXIT_HARNESS_FAILED,
    CertificateFileError,
    UserMistake,
)
from flb_handshake.likeness import server
from flb_handshake.likeness.server import Seen
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.outcomes import Outcome
from flb_handshake.planning import Play
from flb_handshake.report import likeness
from flb_handshake.results import Finding, finding
from flb_handshake.session import Session
from flb_handshake.trials.facing import Facing, facing
from flb_handshake.trials.stand_ins import StandIn, speaks_of_tls, stand_ins


def reproduce(
    *,
    config: Annotated[Path, typer.Option(metavar="FILE", help="Your Fluent Bit configuration.")],
    address: Annotated[
        str | None,
        typer.Option("--server", metavar="HOST:PORT", help="A real server, looked at once."),
    ] = None,
    chain: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A saved chain (PEM, leaf first).")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A log with the trouble to reproduce.")
    ] = None,
    agent: Annotated[AgentKind, typer.Option(help="How to run Fluent Bit.")] = AgentKind.AUTO,
    ref: Annotated[
        str | None,
        typer.Option(
            "--fluent-bit",
            metavar="REF",
            help="A version, image or binary; else the release that the log tells.",
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE.zip", help="Pack the run for others: no secret of yours."),
    ] = None,
) -> None:
    """Play your own configuration until it fails as yours did.

    --log plays the likeliest causes of its troubles, of outputs and inputs, until one says the
    same; --server and --chain put your outputs before a look-alike of what a server presents.
    """
    if sum(one is not None for one in (address, chain, log)) != 1:
        raise UserMistake(
            "reproduce wants one of --log FILE, --server HOST:PORT and --chain FILE",
            hint="--log reads a log, --server looks at a real server, --chain reads a saved chain",
        )
    bundling.check(bundle)
    if log is not None:
        raise typer.Exit(
            reproduce_log.from_log(read(config), config, log, agent, ref, bundle=bundle)
        )
    outputs = _outputs(read(config), config, address)
    chosen = console.chosen(agent, ref or DEFAULT_VERSION)
    playable = _playable(outputs, chosen, config, address)
    seen = _look(address, chain, playable[0].name)
    console.say(likeness.server(seen, address or str(chain)) + "\n")
    faced = [facing(one, seen, dt.datetime.now(dt.UTC)) for one in playable]
    found = _played(faced, chosen)
    for stood, one, result in zip(playable, faced, found, strict=True):
        console.say(likeness.played(stood.section.called, result, one.notes) + "\n")
    if bundle is not None:
        _pack(bundle, playable, faced, found, chosen)
    raise typer.Exit(_exit_code(found))


def _pack(
    path: Path,
    playable: Sequence[StandIn],
    faced: Sequence[Facing],
    found: Sequence[Finding],
    chosen: Chosen,
) -> None:
    """Packs the first output that does not deliver; if all do, the first of them."""
    every = list(zip(playable, faced, found, strict=True))
    failing = (one for one in every if not one[2].observation.outcome.arrived)
    stood, one, result = next(failing, every[0])
    bundling.write(
        path,
        chosen,
        setup=one.setup,
        healthy=one.healthy,
        section=stood.section,
        seen=result,
    )


def _playable(
    outputs: Sequence[Section], chosen: Chosen, config: Path, address: str | None
) -> list[StandIn]:
    """Those that can be played, of nodes those that dial this server; why not is said of others.

    Raises UserMistake for none.
    """
    found = []
    for section in outputs:
        for stood in stand_ins(section, chosen.agent.lacks):
            if stood.section.kind is Kind.PROXY:
                continue
            if isinstance(stood, StandIn):
                found.append(stood)
                continue
            one = stood.section
            console.say(f"{one.called} ({one.spot}): not played: {stood.reason}. {stood.instead}")
    if not found:
        raise UserMistake(
            f"{config}: no output of it can be played", hint="the reasons stand above"
        )
    host = server.address(address)[0] if address else None
    return [one for one in found if one.dials == host] or found


def _played(faced: Sequence[Facing], chosen: Chosen) -> list[Finding]:
    session = Session(agent=chosen.agent)
    plays = [
        Play(alias=f"reproduce.{number}.{word}", setup=setup, doubtful=True)
        for number, one in enumerate(faced, 1)
        for word, setup in (("healthy", one.healthy), ("look_alike", one.setup))
    ]
    console.with_progress(partial(session.play, plays), chosen)
    evidence = session.evidence
    return [finding(evidence[one.setup], evidence[one.healthy]) for one in faced]


def _outputs(configuration: Configuration, config: Path, address: str | None) -> list[Section]:
    """Those that dial this server; where none names it, all that speak of TLS."""
    outputs = [one for one in configuration.of(Kind.OUTPUT) if speaks_of_tls(one)]
    if not outputs:
        raise UserMistake(
            f"{config}: no output of it speaks of TLS",
            hint="name the file that holds the output, or one that includes it",
        )
    host = server.address(address)[0] if address else None
    return [one for one in outputs if host in hosts(one)] or outputs


def _look(address: str | None, chain: Path | None, name: str) -> Seen:
    if address is not None:
        return server.look(*server.address(address), name=name)
    assert chain is not None  # noqa: S101 # one of both is given
    try:
        return server.saved(chain.read_text(encoding="utf-8", errors="replace"), str(chain))
    except OSError as error:
        raise CertificateFileError(
            f"--chain {chain}: {error.strerror}",
            hint="give a file that exists and that you may read",
        ) from error


def _exit_code(found: list[Finding]) -> int:
    outcomes = {one.observation.outcome for one in found}
    if Outcome.INVALID in outcomes:
        return EXIT_HARNESS_FAILED
    return EXIT_AS_EXPECTED if outcomes == {Outcome.DELIVERED} else EXIT_DISAGREES
