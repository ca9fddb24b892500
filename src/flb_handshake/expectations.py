"""What is expected of a run. What looks at evidence does not look in here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from flb_handshake.outcomes import Outcome


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


SHOWN: Final = frozenset(
    {
        "version",
        "cipher",
        "group",
        "alpn",
        "sni",
        "offered",
        "offered_alpn",
        "resumption",
        "hello_records",
        "client_subject",
        "server_subject",
        "connections",
        "acceptable",
        "resumed",
        "answer",
    }
)
"""What of an observation an expectation can name, beyond outcome and alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Does:
    """What is expected of a run: the outcome, who refused, with which alert, and more."""

    outcome: Outcome
    alert: str | None = None
    """IANA's name of the alert that ended it; None: no alert at all."""
    says: str | None = None
    """A line of the agent's log holds this."""
    lines: tuple[str, ...] = ()
    """The lines of a log file that arrive, each as `log` of a record, and no others."""
    carries: str | None = None
    """A record that arrives holds this text, whatever its protocol has made of it."""
    crashes: bool = False
    """The agent does not end by itself: a signal ends it."""
    shows: tuple[tuple[str, object], ...] = ()
    """Further things that are observed (names in SHOWN)."""
    earlier: tuple[tuple[str, Does], ...] = ()
    """What releases below a given one do instead, the lowest first."""

    def before(self, release: str, does: Does) -> Does:
        """The same, but releases below this one (`5.1`) do that."""
        earlier = sorted((*self.earlier, (release, does)), key=lambda one: _numbers(one[0]))
        return replace(self, earlier=tuple(earlier))

    @property
    def variants(self) -> tuple[Does, ...]:
        """What one release or another is expected to do."""
        return (self, *(earlier for _, earlier in self.earlier))

    def on(self, version: str) -> Does:
        """What this very release is expected to do."""
        asked = _numbers(version)
        found = (does for release, does in self.earlier if asked < _numbers(release))
        return next(found, self)

    def showing(self, **shown: object) -> Does:
        """The same, and these are observed as well."""
        return replace(self, shows=(*self.shows, *shown.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What this Fluent Bit does, and what a careful operator would want (None: the same)."""

    does: Does
    should: Outcome | None = None
