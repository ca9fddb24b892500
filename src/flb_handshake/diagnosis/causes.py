"""The ranked causes of a trouble: wording, release, plugin and configuration weighed together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from flb_handshake.diagnosis.configured import Settings
from flb_handshake.diagnosis.examined import Finding
from flb_handshake.diagnosis.remedying import fix_of, meaning_of, scenario_of
from flb_handshake.diagnosis.troubles import Trouble
from flb_handshake.diagnosis.vocabulary import WORD_OF, Word

_LEFT_OPEN: Final = 0.3
"""What always speaks for a cause that no rule names, beside clues whose strength is 1 to 12."""
_FITS: Final = 15.0
"""What a fault in a file weighs that the log speaks of too."""
_SHOWN_BY_A_FILE: Final = 3.0
_MOST_TOLD: Final = 6
_LEAST_TOLD: Final = 0.02
_OVERRULED: Final = {"key_mismatch": "key_file_unusable"}
"""What is said after any failure of the other, and so says nothing of its own."""
_OF_A_CHAIN: Final = frozenset(
    {
        Word.UNTRUSTED_CA,
        Word.SYSTEM_CA,
        Word.MISSING_INTERMEDIATE,
        Word.HOSTNAME_MISMATCH,
        Word.EXPIRED,
        Word.NOT_YET_VALID,
        Word.WRONG_PURPOSE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One cause that a trouble may have."""

    cause: Word
    confidence: float
    """0 to 1: the part of all that speaks for anything."""
    because: str
    fix: str
    scenario: str | None
    """The scenario of the catalogue that reproduces it; None: there is none."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """A rule on what a release, a plugin or a configuration makes likelier or impossible."""

    when: Callable[[Trouble, Settings | None], bool]
    factors: Mapping[Word, float]
    because: str
    adds: Mapping[str, float] = field(default_factory=dict)
    """By the judge's own cause: what it puts beside what the wording speaks for."""


def _set(name: str) -> Callable[[Trouble, Settings | None], bool]:
    return lambda _, settings: settings is not None and bool(settings.get(name))


def _unset(*names: str) -> Callable[[Trouble, Settings | None], bool]:
    return lambda _, settings: settings is not None and not any(map(settings.get, names))


def _is(name: str, wanted: bool) -> Callable[[Trouble, Settings | None], bool]:  # noqa: FBT001
    return lambda _, settings: settings is not None and settings.is_on(name) is wanted


def _lies(since: str, before: str) -> Callable[[Trouble, Settings | None], bool]:
    return lambda trouble, _: trouble.release.lies(since, before)


def _client(trouble: Trouble, settings: Settings | None) -> bool:
    return settings is not None and not trouble.is_input


def _compares_names(trouble: Trouble) -> bool:
    """Whether the release compares names without being asked to."""
    return "mbedtls_refused" in trouble.clues or (
        "eof_with_reason" in trouble.clues and trouble.release.may_lie("3.0.7", "3.0.8")
    )


def _checks_no_name(trouble: Trouble, settings: Settings | None) -> bool:
    """3.0.7 alone, and mbedTLS, compare the name without being asked (history, runs to 5.1.1)."""
    if trouble.is_input or "mbedtls_refused" in trouble.clues:
        return False
    if trouble.release.lies("1.9", "3.0.7"):
        return True
    asked = settings is not None and settings.is_on("tls.verify_hostname") is not True
    return asked and trouble.release.lies("3.1", "999")


_UNNAMED: Final = "no tls.ca_file or tls.ca_path is set, so the system's store is what counts"

WEIGHINGS: Final = (
    # --- the release
    Weighing(_checks_no_name, {Word.HOSTNAME_MISMATCH: 0.05}, ""),
    Weighing(
        lambda trouble, _: "eof_with_reason" in trouble.clues
        and trouble.release.may_lie("3.0.7", "3.0.8"),
        {Word.HOSTNAME_MISMATCH: 1.3},
        "",
    ),
    Weighing(
        lambda trouble, _: "eof_with_reason" in trouble.clues
        and trouble.release.lies("3.0.7", "3.0.8"),
        {Word.HOSTNAME_MISMATCH: 3.0},
        "3.0.7 compares the name whenever tls.verify is on",
    ),
    Weighing(
        lambda trouble, _: not trouble.is_input and trouble.release.lies("3.2.0", "3.2.1"),
        {Word.ALPN: 4.0},
        "3.2.0 registers a protocol callback in every client, which breaks handshakes (not 3.2.1)",
        {"no_common_alpn": 0.3},
    ),
    Weighing(
        _lies("1.7", "1.8.13"),
        {Word.SYSTEM_CA: 4.0},
        "1.7 to 1.8.12 do not load the system's store on Windows, and images of 1.7 held none",
    ),
    Weighing(
        lambda trouble, _: trouble.release.lies("3.0.7", "5.0")
        and "unexpected_eof" in trouble.clues
        and not trouble.is_input,
        dict.fromkeys(_OF_A_CHAIN, 0.25),
        "",  # a certificate that Fluent Bit refuses has words of its own there
    ),
    Weighing(
        lambda trouble, _: trouble.debug
        and not trouble.is_input
        and "unexpected_eof" in trouble.clues
        and not any(name.startswith("alert:") for name in trouble.clues),
        dict.fromkeys(_OF_A_CHAIN, 0.1),
        "",  # who refuses a certificate says so by an alert, which tls.debug 1 writes
    ),
    # --- the plugin
    Weighing(
        lambda trouble, _: "kubelet" in " ".join(text for _, text in trouble.lines),
        {Word.UNTRUSTED_CA: 2.0, Word.SYSTEM_CA: 0.1, Word.CONNECTION_RESET: 0.5},
        "a kubelet's own certificate is often not signed by the cluster's CA",
    ),
    Weighing(
        lambda trouble, _: trouble.owner.plugin in {"kubernetes", "kubernetes_events"}
        and not trouble.release.lies("1.7", "1.8.13"),
        {Word.UNTRUSTED_CA: 1.5, Word.SYSTEM_CA: 0.1},
        "the cluster's own CA signs what is dialled here",
    ),
    Weighing(
        lambda trouble, _: trouble.owner.plugin in {"kubernetes", "kubernetes_events"}
        and _compares_names(trouble),
        {Word.HOSTNAME_MISMATCH: 2.5},
        "the name is compared, and in a cluster many names and addresses are dialled that the "
        "certificate does not bear",
    ),
    Weighing(
        lambda trouble, _: "broken_connection" in trouble.clues
        and not trouble.debug
        and not any("[tls]" in text for _, text in trouble.lines),
        {Word.PLAINTEXT_PORT: 2.0},
        "nothing in the log comes from TLS, as where it is not on",
    ),
    Weighing(
        lambda trouble, settings: settings is None
        and trouble.owner.kind == "output"
        and trouble.target.endswith(":443"),
        {Word.SYSTEM_CA: 3.0, Word.UNTRUSTED_CA: 0.8, Word.PLAINTEXT_PORT: 0.3},
        "port 443 is where public services answer, which the system's store is for",
    ),
    # --- the configuration
    Weighing(
        lambda trouble, settings: _is("tls.verify", wanted=False)(trouble, settings)
        and not any(name.startswith("alert:peer:") for name in trouble.clues),
        dict.fromkeys(_OF_A_CHAIN, 0.03),
        "",  # what the other side refused, it has judged itself
    ),
    Weighing(
        lambda trouble, settings: _client(trouble, settings)
        and _unset("tls.ca_file", "tls.ca_path")(trouble, settings),
        {Word.SYSTEM_CA: 3.0, Word.UNTRUSTED_CA: 0.7},
        _UNNAMED,
    ),
    Weighing(_set("tls.ca_file"), {Word.SYSTEM_CA: 0.1, Word.UNTRUSTED_CA: 1.6},
             "tls.ca_file is set, which keeps the system's store from being loaded"),
    Weighing(_unset("tls.crt_file"), {Word.CLIENT_CERT_UNTRUSTED: 0.1, Word.KEY_MISMATCH: 0.1,
                                      Word.CLIENT_CERT_MISSING: 1.5}, "no tls.crt_file is set"),
    Weighing(_set("tls.crt_file"), {Word.CLIENT_CERT_MISSING: 0.3, Word.CLIENT_CERT_UNTRUSTED: 1.5},
             "tls.crt_file is set"),
    Weighing(
        lambda trouble, settings: settings is not None and settings.is_on("tls") is not True
        and not {"verify_failed", "unexpected_eof"} & set(trouble.clues),
        {Word.PLAINTEXT_PORT: 3.0}, "tls is not on here",
    ),
    Weighing(
        lambda trouble, settings: settings is not None and settings.is_node
        and settings.is_on("tls") is not True
        and not {"verify_failed", "unexpected_eof"} & set(trouble.clues),
        {}, "", {"tls_off_in_the_node": 2.0},
    ),
    Weighing(lambda _, settings: settings is not None and settings.host_is_url,
             {Word.CONFIG_SYNTAX: 5.0}, "Host holds a URL"),
    Weighing(lambda _, settings: settings is not None and settings.host_is_address,
             {Word.HOSTNAME_MISMATCH: 2.0}, "an address is dialled, which few certificates bear"),
    Weighing(
        _is("tls.verify_hostname", wanted=True),
        {Word.HOSTNAME_MISMATCH: 1.8},
        "tls.verify_hostname is on",
    ),
    Weighing(_set("tls.vhost"), {Word.HOSTNAME_MISMATCH: 1.6},
             "tls.vhost is set, and the name check compares it"),
    Weighing(_set("tls.min_version"), {Word.PROTOCOL_VERSION: 2.0}, "tls.min_version is set"),
    Weighing(_set("tls.max_version"), {Word.PROTOCOL_VERSION: 2.0}, "tls.max_version is set"),
    Weighing(_set("tls.ciphers"), {Word.CIPHER: 2.0}, "tls.ciphers is set"),
    Weighing(_set("proxy"), {Word.PROXY: 3.0}, "a proxy is set"),
)  # fmt: skip


def ranked(
    trouble: Trouble, settings: Settings | None = None, findings: Sequence[Finding] = ()
) -> tuple[Ranked, ...]:
    """The causes that a trouble may have, the likeliest first; never none."""
    rules = [one for one in WEIGHINGS if one.when(trouble, settings)]
    scores, cause_of, told = _from_clues(trouble, rules)
    for finding in findings:
        word = WORD_OF[finding.cause]
        if not scores.get(word) and word is Word.CA_FILE_UNREADABLE:
            continue  # it may be missing here alone: nothing in the log speaks of a file
        scores[word] += _FITS if scores.get(word) else _SHOWN_BY_A_FILE
        cause_of[word] = finding.cause
        told[word].append(finding.told)
    for rule in rules:
        for word, factor in rule.factors.items():
            if word in scores:
                scores[word] *= factor
                if factor > 1 and rule.because:
                    told[word].append(rule.because)
    whole = sum(scores.values())
    order = sorted(scores, key=lambda word: -scores[word])[:_MOST_TOLD]
    shares = {word: scores[word] / whole for word in order}
    kept = [word for word in order if shares[word] >= _LEAST_TOLD]
    return tuple(
        Ranked(
            cause=word,
            confidence=round(shares[word], 2),
            because=_because(cause_of.get(word, "unexplained"), told[word], trouble),
            fix=fix_of(word, cause_of.get(word, ""), trouble, settings),
            scenario=scenario_of(word, cause_of.get(word, ""), is_input=trouble.is_input),
        )
        for word in kept
    )


def _from_clues(
    trouble: Trouble, rules: Sequence[Weighing]
) -> tuple[dict[Word, float], dict[Word, str], dict[Word, list[str]]]:
    """What the clues alone say: scores, the heaviest own cause of each word, and the reasons."""
    own: defaultdict[str, float] = defaultdict(float)
    told: defaultdict[Word, list[str]] = defaultdict(list)
    said = [one for name, one in trouble.clues.items() if _OVERRULED.get(name) not in trouble.clues]
    for clue in sorted(said, key=lambda one: -one.strength):
        for cause, weight in clue.causes.items():
            own[cause] += weight * clue.strength
            if clue.told not in told[WORD_OF[cause]]:
                told[WORD_OF[cause]].append(clue.told)
    for rule in rules:
        for cause, weight in rule.adds.items():
            own[cause] += weight
    if not trouble.is_input and own.get("untrusted_root"):
        own["system_store"] += own["untrusted_root"] * 0.4
        told[Word.SYSTEM_CA] += told[Word.UNTRUSTED_CA]
    scores: defaultdict[Word, float] = defaultdict(float)
    scores[Word.UNKNOWN] = _LEFT_OPEN
    cause_of: dict[Word, str] = {}
    for cause, score in sorted(own.items(), key=lambda item: -item[1]):
        word = WORD_OF[cause]
        scores[word] += score
        cause_of.setdefault(word, cause)
    return scores, cause_of, told


def _because(cause: str, told: Sequence[str], trouble: Trouble) -> str:
    """What speaks for it."""
    means = meaning_of(cause, trouble)
    reasons = "; ".join(dict.fromkeys(told[:3]))
    if not reasons:
        return means
    return f"{reasons}: {means}" if means else reasons


def overall(each: Sequence[Sequence[Ranked]]) -> tuple[Word, ...]:
    """The causes of several troubles of one log as one ranking: by the highest confidence."""
    best: dict[Word, float] = {}
    for causes in each:
        for one in causes:
            best[one.cause] = max(best.get(one.cause, 0.0), one.confidence)
    return tuple(sorted(best, key=lambda word: -best[word]))
