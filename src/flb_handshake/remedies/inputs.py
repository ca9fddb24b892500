"""The texts for an input, where the agent is the TLS server and a shipper the client.

A name that stands elsewhere as well is the same cause, told and mended on the other side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

_ISSUED_BY: Final = (
    "{certificate} was issued by {issuer}, which was neither sent nor is held by {store}"
)
_ADMIT: Final = (
    "put the root {issuer} into tls.ca_file, if the input is meant to admit its clients; else give "
    "the shipper a certificate that a CA in tls.ca_file has issued"
)
_SEND: Final = "let the shipper send the intermediate {issuer} after its own certificate"
_TRUST: Final = (
    "let the shipper trust the root {issuer}, or put a certificate into tls.crt_file that a CA "
    "trusted by the shipper has issued"
)
_APPEND: Final = (
    "append the intermediate {issuer} to tls.crt_file, after the input's own certificate"
)
_RENEW: Final = "put a renewed certificate into tls.crt_file, with its key in tls.key_file"
_DEMAND: Final = "tls.verify_client_cert on (5.0 and later)"

SHIPPERS_CERTIFICATE: Final[Mapping[str, Remedy]] = {
    "client_certificate_missing": Remedy(
        meaning="the input demands a client certificate, and the shipper presents none",
        because="tls.verify_client_cert is on, and the shipper presented no certificate",
        fix="give the shipper a client certificate that a CA in tls.ca_file has issued; only if "
        "anybody may ship, set tls.verify_client_cert off",
    ),
    "client_certificate_untrusted": Remedy(
        meaning="the shipper's certificate leads to no root in tls.ca_file",
        because=_ISSUED_BY,
        fix=_ADMIT,
    ),
    "client_certificate_untrusted/unset": Remedy(
        because="tls.ca_file is not set, so {agent} asks the system's trust store, which does not "
        "hold {issuer}, the issuer of {certificate}",
        fix="set tls.ca_file to the root {issuer}, if the input is meant to admit its clients",
    ),
    "client_certificate_untrusted/or": Remedy(
        because="{issuer} may be a root that {where} lacks", fix=_ADMIT
    ),
    "client_intermediate_missing": Remedy(
        meaning="the shipper does not send an intermediate of its chain",
        because=_ISSUED_BY,
        fix=_SEND,
    ),
    "client_intermediate_missing/or": Remedy(
        because="{issuer} may be an intermediate that the shipper has to send", fix=_SEND
    ),
    "client_certificate_expired": Remedy(
        meaning="the shipper's certificate has expired",
        because="{certificate} expired {ago} ago, on {until}",
        fix="renew the shipper's certificate",
    ),
    "client_certificate_not_yet_valid": Remedy(
        meaning="the shipper's certificate is not yet valid",
        because="{certificate} becomes valid only in {ahead}, on {since}",
        fix="set the agent's clock right, or give the shipper a certificate that is already valid",
    ),
    "client_certificate_wrong_usage": Remedy(
        meaning="the shipper's certificate may not be used for a client",
        because="{certificate} is for {usages} (extendedKeyUsage), not for clientAuth",
        fix="give the shipper a certificate that has the extendedKeyUsage clientAuth",
    ),
    "client_certificate_bad_signature": Remedy(
        meaning="a signature in the shipper's chain is wrong",
        because="the signature on {certificate} is not that of {issuer}: it was changed after it "
        "was issued",
        fix="install the shipper's certificate anew, as its CA issued it",
    ),
    "client_certificate_weak_key": Remedy(
        meaning="the key or the digest of the shipper's certificate is too weak",
        because="{certificate} is too weak for the agent's {tls_library}",
        fix="give the shipper a certificate whose key is P-256 or at least RSA 2048, signed with "
        "SHA-256",
    ),
    "client_certificate_refused": Remedy(
        meaning="the agent refuses the shipper's certificate for another reason",
        because="the agent refuses {certificate} or one above it: its constraints or extensions "
        "forbid this use",
        fix="give the shipper a certificate that its CA may issue for a client",
    ),
}

INPUTS_CERTIFICATE: Final[Mapping[str, Remedy]] = {
    "untrusted_root": Remedy(
        meaning="the input's chain leads to a root that the shipper does not trust",
        because="{certificate} was issued by {issuer}; the shipper trusts {trusted}",
        fix=_TRUST,
    ),
    "untrusted_root/sent": Remedy(
        because="the input's chain ends in the root {subject}; the shipper trusts {trusted}",
        fix="let the shipper trust the root {subject}, or put a certificate into tls.crt_file that "
        "a CA trusted by the shipper has issued",
    ),
    "untrusted_root/namesake": Remedy(
        because="{certificate} was issued by {issuer}; the shipper trusts a certificate of that "
        "name, but with another key",
        fix="let the shipper trust the root {issuer} whose key issued the input's chain",
    ),
    "untrusted_root/or": Remedy(
        because="{issuer} may be a root that the shipper does not trust", fix=_TRUST
    ),
    "missing_intermediate": Remedy(
        meaning="tls.crt_file lacks an intermediate of the input's chain",
        because="{certificate} was issued by {issuer}, which tls.crt_file does not hold; the "
        "shipper trusts {trusted}",
        fix=_APPEND,
    ),
    "missing_intermediate/or": Remedy(
        because="{issuer} may be an intermediate that tls.crt_file has to hold", fix=_APPEND
    ),
    "self_signed": Remedy(
        meaning="the input's certificate is self-signed",
        because="{certificate} is self-signed; the shipper trusts {trusted}",
        fix="let the shipper trust the certificate {subject} itself, or put one into tls.crt_file "
        "that a CA has issued",
    ),
    "expired": Remedy(
        meaning="a certificate in tls.crt_file has expired",
        because="{certificate} expired {ago} ago, on {until}",
        fix=_RENEW,
    ),
    "expired/root": Remedy(
        because="{certificate} expired {ago} ago, on {until}; the shipper trusts it still",
        fix="give the shipper the renewed root {subject} in place of the expired one",
    ),
    "not_yet_valid": Remedy(
        meaning="a certificate in tls.crt_file is not yet valid",
        because="{certificate} becomes valid only in {ahead}, on {since}",
        fix="set the shipper's clock right, or put a certificate into tls.crt_file that is already "
        "valid",
    ),
    "wrong_host": Remedy(
        meaning="the input's certificate does not bear the name that the shipper checks",
        because="the input's certificate bears {names}; the shipper sent the name {sni}",
        fix="put a certificate into tls.crt_file that bears the name by which the shipper reaches "
        "the input",
    ),
    "not_a_server_certificate": Remedy(
        meaning="the certificate in tls.crt_file may not be used for a server",
        because="{certificate} is for {usages} (extendedKeyUsage), not for serverAuth",
        fix="put a certificate into tls.crt_file that has the extendedKeyUsage serverAuth",
    ),
    "weak_key": Remedy(
        meaning="a key of the input's chain is too short for the shipper",
        because="{certificate} has the key {key}, too weak for {tls_library}",
        fix="put a certificate into tls.crt_file whose key is P-256 or at least RSA 2048",
    ),
    "weak_digest": Remedy(
        meaning="a certificate of the input's chain is signed with a digest of old",
        because="{certificate} is signed with {digest}, too weak for {tls_library}",
        fix="put a certificate into tls.crt_file that is signed with SHA-256",
    ),
    "bad_signature": Remedy(
        meaning="a signature in the input's chain is wrong",
        because="the signature on {certificate} is not that of {issuer}: it was changed after it "
        "was issued",
        fix="write the certificates to tls.crt_file anew, as their CAs issued them",
    ),
    "key_of_another_certificate": Remedy(
        meaning="the handshake was not signed with the key of the input's certificate",
        because="the handshake was not signed with the key of the input's certificate",
        fix="set tls.key_file to the key that belongs to the certificate in tls.crt_file",
    ),
}

CONNECTIONS: Final[Mapping[str, Remedy]] = {
    "protocol_version": Remedy(
        meaning="the two sides have no TLS version in common",
        because="the shipper offered {offered}, and the input takes none of these ({bounds})",
        fix="let the shipper speak TLSv1.2 or TLSv1.3, and let tls.min_version and tls.max_version "
        "of the input include that version",
    ),
    "protocol_version/old": Remedy(
        because="the shipper offers {offered}, whose signatures the agent's {tls_library} no "
        "longer makes (it says: {said})",
        fix="let the shipper speak TLSv1.2 or TLSv1.3; tls.min_version of the input cannot help",
    ),
    "no_shared_cipher": Remedy(
        meaning="the two sides have no cipher in common",
        because="the input found no cipher that both sides know and that suits its certificate's "
        "key; tls.ciphers is {ciphers}",
        fix="let the shipper offer a cipher that suits the key in tls.key_file, and let "
        "tls.ciphers of the input include it",
    ),
    "no_common_alpn": Remedy(
        meaning="the two sides have no application protocol in common (ALPN)",
        because="the shipper offered only {alpn} as application protocol (ALPN), and the input "
        "speaks none of these",
        fix="let the shipper offer the protocol that this input speaks (http/1.1 or h2 for one "
        "over HTTP), or send no ALPN at all",
    ),
    "peer_breaks_tls": Remedy(
        meaning="what the shipper sent is no valid TLS",
        because="{progress}, and the input could not make sense of what the shipper sent",
        fix="look what connects to that port, and at proxies between the two",
    ),
    "peer_failed": Remedy(
        meaning="the shipper failed within",
        because="the shipper ended the handshake for a failure of its own",
        fix="look into the shipper's log",
    ),
    "peer_speaks_no_tls": Remedy(
        meaning="the shipper does not speak TLS",
        because="the shipper spoke without TLS to an input that has tls on",
        fix="switch TLS on in the shipper; if something else connects there, point it elsewhere",
    ),
    "peer_speaks_no_tls/http": Remedy(
        because="the shipper sent an HTTP request without TLS to an input that has tls on",
        fix="let the shipper use https:// (TLS on) for this port",
    ),
    "input_speaks_no_tls": Remedy(
        meaning="the shipper speaks TLS to an input that has tls off",
        because="the shipper began a TLS handshake, but tls is {tls} for this input: it takes the "
        "ClientHello for broken records, and says nothing of TLS",
        fix="set tls on for the input, with tls.crt_file and tls.key_file",
    ),
    "closed_before_hello": Remedy(
        because="the shipper connected and ended the connection ({how}) before it had said "
        "anything whole: port scans, health checks and load balancers' probes do that, and it is "
        "harmless",
        fix="nothing, if a probe of yours does it: let it finish a handshake, or take its interval "
        "up, to keep the log quiet; if a shipper does it, look into its log",
    ),
    "peer_silent": Remedy(
        meaning="the shipper connects and says nothing more",
        because="{progress}; then nothing more in {waited}, until net.accept_timeout ended it. "
        "An input of 5.1.1 that does not speak HTTP serves nobody else for that long (10 s by "
        "default)",
        fix="set a short net.accept_timeout (2 s) on the input, and let a firewall keep "
        "strangers from the port",
    ),
    "peer_silent/idle": Remedy(
        because="{progress}; then nothing more in {waited} (the agent says: {said})",
        fix="look what holds the shipper back; net.io_timeout bounds how long the input keeps a "
        "connection that says nothing",
    ),
    "input_held_up": Remedy(
        meaning="another client holds the input up",
        because="the shipper said its ClientHello, and the input has not said a word in {waited}: "
        "5.1.1 shakes hands with one client at a time where the input does not speak HTTP, and "
        "waits net.accept_timeout (10 s by default) for each that says nothing",
        fix="set a short net.accept_timeout (2 s: a handshake of such an input takes half a second "
        "by itself), and let a firewall keep strangers from the port",
    ),
    "peer_closed": Remedy(
        meaning="the shipper ends the connection without saying why",
        because="{progress}; then the shipper ended the connection ({how}) in the middle, and "
        "without an alert",
        fix="look into the shipper's log, and at proxies and firewalls on the way: they ended it, "
        "not the agent",
    ),
    "peer_closed/reset": Remedy(
        because="{progress}; then the shipper's side ended the connection (RST): a reset",
        fix="look into the shipper's log, and at firewalls and load balancers on the way, which "
        "reset what they do not allow",
    ),
    "kept_connection": Remedy(
        because="a connection of an earlier step went on, and certificates are looked at in a "
        "handshake only: {flaw}",
        fix="{remedy}; let the shipper open a new connection now and then, or restart the input's "
        "agent to end those that are open",
    ),
    "records_unusable": Remedy(
        because="the shipper handed over its records, and none came out of the input (it says: "
        "{said})",
        fix="look at the agent's log, and whether the shipper's format is the one that the input "
        "takes",
    ),
}

STARTS_OF_AN_INPUT: Final[Mapping[str, Remedy]] = {
    "crt_file_unusable": Remedy(
        meaning="tls.crt_file cannot be used",
        because="tls.crt_file names {crt_file}, which {trouble} (it says: {said})",
        fix="put the input's certificate (PEM, the leaf first) into tls.crt_file, readable for "
        "Fluent Bit",
    ),
}

EXPOSURES_OF_AN_INPUT: Final[Mapping[str, Remedy]] = {
    "tls_off": Remedy(
        because="tls is {word} for the input, so the records come in cleartext, from anybody",
        fix="set tls on for the input, with tls.crt_file and tls.key_file; then switch TLS on in "
        "the shipper",
    ),
    "anonymous_client_accepted": Remedy(
        because="tls.verify on alone only asks for a client certificate: a shipper that presented "
        "none was let in",
        fix=f"set {_DEMAND}",
    ),
    "anonymous_client_accepted/release": Remedy(
        because="a shipper without a certificate was let in: tls.verify on alone only asks for "
        "one, and {agent} cannot demand it",
        fix=f"move to Fluent Bit 5.0 or later, and set {_DEMAND}",
    ),
    "anonymous_client_accepted/verification_off": Remedy(
        because="tls.verify is {word}, so no shipper is asked for a certificate: anybody may ship, "
        "whatever tls.ca_file says",
        fix=f"set tls.verify on and {_DEMAND}",
    ),
    "anonymous_client_accepted/trap": Remedy(
        because="tls.verify is {word}, which makes tls.verify_client_cert do nothing, without a "
        "word: no shipper is asked for a certificate",
        fix="set tls.verify on; tls.verify_client_cert on counts only then",
    ),
}

INPUTS: Final[Mapping[str, Remedy]] = {
    **SHIPPERS_CERTIFICATE,
    **INPUTS_CERTIFICATE,
    **CONNECTIONS,
    **STARTS_OF_AN_INPUT,
    **EXPOSURES_OF_AN_INPUT,
}
