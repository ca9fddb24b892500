"""One end of a connection as a release reads its section: is there TLS, and what does it check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flb_handshake.config.words import Configuration, Kind, Property, Section
from flb_handshake.releases import before


class Truth(StrEnum):
    """What a release takes a word for where a boolean belongs."""

    ON = "on"
    OFF = "off"
    NEITHER = "neither"


def truth(word: str, release: str) -> Truth:
    """Measured in ten releases from 1.9.10 to 5.1.1; `syntax.tls` of the catalogue plays it."""
    small = word.strip().lower()
    if small in {"on", "true"} or (small == "yes" and not before(release, _WORDS_READ_SINCE)):
        return Truth.ON
    return Truth.OFF if small in {"off", "false", "no"} else Truth.NEITHER


_WORDS_READ_SINCE: Final = "2.1.8"
"""Since when `yes` switches on, and a word that is no boolean leaves `tls.verify` on."""

_NAMES_CHECKED_SINCE: Final = "3.1"
"""Since when there is `tls.verify_hostname`; 3.0.7 alone compares names unasked."""

_IN_NODES_SINCE: Final = "3.1.6"
"""Since when a node of an upstream file heeds `tls.verify_hostname`."""

_SERVED_SINCE: Final = "2.0"
"""Since when inputs can have TLS."""

_DEMANDS_SINCE: Final = "5.0"
"""Since when there is `tls.verify_client_cert`."""

_SYSLOG_MEANS_IT_SINCE: Final = "5.1"
"""Since when `mode tls` of `syslog` is enough to have TLS."""

ASKED: Final = frozenset(
    {
        "datadog",
        "es",
        "forward",
        "gelf",
        "http",
        "influxdb",
        "kafka-rest",
        "loki",
        "nats",
        "opensearch",
        "opentelemetry",
        "prometheus_remote_write",
        "skywalking",
        "splunk",
        "syslog",
        "tcp",
        "websocket",
    }
)
"""Outputs that send in cleartext unless `tls` is on (`plugins.without_tls`, `streams`)."""

VERSIONS: Final = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""The protocol's versions by the names that bounds have, the oldest first."""


def version(word: str) -> str | None:
    """The version that a bound means; None: it is none.

    Any beginning of a name will do, and means the first that begins so (5.1.1).
    """
    small = word.strip().lower()
    return next((one for one in VERSIONS if one.lower().startswith(small)), None)


UNASKED: Final = frozenset({"azure", "logdna", "nrlogs", "slack", "td"})
"""Outputs that use TLS unless `tls` is off (`plugins.without_tls`)."""

ALWAYS: Final = frozenset({"cloudwatch_logs", "kinesis_firehose", "kinesis_streams", "s3"})
"""Outputs that use TLS whatever `tls` is set to (`plugins.without_tls`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A section in which TLS can be set, read by one release."""

    section: Section
    plugin: str
    """Of a node: the plugin of the output that dials it."""
    release: str

    @property
    def listens(self) -> bool:
        """Whether it is an input."""
        return self.section.kind is Kind.INPUT

    @property
    def is_node(self) -> bool:
        """Whether it stands in an upstream file."""
        return self.section.kind is Kind.NODE

    @property
    def what(self) -> str:
        """What to call it in a sentence."""
        return f"{'node of' if self.is_node else self.section.kind} `{self.plugin}`"

    def since(self, release: str) -> bool:
        """Whether it is read by that release or a later one."""
        return not before(self.release, release)

    def find(self, name: str) -> Property | None:
        """The property of that name, if it says anything."""
        found = self.section.find(name)
        return found if found is not None and (found.value.strip() or found.is_open) else None

    def says(self, name: str) -> Truth | None:
        """What a property is taken for; None: it is not set.

        What is filled in elsewhere is taken for on: nobody is told of what cannot be seen.
        """
        found = self.find(name)
        if found is None:
            return None
        return Truth.ON if found.is_open else truth(found.value, self.release)

    @property
    def mode(self) -> str:
        """The `mode` of gelf and syslog, in small letters; unset, it is udp."""
        return (self.section.value("mode") or "udp").strip().lower()

    @property
    def secured(self) -> bool | None:
        """Whether it uses TLS; None: nobody has measured what that plugin does unasked."""
        said = self.says("tls")
        if self.plugin == "syslog" and not self.listens and self.mode in {"tls", "dtls"}:
            return said is Truth.ON or self.since(_SYSLOG_MEANS_IT_SINCE)
        if self.plugin in {"syslog", "gelf"} and not self.listens and self.mode == "udp":
            return False
        if said is not None or self.listens or self.is_node or self.plugin in ASKED:
            return said is Truth.ON or (self.plugin in ALWAYS and not self.is_node)
        return True if self.plugin in UNASKED | ALWAYS else None

    @property
    def verifies(self) -> bool:
        """Whether it asks who signed the peer's certificate, which it does unless told not to."""
        said = self.says("tls.verify")
        return said in {None, Truth.ON} or (said is Truth.NEITHER and self.since(_WORDS_READ_SINCE))

    @property
    def can_check_names(self) -> bool:
        """Whether `tls.verify_hostname` means anything to it."""
        return not self.listens and self.since(
            _IN_NODES_SINCE if self.is_node else _NAMES_CHECKED_SINCE
        )

    @property
    def checks_names(self) -> bool:
        """Whether it compares the certificate's names with what it dials."""
        if self.listens or not self.verifies:
            return False
        if self.since("3.0.7") and not self.since(_NAMES_CHECKED_SINCE):
            return True
        plain = self.says("tls.verify") is not Truth.NEITHER
        return plain and self.can_check_names and self.says("tls.verify_hostname") is Truth.ON

    @property
    def name(self) -> Property | None:
        """What says whom it dials, as SNI has it and as certificates are checked for it."""
        return self.find("tls.vhost") or self.find("host")

    @property
    def anchors(self) -> Property | None:
        """What names the authorities that it believes; None: the system's.

        The directory silences the file, if it comes to anything.
        """
        path, file = self.find("tls.ca_path"), self.find("tls.ca_file")
        return path if path and (path.value or not file) else file

    @property
    def asks(self) -> bool:
        """Whether an input asks its clients for a certificate, which it then checks."""
        return self.listens and self.verifies and self.since(_SERVED_SINCE)

    @property
    def demands(self) -> bool:
        """Whether an input lets nobody in who shows no certificate."""
        able = self.since(_DEMANDS_SINCE)
        return self.asks and able and self.says("tls.verify_client_cert") is Truth.ON

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the protocol that its bounds allow, the oldest first.

        A lower bound that is no version stands for TLS 1.1, an upper one for none, and a node has
        neither (5.1.1).
        """
        if self.is_node:
            return VERSIONS
        low, high = self.find("tls.min_version"), self.find("tls.max_version")
        first = (version(low.value) or "TLSv1.1") if low and low.value else VERSIONS[0]
        last = (version(high.value) if high and high.value else None) or VERSIONS[-1]
        return VERSIONS[VERSIONS.index(first) : VERSIONS.index(last) + 1]

    @property
    def of_tls(self) -> tuple[Property, ...]:
        """What it sets of TLS, the switch apart."""
        return tuple(one for one in self.section.properties if one.name.startswith("tls."))


def ends(configuration: Configuration, release: str) -> Iterator[End]:
    """Every input, every output and every node of an upstream file, in order."""
    for section in configuration.sections:
        if section.kind in {Kind.INPUT, Kind.OUTPUT}:
            end = End(section=section, plugin=section.plugin, release=release)
            yield end
            yield from node_ends(end)


def node_ends(end: End) -> Iterator[End]:
    """The nodes of the upstream file that an output names, as the same release reads them."""
    for node in _nodes(end.section):
        yield End(section=node, plugin=end.plugin, release=end.release)


def _nodes(section: Section) -> Iterator[Section]:
    for inner in section.sections:
        if inner.kind is Kind.NODE:
            yield inner
        elif inner.kind is Kind.UPSTREAM:
            yield from _nodes(inner)
