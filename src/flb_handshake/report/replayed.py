"""Whether a bundle's run came to the same here, and in what it differs."""

from __future__ import annotations

from collections.abc import Sequence

from flb_handshake.bundles.playing import Difference, Run
from flb_handshake.verdict import observed_words


def bundled(before: Run) -> str:
    """What came of it where it was packed."""
    seen = observed_words(before.found.observation)
    return _printable(f"bundled   {seen} ({before.evidence.agent.label})")


def told(before: Run, now: Run, differ: Sequence[Difference]) -> str:
    """Both outcomes, each difference, and the answer in the last line."""
    rows = [
        bundled(before),
        f"here      {observed_words(now.found.observation)} ({now.evidence.agent.label})",
    ]
    note = now.found.observation.note
    rows += [f"  note      {note}"] if note else []
    rows += [f"  {one.what:<10} {one.before} | here: {one.now}" for one in differ]
    rows = [_printable(row) for row in rows]
    return "\n".join([*rows, "it is not the same here" if differ else "the same came of it"])


def _printable(row: str) -> str:
    """Somebody else's words, without what would move a terminal's cursor."""
    return "".join(one if one.isprintable() else "?" for one in row)
