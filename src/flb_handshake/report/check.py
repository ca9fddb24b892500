"""What a check found: a page for people, and one JSON object."""

from __future__ import annotations

from typing import Any

from flb_handshake.lint.checked import Checked
from flb_handshake.lint.finding import Finding, Severity
from flb_handshake.lint.rules import RULES


def page(checked: Checked) -> str:
    """Each finding with its line, its reason, its fix and its proof; how many at the end."""
    told = [_finding(one, checked) for one in checked.findings]
    return "\n\n".join([*told, summary(checked)])


def summary(checked: Checked) -> str:
    """One line: what was read, for which releases, and how much was found."""
    files = _counted(len(checked.files), "file")
    where = f"{files} for Fluent Bit {', '.join(checked.releases)}"
    if not checked.findings:
        return f"nothing found in {where}"
    counts = ", ".join(_counted(checked.count(one), one.value) for one in Severity)
    return f"{counts} in {where}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _finding(one: Finding, checked: Checked) -> str:
    only = "" if checked.everywhere(one) else f" (in {', '.join(one.releases)})"
    rows = [
        f"{one.spot}: {one.severity}: {plain(one.text)}{only}",
        f"    fix    {plain(one.fix)}",
        f"    rule   {one.rule}",
    ]
    if one.scenario is not None:
        rows.append(f"    proof  flb-handshake show '{one.scenario}'")
    return "\n".join(rows)


def document(checked: Checked) -> dict[str, Any]:
    """The same for programs; keys are only ever added."""
    return {
        "files": list(checked.files),
        "releases": list(checked.releases),
        "fails": checked.fails,
        "findings": [
            {
                "rule": one.rule,
                "title": RULES[one.rule].title,
                "severity": one.severity.value,
                "file": one.spot.file,
                "line": one.spot.line,
                "text": one.text,
                "fix": one.fix,
                "scenario": one.scenario,
                "releases": list(one.releases),
            }
            for one in checked.findings
        ],
    }


def sentence(one: Finding, checked: Checked) -> str:
    """Reason, fix and proof in one line, for forms that have room for no more."""
    only = "" if checked.everywhere(one) else f"In {', '.join(one.releases)}: "
    proof = "" if one.scenario is None else f" Proof: flb-handshake show '{one.scenario}'."
    return plain(f"{only}{one.text} {one.fix}{proof}")


def plain(text: str) -> str:
    """The text in one line, without characters that would steer a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
