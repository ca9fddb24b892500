"""What Fluent Bit makes of settings that are written wrongly: a stop, a shrug, or cleartext."""

from __future__ import annotations

from flb_handshake.declare import (
    HEALTHY,
    OTHER_HOST,
    OTHER_LEAF,
    ROOT,
    CAFile,
    Case,
    Does,
    Mode,
    Outcome,
    case,
    certificate_file,
    chain,
    cleartext,
    crashed,
    delivered,
    matrix,
    named,
    not_started,
    output,
    refused,
    refused_by_peer,
    scenario,
    stalled,
)

_SWITCHES: dict[str, tuple[str, Does]] = {
    "on": ("on", delivered()),
    "upper_case": ("ON", delivered()),
    "true": ("true", delivered()),
    "yes": ("yes", delivered().before("2.1.8", cleartext())),
    "off": ("off", cleartext()),
    "no": ("no", cleartext()),
    "maybe": ("maybe", cleartext()),
    "verify_peer": ("verify_peer", cleartext()),
    "require": ("require", cleartext()),
    "enabled": ("enabled", cleartext()),
    "one": ("1", cleartext()),
    "quoted": ("'on'", cleartext()),
    "with_a_comment": ("on # as we agreed", cleartext()),
}


@matrix(word=tuple(_SWITCHES))
def tls(word: str) -> Case:
    """Only on, true and yes (2.1.8 and later) switch TLS on. Every other word means cleartext,
    without a warning.
    """
    written, does = _SWITCHES[word]
    setup = output(Mode.VERIFY_PEER).but(properties=(("tls", written),))
    secured = does.outcome is Outcome.DELIVERED
    return case(setup, does, should=None if secured else Outcome.DELIVERED)


@matrix(mode=(Mode.NONE, Mode.VERIFY_PEER, Mode.VERIFY_HOST))
def tls_unset(mode: Mode) -> Case:
    """`tls.verify`, `tls.ca_file` and all the rest do nothing without `tls on`: cleartext."""
    setup = output(mode).but(properties=(("tls", None),))
    return case(setup, cleartext(), should=Outcome.DELIVERED)


_NO_BOOLEAN = refused("unknown_ca").before("2.1.8", delivered())

_VERIFY_WORDS: dict[str, Does] = {
    "on": refused("unknown_ca"),
    "off": delivered(),
    "maybe": _NO_BOOLEAN,
    "required": _NO_BOOLEAN,
    "0": _NO_BOOLEAN,
    "no": delivered(),
}


@matrix(word=tuple(_VERIFY_WORDS))
def verify(word: str) -> Case:
    """`tls.verify` with a word that is no boolean still verifies (before 2.1.8 it does not); the
    collector is an impostor.
    """
    setup = output(Mode.VERIFY_PEER).but(
        properties=(("tls.verify", word),),
        chain=chain(OTHER_LEAF, name="another authority's"),
        ca=certificate_file(chain(ROOT)),
    )
    does = _VERIFY_WORDS[word]
    unsafe = does.outcome.arrived or bool(does.earlier)
    return case(setup, does, should=Outcome.REFUSED_BY_AGENT if unsafe else None)


_HOSTNAME_WORDS: dict[tuple[str, str], Does] = {
    ("on", "on"): refused("bad_certificate"),
    ("on", "off"): delivered(),
    ("on", "maybe"): delivered(),
    ("on", "strict"): delivered(),
    ("off", "on"): delivered(),
    ("maybe", "on"): delivered(),
}


@matrix(words=tuple(f"{verifying}+{naming}" for verifying, naming in _HOSTNAME_WORDS))
def verify_hostname(words: str) -> Case:
    """`tls.verify` + `tls.verify_hostname`: the name is checked only when both are plainly on."""
    verifying, naming = words.split("+")
    setup = output(Mode.VERIFY_HOST).but(
        properties=(("tls.verify", verifying), ("tls.verify_hostname", naming)),
        chain=HEALTHY.but(named(OTHER_HOST)),
    )
    does = _HOSTNAME_WORDS[verifying, naming]
    return case(setup, does, should=Outcome.REFUSED_BY_AGENT if does.outcome.arrived else None)


_MISSPELT = (
    "tls.verify_peer",
    "tls.verify_host",
    "tls.verify_client_cert",
    "tls.cafile",
    "tls.ca-file",
    "tls.ca.file",
    "tls.cert_file",
    "tls.mode",
    "tls_verify",
    "tls.minversion",
    "verify",
    "Mode",
    "CA.File",
    "Client.Cert",
)


@matrix(property_=_MISSPELT)
def misspelt(property_: str) -> Case:
    """A property that Fluent Bit does not know stops the start, and the log names it."""
    setup = output(Mode.VERIFY_PEER).but(properties=((property_, "on"),))
    return case(setup, not_started(f"unknown configuration property '{property_.lower()}'"))


_PLAIN = """\
[SERVICE]
    Flush       0.01
    Log_Level   debug

[INPUT]
    Name        dummy
    Samples     1
    Rate        1000

[OUTPUT]
    Name        http
    Match       *
    Host        {{host}}
    Port        {{port}}
    Format      json
    tls         on
    tls.verify  on
    tls.ca_file {{ca}}
    tls.vhost   logs.example.test
    {property}  {value}
"""

_SINCE = {
    "net.io_timeout": ("2.0", "10"),
    "tls.verify_hostname": ("3.1", "on"),
    "tls.min_version": ("4.0", "TLSv1.2"),
    "tls.max_version": ("4.0", "TLSv1.3"),
    "tls.ciphers": ("4.0", "HIGH"),
    "tls.proxy.verify": ("5.1", "on"),
}


@matrix(property_=tuple(_SINCE))
def of_a_later_release(property_: str) -> Case:
    """A property that came with a later release stops an earlier one at its start, and the log
    names it: a configuration cannot be carried back unread.
    """
    since, value = _SINCE[property_]
    setup = output().but(config=_PLAIN.format(property=property_, value=value))
    unknown = not_started(f"unknown configuration property '{property_}'")
    return case(setup, delivered().before(since, unknown))


@matrix(spelling=("TLS.Verify", "Tls.verify", "TLS.VERIFY"))
def case_of_a_property(spelling: str) -> Case:
    """Upper and lower case do not matter in the name of a property."""
    setup = output(Mode.VERIFY_PEER).but(
        properties=(("tls.verify", None), (spelling, "off")), ca=CAFile.OTHER_ROOT
    )
    return case(setup, delivered(), should=Outcome.REFUSED_BY_AGENT)


_IGNORED = delivered().before("5.0", crashed())

_BOUNDS: dict[str, tuple[tuple[tuple[str, str], ...], Does]] = {
    "min_TLSv1.2": ((("tls.min_version", "TLSv1.2"),), delivered()),
    "min_TLSv1.3": ((("tls.min_version", "TLSv1.3"),), delivered()),
    "min_lower_case": ((("tls.min_version", "tlsv1.3"),), delivered()),
    "min_TLSv9": ((("tls.min_version", "TLSv9"),), _IGNORED),
    "min_1.3": ((("tls.min_version", "1.3"),), _IGNORED),
    "max_TLSv1.2": ((("tls.max_version", "TLSv1.2"),), delivered()),
    "max_1.2": ((("tls.max_version", "1.2"),), _IGNORED),
}


@matrix(bound=tuple(_BOUNDS))
def version_bound(bound: str) -> Case:
    """Bounds of the protocol version against a collector of TLS 1.2 and 1.3."""
    properties, does = _BOUNDS[bound]
    return case(output(Mode.VERIFY_PEER).but(properties=properties), does)


@matrix(value=("TLSv9", "1.3", "TLS1.3", "v1.3"))
def unparsable_minimum(value: str) -> Case:
    """A `tls.min_version` that cannot be parsed is ignored: TLS 1.2 is still spoken. Before 5.0 it
    crashes Fluent Bit.
    """
    setup = output(Mode.VERIFY_PEER, max_version="TLSv1.2").but(
        properties=(("tls.min_version", value),)
    )
    does = delivered().before("5.0", crashed())
    return case(setup, does, should=Outcome.REFUSED_BY_PEER)


@scenario
def minimum_above_the_collector() -> Case:
    """`tls.min_version TLSv1.3` against a collector that ends at TLS 1.2."""
    setup = output(Mode.VERIFY_PEER, max_version="TLSv1.2").but(
        properties=(("tls.min_version", "TLSv1.3"),)
    )
    return case(setup, refused_by_peer("protocol_version"))


@matrix(ciphers=("FOO", "HIGH:FOO", "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_128_GCM_SHA256"))
def ciphers(ciphers: str) -> Case:
    """`tls.ciphers` in which OpenSSL knows no cipher stops the start; one that it knows is enough.

    It rules TLS 1.2 only: a list without any cipher for it leaves TLS 1.3 as it was.
    """
    setup = output(Mode.VERIFY_PEER).but(properties=(("tls.ciphers", ciphers),))
    if ciphers in {"FOO", "TLS_AES_128_GCM_SHA256"}:
        said = "error setting up TLS ciphers"
        return case(setup, not_started(said).before("5.0", stalled(said)))
    return case(setup, delivered())


@matrix(word=("on", "true"))
def tls_on_tail(word: str) -> Case:
    """`tls` on an input that opens no port, as the article has it on `tail`, stops the start.
    Before 4.0 it is passed over.
    """
    setup = output(Mode.VERIFY_PEER, source=("a line",)).but(input_properties=(("tls", word),))
    does = not_started("does not support TLS")
    does = does.before("4.0", delivered()).before("2.0", not_started("property 'tls'"))
    return case(setup, does)


@matrix(value=("0", "2", "4"))
def debug_level(value: str) -> Case:
    """`tls.debug` changes the log, not the handshake."""
    setup = output(Mode.VERIFY_PEER).but(properties=(("tls.debug", value),))
    return case(setup, delivered())
