"""WebSocket (RFC 6455): an upgrade of HTTP/1.1, then masked frames with records in them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import h11

from flb_handshake.peer.http import Heard, refusal
from flb_handshake.peer.protocols.conversation import LONGEST, Conversation, Junk, message
from flb_handshake.peer.protocols.streams import FORMATS

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_TWO_BYTES, _EIGHT_BYTES = 126, 127
"""What stands in place of a length that comes behind, in so many bytes."""

_PROTOCOL_ERROR: Final = 1002
_TOO_BIG: Final = 1009


@dataclass(frozen=True, slots=True)
class _Frame:
    opcode: int
    final: bool
    payload: bytes


class WebSocketServer(Conversation):
    """Takes records in one of FORMATS, a message at a time. Raises KeyError for another format."""

    NAME = "WebSocket"

    def __init__(self, form: str = "msgpack") -> None:
        super().__init__()
        self._kind, self._make, self._records = FORMATS[form]
        self._http: h11.Connection | None = h11.Connection(h11.SERVER)
        """None: it was upgraded."""
        self._target = ""
        self._rest = bytearray()
        self._message = bytearray()
        self._begun = False

    def turns(self, received: bytes) -> Iterator[Heard]:
        """Take bytes; give what the upgrade, and then each frame, comes to. Raises Junk."""
        if self._http is not None:
            answer = self._upgrade(self._http, received)
            if not answer:
                return
            yield Heard(answer=answer, answers=({"answer": "101"},))
        else:
            self._rest += received
        for frame in iter(self._frame, None):
            yield self._on(frame)

    def _upgrade(self, http: h11.Connection, received: bytes) -> bytes:
        """Answer the request once it is whole; what stands behind it are frames."""
        try:
            http.receive_data(received)
            event = http.next_event()
            if event is h11.NEED_DATA:
                return b""
            if not isinstance(event, h11.Request):
                raise Junk("no request", refusal())
            headers = dict(event.headers)
            key = headers.get(b"sec-websocket-key", b"")
            if headers.get(b"upgrade", b"").lower() != b"websocket" or not key:
                raise Junk("a request without an upgrade", refusal())
            http.next_event()  # the end of the request, which has no body
            switching = h11.InformationalResponse(
                status_code=HTTPStatus.SWITCHING_PROTOCOLS,
                headers=[
                    (b"Upgrade", b"websocket"),
                    (b"Connection", b"Upgrade"),
                    (b"Sec-WebSocket-Accept", _accept(key)),
                ],
                reason=b"Switching Protocols",
            )
            answer = http.send(switching) or b""
        except h11.ProtocolError as error:
            raise Junk(str(error), refusal()) from error
        self._target = event.target.decode("ascii", "replace")
        self._rest += http.trailing_data[0]
        self._http = None
        return answer

    def _frame(self) -> _Frame | None:
        """The next frame; None: it has not all come."""
        rest = self._rest
        if len(rest) < 2:  # noqa: PLR2004 # the part of a header that every frame has
            return None
        first, second = rest[0], rest[1]
        if not second & _MASKED:
            raise _failure(_PROTOCOL_ERROR, "a frame that is not masked")
        size, at = second & ~_MASKED, 2
        wide = {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(size, 0)
        if wide:
            size, at = int.from_bytes(rest[2 : 2 + wide]), 2 + wide
        if len(rest) < at:
            return None
        if size + len(self._message) > LONGEST:
            raise _failure(_TOO_BIG, f"a message of more than {LONGEST} bytes")
        body = at + 4  # the mask
        if len(rest) < body + size:
            return None
        payload = _unmasked(bytes(rest[body : body + size]), bytes(rest[at:body]))
        del rest[: body + size]
        return _Frame(first & 0x0F, bool(first & _FINAL), payload)

    def _on(self, frame: _Frame) -> Heard:
        if frame.opcode == _PING:
            answer = _frame(_PONG, frame.payload[:125])
            return Heard(answer=answer, answers=({"answer": "pong"},))
        if frame.opcode == _PONG:
            return Heard()
        if frame.opcode == _CLOSE:
            return Heard(answer=_frame(_CLOSE, frame.payload[:2]), over=True)
        if frame.opcode not in {_CONTINUATION, _TEXT, _BINARY}:
            raise _failure(_PROTOCOL_ERROR, f"a frame of the kind {frame.opcode}")
        if self._begun != (frame.opcode == _CONTINUATION):
            raise _failure(_PROTOCOL_ERROR, "a frame out of its message's order")
        self._message += frame.payload
        self._begun = not frame.final
        return self._arrived() if frame.final else Heard()

    def _arrived(self) -> Heard:
        whole = bytes(self._message)
        self._message.clear()
        values = [value for value, _ in self._make()(whole)]
        records = [record for value in values for record in self._records(value)]
        arrived = message(records, len(whole), target=self._target, kind=self._kind)
        return Heard(requests=(arrived,))


def _accept(key: bytes) -> bytes:
    """RFC 6455, section 4.2.2."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    pad = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(size)


def _frame(opcode: int, payload: bytes) -> bytes:
    """A frame of ours, which is short and not masked."""
    return bytes([_FINAL | opcode, len(payload)]) + payload


def _failure(status: int, reason: str) -> Junk:
    return Junk(reason, _frame(_CLOSE, status.to_bytes(2)))
