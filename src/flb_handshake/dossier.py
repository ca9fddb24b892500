"""One run's evidence as a diagnosis needs it: certificates read, properties as they were used."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cryptography import x509

from flb_handshake import flaws, trust
from flb_handshake.agent import logs
from flb_handshake.evidence import Evidence
from flb_handshake.judge import Observation
from flb_handshake.model import CAFile, Role
from flb_handshake.peer.events import PROXY_LAYER, Event, Kind

_YES: Final = frozenset({"on", "true", "yes"})
_NO: Final = frozenset({"off", "false", "no"})
"""The words that Fluent Bit takes for booleans, in any case (flb_utils_bool)."""

_FORCED: Final = (3, 0, 7)
"""The one release that checks the name whenever it verifies."""

_OPTIONAL_SINCE: Final = (3, 1, 0)
"""`tls.verify_hostname` exists from here on."""

_RIGHT_ROOT: Final = frozenset(
    {
        CAFile.ROOT,
        CAFile.INTERMEDIATE_AND_ROOT,
        CAFile.OTHER_AND_ROOT,
        CAFile.CRLF,
        CAFile.ROOT_AND_CRL,
    }
)

_SERVER: Final = x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
_CLIENT: Final = x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH

_VERSIONS: Final = {"tlsv1": 0, "tlsv1.0": 0, "tlsv1.1": 1, "tlsv1.2": 2, "tlsv1.3": 3}
"""How Fluent Bit 4.0 to 5.1 spells a version (in any case), in order."""

_READS_YES_AND_NO: Final = (2, 1, 8)
"""Before, every word but `on` and `true` counts as off."""

_LONGEST: Final = 200
"""Characters of a line that are quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What is known of one run."""

    evidence: Evidence
    observation: Observation
    used: Mapping[str, str]
    """The plugin's properties by their lower-case names."""
    sent: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]
    own: tuple[x509.Certificate, ...]
    peer_anchors: tuple[x509.Certificate, ...]
    at: dt.datetime

    @property
    def has_node(self) -> bool:
        """Whether it dials the node of an upstream file, whose properties are those in `used`."""
        return any(name == "node" for name, _ in _sections(self.evidence.agent.config))

    @property
    def is_input(self) -> bool:
        """Whether the agent was the TLS server, and its peer a shipper."""
        return self.evidence.facts.role == Role.INPUT

    @property
    def signs(self) -> Mapping[str, str]:
        """The log's signs: name and text."""
        return {sign.name: sign.text for sign in self.observation.signs}

    @property
    def version(self) -> tuple[int, ...]:
        """The agent's release; unknown ones count as the newest."""
        numbers = re.findall(r"\d+", self.evidence.agent.version)[:3]
        return tuple(int(number) for number in numbers) or (9999,)

    def word(self, name: str) -> str | None:
        """The value of a property, None when it is unset."""
        return self.used.get(name)

    def is_on(self, name: str, *, default: bool) -> bool | None:
        """A switch as Fluent Bit reads it; None for a word that is no boolean."""
        word = self.used.get(name)
        if word is None:
            return default
        if self.version < _READS_YES_AND_NO:
            return word.lower() in {"on", "true"}
        return True if word.lower() in _YES else False if word.lower() in _NO else None

    def says_no(self, name: str) -> bool:
        """Whether a property is set to a plain no, as anybody reads it."""
        return self.used.get(name, "").lower() in _NO

    @property
    def verifies(self) -> bool:
        """Whether the agent checks the chain: any word but a plain no does."""
        return self.is_on("tls.verify", default=True) is not False

    @property
    def can_check_names(self) -> bool:
        """Whether this release has `tls.verify_hostname`."""
        return self.version >= _OPTIONAL_SINCE

    @property
    def checks_name(self) -> bool:
        """Whether the agent compares the name: both switches must be plainly on."""
        if self.is_on("tls.verify", default=True) is not True:
            return False
        asked = self.is_on("tls.verify_hostname", default=False) is True
        return self.version == _FORCED or (self.can_check_names and asked)

    @property
    def name(self) -> str:
        """The name that is checked: of a host's own name the dot at the end is taken away."""
        name = self.evidence.facts.name
        return name if "tls.vhost" in self.used else name.rstrip(".")

    @property
    def ca_file_would_do(self) -> bool:
        """Whether CA.File is known to hold the root of the collector's chain."""
        return self.evidence.facts.ca_file in _RIGHT_ROOT

    def peer_flaws(self, name: str | None) -> list[flaws.Flaw]:
        """What is wrong with the peer's chain, as the agent sees it."""
        return flaws.flaws(
            self.sent,
            self.anchors,
            self.at,
            usage=_CLIENT if self.is_input else _SERVER,
            name=name,
            known=(*self.own, *self.peer_anchors),
            crls=trust.revocation_lists(self.evidence.facts.anchors or ""),
        )

    def own_flaws(self) -> list[flaws.Flaw]:
        """What is wrong with the agent's own chain, as the peer sees it."""
        return flaws.flaws(
            self.own,
            self.peer_anchors,
            self.at,
            usage=_SERVER if self.is_input else _CLIENT,
            known=(*self.sent, *self.anchors),
        )

    @property
    def all_signed(self) -> bool:
        """Whether every signature of the peer's chain, up to an anchor, is proven right."""
        route = flaws.path(self.sent, self.anchors)
        linked = all(trust.signed(lower, upper) for lower, upper in pairwise(route))
        return linked and route[-1] in self.anchors

    def events(self, kind: Kind) -> list[Event]:
        """The events of one kind, those with a proxy before the peer left out."""
        return [event for event in self._of_layer(None) if event.kind is kind]

    def proxy_events(self, kind: Kind) -> list[Event]:
        """The events of one kind between the agent and an HTTP proxy."""
        return [event for event in self._of_layer(PROXY_LAYER) if event.kind is kind]

    def _of_layer(self, layer: str | None) -> list[Event]:
        return [event for event in self.evidence.events if event.facts.get("layer") == layer]

    @property
    def ended_by(self) -> tuple[str, str]:
        """Who ended the last connection (agent or peer; empty: nobody), and how."""
        closed = self.events(Kind.CLOSED)
        return (closed[-1].facts["by"], closed[-1].facts["how"]) if closed else ("", "")

    @property
    def answered(self) -> bool:
        """Whether the server got so far as to answer the ClientHello."""
        return any("server hello" in event.facts["name"] for event in self.events(Kind.STATE))

    @property
    def unparsable_bound(self) -> str | None:
        """The property that is to bound the protocol version, and names none."""
        bounds = ("tls.min_version", "tls.max_version")
        return next((name for name in bounds if self._names_no_version(name)), None)

    def _names_no_version(self, name: str) -> bool:
        return name in self.used and self.used[name].lower() not in _VERSIONS

    @property
    def clashing_bounds(self) -> bool:
        """Whether `tls.min_version` is above `tls.max_version`."""
        bounds = [self.word("tls.min_version"), self.word("tls.max_version")]
        lowest, highest = (_VERSIONS.get((word or "").lower()) for word in bounds)
        return lowest is not None and highest is not None and lowest > highest

    @property
    def peer_says(self) -> str:
        """The words of the peer's TLS library."""
        return "; ".join(str(event.facts["reason"]) for event in self.events(Kind.TLS_ERROR))

    @property
    def said(self) -> str:
        """The agent's most telling line: the last of its TLS, or its last error or warning."""
        parsed = [line for raw in self.evidence.agent.log if (line := logs.parse(raw))]
        loud = [line.text for line in parsed if line.level is logs.Level.ERROR]
        of_tls = [text for text in loud if text.startswith("[tls] error")]
        warned = [line.text for line in parsed if line.level is logs.Level.WARN]
        return (of_tls or loud or warned or ["nothing"])[-1][:_LONGEST]


def read(evidence: Evidence, observation: Observation) -> Dossier:
    """The dossier of this run."""
    facts = evidence.facts
    return Dossier(
        evidence=evidence,
        observation=observation,
        used=used_properties(evidence),
        sent=tuple(trust.certificates(facts.sent)),
        anchors=tuple(trust.certificates(facts.anchors or "")),
        own=tuple(trust.certificates(facts.own)),
        peer_anchors=tuple(trust.certificates(facts.peer_anchors)),
        at=dt.datetime.fromisoformat(facts.at),
    )


def used_properties(evidence: Evidence) -> dict[str, str]:
    """The plugin's properties, from its configuration: the facts only know what was meant.

    Those of its node, where an upstream file has one: that is what dials.
    """
    facts = evidence.facts
    sections = _sections(evidence.agent.config)
    for name, entries in sections:
        if name == "node":
            return entries
    role = [entries for name, entries in sections if name == facts.role]
    ours = [entries for entries in role if entries.get("name") == facts.plugin]
    for entries in (*ours, *role):
        return entries
    return {name.lower(): value for name, value in facts.properties}


def passed_over(evidence: Evidence) -> dict[str, str]:
    """What an output sets that names an upstream file: its nodes take nothing of it."""
    sections = _sections(evidence.agent.config)
    if all(name != "node" for name, _ in sections):
        return {}
    return next((set_ for name, set_ in sections if name == "output" and "upstream" in set_), {})


def _sections(config: str) -> list[tuple[str, dict[str, str]]]:
    """The sections of a classic configuration: name, and keys in lower case."""
    found: list[tuple[str, dict[str, str]]] = []
    for raw in config.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            found.append((line[1:-1].strip().lower(), {}))
        elif found and line and not line.startswith(("#", "<")):
            key, _, value = line.partition(" ")
            found[-1][1][key.lower()] = value.strip()
    return found
