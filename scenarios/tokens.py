"""An output that asks for a token before it ships: TLS is spoken twice, and set up once.

`azure_logs_ingestion` fetches its token over a connection that knows nothing of its settings: it
trusts the CAs of the system, has no client certificate, checks the chain and no name. Here the
same collector gives the token and takes the records.

Others that fetch a token are not played: `azure_kusto`, `bigquery`, `chronicle` and `gcs` ask hosts
of Microsoft's and Google's that no property moves elsewhere, and `stackdriver` without a key of
Google's asks a metadata server in cleartext.
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
    Mode,
    Outcome,
    Setup,
    carrying,
    case,
    cleartext,
    cut,
    delivered,
    matrix,
    named,
    output,
    refused,
    refused_by_peer,
    scenario,
    with_client_certificate,
)

_NOT_KEPT = ("net.keepalive", "off")
_ARRIVED = carrying("handshake", delivered())


def _output(mode: Mode = Mode.VERIFY_PEER) -> Setup:
    """A healthy one: the system trusts the collector's CA, and CA.File is not set. A connection
    that nothing was sent on is not kept, or nobody would know that it is over.
    """
    return output(mode, plugin="azure_logs_ingestion", ca=CAFile.SYSTEM, properties=(_NOT_KEPT,))


@matrix(mode=(Mode.NONE, Mode.VERIFY_PEER, Mode.VERIFY_HOST))
def healthy(mode: Mode) -> Case:
    """Token and record travel over TLS. With names checked, the record's connection has the right
    one by `tls.vhost`; the token's has none that fits its address, and nobody minds.
    """
    return case(_output(mode), _ARRIVED)


@matrix(mode=(Mode.NONE, Mode.VERIFY_PEER))
def ca_file(mode: Mode) -> Case:
    """CA.File holds the right root, and the system does not know it: the connection for the record
    comes to be, the one for the token does not, not even with `tls.verify off`.
    """
    setup = _output(mode).but(ca=CAFile.ROOT)
    return case(setup, refused("unknown_ca"), should=Outcome.DELIVERED)


@scenario
def another_host() -> Case:
    """The collector's certificate is another host's, and names are to be checked: the connection
    for the record comes first, and is refused.
    """
    setup = _output(Mode.VERIFY_HOST).but(chain=HEALTHY.but(named(OTHER_HOST)))
    return case(setup, refused("bad_certificate"))


@matrix(certificate=("shown", "none"))
def client_certificate(certificate: str) -> Case:
    """The collector demands a certificate. The connection for the token never shows one."""
    setup = _output().but(client_auth=ClientAuth.DEMAND, client_ca=ROOT)
    does = refused_by_peer("certificate_required")
    if certificate == "none":
        return case(setup, does)
    return case(with_client_certificate(setup), does, should=Outcome.DELIVERED)


@scenario
def cleartext_collector() -> Case:
    """The collector's port speaks no TLS."""
    return case(_output().but(behaviour=Cleartext()), cut())


@matrix(tls=("unset", "off"))
def without_tls(tls: str) -> Case:
    """With `tls off` the token, and the secret that it is asked for with, travel over TLS, the
    records in cleartext to a URL that begins with https.
    """
    setup = _output().but(properties=(_NOT_KEPT, ("tls", None if tls == "unset" else "off")))
    if tls == "unset":
        return case(setup, _ARRIVED)
    return case(setup, cleartext(), should=Outcome.DELIVERED)
