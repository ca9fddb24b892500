"""Fluent Bit as the TLS server: which input lets whom in, and what it makes of everybody else."""

from __future__ import annotations

from typing import Any

from flb_handshake.declare import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    LEAF,
    OTHER_CLIENT,
    CAFile,
    Case,
    Cleartext,
    Close,
    Does,
    File,
    FileForm,
    Mode,
    Moment,
    Outcome,
    Silent,
    Usage,
    case,
    certificate_file,
    chain,
    cleartext,
    cut,
    delivered,
    expired,
    key_file,
    listening,
    matrix,
    not_started,
    refused_by_peer,
    stalled,
    table,
    usage,
)

_SHIPPERS: dict[str, dict[str, Any]] = {
    "right": {},
    "no certificate": {"chain": None},
    "other CA": {"chain": chain(OTHER_CLIENT, name="other CA")},
    "expired": {"chain": CLIENT_CHAIN.but(expired())},
    "wrong EKU": {"chain": CLIENT_CHAIN.but(usage(Usage.SERVER))},
    "intermediate not sent": {"chain": CLIENT_CHAIN.sending(CLIENT, name="no intermediate")},
    "cleartext": {"behaviour": Cleartext()},
    "TLS 1.1 only": {"max_version": "TLSv1.1"},
    "wrong ALPN": {"alpn": ("spdy/3.1",)},
    "TCP probe": {"behaviour": Close()},
    "silent": {"behaviour": Silent()},
    "half a ClientHello": {"behaviour": Silent(Moment.HALF_HELLO)},
}

_CAS = {
    "right": CAFile.ROOT,
    "other": CAFile.OTHER_ROOT,
    "unset": CAFile.UNSET,
    "intermediate only": CAFile.INTERMEDIATE,
    "missing file": CAFile.MISSING,
}

_TRAP = "verify off, verify_client_cert on"

_MODES: dict[str, Mode] = {
    "off": Mode.OFF,
    "none": Mode.NONE,
    "verify_peer": Mode.VERIFY_PEER,
    "require": Mode.REQUIRE,
    _TRAP: Mode.NONE,
}

_WORDS = {
    "delivered": delivered(),
    "cleartext": cleartext(),
    "cut": cut(),
    "no start": not_started("[tls] ca_file '"),
}

_OFF = """
shipper               | right     | other     | unset     | intermediate only | missing file
right                 | cut       | cut       | cut       | cut               | cut
no certificate        | cut       | cut       | cut       | cut               | cut
other CA              | cut       | cut       | cut       | cut               | cut
expired               | cut       | cut       | cut       | cut               | cut
wrong EKU             | cut       | cut       | cut       | cut               | cut
intermediate not sent | cut       | cut       | cut       | cut               | cut
cleartext             | cleartext | cleartext | cleartext | cleartext         | cleartext
TLS 1.1 only          | cut       | cut       | cut       | cut               | cut
wrong ALPN            | cut       | cut       | cut       | cut               | cut
TCP probe             | cut       | cut       | cut       | cut               | cut
silent                | cut       | cut       | cut       | cut               | cut
half a ClientHello    | cut       | cut       | cut       | cut               | cut
"""

_NOT_A_SHIPPER = """\
cleartext             | cut                     | cut                     | cut                     | cut                     | no start
TLS 1.1 only          | internal_error          | internal_error          | internal_error          | internal_error          | no start
wrong ALPN            | no_application_protocol | no_application_protocol | no_application_protocol | no_application_protocol | no start
TCP probe             | decode_error            | decode_error            | decode_error            | decode_error            | no start
silent                | cut                     | cut                     | cut                     | cut                     | no start
half a ClientHello    | cut                     | cut                     | cut                     | cut                     | no start
"""  # noqa: E501 # a table
"""What every input with TLS makes of those who do not get as far as to show a certificate."""

_NONE = f"""
shipper               | right                   | other                   | unset                   | intermediate only       | missing file
right                 | delivered               | delivered               | delivered               | delivered               | no start
no certificate        | delivered               | delivered               | delivered               | delivered               | no start
other CA              | delivered               | delivered               | delivered               | delivered               | no start
expired               | delivered               | delivered               | delivered               | delivered               | no start
wrong EKU             | delivered               | delivered               | delivered               | delivered               | no start
intermediate not sent | delivered               | delivered               | delivered               | delivered               | no start
{_NOT_A_SHIPPER}"""  # noqa: E501 # a table

_VERIFY_PEER = f"""
shipper               | right                   | other                   | unset                   | intermediate only       | missing file
right                 | delivered               | unknown_ca              | unknown_ca              | unknown_ca              | no start
no certificate        | delivered               | delivered               | delivered               | delivered               | no start
other CA              | unknown_ca              | delivered               | unknown_ca              | unknown_ca              | no start
expired               | certificate_expired     | unknown_ca              | unknown_ca              | unknown_ca              | no start
wrong EKU             | unsupported_certificate | unknown_ca              | unknown_ca              | unknown_ca              | no start
intermediate not sent | unknown_ca              | unknown_ca              | unknown_ca              | unknown_ca              | no start
{_NOT_A_SHIPPER}"""  # noqa: E501 # a table

_REQUIRE = _VERIFY_PEER.replace(
    "no certificate        | delivered               | delivered               | delivered               | delivered    ",  # noqa: E501
    "no certificate        | certificate_required    | certificate_required    | certificate_required    | certificate_required ",  # noqa: E501
)
"""The only difference is whoever has no certificate."""

_EXPECTED = {
    mode: table(text, _WORDS, tuple(_SHIPPERS), tuple(_CAS))
    for mode, text in {
        "off": _OFF,
        "none": _NONE,
        "verify_peer": _VERIFY_PEER,
        "require": _REQUIRE,
        _TRAP: _NONE,
    }.items()
}

_REASONS = {
    "off": "Without `tls on` the port speaks cleartext, and takes TLS for noise; from 3.0 to 5.0 "
    "it waits for the end of what it takes for a request.",
    "none": "With `tls.verify off` the input asks nobody for a certificate.",
    "verify_peer": "With `tls.verify on` the input asks for a certificate and takes none as well.",
    "require": "`tls.verify_client_cert on` takes nobody without a certificate.",
    _TRAP: "`tls.verify_client_cert on` does nothing without `tls.verify on`: all are let in.",
}

_NO_REQUEST = frozenset({"TCP probe", "silent", "half a ClientHello"})
"""Those who end or give up before an input in cleartext can wait for the rest of a request."""

_SAYING_NOTHING = frozenset({"silent", "half a ClientHello"})

_IMPATIENT = (("net.accept_timeout", "2"), ("net.io_timeout", "2"))
"""Seconds after which the input gives up whoever says nothing: 10 for a handshake by default, and
for what follows never."""


def _wanted(mode: str, ca: str, does: Does) -> Outcome | None:
    """What a careful operator would want instead: only those let in whom CA.File vouches for."""
    if does.outcome is Outcome.CLEARTEXT:
        return Outcome.CUT
    names_clients = mode == _TRAP or ca != "unset"
    if does.outcome is not Outcome.DELIVERED or not names_clients:
        return None
    return Outcome.REFUSED_BY_AGENT


@matrix(http=("1.1", "2"), mode=tuple(_MODES), ca=tuple(_CAS), shipper=tuple(_SHIPPERS))
def cell(http: str, mode: str, ca: str, shipper: str) -> Case:
    """One cell of the matrix Mode x CA.File x shipper, for the `http` input."""
    does = _EXPECTED[mode][shipper, ca]
    patience = _IMPATIENT if shipper in _SAYING_NOTHING else ()
    properties: tuple[tuple[str, str], ...] = patience
    if mode == _TRAP:
        properties += (("tls.verify_client_cert", "on"),)
    setup = listening(http2=http == "2", properties=patience).but(
        mode=_MODES[mode], ca=_CAS[ca], properties=properties, **_SHIPPERS[shipper]
    )
    if mode == "off" and does.outcome is Outcome.CUT and shipper not in _NO_REQUEST:
        does = does.before("3.0", does).before("5.1", stalled())
    if shipper == "wrong ALPN" and does.alert == "no_application_protocol":
        does = does.before("3.0", _EXPECTED[mode]["right", ca])
    vouched = (shipper, ca) in {("right", "right"), ("other CA", "other")}
    should = None if vouched else _wanted(mode, ca, does)
    return case(setup, does, should=should, because=_REASONS[mode])


_PLUGINS = (
    "forward",
    "tcp",
    "syslog",
    "elasticsearch",
    "splunk",
    "opentelemetry",
    "mqtt",
    "prometheus_remote_write",
)


@matrix(
    plugin=_PLUGINS,
    mode=("none", "verify_peer", "require", _TRAP),
    shipper=("right", "no certificate", "other CA"),
)
def plugin(plugin: str, mode: str, shipper: str) -> Case:
    """Every input that listens treats its shippers alike: TLS is one piece of code for all."""
    does = _EXPECTED[mode][shipper, "right"]
    trap = (("tls.verify_client_cert", "on"),) if mode == _TRAP else ()
    setup = listening(_MODES[mode], plugin, properties=trap).but(**_SHIPPERS[shipper])
    should = None if shipper == "right" else _wanted(mode, "right", does)
    return case(setup, does, should=should, because=_REASONS[mode])


@matrix(
    plugin=("http", "elasticsearch", "splunk", "opentelemetry", "tcp", "forward"),
    mode=(Mode.VERIFY_PEER, Mode.REQUIRE),
)
def behind_a_silent_client(plugin: str, mode: Mode) -> Case:
    """A client that connects and says nothing holds up every other one: an input shakes hands with
    one at a time, and waits `net.accept_timeout` for it, 10 seconds by default. Anybody who reaches
    the port can shut it so, also where certificates are demanded. Since 5.1 the inputs that speak
    HTTP take others meanwhile.
    """
    setup = listening(mode, plugin).but(silent_others=1)
    if plugin in {"tcp", "forward"}:
        return case(setup, stalled(), should=Outcome.DELIVERED)
    return case(setup, delivered().before("5.1", stalled()))


_GONE = {which: File(form=FileForm.MISSING, stem=which) for which in ("certificate", "key")}

_FILES: dict[str, tuple[dict[str, Any], Does]] = {
    "no certificate": ({"crt": None}, not_started("(certificate file missing)")),
    "no key": ({"key": None}, not_started("(private key file missing)")),
    "neither": ({"crt": None, "key": None}, not_started("(certificate file missing)")),
    "certificate missing": ({"crt": _GONE["certificate"]}, not_started("[tls] crt_file '")),
    "key missing": ({"key": _GONE["key"]}, not_started("and password don't match")),
    "key of another certificate": (
        {"key": key_file(CLIENT)},
        not_started("and password don't match"),
    ),
    "encrypted key, no password": (
        {"key": key_file(LEAF, "correct horse")},
        not_started("and password don't match"),
    ),
    "encrypted key, right password": (
        {"key": key_file(LEAF, "correct horse"), "key_passwd": "correct horse"},
        delivered(),
    ),
    "intermediate not in it": (
        {"crt": certificate_file(HEALTHY.sending(LEAF, name="no intermediate"))},
        refused_by_peer("unknown_ca"),
    ),
    "expired": (
        {"crt": certificate_file(HEALTHY.but(expired()))},
        refused_by_peer("certificate_expired"),
    ),
}


@matrix(mode=(Mode.NONE, Mode.VERIFY_PEER, Mode.REQUIRE), trouble=tuple(_FILES))
def files(mode: Mode, trouble: str) -> Case:
    """The input's own certificate and key: a server cannot do without, and its shippers look."""
    changes, does = _FILES[trouble]
    return case(listening(mode).but(**changes), does)
