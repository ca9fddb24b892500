"""What a shipper records of its handshakes, and of how connections end."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
import warnings
from contextlib import suppress

import pytest
from collector_clients import alerts, ends, facts
from OpenSSL import SSL, crypto
from shipper_servers import (
    PKI,
    VERSIONS,
    WITHIN,
    kinds,
    play,
    record,
    reset,
    server_context,
    take_all,
    until_end,
    watch,
)

from flb_handshake.behaviours import Cleartext, Close, Serve
from flb_handshake.certificates import (
    CLIENT_CHAIN,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_CLIENT,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    chain,
)
from flb_handshake.errors import HarnessFailure
from flb_handshake.model import CollectorSpec, ShipperSpec
from flb_handshake.peer import records, tls
from flb_handshake.peer.events import Event, Kind
from flb_handshake.peer.shipper import Shipper
from flb_handshake.peer.tls_client import rfc4514

MESSAGE = json.dumps(record(7)).encode() + b"\n"


def only(version, **fields):
    return ShipperSpec(min_version=version, max_version=version, **fields)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_delivery_is_recorded_from_connect_to_end(version):
    context = server_context(version=version, asks=ROOT, demands=True)

    heard, shipper = play(take_all(context), spec=only(version, ciphers="ALL"))

    assert heard == MESSAGE
    seen = kinds(shipper)
    assert sorted(seen[3:5]) == [Kind.CERTIFICATE_REQUEST, Kind.SERVER_CHAIN]
    assert [*seen[:3], *seen[5:7]] == [
        Kind.ACCEPTED,
        Kind.CLIENT_HELLO,
        Kind.FIRST_BYTES,
        Kind.NEGOTIATED,
        Kind.SHIPPED,
    ]
    assert seen[-1] is Kind.CLOSED
    (agreed,) = facts(shipper, Kind.NEGOTIATED)
    assert agreed["version"] == version
    assert agreed["cipher"]
    assert (agreed["alpn"], agreed["resumed"]) == (None, False)
    (offered,) = facts(shipper, Kind.CLIENT_HELLO)
    assert (offered["sni"], offered["versions"], offered["alpn"]) == (HOST, [version], [])
    (first,) = facts(shipper, Kind.FIRST_BYTES)
    assert first["tls"]
    assert first["hex"].startswith("1603")
    assert facts(shipper, Kind.SHIPPED) == [
        {"tls": True, "records": [record(7)], "bytes": len(MESSAGE)}
    ]
    assert ends(shipper) == [("peer", "close_notify")]
    assert all(Event.from_json(event.to_json()) == event for event in shipper.events)
    assert [event.t for event in shipper.events] == sorted(event.t for event in shipper.events)


def test_whoever_watches_is_told_each_event_as_it_happens():
    told = []

    async def performance():
        with socket.create_server(("127.0.0.1", 0)) as bound:
            shipper = Shipper(ShipperSpec(behaviour=Cleartext()), "tcp", PKI, time.monotonic)
            shipper.watch = told.append
            await shipper.ship("127.0.0.1", bound.getsockname()[1], record(7), limit=5)
            assert told == shipper.events != []
            bound.accept()[0].close()
            await shipper.close()
            assert told == shipper.events

    asyncio.run(performance())


def asking(version, names):
    """A server that names CAs when it asks for a certificate, which Python's ssl cannot."""

    def server(plain):
        made = SSL.Context(SSL.TLS_SERVER_METHOD)
        made.set_max_proto_version(tls.VERSIONS[version])
        tls.present(made, CollectorSpec(chain=HEALTHY), PKI)
        made.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        for name in names:
            made.add_client_ca(PKI.certificate(name))
        plain.settimeout(None)  # pyOpenSSL wants a socket that blocks
        session = SSL.Connection(made, plain)
        session.set_accept_state()
        assert session.recv(65536) == MESSAGE

    return server


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("names", "authorities"),
    [
        ((), []),
        (
            (ROOT, OTHER_ROOT),
            ["OU=Handshake Root,O=flb-handshake", "OU=Unrelated Root,O=flb-handshake"],
        ),
    ],
)
def test_a_certificate_request_is_recorded_with_its_names(version, names, authorities):
    _, shipper = play(asking(version, names), spec=only(version))

    (asked,) = facts(shipper, Kind.CERTIFICATE_REQUEST)
    assert sorted(asked["authorities"]) == authorities


def test_a_server_that_asks_for_nothing_is_recorded_so():
    _, shipper = play(take_all(server_context()))

    assert not facts(shipper, Kind.CERTIFICATE_REQUEST)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("sent", [HEALTHY, HEALTHY.sending(LEAF, name="leaf alone")])
@pytest.mark.parametrize("trusts", [ROOT, OTHER_ROOT, None])
def test_the_servers_chain_is_recorded_also_when_it_is_refused(version, sent, trusts):
    context = server_context(chain=sent, version=version)

    seen, shipper = play(watch(context), spec=only(version, trusts=trusts))

    (showed,) = facts(shipper, Kind.SERVER_CHAIN)
    assert "".join(showed["chain"]).encode() == PKI.pem(*sent.sent)
    believed = trusts is None or (trusts is ROOT and sent is HEALTHY)
    assert (seen.plain == MESSAGE) is believed
    if not believed:
        assert alerts(shipper) == [("peer", "fatal", "unknown_ca")]
        assert ends(shipper) == [("peer", "FIN")]
        (said,) = facts(shipper, Kind.TLS_ERROR)
        assert said["reason"].startswith("certificate verify failed (X509 code ")


def presented(plain, context):
    with suppress(ssl.SSLError), context.wrap_socket(plain, server_side=True) as session:
        heard = session.recv(65536)
        return session.getpeercert(binary_form=True), heard
    return None


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_the_shipper_presents_its_chain(version):
    context = server_context(version=version, asks=ROOT, demands=True)

    (certificate, _), _ = play(
        lambda plain: presented(plain, context), spec=only(version, chain=CLIENT_CHAIN)
    )

    assert ssl.DER_cert_to_PEM_cert(certificate).encode() == PKI.pem(CLIENT_CHAIN.leaf)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("shown", "alert"),
    [
        (chain(OTHER_CLIENT), "unknown_ca"),
        (CLIENT_CHAIN.keyed_as(OTHER_LEAF), "decrypt_error"),
        (None, None),
    ],
)
def test_a_refused_shipper_records_the_alert(version, shown, alert):
    context = server_context(version=version, asks=ROOT, demands=True)

    # A line is never answered: in TLS 1.3 the refusal comes when the record is gone already.
    _, shipper = play(refuse(context), spec=only(version, chain=shown), until=Kind.CLOSED)

    none = "certificate_required" if version == "TLSv1.3" else "handshake_failure"
    assert ("agent", "fatal", alert or none) in alerts(shipper)
    assert facts(shipper, Kind.TLS_ERROR)
    assert ends(shipper)[0][0] == "agent"


def refuse(context):
    """A server that leaves its refusal to be read: it ends its side, then reads to the end."""

    def server(plain):
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(came, goes, server_side=True)
        while True:
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                plain.sendall(goes.read())
                came.write(plain.recv(65536))
            except ssl.SSLError:
                plain.sendall(goes.read())
                plain.shutdown(socket.SHUT_WR)
                return until_end(plain)

    return server


def test_no_common_version_is_an_alert_of_the_agents():
    _, shipper = play(refuse(server_context(version="TLSv1.3")), spec=only("TLSv1.2"))

    assert alerts(shipper) == [("agent", "fatal", "protocol_version")]


@pytest.mark.parametrize(
    ("plugin", "http2", "own", "offered"),
    [
        ("http", False, (), ["http/1.1"]),
        ("http", True, (), ["h2", "http/1.1"]),
        ("http", True, ("foo",), ["foo"]),
        ("tcp", False, (), []),
        ("tcp", True, (), []),
        ("tcp", False, ("foo", "bar"), ["foo", "bar"]),
    ],
)
def test_what_is_offered_by_alpn(plugin, http2, own, offered):
    def server(plain):
        plain.recv(65536)
        reset(plain)

    _, shipper = play(server, spec=ShipperSpec(http2=http2, alpn=own), plugin=plugin)

    (said,) = facts(shipper, Kind.CLIENT_HELLO)
    assert said["alpn"] == offered


def test_without_a_name_none_is_sent():
    _, shipper = play(take_all(server_context()), spec=ShipperSpec(sni=None))

    assert facts(shipper, Kind.CLIENT_HELLO)[0]["sni"] is None


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (ShipperSpec(ciphers="NO-SUCH-CIPHER"), "no cipher match"),
        (ShipperSpec(min_version="TLSv1.3", max_version="TLSv1.2"), "no protocols available"),
        (ShipperSpec(max_version="TLSv9"), "'TLSv9' is none of"),
        (
            ShipperSpec(chain=CLIENT_CHAIN.sending(INTERMEDIATE, name="not its own")),
            "the chain 'not its own': .*key values mismatch",
        ),
    ],
)
def test_what_openssl_cannot_use_is_said_at_once(spec, says):
    with pytest.raises(HarnessFailure, match=says):
        Shipper(spec, "tcp", PKI, time.monotonic)


def test_nobody_listens():
    async def performance():
        with socket.socket() as bound:  # bound, not listening: nobody else can take its port
            bound.bind(("127.0.0.1", 0))
            shipper = Shipper(ShipperSpec(), "http", PKI, time.monotonic)
            await shipper.ship("127.0.0.1", bound.getsockname()[1], record(7), limit=5)
            await shipper.close()
            return shipper

    shipper = asyncio.run(performance())

    assert kinds(shipper) == [Kind.CLOSED]
    assert ends(shipper) == [("agent", "refused")]


def says_goodbye(plain):
    with server_context().wrap_socket(plain, server_side=True) as session:
        session.recv(65536)
        session.unwrap().close()


@pytest.mark.parametrize(
    ("behaviour", "plugin", "server"),
    [(Close(), "tcp", until_end), (Serve(), "forward", says_goodbye)],
)
def test_a_record_is_over_when_its_connection_has_ended(behaviour, plugin, server):
    async def performance():
        with socket.create_server(("127.0.0.1", 0)) as bound:

            def serve():
                with bound.accept()[0] as plain:
                    server(plain)

            serving = asyncio.create_task(asyncio.to_thread(serve))
            shipper = Shipper(ShipperSpec(behaviour=behaviour), plugin, PKI, time.monotonic)
            await shipper.ship("127.0.0.1", bound.getsockname()[1], record(7), limit=WITHIN)
            assert kinds(shipper)[-1] is Kind.CLOSED
            await serving

    asyncio.run(performance())


@pytest.mark.parametrize("plugin", ["tcp", "http"])
def test_an_agent_that_never_speaks_is_left_in_time(plugin):
    began = time.monotonic()
    (heard, end), shipper = play(until_end, plugin=plugin, limit=0.2)

    assert heard
    assert end == "FIN"
    assert 0.2 <= time.monotonic() - began < 3
    assert ends(shipper) == [("peer", "timeout")]


@pytest.mark.parametrize("how", ["FIN", "RST"])
@pytest.mark.parametrize("plugin", ["tcp", "http", "mqtt"])
def test_an_agent_that_ends_without_a_word(how, plugin):
    def server(plain):
        plain.recv(65536)
        if how == "RST":
            reset(plain)

    _, shipper = play(server, plugin=plugin)

    assert ends(shipper) == [("agent", how)]
    assert not facts(shipper, Kind.NEGOTIATED)


def test_an_agents_close_notify_is_told_from_its_fin():
    _, shipper = play(says_goodbye, plugin="forward")

    assert ends(shipper) == [("agent", "close_notify")]
    assert ("agent", "warning", "close_notify") in alerts(shipper)


def test_an_alert_to_cleartext_is_recorded():
    said = records.alert("unexpected_message")

    def server(plain):
        plain.recv(65536)
        plain.sendall(said)
        plain.shutdown(socket.SHUT_WR)
        until_end(plain)

    _, shipper = play(
        server, spec=ShipperSpec(behaviour=Cleartext()), plugin="mqtt", until=Kind.CLOSED
    )

    assert alerts(shipper) == [("agent", "fatal", "unexpected_message")]
    assert facts(shipper, Kind.FIRST_BYTES) == [{"hex": said.hex(), "tls": True}]
    assert ends(shipper) == [("agent", "FIN")]


@pytest.mark.parametrize(("keeps", "connections"), [(True, 1), (False, 3)])
@pytest.mark.parametrize("plugin", ["tcp", "http"])
def test_a_connection_is_kept_for_the_next_record_or_not(keeps, connections, plugin):
    context = server_context()

    def server(plain):
        with context.wrap_socket(plain, server_side=True) as session:
            while piece := session.recv(65536):
                if plugin == "http" and piece.endswith(b"]"):
                    session.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            session.unwrap()

    _, shipper = play(
        server,
        spec=ShipperSpec(keeps=keeps),
        plugin=plugin,
        records=3,
        connections=connections,
    )

    assert [one["records"] for one in facts(shipper, Kind.SHIPPED)] == [
        [record(number)] for number in (7, 8, 9)
    ]
    assert sorted({event.connection for event in shipper.events}) == [*range(1, connections + 1)]


@pytest.mark.parametrize("plugin", ["tcp", "http"])
def test_a_kept_connection_that_ended_is_made_anew(plugin):
    context = server_context()

    def server(plain):
        with context.wrap_socket(plain, server_side=True) as session:
            while not session.recv(65536).endswith((b"]", b"}\n")):
                pass
            if plugin == "http":
                session.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async def performance():
        shipper = Shipper(ShipperSpec(keeps=True), plugin, PKI, time.monotonic)
        over = asyncio.Event()
        shipper.watch = lambda event: over.set() if event.kind is Kind.CLOSED else None
        with socket.create_server(("127.0.0.1", 0)) as bound:

            def serve():
                for _ in range(2):
                    plain, _ = bound.accept()
                    with plain:
                        server(plain)

            serving = asyncio.create_task(asyncio.to_thread(serve))
            for number in (7, 8):
                over.clear()
                await shipper.ship("127.0.0.1", bound.getsockname()[1], record(number), limit=5)
                await asyncio.wait_for(over.wait(), 5)
            await serving
        await shipper.close()
        return shipper

    shipper = asyncio.run(performance())

    assert [event.connection for event in shipper.events if event.kind is Kind.SHIPPED] == [1, 2]
    assert ends(shipper) == [("agent", "FIN")] * 2


def test_a_name_is_written_with_what_has_a_meaning_escaped():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        name = crypto.X509.from_cryptography(PKI.certificate(ROOT)).get_subject()
        name.CN = ' a,b+c"\\ '

    assert rfc4514(name) == 'CN=\\ a\\,b\\+c\\"\\\\\\ ,OU=Handshake Root,O=flb-handshake'
