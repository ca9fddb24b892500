"""Has a connection take an IP address for a name, as Fluent Bit did before 5.0.6.

Python's ssl sends no SNI for an address, and looks for it among the addresses of a certificate. So
OpenSSL itself is asked, beneath Python's object.
"""

from __future__ import annotations

import _ssl
import ctypes
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Final

PLACEHOLDER: Final = "an-address.invalid"
"""The name under which Python may begin such a connection."""

_SET_HOST_NAME: Final = 55
_HOST_NAME: Final = 0
"""SSL_CTRL_SET_TLSEXT_HOSTNAME and TLSEXT_NAMETYPE_host_name (openssl/tls1.h)."""


def is_address(name: str) -> bool:
    """Whether it is an address, of IPv4 or IPv6."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except OSError:
            continue
        return True
    return False


def take_for_name(connection: ssl.SSLSocket, address: str) -> None:
    """Sends the address as SNI, and looks for it among a certificate's names."""
    library = ctypes.CDLL(getattr(_ssl, "__file__", None))
    library.SSL_get0_param.restype = ctypes.c_void_p
    # A connection of CPython's holds a socket, and then OpenSSL's own connection (_ssl.c).
    held = id(connection._sslobj) + object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)  # type: ignore[attr-defined]  # noqa: SLF001 # CPython has no other way
    opened = ctypes.c_void_p.from_address(held)
    name = address.encode()
    library.SSL_ctrl(opened, _SET_HOST_NAME, ctypes.c_long(_HOST_NAME), name)
    if connection.context.check_hostname:
        wanted = ctypes.c_void_p(library.SSL_get0_param(opened))
        library.X509_VERIFY_PARAM_set1_host(wanted, name, ctypes.c_size_t(0))
