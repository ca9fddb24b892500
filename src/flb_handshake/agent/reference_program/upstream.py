"""Connects an output to its collector, secures the connection, and keeps it for the next chunk.

Facts: src/flb_upstream.c, src/flb_network.c and src/flb_io.c of 5.1.1, measured.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time

from .classic import seconds
from .context import name_of
from .grammar import read
from .handshake import HandshakeError, Watch, farewell, handshake
from .wording import reading_failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .classic import Instance
    from .context import Security
    from .journal import Voice
    from .releases import Release
    from .tunnel import Proxy

    Address = tuple[str, int]
    """A host and a port."""


class Hosts:
    """Finds addresses: in a file in the format of /etc/hosts, else with the system's resolver."""

    def __init__(self, path: str | None) -> None:
        self._known: dict[str, list[str]] = {}
        for line in read(path).decode("utf-8", "replace").splitlines() if path else ():
            address, *names = line.partition("#")[0].split() or [""]
            for name in names:
                self._known.setdefault(name.lower(), []).append(address)

    def find(self, name: str, port: int) -> list[Any]:
        """The addresses, in the order in which they are tried; none, if the name leads nowhere."""
        found = []
        for one in self._known.get(name.lower(), [name]):
            # UnicodeError: a label that is empty or too long
            with contextlib.suppress(OSError, UnicodeError, OverflowError):
                found += socket.getaddrinfo(one, port, type=socket.SOCK_STREAM)
        return found


class Upstream:
    """The way to one collector, through a proxy or not; `secured`: over TLS.

    `offers` are the application protocols (ALPN) that it offers. `crashes`: Fluent Bit ends at the
    first connection.

    `where` is what is dialled, and named in the log: the proxy, if there is one.
    """

    def __init__(
        self,
        instance: Instance,
        target: Address,
        security: Security | None,
        release: Release,
        *,
        proxy: Proxy | None,
        hosts: Hosts,
        voice: Voice,
        offers: Sequence[str] = (),
        crashes: bool = False,
    ) -> None:
        self.host, self.port = target
        self._offers = list(offers)
        self._crashes = crashes
        self.secured = security is not None
        self._dialled = proxy.address if proxy else target
        self.where = f"{self._dialled[0]}:{self._dialled[1]}"
        self._instance = instance
        self._release = release
        self._security = security
        self._proxy = proxy
        self._hosts = hosts
        self._voice = voice
        self._kept: socket.socket | None = None
        self._leaving: list[socket.socket] = []
        self._unnoticed: socket.socket | None = None
        """What is put back before it turns out to have ended (until 5.1)."""
        debug = instance.number_of("tls.debug", default=-1) == 1
        self.watch = Watch(voice.say, release, debug=debug)
        self.keepalive = instance.flag("net.keepalive", default=1) == 1
        self._connect_timeout = seconds(instance.settings.get("net.connect_timeout", "10"))

    def reusable(self) -> socket.socket | None:
        """The connection that was kept, if the peer kept it too."""
        kept, self._kept = self._kept, None
        if kept is not None and select.select([kept], [], [], 0)[0]:
            self._kept_alive(kept.fileno(), "has been disconnected by the remote service")
            kept.close()
            return None
        return kept

    def connect(self) -> socket.socket | None:
        """A connection that is ready to be used; None, once the log says why not."""
        deadline = time.monotonic() + self._connect_timeout
        raw = self._dial(deadline)
        number = raw.fileno() if raw else -1
        if raw and self._crashes:
            self._voice.crash()
        way = self._through(self._proxy, raw, deadline) if raw and self._proxy else raw
        connection = self._secure(self._security, way, deadline) if way and self._security else way
        if connection is None:
            self._voice.say("debug", f"[upstream] connection #{number} failed to {self.where}")
        elif self.keepalive:
            if self._release.says_connected:
                self._kept_alive(number, "is connected")
            # From here on the peer decides how long it takes.
            self._voice.write()
        return connection

    def keep(self, connection: socket.socket) -> None:
        """Keeps a connection for the next chunk, if connections are kept."""
        if not self.keepalive:
            self.leave(connection)
            return
        self._kept_alive(connection.fileno(), "is now available")
        self._kept = connection

    def leave(self, connection: socket.socket) -> None:
        """Has a connection closed once everything is said."""
        if connection is self._unnoticed:
            self._kept_alive(connection.fileno(), "is now available")
            self._kept_alive(connection.fileno(), "has been disconnected by the remote service")
        self._leaving.append(connection)

    def broken(self, connection: socket.socket, error: OSError) -> None:
        """Says how a secured connection ended."""
        if isinstance(connection, ssl.SSLSocket):
            for level, text in reading_failed(self._release, error, self.watch.alert):
                self._voice.say(level, text)
            if isinstance(error, ssl.SSLError) and not self._release.says_read_errors:
                self._unnoticed = connection if self.keepalive else None

    def part(self) -> None:
        """Closes those that were left."""
        while self._leaving:
            farewell(self._leaving.pop())

    def close(self) -> None:
        """Says goodbye to a peer that is still there."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with contextlib.suppress(OSError):
                kept.settimeout(0)
                if isinstance(kept, ssl.SSLSocket):
                    kept.unwrap()
            kept.close()

    def _kept_alive(self, number: int, what: str) -> None:
        self._voice.say("debug", f"[upstream] KA connection #{number} to {self.where} {what}")

    def _secure(
        self, security: Security, raw: socket.socket, deadline: float
    ) -> socket.socket | None:
        number = raw.fileno()
        made = security.session(self._voice.say)
        if self._offers:
            made.set_alpn_protocols(self._offers)
        try:
            raw.settimeout(max(deadline - time.monotonic(), 0.001))
            proxied = self._proxy is not None
            name = name_of(self._instance, self._release, proxied=proxied)
            return handshake(raw, made, name, self.watch)
        except HandshakeError as error:
            if error.timed_out:
                self._timed_out(number)
                error.connection.close()
                if self._release.goes_on_after_timeout:
                    self.watch.failed(TimeoutError())
            else:
                self.leave(error.connection)
        return None

    def _through(self, proxy: Proxy, raw: socket.socket, deadline: float) -> socket.socket | None:
        raw.settimeout(max(deadline - time.monotonic(), 0.001))
        return proxy.tunnel(raw, (self.host, self.port), self._voice, self.leave)

    def _dial(self, deadline: float) -> socket.socket | None:
        """A TCP connection to the first address that answers."""
        host, port = self._dialled
        found = self._hosts.find(host, port)
        if not found:
            said = f"getaddrinfo(host='{host}', err=4): Domain name not found"
            self._voice.say("warn", f"[net] {said}")
            return None
        for family, kind, protocol, _, address in found:
            raw = socket.socket(family, kind, protocol)
            try:
                raw.settimeout(max(deadline - time.monotonic(), 0.001))
                raw.connect(address)
            except OSError as error:
                where = f"socket #{raw.fileno()} could not connect to {address[0]}:{address[1]}"
                if isinstance(error, TimeoutError):
                    self._timed_out(raw.fileno())
                self._voice.say("debug", f"[net] {where}")
                raw.close()
            else:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return raw
        self._voice.say("debug", f"[net] could not connect to {self.where}")
        return None

    def _timed_out(self, number: int) -> None:
        spent = f"timed out after {self._connect_timeout} seconds"
        if self._release.says_which_timeout:
            said = f"connection #{number} to tcp://{self.where} {spent} (connection timeout)"
        else:
            said = f"connection #{number} to {self.where} {spent}"
        self._voice.say("error", f"[upstream] {said}")
