"""The words of the harness as frozen types: what is tried, on both sides, and what changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from flb_handshake.behaviours import Behaviour, Close, Reset, Serve
from flb_handshake.certificates import CLIENT_CHAIN, HEALTHY, HOST, ROOT, CertSpec, Chain
from flb_handshake.expectations import Expectation
from flb_handshake.outcomes import Fates
from flb_handshake.reported import Report

_AS_IT_SHOULD: Final = Serve()

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySpec:
    """An HTTP proxy before the collector, on the collector's own port (CONNECT)."""

    chain: Chain | None = None
    """What it presents, where it is reached over TLS itself (`https://`); None: over plain TCP."""
    status: int = 200
    """What it answers to CONNECT; with anything but 200 the tunnel does not come to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorSpec:
    """The peer of an output: a TLS server."""

    chain: Chain = HEALTHY
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca: CertSpec | None = None
    """What client certificates must lead to, where they are wanted."""
    acceptable: tuple[CertSpec, ...] | None = None
    """The CAs that it names when it wants a client certificate; None: the one in `client_ca`."""
    min_version: str | None = None
    max_version: str | None = None
    """`TLSv1` to `TLSv1.3`; None leaves the library's bound."""
    ciphers: str | None = None
    """OpenSSL's cipher list, up to TLS 1.2."""
    suites: str | None = None
    """OpenSSL's list of cipher suites of TLS 1.3."""
    groups: str | None = None
    """OpenSSL's list of groups for the key exchange."""
    alpn: tuple[str, ...] = ()
    tickets: bool = False
    """Whether sessions can be resumed."""
    behaviour: Behaviour = _AS_IT_SHOULD
    proxy: ProxySpec | None = None
    files: tuple[str, str] | None = None
    """A user's own chain and key (PEM text); they take the place of `chain`."""
    client_ca_pem: str | None = None
    """A user's own CA for client certificates (PEM text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipperSpec:
    """The peer of an input: a TLS client, which ships one record in the input's own protocol."""

    chain: Chain | None = CLIENT_CHAIN
    """What it presents when it is asked; None: it has no certificate."""
    trusts: CertSpec | None = ROOT
    """What the agent's certificate must lead to; None: it believes any."""
    sni: str | None = HOST
    min_version: str | None = None
    max_version: str | None = None
    ciphers: str | None = None
    alpn: tuple[str, ...] = ()
    """What it offers beside, or in place of, its protocol's own; see `http2`."""
    http2: bool = False
    """An HTTP shipper offers h2 and http/1.1, and speaks what is chosen; else http/1.1 alone."""
    resumes: bool = False
    """Whether it offers the session of its last connection on the next one."""
    silent_others: int = 0
    """So many other clients have connected before it, say nothing and stay."""
    keeps: bool = False
    """Whether it keeps its connection for the next record."""
    behaviour: Behaviour = _AS_IT_SHOULD
    files: tuple[str, str] | None = None
    """A user's own chain and key (PEM text); they take the place of `chain`."""
    trusts_pem: str | None = None
    """A user's own CA (PEM text); it takes the place of `trusts`."""


class Where(StrEnum):
    """Which of both has the settings of TLS: an output, or its node in an upstream file."""

    OUTPUT = "output"
    NODE = "node"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A file with one node, which `Upstream` of an output names in place of a host."""

    tls: Where = Where.NODE
    properties: tuple[tuple[str, str | None], ...] = ()
    """Raw properties of the node, last word; None takes one away."""


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
    """Raw properties of the output, last word; None takes one away. `{host}` and `{port}` are
    filled in: where the collector is; and `{tokens}`: where somebody gives tokens."""
    upstream: Upstream | None = None
    """What it dials is said in a file of its own."""
    proxy_ca: File | CAFile | None = None
    """`tls.proxy.ca_file`: what the certificate of an HTTPS proxy must lead to."""
    service: tuple[tuple[str, str], ...] = ()
    """Properties of the service; a process of its own goes with them."""
    source: tuple[str, ...] = ()
    """Lines of a log file that `tail` reads; empty: one record of `dummy`."""
    input_properties: tuple[tuple[str, str], ...] = ()
    """Of the input that feeds an output."""
    config: str | None = None
    """A whole configuration in place of the rendered one. `{host}`, `{port}`, `{source}`, `{ca}`,
    `{crt}` and `{key}` are filled in: where the collector is, and where files are."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables of its environment; the same is filled in. A process of its own goes with them."""

    @property
    def name(self) -> str:
        """The name that a careful agent would check."""
        return self.vhost or self.host


class Role(StrEnum):
    """Which part of Fluent Bit is tried: the TLS client in an output, or the server in an input."""

    OUTPUT = "output"
    INPUT = "input"


class Way(StrEnum):
    """How a file gets another content."""

    IN_PLACE = "in place"
    """The same inode, written anew."""
    RENAME = "by rename"
    """A new file, moved over the old one."""
    SYMLINK = "by symlink swap"
    """As Kubernetes mounts a secret: the path is a symbolic link through `..data`, which is moved
    to another directory. The path is such a link from the start."""


class Reload(StrEnum):
    """How Fluent Bit is told to read its configuration again (`hot_reload on`)."""

    SIGHUP = "SIGHUP"
    HTTP = "POST /api/v2/reload"


@dataclass(frozen=True, slots=True)
class Replace:
    """A file of the agent has another content from now on."""

    file: str
    """The agent's field that names it: `ca`, `crt`, `key` or `ca_path`."""
    to: File
    way: Way = Way.RENAME


@dataclass(frozen=True, slots=True)
class Present:
    """The peer is another from now on: these fields of its spec. New connections see it."""

    fields: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """The peer goes away, with a reset of what is open, and is back at the same address."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The peer ends the connections that are open, politely or not; it goes on listening."""

    how: Close | Reset = field(default_factory=Close)


LONGEST_WAIT: Final = timedelta(minutes=1)
"""How long time may have to pass for a certificate to expire."""


@dataclass(frozen=True, slots=True)
class Expire:
    """Time passes, until this certificate has expired."""

    spec: CertSpec


Change: TypeAlias = Replace | Present | Restart | Hangup | Expire | Reload


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What changes, in this order; then one more record is to be delivered."""

    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """An agent and its peer. Two setups that would run alike are equal, whatever led to them."""

    agent: AgentSpec = AgentSpec()
    peer: CollectorSpec | ShipperSpec = CollectorSpec()
    steps: tuple[Step, ...] = ()
    """What changes while the agent runs, after a first record."""
    whole: Setup | None = field(default=None, compare=False)
    """The setup before the first defect: the control twin. None: nothing is wrong here."""

    @property
    def role(self) -> Role:
        """Which part of Fluent Bit is tried."""
        return Role.OUTPUT if isinstance(self.peer, CollectorSpec) else Role.INPUT

    @property
    def judged(self) -> Chain:
        """The chain of the peer's that CA.File is meant for, and of which its kinds speak.

        An input is meant to admit the catalogue's healthy client, whoever comes.
        """
        return self.peer.chain if isinstance(self.peer, CollectorSpec) else CLIENT_CHAIN

    @property
    def collector(self) -> CollectorSpec:
        """The peer of an output. Raises TypeError for an input's."""
        if not isinstance(self.peer, CollectorSpec):
            raise TypeError("the peer of an input is no collector")
        return self.peer

    @property
    def shipper(self) -> ShipperSpec:
        """The peer of an input. Raises TypeError for an output's."""
        if not isinstance(self.peer, ShipperSpec):
            raise TypeError("the peer of an output is no shipper")
        return self.peer

    def but(self, **changes: Any) -> Setup:
        """This setup with a defect: `steps`, or fields of the agent or of the peer.

        Raises TypeError for a name that none of them has.
        """
        peer_fields = type(self.peer).__dataclass_fields__
        agent = {name: value for name, value in changes.items() if name in _AGENT_FIELDS}
        peer = {name: value for name, value in changes.items() if name in peer_fields}
        if unknown := set(changes) - set(agent) - set(peer) - {"steps"}:
            raise TypeError(f"neither agent nor peer has {', '.join(sorted(unknown))}")
        return Setup(
            agent=replace(self.agent, **agent),
            peer=replace(self.peer, **peer),
            steps=changes.get("steps", self.steps),
            whole=self.whole or self,
        )

    def after(self, step: Step) -> Setup:
        """What stands once this step's changes are made: the agent's files, and the peer."""
        made = self
        for change in step.changes:
            if isinstance(change, Replace):
                made = made.but(**{change.file: change.to})
            elif isinstance(change, Present):
                made = made.but(**dict(change.fields))
        return replace(made, whole=self.whole)


_AGENT_FIELDS: Final = frozenset(AgentSpec.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One declared situation, found under `id`, declared at `where` (file:line)."""

    id: str
    because: str
    setup: Setup
    expectation: Expectation
    then: tuple[Expectation, ...] = ()
    """What is expected after each step of the setup."""
    fates: Fates | None = None
    """What is expected of the records of all steps together; None: see `fates_on`."""
    refs: tuple[str, ...] = ()
    report: Report | None = None
    """The public report that it plays."""
    where: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """The axis values that make this cell of its matrix."""

    def fates_on(self, version: str) -> Fates:
        """What is expected of the records on this release.

        Unless it is declared, a step that does not deliver loses its record, and no other is lost,
        late or doubled.
        """
        if self.fates is not None:
            return self.fates
        expected = (self.expectation, *self.then)
        return Fates(lost=sum(not one.does.on(version).outcome.arrived for one in expected))

    @property
    def control(self) -> Setup | None:
        """The control twin: this setup before its first defect, derived and never written.

        None where nothing is wrong: then the setup would be its own twin.
        """
        return None if self.setup.whole == self.setup else self.setup.whole
