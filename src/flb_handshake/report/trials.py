"""What each section of a configuration let through when it was played, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flb_handshake.outcomes import Outcome
from flb_handshake.trials.stand_ins import Unplayed
from flb_handshake.trials.trial import Answer, Trial
from flb_handshake.verdict import observed_words

Played = tuple[tuple[Trial, ...], tuple[Unplayed, ...]]
"""What was played of a configuration, and what was not."""


def table(played: Mapping[str, Sequence[Played]]) -> str:
    """By release: each section, whether it delivers, and each peer that it should refuse."""
    told = []
    for label, each in played.items():
        told.append(f"played on {label}")
        for trials, unplayed in each:
            for one in trials:
                told += _section(one)
            told += [
                f"  {one.section.called} ({one.section.spot}): not played: {one.reason}"
                for one in unplayed
            ]
    return "\n".join(told)


def _section(one: Trial) -> list[str]:
    name = f"  {one.section.called} ({one.section.spot})"
    if one.failure:
        return [f"{name}: not played: {one.failure}"]
    rows = [name, f"    {'healthy peer':<22} {observed_words(one.healthy.observation)}"]
    rows += [f"    {answer.wrong:<22} {_answer(answer)}" for answer in _met(one)]
    rows += [f"    {'not played':<22} {one.note}"] if one.note else []
    return rows


def _met(one: Trial) -> Sequence[Answer]:
    """What it made of the peers: nothing is believed of a section that delivers to nobody."""
    return one.answers if one.healthy.observation.outcome.arrived else ()


def _answer(one: Answer) -> str:
    seen = one.found.observation
    if one.found.evidence.harness_error:
        return f"not played: {one.found.evidence.harness_error}"
    if one.is_let_through:
        word = "cleartext" if seen.outcome is Outcome.CLEARTEXT else "let through"
        return f"! {word}"
    if not one.is_refused:
        return f"not known ({observed_words(seen)})"
    return f"refused ({seen.alert or seen.outcome})"


def document(played: Mapping[str, Sequence[Played]]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "agent": label,
            "section": one.section.called,
            "file": one.section.spot.file,
            "line": one.section.spot.line,
            "outcome": one.healthy.observation.outcome,
            "not_played": one.failure or None,
            "note": one.note or None,
            "let_through": [two.wrong for two in _met(one) if two.is_let_through],
            "refused": [two.wrong for two in _met(one) if two.is_refused],
        }
        for label, each in played.items()
        for trials, _ in each
        for one in trials
    ] + [
        {
            "agent": label,
            "section": one.section.called,
            "file": one.section.spot.file,
            "line": one.section.spot.line,
            "outcome": None,
            "not_played": one.reason,
            "note": one.instead,
            "let_through": [],
            "refused": [],
        }
        for label, each in played.items()
        for _, unplayed in each
        for one in unplayed
    ]
