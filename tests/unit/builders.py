"""Evidence for tests that run nothing: events in, a whole Evidence out."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from flb_handshake.certificates import CLIENT, HEALTHY, ROOT
from flb_handshake.evidence import AgentRun, Evidence, Facts
from flb_handshake.peer.events import Event, Kind
from flb_handshake.pki import Pki


@cache
def pki() -> Pki:
    return Pki()


def event(kind: Kind, t: float = 0.1, connection: int = 1, **facts: Any) -> Event:
    return Event(t=t, connection=connection, kind=kind, facts=facts)


ACCEPTED = event(Kind.ACCEPTED)
TLS_BYTES = event(Kind.FIRST_BYTES, hex="160301", tls=True)
CLEAR_BYTES = event(Kind.FIRST_BYTES, hex="504f5354202f", tls=False)
CLOSED = event(Kind.CLOSED, by="agent", how="FIN")
NEGOTIATED = event(
    Kind.NEGOTIATED, version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", alpn=None, group="x25519"
)


def request(*, tls: bool, records: tuple[Any, ...] = ({"message": "handshake"},)) -> Event:
    return event(
        Kind.REQUEST,
        tls=tls,
        method="POST",
        target="/v1/logs",
        content_type="application/json",
        bytes=1,
        records=list(records),
        count=len(records),
    )


def alert(by: str, name: str, level: str = "fatal") -> Event:
    return event(Kind.ALERT, by=by, name=name, level=level)


def facts(**changes: Any) -> Facts:
    made = Facts(
        role="output",
        name="logs.example.test",
        plugin="http",
        properties=(("tls", "on"), ("tls.verify", "on")),
        chain="healthy",
        sent=pki().pem(*HEALTHY.sent).decode(),
        anchors=pki().pem(ROOT).decode(),
        ca_file="root",
        own="",
        client_auth="none",
        peer_anchors="",
        at=pki().now.isoformat(),
    )
    return replace(made, **changes)


def evidence(
    *events: Event,
    log: tuple[str, ...] = (),
    exit_code: int | None = None,
    harness_error: str | None = None,
    unsupported: str | None = None,
    **changes: Any,
) -> Evidence:
    return Evidence(
        scenario="test",
        agent=AgentRun(
            kind="process",
            label="Fluent Bit 5.1.1",
            version="5.1.1",
            tls_library="OpenSSL 3.0.22",
            config="",
            log=log,
            exit_code=exit_code,
            shared=False,
        ),
        facts=facts(**changes),
        events=events,
        peer_library="OpenSSL 4.0.3",
        duration=0.05,
        harness_error=harness_error,
        unsupported=unsupported,
    )


def client_pem() -> str:
    return pki().pem(CLIENT).decode()
