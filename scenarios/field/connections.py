"""Reports of connections that end, hang or are used again after their end."""

from __future__ import annotations

from flb_handshake.declare import (
    Alert,
    Case,
    Close,
    Mode,
    Moment,
    Report,
    Reset,
    Serve,
    Silent,
    Step,
    case,
    cut,
    delivered,
    listening,
    output,
    present,
    refused,
    refused_by_peer,
    scenario,
)

_SOON = (("net.connect_timeout", "2"),)
"""Seconds. The reports waited for the 10 that are the default."""


@scenario
def fluent_bit_6431() -> Case:
    """`tls.verify off` was thought to have no effect, but nothing was verified: the server reset
    the connection after the handshake. 5 is what OpenSSL returned (SSL_ERROR_SYSCALL), printed as
    if it were an error of a library called 0; "DH lib" is what OpenSSL 1.1 makes of that. 1.9.10
    prints it when it writes, 2.0.7 to 4.2 also when they read.
    """
    return case(
        output(Mode.NONE, plugin="es").but(behaviour=Reset(Moment.FINISHED)),
        cut(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/6431",
            ("1.9.8",),
            "error:00000005:lib(0)",
            on="2.0.14",
        ),
    )


@scenario
def fluent_bit_6690() -> Case:
    """A client goes away in the middle of things. 2.0.8 said so in an endless loop, with a whole
    core; here a client leaves after the handshake, and that is noticed once.
    """
    setup = listening(Mode.NONE, plugin="forward").but(behaviour=Close(Moment.FINISHED))
    report = Report(
        "https://github.com/fluent/fluent-bit/issues/6690", ("2.0.8", "2.0.10"), on="2.2.3"
    )
    return case(setup, refused("decode_error"), report=report)


@scenario
def aws_for_fluent_bit_410() -> Case:
    """A few handshakes broke off and no record came any more. The next record makes its own
    connection here, and arrives; the one before it is lost where it may not be tried again.
    """
    well = Step(name="the collector is well", changes=(present(behaviour=Serve()),))
    broken = output(plugin="loki", steps=(well,)).but(behaviour=Close(Moment.CLIENT_HELLO))
    return case(
        broken,
        cut(),
        delivered(),
        report=Report(
            "https://github.com/aws/aws-for-fluent-bit/issues/410",
            ("1.9.3", "1.9.7"),
            "[tls] error: unexpected EOF",
        ),
    )


@scenario
def fluent_bit_6165() -> Case:
    """One thread, several causes. In the one that opens it the server found a message that it did
    not expect, and said so; the agent's log ends in a line that fits everything.
    """
    return case(
        output(Mode.NONE, plugin="forward").but(behaviour=Alert("unexpected_message")),
        refused_by_peer("unexpected_message"),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/6165",
            ("2.0.9",),
            "no upstream connections available",
        ),
    )


@scenario
def fluent_bit_6490() -> Case:
    """The server does not answer the ClientHello, and the connection is given up; 2.0.5 fell over
    it now and then (SIGSEGV).
    """
    return case(
        output(properties=_SOON).but(behaviour=Silent(Moment.CLIENT_HELLO)),
        cut(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/6490",
            ("2.0.5", "1.9.9"),
            "seconds (connection timeout)",
        ),
    )


@scenario
def fluent_bit_3512() -> Case:
    """Logstash accepts the connection and says nothing; the timeout is all that the log has. A port
    that is open is no proof of a TLS server behind it.
    """
    return case(
        output(plugin="syslog", properties=(("Mode", "tcp"), *_SOON)).but(behaviour=Silent()),
        cut(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/3512", ("1.7.4",), " timed out after "
        ),
    )


@scenario
def fluent_bit_6418() -> Case:
    """A server that says nothing in the handshake, reached without verifying: releases before 2.0.6
    used a session that the timeout had freed. An upstream file, as in the report, is not needed.
    """
    setup = output(Mode.NONE, plugin="forward", properties=_SOON)
    report = Report("https://github.com/fluent/fluent-bit/issues/6418", on="2.0.14")
    return case(setup.but(behaviour=Silent(Moment.CLIENT_HELLO)), cut(), report=report)


@scenario
def fluent_bit_2513() -> Case:
    """A client connects to the TLS port of a syslog input and does not begin: after a while it is
    shown out. Until then 5.1 serves nobody else there.
    """
    patience = (("net.accept_timeout", "2"), ("net.io_timeout", "2"))
    return case(
        listening(Mode.NONE, plugin="syslog", properties=patience).but(behaviour=Silent()),
        cut(),
        report=Report(
            "https://github.com/fluent/fluent-bit/issues/2513",
            ("2.0.6",),
            "could not accept new connection",
        ),
    )
