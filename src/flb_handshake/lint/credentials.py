"""Passwords and tokens that an output sends for everybody on the way to read."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from flb_handshake.config.dialling import dialled
from flb_handshake.config.words import Property
from flb_handshake.hosts import is_address
from flb_handshake.lint.end import ASKED, End, Truth, node_ends
from flb_handshake.lint.finding import Finding, Severity

SENT: Final = frozenset(
    {
        "apikey",
        "auth_token",
        "bearer_token",
        "cloud_auth",
        "http_passwd",
        "http_token",
        "splunk_token",
    }
)
"""Properties that are sent as they stand (5.1.1); forward hashes its password and `shared_key`."""

_HEADER: Final = re.compile(r"(authorization|\S*(key|secret|token))\s", re.IGNORECASE)
"""A header whose name says that it is a credential."""


def credentials_in_cleartext(end: End) -> Iterator[Finding]:
    """An output without TLS, to another machine, that has something to keep to itself."""
    if end.listens or end.plugin not in ASKED or end.secured is not False:
        return
    if end.says("tls") is Truth.NEITHER or not _is_far(end) or any(node_ends(end)):
        return
    sent = next((one for one in end.section.properties if _is_credential(one)), None)
    if sent is None:
        return
    switch = "off" if end.find("tls") else "unset"
    plugin = end.plugin.replace("-", "_")
    yield Finding(
        rule="credentials-in-cleartext",
        severity=Severity.ERROR,
        spot=sent.spot,
        text=f"`{sent.name}` is sent without TLS: whoever is on the way can read it, and use it.",
        fix="Write `tls on`, and let the collector speak TLS; then change what was sent.",
        scenario=f"plugins.without_tls[plugin={plugin}-tls={switch}]"
        if sent.name != "header"
        else f"plugins.without_tls[plugin=http-tls={switch}]",
    )


def _is_credential(one: Property) -> bool:
    if one.name == "header":
        return _HEADER.match(one.value) is not None
    return one.name in SENT and (one.value != "" or one.is_open)


_LEADS: Final = ("host", "proxy", "cloud_id")
"""What says whom such an output dials."""


def _is_far(end: End) -> bool:
    """Whether it dials another machine, as far as can be seen from here."""
    if any(found.is_open for name in _LEADS if (found := end.find(name)) is not None):
        return False
    name = dialled(end.section).host.strip().strip("[]").lower()
    if is_address(name):
        return not ipaddress.ip_address(name).is_loopback
    return name not in {"", "localhost"}


RULES = (credentials_in_cleartext,)
"""Each says what is wrong with one end, as one release reads it."""
