"""Makes an output of its settings: whom it dials, over what, and what it speaks.

Facts: plugins/out_* of 5.1.1, measured.
"""

from __future__ import annotations

import socket
from importlib.machinery import PathFinder

from . import packing
from .context import SECURED
from .exchange import Exchange
from .forms import FORMS, URL
from .grammar import StartError
from .journal import Voice
from .output import DELIVERED, Connected, Output
from .speakers import (
    Forward,
    Stream,
    WebSocket,
    gelf,
    gelf_messages,
    nats,
    syslog,
    syslog_messages,
    text_or_msgpack,
)
from .tunnel import proxy
from .upstream import Upstream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from .classic import Configuration, Instance
    from .context import Security
    from .delivery import Chunk
    from .journal import Journal
    from .output import Carrier, Fate, Speaker
    from .releases import Release
    from .speakers import Write
    from .upstream import Address, Hosts

_PORTS: Final = {
    "es": 9200,
    "opensearch": 9200,
    "splunk": 8088,
    "loki": 3100,
    "influxdb": 8086,
    "kafka-rest": 8082,
    "skywalking": 12800,
    "forward": 24224,
    "gelf": 12201,
    "syslog": 514,
    "tcp": 5170,
    "nats": 4222,
}
_HTTP_PORT: Final = 80
_HTTPS_PORT: Final = 443
_URLS: Final = {"nrlogs": "base_uri", "slack": "webhook"}
_STREAMS: Final[dict[str, Write]] = {
    "gelf": gelf,
    "syslog": syslog,
    "tcp": text_or_msgpack,
    "nats": nats,
}
_MESSAGES: Final[dict[str, Callable[[Instance, Chunk], list[bytes]]]] = {
    "gelf": gelf_messages,
    "syslog": syslog_messages,
}
"""The outputs that send datagrams where no `mode` says otherwise."""


class Outputs:
    """What all outputs of a service have in common; `make` makes one of them."""

    def __init__(
        self,
        configuration: Configuration,
        release: Release,
        system: str,
        *,
        hosts: Hosts,
        journal: Journal,
    ) -> None:
        self._waits = (configuration.base, configuration.cap)
        self._release = release
        self._system = system
        self._hosts = hosts
        self._journal = journal

    def make(self, instance: Instance, secured: Security | None) -> Output:
        """One output. Raises StartError."""
        _check(instance, self._release)
        voice = Voice(instance, self._journal)
        return Output(instance, self._carrier(instance, secured, voice), voice, waits=self._waits)

    def _carrier(self, instance: Instance, secured: Security | None, voice: Voice) -> Carrier:
        target = address(instance)
        if _is_in_datagrams(instance):
            return Datagrams(instance, target, self._hosts)
        form = FORMS.get(instance.plugin)
        upstream = Upstream(
            instance,
            target,
            secured,
            self._release,
            proxy=proxy(instance, target[0], self._release, self._system),
            hosts=self._hosts,
            voice=voice,
            offers=form.offers(instance) if form and self._release.asks_for_protocols else (),
            crashes=_crashes(instance, secured, self._release),
        )
        return Connected(upstream, self._speaker(instance, upstream, voice), voice)

    def _speaker(self, instance: Instance, upstream: Upstream, voice: Voice) -> Speaker:
        if form := FORMS.get(instance.plugin):
            return Exchange(instance, form, upstream, voice, self._release)
        if instance.plugin == "forward":
            return Forward(instance, upstream, voice)
        if instance.plugin == "websocket":
            return WebSocket(instance, upstream, voice)
        return Stream(instance, _STREAMS[instance.plugin], upstream)


def _crashes(instance: Instance, secured: Security | None, release: Release) -> bool:
    """Whether Fluent Bit ends at its first connection, where 1.9 has TLS without a context."""
    if not release.crashes_without_context:
        return False
    if instance.plugin == "websocket":
        return secured is not None
    gelf = instance.plugin == "gelf" and instance.settings.get("mode", "").lower() == "tls"
    return secured is None and (gelf or instance.plugin in SECURED)


def address(instance: Instance) -> Address:
    """Whom an output dials."""
    given = instance.settings.get
    if key := _URLS.get(instance.plugin):
        url = URL.match(given(key, ""))
        assert url is not None  # noqa: S101 # _check has looked
        return url[2], int(url[3] or _HTTPS_PORT)
    if instance.plugin == "logdna":
        port = instance.number_of("logdna_port", default=_HTTPS_PORT)
        return given("logdna_host", "logs.logdna.com"), port
    default = _PORTS.get(instance.plugin, _HTTP_PORT)
    return given("host", "127.0.0.1"), instance.number_of("port", default=0) or default


class Datagrams:
    """A carrier in datagrams, which are never secured, whatever `tls` says."""

    def __init__(self, instance: Instance, target: Address, hosts: Hosts) -> None:
        self._instance = instance
        self._target = target
        self._hosts = hosts

    def carry(self, chunk: Chunk) -> Fate:
        """See Carrier. Nobody answers, and nothing fails."""
        for family, _, _, _, where in self._hosts.find(*self._target)[:1]:
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                for one in _MESSAGES[self._instance.plugin](self._instance, chunk):
                    sender.sendto(one, where)
        return DELIVERED

    def part(self) -> None:
        """See Carrier."""

    def close(self) -> None:
        """See Carrier."""


def _mode(instance: Instance) -> str:
    return instance.settings.get("mode", "udp").lower()


def _is_in_datagrams(instance: Instance) -> bool:
    return instance.plugin in _MESSAGES and _mode(instance) == "udp"


def _check(instance: Instance, release: Release) -> None:
    """Refuses what the plugin refuses, and what the model does not know. Raises StartError."""
    method = instance.settings.get("http_method", "POST")
    if method.upper() not in {"POST", "PUT"}:
        _refuse(
            instance, f"invalid http_method option '{method}'. Supported methods are POST and PUT"
        )
    if instance.plugin in _URLS:
        _check_url(instance)
    if "proxy" in instance.settings:  # requests to a proxy that makes no tunnel
        _refuse(instance, "the reference agent models no property 'proxy', only HTTP_PROXY")
    if instance.plugin in _MESSAGES and _mode(instance) == "dtls":
        _refuse(instance, "the reference agent models no DTLS")
    if instance.plugin == "syslog" and _mode(instance) == "udp" and release.since("5.0.3"):
        _check_datagrams(instance)
    binary = instance.settings.get("format", "msgpack").lower() == "msgpack"
    if instance.plugin == "forward" or (instance.plugin in {"tcp", "websocket"} and binary):
        _check_library(instance, packing.NAME)
    form = FORMS.get(instance.plugin)
    if form and "h2" in form.offers(instance):
        _check_library(instance, "h2")


def _check_url(instance: Instance) -> None:
    given = instance.settings.get(_URLS[instance.plugin], "")
    url = URL.match(given)
    if instance.plugin == "nrlogs":
        if url is None:
            said = f"error parsing base_uri '{given}'"
            _refuse(instance, said, "cannot initialize configuration")
    elif url is None:
        _refuse(instance, "could not process 'webhook' address")
    elif url[1] != "https":
        _refuse(instance, f"invalid protocol '{url[1]}', we expected 'https'")


def _check_datagrams(instance: Instance) -> None:
    if instance.flag("tls", default=0) == 1:
        said = "invalid configuration: mode=udp with tls=on is unsupported; use mode=dtls for"
        _refuse(instance, f"{said} secure datagram transport", "error configuring plugin")


def _check_library(instance: Instance, name: str) -> None:
    if PathFinder.find_spec(name) is None:
        _refuse(instance, f"the reference agent was not told where the library {name} is")


def _refuse(instance: Instance, *said: str) -> None:
    named = f"[output:{instance.plugin}:{instance.title}]"
    raise StartError(
        *(("error", f"{named} {one}") for one in said),
        ("error", f"[output] failed to initialize '{instance.plugin}' plugin"),
        code=255,
    )
