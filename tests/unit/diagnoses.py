"""Runs that never ran, and their diagnosis: events, certificates and settings in, causes out."""

import datetime as dt

from flb_handshake.certificates import (
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    ROOT,
    CertSpec,
)
from flb_handshake.evidence import AgentRun, Evidence, Facts
from flb_handshake.explain import explain
from flb_handshake.judge import judge
from flb_handshake.peer.events import Event, Kind
from flb_handshake.pki import Pki

NOW = dt.datetime(2026, 11, 23, 8, 30, tzinfo=dt.UTC)
PKI = Pki(now=NOW)
THE_LEAF = "'CN=logs.example.test,OU=logs.example.test,O=flb-handshake'"
THE_ROOT = "'OU=Handshake Root,O=flb-handshake'"
THE_INTERMEDIATE = "'OU=Handshake Intermediate,O=flb-handshake'"

VERIFY_PEER = {
    "tls": "on",
    "tls.verify": "on",
    "tls.vhost": HOST,
    "tls.ca_file": "/certs/ca.pem",
    "tls.debug": "1",
}
VERIFY_HOST = {**VERIFY_PEER, "tls.verify_hostname": "on"}
WITH_CLIENT = {**VERIFY_HOST, "tls.crt_file": "/certs/c.pem", "tls.key_file": "/certs/c.key"}

ACCEPTED = (Kind.ACCEPTED, {})
HELLO = (Kind.CLIENT_HELLO, {"sni": HOST, "versions": ["TLSv1.3", "TLSv1.2"]})
GREETED = (ACCEPTED, (Kind.FIRST_BYTES, {"hex": "160301", "tls": True}), HELLO)
ANSWERED = (*GREETED, (Kind.STATE, {"name": "SSLv3/TLS write server hello"}))
AGREED = (*ANSWERED, (Kind.NEGOTIATED, {"version": "TLSv1.3", "cipher": "X"}))


def request(*, tls):
    return (Kind.REQUEST, {"tls": tls, "records": [{"log": "a line"}]})


def closed(by, how="FIN"):
    return (Kind.CLOSED, {"by": by, "how": how})


def alert(by, name):
    return (Kind.ALERT, {"by": by, "level": "fatal", "name": name})


DELIVERED = (*AGREED, request(tls=True), closed("agent"))
CLEARTEXT = (
    ACCEPTED,
    (Kind.FIRST_BYTES, {"hex": "504f5354", "tls": False}),
    request(tls=False),
    closed("agent"),
)


def refused(name, by="agent", says="words of the library"):
    spoken = (Kind.TLS_ERROR, {"reason": says})
    return (*ANSWERED, alert(by, name), spoken, closed("peer"))


def pem(*specs):
    return PKI.pem(*specs).decode()


def line(text, level="error"):
    return f"[2026/11/23 08:30:00.000] [{level}] {text}"


def evidence(
    steps=(),
    *,
    log=(),
    exit_code=None,
    version="5.1.1",
    config="",
    properties=VERIFY_PEER,
    sent=HEALTHY,
    pace=0.01,
    **facts,
):
    """Evidence of a run: its events in order, its log, and what it was set up with."""
    given = {
        "role": "output",
        "name": HOST,
        "plugin": "http",
        "properties": tuple(properties.items()),
        "chain": "healthy",
        "sent": pem(*sent.sent) if sent is not None else "",
        "anchors": pem(ROOT),
        "ca_file": "root",
        "own": "",
        "client_auth": "none",
        "peer_anchors": "",
        "at": NOW.isoformat(),
        **facts,
    }
    return Evidence(
        scenario="a.run",
        agent=AgentRun(
            kind="process",
            label=f"Fluent Bit {version}",
            version=version,
            tls_library="OpenSSL 3.0.22 25 Aug 2026",
            config=config,
            log=tuple(log),
            exit_code=exit_code,
            shared=False,
        ),
        facts=Facts(**given),
        events=tuple(
            Event(t=number * pace, connection=1, kind=kind, facts=said)
            for number, (kind, said) in enumerate(steps)
        ),
        peer_library="OpenSSL 4.0.0 14 Apr 2026",
        duration=1.0,
    )


def diagnosis(*args, **kwargs):
    made = evidence(*args, **kwargs)
    return explain(made, judge(made))


def mutual(steps, client, **kwargs):
    """A run against a collector that demands a certificate of Handshake Root."""
    facts = {
        "properties": WITH_CLIENT,
        "own": pem(*client) if client else "",
        "client_auth": "demand",
        "peer_anchors": pem(ROOT),
    }
    return evidence(steps, **{**facts, **kwargs})


LONE_LEAF = HEALTHY.sending(LEAF, name="no intermediate")
WITH_ROOT = HEALTHY.sending(LEAF, INTERMEDIATE, ROOT, name="with its root")
TWIN = CertSpec(common_name=ROOT.common_name, ca=True, usages=None, key_label="impostor")

CA_PATH = {**VERIFY_PEER, "tls.ca_path": "/certs/dir"}
ONLY_CA_PATH = {key: word for key, word in CA_PATH.items() if key != "tls.ca_file"}
