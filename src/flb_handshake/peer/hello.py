"""Reads a TLS ClientHello from the first bytes of a connection, and fails only as HelloError."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from flb_handshake.peer.ja4 import fingerprint
from flb_handshake.peer.registry import GROUP_NAMES, SIGNATURE_NAMES, VERSION_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_HELLO: Final = 64 * 1024
"""The longest handshake message, in bytes without its header, that is taken for a hello."""

_CLIENT_HELLO = 0x01
_RECORD_HEADER = 5  # type, version, version, length, length
_MESSAGE_HEADER = 4  # type, then a length of three bytes
_MAX_RECORD = 1 << 14  # RFC 8446 section 5.1
_MAX_SESSION_ID = 32
_NEWEST_MINOR = 0x04


class _Extension(IntEnum):
    """The extensions that are read, by the names that errors call them."""

    SERVER_NAME = 0
    SUPPORTED_GROUPS = 10
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    SESSION_TICKET = 35
    PRE_SHARED_KEY = 41
    SUPPORTED_VERSIONS = 43
    KEY_SHARE = 51


_RECORD_KINDS = {
    0x14: "a TLS change_cipher_spec record",
    0x15: "a TLS alert record",
    0x17: "a TLS application_data record",
    0x80: "as an SSL 2.0 hello begins, or no TLS",
}


class HelloError(ValueError):
    """The bytes are no ClientHello and never will be one, whatever follows; str() says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    r"""What a TLS client offered, in the order in which it was sent (RFC 8446 section 4.1.2).

    GREASE values (RFC 8701) are left out of every list of codes: they are noise by design and
    differ from one connection to the next. Codes without a name are written `0x7f1c`. Names off
    the wire are untrusted, so in `sni` and `alpn` every byte that is not printable ASCII, and
    the backslash, is written `\x00`; two different values never look the same.

    Hellos are equal that offer the same, however long they are and however they were cut.
    """

    record_version: int  # of the first record, such as 0x0301
    legacy_version: int  # the hello's own: 0x0303 from every client of TLS 1.2 or newer
    session_id_length: int  # bytes, 0 to 32
    versions: tuple[str, ...]  # supported_versions; without it `legacy_version`, the newest
    ciphers: tuple[str, ...]  # four lower-case hexadecimal digits each, signalling values too
    extensions: tuple[int, ...]
    sni: str | None  # the first host name of server_name
    groups: tuple[str, ...]  # supported_groups, IANA names
    signature_algorithms: tuple[str, ...]  # IANA names
    alpn: tuple[str, ...]
    key_shares: tuple[str, ...]  # the groups for which a key was sent along, IANA names
    session: str  # what it offers to resume: "none", "session id", "ticket" or "psk"
    bytes: int = field(
        compare=False
    )  # the length of the message, its header of four bytes included
    records: int = field(compare=False)  # in how many TLS records it came

    @property
    def ja4(self) -> str:
        """Its JA4 fingerprint."""
        return fingerprint(self)

    def to_json(self) -> dict[str, object]:
        """Every field by its name, and `ja4`; only dict, list, str, int and None."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        described = {name: [*v] if isinstance(v, tuple) else v for name, v in values}
        return described | {"ja4": self.ja4}


def looks_like_tls(first: bytes) -> bool | None:
    """Whether a connection's first bytes begin a TLS handshake record; None: too few to tell.

    Three bytes decide (the type, then version 3.0 to 3.4), one is often enough to say no. An
    alert record is TLS too, but begins no handshake: False.
    """
    if first[:1] not in (b"", b"\x16") or first[1:2] not in (b"", b"\x03"):
        return False
    minor = first[2:3]
    return minor[0] <= _NEWEST_MINOR if minor else None


def parse(stream: bytes) -> ClientHello | None:
    """Read the hello from all bytes received so far (no more is looked at); None: incomplete.

    Raises:
        HelloError: it can never become a valid hello.

    """
    return HelloParser().feed(stream)


class HelloParser:
    """Reads a hello as its bytes arrive, in time and memory that grow with the hello alone.

    The hello may come in any pieces: a record in several reads, the message in several records.
    Framing is judged at once, the message when it is whole. Its lengths must add up and its
    extensions be distinct. What a server may refuse but everyone can read, such as an empty
    list of cipher suites, is reported as it stands: it is evidence.
    """

    __slots__ = (
        "_failure",
        "_header",
        "_hello",
        "_left",
        "_message",
        "_record_version",
        "_records",
    )

    def __init__(self) -> None:
        self._header = bytearray()
        self._message = bytearray()
        self._left = 0
        self._record_version = 0
        self._records = 0
        self._hello: ClientHello | None = None
        self._failure: str | None = None

    def feed(self, chunk: bytes) -> ClientHello | None:
        """Take the next bytes; the hello as soon as it is whole, and ever after.

        Raises:
            HelloError: these bytes can never become a valid hello; said again on every call.

        """
        if self._failure is not None:
            raise HelloError(self._failure)
        at = 0
        try:
            while self._hello is None and at < len(chunk):
                piece = chunk[at : at + (self._left or _RECORD_HEADER - len(self._header))]
                at += len(piece)
                if self._left:
                    self._take_fragment(piece)
                else:
                    self._take_header(piece)
        except HelloError as error:
            self._failure = str(error)
            self._message.clear()
            raise
        return self._hello

    def _take_header(self, piece: bytes) -> None:
        self._header += piece
        header = bytes(self._header)
        if looks_like_tls(header) is False:
            raise HelloError(_not_a_handshake_record(header))
        if len(header) < _RECORD_HEADER:
            return
        length = int.from_bytes(header[3:])
        if not 0 < length <= _MAX_RECORD:
            raise HelloError(f"a handshake record holds 1 to {_MAX_RECORD} bytes, not {length}")
        self._left = length
        self._records += 1
        self._record_version = self._record_version or int.from_bytes(header[1:3])

    def _take_fragment(self, piece: bytes) -> None:
        self._message += piece
        self._left -= len(piece)
        if self._left == 0:
            self._header.clear()
        if self._message[0] != _CLIENT_HELLO:
            raise HelloError(f"the first message has type {self._message[0]}, not 1 (client_hello)")
        if len(self._message) < _MESSAGE_HEADER:
            return
        length = int.from_bytes(self._message[1:_MESSAGE_HEADER])
        if length > MAX_HELLO:
            raise HelloError(f"the hello announces {length} bytes; {MAX_HELLO} are the most read")
        end = _MESSAGE_HEADER + length
        if len(self._message) >= end:
            body = bytes(self._message[_MESSAGE_HEADER:end])
            self._hello = read_hello(body, self._record_version, self._records)
            self._message.clear()


def _not_a_handshake_record(header: bytes) -> str:
    # Only the first byte that is wrong is told, so that the message does not depend on how many
    # bytes happened to arrive together.
    if header[:1] != b"\x16":
        kind = _RECORD_KINDS.get(header[0], "no TLS")
        return f"a TLS handshake record begins with 0x16, not 0x{header[0]:02x} ({kind})"
    if header[1:2] != b"\x03":
        return f"the record's major version is 3 in SSL 3.0 and every TLS, not {header[1]}"
    return f"the record's version is 0x03{header[2]:02x}; 0x0300 to 0x0304 are known"


class _Vector:
    """The bytes of one part of the hello, read front to back; `what` names it in errors."""

    __slots__ = ("_at", "_raw", "_what")

    def __init__(self, raw: bytes, what: str) -> None:
        self._raw = raw
        self._what = what
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._raw)

    def take(self, count: int) -> bytes:
        left = len(self._raw) - self._at
        if count > left:
            raise HelloError(f"{self._what}: cut short, {count} more bytes needed, {left} left")
        self._at += count
        return self._raw[self._at - count : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width))

    def inner(self, width: int, what: str) -> _Vector:
        """Read a length of `width` bytes, then that many bytes."""
        return _Vector(self.take(self.number(width)), what)

    def items(self, width: int) -> Iterator[bytes]:
        """Read all that is left as byte strings, each behind a length of `width` bytes."""
        while self:
            yield self.take(self.number(width))

    def codes(self) -> tuple[int, ...]:
        """Read all that is left as two-byte codes."""
        pairs, odd = divmod(len(self._raw) - self._at, 2)
        found: tuple[int, ...] = struct.unpack(f">{pairs}H", self.take(2 * pairs))
        if odd:
            self.take(2)
        return found

    def end(self) -> None:
        if self:
            raise HelloError(f"{self._what}: {len(self._raw) - self._at} bytes too many")


def read_hello(body: bytes, record_version: int, records: int) -> ClientHello:
    """Read a hello without its header, as TLS has it; it came in so many records.

    Raises HelloError.
    """
    hello = _Vector(body, "the hello")
    legacy_version = hello.number(2)
    hello.take(32)  # the client's random
    session_id_length = hello.number(1)
    if session_id_length > _MAX_SESSION_ID:
        raise HelloError(f"the session id has {session_id_length} bytes, 32 are allowed")
    hello.take(session_id_length)
    ciphers = hello.inner(2, "the cipher suites").codes()
    hello.inner(1, "the compression methods")
    extensions = _read_extensions(hello)
    versions: Iterable[int] = (legacy_version,)
    if _Extension.SUPPORTED_VERSIONS in extensions:
        versions = _listed(extensions, _Extension.SUPPORTED_VERSIONS, width=1).codes()
    groups = _listed(extensions, _Extension.SUPPORTED_GROUPS).codes()
    signatures = _listed(extensions, _Extension.SIGNATURE_ALGORITHMS).codes()
    protocols = _listed(extensions, _Extension.ALPN).items(1)
    return ClientHello(
        record_version=record_version,
        legacy_version=legacy_version,
        session_id_length=session_id_length,
        versions=_named(versions, VERSION_NAMES),
        ciphers=tuple(f"{code:04x}" for code in ciphers if not _is_grease(code)),
        extensions=tuple(kind for kind in extensions if not _is_grease(kind)),
        sni=_read_sni(extensions),
        groups=_named(groups, GROUP_NAMES),
        signature_algorithms=_named(signatures, SIGNATURE_NAMES),
        alpn=tuple(_printable(protocol) for protocol in protocols),
        key_shares=_named(_read_key_shares(extensions), GROUP_NAMES),
        session=_read_session(extensions, session_id_length),
        bytes=_MESSAGE_HEADER + len(body),
        records=records,
    )


def _read_extensions(hello: _Vector) -> dict[int, bytes]:
    if not hello:  # before TLS 1.3 the whole block may be absent
        return {}
    block = hello.inner(2, "the extensions")
    hello.end()
    found: dict[int, bytes] = {}
    while block:
        kind = block.number(2)
        if kind in found:  # RFC 8446 section 4.2; which of the two counts, nobody can tell
            raise HelloError(f"extension {kind} was sent twice")
        found[kind] = block.take(block.number(2))
    return found


def _listed(extensions: dict[int, bytes], kind: _Extension, *, width: int = 2) -> _Vector:
    """Read the one list that is an extension's whole content; empty if it was not sent."""
    what = f"extension {kind.value} ({kind.name.lower()})"
    if kind not in extensions:
        return _Vector(b"", what)
    content = _Vector(extensions[kind], what)
    listed = content.inner(width, what)
    content.end()
    return listed


def _read_sni(extensions: dict[int, bytes]) -> str | None:
    names = _listed(extensions, _Extension.SERVER_NAME)
    hosts = []
    while names:
        kind, name = names.number(1), names.take(names.number(2))
        if kind == 0:  # RFC 6066 section 3 defines host_name and no other
            hosts.append(_printable(name))
    return hosts[0] if hosts else None


def _read_key_shares(extensions: dict[int, bytes]) -> Iterator[int]:
    shares = _listed(extensions, _Extension.KEY_SHARE)
    while shares:
        yield shares.number(2)
        shares.take(shares.number(2))  # the key itself


def _read_session(extensions: dict[int, bytes], session_id_length: int) -> str:
    """Tell what is offered for resumption, the newest way first.

    With supported_versions a session id is noise for middleboxes (RFC 8446 section 4.1.2), or
    that of a session of TLS 1.2: the two look the same, and neither is told.
    """
    if _Extension.PRE_SHARED_KEY in extensions:
        return "psk"
    if extensions.get(_Extension.SESSION_TICKET):
        return "ticket"
    told = session_id_length and _Extension.SUPPORTED_VERSIONS not in extensions
    return "session id" if told else "none"


def _is_grease(code: int) -> bool:
    """RFC 8701 section 2: 0x0a0a, 0x1a1a … 0xfafa."""
    high, low = divmod(code, 0x100)
    return high == low and low & 0x0F == 0x0A  # noqa: PLR2004


def _named(codes: Iterable[int], names: dict[int, str]) -> tuple[str, ...]:
    return tuple(names.get(code, f"0x{code:04x}") for code in codes if not _is_grease(code))


def _printable(raw: bytes) -> str:
    return "".join(
        chr(byte) if 0x20 <= byte <= 0x7E and byte != ord("\\") else f"\\x{byte:02x}"  # noqa: PLR2004
        for byte in raw
    )
