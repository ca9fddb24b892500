"""Text as GitHub's Markdown shows it: nothing in it is taken for markup, and tables stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_CODE: Final = re.compile(r"(`[^`]+`)")
_MARKUP: Final = re.compile(r"([\\<*\[\]]|(?<!\w)_|_(?!\w))")


def prose(text: str) -> str:
    """The text, in which only what stands between backticks is markup."""
    parts = _CODE.split(text)
    return "".join(
        part if position % 2 else _MARKUP.sub(r"\\\1", part) for position, part in enumerate(parts)
    )


def code(text: str) -> str:
    """The text as code, whatever backticks it holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Its cells are markup already; a line end or a bar in one of them does no harm."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def anchor(heading: str) -> str:
    """What GitHub calls a heading in an address."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")
