"""The command serve: the peer of one scenario stands until Ctrl-C, and tells what it sees."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from flb_handshake import catalogue, console
from flb_handshake.agent.workplace import Workplace
from flb_handshake.errors import UserMistake
from flb_handshake.model import Scenario
from flb_handshake.report import served
from flb_handshake.report.live import Live
from flb_handshake.serving import standing

_ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_HIGHEST_PORT: Final = 65535

_TYPED: Final = 1 << 16
"""Bytes that are read of what somebody types, at most."""


def serve(
    scenario_id: Annotated[str, typer.Argument(metavar="SCENARIO", help="The id of a scenario.")],
    *,
    port: Annotated[
        int, typer.Option(min=0, max=_HIGHEST_PORT, help="The port; 0: one that is free.")
    ] = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep certificates, keys and configuration here."),
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option(help="A directory of scenario files of your own.")
    ] = None,
) -> None:
    """Leave the peer of a scenario running for work by hand; show each handshake as it happens."""
    one = catalogue.find(catalogue.load(scenarios), scenario_id)
    _check_empty(save)
    before = {number: signal.getsignal(number) for number in _ENDS}
    try:
        asyncio.run(_serve(one, port, save))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    left = "nothing is left behind" if save is None else f"the files stay in {save}"
    console.say(f"\nended; {left}")


async def _serve(one: Scenario, port: int, save: Path | None) -> None:
    ended = asyncio.Event()
    end_by_signal(ended)

    def tell(text: str) -> None:
        if not console.say(text):
            ended.set()  # nobody reads on

    def tell_now(line: str) -> None:
        tell(f"{datetime.now().astimezone():%H:%M:%S.%f}"[:-3] + f"  {line}")

    with _place(save) as directory:
        async with standing(one, directory, Live(tell_now), port=port) as stand:
            tell(served.page(stand, kept=save is not None))
            tell(served.invitation(stand) + "\n")
            if stand.ship is not None:
                on_enter(stand.ship, lambda: tell("standard input has ended: nothing is shipped"))
            await ended.wait()


def end_by_signal(ended: asyncio.Event) -> None:
    """Ctrl-C and its kin end it, but for those that whoever started this wants ignored."""
    loop = asyncio.get_running_loop()
    for number in _ENDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, ended.set)


def on_enter(act: Callable[[], None], on_end: Callable[[], None]) -> None:
    """Acts whenever somebody has typed a line."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        if os.read(descriptor, _TYPED):
            act()
        else:
            loop.remove_reader(descriptor)
            on_end()

    try:
        descriptor = sys.stdin.fileno()
        loop.add_reader(descriptor, read)
    except (AttributeError, OSError, ValueError):  # none, closed, or a file: nobody types there
        on_end()


@contextlib.contextmanager
def _place(save: Path | None) -> Iterator[Path]:
    """The directory for the files: the user's own, or one that goes in the end."""
    if save is not None:
        yield save.absolute()
        return
    workplace = Workplace()
    try:
        yield workplace.root
    finally:
        workplace.remove()


def _check_empty(save: Path | None) -> None:
    """Makes the directory for its owner alone. Raises UserMistake where something is in it."""
    console.check_directory(save)
    if save is None:
        return
    try:
        if any(save.iterdir()):
            raise UserMistake(
                f"--save {save}: something is in it already",
                hint="name a new directory, or an empty one: nothing is written over",
            )
        save.chmod(0o700)
    except OSError as error:
        raise UserMistake(
            f"--save {save} cannot be used: {error.strerror}",
            hint="name a directory in a place you own",
        ) from error
