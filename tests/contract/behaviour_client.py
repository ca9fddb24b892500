"""A client on Python's ssl that keeps every byte it hears, with its time, and how it all ended."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, repeat

from collector_clients import HOST, POST, client_context, dial

from flb_handshake.peer.records import split

TLS_1_2 = ssl.TLSVersion.TLSv1_2
TLS_1_3 = ssl.TLSVersion.TLSv1_3
VERSIONS = [TLS_1_2, TLS_1_3]


@dataclass
class Seen:
    """What one visit came to, as the client saw it."""

    heard: bytes = b""
    times: list[tuple[int, float]] = field(default_factory=list)
    """How much had been heard when."""
    sent: dict[str, float] = field(default_factory=dict)
    """When its own flight of this name was sent."""
    marks: dict[str, int] = field(default_factory=dict)
    """How much had been heard when its own flight of this name was sent."""
    agreed: str | None = None
    answers: list[bytes] = field(default_factory=list)
    error: str | None = None
    """OpenSSL's reason."""
    end: str | None = None
    """How the other side ended it: FIN or RST; None: the client did, having its answers."""

    @property
    def records(self):
        return list(split(self.heard))

    def after(self, mark):
        return self.heard[self.marks[mark] :]

    def seconds_since(self, mark):
        """How long it took from its own flight of this name to the last byte that it heard."""
        return self.times[-1][1] - self.sent[mark]


class Visit:
    """One connection. `last`: the flight after which the client says no more (half-closes)."""

    def __init__(self, plain, version, last, options):
        context = client_context(version=version)
        context.options |= options
        self.seen = Seen()
        self._plain = plain
        self._last = last
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=HOST)
        self._flights = chain(["hello", "finished", "request"], repeat("more"))

    def run(self, rounds):
        try:
            self._talk(rounds)
        except ssl.SSLError as error:
            self.seen.error = error.reason
            self._take_leave()
        except EOFError:
            self.seen.end = "FIN"
        except (ConnectionResetError, BrokenPipeError):
            self.seen.end = "RST"

    def _talk(self, rounds):
        if self._last == "nothing":
            self._plain.shutdown(socket.SHUT_WR)
            self._hear_out()
        self._until(self._session.do_handshake)
        self.seen.agreed = self._session.version()
        if self._last == "finished":
            self._session.write(POST)  # it goes out in one piece with the Finished
            self._send()
            self._hear_out()
        self._send()
        for _ in range(rounds):
            self._until(lambda: self._session.write(POST))
            # It goes out once the client waits, in one piece with what a HelloRequest made it say.
            self.seen.answers.append(self._until(lambda: self._session.read(65536)))

    def _until(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._send()
                self._hear()

    def _send(self):
        if flight := self._outgoing.read():
            name = next(self._flights)
            self.seen.sent.setdefault(name, time.monotonic())
            self._plain.sendall(flight)
            self.seen.marks.setdefault(name, len(self.seen.heard))
            if name == self._last:
                with suppress(OSError):  # a reset can come first
                    self._plain.shutdown(socket.SHUT_WR)

    def _hear(self):
        piece = self._plain.recv(65536)
        if not piece:
            raise EOFError
        self.seen.heard += piece
        self.seen.times.append((len(self.seen.heard), time.monotonic()))
        self._incoming.write(piece)

    def _hear_out(self):
        while True:
            self._hear()

    def _take_leave(self):
        """Send what is left to say, an alert, and hear the other side out."""
        try:
            with suppress(BrokenPipeError):
                self._plain.sendall(self._outgoing.read())
                self._plain.shutdown(socket.SHUT_WR)
            self._hear_out()
        except EOFError:
            self.seen.end = "FIN"
        except OSError:
            self.seen.end = "RST"


def visiting(version, *, last="", rounds=1, options=0):
    """A client that visits a port, for `play`; it gives what it has seen."""

    def client(port):
        try:
            plain = dial(port)
        except ConnectionResetError:  # so fast that it was not even connected
            return Seen(end="RST")
        with plain:
            visit = Visit(plain, version, last, options)
            visit.run(rounds)
        return visit.seen

    return client
