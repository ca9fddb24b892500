"""What a line of a log speaks for: the causes that its wording leaves possible, and how strongly.

Rules speak of wording alone; release, plugin and configuration are weighed in `causes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from flb_handshake import suspects
from flb_handshake.agent import logs
from flb_handshake.diagnosis.wordings import OF_AN_INPUT, STRONG, WORDINGS, Wording
from flb_handshake.outcomes import Side
from flb_handshake.remedies.alerts import MEANING

_ALERT: Final = re.compile(r"SSL3 alert (?P<way>read|write):fatal:(?P<name>.+)$")
_ALERT_REASON: Final = re.compile(r"(?:sslv3|tlsv1|tlsv13|ssl/tls|tls) alert (?P<name>[\w ]+)$")
_CODE: Final = re.compile(r"\(X509 code: (?P<code>\d+)\)")
_INPUT: Final = re.compile(r"SSL_accept|^\[input|^\[downstream\]|\[io_tls\] handshake connection #")
_OUTPUT: Final = re.compile(
    r"SSL_connect|upstream connection|^\[(?:output|upstream|http_client|aws_client|filter|out_)"
)

_RANKS: Final = (1.0, 0.5, 0.25, 0.18, 0.12, 0.08, 0.06, 0.05)
"""What the first, the second … of the causes that `suspects` lists weighs."""

_BY_CODE: Final[Mapping[int, tuple[str, ...]]] = {
    **suspects.X509_CODES,
    19: ("untrusted_root",),
    79: ("issuer_is_not_a_ca",),
}
"""79 is X509_V_ERR_INVALID_CA from OpenSSL 3.0 on (3.2.10 to 4.2.8 were seen to log it)."""

_CLEAR: Final = 6.0
_WIDE: Final = 3.0
_SAYS_LITTLE: Final = 1.0

_STRENGTH_OF: Final[Mapping[str, float]] = {
    "certificate_verify_failed": _WIDE,
    "not_tls": STRONG,
    "unexpected_eof": _SAYS_LITTLE,
    "connection_reset": _WIDE,
    "broken_connection": 2.0,
    "timed_out": _CLEAR,
    "no_upstream": 0.4,
    "tls_certificate_missing": STRONG,
    "tls_key_missing": STRONG,
}

_PASSED_OVER: Final = frozenset(
    {
        "x509_reason",  # its code says it
        "unexpected_eof",  # wordings.py, by what is told with it
        "broken_connection",
        "no_upstream",
        "connection_reset",
        "timed_out",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """Something that a line says."""

    name: str
    causes: Mapping[str, float]
    """The judge's own causes that it leaves possible, and what each weighs; they add up to 1."""
    strength: float
    told: str
    """What the line says, in the words of a reader."""
    look: str = "log"
    """What would tell its causes apart: a key of `remedies.LOOK`."""
    begins: bool = False
    """Whether it stands at the beginning of a trouble, before the line that names an output."""


def side_of(text: str) -> bool | None:
    """Whether a line is of an input; None: it does not tell."""
    if _OUTPUT.search(text):  # first: inputs that fetch, as kubernetes_events does, are clients
        return False
    return True if _INPUT.search(text) else None


def clues(text: str, *, is_input: bool) -> tuple[Clue, ...]:
    """What a line says of why TLS failed; empty: nothing."""
    return tuple(_clues(text, is_input=is_input))


def _clues(text: str, *, is_input: bool) -> Iterator[Clue]:
    if match := _ALERT.search(text):
        sender = Side.PEER if match["way"] == "read" else Side.AGENT
        yield _of_alert(sender, _iana(match["name"]), is_input=is_input)
        return
    if match := _CODE.search(text):
        yield _of_code(int(match["code"]), is_input=is_input)
        return
    for wording in WORDINGS:
        if wording.pattern.search(text):
            yield _of_wording(wording, is_input=is_input)
            if wording.alone:
                return
    if match := _ALERT_REASON.search(text):
        yield _of_alert(Side.PEER, _iana(match["name"]), is_input=is_input)
        return
    yield from _by_openssl_or_sign(text, is_input=is_input)


def _by_openssl_or_sign(text: str, *, is_input: bool) -> Iterator[Clue]:
    for pattern, key in suspects.AGENT_SAYS:
        if pattern.search(text):
            cause = key.split("/", 1)[0]
            yield _clue(f"says:{cause}", (cause,), 8.0, text)
            return
    for sign in logs.signs([text]):
        if sign.name in suspects.SIGNS and sign.name not in _PASSED_OVER:
            yield _of_sign(sign, is_input=is_input)


def _iana(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


@cache
def _of_alert(sender: Side, name: str, *, is_input: bool) -> Clue:
    """An alert; one of the peer's may always be for a reason that is the peer's own."""
    table = suspects.ALERTS_OF_AN_INPUT if is_input else suspects.ALERTS
    found = table.get((sender, name))
    sent = sender is Side.AGENT
    if name == "unknown" and not sent:
        # OpenSSL 3.0 has no words for certificate_required, the alert of TLS 1.3 (5.1.1: debug).
        weights = {"client_certificate_missing": 0.6, "peer_alert": 0.4}
    elif sent and name == "decode_error":
        # OpenSSL 3 answers an end in the middle of a handshake so, and hardly anything else.
        weights = {
            "closed_before_hello" if is_input else "peer_closed": 0.9,
            "peer_breaks_tls": 0.1,
        }
    elif found is None:
        weights = {"peer_alert": 0.7, "peer_closed": 0.3}
    else:
        weights = _ranked(found.causes)
        if not sent and not found.proves:
            weights = {one: weight * 0.75 for one, weight in weights.items()} | {"peer_alert": 0.25}
    told = "Fluent Bit sent" if sent else "the other side sent"
    return Clue(
        name=f"alert:{sender}:{name}",
        causes=weights,
        strength=_CLEAR,
        told=f"{told} the alert {name}{f' ({MEANING[name]})' if name in MEANING else ''}",
        look=found.look if found else "peer",
        begins=True,
    )


@cache
def _of_code(code: int, *, is_input: bool) -> Clue:
    causes = _BY_CODE.get(code, ("unexplained",))
    if is_input:
        flaw = {"not_a_server_certificate": "wrong_usage"}
        causes = tuple(
            suspects.of_peer(flaw.get(one, one), is_input=True) if one in _OF_A_CHAIN else one
            for one in causes
        )
    return Clue(
        name=f"code:{code}",
        causes=_ranked(tuple(dict.fromkeys(causes))),
        strength=STRONG,
        told=f"OpenSSL gives the reason as X509 code {code}",
        look=_judged("chain") if is_input else "chain",
        begins=True,
    )


_OF_A_CHAIN: Final = frozenset(cause for causes in _BY_CODE.values() for cause in causes)


@cache
def _of_wording(wording: Wording, *, is_input: bool) -> Clue:
    causes = (OF_AN_INPUT if is_input else {}).get(wording.name, wording.causes)
    whole = sum(causes.values())
    return Clue(
        name=wording.name,
        causes={one: weight / whole for one, weight in causes.items()},
        strength=wording.strength,
        told=wording.told,
        look=_judged(wording.look) if is_input else wording.look,
        begins=wording.begins,
    )


def _of_sign(sign: logs.Sign, *, is_input: bool) -> Clue:
    found = suspects.SIGNS[sign.name]
    causes = found.causes
    for reason in suspects.REASONS:
        if reason.sign == sign.name and reason.words.search(sign.text):
            causes = tuple(dict.fromkeys((reason.cause, *causes)))
            break
    if is_input and sign.name == "certificate_verify_failed":
        causes = suspects.ALERTS_OF_AN_INPUT[Side.AGENT, "unknown_ca"].causes
    strength = _STRENGTH_OF.get(sign.name, STRONG)
    look = _judged(found.look) if is_input else found.look
    return _clue(sign.name, causes, strength, sign.text, look)


def _judged(look: str) -> str:
    """What an input looks at where an output looks at the chain that it refused."""
    return "client" if look == "chain" else look


def _clue(
    name: str, causes: tuple[str, ...], strength: float, text: str, look: str = "log"
) -> Clue:
    return Clue(
        name=name,
        causes=_ranked(causes),
        strength=strength,
        told=f"the log says: {text[:160]}",
        look=look,
        begins=True,
    )


def _ranked(causes: tuple[str, ...]) -> dict[str, float]:
    weights = dict(zip(causes, _RANKS, strict=False))
    whole = sum(weights.values())
    return {one: weight / whole for one, weight in weights.items()}
