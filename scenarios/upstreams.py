"""Upstream files: an output that names one dials the nodes in it, each with settings of its own.

A node takes nothing from the output that names its file, and nobody says so. Nodes are asked for
by `forward` and, since 5.1, by `es`.
"""

from __future__ import annotations

from dataclasses import replace

from flb_handshake.declare import (
    HEALTHY,
    HOST,
    OTHER_HOST,
    ROOT,
    CAFile,
    Case,
    Cleartext,
    ClientAuth,
    Mode,
    Outcome,
    Setup,
    Upstream,
    Where,
    but_in_3_0_7,
    case,
    cleartext,
    crashed_midway,
    cut,
    delivered,
    matrix,
    named,
    output,
    refused,
    refused_by_peer,
    with_client_certificate,
)

_OUTPUTS = ("forward", "es")
_SWITCHES: dict[str, str | None] = {"unset": None, "off": "off", "on": "on"}
_KEY = ("shared_key", "a key that both know")
_ACK = ("require_ack_response", "on")


def _output(plugin: str, mode: Mode = Mode.VERIFY_PEER) -> Setup:
    """A healthy one, all of whose settings of TLS stand in its node."""
    return output(mode, plugin=plugin, upstream=Upstream())


@matrix(plugin=_OUTPUTS)
def healthy(plugin: str) -> Case:
    """With `tls on` in the node the record arrives over TLS; the output need not say so."""
    return case(_output(plugin), delivered())


@matrix(plugin=_OUTPUTS)
def another_ca(plugin: str) -> Case:
    """The node's CA.File holds the root of somebody else."""
    return case(_output(plugin).but(ca=CAFile.OTHER_ROOT), refused("unknown_ca"))


@matrix(plugin=_OUTPUTS, certificate=("shown", "none"))
def client_certificate(plugin: str, certificate: str) -> Case:
    """The collector demands a certificate, and it is the node that has one, or none."""
    plain = _output(plugin)
    demanding = with_client_certificate(plain.but(client_auth=ClientAuth.DEMAND, client_ca=ROOT))
    if certificate == "shown":
        subject = "CN=fluent-bit,OU=fluent-bit,O=flb-handshake"
        return case(replace(demanding, whole=plain.whole), delivered(client_subject=subject))
    return case(demanding.but(crt=None, key=None), refused_by_peer("certificate_required"))


@matrix(plugin=_OUTPUTS)
def cleartext_collector(plugin: str) -> Case:
    """The node's port speaks no TLS."""
    return case(_output(plugin).but(behaviour=Cleartext()), cut())


@matrix(plugin=_OUTPUTS, where=tuple(Where), output=tuple(_SWITCHES), node=tuple(_SWITCHES))
def tls(plugin: str, where: Where, output: str, node: str) -> Case:
    """`tls` in the output and in its node, and where the rest of TLS stands. Only the node counts:
    `tls on` in the output alone sends the records in cleartext (1.9.10 crashes), and a node with
    `tls on` alone knows no CA but those of the system.
    """
    setup = _output(plugin).but(
        upstream=Upstream(tls=where, properties=(("tls", _SWITCHES[node]),)),
        properties=(("tls", _SWITCHES[output]),),
    )
    if node != "on":
        does = cleartext()
        if output == "on":
            does = does.before("2.0", crashed_midway())
        return case(setup, does, should=Outcome.DELIVERED)
    if where is Where.OUTPUT:
        return case(setup, refused("unknown_ca"))
    return case(setup, delivered())


_CHECKS = {
    "off": (("tls.verify_hostname", "off"),),
    "on": (("tls.verify_hostname", "on"),),
    "on, without tls.verify": (("tls.verify_hostname", "on"), ("tls.verify", "off")),
}


@matrix(plugin=_OUTPUTS, verify_hostname=tuple(_CHECKS))
def another_host(plugin: str, verify_hostname: str) -> Case:
    """The collector's certificate is another host's. A node passed over `tls.verify_hostname`
    without a word until 3.1.6, and 3.0.7 compared names whatever was set.
    """
    upstream = Upstream(properties=_CHECKS[verify_hostname])
    setup = _output(plugin).but(upstream=upstream, chain=HEALTHY.but(named(OTHER_HOST)))
    unchecked, checked = delivered(), refused("bad_certificate")
    if verify_hostname == "on":
        does = checked.before("3.0.7", unchecked).before("3.1", checked).before("3.1.6", unchecked)
        return case(setup, does)
    does = but_in_3_0_7(unchecked, checked) if verify_hostname == "off" else unchecked
    return case(setup, does, should=Outcome.REFUSED_BY_AGENT)


@matrix(plugin=_OUTPUTS, vhost=("unset", "of the output", "of the node"))
def name(plugin: str, vhost: str) -> Case:
    """The name that is sent, and compared, is the node's own `tls.vhost`, or what it dials."""
    if vhost == "of the node":
        return case(_output(plugin, Mode.VERIFY_HOST), delivered().showing(sni=HOST))
    own = (("tls.vhost", HOST),) if vhost == "of the output" else ()
    chain = HEALTHY.but(named("localhost"))
    setup = _output(plugin).but(host="localhost", vhost=None, chain=chain, properties=own)
    return case(setup, delivered().showing(sni="localhost"))


@matrix(setting=(_KEY[0], _ACK[0]), where=(Where.NODE, Where.OUTPUT))
def of_forward(setting: str, where: Where) -> Case:
    """What out_forward itself is told is the node's as well: a `shared_key` of the output proves
    nothing to a collector that asks for one, and with `require_ack_response` there the answer is
    not asked for.
    """
    own = _KEY if setting == _KEY[0] else _ACK
    whole = _output("forward")
    if where is Where.NODE:
        answer = "PONG" if own is _KEY else "ack"
        setup = whole.but(upstream=Upstream(properties=(own,)))
        return case(setup, delivered().showing(answer=answer))
    setup = whole.but(properties=(own,))
    if own is _KEY:
        return case(setup, cut(), should=Outcome.DELIVERED)
    return case(setup, delivered().showing(answer=None))
