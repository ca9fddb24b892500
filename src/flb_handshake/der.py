"""Just enough DER to take a certificate apart and put a broken one together."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_BIT_STRING: Final = 0x03
_OCTET_STRING: Final = 0x04
_UTF8_STRING: Final = 0x0C
_SET: Final = 0x31
_VERSION: Final = 0xA0
"""[0] EXPLICIT version of a TBSCertificate (RFC 5280, section 4.1)."""
_EXTENSIONS: Final = 0xA3

ECDSA_WITH_SHA1: Final = bytes.fromhex("300906072a8648ce3d0401")
RSA_WITH_SHA1: Final = bytes.fromhex("300d06092a864886f70d0101050500")
_P256_PARAMETERS: Final = bytes.fromhex("06082a8648ce3d030107")

_SHORT: Final = 0x80

_TEXTS: Final = {
    _UTF8_STRING: "utf-8",
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # T61String, as OpenSSL reads it
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
"""The string types that OpenSSL compares by their text, whichever of them it is."""


def wrap(tag: int, content: bytes) -> bytes:
    """One value: tag, length, content."""
    if len(content) < _SHORT:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes((tag, _SHORT | len(length))) + length + content


def values(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The values in a constructed one: tag, content, and the whole encoding.

    Raises ValueError when the content ends in the middle of a value, or when a value's length is
    indefinite, which DER does not know.
    """
    position = 0
    while position < len(content):
        start = position
        header = content[position : position + 2]
        position += 2
        if len(header) < 2:  # noqa: PLR2004 # tag and length
            raise ValueError("the encoding ends inside a tag")
        length = header[1]
        if length & _SHORT:
            size = length & ~_SHORT
            digits = content[position : position + size]
            if not digits or len(digits) < size:
                raise ValueError("the encoding has no length, or ends inside it")
            length = int.from_bytes(digits)
            position += size
        body = content[position : position + length]
        if len(body) < length:
            raise ValueError("the encoding ends inside a value")
        position += length
        yield header[0], body, content[start:position]


def _inside(encoded: bytes) -> bytes:
    return next(values(encoded))[1]


def algorithm_of(certificate: bytes) -> bytes:
    """The encoded signature algorithm of a certificate."""
    return list(values(_inside(certificate)))[1][2]


def certificate(tbs: bytes, algorithm: bytes, signature: bytes) -> bytes:
    """A certificate of its three parts (RFC 5280, section 4.1)."""
    return wrap(_SEQUENCE, tbs + algorithm + wrap(_BIT_STRING, b"\0" + signature))


def with_broken_signature(encoded: bytes) -> bytes:
    """The same certificate with one bit of its signature flipped, still well formed."""
    tbs, algorithm, signature = (whole for _, _, whole in values(_inside(encoded)))
    broken = signature[:-1] + bytes((signature[-1] ^ 1,))
    return wrap(_SEQUENCE, tbs + algorithm + broken)


def as_version_1(tbs: bytes) -> bytes:
    """A TBSCertificate without version and extensions, which makes it version 1."""
    kept = (whole for tag, _, whole in values(_inside(tbs)) if tag not in {_VERSION, _EXTENSIONS})
    return wrap(_SEQUENCE, b"".join(kept))


def with_algorithm(tbs: bytes, old: bytes, new: bytes) -> bytes:
    """A TBSCertificate that names another signature algorithm."""
    changed = (new if whole == old else whole for _, _, whole in values(_inside(tbs)))
    return wrap(_SEQUENCE, b"".join(changed))


def canonical_name(name: bytes) -> bytes:
    """A Name as OpenSSL compares and hashes it (its X509_NAME_hash).

    Every text is a UTF8String, in lower case as far as it is ASCII, with single spaces and none at
    its ends; the header of the whole is left out.
    """
    return b"".join(
        wrap(_SET, b"".join(sorted(_canonical(attribute) for _, attribute, _ in values(relative))))
        for _, relative, _ in values(_inside(name))
    )


def _canonical(attribute: bytes) -> bytes:
    (_, _, kind), (tag, text, whole) = values(attribute)
    if tag in _TEXTS:
        plain = text.decode(_TEXTS[tag], "replace").encode()
        whole = wrap(_UTF8_STRING, b" ".join(plain.split()).lower())
    return wrap(_SEQUENCE, kind + whole)


def p256_key_pem(*, private: int, public: bytes) -> bytes:
    """A P-256 key (RFC 5915) of a private part and a public point that need not belong together."""
    encoded = wrap(
        _SEQUENCE,
        wrap(_INTEGER, b"\x01")
        + wrap(_OCTET_STRING, private.to_bytes(32))
        + wrap(_VERSION, _P256_PARAMETERS)
        + wrap(0xA1, wrap(_BIT_STRING, b"\0" + public)),
    )
    text = base64.encodebytes(encoded)
    return b"-----BEGIN EC PRIVATE KEY-----\n" + text + b"-----END EC PRIVATE KEY-----\n"
