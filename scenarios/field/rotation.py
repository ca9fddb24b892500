"""Reports of certificates that were renewed under a running agent, which went on with the old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flb_handshake.declare import (
    CLIENT,
    ROOT,
    Case,
    ClientAuth,
    Expire,
    Hangup,
    Replace,
    Report,
    Setup,
    Step,
    Way,
    case,
    certificate_file,
    chain,
    delivered,
    key_file,
    named,
    output,
    refused_by_peer,
    scenario,
)

_SHORT = replace(CLIENT, not_after=timedelta(seconds=5))
_RENEWED = chain(
    CLIENT.but(named("fluent-bit", common_name="renewed", key_label="renewed")), name="renewed"
)
_AS_NEW = "CN=renewed,OU=renewed,O=flb-handshake"


def _renewed(plugin: str, way: Way) -> Setup:
    """A client certificate expires, and another one is in its place by then."""
    pair = (
        Replace("crt", certificate_file(_RENEWED), way),
        Replace("key", key_file(_RENEWED.leaf), way),
    )
    mutual = output(
        plugin=plugin,
        client_auth=ClientAuth.DEMAND,
        client_ca=ROOT,
        crt=certificate_file(chain(_SHORT)),
        key=key_file(_SHORT),
        max_version="TLSv1.2",
    )
    renewed = Step(name="renewed", changes=(*pair, Expire(_SHORT), Hangup()))
    return mutual.but(steps=(renewed,))


@scenario
def fluent_bit_1678() -> Case:
    """A client certificate that lives for minutes is renewed beside a running agent, which read it
    when it started and kept it for good: the server refuses the old one until somebody restarts
    Fluent Bit. 5.1 looks at its files before each new session.
    """
    old = refused_by_peer("certificate_expired")
    return case(
        _renewed("forward", Way.RENAME),
        delivered(),
        delivered(client_subject=_AS_NEW).before("5.1", old),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/1678",
            ("1.3.2",),
            "SSL - A fatal alert message was received from our peer",
            now="[tls] error: unexpected EOF",
        ),
    )


@scenario
def fluent_bit_9718() -> Case:
    """Client certificates for OpenSearch come in a Kubernetes secret and are renewed every day: a
    mount that changes by a symbolic link. 5.1 sees that as well; before, only a reload helped.
    """
    old = refused_by_peer("certificate_expired")
    report = Report("https://github.com/fluent/fluent-bit/issues/9718", on="3.2.10")
    return case(
        _renewed("opensearch", Way.SYMLINK),
        delivered(),
        delivered(client_subject=_AS_NEW).before("5.1", old),
        report=report,
    )
