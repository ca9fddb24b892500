"""A shipper behaves as it is told, at every moment, as its server sees it."""

from __future__ import annotations

import json
import time
from itertools import product

import pytest
from collector_clients import alerts, ends, facts
from shipper_servers import Seen, kinds, play, record, server_context, until_end, watch

from flb_handshake.behaviours import (
    Alert,
    Banner,
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
from flb_handshake.errors import HarnessFailure
from flb_handshake.model import ShipperSpec
from flb_handshake.peer import hello
from flb_handshake.peer.events import Kind
from flb_handshake.peer.shipper import Shipper
from flb_handshake.pki import Pki

MESSAGE = json.dumps(record(7)).encode() + b"\n"
A_WHILE = 0.25
"""Seconds that a shipper is given whose silence is to be seen."""

BOTH = ["TLSv1.2", "TLSv1.3"]
EVERYWHERE = [*product(Moment, BOTH)]
ALERT_RECORD = b"\x15\x03\x03\x00\x02\x02\x50"


def behave(behaviour, version, **options) -> tuple[Seen, Shipper, float]:
    began = time.monotonic()
    seen, shipper = play(
        watch(server_context(version=version)), spec=ShipperSpec(behaviour=behaviour), **options
    )
    return seen, shipper, time.monotonic() - began


def assert_nothing_after(moment, seen, said=b""):
    """The server saw everything up to this moment, then `said`, and nothing else."""
    assert seen.raw.endswith(said)
    raw = seen.raw.removesuffix(said)
    if moment is Moment.CONNECTED:
        assert raw == b""
    elif moment is Moment.HALF_HELLO:
        assert len(raw) > 50
        assert hello.parse(raw) is None
    elif moment is Moment.CLIENT_HELLO:
        assert hello.parse(raw)
        assert not seen.done
    elif moment is Moment.SERVER_HELLO:
        assert seen.before_flight == len(raw)
        assert not seen.done
    elif moment is Moment.FINISHED:
        assert seen.done
        assert seen.plain == b""
    else:
        assert seen.plain == MESSAGE[: len(MESSAGE) // 2]


@pytest.mark.parametrize(("moment", "version"), EVERYWHERE)
def test_a_silent_shipper_says_nothing_more_and_stays(moment, version):
    seen, shipper, took = behave(Silent(moment), version, limit=A_WHILE)

    assert_nothing_after(moment, seen)
    assert took >= A_WHILE
    assert ends(shipper) == [("peer", "timeout")]
    assert not facts(shipper, Kind.SHIPPED)


@pytest.mark.parametrize(("moment", "version"), EVERYWHERE)
def test_a_shipper_closes(moment, version):
    seen, shipper, _ = behave(Close(moment), version)

    assert_nothing_after(moment, seen)
    assert seen.end == "FIN"
    assert ends(shipper) == [("peer", "FIN")]
    assert not facts(shipper, Kind.SHIPPED)


@pytest.mark.parametrize(("moment", "version"), EVERYWHERE)
def test_a_shipper_resets(moment, version):
    seen, shipper, _ = behave(Reset(moment), version)

    assert seen.end == "RST"
    assert ends(shipper) == [("peer", "RST")]
    assert not facts(shipper, Kind.SHIPPED)
    assert bool(facts(shipper, Kind.CLIENT_HELLO)) is (
        moment not in {Moment.CONNECTED, Moment.HALF_HELLO}
    )


@pytest.mark.parametrize(
    ("moment", "version"),
    [*product([Moment.CONNECTED, Moment.CLIENT_HELLO, Moment.SERVER_HELLO], BOTH)],
)
def test_a_shipper_sends_an_alert_of_its_own(moment, version):
    seen, shipper, _ = behave(Alert("internal_error", moment), version)

    assert_nothing_after(moment, seen, ALERT_RECORD)
    assert seen.end == "FIN"
    assert ("peer", "fatal", "internal_error") in alerts(shipper)
    assert ends(shipper) == [("peer", "FIN")]


@pytest.mark.parametrize(("moment", "version"), EVERYWHERE)
def test_a_slow_shipper_ships_all_the_same(moment, version):
    seen, shipper, _ = behave(Drip(moment, bytes=8, every=0.002), version)

    assert seen.plain == MESSAGE
    assert facts(shipper, Kind.SHIPPED)
    assert ends(shipper) == [("peer", "close_notify")]
    # the rest of the line alone, in a record of at least 30 bytes, is four drops
    assert seen.times[-1] - seen.times[0] >= 3 * 0.002


@pytest.mark.parametrize("version", BOTH)
def test_a_fragmented_hello_is_one_hello(version):
    seen, shipper, _ = behave(Fragment(48), version)

    assert seen.plain == MESSAGE
    assert int.from_bytes(seen.raw[3:5]) == 48
    assert facts(shipper, Kind.CLIENT_HELLO)[0]["records"] > 3


def test_a_banner_is_said_in_place_of_a_hello():
    (heard, end), shipper = play(
        until_end, spec=ShipperSpec(behaviour=Banner("SSH-2.0-x\r\n")), limit=A_WHILE
    )

    assert (heard, end) == (b"SSH-2.0-x\r\n", "FIN")
    assert kinds(shipper) == [Kind.ACCEPTED, Kind.CLOSED]


def test_a_shipper_without_tls_says_its_record_as_it_is():
    (heard, end), shipper = play(until_end, spec=ShipperSpec(behaviour=Cleartext()))

    assert (heard, end) == (MESSAGE, "FIN")
    assert facts(shipper, Kind.SHIPPED) == [
        {"tls": False, "records": [record(7)], "bytes": len(MESSAGE)}
    ]
    assert ends(shipper) == [("peer", "FIN")]


@pytest.mark.parametrize(
    ("behaviour", "plugin", "says"),
    [
        (NoSecureRenegotiation(), "tcp", "NoSecureRenegotiation is a server's behaviour"),
        (Renegotiate(), "tcp", "Renegotiate is a server's behaviour"),
        (Alert("no_such_alert"), "tcp", "'no_such_alert' is no alert's name"),
        (Alert("internal_error", Moment.FINISHED), "tcp", "an unencrypted alert is not possible"),
        (Serve(), "tail", "not 'tail'"),
    ],
)
def test_what_no_shipper_can_do_is_said_at_once(behaviour, plugin, says):
    with pytest.raises(HarnessFailure, match=says):
        Shipper(ShipperSpec(behaviour=behaviour), plugin, Pki(), time.monotonic)
