"""What two sides agree on: versions, ciphers, groups, ALPN, names sent, and how records are cut.

The agent's OpenSSL 3.0.22 speaks TLS 1.0 and 1.1 when it is told to, but its security level forbids
what they sign with: it ends such a handshake with internal_error.
"""

from __future__ import annotations

from typing import Any

from flb_handshake.declare import (
    HOST,
    Behaviour,
    Case,
    Does,
    Fragment,
    Hangup,
    Mode,
    NoSecureRenegotiation,
    Outcome,
    Renegotiate,
    Step,
    Then,
    case,
    crashed,
    delivered,
    listening,
    matrix,
    not_started,
    output,
    refused,
    refused_by_peer,
    stalled,
    table,
)

_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_MODERN = ("TLSv1.2", "TLSv1.3")

_TOO_OLD = refused_by_peer("protocol_version")
_WORDS = {
    "delivered": delivered(),
    "peer: version": _TOO_OLD,
    "version": refused("protocol_version"),
    "weak": refused("internal_error"),
}

_BOUNDS = {
    "TLSv1": """
max \\ collector | TLSv1         | TLSv1.1       | TLSv1.2       | TLSv1.3
TLSv1            | weak          | peer: version | peer: version | peer: version
TLSv1.1          | weak          | weak          | peer: version | peer: version
TLSv1.2          | weak          | weak          | delivered     | peer: version
TLSv1.3          | weak          | weak          | delivered     | delivered
""",
    "TLSv1.1": """
max \\ collector | TLSv1         | TLSv1.1       | TLSv1.2       | TLSv1.3
TLSv1            | version       | version       | version       | version
TLSv1.1          | version       | weak          | peer: version | peer: version
TLSv1.2          | version       | weak          | delivered     | peer: version
TLSv1.3          | peer: version | weak          | delivered     | delivered
""",
    "TLSv1.2": """
max \\ collector | TLSv1         | TLSv1.1       | TLSv1.2       | TLSv1.3
TLSv1            | version       | version       | version       | version
TLSv1.1          | version       | version       | version       | version
TLSv1.2          | version       | version       | delivered     | peer: version
TLSv1.3          | peer: version | peer: version | delivered     | delivered
""",
    "TLSv1.3": """
max \\ collector | TLSv1         | TLSv1.1       | TLSv1.2       | TLSv1.3
TLSv1            | version       | version       | version       | version
TLSv1.1          | version       | version       | version       | version
TLSv1.2          | version       | version       | version       | version
TLSv1.3          | peer: version | peer: version | peer: version | delivered
""",
}
"""By tls.min_version. With bounds that cross, the agent says protocol_version before any
ClientHello."""

_MET = {minimum: table(text, _WORDS, _VERSIONS, _VERSIONS) for minimum, text in _BOUNDS.items()}


def _single(version: str, **more: Any) -> dict[str, Any]:
    """A collector of this one version."""
    return {"min_version": version, "max_version": version, **more}


def _agreed(does: Does, version: str) -> Does:
    return does.showing(version=version) if does.outcome is Outcome.DELIVERED else does


@matrix(minimum=_VERSIONS, maximum=_VERSIONS, collector=_VERSIONS)
def bounds(minimum: str, maximum: str, collector: str) -> Case:
    """`tls.min_version` and `tls.max_version` against collectors of one version each."""
    properties = (("tls.min_version", minimum), ("tls.max_version", maximum))
    setup = output().but(properties=properties, **_single(collector))
    return case(setup, _agreed(_MET[minimum][maximum, collector], collector))


_UNPARSABLE = ("1.3", "TLS1.3", "TLSv13", "TLSv9")


@matrix(
    which=("min_version", "max_version"),
    value=("tlsv1.2", "TLSV1.3", *_UNPARSABLE),
    collector=_VERSIONS,
)
def spelling(which: str, value: str, collector: str) -> Case:
    """Case does not matter; what is no version is ignored without a word, but for the lower bound,
    which then stands at TLS 1.1 in place of OpenSSL's own. Before 5.0 it crashes Fluent Bit.
    """
    known = {"tlsv1.2": "TLSv1.2", "TLSV1.3": "TLSv1.3"}.get(value)
    if which == "max_version":
        does = _MET["TLSv1"][known or "TLSv1.3", collector]
    else:
        does = _MET[known or "TLSv1.1"]["TLSv1.3", collector]
    setup = output().but(properties=((f"tls.{which}", value),), **_single(collector))
    does = _agreed(does, collector)
    if known is None:
        does = does.before("5.0", crashed())
    ignored = known is None and which == "min_version" and collector == "TLSv1.2"
    should = Outcome.REFUSED_BY_PEER if ignored and "3" in value else None
    return case(setup, does, should=should)


@matrix(collector=_VERSIONS)
def no_bounds(collector: str) -> Case:
    """Without bounds of its own the agent offers what its OpenSSL has."""
    does = _MET["TLSv1"]["TLSv1.3", collector]
    setup = output(tickets=True).but(tickets=False, **_single(collector))
    return case(setup, _agreed(does, collector))


_CIPHERS = {
    "one": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "another": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "of RSA": "ECDHE-RSA-AES128-GCM-SHA256",
    "a class": "HIGH:!aNULL",
    "a known and an unknown": "FOO:ECDHE-ECDSA-AES128-GCM-SHA256",
    "without encryption": "NULL",
    "of TLS 1.3": "TLS_AES_128_GCM_SHA256",
    "unknown": "FOO",
}
_SERVED = {
    "any": None,
    "AES-128-GCM": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "AES-256-GCM": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ChaCha20": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "AES-128-CBC": "ECDHE-ECDSA-AES128-SHA",
}
_SHARED = {
    "one": ("any", "AES-128-GCM"),
    "another": ("any", "AES-256-GCM"),
    "a class": tuple(_SERVED),
    "a known and an unknown": ("any", "AES-128-GCM"),
}


@matrix(version=_MODERN, ciphers=tuple(_CIPHERS), collector=tuple(_SERVED))
def ciphers(version: str, ciphers: str, collector: str) -> Case:
    """`tls.ciphers` is for TLS 1.2 and below; in TLS 1.3 it changes nothing. A list in which
    OpenSSL knows nothing stops the start, and so does one of TLS 1.3's own names; before 5.0 it
    leaves a Fluent Bit that hangs: it has said what is wrong, and ends no more.
    """
    properties = (("tls.ciphers", _CIPHERS[ciphers]),)
    setup = output().but(properties=properties, **_single(version, ciphers=_SERVED[collector]))
    if ciphers in {"of TLS 1.3", "unknown"}:
        said = "error setting up TLS ciphers"
        return case(setup, not_started(said).before("5.0", stalled(said)))
    if version == "TLSv1.3":
        return case(setup, delivered().showing(cipher="TLS_AES_256_GCM_SHA384"))
    shares = collector in _SHARED.get(ciphers, ())
    return case(setup, delivered() if shares else refused_by_peer("handshake_failure"))


@matrix(
    suite=(
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    )
)
def suites(suite: str) -> Case:
    """A collector with one suite of TLS 1.3: the agent offers OpenSSL's three, and no CCM."""
    setup = output().but(suites=suite, **_single("TLSv1.3"))
    if "CCM" in suite:
        return case(setup, refused_by_peer("handshake_failure"))
    return case(setup, delivered().showing(cipher=suite))


_GROUPS = {
    "X25519": "x25519",
    "P-256": "secp256r1",
    "P-384": "secp384r1",
    "P-521": "secp521r1",
    "X448": "x448",
    "ffdhe2048": "ffdhe2048",
    "brainpoolP256r1": None,
    "X25519MLKEM768": None,
}


@matrix(version=_MODERN, group=tuple(_GROUPS))
def groups(version: str, group: str) -> Case:
    """A collector with one group for the key exchange. OpenSSL 3.0 has no post-quantum one, and
    offers the finite-field groups in TLS 1.3 alone.
    """
    known = None if group == "ffdhe2048" and version == "TLSv1.2" else _GROUPS[group]
    setup = output().but(groups=group, **_single(version))
    if known is None:
        return case(setup, refused_by_peer("handshake_failure"))
    return case(setup, delivered().showing(group=known))


_ALPN = {
    "none": (),
    "http/1.1": ("http/1.1",),
    "h2": ("h2",),
    "h2 and http/1.1": ("h2", "http/1.1"),
    "unknown": ("spdy/3.1",),
}
_OFFERS = {
    "http": ((), ()),
    "opentelemetry": ((), ("http/1.1", "http/1.0")),
    "opentelemetry, http2 on": ((("http2", "on"),), ("h2", "http/1.1", "http/1.0")),
    "opentelemetry, http2 off": ((("http2", "off"),), ("http/1.1", "http/1.0")),
}


@matrix(output_plugin=tuple(_OFFERS), collector=tuple(_ALPN))
def alpn(output_plugin: str, collector: str) -> Case:
    """The `http` output offers no protocol by ALPN, `opentelemetry` http/1.1, and h2 if it may (3.2
    and later). What a collector does not know it leaves unanswered here, and the agent goes on
    without.
    """
    properties, offered = _OFFERS[output_plugin]
    plugin = output_plugin.split(",", maxsplit=1)[0]
    known = _ALPN[collector]
    chosen = next((name for name in known if name in offered), None)
    setup = output(plugin=plugin, properties=properties, tickets=True).but(
        alpn=known, tickets=False
    )
    does = delivered().showing(offered_alpn=offered, alpn=chosen)
    return case(setup, does.before("3.2", delivered().showing(offered_alpn=(), alpn=None)))


_HOSTS = {
    "localhost": "localhost",
    "an address": "127.0.0.1",
    "a name": HOST,
    "a name with a dot": f"{HOST}.",
    "a name in capitals": HOST.upper(),
}
_VHOSTS = {"unset": None, "a name": "vhost.example.test", "an address": "192.0.2.1"}


@matrix(host=tuple(_HOSTS), vhost=tuple(_VHOSTS))
def server_name(host: str, vhost: str) -> Case:
    """The name sent as SNI is `tls.vhost`, else what is dialled: as it is spelt, but without a dot
    at its end (2.0.13 and later), and never an address (5.0.6 and later).
    """
    sent: str | None = _HOSTS[host].rstrip(".") if vhost == "unset" else _VHOSTS[vhost]
    if "an address" in {vhost, host if vhost == "unset" else ""}:
        sent = None
    setup = output(Mode.NONE, host=_HOSTS[host], vhost=_VHOSTS[vhost], tickets=True).but(
        tickets=False
    )
    does = delivered().showing(sni=sent)
    if sent is None:
        as_it_stands = _HOSTS[host] if vhost == "unset" else _VHOSTS[vhost]
        does = does.before("5.0.6", delivered().showing(sni=as_it_stands))
    if vhost == "unset" and host == "a name with a dot":
        does = does.before("2.0.13", delivered().showing(sni=_HOSTS[host]))
    return case(setup, does)


_ODD: dict[str, Behaviour] = {
    "no RFC 5746": NoSecureRenegotiation(),
    "asks for renegotiation": Renegotiate(),
    "records of 64 bytes": Fragment(64),
    "records of 1 byte": Fragment(1),
}


@matrix(version=_MODERN, collector=tuple(_ODD))
def old_and_odd(version: str, collector: str) -> Case:
    """A server of before RFC 5746 is refused (OpenSSL 3: unsafe legacy renegotiation), one that
    asks for renegotiation gets one, and how a server cuts its records does not matter.
    """
    setup = output(**_single(version)).but(behaviour=_ODD[collector])
    legacy = collector == "no RFC 5746" and version == "TLSv1.2"
    return case(setup, refused("handshake_failure") if legacy else delivered())


@matrix(version=_MODERN, tickets=(True, False))
def resumption(version: str, tickets: bool) -> Case:  # noqa: FBT001 # an axis
    """Fluent Bit never resumes a session: each connection begins with a whole handshake."""
    setup = output(
        tickets=tickets,
        steps=(Step(name="a new connection", changes=(Hangup(),)),),
        **_single(version),
    )
    does = delivered().showing(resumption="none", connections=1)
    return case(setup, does, does)


_AGAIN = Step(name="again", changes=())


@matrix(version=_MODERN, mode=(Mode.NONE, Mode.VERIFY_PEER, Mode.REQUIRE))
def shipper_resumes(version: str, mode: Mode) -> Case:
    """A shipper offers to go on with its session, as most TLS clients do. An input that asks for
    certificates cannot: OpenSSL wants a session id context, which Fluent Bit does not set, and the
    agent ends the handshake. Such a client gets in at its first connection and at no other.
    """
    setup = listening(mode, steps=(_AGAIN,), **_single(version)).but(resumes=True)
    first = delivered().showing(resumed=False)
    if mode is Mode.NONE:
        return case(setup, first, delivered().showing(resumed=True))
    return case(setup, first, Then(refused("internal_error"), Outcome.DELIVERED))


@matrix(length=(8, 63, 240))
def client_hello(length: int) -> Case:
    """The ClientHello comes in one TLS record, also with the longest of names in it."""
    name = ".".join(["a" * 59] * 4)[-(length - 5) :].strip(".") + ".test"
    setup = output(Mode.NONE, vhost=name, tickets=True).but(tickets=False)
    return case(setup, delivered().showing(sni=name, hello_records=1))


@matrix(version=_MODERN, size=(1, 16, 64, 200))
def fragmented_client_hello(version: str, size: int) -> Case:
    """A shipper, or a middlebox before an input, cuts its ClientHello into many TLS records."""
    setup = listening(**_single(version)).but(behaviour=Fragment(size))
    return case(setup, delivered())


@matrix(minimum=_VERSIONS, shipper=_VERSIONS)
def input_bounds(minimum: str, shipper: str) -> Case:
    """`tls.min_version` of an input against shippers of one version each. What it lets through of
    TLS 1.1 and before, the security level forbids all the same.
    """
    properties = (("tls.min_version", minimum),)
    setup = listening().but(properties=properties, **_single(shipper))
    allowed = _VERSIONS.index(shipper) >= _VERSIONS.index(minimum)
    if allowed and shipper in _MODERN:
        return case(setup, delivered().showing(version=shipper))
    return case(setup, refused("internal_error" if allowed else "protocol_version"))
