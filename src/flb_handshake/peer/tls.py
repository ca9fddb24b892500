"""TLS through memory: one endpoint that takes and gives bytes and reports all that it sees.

pyOpenSSL's OpenSSL 4.0 (in cryptography 50's wheels) was measured to speak TLS 1.0 to 1.3 at
security level 0, so one engine serves every scenario; tests/contract holds that, version by version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography import x509
from OpenSSL import SSL, crypto

from flb_handshake.model import ClientAuth, CollectorSpec
from flb_handshake.peer.events import Kind, alert_facts
from flb_handshake.pki import Pki

Report = Callable[[Kind, dict[str, Any]], None]

VERSIONS: Final = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}

_ANYTHING: Final = b"ALL:@SECLEVEL=0"
"""The collector offers what is weak too: it is the agent's judgement that is tried."""

_CHUNK: Final = 1 << 16


def library() -> str:
    """The TLS library that the collector runs on."""
    return SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()


def context(spec: CollectorSpec, pki: Pki) -> SSL.Context:
    """A server context for this collector. Raises SSL.Error if its chain and key do not load."""
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_options(SSL.OP_NO_TICKET)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.set_cipher_list(spec.ciphers.encode() if spec.ciphers else _ANYTHING)
    made.set_min_proto_version(VERSIONS[spec.min_version or "TLSv1"])
    if spec.max_version:
        made.set_max_proto_version(VERSIONS[spec.max_version])
    chain, key = spec.files or (
        pki.pem(*spec.chain.sent).decode(),
        pki.handshake_key(spec.chain).decode(),
    )
    leaf, *above = x509.load_pem_x509_certificates(chain.encode())
    made.use_certificate(leaf)
    for certificate in above:
        made.add_extra_chain_cert(certificate)
    made.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, key.encode()))
    made.check_privatekey()
    if spec.client_auth is not ClientAuth.NONE:
        _want_client_certificate(made, spec, pki)
    if spec.alpn:
        made.set_alpn_select_callback(_alpn_choice(spec.alpn))
    return made


def _want_client_certificate(made: SSL.Context, spec: CollectorSpec, pki: Pki) -> None:
    pem = spec.client_ca_pem.encode() if spec.client_ca_pem else b""
    if spec.client_ca:
        pem = pki.pem(spec.client_ca)
    store = made.get_cert_store()
    assert store is not None  # noqa: S101 # a context always has one
    authorities = [crypto.X509.from_cryptography(ca) for ca in x509.load_pem_x509_certificates(pem)]
    for authority in authorities:
        store.add_cert(authority)
    made.set_client_ca_list([authority.get_subject() for authority in authorities])
    policy = SSL.VERIFY_PEER
    if spec.client_auth is ClientAuth.DEMAND:
        policy |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    made.set_verify(policy)


def _alpn_choice(known: tuple[str, ...]) -> Callable[[SSL.Connection, list[bytes]], Any]:
    def choose(_: SSL.Connection, offered: list[bytes]) -> Any:
        return next(
            (name.encode() for name in known if name.encode() in offered), SSL.NO_OVERLAPPING_PROTOCOLS
        )

    return choose


class TlsEndpoint:
    """The server's end of one TLS connection, without a socket."""

    def __init__(self, made: SSL.Context, report: Report) -> None:
        self._report = report
        self.established = False
        self.failed = False
        self.ended = False
        """The other side said close_notify."""
        self._connection = SSL.Connection(made, None)
        self._connection.set_accept_state()
        self._connection.set_info_callback(self._on_info)

    def receive(self, received: bytes) -> tuple[bytes, bytes]:
        """Takes bytes from the wire; gives the decrypted ones and what to put on the wire."""
        plain = bytearray()
        self._connection.bio_write(received)
        try:
            if not self.established:
                self._connection.do_handshake()
                self.established = True
                self._report_negotiated()
            while True:
                plain += self._connection.recv(_CHUNK)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.ended = True
        except SSL.Error as error:
            self.failed = True
            self._report(Kind.TLS_ERROR, {"reason": _reason(error)})
        return bytes(plain), self._pending()

    def send(self, plain: bytes) -> bytes:
        """What to put on the wire to say this."""
        try:
            self._connection.sendall(plain)
        except SSL.Error:
            self.failed = True
        return self._pending()

    def close(self) -> bytes:
        """What to put on the wire to end the session properly."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            self.failed = True
        return self._pending()

    def _pending(self) -> bytes:
        pending = bytearray()
        try:
            while True:
                pending += self._connection.bio_read(_CHUNK)
        except SSL.WantReadError:
            return bytes(pending)

    def _on_info(self, connection: SSL.Connection, where: int, value: int) -> None:
        if where & SSL.SSL_CB_ALERT:
            by = "agent" if where & SSL.SSL_CB_READ else "peer"
            self._report(Kind.ALERT, {"by": by, **alert_facts(value)})
        elif where & SSL.SSL_CB_LOOP and not self.established:
            self._report(Kind.STATE, {"name": connection.get_state_string().decode()})

    def _report_negotiated(self) -> None:
        connection = self._connection
        presented = connection.get_peer_cert_chain(as_cryptography=True) or []
        own = connection.get_peer_certificate(as_cryptography=True)
        if own is not None and own not in presented:
            presented = [own, *presented]
        self._report(
            Kind.NEGOTIATED,
            {
                "version": connection.get_protocol_version_name(),
                "cipher": connection.get_cipher_name(),
                "alpn": connection.get_alpn_proto_negotiated().decode() or None,
                "group": connection.get_group_name(),
            },
        )
        pems = [one.public_bytes(serialization.Encoding.PEM).decode() for one in presented]
        if connection.get_context().get_verify_mode() != SSL.VERIFY_NONE:
            self._report(Kind.CLIENT_CHAIN, {"chain": pems})


def _reason(error: SSL.Error) -> str:
    """OpenSSL's own words, the innermost last."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(entry[-1]) for entry in queue) or str(error) or "no reason given"
