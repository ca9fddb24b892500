"""What an agent finds in the collector's chain, and where it looks for trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

SERVER_CHAIN: Final[Mapping[str, Remedy]] = {
    "untrusted_root": Remedy(
        meaning="the collector's chain leads to a root that the agent does not trust",
        because="{certificate} was issued by {issuer}, which was neither sent nor is held by "
        "{store}",
        fix="put the root {issuer} into tls.ca_file, if you trust it",
    ),
    "untrusted_root/sent": Remedy(
        because="the chain ends in the root {subject}, which {store} does not hold",
        fix="put the root {subject} into tls.ca_file, if you trust it",
    ),
    "untrusted_root/namesake": Remedy(
        because="{certificate} was issued by {issuer}; {store} holds a certificate of that name, "
        "but with another key",
        fix="put the root {issuer} whose key issued the chain into tls.ca_file in place of its "
        "namesake, if you trust it",
    ),
    "missing_intermediate": Remedy(
        meaning="the collector does not send an intermediate of its chain",
        because="{certificate} was issued by {issuer}, which was neither sent nor is held by "
        "{store}",
        fix="let the collector send the intermediate {issuer} after its own certificate",
    ),
    "untrusted_root/or": Remedy(
        because="{issuer} may be a root that {where} lacks",
        fix="put the root {issuer} into tls.ca_file, if you trust it",
    ),
    "missing_intermediate/or": Remedy(
        because="{issuer} may be an intermediate that the collector has to send",
        fix="let the collector send the intermediate {issuer} after its own certificate",
    ),
    "self_signed": Remedy(
        meaning="the collector's certificate is self-signed",
        because="{certificate} is self-signed, and {store} does not hold it",
        fix="put the certificate {subject} itself into tls.ca_file, or give the collector one that "
        "a CA has issued",
    ),
    "ca_file_holds_no_root": Remedy(
        meaning="tls.ca_file holds a certificate of the chain, but not its root",
        because="{store} does not hold {issuer}, which issued {certificate}: Fluent Bit follows a "
        "chain to its self-signed root, and '{held}' is none",
        fix="put the root {issuer} into tls.ca_file, if you trust it",
    ),
    "issuer_is_not_a_ca": Remedy(
        meaning="a certificate of the chain was issued by one that is no CA",
        because="{certificate} issued '{below}', but its basicConstraints do not make it a CA",
        fix="issue the certificate {subject} anew with basicConstraints CA:TRUE",
    ),
    "path_length_exceeded": Remedy(
        meaning="a CA of the chain allows fewer intermediates than follow it",
        because="{certificate} allows {limit} intermediates below it (pathlen:{limit}), and the "
        "chain has {count}",
        fix="issue the certificate {subject} anew with a longer pathlen, or use fewer "
        "intermediates",
    ),
    "expired": Remedy(
        meaning="a certificate of the chain has expired",
        because="{certificate} expired {ago} ago, on {until}",
        fix="renew the certificate {subject}, and let the collector send the new one",
    ),
    "expired/root": Remedy(
        because="{certificate} expired {ago} ago, on {until}; {where} holds it",
        fix="put the renewed root {subject} into tls.ca_file in place of the expired one",
    ),
    "not_yet_valid": Remedy(
        meaning="a certificate of the chain is not yet valid",
        because="{certificate} becomes valid only in {ahead}, on {since}",
        fix="set the agent's clock right, or issue the certificate {subject} anew: it begins too "
        "late",
    ),
    "wrong_host": Remedy(
        meaning="the collector's certificate does not bear the name that the agent checks",
        because="{certificate} bears {names}, but '{name}' is checked: {san} would have matched",
        fix="give the collector a certificate with the subjectAltName {san}{or_vhost}",
    ),
    "wrong_host/spelling": Remedy(
        because="{certificate} bears {names}, which is '{name}' written otherwise (a dot at the "
        "end, letters beyond ASCII), and OpenSSL compares names as they are written",
        fix="write the name alike on both sides: {san} in the certificate, and {plain} as Host or "
        "tls.vhost",
    ),
    "wrong_host/address": Remedy(
        because="{certificate} bears the address '{name}', but {agent} compares it as if it were a "
        "DNS name (5.0.6 and later compare addresses)",
        fix="set tls.vhost to a DNS name that the certificate bears, or move to Fluent Bit 5.0.6",
    ),
    "weak_key": Remedy(
        meaning="a key of the chain is too short for the agent's TLS library",
        because="{certificate} has the key {key}, too weak for the agent's {tls_library}",
        fix="issue the certificate {subject} anew with a key of P-256 or RSA 2048",
    ),
    "weak_digest": Remedy(
        meaning="a certificate of the chain is signed with a digest of old",
        because="{certificate} is signed with {digest}, too weak for the agent's {tls_library}",
        fix="let the CA issue the certificate {subject} anew, signed with SHA-256",
    ),
    "not_a_server_certificate": Remedy(
        meaning="a certificate of the chain may not be used for a server",
        because="{certificate} is for {usages} (extendedKeyUsage), not for serverAuth",
        fix="issue the certificate {subject} anew with the extendedKeyUsage serverAuth",
    ),
    "name_constraint": Remedy(
        meaning="a CA of the chain may not certify that name (nameConstraints)",
        because="a CA of the chain may not certify that name (nameConstraints)",
        fix="let a CA issue the certificate whose nameConstraints allow the name",
    ),
    "name_constraint/permitted": Remedy(
        because="{certificate} permits only names under {bases} (nameConstraints), and the "
        "server's certificate bears '{constrained}'",
        fix="issue the CA {subject} anew with nameConstraints that permit '{constrained}', or let "
        "another CA certify it",
    ),
    "name_constraint/excluded": Remedy(
        because="{certificate} excludes names under {bases} (nameConstraints), and the server's "
        "certificate bears '{constrained}'",
        fix="issue the CA {subject} anew with nameConstraints that do not exclude '{constrained}', "
        "or let another CA certify it",
    ),
    "unknown_critical_extension": Remedy(
        meaning="a certificate of the chain has a critical extension that nobody knows",
        because="{certificate} has the critical extension {oid}, which OpenSSL does not know",
        fix="issue the certificate {subject} anew without that extension, or without marking it "
        "critical",
    ),
    "bad_signature": Remedy(
        meaning="a signature in the chain is wrong",
        because="the signature on {certificate} is not that of {issuer}: it was changed after it "
        "was issued",
        fix="install the certificate {subject} anew, as its CA issued it",
    ),
    "key_of_another_certificate": Remedy(
        meaning="the collector's key does not belong to its certificate",
        because="the collector signed the handshake, but not with the key of {leaf}",
        fix="give the collector the private key that belongs to the certificate {subject}",
    ),
    "revoked": Remedy(
        meaning="a certificate of the chain is revoked",
        because="{certificate} was revoked on {since}",
        fix="replace the certificate {subject}",
    ),
    "ca_path_wins": Remedy(
        meaning="tls.ca_path is set, so tls.ca_file is not read",
        because="tls.ca_path ({ca_path}) is set beside tls.ca_file, and wins: the root in "
        "tls.ca_file, which would do, is not read",
        fix="take tls.ca_path away, so that tls.ca_file counts",
    ),
    "ca_path_not_hashed": Remedy(
        meaning="tls.ca_path is a directory whose files are not named by their hashes",
        because="the right root is in tls.ca_path ({ca_path}), but not under its hash, the only "
        "name by which OpenSSL finds it there",
        fix="run `openssl rehash {ca_path}`, or name the root's file as tls.ca_file instead",
    ),
    "ca_path_empty": Remedy(
        meaning="tls.ca_path is an empty directory",
        because="tls.ca_path ({ca_path}) holds no certificate",
        fix="take tls.ca_path away and put the root into tls.ca_file",
    ),
    "ca_path_missing": Remedy(
        meaning="tls.ca_path does not exist, which Fluent Bit accepts without a word",
        because="tls.ca_path ({ca_path}) does not exist",
        fix="name a directory that exists as tls.ca_path, or put the root into tls.ca_file",
    ),
}
