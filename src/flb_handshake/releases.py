"""The releases of Fluent Bit that the catalogue is held to, and what each of them knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from packaging.version import Version

from flb_handshake.model import Reload, Role, Setup, ShipperSpec, Where
from flb_handshake.reported import Report
from flb_handshake.settings import INPUT_MODES, OUTPUT_MODES, named_files

RELEASES: Final = (
    "1.9.10",
    "2.0.14",
    "2.2.3",
    "3.0.6",
    "3.0.7",
    "3.2.10",
    "4.0.14",
    "4.2.8",
    "5.0.9",
    "5.1.1",
)
"""The last of each line that people still run, and 3.0.6 and 3.0.7, between which the check of host
names came in."""

KNOWN_SINCE: Final[Mapping[Role, Mapping[str, str]]] = {
    Role.OUTPUT: {
        "tls.verify_hostname": "3.1",
        "tls.min_version": "4.0",
        "tls.max_version": "4.0",
        "tls.ciphers": "4.0",
        "tls.proxy.verify": "5.1",
        "tls.proxy.verify_hostname": "5.1",
        "tls.proxy.ca_path": "5.1",
        "tls.proxy.ca_file": "5.1",
        "net.io_timeout": "2.0",
        "http2": "3.2",
        "grpc": "3.2",
    },
    Role.INPUT: {
        "tls": "2.0",
        "tls.verify_hostname": "3.1",
        "tls.min_version": "4.0",
        "tls.max_version": "4.0",
        "tls.ciphers": "4.0",
        "tls.verify_client_cert": "5.0",
    },
}
"""The first release that has each property, read in the source of every release in RELEASES;
`syntax.of_a_later_release` plays those of an output. What is not named here is older than 1.9."""

_ABLE_SINCE: Final[Mapping[Role, Mapping[str, tuple[str, str]]]] = {
    Role.OUTPUT: {
        "azure_logs_ingestion": ("that asks any host for its token", "5.0.3"),
        # 2.1 dials other ports too, but 3.0.7 does not start with it, whatever is set.
        "cloudwatch_logs": ("that dials another port than 443", "3.1"),
        "kinesis_firehose": ("that dials another port than 443", "4.0"),
        "kinesis_streams": ("that dials another port than 443", "3.2"),
        "opentelemetry": ("for logs", "2.0"),
        "s3": ("that survives TLS", "2.0"),
    },
    Role.INPUT: {
        "forward": ("that keeps its tag", "2.1.2"),
        "opentelemetry": ("that keeps its tag", "2.2.1"),
    },
}
"""Plugins that are older than what we ask of them, and since when they can be asked for it."""

_PLUGINS_SINCE: Final = {"kubernetes_events": "2.1.5"}
"""Plugins that a whole configuration names and that not every release has."""

_UPSTREAMS_SINCE: Final = {"es": "5.1"}
"""Plugins that take an upstream file; `forward` always has."""

_RELOADS_SINCE: Final = "2.1"
_HTTP_2_SINCE: Final = "3.0"
_PROXIES_OVER_TLS_SINCE: Final = "5.1"


def before(version: str, release: str) -> bool:
    """Whether this version came before that release (`5.1`)."""
    return Version(version) < Version(release)


def nearest(version: str, among: Collection[str] = RELEASES) -> str:
    """The release that stands nearest to a version: the same, else the next one, else the last."""
    wanted = Version(version)
    later = [one for one in among if Version(one) >= wanted]
    return min(later, key=Version) if later else max(among, key=Version)


def stands_for(report: Report) -> str:
    """The release on which a report is shown: the one it names for that, else the nearest."""
    return report.on or nearest(report.versions[0])


def missing(setup: Setup, version: str) -> str | None:
    """What of a setup this release does not have, in words; None: it has all of it."""
    for what, since in _wanted(setup):
        if before(version, since):
            return f"Fluent Bit {version} has no {what} ({since} and later)"
    return None


def _wanted(setup: Setup) -> Iterator[tuple[str, str]]:
    """What a setup asks for that not every release has, and since when there is such a thing.

    A whole configuration stands as its author wrote it: a property in it that a release does not
    know is what is tried.
    """
    agent, role = setup.agent, setup.role
    if agent.config is not None:
        if agent.plugin in _PLUGINS_SINCE:
            yield f"`{agent.plugin}`", _PLUGINS_SINCE[agent.plugin]
        return
    known = KNOWN_SINCE[role]
    if role is Role.INPUT:
        yield "TLS for inputs", known["tls"]
    if agent.plugin in _ABLE_SINCE[role]:
        what, since = _ABLE_SINCE[role][agent.plugin]
        yield f"{role} `{agent.plugin}` {what}", since
    if agent.upstream is not None and agent.plugin in _UPSTREAMS_SINCE:
        yield f"`upstream` for `{agent.plugin}`", _UPSTREAMS_SINCE[agent.plugin]
    yield from ((f"`{name}`", known[name]) for name in sorted(_given(setup)) if name in known)
    changes = [change for step in setup.steps for change in step.changes]
    if any(isinstance(change, Reload) for change in changes):
        yield "hot reload", _RELOADS_SINCE
    if isinstance(setup.peer, ShipperSpec):
        if setup.peer.http2:
            yield "HTTP/2 for inputs", _HTTP_2_SINCE
    elif setup.peer.proxy is not None and setup.peer.proxy.chain is not None:
        yield "proxies that are reached over TLS", _PROXIES_OVER_TLS_SINCE


def _given(setup: Setup) -> set[str]:
    """The properties that its plugin is given. A node can name what its release does not know."""
    agent = setup.agent
    given = {name.lower() for name, _ in agent.properties}
    if agent.upstream is not None and agent.upstream.tls is Where.NODE:
        return given
    modes = OUTPUT_MODES if setup.role is Role.OUTPUT else INPUT_MODES
    return {*given, *modes[agent.mode], *named_files(setup)}
