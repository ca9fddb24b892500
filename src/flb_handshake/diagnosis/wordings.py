"""Fluent Bit's wordings that say less, or other things, than the signs in `agent.logs` do.

Those of OpenSSL were seen in recorded evidence of 1.9.10 to 5.1.1, those of mbedTLS (to 1.9) in
public reports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wording:
    """One wording and what it leaves possible."""

    name: str
    pattern: re.Pattern[str]
    strength: float
    causes: Mapping[str, float]
    told: str
    look: str = "log"
    begins: bool = False
    alone: bool = True
    """Whether the line says nothing else."""


def _says(  # noqa: PLR0917  # one row of the table
    name: str,
    pattern: str,
    strength: float,
    causes: Mapping[str, float],
    told: str,
    look: str = "log",
    *,
    begins: bool = True,
) -> Wording:
    return Wording(
        name=name,
        pattern=re.compile(pattern),
        strength=strength,
        causes=MappingProxyType(dict(causes)),
        told=told,
        look=look,
        begins=begins,
    )


STRONG: Final = 10.0
"""What a wording weighs that leaves little open."""

_HOST_REFUSED: Final = {
    "untrusted_root": 1.0,
    "wrong_host": 0.9,
    "missing_intermediate": 0.5,
    "expired": 0.3,
    "self_signed": 0.2,
}
_NO_REASON: Final = {
    "peer_closed": 1.0,
    "untrusted_root": 0.9,
    "missing_intermediate": 0.3,
    "peer_speaks_no_tls": 0.35,
    "expired": 0.3,
    "client_certificate_missing": 0.2,
    "protocol_version": 0.2,
}

WORDINGS: Final = (
    # --- what cannot be parted from TLS without being said first
    _says("host_is_a_url", r"getaddrinfo\(host='\w+://", 12.0,
          {"host_is_a_url": 1.0, "name_does_not_resolve": 0.2},
          "a URL was given where a host name belongs"),
    _says("name_not_found", r"getaddrinfo\(host='", 10.0,
          {"name_does_not_resolve": 1.0, "host_is_a_url": 0.1}, "the name does not resolve"),
    _says("spoke_plainly", r"Client sent an HTTP request to an HTTPS server", 12.0,
          {"tls_off": 1.0}, "the server says that it was spoken to without TLS", "port"),
    _says("cleartext_port", r"http://\S+, port=80, HTTP status=2", 8.0,
          {"tls_properties_without_tls": 1.0, "tls_off": 0.7},
          "records go to port 80 in clear text"),
    _says("loaded_as_anchor", r"\[tls\] loaded \d+ certificate\(s\) by thumbprint", 5.0,
          {"client_certificate_missing": 1.0, "system_store": 0.3},
          "certificates of the Windows store were loaded as trust anchors (4.2), not to be shown",
          "client"),
    # --- proxies
    _says("proxy_handshake", r"proxy TLS handshake failed for", 12.0,
          {"proxy_certificate_refused": 1.0}, "the handshake with the proxy itself failed"),
    _says("proxy_failed", r"flb_establish_proxy|proxy returned (?!200)\d+|proxy CONNECT", 8.0,
          {"proxy_refused_tunnel": 1.0}, "the proxy opened no tunnel"),
    _says("no_upstream_context", r"cannot create Upstream context", 4.0,
          {"proxy_refused_agent": 1.0, "config_syntax": 0.6},
          "the upstream cannot be made, as with a proxy of a kind that the release does not know"),
    # --- time
    _says("handshake_timeout", r"\[io_tls\] handshake connection #.* timed out", 9.0,
          {"peer_silent": 1.0, "peer_slow": 0.3}, "the handshake was never finished", "port"),
    _says("timeout", r" timed out after \d+ seconds|response timeout reached", 9.0,
          {"peer_silent": 1.0, "peer_slow": 0.4, "connection_refused": 0.2},
          "the time was over before the connection stood", "port"),
    # --- TLS itself
    _says("library_has_no_ciphers", r"library has no ciphers", 12.0,
          {"bad_ciphers": 1.0}, "OpenSSL has no cipher that may be used (FIPS provider?)"),
    _says("accept_eof", r"routines::unexpected eof while reading", 2.5,
          {"peer_closed": 1.0, "untrusted_root": 0.1, "peer_silent": 0.2},
          "the other side ended the connection in the middle of the handshake", "peer"),
    _says("signature", r"asn1 encoding routines::EVP lib", 8.0, {"bad_signature": 1.0},
          "a signature in the chain is wrong", "chain"),
    _says("session_context", r"session id context uninitialized", 6.0, {"protocol_version": 1.0},
          "a session was to be resumed that the input does not keep"),
    _says("zero_return", r"error:00000006:lib\(0\)|received close_notify", 3.0,
          {"idle_connection_ended": 1.0, "peer_closed": 0.5},
          "6 is SSL_ERROR_ZERO_RETURN: the other side said goodbye (close_notify)", "peer"),
    _says("syscall", r"error:00000005:lib\(0\)|\[tls\] syscall error", 2.0,
          {"peer_closed": 1.0, "peer_speaks_no_tls": 0.3, "peer_silent": 0.2},
          "5 is SSL_ERROR_SYSCALL: the connection ended without a word", "peer"),
    _says("eof_with_reason", r"unexpected EOF with reason: certificate verify failed", 3.0,
          _HOST_REFUSED, "Fluent Bit refused the collector's certificate", "chain"),
    _says("verify_failed", r"SSL routines::certificate verify failed", 2.0,
          {**_HOST_REFUSED, "wrong_host": 0.5},
          "Fluent Bit refused the certificate; this release does not say why", "chain"),
    _says("unexpected_eof", r"unexpected EOF", 1.0, _NO_REASON,
          "`unexpected EOF`: the handshake failed, for a reason that is not told", "log"),
    _says("handshake_failed", r"tls handshake failed \(ssl_error=5\)", 2.0,
          {"peer_closed": 1.0, "peer_silent": 0.2},
          "the connection ended without a word in the handshake", "peer"),
    _says("key_mismatch", r"private_key '.*' and password don't match", STRONG,
          {"key_mismatch": 1.0, "key_passphrase": 0.6, "key_without_certificate": 0.4,
           "key_file_missing": 0.2},
          "the key cannot be used: it is told so whether it does not match, is locked or lacks its "
          "certificate", "key_file"),
    _says("no_common_alpn", r"SSL routines::no application protocol", 8.0,
          {"no_common_alpn": 1.0}, "the two sides share no application protocol", "port"),
    _says("unsupported_protocol", r"SSL routines::(?:unsupported protocol|version too low)", 8.0,
          {"protocol_version": 1.0, "version_bounds_clash": 0.3},
          "the other side speaks no TLS version that is allowed here", "port"),
    # --- a certificate reloaded
    _says("reload_failed", r"certificate file changes but reload failed", 12.0,
          {"certificate_reload_failed": 1.0}, "new certificates were found and cannot be used"),
    _says("hot_reload_failed", r"Reloading is aborted", 10.0, {"hot_reload_failed": 1.0},
          "the hot reload was given up"),
    # --- mbedTLS, to 1.9
    _says("mbedtls_refused", r"X509 - Certificate verification failed", 6.0,
          {"wrong_host": 1.0, "untrusted_root": 0.8, "missing_intermediate": 0.4, "expired": 0.3},
          "mbedTLS refused the certificate; it compares the name too, whenever tls.verify is on",
          "chain"),
    _says("mbedtls_file", r"X509 - Read/write of file failed|error reading certificates from", 10.0,
          {"ca_file_unreadable": 1.0, "ca_file_missing": 0.9}, "a PEM file cannot be read"),
    _says("mbedtls_extension", r"mbedtls.*X509 - The (?:extension tag|\w+) .*invalid", 8.0,
          {"ca_file_not_pem": 1.0, "certificate_form": 0.5},
          "mbedTLS cannot read a certificate that it loads"),
    _says("mbedtls_form", r"X509 - The ", 6.0,
          {"certificate_form": 1.0, "ca_file_not_pem": 0.7},
          "a certificate is of a form that mbedTLS does not take", "chain"),
    _says("mbedtls_not_tls", r"SSL - An invalid SSL record was received", 10.0,
          {"peer_speaks_no_tls": 1.0}, "the answer was no TLS", "port"),
    _says("mbedtls_fragments", r"fragmentation not supported|SSL - The requested feature", 8.0,
          {"handshake_too_long": 1.0}, "a message of the handshake is longer than mbedTLS takes"),
    _says("mbedtls_alert", r"SSL - A fatal alert message was received", 6.0,
          {"client_certificate_untrusted": 1.0, "client_certificate_missing": 0.6,
           "files_read_at_the_start_only": 0.5, "protocol_version": 0.25},
          "the other side refused, with an alert that mbedTLS does not name", "peer"),
    _says("mbedtls_reset", r"NET - Connection was reset|f_send\(\) returned -80", 4.0,
          {"peer_closed": 1.0, "client_certificate_untrusted": 0.4,
           "missing_intermediate": 0.3, "client_certificate_missing": 0.25},
          "the other side reset the connection in the handshake", "peer"),
    # --- what fails with it, or without it
    _says("crashed", r"caught signal \(SIG(?:SEGV|ABRT|BUS)\)", 1.2, {"crashed": 1.0},
          "Fluent Bit itself crashed", begins=False),
    _says("limit", r"Too many open files|Cannot allocate memory|errno=(?:24|12)\b", 10.0,
          {"limit_reached": 1.0}, "a limit of the machine is reached"),
    _says("refused", r"Connection refused|errno=111\b", 8.0, {"connection_refused": 1.0},
          "nothing listens there, so TLS was not reached"),
    _says("reset", r"Connection reset by peer|errno=(?:104|32)\b|Broken pipe", 2.0,
          {"peer_closed": 1.0, "client_certificate_missing": 0.3},
          "the other side reset the connection", "peer", begins=False),
    _says("broken_connection", r"\[http_client\] broken connection", 2.0,
          {"client_certificate_missing": 0.5, "tls_off": 0.8, "peer_closed": 0.7},
          "the connection stood and was ended before an answer came", "port", begins=False),
    _says("status_zero", r"HTTP status=0\b", 2.0,
          {"peer_closed": 1.0, "no_common_alpn": 0.7, "tls_off": 0.5},
          "no answer came", "port", begins=False),
    _says("kubernetes_upstream", r"^\[(?:filter[:_]kube|filter_kube)\S*\] (?:kubelet )?upstream co",
          0.6, {"untrusted_root": 1.0, "system_store": 0.2, "wrong_host": 0.5},
          "the connection to the Kubernetes API or the kubelet failed", "chain", begins=False),
    _says("not_connected", r"connection #-1 failed to \S+:\d", 4.0,
          {"connection_refused": 1.0, "peer_silent": 0.4, "name_does_not_resolve": 0.2,
           "proxy_refused_tunnel": 0.1},
          "-1 is no connection: it never stood, so TLS was not reached", "port", begins=False),
    _says("failed_to_connect", r"connection #-?\d+ failed to \S+:\d", 0.2,
          {"connection_refused": 0.6, "peer_silent": 0.5, "untrusted_root": 0.5,
           "peer_closed": 0.3},
          "the connection did not come about", begins=False),
    _says("not_accepted", r"could not accept new connection", 0.3,
          {"client_certificate_untrusted": 0.5, "peer_speaks_no_tls": 0.5, "peer_silent": 0.3},
          "an input took no connection", "client", begins=False),
    _says("no_upstream", r"no upstream connections available|connection initialization error|"
          r"upstream connection (?:initialization )?error", 0.3,
          {"connection_refused": 0.6, "peer_silent": 0.5, "untrusted_root": 0.6,
           "peer_closed": 0.3},
          "no connection came about", begins=False),
    _says("not_flushed", r"http_do=-1|error performing HTTP request", 0.8,
          {"peer_closed": 1.0, "tls_off": 0.4, "client_certificate_missing": 0.4},
          "the connection stood, and the request failed", "peer", begins=False),
    _says("input_waited", r"\[downstream\] connection #.* timed out", 8.0, {"peer_silent": 1.0},
          "a shipper connected and did not finish its handshake", "port"),
    _says("disconnected", r"has been disconnected by the remote service", 0.2,
          {"client_certificate_missing": 0.4, "tls_off": 0.7, "peer_closed": 1.0},
          "the other side ended a connection that stood", "peer", begins=False),
    _says("plugin_refused", r"failed to initialize '|cannot initialize configuration", 0.5,
          {"not_started": 1.0, "plugin_refused": 0.8}, "a plugin did not start", begins=False),
    _says("ended_at_hello", r"SSL_connect: error in SSLv3/TLS write client hello", 2.5,
          {"peer_closed": 1.0, "peer_speaks_no_tls": 0.2, "peer_silent": 0.1},
          "the connection ended where Fluent Bit waited for the server's hello, before any "
          "certificate", "peer"),
    _says("connect_error", r"SSL_(?:connect|accept): error in", 0.3,
          {"peer_closed": 0.3, "untrusted_root": 0.3, "protocol_version": 0.1},
          "the handshake failed"),
)  # fmt: skip
"""The first that fits a line counts."""

_CLIENT_REFUSED: Final = {
    "client_certificate_untrusted": 1.0,
    "client_intermediate_missing": 0.3,
    "client_certificate_expired": 0.3,
    "ca_file_holds_no_root": 0.3,
    "client_certificate_wrong_usage": 0.2,
}
OF_AN_INPUT: Final[Mapping[str, Mapping[str, float]]] = {
    "unexpected_eof": {
        "peer_speaks_no_tls": 1.0,
        "closed_before_hello": 0.9,
        "client_certificate_untrusted": 0.6,
        "untrusted_root": 0.4,
        "protocol_version": 0.4,
    },
    "eof_with_reason": _CLIENT_REFUSED,
    "verify_failed": _CLIENT_REFUSED,
    "accept_eof": {"closed_before_hello": 1.0, "peer_silent": 0.2, "untrusted_root": 0.2},
    "connect_error": {"peer_speaks_no_tls": 1.0, "closed_before_hello": 0.6},
    "reset": {"closed_before_hello": 1.0},
    "syscall": {"closed_before_hello": 1.0, "peer_speaks_no_tls": 0.3},
    "mbedtls_refused": _CLIENT_REFUSED,
}
"""The same wordings where Fluent Bit is the server."""

AFTERMATH: Final = frozenset(
    {
        "no_upstream", "not_flushed", "disconnected", "plugin_refused", "failed_to_connect",
        "not_accepted", "kubernetes_upstream", "crashed",
    }
)  # fmt: skip
"""What only says that something failed, as it also does where TLS has no part in it."""
