"""What an input cannot do without for TLS: a port, a certificate and a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flb_handshake.lint.end import End
from flb_handshake.lint.finding import Finding, Severity

PORTLESS: Final = frozenset(
    {
        "cpu",
        "disk",
        "dummy",
        "event_type",
        "exec",
        "fluentbit_logs",
        "fluentbit_metrics",
        "head",
        "kmsg",
        "mem",
        "netif",
        "proc",
        "prometheus_textfile",
        "random",
        "serial",
        "statsd",
        "stdin",
        "systemd",
        "tail",
        "thermal",
        "udp",
    }
)
"""Inputs that say `does not support TLS` (4.0.14 and 5.1.1, `systemd` by what it reads)."""

DIALLING: Final = frozenset(
    {"docker_events", "health", "kubernetes_events", "nginx_metrics", "prometheus_scrape"}
)
"""Inputs that take `tls`, and open connections rather than accept them."""


def tls_without_port(end: End) -> Iterator[Finding]:
    """TLS on an input that nobody connects to."""
    switch = end.find("tls")
    if not end.listens or end.plugin not in PORTLESS or not end.since("2.0"):
        return
    if switch is not None and end.secured:
        stops = end.since("4.0")
        yield Finding(
            rule="tls-without-port",
            severity=Severity.ERROR if stops else Severity.WARNING,
            spot=switch.spot,
            text=f"`{end.plugin}` opens no port that TLS could secure: "
            + ("Fluent Bit does not start." if stops else "`tls` does nothing."),
            fix="Leave out `tls` and all that begins with `tls.` here; TLS belongs to the output "
            "that sends these records on.",
            scenario="syntax.tls_on_tail[word=on]",
        )


def tls_beside_datagrams(end: End) -> Iterator[Finding]:
    """TLS on an input that takes datagrams (3.0.7, 4.2.8 and 5.1.1 take them in cleartext)."""
    mode = end.find("mode")
    if not end.listens or end.plugin != "syslog" or mode is None or end.mode != "udp":
        return
    if end.secured and end.since("2.0"):
        yield Finding(
            rule="tls-beside-datagrams",
            severity=Severity.ERROR,
            spot=mode.spot,
            text="`mode` is udp: datagrams are taken in cleartext, whatever `tls` is.",
            fix="Write `mode tcp`, beside `tls on`.",
        )


def nothing_to_show(end: End) -> Iterator[Finding]:
    """An input that has to show a certificate and has none, or not its key."""
    switch = end.find("tls")
    if switch is None or not end.listens or not end.secured or end.plugin in PORTLESS | DIALLING:
        return
    crt, key = end.find("tls.crt_file"), end.find("tls.key_file")
    if (crt and key) or not end.since("2.0"):
        return
    certificate_only = crt is not None
    yield Finding(
        rule="certificate-without-key" if certificate_only else "key-without-certificate",
        severity=Severity.ERROR,
        spot=(crt or key or switch).spot,
        text="An input with TLS must show a certificate, and "
        + (
            "its key is not"
            if certificate_only
            else "none is"
            if key
            else "neither it nor its key is"
        )
        + " named: Fluent Bit does not start.",
        fix="Name the certificate in `tls.crt_file` and its key in `tls.key_file`.",
        scenario="server_role.files[mode=verify_peer-trouble="
        + ("no_key]" if certificate_only else "no_certificate]" if key else "neither]"),
    )


RULES = (tls_without_port, tls_beside_datagrams, nothing_to_show)
"""Each says what is wrong with one end, as one release reads it."""
