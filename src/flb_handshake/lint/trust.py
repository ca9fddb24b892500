"""What an end believes of its peer: less than its settings look like."""

from __future__ import annotations

from collections.abc import Iterator

from flb_handshake.lint.end import End, Truth, node_ends
from flb_handshake.lint.finding import Finding, Severity


def ca_path_silences_ca_file(end: End) -> Iterator[Finding]:
    """Both name authorities, and one of them is never read."""
    file = end.find("tls.ca_file")
    if end.secured and file and end.anchors != file:
        yield Finding(
            rule="ca-path-silences-ca-file",
            severity=Severity.ERROR,
            spot=file.spot,
            text="`tls.ca_file` is not read, because `tls.ca_path` is set too; whom to trust is "
            "looked up in that directory alone.",
            fix="Leave out `tls.ca_path`, or put the authorities into its directory, as `openssl "
            "rehash` names them, and leave out `tls.ca_file`.",
            scenario="files.ca_path_and_ca_file[mode=verify_peer-path=empty]",
        )


def nothing_verified(end: End) -> Iterator[Finding]:
    """An output that sends to anybody."""
    switch = end.find("tls.verify")
    if end.listens or not end.secured or end.verifies or switch is None or any(node_ends(end)):
        return
    off = end.says("tls.verify") is Truth.OFF
    yield Finding(
        rule="verify-off",
        severity=Severity.ERROR,
        spot=switch.spot,
        text="No certificate is verified: anybody who answers gets the records.",
        fix="Write `tls.verify on`, and name the authority of the collector in `tls.ca_file`.",
        scenario="syntax.verify[word=off]" if off else "syntax.verify[word=maybe]",
    )


def names_unchecked(end: End) -> Iterator[Finding]:
    """An output that takes a certificate which was made for somebody else."""
    if not end.secured or not end.can_check_names or not end.verifies or end.checks_names:
        return
    if any(node_ends(end)):
        return  # which are dialled in its stead, and take nothing of TLS from it
    plain = end.says("tls.verify") is not Truth.NEITHER
    if not plain and end.says("tls.verify_hostname") is Truth.ON:
        return
    switch = end.find("tls.verify_hostname")
    said = switch or end.find("tls.verify") or end.find("tls")
    scenario = "names.name[mode=verify_peer-naming=other_host]"
    if end.is_node:
        scenario = "upstreams.another_host[plugin=forward-verify_hostname=off]"
    yield Finding(
        rule="hostname-unchecked",
        severity=Severity.WARNING,
        spot=said.spot if said else end.section.spot,
        text="The certificate's names are not checked: any certificate of a trusted authority "
        "will do, whomever it was made for.",
        fix="Write `tls.verify_hostname on`.",
        scenario=scenario,
    )


def names_without_verify(end: End) -> Iterator[Finding]:
    """The check of names is asked for and cannot take place."""
    switch = end.find("tls.verify_hostname")
    if switch is None or end.says("tls.verify_hostname") is not Truth.ON or not end.secured:
        return
    if end.listens or not end.can_check_names or end.checks_names:
        return
    word = "off" if end.says("tls.verify") is Truth.OFF else "maybe"
    yield Finding(
        rule="hostname-without-verify",
        severity=Severity.ERROR,
        spot=switch.spot,
        text="`tls.verify_hostname` does nothing here: names are checked only where `tls.verify` "
        "is plainly on.",
        fix="Write `tls.verify on`.",
        scenario=f"syntax.verify_hostname[words={word}+on]",
    )


def client_certificate_not_checked(end: End) -> Iterator[Finding]:
    """An input that demands certificates and verifies none."""
    switch = end.find("tls.verify_client_cert")
    if not (end.listens and end.secured and end.since("5.0") and switch) or end.verifies:
        return
    if end.says("tls.verify_client_cert") is Truth.ON:
        yield Finding(
            rule="client-certificate-not-checked",
            severity=Severity.ERROR,
            spot=switch.spot,
            text="`tls.verify_client_cert` does nothing while `tls.verify` is off: everybody is "
            "let in, with any certificate or none.",
            fix="Write `tls.verify on`, and name the authority of the clients in `tls.ca_file`.",
            scenario="server_role.cell[http=1.1-mode=verify_off_verify_client_cert_on-ca=right-"
            "shipper=no_certificate]",
        )


def anonymous_clients(end: End) -> Iterator[Finding]:
    """An input that knows its clients' authority and lets in who has no certificate."""
    named = end.anchors
    if named is None or not (end.secured and end.asks) or end.demands:
        return
    able = end.since("5.0")
    yield Finding(
        rule="anonymous-clients",
        severity=Severity.WARNING,
        spot=(end.find("tls.verify") or named).spot,
        text="Clients are asked for a certificate, and those that have none are let in."
        + ("" if able else " No release before 5.0 can demand one."),
        fix="Write `tls.verify_client_cert on`."
        if able
        else "Use Fluent Bit 5.0 or later with `tls.verify_client_cert on`, or put a proxy before "
        "the input that demands certificates.",
        scenario="server_role.cell[http=1.1-mode=verify_peer-ca=right-shipper=no_certificate]",
    )


RULES = (
    ca_path_silences_ca_file,
    nothing_verified,
    names_unchecked,
    names_without_verify,
    client_certificate_not_checked,
    anonymous_clients,
)
"""Each says what is wrong with one end, as one release reads it."""
