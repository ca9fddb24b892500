"""Certificates for tests, read back, and OpenSSL's verdict on them."""

from __future__ import annotations

from functools import cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from OpenSSL import crypto

from flb_handshake.certificates import (
    ROOT,
)
from flb_handshake.pki import Pki


@cache
def pki() -> Pki:
    return Pki()


def read(spec):
    return pki().certificate(spec)


def extension(spec, kind):
    try:
        return read(spec).extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def dns_names(spec):
    found = extension(spec, x509.SubjectAlternativeName)
    return found.value.get_values_for_type(x509.DNSName) if found else None


def openssl_says(sent, *anchors, crls=()):
    """The code of OpenSSL's verdict (X509_V_ERR_…); 0: it is trusted."""
    store = crypto.X509Store()
    for anchor in anchors or (ROOT,):
        store.add_cert(crypto.X509.from_cryptography(read(anchor)))
    for pem in crls:
        store.add_crl(x509.load_pem_x509_crl(pem))
    if crls:
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    leaf, *above = (crypto.X509.from_cryptography(read(spec)) for spec in sent)
    try:
        crypto.X509StoreContext(store, leaf, above).verify_certificate()
    except crypto.X509StoreContextError as error:
        return error.errors[0]
    return 0


def issued(spec, issuer):
    """Whether the issuer's key made the signature, as cryptography sees it."""
    try:
        read(spec).verify_directly_issued_by(read(issuer))
    except InvalidSignature:
        return False
    return True
