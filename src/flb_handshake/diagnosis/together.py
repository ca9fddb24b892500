"""What lines say together, and which of them belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from flb_handshake.diagnosis.clues import clues, side_of
from flb_handshake.diagnosis.release import Release
from flb_handshake.diagnosis.troubles import NOBODY, Owner, owner_of, target_of
from flb_handshake.diagnosis.wordings import AFTERMATH

MOST_TEXTS: Final = 64
"""Different lines of one trouble that are weighed."""
_LOUD: Final = ("[error]", "[warn]")
_DETAIL: Final = re.compile(r"^\[tls\] connection #")
END: Final = re.compile(r"^\[tls\] (?:error: |certificate verification failed)| timed out after ")
"""The last that is said of a handshake, but for whose it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a line says."""

    text: str
    owner: Owner
    target: str
    is_input: bool | None
    begins: bool
    """Whether it stands at the beginning of a trouble."""
    loud: bool
    """Whether it is trouble, by its level or whatever its level."""
    debug: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What lines that belong together say so far, whatever their numbers and times."""

    release: Release
    owner: Owner = NOBODY
    target: str = ""
    is_input: bool | None = None
    texts: tuple[str, ...] = ()
    """What is said, each once: what it means may depend on a side that a later line names."""
    again: str = ""
    """The end of a handshake that was said twice before anybody was named."""
    begun: bool = False
    """Whether a line came that stands at the beginning of a trouble."""
    begun_after_owner: bool = False
    loud: bool = False
    debug: bool = False
    """Whether a line came that only log_level debug writes."""

    @property
    def is_claimed(self) -> bool:
        """Whether a line says whose they are."""
        return self.owner is not NOBODY or self.target != ""


def said_by(line: str) -> Said | None:
    """What a line says, as far as the other lines do not matter; None: nothing."""
    level, _, text = line.partition(" ")
    each = clues(text, is_input=False)
    if not each:
        return None
    owner = owner_of(text)
    return Said(
        text=text,
        owner=owner,
        target=target_of(text),
        is_input=side_of(text),
        begins=owner is NOBODY and any(clue.begins for clue in each),
        loud=level in _LOUD or any(clue.name not in AFTERMATH for clue in each),
        debug=level == "[debug]",
    )


def with_one_more(now: Together, said: Said) -> Together:
    """What lines say together with one more."""
    unnamed = now.owner is NOBODY
    is_new = said.text not in now.texts and len(now.texts) < MOST_TEXTS
    is_again = unnamed and said.text in now.texts and END.search(said.text)
    return Together(
        release=now.release,
        owner=said.owner if unnamed else now.owner,
        target=now.target or said.target,
        is_input=now.is_input if said.is_input is None else said.is_input,
        texts=(*now.texts, said.text) if is_new else now.texts,
        again=said.text if is_again else now.again,
        begun=now.begun or said.begins,
        begun_after_owner=now.begun_after_owner or (said.begins and not unnamed),
        loud=now.loud or said.loud,
        debug=now.debug or said.debug,
    )


def is_another(now: Together, said: Said) -> bool:
    """Whether a line begins something new: another's, or the next try of the same."""
    if said.owner is not NOBODY and now.owner is not NOBODY:
        return said.owner != now.owner or now.begun_after_owner
    return said.begins and now.owner is not NOBODY and now.begun


def failed_at_once(now: Together, said: Said) -> tuple[Together, Together] | None:
    """What is of whom was named first, and what is left for whom this line names; None: nothing.

    Fluent Bit ends several handshakes before it names the first of those whose they were; it names
    them in the same order (3.0.7, 5.1.1).
    """
    is_second = NOBODY not in {said.owner, now.owner} and said.owner != now.owner
    if not is_second or not now.begun or now.begun_after_owner:
        return None
    own = tuple(text for text in now.texts if owner_of(text) == now.owner)
    others = tuple(text for text in now.texts if text not in own)
    first, *rest = [one.texts for one in parted(replace(now, texts=others))]
    left = sum(rest, ()) or ((now.again,) if now.again else ())
    if not any(map(END.search, first)) or not any(map(END.search, left)):
        return None
    unnamed = replace(now, owner=NOBODY, target="", is_input=None, texts=left)
    return replace(now, texts=first + own), unnamed


def parted(now: Together) -> list[Together]:
    """Lines that nobody claims, one handshake after the other: those of an input bear no name.

    Outputs name themselves behind such a line, so theirs are never parted.
    """
    parts: list[tuple[str, ...]] = [()]
    for text in now.texts:
        if parts[-1] and END.search(parts[-1][-1]):
            parts.append(())
        parts[-1] += (text,)
    rest = parts[-1]
    if len(parts) > 1 and not END.search(rest[-1]) and all(map(_DETAIL.search, rest)):
        parts[-2:] = [parts[-2] + rest]  # details of a handshake whose end was told already
    return [replace(now, texts=texts) for texts in parts]
