"""Switches of single outputs that stand beside `tls`, and contradict it: schemes and proxies.

Those of gelf, syslog and nats are in `streams.py`, of opentelemetry in `plugins.py`. `Cloud_ID` of
out_es is no such switch: it names a host and a port, and `tls` is as it was.
"""

from __future__ import annotations

from flb_handshake.declare import (
    Case,
    Outcome,
    Setup,
    carrying,
    case,
    cleartext,
    crashed_midway,
    delivered,
    matrix,
    not_started,
    output,
)

_TLS: dict[str, str | None] = {"unset": None, "off": "off", "on": "on"}
_SCHEMES = {"none": "", "http": "http://", "https": "https://"}

_ADDRESS = "{host}:{port}"


def _addressed(plugin: str, name: str, address: str, tls: str) -> Setup:
    return output(plugin=plugin).but(properties=((name, address), ("tls", _TLS[tls])))


_OFF = cleartext().before("2.0", crashed_midway())
"""Of outputs that are on by default."""


@matrix(endpoint=tuple(_SCHEMES), tls=tuple(_TLS))
def s3(endpoint: str, tls: str) -> Case:
    """The scheme of `Endpoint` alone says whether out_s3 speaks TLS: it does unless that is http.
    `tls on` changes nothing about it.
    """
    setup = _addressed("s3", "Endpoint", _SCHEMES[endpoint] + _ADDRESS, tls)
    if endpoint == "http":
        return case(setup, cleartext(), should=Outcome.DELIVERED)
    return case(setup, carrying("handshake", delivered()))


@matrix(base_uri=tuple(_SCHEMES), tls=tuple(_TLS))
def nrlogs(base_uri: str, tls: str) -> Case:
    """`tls` alone says whether out_nrlogs speaks TLS, which it does unless that is off. The scheme
    of `base_uri` must be there, and counts for nothing: with `tls off`, https is cleartext.
    """
    setup = _addressed("nrlogs", "base_uri", f"{_SCHEMES[base_uri]}{_ADDRESS}/log/v1", tls)
    if base_uri == "none":
        return case(setup, not_started("error parsing base_uri"))
    if tls == "off":
        return case(setup, _OFF, should=Outcome.DELIVERED)
    return case(setup, carrying("handshake", delivered()))


@matrix(webhook=tuple(_SCHEMES), tls=tuple(_TLS))
def slack(webhook: str, tls: str) -> Case:
    """out_slack takes no address but one of https; and speaks cleartext to it with `tls off`."""
    setup = _addressed("slack", "webhook", f"{_SCHEMES[webhook]}{_ADDRESS}/services/nobody-s", tls)
    if webhook == "none":
        return case(setup, not_started("failed to initialize 'slack' plugin"))
    if webhook == "http":
        return case(setup, not_started("invalid protocol 'http', we expected 'https'"))
    if tls == "off":
        return case(setup, _OFF, should=Outcome.DELIVERED)
    return case(setup, carrying("handshake", delivered()))


@matrix(
    plugin=("http", "datadog", "opentelemetry", "prometheus_remote_write"),
    scheme=("http", "https"),
    tls=tuple(_TLS),
)
def proxy(plugin: str, scheme: str, tls: str) -> Case:
    """The property `proxy` makes no tunnel. The whole request goes to the proxy, which reads it,
    and what the TLS properties say is between the agent and the proxy; whoever stands behind it is
    never looked at. The proxy's scheme counts for nothing: without `tls on`, https is cleartext.
    (A tunnel is made with HTTP_PROXY.)
    """
    text = "fluentbit_uptime" if plugin == "prometheus_remote_write" else "handshake"
    setup = _addressed(plugin, "proxy", _SCHEMES[scheme] + _ADDRESS, tls)
    if tls == "on":
        return case(setup, carrying(text, delivered()))
    return case(setup, cleartext(), should=Outcome.DELIVERED)
