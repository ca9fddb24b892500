"""Evidence -> Observation, Exposure. Pure functions, and blind to what was expected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509

from flb_handshake import trust
from flb_handshake.agent import logs
from flb_handshake.evidence import Evidence
from flb_handshake.model import ClientAuth, Exposure, Outcome, Side
from flb_handshake.peer.events import Event, Kind

_SENDERS: Final = {"agent": Side.AGENT, "peer": Side.PEER}
_HARMLESS: Final = frozenset({"close_notify", "user_canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the evidence shows."""

    outcome: Outcome
    refused_by: Side | None = None
    alert: str | None = None
    """IANA's name of the fatal alert that ended the handshake."""
    alert_from: Side | None = None
    version: str | None = None
    """The negotiated version, cipher and so on: set once the handshake was complete."""
    cipher: str | None = None
    alpn: str | None = None
    group: str | None = None
    sni: str | None = None
    offered: tuple[str, ...] = ()
    """The versions in the ClientHello."""
    ja4: str | None = None
    first_bytes: str = ""
    records: tuple[Any, ...] = ()
    """The beginning of what arrived."""
    client_subject: str | None = None
    """The subject of the certificate that the agent presented."""
    signs: tuple[logs.Sign, ...] = ()
    note: str = ""
    """Why nothing is known, for INVALID."""
    duration_ms: float = 0.0


def judge(evidence: Evidence) -> Observation:
    """What happened. The same evidence always gives the same observation."""
    events = evidence.events
    outcome, alert = _outcome(evidence)
    hello = _first(events, Kind.CLIENT_HELLO)
    agreed = _first(events, Kind.NEGOTIATED)
    first = _first(events, Kind.FIRST_BYTES)
    presented = _first(events, Kind.CLIENT_CHAIN).get("chain", [])
    by = _SENDERS.get(alert.get("by", ""))
    return Observation(
        outcome=outcome,
        refused_by=_refuser(outcome),
        alert=alert.get("name"),
        alert_from=by,
        version=agreed.get("version"),
        cipher=agreed.get("cipher"),
        alpn=agreed.get("alpn"),
        group=agreed.get("group"),
        sni=hello.get("sni"),
        offered=tuple(hello.get("versions", ())),
        ja4=hello.get("ja4"),
        first_bytes=first.get("hex", ""),
        records=tuple(
            record for event in _all(events, Kind.REQUEST) for record in event["records"]
        ),
        client_subject=_subject(presented[0]) if presented else None,
        signs=logs.signs(evidence.agent.log),
        note=evidence.harness_error or evidence.unsupported or "",
        duration_ms=round(evidence.duration * 1000, 1),
    )


def exposure(evidence: Evidence, observation: Observation) -> tuple[Exposure, ...]:
    """What an attacker gains if it stays so: shown by what arrived where, never presumed."""
    found = []
    if observation.outcome is Outcome.CLEARTEXT:
        found.append(Exposure.CLEARTEXT)
    if observation.outcome is Outcome.DELIVERED:
        facts = evidence.facts
        sent = trust.certificates(facts.sent)
        if not trust.is_trusted(sent, facts.anchors or "", dt.datetime.fromisoformat(facts.at)):
            found.append(Exposure.WRONG_PEER_ACCEPTED)
        elif not trust.bears_name(sent[0], facts.name):
            found.append(Exposure.NAME_UNCHECKED)
        if facts.client_auth == ClientAuth.ASK and observation.client_subject is None:
            found.append(Exposure.ANONYMOUS_CLIENT_ACCEPTED)
    return tuple(found)


def _outcome(evidence: Evidence) -> tuple[Outcome, dict[str, Any]]:
    """The outcome, and the fatal alert that goes with it (an empty one: there was none)."""
    events = evidence.events
    if evidence.harness_error or evidence.unsupported:
        return Outcome.INVALID, {}
    requests = list(_all(events, Kind.REQUEST))
    if any(request["tls"] for request in requests):
        return Outcome.DELIVERED, {}
    if requests or any(not first["tls"] for first in _all(events, Kind.FIRST_BYTES)):
        return Outcome.CLEARTEXT, {}
    fatal = next((alert for alert in _all(events, Kind.ALERT) if _is_fatal(alert)), None)
    if fatal is not None:
        by_agent = _SENDERS[fatal["by"]] is Side.AGENT
        refused = Outcome.REFUSED_BY_AGENT if by_agent else Outcome.REFUSED_BY_PEER
        return refused, dict(fatal)
    if not events:
        started = evidence.agent.exit_code is None
        return (Outcome.STALLED if started else Outcome.NOT_STARTED), {}
    if _all_closed(events):
        return Outcome.CUT, {}
    return Outcome.STALLED, {}


def _refuser(outcome: Outcome) -> Side | None:
    if outcome in {Outcome.REFUSED_BY_AGENT, Outcome.NOT_STARTED}:
        return Side.AGENT
    return Side.PEER if outcome is Outcome.REFUSED_BY_PEER else None


def _is_fatal(alert: dict[str, Any]) -> bool:
    """TLS 1.3 gives the level no meaning (RFC 8446, section 6): the name decides."""
    return alert["level"] == "fatal" and alert["name"] not in _HARMLESS


def _all_closed(events: Sequence[Event]) -> bool:
    accepted = {event.connection for event in events if event.kind is Kind.ACCEPTED}
    closed = {
        event.connection
        for event in events
        if event.kind is Kind.CLOSED and event.facts["how"] != "timeout"
    }
    return accepted <= closed


def _all(events: Iterable[Event], kind: Kind) -> Iterable[dict[str, Any]]:
    return (dict(event.facts) for event in events if event.kind is kind)


def _first(events: Iterable[Event], kind: Kind) -> dict[str, Any]:
    return next(iter(_all(events, kind)), {})


def _subject(pem: str) -> str:
    return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()
