"""Each behaviour of a collector, at each moment it can have, as a plain TLS client sees it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import pytest
from behaviour_client import TLS_1_2, TLS_1_3, VERSIONS, visiting
from collector_clients import HOST, PKI, POST, alerts, ends, facts, play, until_end
from collector_clients import dial as dial_plainly

from flb_handshake.behaviours import (
    Alert,
    Banner,
    Behaviour,
    Cleartext,
    Close,
    Drip,
    Fragment,
    Moment,
    NoSecureRenegotiation,
    Renegotiate,
    Reset,
    Serve,
    Silent,
)
from flb_handshake.model import CollectorSpec
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import ALERT_NAMES, Kind

ALERT, HANDSHAKE, CIPHER_CHANGE, DATA = 21, 22, 20, 23
CREATED = b"HTTP/1.1 201 "
SERVER_HELLO = 2

BEFORE_SERVER_HELLO = [Moment.CONNECTED, Moment.CLIENT_HELLO]
COLLECTORS = [one for one in Moment if one is not Moment.HALF_HELLO]
LAST_WORDS = {
    Moment.CONNECTED: "nothing",
    Moment.CLIENT_HELLO: "hello",
    Moment.SERVER_HELLO: "hello",
    Moment.FINISHED: "finished",
    Moment.MIDWAY: "request",
}
"""The client's last flight before each moment."""


@dataclass
class Played:
    """What came of a case, on both sides."""

    behaviour: Any
    version: ssl.TLSVersion
    seen: Any
    listener: Any

    @property
    def kinds(self):
        return [record[0] for record in self.seen.records]

    def shows_nothing_after(self, moment):
        """The client heard what comes before this moment, and no byte more."""
        seen = self.seen
        if moment in BEFORE_SERVER_HELLO:
            assert seen.heard == b""
        elif moment is Moment.SERVER_HELLO:
            assert [(one[0], one[5]) for one in seen.records] == [(HANDSHAKE, SERVER_HELLO)]
        elif moment is Moment.FINISHED:
            assert seen.after("finished") == b""
            assert facts(self.listener, Kind.REQUEST) == []
            assert len(facts(self.listener, Kind.NEGOTIATED)) == 1
        else:
            *whole, cut = seen.records
            promised = 5 + int.from_bytes(cut[3:5])
            assert (cut[0], len(cut)) == (DATA, promised // 2)
            assert all(len(one) == 5 + int.from_bytes(one[3:5]) for one in whole)
            (request,) = facts(self.listener, Kind.REQUEST)
            assert request["records"] == [{"message": "handshake"}]
            assert facts(self.listener, Kind.RESPONSE) == []
        assert seen.answers == []
        if moment is not Moment.CONNECTED:
            assert [one["sni"] for one in facts(self.listener, Kind.CLIENT_HELLO)] == [HOST]


def is_served(played):
    assert [answer[:13] for answer in played.seen.answers] == [CREATED]
    assert played.seen.agreed == played.version.name.replace("v1_", "v1.")
    assert (played.seen.error, played.seen.end) == (None, None)
    assert [one["count"] for one in facts(played.listener, Kind.REQUEST)] == [1]


def is_answered_in_cleartext(played):
    assert played.seen.heard.startswith(b"HTTP/1.1 400 ")
    assert (played.seen.error, played.seen.end) == ("WRONG_VERSION_NUMBER", "FIN")


def is_met_with_silence(played):
    played.shows_nothing_after(played.behaviour.at)
    assert played.seen.end == "FIN"  # the answer to its own: nobody else ended it
    assert ends(played.listener) == [("agent", "FIN")]


def is_cut_off(played):
    how = "FIN" if isinstance(played.behaviour, Close) else "RST"
    played.shows_nothing_after(played.behaviour.at)
    assert played.seen.end == how
    assert played.seen.error is None
    assert ends(played.listener) == [("peer", how)]
    assert alerts(played.listener) == []


def is_told_slowly(played):
    """From its moment on, no faster than was promised; before it, nothing waits."""
    is_served(played)
    seen, behaviour = played.seen, played.behaviour
    begins = {
        Moment.SERVER_HELLO: len(seen.records[0]),
        Moment.FINISHED: seen.marks.get("finished"),
        Moment.MIDWAY: len(seen.heard) - len(seen.records[-1]) // 2 - 1,
    }.get(behaviour.at, 0)
    pauses = -(-(len(seen.heard) - begins) // behaviour.bytes) - 1
    last = LAST_WORDS[behaviour.at].replace("nothing", "hello")
    assert pauses >= 3
    assert seen.seconds_since(last) >= 0.9 * pauses * behaviour.every
    within = [length for length, _ in seen.times if length <= begins]
    assert len(within) <= 3


ALERT_REASONS = {
    "internal_error": "TLSV1_ALERT_INTERNAL_ERROR",
    "handshake_failure": "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "unrecognized_name": "TLSV1_UNRECOGNIZED_NAME",
}
"""What OpenSSL 3.0 calls an alert of its peer."""


def is_alerted(played):
    name, at = played.behaviour.name, played.behaviour.at
    warnings = {"close_notify", "user_canceled", "no_renegotiation"}
    level = "warning" if name in warnings else "fatal"
    assert alerts(played.listener) == [("peer", level, name)]
    assert ends(played.listener) == [("peer", "FIN")]
    *before, last = played.seen.records
    assert last[:5] == bytes.fromhex("1503030002")
    assert [one[5] for one in before] == ([SERVER_HELLO] if at is Moment.SERVER_HELLO else [])
    if name in ALERT_REASONS:
        assert played.seen.error == ALERT_REASONS[name]
    assert played.seen.end == "FIN"


def is_greeted_in_another_protocol(played):
    assert played.seen.heard == played.behaviour.text.encode()
    assert (played.seen.error, played.seen.end) == ("WRONG_VERSION_NUMBER", "FIN")
    assert [one["sni"] for one in facts(played.listener, Kind.CLIENT_HELLO)] == [HOST]
    assert ends(played.listener) == [("peer", "FIN")]


def is_given_small_records(played):
    is_served(played)
    records = played.seen.records
    plain = records[: played.kinds.index(CIPHER_CHANGE)]
    assert {one[0] for one in plain} == {HANDSHAKE}
    assert max(len(one) - 5 for one in plain) == played.behaviour.bytes
    assert len(plain) > 2


def is_refused_by_the_client_up_to_tls_1_2(played):
    if played.version is TLS_1_3:
        is_served(played)
        return
    # Python's ssl on OpenSSL 3.0; without SSL_OP_LEGACY_SERVER_CONNECT
    assert played.seen.error == "UNSAFE_LEGACY_RENEGOTIATION_DISABLED"
    assert alerts(played.listener) == [("agent", "fatal", "handshake_failure")]
    assert ends(played.listener) == [("agent", "FIN")]
    hello = played.seen.records[0]
    assert len(hello) == 5 + int.from_bytes(hello[3:5]) == 5 + 4 + int.from_bytes(hello[6:9])


def is_asked_for_a_second_handshake(played):
    is_served(played)
    # The answer waits for the second handshake: this client's request came together with it.
    done = [{"done": True}] if played.version is TLS_1_2 else []
    assert facts(played.listener, Kind.RENEGOTIATION) == done


@dataclass
class Case:
    behaviour: Any
    check: Callable
    versions: tuple = tuple(VERSIONS)


CASES = [
    Case(Serve(), is_served),
    Case(Cleartext(), is_answered_in_cleartext),
    *(Case(Silent(at), is_met_with_silence) for at in COLLECTORS),
    *(Case(Close(at), is_cut_off) for at in COLLECTORS),
    *(Case(Reset(at), is_cut_off) for at in COLLECTORS),
    *(Case(Drip(at, 100, 0.004), is_told_slowly) for at in COLLECTORS[:3]),
    *(Case(Drip(at, 8, 0.01), is_told_slowly) for at in COLLECTORS[3:]),
    *(Case(Alert("internal_error", at), is_alerted) for at in BEFORE_SERVER_HELLO),
    *(
        Case(Alert(name, Moment.SERVER_HELLO), is_alerted, (TLS_1_2,))
        for name in ("handshake_failure", "unrecognized_name")
    ),
    *(Case(Alert(name), is_alerted, (TLS_1_3,)) for name in sorted(ALERT_NAMES)),
    Case(Banner("SSH-2.0-OpenSSH_9.6\r\n"), is_greeted_in_another_protocol),
    Case(Banner("220 mail.example.test ESMTP\r\n"), is_greeted_in_another_protocol, (TLS_1_3,)),
    *(Case(Fragment(size), is_given_small_records) for size in (1, 50)),
    Case(NoSecureRenegotiation(), is_refused_by_the_client_up_to_tls_1_2),
    Case(Renegotiate(), is_asked_for_a_second_handshake),
]

REFUSED = [
    *(conduct(Moment.HALF_HELLO) for conduct in (Silent, Close, Reset, Drip)),
    *(Alert("internal_error", at) for at in (Moment.HALF_HELLO, Moment.FINISHED, Moment.MIDWAY)),
]


def name_of(value):
    return f"{value.behaviour}".replace(" ", "") if isinstance(value, Case) else value.name


@pytest.mark.parametrize(
    ("case", "version"),
    [(case, version) for case in CASES for version in case.versions],
    ids=name_of,
)
def test_a_client_sees_the_behaviour(case, version):
    last = ""
    if isinstance(case.behaviour, Silent):
        last = LAST_WORDS[case.behaviour.at]
    elif isinstance(case.behaviour, Close | Reset) and case.behaviour.at is Moment.FINISHED:
        last = "finished"

    seen, listener = play(CollectorSpec(behaviour=case.behaviour), visiting(version, last=last))

    case.check(Played(case.behaviour, version, seen, listener))


@pytest.mark.parametrize("behaviour", REFUSED, ids=str)
def test_what_no_collector_can_do_is_refused_before_it_listens(behaviour):
    collector = Collector(PKI)
    with pytest.raises(ValueError, match=r"moment of a shipper|not possible"):
        asyncio.run(collector.listen(CollectorSpec(behaviour=behaviour)))


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (Alert("no_such_alert"), "no alert's name"),
        (Drip(bytes=0), "less than one byte"),
        (Fragment(0), "less than one byte"),
        (Drip(every=-1.0), "negative"),
    ],
)
def test_a_behaviour_without_sense_is_refused_before_it_listens(behaviour, why):
    collector = Collector(PKI)
    with pytest.raises(ValueError, match=why):
        asyncio.run(collector.listen(CollectorSpec(behaviour=behaviour)))


def test_every_behaviour_is_tried_at_every_moment():
    tried = [case.behaviour for case in CASES] + REFUSED
    assert {type(one) for one in tried} == set(get_args(Behaviour))
    for kind in get_args(Behaviour):
        if "at" in kind.__dataclass_fields__:
            assert {one.at for one in tried if type(one) is kind} == set(Moment), kind


def test_a_second_handshake_happens_with_a_client_that_stays_and_requests_go_on():
    visit = visiting(TLS_1_2, rounds=3)

    seen, listener = play(CollectorSpec(behaviour=Renegotiate()), visit)

    assert [answer[:13] for answer in seen.answers] == [CREATED] * 3
    assert facts(listener, Kind.RENEGOTIATION) == [{"done": True}]
    assert len(facts(listener, Kind.NEGOTIATED)) == 1


def test_a_client_that_refuses_a_second_handshake_says_so():
    visit = visiting(TLS_1_2, options=ssl.OP_NO_RENEGOTIATION)

    seen, listener = play(CollectorSpec(behaviour=Renegotiate()), visit)

    # OpenSSL's server, having asked, takes no for an answer that ends the session.
    assert alerts(listener) == [
        ("agent", "warning", "no_renegotiation"),
        ("peer", "fatal", "handshake_failure"),
    ]
    assert seen.error == "SSLV3_ALERT_HANDSHAKE_FAILURE"
    assert facts(listener, Kind.RENEGOTIATION) == [{"done": False}]
    assert len(facts(listener, Kind.TLS_ERROR)) == 1


@pytest.mark.parametrize("first", [POST, b"SSH-2.0-client\r\n"])
def test_a_banner_is_said_before_the_client_speaks_and_any_word_ends_it(first):
    banner = Banner("220 ready\r\n")

    def client(port):
        with dial_plainly(port) as plain:
            heard = plain.recv(100)
            plain.sendall(first)
            return heard, until_end(plain)

    said, listener = play(CollectorSpec(behaviour=banner), client)

    assert said == (b"220 ready\r\n", (b"", "FIN"))
    assert facts(listener, Kind.FIRST_BYTES) == [{"hex": first[:16].hex(), "tls": False}]
    assert facts(listener, Kind.REQUEST) == []


def test_a_hello_retry_request_is_not_taken_for_the_server_hello():
    spec = CollectorSpec(behaviour=Close(Moment.SERVER_HELLO), groups="P-521")

    seen, listener = play(spec, visiting(TLS_1_3))

    retry, hello = [one for one in seen.records if one[0] == HANDSHAKE]
    assert retry[11:15].hex() == "cf21ad74"
    assert hello[11:15].hex() != "cf21ad74"
    assert ends(listener) == [("peer", "FIN")]


def test_a_slow_answer_is_whole_though_the_client_has_ended_its_side():
    def client(port):
        with dial_plainly(port) as plain:
            plain.sendall(POST.replace(b"Host:", b"Connection: close\r\nHost:"))
            plain.shutdown(1)
            return until_end(plain)

    # without TLS a collector refuses, slowly
    (heard, end), listener = play(CollectorSpec(behaviour=Drip(bytes=4, every=0.002)), client)

    assert heard.startswith(b"HTTP/1.1 400 ")
    assert heard.endswith(b"\r\n\r\n")
    assert end == "FIN"
    assert ends(listener) in ([("agent", "FIN")], [("peer", "FIN")])
