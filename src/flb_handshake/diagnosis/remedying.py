"""The fix, the meaning and the scenario of a cause, in the words of `remedies` where they fit."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Final

from flb_handshake.diagnosis.configured import Settings
from flb_handshake.diagnosis.troubles import Trouble
from flb_handshake.diagnosis.vocabulary import WORD_OF, Word
from flb_handshake.remedies import OF_AN_INPUT, OF_AN_OUTPUT

_FIXES: Final[Mapping[str, str]] = {
    # by a cause of our own, or by one whose text in `remedies` needs what only a run can show
    "system_store": "put the root of the collector's chain into tls.ca_file; or install or renew "
    "the system's CA certificates (ca-certificates) where Fluent Bit runs, in its image too",
    "host_is_a_url": "write the bare name in Host, without https:// and path; the port in Port, "
    "the path in the plugin's own URI property",
    "name_does_not_resolve": "write a name in Host that resolves where Fluent Bit runs (getent "
    "hosts NAME)",
    "certificate_form": "have the certificate issued anew as X.509 version 3 with the usual "
    "extensions, or go to Fluent Bit 2.0 or later, which reads it with OpenSSL",
    "handshake_too_long": "go to a release with OpenSSL (1.7 or later), or shorten the chain and "
    "the list of CAs that the server sends",
    "limit_reached": "raise the limit (ulimit -n, LimitNOFILE=, the container's memory) or lower "
    "the number of connections: net.max_worker_connections, workers",
    "files_read_at_the_start_only": "restart Fluent Bit (or reload it) after the certificate was "
    "renewed: what it holds is read at the start only",
    "idle_connection_ended": "nothing where records arrive in the end; else set "
    "net.keepalive_idle_timeout below the time after which the server ends idle connections",
    "proxy_certificate_refused": "put the proxy's root into tls.proxy.ca_file (5.1 or later), or "
    "use a proxy with an http:// address",
    "proxy_refused_tunnel": "let the proxy open a tunnel to that host and port, with the "
    "credentials it wants; or name the host in NO_PROXY",
    "proxy_refused_agent": "give the proxy with an http:// address: https:// proxies are known "
    "from 5.1 on",
    "plugin_refused": "read the lines before it: they name the property that cannot be used",
    "unknown_property": "write the property as this release knows it: `fluent-bit -o PLUGIN -h` "
    "lists them",
    "tls_on_plugin_without_tls": "take the tls properties away from this plugin: it speaks no TLS",
    "tls_off": "set tls on, in this very section, or dial the port that takes clear text",
    "tls_properties_without_tls": "set tls on in this very section: without it the other tls "
    "properties do nothing",
    "crashed": "go to a later release, and look for what came before the crash",
    "connection_refused": "see that something listens on that host and port, and that no network "
    "policy or firewall stands between",
    "peer_alert": "look into the other side's own log for why it refused",
    "bad_ciphers": "name cipher suites that this OpenSSL knows (openssl ciphers -v); under FIPS, "
    "see that a provider with ciphers is loaded",
    "ca_file_missing": "put the file where the property points, inside the container too",
    "ca_file_unreadable": "let the user that Fluent Bit runs as read the file",
    "key_file_missing": "put the key where tls.key_file points, inside the container too",
    "key_file_unreadable": "let the user that Fluent Bit runs as read the key",
    "ca_path_missing": "correct tls.ca_path, or take it away",
    "certificate_reload_failed": "see that the new certificate and key fit together before they "
    "are put in place, both at once",
}
_BY_WORD: Final[Mapping[Word, str]] = {
    Word.ALPN: "let both sides offer the same protocol; with 3.2.0 go to 3.2.1 or later; for "
    "opentelemetry set http2 off where the collector takes HTTP/1.1 alone",
    Word.UNKNOWN: "set log_level debug and tls.debug 1, restart, and diagnose the new log",
    Word.NOT_TLS: "look at what the log says besides TLS",
    Word.RESOURCE_LIMIT: _FIXES["limit_reached"],
    Word.PROXY: _FIXES["proxy_refused_tunnel"],
    Word.ROTATION: _FIXES["files_read_at_the_start_only"],
}
_MEANINGS: Final[Mapping[str, str]] = {
    "system_store": "the system's store, which counts without tls.ca_file, holds no root for the "
    "collector's chain, or was not loaded",
    "unexplained": "nothing in the log points to one cause",
    "tls_off": "this side speaks without TLS to a port that takes TLS alone",
    "idle_connection_ended": "the server ends connections that are idle",
    "files_read_at_the_start_only": "a certificate that was renewed on disk is not read again",
    "certificate_form": "the certificate is of a form or version that the library does not take",
}

_SCENARIOS: Final[Mapping[str, str]] = {
    "untrusted_root": "mode.cell[mode=verify_peer-ca=other_root-collector=healthy]",
    "self_signed": "trust.self_signed_leaf[mode=verify_peer]",
    "ca_file_holds_no_root": "mode.cell[mode=verify_peer-ca=leaf-collector=healthy]",
    "bad_signature": "trust.bad_signature[mode=verify_peer-at=leaf]",
    "missing_intermediate": "trust.missing_intermediate[mode=verify_peer]",
    "wrong_host": "upstreams.another_host[plugin=forward-verify_hostname=on]",
    "expired": "validity.too_old[mode=verify_peer-at=leaf]",
    "not_yet_valid": "validity.clock_behind[ahead=a_day]",
    "client_certificate_expired": "client_auth.policy[policy=demand-certificate=expired-version="
    "TLSv1.3]",
    "client_certificate_not_yet_valid": "client_auth.policy[policy=demand-certificate="
    "not_yet_valid-version=TLSv1.3]",
    "client_certificate_wrong_usage": "client_auth.policy[policy=demand-certificate="
    "serverAuth_only-version=TLSv1.3]",
    "client_certificate_missing": "streams.without_a_client_certificate[output=forward]",
    "client_certificate_untrusted": "article.agent_of_another_authority[mode=verify_peer-policy="
    "demand]",
    "client_intermediate_missing": "article.chain_of_the_agent_without_intermediate[mode="
    "verify_peer]",
    "not_a_server_certificate": "usage.leaf[mode=verify_peer-eku=client_only]",
    "issuer_is_not_a_ca": "trust.issuer_is_no_authority[mode=verify_peer]",
    "path_length_exceeded": "trust.path_length_exceeded[mode=verify_peer-at=root]",
    "name_constraint": "trust.name_constraint_broken[mode=verify_peer-kind=excluded]",
    "unknown_critical_extension": "trust.critical_extension[mode=verify_peer-at=leaf]",
    "weak_key": "strength.leaf_key[mode=verify_peer-key=RSA_1024]",
    "weak_digest": "strength.sha1_signature[mode=verify_peer-at=leaf]",
    "key_mismatch": "files.key_of_another_certificate[mode=verify_peer]",
    "key_passphrase": "files.encrypted_key[mode=verify_peer-passphrase=wrong]",
    "key_of_another_certificate": "trust.key_of_another_certificate[mode=verify_peer]",
    "ca_file_missing": "mode.cell[mode=verify_peer-ca=missing_file-collector=healthy]",
    "ca_file_unreadable": "files.unreadable_ca_file[mode=verify_peer]",
    "ca_file_not_pem": "mode.cell[mode=verify_peer-ca=DER-collector=healthy]",
    "ca_file_empty": "mode.cell[mode=verify_peer-ca=empty_file-collector=healthy]",
    "crt_file_unusable": "files.broken_file[mode=verify_peer-which=certificate-trouble=garbage]",
    "key_file_missing": "files.broken_file[mode=verify_peer-which=key-trouble=missing]",
    "key_file_not_pem": "files.broken_file[mode=verify_peer-which=key-trouble=garbage]",
    "system_store": "mode.cell[mode=verify_peer-ca=unset-collector=healthy]",
    "ca_path_wins": "files.ca_path_and_ca_file[mode=verify_peer-path=empty]",
    "config_syntax": "article.literally",
    "unknown_property": "syntax.misspelt[property_=verify]",
    "tls_on_plugin_without_tls": "streams.nats[tls=on]",
    "crt_file_not_set": "server_role.files[mode=verify_peer-trouble=no_certificate]",
    "key_file_not_set": "server_role.files[mode=verify_peer-trouble=no_key]",
    "key_without_certificate": "files.key_without_certificate[mode=verify_peer]",
    "host_is_a_url": "field.syntax.fluent_bit_2150",
    "tls_properties_without_tls": "syntax.tls_unset[mode=verify_peer]",
    "name_does_not_resolve": "field.syntax.fluent_bit_9398",
    "peer_speaks_no_tls": "plugins.cleartext_collector[plugin=opentelemetry_http2]",
    "tls_off": "syntax.tls[word=off]",
    "protocol_version": "protocol.no_bounds[collector=TLSv1.1]",
    "version_bounds_clash": "protocol.bounds[minimum=TLSv1.2-maximum=TLSv1-collector=TLSv1]",
    "no_shared_cipher": "protocol.suites[suite=TLS_AES_128_CCM_SHA256]",
    "bad_ciphers": "syntax.ciphers[ciphers=FOO]",
    "no_common_alpn": "transport.injected_alert[alert=no_application_protocol-at=after_ClientHello"
    "]",
    "sni_unknown": "transport.injected_alert[alert=unrecognized_name-at=after_ClientHello]",
    "proxy_certificate_refused": "transport.proxy[proxy=https_expired]",
    "proxy_refused_tunnel": "transport.proxy[proxy=http_407]",
    "peer_silent": "field.connections.fluent_bit_3512",
    "peer_slow": "transport.slow_drip[version=TLSv1.3-speed=256_B_s-at=after_accept]",
    "peer_closed": "field.connections.fluent_bit_6431",
    "idle_connection_ended": "field.aws.fluent_bit_7803",
    "crashed": "field.aws.fluent_bit_5246",
    "peer_alert": "transport.injected_alert[alert=decode_error-at=after_accept]",
}
_OF_AN_INPUT: Final[Mapping[str, str]] = {
    "peer_silent": "field.connections.fluent_bit_2513",
    "peer_speaks_no_tls": "server_role.cell[http=1.1-mode=none-ca=right-shipper=cleartext]",
    "client_certificate_untrusted": "server_role.plugin[plugin=tcp-mode=verify_peer-shipper="
    "other_CA]",
    "client_certificate_missing": "server_role.plugin[plugin=tcp-mode=require-shipper="
    "no_certificate]",
    "client_certificate_expired": "server_role.cell[http=1.1-mode=verify_peer-ca=right-shipper="
    "expired]",
    "client_certificate_wrong_usage": "server_role.cell[http=1.1-mode=verify_peer-ca=right-shipper="
    "wrong_EKU]",
    "protocol_version": "server_role.cell[http=1.1-mode=none-ca=right-shipper=TLS_1.1_only]",
    "no_common_alpn": "server_role.cell[http=2-mode=none-ca=right-shipper=wrong_ALPN]",
    "ca_file_missing": "server_role.cell[http=1.1-mode=none-ca=missing_file-shipper=right]",
    "key_file_unreadable": "field.client_certificates.fluent_bit_6898",
    "key_mismatch": "server_role.files[mode=verify_peer-trouble=key_of_another_certificate]",
}

SCENARIOS: Final = frozenset({*_SCENARIOS.values(), *_OF_AN_INPUT.values()})
"""Every scenario that is named here."""


def fix_of(word: Word, cause: str, trouble: Trouble | None, settings: Settings | None) -> str:
    """What to change; one sentence."""
    if cause in _FIXES:
        return _FIXES[cause]
    if word in _BY_WORD:
        return _BY_WORD[word]
    text = _filled(cause, "fix", trouble, settings)
    return text or _BY_WORD[Word.UNKNOWN]


def usual_fix(word: Word) -> str:
    """What to change where nothing is known but the word: that of the first cause under it."""
    first = next(cause for cause, its in WORD_OF.items() if its is word)
    return fix_of(word, first, None, None)


def meaning_of(cause: str, trouble: Trouble) -> str:
    """What a cause is; empty: its name says it all."""
    return _MEANINGS.get(cause) or _filled(cause, "meaning", trouble, None)


def scenario_of(word: Word, cause: str, *, is_input: bool) -> str | None:
    """The scenario that reproduces a cause; None: there is none."""
    if is_input and cause in _OF_AN_INPUT:
        return _OF_AN_INPUT[cause]
    return _SCENARIOS.get(cause) or _FOR_THE_WORD.get(word)


_FOR_THE_WORD: Final[Mapping[Word, str]] = {
    Word.UNTRUSTED_CA: _SCENARIOS["untrusted_root"],
    Word.CLIENT_CERT_UNTRUSTED: _SCENARIOS["client_certificate_untrusted"],
    Word.TIMEOUT: _SCENARIOS["peer_silent"],
    Word.CONNECTION_RESET: _SCENARIOS["peer_closed"],
    Word.PROXY: _SCENARIOS["proxy_refused_tunnel"],
    Word.PLAINTEXT_PORT: _SCENARIOS["tls_off"],
    Word.CA_FILE_UNREADABLE: _SCENARIOS["ca_file_missing"],
    Word.PROTOCOL_VERSION: _SCENARIOS["protocol_version"],
    Word.CIPHER: _SCENARIOS["no_shared_cipher"],
    Word.WEAK_KEY: _SCENARIOS["weak_key"],
}


def _filled(cause: str, part: str, trouble: Trouble | None, settings: Settings | None) -> str:
    """A text of `remedies` with what the log and the configuration give; empty: it needs more."""
    book = OF_AN_INPUT if trouble is not None and trouble.is_input else OF_AN_OUTPUT
    remedy = book.remedies.get(cause)
    if remedy is None:
        return ""
    text: str = getattr(remedy, part)
    words = {
        **book.unknown,
        "peer": book.peer,
        "plugin": (trouble.owner.plugin if trouble else "") or "the plugin",
        "name": (trouble.target.rpartition(":")[0] if trouble else "")
        or "the name that is dialled",
        "sni": (settings.name if settings else "") or "the name in tls.vhost or Host",
        "agent": f"Fluent Bit {trouble.release.exact if trouble else ''}".rstrip(),
        "tls_library": "its OpenSSL",
        "ciphers": (settings.get("tls.ciphers") if settings else "") or "as set",
        "store": "what Fluent Bit trusts",
        "where": "what Fluent Bit trusts",
        "tls": (settings.get("tls") if settings else "") or "not set",
    }
    words |= {
        name: (settings.get(f"tls.{name}") if settings else "") or f"tls.{name}"
        for name in ("ca_file", "ca_path", "crt_file", "key_file", "min_version", "max_version")
    }
    needed = {name for _, name, _, _ in Formatter().parse(text) if name}
    return text.format_map(words) if needed <= set(words) else ""
