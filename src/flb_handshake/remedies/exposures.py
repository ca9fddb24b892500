"""What is delivered, but should not be content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flb_handshake.remedies.remedy import Remedy

EXPOSURES: Final[Mapping[str, Remedy]] = {
    "tls_off": Remedy(
        because="tls is {word}, so the records travel in cleartext",
        fix="set tls on, and tls.ca_file to the root of the collector's chain",
    ),
    "tls_off_in_the_node": Remedy(
        because="tls is {word} in the [NODE] of the upstream file, which takes nothing from the "
        "[OUTPUT], not even `tls on`: the records travel in cleartext",
        fix="set tls on, tls.ca_file and all the rest of TLS in each [NODE]",
    ),
    "sends_datagrams": Remedy(
        because="{plugin} sends datagrams (mode is {mode}), which it does not encrypt, whatever "
        "tls says, and nothing warns of it: the records travel in cleartext",
        fix="set mode tcp and tls on, and tls.ca_file to the root of the collector's chain "
        "(out_syslog of 5.1 can encrypt datagrams as well: mode dtls)",
    ),
    "plugin_without_tls": Remedy(
        because="{plugin} of {agent} speaks no TLS, whatever tls says: the records travel in "
        "cleartext",
        fix="send with a plugin that speaks TLS, such as http or forward, or through a tunnel",
    ),
    "endpoint_without_tls": Remedy(
        because="the endpoint is {word}: its scheme alone decides, whatever tls says, and the "
        "records travel in cleartext",
        fix="write https:// in place of http://, or no scheme at all",
    ),
    "tls_word_is_no_boolean": Remedy(
        because="`tls {word}` is no boolean, and counts as off without a warning: the records "
        "travel in cleartext",
        fix="set tls on (beside on, only true counts as on in every release)",
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
    "name_check_passed_over": Remedy(
        because="the certificate bears {names}, but '{name}' is meant, and {plugin} of {agent} "
        "passes over tls.verify_hostname: it sets up TLS by itself",
        fix="no setting helps: let tls.ca_file hold an authority that issues for this service "
        "alone, or send with an output that checks names",
    ),
    "address_compared_as_a_name": Remedy(
        because="the certificate bears {names} as if that were a host's name, and {agent} compares "
        "the address '{name}' with that: an address belongs into an IP entry, whose issue "
        "authorities guard otherwise",
        fix="give the collector a certificate with the subjectAltName {san}; 5.0.6 and later "
        "compare addresses with IP entries alone",
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
}
