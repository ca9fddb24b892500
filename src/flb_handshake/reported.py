"""A public report that a scenario plays: where it is, of which release, and what the log said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_ON_GITHUB: Final = re.compile(
    r"https://github\.com/(?P<repository>[^/]+/[^/]+)/(?:issues|pull)/(?P<number>\d+)"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reported in public, as far as a run can be held to it.

    Raises ValueError for a URL that is no issue and no pull request, and for a line of the log of
    which nothing says on which release it is to be found.
    """

    url: str
    versions: tuple[str, ...] = ()
    """The releases that it names; empty: it names none."""
    line: str | None = None
    """What does not vary in its own line of the log; None: it quotes none that tells anything."""
    now: str | None = None
    """What the release that stands for the reported one says instead, where its words are others:
    mbedTLS had words of its own, and so had OpenSSL 1.1."""
    on: str | None = None
    """The release that stands for the reported one; None: that which is nearest to the first of
    `versions`. For a report that names none, or where the nearest is silent."""

    def __post_init__(self) -> None:
        if not _ON_GITHUB.fullmatch(self.url):
            raise ValueError(f"{self.url} is no issue and no pull request")
        if not (self.versions or self.on):
            raise ValueError(f"{self.url} names no release, and none is to stand for it (`on`)")

    @property
    def id(self) -> str:
        """How people write it: `fluent/fluent-bit#8975`."""
        found = _ON_GITHUB.fullmatch(self.url)
        assert found is not None  # noqa: S101 # seen when it was made
        return f"{found['repository']}#{found['number']}"

    @property
    def shown(self) -> str | None:
        """What must be found in the log of a run on the release that stands for the reported."""
        return self.now or self.line


UNPLAYED: Final[Mapping[str, str]] = {
    "fluent/fluent-bit#4085": "an mbedTLS build refused an extension of a CA certificate that the "
    "report does not show; every release here is built with OpenSSL",
    "fluent/fluent-bit#4735": "the certificate store of Windows, and a token service whose address "
    "cannot be set",
    "fluent/fluent-bit#5556": "the client's key is in an OpenSSL engine, which Fluent Bit has no "
    "property for and which the thread does not name",
    "fluent/fluent-bit#9593": "a fault of 3.2.0 alone, mended in 3.2.1; the nearest release here "
    "is 3.2.10",
    "fluent/fluent-bit#11004": "a wish for the certificate store of Windows: nothing failed",
}
"""Public reports that no scenario plays, each with the reason."""
