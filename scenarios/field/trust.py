"""Reports about trust: authorities that are not known, not there, not sent or not taken."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    LEAF,
    ROOT,
    SELF_SIGNED,
    At,
    CAFile,
    Case,
    ClientAuth,
    File,
    Mode,
    Outcome,
    Report,
    Tamper,
    case,
    chain,
    delivered,
    expired,
    named,
    output,
    refused,
    scenario,
    tampered,
    with_client_certificate,
)

_UNKNOWN = refused("unknown_ca")
_EOF = "[tls] error: unexpected EOF"
_VERIFY_FAILED = "[tls] error: unexpected EOF with reason: certificate verify failed"


@scenario
def fluent_bit_1536() -> Case:
    """Mutual TLS with Fluentd: the authority of its certificate was not in CA.File. The report does
    not say which of chain, authority and name it was; this is the most common of the three.
    """
    setup = output(plugin="forward", client_auth=ClientAuth.DEMAND, client_ca=ROOT)
    return case(
        with_client_certificate(setup).but(ca=CAFile.OTHER_ROOT),
        _UNKNOWN,
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/1536",
            ("1.2.0",),
            "X509 - Certificate verification failed, e.g. CRL, CA or signature check",
            now=_EOF,
        ),
    )


@scenario
def fluent_bit_4562() -> Case:
    """An example was asked for: Elasticsearch with a self-signed certificate, which is also what
    CA.File holds. It works; the certificate need not call itself an authority.
    """
    setup = output(plugin="es", chain=chain(SELF_SIGNED), ca=CAFile.SELF_SIGNED_LEAF)
    report = Report("https://github.com/fluent/fluent-bit/issues/4562", on="1.9.10")
    return case(setup, delivered(), report=report)


@scenario
def docker_alpine_77() -> Case:
    """An image moved to another Fluent Bit, and Loki's certificate was no longer believed. The line
    is that of 3.0.7 and 3.1, which say so little for any chain that they do not believe.
    """
    return case(
        output(plugin="loki").but(ca=CAFile.OTHER_ROOT),
        _UNKNOWN,
        report=Report(
            "https://github.com/tiredofit/docker-alpine/issues/77", line=_VERIFY_FAILED, on="3.0.7"
        ),
    )


_HTTP = """\
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
    Name        http
    Match       *
    Host        {host}
    Port        {port}
    Format      json
    tls         on
    tls.verify  on
    tls.vhost   logs.example.test
    tls.debug   1
    Retry_Limit no_retries
"""


@scenario
def fluent_bit_7686() -> Case:
    """CA.File held a part of what the chain needs and the system's store had the rest: with
    `tls.ca_file` set Fluent Bit does not look into the store at all. Without it all is well.
    """
    half = File(certs=(HEALTHY.intermediate,), stem="half")
    setup = output(config=_HTTP, ca=CAFile.SYSTEM, crt=half)
    return case(
        setup.but(config=_HTTP + "    tls.ca_file {crt}\n"),
        _UNKNOWN,
        should=Outcome.DELIVERED,
        report=Report("https://github.com/fluent/fluent-bit/issues/7686", line=_EOF, on="2.2.3"),
    )


@scenario
def newrelic_fluent_bit_output_208() -> Case:
    """The image came without the authority of a public service. The report is of Windows; the line
    is the same wherever the store lacks the root.
    """
    return case(
        output(ca=CAFile.SYSTEM).but(ca=CAFile.UNSET),
        _UNKNOWN,
        report=Report(
            "https://github.com/newrelic/newrelic-fluent-bit-output/issues/208",
            line="reason: unable to get local issuer certificate (X509 code: 20)",
            on="4.2.8",
        ),
    )


@scenario
def fluent_bit_4117() -> Case:
    """OpenSSL on Windows did not read the system's store before 1.8.13: nobody was believed. A
    store without the authority says the same lines on Linux.
    """
    return case(
        output(ca=CAFile.SYSTEM).but(ca=CAFile.UNSET),
        _UNKNOWN,
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/4117",
            line="SSL3 alert write:fatal:unknown CA",
            on="1.9.10",
        ),
    )


@scenario
def fluent_bit_4163() -> Case:
    """Loki with a certificate of Let's Encrypt, and again the store of Windows that was not read.
    Up to 1.8 the log had no word of TLS, and it still ends in the line of the report.
    """
    return case(
        output(plugin="loki", ca=CAFile.SYSTEM).but(ca=CAFile.UNSET),
        _UNKNOWN,
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/4163",
            ("1.8.7",),
            "no upstream connections available",
        ),
    )


@scenario
def fluent_bit_8105() -> Case:
    """A collector under an authority that the client's store lacks. What 1.9 to 3.0.6 call an
    unexpected EOF is a refusal of their own; with `tls.verify off` it went away.
    """
    return case(
        output(ca=CAFile.SYSTEM).but(ca=CAFile.UNSET),
        _UNKNOWN,
        report=Report("https://github.com/fluent/fluent-bit/issues/8105", line=_EOF, on="2.2.3"),
    )


@scenario
def fluent_bit_9527() -> Case:
    """The server's authority had expired and the log did not say so. The change that the report
    asks for gave 3.2 to 4.2 a reason and its X509 code; 5.0 lost them again.
    """
    return case(
        output().but(chain=HEALTHY.but(expired(), at=At.ROOT)),
        refused("certificate_expired"),
        report=Report(
            "https://github.com/fluent/fluent-bit/pull/9527", line=_VERIFY_FAILED, on="3.0.7"
        ),
    )


_VERSION_1 = SELF_SIGNED.but(tampered(Tamper.VERSION_1))


@scenario
def fluent_bit_507() -> Case:
    """Fluentd wrote itself a certificate of X.509 version 1, which mbedTLS could not read. OpenSSL
    takes it, as its own authority.
    """
    setup = output(plugin="forward", ca=CAFile.SELF_SIGNED_LEAF, chain=chain(SELF_SIGNED)).but(
        chain=chain(_VERSION_1, name="version 1")
    )
    report = Report("https://github.com/fluent/fluent-bit/issues/507", ("0.12.13",))
    return case(setup, delivered(), report=report)


_MANY = tuple(f"tenant-{number}.logs.example.test" for number in range(700))
"""Some 20 KiB of names: the message does not fit into one TLS record, which holds 16 KiB."""


@scenario
def fluent_bit_2581() -> Case:
    """A Certificate message of more than 16 KiB comes in several TLS records. mbedTLS could not put
    it together; OpenSSL (1.7 and later) can.
    """
    large = chain(LEAF.but(named("logs.example.test", *_MANY)), name="more than 16 KiB")
    setup = output(Mode.NONE, plugin="splunk", properties=(("Splunk_Token", "a-token"),)).but(
        chain=large
    )
    report = Report("https://github.com/fluent/fluent-bit/issues/2581", ("1.5.7",))
    return case(setup, delivered(), report=report)
