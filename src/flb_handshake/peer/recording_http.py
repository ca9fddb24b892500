"""HTTP by httpx over the shipper's own connections, which record all that they see."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import httpcore
import httpx

from flb_handshake.peer.client_connection import ClientConnection, ConnectionEnded

Open: TypeAlias = Callable[[], Awaitable[ClientConnection]]
"""Makes a connection, and its handshake. Raises ConnectionEnded."""

_ERRORS: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
)


def client(open_connection: Open) -> httpx.AsyncClient:
    """Make an HTTP client of one connection at a time; HTTP/2 where the agent chose it.

    Its requests raise httpx.HTTPError; nothing of the environment and no redirect is followed.
    """
    return httpx.AsyncClient(
        transport=_Transport(open_connection),
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113 # whoever asks bounds the whole
        headers={"User-Agent": "flb-handshake"},
    )


Trace: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""What httpcore tells its progress to (its `trace` extension)."""


def in_one_go(connected: Callable[[], ClientConnection], sent: Callable[[], None]) -> Trace:
    """Have a request's body written at once with its end, and be told when it is.

    httpcore ends an HTTP/2 stream with an empty DATA frame of its own. Fluent Bit 5.1.1 crashes
    (SIGSEGV, measured with five inputs) when that is read apart from the last of the body.
    """

    async def trace(name: str, _: Mapping[str, Any]) -> None:
        if name.endswith(".send_request_body.started"):
            connected().hold()
        elif name.endswith(".send_request_body.complete"):
            with suppress(ConnectionEnded):  # there may be an answer already
                await connected().flush()
                sent()

    return trace


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, open_connection: Open) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # never used: see start_tls
            max_connections=1,
            http2=True,
            network_backend=_Backend(open_connection),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 # an async client's
        asked = httpcore.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(asked)
        except _ERRORS as error:
            raise httpx.TransportError(str(error)) from error
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.aiter_stream():
                yield piece
        except _ERRORS as error:
            raise httpx.TransportError(str(error)) from error

    async def aclose(self) -> None:
        await self._answer.aclose()


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, open_connection: Open) -> None:
        self._open = open_connection

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 # whoever opens knows where to
        port: int,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Stream(await self._open())
        except ConnectionEnded as error:
            raise httpcore.ConnectError("the connection ended") from error


@dataclass(frozen=True, slots=True)
class _Chosen:
    """As much of `ssl.SSLObject` as httpcore asks for."""

    protocol: str | None

    def selected_alpn_protocol(self) -> str | None:
        return self.protocol


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        return await self._connection.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Say it to an agent that still listens; else it is the next read that finds the end."""
        with suppress(ConnectionEnded):
            await self._connection.write(buffer)

    async def aclose(self) -> None:
        """Do nothing: its shipper closes a connection, politely."""

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002
        server_hostname: str | None = None,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Do nothing: the connection has shaken hands already."""
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return _Chosen(self._connection.alpn)
        if info == "is_readable":  # which an idle connection is when it has ended
            return self._connection.is_over
        return None
