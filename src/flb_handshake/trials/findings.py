"""What a trial found out, in the words of a check: rule, place, reason, fix, proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flb_handshake import results
from flb_handshake.config.words import Kind, Section, Spot
from flb_handshake.explain import fix_line
from flb_handshake.lint.finding import Finding, Severity
from flb_handshake.lint.policy import Policy
from flb_handshake.trials.mutants import Wrong
from flb_handshake.trials.trial import Trial, blamed
from flb_handshake.verdict import observed_words


@dataclass(frozen=True, slots=True)
class _Breach:
    """What it means that a section lets this through."""

    rule: str
    text: str
    fix: str
    scenario: str


_VERIFY: Final = "Set `tls.verify on`, and in tls.ca_file the CA that issued the collector's chain."
_DEMAND: Final = "Set `tls.verify on` and `tls.verify_client_cert on` (5.0 and later)."
_ADMIT: Final = "Set `tls.verify on`, and in tls.ca_file the CA that issues your clients."

_BREACHES: Final[Mapping[Wrong, _Breach]] = {
    Wrong.OTHER_CA: _Breach(
        "takes-another-ca",
        "it delivers to a collector whose certificate another CA issued: anybody can be that",
        _VERIFY,
        "mode.cell[mode=none-ca=other_root-collector=healthy]",
    ),
    Wrong.NAME: _Breach(
        "takes-any-name",
        "it delivers to a collector whose certificate bears another name",
        "Set `tls.verify on` and `tls.verify_hostname on` (3.1 and later).",
        "names.dialled_by_a_name_of_another[mode=verify_peer]",
    ),
    Wrong.EXPIRED: _Breach(
        "takes-expired",
        "it delivers to a collector whose certificate has expired",
        _VERIFY,
        "mode.cell[mode=none-ca=root-collector=expired]",
    ),
    Wrong.SELF_SIGNED: _Breach(
        "takes-self-signed",
        "it delivers to a collector with a certificate that it signed itself",
        _VERIFY,
        "mode.cell[mode=none-ca=other_root-collector=healthy]",
    ),
    Wrong.NO_INTERMEDIATE: _Breach(
        "takes-incomplete-chain",
        "it delivers to a collector whose chain leads to no CA that it trusts",
        _VERIFY,
        "mode.cell[mode=none-ca=root-collector=no_intermediate]",
    ),
    Wrong.CLEARTEXT: _Breach(
        "takes-cleartext",
        "it delivers to a peer that speaks no TLS",
        "Set `tls on`.",
        "mode.off[ca=root-collector=healthy]",
    ),
    Wrong.ANONYMOUS: _Breach(
        "takes-anonymous-clients",
        "it takes records of a client without a certificate",
        _DEMAND,
        "server_role.cell[http=1.1-mode=verify_peer-ca=right-shipper=no_certificate]",
    ),
    Wrong.FOREIGN: _Breach(
        "takes-foreign-clients",
        "it takes records of a client whose certificate another CA issued",
        _ADMIT,
        "server_role.cell[http=1.1-mode=none-ca=right-shipper=other_CA]",
    ),
    Wrong.EXPIRED_CLIENT: _Breach(
        "takes-expired-clients",
        "it takes records of a client whose certificate has expired",
        _ADMIT,
        "server_role.cell[http=1.1-mode=none-ca=right-shipper=expired]",
    ),
}


def _of_a_proxy(found: _Breach, wrong: Wrong) -> _Breach:
    """The same of an HTTPS proxy, which is judged by `tls.proxy.…`."""
    by_name = wrong is Wrong.NAME
    known = "another_host_verify_hostname_off" if by_name else "another_CA_verify_off"
    return _Breach(
        rule=found.rule,
        text=found.text.replace("delivers to a collector", "goes through a proxy"),
        fix=f"Leave out `tls.proxy.verify{'_hostname' if by_name else ''} off`: it is on unasked.",
        scenario=f"transport.proxy[proxy=https_{known}]",
    )


_LOOK: Final = "Run it with `log_level debug` and `tls.debug 1`, and see what the log says."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def findings(trial: Trial, policy: Policy) -> tuple[Finding, ...]:
    """What this policy does not put up with, each at the line to blame."""
    if trial.failure:
        version = trial.healthy.evidence.agent.version
        return (not_played(trial.section, trial.failure, _ANOTHER_AGENT, version),)
    healthy = trial.healthy.observation
    if plain := trial.in_cleartext:
        said = "it sends its records in cleartext"
        return (_of_run(trial, plain, "sends-cleartext", said),)
    if not trial.delivers:
        said = f"it does not deliver to a healthy peer: {observed_words(healthy)}"
        return (_of_run(trial, trial.healthy, "does-not-deliver", said),)
    return tuple(_breach(trial, one.wrong) for one in trial.let_through(policy))


_ANOTHER_AGENT: Final = "Play it with another agent or release: --agent, --fluent-bit."


def not_played(section: Section, why: str, instead: str, version: str) -> Finding:
    """A section of which playing says nothing: no good news, and no bad."""
    return Finding(
        rule="not-played",
        severity=Severity.NOTE,
        spot=section.spot,
        text=f"{section.called} was not played: {why}.",
        fix=instead,
        releases=(version,),
        played=True,
    )


def _of_run(trial: Trial, found: results.Finding, rule: str, said: str) -> Finding:
    causes = found.all_causes
    why = f" ({causes[0].because})" if causes else ""
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        spot=_spot(trial.section, None if rule == "does-not-deliver" else Wrong.CLEARTEXT),
        text=f"{trial.section.called}, played: {said}{why}.",
        fix=_sentence(fix_line(causes)) if causes else _LOOK,
        scenario=None,
        releases=(trial.healthy.evidence.agent.version,),
        of_proxy=trial.section.kind is Kind.PROXY,
        played=True,
    )


def _breach(trial: Trial, wrong: Wrong) -> Finding:
    found = _BREACHES[wrong]
    if trial.section.kind is Kind.PROXY:
        found = _of_a_proxy(found, wrong)
    return Finding(
        rule=found.rule,
        severity=Severity.ERROR,
        spot=_spot(trial.section, wrong),
        text=f"{trial.section.called}, played: {found.text}.",
        fix=found.fix,
        scenario=found.scenario,
        releases=(trial.healthy.evidence.agent.version,),
        of_proxy=trial.section.kind is Kind.PROXY,
        played=True,
    )


def _spot(section: Section, wrong: Wrong | None) -> Spot:
    guilty = blamed(section, wrong)
    return guilty.spot if guilty is not None else section.spot
