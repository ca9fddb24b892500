"""Reports of settings that do not mean what their author meant."""

from __future__ import annotations

from flb_handshake.declare import (
    ROOT,
    Case,
    ClientAuth,
    Report,
    case,
    not_started,
    output,
    scenario,
    stalled,
    with_client_certificate,
)

_TOKEN = (("Splunk_Token", "a-token"),)
_URL = ("Host", "https://logs.example.onion")
"""No resolver asks anybody about such a name (RFC 7686): this stays on the machine."""


@scenario
def fluent_bit_2150() -> Case:
    """A URL as Host: there is no host of that name, and TLS never begins."""
    return case(
        output(plugin="splunk", properties=_TOKEN).but(properties=(*_TOKEN, _URL)),
        stalled(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/2150",
            line="getaddrinfo(host='https://",
            on="1.9.10",
        ),
    )


@scenario
def fluent_bit_9398() -> Case:
    """A URL as Host again, four years later: scheme and path belong into no Host, and what the log
    says of it is no word about TLS.
    """
    return case(
        output(plugin="splunk", properties=_TOKEN).but(properties=(*_TOKEN, _URL)),
        stalled(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/9398",
            line="getaddrinfo(host='https://",
            on="3.2.10",
        ),
    )


@scenario
def fluent_bit_docs_2168() -> Case:
    """The documentation of an output had `tls.cert_file`; the property is `tls.crt_file`. Fluent
    Bit would stop for one that it does not know, but does so sooner: it has a key now and no
    certificate, and blames a password.
    """
    setup = with_client_certificate(
        output(plugin="opentelemetry", client_auth=ClientAuth.DEMAND, client_ca=ROOT)
    )
    misspelt = (("tls.crt_file", None), ("tls.cert_file", "/etc/fluent-bit/cert.pem"))
    report = Report("https://github.com/fluent/fluent-bit-docs/issues/2168", ("4.1",))
    does = not_started("and password don't match")
    return case(setup.but(properties=misspelt), does, report=report)
