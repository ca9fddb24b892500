"""Reports about proxies: HTTP_PROXY, with and without TLS to the proxy itself."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    CAFile,
    Case,
    ProxySpec,
    Report,
    but_in_3_0_7,
    case,
    delivered,
    named,
    not_started,
    output,
    refused,
    scenario,
)

_OVER_TLS = ProxySpec(chain=HEALTHY.but(named(ips=("127.0.0.1",))))


@scenario
def fluent_bit_11778() -> Case:
    """The authority of the proxy's own certificate is not known: `tls.ca_file` is for the collector
    alone, and the proxy has `tls.proxy.ca_file`.
    """
    return case(
        output(proxy=_OVER_TLS, proxy_ca=CAFile.ROOT).but(proxy_ca=None),
        refused("unknown_ca"),
        report=Report(
            "https://github.com/fluent/fluent-bit/pull/11778",
            ("5.1.0",),
            "[http_client] proxy TLS handshake failed for",
        ),
    )


@scenario
def fluent_bit_8489() -> Case:
    """TLS through an HTTP proxy was asked for. It is there: the proxy is told to connect, and TLS
    runs through it to the collector. What failed is to be seen in pictures alone. (Behind
    a proxy 3.0.7, which checks names, takes Host for the name and no notice of `tls.vhost`.)
    """
    does = but_in_3_0_7(delivered(), refused("bad_certificate"))
    report = Report("https://github.com/fluent/fluent-bit/issues/8489", ("2.2.2",))
    return case(output().but(proxy=ProxySpec()), does, report=report)


_SPLUNK = """\
[SERVICE]
    Flush      0.01
    Grace      0
    Log_Level  debug

[INPUT]
    Name    dummy
    Dummy   {"log":"handshake"}
    Rate    1000
    Samples 1

[OUTPUT]
    Name         splunk
    Match        *
    Host         {host}
    Port         {port}
    Splunk_Token a-token
    tls          on
    tls.vhost    logs.example.test
    tls.ca_file  {ca}
    Workers      0
    Retry_Limit  no_retries
"""


@scenario
def fluent_bit_10156() -> Case:
    """HTTP_PROXY names a proxy that is reached over TLS (`https://`). Before 5.1 no output could be
    set up with one; since then its certificate must be trusted (`tls.proxy.ca_file`).
    """
    return case(
        output(plugin="splunk", config=_SPLUNK).but(proxy=_OVER_TLS),
        refused("unknown_ca").before("5.1", not_started("cannot create Upstream context")),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/10156",
            line="cannot create Upstream context",
            on="4.0.14",
        ),
    )
