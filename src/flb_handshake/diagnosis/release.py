"""Which release wrote a log: from its banner, or between which two it must lie from its wording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from packaging.version import InvalidVersion, Version

_BANNER: Final = re.compile(
    r"Fluent Bit v(\d+\.\d+(?:\.\d+)?)(?![\d.]| \u2013 )|\[fluent bit\] version=(\d+\.\d+\.\d+)"
)
_BEGIN: Final = Version("0")
_END: Final = Version("999")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is known of the release."""

    since: Version = _BEGIN
    before: Version = _END
    how: str = "the log does not tell"
    exact: str = ""
    """Its number, where that is known."""

    @property
    def known(self) -> bool:
        """Whether anything is known of it."""
        return self.since > _BEGIN or self.before < _END

    @property
    def name(self) -> str:
        """As it is told."""
        if self.exact:
            return self.exact
        if not self.known:
            return "unknown"
        if self.since == _BEGIN:
            return f"before {self.before}"
        return f"{self.since} or later" if self.before == _END else f"{self.since} to {self.last}"

    @property
    def last(self) -> str:
        """The last line of releases before `before`."""
        return _LAST_BEFORE.get(str(self.before), f"before {self.before}")

    def lies(self, since: str, before: str) -> bool:
        """Whether it is certain to lie there."""
        return self.known and self.since >= Version(since) and self.before <= Version(before)

    def may_lie(self, since: str, before: str) -> bool:
        """Whether it can lie there."""
        return self.since < Version(before) and self.before > Version(since)


UNKNOWN: Final = Release()

_LAST_BEFORE: Final = {"1.9": "1.8", "3.2": "3.1", "5.0": "4.2", "2.2": "2.1", "3.0.7": "3.0.6"}

_WORDINGS: Final = (
    # mbedTLS was the library to 1.6, optional to 1.9 (git history up to 5.1.1).
    (re.compile(r"^(?:\[io_tls\] \S+\.c:?\s*\d+ |X509 - |SSL - |NET - |\[tls\] \S*mbedtls)"), "0",
     "2.0"),
    (re.compile(r"error:0000000\d:lib\(0\):func\(0\)"), "1.7", "3.0.7"),
    (re.compile(r"unexpected EOF with reason: "), "3.0.7", "3.2"),
    (re.compile(r"verification failed, reason: .*\(X509 code: \d+\)"), "3.2", "5.0"),
    (re.compile(r"\[tls\] error: error:[0-9A-F]{8}:SSL routines::"), "5.0", "999"),
    (re.compile(r"tls handshake failed \(ssl_error="), "5.1", "999"),
    (re.compile(r"\[tls\] error: unexpected EOF"), "1.7", "5.0"),
)  # fmt: skip
"""Seen in recorded evidence of ten releases from 1.9.10 to 5.1.1, and in Fluent Bit's history."""


def named(version: str) -> Release | None:
    """The release of that number; None: it is no number."""
    try:
        number = Version(version)
    except InvalidVersion:
        return None
    after = Version(".".join(map(str, (*number.release[:2], number.micro + 1))))
    short = len(number.release) < 3  # noqa: PLR2004  # 3.1 may be any 3.1.x
    if short:
        after = Version(f"{number.major}.{number.minor + 1}")
    return Release(since=number, before=after, how="it was named", exact=version)


def from_banner(text: str) -> Release | None:
    """The release that a line of the start names."""
    if match := _BANNER.search(text):
        told = named(match[1] or match[2])
        if told is not None:
            return Release(
                since=told.since, before=told.before, how="from the banner", exact=told.exact
            )
    return None


def from_wording(text: str, known: Release) -> Release:
    """What is known after this line; a release whose number is known stays."""
    if known.exact:
        return known
    for pattern, since, before in _WORDINGS:
        if pattern.search(text):
            low, high = max(known.since, Version(since)), min(known.before, Version(before))
            if low < high and (low, high) != (known.since, known.before):
                return Release(since=low, before=high, how="from the wording")
    return known


def after(line: str, known: Release) -> Release:
    """What is known after this line, which may be the banner of another release."""
    return from_banner(line) or from_wording(line, known)
