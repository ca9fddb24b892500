"""Evidence and Observation -> Diagnosis: the causes that fit, best first, each as sure as shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from flb_handshake import flaws, trust, wording
from flb_handshake.dossier import Dossier, read
from flb_handshake.evidence import Evidence
from flb_handshake.flaws import Flaw
from flb_handshake.judge import Observation, exposure
from flb_handshake.model import ClientAuth, Exposure, Outcome, Side
from flb_handshake.peer.events import Kind
from flb_handshake.remedies import CANNOT_TELL, CANNOT_TELL_WHY, LATE, LOOK, REMEDIES
from flb_handshake.suspects import (
    AGENT_SAYS,
    ALERTS,
    FORMS,
    OF_THE_CLIENT,
    OF_THE_COLLECTOR,
    PEER_SAYS,
    REASONS,
    SIGNS,
    X509_CODES,
    Suspects,
)

_SILENCE: Final = 1.0
"""Seconds without an answer that count as silence."""

_COMPARES_ADDRESSES: Final = (5, 0, 6)
"""From this release on an address is compared with the addresses of a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause that fits what was observed."""

    cause: str
    """Its name; it does not change from release to release."""
    because: str
    """The evidence for it."""
    fix: str
    """What to change."""
    certain: bool
    """Whether the evidence proves it; otherwise others fit as well."""


def explain(evidence: Evidence, observation: Observation) -> tuple[Cause, ...]:
    """The causes that fit, best first; none for a healthy delivery and for a run that was none.

    Where several fit alike, the last one's `because` says so and what to look at next.
    """
    by_outcome = _BY_OUTCOME.get(observation.outcome)
    return tuple(by_outcome(read(evidence, observation))) if by_outcome is not None else ()


def fix_line(causes: Sequence[Cause]) -> str:
    """The last line of a report: every fix that is certain, else the likeliest and its rivals."""
    certain = [one.fix for one in causes if one.certain]
    if certain:
        return "; ".join(dict.fromkeys(certain))
    if len(causes) == 1:
        return causes[0].fix
    return "; ".join(
        f"{'if' if position else 'likeliest, if'} {_in_words(one.cause)}: {one.fix}"
        for position, one in enumerate(causes[:3])
    )


def _cause(run: Dossier, key: str, /, **facts: str) -> Cause:
    """The cause, proven, its texts filled in; what stands after a slash in the key is a variant."""
    words = {**wording.common(run), **facts}
    remedy = REMEDIES[key]
    return Cause(
        cause=key.split("/", 1)[0],
        because=remedy.because.format_map(words),
        fix=remedy.fix.format_map(words),
        certain=True,
    )


def _meant(run: Dossier, name: str, /, **facts: str) -> Cause:
    """The cause as its class alone shows it, proven."""
    words = {**wording.common(run), **facts}
    remedy = REMEDIES[name]
    because = (remedy.meaning or remedy.because).format_map(words)
    return Cause(cause=name, because=because, fix=remedy.fix.format_map(words), certain=True)


def _guess(run: Dossier, names: Iterable[str], look: str, /, **facts: str) -> list[Cause]:
    """These causes as the evidence leaves them: any of them may be it."""
    causes = [_meant(run, name, **facts) for name in names]
    return _undecided(causes, LOOK[look].format_map({**wording.common(run), **facts}))


def _undecided(causes: Sequence[Cause], look: str) -> list[Cause]:
    """The same causes, none of them certain; the last says what to look at next."""
    told = ", ".join(dict.fromkeys(_in_words(one.cause) for one in causes))
    ending = CANNOT_TELL if len(causes) > 1 else CANNOT_TELL_WHY
    *before, last = (replace(one, certain=False) for one in causes)
    because = last.because + ending.format(causes=told, look=look)
    return [*before, replace(last, because=because)]


def _in_words(cause: str) -> str:
    return cause.replace("_", " ")


def _refused_by_agent(run: Dossier) -> list[Cause]:
    suspects = ALERTS.get((Side.AGENT, run.observation.alert or ""))
    if suspects is None:
        return _guess(run, ["unexplained"], "log")
    leaf = wording.of_leaf(run) if run.sent else {}
    for words, key in AGENT_SAYS:
        said = any(words.search(line) for line in run.evidence.agent.log)
        if said and key.split("/", 1)[0] in suspects.causes:
            return [_cause(run, key, **leaf)]
    found = [
        flaw
        for flaw in run.server_flaws(run.name if run.checks_name else None)
        if run.verifies and _of_the_collector(flaw) in suspects.causes
    ]
    if run.sent and run.observation.alert == "unknown_ca" and "tls.ca_path" in run.used:
        elsewhere = _looked_for_elsewhere(run, found)
        if elsewhere:
            return elsewhere
    if found:
        return _of_flaws(run, found, _of_the_collector, wording.of_server_flaw)
    proven = _by_elimination(run)
    return [_cause(run, proven, **leaf)] if proven is not None else _by_class(run, suspects)


def _by_elimination(run: Dossier) -> str | None:
    """What is left when every certificate of the chain was looked at and found without fault."""
    if not run.sent:
        return None
    if run.observation.alert == "decrypt_error":
        return "key_of_another_certificate" if run.all_signed else None
    address = flaws.is_address(run.name) and run.version < _COMPARES_ADDRESSES
    if run.observation.alert == "bad_certificate" and run.checks_name and address:
        return "wrong_host/address"
    return None


def _of_the_collector(flaw: Flaw) -> str:
    kind = flaw.kind.split("/", 1)[0]
    return OF_THE_COLLECTOR.get(kind, kind)


def _of_the_client(flaw: Flaw) -> str:
    return OF_THE_CLIENT.get(flaw.kind.split("/", 1)[0], "client_certificate_refused")


def _of_flaws(
    run: Dossier,
    found: Sequence[Flaw],
    name: Callable[[Flaw], str],
    words: Callable[[Dossier, Flaw], Mapping[str, str]],
) -> list[Cause]:
    """What is proven, in OpenSSL's order; if the first is not, it and its rivals."""
    told = [flaw for flaw in found if flaw.certain is found[0].certain]
    causes: list[Cause] = []
    for flaw in told:
        variant = flaw.kind if flaw.certain or not causes else f"{name(flaw)}/or"
        key = variant if variant in REMEDIES and variant.startswith(name(flaw)) else name(flaw)
        causes.append(_cause(run, key, **words(run, flaw)))
    if found[0].certain:
        return causes
    return _undecided(causes, LOOK["issuer"].format_map(words(run, found[0])))


def _looked_for_elsewhere(run: Dossier, found: Sequence[Flaw]) -> list[Cause]:
    """Why `tls.ca_path` did not lead to the root; empty if the root is not in it at all."""
    if not run.anchors:
        return _guess(run, ["ca_path_empty", "ca_path_missing"], "ca_path")
    if found:
        return []
    if "tls.ca_file" not in run.used:
        return [_cause(run, "ca_path_not_hashed")]
    if run.ca_file_would_do:
        return [_cause(run, "ca_path_wins")]
    return _guess(run, ["ca_path_wins", "ca_path_not_hashed"], "ca_path")


def _by_class(run: Dossier, suspects: Suspects) -> list[Cause]:
    """All that the alert leaves possible, less what the settings rule out."""
    logged = re.search(r"X509 code: (\d+)", run.signs.get("certificate_verify_failed", ""))
    causes = X509_CODES.get(int(logged[1]), suspects.causes) if logged else suspects.causes
    if not run.checks_name and run.can_check_names and len(causes) > 1:
        causes = tuple(one for one in causes if one != "wrong_host")
    if suspects.proves:
        return [_cause(run, causes[0])]
    if logged and len(causes) == 1:
        return [_meant(run, causes[0])]
    return _guess(run, causes, suspects.look)


def _refused_by_peer(run: Dossier) -> list[Cause]:
    causes = _of_the_peer(run)
    if "broken_connection" in run.signs:
        first = replace(causes[0], because=causes[0].because + LATE)
        return [first, *causes[1:]]
    return causes


def _of_the_peer(run: Dossier) -> list[Cause]:
    suspects = ALERTS.get((Side.PEER, run.observation.alert or ""))
    if suspects is None:
        return _guess(run, ["unexplained"], "peer")
    for words, name in PEER_SAYS:
        if words.search(run.peer_says):
            return [_cause(run, _missing(run) if name == "client_certificate_missing" else name)]
    found = [flaw for flaw in run.client_flaws() if _of_the_client(flaw) in suspects.causes]
    if found:
        return _of_flaws(run, found, _of_the_client, wording.of_client_flaw)
    if suspects.causes == ("client_certificate_missing",):
        return [_cause(run, _missing(run))]
    if suspects.proves:
        return _by_class(run, suspects)
    wanted = run.evidence.facts.client_auth != ClientAuth.NONE
    left = [one for one in suspects.causes if wanted or not one.startswith("client_")]
    if run.answered and len(left) > 1:
        left.remove("no_shared_cipher") if "no_shared_cipher" in left else None
    return _guess(run, left or suspects.causes, suspects.look)


def _missing(run: Dossier) -> str:
    keyless = "tls.crt_file" in run.used and "tls.key_file" not in run.used
    return "client_certificate_missing/keyless" if keyless else "client_certificate_missing"


def _not_started(run: Dossier) -> list[Cause]:
    for reason in REASONS:
        if reason.words.search(run.signs.get(reason.sign, "")):
            return [_stopped_by(run, reason.cause)]
    if "key_mismatch" in run.signs and "tls.crt_file" not in run.used:
        return [_cause(run, "key_without_certificate")]
    form = FORMS.get(run.evidence.facts.ca_file)
    if "ca_file_unusable" in run.signs and form is not None:
        return [_stopped_by(run, form)]
    for name, suspects in SIGNS.items():
        if name in run.signs and suspects.proves:
            return [_stopped_by(run, suspects.causes[0])]
        if name in run.signs and name.endswith(("_unusable", "_mismatch")):
            return _guess(run, suspects.causes, suspects.look)
    words = LOOK["log"].format_map(wording.common(run))
    return _undecided([_cause(run, "not_started")], words)


def _stopped_by(run: Dossier, name: str) -> Cause:
    """A cause that stops the start, with what the log and the files say of it."""
    facts = wording.of_start(run, name)
    key = f"{name}/{facts.pop('variant')}" if "variant" in facts else name
    return _cause(run, key, **facts)


def _cut(run: Dossier) -> list[Cause]:
    ends = [event.facts["by"] for event in run.events(Kind.CLOSED)]
    facts = wording.of_end(run)
    if "not_tls" in run.signs and not run.answered:
        return [_cause(run, "peer_speaks_no_tls")]
    if ends[-1:] == ["peer"]:
        if "unexpected_eof" in run.signs and run.version < (5,) and not run.answered:
            return _guess(run, SIGNS["unexpected_eof"].causes, "port", **facts)
        return [_cause(run, "peer_closed", **facts)]
    if wording.seconds_of_silence(run) >= _SILENCE and not run.answered:
        return [_cause(run, "peer_silent", **facts)]
    found = run.server_flaws(run.name if run.checks_name else None) if run.verifies else []
    if run.answered and found and run.observation.version is None:
        causes = _of_flaws(run, found, _of_the_collector, wording.of_server_flaw)
        return _undecided(causes, LOOK["log"])
    return _undecided([_cause(run, "agent_closed", **facts)], LOOK["log"])


def _stalled(run: Dossier) -> list[Cause]:
    if run.evidence.events:
        if run.answered:
            return _guess(run, ["unexplained"], "log")
        return [_cause(run, "peer_silent", **wording.of_end(run))]
    if "name_not_found" in run.signs:
        return [_cause(run, "name_does_not_resolve", said=run.signs["name_not_found"])]
    if "timed_out" in run.signs:
        return _guess(run, SIGNS["timed_out"].causes, "port", **wording.of_end(run))
    if "no_upstream" in run.signs:
        return [_cause(run, "connection_refused", said=run.signs["no_upstream"])]
    return _guess(run, ["unexplained"], "log")


def _cleartext(run: Dossier) -> list[Cause]:
    word = run.word("tls")
    if word is None:
        told = [name for name in run.used if wording.wants_tls(name, run.used[name])]
        if told:
            return [_cause(run, "tls_properties_without_tls", properties=", ".join(told))]
        return [_cause(run, "tls_off", word="not set")]
    switch = run.is_on("tls", default=False)
    if switch is None:
        return [_cause(run, "tls_word_is_no_boolean", word=word)]
    if switch:
        return _guess(run, ["unexplained"], "log")
    return [_cause(run, "tls_off", word=word)]


def _delivered(run: Dossier) -> list[Cause]:
    exposed = exposure(run.evidence, run.observation)
    causes = []
    if {Exposure.WRONG_PEER_ACCEPTED, Exposure.NAME_UNCHECKED} & set(exposed) and run.sent:
        causes += _accepted(run)
    if Exposure.ANONYMOUS_CLIENT_ACCEPTED in exposed:
        causes.append(_cause(run, "anonymous_client_accepted"))
    return causes


def _accepted(run: Dossier) -> list[Cause]:
    """Why a collector that should not be believed was: nobody looked, or not at that."""
    named = trust.bears_name(run.sent[0], run.evidence.facts.name)
    found = run.server_flaws(None if named else run.name)
    if not run.verifies:
        word = run.word("tls.verify") or "off"
        key = "verification_off" if named else "verification_off/name"
        flaw = next(iter(found), None)
        told = wording.of_server_flaw(run, flaw) if flaw is not None else {}
        cause = _cause(run, _key(flaw), **told) if flaw is not None else None
        return [
            _cause(
                run,
                key,
                word=word,
                flaw=cause.because if cause is not None else "any certificate would do",
                remedy=cause.fix if cause is not None else "see what it refuses",
            )
        ]
    causes = []
    overlooked = [flaw for flaw in found if flaw.kind.split("/", 1)[0] in _OVERLOOKED]
    for flaw in overlooked:
        cause = _cause(run, _key(flaw), **wording.of_server_flaw(run, flaw))
        facts = {"flaw": cause.because, "remedy": cause.fix}
        causes.append(_cause(run, "accepted_all_the_same", **facts))
    if not named:
        causes.append(_name_unchecked(run))
    return causes


_OVERLOOKED: Final = frozenset({"revoked", "weak_key", "weak_digest"})
"""What an agent that verifies can pass over: no CRL is read, and the level is the library's."""


def _key(flaw: Flaw) -> str:
    return flaw.kind if flaw.kind in REMEDIES else _of_the_collector(flaw)


def _name_unchecked(run: Dossier) -> Cause:
    facts = dict(wording.of_leaf(run))
    if not run.can_check_names:
        return _cause(run, "name_not_checked/release", **facts)
    if run.is_on("tls.verify", default=True) is None:
        word = run.word("tls.verify") or ""
        return _cause(run, "name_not_checked/verify", word=word, **facts)
    told = run.word("tls.verify_hostname") or "off by default"
    if run.is_on("tls.verify_hostname", default=False) is None:
        told = f"'{told}', which is no boolean and counts as off"
    return _cause(run, "name_not_checked", word=told, **facts)


_BY_OUTCOME: Final[Mapping[Outcome, Callable[[Dossier], list[Cause]]]] = {
    Outcome.REFUSED_BY_AGENT: _refused_by_agent,
    Outcome.REFUSED_BY_PEER: _refused_by_peer,
    Outcome.NOT_STARTED: _not_started,
    Outcome.CUT: _cut,
    Outcome.STALLED: _stalled,
    Outcome.CLEARTEXT: _cleartext,
    Outcome.DELIVERED: _delivered,
}
