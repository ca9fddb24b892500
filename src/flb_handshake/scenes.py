"""What happened to one play while it ran, before it becomes evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flb_handshake.evidence import Facts
from flb_handshake.peer.events import Event, Kind
from flb_handshake.staging import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What happened to one member, or in one of its steps."""

    member: Member
    facts: Facts
    events: tuple[Event, ...]
    lines: tuple[str, ...]
    began: float
    step: str = ""
    made: tuple[int, ...] = ()


def record(number: int) -> dict[str, Any]:
    """The record of this number."""
    return {"message": "handshake", "n": number}


def arrival(event: Event) -> Event:
    """What came out of the agent, of the request in which a collector saw it."""
    facts = {name: event.facts[name] for name in ("records", "count", "body")}
    return Event(t=event.t, connection=event.connection, kind=Kind.ARRIVED, facts=facts)


def merged(shipped: list[Event], arrived: list[Event]) -> tuple[Event, ...]:
    """A shipper's events, and what came out of the agent at the other end, in order of time."""
    arrivals = [arrival(one) for one in arrived if one.kind is Kind.REQUEST]
    return tuple(sorted([*shipped, *arrivals], key=lambda event: event.t))
