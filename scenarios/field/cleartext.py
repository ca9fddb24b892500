"""Reports of TLS on one side alone: an agent without it, or a server."""

from __future__ import annotations

from flb_handshake.declare import (
    CAFile,
    Case,
    Close,
    Mode,
    Outcome,
    Report,
    Step,
    Then,
    case,
    cleartext,
    delivered,
    output,
    scenario,
)

_NO_TLS = (("tls", None),)
_BROKEN = "[http_client] broken connection to"


@scenario
def aws_for_fluent_bit_802() -> Case:
    """`tls` was not switched on in the output to Loki, and the server answered in HTTP what it had
    got: an HTTP request on the port of HTTPS.
    """
    return case(
        output(plugin="loki").but(properties=_NO_TLS),
        cleartext(),
        should=Outcome.DELIVERED,
        report=Report(
            "https://github.com/aws/aws-for-fluent-bit/issues/802",
            line="HTTP status=400",
            on="1.9.10",
        ),
    )


@scenario
def fluent_bit_5893() -> Case:
    """Fluentd complains of a wrong version number: what came to its TLS port was the plain forward
    protocol. Fluent Bit sees a connection that is ended, and nothing more.
    """
    later = (Step(name="nothing has happened", changes=()),)
    return case(
        output(plugin="forward", steps=later).but(properties=_NO_TLS),
        cleartext(),
        Then(cleartext(), Outcome.DELIVERED),
        should=Outcome.DELIVERED,
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/5893",
            line="has been disconnected by the remote service",
            on="1.9.10",
        ),
    )


@scenario
def opensearch_4864() -> Case:
    """`tls on` stood on a command line without the `-p` before it, and so meant nothing; OpenSearch
    found no TLS record and hung up.
    """
    return case(
        output().but(properties=_NO_TLS, behaviour=Close()),
        cleartext(),
        should=Outcome.DELIVERED,
        report=Report(
            "https://github.com/opensearch-project/OpenSearch/issues/4864",
            line=_BROKEN,
            on="1.9.10",
        ),
    )


@scenario
def fluent_bit_822() -> Case:
    """`tls off` towards an Elasticsearch that speaks HTTPS alone, and hangs up on all others."""
    return case(
        output(plugin="es").but(mode=Mode.OFF, behaviour=Close()),
        cleartext(),
        should=Outcome.DELIVERED,
        report=Report("https://github.com/fluent/fluent-bit/issues/822", ("0.14.4",), _BROKEN),
    )


@scenario
def fluent_bit_6118() -> Case:
    """`mode tls` alone: from 1.9.6 to 5.0 that was parsed and read by nobody, and the records went
    out in cleartext to the TLS port of the syslog server. `tls on` was missing; 5.1 implies it.
    """
    setup = output(plugin="syslog", properties=(("Mode", "tls"),)).but(
        properties=(("Mode", "tls"), *_NO_TLS)
    )
    report = Report("https://github.com/fluent/fluent-bit/issues/6118", ("1.9.8",))
    return case(
        setup,
        delivered().before("5.1", cleartext()),
        report=report,
    )


@scenario
def fluent_bit_12193() -> Case:
    """`mode tls` without `tls on`, reported as what it is: records in cleartext from an output that
    says TLS. Fixed in 5.1.
    """
    setup = output(plugin="syslog", properties=(("Mode", "tls"),)).but(
        properties=(("Mode", "tls"), *_NO_TLS)
    )
    report = Report("https://github.com/fluent/fluent-bit/issues/12193", ("1.9.6",))
    return case(setup, delivered().before("5.1", cleartext()), report=report)


@scenario
def fluent_bit_1962() -> Case:
    """The documentation said that the output to Datadog uses TLS by default. It does not, and the
    key that opens the account goes out in cleartext with the records.
    """
    key = (("apikey", "a-key"),)
    report = Report(
        "https://github.com/fluent/fluent-bit/issues/1962", ("1.3.6", "1.3.8"), "http://"
    )
    return case(
        output(plugin="datadog", properties=key).but(properties=(*key, *_NO_TLS)),
        cleartext(),
        should=Outcome.DELIVERED,
        report=report,
    )


@scenario
def fluent_bit_705() -> Case:
    """With `tls off` an authority that could not be read ended 0.13.6 at its start. Today nobody
    looks at `tls.ca_file` as long as TLS is off.
    """
    setup = output(Mode.OFF).but(ca=CAFile.MISSING)
    report = Report("https://github.com/fluent/fluent-bit/issues/705", ("0.13.6",))
    return case(setup, cleartext(), report=report)
