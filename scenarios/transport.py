"""What befalls a connection beside TLS: cut, silent, slow, of another protocol, behind a proxy.

Timeouts are short where Fluent Bit lets one set them. Its defaults: 10 s to connect, the handshake
included, and no limit for what follows.
"""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    OTHER_HOST,
    Alert,
    Banner,
    CAFile,
    Case,
    Cleartext,
    Close,
    Does,
    Drip,
    Fates,
    Hangup,
    Mode,
    Moment,
    Outcome,
    ProxySpec,
    Reset,
    Restart,
    Serve,
    Silent,
    Step,
    Usage,
    but_in_3_0_7,
    case,
    crashed_midway,
    cut,
    delivered,
    expired,
    matrix,
    named,
    output,
    present,
    refused,
    refused_by_peer,
    usage,
)

_IMPATIENT = (("net.connect_timeout", "2"), ("net.io_timeout", "2"))
_VERSIONS = ("TLSv1.2", "TLSv1.3")

_MOMENTS = {
    "after accept": Moment.CONNECTED,
    "after ClientHello": Moment.CLIENT_HELLO,
    "after ServerHello": Moment.SERVER_HELLO,
    "after Finished": Moment.FINISHED,
    "in the response": Moment.MIDWAY,
}

_ENDINGS = {"FIN": Close, "RST": Reset, "silence": Silent}


@matrix(version=_VERSIONS, ending=tuple(_ENDINGS), at=tuple(_MOMENTS))
def broken_off(version: str, ending: str, at: str) -> Case:
    """The collector ends the connection, or says nothing more, at each point of a handshake. No
    side says why. In the middle of the response the record is there already, but the agent does
    not know. 2.0.14 crashes (SIGSEGV) where it gives up a connection of TLS 1.3 that has nothing
    to read.
    """
    setup = output(min_version=version, max_version=version, properties=_IMPATIENT).but(
        behaviour=_ENDINGS[ending](_MOMENTS[at])
    )
    does = delivered() if at == "in the response" else cut()
    if (version, ending, at) == ("TLSv1.3", "silence", "after Finished"):
        does = does.before("2.1", crashed_midway()).before("2.0", cut())
    return case(setup, does)


_SLOW = {"256 B/s": (16, 0.0625), "25 KB/s": (256, 0.01)}


@matrix(version=_VERSIONS, speed=tuple(_SLOW), at=tuple(_MOMENTS))
def slow_drip(version: str, speed: str, at: str) -> Case:
    """The collector speaks slowly from some point on. `net.connect_timeout` counts the whole
    handshake: one that takes longer is given up, however lively it is.
    """
    size, every = _SLOW[speed]
    too_slow = speed == "256 B/s" and at.startswith("after ") and at != "after Finished"
    patience = (("net.connect_timeout", "3"), ("net.io_timeout", "3"))
    setup = output(min_version=version, max_version=version, properties=patience).but(
        behaviour=Drip(_MOMENTS[at], bytes=size, every=every)
    )
    return case(setup, cut() if too_slow else delivered())


_FATAL = (
    "unexpected_message",
    "bad_record_mac",
    "decryption_failed",
    "record_overflow",
    "decompression_failure",
    "handshake_failure",
    "no_certificate",
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "illegal_parameter",
    "unknown_ca",
    "access_denied",
    "decode_error",
    "decrypt_error",
    "export_restriction",
    "protocol_version",
    "insufficient_security",
    "internal_error",
    "inappropriate_fallback",
    "missing_extension",
    "unsupported_extension",
    "certificate_unobtainable",
    "unrecognized_name",
    "bad_certificate_status_response",
    "bad_certificate_hash_value",
    "unknown_psk_identity",
    "certificate_required",
    "no_application_protocol",
    "ech_required",
)
_WARNING = ("close_notify", "user_canceled", "no_renegotiation")


@matrix(alert=(*_FATAL, *_WARNING), at=("after accept", "after ClientHello", "after ServerHello"))
def injected_alert(alert: str, at: str) -> Case:
    """The collector says an alert and closes: what every load balancer, firewall and server can do.

    A fatal one is a refusal; one at the level of a warning is none, and the end comes unexplained.
    """
    setup = output(max_version="TLSv1.2").but(behaviour=Alert(alert, _MOMENTS[at]))
    return case(setup, refused_by_peer(alert) if alert in _FATAL else cut())


_OTHERS = {
    "HTTP": Cleartext(),
    "SSH": Banner("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "SMTP": Banner("220 mail.example.test ESMTP Postfix\r\n"),
}


@matrix(mode=(Mode.NONE, Mode.VERIFY_PEER), protocol=tuple(_OTHERS))
def another_protocol(mode: Mode, protocol: str) -> Case:
    """The port is open, but what listens there speaks no TLS."""
    return case(output(mode).but(behaviour=_OTHERS[protocol]), cut())


_RETRIES = {"no retries": (), "one retry": (("Retry_Limit", "1"),)}
_SOON = (("scheduler.base", "1"), ("scheduler.cap", "1"))
_GONE: dict[str, Hangup | Restart] = {
    "FIN": Hangup(Close()),
    "RST": Hangup(Reset()),
    "restart": Restart(),
}


@matrix(gone=tuple(_GONE), keepalive=("on", "off"), retries=tuple(_RETRIES))
def collector_gone_between_records(gone: str, keepalive: str, retries: str) -> Case:
    """The collector ends an idle connection, or restarts, and the next record comes. Fluent Bit
    sees the end of a connection that it keeps, and dials anew: nothing is lost.
    """
    setup = output(
        properties=(("net.keepalive", keepalive), *_RETRIES[retries]),
        service=_SOON,
        steps=(Step(name="nothing has happened", changes=()),),
    ).but(steps=(Step(name=gone, changes=(_GONE[gone],)),))
    return case(setup, delivered(), delivered().showing(connections=1))


@matrix(ending=("FIN", "RST"), retries=tuple(_RETRIES))
def unanswered(ending: str, retries: str) -> Case:
    """The response breaks off in the middle. The collector has the record and the agent does not
    know: where it may try again, the record is there twice.
    """
    setup = output(
        properties=_RETRIES[retries],
        service=_SOON,
        steps=(Step(name="the collector is well", changes=(present(behaviour=Serve()),)),),
    ).but(behaviour=_ENDINGS[ending](Moment.MIDWAY))
    fates = Fates(doubled=0 if retries == "no retries" else 1)
    return case(setup, delivered(), delivered(), fates=fates)


@matrix(seconds=("2", "3"), logged=("on", "off"))
def connect_timeout(seconds: str, logged: str) -> Case:
    """`net.connect_timeout` ends a handshake that goes nowhere, in whole seconds;
    `net.connect_timeout_log_error off` has it say so at level debug alone.
    """
    properties = (("net.connect_timeout", seconds), ("net.connect_timeout_log_error", logged))
    setup = output(properties=properties).but(behaviour=Silent(Moment.CLIENT_HELLO))
    return case(setup, cut())


_ITSELF = HEALTHY.but(named(ips=("127.0.0.1",)))

_PROXIES: dict[str, tuple[ProxySpec, CAFile | None, tuple[tuple[str, str], ...], Does]] = {
    "http": (ProxySpec(), None, (), delivered()),
    "http, 407": (ProxySpec(status=407), None, (), cut()),
    "http, 502": (ProxySpec(status=502), None, (), cut()),
    "https": (ProxySpec(chain=_ITSELF), CAFile.ROOT, (), delivered()),
    "https, 403": (ProxySpec(chain=_ITSELF, status=403), CAFile.ROOT, (), cut()),
    "https, tls.proxy.ca_file unset": (ProxySpec(chain=_ITSELF), None, (), refused("unknown_ca")),
    "https, another CA": (ProxySpec(chain=_ITSELF), CAFile.OTHER_ROOT, (), refused("unknown_ca")),
    "https, expired": (
        ProxySpec(chain=_ITSELF.but(expired())),
        CAFile.ROOT,
        (),
        refused("certificate_expired"),
    ),
    "https, another host": (
        ProxySpec(chain=HEALTHY.but(named(OTHER_HOST))),
        CAFile.ROOT,
        (),
        refused("bad_certificate"),
    ),
    "https, another host, verify_hostname off": (
        ProxySpec(chain=HEALTHY.but(named(OTHER_HOST))),
        CAFile.ROOT,
        (("tls.proxy.verify_hostname", "off"),),
        delivered(),
    ),
    "https, clientAuth only": (
        ProxySpec(chain=_ITSELF.but(usage(Usage.CLIENT))),
        CAFile.ROOT,
        (),
        refused("unsupported_certificate"),
    ),
    "https, another CA, verify off": (
        ProxySpec(chain=_ITSELF),
        CAFile.OTHER_ROOT,
        (("tls.proxy.verify", "off"),),
        delivered(),
    ),
}


@matrix(proxy=tuple(_PROXIES))
def proxy(proxy: str) -> Case:
    """The collector is behind an HTTP proxy (HTTP_PROXY, CONNECT). An HTTPS proxy has a certificate
    of its own (5.1): `tls.proxy.*` judges it, by default with its name, and not `tls.ca_file`.
    """
    spec, ca, properties, does = _PROXIES[proxy]
    setup = output().but(proxy=spec, proxy_ca=ca, properties=properties)
    unsafe = any(value == "off" for _, value in properties)
    if proxy == "http":  # 3.0.7 compares the address there, and not `tls.vhost`
        does = but_in_3_0_7(does, refused("bad_certificate"))
    return case(setup, does, should=Outcome.REFUSED_BY_AGENT if unsafe else None)
