"""Evidence: everything recorded in one run, from both ends; immutable, JSON, enough to judge again.

It knows nothing of what was expected, and it holds no private key: what is about to be written is
searched for one, and a line of a log or a configuration that tells a password is blanked.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from flb_handshake.errors import UserMistake
from flb_handshake.peer.events import Event, Kind

SCHEMA: Final = 2

_HINT: Final = "give a file that `flb-handshake run --evidence DIRECTORY` wrote"

_HIDDEN_KEY: Final = "(a private key stood here)"
_KEY_MARK: Final = "PRIVATE KEY-----"
_PRIVATE: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_HUSHED: Final = r"[\w.]*(?:passwd|password|shared_key|secret|token|api_?key|header)"
"""The properties of Fluent Bit's plugins whose value is a secret end like this; a `header` is
hidden whole, since it is where Authorization stands."""

_IS_SECRET: Final = re.compile(_HUSHED, re.IGNORECASE)
_PASSWORD: Final = re.compile(
    rf"(?im)^([ \t]*(?:-[ \t]+)?[\"']?{_HUSHED}[\"']?(?:[ \t]*[:=][ \t]*|[ \t]+))(\S.*)$"
)
"""A line that gives one, in the classic syntax or in YAML."""


def is_secret(name: str) -> bool:
    """Whether the value of this property must not be shown."""
    return _IS_SECRET.fullmatch(name) is not None


def redacted(text: str) -> str:
    """The text without private keys and without the values of passwords."""
    text = _PRIVATE.sub(_HIDDEN_KEY, text)
    return _PASSWORD.sub(r"\1(hidden)", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """What the agent was and what it did."""

    kind: str
    """docker, process or reference."""
    label: str
    """How reports name it: `Fluent Bit 5.1.1`, or the reference agent's whole name."""
    version: str
    tls_library: str
    config: str
    """The part of the configuration that is this scenario's."""
    log: tuple[str, ...]
    """The lines of the log that are this scenario's."""
    exit_code: int | None
    """None: it ran until the harness ended it."""
    shared: bool
    """Whether other scenarios ran in the same process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the files hold and what a careful agent would check: public material only."""

    role: str
    """Which part of Fluent Bit was tried: output (the TLS client) or input (the server)."""
    name: str
    """The name or address that the agent means to reach."""
    plugin: str
    properties: tuple[tuple[str, str], ...]
    chain: str
    """The chain that the peer has, in words."""
    sent: str
    """That chain, PEM."""
    anchors: str | None
    """What CA.File and `tls.ca_path` hold (or the system store, where the scenario fills it), PEM,
    CRLs included; None: unset, or nothing that can be read as PEM."""
    ca_file: str
    """What was done about CA.File, in words."""
    own: str
    """The agent's own certificates, PEM; empty: none."""
    client_auth: str
    """What a collector wants of the agent's certificate; empty for a shipper."""
    peer_anchors: str
    """What the peer trusts for the agent's certificates, PEM."""
    at: str
    """When it ran: ISO 8601, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One run."""

    scenario: str
    agent: AgentRun
    facts: Facts
    events: tuple[Event, ...]
    peer_library: str
    duration: float
    """Seconds from the start of the agent to the terminal event."""
    harness_error: str | None = None
    """Set when the harness failed; then nothing here speaks of the agent."""
    unsupported: str | None = None
    """Why this agent could not be given what the scenario needs."""
    host: Mapping[str, str] = field(default_factory=dict)
    step: str = ""
    """Of a run in steps: what changed before this part of it; empty for the beginning."""
    made: tuple[int, ...] = ()
    """The numbers of the records that were made in this step, where records are numbered."""
    then: tuple[Evidence, ...] = ()
    """The steps that followed, each with what happened in it alone."""

    @property
    def steps(self) -> tuple[Evidence, ...]:
        """This and the steps that followed."""
        return (self, *self.then)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, without keys and passwords."""
        stored = asdict(replace(self, then=()))
        stored["then"] = [one.to_json() for one in self.then]
        stored["events"] = [event.to_json() for event in self.events]
        stored["schema"] = SCHEMA
        stored["agent"]["config"] = redacted(self.agent.config)
        stored["agent"]["log"] = _redacted_lines(self.agent.log)
        stored["facts"]["properties"] = [
            [name, "(hidden)" if is_secret(name) else value]
            for name, value in self.facts.properties
        ]
        text = json.dumps(stored)
        plain = json.loads(text)
        return _without_keys(plain) if _KEY_MARK in text else plain  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Evidence:
        """The evidence that `to_json` wrote. Raises UserMistake for anything else."""
        try:
            if stored["schema"] != SCHEMA:
                raise UserMistake(
                    f"this evidence has schema {stored['schema']}, this version reads {SCHEMA}",
                    hint="judge it with the flb-handshake that wrote it, or record it anew",
                )
            agent = dict(stored["agent"])
            agent["log"] = tuple(agent["log"])
            facts = dict(stored["facts"])
            facts["properties"] = tuple((name, value) for name, value in facts["properties"])
            _check(stored, agent, facts)
            return cls(
                scenario=stored["scenario"],
                agent=AgentRun(**agent),
                facts=Facts(**facts),
                events=tuple(_event(event) for event in stored["events"]),
                peer_library=stored["peer_library"],
                duration=float(stored["duration"]),
                harness_error=stored["harness_error"],
                unsupported=stored["unsupported"],
                host=dict(stored["host"]),
                step=stored["step"],
                made=tuple(int(number) for number in stored["made"]),
                then=tuple(cls.from_json(one) for one in stored["then"]),
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise UserMistake(
                f"this is not evidence of flb-handshake: {error!r}",
                hint=_HINT,
            ) from error


def _redacted_lines(lines: Sequence[str]) -> list[str]:
    """Redacts a log, in which a key stands on lines of its own."""
    if any(_KEY_MARK in line for line in lines):
        return redacted("\n".join(lines)).split("\n")
    return [redacted(line) for line in lines]


def _without_keys(value: Any) -> Any:
    """Redacts JSON of any shape: what a user brought, or what arrived, can hold a key too."""
    if isinstance(value, str):
        return _PRIVATE.sub(_HIDDEN_KEY, value)
    if isinstance(value, dict):
        return {_without_keys(key): _without_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_keys(inner) for inner in value]
    return value


def _check(stored: Mapping[str, Any], agent: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Raises TypeError or ValueError for what `judge` and the reports would stumble over."""
    texts = [
        *(stored["scenario"], stored["step"], stored["peer_library"], *agent["log"]),
        *(value for name, value in agent.items() if name not in {"log", "exit_code", "shared"}),
        *(value for name, value in facts.items() if name not in {"properties", "anchors"}),
        *(text for pair in facts["properties"] for text in pair),
    ]
    may_be_absent = [stored["harness_error"], stored["unsupported"], facts["anchors"]]
    texts += [value for value in may_be_absent if value is not None]
    if wrong := [value for value in texts if not isinstance(value, str)]:
        raise TypeError(f"{wrong[0]!r} stands where a text should")
    if not isinstance(agent["exit_code"], int | None):
        raise TypeError(f"{agent['exit_code']!r} is no exit code")
    if any(one["then"] for one in stored["then"]):
        raise ValueError("a step has steps of its own")
    if dt.datetime.fromisoformat(facts["at"]).utcoffset() is None:
        raise ValueError(f"'{facts['at']}' has no time zone")


_TOLD_BY: Final[Mapping[Kind, Mapping[str, type]]] = {
    Kind.FIRST_BYTES: {"hex": str, "tls": bool},
    Kind.CLIENT_HELLO: {"versions": list, "alpn": list},
    Kind.STATE: {"name": str},
    Kind.ALERT: {"by": str, "level": str, "name": str},
    Kind.CLIENT_CHAIN: {"chain": list},
    Kind.SERVER_CHAIN: {"chain": list},
    Kind.CERTIFICATE_REQUEST: {"authorities": list},
    Kind.TLS_ERROR: {"reason": str},
    Kind.REQUEST: {"tls": bool, "records": list},
    Kind.ARRIVED: {"records": list, "count": int},
    Kind.SHIPPED: {"tls": bool, "records": list},
    Kind.CLOSED: {"by": str, "how": str},
}
"""The facts without which an event of this kind cannot be judged."""


def _event(stored: Mapping[str, Any]) -> Event:
    """Reads one event. Raises KeyError, TypeError or ValueError for what cannot be judged."""
    event = Event.from_json(stored)
    for name, kind in _TOLD_BY.get(event.kind, {}).items():
        if not isinstance(event.facts[name], kind):
            raise TypeError(f"{event.facts[name]!r} cannot be '{name}' of '{event.kind}'")
    if event.kind is Kind.ALERT and event.facts["by"] not in {"agent", "peer"}:
        raise ValueError(f"nobody is called {event.facts['by']!r}")
    if event.kind in {Kind.CLIENT_CHAIN, Kind.SERVER_CHAIN}:
        for pem in event.facts["chain"]:
            try:
                x509.load_pem_x509_certificate(pem.encode())
            except x509.InvalidVersion as error:
                raise ValueError(str(error)) from error
    return event


def write(directory: Path, evidence: Evidence, control: Evidence | None) -> Path:
    """Writes a run and its control twin's to a file named after the scenario. Raises OSError."""
    name = re.sub(r"[^A-Za-z0-9._=-]+", "_", evidence.scenario) or "evidence"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    stored = {
        "evidence": evidence.to_json(),
        "control": control.to_json() if control is not None else None,
    }
    path.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> tuple[Evidence, Evidence | None]:
    """Reads what `write` wrote. Raises UserMistake."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError) as error:
        raise UserMistake(f"{path} cannot be read as evidence: {error}", hint=_HINT) from error
    if not isinstance(stored, dict) or not isinstance(stored.get("evidence"), dict):
        raise UserMistake(f"{path} holds no evidence", hint=_HINT)
    control = stored.get("control")
    return (
        Evidence.from_json(stored["evidence"]),
        Evidence.from_json(control) if isinstance(control, dict) else None,
    )


def pack(all_of_it: Sequence[Evidence]) -> list[str]:
    """Many evidences as JSON lines; the first line holds, once each, the values that repeat."""
    stored = [one.to_json() for one in all_of_it]
    counts: Counter[str] = Counter()
    _count(stored, counts)
    table = {text: number for number, text in enumerate(t for t, n in counts.items() if n > 1)}
    shared = [json.loads(text) for text in table]
    return [_compact(shared), *(_compact(_shortened(one, table)) for one in stored)]


def unpack(lines: Sequence[str]) -> list[Evidence]:
    """What `pack` packed. Raises UserMistake."""
    try:
        shared = json.loads(lines[0])
        whole = [_lengthened(json.loads(line), shared) for line in lines[1:]]
    except (IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise UserMistake(f"this is not packed evidence: {error!r}", hint=_HINT) from error
    return [Evidence.from_json(one) for one in whole]


_MARK: Final = "@"
"""The only key of an object that stands for something else: for a shared value, by its number; or,
by a list of one, for an object that has this key itself."""

_WORTH_SHARING: Final = 48
"""Characters from which on a repeated value is written once."""


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _is_leaf(value: Any) -> bool:
    """What is shared: a text, or a list of texts."""
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(inner, str) for inner in value)
    )


def _count(value: Any, counts: Counter[str]) -> None:
    if _is_leaf(value):
        if len(text := _compact(value)) >= _WORTH_SHARING:
            counts[text] += 1
    elif isinstance(value, dict):
        for inner in value.values():
            _count(inner, counts)
    elif isinstance(value, list):
        for inner in value:
            _count(inner, counts)


def _shortened(value: Any, table: Mapping[str, int]) -> Any:
    if _is_leaf(value):
        number = table.get(_compact(value))
        return value if number is None else {_MARK: number}
    if isinstance(value, dict):
        short = {key: _shortened(inner, table) for key, inner in value.items()}
        return {_MARK: [short[_MARK]]} if short.keys() == {_MARK} else short
    if isinstance(value, list):
        return [_shortened(inner, table) for inner in value]
    return value


def _lengthened(value: Any, shared: Sequence[Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_MARK}:
            meant = value[_MARK]
            if isinstance(meant, list):
                return {_MARK: _lengthened(meant[0], shared)}
            return shared[meant]
        return {key: _lengthened(inner, shared) for key, inner in value.items()}
    if isinstance(value, list):
        return [_lengthened(inner, shared) for inner in value]
    return value
