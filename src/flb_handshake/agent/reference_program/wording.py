"""Says what OpenSSL met, in the words of each release.

Facts: src/tls/openssl.c of each release; OpenSSL 3.0's own numbers and words; all measured.
"""

from __future__ import annotations

import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from .grammar import Line
    from .releases import Release

_BAD_SIGNATURE: Final = "error:06880006:asn1 encoding routines::EVP lib"
_SIGNATURE_FAILURE: Final = 7
_HOSTNAME_MISMATCH: Final = 62
_NO_TERMINAL: Final = "Inappropriate ioctl for device"
"""What 5.0 says of every reset: its log has asked in between whether it writes to a terminal."""

_REASONS: Final = {
    "NO_SUITABLE_KEY_SHARE": 101,
    "BAD_KEY_SHARE": 108,
    "BAD_EXTENSION": 110,
    "BAD_PROTOCOL_VERSION_NUMBER": 116,
    "NO_SUITABLE_SIGNATURE_ALGORITHM": 118,
    "BAD_SIGNATURE": 123,
    "CCS_RECEIVED_EARLY": 133,
    "CERTIFICATE_VERIFY_FAILED": 134,
    "DATA_BETWEEN_CCS_AND_FINISHED": 145,
    "DIGEST_CHECK_FAILED": 149,
    "EXCESSIVE_MESSAGE_SIZE": 152,
    "HTTPS_PROXY_REQUEST": 155,
    "HTTP_REQUEST": 156,
    "LENGTH_MISMATCH": 159,
    "NO_CIPHERS_AVAILABLE": 181,
    "NO_PROTOCOLS_AVAILABLE": 191,
    "NO_SHARED_CIPHER": 193,
    "PACKET_LENGTH_TOO_LONG": 198,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": 199,
    "INVALID_ALERT": 205,
    "UNSOLICITED_EXTENSION": 217,
    "NO_APPLICATION_PROTOCOL": 235,
    "UNEXPECTED_MESSAGE": 244,
    "UNKNOWN_ALERT_TYPE": 246,
    "UNKNOWN_CIPHER_RETURNED": 248,
    "UNSUPPORTED_PROTOCOL": 258,
    "WRONG_CIPHER_RETURNED": 261,
    "WRONG_SSL_VERSION": 266,
    "WRONG_VERSION_NUMBER": 267,
    "SESSION_ID_CONTEXT_UNINITIALIZED": 277,
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": 281,
    "UNEXPECTED_EOF_WHILE_READING": 294,
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED": 333,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": 338,
    "WRONG_SIGNATURE_TYPE": 370,
    "INAPPROPRIATE_FALLBACK": 373,
    "NO_SHARED_SIGNATURE_ALGORITHMS": 376,
    "WRONG_CURVE": 378,
    "WRONG_CERTIFICATE_TYPE": 383,
    "DH_KEY_TOO_SMALL": 394,
    "VERSION_TOO_LOW": 396,
    "EE_KEY_TOO_SMALL": 399,
    "TOO_MANY_WARN_ALERTS": 409,
    "BAD_RECORD_TYPE": 443,
}
"""OpenSSL's numbers for what either side can meet (include/openssl/sslerr.h, 3.0)."""


def handshake_failed(
    release: Release, error: OSError, alert: int | None, refusal: str | None
) -> str:
    """What is said of a handshake that failed.

    `alert` is the last one that the peer sent, `refusal` the reason where Python's ssl knows none.
    Before 5.0 OpenSSL is asked for the error of an error, so that the log knows only whether the
    chain could be verified.
    """
    if release.says_openssl_errors:
        return f"[tls] error: {numbered(refusal) if refusal else why(error, alert)}"
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "[tls] error: unexpected EOF"
    code = error.verify_code
    if release.says_x509_errors:
        # Python has words of its own for a name that does not match.
        said = "hostname mismatch" if code == _HOSTNAME_MISMATCH else error.verify_message
        return f"[tls] certificate verification failed, reason: {said} (X509 code: {code})"
    if release.says_verify_errors:
        said = "EVP lib" if code == _SIGNATURE_FAILURE else "certificate verify failed"
        return f"[tls] error: unexpected EOF with reason: {said}"
    return "[tls] error: unexpected EOF"


def reading_failed(release: Release, error: OSError, alert: int | None) -> list[Line]:
    """What is said of a connection that fails once it is secured."""
    if release.says_read_errors:
        if isinstance(error, ssl.SSLZeroReturnError):
            return [("debug", "[tls] connection closed by the remote peer (close_notify)")]
        if isinstance(error, ssl.SSLEOFError):
            return [("error", f"[tls] error: {numbered('UNEXPECTED_EOF_WHILE_READING')}")]
        if isinstance(error, ssl.SSLError):
            return [("error", f"[tls] error: {why(error, alert)}")]
        return [("error", f"[tls] syscall error: {error.strerror}")]
    if isinstance(error, ssl.SSLError) or not release.says_system_errors:
        return []
    said = _NO_TERMINAL if release.says_openssl_errors else "error:00000005:lib(0)::reason(5)"
    return [
        ("error", f"[/src/tls/openssl.c errno={error.errno}] {error.strerror}"),
        ("error", f"[tls] syscall error: {said}"),
    ]


def why(error: OSError, alert: int | None = None) -> str:
    """OpenSSL's line for a failure, as Fluent Bit prints it."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == _SIGNATURE_FAILURE:
        return _BAD_SIGNATURE
    if isinstance(error, ssl.SSLZeroReturnError):
        return "tls handshake failed (ssl_error=6)"
    if not isinstance(error, ssl.SSLError):
        return "tls handshake failed (ssl_error=5)"
    if error.reason is None and alert is None:
        return "unexpected EOF"
    return numbered(error.reason, alert)


def numbered(reason: str | None, alert: int | None = None) -> str:
    """A reason with its number, which for an alert that was read is 1000 and the alert."""
    code = _REASONS.get(reason or "", 1000 + (alert or 0))
    words = reason.lower().replace("_", " ") if reason else f"reason({code})"
    return f"error:{(20 << 23) + code:08X}:SSL routines::{words}"
