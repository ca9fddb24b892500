"""Reports about names: which one a certificate bears, which one is checked, which one is sent."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    HOST,
    OTHER_HOST,
    ROOT,
    CAFile,
    Case,
    CertSpec,
    ClientAuth,
    Mode,
    Outcome,
    Report,
    but_in_3_0_7,
    case,
    chain,
    delivered,
    named,
    output,
    refused,
    scenario,
    with_client_certificate,
)

_ANOTHER_NAME = HEALTHY.but(named(OTHER_HOST))
_FORCED = refused("bad_certificate")
_ONLY_IN_3_0_7 = but_in_3_0_7(delivered(), _FORCED)
"""3.0.7 alone checks the name whenever it verifies; 3.1 made that a property of its own."""


@scenario
def fluent_bit_6804() -> Case:
    """Somebody pointed a name of their own at another company's server, and Fluent Bit delivered:
    with OpenSSL no release compared the certificate's names with the host. That is still the
    default; `tls.verify_hostname on` (3.1) is the remedy.
    """
    setup = output().but(chain=_ANOTHER_NAME)
    return case(
        setup,
        _ONLY_IN_3_0_7,
        should=Outcome.REFUSED_BY_AGENT,
        report=Report("https://github.com/fluent/fluent-bit/issues/6804", ("1.9.9", "2.0.8")),
    )


@scenario
def fluent_bit_1429() -> Case:
    """Host was an address (0.0.0.0), which the certificate did not bear; mbedTLS, which releases of
    that time were built with, always checked names. Today only `tls.verify_hostname on` does, and
    `tls.vhost` says which name is meant.
    """
    setup = output(
        Mode.VERIFY_HOST,
        plugin="forward",
        client_auth=ClientAuth.DEMAND,
        client_ca=ROOT,
        properties=(("Shared_Key", "hello"),),
    )
    return case(
        with_client_certificate(setup).but(vhost=None),
        _FORCED,
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/1429",
            line="X509 - Certificate verification failed, e.g. CRL, CA or signature check",
            now="reason: hostname mismatch (X509 code: 62)",
            on="3.2.10",
        ),
    )


@scenario
def fluent_bit_8975() -> Case:
    """Forwarding broke with the update to 3.0.7, which began to check names; the certificate of the
    aggregator did not bear the one that was dialled. 3.1 checks names only where it is told to.
    """
    setup = output(plugin="forward", properties=(("Compress", "gzip"),)).but(chain=_ANOTHER_NAME)
    return case(
        setup,
        _ONLY_IN_3_0_7,
        should=Outcome.REFUSED_BY_AGENT,
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/8975",
            ("3.0.7",),
            "[tls] error: unexpected EOF with reason: certificate verify failed",
        ),
    )


_FLUENTD = CertSpec(common_name="fluentd", dns=("fluentd",), key_label="fluentd")


@scenario
def fluent_bit_docs_507() -> Case:
    """A self-signed certificate names `fluentd`, and it is reached under another name. `tls.vhost`,
    described as the name for SNI, is also the name that is checked: set to `fluentd`, it helped.
    """
    setup = output(
        Mode.VERIFY_HOST,
        plugin="forward",
        chain=chain(_FLUENTD),
        ca=CAFile.SELF_SIGNED_LEAF,
        vhost="fluentd",
    )
    return case(
        setup.but(vhost=HOST),
        _FORCED,
        report=Report(
            "https://github.com/fluent/fluent-bit-docs/issues/507",
            line="X509 - Certificate verification failed, e.g. CRL, CA or signature check",
            now="reason: hostname mismatch (X509 code: 62)",
            on="3.2.10",
        ),
    )


@scenario
def fluent_bit_1312() -> Case:
    """A load balancer that routes by SNI was always told the Host. Since 1.3 `tls.vhost` says which
    name is sent.
    """
    setup = output(vhost=OTHER_HOST, chain=_ANOTHER_NAME)
    return case(
        setup,
        delivered().showing(sni=OTHER_HOST),
        report=Report("https://github.com/fluent/fluent-bit/issues/1312", on="1.9.10"),
    )
