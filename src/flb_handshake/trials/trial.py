"""A configuration played section by section: what it delivers, and what it should have refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flb_handshake.agent.contract import Agent
from flb_handshake.config.words import Configuration, Kind, Property, Section
from flb_handshake.evidence import Evidence
from flb_handshake.lint.policy import Policy
from flb_handshake.model import Setup
from flb_handshake.outcomes import Outcome
from flb_handshake.planning import Play
from flb_handshake.results import Finding, finding
from flb_handshake.session import Session
from flb_handshake.trials.mutants import Mutant, Wrong, mutants
from flb_handshake.trials.own_pki import OwnPki
from flb_handshake.trials.stand_ins import StandIn, Unplayed, speaks_of_tls, stand_ins

_BY_DEFAULT = frozenset({Wrong.NAME, Wrong.ANONYMOUS})
"""What the default policy puts up with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a section made of one peer."""

    wrong: Wrong
    found: Finding

    @property
    def is_let_through(self) -> bool:
        """Whether records went where, or came from where, they must not."""
        return self.found.observation.outcome.arrived

    @property
    def is_refused(self) -> bool:
        """Whether it met that peer and nothing went through; else nobody knows."""
        return self.found.observation.outcome in _REFUSALS


_REFUSALS = frozenset(
    {Outcome.REFUSED_BY_AGENT, Outcome.REFUSED_BY_PEER, Outcome.CUT, Outcome.STALLED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One section, played: an input, an output, or a node of an upstream file."""

    section: Section
    healthy: Finding
    answers: tuple[Answer, ...] = ()
    note: str = ""
    """What of it was not played; empty: nothing."""

    @property
    def delivers(self) -> bool:
        """Whether the record arrived over TLS, with nothing wrong."""
        return self.healthy.observation.outcome is Outcome.DELIVERED

    def let_through(self, policy: Policy) -> tuple[Answer, ...]:
        """What it lets through and this policy does not put up with."""
        fine = _BY_DEFAULT if policy is Policy.DEFAULT else frozenset()
        return tuple(one for one in self.answers if one.is_let_through and one.wrong not in fine)

    @property
    def harness_error(self) -> bool:
        """Whether the harness failed in any of it, so that nobody knows the whole answer."""
        every = (self.healthy, *(one.found for one in self.answers))
        return any(one.evidence.harness_error for one in every)

    @property
    def in_cleartext(self) -> Finding | None:
        """The run in which its records went in cleartext, as TLS is off; None: there is none.

        Who waits for the collector's first word, as forward with a `shared_key` does, shows it
        only to one that speaks no TLS.
        """
        outcome = self.healthy.observation.outcome
        if outcome is Outcome.CLEARTEXT:
            return self.healthy
        plain = (one for one in self.answers if one.wrong is Wrong.CLEARTEXT and one.is_let_through)
        return next((one.found for one in plain), None) if outcome is Outcome.STALLED else None

    @property
    def failure(self) -> str:
        """Why the harness could not play it, or this Fluent Bit lacks something; empty: played."""
        evidence = self.healthy.evidence
        return evidence.harness_error or evidence.unsupported or ""


def blamed(section: Section, wrong: Wrong | None) -> Property | None:
    """The property that lets it through, or, where nothing is wrong, that keeps it from delivering.

    None: the section itself, which leaves out what would have to be said.
    """
    names = _BLAMED[wrong]
    return next((found for name in names if (found := section.find(name)) is not None), None)


_CHAIN = ("tls.verify", "tls.ca_file", "tls.ca_path", "tls")
_BLAMED: Mapping[Wrong | None, tuple[str, ...]] = {
    None: ("tls.ca_file", "tls.crt_file", "tls.key_file", "tls"),
    Wrong.NAME: ("tls.verify_hostname", "tls.verify", "tls"),
    Wrong.ANONYMOUS: ("tls.verify_client_cert", "tls.verify", "tls"),
    Wrong.CLEARTEXT: ("tls",),
    **dict.fromkeys(
        (
            Wrong.OTHER_CA,
            Wrong.EXPIRED,
            Wrong.SELF_SIGNED,
            Wrong.NO_INTERMEDIATE,
            Wrong.FOREIGN,
            Wrong.EXPIRED_CLIENT,
        ),
        _CHAIN,
    ),
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    stood: StandIn
    broken: tuple[Mutant, ...]


def try_all(
    configuration: Configuration,
    agent: Agent,
    progress: Callable[[int, int], None] = lambda *_: None,
    *,
    own: OwnPki | None = None,
) -> tuple[tuple[Trial, ...], tuple[Unplayed, ...]]:
    """Plays each input, output and node that speaks of TLS.

    `own`: with the user's own certificates. Raises HarnessFailure, and CertificateFileError
    for a file of theirs.
    """
    sections = [
        one
        for one in (*configuration.of(Kind.INPUT), *configuration.of(Kind.OUTPUT))
        if speaks_of_tls(one)
    ]
    stood = [end for one in sections for end in stand_ins(one, agent.lacks)]
    played = [one for one in stood if isinstance(one, StandIn)]
    if own is not None:
        played = [own.stood(one) for one in played]
    wanted = [_Wanted(one, mutants(one)) for one in played]
    session = Session(agent=agent)
    session.play(_plays(wanted), progress)
    trials = tuple(_trial(one, session.evidence) for one in wanted)
    return trials, tuple(one for one in stood if isinstance(one, Unplayed))


def _plays(wanted: Sequence[_Wanted]) -> list[Play]:
    """Each may keep its process from starting: nobody has tried these settings before."""
    found = []
    for number, one in enumerate(wanted, 1):
        base = f"check.{number}"
        found.append(Play(alias=f"{base}.healthy", setup=one.stood.healthy, doubtful=True))
        found += [
            Play(alias=f"{base}.{mutant.wrong.name.lower()}", setup=mutant.setup, doubtful=True)
            for mutant in one.broken
        ]
    return found


def _trial(wanted: _Wanted, evidence: Mapping[Setup, Evidence]) -> Trial:
    twin = evidence[wanted.stood.healthy]
    answers = tuple(
        Answer(wrong=one.wrong, found=finding(evidence[one.setup], twin)) for one in wanted.broken
    )
    return Trial(
        section=wanted.stood.section,
        healthy=finding(twin, None),
        answers=answers,
        note=wanted.stood.note,
    )
