"""What is shown of a handshake while it happens: one line for each event, fit for a terminal."""

from __future__ import annotations

import pytest

from flb_handshake.certificates import CLIENT_CHAIN
from flb_handshake.peer.events import PROXY_LAYER, Event, Kind
from flb_handshake.pki import Pki
from flb_handshake.report.live import Live, told


def event(kind, **facts):
    return Event(t=0.0, connection=7, kind=kind, facts=facts)


def request(**facts):
    usual = {"tls": True, "method": "POST", "target": "/", "count": 0, "records": [], "body": ""}
    return event(Kind.REQUEST, **{**usual, **facts})


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (event(Kind.STATE, name="TLS write finished"), None),
        (event(Kind.DROPPED), None),
        (event(Kind.FIRST_BYTES, hex="160301", tls=True), None),
        (event(Kind.FIRST_BYTES, hex="474554", tls=False), "no TLS: it begins with 'GET'"),
        (
            event(Kind.CLIENT_HELLO, sni=None, versions=["TLSv1.3"], alpn=[], ja4="t13i"),
            "ClientHello: SNI none, TLSv1.3, ALPN none, JA4 t13i",
        ),
        (
            event(
                Kind.NEGOTIATED, version="TLSv1.2", cipher="C", group="x25519", alpn="h2", resumed=1
            ),
            "handshake done: TLSv1.2, C, x25519, ALPN h2, session resumed",
        ),
        (
            event(Kind.ALERT, by="agent", level="fatal", name="unknown_ca"),
            "alert received: fatal unknown_ca",
        ),
        (
            event(Kind.ALERT, by="peer", level="fatal", name="certificate_required"),
            "alert sent: fatal certificate_required",
        ),
        (event(Kind.CLIENT_CHAIN, chain=[]), "client certificate: none"),
        (
            request(count=2, records=[{"a": "ä"}, {"b": 1}]),
            'received over TLS: POST /, 2 records {"a": "ä"} {"b": 1}',
        ),
        (request(tls=False, body="?"), "received in cleartext: POST /, 0 records ?"),
        (event(Kind.RESPONSE, status=201), "answered: 201"),
        (event(Kind.RESPONSE, answer="ack"), "answered: ack"),
        (event(Kind.CLOSED, by="agent", how="RST"), "closed from there: RST"),
        (event(Kind.CLOSED, by="peer", how="FIN"), "closed from here: FIN"),
        (
            event(Kind.CLOSED, by="agent", how="refused"),
            "connection refused: nothing listens there",
        ),
    ],
)
def test_each_event_is_told_in_its_own_line_or_not_at_all(happened, line):
    assert told(happened) == line


def test_a_chain_is_told_by_its_leaf_whoever_stands_first_in_the_store():
    pki = Pki()
    chain = [pki.pem(one).decode() for one in CLIENT_CHAIN.sent]
    said = told(event(Kind.CLIENT_CHAIN, chain=chain))
    assert said.startswith("client certificate: CN=fluent-bit,")
    assert "issued by OU=Handshake Intermediate," in said
    assert said.endswith("(2 sent)")


@pytest.mark.parametrize(
    "trick", ["\x1b[2J", "\r\n12:00:00.000  #1  handshake done", "\x9b2J", "\u202e"]
)
def test_what_a_stranger_sends_cannot_write_lines_or_command_a_terminal(trick):
    for said in (told(request(target=trick)), told(request(count=1, records=[trick]))):
        assert said.isprintable()
        assert "\n" not in said


def test_a_long_record_is_cut():
    said = told(request(count=1, records=["x" * 100_000]))
    assert len(said) < 300
    assert said.endswith("…")


def test_lines_bear_the_number_of_their_connection_and_the_proxy_is_told_apart():
    lines = []
    live = Live(lines.append)
    live.came(7, "127.0.0.1:4")
    live.saw(event(Kind.ACCEPTED, layer=PROXY_LAYER))
    live.saw(event(Kind.ACCEPTED))
    live.saw(event(Kind.RESPONSE, status=200, layer=PROXY_LAYER))
    live.saw(event(Kind.STATE, name="any"))
    live.saw(event(Kind.ARRIVED, count=1, records=[1], body=""))
    assert lines == [
        "#7  proxy: connection from 127.0.0.1:4",
        "#7  connected",
        "#7  proxy: answered: 200",
        "came out of Fluent Bit: 1 record 1",
    ]
