"""Reports about what TLS negotiates, and what the library knows: versions, protocols, ciphers."""

from __future__ import annotations

from flb_handshake.declare import (
    ROOT,
    Case,
    ClientAuth,
    File,
    FileForm,
    Report,
    case,
    delivered,
    not_started,
    output,
    scenario,
    with_client_certificate,
)


@scenario
def fluent_bit_11817() -> Case:
    """A server of TLS 1.2 alone and `tls.min_version TLSv1.2`, which was reported not to work. It
    works here, with a client certificate; what was in the way there is not in the report.
    """
    setup = output(
        plugin="opentelemetry",
        max_version="TLSv1.2",
        client_auth=ClientAuth.DEMAND,
        client_ca=ROOT,
    )
    setup = with_client_certificate(setup).but(properties=(("tls.min_version", "TLSv1.2"),))
    report = Report(
        "https://github.com/fluent/fluent-bit/issues/11817", ("4.1.1", "4.2.2", "4.2.4", "5.0.5")
    )
    return case(setup, delivered().showing(version="TLSv1.2"), report=report)


@scenario
def fluent_bit_9613() -> Case:
    """3.2.0 spoke HTTP/2 whatever the server chose, and got no answer from one that knows HTTP/1.1
    alone. What came after it does as the server chooses (ALPN).
    """
    setup = output(plugin="opentelemetry", alpn=("http/1.1",)).but(properties=(("http2", "on"),))
    report = Report("https://github.com/fluent/fluent-bit/issues/9613", ("3.2.0",))
    return case(setup, delivered(), report=report)


_NO_PROVIDER = """\
openssl_conf = init

[init]
providers = providers

[providers]
null = chosen

[chosen]
activate = 1
"""

_TLS = """\
[SERVICE]
    Flush      0.01
    Grace      0
    Log_Level  debug

[INPUT]
    Name    dummy
    Dummy   {"message":"handshake"}
    Rate    1000
    Samples 1

[OUTPUT]
    Name        es
    Match       *
    Host        {host}
    Port        {port}
    tls         on
    tls.vhost   logs.example.test
    tls.ca_file {ca}
    Workers     0
    Retry_Limit no_retries
"""


@scenario
def fluent_bit_9663() -> Case:
    """OpenSSL was set up (OPENSSL_CONF) for a provider of algorithms that was not there, that of
    FIPS: with none at all no TLS context can be made. Any output says so; it was Kafka's.
    """
    providers = File(form=FileForm.TEXT, text=_NO_PROVIDER, stem="openssl-conf")
    setup = output(plugin="es", config=_TLS, crt=providers).but(
        environment=(("OPENSSL_CONF", "{crt}"),)
    )
    says = "[openssl] could not create context"
    return case(
        setup,
        not_started(says),
        report=Report("https://github.com/fluent/fluent-bit/issues/9663", ("3.2.0",), says),
    )
