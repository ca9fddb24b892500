"""What of a behaviour can be told before anybody connects: when it sets in, and if it can."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flb_handshake.behaviours import (
    Alert,
    Behaviour,
    Close,
    Drip,
    Fragment,
    Moment,
    NoSecureRenegotiation,
    Reset,
    Silent,
)
from flb_handshake.model import CollectorSpec
from flb_handshake.peer.events import ALERT_NAMES
from flb_handshake.peer.records import Fragmenter, Reshape, without_renegotiation_info

_UNENCRYPTED: Final = frozenset({Moment.CONNECTED, Moment.CLIENT_HELLO, Moment.SERVER_HELLO})


def moment_of(behaviour: Behaviour) -> Moment | None:
    """When it sets in; None: it has no such moment."""
    if isinstance(behaviour, Silent | Close | Reset | Drip | Alert):
        return behaviour.at
    return None


def ends_at(behaviour: Behaviour, moment: Moment) -> bool:
    """Whether the peer's part is over at that moment."""
    return moment_of(behaviour) is moment and not isinstance(behaviour, Drip)


def reshape_of(behaviour: Behaviour) -> Reshape:
    """What it does to the records of a handshake on their way out."""
    if isinstance(behaviour, Fragment):
        return Fragmenter(behaviour.bytes)
    return without_renegotiation_info if isinstance(behaviour, NoSecureRenegotiation) else bytes


def check(spec: CollectorSpec) -> None:
    """Raise ValueError for what no collector can do; it says why."""
    if spec.proxy is not None:
        HTTPStatus(spec.proxy.status)
    if moment_of(spec.behaviour) is Moment.HALF_HELLO:
        raise ValueError("a collector sends no ClientHello: its middle is a moment of a shipper")
    check_behaviour(spec.behaviour)


def check_behaviour(behaviour: Behaviour) -> None:
    """Raise ValueError for what no peer can do, on either end; it says why."""
    moment = moment_of(behaviour)
    if isinstance(behaviour, Alert):
        if moment not in _UNENCRYPTED:
            raise ValueError(f"an unencrypted alert is not possible {moment}")
        if behaviour.name not in ALERT_NAMES:
            raise ValueError(f"'{behaviour.name}' is no alert's name in IANA's registry")
    if isinstance(behaviour, Drip | Fragment) and behaviour.bytes < 1:
        raise ValueError("a peer cannot speak less than one byte at a time")
    if isinstance(behaviour, Drip) and behaviour.every < 0:
        raise ValueError("the time between two portions cannot be negative")
