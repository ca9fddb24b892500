"""The words a scenario file is written in; it imports nothing else.

    @scenario
    def expired_leaf() -> Case:
        '''Why this is as it is.'''
        return case(output(Mode.VERIFY_PEER).but(chain=HEALTHY.but(expired())),
                    refused("certificate_expired"))

A scenario's id is its file's name and its function's; `@matrix(mode=…, ca=…)` makes one for each
combination of the values. The docstring is published as the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from flb_handshake.behaviours import (
    Alert,
    Banner,
    Behaviour,
    Cleartext,
    Close,
    Drip,
    Fragment,
    Moment,
    NoSecureRenegotiation,
    Renegotiate,
    Reset,
    Serve,
    Silent,
)
from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    HOST,
    INTERMEDIATE,
    LEAF,
    OTHER_CLIENT,
    OTHER_HOST,
    OTHER_INTERMEDIATE,
    OTHER_LEAF,
    OTHER_ROOT,
    ROOT,
    SELF_SIGNED,
    At,
    CertSpec,
    Chain,
    Defect,
    Key,
    Tamper,
    Usage,
    chain,
    constrained,
    expired,
    keyed,
    long_chain,
    named,
    no_basic_constraints,
    not_a_ca,
    not_yet_valid,
    path_length,
    revoked,
    sha1,
    tampered,
    unknown_critical_extension,
    usage,
)
from flb_handshake.expectations import Does
from flb_handshake.model import (
    AgentSpec,
    CAFile,
    ClientAuth,
    CollectorSpec,
    Expire,
    File,
    FileForm,
    Hangup,
    Mode,
    Present,
    ProxySpec,
    Reload,
    Replace,
    Restart,
    Setup,
    ShipperSpec,
    Step,
    Upstream,
    Way,
    Where,
)
from flb_handshake.outcomes import Fates, Outcome
from flb_handshake.reported import Report

__all__ = [
    "CLIENT",
    "CLIENT_CHAIN",
    "HEALTHY",
    "HOST",
    "INTERMEDIATE",
    "LEAF",
    "OTHER_CLIENT",
    "OTHER_HOST",
    "OTHER_INTERMEDIATE",
    "OTHER_LEAF",
    "OTHER_ROOT",
    "ROOT",
    "SELF_SIGNED",
    "Alert",
    "At",
    "Banner",
    "Behaviour",
    "CAFile",
    "Case",
    "CertSpec",
    "Chain",
    "Cleartext",
    "ClientAuth",
    "Close",
    "Defect",
    "Does",
    "Drip",
    "Expire",
    "Fates",
    "File",
    "FileForm",
    "Fragment",
    "Hangup",
    "Key",
    "Mode",
    "Moment",
    "NoSecureRenegotiation",
    "Outcome",
    "Present",
    "ProxySpec",
    "Reload",
    "Renegotiate",
    "Replace",
    "Report",
    "Reset",
    "Restart",
    "Serve",
    "Setup",
    "Silent",
    "Step",
    "Tamper",
    "Then",
    "Upstream",
    "Usage",
    "Way",
    "Where",
    "but_in_3_0_7",
    "carrying",
    "case",
    "certificate_file",
    "chain",
    "cleartext",
    "constrained",
    "crashed",
    "crashed_midway",
    "cut",
    "delivered",
    "expired",
    "key_file",
    "keyed",
    "listening",
    "long_chain",
    "matrix",
    "named",
    "no_basic_constraints",
    "not_a_ca",
    "not_started",
    "not_yet_valid",
    "output",
    "path_length",
    "present",
    "refused",
    "refused_by_peer",
    "revoked",
    "scenario",
    "sha1",
    "stalled",
    "table",
    "tampered",
    "unknown_critical_extension",
    "usage",
    "with_client_certificate",
]

MARK: Final = "__handshake_axes__"
"""The attribute by which the catalogue knows a scenario function."""


@dataclass(frozen=True, slots=True)
class Then:
    """What is expected after a step."""

    does: Does
    should: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a scenario function gives back: the situation and what is expected of it."""

    setup: Setup
    does: Does
    should: Outcome | None = None
    because: str = ""
    """What this cell adds to the docstring."""
    refs: tuple[str, ...] = ()
    report: Report | None = None
    then: tuple[Then, ...] = ()
    fates: Fates | None = None


Declaration = TypeVar("Declaration", bound=Callable[..., Case])


def scenario(declaration: Declaration) -> Declaration:
    """Marks a function without axes as a scenario."""
    setattr(declaration, MARK, {})
    return declaration


def matrix(**axes: tuple[Any, ...]) -> Callable[[Declaration], Declaration]:
    """Marks a function as a scenario for each combination of these values."""

    def mark(declaration: Declaration) -> Declaration:
        setattr(declaration, MARK, axes)
        return declaration

    return mark


def combinations(axes: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values, the last axis running fastest."""
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def case(
    setup: Setup,
    does: Does,
    *then: Does | Then,
    should: Outcome | None = None,
    because: str = "",
    refs: tuple[str, ...] = (),
    report: Report | None = None,
    fates: Fates | None = None,
) -> Case:
    """A situation and what is expected of it; `should` where a careful operator wants otherwise.

    `report` is the public report that it plays; its URL is among the scenario's `refs`.

    Where the situation has steps, so have the expectations: one more for each step. `fates` says
    what has become of the records in the end, where it is more than that those of the steps that do
    not deliver are lost.
    """
    later = tuple(one if isinstance(one, Then) else Then(one) for one in then)
    return Case(
        setup=setup,
        does=does,
        should=should,
        because=because,
        refs=refs,
        report=report,
        then=later,
        fates=fates,
    )


def present(**fields: object) -> Present:
    """The peer is another from now on: these fields of its spec."""
    return Present(tuple(fields.items()))


def listening(mode: Mode = Mode.VERIFY_PEER, plugin: str = "http", **settings: Any) -> Setup:
    """An input of this Mode and a healthy shipper: the baseline that `.but(…)` breaks.

    The input has the collector's healthy certificate and key. Settings stay in the control twin.
    """
    agent = AgentSpec(
        plugin=plugin,
        mode=mode,
        crt=certificate_file(HEALTHY),
        key=key_file(LEAF),
        vhost=None,
    )
    made = Setup(agent=agent, peer=ShipperSpec()).but(**settings)
    return replace(made, whole=None)


def output(mode: Mode = Mode.VERIFY_PEER, **settings: Any) -> Setup:
    """An output of this Mode and a healthy collector: the baseline that `.but(…)` breaks.

    Settings are fields of the agent or of the collector that belong to the situation, not to the
    defect: they stay in the control twin.
    """
    made = Setup(agent=AgentSpec(mode=mode), peer=CollectorSpec()).but(**settings)
    return replace(made, whole=None)


def with_client_certificate(setup: Setup) -> Setup:
    """The same, with a healthy client certificate and its key."""
    made = setup.but(crt=certificate_file(CLIENT_CHAIN), key=key_file(CLIENT))
    return replace(made, whole=setup.whole)


def certificate_file(presented: Chain) -> File:
    """A PEM file with what a chain sends, leaf first."""
    return File(certs=presented.sent, stem="crt")


def key_file(owner: CertSpec, passphrase: str = "") -> File:
    """A PEM file with the key of a certificate."""
    return File(form=FileForm.KEY, certs=(owner,), passphrase=passphrase, stem="key")


def delivered(lines: tuple[str, ...] = (), client_subject: str | None = None) -> Does:
    """The records arrive over TLS: these very lines, from the agent of that subject, if given."""
    made = Does(outcome=Outcome.DELIVERED, lines=lines)
    return made.showing(client_subject=client_subject) if client_subject else made


def cleartext() -> Does:
    """The records go out unencrypted."""
    return Does(outcome=Outcome.CLEARTEXT)


def carrying(text: str, does: Does) -> Does:
    """The same, and the collector understands a record, in which this text stands."""
    return replace(does, carries=text)


def refused(alert: str) -> Does:
    """The agent refuses, with this alert."""
    return Does(outcome=Outcome.REFUSED_BY_AGENT, alert=alert)


def refused_by_peer(alert: str) -> Does:
    """The peer refuses, with this alert."""
    return Does(outcome=Outcome.REFUSED_BY_PEER, alert=alert)


def cut() -> Does:
    """The connection ends, and neither side says why."""
    return Does(outcome=Outcome.CUT)


def but_in_3_0_7(does: Does, checked: Does) -> Does:
    """The same, but 3.0.7 does this: it compares names wherever `tls.verify` is on.

    The check came with 3.0.7, and with 3.1 it was made a choice (`tls.verify_hostname`).
    """
    return does.before("3.0.7", does).before("3.1", checked)


def stalled(says: str | None = None) -> Does:
    """Nothing comes until the deadline; a line of the log holds these words, if they are given."""
    return Does(outcome=Outcome.STALLED, says=says)


def crashed_midway() -> Does:
    """A signal ends Fluent Bit once it is connected, before it has sent anything."""
    return replace(crashed(), outcome=Outcome.CUT)


def crashed() -> Does:
    """A signal ends Fluent Bit before it dials."""
    return Does(outcome=Outcome.NOT_STARTED, says="caught signal (SIGSEGV)", crashes=True)


def not_started(says: str) -> Does:
    """Fluent Bit exits before it dials, and a line of its log holds these words."""
    return Does(outcome=Outcome.NOT_STARTED, says=says)


def table(
    text: str, words: Mapping[str, Does], rows: tuple[str, ...], columns: tuple[str, ...]
) -> dict[tuple[str, str], Does]:
    """Expectations written as a table, `|` between its columns, row and column names in words.

    A cell is one of the `words`, or the alert with which the agent refuses. Raises ValueError when
    the table's rows and columns are not exactly those that are asked for.
    """
    lines = [line for line in text.strip().splitlines() if line.strip(" |-+")]
    head, *body = ([cell.strip() for cell in line.strip(" |").split("|")] for line in lines)
    if tuple(head[1:]) != columns:
        raise ValueError(f"the table's columns are {head[1:]}, not {list(columns)}")
    if tuple(row[0] for row in body) != rows:
        raise ValueError(f"the table's rows are {[row[0] for row in body]}, not {list(rows)}")
    return {
        (name, column): words.get(cell) or refused(cell)
        for name, *cells in body
        for column, cell in zip(columns, cells, strict=True)
    }
