"""Goes through an HTTP or HTTPS proxy: CONNECT, and a connection inside of it.

Facts: src/flb_upstream.c, src/flb_io.c and src/flb_http_client.c of 5.1.1, measured.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import select
import socket
import ssl
import threading

from .classic import Instance
from .context import Security
from .grammar import StartError
from .handshake import HandshakeError, Watch, handshake
from .response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from .grammar import Line
    from .journal import Voice
    from .releases import Release
    from .upstream import Address

_VARIABLES: Final = ("HTTP_PROXY", "http_proxy")
_EXCEPTIONS: Final = ("NO_PROXY", "no_proxy")
_URL: Final = re.compile(r"(?:(\w+)://)?(?:([^:@/]*):([^@/]*)@)?([^:/@]+)(?::(\d+))?/?")
_KNOWN: Final = frozenset({None, "http", "https"})
_TELLING: Final = frozenset({"datadog", "es", "splunk"})
_PIECE: Final = 1 << 16


class Proxy:
    """The proxy that the environment names; `address`: where it is."""

    def __init__(self, url: re.Match[str], security: Security | None, release: Release) -> None:
        self.address = (url[4], int(url[5] or 80))
        self._security = security
        self._release = release
        self._credentials = f"{url[2]}:{url[3]}" if url[2] is not None else None

    def tunnel(
        self,
        raw: socket.socket,
        target: Address,
        voice: Voice,
        leave: Callable[[socket.socket], None],
    ) -> socket.socket | None:
        """The way to the target; None, once the log says why there is none."""
        number = raw.fileno()
        where = f"{self.address[0]}:{self.address[1]}"
        way: socket.socket = raw
        if self._security:
            try:
                watch = Watch(voice.say, self._release, debug=False)
                way = handshake(raw, self._security.session(voice.say), self.address[0], watch)
            except HandshakeError as error:
                voice.say("debug", f"[http_client] proxy TLS handshake failed for {where}")
                leave(error.connection)
                return None
        made = self._connected(way, target, voice)
        said = f"connection #{number} {'connected' if made else 'failed'} to {where}."
        voice.say("debug", f"[http_client] flb_http_client_proxy_connect {said}")
        if not made:
            leave(way)
            return None
        return _inside(way) if isinstance(way, ssl.SSLSocket) else way

    def _connected(self, way: socket.socket, target: Address, voice: Voice) -> bool:
        """Asks for the tunnel; whether it is there."""
        lines = [f"CONNECT {target[0]}:{target[1]} HTTP/1.1", "Proxy-Connection: KeepAlive"]
        lines.append(f"Host: {target[0]}:{target[1]}")
        if self._credentials is not None:
            pair = base64.b64encode(self._credentials.encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {pair}")
        lines += ["User-Agent: Fluent-Bit", "", ""]
        try:
            way.sendall("\r\n".join(lines).encode())
            response = Response.read(way)
        except OSError:
            voice.say("error", "[upstream] error in flb_establish_proxy: -1")
            return False
        voice.say("debug", f"[upstream] proxy returned {response.status}")
        if response.status != 200:  # noqa: PLR2004 # whatever else comes is no tunnel
            voice.say("error", f"flb_establish_proxy error: {response.body or '(null)'}")
            return False
        return True


def proxy(instance: Instance, host: str, release: Release, system: str) -> Proxy | None:
    """The proxy that stands between an output and this host. Raises StartError."""
    named = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), None)
    direct = next((os.environ[name] for name in _EXCEPTIONS if os.environ.get(name)), "")
    if named is None or host in direct.split(",") or direct == "*":
        return None
    url = _URL.fullmatch(named)
    # A release that does not know `tls.proxy.*` goes through no proxy over TLS.
    refused = (
        frozenset()
        if "tls.proxy.verify" in release.properties.core["output"]
        else frozenset({"https"})
    )
    if url is None or url[1] not in _KNOWN - refused:
        raise StartError(
            ("error", "only HTTP and HTTPS proxies are supported."),
            *_unconnected(instance),
            ("error", f"[output] failed to initialize '{instance.plugin}' plugin"),
            code=255,
        )
    secured = _security(instance, url[4], release, system) if url[1] == "https" else None
    return Proxy(url, secured, release)


def _unconnected(instance: Instance) -> list[Line]:
    """What the plugin itself says of a proxy that cannot be used; most say nothing."""
    said = "cannot create Upstream context"
    named = f"[output:{instance.plugin}:{instance.title}]"
    return [("error", f"{named} {said}")] if instance.plugin in _TELLING else []


def _security(instance: Instance, host: str, release: Release, system: str) -> Security:
    """What `tls.proxy.*` asks for: by default the chain is verified, and the proxy's name."""
    asked = Instance(kind=instance.kind, plugin=instance.plugin, number=instance.number)
    asked.settings = {"tls.vhost": host, "tls.verify_hostname": "on"}
    for key, value in instance.settings.items():
        if key.startswith("tls.proxy."):
            asked.settings[key.replace("tls.proxy.", "tls.")] = value
    return Security(asked, release, system)


def _inside(outer: ssl.SSLSocket) -> socket.socket:
    """A socket whose bytes travel inside of this connection.

    Python's ssl secures sockets of the system alone: TLS inside of TLS takes a pair of them.
    """
    near, far = socket.socketpair()
    threading.Thread(target=_carry, args=(outer, far), daemon=True).start()
    near.settimeout(outer.gettimeout())
    return near


def _carry(outer: ssl.SSLSocket, far: socket.socket) -> None:
    """Carries bytes both ways until one side ends."""
    with outer, far, contextlib.suppress(OSError):
        while True:
            ready, _, _ = select.select([outer, far], [], [])
            if outer in ready:
                outer.settimeout(0)
                try:
                    came = outer.recv(_PIECE)
                except ssl.SSLWantReadError:  # nothing that was said inside, such as a ticket
                    continue
                if not came:
                    return
                far.sendall(came)
            if far in ready:
                outer.settimeout(None)
                said = far.recv(_PIECE)
                if not said:
                    outer.unwrap()
                    return
                outer.sendall(said)
