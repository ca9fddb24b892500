"""From a case of the suite to what is played, or to the reason why it cannot be."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Final

from cryptography import x509
from packaging.version import Version

from flb_handshake.certificates import HEALTHY, HOST, named
from flb_handshake.declare import listening, output
from flb_handshake.limbo.suite import Kind, LimboCase, NameKind, PeerName
from flb_handshake.model import File, FileForm, Mode, Role, Setup
from flb_handshake.peer import tls
from flb_handshake.releases import KNOWN_SINCE, before

_CHECKED_SINCE: Final = {NameKind.DNS: "3.0.7", NameKind.IP: "5.0.6"}
"""The first release that checks a name of this kind. Until 5.0.5 an address is taken for a DNS
name, so that no certificate fits it (seen on 4.2.8)."""

_SWITCH_SINCE: Final = KNOWN_SINCE[Role.OUTPUT]["tls.verify_hostname"]
"""Before it, 3.0.7 checks the name whenever it verifies."""

_USAGE: Final = {Kind.SERVER: "serverAuth", Kind.CLIENT: "clientAuth"}
"""The extended key usage that Fluent Bit demands of the other side, which nothing changes."""

_PLAYED_AS_THEY_ARE: Final = frozenset(
    {
        "denial-of-service",
        "name-constraint-dn",
        "pedantic-public-suffix-wildcard",
        "pedantic-rfc5280",
        "pedantic-serial-number",
        "pedantic-webpki-eku",
        "pedantic-webpki-subscriber-key",
        "rfc5280-incompatible-with-webpki",
    }
)
"""Features that say how strict a verifier is, and ask for nothing that would have to be set."""

_TOLD_BY_A_FIELD: Final = frozenset({"max-chain-depth", "has-crl"})


def setup(case: LimboCase, version: str, now: dt.datetime) -> Setup | str:
    """What to play for this case on this release; a text is the reason why it cannot be played.

    The `whole` of a setup is the control twin: our own healthy chain under the same name. What the
    release cannot check is left unchecked where it makes no difference: a name that the certificate
    bears, and that there is a certificate at all.
    """
    reason = _no_key(case) or _no_switch(case) or _no_name(case, version) or _not_now(case, now)
    if reason is not None or case.key is None:
        return reason or ""
    files = (case.peer + "".join(case.intermediates), case.key)
    if (wrong := tls.objection(files)) is not None:
        return f"no peer of ours can present the certificate: {wrong}"
    ca = File(form=FileForm.TEXT, text="".join(case.trusted), stem="ca")
    return _whole(case, version).but(ca=ca, files=files)


def _whole(case: LimboCase, version: str) -> Setup:
    if case.kind is Kind.CLIENT:
        old = before(version, KNOWN_SINCE[Role.INPUT]["tls.verify_client_cert"])
        return listening(Mode.VERIFY_PEER if old else Mode.REQUIRE, trusts=None, sni=None)
    if not case.names:
        return output(Mode.VERIFY_PEER)
    (name,) = case.names
    address = name.kind is NameKind.IP
    bears = named(*(() if address else (name.value,)), ips=(name.value,) if address else ())
    chain = HEALTHY if name.value == HOST else HEALTHY.but(bears)
    since = max(_CHECKED_SINCE[name.kind], _SWITCH_SINCE, key=Version)
    mode = Mode.VERIFY_PEER if before(version, since) else Mode.VERIFY_HOST
    return output(mode, vhost=name.value, chain=chain)


def _no_key(case: LimboCase) -> str | None:
    return None if case.key is not None else "it has no private key, so nobody can present it"


def _no_switch(case: LimboCase) -> str | None:
    """What it demands of a verifier and nobody can demand of Fluent Bit."""
    if case.depth is not None:
        return "max_chain_depth: Fluent Bit has no switch for the depth of a chain"
    if case.crls:
        return "crls: no release of Fluent Bit up to 5.1.1 has tls.crl_file"
    if case.key_usages:
        return "key_usage: Fluent Bit has no switch for it"
    if case.signatures:
        return "signature_algorithms: Fluent Bit has no switch for those of certificates"
    if set(case.usages) - {_USAGE[case.kind]}:
        return (
            f"extended_key_usage: Fluent Bit demands {_USAGE[case.kind]} of a {case.kind.lower()}"
        )
    unknown = sorted({*case.features} - _PLAYED_AS_THEY_ARE - _TOLD_BY_A_FIELD)
    return f"feature {unknown[0]}: Fluent Bit has no switch for it" if unknown else None


def _no_name(case: LimboCase, version: str) -> str | None:
    """A name that matters and cannot be checked."""
    if case.kind is Kind.CLIENT:
        wrong = not all(_bears(case.peer, name) for name in case.names)
        return "expected_peer_names: an input checks the name of no client" if wrong else None
    if len(case.names) > 1:
        return "expected_peer_names: an output checks one name"
    forced = before(version, _SWITCH_SINCE) and not before(version, _CHECKED_SINCE[NameKind.DNS])
    if forced and not case.names:
        return f"no expected_peer_name: Fluent Bit {version} always checks one"
    for name in case.names:
        if name.kind is NameKind.RFC822:
            return "expected_peer_name: an output checks no e-mail address"
        since = _CHECKED_SINCE[name.kind]
        if not before(version, since):
            return None
        what = "host name" if name.kind is NameKind.DNS else "IP address"
        told = f"expected_peer_name: Fluent Bit {version} checks no {what} ({since} and later)"
        if forced:
            return f"{told}, and always takes it for a host name"
        if not _bears(case.peer, name):
            return f"{told}, and the certificate does not bear it as it stands"
    return None


def _bears(pem: str, name: PeerName) -> bool:
    """Whether the subjectAltName of a certificate has this very name."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if name.kind is NameKind.IP:
            return ipaddress.ip_address(name.value) in found.get_values_for_type(x509.IPAddress)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False
    kind = x509.RFC822Name if name.kind is NameKind.RFC822 else x509.DNSName
    return name.value in found.get_values_for_type(kind)


def _not_now(case: LimboCase, now: dt.datetime) -> str | None:
    """Fluent Bit validates now: another time is as good where every certificate is as valid."""
    if case.time is None:
        return None
    try:
        loaded = [x509.load_pem_x509_certificate(one.encode()) for one in case.certificates]
        then = case.time.replace(microsecond=0)  # as certificates count
        same = all(_phase(one, then) == _phase(one, now) for one in loaded)
    except ValueError:
        same = False
    return None if same else "validation_time: it is not now, and the certificates change with it"


def _phase(certificate: x509.Certificate, at: dt.datetime) -> int:
    """Whether its validity has not begun, lasts, or is over at this time: -1, 0 or 1."""
    if at < certificate.not_valid_before_utc:
        return -1
    return int(at > certificate.not_valid_after_utc)
