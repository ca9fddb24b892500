"""Sends a chunk over HTTP, and says in the log what came of it.

Facts: plugins/out_http and src/flb_http_client.c of 5.1.1, measured.
"""

from __future__ import annotations

import base64
import contextlib
import ssl

from .classic import seconds
from .output import Fate
from .response import MalformedError, PartialError, Response
from .server import HTTP_2

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from typing import Final

    from .classic import Instance
    from .delivery import Chunk
    from .forms import Form
    from .http2 import Client
    from .journal import Voice
    from .releases import Release
    from .upstream import Upstream

_DELIVERED: Final = range(200, 206)
_HOPELESS: Final = frozenset(range(400, 500)) - {408, 429}


class Exchange:
    """A request for each chunk, and its response."""

    def __init__(
        self,
        instance: Instance,
        form: Form,
        upstream: Upstream,
        voice: Voice,
        release: Release,
    ) -> None:
        self._instance = instance
        self._form = form
        self._upstream = upstream
        self._voice = voice
        self._release = release
        self._named = f"{upstream.host}:{upstream.port}"
        """The collector, also behind a proxy, which is what is dialled."""
        self._where = upstream.where
        self.unreachable = form.unreachable.format(where=upstream.where)
        self._http2: Client | None = None
        given = instance.settings.get
        self._response_timeout = seconds(given("http.response_timeout", "60"))
        self._io_timeout = seconds(given("net.io_timeout", "0"))

    def begin(self, connection: socket.socket) -> bool:
        """See Speaker."""
        offered = self._form.offers(self._instance)
        agreed = offered[0] if offered else None
        # Who offers nothing else speaks it, whatever the peer agrees to.
        if isinstance(connection, ssl.SSLSocket) and len(offered) > 1:
            agreed = connection.selected_alpn_protocol()
        self._http2 = None
        if agreed == HTTP_2:
            from .http2 import Client  # noqa: PLC0415 # see server.py

            self._http2 = Client(connection)
        return True

    def deliver(self, connection: socket.socket, chunk: Chunk) -> Fate:
        """See Speaker."""
        limits = [one for one in (self._response_timeout, self._io_timeout) if one]
        try:
            connection.settimeout(min(limits, default=None))
            response = self._exchanged(connection, chunk)
        except OSError as error:
            self._lost(connection, error)
            unsent = f"could not flush records to {self._named} (http_do=-1)"
            answered = f"{self._named}, HTTP status=0"
            said = answered if self._release.takes_silence_for_0 else unsent
            self._voice.plugin("error", said)
            return Fate(delivered=False, again=True)
        return self._judge(response)

    def _exchanged(self, connection: socket.socket, chunk: Chunk) -> Response:
        """The response to the chunk. Raises OSError."""
        form = self._form.spoken(self._instance, http2=self._http2 is not None)
        body = form.body(self._instance, chunk)
        method = self._instance.settings.get("http_method", "POST").upper()
        target = form.target(self._instance)
        headers = [f"Content-Length: {len(body)}"]
        if kind := form.kind(self._instance):
            headers.append(f"Content-Type: {kind}")
        headers += self._extra()
        if self._http2:
            asked = {":method": method, ":path": target, ":authority": self._authority()}
            asked[":scheme"] = "https" if self._upstream.secured else "http"
            given = (one.partition(": ")[::2] for one in headers)
            return self._http2.exchange(
                [*asked.items(), *((name.lower(), value) for name, value in given)], body
            )
        lines = (f"{method} {target} HTTP/1.1", f"Host: {self._authority()}", *headers, "", "")
        request = "\r\n".join(lines).encode("utf-8", "surrogateescape") + body
        with contextlib.suppress(OSError):  # the peer may have said why before it closed
            connection.sendall(request)
        return Response.read(connection)

    def _extra(self) -> Sequence[str]:
        given = self._instance.settings.get
        extra = [*self._form.headers]
        if user := given("http_user"):
            pair = f"{user}:{given('http_passwd', '')}".encode("utf-8", "surrogateescape")
            extra.append(f"Authorization: Basic {base64.b64encode(pair).decode()}")
        extra.append("User-Agent: Fluent-Bit")
        for header in self._instance.headers:
            name, _, rest = header.partition(" ")
            extra.append(f"{name}: {rest.strip() or name}")
        keeps = self._upstream.keepalive and not self._http2  # where no header says so
        return [*extra, "Connection: keep-alive"] if keeps else extra

    def _authority(self) -> str:
        host, port = self._upstream.host, self._upstream.port
        named = f"[{host}]" if ":" in host and host[0] != "[" else host
        default = self._upstream.secured and port == 443  # noqa: PLR2004 # https
        return named if default else f"{named}:{port}"

    def _lost(self, connection: socket.socket, error: OSError) -> None:
        if isinstance(error, MalformedError):
            what = f"response from {self._where} on connection #{connection.fileno()}"
            self._voice.say("warn", f"[http_client] malformed HTTP {what}")
            return
        if isinstance(error, TimeoutError):
            self._waited(connection)
            silent = not isinstance(error, PartialError)
            if silent and self._release.crashes_at_silence and _is_13(connection):
                self._voice.crash()
            return
        self._upstream.broken(connection, error)
        self._voice.say("error", f"[http_client] broken connection to {self._where} ?")

    def _waited(self, connection: socket.socket) -> None:
        """Says which of the two waits for a response has ended."""
        idle = 0 < self._io_timeout <= (self._response_timeout or self._io_timeout)
        spent = self._io_timeout if idle else self._response_timeout
        what = f"connection #{connection.fileno()} to tcp://{self._where}"
        self._voice.say("error", f"[upstream] {what} timed out after {spent} seconds (IO timeout)")
        if not self._release.says_what_it_waited_for:
            self._voice.say("error", f"[http_client] broken connection to {self._where} ?")
            return
        how = f"read idle timeout reached (idle={spent}s" if idle else ""
        how = how or f"response timeout reached (elapsed={spent}s"
        self._voice.say("error", f"[http_client] {how}, limit={spent}s)")

    def _judge(self, response: Response) -> Fate:
        """Says which status came."""
        body = f"\n{response.body}" if response.body else ""
        said = f"{self._named}, HTTP status={response.status}{body}"
        delivered = response.status in _DELIVERED
        self._voice.plugin("info" if delivered else "error", said)
        hopeless = response.status in _HOPELESS and self._release.gives_up_on_client_errors
        if hopeless:
            self._voice.plugin(
                "warn",
                f"could not flush records to {self._named} (http_do=0), chunk will not be retried",
            )
        again = not delivered and not hopeless
        return Fate(delivered=delivered, again=again, kept=not response.closes)


def _is_13(connection: socket.socket) -> bool:
    return isinstance(connection, ssl.SSLSocket) and connection.version() == "TLSv1.3"
