"""Results of scenarios on several releases, none of which was played."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builders import (
    ACCEPTED,
    CLEAR_BYTES,
    CLOSED,
    NEGOTIATED,
    TLS_BYTES,
    alert,
    evidence,
    pki,
    request,
)

from flb_handshake.certificates import HEALTHY, OTHER_HOST, named
from flb_handshake.declare import delivered, output
from flb_handshake.evidence import Evidence
from flb_handshake.expectations import Expectation
from flb_handshake.model import Scenario
from flb_handshake.results import Result, result

ARRIVED = (ACCEPTED, TLS_BYTES, NEGOTIATED, request(tls=True), CLOSED)
IN_CLEARTEXT = (ACCEPTED, CLEAR_BYTES, request(tls=False), CLOSED)
REFUSED = (ACCEPTED, TLS_BYTES, alert("agent", "bad_certificate"), CLOSED)
OF_ANOTHER_HOST = pki().pem(*HEALTHY.but(named(OTHER_HOST)).sent).decode()


def scenario(name: str, **changes: Any) -> Scenario:
    """One that is expected to deliver, with the axis values that its id tells."""
    cell = name.partition("[")[2].rstrip("]")
    labels = tuple(tuple(one.split("=")) for one in cell.split("-") if cell)
    made = Scenario(
        id=name,
        because="Why it is so.",
        setup=output().but(vhost="other.example.test"),
        expectation=Expectation(does=delivered()),
        where="scenarios/family.py:7",
        labels=labels,
    )
    return replace(made, **changes)


def on(release: str, one: Scenario | str, seen: Evidence) -> Result:
    """The result of a scenario, had this release given that evidence."""
    known = scenario(one) if isinstance(one, str) else one
    agent = replace(seen.agent, version=release, label=f"Fluent Bit {release}")
    return result(known, replace(seen, agent=agent), evidence(*ARRIVED))


def lacking(release: str, one: Scenario | str, what: str) -> Result:
    """The result of a scenario that this release was not asked for."""
    return on(release, one, evidence(unsupported=f"Fluent Bit {release} has no {what}"))
