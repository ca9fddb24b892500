"""How much an operator puts up with: what Fluent Bit does by default, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from flb_handshake.lint.finding import Finding, Severity


class Policy(StrEnum):
    """What a check fails for."""

    DEFAULT = "default"
    """Whatever is worse than Fluent Bit's documented defaults."""
    STRICT = "strict"
    """Also names that are not checked, and clients that need no certificate."""


_BY_DEFAULT: Final = frozenset({"hostname-unchecked", "anonymous-clients"})
"""What Fluent Bit lets through unless it is told otherwise: `tls.verify_hostname` and
`tls.verify_client_cert` are off (1.9 to 5.1; 3.0.7 alone checks names)."""


def tempered(findings: Iterable[Finding], policy: Policy) -> tuple[Finding, ...]:
    """The same, as grave as this policy takes them."""
    mild = _BY_DEFAULT if policy is Policy.DEFAULT else frozenset()
    return tuple(
        replace(one, severity=Severity.NOTE) if one.rule in mild and one.grave else one
        for one in findings
    )
