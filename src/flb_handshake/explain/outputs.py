"""Why an output's connection came to its end: the agent is the client, a collector the server."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flb_handshake import wording
from flb_handshake.dossier import Dossier
from flb_handshake.explain import proxies, starts
from flb_handshake.explain.causes import (
    Cause,
    by_class,
    guess,
    look_at,
    name_in_own_chain,
    name_in_peers_chain,
    of_flaws,
    peers_alert,
    proven,
    undecided,
)
from flb_handshake.flaws import Flaw
from flb_handshake.hosts import is_address
from flb_handshake.model import ClientAuth
from flb_handshake.outcomes import Side
from flb_handshake.peer.events import Kind
from flb_handshake.remedies.looks import LATE
from flb_handshake.suspects import AGENT_SAYS, ALERTS, PEER_SAYS, SEES_A_CERTIFICATE, SIGNS

_SILENCE: Final = 1.0
"""Seconds without an answer that count as silence."""

_COMPARES_ADDRESSES: Final = (5, 0, 6)
"""From this release on an address is compared with the addresses of a certificate."""


def refused_by_agent(run: Dossier) -> list[Cause]:
    """What the agent found fault with."""
    of_proxy = proxies.refused(run)
    if of_proxy:
        return of_proxy
    suspects = ALERTS.get((Side.AGENT, run.observation.alert or ""))
    if suspects is None:
        return guess(run, ["unexplained"], "log")
    leaf = wording.of_leaf(run) if run.sent else {}
    for words, key in AGENT_SAYS:
        said = any(words.search(line) for line in run.evidence.agent.log)
        if said and key.split("/", 1)[0] in suspects.causes:
            return [proven(run, key, **leaf)]
    if "version_bounds_clash" in suspects.causes and run.clashing_bounds:
        return [proven(run, "version_bounds_clash")]
    found = [
        flaw
        for flaw in run.peer_flaws(run.name if run.checks_name else None)
        if run.verifies and name_in_peers_chain(run, flaw) in suspects.causes
    ]
    if run.sent and run.observation.alert == "unknown_ca" and "tls.ca_path" in run.used:
        elsewhere = _looked_for_elsewhere(run, found)
        if elsewhere:
            return elsewhere
    if found:
        return of_flaws(run, found, name_in_peers_chain, wording.of_peer_flaw)
    left = _by_elimination(run)
    return [proven(run, left, **leaf)] if left is not None else by_class(run, suspects)


def _by_elimination(run: Dossier) -> str | None:
    """What is left when every certificate of the chain was looked at and found without fault."""
    if not run.sent:
        return None
    if run.observation.alert == "decrypt_error":
        return "key_of_another_certificate" if run.all_signed else None
    address = is_address(run.name) and run.version < _COMPARES_ADDRESSES
    if run.observation.alert == "bad_certificate" and run.checks_name and address:
        return "wrong_host/address"
    return None


def _looked_for_elsewhere(run: Dossier, found: list[Flaw]) -> list[Cause]:
    """Why `tls.ca_path` did not lead to the root; empty if the root is not in it at all."""
    if not run.anchors:
        return guess(run, ["ca_path_empty", "ca_path_missing"], "ca_path")
    if found:
        return []
    if "tls.ca_file" not in run.used:
        return [proven(run, "ca_path_not_hashed")]
    if run.ca_file_would_do:
        return [proven(run, "ca_path_wins")]
    return guess(run, ["ca_path_wins", "ca_path_not_hashed"], "ca_path")


def refused_by_peer(run: Dossier) -> list[Cause]:
    """What the collector, or a proxy before it, found fault with."""
    causes = proxies.refused(run) or _of_the_collector(run)
    if "broken_connection" in run.signs:
        first = replace(causes[0], because=causes[0].because + LATE)
        return [first, *causes[1:]]
    return causes


def _of_the_collector(run: Dossier) -> list[Cause]:
    alert = run.observation.alert or ""
    suspects = ALERTS.get((Side.PEER, alert))
    too_early = alert in SEES_A_CERTIFICATE and not run.answered
    if suspects is None or too_early:
        return peers_alert(run, alert)
    for words, name in PEER_SAYS:
        if words.search(run.peer_says):
            return _as_the_collector_says(run, name)
    wanted = run.evidence.facts.client_auth != ClientAuth.NONE
    found = [flaw for flaw in run.own_flaws() if name_in_own_chain(run, flaw) in suspects.causes]
    if found and wanted:
        return of_flaws(run, found, name_in_own_chain, wording.of_own_flaw)
    left = [one for one in suspects.causes if wanted or not one.startswith("client_")]
    if run.answered:
        left = [one for one in left if one not in _BEFORE_AN_ANSWER]
    if not left:
        return peers_alert(run, alert)
    if suspects.causes == ("client_certificate_missing",):
        return [proven(run, _missing(run))]
    if suspects.proves:
        return by_class(run, suspects)
    return guess(run, left, suspects.look)


_BEFORE_AN_ANSWER: Final = frozenset({"no_shared_cipher", "no_common_group"})
"""What a server finds before it answers."""


def _as_the_collector_says(run: Dossier, name: str) -> list[Cause]:
    if name == "client_certificate_missing":
        return [proven(run, _missing(run))]
    if name == "no_shared_cipher" and "tls.ciphers" not in run.used:
        # OpenSSL 4.0 says the same of TLS 1.2 where no group is shared
        either = [proven(run, "no_shared_cipher/unset"), proven(run, "no_common_group")]
        return undecided(either, look_at(run, "peer"))
    return [proven(run, name)]


def _missing(run: Dossier) -> str:
    keyless = "tls.crt_file" in run.used and "tls.key_file" not in run.used
    return "client_certificate_missing/keyless" if keyless else "client_certificate_missing"


def cut(run: Dossier) -> list[Cause]:
    """Who ended the connection, when, and what may have moved it."""
    if run.evidence.agent.exit_code is not None:
        return [proven(run, "agent_ended")]
    by_proxy = proxies.ended(run)
    if by_proxy:
        return by_proxy
    facts = wording.of_end(run)
    if "not_tls" in run.signs and not run.answered:
        return [_no_tls(run)]
    by, how = run.ended_by
    if by == "peer":
        return _closed_by_collector(run, how)
    negotiated = run.observation.version is not None
    silent = wording.seconds_of_silence(run) >= _SILENCE
    if "timed_out" in run.signs or (silent and not run.answered):
        return _silent(run)
    found = run.peer_flaws(run.name if run.checks_name else None) if run.verifies else []
    if run.answered and found and not negotiated:
        causes = of_flaws(run, found, name_in_peers_chain, wording.of_peer_flaw)
        return undecided(causes, look_at(run, "log"))
    return undecided([proven(run, "agent_closed", **facts)], look_at(run, "log"))


def _no_tls(run: Dossier) -> Cause:
    spoken = [event.facts["status"] for event in run.events(Kind.RESPONSE)]
    if spoken:
        return proven(run, "peer_speaks_no_tls/http", status=str(spoken[0]))
    return proven(run, "peer_speaks_no_tls")


def _closed_by_collector(run: Dossier, how: str) -> list[Cause]:
    facts = wording.of_end(run)
    if "unexpected_eof" in run.signs and run.version < (5,) and not run.answered:
        return guess(run, SIGNS["unexpected_eof"].causes, "port", **facts)
    said = [event.facts["name"] for event in run.events(Kind.ALERT) if event.facts["by"] == "peer"]
    if said and said[-1] != "close_notify":
        return peers_alert(run, said[-1])
    return [proven(run, "peer_closed/reset" if how == "RST" else "peer_closed", **facts)]


def _silent(run: Dossier) -> list[Cause]:
    """Nothing came, or too little: once something came the two look alike."""
    facts = wording.of_end(run)
    if run.observation.version is not None:
        return [proven(run, "peer_silent/response", **facts)]
    if run.answered:
        told = [proven(run, "peer_slow", **facts), proven(run, "peer_silent", **facts)]
        return undecided(told, look_at(run, "network"))
    return [proven(run, "peer_silent", **facts)]


def stalled(run: Dossier) -> list[Cause]:
    """Why nothing came until the deadline."""
    by_proxy = proxies.ended(run)
    if by_proxy:
        return by_proxy
    if run.evidence.events:
        if run.observation.version is not None and not run.events(Kind.REQUEST):
            return guess(run, ["unexplained"], "log")
        if run.answered:
            return guess(run, ["unexplained"], "log")
        return [proven(run, "peer_silent", **wording.of_end(run))]
    if "name_not_found" in run.signs:
        return [proven(run, "name_does_not_resolve", said=run.signs["name_not_found"])]
    if "timed_out" in run.signs:
        return guess(run, SIGNS["timed_out"].causes, "port", **wording.of_end(run))
    if "no_upstream" in run.signs:
        return [proven(run, "connection_refused", said=run.signs["no_upstream"])]
    return starts.hung(run) or guess(run, ["unexplained"], "log")


def disturbed(run: Dossier) -> list[Cause]:
    """What befell a connection over which the records had come."""
    if any(event.facts.get("done") is False for event in run.events(Kind.RENEGOTIATION)):
        return [proven(run, "renegotiation_failed")]
    if "broken_connection" in run.signs or "response_timeout" in run.signs:
        if run.events(Kind.RESPONSE):
            return []
        return [proven(run, "response_lost", how_lost=run.ended_by[1] or "it is not over yet")]
    return []
