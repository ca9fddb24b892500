"""Outputs whose records travel in a protocol that is not HTTP: which of their switches is TLS."""

from __future__ import annotations

from dataclasses import replace

from flb_handshake.declare import (
    HEALTHY,
    OTHER_HOST,
    ROOT,
    CAFile,
    Case,
    Cleartext,
    ClientAuth,
    Does,
    Mode,
    Outcome,
    Setup,
    carrying,
    case,
    cleartext,
    crashed_midway,
    cut,
    delivered,
    matrix,
    named,
    not_started,
    output,
    refused,
    refused_by_peer,
    scenario,
    stalled,
    with_client_certificate,
)

_KEY = ("shared_key", "a key that both know")
_ACK = ("require_ack_response", "on")

_OUTPUTS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "forward": ("forward", ()),
    "forward, acknowledged": ("forward", (_ACK,)),
    "forward, shared key": ("forward", (_KEY,)),
    "forward, shared key, acknowledged": ("forward", (_KEY, _ACK)),
    "forward, compressed": ("forward", (("compress", "gzip"),)),
    "gelf, mode tcp": ("gelf", (("mode", "tcp"),)),
    "gelf, mode tls": ("gelf", (("mode", "tls"),)),
    "syslog, mode tcp": ("syslog", (("mode", "tcp"),)),
    "syslog, mode tls": ("syslog", (("mode", "tls"),)),
    "syslog, mode dtls": ("syslog", (("mode", "dtls"),)),
    "tcp, msgpack": ("tcp", ()),
    "tcp, json": ("tcp", (("format", "json"),)),
    "tcp, json_lines": ("tcp", (("format", "json_lines"),)),
    "websocket, msgpack": ("websocket", ()),
    "websocket, json": ("websocket", (("format", "json"),)),
}
"""Plugin and properties. With `tls on` each of these speaks TLS, or DTLS."""

_IN_DATAGRAMS = "syslog, mode dtls"
_NO_DTLS = not_started("unknown syslog mode dtls")

_SUBJECT = "CN=fluent-bit,OU=fluent-bit,O=flb-handshake"


def _output(name: str, mode: Mode = Mode.VERIFY_PEER) -> Setup:
    """A healthy one. Where a release delivers nothing with it, its control twin is out_http."""
    plugin, properties = _OUTPUTS[name]
    if plugin == "websocket" or name == _IN_DATAGRAMS:
        return output(mode).but(plugin=plugin, properties=properties)
    return output(mode, plugin=plugin, properties=properties)


def _by_release(name: str, does: Does) -> Does:
    """The same, but `out_websocket` of 1.9.10 crashes at its first use of TLS, and DTLS came with
    5.1.
    """
    if name == _IN_DATAGRAMS:
        return does.before("5.1", _NO_DTLS)
    return does.before("2.0", crashed_midway()) if name.startswith("websocket") else does


@matrix(output=tuple(_OUTPUTS))
def healthy(output: str) -> Case:
    """With `tls on` the record arrives over TLS, and as what its protocol makes of it."""
    return case(_output(output), _by_release(output, carrying("handshake", delivered())))


@matrix(output=tuple(_OUTPUTS))
def wrong_ca(output: str) -> Case:
    """CA.File holds the root of somebody else: no output connects to this collector."""
    setup = _output(output).but(ca=CAFile.OTHER_ROOT)
    return case(setup, _by_release(output, refused("unknown_ca")))


@matrix(output=tuple(_OUTPUTS))
def wrong_name(output: str) -> Case:
    """The collector has a certificate for another host, and names are checked."""
    setup = _output(output, Mode.VERIFY_HOST).but(chain=HEALTHY.but(named(OTHER_HOST)))
    return case(setup, _by_release(output, refused("bad_certificate")))


@matrix(output=tuple(_OUTPUTS))
def with_a_client_certificate(output: str) -> Case:
    """The collector demands a certificate, and the agent has one."""
    does = delivered(client_subject=_SUBJECT)
    return case(_demanding(output), _by_release(output, does))


@matrix(output=tuple(_OUTPUTS))
def without_a_client_certificate(output: str) -> Case:
    """The collector demands a certificate, and the agent has none. DTLS is that of TLS 1.2, which
    has no alert of its own for it.
    """
    setup = _demanding(output).but(crt=None, key=None)
    alert = "handshake_failure" if output == _IN_DATAGRAMS else "certificate_required"
    return case(setup, _by_release(output, refused_by_peer(alert)))


def _demanding(name: str) -> Setup:
    plain = _output(name)
    demanding = with_client_certificate(plain.but(client_auth=ClientAuth.DEMAND, client_ca=ROOT))
    return replace(demanding, whole=plain.whole)


@matrix(output=tuple(_OUTPUTS))
def cleartext_collector(output: str) -> Case:
    """The collector speaks no TLS. The agent says nothing but its ClientHello. In datagrams nobody
    tells it that this is none: it says it once and never again, and waits for
    `net.connect_timeout`. So it does where a datagram gets lost.
    """
    setup, does = _output(output), cut()
    if output == _IN_DATAGRAMS:
        patience = ("net.connect_timeout", "2")
        setup = setup.but(properties=(*setup.agent.properties, patience))
        does = stalled("timed out after 2 seconds")
    return case(setup.but(behaviour=Cleartext()), _by_release(output, does))


_SWITCHES: dict[str, str | None] = {"unset": None, "off": "off", "on": "on"}
"""Values of `tls`. What else is set for TLS stands: a CA.File, and that it is to be verified."""


def _switched(whole: Setup, plugin: str, tls: str, mode: str = "unset") -> Setup:
    properties = [("tls", _SWITCHES[tls])]
    if mode != "unset":
        properties.append(("mode", mode))
    return whole.but(plugin=plugin, properties=tuple(properties))


@matrix(mode=("unset", "udp", "tcp", "tls"), tls=tuple(_SWITCHES))
def gelf(mode: str, tls: str) -> Case:
    """`mode tls` of out_gelf encrypts nothing: only `tls on` does, and it does so for `mode tcp` as
    well. In datagrams, which is the default, nothing is ever encrypted, `tls on` or not. The log
    says nothing of any of this.
    """
    setup = _switched(_output("gelf, mode tcp"), "gelf", tls, mode)
    if mode in {"tcp", "tls"} and tls == "on":
        return case(setup, delivered())
    does = cleartext()
    if mode == "tls":
        does = does.before("2.0", crashed_midway())
    return case(setup, does, should=Outcome.DELIVERED)


_NO_DATAGRAMS = not_started("mode=udp with tls=on is unsupported")


@matrix(mode=("unset", "udp", "tcp", "tls", "dtls"), tls=tuple(_SWITCHES))
def syslog(mode: str, tls: str) -> Case:
    """`mode tls` of out_syslog encrypts by itself since 5.1, whatever `tls` says, and so does
    `mode dtls`, which came then; before that only `tls on` did. In datagrams, which is the default,
    nothing is encrypted, and until 5.0.3 not even `tls on` was refused.
    """
    setup = _switched(_output("syslog, mode tcp"), "syslog", tls, mode)
    if mode == "dtls":
        return case(setup, delivered().showing(version="DTLSv1.2").before("5.1", _NO_DTLS))
    if mode == "tls":
        does = delivered()
        return case(setup, does if tls == "on" else does.before("5.1", cleartext()))
    if tls != "on":
        return case(setup, cleartext(), should=Outcome.DELIVERED)
    if mode == "tcp":
        return case(setup, delivered())
    return case(setup, _NO_DATAGRAMS.before("5.0.3", cleartext()))


@matrix(tls=tuple(_SWITCHES))
def nats(tls: str) -> Case:
    """out_nats speaks no TLS. Before 4.0 nothing said so: with `tls on`, a CA.File and all checks
    its records travelled in cleartext.
    """
    does = cleartext()
    if tls == "on":
        does = not_started("nats.0 does not support TLS").before("4.0", does)
    return case(_switched(output(), "nats", tls), does, should=Outcome.DELIVERED)


@matrix(plugin=("forward", "tcp", "websocket"), tls=("unset", "off"))
def without_tls(plugin: str, tls: str) -> Case:
    """`tls.ca_file` and `tls.verify on` are no `tls on`: records travel in cleartext."""
    return case(_switched(output(), plugin, tls), cleartext(), should=Outcome.DELIVERED)


@scenario
def shared_key_is_no_encryption() -> Case:
    """A shared key proves to each side that the other one knows it, and hides nothing: without
    `tls on` the records travel in cleartext after a handshake that went well.
    """
    whole = _output("forward, shared key")
    setup = whole.but(properties=(("tls", None), _KEY), behaviour=Cleartext())
    return case(setup, cleartext(), should=Outcome.DELIVERED)
