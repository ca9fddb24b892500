"""The ClientHello reader: real hellos of two OpenSSLs, JA4's published vectors, hostile bytes."""

import json
import re
import ssl
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from flb_handshake.peer.hello import ClientHello, HelloError, HelloParser, looks_like_tls, parse

NAME = "logging.example.com"
GREASE = 0x3A3A

# technical_details/JA4.md of FoxIO-LLC/ja4: the example's lists in the order sent, its hashes.
PUBLISHED_CIPHERS = "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"
PUBLISHED_KINDS = "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015"
PUBLISHED_SIGNATURES = "0403,0804,0401,0503,0805,0501,0806,0601"
PUBLISHED = "t13d1516h2_8daaf6152771_e5627efa2ab1"
PUBLISHED_WITHOUT_SIGNATURES = "6d807ffa2a79"


def codes(listed):
    return [int(code, 16) for code in listed.split(",")]


def vector(width, raw):
    return len(raw).to_bytes(width) + raw


def pairs(values):
    return b"".join(value.to_bytes(2) for value in values)


def alpn(*names):
    return 16, vector(2, b"".join(vector(1, name) for name in names))


def body(*, ciphers=(0x1301,), extensions=(), version=0x0303, session=b""):
    """A hello's body; `extensions` are (type, content), None leaves the block out."""
    block = b""
    if extensions is not None:
        block = vector(2, b"".join(kind.to_bytes(2) + vector(2, raw) for kind, raw in extensions))
    head = version.to_bytes(2) + bytes(32) + vector(1, session)
    return head + vector(2, pairs(ciphers)) + vector(1, b"\0") + block


def record(payload, *, kind=0x16):
    return bytes([kind, 3, 1]) + vector(2, payload)


def message(content, *, kind=1):
    return bytes([kind]) + vector(3, content)


def records(payload, size):
    return b"".join(record(payload[at : at + size]) for at in range(0, len(payload), size))


def read(content):
    found = parse(records(message(content), 1 << 14))
    assert found is not None
    return found


def published(*, signatures=PUBLISHED_SIGNATURES, noise=()):
    """The hello of JA4's example, `noise` (GREASE) put wherever a client may put it."""
    content = {
        0x0000: vector(2, b"\0" + vector(2, NAME.encode())),
        0x000A: vector(2, pairs([*noise, 0x001D, 0x0017])),
        0x000D: vector(2, pairs([*noise, *(codes(signatures) if signatures else [])])),
        0x0010: alpn(b"h2", b"http/1.1")[1],
        0x002B: vector(1, pairs([*noise, 0x0304, 0x0303])),
        0x0033: vector(2, b"".join(pairs([code]) + vector(2, b"k") for code in [*noise, 0x001D])),
    }
    kinds = [*noise, *codes(PUBLISHED_KINDS)]
    extensions = [(kind, content.get(kind, b"")) for kind in kinds]
    return body(ciphers=[*noise, *codes(PUBLISHED_CIPHERS)], extensions=extensions)


def ssl_hello(*, newest, name=NAME, protocols=()):
    """What Python's ssl sends, and the cipher suites that it says it offers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.maximum_version = newest
    if protocols:
        context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read(), {f"{suite['id'] & 0xFFFF:04x}" for suite in context.get_ciphers()}


def pyopenssl_hello(*, newest, name=NAME, protocols=()):
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(newest)
    if protocols:
        context.set_alpn_protos([protocol.encode() for protocol in protocols])
    client = SSL.Connection(context, None)
    if name:
        client.set_tlsext_host_name(name.encode())
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    return client.bio_read(1 << 16)


REAL = {
    "ssl 1.3": ssl_hello(newest=ssl.TLSVersion.TLSv1_3, protocols=("h2", "http/1.1"))[0],
    "ssl 1.2": ssl_hello(newest=ssl.TLSVersion.TLSv1_2, name="127.0.0.1")[0],
    "pyOpenSSL 1.3": pyopenssl_hello(newest=SSL.TLS1_3_VERSION, protocols=("http/1.1",)),
    "pyOpenSSL 1.2": pyopenssl_hello(newest=SSL.TLS1_2_VERSION, name=None),
}
# Every process draws its own randoms: tests are named by the client, never by the bytes.
EACH_REAL = pytest.mark.parametrize("stream", REAL.values(), ids=REAL)
ANY_REAL = st.sampled_from([*REAL.values()])


def outcome(stream, pieces):
    """What the pieces of a stream lead to: a hello, None, or the words of a HelloError."""
    parser = HelloParser()
    found, at = None, 0
    try:
        for piece in pieces:
            found = parser.feed(stream[at : at + piece])
            at += piece
        return parser.feed(stream[at:]) or found
    except HelloError as error:
        return str(error)


def assert_well_behaved(stream):
    found = outcome(stream, [])
    if isinstance(found, str):
        assert found.isprintable()
    elif found:
        described = found.to_json()
        assert json.loads(json.dumps(described)) == described
        pattern = r"t(1[0-3]|s[23]|d[123]|00)[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}"
        assert re.fullmatch(pattern, found.ja4)


# Real hellos


@pytest.mark.parametrize(
    ("extensions", "session", "told"),
    [
        ((), b"", "none"),
        ((), b"x" * 32, "session id"),
        (((43, b"\x02\x03\x04"),), b"x" * 32, "none"),
        (((35, b""),), b"", "none"),
        (((35, b"ticket"),), b"x" * 32, "ticket"),
        (((43, b"\x02\x03\x04"), (35, b"ticket"), (41, b"")), b"x" * 32, "psk"),
    ],
)
def test_what_is_offered_for_resumption_is_told(extensions, session, told):
    assert read(body(extensions=extensions, session=session)).session == told


@pytest.mark.parametrize("size", [1, 100, 1 << 14])
def test_a_hello_tells_its_length_and_in_how_many_records_it_came(size):
    stream = message(body(extensions=[alpn(b"h2")]))
    found = parse(records(stream, size))
    assert (found.bytes, found.records) == (len(stream), -(-len(stream) // size))


def test_a_tls_1_3_hello_of_ssl_is_read_as_its_context_was_set():
    stream, offered = ssl_hello(newest=ssl.TLSVersion.TLSv1_3, protocols=("h2", "http/1.1"))
    found = parse(stream)
    assert (found.record_version, found.legacy_version) == (0x0301, 0x0303)
    assert found.session_id_length == 32
    assert found.versions == ("TLSv1.3", "TLSv1.2")
    assert set(found.ciphers) - {"00ff"} == offered
    assert (found.sni, found.alpn) == (NAME, ("h2", "http/1.1"))
    assert {"x25519", "secp256r1"} <= set(found.groups)
    assert set(found.key_shares) <= set(found.groups)
    assert found.key_shares
    assert {"rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256"} <= set(found.signature_algorithms)
    assert {0, 10, 13, 16, 43, 51} <= set(found.extensions)
    assert found.ja4.startswith(f"t13d{len(found.ciphers):02}{len(found.extensions):02}h2_")


def test_a_tls_1_2_only_hello_of_ssl_offers_that_version_alone_and_no_key():
    stream, offered = ssl_hello(newest=ssl.TLSVersion.TLSv1_2)
    found = parse(stream)
    assert found.versions == ("TLSv1.2",)
    assert 43 not in found.extensions
    assert found.key_shares == ()
    assert set(found.ciphers) - {"00ff"} == offered - {"1301", "1302", "1303"}
    assert re.match(r"t12d\d{4}00_", found.ja4)


def test_a_hello_of_pyopenssl_is_read_as_its_context_was_set():
    stream = pyopenssl_hello(newest=SSL.TLS1_3_VERSION, protocols=("http/1.1",))
    found = parse(stream)
    assert found.versions[0] == "TLSv1.3"
    assert (found.sni, found.alpn) == (NAME, ("http/1.1",))
    assert not any(group.startswith("0x") for group in (*found.groups, *found.key_shares))
    assert re.match(r"t13d\d{4}h1_", found.ja4)
    assert parse(pyopenssl_hello(newest=SSL.TLS1_2_VERSION)).versions == ("TLSv1.2",)


def test_a_client_that_dials_an_address_has_no_sni():
    for found in (
        parse(ssl_hello(newest=ssl.TLSVersion.TLSv1_3, name="127.0.0.1")[0]),
        parse(pyopenssl_hello(newest=SSL.TLS1_3_VERSION, name=None)),
    ):
        assert found.sni is None
        assert 0 not in found.extensions
        assert found.ja4[3] == "i"


def test_two_connections_of_one_client_have_one_ja4():
    first, second = (ssl_hello(newest=ssl.TLSVersion.TLSv1_3)[0] for _ in range(2))
    assert first != second  # the random differs
    assert parse(first) == parse(second)
    assert parse(first).ja4 == parse(second).ja4


@pytest.mark.parametrize("size", [1, 3, 100])
@EACH_REAL
def test_a_hello_spread_over_many_records_reads_the_same(stream, size):
    assert parse(records(stream[5:], size)) == parse(stream)


@EACH_REAL
def test_a_real_hello_is_known_at_its_last_byte_and_not_before(stream):
    parser = HelloParser()
    seen = [parser.feed(stream[at : at + 1]) for at in range(len(stream))]
    assert seen == [None] * (len(stream) - 1) + [parse(stream)]
    assert all(parse(stream[:end]) is None for end in range(len(stream)))


def test_what_follows_the_hello_is_not_looked_at():
    found = parse(REAL["ssl 1.3"])
    parser = HelloParser()
    assert parser.feed(REAL["ssl 1.3"] + b"GET /") == found
    assert parser.feed(b"anything") == found
    assert (
        parse(record(REAL["ssl 1.3"][5:] + b"\x0b\0\0\0")) == found
    )  # another message in the record


# JA4


@pytest.mark.parametrize("noise", [(), (GREASE,)])
def test_ja4_is_that_of_the_published_example_with_and_without_grease(noise):
    assert read(published(noise=noise)).ja4 == PUBLISHED


def test_ja4_without_signature_algorithms_ends_without_an_underscore():
    assert read(published(signatures="")).ja4 == f"{PUBLISHED[:23]}_{PUBLISHED_WITHOUT_SIGNATURES}"


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (b"", "00"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
        (b"a\\", "6c"),
        (b"h2 ", "60"),
        (b"\xe9t\xe9", "e9"),  # a letter elsewhere, but not in ASCII
    ],
)
def test_ja4_shows_the_first_protocol_by_its_ends_or_by_their_hexadecimal(first, shown):
    assert read(body(extensions=[alpn(first, b"zz")])).ja4[8:10] == shown


def test_ja4_writes_zeros_for_lists_that_are_empty():
    zeros = "000000000000"
    assert read(body(ciphers=[], extensions=None)).ja4 == f"t12i000000_{zeros}_{zeros}"
    grease_and_alpn_alone = body(ciphers=[GREASE], extensions=[(16, b"\0\0")])
    assert read(grease_and_alpn_alone).ja4 == f"t12i000100_{zeros}_{zeros}"


def test_ja4_counts_no_further_than_99():
    crowd = body(ciphers=range(0x100, 0x1C8), extensions=[(kind, b"") for kind in range(100, 240)])
    assert read(crowd).ja4.startswith("t12i999900_")


@pytest.mark.parametrize(
    ("legacy", "offered", "names", "shown"),
    [
        (0x0303, None, ("TLSv1.2",), "12"),
        (0x0302, None, ("TLSv1.1",), "11"),
        (0x0301, None, ("TLSv1",), "10"),
        (0x0300, None, ("SSLv3",), "s3"),
        (0x0505, None, ("0x0505",), "00"),
        (0x0303, (0x0303, 0x0304), ("TLSv1.2", "TLSv1.3"), "13"),
        (0x0303, (GREASE, 0x0302), ("TLSv1.1",), "11"),
        (0x0303, (0x7F1C, 0x0304), ("0x7f1c", "TLSv1.3"), "00"),
        (0x0303, (), (), "00"),
    ],
)
def test_versions_come_from_the_extension_or_else_from_the_hello(legacy, offered, names, shown):
    extensions = [] if offered is None else [(43, vector(1, pairs(offered)))]
    found = read(body(version=legacy, extensions=extensions))
    assert (found.versions, found.ja4[1:3]) == (names, shown)


# Names, GREASE, text off the wire


def test_codes_bear_iana_names_and_unknown_ones_stay_hexadecimal():
    share = pairs([0x11EC]) + vector(2, bytes(1216)) + pairs([0xEE01]) + vector(2, b"")
    groups = (10, vector(2, pairs([0x11EC, 0x0017, 0x0100, 0x6399, 0xEE01])))
    signatures = (13, vector(2, pairs([0x0905, 0x0807, 0x0303])))
    found = read(body(extensions=[groups, signatures, (51, vector(2, share))]))
    named = ("X25519MLKEM768", "secp256r1", "ffdhe2048", "X25519Kyber768Draft00", "0xee01")
    assert found.groups == named
    assert found.signature_algorithms == ("mldsa65", "ed25519", "0x0303")
    assert found.key_shares == ("X25519MLKEM768", "0xee01")


def test_grease_is_left_out_of_every_list_and_its_neighbours_are_kept():
    assert read(published(noise=(GREASE, 0xFAFA))) == read(published())
    assert read(body(ciphers=[0x0A0A, 0x0A1A, 0x1A0A, 0x0B0B])).ciphers == ("0a1a", "1a0a", "0b0b")


def test_the_first_host_name_counts_and_other_kinds_of_name_do_not():
    other, host = b"\x07" + vector(2, b"no"), b"\0" + vector(2, b"a.example")
    names = vector(2, other + host + b"\0" + vector(2, b"b.example"))
    assert read(body(extensions=[(0, names)])).sni == "a.example"
    unnamed = read(body(extensions=[(0, vector(2, other))]))
    assert (unnamed.sni, unnamed.ja4[3]) == (None, "d")


def test_text_off_the_wire_cannot_reach_a_terminal_raw_nor_pass_for_other_text():
    raw = b"\x1b[2J\n\0\x1f\x7f\xff\x9b"
    found = read(
        body(extensions=[(0, vector(2, b"\0" + vector(2, raw))), alpn(raw, rb"\x1b", b"~ ")])
    )
    assert found.sni == r"\x1b[2J\x0a\x00\x1f\x7f\xff\x9b"
    assert found.alpn == (found.sni, r"\x5cx1b", "~ ")


def test_the_description_holds_every_field_and_the_fingerprint():
    found = read(published())
    described = json.loads(json.dumps(found.to_json()))
    assert described.pop("ja4") == PUBLISHED
    kept = {name: tuple(v) if isinstance(v, list) else v for name, v in described.items()}
    assert ClientHello(**kept) == found


# Bytes that are no hello


@pytest.mark.parametrize(
    ("answer", "beginnings"),
    [
        (None, (b"", b"\x16", b"\x16\x03")),
        (True, (b"\x16\x03\x00", b"\x16\x03\x04", b"\x16\x03\x01\x02\x00\x01")),
        (False, (b"\x16\x03\x05", b"\x16\x02", b"\x15\x03\x01", b'{"ve', b"P", b"\x80\x2e\x01")),
    ],
)
def test_three_bytes_tell_tls_from_cleartext(answer, beginnings):
    assert [looks_like_tls(first) for first in beginnings] == [answer] * len(beginnings)


SHARED = body(extensions=[(10, vector(2, pairs([0x001D]))), alpn(b"h2")])


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b'{"version"', "0x7b"),
        (record(b"\x02\x28", kind=0x15), "alert record"),
        (b"\x14\x03\x03\0\x01\x01", "change_cipher_spec record"),
        (b"\x17\x03\x03", "application_data record"),
        (b"\x80\x2e\x01\x03\x01", "SSL 2.0"),
        (b"\x16\x09", "every TLS, not 9"),
        (b"\x93\xa3", "0x93 (no TLS)"),
        (b"\x16\x03\x09", "0x0309"),
        (record(b""), "not 0"),
        (b"\x16\x03\x01\x40\x01", "not 16385"),
        (record(message(SHARED, kind=2)), "type 2"),
        (record(b"\x01\x01\x00\x01"), "65537 bytes"),
        (record(message(SHARED)[:9]) + record(b"\x01\0", kind=0x15), "alert record"),
        (record(message(b"")), "the hello: cut short"),
        (record(message(SHARED[:20])), "the hello: cut short"),
        (record(message(body(session=bytes(33)))), "33 bytes"),
        (record(message(SHARED + b"\0")), "the hello: 1 bytes too many"),
        (record(message(SHARED[:-1])), "the hello: cut short"),
        (record(message(body(extensions=None) + b"\0")), "the hello: cut short"),
        (record(message(SHARED[:35] + b"\0\x03\x13\x01\0\x01\0")), "the cipher suites: cut short"),
        (record(message(body(extensions=[(99, b""), (99, b"")]))), "99 was sent twice"),
        (record(message(body(extensions=[(16, b"\0\x03\x02h")]))), "extension 16 (alpn)"),
        (record(message(body(extensions=[(16, b"\0\x03\x01h2")]))), "extension 16 (alpn)"),
        (record(message(body(extensions=[(16, b"\0\x02\x01hh")]))), "1 bytes too many"),
        (record(message(body(extensions=[(0, b"")]))), "extension 0 (server_name)"),
        (record(message(body(extensions=[(10, b"\0\x01\0")]))), "10 (supported_groups)"),
        (record(message(body(extensions=[(43, b"\x01\x03")]))), "43 (supported_versions)"),
        (record(message(body(extensions=[(51, b"\0\x04\0\x1d\0\x01")]))), "51 (key_share)"),
    ],
)
def test_bytes_that_can_never_be_a_hello_are_refused_in_plain_words(stream, words):
    with pytest.raises(HelloError, match=re.escape(words)):
        parse(stream)
    assert words in outcome(stream, [1] * len(stream))


def test_a_refusal_is_final():
    parser = HelloParser()
    for chunk in (b"GET /", REAL["ssl 1.3"], b""):
        with pytest.raises(HelloError, match="0x47"):
            parser.feed(chunk)


@pytest.mark.parametrize("size", [9, 16384])
def test_a_hello_of_64_kib_is_read_in_bounded_memory_whatever_follows(size):
    longest = body(extensions=[(21, bytes(65536 - len(body(extensions=[(21, b"")]))))])
    assert len(longest) == 65536
    stream = records(message(longest), size) + bytes(20_000_000)
    tracemalloc.start()
    try:
        assert parse(stream).extensions == (21,)
        assert tracemalloc.get_traced_memory()[1] < 8 * 65536
    finally:
        tracemalloc.stop()


def test_a_parser_that_is_done_keeps_none_of_the_bytes():
    done, refused = HelloParser(), HelloParser()
    assert done.feed(REAL["ssl 1.3"])
    with pytest.raises(HelloError):
        refused.feed(REAL["ssl 1.3"][:90] + bytes(1000) * 90)
    assert (len(done._message), len(refused._message)) == (0, 0)


# Any bytes at all

HOSTILE = settings(max_examples=500, deadline=None)
MESSAGES = st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(message))
FRAMED = st.builds(records, MESSAGES, st.integers(1, 300))
EXTENSIONS = st.lists(
    st.tuples(st.sampled_from([0, 10, 13, 16, 43, 51, GREASE, 99]), st.binary(max_size=20)),
    unique_by=lambda extension: extension[0],
)
BODIES = st.builds(
    lambda extensions, ciphers: records(message(body(extensions=extensions, ciphers=ciphers)), 999),
    EXTENSIONS,
    st.lists(st.integers(0, 0xFFFF), max_size=120),
)


@st.composite
def mutated(draw):
    stream = bytearray(draw(ANY_REAL))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(stream)))
        stream[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(stream)


@HOSTILE
@given(st.one_of(st.binary(max_size=400), FRAMED, BODIES, mutated()))
def test_any_bytes_are_a_hello_or_incomplete_or_refused(stream):
    assert_well_behaved(stream)


@HOSTILE
@given(ANY_REAL, st.data())
def test_a_real_hello_cut_short_inside_its_framing_is_refused(stream, data):
    content = stream[9 : data.draw(st.integers(9, len(stream) - 1))]
    found = outcome(records(message(content), 500), [])
    # A cut just before the extensions leaves an older client's hello, which is whole.
    assert isinstance(found, str) or found.extensions == ()


@HOSTILE
@given(st.one_of(mutated(), FRAMED, BODIES, ANY_REAL), st.lists(st.integers(0, 90)))
def test_how_the_bytes_arrive_changes_nothing(stream, pieces):
    assert outcome(stream, pieces) == outcome(stream, [])
