"""A committed baseline: what was found once and is put up with, and which files were trusted."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flb_handshake.config.looking import State, look
from flb_handshake.config.words import Configuration, Kind, Property, Section
from flb_handshake.errors import UserMistake
from flb_handshake.lint.finding import Finding, Severity

_FORMAT: Final = 1

_TRUSTED: Final = (
    "tls.ca_file",
    "tls.ca_path",
    "tls.crt_file",
    "tls.proxy.ca_file",
    "tls.proxy.ca_path",
)
"""Files whose content decides who is believed, or as whom one comes; none of them is secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is put up with."""

    accepted: Mapping[str, Sequence[str]]
    """What was found, by section: see `_identity`."""
    files: Mapping[str, Mapping[str, str]]
    """By section and property: the path as it is written, and a hash of what is there."""


def of(configurations: Sequence[Configuration], findings: Sequence[Finding]) -> Baseline:
    """What is there now."""
    named = _named(configurations)
    accepted: dict[str, set[str]] = {}
    for one in findings:
        if one.grave:
            accepted.setdefault(_section_of(one, named), set()).add(_identity(one))
    return Baseline(
        accepted={name: sorted(held) for name, held in sorted(accepted.items())},
        files={name: _files(one) for name, one in named},
    )


def _identity(one: Finding) -> str:
    """What makes two findings of one section the same: another typo is another finding."""
    whose = " of its proxy" if one.of_proxy else ""
    return f"{one.severity} {one.rule}{whose}" + ("" if one.played else f": {one.text}")


def worse(
    baseline: Baseline, configurations: Sequence[Configuration], findings: Sequence[Finding]
) -> tuple[Finding, ...]:
    """What the baseline does not know; what it knows is left out unless it is a note."""
    named = _named(configurations)
    new = [
        one
        for one in findings
        if not one.grave or _identity(one) not in baseline.accepted.get(_section_of(one, named), ())
    ]
    return tuple(sorted((*new, *_swapped(baseline, named)), key=lambda one: one.spot))


def text(baseline: Baseline) -> str:
    """The baseline as it is committed."""
    held = {"format": _FORMAT, "accepted": baseline.accepted, "files": baseline.files}
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"


def load(path: Path) -> Baseline:
    """A baseline that was written before. Raises UserMistake."""
    hint = "make one: flb-handshake check CONFIG --write-baseline FILE"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserMistake(f"--baseline {path}: {error.strerror}", hint=hint) from error
    except ValueError as error:
        raise UserMistake(f"--baseline {path}: it is no JSON: {error}", hint=hint) from error
    if not _is_baseline(held):
        raise UserMistake(f"--baseline {path}: it is no baseline of format {_FORMAT}", hint=hint)
    return Baseline(accepted=held["accepted"], files=held["files"])


def _is_baseline(held: Any) -> bool:
    return (
        isinstance(held, dict)
        and held.get("format") == _FORMAT
        and isinstance(held.get("accepted"), dict)
        and isinstance(held.get("files"), dict)
        and all(isinstance(one, list) for one in held["accepted"].values())
        and all(isinstance(one, dict) for one in held["files"].values())
        and all(isinstance(one, str) for each in held["accepted"].values() for one in each)
        and all(isinstance(one, str) for each in held["files"].values() for one in each.values())
    )


def _named(configurations: Sequence[Configuration]) -> list[tuple[str, Section]]:
    """Inputs, outputs and their nodes by names that outlive an edit elsewhere in the file."""
    seen: Counter[str] = Counter()
    found = []
    for configuration in configurations:
        for section in configuration.sections:
            if section.kind in {Kind.INPUT, Kind.OUTPUT}:
                nodes = (one for one in section.sections if one.kind is Kind.NODE)
                within = [(f"{one.called} of {section.called}", one) for one in nodes]
                for name, one in ((section.called, section), *within):
                    seen[name] += 1
                    count = f" #{seen[name]}" if seen[name] > 1 else ""
                    found.append((name + count, one))
    return found


def _section_of(finding: Finding, named: Sequence[tuple[str, Section]]) -> str:
    """The section that the line of a finding is in; its file, if it is in none."""
    before = [
        (section.spot.line, name)
        for name, section in named
        if section.spot.file == finding.spot.file and section.spot.line <= finding.spot.line
    ]
    return max(before)[1] if before else f"file {finding.spot.file}"


def _files(section: Section) -> dict[str, str]:
    return {one.name: _print(one) for name in _TRUSTED if (one := section.find(name)) is not None}


def _print(named: Property) -> str:
    """The path and, where it can be read here, a hash of what is there."""
    seen = look(named)
    if seen is None or seen.state is not State.READ:
        return named.written
    return f"{named.written} sha256:{hashlib.sha256(seen.pem.encode()).hexdigest()}"


def _swapped(baseline: Baseline, named: Sequence[tuple[str, Section]]) -> Iterator[Finding]:
    """Sections that trust by another file than before, by one that is new, or by none any more."""
    for name, section in named:
        before = baseline.files.get(name)
        if before is None:
            continue
        now = _files(section)
        for key in dict.fromkeys((*before, *now)):
            was, is_now = before.get(key), now.get(key)
            guilty = section.find(key)
            if was != is_now:
                yield Finding(
                    rule="another-file",
                    severity=Severity.ERROR,
                    spot=guilty.spot if guilty is not None else section.spot,
                    text=f"`{key}` of {name} is not what it is in the baseline: "
                    f"{_short(was)} before, {_short(is_now)} now.",
                    fix="Name the former file again; if the change is meant, write the baseline "
                    "anew: --write-baseline.",
                )


def _short(held: str | None) -> str:
    if held is None:
        return "not set"
    path, mark, digest = held.partition(" sha256:")
    return f"{path}{mark[:8]}{digest[:12]}"
