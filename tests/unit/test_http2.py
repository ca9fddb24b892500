"""HTTP/2 and gRPC on the collector, as bytes alone, with h2's client at the other end."""

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, TrailersReceived
from hypothesis import given
from hypothesis import strategies as st

from flb_handshake.peer.http2 import EitherHttp, Http2Server
from flb_handshake.peer.protocols.services import SERVICES

SERVICE = SERVICES["opentelemetry"]
BODY = bytes.fromhex("0a11120f120d2a0b0a0968616e647368616b65")
"""ExportLogsServiceRequest with the text `handshake`."""

CALL = bytes([0, 0, 0, 0, len(BODY)]) + BODY


def posted(body, media_type):
    """What a client says, and the client, which is to hear the answer."""
    client = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    client.initiate_connection()
    head = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "logs.example.test"),
        (":path", "/v1/logs"),
        ("content-type", media_type),
    ]
    client.send_headers(1, head)
    client.send_data(1, body, end_stream=True)
    return client.data_to_send(), client


def records(heard):
    return [one for each in heard for request in each.requests for one in request.facts["records"]]


def in_pieces(server, stream, size):
    return [server.receive(stream[at : at + size]) for at in range(0, len(stream), size)]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("make", [Http2Server, EitherHttp])
@pytest.mark.parametrize(
    ("body", "media_type"), [(BODY, "application/x-protobuf"), (CALL, "application/grpc")]
)
def test_a_request_and_a_call_each_bring_their_record(make, body, media_type, size):
    stream, _ = posted(body, media_type)

    assert records(in_pieces(make(SERVICE), stream, size)) == ["handshake"]


def test_a_call_is_answered_with_a_message_and_its_status_behind_it():
    stream, client = posted(CALL, "application/grpc+proto")

    events = client.receive_data(Http2Server(SERVICE).receive(stream).answer)

    (answered,) = [one for one in events if isinstance(one, ResponseReceived)]
    assert {(":status", "200"), ("content-type", "application/grpc")} <= set(answered.headers)
    assert [one.data for one in events if isinstance(one, DataReceived)] == [bytes(5)]
    (behind,) = [one for one in events if isinstance(one, TrailersReceived)]
    assert list(behind.headers) == [("grpc-status", "0")]


def test_a_request_that_is_no_call_gets_no_status_behind_its_answer():
    stream, client = posted(BODY, "application/x-protobuf")

    events = client.receive_data(Http2Server(SERVICE).receive(stream).answer)

    assert not [one for one in events if isinstance(one, TrailersReceived)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_without_the_preface_it_is_http_1_1(size):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY)

    heard = in_pieces(EitherHttp(SERVICE), head + BODY, size)

    assert records(heard) == ["handshake"]
    assert b"".join(one.answer for one in heard).startswith(b"HTTP/1.1 200 OK")


@given(st.binary(max_size=300), st.integers(0, 40), st.integers(1, 40))
def test_no_junk_makes_either_raise(junk, kept, size):
    stream, _ = posted(CALL, "application/grpc")

    in_pieces(EitherHttp(SERVICE), junk, size)
    in_pieces(EitherHttp(SERVICE), stream[:kept] + junk, size)
    in_pieces(Http2Server(SERVICE), stream[:-kept] + junk, size)
