"""The certificates in the files that an end names: until when they hold, and what they anchor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from cryptography import x509

from flb_handshake.config.looking import EMPTY, State, emptiness, look
from flb_handshake.config.words import Property
from flb_handshake.lint.end import End
from flb_handshake.lint.finding import Finding, Severity
from flb_handshake.trust import certificates, is_ca

SOON: Final = dt.timedelta(days=30)
"""How long before its end a certificate is told of."""


def of_its_own(end: End, now: dt.datetime) -> Iterator[Finding]:
    """The certificate that it shows, and the intermediates beside it."""
    named = end.find("tls.crt_file")
    if not end.secured or named is None or end.find("tls.key_file") is None:
        return
    held = _held(named)
    bad = [one for one in held if not _valid(one, now)]
    soon = [one for one in held if one.not_valid_after_utc - now < SOON]
    whose = "Clients refuse it" if end.listens else "A collector that asks for it refuses it"
    if bad:
        old = bad[0].not_valid_after_utc < now
        yield Finding(
            rule="expired",
            severity=Severity.ERROR,
            spot=named.spot,
            text=f"A certificate in the file of `tls.crt_file` {_when(bad[0], now)}. {whose}.",
            fix="Have it renewed." if old else "Wait, or check the clock that signed it.",
            scenario="server_role.files[mode=verify_peer-trouble=expired]"
            if end.listens
            else "client_auth.policy[policy=demand-certificate="
            f"{'expired' if old else 'not_yet_valid'}-version=TLSv1.3]",
        )
    elif soon:
        yield _soon(named, soon[0], "server_role.files[mode=verify_peer-trouble=expired]")


def of_authorities(end: End, now: dt.datetime) -> Iterator[Finding]:
    """The authorities in its CA file, of which one that holds is enough."""
    named = end.find("tls.ca_file")
    if not end.secured or not end.verifies or named is None or end.find("tls.ca_path"):
        return
    held = _held(named)
    bad = [one for one in held if not _valid(one, now)]
    soon = [one for one in held if one not in bad and one.not_valid_after_utc - now < SOON]
    lasting = len(held) - len(bad) - len(soon)
    if bad:
        yield Finding(
            rule="expired",
            severity=Severity.NOTE if len(bad) < len(held) else Severity.ERROR,
            spot=named.spot,
            text=f"A certificate in the file of `tls.ca_file` {_when(bad[0], now)}: what it "
            "signed is refused." + (_others(len(bad), len(held)) if len(held) > 1 else ""),
            fix="Put the authority's present certificate into the file.",
            scenario="mode.cell[mode=verify_peer-ca=expired_root-collector=healthy]"
            if bad[0].not_valid_after_utc < now
            else "validity.too_young[mode=verify_peer-at=root]",
        )
    if soon:
        scenario = "mode.cell[mode=verify_peer-ca=expired_root-collector=healthy]"
        severity = Severity.NOTE if lasting else Severity.WARNING
        yield _soon(named, soon[0], scenario, severity)


def no_root(end: End) -> Iterator[Finding]:
    """A CA file in which no chain can end."""
    named = end.find("tls.ca_file")
    if not end.secured or not end.verifies or named is None or end.find("tls.ca_path"):
        return
    held = _held(named)
    if not held or any(one.issuer == one.subject for one in held):
        return
    authority = any(is_ca(one) for one in held)
    kind = "intermediate" if authority else "leaf"
    yield Finding(
        rule="no-root",
        severity=Severity.ERROR,
        spot=named.spot,
        text=f"There is no root in the file of `tls.ca_file`, only {_a(kind, len(held))}: "
        "Fluent Bit takes no such certificate for an anchor, and refuses every peer.",
        fix="Put the root that signed it into the file.",
        scenario=_of_an_input(kind)
        if end.listens
        else f"mode.cell[mode=verify_peer-ca={kind}-collector=healthy]",
    )


def _of_an_input(kind: str) -> str:
    if kind == "leaf":
        return "mode.cell[mode=verify_peer-ca=leaf-collector=healthy]"
    return "server_role.cell[http=1.1-mode=verify_peer-ca=intermediate_only-shipper=right]"


def nothing_in_ca_path(end: End) -> Iterator[Finding]:
    """A directory in which OpenSSL finds nobody to trust."""
    named = end.find("tls.ca_path")
    if not end.secured or not end.verifies or named is None:
        return
    found = look(named)
    if found is None or found.state is State.ELSEWHERE:
        return
    trouble = emptiness(found)
    if trouble is None:
        return
    yield Finding(
        rule="ca-path-empty",
        severity=Severity.ERROR,
        spot=named.spot,
        text=f"The directory of `tls.ca_path` {EMPTY[trouble]}: nobody is trusted, and "
        "every peer is refused.",
        fix="Run `openssl rehash` on the directory, or name a file in `tls.ca_file` instead.",
        scenario=f"files.ca_path[mode=verify_peer-path={trouble}]",
    )


def _held(named: Property) -> list[x509.Certificate]:
    found = look(named)
    return certificates(found.pem) if found is not None else []


def _valid(one: x509.Certificate, now: dt.datetime) -> bool:
    return one.not_valid_before_utc <= now <= one.not_valid_after_utc


def _when(one: x509.Certificate, now: dt.datetime) -> str:
    if one.not_valid_after_utc < now:
        return f"expired on {one.not_valid_after_utc:%Y-%m-%d}"
    return f"is not valid before {one.not_valid_before_utc:%Y-%m-%d}"


def _others(bad: int, all_: int) -> str:
    return f" It is one of {bad} such among the {all_} in the file."


def _a(kind: str, count: int) -> str:
    if kind == "leaf":
        return "a leaf" if count == 1 else "leaves"
    return "an intermediate" if count == 1 else "intermediates"


def _soon(
    named: Property,
    one: x509.Certificate,
    scenario: str,
    severity: Severity = Severity.WARNING,
) -> Finding:
    return Finding(
        rule="expires-soon",
        severity=severity,
        spot=named.spot,
        text=f"A certificate in the file of `{named.name}` expires on "
        f"{one.not_valid_after_utc:%Y-%m-%d}, within 30 days.",
        fix="Have it renewed before that day.",
        scenario=scenario,
    )


RULES = (no_root, nothing_in_ca_path)
"""Each says what is wrong with one end, as one release reads it."""

DATED = (of_its_own, of_authorities)
"""The same, with what day it is."""
