"""Reports about client certificates: not sent, not whole, not for this use, not with this key."""

from __future__ import annotations

from flb_handshake.declare import (
    CLIENT,
    CLIENT_CHAIN,
    LEAF,
    OTHER_CLIENT,
    ROOT,
    Case,
    ClientAuth,
    File,
    FileForm,
    Mode,
    Outcome,
    Report,
    Usage,
    case,
    certificate_file,
    delivered,
    key_file,
    listening,
    not_started,
    output,
    refused,
    refused_by_peer,
    scenario,
    usage,
    with_client_certificate,
)

_MISMATCH = "and password don't match"


@scenario
def fluent_bit_9741() -> Case:
    """Both sides use certificates that are good for servers alone, as public authorities issue them
    now; an input that verifies does not take one from a client.
    """
    setup = listening(plugin="forward").but(chain=CLIENT_CHAIN.but(usage(Usage.SERVER)))
    return case(
        setup,
        refused("unsupported_certificate"),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/9741",
            line="reason: unsuitable certificate purpose (X509 code: 26)",
            on="3.2.10",
        ),
    )


@scenario
def fluent_bit_1788() -> Case:
    """The client sends its own certificate without the intermediate, and the server knows the root
    alone. With OpenSSL `tls.crt_file` may hold both, and both are sent: that is the remedy.
    """
    setup = output(
        plugin="forward", client_auth=ClientAuth.DEMAND, client_ca=ROOT, max_version="TLSv1.2"
    )
    leaf_alone = certificate_file(CLIENT_CHAIN.sending(CLIENT, name="no intermediate"))
    return case(
        with_client_certificate(setup).but(crt=leaf_alone),
        refused_by_peer("unknown_ca"),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/1788",
            ("1.2.2",),
            "NET - Connection was reset by peer",
            now="[tls] error: unexpected EOF",
        ),
    )


@scenario
def fluent_bit_11486() -> Case:
    """A certificate from the store of Windows was meant for the server, and taken for an authority:
    no client certificate was presented. `tls.crt_file` and `tls.key_file` name one.
    """
    setup = with_client_certificate(output(client_auth=ClientAuth.DEMAND, client_ca=ROOT))
    report = Report("https://github.com/fluent/fluent-bit/issues/11486", ("4.2.2",))
    return case(
        setup.but(crt=None, key=None), refused_by_peer("certificate_required"), report=report
    )


@scenario
def fluent_bit_927() -> Case:
    """An input was to take nobody without a certificate. `tls.verify on` (2.0) asks for one and
    takes none as well; only `tls.verify_client_cert on` (5.0) demands it.
    """
    setup = listening(plugin="forward").but(chain=None)
    report = Report("https://github.com/fluent/fluent-bit/issues/927", on="2.2.3")
    return case(setup, delivered(), should=Outcome.REFUSED_BY_AGENT, report=report)


@scenario
def fluent_bit_9478() -> Case:
    """Key and certificate do not belong together, or the certificate is missing, or the passphrase
    is wrong: one line for all. It was Kafka's output, which shares it with every other.
    """
    setup = with_client_certificate(output(client_auth=ClientAuth.DEMAND, client_ca=ROOT))
    return case(
        setup.but(key=key_file(OTHER_CLIENT)),
        not_started(_MISMATCH),
        report=Report("https://github.com/fluent/fluent-bit/issues/9478", ("3.1",), _MISMATCH),
    )


@scenario
def fluent_bit_6898() -> Case:
    """Fluent Bit may not read the key of its input, and blames a password. Up to 4.2 the line
    before it names the certificate in place of the key.
    """
    locked = File(form=FileForm.UNREADABLE, certs=(LEAF,), stem="locked-key")
    return case(
        listening(Mode.NONE, plugin="forward").but(key=locked),
        not_started(_MISMATCH),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/6898", line=_MISMATCH, on="2.2.3"
        ),
    )
