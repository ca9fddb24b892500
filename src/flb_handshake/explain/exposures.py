"""Why what was delivered should not have been, or not like this."""

from __future__ import annotations

from typing import Final

from flb_handshake import trust, wording
from flb_handshake.dossier import Dossier
from flb_handshake.explain.causes import Cause, name_in_peers_chain, proven, text_of
from flb_handshake.flaws import Flaw
from flb_handshake.hosts import is_address
from flb_handshake.judge import exposure
from flb_handshake.outcomes import Exposure

_DEMANDS_SINCE: Final = (5, 0)
"""`tls.verify_client_cert` exists from here on."""

_OVERLOOKED: Final = frozenset({"revoked", "weak_key", "weak_digest"})
"""What an agent that verifies can pass over: no CRL is read, and the level is the library's."""


def in_cleartext(run: Dossier) -> list[Cause]:
    """Why the records travelled in cleartext."""
    of_plugin = _of_the_plugin(run)
    if of_plugin is not None:
        return [of_plugin]
    word = run.word("tls")
    if run.has_node and not run.is_on("tls", default=False):
        return [proven(run, "tls_off_in_the_node", word=word or "not set")]
    if word is None:
        told = [name for name in run.used if wording.wants_tls(name, run.used[name])]
        if told:
            return [proven(run, "tls_properties_without_tls", properties=", ".join(told))]
        return [proven(run, "tls_off", word="not set")]
    if run.is_on("tls", default=False):
        return [_without_tls(run)]
    key = "tls_off" if run.says_no("tls") else "tls_word_is_no_boolean"
    return [proven(run, key, word=word)]


def _of_the_plugin(run: Dossier) -> Cause | None:
    """Why a plugin speaks no TLS, whatever `tls` says; None: it is not the plugin's doing."""
    plugin = run.evidence.facts.plugin
    mode = run.word("mode")
    if plugin in _IN_DATAGRAMS and (mode or "udp").lower() == "udp":
        return proven(run, "sends_datagrams", mode=mode or "udp, its default")
    if plugin in _WITHOUT_TLS:
        return _without_tls(run)
    endpoint = run.word("endpoint") or ""
    if plugin == "s3" and endpoint.startswith("http://"):
        return proven(run, "endpoint_without_tls", word=endpoint)
    return None


def _without_tls(run: Dossier) -> Cause:
    return proven(run, "plugin_without_tls")


_IN_DATAGRAMS: Final = frozenset({"gelf", "syslog"})
"""Outputs that send datagrams unless their own `mode` says otherwise."""

_WITHOUT_TLS: Final = frozenset({"nats"})


def in_delivery(run: Dossier) -> list[Cause]:
    """Why somebody was believed who should not have been."""
    exposed = exposure(run.evidence, run.observation)
    causes = []
    if {Exposure.WRONG_PEER_ACCEPTED, Exposure.NAME_UNCHECKED} & set(exposed) and run.sent:
        causes += _accepted_shipper(run) if run.is_input else _accepted_collector(run)
    if Exposure.ANONYMOUS_CLIENT_ACCEPTED in exposed:
        causes.append(_anonymous(run))
    return causes


def _anonymous(run: Dossier) -> Cause:
    """Why a client without a certificate was let in."""
    if not run.is_input:
        return proven(run, "anonymous_client_accepted")
    demanded = run.is_on("tls.verify_client_cert", default=False)
    if not run.verifies:
        variant = "trap" if demanded else "verification_off"
        word = run.word("tls.verify") or "off"
        return proven(run, f"anonymous_client_accepted/{variant}", word=word)
    if run.version < _DEMANDS_SINCE:
        return proven(run, "anonymous_client_accepted/release")
    return proven(run, "anonymous_client_accepted")


def _accepted_shipper(run: Dossier) -> list[Cause]:
    return _overlooked(run, run.peer_flaws(None))


def _accepted_collector(run: Dossier) -> list[Cause]:
    """Why a collector that should not be believed was: nobody looked, or not at that."""
    named = trust.bears_name(run.sent[0], run.evidence.facts.name)
    found = run.peer_flaws(None if named else run.name)
    if not run.verifies:
        word = run.word("tls.verify") or "off"
        key = "verification_off" if named else "verification_off/name"
        cause = _of_flaw(run, found[0]) if found else None
        return [
            proven(
                run,
                key,
                word=word,
                flaw=cause.because if cause is not None else "any certificate would do",
                remedy=cause.fix if cause is not None else "see what it refuses",
            )
        ]
    causes = _overlooked(run, found)
    if not named:
        causes.append(_name_unchecked(run))
    return causes


def _overlooked(run: Dossier, found: list[Flaw]) -> list[Cause]:
    causes = []
    for flaw in found:
        if flaw.kind.split("/", 1)[0] in _OVERLOOKED:
            cause = _of_flaw(run, flaw)
            facts = {"flaw": cause.because, "remedy": cause.fix}
            causes.append(proven(run, "accepted_all_the_same", **facts))
    return causes


def _of_flaw(run: Dossier, flaw: Flaw) -> Cause:
    key = text_of(run, flaw, name_in_peers_chain(run, flaw))
    return proven(run, key, **wording.of_peer_flaw(run, flaw))


def _name_unchecked(run: Dossier) -> Cause:
    facts = dict(wording.of_leaf(run))
    if run.checks_name and is_address(run.name):
        return proven(run, "address_compared_as_a_name", **facts)
    if not run.can_check_names:
        return proven(run, "name_not_checked/release", **facts)
    if run.is_on("tls.verify", default=True) is None:
        word = run.word("tls.verify") or ""
        return proven(run, "name_not_checked/verify", word=word, **facts)
    if run.is_on("tls.verify_hostname", default=False):
        return proven(run, "name_check_passed_over", **facts)
    told = run.word("tls.verify_hostname") or "off by default"
    if run.is_on("tls.verify_hostname", default=False) is None:
        told = f"'{told}', which is no boolean and counts as off"
    return proven(run, "name_not_checked", word=told, **facts)
