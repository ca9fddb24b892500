"""A setup as JSON and back: by the types of its fields, and only what a section of ours needs."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from flb_handshake.bundles import archive
from flb_handshake.errors import UserMistake
from flb_handshake.model import AgentSpec, CollectorSpec, Role, Setup, ShipperSpec
from flb_handshake.trials.strangers import stranger

_AGENT: Final = (
    *("plugin", "mode", "ca", "crt", "key", "key_passwd", "ca_path", "host", "vhost"),
    "properties",
    "input_properties",
)
_COLLECTOR: Final = (
    *("chain", "client_auth", "client_ca", "acceptable", "min_version", "max_version"),
    *("ciphers", "suites", "groups", "alpn", "behaviour"),
)
_SHIPPER: Final = (
    *("chain", "trusts", "sni", "min_version", "max_version", "ciphers", "alpn", "http2"),
    "behaviour",
)
"""What is stored. A whole configuration, a service or variables could run anything: never."""

_LABEL: Final = "is"
"""The key that tells the type of an object."""

_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f]*")
_STEM: Final = re.compile(r"[a-z0-9-]{1,64}")
_DEEPEST: Final = 40


def to_json(setup: Setup) -> dict[str, Any]:
    """The agent and the peer as plain JSON values."""
    return {
        "role": setup.role.value,
        "agent": {name: _stored(getattr(setup.agent, name)) for name in _AGENT},
        "peer": {name: _stored(getattr(setup.peer, name)) for name in _PEERS[setup.role][1]},
    }


_PEERS: Final[Mapping[Role, tuple[type, tuple[str, ...]]]] = {
    Role.OUTPUT: (CollectorSpec, _COLLECTOR),
    Role.INPUT: (ShipperSpec, _SHIPPER),
}


def from_json(stored: Any) -> Setup:
    """The setup that `to_json` stored. Raises UserMistake for all else, and for what dials away."""
    try:
        kind, names = _PEERS[Role(stored["role"])]
        setup = Setup(
            agent=AgentSpec(**_fields(AgentSpec, stored["agent"], _AGENT)),
            peer=kind(**_fields(kind, stored["peer"], names)),
        )
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as wrong:
        raise UserMistake(
            f"the bundle holds no setup of ours: {wrong!r}", hint=archive.HINT
        ) from wrong
    if why := stranger(setup):
        raise UserMistake(
            f"the bundle is not played: {why}",
            hint="such a bundle was not written by `reproduce --bundle`: ask whoever sent it",
        )
    return setup


def _stored(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple):
        return [_stored(one) for one in value]
    if is_dataclass(value):
        held = {
            one.name: _stored(found)
            for one in fields(value)
            if (found := getattr(value, one.name)) != one.default or one.default is MISSING
        }
        return {_LABEL: type(value).__name__, **held}
    return value


def _fields(kind: type, stored: Any, names: tuple[str, ...]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    if unknown := set(stored) - set(names):
        raise ValueError(f"{kind.__name__} has no {min(unknown)!r} here")
    return {name: _read(hints[name], value, 0) for name, value in stored.items()}


def _read(hint: Any, value: Any, depth: int) -> Any:
    """The value as this type has it. Raises TypeError or ValueError."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    origin = typing.get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        return _one_of(typing.get_args(hint), value, depth)
    if origin is tuple:
        return _row(typing.get_args(hint), value, depth)
    if is_dataclass(hint):
        return _object(typing.cast("type", hint), value, depth)
    if hint is timedelta:
        return timedelta(seconds=float(value))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float and isinstance(value, int | float):
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"{value!r:.60} stands where {hint} should")
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        raise ValueError(f"{value!r:.60} has a control character")
    return value


def _one_of(hints: tuple[Any, ...], value: Any, depth: int) -> Any:
    if value is None and type(None) in hints:
        return None
    if isinstance(value, dict):
        label = value.get(_LABEL)
        hints = tuple(one for one in hints if is_dataclass(one) and _called(one) == label)
    else:
        hints = tuple(one for one in hints if not is_dataclass(one) and one is not type(None))
    if len(hints) != 1:
        raise TypeError(f"{value!r:.60} is none of those that can stand there")
    return _read(hints[0], value, depth + 1)


def _called(kind: Any) -> str:
    return str(kind.__name__)


def _row(hints: tuple[Any, ...], value: Any, depth: int) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.60} is no list")
    if hints[-1] is Ellipsis:
        return tuple(_read(hints[0], one, depth + 1) for one in value)
    return tuple(_read(hint, one, depth + 1) for hint, one in zip(hints, value, strict=True))


def _object(kind: type, value: Any, depth: int) -> Any:
    if not isinstance(value, dict) or value.get(_LABEL) != kind.__name__:
        raise TypeError(f"{value!r:.60} is no {kind.__name__}")
    hints = typing.get_type_hints(kind)
    read = {}
    for name, held in value.items():
        if name == _LABEL:
            continue
        if name == "text":  # a file's whole content: it has lines, and stands in no configuration
            read[name] = str(held)
        else:
            read[name] = _read(hints[name], held, depth + 1)
        if name == "stem" and not _STEM.fullmatch(read[name]):
            raise ValueError(f"{held!r:.60} is no name of a file")
    return kind(**read)
