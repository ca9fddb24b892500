"""Words that stand where Fluent Bit wants a boolean or a version, and what it takes them for."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import Final

from flb_handshake.config.words import Property
from flb_handshake.lint.end import ALWAYS, UNASKED, End, Truth, version
from flb_handshake.lint.finding import Finding, Severity

MODES: Final = {
    "none",
    "require",
    "required",
    "verify",
    "verify_ca",
    "verify_full",
    "verify_host",
    "verify_hostname",
    "verify_peer",
}
"""Words of the article and of other programs that name a way to use TLS."""

_QUOTABLE: Final = MODES | {
    "0",
    "1",
    "disabled",
    "enable",
    "enabled",
    "maybe",
    "strict",
    "y",
    "yes",
}

_SHORT: Final = re.compile(r"(tls|ssl)?v?_?[0-9.]{1,5}", re.IGNORECASE)


def not_a_boolean(end: End) -> Iterator[Finding]:
    """A switch of TLS that is set to some other word."""
    for name, tells in _SWITCHES.items():
        switch = end.find(name)
        if switch is None or end.says(name) is not Truth.NEITHER:
            continue
        told = tells(end)
        if told is None:
            continue
        severity, does, scenario = told
        yield Finding(
            rule="not-a-boolean",
            severity=severity,
            spot=switch.spot,
            text=f"`{name}` is {_named(switch)}, which is no boolean{_yet(switch)}: {does}",
            fix=f"Write `{name} on` or `{name} off`." + _instead(switch),
            scenario=scenario,
        )


def _named(switch: Property) -> str:
    """The word, where it can be no secret."""
    small = switch.written.strip().lower()
    return f"`{small}`" if small in _QUOTABLE else "a word"


def _yet(switch: Property) -> str:
    return " before 2.1.8" if switch.value.strip().lower() == "yes" else ""


def _instead(switch: Property) -> str:
    """What a Mode would be in Fluent Bit's words."""
    if switch.value.strip().lower() not in MODES:
        return ""
    return (
        " A Mode is three switches: `tls on`, `tls.verify` for the authority, and "
        "`tls.verify_hostname` for the name."
    )


_Told = tuple[Severity, str, str] | None
"""How grave it is, what Fluent Bit does, and the scenario; None: nothing to tell."""


def _tls(end: End) -> _Told:
    if end.plugin in ALWAYS and not end.is_node:
        return None
    if end.listens:
        return Severity.ERROR, "TLS is off, and records are taken in cleartext.", _TLS
    if end.plugin in UNASKED and not end.is_node:
        return Severity.ERROR, "TLS is off, although it would be on by itself.", _TLS
    if end.secured:
        return None
    return Severity.ERROR, "TLS is off, and the records are sent in cleartext.", _TLS


_TLS: Final = "syntax.tls[word=verify_peer]"


def _verify(end: End) -> _Told:
    if not end.secured:
        return None
    if not end.verifies:
        # an output's is told as `verify-off`
        does = "before 2.1.8 certificates are not verified."
        return (Severity.ERROR, does, _VERIFY) if end.listens else None
    does = "certificates are verified all the same, but names are not, whatever is set."
    return Severity.WARNING, does, _VERIFY


_VERIFY: Final = "syntax.verify[word=maybe]"


def _verify_hostname(end: End) -> _Told:
    if not end.secured or not end.can_check_names:
        return None
    return (
        Severity.ERROR,
        "names are not checked.",
        "syntax.verify_hostname[words=on+strict]",
    )


def _verify_client_cert(end: End) -> _Told:
    if not end.listens or not end.since("5.0"):
        return None
    return Severity.ERROR, "Fluent Bit does not start (5.1.1).", _VERIFY


_SWITCHES: Final = {
    "tls": _tls,
    "tls.verify": _verify,
    "tls.verify_hostname": _verify_hostname,
    "tls.verify_client_cert": _verify_client_cert,
}


def unparsable_version(end: End) -> Iterator[Finding]:
    """A bound of the protocol version that cannot be parsed."""
    for name in ("tls.min_version", "tls.max_version"):
        bound = end.find(name)
        if bound is None or not end.secured or not end.since("4.0") or end.is_node:
            continue
        if bound.is_open or version(bound.value):
            continue
        quoted = bound.written.strip()
        crashes = not end.since("5.0")
        yield Finding(
            rule="unparsable-version",
            severity=Severity.ERROR,
            spot=bound.spot,
            text=(f"`{quoted}`" if _SHORT.fullmatch(quoted) else f"The value of `{name}`")
            + " is no version that Fluent Bit can parse: "
            + ("it crashes." if crashes else "there is no bound, and nobody says so."),
            fix="Write TLSv1.2 or TLSv1.3.",
            scenario="syntax.unparsable_minimum[value=1.3]"
            if name == "tls.min_version"
            else "syntax.version_bound[bound=max_1.2]",
        )


_SAFE: Final = {"TLSv1.2", "TLSv1.3"}
"""What the OpenSSL of every release shakes hands in."""


def no_version_left(end: End) -> Iterator[Finding]:
    """Bounds that leave no version in which a handshake could succeed."""
    low, high = end.find("tls.min_version"), end.find("tls.max_version")
    if high is None or not end.secured or not end.since("4.0") or _SAFE & set(end.versions):
        return
    lowest, highest = version(low.value) if low else None, version(high.value) or ""
    yield Finding(
        rule="no-version-left",
        severity=Severity.ERROR,
        spot=high.spot,
        text="`tls.max_version` leaves no version that is spoken, "
        + ("as it lies below `tls.min_version`" if low and not end.versions else "TLS 1.2 or 1.3")
        + ": every handshake fails.",
        fix="Write TLSv1.2 or TLSv1.3, or leave it out.",
        scenario=f"protocol.bounds[minimum={lowest or 'TLSv1'}-maximum={highest}-collector=TLSv1.2]"
        if {lowest or "TLSv1", highest} <= _PLAYED and not end.listens
        else None,
    )


_PLAYED: Final = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}


def no_cipher_known(end: End) -> Iterator[Finding]:
    """A list of ciphers in which OpenSSL, that of this machine at least, knows none."""
    listed = end.find("tls.ciphers")
    if listed is None or listed.is_open or not end.secured or end.is_node or not end.since("4.0"):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(listed.value)
    except ssl.SSLError:
        yield Finding(
            rule="no-cipher-known",
            severity=Severity.ERROR,
            spot=listed.spot,
            text="OpenSSL knows no cipher of TLS 1.2 in this list: "
            + ("Fluent Bit does not start." if end.since("5.0") else "it sends nothing."),
            fix="Write names as `openssl ciphers` has them, or leave it out; the ciphers of TLS "
            "1.3 cannot be chosen.",
            scenario="syntax.ciphers[ciphers=FOO]",
        )


RULES = (not_a_boolean, unparsable_version, no_version_left, no_cipher_known)
"""Each says what is wrong with one end, as one release reads it."""
