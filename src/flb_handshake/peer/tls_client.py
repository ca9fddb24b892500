"""The client's end of a TLS connection through memory, and the contexts of shippers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from OpenSSL import SSL, crypto

from flb_handshake.peer import tls
from flb_handshake.peer.events import Kind

if TYPE_CHECKING:
    from flb_handshake.model import ShipperSpec
    from flb_handshake.pki import Pki

_SPECIAL: Final = frozenset(',+"\\<>;')


def context(spec: ShipperSpec, alpn: tuple[str, ...], pki: Pki) -> SSL.Context:
    """Make a client context for this shipper, which offers these protocols.

    Raises:
        SSL.Error, ValueError, TypeError: its chain, key, versions or ciphers cannot be used;
            `tls.reason` says why.

    """
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    tls.bound(made, spec)
    tls.present(made, spec, pki)
    if trusted := _trusted(spec, pki):
        store = made.get_cert_store()
        assert store is not None  # noqa: S101 # a context always has one
        for one in trusted:
            store.add_cert(crypto.X509.from_cryptography(one))
        made.set_verify(SSL.VERIFY_PEER, tls.on_verified)
    if alpn:
        made.set_alpn_protos([name.encode() for name in alpn])
    made.set_info_callback(tls.on_info)
    _say_hello(made)
    return made


def _trusted(spec: ShipperSpec, pki: Pki) -> list[x509.Certificate]:
    if spec.trusts_pem is not None:
        return x509.load_pem_x509_certificates(spec.trusts_pem.encode())
    return [pki.certificate(spec.trusts)] if spec.trusts is not None else []


def _say_hello(made: SSL.Context) -> None:
    """Find out whether a ClientHello can be made: bounds that cross are only seen then."""
    connection = SSL.Connection(made, None)
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return


class ClientEndpoint(tls.TlsEndpoint):
    """The client's end of one TLS connection, without a socket."""

    def __init__(
        self,
        made: SSL.Context,
        report: tls.Report,
        sni: str | None,
        resumed: SSL.Session | None = None,
    ) -> None:
        """Make an endpoint that sends this name, and offers to go on with this session."""
        super().__init__(made, report)
        self.said_finished = False
        """Our Finished is in `outgoing`, or was."""
        self._showed = False
        self._was_asked = False
        self._connection.set_connect_state()
        if sni is not None:
            self._connection.set_tlsext_host_name(sni.encode())
        if resumed is not None:
            self._connection.set_session(resumed)

    def begin(self) -> None:
        """Make the ClientHello; `outgoing` has it."""
        self.receive(b"")

    @property
    def session(self) -> SSL.Session | None:
        """The session, as far as it can be resumed already: in TLS 1.3 a ticket comes later."""
        return self._connection.get_session()

    @property
    def may_be_refused_yet(self) -> bool:
        """Whether the handshake is done for us, but the server has not judged our certificate."""
        is_13 = self._connection.get_protocol_version() == SSL.TLS1_3_VERSION
        return is_13 and self._was_asked

    def noticed(self, where: int, value: int) -> None:
        """Report what OpenSSL tells, and what the server shows and wants as soon as it is known."""
        super().noticed(where, value)
        if not where & SSL.SSL_CB_LOOP or self.established:
            return
        state = self._connection.get_state_string()
        if state == b"SSLv3/TLS read server certificate":
            self._report_server()
        elif state == b"SSLv3/TLS read server certificate request":
            names = [rfc4514(name) for name in self._connection.get_client_ca_list()]
            self._was_asked = True
            self._report(Kind.CERTIFICATE_REQUEST, {"authorities": names})
        elif state == b"SSLv3/TLS write finished":
            self.said_finished = True

    def _report_accepted(self) -> None:
        self._report_server()

    def _report_refused(self, why: str) -> None:  # noqa: ARG002 # a server's reasons are no matter
        self._report_server()

    def _report_server(self) -> None:
        """Report what the server presented, once; a client's OpenSSL keeps what it refuses."""
        presented = self._connection.get_peer_cert_chain(as_cryptography=True)
        if presented and not self._showed:
            self._showed = True
            self._report(Kind.SERVER_CHAIN, {"chain": tls.pems(presented)})


def rfc4514(name: crypto.X509Name) -> str:
    """A distinguished name as text: the last part first, and what has a meaning escaped."""
    parts = [
        (kind.decode("ascii", "replace"), value.decode("utf-8", "replace"))
        for kind, value in name.get_components()
    ]
    return ",".join(f"{kind}={_escaped(value)}" for kind, value in reversed(parts))


def _escaped(value: str) -> str:
    """RFC 4514, section 2.4."""
    last = len(value) - 1
    return "".join(
        "\\" + one
        if one in _SPECIAL or (at == 0 and one in "# ") or (at == last and one == " ")
        else one.replace("\0", "\\00")
        for at, one in enumerate(value)
    )
