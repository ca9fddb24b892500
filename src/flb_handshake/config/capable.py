"""Which plugins can speak TLS at all, and which end of it they are: 5.1.1, `--dry-run` of each."""

from __future__ import annotations

from enum import Enum
from typing import Final

from flb_handshake.config.words import Kind, Section

_SERVERS: Final = frozenset(
    {
        "elasticsearch",
        "forward",
        "http",
        "mqtt",
        "opentelemetry",
        "prometheus_remote_write",
        "splunk",
        "syslog",
        "tcp",
        "unix_socket",
    }
)
"""Inputs that open a port."""

_DIALLING: Final = frozenset(
    {"calyptia_fleet", "health", "kubernetes_events", "nginx_metrics", "prometheus_scrape"}
)
"""Inputs that make connections."""

_WITHOUT: Final = frozenset(
    {
        "cloudwatch_logs",
        "counter",
        "exit",
        "file",
        "flowcounter",
        "kinesis_firehose",
        "kinesis_streams",
        "nats",
        "null",
        "plot",
        "prometheus_exporter",
        "stdout",
        "udp",
        "vivo_exporter",
    }
)
"""Outputs that refuse `tls on`; those for AWS among them use TLS whatever is said."""


class End(Enum):
    """Which end of a TLS connection a plugin is."""

    SERVER = "server"
    CLIENT = "client"
    NEITHER = "neither"


def end(section: Section) -> End:
    """Which end an input or output is."""
    if section.kind is Kind.INPUT:
        if section.plugin in _SERVERS:
            return End.SERVER
        return End.CLIENT if section.plugin in _DIALLING else End.NEITHER
    if section.kind is Kind.OUTPUT:
        return End.NEITHER if section.plugin in _WITHOUT else End.CLIENT
    return End.NEITHER
