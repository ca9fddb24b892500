"""The fixed words for what can be wrong, and the word that each of the judge's causes is under."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Word(StrEnum):
    """What can be the cause of a trouble; these words do not change from release to release."""

    UNTRUSTED_CA = "untrusted-ca"
    MISSING_INTERMEDIATE = "missing-intermediate"
    HOSTNAME_MISMATCH = "hostname-mismatch"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_PURPOSE = "wrong-purpose"
    WEAK_KEY = "weak-key"
    CLIENT_CERT_MISSING = "client-cert-missing"
    CLIENT_CERT_UNTRUSTED = "client-cert-untrusted"
    KEY_MISMATCH = "key-mismatch"
    CA_FILE_UNREADABLE = "ca-file-unreadable"
    """Any PEM file that cannot be read: a CA file, a certificate, a key."""
    SYSTEM_CA = "system-ca"
    CONFIG_SYNTAX = "config-syntax"
    PLAINTEXT_PORT = "plaintext-port"
    """TLS on one side only."""
    PROTOCOL_VERSION = "protocol-version"
    CIPHER = "cipher"
    ALPN = "alpn"
    SNI = "sni"
    PROXY = "proxy"
    ROTATION = "rotation"
    TIMEOUT = "timeout"
    CONNECTION_RESET = "connection-reset"
    RESOURCE_LIMIT = "resource-limit"
    NOT_TLS = "not-tls"
    """The trouble lies elsewhere."""
    UNKNOWN = "unknown"


_UNDER: Final[Mapping[Word, tuple[str, ...]]] = {
    Word.UNTRUSTED_CA: (
        "untrusted_root",
        "self_signed",
        "ca_file_holds_no_root",
        "bad_signature",
        "revoked",
        "ca_path_wins",
        "ca_path_not_hashed",
        "ca_path_empty",
        "ca_path_missing",
    ),
    Word.MISSING_INTERMEDIATE: ("missing_intermediate",),
    Word.HOSTNAME_MISMATCH: ("wrong_host",),
    Word.EXPIRED: ("expired", "client_certificate_expired"),
    Word.NOT_YET_VALID: ("not_yet_valid", "client_certificate_not_yet_valid"),
    Word.WRONG_PURPOSE: (
        "not_a_server_certificate",
        "issuer_is_not_a_ca",
        "path_length_exceeded",
        "name_constraint",
        "unknown_critical_extension",
        "certificate_form",
    ),
    Word.WEAK_KEY: ("weak_key", "weak_digest", "client_certificate_weak_key"),
    Word.CLIENT_CERT_MISSING: ("client_certificate_missing",),
    Word.CLIENT_CERT_UNTRUSTED: (
        "client_certificate_untrusted",
        "client_intermediate_missing",
        "client_certificate_wrong_usage",
        "client_certificate_bad_signature",
        "client_certificate_refused",
    ),
    Word.KEY_MISMATCH: (
        "key_mismatch",
        "key_passphrase",
        "key_of_another_certificate",
    ),
    Word.CA_FILE_UNREADABLE: (
        "ca_file_missing",
        "ca_file_unreadable",
        "ca_file_not_pem",
        "ca_file_empty",
        "ca_file_is_directory",
        "crt_file_unusable",
        "key_file_missing",
        "key_file_unreadable",
        "key_file_not_pem",
    ),
    Word.SYSTEM_CA: ("system_store",),
    Word.CONFIG_SYNTAX: (
        "config_syntax",
        "unknown_property",
        "tls_on_plugin_without_tls",
        "crt_file_not_set",
        "key_file_not_set",
        "key_without_certificate",
        "tls_word_is_no_boolean",
        "tls_properties_without_tls",
        "host_is_a_url",
        "plugin_refused",
    ),
    Word.PLAINTEXT_PORT: (
        "peer_speaks_no_tls",
        "input_speaks_no_tls",
        "tls_off",
        "tls_off_in_the_node",
        "plugin_without_tls",
        "endpoint_without_tls",
        "sends_datagrams",
    ),
    Word.PROTOCOL_VERSION: ("protocol_version", "version_bounds_clash", "no_secure_renegotiation"),
    Word.CIPHER: ("no_shared_cipher", "bad_ciphers", "no_common_group"),
    Word.ALPN: ("no_common_alpn",),
    Word.SNI: ("sni_unknown",),
    Word.PROXY: (
        "proxy_refused_tunnel",
        "proxy_certificate_refused",
        "proxy_refused_agent",
        "proxy_ended",
    ),
    Word.ROTATION: (
        "files_read_at_the_start_only",
        "certificate_reload_failed",
        "hot_reload_failed",
        "kept_connection",
        "kept_connection_lost",
    ),
    Word.TIMEOUT: ("peer_silent", "peer_slow", "input_held_up", "response_lost"),
    Word.CONNECTION_RESET: ("peer_closed", "closed_before_hello", "idle_connection_ended"),
    Word.RESOURCE_LIMIT: ("limit_reached", "handshake_too_long"),
    Word.NOT_TLS: (
        "name_does_not_resolve",
        "connection_refused",
        "port_taken",
        "agent_ended",
        "agent_closed",
        "crashed",
    ),
    Word.UNKNOWN: (
        "unexplained",
        "peer_alert",
        "peer_failed",
        "peer_breaks_tls",
        "renegotiation_failed",
        "not_started",
    ),
}

WORD_OF: Final[Mapping[str, Word]] = {
    cause: word for word, causes in _UNDER.items() for cause in causes
}
"""By the name of a cause as `explain` and `suspects` give it."""
