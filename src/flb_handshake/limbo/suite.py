"""Reads an x509-limbo test suite: JSON, as its published schema (version 1) describes it."""

from __future__ import annotations

import binascii
import datetime as dt
import fnmatch
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from flb_handshake.errors import UserMistake

_HINT: Final = "give the file limbo.json of the x509-limbo project (github.com/C2SP/x509-limbo)"
_VERSION: Final = 1
_BLOCK: Final = re.compile(
    r"\s*-----BEGIN (?P<label>[A-Z0-9 ]+)-----\n(?P<body>.*?)-----END (?P=label)-----\s*", re.DOTALL
)


class _Unreadable(ValueError):
    """What is wrong with a test case, in words."""


class Kind(StrEnum):
    """Whose certificate is validated."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"


class NameKind(StrEnum):
    """What a peer's name is."""

    RFC822 = "RFC822"
    DNS = "DNS"
    IP = "IP"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerName:
    """A name that the peer's certificate must bear."""

    kind: NameKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimboCase:
    """One test case of the suite; the certificates and the key are PEM."""

    id: str
    description: str
    kind: Kind
    succeeds: bool
    """What limbo expects of the validation."""
    peer: str
    intermediates: tuple[str, ...]
    trusted: tuple[str, ...]
    key: str | None
    time: dt.datetime | None
    """When the validation takes place; None: now."""
    names: tuple[PeerName, ...]
    features: tuple[str, ...]
    usages: tuple[str, ...]
    """The extended key usages that are demanded."""
    key_usages: tuple[str, ...]
    signatures: tuple[str, ...]
    """The signature algorithms that are allowed; empty: any."""
    depth: int | None
    crls: tuple[str, ...]

    @property
    def certificates(self) -> tuple[str, ...]:
        """All of them: the peer's, those above it, and those that are trusted."""
        return (self.peer, *self.intermediates, *self.trusted)


def read(path: Path) -> tuple[LimboCase, ...]:
    """The cases of a suite, in its order. Raises UserMistake, naming what is wrong and where."""
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserMistake(f"{path}: {error.strerror}", hint=_HINT) from error
    except ValueError as error:
        raise UserMistake(f"{path}: this is not JSON: {error}", hint=_HINT) from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("testcases"), list):
        raise UserMistake(f"{path}: this is no x509-limbo suite, it has no testcases", hint=_HINT)
    if loaded.get("version") != _VERSION:
        raise UserMistake(
            f"{path}: the suite's schema has version {loaded.get('version')!r}, not {_VERSION}",
            hint="give a suite of that version",
        )
    found: dict[str, LimboCase] = {}
    for position, one in enumerate(loaded["testcases"]):
        try:
            case = _case(one)
        except ValueError as error:
            name = one.get("id") if isinstance(one, dict) else None
            raise UserMistake(
                f"{path}: test case {name or f'number {position + 1}'}: {error}", hint=_HINT
            ) from error
        if case.id in found:
            raise UserMistake(
                f"{path}: two test cases are called {case.id}", hint="take one of them out"
            )
        found[case.id] = case
    return tuple(found.values())


def select(cases: Sequence[LimboCase], patterns: Sequence[str]) -> tuple[LimboCase, ...]:
    """Those whose id matches one of the globs, or holds it; no pattern selects all.

    Raises UserMistake for a pattern that matches none.
    """
    for pattern in patterns:
        if not any(_matches(one, pattern) for one in cases):
            raise UserMistake(
                f"no test case matches {pattern!r}", hint="give an id, a part of one, or a glob"
            )
    if not patterns:
        return tuple(cases)
    return tuple(one for one in cases if any(_matches(one, pattern) for pattern in patterns))


def _matches(case: LimboCase, pattern: str) -> bool:
    return pattern in case.id or fnmatch.fnmatchcase(case.id, pattern)


def _case(given: object) -> LimboCase:
    """Raises ValueError."""
    if not isinstance(given, dict):
        raise _Unreadable("it is no object")
    time = _field(given, "validation_time", str, optional=True)
    names = [_field(given, "expected_peer_name", dict, optional=True)]
    names += _field(given, "expected_peer_names", list)
    result = _field(given, "expected_result", str)
    if result not in {"SUCCESS", "FAILURE"}:
        raise _Unreadable(f"expected_result is {result!r}, neither SUCCESS nor FAILURE")
    key = _field(given, "peer_certificate_key", str, optional=True)
    return LimboCase(
        id=_field(given, "id", str),
        description=_field(given, "description", str),
        kind=Kind(_field(given, "validation_kind", str)),
        succeeds=result == "SUCCESS",
        peer=_pem(_field(given, "peer_certificate", str), "peer_certificate", "CERTIFICATE"),
        intermediates=_pems(given, "untrusted_intermediates", "CERTIFICATE"),
        trusted=_pems(given, "trusted_certs", "CERTIFICATE"),
        key=_pem(key, "peer_certificate_key", "PRIVATE KEY") if key is not None else None,
        time=_time(time) if time is not None else None,
        names=tuple(_name(one) for one in names if one is not None),
        features=_texts(given, "features", optional=True),
        usages=_texts(given, "extended_key_usage"),
        key_usages=_texts(given, "key_usage"),
        signatures=_texts(given, "signature_algorithms"),
        depth=_field(given, "max_chain_depth", int, optional=True),
        crls=_pems(given, "crls", "X509 CRL", optional=True),
    )


def _field(given: Mapping[str, Any], name: str, kind: type, *, optional: bool = False) -> Any:
    value = given.get(name)
    if value is None and optional:
        return None
    if not isinstance(value, kind):
        what = "missing" if name not in given else f"{type(value).__name__}, not {kind.__name__}"
        raise _Unreadable(f"{name} is {what}")
    return value


def _texts(given: Mapping[str, Any], name: str, *, optional: bool = False) -> tuple[str, ...]:
    values = _field(given, name, list, optional=optional) or []
    if not all(isinstance(one, str) for one in values):
        raise _Unreadable(f"{name} holds something that is no text")
    return tuple(values)


def _pems(
    given: Mapping[str, Any], name: str, label: str, *, optional: bool = False
) -> tuple[str, ...]:
    return tuple(_pem(one, name, label) for one in _texts(given, name, optional=optional))


def _pem(text: str, name: str, label: str) -> str:
    """The text, if it is one block of PEM; what is encoded in it can be as broken as it likes."""
    block = _BLOCK.fullmatch(text)
    if block is None or not block["label"].endswith(label):
        raise _Unreadable(f"{name} is no {label} in PEM")
    try:
        binascii.a2b_base64("".join(block["body"].split()), strict_mode=True)
    except binascii.Error as error:
        raise _Unreadable(f"{name} is broken PEM: {error}") from error
    return f"{text.strip()}\n"


def _name(given: object) -> PeerName:
    if not isinstance(given, dict):
        raise _Unreadable("an expected peer name is no object")
    kind = NameKind(_field(given, "kind", str))
    return PeerName(kind=kind, value=_field(given, "value", str))


def _time(text: str) -> dt.datetime:
    made = dt.datetime.fromisoformat(text)
    return made if made.tzinfo else made.replace(tzinfo=dt.UTC)
