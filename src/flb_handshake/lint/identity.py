"""What an output shows of itself, and by which name it knows its peer."""

from __future__ import annotations

from collections.abc import Iterator

from flb_handshake.config.words import Property
from flb_handshake.hosts import is_address
from flb_handshake.lint.end import End
from flb_handshake.lint.finding import Finding, Severity


def half_a_pair(end: End) -> Iterator[Finding]:
    """A certificate without its key, or a key without its certificate."""
    crt, key = end.find("tls.crt_file"), end.find("tls.key_file")
    if end.listens or not end.secured:
        return
    if crt and not key:
        yield Finding(
            rule="certificate-without-key",
            severity=Severity.ERROR,
            spot=crt.spot,
            text="No key is named for this certificate, so none is shown: a collector that "
            "demands one refuses, and nothing here says why.",
            fix="Name its key in `tls.key_file`.",
            scenario="files.certificate_without_key[mode=verify_peer-demanded=True]",
        )
    if key and not crt:
        yield Finding(
            rule="key-without-certificate",
            severity=Severity.ERROR,
            spot=key.spot,
            text="No certificate is named for this key: Fluent Bit does not start, and its log "
            "blames the password.",
            fix="Name its certificate in `tls.crt_file`.",
            scenario="files.key_without_certificate[mode=verify_peer]",
        )


def address_as_host(end: End) -> Iterator[Finding]:
    """An address is dialled, and the certificate must bear it."""
    host = _name_checked(end)
    if host is None or not is_address(host.value.strip().strip("[]")):
        return
    found = end.since("5.0.6")
    yield Finding(
        rule="address-as-host",
        severity=Severity.NOTE if found else Severity.WARNING,
        spot=host.spot,
        text="An address is dialled while names are checked: "
        + (
            "a certificate that names the host alone is refused."
            if found
            else "releases before 5.0.6 look for it among the DNS names, so even a certificate "
            "with this address in its subjectAltName is refused."
        ),
        fix="Dial the name that stands in the certificate, or give that name in `tls.vhost`"
        + ("; or let the certificate bear the address in subjectAltName." if found else "."),
        scenario="names.name[mode=verify_host-naming=IP_without_IP_SAN]"
        if found
        else "names.name[mode=verify_host-naming=IP_SAN_right]",
    )


def name_as_dialled(end: End) -> Iterator[Finding]:
    """A name is compared as it is written, and no certificate has it so."""
    named = _name_checked(end)
    if named is None:
        return
    name = named.value.strip()
    if not name.isascii():
        yield Finding(
            rule="name-as-dialled",
            severity=Severity.ERROR,
            spot=named.spot,
            text="The name is compared in Unicode, as it stands here, while certificates have it "
            "in ASCII: every certificate is refused.",
            fix="Write the name as certificates have it: `xn--…`.",
            scenario="names.name[mode=verify_host-naming=IDN_dialled_in_Unicode]",
        )
    elif named.name == "tls.vhost" and name.endswith("."):
        yield Finding(
            rule="name-as-dialled",
            severity=Severity.ERROR,
            spot=named.spot,
            text="The dot at the end of `tls.vhost` is compared too, and certificates have none: "
            "every certificate is refused.",
            fix="Leave out the dot.",
            scenario="names.name[mode=verify_host-naming=trailing_dot_vhost]",
        )


def _name_checked(end: End) -> Property | None:
    """The property whose value is compared with the certificate's names."""
    if not end.secured or not end.checks_names:
        return None
    return end.name


RULES = (half_a_pair, address_as_host, name_as_dialled)
"""Each says what is wrong with one end, as one release reads it."""
