"""Certificates that change under a running agent: which change it takes up, when, and at what cost.

Since 5.1 Fluent Bit looks at its files before each new session, and reads them again when one has
changed; a connection that is kept goes on as it began. Earlier releases read them when they start,
or are told to reload (`hot_reload on`, 2.1 and later).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flb_handshake.declare import (
    CLIENT,
    LEAF,
    OTHER_CLIENT,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    Case,
    CertSpec,
    ClientAuth,
    Does,
    Expire,
    File,
    FileForm,
    Hangup,
    Mode,
    Outcome,
    Present,
    Reload,
    Replace,
    Restart,
    Setup,
    Step,
    Then,
    Way,
    case,
    certificate_file,
    chain,
    delivered,
    key_file,
    listening,
    matrix,
    named,
    output,
    present,
    refused,
    refused_by_peer,
    with_client_certificate,
)

_RELOADS = "5.1"
"""The release that reads changed files by itself."""

_Change = Replace | Present | Restart | Hangup | Expire | Reload


def _step(name: str, *changes: _Change) -> Step:
    return Step(name=name, changes=changes)


def _ca(*roots: CertSpec) -> File:
    return File(certs=roots, stem="ca")


_CA_FILES = {"old": _ca(ROOT), "new": _ca(OTHER_ROOT), "both": _ca(ROOT, OTHER_ROOT)}
_OF_THE_NEW_CA = present(chain=chain(OTHER_LEAF, name="of the new CA"))
_UNKNOWN = refused("unknown_ca")

_CONNECTIONS: dict[str, tuple[_Change, ...]] = {"kept": (), "new": (Hangup(),)}


@matrix(connection=tuple(_CONNECTIONS), mode=(Mode.VERIFY_PEER, Mode.VERIFY_HOST))
def collector_renewed(connection: str, mode: Mode) -> Case:
    """The collector's certificate is renewed under the same CA: nothing is to be done."""
    renewed = present(chain=chain(replace(LEAF, key_label="renewed"), name="renewed"))
    setup = output(mode).but(steps=(_step("renewed", renewed, *_CONNECTIONS[connection]),))
    met = delivered().showing(connections=len(_CONNECTIONS[connection]))
    return case(setup, delivered(), met)


@matrix(ca=tuple(_CA_FILES), connection=tuple(_CONNECTIONS))
def collector_under_a_new_ca(ca: str, connection: str) -> Case:
    """The collector moves to another CA. A CA.File that holds both is the way without a gap; with
    one of them there is a time when the agent refuses, and a connection that is kept hides it.
    """
    moved = _step("moved", _OF_THE_NEW_CA, *_CONNECTIONS[connection])
    setup = output().but(ca=_CA_FILES[ca], steps=(moved,))
    before = _UNKNOWN if ca == "new" else delivered()
    kept = ca != "new" and connection == "kept"
    return case(setup, before, _UNKNOWN if ca == "old" and not kept else delivered())


@matrix(way=tuple(Way), to=("new", "both"))
def ca_file_replaced(way: Way, to: str) -> Case:
    """CA.File is replaced, and then the collector moves to the new CA. 5.1 takes the file up at the
    next session, however it was replaced; earlier releases know only what they started with.
    """
    steps = (
        _step("CA.File replaced", Replace("ca", _CA_FILES[to], way)),
        _step("collector moved", _OF_THE_NEW_CA, Hangup()),
    )
    setup = output(ca=_CA_FILES["old"]).but(steps=steps)
    kept = delivered().showing(connections=0)
    return case(setup, delivered(), kept, delivered().before(_RELOADS, _UNKNOWN))


@matrix(way=tuple(Way), connection=tuple(_CONNECTIONS))
def ca_file_without_the_old_root(way: Way, connection: str) -> Case:
    """CA.File no longer holds the root that the collector's chain leads to. A new connection is
    refused (5.1); one that is kept goes on: nobody looks again.
    """
    replaced = Replace("ca", _CA_FILES["new"], way)
    setup = output(ca=_CA_FILES["old"]).but(
        steps=(_step("root taken away", replaced, *_CONNECTIONS[connection]),)
    )
    if connection == "kept":
        return case(setup, delivered(), delivered().showing(connections=0))
    return case(setup, delivered(), _UNKNOWN.before(_RELOADS, delivered()))


_SPOILT = {
    "garbage": File(form=FileForm.TEXT, text="these are not certificates\n", stem="ca"),
    "empty": File(form=FileForm.TEXT, stem="ca"),
    "missing": File(form=FileForm.MISSING, stem="ca"),
    "unreadable": File(form=FileForm.UNREADABLE, certs=(ROOT,), stem="ca"),
}


@matrix(way=(Way.IN_PLACE, Way.RENAME), spoilt=tuple(_SPOILT))
def ca_file_spoilt(way: Way, spoilt: str) -> Case:
    """A rotation goes wrong: CA.File cannot be read any more. 5.1 says so and goes on with what it
    has; the next start would fail.
    """
    setup = output(ca=_CA_FILES["old"]).but(
        steps=(_step("CA.File spoilt", Replace("ca", _SPOILT[spoilt], way), Hangup()),)
    )
    says = replace(delivered(), says="detected certificate file changes but reload failed")
    return case(setup, delivered(), says.before(_RELOADS, delivered()))


@matrix(way=(Way.IN_PLACE, Way.RENAME), to=("new", "both"))
def ca_path_edited(way: Way, to: str) -> Case:
    """A directory of CAs is edited, or moved in place of the old one."""

    def directory(*roots: CertSpec) -> File:
        return File(form=FileForm.HASHED, certs=roots, stem="cas")

    roots = {"new": (OTHER_ROOT,), "both": (ROOT, OTHER_ROOT)}[to]
    steps = (
        _step("tls.ca_path edited", Replace("ca_path", directory(*roots), way)),
        _step("collector moved", _OF_THE_NEW_CA, Hangup()),
    )
    setup = output(ca=None, ca_path=directory(ROOT)).but(steps=steps)
    return case(setup, delivered(), delivered(), delivered())


_RENEWED = chain(
    CLIENT.but(named("fluent-bit", common_name="renewed", key_label="renewed")), name="renewed"
)
_OLD_CLIENT = "CN=fluent-bit,OU=fluent-bit,O=flb-handshake"
_NEW_CLIENT = "CN=renewed,OU=renewed,O=flb-handshake"
_ORDERS = ("certificate first", "key first", "together")


def _pair(way: Way, order: str, crt: Replace, key: Replace, *after: _Change) -> tuple[Step, ...]:
    """A pair of files replaced by `way`, one after the other or both before anybody looks."""
    assert {crt.way, key.way} == {way}  # noqa: S101 # given so below
    if order == "together":
        return (_step("both", crt, key, *after),)
    steps = _step("certificate", crt, *after), _step("key", key, *after)
    return steps if order == "certificate first" else steps[::-1]


@matrix(way=tuple(Way), order=_ORDERS)
def client_pair_replaced(way: Way, order: str) -> Case:
    """Client.Cert and Client.Key are renewed. Between the two the pair is torn: 5.1 cannot load it,
    goes on with the old one, and takes up the new one once it is whole.
    """
    mutual = with_client_certificate(output(client_auth=ClientAuth.DEMAND, client_ca=ROOT))
    crt = Replace("crt", certificate_file(_RENEWED), way)
    key = Replace("key", key_file(_RENEWED.leaf), way)
    setup = mutual.but(steps=_pair(way, order, crt, key, Hangup()))
    return _pair_case(setup, "client_subject", _OLD_CLIENT, _NEW_CLIENT)


def _pair_case(setup: Setup, subject: str, old: str, new: str) -> Case:
    as_old = delivered().showing(**{subject: old})
    torn: list[Does | Then] = [as_old for _ in setup.steps[1:]]
    whole = delivered().showing(**{subject: new}).before(_RELOADS, as_old)
    return case(setup, as_old, *torn, whole)


@matrix(way=tuple(Way))
def client_pair_left_torn(way: Way) -> Case:
    """The certificate is renewed and its key never comes: 5.1 says at each new session that it
    cannot load the pair, and goes on with the old one, until it expires.
    """
    mutual = with_client_certificate(output(client_auth=ClientAuth.DEMAND, client_ca=ROOT))
    torn = _step("torn", Replace("crt", certificate_file(_RENEWED), way), Hangup())
    setup = mutual.but(steps=(torn, _step("still torn", Hangup())))
    as_old = delivered().showing(client_subject=_OLD_CLIENT)
    says = replace(as_old, says="detected certificate file changes but reload failed")
    does = says.before(_RELOADS, as_old)
    return case(setup, as_old, does, does)


_SOON = timedelta(seconds=5)


@matrix(connection=tuple(_CONNECTIONS))
def collector_expires(connection: str) -> Case:
    """The collector's certificate expires while records flow. A connection that is kept goes on; a
    new one is refused.
    """
    short = replace(LEAF, not_after=_SOON)
    expired = _step("expired", Expire(short), *_CONNECTIONS[connection])
    setup = output(chain=chain(short, name="of 5 seconds")).but(steps=(expired,))
    if connection == "kept":
        kept = Then(delivered().showing(connections=0), Outcome.REFUSED_BY_AGENT)
        return case(setup, delivered(), kept)
    return case(setup, delivered(), refused("certificate_expired"))


@matrix(connection=tuple(_CONNECTIONS))
def client_expires(connection: str) -> Case:
    """The agent's certificate expires while records flow: who knows it only sees it on a new
    connection.
    """
    short = replace(CLIENT, not_after=_SOON)
    mutual = output(client_auth=ClientAuth.DEMAND, client_ca=ROOT)
    equipped = mutual.but(crt=certificate_file(chain(short)), key=key_file(short))
    expired = _step("expired", Expire(short), *_CONNECTIONS[connection])
    setup = replace(equipped, whole=None).but(steps=(expired,))
    if connection == "kept":
        return case(setup, delivered(), delivered().showing(connections=0))
    return case(setup, delivered(), refused_by_peer("certificate_expired"))


@matrix(how=tuple(Reload), replaced=(True, False))
def hot_reload(how: Reload, replaced: bool) -> Case:  # noqa: FBT001 # an axis
    """Fluent Bit is told to reload, with and without a new CA.File: no record is lost, and each
    connection is made anew. A reload takes up a replaced file in every release that has it.
    """
    changes: tuple[_Change, ...] = (how,)
    if replaced:
        changes = (Replace("ca", _CA_FILES["both"]), how)
    steps = (
        _step("reloaded", *changes),
        _step("collector moved", _OF_THE_NEW_CA, Hangup()),
    )
    setup = output(ca=_CA_FILES["old"]).but(steps=steps)
    again = delivered().showing(connections=1)
    return case(setup, delivered(), again, delivered() if replaced else _UNKNOWN)


_SERVER = chain(
    LEAF.but(named("logs.example.test", common_name="renewed", key_label="renewed")),
    name="renewed",
)
_OLD_SERVER = "CN=logs.example.test,OU=logs.example.test,O=flb-handshake"


@matrix(way=tuple(Way), order=_ORDERS)
def input_pair_replaced(way: Way, order: str) -> Case:
    """An input's own certificate and key are renewed: the same rules as for a client's."""
    crt = Replace("crt", certificate_file(_SERVER), way)
    key = Replace("key", key_file(_SERVER.leaf), way)
    setup = listening(Mode.REQUIRE).but(steps=_pair(way, order, crt, key))
    return _pair_case(setup, "server_subject", _OLD_SERVER, _NEW_CLIENT)


_OTHER_SHIPPER = present(chain=chain(OTHER_CLIENT, name="of the new CA"))


@matrix(way=tuple(Way), to=("new", "both"))
def input_ca_file_replaced(way: Way, to: str) -> Case:
    """Shippers move to another CA before the input's CA.File knows it, and are refused until it
    does.
    """
    steps = (
        _step("shipper moved", _OTHER_SHIPPER),
        _step("CA.File replaced", Replace("ca", _CA_FILES[to], way)),
    )
    setup = listening(Mode.REQUIRE, ca=_CA_FILES["old"]).but(steps=steps)
    return case(setup, delivered(), _UNKNOWN, delivered().before(_RELOADS, _UNKNOWN))


@matrix(way=tuple(Way))
def input_shuts_out(way: Way) -> Case:
    """A CA is taken out of an input's CA.File: its shippers are refused when they come again."""
    taken = _step("root taken away", Replace("ca", _CA_FILES["new"], way))
    setup = listening(Mode.REQUIRE, ca=_CA_FILES["old"]).but(steps=(taken,))
    return case(setup, delivered(), _UNKNOWN.before(_RELOADS, delivered()))


@matrix(connection=tuple(_CONNECTIONS))
def shipper_expires(connection: str) -> Case:
    """A shipper's certificate expires while it ships: its connection goes on, and no new one comes
    to be.
    """
    short = replace(CLIENT, not_after=_SOON)
    expired = _step("expired", Expire(short), *_CONNECTIONS[connection])
    setup = listening(Mode.REQUIRE, chain=chain(short, name="of 5 seconds"), keeps=True).but(
        steps=(expired,)
    )
    if connection == "kept":
        kept = Then(delivered().showing(connections=0), Outcome.REFUSED_BY_AGENT)
        return case(setup, delivered(), kept)
    return case(setup, delivered(), refused("certificate_expired"))


@matrix(how=tuple(Reload), replaced=(True, False))
def input_hot_reload(how: Reload, replaced: bool) -> Case:  # noqa: FBT001 # an axis
    """An input is reloaded: its port closes and opens again, and a shipper that comes then is let
    in by the new rules.
    """
    changes: tuple[_Change, ...] = (how,)
    if replaced:
        changes = (Replace("ca", _CA_FILES["both"]), how)
    steps = (_step("reloaded", *changes), _step("shipper moved", _OTHER_SHIPPER))
    setup = listening(Mode.REQUIRE, ca=_CA_FILES["old"]).but(steps=steps)
    return case(setup, delivered(), delivered(), delivered() if replaced else _UNKNOWN)
