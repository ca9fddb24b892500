"""Which names a certificate may bear: what a check accepts, and what goes by without one."""

from __future__ import annotations

from dataclasses import dataclass

from flb_handshake.declare import (
    HEALTHY,
    HOST,
    OTHER_HOST,
    Case,
    Defect,
    Does,
    Mode,
    Outcome,
    but_in_3_0_7,
    case,
    delivered,
    matrix,
    named,
    output,
    refused,
)

_MISMATCH = refused("bad_certificate")


@dataclass(frozen=True)
class Naming:
    """A row: what is dialled, what the certificate bears, and what verify_host does about it."""

    name: str
    dialled: str
    bears: Defect
    checked: Does
    because: str
    careful: Outcome | None = None
    """What a careful operator would want, where that is not what verify_host does."""


_THOUSAND = tuple(f"host-{number}.example.test" for number in range(999))

_NAMINGS = (
    Naming("other_host", HOST, named(OTHER_HOST), _MISMATCH, "The certificate is another host's."),
    Naming(
        "one_of_several",
        HOST,
        named(OTHER_HOST, HOST),
        delivered(),
        "Any subjectAltName will do.",
    ),
    Naming(
        "no_SAN_matching_CN",
        HOST,
        named(),
        delivered(),
        "Without any subjectAltName OpenSSL still compares the subject's CN (RFC 9525 forbids it).",
    ),
    Naming(
        "no_SAN_other_CN",
        HOST,
        named(common_name=OTHER_HOST),
        _MISMATCH,
        "No subjectAltName, and the CN is another host's.",
    ),
    Naming(
        "CN_against_SAN",
        HOST,
        named(OTHER_HOST, common_name=HOST, key_label="CN against SAN"),
        _MISMATCH,
        "Where there is a subjectAltName the CN counts for nothing.",
    ),
    Naming(
        "IP_SAN_right",
        "127.0.0.1",
        named(HOST, ips=("127.0.0.1",)),
        delivered().before("5.0.6", _MISMATCH),
        "An address is compared with the addresses among the names (5.0.6 and later).",
    ),
    Naming(
        "IP_SAN_wrong",
        "127.0.0.1",
        named(HOST, ips=("127.0.0.2",)),
        _MISMATCH,
        "Another address.",
    ),
    Naming("IP_without_IP_SAN", "127.0.0.1", named(HOST), _MISMATCH, "Dialled by address."),
    Naming(
        "IP_as_dNSName",
        "127.0.0.1",
        named("127.0.0.1"),
        _MISMATCH.before("5.0.6", delivered()),
        "An address written as a DNS name is no address (RFC 5280, 4.2.1.6); before 5.0.6 it was "
        "taken for a name.",
    ),
    Naming(
        "wildcard_one_level",
        HOST,
        named("*.example.test"),
        delivered(),
        "The star stands for one label.",
    ),
    Naming(
        "wildcard_two_levels",
        "a.b.example.test",
        named("*.example.test"),
        _MISMATCH,
        "The star does not stand for two labels.",
    ),
    Naming(
        "wildcard_parent",
        "example.test",
        named("*.example.test"),
        _MISMATCH,
        "The star does not stand for nothing.",
    ),
    Naming(
        "wildcard_partial",
        HOST,
        named("lo*.example.test"),
        _MISMATCH,
        "Fluent Bit forbids a star inside a label.",
    ),
    Naming("wildcard_bare", HOST, named("*"), _MISMATCH, "A lone star matches nothing."),
    Naming(
        "wildcard_over_a_domain",
        "example.test",
        named("*.test"),
        _MISMATCH,
        "OpenSSL wants two labels after the star.",
    ),
    Naming(
        "IDN",
        "xn--bcher-kva.example.test",
        named("bücher.example.test"),
        delivered(),
        "An internationalised name is compared in its A-label form.",
    ),
    Naming(
        "IDN_dialled_in_Unicode",
        "bücher.example.test",
        named("bücher.example.test"),
        _MISMATCH,
        "Nothing turns the dialled name into its A-label form.",
        Outcome.DELIVERED,
    ),
    Naming(
        "trailing_dot_vhost",
        HOST + ".",
        named(HOST),
        _MISMATCH,
        "A trailing dot in `tls.vhost` is compared as it stands.",
        Outcome.DELIVERED,
    ),
    Naming(
        "trailing_dot_in_certificate",
        HOST,
        named(HOST + "."),
        _MISMATCH,
        "A trailing dot in the certificate is compared as it stands.",
        Outcome.DELIVERED,
    ),
    Naming("upper_case_dialled", HOST.upper(), named(HOST), delivered(), "Case does not matter."),
    Naming(
        "upper_case_in_certificate",
        HOST,
        named(HOST.upper(), common_name=HOST),
        delivered(),
        "Case does not matter.",
    ),
    Naming(
        "a_thousand_names",
        HOST,
        named(*_THOUSAND, HOST),
        delivered(),
        "The last of a thousand names counts like the first.",
    ),
    Naming(
        "a_thousand_other_names",
        HOST,
        named(*_THOUSAND, OTHER_HOST),
        _MISMATCH,
        "Not even among a thousand names.",
    ),
    Naming(
        "subdomain_of_the_name",
        "eu." + HOST,
        named(HOST),
        _MISMATCH,
        "A name does not cover the names below it.",
    ),
)

_ADDRESS = named(HOST, "127.0.0.1", ips=("127.0.0.1",))
"""What every release accepts that is dialled by its address: before 5.0.6 only names count."""

_ACCEPTED_WITHOUT_NAME = "verify_peer compares no names: `tls.verify_hostname` is off by default."


@matrix(mode=(Mode.VERIFY_PEER, Mode.VERIFY_HOST), naming=_NAMINGS)
def name(mode: Mode, naming: Naming) -> Case:
    """The name that is dialled against the names that the certificate bears."""
    address = naming.dialled == "127.0.0.1"
    base = output(mode)
    if address:
        base = output(mode, vhost=None, chain=HEALTHY.but(_ADDRESS))
    setup = base.but(vhost=None if address else naming.dialled, chain=HEALTHY.but(naming.bears))
    careful = naming.careful or naming.checked.outcome
    if mode is Mode.VERIFY_HOST:
        should = naming.careful
        return case(setup, naming.checked, should=should, because=naming.because)
    return case(
        setup,
        but_in_3_0_7(delivered(), naming.checked.on("3.0.7")),
        should=None if careful is Outcome.DELIVERED else careful,
        because=f"{naming.because} {_ACCEPTED_WITHOUT_NAME}",
    )


@matrix(mode=(Mode.VERIFY_PEER, Mode.VERIFY_HOST), spelling=("as_is", "trailing_dot", "upper_case"))
def dialled_by_name(mode: Mode, spelling: str) -> Case:
    """The host itself is dialled by its name, without `tls.vhost`: spelling does not matter."""
    spelled = {"as_is": HOST, "trailing_dot": HOST + ".", "upper_case": HOST.upper()}[spelling]
    return case(output(mode, host=HOST, vhost=None).but(host=spelled), delivered())


@matrix(mode=(Mode.VERIFY_PEER, Mode.VERIFY_HOST))
def dialled_by_a_name_of_another(mode: Mode) -> Case:
    """The host is dialled by its name, and its certificate is another host's."""
    setup = output(mode, host=HOST, vhost=None).but(chain=HEALTHY.but(named(OTHER_HOST)))
    if mode is Mode.VERIFY_HOST:
        return case(setup, _MISMATCH)
    does = but_in_3_0_7(delivered(), _MISMATCH)
    return case(setup, does, should=Outcome.REFUSED_BY_AGENT)
