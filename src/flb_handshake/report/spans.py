"""Releases beside each other: which of them do alike, and how several are named in one breath."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

Value = TypeVar("Value", bound=Hashable)


def span(found: Collection[str], among: Sequence[str]) -> str:
    """These releases as ranges of all that there are: `1.9.10 to 3.0.6, 5.1.1`."""
    if len(found) == len(among) > 1:
        return "every release"
    runs = [
        [release for release, _ in run]
        for is_found, run in groupby(
            ((release, release in found) for release in among), key=lambda pair: pair[1]
        )
        if is_found
    ]
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def alike(
    releases: Sequence[str], shows: Callable[[str], Value]
) -> Iterator[tuple[tuple[str, ...], Value]]:
    """The releases that show the same, together, in the order of the first of each."""
    groups: dict[Value, list[str]] = {}
    for release in releases:
        groups.setdefault(shows(release), []).append(release)
    for value, members in groups.items():
        yield tuple(members), value
