"""Mode x CA.File x collector: what each combination lets through, refuses, or stops at."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    OTHER_HOST,
    SELF_SIGNED,
    CAFile,
    Case,
    Chain,
    Mode,
    but_in_3_0_7,
    case,
    chain,
    cleartext,
    delivered,
    expired,
    matrix,
    named,
    not_started,
    output,
    refused,
    table,
)

_COLLECTORS = {
    "healthy": HEALTHY,
    "no intermediate": HEALTHY.sending(HEALTHY.leaf, name="no intermediate"),
    "wrong host": HEALTHY.but(named(OTHER_HOST)),
    "expired": HEALTHY.but(expired()),
}

_SELF_SIGNED_COLLECTORS = {
    "healthy": chain(SELF_SIGNED, name="self-signed"),
    "no intermediate": chain(SELF_SIGNED, name="self-signed"),
    "wrong host": chain(SELF_SIGNED.but(named(OTHER_HOST)), name="self-signed, wrong host"),
    "expired": chain(SELF_SIGNED.but(expired()), name="self-signed, expired"),
}
"""The collectors of the row in which CA.File holds the server's own self-signed certificate."""

_WORDS = {
    "delivered": delivered(),
    "cleartext": cleartext(),
    "expired": refused("certificate_expired"),
    "no start": not_started("error initializing TLS context"),
}

# In the tables a cell is one of the words above, or the alert with which Fluent Bit refuses.

_VERIFY_PEER = """
CA.File                       | healthy     | no intermediate | wrong host      | expired
------------------------------|-------------|-----------------|-----------------|------------
root                          | delivered   | unknown_ca      | delivered       | expired
intermediate                  | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
intermediate and root         | delivered   | delivered       | delivered       | expired
other root                    | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
other and right root          | delivered   | unknown_ca      | delivered       | expired
leaf                          | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
self-signed leaf              | delivered   | delivered       | delivered       | expired
unset, CA in the system store | delivered   | unknown_ca      | delivered       | expired
unset                         | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
empty file                    | no start    | no start        | no start        | no start
garbage                       | no start    | no start        | no start        | no start
missing file                  | no start    | no start        | no start        | no start
a directory                   | no start    | no start        | no start        | no start
DER                           | no start    | no start        | no start        | no start
CRLF line ends                | delivered   | unknown_ca      | delivered       | expired
expired root                  | expired     | unknown_ca      | expired         | expired
"""

_VERIFY_HOST = """
CA.File                       | healthy     | no intermediate | wrong host      | expired
------------------------------|-------------|-----------------|-----------------|------------
root                          | delivered   | unknown_ca      | bad_certificate | expired
intermediate                  | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
intermediate and root         | delivered   | delivered       | bad_certificate | expired
other root                    | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
other and right root          | delivered   | unknown_ca      | bad_certificate | expired
leaf                          | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
self-signed leaf              | delivered   | delivered       | bad_certificate | expired
unset, CA in the system store | delivered   | unknown_ca      | bad_certificate | expired
unset                         | unknown_ca  | unknown_ca      | unknown_ca      | unknown_ca
empty file                    | no start    | no start        | no start        | no start
garbage                       | no start    | no start        | no start        | no start
missing file                  | no start    | no start        | no start        | no start
a directory                   | no start    | no start        | no start        | no start
DER                           | no start    | no start        | no start        | no start
CRLF line ends                | delivered   | unknown_ca      | bad_certificate | expired
expired root                  | expired     | unknown_ca      | bad_certificate | expired
"""

_NONE = """
CA.File                       | healthy     | no intermediate | wrong host      | expired
------------------------------|-------------|-----------------|-----------------|------------
root                          | delivered   | delivered       | delivered       | delivered
intermediate                  | delivered   | delivered       | delivered       | delivered
intermediate and root         | delivered   | delivered       | delivered       | delivered
other root                    | delivered   | delivered       | delivered       | delivered
other and right root          | delivered   | delivered       | delivered       | delivered
leaf                          | delivered   | delivered       | delivered       | delivered
self-signed leaf              | delivered   | delivered       | delivered       | delivered
unset, CA in the system store | delivered   | delivered       | delivered       | delivered
unset                         | delivered   | delivered       | delivered       | delivered
empty file                    | no start    | no start        | no start        | no start
garbage                       | no start    | no start        | no start        | no start
missing file                  | no start    | no start        | no start        | no start
a directory                   | no start    | no start        | no start        | no start
DER                           | no start    | no start        | no start        | no start
CRLF line ends                | delivered   | delivered       | delivered       | delivered
expired root                  | delivered   | delivered       | delivered       | delivered
"""

_FILES = tuple(file for file in CAFile if file is not CAFile.ROOT_AND_CRL)
_PEERS = tuple(_COLLECTORS)

_EXPECTED = {
    mode: table(text, _WORDS, _FILES, _PEERS)
    for mode, text in {
        Mode.NONE: _NONE,
        Mode.VERIFY_PEER: _VERIFY_PEER,
        Mode.VERIFY_HOST: _VERIFY_HOST,
        Mode.REQUIRE: _VERIFY_PEER,
    }.items()
}

_REASONS = {
    CAFile.ROOT: "CA.File holds the root.",
    CAFile.INTERMEDIATE: "OpenSSL takes no intermediate for an anchor unless it is told to.",
    CAFile.INTERMEDIATE_AND_ROOT: "What the collector forgets to send, CA.File completes.",
    CAFile.OTHER_ROOT: "CA.File holds the root of somebody else.",
    CAFile.OTHER_AND_ROOT: "One right root among others is enough.",
    CAFile.LEAF: "The server's certificate is no anchor for itself when an authority issued it.",
    CAFile.SELF_SIGNED_LEAF: "A self-signed certificate is its own root.",
    CAFile.SYSTEM: "With CA.File unset, Fluent Bit asks the system's trust store.",
    CAFile.UNSET: "A system's trust store knows nothing of a private authority.",
    CAFile.EMPTY: "A CA.File without a certificate stops the start, whatever the Mode.",
    CAFile.GARBAGE: "A CA.File without a certificate stops the start, whatever the Mode.",
    CAFile.MISSING: "A CA.File that is not there stops the start, whatever the Mode.",
    CAFile.DIRECTORY: "A directory is no CA.File: that is what `tls.ca_path` is for.",
    CAFile.DER: "CA.File is read as PEM only.",
    CAFile.CRLF: "Line ends of Windows do no harm.",
    CAFile.EXPIRED_ROOT: "The anchor's own dates are checked too.",
}


def _collector(file: CAFile, peer: str) -> Chain:
    if file is CAFile.SELF_SIGNED_LEAF:
        return _SELF_SIGNED_COLLECTORS[peer]
    return _COLLECTORS[peer]


@matrix(
    mode=(Mode.NONE, Mode.VERIFY_PEER, Mode.VERIFY_HOST, Mode.REQUIRE), ca=_FILES, collector=_PEERS
)
def cell(mode: Mode, ca: CAFile, collector: str) -> Case:
    """One cell of the matrix Mode x CA.File x collector."""
    does, checked = _EXPECTED[mode][ca, collector], _EXPECTED[Mode.VERIFY_HOST][ca, collector]
    careful = checked.outcome
    should = careful if does.outcome.arrived and careful is not does.outcome else None
    setup = output(mode).but(ca=ca, chain=_collector(ca, collector))
    if mode in {Mode.VERIFY_PEER, Mode.REQUIRE} and does != checked:
        does = but_in_3_0_7(does, checked)
    return case(setup, does, should=should, because=_REASONS[ca])


@matrix(ca=_FILES, collector=_PEERS)
def off(ca: CAFile, collector: str) -> Case:
    """With Mode off the records travel in cleartext, and nobody looks at any certificate."""
    careful = _EXPECTED[Mode.VERIFY_HOST][ca, collector].outcome
    setup = output(Mode.OFF).but(ca=ca, chain=_collector(ca, collector))
    return case(setup, cleartext(), should=careful)
