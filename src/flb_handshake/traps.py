"""Combinations that look safe and are not: the rule, and which results show the same of them.

A configuration looks safe if it asks, in some word, for what it does not get, and says nowhere
plainly that it does not want it:

- it asks for TLS with any word for `tls` but a plain no, with `mode tls`, or, where `tls` is not
  set, with any other property that is about TLS; and the records travel in cleartext;
- it verifies (`tls.verify` is not plainly off, or another check is asked for beside it), and a
  wrong peer is believed, or a wrong name where `tls.verify_hostname` is not plainly off;
- an input verifies, or demands certificates, and lets in a client that has none; an output names a
  certificate and is taken for one without.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flb_handshake import wording
from flb_handshake.dossier import passed_over, used_properties
from flb_handshake.evidence import Evidence
from flb_handshake.explain import Cause
from flb_handshake.model import Role
from flb_handshake.outcomes import Exposure
from flb_handshake.results import Finding, Result

Used = Mapping[str, str]

_PLAIN_NO: Final = frozenset({"off", "no", "false", "0"})
_PLAIN_YES: Final = frozenset({"on", "true"})

_PLUMBING: Final = frozenset(
    {
        "alias",
        "match",
        "tag",
        "host",
        "listen",
        "port",
        "name",
        "workers",
        "retry_limit",
        "upstream",
        "uri",
        "format",
        "tls.debug",
        "tls.vhost",
    }
)
"""What the harness sets to run and to watch. `tls.vhost` says the name that `Host` would say."""

_DECIDING: Final[Mapping[tuple[Role, Exposure], tuple[str, ...]]] = {
    (Role.OUTPUT, Exposure.CLEARTEXT): ("tls", "mode"),
    (Role.OUTPUT, Exposure.WRONG_PEER_ACCEPTED): ("tls.verify",),
    (Role.OUTPUT, Exposure.NAME_UNCHECKED): ("tls.verify", "tls.verify_hostname"),
    (Role.OUTPUT, Exposure.ANONYMOUS_CLIENT_ACCEPTED): ("tls.crt_file", "tls.key_file"),
    (Role.INPUT, Exposure.CLEARTEXT): ("tls", "mode"),
    (Role.INPUT, Exposure.WRONG_PEER_ACCEPTED): ("tls.verify",),
    (Role.INPUT, Exposure.ANONYMOUS_CLIENT_ACCEPTED): ("tls.verify", "tls.verify_client_cert"),
}
"""The properties that say whether a configuration means to be safe from an exposure."""


class State:
    """How a property stands: what several words for the same have in common."""

    UNSET: Final = "not set"
    SET: Final = "set"
    OFF: Final = "off"
    ON: Final = "on"
    NO_BOOLEAN: Final = "no boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One step of one result on one release that shows a trap."""

    release: str
    result: Result
    step: Finding
    cause: Cause

    @property
    def properties(self) -> dict[str, str]:
        """What it sets, less what the harness sets to run and to watch."""
        return properties(self.step.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One thing that looks safe and is not, and everything that shows it."""

    role: Role
    exposure: Exposure
    why: str
    """In a few words: the cause, or the step that has changed something before."""
    states: tuple[tuple[str, str], ...]
    """The properties that decide, and how each of them stands."""
    sightings: tuple[Sighting, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The scenarios that show it, on whatever release."""
        return tuple(dict.fromkeys(one.result.scenario.id for one in self.sightings))

    @property
    def releases(self) -> frozenset[str]:
        """The releases that it is shown on."""
        return frozenset(one.release for one in self.sightings)

    @property
    def example(self) -> Sighting:
        """The smallest configuration that shows it, on the newest release that does.

        Of several as small it is the one that is seen on most releases.
        """
        seen: dict[str, list[Sighting]] = defaultdict(list)
        for one in self.sightings:
            seen[one.result.scenario.id].append(one)
        return min(seen.values(), key=lambda its: (len(its[-1].properties), -len(its)))[-1]

    def words(self, name: str) -> tuple[str, ...]:
        """The words that were given for a property."""
        found = (one.properties.get(name) for one in self.sightings)
        return tuple(dict.fromkeys(word for word in found if word is not None))


def properties(evidence: Evidence) -> dict[str, str]:
    """What a configuration sets that is its own, by lower-case names."""
    used = used_properties(evidence)
    meant = {name.lower(): value for name, value in evidence.facts.properties}
    rendered = all(used.get(name) == value for name, value in meant.items())
    found = meant if rendered else used
    return _own(found)


def around_the_node(evidence: Evidence) -> dict[str, str] | None:
    """The same of the output whose upstream file names the node that dials; None: there is none."""
    found = passed_over(evidence)
    return _own(found) if found else None


def _own(found: Used) -> dict[str, str]:
    return {name: value for name, value in found.items() if name not in _PLUMBING}


def _written(evidence: Evidence) -> dict[str, str]:
    """All that is written, and asks for something, also where that counts for nothing."""
    return {**passed_over(evidence), **used_properties(evidence)}


def looks_safe(evidence: Evidence, exposure: Exposure) -> bool:
    """Whether the configuration means to be safe from this exposure; see the module."""
    used = _written(evidence)
    role = Role(evidence.facts.role)
    if exposure is Exposure.CLEARTEXT:
        return _asks_for_tls(used)
    if exposure is Exposure.ANONYMOUS_CLIENT_ACCEPTED and role is Role.OUTPUT:
        return "tls.crt_file" in used
    beside = _BESIDE[role]
    if _state(used, "tls.verify") == State.OFF:
        return _state(used, beside) not in {State.UNSET, State.OFF}
    return exposure is Exposure.WRONG_PEER_ACCEPTED or _state(used, beside) != State.OFF


_BESIDE: Final = {Role.OUTPUT: "tls.verify_hostname", Role.INPUT: "tls.verify_client_cert"}
"""The check that goes beyond `tls.verify`."""


def _asks_for_tls(used: Used) -> bool:
    told = {name for name, value in used.items() if wording.wants_tls(name, value)}
    switch = _state(used, "tls")
    if switch == State.UNSET:
        return any(used[name].lower() not in _PLAIN_NO for name in told)
    return switch != State.OFF or "mode" in told


def _state(used: Used, name: str) -> str:
    word = used.get(name)
    if word is None:
        return State.UNSET
    if word.lower() in _PLAIN_NO:
        return State.OFF
    if word.lower() in _PLAIN_YES:
        return State.ON
    return "yes" if word.lower() == "yes" else State.NO_BOOLEAN


def _standing(used: Used, name: str) -> str:
    """How a property that decides stands: a file is set or is not, a mode is TLS or is not."""
    if name.endswith("_file"):
        return State.SET if name in used else State.UNSET
    if name == "mode":
        return "tls" if wording.wants_tls(name, used.get(name, "")) else State.UNSET
    return _state(used, name)


def traps(played: Mapping[str, Sequence[Result]]) -> list[Trap]:
    """Every trap that the results of these releases, the oldest first, show."""
    found: dict[tuple[Role, Exposure, str, tuple[tuple[str, str], ...]], list[Sighting]]
    found = defaultdict(list)
    for release, results in played.items():
        for one in results:
            for exposure, step, cause in _shown(one):
                role = Role(step.evidence.facts.role)
                used = _written(step.evidence)
                names = _DECIDING[role, exposure]
                states = tuple((name, _standing(used, name)) for name in names)
                sighting = Sighting(release=release, result=one, step=step, cause=cause)
                why = step.evidence.step or cause.cause.replace("_", " ")
                found[role, exposure, why, states].append(sighting)
    made = [
        Trap(role=role, exposure=exposure, why=why, states=states, sightings=tuple(sightings))
        for (role, exposure, why, states), sightings in found.items()
    ]
    return sorted(made, key=_order(tuple(played)))


def _order(releases: Sequence[str]) -> Callable[[Trap], tuple[int, int, int]]:
    """What is exposed first; then what the newest release still does; then what is seen most."""
    order = list(Exposure)

    def key(trap: Trap) -> tuple[int, int, int]:
        newest = max(map(releases.index, trap.releases))
        return order.index(trap.exposure), -newest, -len(trap.ids)

    return key


def _shown(one: Result) -> Iterator[tuple[Exposure, Finding, Cause]]:
    """Each exposure that looks safe, with the first step that shows it, and why."""
    told: set[Exposure] = set()
    for step in one.steps:
        for exposure in step.exposure:
            cause = _cause(step, exposure)
            if exposure not in told and cause and looks_safe(step.evidence, exposure):
                told.add(exposure)
                yield exposure, step, cause


def _cause(step: Finding, exposure: Exposure) -> Cause | None:
    """Why it is exposed in this way: a client without a certificate has a cause of its own."""
    anonymous = exposure is Exposure.ANONYMOUS_CLIENT_ACCEPTED
    fitting = (one for one in step.causes if one.cause.startswith("anonymous") is anonymous)
    return next(fitting, None)
