"""A trouble of a log, and what a line says of whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from flb_handshake.diagnosis.clues import Clue, clues
from flb_handshake.diagnosis.lines import shown
from flb_handshake.diagnosis.release import Release

_OWNER: Final = re.compile(
    r"^\[(?P<kind>output|input|filter)[: ](?:(?P<plugin>\w+):)?(?P<name>[^\]]+)\]"
)
_OLD_OWNER: Final = re.compile(r"^\[(?P<kind>out|in|filter)_(?P<plugin>\w+)\]")
_OLD_PLUGINS: Final = {"fw": "forward", "kube": "kubernetes", "ws": "websocket"}
_KINDS: Final = {"out": "output", "in": "input"}
_TARGET: Final = re.compile(
    r"(?:failed to|available to|broken connection to|connection #-?\d+ to|remote|records to|"
    r"handshake failed for) (?:\w+://)?(?P<target>[^\s,:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose trouble it is."""

    kind: str = ""
    """output, input, filter; empty: nobody says."""
    plugin: str = ""
    name: str = ""


NOBODY: Final = Owner()


@dataclass(slots=True, kw_only=True)
class Trouble:
    """One trouble, as often as it came."""

    owner: Owner
    target: str
    """HOST:PORT; empty: nobody says."""
    is_input: bool
    clues: dict[str, Clue]
    release: Release
    lines: list[tuple[int, str]]
    """The first of its lines, with their numbers."""
    texts: tuple[str, ...] = field(default=(), compare=False)
    """What its first lines say, as clues are read from it."""
    first: int
    last: int
    times: int = 0
    debug: bool = False
    """Whether alerts would be in the log, which takes `tls.debug 1` and `log_level debug`."""
    ends: tuple[bytes, bytes] = (b"", b"")
    """The first and the last line as they stand in the log."""

    @property
    def at(self) -> tuple[str, str]:
        """The times of the first and the last line; empty: it bears none."""
        first, last = map(shown, self.ends)
        return first[0], last[0] or first[0]

    @property
    def output(self) -> str | None:
        """What it is called in reports: the output's or input's name, else what is dialled."""
        return self.owner.name or self.target or None

    @property
    def decisive(self) -> Clue:
        """The clue that says most."""
        return max(self.clues.values(), key=lambda one: one.strength)


def owner_of(text: str) -> Owner:
    """The input, filter or output that a line names."""
    if match := _OWNER.match(text):
        name = match["name"]
        plugin = match["plugin"] or name.rpartition(".")[0] or name
        return Owner(kind=match["kind"], plugin=plugin, name=name)
    if match := _OLD_OWNER.match(text):
        plugin = _OLD_PLUGINS.get(match["plugin"], match["plugin"])
        kind = _KINDS.get(match["kind"], match["kind"])
        return Owner(kind=kind, plugin=plugin, name=plugin)
    return NOBODY


def target_of(text: str) -> str:
    """HOST:PORT that a line says to have been dialled; empty: none."""
    match = _TARGET.search(text)
    return match["target"] if match else ""


def clues_of(texts: Iterable[str], *, is_input: bool) -> dict[str, Clue]:
    """What these lines speak for together, by name."""
    return {clue.name: clue for text in texts for clue in clues(text, is_input=is_input)}
