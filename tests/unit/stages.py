"""Evidence of runs in steps, and of inputs, for tests that run nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from minted import pki

from flb_handshake.declare import listening, output
from flb_handshake.evidence import AgentRun, Evidence, Facts
from flb_handshake.facts import facts_of
from flb_handshake.model import Mode, Setup, Step
from flb_handshake.peer.events import PROXY_LAYER, Event, Kind
from flb_handshake.placing import Files
from flb_handshake.settings import Part, files_of

OUTPUT = output()
INPUT = listening()
REQUIRING = listening(Mode.REQUIRE)


def event(kind: Kind, t: float = 0.1, connection: int = 1, **facts: Any) -> Event:
    return Event(t=t, connection=connection, kind=kind, facts=facts)


def alert(by: str, name: str, level: str = "fatal", **facts: Any) -> Event:
    return event(Kind.ALERT, by=by, name=name, level=level, **facts)


def request(*numbers: int, tls: bool = True) -> Event:
    """What a collector has got: records of these numbers."""
    return event(Kind.REQUEST, tls=tls, records=[{"n": n} for n in numbers], count=len(numbers))


def shipped(*numbers: int, tls: bool = True) -> Event:
    return event(Kind.SHIPPED, tls=tls, records=[{"n": n} for n in numbers], bytes=1)


def arrived(*numbers: int) -> Event:
    """What came out of an agent behind its input: records of these numbers."""
    return event(Kind.ARRIVED, records=[{"n": n} for n in numbers], count=len(numbers), body="")


ACCEPTED = event(Kind.ACCEPTED)
TLS_BYTES = event(Kind.FIRST_BYTES, hex="160301", tls=True)
CLEAR_BYTES = event(Kind.FIRST_BYTES, hex="504f5354202f", tls=False)
NEGOTIATED = event(
    Kind.NEGOTIATED, version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", alpn=None, group="x25519"
)
CLOSED = event(Kind.CLOSED, by="agent", how="FIN")
REFUSED = (ACCEPTED, TLS_BYTES, alert("agent", "unknown_ca"), CLOSED)


def asked(*authorities: str) -> Event:
    return event(Kind.CERTIFICATE_REQUEST, authorities=list(authorities))


def at_proxy(one: Event) -> Event:
    """The same, seen between the agent and the proxy."""
    return replace(one, facts={"layer": PROXY_LAYER, **one.facts})


def took(*numbers: int) -> tuple[Event, ...]:
    """A collector's events of a delivery over a new connection."""
    return (ACCEPTED, TLS_BYTES, NEGOTIATED, request(*numbers))


def passed(*numbers: int) -> tuple[Event, ...]:
    """A shipper's events of a delivery over a new connection."""
    return (ACCEPTED, NEGOTIATED, shipped(*numbers), arrived(*numbers))


@cache
def facts(setup: Setup = OUTPUT) -> Facts:
    part = Part(alias="a", setup=setup, address="127.0.0.1", port=443, tag="t")
    return facts_of(part, Files("/x", pki()).place(files_of(setup)), pki())


def ran(
    *events: Event,
    setup: Setup = OUTPUT,
    step: str = "",
    made: tuple[int, ...] = (),
    then: tuple[Evidence, ...] = (),
    log: tuple[str, ...] = (),
    config: str = "",
    exit_code: int | None = None,
    version: str = "5.1.1",
    **changes: Any,
) -> Evidence:
    """The evidence of a run, or of one step of it."""
    agent = AgentRun(
        kind="process",
        label=f"Fluent Bit {version}",
        version=version,
        tls_library="OpenSSL 3.0.22",
        config=config,
        log=log,
        exit_code=exit_code,
        shared=False,
    )
    return Evidence(
        scenario="test",
        agent=agent,
        facts=facts(setup),
        events=events,
        peer_library="OpenSSL 4.0.3",
        duration=0.05,
        step=step,
        made=made,
        then=then,
        **changes,
    )


def in_steps(*each: tuple[Event, ...], setup: Setup = OUTPUT, **last: Any) -> Evidence:
    """A run whose steps have these events; `last` is said of its last step."""
    everything = [
        ran(
            *events,
            setup=setup,
            step=f"step {number}" if number > 1 else "",
            made=(number,),
            **(last if number == len(each) else {}),
        )
        for number, events in enumerate(each, 1)
    ]
    return replace(everything[0], then=tuple(everything[1:]))


def steps(count: int) -> tuple[Step, ...]:
    """The declarations of what `in_steps` shows, its beginning not counted."""
    return tuple(Step(name=f"step {number + 2}", changes=()) for number in range(count))
