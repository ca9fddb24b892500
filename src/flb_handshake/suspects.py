"""Which causes an alert, a log sign or a library's words leave possible, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flb_handshake.outcomes import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """The causes that one observation leaves possible."""

    causes: tuple[str, ...]
    look: str
    """What tells them apart: a key of `remedies.LOOK`."""
    proves: bool = False
    """The observation means this cause by definition."""


_ANY_CHAIN: Final = (
    "untrusted_root",
    "missing_intermediate",
    "self_signed",
    "expired",
    "wrong_host",
    "ca_file_holds_no_root",
    "not_yet_valid",
    "not_a_server_certificate",
)

ALERTS: Final[Mapping[tuple[Side, str], Suspects]] = {
    (Side.AGENT, "unknown_ca"): Suspects(
        causes=(
            "untrusted_root",
            "missing_intermediate",
            "self_signed",
            "ca_file_holds_no_root",
            "issuer_is_not_a_ca",
            "path_length_exceeded",
        ),
        look="chain",
    ),
    (Side.AGENT, "bad_certificate"): Suspects(
        causes=("wrong_host", "not_yet_valid", "weak_key", "weak_digest"), look="leaf"
    ),
    (Side.AGENT, "certificate_expired"): Suspects(causes=("expired",), look="leaf"),
    (Side.AGENT, "certificate_revoked"): Suspects(causes=("revoked",), look="leaf"),
    (Side.AGENT, "unsupported_certificate"): Suspects(
        causes=("not_a_server_certificate",), look="leaf"
    ),
    (Side.AGENT, "certificate_unknown"): Suspects(
        causes=("name_constraint", "unknown_critical_extension"), look="leaf"
    ),
    (Side.AGENT, "decrypt_error"): Suspects(
        causes=("key_of_another_certificate", "bad_signature"), look="leaf"
    ),
    (Side.AGENT, "protocol_version"): Suspects(
        causes=("protocol_version", "version_bounds_clash"), look="port", proves=True
    ),
    (Side.AGENT, "internal_error"): Suspects(
        causes=("protocol_version", "weak_digest"), look="port"
    ),
    (Side.AGENT, "handshake_failure"): Suspects(
        causes=("no_shared_cipher", "weak_key", "no_secure_renegotiation"), look="port"
    ),
    (Side.AGENT, "unexpected_message"): Suspects(
        causes=("peer_breaks_tls", "peer_speaks_no_tls"), look="port"
    ),
    (Side.AGENT, "decode_error"): Suspects(causes=("peer_breaks_tls", "peer_closed"), look="port"),
    (Side.AGENT, "illegal_parameter"): Suspects(causes=("peer_breaks_tls",), look="port"),
    (Side.AGENT, "record_overflow"): Suspects(
        causes=("peer_speaks_no_tls", "peer_breaks_tls"), look="port"
    ),
    (Side.AGENT, "bad_record_mac"): Suspects(causes=("peer_breaks_tls",), look="port"),
    (Side.PEER, "unknown_ca"): Suspects(
        causes=("client_certificate_untrusted", "client_intermediate_missing"), look="client"
    ),
    (Side.PEER, "bad_certificate"): Suspects(
        causes=(
            "client_certificate_not_yet_valid",
            "client_certificate_weak_key",
            "client_certificate_untrusted",
            "client_certificate_missing",
        ),
        look="client",
    ),
    (Side.PEER, "certificate_expired"): Suspects(
        causes=("client_certificate_expired",), look="client"
    ),
    (Side.PEER, "unsupported_certificate"): Suspects(
        causes=("client_certificate_wrong_usage",), look="client"
    ),
    (Side.PEER, "certificate_unknown"): Suspects(
        causes=("client_certificate_refused", "client_certificate_untrusted"), look="client"
    ),
    (Side.PEER, "decrypt_error"): Suspects(
        causes=("client_certificate_bad_signature",), look="client"
    ),
    (Side.PEER, "certificate_required"): Suspects(
        causes=("client_certificate_missing",), look="client", proves=True
    ),
    (Side.PEER, "handshake_failure"): Suspects(
        causes=("client_certificate_missing", "no_shared_cipher", "no_common_group"), look="peer"
    ),
    (Side.PEER, "insufficient_security"): Suspects(
        causes=("no_shared_cipher", "client_certificate_weak_key"), look="peer"
    ),
    (Side.PEER, "protocol_version"): Suspects(
        causes=("protocol_version",), look="port", proves=True
    ),
    (Side.PEER, "unrecognized_name"): Suspects(causes=("sni_unknown",), look="peer", proves=True),
    (Side.PEER, "no_application_protocol"): Suspects(
        causes=("no_common_alpn",), look="peer", proves=True
    ),
    (Side.PEER, "access_denied"): Suspects(causes=("client_certificate_refused",), look="peer"),
    (Side.PEER, "internal_error"): Suspects(causes=("peer_failed",), look="peer", proves=True),
}
"""By who sent the alert and its name, where the agent is the client. OpenSSL 3.0 and 4.0 were seen;
what they send for which error stands in their table x509err2alert."""

ALERTS_OF_AN_INPUT: Final[Mapping[tuple[Side, str], Suspects]] = {
    (Side.AGENT, "unknown_ca"): Suspects(
        causes=(
            "client_certificate_untrusted",
            "client_intermediate_missing",
            "ca_file_holds_no_root",
            "client_certificate_refused",
        ),
        look="client",
    ),
    (Side.AGENT, "bad_certificate"): Suspects(
        causes=(
            "client_certificate_not_yet_valid",
            "client_certificate_weak_key",
            "client_certificate_missing",
        ),
        look="client",
    ),
    (Side.AGENT, "certificate_expired"): Suspects(
        causes=("client_certificate_expired",), look="client"
    ),
    (Side.AGENT, "unsupported_certificate"): Suspects(
        causes=("client_certificate_wrong_usage",), look="client"
    ),
    (Side.AGENT, "certificate_unknown"): Suspects(
        causes=("client_certificate_refused",), look="client"
    ),
    (Side.AGENT, "decrypt_error"): Suspects(
        causes=("client_certificate_bad_signature", "peer_breaks_tls"), look="client"
    ),
    (Side.AGENT, "certificate_required"): Suspects(
        causes=("client_certificate_missing",), look="client", proves=True
    ),
    (Side.AGENT, "handshake_failure"): Suspects(
        causes=("client_certificate_missing", "no_shared_cipher"), look="log"
    ),
    (Side.AGENT, "protocol_version"): Suspects(
        causes=("protocol_version", "version_bounds_clash"), look="port", proves=True
    ),
    (Side.AGENT, "internal_error"): Suspects(causes=("protocol_version",), look="log"),
    (Side.AGENT, "no_application_protocol"): Suspects(
        causes=("no_common_alpn",), look="port", proves=True
    ),
    (Side.AGENT, "unexpected_message"): Suspects(causes=("peer_breaks_tls",), look="port"),
    (Side.AGENT, "decode_error"): Suspects(causes=("peer_breaks_tls",), look="port"),
    (Side.AGENT, "illegal_parameter"): Suspects(causes=("peer_breaks_tls",), look="port"),
    (Side.AGENT, "record_overflow"): Suspects(
        causes=("peer_speaks_no_tls", "peer_breaks_tls"), look="port"
    ),
    (Side.AGENT, "bad_record_mac"): Suspects(causes=("peer_breaks_tls",), look="port"),
    (Side.PEER, "unknown_ca"): Suspects(
        causes=(
            "untrusted_root",
            "missing_intermediate",
            "self_signed",
            "issuer_is_not_a_ca",
            "path_length_exceeded",
        ),
        look="chain",
    ),
    (Side.PEER, "bad_certificate"): Suspects(
        causes=("wrong_host", "not_yet_valid", "weak_key", "weak_digest"), look="leaf"
    ),
    (Side.PEER, "certificate_expired"): Suspects(causes=("expired",), look="leaf"),
    (Side.PEER, "unsupported_certificate"): Suspects(
        causes=("not_a_server_certificate",), look="leaf"
    ),
    (Side.PEER, "certificate_unknown"): Suspects(
        causes=(
            "name_constraint",
            "unknown_critical_extension",
            "untrusted_root",
            "wrong_host",
            "expired",
        ),
        look="peer",
    ),
    (Side.PEER, "decrypt_error"): Suspects(
        causes=("bad_signature", "key_of_another_certificate"), look="leaf"
    ),
    (Side.PEER, "protocol_version"): Suspects(
        causes=("protocol_version",), look="port", proves=True
    ),
    (Side.PEER, "internal_error"): Suspects(causes=("peer_failed",), look="peer", proves=True),
}
"""The same where the agent is the server: alerts about certificates are about the other side's."""

SEES_A_CERTIFICATE: Final = frozenset(
    {
        "unknown_ca",
        "bad_certificate",
        "certificate_expired",
        "certificate_revoked",
        "unsupported_certificate",
        "certificate_unknown",
        "decrypt_error",
    }
)
"""Alerts that whoever has not been shown a certificate cannot mean."""

X509_CODES: Final[Mapping[int, tuple[str, ...]]] = {
    2: ("ca_file_holds_no_root", "missing_intermediate"),
    7: ("bad_signature",),
    9: ("not_yet_valid",),
    10: ("expired",),
    18: ("self_signed",),
    19: ("untrusted_root",),
    20: ("untrusted_root", "missing_intermediate"),
    21: ("missing_intermediate", "untrusted_root"),
    24: ("issuer_is_not_a_ca",),
    25: ("path_length_exceeded",),
    26: ("not_a_server_certificate",),
    34: ("unknown_critical_extension",),
    47: ("name_constraint",),
    48: ("name_constraint",),
    62: ("wrong_host",),
    64: ("wrong_host",),
    66: ("weak_key",),
    67: ("weak_key",),
    68: ("weak_digest",),
}
"""X509_V_ERR_*, which Fluent Bit 3.2 to 4.2 logs as `(X509 code: N)`."""

SIGNS: Final[Mapping[str, Suspects]] = {
    "certificate_verify_failed": Suspects(causes=_ANY_CHAIN, look="chain"),
    "not_tls": Suspects(causes=("peer_speaks_no_tls",), look="port", proves=True),
    "unexpected_eof": Suspects(causes=("peer_closed", "peer_speaks_no_tls"), look="port"),
    "connection_reset": Suspects(causes=("peer_closed", "client_certificate_missing"), look="peer"),
    "broken_connection": Suspects(
        causes=("client_certificate_missing", "peer_closed"), look="peer"
    ),
    "ca_path_unusable": Suspects(causes=("ca_path_missing",), look="ca_path"),
    "ca_file_unusable": Suspects(
        causes=("ca_file_not_pem", "ca_file_empty", "ca_file_is_directory"), look="ca_file"
    ),
    "crt_file_unusable": Suspects(causes=("crt_file_unusable",), look="client", proves=True),
    "key_file_unusable": Suspects(
        causes=("key_file_not_pem", "key_passphrase", "key_mismatch"), look="key_file"
    ),
    "key_mismatch": Suspects(
        causes=("key_mismatch", "key_passphrase", "key_file_missing"), look="key_file"
    ),
    "ciphers_refused": Suspects(causes=("bad_ciphers",), look="log", proves=True),
    "tls_certificate_missing": Suspects(causes=("crt_file_not_set",), look="log", proves=True),
    "tls_key_missing": Suspects(causes=("key_file_not_set",), look="log", proves=True),
    "port_taken": Suspects(causes=("port_taken",), look="log", proves=True),
    "tls_not_supported": Suspects(causes=("tls_on_plugin_without_tls",), look="log", proves=True),
    "unknown_property": Suspects(causes=("unknown_property",), look="log", proves=True),
    "config_syntax": Suspects(causes=("config_syntax",), look="log", proves=True),
    "name_not_found": Suspects(causes=("name_does_not_resolve",), look="log", proves=True),
    "timed_out": Suspects(causes=("peer_silent", "connection_refused"), look="port"),
    "no_upstream": Suspects(causes=("connection_refused",), look="log"),
}
"""By the name of a log sign, as `agent.logs` gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Words in the line of a sign that say more than the sign."""

    sign: str
    words: re.Pattern[str]
    cause: str


def _reason(sign: str, words: str, cause: str) -> Reason:
    return Reason(sign=sign, words=re.compile(words), cause=cause)


_LOCKED: Final = r"bad decrypt|UI routines|bad password read|problems getting password"
_NO_PEM: Final = r"no start line|DECODER|unsupported|bad base64|bad end line|asn1|ASN1"

REASONS: Final = (
    _reason("ca_file_unusable", "No such file", "ca_file_missing"),
    _reason("ca_file_unusable", "Permission denied", "ca_file_unreadable"),
    _reason("ca_file_unusable", _NO_PEM, "ca_file_not_pem"),
    _reason("crt_file_unusable", "key too small|md too weak", "client_certificate_weak_key"),
    _reason("key_file_unusable", "No such file", "key_file_missing"),
    _reason("key_file_unusable", "Permission denied", "key_file_unreadable"),
    _reason("key_file_unusable", "key values mismatch", "key_mismatch"),
    _reason("key_file_unusable", _LOCKED, "key_passphrase"),
    _reason("key_file_unusable", _NO_PEM, "key_file_not_pem"),
)
"""OpenSSL's reasons as Fluent Bit 1.9 to 5.1 print them behind the name of a file."""

FORMS: Final[Mapping[str, str]] = {
    "empty file": "ca_file_empty",
    "garbage": "ca_file_not_pem",
    "DER": "ca_file_not_pem",
    "a directory": "ca_file_is_directory",
    "missing file": "ca_file_missing",
}
"""What was done about CA.File, in the evidence's words, where OpenSSL has one message for all."""

PEER_SAYS: Final = (
    (re.compile("no suitable key share|no shared group"), "no_common_group"),
    (re.compile("peer did not return a certificate"), "client_certificate_missing"),
    (re.compile("no shared cipher"), "no_shared_cipher"),
    (re.compile("unsupported protocol|version too low"), "protocol_version"),
)
"""The words of the collector's own OpenSSL (4.0)."""

AGENT_SAYS: Final = (
    (re.compile("legacy sigalg disallowed"), "protocol_version/old"),
    (re.compile("SSL routines::bad signature"), "key_of_another_certificate"),
    (re.compile("no suitable signature algorithm"), "protocol_version/old"),
    (re.compile("no protocols available"), "version_bounds_clash"),
    (re.compile("unsafe legacy renegotiation disabled"), "no_secure_renegotiation"),
    (re.compile("peer did not return a certificate"), "client_certificate_missing"),
    (re.compile("no shared cipher"), "no_shared_cipher"),
)
"""The words of OpenSSL 3.0 in the agent's log (5.0 and later). The first and the third: TLS 1.1 and
before sign with what the security level forbids; the second: of the handshake, not of a
certificate."""

_CLIENT_CHAIN: Final[Mapping[str, str]] = {
    "untrusted_root": "client_certificate_untrusted",
    "self_signed": "client_certificate_untrusted",
    "ca_file_holds_no_root": "client_certificate_untrusted",
    "missing_intermediate": "client_intermediate_missing",
    "expired": "client_certificate_expired",
    "not_yet_valid": "client_certificate_not_yet_valid",
    "wrong_usage": "client_certificate_wrong_usage",
    "bad_signature": "client_certificate_bad_signature",
    "weak_key": "client_certificate_weak_key",
    "weak_digest": "client_certificate_weak_key",
}


def of_peer(flaw: str, *, is_input: bool) -> str:
    """The cause that a flaw in the peer's chain is: a shipper is a client, a collector is none."""
    kind = flaw.split("/", 1)[0]
    if not is_input:
        return {"wrong_usage": "not_a_server_certificate"}.get(kind, kind)
    if kind == "ca_file_holds_no_root":
        return kind
    return _CLIENT_CHAIN.get(kind, "client_certificate_refused")


def of_own(flaw: str, *, is_input: bool) -> str:
    """The cause that a flaw in the agent's own chain is, as the peer sees it."""
    kind = flaw.split("/", 1)[0]
    if not is_input:
        return _CLIENT_CHAIN.get(kind, "client_certificate_refused")
    of_a_server = {
        "wrong_usage": "not_a_server_certificate",
        "ca_file_holds_no_root": "untrusted_root",
    }
    return of_a_server.get(kind, kind)
