"""Accepts connections for an input that listens, secures them, and keeps the records they bring.

Facts: src/flb_downstream.c, src/flb_io.c, src/tls/openssl.c, src/http_server and plugins/in_tcp of
5.1.1, measured.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from .classic import LEVELS, seconds
from .grammar import StartError
from .handshake import HandshakeError, Watch, farewell, listen_in, shake
from .hello import protocols, tickets
from .wording import reading_failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Protocol

    from .classic import Instance
    from .context import Security
    from .inputs import Record
    from .journal import Journal
    from .releases import Release

    class Conversation(Protocol):
        """What an input speaks, over TLS or not."""

        default_port: int
        offers: tuple[str, ...]
        """The application protocols (ALPN) that it takes, best first; none: it does not look."""
        one_at_a_time: bool
        """Whether nobody else is served while somebody shakes hands."""
        idle: int | None
        """How long it waits for more, in seconds, if the configuration does not say."""
        refused: str | None
        """What the plugin itself says of a connection that could not be made."""

        def listening(self, title: str, where: str) -> str | None:
            """The line that says where it listens, if there is one."""

        def failed(self, title: str, where: str) -> Sequence[str]:
            """The lines that say that it cannot listen there."""

        def converse(self, connection: Connection) -> None:
            """Takes what comes until the end. Raises OSError."""


_NO_PROTOCOL: Final = 120
"""The alert no_application_protocol (RFC 7301)."""

_INTERNAL_ERROR: Final = 80
_TICKET: Final = ("write", 22, 4)
"""A handshake message that carries a new session's ticket."""

_CONNECT_TIMEOUT: Final = 10
"""What Fluent Bit 5.1.1 says a handshake took that it waits for, whatever it was told to wait."""

_BACKLOG: Final = 128


class Connection:
    """A peer that has come in: its bytes, and where its records go."""

    def __init__(self, listener: Listener, raw: socket.socket) -> None:
        self._listener = listener
        self._raw = raw

    @property
    def protocol(self) -> str | None:
        """The application protocol (ALPN) that both sides agreed on."""
        raw = self._raw
        return raw.selected_alpn_protocol() if isinstance(raw, ssl.SSLSocket) else None

    def receive(self) -> bytes:
        """What came; nothing at the end. Raises OSError."""
        data = self._raw.recv(1 << 16)
        if not data and isinstance(self._raw, ssl.SSLSocket):
            raise ssl.SSLZeroReturnError
        return data

    def send(self, data: bytes) -> None:
        """Raises OSError."""
        self._raw.sendall(data)

    def take(self, records: Sequence[Record], tag: str | None = None) -> None:
        """Keeps records until they are collected, under the input's tag or their own."""
        self._listener.take(records, tag)

    def say(self, level: str, text: str) -> None:
        """Says something in the name of the input."""
        self._listener.plugin(level, text)


class Listener:
    """An input that listens: a thread accepts, and each connection is served by one of its own."""

    def __init__(
        self,
        instance: Instance,
        conversation: Conversation,
        security: Security | None,
        journal: Journal,
        release: Release,
    ) -> None:
        self.instance = instance
        self._release = release
        self._conversation = conversation
        self._security = security
        self._journal = journal
        self._kept: dict[str, list[Record]] = {}
        self._guard = threading.Lock()
        self._watches: dict[int, Watch] = {}
        self._prepared: ssl.SSLContext | None = None
        self._open: set[socket.socket] = set()
        self._level = LEVELS.get(instance.settings.get("log_level", "").lower(), journal.level)
        self._debug = instance.number_of("tls.debug", default=-1) == 1
        self._accept_timeout = seconds(instance.settings.get("net.accept_timeout", "10"))
        idle = seconds(instance.settings.get("net.io_timeout", "0"))
        self._idle = idle or conversation.idle
        self._listening = self._listen()

    def start(self) -> None:
        """Begins to accept."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listens no more, and leaves every connection."""
        with self._guard:
            leaving = [self._listening, *self._open]
        for one in leaving:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)  # wakes who waits there
        self._listening.close()

    def collect(self) -> Mapping[str, list[Record]]:
        """See Source."""
        with self._guard:
            kept, self._kept = self._kept, {}
        return kept

    def is_done(self) -> bool:
        """See Source."""
        return False

    def take(self, records: Sequence[Record], tag: str | None) -> None:
        """See Connection."""
        named = tag or self.instance.tag
        with self._guard:
            self._kept.setdefault(named, []).extend(records)

    def plugin(self, level: str, text: str) -> None:
        """Says something in the name of the input."""
        if LEVELS[level] <= self._level:
            self._say(level, f"[input:{self.instance.plugin}:{self.instance.title}] {text}")

    def _say(self, level: str, text: str) -> None:
        self._journal.say((level, text))

    def _listen(self) -> socket.socket:
        given = self.instance
        host = given.settings.get("listen", "0.0.0.0")  # noqa: S104 # Fluent Bit's default
        port = given.number_of("port", default=0) or self._conversation.default_port
        where = f"{host}:{port}"
        named = f"[input:{given.plugin}:{given.title}]"
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            made = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except (OSError, OverflowError):
            raise StartError(
                ("error", "Error binding socket"),
                ("warn", f"Cannot listen on {host} port {port}"),
                ("error", f"[downstream] could not bind address {where}. Aborting"),
                *(("error", text) for text in self._conversation.failed(named, where)),
                ("error", f"failed initialize input {given.name}"),
                code=255,
            ) from None
        self._say("debug", f"[downstream] listening on {where}")
        if said := self._conversation.listening(named, where):
            self._say("info", said)
        return made

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listening.accept()
            except OSError:
                if self._listening.fileno() < 0 or not _listens(self._listening):
                    return
                continue
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._conversation.one_at_a_time and self._security:
                if secured := self._secured(raw):
                    threading.Thread(target=self._serve, args=(secured,), daemon=True).start()
            else:
                threading.Thread(target=self._welcome, args=(raw,), daemon=True).start()

    def _welcome(self, raw: socket.socket) -> None:
        connection = self._secured(raw) if self._security else raw
        if connection:
            self._serve(connection)

    def _secured(self, raw: socket.socket) -> ssl.SSLSocket | None:
        """The connection with its handshake done; None, once the log says why not."""
        assert self._security is not None  # noqa: S101 # see the callers
        made = self._security.session(self._say)
        watch = Watch(self._say, self._release, debug=self._debug, accepts=True)
        number = raw.fileno()
        self._prepare(made)
        self._watches[number] = watch
        watch.begin(number)
        try:
            connection = made.wrap_socket(
                raw, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False
            )
        except OSError as error:  # it was reset before anything came
            watch.failed(error)
            self._watches.pop(number, None)
            raw.close()
            return None
        connection.settimeout(self._accept_timeout or None)
        try:
            shake(connection, watch)
        except HandshakeError as error:
            self._refuse(error, number)
            return None
        return connection

    def _prepare(self, made: ssl.SSLContext) -> None:
        """Has each connection's messages go to its own watch, and its hello be looked at first."""
        if self._prepared is made:
            return
        self._prepared = made
        issued: list[bytes] = []
        offered = self._conversation.offers

        def tell(connection: ssl.SSLSocket, direction: str, *message: Any) -> None:
            _, kind, which, body = message
            if (direction, kind, which) == _TICKET:
                issued.append(body)
            if watch := self._watches.get(connection.fileno()):
                watch.take(connection, direction, *message)

        def judge(connection: ssl.SSLSocket, *_: Any) -> int | None:
            watch = self._watches.get(connection.fileno())
            if watch is None:
                return None
            if made.verify_mode and any(
                ticket in body for ticket in tickets(watch.hello) for body in issued
            ):
                # Fluent Bit 5.1.1 sets no session id context, so OpenSSL refuses to resume.
                watch.refusal = "SESSION_ID_CONTEXT_UNINITIALIZED"
                return _INTERNAL_ERROR
            asked = protocols(watch.hello) if offered else []
            if asked and not set(asked) & set(offered):
                # Python's own choice would go on without a protocol.
                watch.refusal = "NO_APPLICATION_PROTOCOL"
                return _NO_PROTOCOL
            return None

        listen_in(made, tell)
        made.sni_callback = judge  # type: ignore[assignment]
        if offered:
            made.set_alpn_protocols(list(offered))

    def _refuse(self, error: HandshakeError, number: int) -> None:
        waited = self._conversation.one_at_a_time
        if error.timed_out and waited:
            host, port = error.connection.getpeername()[:2]
            said = f"to tcp://{host}:{port} timed out after {_CONNECT_TIMEOUT} seconds"
            self._say("error", f"[io_tls] handshake connection #{number} {said}")
        elif error.timed_out:
            logs = self.instance.flag("net.accept_timeout_log_error", default=1) != 0
            said = f"from  timed out after {self._accept_timeout} seconds (connection timeout)"
            self._say("error" if logs else "debug", f"[downstream] connection #{number} {said}")
        if waited:
            self._say("debug", f"[downstream] connection #{number} failed")
            if self._conversation.refused:
                self.plugin("error", self._conversation.refused)
        watch = self._watches.pop(number, None)
        if watch and watch.wrote:
            farewell(error.connection)
        else:
            error.connection.close()

    def _serve(self, raw: socket.socket) -> None:
        number = raw.fileno()
        with self._guard:
            self._open.add(raw)
        try:
            raw.settimeout(self._idle)
            self._conversation.converse(Connection(self, raw))
        except TimeoutError:
            said = f"from  timed out after {self._idle} seconds (IO timeout)"
            self._say("error", f"[downstream] connection #{number} {said}")
        except OSError as error:
            if isinstance(raw, ssl.SSLSocket):
                watch = self._watches.get(number)
                lines = reading_failed(self._release, error, watch.alert if watch else None)
                self._journal.say(*lines)
        self._leave(raw)

    def _leave(self, raw: socket.socket) -> None:
        with self._guard:
            self._open.discard(raw)
        if isinstance(raw, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                raw.settimeout(0)
                raw.unwrap()
        self._watches.pop(raw.fileno(), None)
        raw.close()


def _listens(one: socket.socket) -> bool:
    try:
        return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
