"""The command replay: a bundle of somebody else's, played on the Fluent Bit at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flb_handshake import console
from flb_handshake.agent.contract import AgentKind
from flb_handshake.bundles import archive, bundle, pages, playing
from flb_handshake.commands.serve import end_by_signal, on_enter
from flb_handshake.errors import EXIT_AS_EXPECTED, EXIT_DISAGREES, EXIT_HARNESS_FAILED
from flb_handshake.model import Role, Setup
from flb_handshake.outcomes import Outcome
from flb_handshake.peer.collector import Collector
from flb_handshake.pki import Pki
from flb_handshake.report import replayed
from flb_handshake.report.live import Live
from flb_handshake.serving import shipping
from flb_handshake.staging import listener_for

_HIGHEST_PORT = 65535


def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.zip", help="A bundle, or the folder it was unpacked to.")
    ],
    *,
    agent: Annotated[AgentKind, typer.Option(help="How to run Fluent Bit.")] = AgentKind.AUTO,
    ref: Annotated[
        str | None,
        typer.Option(
            "--fluent-bit",
            metavar="REF",
            help="A version, image or binary; else the release that it was played on.",
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Play nothing: leave its peer standing, until Ctrl-C.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            min=1,
            max=_HIGHEST_PORT,
            help="The port of a peer that stands, or of the input that it ships to.",
        ),
    ] = pages.PORT,
) -> None:
    """Play what `reproduce --bundle` packed: exit code 0 if the same comes of it, else 1."""
    held = archive.unpacked(file)
    before = bundle.read(held, file)
    if serve:
        console.say(replayed.bundled(before))
        asyncio.run(_stand(bundle.standing(before.setup, held, file), port))
        raise typer.Exit(EXIT_AS_EXPECTED)
    chosen = console.chosen(agent, ref or before.evidence.agent.version)

    def work(progress: Callable[[int, int], None]) -> Any:
        return playing.play(before.setup, before.healthy, chosen.agent, progress)

    now: playing.Run = console.with_progress(work, chosen)
    differ = playing.differences(before, now)
    console.say(replayed.told(before, now, differ))
    if now.found.observation.outcome is Outcome.INVALID:
        raise typer.Exit(EXIT_HARNESS_FAILED)
    raise typer.Exit(EXIT_DISAGREES if differ else EXIT_AS_EXPECTED)


async def _stand(setup: Setup, port: int) -> None:
    """The bundle's peer, for whoever comes, or for an input. Raises HarnessFailure, PortTaken."""
    ended = asyncio.Event()
    end_by_signal(ended)

    def tell(line: str) -> None:
        if not console.say(f"{datetime.now().astimezone():%H:%M:%S}  {line}"):
            ended.set()

    if setup.role is Role.INPUT:
        async with shipping(setup, Live(tell), port=port, sink=pages.SINK) as ship:
            console.say(
                f"whenever you press Enter, a record is shipped to the input on 127.0.0.1:{port}; "
                "Ctrl-C ends it"
            )
            on_enter(ship, lambda: tell("standard input has ended: nothing is shipped"))
            await ended.wait()
        return
    await _listen(setup, port, tell, ended)


async def _listen(
    setup: Setup, port: int, tell: Callable[[str], None], ended: asyncio.Event
) -> None:
    collector = Collector(Pki())
    try:
        listener = await listener_for(setup, collector, port)
        listener.audience = Live(tell)
        console.say(f"the peer stands on 127.0.0.1:{listener.port}; Ctrl-C ends it")
        await ended.wait()
        listener.audience = None
    finally:
        collector.close()
