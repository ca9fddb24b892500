"""Why a connection to an input came to its end: the agent is the server, a shipper the client."""

from __future__ import annotations

from flb_handshake import wording
from flb_handshake.dossier import Dossier
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
from flb_handshake.outcomes import Side
from flb_handshake.peer.events import Kind
from flb_handshake.suspects import AGENT_SAYS, ALERTS_OF_AN_INPUT, SEES_A_CERTIFICATE


def refused_by_agent(run: Dossier) -> list[Cause]:
    """What the input found fault with."""
    alert = run.observation.alert or ""
    if alert == "decode_error" and "unexpected_eof" in run.signs:
        return _closed(run)
    suspects = ALERTS_OF_AN_INPUT.get((Side.AGENT, alert))
    if suspects is None:
        return guess(run, ["unexplained"], "log")
    for words, key in AGENT_SAYS:
        said = any(words.search(line) for line in run.evidence.agent.log)
        if said and key.split("/", 1)[0] in suspects.causes:
            return [proven(run, key)]
    if "version_bounds_clash" in suspects.causes and run.clashing_bounds:
        return [proven(run, "version_bounds_clash")]
    found = [
        flaw
        for flaw in run.peer_flaws(None)
        if run.verifies and name_in_peers_chain(run, flaw) in suspects.causes
    ]
    if not found:
        return by_class(run, suspects)
    if run.anchors or not found[0].certain:
        return of_flaws(run, found, name_in_peers_chain, wording.of_peer_flaw)
    return [_under_the_system_store(run, flaw) for flaw in found if flaw.certain]


def _under_the_system_store(run: Dossier, flaw: Flaw) -> Cause:
    """A flaw that is found where `tls.ca_file` is not set, so that the system's store is asked."""
    name = name_in_peers_chain(run, flaw)
    unset = name == "client_certificate_untrusted" and "tls.ca_file" not in run.used
    return proven(run, f"{name}/unset" if unset else name, **wording.of_peer_flaw(run, flaw))


def refused_by_peer(run: Dossier) -> list[Cause]:
    """What the shipper found fault with: most often the input's own certificate."""
    alert = run.observation.alert or ""
    suspects = ALERTS_OF_AN_INPUT.get((Side.PEER, alert))
    too_early = alert in SEES_A_CERTIFICATE and not run.events(Kind.SERVER_CHAIN)
    if suspects is None or too_early:
        return peers_alert(run, alert)
    found = [flaw for flaw in run.own_flaws() if name_in_own_chain(run, flaw) in suspects.causes]
    if found:
        return of_flaws(run, found, name_in_own_chain, wording.of_own_flaw)
    return by_class(run, suspects)


def cut(run: Dossier) -> list[Cause]:
    """Who ended the connection, when, and what may have moved it."""
    if run.evidence.agent.exit_code is not None:
        return [proven(run, "agent_ended")]
    greeted = bool(run.events(Kind.CLIENT_HELLO))
    serves_tls = run.is_on("tls", default=False) is True
    if serves_tls and "not_tls" in run.signs and not greeted:
        http = "http request" in run.signs["not_tls"]
        return [proven(run, "peer_speaks_no_tls/http" if http else "peer_speaks_no_tls")]
    if serves_tls and not greeted and any(not one.facts["tls"] for one in run.events(Kind.SHIPPED)):
        return [proven(run, "peer_speaks_no_tls")]
    if "timed_out" in run.signs:
        key = "peer_silent" if "accept_timeout" in run.signs and serves_tls else "peer_silent/idle"
        return [proven(run, key, **wording.of_end(run))]
    if run.ended_by[0] == "peer":
        return _closed(run)
    if not serves_tls and greeted:
        return [proven(run, "input_speaks_no_tls")]
    facts = wording.of_end(run)
    told = [proven(run, "agent_closed", **facts)]
    if not serves_tls and not run.events(Kind.SHIPPED):
        told.insert(0, proven(run, "input_speaks_no_tls"))
    elif serves_tls and not run.events(Kind.NEGOTIATED):
        told.insert(0, proven(run, "peer_silent", **facts))
    return undecided(told, look_at(run, "port"))


def _closed(run: Dossier) -> list[Cause]:
    """The shipper ended the connection: before it had said anything, or in the middle."""
    facts = wording.of_end(run)
    if run.ended_by[1] == "RST":
        return [proven(run, "peer_closed/reset", **facts)]
    said = [event.facts["name"] for event in run.events(Kind.ALERT) if event.facts["by"] == "peer"]
    if said and said[-1] != "close_notify":
        return peers_alert(run, said[-1])
    spoke = run.events(Kind.CLIENT_HELLO) or run.events(Kind.SHIPPED)
    return [proven(run, "peer_closed" if spoke else "closed_before_hello", **facts)]


def stalled(run: Dossier) -> list[Cause]:
    """Why nothing came out of the agent until the deadline."""
    if run.events(Kind.SHIPPED):
        return undecided([proven(run, "records_unusable")], look_at(run, "log"))
    if run.events(Kind.CLIENT_HELLO) and not run.events(Kind.FIRST_BYTES):
        if run.is_on("tls", default=False) is not True:
            return [proven(run, "input_speaks_no_tls")]
        causes = [proven(run, "input_held_up", **wording.of_end(run))]
        return undecided(causes, look_at(run, "log"))
    if run.evidence.events:
        return [proven(run, "peer_silent/idle", **wording.of_end(run))]
    return guess(run, ["unexplained"], "log")
