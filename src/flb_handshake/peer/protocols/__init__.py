"""Which record protocol an output speaks, and whether it speaks it in datagrams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from flb_handshake.model import AgentSpec
from flb_handshake.peer.http import HttpService
from flb_handshake.peer.protocols.conversation import Conversation
from flb_handshake.peer.protocols.forward import ForwardServer
from flb_handshake.peer.protocols.gelf import GelfServer, gelf_datagram
from flb_handshake.peer.protocols.nats import NatsServer
from flb_handshake.peer.protocols.services import PLAIN, SERVICES
from flb_handshake.peer.protocols.syslog import SyslogServer, syslog_datagram
from flb_handshake.peer.protocols.tcp import TcpServer
from flb_handshake.peer.protocols.websocket import WebSocketServer

Properties: TypeAlias = Mapping[str, str]
"""An output's, their names in lower case."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What an output speaks once it is connected."""

    serve: Callable[[], Conversation] | None = None
    """Begins a conversation; None: HTTP, in the version that is agreed on."""
    service: HttpService = PLAIN
    """What is behind HTTP."""
    unpack: Callable[[bytes], bytes] | None = None
    """The part of a stream that a datagram stands for. Raises Junk. None: it sends no datagrams."""


HTTP: Final = Spoken()


TOKENS: Final = Spoken(service=SERVICES["azure_logs_ingestion"])
"""HTTP, with a token in every answer."""


def spoken_by(agent: AgentSpec) -> Spoken:
    """What this output is to speak, given its properties and those of its node."""
    given = (*agent.properties, *(agent.upstream.properties if agent.upstream else ()))
    properties = {name.lower(): value for name, value in given if value is not None}
    speaks = _SPEAKS.get(agent.plugin)
    if speaks is not None:
        return speaks(properties)
    return Spoken(service=SERVICES.get(agent.plugin, PLAIN))


def _forward(properties: Properties) -> Spoken:
    key = properties.get("shared_key")
    return Spoken(lambda: ForwardServer(key))


def _tcp(properties: Properties) -> Spoken:
    return Spoken(lambda: TcpServer(properties.get("format", "msgpack")))


def _websocket(properties: Properties) -> Spoken:
    return Spoken(lambda: WebSocketServer(properties.get("format", "msgpack")))


def _nats(_: Properties) -> Spoken:
    return Spoken(NatsServer)


def _gelf(properties: Properties) -> Spoken:
    return Spoken(GelfServer, unpack=gelf_datagram if _in_datagrams(properties) else None)


def _syslog(properties: Properties) -> Spoken:
    return Spoken(SyslogServer, unpack=syslog_datagram if _in_datagrams(properties) else None)


def _in_datagrams(properties: Properties) -> bool:
    """Both plugins that have a `mode` send datagrams where it is not set."""
    return properties.get("mode", "udp").lower() in {"udp", "dtls"}


_SPEAKS: Final[Mapping[str, Callable[[Properties], Spoken]]] = {
    "forward": _forward,
    "gelf": _gelf,
    "nats": _nats,
    "syslog": _syslog,
    "tcp": _tcp,
    "websocket": _websocket,
}
"""By plugin; what is not named here speaks HTTP, with one of SERVICES behind it."""

SPOKEN: Final = frozenset((*_SPEAKS, *SERVICES))
"""The outputs whose records our collector understands."""
