"""What a check comes to: of which files, for which releases, and everything that was found."""

from __future__ import annotations

from dataclasses import dataclass

from flb_handshake.lint.finding import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The findings of reading and of playing alike, by place."""

    files: tuple[str, ...]
    """Every file that was read, includes too."""
    releases: tuple[str, ...]
    """The releases that were asked about, in that order."""
    findings: tuple[Finding, ...]

    @property
    def fails(self) -> bool:
        """Whether anything was found that is more than a note."""
        return any(one.grave for one in self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings are that grave."""
        return sum(one.severity is severity for one in self.findings)

    def everywhere(self, one: Finding) -> bool:
        """Whether a finding holds for every release that was asked about."""
        return one.releases == self.releases
