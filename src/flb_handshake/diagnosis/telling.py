"""Diagnoses as a document and as text that is read at 3 a.m.: the fix in the last line of each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from flb_handshake.diagnosis.causes import Ranked
from flb_handshake.diagnosis.examined import Finding
from flb_handshake.diagnosis.meaning import Next
from flb_handshake.diagnosis.troubles import Trouble

_WIDTH: Final = 100
_LABEL: Final = 11
_TOLD: Final = 3
"""Causes that the text names; the document has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What is said of one trouble."""

    trouble: Trouble
    causes: tuple[Ranked, ...]
    meaning: str
    next: Next
    findings: tuple[Finding, ...] = ()
    log: str = ""
    """The log that it stands in, where several were read."""


def document(each: Sequence[Diagnosis]) -> list[dict[str, Any]]:
    """The troubles as JSON."""
    return [_entry(one) for one in each]


def _entry(one: Diagnosis) -> dict[str, Any]:
    trouble = one.trouble
    return {
        "log": one.log,
        "lines": [{"number": number, "text": text} for number, text in trouble.lines],
        "times": trouble.times,
        "first": trouble.first,
        "last": trouble.last,
        "output": trouble.output,
        "plugin": trouble.owner.plugin or None,
        "role": "input" if trouble.is_input else "output",
        "target": trouble.target or None,
        "release": trouble.release.name,
        "release_known": trouble.release.how,
        "meaning": one.meaning,
        "causes": [{**asdict(cause), "cause": str(cause.cause)} for cause in one.causes],
        "files": [asdict(finding) for finding in one.findings],
        "next": asdict(one.next),
    }


def page(each: Sequence[Diagnosis], *, lines: int, log: str) -> str:
    """The troubles in words."""
    if not each:
        return f"no TLS trouble in {lines} lines of {log}"
    many = "s" if len(each) > 1 else ""
    head = f"{len(each)} TLS trouble{many} in {lines} lines of {log}"
    return "\n\n".join([head, *map(_paragraph, each)])


def _paragraph(one: Diagnosis) -> str:
    trouble = one.trouble
    repeats = f"{trouble.times} times, " if trouble.times > 1 else ""
    where = f"lines {trouble.first} to {trouble.last}"
    if trouble.first == trouble.last:
        where = f"line {trouble.first}"
    times = " to ".join(dict.fromkeys(filter(None, trouble.at)))
    title = f"{trouble.output or 'TLS'}: {repeats}{where}{f', {times}' if times else ''}"
    if one.log:
        title += f" of {one.log}"
    parts = [title, *(f"  | {text}" for _, text in trouble.lines)]
    parts.append(_row("release", f"{trouble.release.name} ({trouble.release.how})"))
    parts.append(_row("it means", one.meaning))
    for position, cause in enumerate(one.causes[:_TOLD], start=1):
        told = f"{position}. {cause.cause} ({cause.confidence:.0%}): {cause.because}"
        if cause.scenario:
            told += f" [{cause.scenario}]"
        parts.append(_row("causes" if position == 1 else "", told))
    parts += [_row("files", finding.told) for finding in one.findings]
    parts.append(_row("look at", one.next.observation))
    parts.append(_row("with", one.next.command, whole=True))
    if one.next.reproduce:
        parts.append(_row("play it", one.next.reproduce, whole=True))
    parts.append(_row("fix", fix(one.causes), whole=True))
    return "\n".join(parts)


def fix(causes: Sequence[Ranked]) -> str:
    """The last line: what to do, and about which cause where that is not certain."""
    first = causes[0]
    if len(causes) == 1 or first.confidence >= 2 * causes[1].confidence:
        return first.fix
    return "; ".join(
        f"{'if' if position else 'likeliest, if'} {one.cause}: {one.fix}"
        for position, one in enumerate(causes[:2])
    )


def _row(label: str, text: str, *, whole: bool = False) -> str:
    """A labelled row; `whole`: on one line, so that it can be copied."""
    begin = f"  {label:<{_LABEL}}"
    if whole:
        return begin + text
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_long_words=False,
        break_on_hyphens=False,
    )
