"""A suspected cause of an input's trouble as a setup: its client, or its own files, as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flb_handshake.behaviours import (
    Alert,
    Banner,
    Behaviour,
    Cleartext,
    Close,
    Moment,
    Reset,
    Silent,
)
from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    LEAF,
    OTHER_CLIENT,
    OTHER_ROOT,
    SELF_SIGNED,
    Chain,
    Defect,
    Key,
    Usage,
    chain,
    expired,
    keyed,
    not_yet_valid,
    usage,
)
from flb_handshake.declare import certificate_file, key_file
from flb_handshake.diagnosis.vocabulary import Word
from flb_handshake.model import File, FileForm, Setup
from flb_handshake.settings import speaks_tls
from flb_handshake.trials.stand_ins import StandIn

Suspect = Callable[[StandIn], Setup | None]

_HTTP: Final = Banner("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
"""A health check, or a browser, at the port of whatever protocol."""
_TEXT: Final = Banner("handshake\r\n")
"""Something else without TLS, long enough for the header of a record."""

_SOON: Final = "2"
"""Seconds, where it is 10 by default, or never."""

_PATIENCE: Final = ("net.accept_timeout", "net.io_timeout")


def _client(**fields: object) -> Suspect:
    """Who ships is such a client."""
    return lambda stood: stood.healthy.but(**fields)


def _presenting(defect: Defect) -> Suspect:
    return _client(chain=CLIENT_CHAIN.but(defect))


def _behaving(*behaviours: Behaviour) -> tuple[Suspect, ...]:
    return tuple(_client(behaviour=one) for one in behaviours)


def _refusing(*alerts: str) -> tuple[Suspect, ...]:
    """Clients that are none of OpenSSL's refuse our certificate with an alert of their own."""
    return _behaving(*(Alert(one, at=Moment.SERVER_HELLO) for one in alerts))


def _serving(change: Callable[[Chain], Chain]) -> Suspect:
    """Its own chain is such a one, with the key that belongs to it."""

    def made(stood: StandIn) -> Setup | None:
        agent, changed = stood.healthy.agent, change(HEALTHY)
        if agent.crt is None:
            return None
        key = key_file(changed.leaf, agent.key_passwd or "") if agent.key else None
        return stood.healthy.but(crt=certificate_file(changed), key=key)

    return made


def _unusable(field: str) -> tuple[Suspect, ...]:
    """A file that it names is not there, or is none."""

    def made(form: FileForm) -> Suspect:
        def of(stood: StandIn) -> Setup | None:
            if getattr(stood.healthy.agent, field) is None:
                return None
            text = "" if form is not FileForm.TEXT else "no PEM\n"
            file = File(form=form, certs=_WHOSE[field], text=text, stem=field)
            return stood.healthy.but(**{field: file})

        return of

    return tuple(map(made, (FileForm.MISSING, FileForm.TEXT, FileForm.UNREADABLE)))


_WHOSE: Final = {"ca": (), "crt": (LEAF,), "key": (LEAF,)}


def _key_of_another(stood: StandIn) -> Setup | None:
    agent = stood.healthy.agent
    if agent.key is None:
        return None
    return stood.healthy.but(key=key_file(CLIENT, agent.key_passwd or ""))


def _key_locked(stood: StandIn) -> Setup | None:
    """The key has a passphrase: another than the one that is set, or none is set."""
    if stood.healthy.agent.key is None:
        return None
    return stood.healthy.but(key=key_file(LEAF, "another passphrase"))


def _as_it_stands(stood: StandIn) -> Setup | None:
    """What its own properties leave out is wrong by itself."""
    agent = stood.healthy.agent
    whole = agent.crt is not None and agent.key is not None
    return None if whole or not speaks_tls(stood.healthy) else stood.healthy


def _to_cleartext(stood: StandIn) -> Setup | None:
    """It has no TLS, and its client has."""
    return None if speaks_tls(stood.healthy) else stood.healthy


def impatient(behaviour: Behaviour, *patience: str) -> Suspect:
    """Somebody says nothing; he is given up sooner than usual, in the same words.

    `patience` are the properties that say when.
    """

    def made(stood: StandIn) -> Setup:
        kept = [one for one in stood.healthy.agent.properties if one[0] not in patience]
        soon = [(name, _SOON) for name in patience]
        return stood.healthy.but(properties=(*kept, *soon), behaviour=behaviour)

    return made


_OF_OTHER_CLIENTS: Final = ("bad_certificate", "certificate_unknown")
"""What clients that are none of OpenSSL's say of any certificate: Go's, and Java's."""

OF_AN_INPUT: Final[Mapping[Word, tuple[Suspect, ...]]] = {
    Word.CLIENT_CERT_MISSING: (_client(chain=None),),
    Word.CLIENT_CERT_UNTRUSTED: (
        _client(chain=chain(OTHER_CLIENT, name="another CA's")),
        _client(chain=CLIENT_CHAIN.sending(CLIENT, name="without its intermediate")),
        _client(chain=chain(SELF_SIGNED, name="self-signed")),
        _presenting(usage(Usage.SERVER)),
    ),
    Word.EXPIRED: (
        _presenting(expired()),
        _serving(lambda whole: whole.but(expired())),
    ),
    Word.NOT_YET_VALID: (
        _presenting(not_yet_valid()),
        _serving(lambda whole: whole.but(not_yet_valid())),
    ),
    Word.UNTRUSTED_CA: (_client(trusts=OTHER_ROOT), *_refusing(*_OF_OTHER_CLIENTS)),
    Word.MISSING_INTERMEDIATE: (
        _serving(lambda whole: whole.sending(whole.leaf, name="without its intermediate")),
    ),
    Word.HOSTNAME_MISMATCH: _refusing(*_OF_OTHER_CLIENTS),
    Word.WRONG_PURPOSE: (_serving(lambda whole: whole.but(usage(Usage.CLIENT))),),
    Word.WEAK_KEY: (
        _presenting(keyed(Key.RSA_1024)),
        _serving(lambda whole: whole.but(keyed(Key.RSA_1024))),
    ),
    Word.PLAINTEXT_PORT: (_to_cleartext, *_behaving(Cleartext(), _HTTP, _TEXT)),
    Word.PROTOCOL_VERSION: (
        _client(max_version="TLSv1.1"),
        _client(max_version="TLSv1.2"),
        _client(min_version="TLSv1.3"),
    ),
    Word.CIPHER: (_client(max_version="TLSv1.2", ciphers="AES128-SHA"),),
    Word.ALPN: (_client(alpn=("spdy/3.1",)),),
    Word.KEY_MISMATCH: (_key_of_another, _key_locked),
    Word.CA_FILE_UNREADABLE: tuple(one for field in _WHOSE for one in _unusable(field)),
    Word.CONFIG_SYNTAX: (_as_it_stands,),
    Word.CONNECTION_RESET: _behaving(
        Close(),
        Close(at=Moment.HALF_HELLO),
        Close(at=Moment.CLIENT_HELLO),
        Close(at=Moment.FINISHED),
        Reset(),
        Reset(at=Moment.CLIENT_HELLO),
        Reset(at=Moment.MIDWAY),
    ),
    Word.TIMEOUT: (
        impatient(Silent(), *_PATIENCE),
        impatient(Silent(at=Moment.CLIENT_HELLO), *_PATIENCE),
    ),
}
"""What its client, or its own files, have to be like for it. What is not here cannot be played by
a shipper."""
