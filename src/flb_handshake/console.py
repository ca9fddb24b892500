"""How every command speaks: what it prints, its progress, and the files that it is to write."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from flb_handshake.agent.choice import Chosen, choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.errors import UserMistake

PIPE_WIDTH: Final = 160
"""Columns where there is no terminal to ask: wide enough that no cell of a matrix is cut."""


def say(text: str) -> bool:
    """Prints as it is; whoever reads only the beginning, like `head`, does no harm.

    Tells whether anybody still reads.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def chosen(kind: AgentKind, ref: str) -> Chosen:
    """The Fluent Bit that was asked for, which is named at once. Raises AgentUnavailable."""
    found = choose(kind, ref)
    err().print(f"agent: {found.line}", highlight=False, markup=False, soft_wrap=True)
    return found


def with_progress(work: Callable[[Callable[[int, int], None]], Any], chosen: Chosen) -> Any:
    """Does the work behind a progress bar, which only a terminal gets to see."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=err(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(f"playing on {chosen.agent.identity.label}", total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))


def check_directory(path: Path | None) -> None:
    """Makes the directory. Raises UserMistake where that cannot be."""
    try:
        if path is not None:
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserMistake(
            f"{path} cannot be made a directory: {error.strerror}",
            hint="name a directory in a place you own",
        ) from error


def check_writable(path: Path | None) -> None:
    """Raises UserMistake if the file cannot be written, before any work is done for it."""
    if path is None:
        return
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise UserMistake(
            f"{path} cannot be written: {error.strerror}", hint="name a file in a place you own"
        ) from error


def out() -> Console:
    """Standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def err() -> Console:
    """Standard error."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else PIPE_WIDTH)
