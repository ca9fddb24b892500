"""The article's own configuration: as it is printed, in real properties, and attacked."""

from __future__ import annotations

from flb_handshake.declare import (
    CLIENT_CHAIN,
    HEALTHY,
    OTHER_CLIENT,
    OTHER_HOST,
    OTHER_LEAF,
    ROOT,
    CAFile,
    Case,
    ClientAuth,
    Does,
    Mode,
    Outcome,
    Setup,
    but_in_3_0_7,
    case,
    certificate_file,
    chain,
    cleartext,
    delivered,
    key_file,
    matrix,
    named,
    not_started,
    output,
    refused,
    refused_by_peer,
    scenario,
    with_client_certificate,
)

_HOST = "logging.example.com"

_ACCESS_LOG = (
    '203.0.113.7 - - [23/Nov/2026:08:30:16 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0"',
    '203.0.113.7 - - [23/Nov/2026:08:30:17 +0000] "GET /favicon.ico HTTP/1.1" 404 153 '
    '"https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"',
    '198.51.100.23 - alice [23/Nov/2026:08:31:02 +0000] "POST /login HTTP/2.0" 302 0 "-" "-"',
    '2001:db8::5 - - [23/Nov/2026:08:31:40 +0000] "GET /caf%C3%A9?q=%22x%22 HTTP/1.1" 200 12 '
    '"-" "caf\u00e9-bot/1.0 (\\x22quoted\\x22)"',
)
"""An access log of nginx in its combined format."""

_LITERAL = """\
[INPUT]
    Name              tail
    Path              {source}
    Tag               web.access
    <TLS>
        Mode          require
        Client.Key    {key}
        Client.Cert   {crt}
        CA.File       {ca}
    </TLS>

[OUTPUT]
    Name              http
    Match             web.access
    Host              logging.example.com
    Port              {port}
    URI               /v1/logs
    Format            json
    <TLS>
        Mode          verify_peer
        Client.Key    {key}
        Client.Cert   {crt}
        CA.File       {ca}
    </TLS>
"""
"""The article's configuration, with the paths of this run."""

_SUBJECT = "CN=fluent-bit,OU=fluent-bit,O=flb-handshake"
_SERVED = HEALTHY.but(named(_HOST, common_name=_HOST))
_VERIFYING = (Mode.VERIFY_PEER, Mode.VERIFY_HOST, Mode.REQUIRE)
_TLS = (Mode.NONE, *_VERIFYING)
_ALL = (Mode.OFF, *_TLS)


def _translated(mode: Mode, policy: ClientAuth = ClientAuth.DEMAND) -> Setup:
    """The article's output in real properties, and the logging service that it means to reach."""
    return with_client_certificate(
        output(
            mode,
            host=_HOST,
            vhost=None,
            source=_ACCESS_LOG,
            chain=_SERVED,
            client_auth=policy,
            client_ca=ROOT,
        )
    )


@scenario
def literally() -> Case:
    """As the article prints it. No release has such a block: Fluent Bit stops at its first line."""
    says = "fluent-bit.conf:5: undefined value - check config is in valid classic format"
    return case(_translated(Mode.VERIFY_PEER).but(config=_LITERAL), not_started(says))


@matrix(mode=_TLS)
def translated(mode: Mode) -> Case:
    """In real properties: the very lines of the access log arrive, and the subject says whose."""
    return case(_translated(mode), delivered(_ACCESS_LOG, _SUBJECT))


@scenario
def switched_off() -> Case:
    """With Mode off the access log travels in cleartext, certificates or not."""
    setup = _translated(Mode.VERIFY_PEER).but(mode=Mode.OFF)
    return case(setup, cleartext(), should=Outcome.DELIVERED)


def _against_an_impostor(mode: Mode, does: Does) -> tuple[Does, Outcome | None]:
    """What a Mode does, and what it should have done, when the collector is not the right one."""
    if mode is Mode.OFF:
        return cleartext(), Outcome.REFUSED_BY_AGENT
    if not does.outcome.arrived:
        return does, None
    return does, Outcome.REFUSED_BY_AGENT


@matrix(mode=_ALL)
def impostor_of_another_authority(mode: Mode) -> Case:
    """A collector that bears the right name, but another authority says so."""
    impostor = chain(OTHER_LEAF.but(named(_HOST)), name="an impostor's")
    setup = _translated(Mode.VERIFY_PEER).but(
        mode=mode, chain=impostor, ca=certificate_file(chain(ROOT))
    )
    does = refused("unknown_ca") if mode in _VERIFYING else delivered(_ACCESS_LOG, _SUBJECT)
    does, should = _against_an_impostor(mode, does)
    return case(setup, does, should=should)


@matrix(mode=_ALL)
def impostor_of_the_same_authority(mode: Mode) -> Case:
    """Another host of the same authority plays the logging service: only verify_host notices."""
    impostor = HEALTHY.but(named(OTHER_HOST))
    setup = _translated(Mode.VERIFY_PEER).but(mode=mode, chain=impostor)
    noticed = refused("bad_certificate")
    does = noticed if mode is Mode.VERIFY_HOST else delivered(_ACCESS_LOG, _SUBJECT)
    does, should = _against_an_impostor(mode, does)
    if mode in {Mode.VERIFY_PEER, Mode.REQUIRE}:
        does = but_in_3_0_7(does, noticed)
    return case(setup, does, should=should)


@matrix(mode=_TLS, policy=(ClientAuth.DEMAND, ClientAuth.ASK))
def agent_without_certificate(mode: Mode, policy: ClientAuth) -> Case:
    """An agent without a certificate: who demands one refuses it, who only asks does not."""
    setup = _translated(mode, policy).but(crt=None, key=None)
    if policy is ClientAuth.DEMAND:
        return case(setup, refused_by_peer("certificate_required"))
    return case(setup, delivered(_ACCESS_LOG), should=Outcome.REFUSED_BY_PEER)


@matrix(mode=_TLS, policy=(ClientAuth.DEMAND, ClientAuth.ASK))
def agent_of_another_authority(mode: Mode, policy: ClientAuth) -> Case:
    """An agent with a certificate of another authority is refused, whether demanded or asked."""
    other = chain(OTHER_CLIENT, name="another authority's")
    setup = _translated(mode, policy).but(crt=certificate_file(other), key=key_file(OTHER_CLIENT))
    return case(setup, refused_by_peer("unknown_ca"))


@matrix(mode=_VERIFYING)
def authority_of_the_agent_only(mode: Mode) -> Case:
    """CA.File holds the wrong authority: the agent's own certificate does not help it verify."""
    return case(_translated(mode).but(ca=CAFile.OTHER_ROOT), refused("unknown_ca"))


@matrix(mode=_TLS)
def chain_of_the_agent_without_intermediate(mode: Mode) -> Case:
    """Client.Cert holds the agent's certificate alone: nothing leads from it to the root."""
    lone = CLIENT_CHAIN.sending(CLIENT_CHAIN.leaf, name="client leaf alone")
    return case(_translated(mode).but(crt=certificate_file(lone)), refused_by_peer("unknown_ca"))
