"""The HTTP server of Fluent Bit itself, as far as a hot reload needs it.

Facts: src/http_server/api/v2/reload.c of 5.1.1, measured.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

from .endpoints import Answer
from .grammar import StartError
from .server import attend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .classic import Configuration
    from .journal import Journal
    from .server import Request


class Administration:
    """Answers /api/v2/reload, and nothing else."""

    def __init__(self, configuration: Configuration, reloads: int, journal: Journal) -> None:
        self._enabled = configuration.hot_reload
        self._reloads = reloads
        where = (configuration.http_listen, configuration.http_port)
        try:
            self._listening = socket.create_server(where)
        except (OSError, OverflowError):
            raise StartError(
                ("error", "Error binding socket"),
                ("warn", f"Cannot listen on {where[0]} port {where[1]}"),
                ("error", f"[downstream] could not bind address {where[0]}:{where[1]}. Aborting"),
                ("error", "[engine] could not start HTTP server"),
                code=255,
            ) from None
        said = f"listen iface={where[0]} tcp_port={where[1]}"
        journal.say(("info", f"[http_server] {said}"))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listens no more."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with raw, contextlib.suppress(OSError):
            attend(lambda: raw.recv(1 << 16), raw.sendall, self._answer)

    def _answer(self, request: Request) -> Sequence[Answer]:
        if request.path != "/api/v2/reload":
            return [Answer(404)]
        if request.method == "GET":
            return [Answer(200, f'{{"hot_reload_count":{self._reloads}}}', json=True)]
        if request.method not in {"POST", "PUT"}:
            return [Answer(405)]
        if not self._enabled:
            return [Answer(200, '{"reload":"not enabled","status":-1}', json=True)]
        os.kill(os.getpid(), signal.SIGHUP)
        return [Answer(200, '{"reload":"done","status":0}', json=True)]
