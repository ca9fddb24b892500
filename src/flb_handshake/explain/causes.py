"""A cause, and how one is told: proven, one of several that fit, or what is left of a class."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flb_handshake import wording
from flb_handshake.dossier import Dossier
from flb_handshake.flaws import Flaw
from flb_handshake.remedies.alerts import MEANING
from flb_handshake.remedies.looks import CANNOT_TELL, CANNOT_TELL_WHY
from flb_handshake.suspects import X509_CODES, Suspects, of_own, of_peer


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


def fix_line(causes: Sequence[Cause]) -> str:
    """The last line of a report: every fix that is certain, else the likeliest and its rivals."""
    certain = [one.fix for one in causes if one.certain]
    if certain:
        return "; ".join(dict.fromkeys(certain))
    if len(causes) == 1:
        return causes[0].fix
    return "; ".join(
        f"{'if' if position else 'likeliest, if'} {in_words(one.cause)}: {one.fix}"
        for position, one in enumerate(causes[:3])
    )


def proven(run: Dossier, key: str, /, **facts: str) -> Cause:
    """The cause, proven, its texts filled in; what stands after a slash in the key is a variant."""
    words = {**wording.common(run), **facts}
    remedy = wording.book(run).remedies[key]
    return Cause(
        cause=key.split("/", 1)[0],
        because=remedy.because.format_map(words),
        fix=remedy.fix.format_map(words),
        certain=True,
    )


def meant(run: Dossier, name: str, /, **facts: str) -> Cause:
    """The cause as its class alone shows it, proven."""
    words = {**wording.common(run), **facts}
    remedy = wording.book(run).remedies[name]
    because = (remedy.meaning or remedy.because).format_map(words)
    return Cause(cause=name, because=because, fix=remedy.fix.format_map(words), certain=True)


def guess(run: Dossier, names: Iterable[str], look: str, /, **facts: str) -> list[Cause]:
    """These causes as the evidence leaves them: any of them may be it."""
    causes = [meant(run, name, **facts) for name in names]
    return undecided(causes, look_at(run, look, **facts))


def look_at(run: Dossier, look: str, /, **facts: str) -> str:
    """The next observation, in words."""
    return wording.book(run).look[look].format_map({**wording.common(run), **facts})


def undecided(causes: Sequence[Cause], look: str) -> list[Cause]:
    """The same causes, none of them certain; the last says what to look at next."""
    told = ", ".join(dict.fromkeys(in_words(one.cause) for one in causes))
    ending = CANNOT_TELL if len(causes) > 1 else CANNOT_TELL_WHY
    *before, last = (replace(one, certain=False) for one in causes)
    because = last.because + ending.format(causes=told, look=look)
    return [*before, replace(last, because=because)]


def in_words(cause: str) -> str:
    """The name of a cause as it is read."""
    return cause.replace("_", " ")


def name_in_peers_chain(run: Dossier, flaw: Flaw) -> str:
    """The cause that a flaw in the peer's chain is."""
    return of_peer(flaw.kind, is_input=run.is_input)


def name_in_own_chain(run: Dossier, flaw: Flaw) -> str:
    """The cause that a flaw in the agent's own chain is."""
    return of_own(flaw.kind, is_input=run.is_input)


def text_of(run: Dossier, flaw: Flaw, name: str) -> str:
    """The key of the text that suits a flaw best: a variant of its cause, if there is one."""
    fits = flaw.kind in wording.book(run).remedies and flaw.kind.startswith(name)
    return flaw.kind if fits else name


def of_flaws(
    run: Dossier,
    found: Sequence[Flaw],
    name: Callable[[Dossier, Flaw], str],
    words: Callable[[Dossier, Flaw], Mapping[str, str]],
) -> list[Cause]:
    """What is proven, in OpenSSL's order; if the first is not, it and its rivals."""
    told = [flaw for flaw in found if flaw.certain is found[0].certain]
    causes: list[Cause] = []
    for flaw in told:
        key = text_of(run, flaw, name(run, flaw))
        rival = f"{name(run, flaw)}/or"
        if causes and not flaw.certain and rival in wording.book(run).remedies:
            key = rival
        causes.append(proven(run, key, **words(run, flaw)))
    if found[0].certain:
        return causes
    return undecided(causes, look_at(run, "issuer", **words(run, found[0])))


def by_class(run: Dossier, suspects: Suspects) -> list[Cause]:
    """All that the alert leaves possible, less what the settings rule out."""
    logged = re.search(r"X509 code: (\d+)", run.signs.get("certificate_verify_failed", ""))
    causes = suspects.causes
    if logged and not run.is_input:
        causes = X509_CODES.get(int(logged[1]), causes)
    if not run.checks_name and run.can_check_names and not run.is_input and len(causes) > 1:
        causes = tuple(one for one in causes if one != "wrong_host")
    if suspects.proves:
        return [proven(run, causes[0])]
    if logged and len(causes) == 1:
        return [meant(run, causes[0])]
    return guess(run, causes, suspects.look)


def peers_alert(run: Dossier, name: str) -> list[Cause]:
    """An alert of the peer's that the evidence gives no other reason for: what it says."""
    if name not in MEANING:
        return guess(run, ["unexplained"], "peer")
    told = proven(run, "peer_alert", **wording.of_alert(run, name))
    return undecided([told], look_at(run, "peer"))
