"""What a collector hears in datagrams: messages as they are, and in DTLS."""

from __future__ import annotations

import asyncio
import socket

import pytest
from collector_clients import PKI, WITHIN, alerts, ends, facts
from OpenSSL import SSL, crypto

from flb_handshake.behaviours import Cleartext
from flb_handshake.certificates import CLIENT_CHAIN, HOST, OTHER_ROOT, ROOT
from flb_handshake.model import AgentSpec, ClientAuth, CollectorSpec
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind
from flb_handshake.peer.protocols import spoken_by

LINE = b"<14>1 2026-11-24T12:21:07.014304Z - - - - - handshake"
RECORD = {"pri": "14", "time": "2026-11-24T12:21:07.014304Z", "message": "handshake"}
GELF = b'{"version":"1.1","short_message":"handshake"}'
DEMANDING = CollectorSpec(client_auth=ClientAuth.DEMAND, client_ca=ROOT)


def play(client, spec=None, *, plugin="syslog", mode="dtls"):
    """Run a blocking `client(socket)` against a collector; give its listener once it has settled.

    It settles with a record, or when every session has ended.
    """

    async def performance():
        failures = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: failures.append(told))
        collector = Collector(PKI)
        agent = AgentSpec(plugin=plugin, properties=(("mode", mode),))
        listener = await collector.listen(spec or CollectorSpec(), spoken=spoken_by(agent))
        settled = asyncio.Event()
        listener.on_settled = settled.set
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.settimeout(WITHIN)
            plain.connect(("127.0.0.1", listener.port))
            try:
                await asyncio.to_thread(client, plain)
                await asyncio.wait_for(settled.wait(), WITHIN)
            finally:
                collector.close()
                await asyncio.sleep(0)
        assert failures == []
        return listener

    return asyncio.run(performance())


class Client:
    """OpenSSL's DTLS client over a socket; its own datagrams are as long as `mtu` allows."""

    def __init__(self, plain, *, trust=ROOT, own=None, mtu=1400):
        made = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        store = made.get_cert_store()
        store.add_cert(crypto.X509.from_cryptography(PKI.certificate(trust)))
        made.set_verify(SSL.VERIFY_PEER, lambda *told: bool(told[-1]))
        if own is not None:
            made.use_certificate(PKI.certificate(own.leaf))
            for above in own.sent[1:]:
                made.add_extra_chain_cert(PKI.certificate(above))
            made.use_privatekey(PKI.key(own.leaf))
        self.plain = plain
        self.session = SSL.Connection(made, None)
        self.session.set_connect_state()
        self.session.set_tlsext_host_name(HOST.encode())
        self.session.set_ciphertext_mtu(mtu)

    def flush(self):
        """Send what OpenSSL wants to say, a record in each datagram."""
        try:
            said = self.session.bio_read(1 << 16)
        except SSL.WantReadError:
            return
        while said:
            end = 13 + int.from_bytes(said[11:13])
            self.plain.send(said[:end])
            said = said[end:]

    def shake(self):
        """Complete the handshake. Raises SSL.Error."""
        while True:
            try:
                self.session.do_handshake()
            except SSL.WantReadError:
                self.flush()
                self.session.bio_write(self.plain.recv(1 << 16))
            except SSL.Error:
                self.flush()
                raise
            else:
                self.flush()
                return self

    def say(self, message):
        self.session.send(message)
        self.flush()

    def close(self):
        self.session.shutdown()
        self.flush()


def arrived(listener):
    return [(one["tls"], one["records"]) for one in facts(listener, Kind.REQUEST)]


@pytest.mark.parametrize("mtu", [1400, 256])
def test_a_record_arrives_in_dtls_and_all_of_its_handshake_is_told(mtu):
    listener = play(lambda plain: Client(plain, mtu=mtu).shake().say(LINE + b"\n"))
    assert arrived(listener) == [(True, [RECORD])]
    assert facts(listener, Kind.NEGOTIATED)[0]["version"] == "DTLSv1.2"
    (hello,) = facts(listener, Kind.CLIENT_HELLO)
    assert hello["sni"] == HOST
    assert hello["versions"] == ["DTLSv1.2"]
    assert hello["ja4"].startswith("dd2d")
    assert facts(listener, Kind.FIRST_BYTES)[0]["tls"] is True
    assert len(facts(listener, Kind.ACCEPTED)) == 1


def test_several_records_arrive_in_one_session():
    listener = play(lambda plain: Client(plain).shake().say((LINE + b"\n") * 2))
    assert arrived(listener) == [(True, [RECORD]), (True, [RECORD])]


def refused(plain, **settings):
    with pytest.raises(SSL.Error):
        Client(plain, **settings).shake()


def test_a_client_that_refuses_has_said_its_last_word():
    listener = play(lambda plain: refused(plain, trust=OTHER_ROOT))
    assert alerts(listener) == [("agent", "fatal", "unknown_ca")]
    assert ends(listener) == [("agent", "alert")]
    assert arrived(listener) == []


def test_a_client_without_the_certificate_that_is_demanded_is_refused_once():
    """Its flight comes in several datagrams: the rest of it begins no session of its own."""
    listener = play(refused, DEMANDING)
    assert alerts(listener) == [("peer", "fatal", "handshake_failure")]
    assert ends(listener) == [("peer", "alert")]
    assert facts(listener, Kind.CLIENT_CHAIN) == [{"chain": []}]


def test_a_client_certificate_is_told():
    own = CLIENT_CHAIN
    listener = play(lambda plain: Client(plain, own=own).shake().say(LINE + b"\n"), DEMANDING)
    assert arrived(listener) == [(True, [RECORD])]
    (shown,) = facts(listener, Kind.CLIENT_CHAIN)
    assert shown["chain"][0] == PKI.pem(own.leaf).decode()


def test_a_session_that_is_closed_is_over():
    listener = play(lambda plain: Client(plain).shake().close())
    assert ends(listener) == [("agent", "close_notify")]


@pytest.mark.parametrize(
    ("plugin", "datagram", "record"),
    [
        ("syslog", LINE, RECORD),
        ("gelf", GELF, {"version": "1.1", "short_message": "handshake"}),
    ],
)
@pytest.mark.parametrize("spec", [CollectorSpec(), CollectorSpec(behaviour=Cleartext())])
def test_a_message_without_dtls_is_told_as_what_it_is(spec, plugin, datagram, record):
    listener = play(lambda plain: plain.send(datagram), spec, plugin=plugin, mode="udp")
    assert arrived(listener) == [(False, [record])]
    assert facts(listener, Kind.FIRST_BYTES) == [{"hex": datagram[:16].hex(), "tls": False}]


def test_a_collector_without_dtls_takes_no_notice_of_a_hello():
    def client(plain):
        hello = Client(plain)
        with pytest.raises(SSL.WantReadError):
            hello.session.do_handshake()
        hello.flush()
        plain.settimeout(0.2)
        with pytest.raises(TimeoutError):
            plain.recv(1 << 16)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(LINE, plain.getpeername())

    listener = play(client, CollectorSpec(behaviour=Cleartext()))
    assert facts(listener, Kind.CLIENT_HELLO)[0]["sni"] == HOST
    assert arrived(listener) == [(False, [RECORD])]
    assert all(how == "timeout" for _, how in ends(listener))


HEAD = b"\x16\xfe\xff" + bytes(8)
JUNK = {
    "nothing of a session": b"\x17\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x04abcd",
    "a record cut short": HEAD + b"\x00\xff\x01",
    "a hello of nothing": HEAD + b"\x00\x0c\x01" + bytes(11),
    "a hello without end": HEAD + b"\x00\x0d\x01\xff\xff\xff" + bytes(9),
    "a header": HEAD + b"\x00\x00",
    "no protocol": bytes(range(1, 200)),
    "an alert": b"\x15" + HEAD[1:] + b"\x00\x02\x02\x28",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_keeps_nobody_else_from_being_heard(junk):
    def client(plain):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            for end in range(1, len(junk) + 1):
                other.sendto(junk[:end], plain.getpeername())
            other.sendto(junk, plain.getpeername())
        Client(plain).shake().say(LINE + b"\n")

    assert (True, [RECORD]) in arrived(play(client))


def test_an_alert_that_comes_first_is_told():
    listener = play(lambda plain: plain.send(JUNK["an alert"]))
    assert alerts(listener) == [("agent", "fatal", "handshake_failure")]


def test_a_sender_begins_anew_after_the_end():
    def client(plain):
        Client(plain).shake().close()
        Client(plain).shake().say(LINE + b"\n")

    listener = play(client)
    connections = [event.connection for event in listener.events if event.kind is Kind.ACCEPTED]
    assert connections == [1, 2]
