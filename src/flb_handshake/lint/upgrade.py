"""What reading a configuration finds in one release and not in another."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from flb_handshake.config.words import Configuration
from flb_handshake.lint.finding import Finding, together
from flb_handshake.lint.linting import lint


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """The findings of two releases, each by place."""

    come: tuple[Finding, ...]
    """What is found in the later one alone."""
    gone: tuple[Finding, ...]
    """What is found in the earlier one alone."""
    stays: tuple[Finding, ...]
    """What is found in both, of which an upgrade changes nothing."""

    @property
    def breaks(self) -> bool:
        """Whether anything comes that a check would fail for."""
        return any(one.grave for one in self.come)


def upgrade(configuration: Configuration, before: str, after: str, now: dt.datetime) -> Upgrade:
    """What changes from one release (`5.1.1`) to another; `now` has a time zone."""
    found = together([lint(configuration, one, now) for one in (before, after)])
    return Upgrade(
        come=tuple(one for one in found if before not in one.releases),
        gone=tuple(one for one in found if after not in one.releases),
        stays=tuple(one for one in found if {before, after} <= {*one.releases}),
    )
