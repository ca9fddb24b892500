"""Outputs that speak HTTP: TLS is one piece of code for all of them, its switches are not.

`streams.py` has those that do not speak HTTP, `tokens.py` those that ask for a token first.

Left out, as the source of 5.1.1 has them: `kafka` and `pgsql`, whose TLS is their own library's
(librdkafka, libpq) with settings of its own; `azure_blob` and `calyptia`, which are not built into
the releases measured here; `oracle_log_analytics`, which signs with a key that a file of Oracle's
names; and `prometheus_exporter`, `udp`, `plot` and the like, which speak no TLS.
"""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    OTHER_HOST,
    ROOT,
    CAFile,
    Case,
    Cleartext,
    ClientAuth,
    Does,
    Mode,
    Outcome,
    Setup,
    carrying,
    case,
    cleartext,
    crashed_midway,
    cut,
    delivered,
    matrix,
    named,
    output,
    refused,
    refused_by_peer,
    with_client_certificate,
)

_OUTPUTS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "http": (),
    "es": (),
    "opensearch": (),
    "splunk": (),
    "loki": (),
    "opentelemetry": (),
    "opentelemetry, http2": (("http2", "on"),),
    "opentelemetry, gRPC": (("grpc", "on"),),
    "influxdb": (),
    "datadog": (),
    "kafka-rest": (),
    "logdna": (),
    "nrlogs": (),
    "slack": (),
    "skywalking": (),
    "azure": (),
    "td": (),
    "prometheus_remote_write": (),
    "cloudwatch_logs": (("tls", None),),
    "kinesis_firehose": (("tls", None),),
    "kinesis_streams": (("tls", None),),
    "s3": (),
}
"""Properties, by plugin. Behind a comma stands what else they make of it."""

_HTTP_2 = frozenset({"opentelemetry, http2", "opentelemetry, gRPC"})


def _output(which: str, mode: Mode = Mode.VERIFY_PEER) -> Setup:
    plugin = which.split(",", maxsplit=1)[0]
    alpn = ("h2", "http/1.1") if which in _HTTP_2 else ()
    return output(mode, plugin=plugin, properties=_OUTPUTS[which], alpn=alpn)


_METRIC = "fluentbit_uptime"


def _arrived(which: str) -> Does:
    """The record of `dummy` is in what arrives, or a metric where none but those are sent."""
    does = delivered().showing(alpn="h2") if which in _HTTP_2 else delivered()
    return carrying(_METRIC if which == "prometheus_remote_write" else "handshake", does)


@matrix(plugin=tuple(_OUTPUTS), mode=(Mode.VERIFY_PEER, Mode.VERIFY_HOST))
def healthy(plugin: str, mode: Mode) -> Case:
    """The record arrives, in the plugin's own protocol."""
    return case(_output(plugin, mode), _arrived(plugin))


@matrix(plugin=tuple(_OUTPUTS))
def another_ca(plugin: str) -> Case:
    """The collector is of another authority than CA.File."""
    return case(_output(plugin).but(ca=CAFile.OTHER_ROOT), refused("unknown_ca"))


_OF_AWS = frozenset({"cloudwatch_logs", "kinesis_firehose", "kinesis_streams", "s3"})
"""They make a TLS context of their own, which knows nothing of `tls.verify_hostname`."""


_ON_BY_DEFAULT = frozenset({"azure", "logdna", "nrlogs", "slack", "td"})


@matrix(plugin=tuple(_OUTPUTS))
def another_host(plugin: str) -> Case:
    """The collector's certificate is another host's, and names are to be checked. The outputs for
    AWS pass over `tls.verify_hostname`: whoever has any certificate of the authority is believed.
    """
    setup = _output(plugin, Mode.VERIFY_HOST).but(chain=HEALTHY.but(named(OTHER_HOST)))
    if plugin in _OF_AWS:
        return case(setup, _arrived(plugin), should=Outcome.REFUSED_BY_AGENT)
    return case(setup, refused("bad_certificate"))


@matrix(plugin=tuple(_OUTPUTS), certificate=("shown", "none"))
def client_certificate(plugin: str, certificate: str) -> Case:
    """The collector demands the agent's certificate."""
    whole = with_client_certificate(
        _output(plugin).but(client_auth=ClientAuth.DEMAND, client_ca=ROOT)
    )
    if certificate == "shown":
        return case(
            whole,
            _arrived(plugin).showing(client_subject="CN=fluent-bit,OU=fluent-bit,O=flb-handshake"),
        )
    return case(whole.but(crt=None, key=None), refused_by_peer("certificate_required"))


@matrix(plugin=tuple(_OUTPUTS))
def cleartext_collector(plugin: str) -> Case:
    """The collector's port speaks no TLS."""
    return case(_output(plugin).but(behaviour=Cleartext()), cut())


@matrix(plugin=tuple(_OUTPUTS), tls=("unset", "off"))
def without_tls(plugin: str, tls: str) -> Case:
    """The plugin's own switch, `tls`, is not set, or is off; the rest stands as if it were on.
    The outputs for AWS speak TLS all the same, and some services that are never without speak it
    unless it is off (1.9.10 crashes then).
    """
    setup = _output(plugin)
    own = tuple(one for one in setup.agent.properties if one[0] != "tls")
    setup = setup.but(properties=(*own, ("tls", None if tls == "unset" else "off")))
    if plugin in _OF_AWS or (plugin in _ON_BY_DEFAULT and tls == "unset"):
        return case(setup, _arrived(plugin))
    does = cleartext()
    if plugin in _ON_BY_DEFAULT:
        does = does.before("2.0", crashed_midway())
    return case(setup, does, should=Outcome.DELIVERED)


_ALPN: dict[str, tuple[str, ...]] = {
    "no ALPN": (),
    "http/1.1": ("http/1.1",),
    "h2": ("h2",),
    "h2 and http/1.1": ("h2", "http/1.1"),
}


def _opentelemetry(http2: str, grpc: str) -> tuple[tuple[str, str], ...]:
    given = (("http2", http2), ("grpc", grpc))
    return tuple((name, value) for name, value in given if value != "unset")


@matrix(http2=("unset", "off", "on", "force"), grpc=("unset", "on"), collector=tuple(_ALPN))
def opentelemetry(http2: str, grpc: str, collector: str) -> Case:
    """Over TLS, HTTP/2 must be agreed on by ALPN. `http2 on` and `grpc on` offer it and go on with
    HTTP/1.1 where it is not chosen, gRPC or not: a collector that takes gRPC alone then gets what
    it does not understand. `http2 force` speaks HTTP/2 unheard, and is cut off.
    """
    known = _ALPN[collector]
    setup = output(plugin="opentelemetry", properties=_opentelemetry(http2, grpc), alpn=("h2",))
    setup = setup.but(alpn=known)
    wants = grpc == "on" or http2 in {"on", "force"}
    chosen = next((name for name in known if wants or name != "h2"), None)
    if http2 == "force" and chosen != "h2":
        return case(setup, cut(), should=Outcome.DELIVERED)
    does = carrying("handshake", delivered())
    return case(setup, does.showing(alpn=chosen).before("3.2", does.showing(alpn=None)))


@matrix(http2=("unset", "off", "on", "force"), grpc=("unset", "on"))
def opentelemetry_in_the_clear(http2: str, grpc: str) -> Case:
    """Without TLS nothing is agreed on: the record goes out in what the switches say."""
    setup = output(plugin="opentelemetry", properties=_opentelemetry(http2, grpc), alpn=("h2",))
    setup = setup.but(mode=Mode.OFF, behaviour=Cleartext())
    return case(setup, carrying("handshake", cleartext()), should=Outcome.DELIVERED)
