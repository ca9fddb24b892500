"""What a collector can be told of TLS beyond its chain: sessions, suites, groups, CAs it names."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from collector_clients import (
    PKI,
    PyOpenSSL,
    alerts,
    client_context,
    connect,
    facts,
    play,
    post,
    shake,
)

from flb_handshake.certificates import CLIENT_CHAIN, OTHER_ROOT, ROOT
from flb_handshake.errors import HarnessFailure
from flb_handshake.model import ClientAuth, CollectorSpec
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("policy", [ClientAuth.NONE, ClientAuth.DEMAND])
def test_a_session_is_resumed_where_that_is_offered(version, policy, tmp_path):
    context = client_context(version=version, tmp_path=tmp_path, cert=CLIENT_CHAIN)
    spec = CollectorSpec(tickets=True, client_auth=policy, client_ca=ROOT)

    def client(port):
        reused = []
        known = None
        for _ in range(3):
            session = connect(context, port, session=known)
            post(session)
            reused.append(session.session_reused)
            known = session.session
            session.unwrap().close()
        return reused

    reused, listener = play(spec, client)

    assert reused == [False, True, True]
    assert [one["resumed"] for one in facts(listener, Kind.NEGOTIATED)] == reused
    offered = "psk" if version is ssl.TLSVersion.TLSv1_3 else "ticket"
    told = [one["session"] for one in facts(listener, Kind.CLIENT_HELLO)]
    assert told == ["none", offered, offered]
    assert len(facts(listener, Kind.REQUEST)) == 3


def test_a_session_id_is_told_where_a_client_takes_no_tickets():
    context = client_context(version=ssl.TLSVersion.TLSv1_2)
    context.options |= ssl.OP_NO_TICKET

    def client(port):
        known = None
        for _ in range(2):
            session = connect(context, port, session=known)
            post(session)
            known, reused = session.session, session.session_reused
            session.unwrap().close()
        return reused

    reused, listener = play(CollectorSpec(tickets=True), client)

    assert reused
    told = [one["session"] for one in facts(listener, Kind.CLIENT_HELLO)]
    assert told == ["none", "session id"]


SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"]


@pytest.mark.parametrize("suite", SUITES)
def test_the_suites_of_tls_1_3_are_those_asked_for(suite):
    _, listener = play(CollectorSpec(suites=suite), lambda port: shake(client_context(), port))

    (agreed,) = facts(listener, Kind.NEGOTIATED)
    assert (agreed["version"], agreed["cipher"]) == ("TLSv1.3", suite)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("group", ["secp384r1", "x25519"])
def test_the_group_of_the_key_exchange_is_the_one_asked_for(version, group):
    context = client_context(version=version)

    _, listener = play(CollectorSpec(groups=group), lambda port: shake(context, port))

    assert [one["group"] for one in facts(listener, Kind.NEGOTIATED)] == [group]


def test_without_a_group_in_common_there_is_no_handshake():
    context = client_context(version=ssl.TLSVersion.TLSv1_3)
    context.set_ecdh_curve("prime256v1")

    _, listener = play(CollectorSpec(groups="x448"), lambda port: shake(context, port))

    assert alerts(listener) == [("peer", "fatal", "handshake_failure")]


@pytest.mark.parametrize(
    "wrong", [CollectorSpec(groups="no-such-group"), CollectorSpec(suites="TLS_NO_SUCH_SUITE")]
)
def test_groups_and_suites_that_openssl_does_not_know_are_refused(wrong):
    with pytest.raises(HarnessFailure):
        asyncio.run(Collector(PKI).listen(wrong))


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("acceptable", "named"),
    [(None, [ROOT]), ((), []), ((OTHER_ROOT,), [OTHER_ROOT]), ((OTHER_ROOT, ROOT),) * 2],
)
def test_the_authorities_named_need_not_be_those_believed(version, acceptable, named):
    spec = CollectorSpec(client_auth=ClientAuth.DEMAND, client_ca=ROOT, acceptable=acceptable)

    session, listener = play(spec, PyOpenSSL(low=version, high=version, cert=CLIENT_CHAIN))

    names = [name.der() for name in session.get_client_ca_list()]
    assert names == [PKI.certificate(one).subject.public_bytes() for one in named]
    assert session.said.startswith(b"HTTP/1.1 201 ")  # what is believed is still `client_ca`
    assert alerts(listener)[-1:] != [("peer", "fatal", "unknown_ca")]


def test_a_hello_is_told_with_what_it_offers_and_how_it_came():
    context = client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])

    _, listener = play(CollectorSpec(), lambda port: shake(context, port))

    (hello,) = facts(listener, Kind.CLIENT_HELLO)
    assert hello["alpn"] == ["h2", "http/1.1"]
    assert (hello["session"], hello["records"]) == ("none", 1)
    assert 200 < hello["bytes"] < 2000
