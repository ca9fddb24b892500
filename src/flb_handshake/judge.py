"""Evidence -> Observation, Exposure. Pure functions, and blind to what was expected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from flb_handshake import trust
from flb_handshake.agent import logs
from flb_handshake.evidence import Evidence
from flb_handshake.model import ClientAuth, Role
from flb_handshake.outcomes import Exposure, Fates, Outcome, Side
from flb_handshake.peer.events import Event, Kind

_SENDERS: Final = {"agent": Side.AGENT, "peer": Side.PEER}
_YES: Final = frozenset({"on", "true", "yes"})
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
    offered_alpn: tuple[str, ...] = ()
    resumption: str | None = None
    """What the ClientHello offers to resume a session by: `none`, `session id`, `ticket`, `psk`."""
    resumed: bool | None = None
    """Whether an earlier session was gone on with."""
    hello_records: int | None = None
    """The TLS records that the ClientHello came in."""
    connections: int = 0
    """How many connections were made; none, where one of an earlier step went on."""
    ja4: str | None = None
    first_bytes: str = ""
    records: tuple[Any, ...] = ()
    """The beginning of what arrived."""
    client_subject: str | None = None
    """The subject of the certificate that the client presented, whichever end that is."""
    server_subject: str | None = None
    """The subject of the certificate that an agent presented as a server."""
    acceptable: tuple[str, ...] | None = None
    """The CAs that an agent named when it asked for a client certificate; None: it did not ask."""
    answer: str | None = None
    """What the server answered to the record: a status or an acknowledgement."""
    signs: tuple[logs.Sign, ...] = ()
    note: str = ""
    """Why nothing is known, for INVALID."""
    duration_ms: float = 0.0


def judge(evidence: Evidence) -> Observation:
    """What happened. The same evidence always gives the same observation."""
    events = _inner(evidence.events)
    outcome, alert = _outcome(evidence)
    hello = _first(events, Kind.CLIENT_HELLO)
    agreed = _first(events, Kind.NEGOTIATED)
    first = _first(events, Kind.FIRST_BYTES)
    served = _first(events, Kind.SERVER_CHAIN).get("chain", [])
    asked = next(iter(_all(events, Kind.CERTIFICATE_REQUEST)), None)
    by = _SENDERS.get(alert.get("by", ""))
    came_as = Kind.REQUEST if evidence.facts.role == Role.OUTPUT else Kind.ARRIVED
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
        offered_alpn=tuple(hello.get("alpn", ())),
        resumption=hello.get("session"),
        resumed=agreed.get("resumed"),
        hello_records=hello.get("records"),
        connections=sum(1 for _ in _all(events, Kind.ACCEPTED)),
        ja4=hello.get("ja4"),
        first_bytes=first.get("hex", ""),
        records=tuple(record for event in _all(events, came_as) for record in event["records"]),
        client_subject=_client_subject(evidence),
        server_subject=_subject(served[0]) if served else None,
        acceptable=tuple(asked["authorities"]) if asked is not None else None,
        answer=_answer(_first(events, Kind.RESPONSE)),
        signs=logs.signs(evidence.agent.log),
        note=evidence.harness_error or evidence.unsupported or "",
        duration_ms=round(evidence.duration * 1000, 1),
    )


def fates(evidence: Evidence) -> Fates:
    """What became of the numbered records of a run, all its steps together."""
    lost = late = doubled = 0
    arrivals = [_numbers(step) for step in evidence.steps]
    for position, step in enumerate(evidence.steps):
        for number in step.made:
            when = [index for index, arrived in enumerate(arrivals) for n in arrived if n == number]
            lost += not when
            late += bool(when) and when[0] > position
            doubled += len(when) > 1
    return Fates(lost=lost, late=late, doubled=doubled)


def exposure(evidence: Evidence, observation: Observation) -> tuple[Exposure, ...]:
    """What an attacker gains if it stays so: shown by what arrived where, never presumed."""
    if observation.outcome is Outcome.CLEARTEXT:
        return (Exposure.CLEARTEXT,)
    if observation.outcome is not Outcome.DELIVERED or observation.version is None:
        return ()
    if evidence.facts.role == Role.INPUT:
        return _exposed_input(evidence, observation)
    found = []
    facts = evidence.facts
    sent = trust.certificates(facts.sent)
    if not trust.is_trusted(sent, facts.anchors or "", dt.datetime.fromisoformat(facts.at)):
        found.append(Exposure.WRONG_PEER_ACCEPTED)
    elif not trust.bears_name(sent[0], facts.name):
        found.append(Exposure.NAME_UNCHECKED)
    if facts.client_auth == ClientAuth.ASK and observation.client_subject is None:
        found.append(Exposure.ANONYMOUS_CLIENT_ACCEPTED)
    return tuple(found)


def _exposed_input(evidence: Evidence, observation: Observation) -> tuple[Exposure, ...]:
    """An input that names CAs, or demands a certificate, means to know who ships to it."""
    facts = evidence.facts
    demanded = dict(facts.properties).get("tls.verify_client_cert", "off").lower()
    if facts.anchors is None and demanded not in _YES:
        return ()
    if observation.client_subject is None:
        return (Exposure.ANONYMOUS_CLIENT_ACCEPTED,)
    at = dt.datetime.fromisoformat(facts.at)
    sent = trust.certificates(facts.sent)
    if not trust.is_trusted(sent, facts.anchors or "", at, usage=ExtendedKeyUsageOID.CLIENT_AUTH):
        return (Exposure.WRONG_PEER_ACCEPTED,)
    return ()


def _outcome(evidence: Evidence) -> tuple[Outcome, dict[str, Any]]:
    """The outcome, and the fatal alert that goes with it (an empty one: there was none)."""
    events = evidence.events
    if evidence.harness_error or evidence.unsupported:
        return Outcome.INVALID, {}
    of_role = _received if evidence.facts.role == Role.OUTPUT else _sent_on
    arrived = of_role(evidence)
    if arrived is not None:
        return arrived, {}
    fatal = next((alert for alert in _all(events, Kind.ALERT) if _is_fatal(alert)), None)
    if fatal is not None:
        by_agent = _SENDERS[fatal["by"]] is Side.AGENT
        refused = Outcome.REFUSED_BY_AGENT if by_agent else Outcome.REFUSED_BY_PEER
        return refused, dict(fatal)
    ended = evidence.agent.exit_code is not None
    if not events and ended and not evidence.step:
        return Outcome.NOT_STARTED, {}
    if ended or (events and _all_closed(events)):
        return Outcome.CUT, {}
    return Outcome.STALLED, {}


def _received(evidence: Evidence) -> Outcome | None:
    """How an output's records came to the collector; None: they did not.

    Where both was spoken, TLS and none, it is the records that count, and not what was asked first.
    """
    events = _inner(evidence.events)
    requests = [one for one in _all(events, Kind.REQUEST) if _is_of(evidence, one)]
    plain = any(not first["tls"] for first in _all(events, Kind.FIRST_BYTES))
    if any(one["tls"] and (one["records"] or not plain) for one in requests):
        return Outcome.DELIVERED
    return Outcome.CLEARTEXT if requests or plain else None


def _sent_on(evidence: Evidence) -> Outcome | None:
    """How a shipper's records came out of the agent; None: they did not."""
    if not any(_is_of(evidence, one) for one in _all(evidence.events, Kind.ARRIVED)):
        return None
    shipped = list(_all(evidence.events, Kind.SHIPPED))
    return Outcome.DELIVERED if all(one["tls"] for one in shipped) else Outcome.CLEARTEXT


def _is_of(evidence: Evidence, arrival: dict[str, Any]) -> bool:
    """Whether it brings a record that was made in this very step, where records are numbered."""
    return not evidence.made or bool(set(_numbers_in(arrival)) & set(evidence.made))


def _numbers(step: Evidence) -> list[int]:
    """The numbers of the records that arrived in a step, as often as they did."""
    came_as = Kind.REQUEST if step.facts.role == Role.OUTPUT else Kind.ARRIVED
    return [number for one in _all(step.events, came_as) for number in _numbers_in(one)]


def _numbers_in(arrival: dict[str, Any]) -> list[int]:
    return [record["n"] for record in arrival["records"] if _is_numbered(record)]


def _is_numbered(record: object) -> bool:
    return isinstance(record, dict) and isinstance(record.get("n"), int)


def _inner(events: Sequence[Event]) -> list[Event]:
    """What happened between the agent and the peer itself, and not with a proxy before it."""
    return [event for event in events if event.facts.get("layer") != "proxy"]


def _answer(response: dict[str, Any]) -> str | None:
    said = response.get("status", response.get("answer"))
    return None if said is None else str(said)


def _client_subject(evidence: Evidence) -> str | None:
    """The subject of the client's certificate, if it presented one."""
    if evidence.facts.role == Role.OUTPUT:
        presented = _first(evidence.events, Kind.CLIENT_CHAIN).get("chain", [])
        return _subject(presented[0]) if presented else None
    was_asked = any(_all(evidence.events, Kind.CERTIFICATE_REQUEST))
    own = trust.certificates(evidence.facts.sent)
    return own[0].subject.rfc4514_string() if own and was_asked else None


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
