"""An upgrade as one configuration meets it: what concerns it, and what reading it finds anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flb_handshake.concerns import Concern
from flb_handshake.lint.checked import Checked
from flb_handshake.lint.finding import Finding
from flb_handshake.lint.upgrade import Upgrade
from flb_handshake.report import check


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """A comparison of two releases, narrowed to a configuration."""

    files: tuple[str, ...]
    """Every file that was read, includes too."""
    releases: tuple[str, str]
    concerns: tuple[Concern, ...]
    upgrade: Upgrade

    @property
    def scenarios(self) -> frozenset[str]:
        """The ids of all that concerns it."""
        return frozenset(one.id for concern in self.concerns for one in concern.scenarios)

    @property
    def tells(self) -> bool:
        """Whether reading it alone tells the releases apart."""
        return bool(self.upgrade.come or self.upgrade.gone)


def page(narrowed: Narrowed) -> str:
    """Each end with how much concerns it; then what is found in one release alone."""
    return "\n\n".join(["\n".join(_ends(narrowed)), *_findings(narrowed)])


def _ends(narrowed: Narrowed) -> Iterator[str]:
    yield f"situations that concern {check.plain(narrowed.files[0])}"
    for one in narrowed.concerns:
        where = f"{one.end.section.spot}: {one.end.what}"
        yield f"{len(one.scenarios):>6}  {check.plain(where)}"
    if not narrowed.concerns:
        yield "     0  it has no input, output or node that can have TLS and could be compared"


def _findings(narrowed: Narrowed) -> Iterator[str]:
    before, after = narrowed.releases
    found = narrowed.upgrade
    if found.come:
        yield f"found in {after} and not in {before}\n\n{_told(narrowed, found.come, after)}"
    if found.gone:
        yield f"found in {before} and no longer in {after}\n\n{_told(narrowed, found.gone, before)}"
    both = f"{before} and in {after}"
    if found.stays:
        summary = check.summary(_checked(narrowed, found.stays, after)).partition(" in ")[0]
        yield f"found in {both}: {summary}; `flb-handshake check` tells each of them"
    elif not narrowed.tells:
        yield f"reading it finds nothing in {both}"


def _told(narrowed: Narrowed, findings: Sequence[Finding], release: str) -> str:
    return check.page(_checked(narrowed, findings, release))


def _checked(narrowed: Narrowed, findings: Sequence[Finding], release: str) -> Checked:
    """What is found in one release alone, as a check would have it."""
    return Checked(files=narrowed.files, releases=(release,), findings=tuple(findings))


def document(narrowed: Narrowed) -> dict[str, Any]:
    """The same for programs; keys are only ever added."""
    before, after = narrowed.releases
    found = narrowed.upgrade
    return {
        "files": list(narrowed.files),
        "releases": list(narrowed.releases),
        "breaks": found.breaks,
        "concerns": [
            {
                "file": one.end.section.spot.file,
                "line": one.end.section.spot.line,
                "kind": one.end.section.kind.value,
                "plugin": one.end.plugin,
                "scenarios": [scenario.id for scenario in one.scenarios],
            }
            for one in narrowed.concerns
        ],
        "found_in_both": check.document(_checked(narrowed, found.stays, after))["findings"],
        "found_only_in_from": check.document(_checked(narrowed, found.gone, before))["findings"],
        "found_only_in_to": check.document(_checked(narrowed, found.come, after))["findings"],
    }
