"""The words of the harness as frozen types: what is tried, expected, and can come of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from flb_handshake.certificates import HEALTHY, HOST, CertSpec, Chain

DEFAULT_VERSION: Final = "5.1.1"
"""The Fluent Bit that is tried when nobody names one."""


class Mode(StrEnum):
    """The article's word for how TLS is used; `settings` maps it to Fluent Bit's properties."""

    OFF = "off"
    NONE = "none"
    VERIFY_PEER = "verify_peer"
    VERIFY_HOST = "verify_host"
    REQUIRE = "require"


class CAFile(StrEnum):
    """What CA.File (`tls.ca_file`) holds, in relation to the collector's chain."""

    ROOT = "root"
    INTERMEDIATE = "intermediate"
    INTERMEDIATE_AND_ROOT = "intermediate and root"
    OTHER_ROOT = "other root"
    OTHER_AND_ROOT = "other and right root"
    LEAF = "leaf"
    SELF_SIGNED_LEAF = "self-signed leaf"
    SYSTEM = "unset, CA in the system store"
    UNSET = "unset"
    EMPTY = "empty file"
    GARBAGE = "garbage"
    MISSING = "missing file"
    DIRECTORY = "a directory"
    DER = "DER"
    CRLF = "CRLF line ends"
    EXPIRED_ROOT = "expired root"
    ROOT_AND_CRL = "root and its CRLs"


class FileForm(StrEnum):
    """How a file that an agent is pointed at looks on the disk."""

    PEM = "PEM"
    DER = "DER"
    CRLF = "PEM with CRLF line ends"
    KEY = "private key"
    TEXT = "text"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    DIRECTORY = "empty directory"
    HASHED = "directory, hashed"
    UNHASHED = "directory, not hashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file (or directory) beside the agent: its form and what it holds; equal ones are one."""

    form: FileForm = FileForm.PEM
    certs: tuple[CertSpec, ...] = ()
    """The certificates in it, in order; the certificate whose key it is, for a key."""
    passphrase: str = ""
    """What a key is encrypted with."""
    crl_of: tuple[CertSpec, ...] = ()
    text: str = ""
    """The whole content, for TEXT; a file that a user brought is one of these."""
    stem: str = "file"


class ClientAuth(StrEnum):
    """What the collector wants of the agent's certificate."""

    NONE = "none"
    ASK = "ask"
    DEMAND = "demand"


class Moment(StrEnum):
    """A point of a connection at which a peer can misbehave."""

    ACCEPTED = "after accept"
    CLIENT_HELLO = "after ClientHello"


class Conduct(StrEnum):
    """What a collector does with a connection."""

    SERVE = "serve"
    CLEARTEXT = "serve without TLS"
    SILENT = "silent"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a collector behaves: what it does, and from when on."""

    conduct: Conduct = Conduct.SERVE
    at: Moment = Moment.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSpec:
    """The peer of an output: a TLS server."""

    chain: Chain = HEALTHY
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca: CertSpec | None = None
    """What client certificates must lead to, where they are wanted."""
    min_version: str | None = None
    max_version: str | None = None
    """`TLSv1` to `TLSv1.3`; None leaves the library's bound."""
    ciphers: str | None = None
    """OpenSSL's cipher list, up to TLS 1.2."""
    alpn: tuple[str, ...] = ()
    behaviour: Behaviour = Behaviour()
    files: tuple[str, str] | None = None
    """A user's own chain and key (PEM text); they take the place of `chain`."""
    client_ca_pem: str | None = None
    """A user's own CA for client certificates (PEM text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """The agent's settings in the article's words; `properties` are Fluent Bit's own and win."""

    plugin: str = "http"
    mode: Mode = Mode.VERIFY_PEER
    ca: CAFile | File | None = CAFile.ROOT
    crt: File | None = None
    key: File | None = None
    key_passwd: str | None = None
    ca_path: File | None = None
    host: str = "127.0.0.1"
    """What is dialled. A name other than `localhost` needs a hosts entry."""
    vhost: str | None = HOST
    """`tls.vhost`: the name that is sent as SNI and checked; None leaves it to `host`."""
    properties: tuple[tuple[str, str | None], ...] = ()
    """Raw properties of the output, last word; None takes one away."""
    source: tuple[str, ...] = ()
    """Lines of a log file that `tail` reads; empty: one record of `dummy`."""
    input_properties: tuple[tuple[str, str], ...] = ()
    config: str | None = None
    """A whole configuration in place of the rendered one; `{port}` and `{certs}` are filled in."""

    @property
    def name(self) -> str:
        """The name that a careful agent would check."""
        return self.vhost or self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """An agent and its peer. Two setups that would run alike are equal, whatever led to them."""

    agent: AgentSpec = AgentSpec()
    peer: CollectorSpec = CollectorSpec()
    whole: Setup | None = field(default=None, compare=False)
    """The setup before the first defect: the control twin. None: nothing is wrong here."""

    def but(self, **changes: Any) -> Setup:
        """This setup with a defect: fields of the agent or of the peer, whichever has them.

        Raises TypeError for a name that neither has.
        """
        agent = {name: value for name, value in changes.items() if name in _AGENT_FIELDS}
        peer = {name: value for name, value in changes.items() if name in _PEER_FIELDS}
        if unknown := set(changes) - set(agent) - set(peer):
            raise TypeError(f"neither agent nor peer has {', '.join(sorted(unknown))}")
        return Setup(
            agent=replace(self.agent, **agent),
            peer=replace(self.peer, **peer),
            whole=self.whole or self,
        )


_AGENT_FIELDS: Final = frozenset(AgentSpec.__dataclass_fields__)
_PEER_FIELDS: Final = frozenset(CollectorSpec.__dataclass_fields__)


class Outcome(StrEnum):
    """What became of a run. INVALID: the harness failed, so nothing is known of the agent."""

    DELIVERED = "DELIVERED"
    CLEARTEXT = "CLEARTEXT"
    REFUSED_BY_AGENT = "REFUSED_BY_AGENT"
    REFUSED_BY_PEER = "REFUSED_BY_PEER"
    NOT_STARTED = "NOT_STARTED"
    CUT = "CUT"
    STALLED = "STALLED"
    INVALID = "INVALID"

    @property
    def arrived(self) -> bool:
        """Whether the records left the agent."""
        return self in {Outcome.DELIVERED, Outcome.CLEARTEXT}


class Side(StrEnum):
    """An end of a handshake."""

    AGENT = "agent"
    PEER = "peer"


class Exposure(StrEnum):
    """What an attacker gains if it stays so."""

    CLEARTEXT = "CLEARTEXT"
    WRONG_PEER_ACCEPTED = "WRONG_PEER_ACCEPTED"
    NAME_UNCHECKED = "NAME_UNCHECKED"
    ANONYMOUS_CLIENT_ACCEPTED = "ANONYMOUS_CLIENT_ACCEPTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Does:
    """What is expected of a run: the outcome, who refused, with which alert, and more."""

    outcome: Outcome
    alert: str | None = None
    """IANA's name of the alert that ended it; None: no alert at all."""
    says: str | None = None
    """A line of the agent's log holds this."""
    lines: tuple[str, ...] = ()
    """The lines of a log file that arrive, each as `log` of a record, and no others."""
    client_subject: str | None = None
    """The subject by which the collector knows the agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What this Fluent Bit does, and what a careful operator would want (None: the same)."""

    does: Does
    should: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One declared situation, found under `id`, declared at `where` (file:line)."""

    id: str
    because: str
    setup: Setup
    expectation: Expectation
    refs: tuple[str, ...] = ()
    where: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """The axis values that make this cell of its matrix."""

    @property
    def control(self) -> Setup | None:
        """The control twin: this setup before its first defect, derived and never written.

        None where nothing is wrong: then the setup would be its own twin.
        """
        return None if self.setup.whole == self.setup else self.setup.whole


class VerdictKind(StrEnum):
    """An observation held against its expectation."""

    AGREES = "AGREES"
    UNEXPECTED_SUCCESS = "UNEXPECTED_SUCCESS"
    UNEXPECTED_FAILURE = "UNEXPECTED_FAILURE"
    WRONG_REASON = "WRONG_REASON"
    CONTROL_FAILED = "CONTROL_FAILED"
    HARNESS_ERROR = "HARNESS_ERROR"
    UNSUPPORTED = "UNSUPPORTED"
