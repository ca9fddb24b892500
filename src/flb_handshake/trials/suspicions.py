"""A suspected cause as a setup: the user's own section, and the one thing wrong that it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from flb_handshake.agent import logs
from flb_handshake.behaviours import Banner, Cleartext, Moment, Reset, Silent
from flb_handshake.certificates import (
    OTHER_CLIENT,
    OTHER_HOST,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    SELF_SIGNED,
    Chain,
    Key,
    Usage,
    chain,
    expired,
    keyed,
    named,
    not_yet_valid,
    usage,
)
from flb_handshake.declare import key_file
from flb_handshake.diagnosis.vocabulary import Word
from flb_handshake.model import CAFile, ClientAuth, Role, Setup
from flb_handshake.trials.stand_ins import StandIn, bearing
from flb_handshake.trials.suspicions_of_inputs import OF_AN_INPUT, Suspect, impatient

_TEXT: Final = Banner("HTTP/1.1 400 Bad Request\r\n\r\n")
"""Text where a record of TLS belongs: what a port without TLS may say, whatever the output."""


def _presenting(change: Callable[[Chain], Chain]) -> Suspect:
    return lambda stood: stood.healthy.but(chain=change(stood.healthy.collector.chain))


def _stranger(stood: StandIn, presented: Chain) -> Setup:
    """Before somebody whom it does not know, whatever it trusts."""
    ca = {"ca": CAFile.UNSET} if stood.trusts is CAFile.SYSTEM else {}
    return stood.healthy.but(chain=presented, **ca)


def _untrusted(stood: StandIn) -> Setup:
    return _stranger(stood, chain(OTHER_LEAF.but(bearing(stood.name))))


def _self_signed(stood: StandIn) -> Setup:
    return _stranger(stood, chain(SELF_SIGNED.but(bearing(stood.name))))


def _no_client_certificate(stood: StandIn) -> Setup | None:
    if stood.healthy.agent.crt is not None:
        return None
    return stood.healthy.but(client_auth=ClientAuth.DEMAND, client_ca=ROOT)


def _foreign_client_certificate(stood: StandIn) -> Setup | None:
    if stood.healthy.agent.crt is None:
        return None
    return stood.healthy.but(client_auth=ClientAuth.DEMAND, client_ca=OTHER_ROOT)


def _key_of_another(stood: StandIn) -> Setup | None:
    if stood.healthy.agent.key is None:
        return None
    return stood.healthy.but(key=key_file(OTHER_CLIENT, stood.healthy.agent.key_passwd or ""))


def _ca_file_missing(stood: StandIn) -> Setup | None:
    if stood.section.find("tls.ca_file") is None:
        return None
    return stood.healthy.but(ca=CAFile.MISSING)


_OF_AN_OUTPUT: Final[Mapping[Word, tuple[Suspect, ...]]] = {
    Word.UNTRUSTED_CA: (_untrusted, _self_signed),
    Word.SYSTEM_CA: (_untrusted,),
    Word.MISSING_INTERMEDIATE: (
        _presenting(lambda whole: whole.sending(whole.leaf, name="without its intermediate")),
    ),
    Word.HOSTNAME_MISMATCH: (_presenting(lambda whole: whole.but(named(OTHER_HOST))),),
    Word.EXPIRED: (_presenting(lambda whole: whole.but(expired())),),
    Word.NOT_YET_VALID: (_presenting(lambda whole: whole.but(not_yet_valid())),),
    Word.WRONG_PURPOSE: (_presenting(lambda whole: whole.but(usage(Usage.CLIENT))),),
    Word.WEAK_KEY: (_presenting(lambda whole: whole.but(keyed(Key.RSA_1024))),),
    Word.CLIENT_CERT_MISSING: (_no_client_certificate,),
    Word.CLIENT_CERT_UNTRUSTED: (_foreign_client_certificate,),
    Word.KEY_MISMATCH: (_key_of_another,),
    Word.CA_FILE_UNREADABLE: (_ca_file_missing,),
    Word.PLAINTEXT_PORT: (
        lambda stood: stood.healthy.but(behaviour=Cleartext()),
        lambda stood: stood.healthy.but(behaviour=_TEXT),
    ),
    Word.PROTOCOL_VERSION: (lambda stood: stood.healthy.but(max_version="TLSv1.1"),),
    Word.TIMEOUT: (impatient(Silent(), "net.connect_timeout"),),
    Word.CONNECTION_RESET: (
        lambda stood: stood.healthy.but(behaviour=Reset(at=Moment.CLIENT_HELLO)),
        lambda stood: stood.healthy.but(behaviour=Reset(at=Moment.MIDWAY)),
    ),
}
"""What a collector has to be like for it. What is not here cannot be played by a collector."""


def playable(stood: StandIn) -> tuple[Word, ...]:
    """All causes that can be played, where the log makes none of them likely or unlikely."""
    return tuple(_table(stood))


def suspected(word: Word, stood: StandIn) -> tuple[Setup, ...]:
    """The setups that show this cause with the user's own settings; none: it cannot be played."""
    made = (make(stood) for make in _table(stood).get(word, ()))
    return tuple(one for one in made if one is not None)


def _table(stood: StandIn) -> Mapping[Word, tuple[Suspect, ...]]:
    return OF_AN_INPUT if stood.healthy.role is Role.INPUT else _OF_AN_OUTPUT


_SHAPES: Final = (
    (re.compile(r"^\[(input|output|filter)[:_ ](\w+?)(?:[:.][^\]]*)?\]"), r"[\1:\2]"),
    (re.compile(r"^\[out_(\w+)\]"), r"[output:\1]"),
    (re.compile(r"\b[\w.-]+:\d{2,5}\b|\b\d+\.\d+\.\d+\.\d+\b|\[[0-9a-f:]+\]:\d+"), "HOST:PORT"),
    (re.compile(r"\[/[^\]]*?(\w+\.c):\d+[^\]]*\]"), r"[\1]"),
    (re.compile(r"#-?\d+"), "#N"),
    (re.compile(r"'[^']*\.flb'|\b\d+-\d+\.\d+\.flb\b"), "CHUNK"),
    (re.compile(r"\b(in|after) \d+ seconds?\b"), r"\1 N seconds"),
    (re.compile(r"\b(ca_path|ca_file|crt_file|key_file|private_key) '[^']*'( \d+)?"), r"\1 PATH"),
    (re.compile(r"\b(fd|id|task_id|line)[= :]+\d+"), r"\1=N"),
    (re.compile(r"'/[^']*'|(?<=\s)/[\w./-]+"), "PATH"),
    (re.compile(r"\s+"), " "),
)
"""What two runs of one trouble do not have in common: names, ports, places, numbers."""

_OF_A_RETRY: Final = re.compile(r"chunk|retry|flush|re-schedule|engine")


def signature(lines: Iterable[str]) -> frozenset[str]:
    """What Fluent Bit says of its trouble, without what differs from run to run.

    Errors and warnings alone, as a field log rarely holds more; and nothing of retries, which
    depend on how long somebody waited.
    """
    found = set()
    for raw in lines:
        line = logs.parse(raw)
        if line is None or line.level not in {logs.Level.ERROR, logs.Level.WARN}:
            continue
        text = line.text
        if not _OF_A_RETRY.search(text):
            for pattern, instead in _SHAPES:
                text = pattern.sub(instead, text)
            found.add(text.strip().lower())
    return frozenset(found)
