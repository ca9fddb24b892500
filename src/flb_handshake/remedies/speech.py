"""What the two sides speak, and how a connection ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

SPEECH: Final[Mapping[str, Remedy]] = {
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
    "protocol_version": Remedy(
        meaning="the two sides have no TLS version in common",
        because="the agent offered {offered} ({bounds}), and the collector takes none of these",
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
    "version_bounds_clash": Remedy(
        meaning="tls.min_version is above tls.max_version",
        because="tls.min_version is {min_version} and tls.max_version {max_version}: no version "
        "lies between them, and {agent} ends every handshake before it has begun",
        fix="set tls.min_version no higher than tls.max_version, or take tls.max_version away",
    ),
    "no_secure_renegotiation": Remedy(
        meaning="the collector knows no secure renegotiation (RFC 5746)",
        because="the collector's ServerHello lacks renegotiation_info (RFC 5746), and "
        "{tls_library} takes that for unsafe",
        fix="update the collector's TLS library, or let it speak TLSv1.3, which has no "
        "renegotiation; no property of Fluent Bit allows it",
    ),
    "no_common_group": Remedy(
        meaning="the two sides have no group for the key exchange in common",
        because="the collector found no group for the key exchange that both sides know",
        fix="let the collector allow x25519 or secp256r1, which every agent offers; Fluent Bit has "
        "no property for groups",
    ),
    "renegotiation_failed": Remedy(
        because="the collector asked for a second handshake in the same connection, and it was not "
        "done: the connection ended, and the agent sends the records again, unless it may not",
        fix="let the collector ask for no renegotiation, or speak TLSv1.3, which has none",
    ),
    "response_lost": Remedy(
        because="the records came, but the whole response did not reach the agent ({how_lost}): it "
        "takes them for lost and, unless it may not retry, sends them again",
        fix="look what ends or holds up the collector's responses; until then expect records twice",
    ),
    "agent_ended": Remedy(
        because="{progress}; then {agent} ended by itself, with exit code {exit_code} (it says: "
        "{said})",
        fix="read the last lines of the agent's log, and report a crash with them; a negative exit "
        "code, or one above 128, is a signal",
    ),
    "peer_alert": Remedy(
        because="{progress}; then the {peer} sent the alert {alert}: {meaning_of_alert}",
        fix="{advice}",
    ),
    "no_shared_cipher/unset": Remedy(
        because="the collector found no cipher that both sides know; tls.ciphers is not set, so "
        "the agent offers all that its {tls_library} holds for safe",
        fix="let the collector allow a cipher of today that suits its certificate's key "
        "(TLS_AES_128_GCM_SHA256, ECDHE-ECDSA-AES128-GCM-SHA256)",
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
    "peer_speaks_no_tls/http": Remedy(
        because="the collector answered the ClientHello with HTTP in cleartext (status {status})",
        fix="dial the collector's HTTPS port, or switch TLS on there; only if cleartext is meant, "
        "set tls off",
    ),
    "peer_silent": Remedy(
        meaning="the collector does not answer",
        because="{progress}, and nothing came from the collector in {waited}",
        fix="look what holds the collector back; net.connect_timeout bounds how long Fluent Bit "
        "waits",
    ),
    "peer_silent/response": Remedy(
        because="{progress}, and no response came in {waited}",
        fix="look what holds the collector back; net.io_timeout and the plugin's response timeout "
        "(http.response_timeout) bound how long Fluent Bit waits",
    ),
    "peer_slow": Remedy(
        meaning="the collector answers too slowly for net.connect_timeout",
        because="the collector answers too slowly for net.connect_timeout",
        fix="look what slows the collector or the network down; only if that cannot be mended, "
        "raise net.connect_timeout, which bounds connecting and the handshake together",
    ),
    "peer_closed": Remedy(
        meaning="the collector ends the connection without saying why",
        because="{progress}; then the collector ended the connection ({how}) without an alert",
        fix="look into the collector's log, and at proxies and firewalls on the way: they ended "
        "it, not the agent",
    ),
    "peer_closed/reset": Remedy(
        because="{progress}; then the collector's side ended the connection (RST): a reset",
        fix="look into the collector's log, and at firewalls and load balancers on the way, which "
        "reset what they do not allow; a collector that crashes or is restarted does the same",
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
    "unexplained": Remedy(
        because="{progress} (the agent says: {said})",
        fix="set log_level debug and tls.debug 1, and look at what both sides say last",
    ),
}
