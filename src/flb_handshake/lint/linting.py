"""Every rule over every section: what is wrong with a configuration, before anything is run."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from flb_handshake.config.words import Configuration, Refusal, Section
from flb_handshake.lint import (
    credentials,
    files,
    identity,
    inputs,
    properties,
    switches,
    trust,
    validity,
    words,
)
from flb_handshake.lint.end import End, ends
from flb_handshake.lint.finding import Finding, Severity, together

_RULES: Final = (
    *switches.RULES,
    *credentials.RULES,
    *words.RULES,
    *trust.RULES,
    *identity.RULES,
    *inputs.RULES,
    *files.RULES,
    *validity.RULES,
    *properties.RULES,
)


def lint(configuration: Configuration, release: str, now: dt.datetime) -> tuple[Finding, ...]:
    """What is wrong with it in that release (`5.1.1`), by place; `now` has a time zone."""
    found = chain(
        (_refused(one) for one in configuration.refusals),
        (one for end in ends(configuration, release) for one in _of(end, now)),
    )
    hidden = secrets(configuration.sections)
    return together([[replace(redacted(one, hidden), releases=(release,)) for one in found]])


def _of(end: End, now: dt.datetime) -> Iterator[Finding]:
    for rule in _RULES:
        yield from rule(end)
    for dated in validity.DATED:
        yield from dated(end, now)


def _refused(one: Refusal) -> Finding:
    return Finding(
        rule="refused-by-fluent-bit",
        severity=Severity.ERROR if one.fatal else Severity.WARNING,
        spot=one.spot,
        text=one.text,
        fix=one.hint,
    )


_SECRET: Final = re.compile(
    r"passw|passphrase|secret|token|api_?key|shared_key|license_key|header|user|credential|auth"
    r"|account_key|sas|connection_string|webhook|workspace|customer"
)
"""Names of properties whose values are nobody's business."""

_LONG_ENOUGH: Final = 5
"""Characters from which on a value is blotted out; shorter ones would blot out words."""


IN_A_URL: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)|(?<=[?&])[^?&#\s]+")
"""User and password, and what stands behind a question mark."""


def is_secret(name: str) -> bool:
    """Whether the value of a property of this name (in small letters) is nobody's business."""
    return _SECRET.search(name) is not None


def secrets(sections: Iterable[Section]) -> frozenset[str]:
    """Values that no report may tell: passwords, tokens, headers, parts of URLs, variables."""
    found: set[str] = set()
    for section in sections:
        for one in section.properties:
            found |= set(IN_A_URL.findall(one.value))
            filled = "${" in one.written and one.name != "name"
            if filled or is_secret(one.name):
                found |= {one.value.strip(), *one.value.split()}
        found |= secrets(section.sections)
    return frozenset(one for one in found if len(one) >= _LONG_ENOUGH)


def redacted(one: Finding, hidden: frozenset[str]) -> Finding:
    """The same without these values: see `secrets`."""
    text, fix = one.text, one.fix
    for secret in sorted(hidden, key=len, reverse=True):
        text, fix = text.replace(secret, "…"), fix.replace(secret, "…")
    return replace(one, text=text, fix=fix)
