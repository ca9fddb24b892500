"""What a collector finds in the agent's certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

CLIENT_CERTIFICATE: Final[Mapping[str, Remedy]] = {
    "client_certificate_missing": Remedy(
        meaning="the collector demands a client certificate, and the agent presents none",
        because="the collector demands a client certificate, and the agent presented none: "
        "tls.crt_file and tls.key_file are not set",
        fix="set tls.crt_file and tls.key_file to a client certificate that the collector trusts",
    ),
    "client_certificate_missing/keyless": Remedy(
        because="the collector demands a client certificate, and the agent presented none: "
        "tls.crt_file is set, but without tls.key_file Fluent Bit leaves it out, without a word",
        fix="set tls.key_file to the private key of the certificate in tls.crt_file",
    ),
    "client_certificate_untrusted": Remedy(
        meaning="the collector does not trust the CA of the client certificate",
        because="{certificate} leads to {issuer}; for client certificates the collector trusts "
        "{store}",
        fix="put a certificate into tls.crt_file that a CA trusted by the collector has issued "
        "({trusted}), or let the collector trust the CA {issuer}",
    ),
    "client_intermediate_missing": Remedy(
        meaning="tls.crt_file lacks an intermediate of the client certificate",
        because="{certificate} was issued by {issuer}, which tls.crt_file does not hold; for "
        "client certificates the collector trusts {store}",
        fix="append the intermediate {issuer} to tls.crt_file, after the agent's certificate",
    ),
    "client_certificate_untrusted/or": Remedy(
        because="{issuer} may be a root that the collector does not trust",
        fix="put a certificate into tls.crt_file that a CA trusted by the collector has issued "
        "({trusted}), or let the collector trust the CA {issuer}",
    ),
    "client_intermediate_missing/or": Remedy(
        because="{issuer} may be an intermediate that tls.crt_file has to hold",
        fix="append the intermediate {issuer} to tls.crt_file, after the agent's certificate",
    ),
    "client_certificate_expired": Remedy(
        meaning="the client certificate has expired",
        because="{certificate} expired {ago} ago, on {until}",
        fix="renew the client certificate in tls.crt_file",
    ),
    "client_certificate_not_yet_valid": Remedy(
        meaning="the client certificate is not yet valid",
        because="{certificate} becomes valid only in {ahead}, on {since}",
        fix="set the collector's clock right, or put a certificate into tls.crt_file that is "
        "already valid",
    ),
    "client_certificate_wrong_usage": Remedy(
        meaning="the client certificate may not be used for a client",
        because="{certificate} is for {usages} (extendedKeyUsage), not for clientAuth",
        fix="put a certificate into tls.crt_file that has the extendedKeyUsage clientAuth",
    ),
    "client_certificate_bad_signature": Remedy(
        meaning="a signature in the client's chain is wrong",
        because="the signature on {certificate} is not that of {issuer}: it was changed after it "
        "was issued",
        fix="write the certificate to tls.crt_file anew, as its CA issued it",
    ),
    "client_certificate_weak_key": Remedy(
        meaning="the key of the client certificate is too weak",
        because="the key of {certificate} is too weak for {tls_library}",
        fix="put a certificate into tls.crt_file whose key is P-256 or at least RSA 2048",
    ),
    "client_certificate_refused": Remedy(
        meaning="the collector refuses the client certificate for a reason of its own",
        because="the collector refuses {certificate}",
        fix="put a certificate into tls.crt_file that the collector accepts",
    ),
}
