"""The texts of a diagnosis: what each cause means, what shows it, and what to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What there is to say of one cause; words in braces are filled in from the evidence."""

    because: str
    """The evidence for it, with names and dates."""
    fix: str
    """What to change; it reads well with the words of UNKNOWN too."""
    meaning: str = ""
    """What it is, where only its class is known; empty for what is never guessed."""


UNKNOWN: Final[Mapping[str, str]] = {
    "certificate": "the certificate",
    "subject": "of the collector",
    "issuer": "of the chain",
    "trusted": "see the list of CAs that it sends",
    "san": "of the name that is dialled",
    "or_vhost": ", or set tls.vhost to a name that it bears",
    "leaf": "its certificate",
    "how": "nobody knows how",
    "waited": "all the time",
}
"""What stands in a fix for a word that the evidence does not give."""

REMEDIES: Final[Mapping[str, Remedy]] = {
    # What a verifying agent finds in the collector's chain.
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
        "collector's certificate bears '{constrained}'",
        fix="issue the CA {subject} anew with nameConstraints that permit '{constrained}', or let "
        "another CA certify it",
    ),
    "name_constraint/excluded": Remedy(
        because="{certificate} excludes names under {bases} (nameConstraints), and the collector's "
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
    # Trust that is looked for in the wrong place.
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
    # What a collector finds in the agent's certificate.
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
    "sni_unknown": Remedy(
        meaning="the collector does not know the name in the SNI",
        because="the collector does not know the name that the agent sent as SNI ({sni})",
        fix="set tls.vhost to a name that the collector serves",
    ),
    "no_common_alpn": Remedy(
        meaning="the two sides have no application protocol in common (ALPN)",
        because="the collector takes none of the application protocols that the agent offered",
        fix="let the collector accept http/1.1 in its ALPN list",
    ),
    "peer_failed": Remedy(
        meaning="the collector failed within",
        because="the collector ended the handshake for a failure of its own",
        fix="look into the collector's log",
    ),
    # What the two sides speak.
    "protocol_version": Remedy(
        meaning="the two sides have no TLS version in common",
        because="the agent offered {offered}, and the collector takes none of these",
        fix="let tls.min_version and tls.max_version include a version that the collector speaks "
        "(TLSv1.2 or TLSv1.3), or let the collector speak one of these",
    ),
    "protocol_version/old": Remedy(
        because="the collector chose a version below TLS 1.2, whose signatures {tls_library} no "
        "longer accepts (it says: {said})",
        fix="let the collector speak TLSv1.2 or TLSv1.3; tls.min_version cannot help",
    ),
    "no_shared_cipher": Remedy(
        meaning="the two sides have no cipher in common",
        because="the collector found no cipher that both sides know; tls.ciphers is {ciphers}",
        fix="let tls.ciphers include a cipher of the collector that suits its certificate's key",
    ),
    "peer_breaks_tls": Remedy(
        meaning="what the collector sent is no valid TLS",
        because="the agent could not make sense of what the collector sent",
        fix="look what answers on that port: a proxy between the two may speak another protocol",
    ),
    "peer_speaks_no_tls": Remedy(
        meaning="what listens on that port does not speak TLS",
        because="the collector answered the ClientHello with something that is not TLS",
        fix="dial the collector's TLS port, or switch TLS on there; only if cleartext is meant, "
        "set tls off",
    ),
    "peer_silent": Remedy(
        meaning="the collector does not answer",
        because="{progress}, and nothing came from the collector in {waited}",
        fix="look what holds the collector back; net.connect_timeout bounds how long Fluent Bit "
        "waits",
    ),
    "peer_closed": Remedy(
        meaning="the collector ends the connection without saying why",
        because="{progress}; then the collector ended the connection ({how}) without an alert",
        fix="look into the collector's log, and at proxies and firewalls on the way: they ended "
        "it, not the agent",
    ),
    "agent_closed": Remedy(
        meaning="the agent ends the connection without saying why",
        because="{progress}; then the agent ended the connection ({how}) without an alert",
        fix="set log_level debug and tls.debug 1, and look at the agent's last words",
    ),
    "name_does_not_resolve": Remedy(
        meaning="the collector's name does not resolve",
        because="no connection was made: the agent's resolver does not know the name (it says: "
        "{said})",
        fix="correct Host (a name alone, without https:// and path), or let DNS know it; to check "
        "another name than the one that is dialled, set tls.vhost",
    ),
    "connection_refused": Remedy(
        meaning="nothing accepts connections there",
        because="no TCP connection came about (it says: {said})",
        fix="correct Host and Port, or let the collector listen there",
    ),
    # What stops the start.
    "ca_file_missing": Remedy(
        meaning="tls.ca_file does not exist",
        because="tls.ca_file names {ca_file}, which does not exist",
        fix="write the root's certificate (PEM) to {ca_file}, or correct tls.ca_file",
    ),
    "ca_file_unreadable": Remedy(
        meaning="Fluent Bit may not read tls.ca_file",
        because="tls.ca_file names {ca_file}, which Fluent Bit may not read (Permission denied)",
        fix="let the user that Fluent Bit runs as read {ca_file} (tls.ca_file)",
    ),
    "ca_file_not_pem": Remedy(
        meaning="tls.ca_file is not PEM",
        because="tls.ca_file names {ca_file}, in which no PEM certificate is found ({form})",
        fix="write the root's certificate as PEM to tls.ca_file (from DER: openssl x509 -inform "
        "DER)",
    ),
    "ca_file_empty": Remedy(
        meaning="tls.ca_file is empty",
        because="tls.ca_file names {ca_file}, which is empty",
        fix="write the root's certificate (PEM) to {ca_file} (tls.ca_file)",
    ),
    "ca_file_is_directory": Remedy(
        meaning="tls.ca_file is a directory",
        because="tls.ca_file names {ca_file}, which is a directory",
        fix="name a file as tls.ca_file, or the directory as tls.ca_path (its files hashed)",
    ),
    "crt_file_unusable": Remedy(
        meaning="tls.crt_file cannot be used",
        because="tls.crt_file names {crt_file}, which {trouble} (it says: {said})",
        fix="put the client certificate (PEM, the leaf first) into tls.crt_file, readable for "
        "Fluent Bit",
    ),
    "key_file_missing": Remedy(
        meaning="tls.key_file does not exist",
        because="tls.key_file names {key_file}, which does not exist: the words about a password "
        "that does not match mislead",
        fix="write the private key to {key_file}, or correct tls.key_file",
    ),
    "key_file_unreadable": Remedy(
        meaning="Fluent Bit may not read tls.key_file",
        because="tls.key_file names {key_file}, which Fluent Bit may not read (Permission denied)",
        fix="let the user that Fluent Bit runs as read {key_file} (tls.key_file)",
    ),
    "key_file_not_pem": Remedy(
        meaning="tls.key_file holds no private key",
        because="tls.key_file names {key_file}, in which no PEM private key is found",
        fix="write the private key (PEM) to tls.key_file",
    ),
    "key_mismatch": Remedy(
        meaning="tls.key_file does not belong to tls.crt_file",
        because="the key in tls.key_file ({key_file}) is not that of {certificate} in tls.crt_file",
        fix="set tls.key_file to the key that belongs to the certificate in tls.crt_file",
    ),
    "key_mismatch/order": Remedy(
        because="the first certificate in tls.crt_file is {subject}, a CA's, and the key in "
        "tls.key_file ({key_file}) is not its key",
        fix="put the agent's own certificate first into tls.crt_file, its issuers after it",
    ),
    "key_passphrase": Remedy(
        meaning="tls.key_file is encrypted, and tls.key_passwd does not open it",
        because="the key in tls.key_file ({key_file}) is encrypted, and {passphrase}",
        fix="set tls.key_passwd to the passphrase of the key",
    ),
    "key_without_certificate": Remedy(
        meaning="tls.key_file is set without tls.crt_file",
        because="tls.key_file is set without tls.crt_file, and there is nothing that the key could "
        "match: the words about a password mislead",
        fix="set tls.crt_file to the certificate of that key, or take tls.key_file away",
    ),
    "bad_ciphers": Remedy(
        meaning="tls.ciphers holds no cipher that OpenSSL knows",
        because="OpenSSL finds no cipher of TLS 1.2 in tls.ciphers ({ciphers})",
        fix="set tls.ciphers to a list of OpenSSL's names, such as ECDHE-ECDSA-AES256-GCM-SHA384, "
        "or take it away",
    ),
    "config_syntax": Remedy(
        meaning="the configuration is not in Fluent Bit's classic format",
        because="the configuration cannot be read at line {line}: {text}",
        fix="write `key value` on that line; a section is [NAME], and there are no nested blocks",
    ),
    "config_syntax/block": Remedy(
        because="the configuration cannot be read at line {line}: no Fluent Bit has a block such "
        "as {text}",
        fix="write properties of the plugin in place of the block: {mode}CA.File is tls.ca_file, "
        "Client.Cert is tls.crt_file, Client.Key is tls.key_file",
    ),
    "unknown_property": Remedy(
        meaning="a property is misspelt, or this plugin does not have it",
        because="{plugin} of {agent} has no property '{property}'",
        fix="{hint}",
    ),
    "tls_on_plugin_without_tls": Remedy(
        meaning="tls is set on a plugin that opens no connection",
        because="{who} opens no network connection, and takes no tls property",
        fix="take tls away from {who}, and set it on the plugin that connects",
    ),
    "not_started": Remedy(
        because="{agent} ended before it connected, with exit code {exit_code} (it says: {said})",
        fix="mend what the last line of the log complains of",
    ),
    # What is delivered, but should not be content.
    "tls_off": Remedy(
        because="tls is {word}, so the records travel in cleartext",
        fix="set tls on, and tls.ca_file to the root of the collector's chain",
    ),
    "tls_word_is_no_boolean": Remedy(
        because="`tls {word}` is no boolean, and counts as off without a warning: the records "
        "travel in cleartext",
        fix="set tls on (on, true and yes are the only words for it)",
    ),
    "tls_properties_without_tls": Remedy(
        because="there is {properties}, but no `tls on`, without which the rest does nothing, and "
        "nothing warns of it: the records travel in cleartext",
        fix="add tls on",
    ),
    "verification_off": Remedy(
        because="tls.verify is {word}, so nobody looks at the chain: {flaw}",
        fix="set tls.verify on; then {remedy}",
    ),
    "verification_off/name": Remedy(
        because="tls.verify is {word}, so nobody looks at the chain: {flaw}",
        fix="set tls.verify on and tls.verify_hostname on; then {remedy}",
    ),
    "name_not_checked": Remedy(
        because="the certificate bears {names}, but '{name}' is meant, and nobody compares: "
        "tls.verify_hostname is {word}",
        fix="set tls.verify_hostname on; then give the collector a certificate with the "
        "subjectAltName {san}{or_vhost}",
    ),
    "name_not_checked/verify": Remedy(
        because="the certificate bears {names}, but '{name}' is meant, and nobody compares: "
        "`tls.verify {word}` is no boolean, so that tls.verify_hostname counts for nothing",
        fix="set tls.verify on (on, true and yes are the only words for it); then give the "
        "collector a certificate with the subjectAltName {san}",
    ),
    "name_not_checked/release": Remedy(
        because="the certificate bears {names}, but '{name}' is meant, and {agent} cannot compare: "
        "tls.verify_hostname came with 3.1",
        fix="move to Fluent Bit 3.1 or later, and set tls.verify_hostname on",
    ),
    "accepted_all_the_same": Remedy(
        because="{flaw}; {agent} accepts it with tls.verify on, because it does not look for that",
        fix="{remedy}; tls.verify gives no protection from it",
    ),
    "anonymous_client_accepted": Remedy(
        because="the collector asks for a client certificate without demanding it, and took the "
        "records of an agent that presented none",
        fix="let the collector demand a client certificate, and give the agent one with "
        "tls.crt_file and tls.key_file",
    ),
    "unexplained": Remedy(
        because="{progress} (the agent says: {said})",
        fix="set log_level debug and tls.debug 1, and look at what both sides say last",
    ),
}

LOOK: Final[Mapping[str, str]] = {
    "chain": "the chain that the collector sends (openssl s_client -showcerts) beside tls.ca_file",
    "issuer": "the certificate {issuer}: it is a root if its subject is its issuer (openssl x509 "
    "-noout -subject -issuer)",
    "leaf": "the names, dates and keys in the collector's chain (openssl s_client -showcerts)",
    "ca_path": "the directory {ca_path} (ls -l): the root must stand there as <hash>.0",
    "ca_file": "the first bytes of {ca_file} (head -c 64)",
    "key_file": "whether {key_file} opens and matches (openssl pkey -pubout, beside openssl x509 "
    "-pubkey of tls.crt_file)",
    "client": "the certificate in tls.crt_file (openssl x509 -noout -text), and why the "
    "collector's log refuses it",
    "peer": "the collector's own log",
    "port": "what the port answers to openssl s_client -connect",
    "log": "the agent's log at log_level debug with tls.debug 1",
}
"""The next observation that tells the causes of a class apart."""

PROGRESS: Final[Mapping[str, str]] = {
    "nothing": "no connection came",
    "accepted": "the connection was accepted, but the agent sent nothing",
    "first_bytes": "the agent sent bytes that are not a whole ClientHello",
    "client_hello": "the agent's ClientHello came",
    "server_hello": "the collector answered the ClientHello with its certificate",
    "negotiated": "the handshake was complete",
    "request": "records came",
}
"""How far a connection came."""

CANNOT_TELL: Final = "; cannot tell which of {causes}: look at {look} next"
CANNOT_TELL_WHY: Final = "; cannot tell why: look at {look} next"
LATE: Final = (
    " (TLS 1.3: the agent had already taken itself for connected, hence its `broken connection`)"
)

PROPERTIES: Final = (
    "tls",
    "tls.verify",
    "tls.verify_hostname",
    "tls.debug",
    "tls.ca_path",
    "tls.ca_file",
    "tls.crt_file",
    "tls.key_file",
    "tls.key_passwd",
    "tls.vhost",
    "tls.min_version",
    "tls.max_version",
    "tls.ciphers",
)
"""What an output takes (src/tls/flb_tls.c, 5.1.1)."""

SINCE: Final[Mapping[str, str]] = {
    "tls.verify_hostname": "3.1",
    "tls.min_version": "4.0",
    "tls.max_version": "4.0",
    "tls.ciphers": "4.0",
    "tls.verify_client_cert": "5.0",
}
"""The first release that knows a property."""

INSTEAD: Final[Mapping[str, str]] = {
    "mode": "write Mode in Fluent Bit's own properties: {modes}",
    "tls.mode": "write Mode in Fluent Bit's own properties: {modes}",
    "ca.file": "write tls.ca_file",
    "client.cert": "write tls.crt_file",
    "client.key": "write tls.key_file",
    "tls.verify_client_cert": "take tls.verify_client_cert away: it is a property of inputs, where "
    "the agent is the server",
    "tls.verify_peer": "write tls.verify",
    "tls.verify_host": "write tls.verify_hostname",
}
"""What to write in place of a property that does not exist."""

TOO_NEW: Final = "move to Fluent Bit {since} or later, which knows {property}, or take it away"
NEAREST: Final = "write {nearest} in place of {property}"
NO_SUCH: Final = "take {property} away, or correct its spelling"
