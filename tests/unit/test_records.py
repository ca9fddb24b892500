"""TLS records cut, taken apart and made up, as bytes alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flb_handshake.peer.events import ALERT_NAMES, alert_facts, alert_value
from flb_handshake.peer.records import (
    Fragmenter,
    after_server_hello,
    alert,
    split,
    without_renegotiation_info,
)

HANDSHAKE, ALERT, CIPHER_CHANGE, DATA = 22, 21, 20, 23
INFO = (0xFF01, b"\0")
TICKET = (35, b"")
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def record(kind, body):
    return bytes([kind, 3, 3]) + len(body).to_bytes(2) + body


def server_hello(*extensions, random=bytes(32), session=b"s" * 32, behind=b""):
    block = b"".join(kind.to_bytes(2) + len(it).to_bytes(2) + it for kind, it in extensions)
    body = b"\x03\x03" + random + bytes([len(session)]) + session + b"\xc0\x2f\0"
    body += len(block).to_bytes(2) + block if extensions else b""
    return record(HANDSHAKE, b"\x02" + len(body).to_bytes(3) + body + behind)


def content(stream):
    return b"".join(one[5:] for one in split(stream))


@given(st.lists(st.binary(max_size=300).map(lambda it: record(HANDSHAKE, it or b"\0"))))
def test_splitting_loses_nothing(whole):
    assert list(split(b"".join(whole))) == whole


def test_what_is_no_whole_record_comes_last_as_it_is():
    cut = record(DATA, b"abc")[:-1]
    assert list(split(record(ALERT, b"ab") + cut)) == [record(ALERT, b"ab"), cut]


@given(st.binary(min_size=1, max_size=500), st.integers(1, 600))
def test_a_message_is_the_same_in_fragments(message, size):
    cut = list(split(Fragmenter(size)(record(HANDSHAKE, message))))
    assert content(b"".join(cut)) == message
    assert [len(one) - 5 for one in cut[:-1]] == [size] * (len(cut) - 1)
    assert 0 < len(cut[-1]) - 5 <= size
    assert {one[:3] for one in cut} == {b"\x16\x03\x03"}


@pytest.mark.parametrize("kind", [CIPHER_CHANGE, DATA, ALERT])
def test_nothing_is_cut_from_the_first_record_of_another_type_on(kind):
    cut = Fragmenter(2)
    message, encrypted = record(HANDSHAKE, b"abcd"), record(HANDSHAKE, b"encrypted")
    other = record(kind, b"0123456789")
    assert len(list(split(cut(message)))) == 2
    assert cut(other + encrypted) == other + encrypted
    assert cut(message) == message


@pytest.mark.parametrize("behind", [b"", b"\x0b\0\0\0"])
@pytest.mark.parametrize("extensions", [(INFO,), (INFO, TICKET), (TICKET, INFO)])
def test_one_extension_is_taken_out_and_all_lengths_still_add_up(extensions, behind):
    kept = [one for one in extensions if one is not INFO]
    after = record(HANDSHAKE, b"\x0e\0\0\0")
    given_ = server_hello(*extensions, behind=behind) + after
    assert without_renegotiation_info(given_) == server_hello(*kept, behind=behind) + after


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        server_hello(),
        server_hello(TICKET),
        record(ALERT, b"\x02\x28"),
        record(DATA, server_hello(INFO)[5:]),
        record(HANDSHAKE, b"\x0b\0\0\0"),
    ],
)
def test_whatever_has_no_such_extension_stays_as_it_is(stream):
    assert without_renegotiation_info(stream) == stream


def test_a_flight_is_parted_behind_the_server_hello():
    hello = server_hello(TICKET)
    assert after_server_hello(hello + record(DATA, b"x")) == len(hello)
    for none in (b"", record(ALERT, b"\x02\x28"), record(DATA, b"\x02"), record(HANDSHAKE, b"\0")):
        assert after_server_hello(none) == 0
    assert after_server_hello(server_hello(TICKET, random=RETRY)) == 0


@pytest.mark.parametrize("name", sorted(ALERT_NAMES))
def test_an_alert_s_name_leads_to_its_bytes_and_back(name):
    warnings = {"close_notify", "user_canceled", "no_renegotiation"}
    level = "warning" if name in warnings else "fatal"
    assert alert_facts(alert_value(name)) == {"level": level, "name": name}
    assert alert(name) == b"\x15\x03\x03\0\x02" + alert_value(name).to_bytes(2)
