"""Whom a section dials, and the properties that lead it to our peer instead."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from flb_handshake.config.words import Kind, Property, Section
from flb_handshake.dials import DIALS, HOST_AND_PORT, USUAL

LOOPBACK: Final = "127.0.0.1"

NOTHING: Final[Mapping[str, str | None]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """Whom an output means to reach, and how it is led to us."""

    host: str
    """The name or address that SNI and the name check see, unless `tls.vhost` says another; empty:
    it cannot be read."""
    leading: Mapping[str, str | None] = field(default_factory=lambda: NOTHING)
    """Properties in place of its own of these names; `{host}` and `{port}` are filled in later, and
    None leaves out what DIALS would say."""
    tokens: bool = False
    """Whether it may ask somebody else for a token before it sends anything."""


def dialled(section: Section) -> Dialled:
    """Whom this output dials, as the source of 5.1.1 reads its properties."""
    whom = _dialled(section)
    if section.plugin == "azure_logs_ingestion":
        return _asking(whom, "auth_url")
    return whom if section.find(_GIVER) is None else _asking(whom, _GIVER)


_GIVER: Final = "oauth2.token_url"


def _asking(whom: Dialled, named_by: str) -> Dialled:
    """The same, led to a server of tokens of ours by this property.

    In cleartext: that connection knows nothing of the output's `tls`, and is not what is tried.
    """
    leading = {**whom.leading, named_by: "http://{tokens}/token"}
    return replace(whom, leading=leading, tokens=True)


def _dialled(section: Section) -> Dialled:
    plugin = section.plugin
    if proxy := _proxy(section):
        return proxy
    if plugin == "es" and (cloud := _said(section, "cloud_id")) is not None:
        return Dialled(host=_of_cloud(cloud.value), leading={"cloud_id": None})
    if plugin == "azure":
        return _azure(section)
    words = DIALS.get(plugin, HOST_AND_PORT)
    told = next((name for name, word in words.items() if "{host}" in word), "Host")
    given = _said(section, told.lower())
    if given is None:
        return Dialled(host=usual(section), leading=_alike(section))
    if told == "Host":
        return Dialled(host=given.value, leading=_alike(section))
    led, host = led_here(given.value, port="{port}" in words[told])
    return Dialled(host=host, leading={told: led, **_alike(section)})


def hosts(section: Section) -> frozenset[str]:
    """All that this output dials: its nodes, where an upstream file has some."""
    nodes = [one for one in section.sections if one.kind is Kind.NODE]
    named = [one.value("host") or LOOPBACK for one in nodes]
    return frozenset(named or [dialled(section).host])


def usual(section: Section) -> str:
    """Whom it dials when nothing says whom."""
    host = USUAL.get(section.plugin, LOOPBACK)
    region = (section.value("region") or "us-east-1").lower()
    if section.plugin == "td":
        return host.replace(".com", ".co.jp") if region == "jp" else host
    return host.format(region=region) + (".cn" if region.startswith("cn-") else "")


_PROXIED: Final = frozenset({"datadog", "http", "opentelemetry", "prometheus_remote_write"})
"""Outputs that have the property `proxy`, and send whole requests to it."""


def _proxy(section: Section) -> Dialled | None:
    """The proxy, which is the end of TLS where there is one: nobody behind it is looked at."""
    given = _said(section, "proxy")
    if given is None or section.plugin not in _PROXIED:
        return None
    led, host = led_here(given.value, port=True)
    behind = {
        name: found.value
        for name in HOST_AND_PORT
        if (found := _said(section, name.lower())) is not None
    }
    return Dialled(host=host, leading={"proxy": led, **behind})


def _azure(section: Section) -> Dialled:
    """It puts customer_id before the host that it dials, unless it is in it."""
    customer, host = _said(section, "customer_id"), _said(section, "host")
    workspace = customer.value if customer else "workspace"
    if host is None:
        whole = workspace + USUAL["azure"]
    elif customer is None or workspace in host.value:
        whole = host.value
    else:
        whole = f"{workspace}.{host.value.removeprefix('.')}"
    return Dialled(host=whole, leading={"customer_id": "{host}"})


_CLOUD: Final = re.compile(r"([^$:]*)(?::\d*)?\$([^$:]+)")


def _of_cloud(value: str) -> str:
    """The host in a Cloud_ID: `name:` and, in base64, `domain$host`, each with a port or none.

    Empty: there is none to be read.
    """
    try:
        text = base64.b64decode(value.partition(":")[2]).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    found = _CLOUD.match(text)
    return f"{found[2]}.{found[1]}" if found else ""


_ALIKE: Final = {"cloudwatch_logs": {"log_stream_prefix": "log_stream_name"}}
"""What stands in the way of a property of DIALS that has the same use."""


def _alike(section: Section) -> dict[str, str | None]:
    alike = _ALIKE.get(section.plugin, {})
    return {other: None for one, other in alike.items() if section.find(one) is not None}


_ADDRESS: Final = re.compile(
    r"(?P<scheme>\w+://)?(?P<user>[^/@]*@)?(?P<host>\[[^]/]*\]|[^/:?]*)(?P<port>:\d*)?(?P<rest>.*)",
    re.DOTALL,
)


def led_here(url: str, *, port: bool) -> tuple[str, str]:
    """The URL with our address in it, and the host that stood there.

    `port`: it names our port too, which otherwise another property does.
    """
    found = _ADDRESS.fullmatch(url.strip())
    assert found is not None  # noqa: S101 # every part of it can be empty
    ours = "{host}:{port}" if port else "{host}"
    led = f"{found['scheme'] or ''}{found['user'] or ''}{ours}{found['rest']}"
    return led, found["host"].strip("[]") or LOOPBACK


def _said(section: Section, name: str) -> Property | None:
    """The property, if it says anything: a variable that nobody sets here says nothing."""
    found = section.find(name)
    return found if found is not None and found.value.strip() else None
