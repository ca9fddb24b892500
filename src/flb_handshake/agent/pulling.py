"""Shows an image coming in on stderr, and says when it does not come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

_NO_PROGRESS: Final = ("Retrying in", "Waiting")
"""Beginnings of what a daemon says while nothing comes in."""


class PullStalled(Exception):
    """No progress for longer than there was patience."""


class PullRefused(Exception):
    """The daemon said why the image cannot be had."""


def watch(
    lines: Iterable[Mapping[str, Any]],
    *,
    image: str,
    patience: float,
    console: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Reads a daemon's account of a pull to its end, and draws it as a bar.

    Raises PullStalled after `patience` seconds of lines without progress, and
    PullRefused. When no lines come at all, it is for their source to give up.
    """
    sizes: dict[str, tuple[int, int]] = {}
    seen: dict[str, tuple[str, int]] = {}
    last = clock()
    with _bar(console or Console(stderr=True)) as bar:
        task = bar.add_task(f"pulling {image}", total=None)
        for line in lines:
            if "error" in line:
                raise PullRefused(str(line["error"]).strip())
            layer, status = str(line.get("id", "")), str(line.get("status", ""))
            detail = line.get("progressDetail") or {}
            current, total = int(detail.get("current", 0)), int(detail.get("total", 0))
            now = (status, current)
            if not status.startswith(_NO_PROGRESS) and seen.get(layer) != now:
                seen[layer] = now
                last = clock()
            elif clock() - last > patience:
                raise PullStalled
            if status == "Downloading" and total > 0:
                sizes[layer] = (current, total)
            elif layer in sizes:
                sizes[layer] = (sizes[layer][1], sizes[layer][1])
            if sizes:
                done, whole = (sum(part) for part in zip(*sizes.values(), strict=True))
                bar.update(task, completed=done, total=whole)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
    )
