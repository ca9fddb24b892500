"""Why an output cannot be played, and what to do instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from flb_handshake.agent.contract import Capability
from flb_handshake.config.words import KEPT_ELSEWHERE, Kind, Property, Section
from flb_handshake.peer.protocols import SPOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What is in the way, in words that follow "was not played:"."""

    reason: str
    instead: str = (
        "See by hand that it refuses whom it should: openssl s_server with a certificate of "
        "another name, or of another CA, shows it."
    )


CLIENTS_BY_HAND: Final = (
    "See by hand, if it serves TLS, that it refuses whom it should: openssl s_client without a "
    "certificate, or with one of another CA, shows it."
)

_OPENS_NO_TLS: Final = frozenset(
    {
        "counter",
        "exit",
        "file",
        "flowcounter",
        "null",
        "plot",
        "prometheus_exporter",
        "stdout",
        "udp",
        "vivo_exporter",
    }
)

_LEAVE_OUT: Final = "Nothing is to be checked here: leave its `tls` properties out."

_PUBLIC: Final = (
    "Its host is public, and Fluent Bit verifies it against the system's CAs unless told not to: "
    "leave `tls.verify` on, set `tls.verify_hostname on`, and see with openssl s_client that your "
    "machine trusts the host."
)


def _fixed(whose: str) -> Obstacle:
    reason = f"it dials hosts of {whose} that no property moves elsewhere"
    return Obstacle(reason=reason, instead=_PUBLIC)


OF_A_PLUGIN: Final[Mapping[str, Obstacle]] = {
    "kafka": Obstacle(
        reason="its TLS is librdkafka's own, with properties of its own (rdkafka.ssl.…)",
        instead="Set `rdkafka.security.protocol` to ssl or sasl_ssl, `rdkafka.ssl.ca.location` and "
        "`rdkafka.ssl.endpoint.identification.algorithm https`, and leave "
        "`rdkafka.enable.ssl.certificate.verification` alone; `rdkafka.debug security` logs what "
        "librdkafka makes of your broker.",
    ),
    "pgsql": Obstacle(
        reason="its TLS is libpq's own, set by the environment (PGSSLMODE, PGSSLROOTCERT)",
        instead="Set PGSSLMODE=verify-full, and in PGSSLROOTCERT the CA: libpq checks neither CA "
        "nor name unless told to. psql with the same variables says what it makes of your server.",
    ),
    "azure_blob": Obstacle(
        reason="our peer does not answer as a blob store of Azure's does", instead=_PUBLIC
    ),
    "azure_kusto": _fixed("Microsoft"),
    "bigquery": _fixed("Google"),
    "calyptia": _fixed("Chronosphere"),
    "chronicle": _fixed("Google"),
    "gcs": _fixed("Google"),
    "oracle_log_analytics": _fixed("Oracle"),
    "stackdriver": _fixed("Google"),
}
"""Outputs of which none can be played."""

_OF_A_ROLE: Final = frozenset({"aws_role_arn", "role_arn"})
_OWN_KEY: Final = frozenset({"oauth2.jwt_key_file"})
_ASKS_ANOTHER: Final = frozenset({"authorization_endpoint_url"})


def obstacle(section: Section) -> Obstacle | None:
    """What keeps this output from being played by any agent; None: nothing does."""
    plugin = section.plugin
    if plugin in _OPENS_NO_TLS:
        return Obstacle(reason=f"'{plugin}' opens no connection of TLS", instead=_LEAVE_OUT)
    if found := OF_A_PLUGIN.get(plugin):
        return found
    if plugin not in SPOKEN:
        return Obstacle(reason=f"our peer does not know what '{plugin}' speaks")
    return _of_properties(section)


def _of_properties(section: Section) -> Obstacle | None:
    if role := _first(section, _OF_A_ROLE):
        return Obstacle(
            reason=f"`{role}` makes it ask a host of AWS for a role before it sends anything",
            instead=f"Check a copy without `{role}`: the connection of its records is the same.",
        )
    if asked := _first(section, _ASKS_ANOTHER):
        return Obstacle(
            reason=f"`{asked}` makes it ask another server where to send anything",
            instead=f"Check a copy without `{asked}`: the connection of its records is the same.",
        )
    nodes = [one for one in section.sections if one.kind is Kind.NODE]
    if section.find("upstream") is not None and not nodes:
        return Obstacle(
            reason="no node of its upstream file can be read here",
            instead="Run it where the file is: its path counts from the folder of the first file.",
        )
    if key := _first(section, _OWN_KEY):
        return Obstacle(
            reason=f"`{key}` names the key with which it asks for a token, and no other would do",
            instead="Check a copy without `oauth2.enable`: the connection of its records is the "
            "same.",
        )
    return None


def _first(section: Section, names: Collection[str]) -> str | None:
    """The first property of these names, as it is written."""
    return next((one.key for one in section.properties if one.name in names), None)


def filled_in_elsewhere(opened: Property) -> Obstacle:
    """Why a section cannot be played whose property comes from somewhere else."""
    instead = "Set its variable where this runs, as it is set where Fluent Bit runs."
    if "{{" in opened.value:
        instead = "Check what Helm makes of it: `helm template` prints the ConfigMap."
    elif opened.value.startswith(KEPT_ELSEWHERE):
        instead = "Check a copy in which the value stands itself."
    return Obstacle(reason=f"'{opened.key}' is filled in elsewhere", instead=instead)


def lacks_store(lacks: Collection[Capability]) -> Obstacle:
    """Why an output without a CA file cannot be played by an agent that lacks these."""
    why = lacks.get(Capability.SYSTEM_STORE, "") if isinstance(lacks, Mapping) else ""
    return Obstacle(
        reason=f"it trusts the system's CAs, and {why or 'this agent cannot be given any'}",
        instead="Play it with another agent: --agent docker, or --agent process where unshare "
        "gives private mount namespaces.",
    )


NO_NAME: Final = Obstacle(
    reason="what it dials cannot be the name of a host",
    instead="Correct its host, or its `tls.vhost`: letters, digits, hyphens and single dots.",
)
