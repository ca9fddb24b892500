"""Runs of an input that never ran: what a shipper saw, and what the diagnosis makes of it."""

from diagnoses import evidence, pem

from flb_handshake.certificates import CLIENT_CHAIN, HEALTHY, ROOT
from flb_handshake.explain import explain
from flb_handshake.judge import judge
from flb_handshake.peer.events import Kind

REQUIRE = {
    "tls": "on",
    "tls.verify": "on",
    "tls.verify_client_cert": "on",
    "tls.ca_file": "/certs/ca.pem",
    "tls.crt_file": "/certs/crt.pem",
    "tls.key_file": "/certs/key.key",
}
ASKING = {name: word for name, word in REQUIRE.items() if name != "tls.verify_client_cert"}
OFF = {"tls": "off"}

ACCEPTED = (Kind.ACCEPTED, {})
HELLO = (Kind.CLIENT_HELLO, {"versions": ["TLSv1.3", "TLSv1.2"], "alpn": ["spdy/3.1"]})
GREETED = (ACCEPTED, HELLO)
CHAIN = (Kind.SERVER_CHAIN, {"chain": []})
ANSWERED = (*GREETED, (Kind.STATE, {"name": "SSLv3/TLS read server hello"}), CHAIN)
AGREED = (*ANSWERED, (Kind.NEGOTIATED, {"version": "TLSv1.3"}))
RECORDS = [{"message": "handshake"}]
ASKED = (Kind.CERTIFICATE_REQUEST, {"authorities": []})
CAME_OUT = (Kind.ARRIVED, {"records": RECORDS, "count": 1})


def shipped(*, tls):
    return (Kind.SHIPPED, {"tls": tls, "records": RECORDS})


DELIVERED = (*AGREED, shipped(tls=True), CAME_OUT)


def shipment(events=(), *, shipper=CLIENT_CHAIN, own=HEALTHY, **changes):
    """Evidence of an input that demands a certificate of Handshake Root, unless it is changed."""
    given = {
        "role": "input",
        "properties": REQUIRE,
        "sent": shipper,
        "own": pem(*own.sent) if own is not None else "",
        "peer_anchors": pem(ROOT),
        "client_auth": "",
        "name": "127.0.0.1",
        **changes,
    }
    return evidence(events, **given)


def causes(*args, **kwargs):
    made = shipment(*args, **kwargs)
    return explain(made, judge(made))
