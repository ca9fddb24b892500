"""What a collector offers and demands in TLS: versions, keys, ciphers, ALPN, certificates."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from dataclasses import replace
from itertools import pairwise

import pytest
from collector_clients import (
    PKI,
    POST,
    WITHIN,
    PyOpenSSL,
    alerts,
    client_context,
    connect,
    facts,
    play,
    post,
    shake,
)

from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    HOST,
    LEAF,
    OTHER_CLIENT,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    Key,
    chain,
    expired,
    keyed,
)
from flb_handshake.errors import CertificateFileError, HarnessFailure
from flb_handshake.model import ClientAuth, CollectorSpec
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind
from flb_handshake.peer.tls import VERSIONS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("policy", [ClientAuth.NONE, ClientAuth.ASK])
def test_no_session_is_resumed(version, policy):
    context = client_context(version=version)

    def client(port):
        reused = []
        known = None
        for _ in range(3):
            session = connect(context, port, session=known)
            post(session)  # the tickets of TLS 1.3 come with the answer at the latest
            reused.append(session.session_reused)
            known = session.session
            session.unwrap().close()
        return reused

    reused, listener = play(CollectorSpec(client_auth=policy, client_ca=ROOT), client)

    assert reused == [False] * 3
    assert len(facts(listener, Kind.NEGOTIATED)) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_is_spoken_alone(version):
    spec = CollectorSpec(min_version=version, max_version=version)

    session, listener = play(spec, PyOpenSSL(low=version, high=version))

    assert session.said.startswith(b"HTTP/1.1 201 ")
    (agreed,) = facts(listener, Kind.NEGOTIATED)
    assert agreed["version"] == version
    assert agreed["cipher"]
    assert len(facts(listener, Kind.REQUEST)) == 1


@pytest.mark.parametrize("key", Key)
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_each_kind_of_key_is_served(version, key):
    spec = CollectorSpec(chain=HEALTHY.but(keyed(key)), min_version=version, max_version=version)

    session, _ = play(spec, PyOpenSSL())

    assert session.said.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    ("flag", "version"),
    [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1"), ("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")],
)
def test_each_version_is_spoken_with_the_openssl_of_the_system(flag, version, tmp_path):
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("this system has no openssl command")
    (tmp_path / "root.pem").write_bytes(PKI.pem(ROOT))

    def client(port):
        return subprocess.run(  # a list of our own words
            [
                *(program, "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, flag),
                *("-cipher", "ALL:@SECLEVEL=0", "-CAfile", tmp_path / "root.pem"),
                *("-verify_return_error", "-verify_hostname", HOST, "-ign_eof", "-quiet"),
            ],
            input=POST.replace(b"Host:", b"Connection: close\r\nHost:"),
            capture_output=True,
            timeout=WITHIN,
            check=False,
        )

    spec = CollectorSpec(min_version=version, max_version=version)
    said, listener = play(spec, client)

    if said.returncode and not facts(listener, Kind.CLIENT_HELLO):
        pytest.skip(f"this system's openssl does not speak {version}: {said.stderr[:200]!r}")
    assert said.stdout.startswith(b"HTTP/1.1 201 "), said.stderr
    assert [one["version"] for one in facts(listener, Kind.NEGOTIATED)] == [version]


def test_the_lowest_and_highest_version_bind():
    spec = CollectorSpec(min_version="TLSv1.1", max_version="TLSv1.2")

    def agreed(client):
        _, listener = play(spec, client)
        return [one["version"] for one in facts(listener, Kind.NEGOTIATED)]

    assert agreed(PyOpenSSL()) == ["TLSv1.2"]
    assert agreed(PyOpenSSL(high="TLSv1.1")) == ["TLSv1.1"]
    assert agreed(PyOpenSSL(high="TLSv1")) == []
    assert agreed(PyOpenSSL(low="TLSv1.3")) == []


def test_the_chosen_ciphers_are_served_with_old_versions_too():
    spec = CollectorSpec(ciphers="ECDHE-ECDSA-AES128-SHA")

    _, listener = play(spec, PyOpenSSL(low="TLSv1", high="TLSv1"))

    assert [one["cipher"] for one in facts(listener, Kind.NEGOTIATED)] == ["ECDHE-ECDSA-AES128-SHA"]


@pytest.mark.parametrize(
    ("known", "offered", "chosen"),
    [
        (("h2", "http/1.1"), (b"http/1.1", b"h2"), "h2"),
        (("http/1.1",), (b"h2", b"http/1.1"), "http/1.1"),
        (("h2",), (b"http/1.1",), None),
        (("h2",), (), None),
        ((), (b"h2",), None),
    ],
)
def test_alpn_is_chosen_by_the_collectors_preference(known, offered, chosen):
    session, listener = play(CollectorSpec(alpn=known), PyOpenSSL(alpn=offered))

    assert [one["alpn"] for one in facts(listener, Kind.NEGOTIATED)] == [chosen]
    assert session.get_alpn_proto_negotiated().decode() == (chosen or "")
    (hello,) = facts(listener, Kind.CLIENT_HELLO)
    assert hello["alpn"] == [name.decode() for name in offered]


def test_a_healthy_session_is_recorded_from_accept_to_close():
    context = client_context(version=ssl.TLSVersion.TLSv1_3)

    answer, listener = play(CollectorSpec(), lambda port: shake(context, port))

    assert answer.startswith(b"HTTP/1.1 201 ")
    kinds = list(dict.fromkeys(event.kind for event in listener.events))
    assert kinds == [
        *(Kind.ACCEPTED, Kind.FIRST_BYTES, Kind.CLIENT_HELLO, Kind.STATE, Kind.NEGOTIATED),
        *(Kind.REQUEST, Kind.RESPONSE, Kind.ALERT, Kind.CLOSED),
    ]
    times = [event.t for event in listener.events]
    assert times == sorted(times)
    states = [one["name"] for one in facts(listener, Kind.STATE)]
    assert any("read client hello" in state for state in states)
    assert any("read finished" in state for state in states)
    assert all(before != after for before, after in pairwise(states))
    (agreed,) = facts(listener, Kind.NEGOTIATED)
    assert agreed["version"] == "TLSv1.3"
    assert agreed["group"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("policy", ClientAuth)
@pytest.mark.parametrize("cert", [None, CLIENT_CHAIN])
def test_a_client_certificate_is_taken_by_policy(version, policy, cert):
    spec = CollectorSpec(client_auth=policy, client_ca=ROOT)

    session, listener = play(spec, PyOpenSSL(low=version, high=version, cert=cert))

    delivered = cert is not None or policy is not ClientAuth.DEMAND
    assert len(facts(listener, Kind.REQUEST)) == delivered
    presented = [one["chain"] for one in facts(listener, Kind.CLIENT_CHAIN)]
    if policy is ClientAuth.NONE:
        assert presented == []
    else:
        assert presented == [[PKI.pem(spec).decode() for spec in cert.sent] if cert else []]
        names = [name.CN or name.OU for name in session.get_client_ca_list()]
        assert names == ["Handshake Root"]


@pytest.mark.parametrize("policy", [ClientAuth.ASK, ClientAuth.DEMAND])
@pytest.mark.parametrize(
    ("cert", "reason"),
    [
        (chain(OTHER_CLIENT), "X509 code 20 at depth 1"),  # unable to get local issuer certificate
        (chain(CLIENT.but(expired())), "X509 code 10 at depth 0"),  # certificate has expired
        (CLIENT_CHAIN.sending(CLIENT, name="no intermediate"), "X509 code 20 at depth 0"),
    ],
)
def test_a_refused_client_certificate_is_recorded_with_the_reason(policy, cert, reason):
    spec = CollectorSpec(client_auth=policy, client_ca=ROOT)

    _, listener = play(spec, PyOpenSSL(cert=cert))

    (error,) = facts(listener, Kind.TLS_ERROR)
    assert reason in error["reason"]
    (presented,) = facts(listener, Kind.CLIENT_CHAIN)
    assert presented["chain"] == [PKI.pem(spec).decode() for spec in cert.sent]
    assert facts(listener, Kind.REQUEST) == []


def test_without_a_ca_no_client_certificate_is_good_enough():
    spec = CollectorSpec(client_auth=ClientAuth.ASK)

    _, without = play(spec, PyOpenSSL())
    _, with_one = play(spec, PyOpenSSL(cert=CLIENT_CHAIN))

    assert len(facts(without, Kind.REQUEST)) == 1
    assert alerts(with_one)[0] == ("peer", "fatal", "unknown_ca")


def own(cert=LEAF, key=None, **changes):
    files = (PKI.pem(*cert.path[:-1]).decode(), key or PKI.key_pem(cert).decode())
    return CollectorSpec(files=files, **changes)


def test_a_users_own_chain_and_ca_are_served():
    ca = PKI.pem(OTHER_ROOT, ROOT).decode()
    spec = own(client_auth=ClientAuth.DEMAND, client_ca_pem=ca)

    session, listener = play(spec, PyOpenSSL(cert=CLIENT_CHAIN))

    assert len(facts(listener, Kind.REQUEST)) == 1
    assert len(session.get_client_ca_list()) == 2
    assert session.get_peer_cert_chain(as_cryptography=True) == [
        PKI.certificate(one) for one in HEALTHY.sent
    ]


@pytest.mark.parametrize(
    "spec",
    [
        own(key=PKI.key_pem(OTHER_LEAF).decode()),
        own(key=PKI.key_pem(LEAF, "secret").decode()),
        own(key="no key"),
        replace(own(), files=("no certificate", PKI.key_pem(LEAF).decode())),
        CollectorSpec(client_auth=ClientAuth.ASK, client_ca_pem="no certificate"),
    ],
)
def test_what_a_user_brings_and_cannot_be_served_is_the_users_mistake(spec):
    async def performance():
        await Collector(PKI).listen(spec)

    with pytest.raises(CertificateFileError) as told:
        asyncio.run(performance())
    assert told.value.hint


@pytest.mark.parametrize(
    "spec",
    [
        CollectorSpec(ciphers="FOO"),
        CollectorSpec(min_version="TLSv9"),
        CollectorSpec(max_version="1.3"),
        CollectorSpec(chain=HEALTHY.but(keyed(Key.P384)).keyed_as(replace(LEAF, key=Key.RSA_2048))),
    ],
)
def test_what_cannot_be_served_fails_the_harness_and_not_the_agent(spec):
    async def performance():
        await Collector(PKI).listen(spec)

    with pytest.raises(HarnessFailure) as told:
        asyncio.run(performance())
    assert told.value.hint


def test_an_address_that_is_not_ours_fails_the_harness():
    async def performance():
        await Collector(PKI, bind="192.0.2.1").listen(CollectorSpec())

    with pytest.raises(HarnessFailure, match=r"cannot listen on 192\.0\.2\.1"):
        asyncio.run(performance())


def test_a_listener_is_settled_when_what_it_expects_has_come():
    async def performance():
        collector = Collector(PKI)
        listener = await collector.listen(CollectorSpec(), expected=2)
        settled = asyncio.Event()
        listener.on_settled = settled.set
        session = await asyncio.to_thread(connect, client_context(), listener.port)
        await asyncio.to_thread(post, session)
        after_one = listener.settled
        await asyncio.to_thread(post, session)
        await asyncio.wait_for(settled.wait(), WITHIN)
        opened = listener.open_connections
        session.close()
        collector.close()
        await asyncio.sleep(0)
        return after_one, opened

    assert asyncio.run(performance()) == (False, 1)
