"""Resources of the Fluent Operator as sections: camelCase as Fluent Bit's own names.

Facts: fluent-operator 3, apis/fluentbit/v1alpha2/plugins. Its `tls:` block turns TLS on by being
there, and has no word for the check of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flb_handshake.config import nodes
from flb_handshake.config.nodes import Mapping, Node, Scalar
from flb_handshake.config.words import KEPT_ELSEWHERE, Kind, Property, Section, Spot

KINDS: Final = {
    "ClusterInput": Kind.INPUT,
    "Input": Kind.INPUT,
    "ClusterFilter": Kind.FILTER,
    "Filter": Kind.FILTER,
    "ClusterOutput": Kind.OUTPUT,
    "Output": Kind.OUTPUT,
}

_PLUGINS: Final = {
    "azureLogAnalytics": "azure",
    "cloudWatch": "cloudwatch_logs",
    "fluentBitMetrics": "fluentbit_metrics",
    "firehose": "kinesis_firehose",
    "influxDB": "influxdb",
    "kinesis": "kinesis_streams",
    "openTelemetry": "opentelemetry",
    "dataDog": "datadog",
    "prometheusScrapeMetrics": "prometheus_scrape",
}
"""Plugins that are called otherwise than their camelCase says."""

_TLS: Final = {
    "verify": "tls.verify",
    "debug": "tls.debug",
    "caFile": "tls.ca_file",
    "caPath": "tls.ca_path",
    "crtFile": "tls.crt_file",
    "keyFile": "tls.key_file",
    "keyPassword": "tls.key_passwd",
    "vhost": "tls.vhost",
}

_SHARED: Final = {
    "alias": "Alias",
    "logLevel": "Log_Level",
    "match": "Match",
    "matchRegex": "Match_Regex",
    "processors": "",
    "retry_limit": "Retry_Limit",
    "customPlugin": "",
    "filters": "",
    "ordinal": "",
}
"""Words of a spec that are no plugin, and what they are to Fluent Bit; empty: nothing of ours."""

_PASSWORDS: Final = {"httpPassword": "http_Passwd", "httpUser": "http_User"}
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def section(spec: Mapping, kind: Kind, title: str, file: str) -> Section | None:
    """What a resource's spec says; None: it names no plugin of which we know."""
    shared: list[Property] = []
    found: Section | None = None
    for key, line, value in spec.entries():
        spot = Spot(file, line)
        name = _SHARED.get(key)
        if name and isinstance(value, Scalar):
            shared.append(_property(name, value.text, spot))
        elif name is None and isinstance(value, Mapping):
            plugin = _PLUGINS.get(key, _snake(key))
            inner = [_property("Name", plugin, spot), *_properties(value, file)]
            found = Section(kind=kind, title=title, properties=tuple(inner), spot=spot)
    if found is None:
        return None
    properties = (*found.properties, *shared)
    return Section(kind=kind, title=title, properties=properties, spot=found.spot)


def _properties(plugin: Mapping, file: str) -> Iterator[Property]:
    for key, line, value in plugin.entries():
        spot = Spot(file, line)
        if isinstance(value, Mapping) and key in _BLOCKS:
            yield from _BLOCKS[key](value, spot)
        elif isinstance(value, nodes.Sequence):
            for item in value.items:
                yield _property(_snake(key), _said(item), Spot(file, item.line))
        else:
            yield _property(_PASSWORDS.get(key, _snake(key)), _said(value), spot)


def _tls(block: Mapping, spot: Spot) -> Iterator[Property]:
    yield _property("tls", "On", spot)
    for key, line, value in block.entries():
        # What the operator does not know it drops: no word of Fluent Bit's is made of it.
        yield _property(_TLS.get(key, f"tls.{key}"), _said(value), Spot(spot.file, line))


def _networking(block: Mapping, spot: Spot) -> Iterator[Property]:
    for key, line, value in block.entries():
        yield _property(f"net.{_snake(key)}", _said(value), Spot(spot.file, line))


def _headers(block: Mapping, spot: Spot) -> Iterator[Property]:
    for key, line, value in block.entries():
        yield _property("Header", f"{key} {_said(value)}", Spot(spot.file, line))


_BLOCKS: Final = {"tls": _tls, "networking": _networking, "headers": _headers}


def _said(value: Node) -> str:
    """A text; of a secret, which stands elsewhere, where it stands."""
    if isinstance(value, Scalar):
        return value.text
    if isinstance(value, Mapping):
        names = ("valueFrom", "secretKeyRef")
        key, name = value.text(*names, "key"), value.text(*names, "name")
        if key:
            return f"{KEPT_ELSEWHERE}{key} of {name})"
    return ""


def _snake(key: str) -> str:
    return _HUMP.sub("_", key).lower()


def _property(key: str, text: str, spot: Spot) -> Property:
    return Property(key=key, value=text, written=text, spot=spot)
