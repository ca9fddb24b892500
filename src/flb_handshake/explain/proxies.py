"""What an HTTP proxy before the collector did."""

from __future__ import annotations

from typing import Final

from flb_handshake import wording
from flb_handshake.dossier import Dossier
from flb_handshake.explain.causes import Cause, proven
from flb_handshake.peer.events import Kind

_OK: Final = 200
_SERVER_ERRORS: Final = 500

_OF_STATUS: Final = {403: "forbidden", 405: "forbidden", 407: "credentials"}

_OF_ALERT: Final = {
    "unknown_ca": "unknown_ca",
    "certificate_expired": "expired",
    "bad_certificate": "name",
}


def refused(run: Dossier) -> list[Cause]:
    """Which of the agent and the proxy refused the other; empty if the alert was no proxy's."""
    alerts = [
        event.facts
        for event in run.proxy_events(Kind.ALERT)
        if event.facts["name"] == run.observation.alert
    ]
    if not alerts:
        return []
    name = str(alerts[0]["name"])
    words = wording.of_alert(run, name)
    if alerts[0]["by"] == "peer":
        return [proven(run, "proxy_refused_agent", **words)]
    variant = _OF_ALERT.get(name)
    key = f"proxy_certificate_refused/{variant}" if variant else "proxy_certificate_refused"
    given = run.word("tls.proxy.ca_file") or "not set"
    return [proven(run, key, proxy_ca_file=given, **words)]


def ended(run: Dossier) -> list[Cause]:
    """Why there was no tunnel; empty if there was one, or no proxy."""
    statuses = [int(event.facts["status"]) for event in run.proxy_events(Kind.RESPONSE)]
    if statuses and statuses[-1] != _OK:
        return [_no_tunnel(run, statuses[-1])]
    closed = run.proxy_events(Kind.CLOSED)
    if closed and not statuses:
        return [proven(run, "proxy_ended", how=str(closed[-1].facts["how"]))]
    return []


def _no_tunnel(run: Dossier, status: int) -> Cause:
    asked = run.proxy_events(Kind.CONNECT)
    facts = asked[-1].facts if asked else {}
    authorized = "it refused those that it was given" if facts.get("authorization") else "got none"
    variant = _OF_STATUS.get(status, "unreachable" if status >= _SERVER_ERRORS else "")
    key = f"proxy_refused_tunnel/{variant}" if variant else "proxy_refused_tunnel"
    target = str(facts.get("target", "to the collector"))
    return proven(run, key, status=str(status), target=target, authorization=authorized)
