"""DTLS's records and hellos, as bytes alone."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from flb_handshake.peer import dtls
from flb_handshake.peer.hello import HelloError
from flb_handshake.peer.opening import Opening

HOST = "logs.example.test"


def record(kind, body, *, epoch=0, version=b"\xfe\xff"):
    return bytes([kind]) + version + epoch.to_bytes(2) + bytes(6) + len(body).to_bytes(2) + body


def fragment(message, start, end):
    """The record of a hello's fragment. `message` begins with its type and its length."""
    return record(
        22,
        message[:4] + bytes(2) + start.to_bytes(3) + (end - start).to_bytes(3)
        + message[4 + start : 4 + end],
    )  # fmt: skip


def hello_message():
    """What OpenSSL's DTLS client says first, as type, length and body."""
    client = SSL.Connection(SSL.Context(SSL.DTLS_CLIENT_METHOD), None)
    client.set_connect_state()
    client.set_tlsext_host_name(HOST.encode())
    client.set_ciphertext_mtu(1400)
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    said = client.bio_read(1 << 16)
    return said[13:17] + said[25:]


MESSAGE = hello_message()
LENGTH = len(MESSAGE) - 4
WHOLE = fragment(MESSAGE, 0, LENGTH)


def read(*datagrams):
    parser = dtls.DtlsHelloParser()
    return [parser.feed(datagram) for datagram in datagrams][-1]


def test_a_hello_tells_what_it_offers():
    hello = read(WHOLE)
    assert hello.sni == HOST
    assert hello.versions == ("DTLSv1.2",)
    assert hello.record_version == 0xFEFF
    assert (hello.bytes, hello.records) == (12 + LENGTH, 1)
    assert hello.ja4.startswith("dd2d")


@given(cuts=st.sets(st.integers(1, LENGTH - 1), max_size=9), together=st.booleans())
def test_fragments_make_the_same_hello_in_one_datagram_or_in_several(cuts, together):
    bounds = [0, *sorted(cuts), LENGTH]
    pieces = [fragment(MESSAGE, *pair) for pair in itertools.pairwise(bounds)]
    hello = read(b"".join(pieces)) if together else read(*pieces)
    assert hello == read(WHOLE)
    assert hello.records == len(pieces)


def test_a_fragment_that_comes_again_changes_nothing():
    half = fragment(MESSAGE, 0, 100)
    assert read(half) is None
    assert read(half, half, fragment(MESSAGE, 100, LENGTH)) == read(WHOLE)


def test_a_cookie_is_no_part_of_what_is_offered():
    at = 4 + 34 + 1 + MESSAGE[38]
    assert MESSAGE[at] == 0
    body = MESSAGE[4:at] + b"\x04abcd" + MESSAGE[at + 1 :]
    again = MESSAGE[:1] + len(body).to_bytes(3) + body
    assert read(fragment(again, 0, len(body))) == read(WHOLE)


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (record(22, b"\x01"), "fragment"),
        (record(23, WHOLE[13:]), "fragment"),
        (record(22, b"\x10" + bytes(11)), "type 16"),
        (record(22, b"\x01\xff\xff\xff" + bytes(8)), "announces"),
        (record(22, b"\x01\x00\x00\x00" + bytes(8)), "cookie"),
    ],
)
def test_what_is_no_hello_is_told(datagram, why):
    with pytest.raises(HelloError, match=why):
        read(datagram)


DATAGRAMS = st.one_of(
    st.binary(max_size=60),
    st.binary(max_size=60).map(lambda junk: record(22, junk)),
    st.binary(max_size=300).map(
        lambda junk: fragment(b"\x01" + len(junk).to_bytes(3) + junk, 0, len(junk))
    ),
)


@given(datagrams=st.lists(DATAGRAMS, max_size=4))
def test_no_datagrams_make_one_raise_anything_else(datagrams):
    parser = dtls.DtlsHelloParser()
    for datagram in datagrams:
        assert b"".join(dtls.records(datagram)) == datagram
        if dtls.is_stray(datagram):
            assert dtls.opening(datagram) is Opening.HANDSHAKE
        try:
            parser.feed(datagram)
        except HelloError:
            return


@pytest.mark.parametrize(
    ("datagram", "begins", "stray"),
    [
        (WHOLE, Opening.HANDSHAKE, False),
        (record(21, b"\x02\x28"), Opening.ALERT, False),
        (record(21, bytes(26), epoch=1), Opening.HANDSHAKE, True),
        (record(20, b"\x01"), Opening.HANDSHAKE, True),
        (record(22, b"\x10" + bytes(40)), Opening.HANDSHAKE, True),
        (record(22, b"\x01" + bytes(40), epoch=1), Opening.HANDSHAKE, True),
        (record(23, bytes(40), epoch=1), Opening.HANDSHAKE, True),
        (b"<14>1 - - - - - - handshake", Opening.CLEARTEXT, False),
        (b"\x16\x03\x01" + bytes(20), Opening.CLEARTEXT, False),
    ],
)
def test_what_a_datagram_begins(datagram, begins, stray):
    assert dtls.opening(datagram) is begins
    assert dtls.is_stray(datagram) is stray
