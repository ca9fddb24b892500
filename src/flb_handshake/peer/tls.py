"""TLS through memory: one endpoint that takes and gives bytes and reports all that it sees.

pyOpenSSL's OpenSSL 4.0 (in cryptography 50's wheels) was measured to speak TLS 1.0 to 1.3 at
security level 0, so one engine serves every scenario; tests/contract holds that, one by one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from OpenSSL import SSL, crypto

from flb_handshake.model import ClientAuth
from flb_handshake.peer.events import Kind, alert_facts

if TYPE_CHECKING:
    from flb_handshake.certificates import Chain
    from flb_handshake.model import CollectorSpec, ShipperSpec
    from flb_handshake.pki import Pki

Report: TypeAlias = Callable[[Kind, dict[str, Any]], object]

VERSIONS: Final = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}

_WEAK_TOO: Final = "@SECLEVEL=0"
"""The collector offers what is weak too: it is the agent's judgement that is tried."""

_SESSION_CONTEXT: Final = b"flb-handshake"
"""Without one, OpenSSL resumes no session of a client that presented a certificate."""

_CHUNK: Final = 1 << 14
"""Bytes: no record holds more (RFC 8446, section 5.1)."""

_NO_CERTIFICATE: Final = "peer did not return a certificate"
"""OpenSSL's reason, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE."""

_SIGNING: Final = (
    dsa.DSAPrivateKey,
    ec.EllipticCurvePrivateKey,
    ed25519.Ed25519PrivateKey,
    ed448.Ed448PrivateKey,
    rsa.RSAPrivateKey,
)


def library() -> str:
    """Name the TLS library that the collector runs on."""
    return SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()


def context(spec: CollectorSpec, pki: Pki, *, in_datagrams: bool = False) -> SSL.Context:
    """Make a server context for this collector, for DTLS where it is spoken in datagrams.

    Without `tickets` no session made under it can be resumed: there are no stateless tickets, and
    no cache for the stateful ones that OpenSSL sends in TLS 1.3 all the same.

    Raises:
        SSL.Error, ValueError, TypeError: its chain, key, versions or ciphers cannot be used;
            `reason` says why.

    """
    made = SSL.Context(SSL.DTLS_SERVER_METHOD if in_datagrams else SSL.TLS_SERVER_METHOD)
    if spec.tickets:
        made.set_session_id(_SESSION_CONTEXT)
        made.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    else:
        made.set_options(SSL.OP_NO_TICKET)
        made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if in_datagrams:  # its versions have other names, and no scenario bounds them
        made.set_cipher_list(_ciphers(spec.ciphers))
    else:
        bound(made, spec)
    if spec.suites is not None:
        made.set_tls13_ciphersuites(spec.suites.encode())
    if spec.groups is not None:
        _use_groups(made, spec.groups)
    present(made, spec, pki)
    if spec.client_auth is not ClientAuth.NONE:
        _want_client_certificate(made, spec, pki)
    if spec.alpn:
        made.set_alpn_select_callback(_alpn_choice(spec.alpn))
    made.set_info_callback(on_info)
    return made


def bound(made: SSL.Context, spec: CollectorSpec | ShipperSpec) -> None:
    """Set the versions and ciphers of a spec. Raises as `context`."""
    made.set_cipher_list(_ciphers(spec.ciphers))
    made.set_min_proto_version(_version(spec.min_version or "TLSv1"))
    if spec.max_version:
        made.set_max_proto_version(_version(spec.max_version))


def reason(error: Exception) -> str:
    """Say in OpenSSL's own words what went wrong, the innermost last."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(entry[-1]) for entry in queue) or str(error) or "no reason given"


def pems(certificates: list[x509.Certificate]) -> list[str]:
    """These certificates as evidence keeps them."""
    return [one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates]


def _version(name: str) -> int:
    if name not in VERSIONS:
        raise ValueError(f"'{name}' is none of {', '.join(VERSIONS)}")
    return VERSIONS[name]


def _ciphers(wanted: str | None) -> bytes:
    """OpenSSL's cipher list; its security level would forbid old versions and weak keys as well."""
    listed = wanted or "ALL"
    return (listed if "@SECLEVEL" in listed else f"{listed}:{_WEAK_TOO}").encode()


def _use_groups(made: SSL.Context, groups: str) -> None:
    """Set the groups of the key exchange, for which pyOpenSSL 26.4 has no method of its own."""
    if not SSL._lib.SSL_CTX_set1_curves_list(made._context, groups.encode()):  # type: ignore[attr-defined] # noqa: SLF001
        SSL._lib.ERR_clear_error()  # type: ignore[attr-defined] # noqa: SLF001
        raise ValueError(f"OpenSSL knows no such groups: '{groups}'")


def _is_resumed(connection: SSL.Connection) -> bool:
    """Whether an earlier session goes on, for which pyOpenSSL 26.4 has no method either."""
    return bool(SSL._lib.SSL_session_reused(connection._ssl))  # type: ignore[attr-defined] # noqa: SLF001


def present(made: SSL.Context, spec: CollectorSpec | ShipperSpec, pki: Pki) -> None:
    """Have this context present what the peer has, and sign with its key. Raises as `context`."""
    if spec.files is not None:
        _use_files(made, *spec.files)
    elif spec.chain is not None:
        _use_chain(made, spec.chain, pki)


def objection(files: tuple[str, str]) -> str | None:
    """Why no peer can present this chain with this key (PEM texts); None: one can."""
    made = SSL.Context(SSL.TLS_METHOD)
    made.set_cipher_list(_ciphers(None))
    try:
        _use_files(made, *files)
    except (SSL.Error, crypto.Error, ValueError, TypeError, UnsupportedAlgorithm) as error:
        return reason(error)
    return None


def _use_files(made: SSL.Context, chain: str, key_text: str) -> None:
    _use_certificates(made, x509.load_pem_x509_certificates(chain.encode()))
    key = serialization.load_pem_private_key(key_text.encode(), None)
    if not isinstance(key, _SIGNING):
        raise TypeError("the key is of a kind that signs nothing")
    made.use_privatekey(key)
    made.check_privatekey()


def _use_chain(made: SSL.Context, chain: Chain, pki: Pki) -> None:
    _use_certificates(made, [pki.certificate(sent) for sent in chain.sent])
    if chain.key_of is not None:
        _use_wrong_key(made, pki.handshake_key(chain))
    else:
        made.use_privatekey(pki.key(chain.leaf))
    made.check_privatekey()


def _use_certificates(made: SSL.Context, sent: list[x509.Certificate]) -> None:
    leaf, *above = sent
    made.use_certificate(leaf)
    for certificate in above:
        made.add_extra_chain_cert(certificate)


def _use_wrong_key(made: SSL.Context, pem: bytes) -> None:
    """Load a key whose halves do not belong together, which only pyOpenSSL's own type can hold."""
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, pem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.use_privatekey(key)


def _want_client_certificate(made: SSL.Context, spec: CollectorSpec, pki: Pki) -> None:
    authorities: list[x509.Certificate] = []
    if spec.client_ca_pem:
        authorities = x509.load_pem_x509_certificates(spec.client_ca_pem.encode())
    elif spec.client_ca:
        authorities = [pki.certificate(spec.client_ca)]
    store = made.get_cert_store()
    assert store is not None  # noqa: S101 # a context always has one
    for authority in authorities:
        store.add_cert(crypto.X509.from_cryptography(authority))
    named = authorities
    if spec.acceptable is not None:
        named = [pki.certificate(one) for one in spec.acceptable]
    for authority in named:
        made.add_client_ca(authority)
    made.set_app_data(frozenset(authorities))
    policy = SSL.VERIFY_PEER
    if spec.client_auth is ClientAuth.DEMAND:
        policy |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    made.set_verify(policy, on_verified)


def _alpn_choice(known: tuple[str, ...]) -> Callable[[SSL.Connection, list[bytes]], Any]:
    names = [name.encode() for name in known]

    def choose(_: SSL.Connection, offered: list[bytes]) -> Any:
        return next((name for name in names if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)

    return choose


def on_info(connection: SSL.Connection, where: int, value: int) -> None:
    """Hand what OpenSSL's info callback tells to the connection's endpoint."""
    endpoint = connection.get_app_data()
    if isinstance(endpoint, TlsEndpoint):
        endpoint.noticed(where, value)


def on_verified(
    connection: SSL.Connection, _: crypto.X509, error: int, depth: int, so_far: int
) -> bool:
    """Leave OpenSSL's verdict as it is, but remember why it was a bad one."""
    endpoint = connection.get_app_data()
    if not so_far and isinstance(endpoint, TlsEndpoint):
        endpoint.doubt = f"X509 code {error} at depth {depth}"
    return bool(so_far)


class TlsEndpoint:
    """The server's end of one TLS connection, without a socket; `tls_client` has the other."""

    def __init__(self, made: SSL.Context, report: Report) -> None:
        self.established = False
        self.failed = False
        self.ended = False
        """The other side said close_notify."""
        self.refused = False
        """The other side said a fatal alert."""
        self.doubt: str | None = None
        """Why the other side's certificate was not accepted."""
        self.renegotiating = False
        """A second handshake was asked for, and it is not known yet what comes of it."""
        self._unsent = bytearray()
        self._report = report
        self._state = ""
        self._connection = SSL.Connection(made, None)
        self._connection.set_app_data(self)
        self._connection.set_accept_state()

    @property
    def alpn(self) -> str | None:
        """The protocol that was agreed on by ALPN."""
        return self._connection.get_alpn_proto_negotiated().decode("ascii", "replace") or None

    def receive(self, received: bytes, *, until_agreed: bool = False) -> bytes:
        """Take bytes from the wire; give the decrypted ones. See `outgoing` for the answer.

        `until_agreed`: what comes with the end of the handshake is not looked at.
        """
        if self.failed or self.ended:
            return b""
        plain = bytearray()
        if received:
            self._connection.bio_write(received)
        try:
            if not self.established:
                self._connection.do_handshake()
                self._agreed()
            while not until_agreed:
                plain += self._connection.recv(_CHUNK)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.ended = True
        except SSL.Error as error:
            self._fail(error)
        if self.renegotiating and not self._connection.renegotiate_pending():
            self.renegotiating = False
            self.send(b"")
            self._report(Kind.RENEGOTIATION, {"done": True})
        return bytes(plain)

    def renegotiate(self) -> None:
        """Ask for a second handshake, as a server can up to TLS 1.2."""
        if self._connection.get_protocol_version() == SSL.TLS1_3_VERSION:
            return
        self._connection.renegotiate()
        self.renegotiating = True
        try:
            self._connection.do_handshake()
        except SSL.Error as error:
            self._fail(error)

    def send(self, plain: bytes) -> None:
        """Say this; `outgoing` has it encrypted, once no second handshake is under way."""
        if self.failed:
            return
        self._unsent += plain
        try:
            self._connection.sendall(bytes(self._unsent))
            self._unsent.clear()
        except SSL.WantReadError:
            pass  # the handshake has the word; `receive` says it afterwards
        except SSL.Error as error:
            self._fail(error)

    def close(self) -> None:
        """End the session properly: say close_notify."""
        try:
            self._connection.shutdown()
        except SSL.Error as error:
            self._fail(error)

    def outgoing(self) -> bytes:
        """Take what is to be put on the wire now."""
        pending = b""
        try:
            while True:
                piece = self._connection.bio_read(_CHUNK)
                pending += piece
                if len(piece) < _CHUNK:
                    return pending
        except SSL.WantReadError:
            return pending

    def release(self) -> None:
        """Let go of the connection, which lets go of the endpoint: nothing is left to collect."""
        if self.renegotiating:
            self._report(Kind.RENEGOTIATION, {"done": False})
        self._connection.set_app_data(None)

    def noticed(self, where: int, value: int) -> None:
        """Report what OpenSSL's info callback tells (SSL_CTX_set_info_callback(3))."""
        if where & SSL.SSL_CB_ALERT:
            by_agent = bool(where & SSL.SSL_CB_READ)
            facts = alert_facts(value)
            self.refused |= by_agent and facts["name"] != "close_notify"
            self._report(Kind.ALERT, {"by": "agent" if by_agent else "peer", **facts})
        elif where & SSL.SSL_CB_LOOP and not self.established:
            state = self._connection.get_state_string().decode()
            if state != self._state:
                self._state = state
                self._report(Kind.STATE, {"name": state})

    def _agreed(self) -> None:
        """Report what was negotiated, and the other side's chain."""
        self.established = True
        connection = self._connection
        self._report(
            Kind.NEGOTIATED,
            {
                "version": connection.get_protocol_version_name(),
                "cipher": connection.get_cipher_name(),
                "alpn": connection.get_alpn_proto_negotiated().decode("ascii", "replace") or None,
                "group": connection.get_group_name(),
                "resumed": _is_resumed(connection),
            },
        )
        self._report_accepted()

    def _report_accepted(self) -> None:
        """Report the chain of a side that was not refused."""
        presented = self._connection.get_peer_cert_chain(as_cryptography=True) or []
        own = self._connection.get_peer_certificate(as_cryptography=True)
        if own is not None and own not in presented:
            presented = [own, *presented]
        self._report_client(presented)

    def _report_client(self, presented: list[x509.Certificate]) -> None:
        if self._connection.get_context().get_verify_mode() != SSL.VERIFY_NONE:
            self._report(Kind.CLIENT_CHAIN, {"chain": pems(presented)})

    def _fail(self, error: SSL.Error) -> None:
        self.failed = True
        why = reason(error)
        self._report_refused(why)
        if self.doubt:
            why += f" ({self.doubt})"
        self._report(Kind.TLS_ERROR, {"reason": why})

    def _report_refused(self, why: str) -> None:
        """Report the chain of a side that was refused for it."""
        if self.doubt:
            # OpenSSL drops a chain that it refuses. What it built of it is left, our CAs included.
            built = self._connection.get_verified_chain(as_cryptography=True) or []
            ours = self._connection.get_context().get_app_data()
            self._report_client([one for one in built if one not in ours])
        elif _NO_CERTIFICATE in why:
            self._report_client([])
