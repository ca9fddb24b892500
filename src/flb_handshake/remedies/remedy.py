"""What there is to say of one cause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What there is to say of one cause; words in braces are filled in from the evidence."""

    because: str
    """The evidence for it, with names and dates."""
    fix: str
    """What to change; it reads well with the words of UNKNOWN too."""
    meaning: str = ""
    """What it is, where only its class is known; empty for what is never guessed."""
