"""What an alert means in plain words, and what to do about one that is not explained otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEANING: Final[Mapping[str, str]] = {
    "unexpected_message": "a message came when it was not due",
    "bad_record_mac": "a record was changed on its way, or the two sides have different keys",
    "record_overflow": "a record was longer than TLS allows",
    "decompression_failure": "something compressed could not be unpacked",
    "handshake_failure": "the two sides cannot agree on how to speak",
    "bad_certificate": "a certificate is broken or may not be used",
    "unsupported_certificate": "a certificate is of a kind that it does not take",
    "certificate_revoked": "a certificate has been revoked",
    "certificate_expired": "a certificate has expired",
    "certificate_unknown": "a certificate is refused for another reason",
    "illegal_parameter": "a field of a message had a value that is not allowed",
    "unknown_ca": "a certificate leads to no CA that it trusts",
    "access_denied": "its access rules do not let this side in",
    "decode_error": "a message could not be read",
    "decrypt_error": "a signature or a check sum was wrong",
    "protocol_version": "it speaks none of the TLS versions that were offered",
    "insufficient_security": "it demands stronger ciphers than were offered",
    "internal_error": "it failed for a reason of its own",
    "inappropriate_fallback": "the version was lowered on purpose where a higher one would do",
    "user_canceled": "somebody or something cancelled the handshake",
    "no_renegotiation": "it does no second handshake",
    "missing_extension": "an extension that it cannot do without was not sent",
    "unsupported_extension": "an extension came that was not asked for",
    "unrecognized_name": "it does not know the name in the SNI",
    "bad_certificate_status_response": "a stapled OCSP response was refused",
    "unknown_psk_identity": "it does not know the session that was to be resumed",
    "certificate_required": "it demands a client certificate, and none was presented",
    "no_application_protocol": "it takes none of the application protocols offered (ALPN)",
}
"""RFC 8446, section 6, and RFC 5246, section 7.2, in fewer words."""

ADVICE: Final[Mapping[str, str]] = {
    "access_denied": "let the {peer}'s access rules admit this side",
    "unrecognized_name": "let the {peer} know the name that is sent as SNI ({sni}), or "
    "send another",
    "certificate_required": "set tls.crt_file and tls.key_file to a client certificate that the "
    "{peer} trusts",
    "unexpected_message": "look what stands between the two: something there breaks TLS",
    "bad_record_mac": "look what stands between the two: something there changes what is sent",
    "missing_extension": "look into the {peer}'s log for the extension that it misses: without a "
    "name in tls.vhost or Host there is no SNI, which is the one most often demanded",
    "inappropriate_fallback": "take tls.max_version away, so that the highest version is offered",
}
"""What to do, where the alert says more than to ask whoever sent it."""

ELSE_ADVICE: Final = "look into the {peer}'s log for why it sent {alert}"
UNKNOWN_MEANING: Final = "an alert that has no plain words here (IANA, TLS Alerts)"
