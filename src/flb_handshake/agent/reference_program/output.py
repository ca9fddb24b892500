"""Delivers chunks over HTTP, and says in the log what became of them.

Facts: plugins/out_http, src/flb_upstream.c, src/flb_network.c, src/flb_http_client.c and
src/flb_engine.c of 5.1.1, measured.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import select
import socket
import ssl
import threading
import time

from .classic import LEVELS, atoi, seconds
from .context import name_of
from .grammar import read
from .handshake import HandshakeError, Watch, farewell, handshake, why
from .response import MalformedError, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from .classic import Instance
    from .context import Security
    from .delivery import Chunk
    from .journal import Entry, Journal

_DELIVERED: Final = range(200, 206)
_MOST_DOUBLED: Final = 30
"""So often a wait is doubled before only its bound counts."""

_HOPELESS: Final = frozenset(range(400, 500)) - {408, 429}


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


class Output:
    """One `http` output."""

    def __init__(
        self,
        instance: Instance,
        security: Security | None,
        *,
        hosts: Hosts,
        journal: Journal,
        waits: tuple[int, int],
    ) -> None:
        self.instance = instance
        self._base, self._cap = waits
        self._retries = _retries(instance.settings.get("retry_limit", "1"))
        self._delivered = False
        self.host = instance.settings.get("host", "127.0.0.1")
        self.port = instance.number_of("port", default=0) or 80
        self._security = security
        self._hosts = hosts
        self._journal = journal
        self._at_a_time = threading.Lock()
        self._entries: list[Entry] = []
        self._kept: socket.socket | None = None
        self._leaving: list[socket.socket] = []
        debug = instance.number_of("tls.debug", default=-1) == 1
        self._watch = Watch(self._say, debug=debug)
        own = instance.settings.get("log_level", "").lower()
        self._level = LEVELS.get(own, journal.level)
        self._keepalive = instance.flag("net.keepalive", default=1) == 1
        self._connect_timeout = seconds(instance.settings.get("net.connect_timeout", "10"))
        self._response_timeout = seconds(instance.settings.get("http.response_timeout", "60"))
        self._io_timeout = seconds(instance.settings.get("net.io_timeout", "0"))

    def wants(self, tag: str) -> bool:
        """Whether records of this tag are routed here (flb_router_match: only `*` is special)."""
        if pattern := self.instance.settings.get("match_regex"):
            return re.match(pattern, tag) is not None
        match = self.instance.settings.get("match")
        if match is None:
            return False
        return re.fullmatch(".*".join(map(re.escape, match.split("*"))), tag) is not None

    def deliver(self, chunk: Chunk, attempts: int) -> int | None:
        """Tries to send a chunk that was tried so often before.

        The seconds until it is to be tried again; None: it is done with, for better or worse.
        """
        with self._at_a_time:
            connection = self._reusable() or self._connect()
            if connection is None:
                self._plugin("error", f"no upstream connections available to {self._where}")
            wait = None
            if connection is None or self._exchange(connection, self._request(chunk)):
                wait = self._again(chunk, attempts)
            elif attempts and self._delivered:
                self._engine(
                    "info", f"flush chunk '{chunk.name}' succeeded at retry {attempts}", chunk
                )
            self._write()
            while self._leaving:
                farewell(self._leaving.pop())
            return wait

    def _again(self, chunk: Chunk, attempts: int) -> int | None:
        """Says whether and when the chunk is tried again (handle_output_event, flb_engine.c)."""
        if self._retries == 0:
            self._engine("info", f"chunk '{chunk.name}' is not retried (no retry config)", chunk)
            return None
        if self._retries is not None and attempts >= self._retries:
            self._engine("error", f"chunk '{chunk.name}' cannot be retried", chunk, numbered=False)
            return None
        longest = min(self._cap, self._base << min(attempts + 1, _MOST_DOUBLED))
        # The random module would cost a tenth of the start.
        drawn = int.from_bytes(os.urandom(4), "big")
        wait = self._base + drawn % max(longest - self._base + 1, 1) + 1
        said = f"failed to flush chunk '{chunk.name}', retry in {wait} seconds"
        self._engine("warn", said, chunk)
        return wait

    def _engine(self, level: str, said: str, chunk: Chunk, *, numbered: bool = True) -> None:
        what = f"task_id=0, input={chunk.source} > output={self.instance.title}"
        number = f" (out_id={self.instance.number})" if numbered else ""
        self._say(level, f"[engine] {said}: {what}{number}")

    def close(self) -> None:
        """Says goodbye to a peer that is still there, unless the connection is in use."""
        if self._at_a_time.acquire(blocking=False):
            with contextlib.suppress(OSError):
                self._part()
            self._write()
            self._at_a_time.release()

    def _part(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.settimeout(0)
            if isinstance(kept, ssl.SSLSocket):
                kept.unwrap()
            kept.close()

    @property
    def _where(self) -> str:
        return f"{self.host}:{self.port}"

    def _say(self, level: str, text: str) -> None:
        self._entries.append((time.time(), (level, text)))

    def _plugin(self, level: str, text: str) -> None:
        if LEVELS[level] <= self._level:
            self._say(level, f"[output:http:{self.instance.title}] {text}")

    def _write(self) -> None:
        self._journal.write(self._entries)
        self._entries.clear()

    def _reusable(self) -> socket.socket | None:
        """The connection that was kept, if the peer kept it too."""
        kept, self._kept = self._kept, None
        if kept is not None and select.select([kept], [], [], 0)[0]:
            what = f"KA connection #{kept.fileno()} to {self._where}"
            self._say("debug", f"[upstream] {what} has been disconnected by the remote service")
            kept.close()
            return None
        return kept

    def _connect(self) -> socket.socket | None:
        """A connection that is ready to be used; None, once the log says why not."""
        deadline = time.monotonic() + self._connect_timeout
        raw = self._dial(deadline)
        number = raw.fileno() if raw else -1
        connection: socket.socket | None = raw
        if raw and self._security:
            made = self._security.session(self._say)
            try:
                raw.settimeout(max(deadline - time.monotonic(), 0.001))
                connection = handshake(raw, made, name_of(self.instance), self._watch)
            except HandshakeError as error:
                if error.timed_out:
                    self._timed_out(number)
                    error.connection.close()
                else:
                    self._leaving.append(error.connection)
                connection = None
        if connection is None:
            self._say("debug", f"[upstream] connection #{number} failed to {self._where}")
        elif self._keepalive:
            what = f"KA connection #{number} to {self._where}"
            self._say("debug", f"[upstream] {what} is connected")
            # From here on the peer decides how long it takes.
            self._write()
        return connection

    def _dial(self, deadline: float) -> socket.socket | None:
        """A TCP connection to the first address that answers."""
        found = self._hosts.find(self.host, self.port)
        if not found:
            said = f"getaddrinfo(host='{self.host}', err=4): Domain name not found"
            self._say("warn", f"[net] {said}")
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
                self._say("debug", f"[net] {where}")
                raw.close()
            else:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return raw
        self._say("debug", f"[net] could not connect to {self._where}")
        return None

    def _timed_out(self, number: int) -> None:
        what = f"connection #{number} to tcp://{self._where}"
        spent = f"timed out after {self._connect_timeout} seconds (connection timeout)"
        self._say("error", f"[upstream] {what} {spent}")

    def _request(self, chunk: Chunk) -> bytes:
        """The whole request, its headers in Fluent Bit's order."""
        given = self.instance.settings.get
        date_key = given("json_date_key", "date")
        dated = (
            {} if self.instance.flag("json_date_key", default=1) == 0 else {date_key: chunk.when}
        )
        texts = [json.dumps({**dated, **one}, separators=(",", ":")) for one in chunk.records]
        form = given("format", "json").lower()
        kind = "application/json"
        if form == "json_lines":
            kind, body = "application/x-ndjson", "".join(f"{text}\n" for text in texts).encode()
        elif form == "json_stream":
            body = "".join(texts).encode()
        else:
            body = f"[{','.join(texts)}]".encode()
        uri = f"/{given('uri', '/').removeprefix('/')}"
        headers = [
            f"{given('http_method', 'POST').upper()} {uri} HTTP/1.1",
            f"Host: {self._authority()}",
            f"Content-Length: {len(body)}",
            f"Content-Type: {kind}",
            *self._extra(),
        ]
        return "\r\n".join((*headers, "", "")).encode("utf-8", "surrogateescape") + body

    def _extra(self) -> list[str]:
        given = self.instance.settings.get
        extra = []
        if user := given("http_user"):
            pair = f"{user}:{given('http_passwd', '')}".encode("utf-8", "surrogateescape")
            extra.append(f"Authorization: Basic {base64.b64encode(pair).decode()}")
        extra.append("User-Agent: Fluent-Bit")
        for header in self.instance.headers:
            name, _, rest = header.partition(" ")
            extra.append(f"{name}: {rest.strip() or name}")
        return [*extra, "Connection: keep-alive"] if self._keepalive else extra

    def _authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.host[0] != "[" else self.host
        default = self._security is not None and self.port == 443  # noqa: PLR2004 # https
        return host if default else f"{host}:{self.port}"

    def _exchange(self, connection: socket.socket, request: bytes) -> bool:
        """Sends the request and reads the response; whether it is worth a further attempt."""
        limits = [one for one in (self._response_timeout, self._io_timeout) if one]
        response: Response | None = None
        try:
            connection.settimeout(min(limits, default=None))
            with contextlib.suppress(OSError):  # the peer may have said why before it closed
                connection.sendall(request)
            response = Response.read(connection)
        except OSError as error:
            self._lost(connection, error)
        if response is None:
            self._plugin("error", f"could not flush records to {self._where} (http_do=-1)")
            self._leaving.append(connection)
            return True
        retry = self._judge(response)
        if self._keepalive and not response.closes:
            what = f"KA connection #{connection.fileno()} to {self._where}"
            self._say("debug", f"[upstream] {what} is now available")
            self._kept = connection
        else:
            self._leaving.append(connection)
        return retry

    def _lost(self, connection: socket.socket, error: OSError) -> None:
        if isinstance(error, MalformedError):
            what = f"response from {self._where} on connection #{connection.fileno()}"
            self._say("warn", f"[http_client] malformed HTTP {what}")
            return
        if isinstance(error, TimeoutError):
            self._waited(connection)
            return
        if isinstance(error, ssl.SSLZeroReturnError):
            self._say("debug", "[tls] connection closed by the remote peer (close_notify)")
        elif isinstance(error, ssl.SSLError):
            self._say("error", f"[tls] error: {why(error, self._watch.alert)}")
        elif isinstance(connection, ssl.SSLSocket):
            self._say("error", f"[tls] syscall error: {error.strerror}")
        self._say("error", f"[http_client] broken connection to {self._where} ?")

    def _waited(self, connection: socket.socket) -> None:
        """Says which of the two waits for a response has ended."""
        idle = 0 < self._io_timeout <= (self._response_timeout or self._io_timeout)
        spent = self._io_timeout if idle else self._response_timeout
        what = f"connection #{connection.fileno()} to tcp://{self._where}"
        self._say("error", f"[upstream] {what} timed out after {spent} seconds (IO timeout)")
        how = f"read idle timeout reached (idle={spent}s" if idle else ""
        how = how or f"response timeout reached (elapsed={spent}s"
        self._say("error", f"[http_client] {how}, limit={spent}s)")

    def _judge(self, response: Response) -> bool:
        """Says which status came; whether it is worth a further attempt."""
        body = f"\n{response.body}" if response.body else ""
        said = f"{self._where}, HTTP status={response.status}{body}"
        self._delivered = response.status in _DELIVERED
        if self._delivered:
            self._plugin("info", said)
            return False
        self._plugin("error", said)
        if response.status in _HOPELESS:
            self._plugin(
                "warn",
                f"could not flush records to {self._where} (http_do=0), chunk will not be retried",
            )
            return False
        return True


def _retries(limit: str) -> int | None:
    """How often a chunk is tried again; None: without end (flb_output_set_property)."""
    if limit.lower() in {"no_limits", "false", "off"}:
        return None
    if limit.lower() == "no_retries":
        return 0
    return max(atoi(limit), 1)
