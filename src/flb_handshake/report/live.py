"""What a peer sees, told while it happens: one line for each event that says something."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from flb_handshake import trust
from flb_handshake.peer.events import PROXY_LAYER, Event, Kind

_KEPT: Final = 200
"""Characters of a record that are shown."""

_FROM_WHERE: Final = {"agent": "from there", "peer": "from here"}
"""Who did it, seen from the peer, whoever stands at the other end: Fluent Bit, curl, openssl."""


class Live:
    """Tells an audience's events to whoever takes lines."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._addresses: dict[int, str] = {}

    def came(self, connection: int, address: str) -> None:
        """Remember where a connection is from: its first event follows."""
        self._addresses[connection] = address

    def saw(self, event: Event) -> None:
        """Tell it, if it says something."""
        said = told(event)
        if event.kind is Kind.ACCEPTED:
            address = self._addresses.pop(event.connection, "")
            said = f"connection from {address}" if address else "connected"
        if said is None:
            return
        if event.kind is Kind.ARRIVED:  # over the agent's own connection to somewhere else
            self._tell(said)
            return
        layer = "proxy: " if event.facts.get("layer") == PROXY_LAYER else ""
        self._tell(f"#{event.connection}  {layer}{said}")


def told(event: Event) -> str | None:
    """What an event says, in one line; None: nothing that anybody would watch for."""
    says = _SAYS.get(event.kind)
    said = says(event.facts) if says is not None else None
    return None if said is None else _printable(said)


def _first_bytes(facts: Mapping[str, Any]) -> str | None:
    if facts["tls"]:
        return None
    first = bytes.fromhex(facts["hex"]).decode("ascii", "backslashreplace")
    return f"no TLS: it begins with {first!r}"


def _client_hello(facts: Mapping[str, Any]) -> str:
    return (
        f"ClientHello: SNI {facts['sni'] or 'none'}, {_listed(facts['versions'])}, "
        f"ALPN {_listed(facts['alpn'])}, JA4 {facts['ja4']}"
    )


def _negotiated(facts: Mapping[str, Any]) -> str:
    resumed = ", session resumed" if facts.get("resumed") else ""
    return (
        f"handshake done: {facts['version']}, {facts['cipher']}, {facts['group']}, "
        f"ALPN {facts['alpn'] or 'none'}{resumed}"
    )


def _alert(facts: Mapping[str, Any]) -> str:
    way = "received" if facts["by"] == "agent" else "sent"
    return f"alert {way}: {facts['level']} {facts['name']}"


def _chain(whose: str) -> Callable[[Mapping[str, Any]], str]:
    def says(facts: Mapping[str, Any]) -> str:
        found = trust.certificates("".join(facts["chain"]))
        if not found:
            return f"{whose} certificate: none"
        leaf = found[0]
        return (
            f"{whose} certificate: {leaf.subject.rfc4514_string()}, issued by "
            f"{leaf.issuer.rfc4514_string()} ({len(found)} sent)"
        )

    return says


def _request(facts: Mapping[str, Any]) -> str:
    how = "over TLS" if facts["tls"] else "in cleartext"
    line = " ".join(str(facts[name]) for name in ("method", "target") if facts.get(name))
    return f"received {how}: {line + ', ' if line else ''}{_records(facts)}"


def _records(facts: Mapping[str, Any]) -> str:
    count = facts["count"]
    held = " ".join(json.dumps(one, ensure_ascii=False) for one in facts["records"])
    held = held or facts["body"]
    if len(held) > _KEPT:
        held = f"{held[:_KEPT]}…"
    return f"{count} {'record' if count == 1 else 'records'} {held}".rstrip()


def _shipped(facts: Mapping[str, Any]) -> str:
    return f"record shipped {'over TLS' if facts['tls'] else 'in cleartext'}"


def _asked(facts: Mapping[str, Any]) -> str:
    return f"a certificate is asked for, of {_listed(facts['authorities'])}"


def _connect(facts: Mapping[str, Any]) -> str:
    return f"CONNECT {facts['target']}"


def _renegotiation(facts: Mapping[str, Any]) -> str:
    return f"second handshake: {'done' if facts['done'] else 'not done'}"


def _closed(facts: Mapping[str, Any]) -> str:
    if facts["how"] == "refused":
        return "connection refused: nothing listens there"
    return f"closed {_FROM_WHERE[facts['by']]}: {facts['how']}"


_SAYS: Final[Mapping[Kind, Callable[[Mapping[str, Any]], str | None]]] = {
    Kind.FIRST_BYTES: _first_bytes,
    Kind.CLIENT_HELLO: _client_hello,
    Kind.ALERT: _alert,
    Kind.NEGOTIATED: _negotiated,
    Kind.CLIENT_CHAIN: _chain("client"),
    Kind.SERVER_CHAIN: _chain("server"),
    Kind.CERTIFICATE_REQUEST: _asked,
    Kind.TLS_ERROR: lambda facts: f"TLS error: {facts['reason']}",
    Kind.REQUEST: _request,
    Kind.ARRIVED: lambda facts: f"came out of Fluent Bit: {_records(facts)}",
    Kind.SHIPPED: _shipped,
    Kind.RESPONSE: lambda facts: f"answered: {facts.get('status', facts.get('answer'))}",
    Kind.RENEGOTIATION: _renegotiation,
    Kind.CONNECT: _connect,
    Kind.CLOSED: _closed,
}
"""States of the handshake are for evidence: what they lead to is told."""


def _listed(values: list[str]) -> str:
    return " ".join(values) or "none"


def _printable(text: str) -> str:
    """The same in one line, and with nothing in it that a terminal would obey."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
