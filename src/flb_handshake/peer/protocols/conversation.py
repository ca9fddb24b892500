"""What all record protocols that are not HTTP have in common: how one goes on, and how it ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

from flb_handshake.peer.http import LONGEST_BODY, Heard, RecordProtocol, Request, kept_records

LONGEST: Final = LONGEST_BODY
"""Bytes of a message that is not over yet; what is longer is junk."""

_KEPT_WORDS: Final = 200
"""Characters kept of the reason why something was junk."""


class Junk(Exception):
    """What came is not of the protocol; `reply` is what its server says to that.

    It never leaves `Conversation`.
    """

    def __init__(self, reason: str, reply: bytes = b"") -> None:
        super().__init__(reason[:_KEPT_WORDS])
        self.reply = reply


class Conversation(ABC):
    """The server side of a record protocol on one connection. What is junk ends it."""

    NAME: ClassVar[str]
    """The protocol's, as in "not …: why"."""

    def __init__(self) -> None:
        self._over = False

    def greeting(self) -> bytes:
        """What the server says before anybody asks: nothing, unless the protocol begins so."""
        return b""

    def receive(self, received: bytes) -> Heard:
        """Take bytes; what comes after the end of the conversation is not looked at."""
        requests: list[Request] = []
        answers: list[dict[str, Any]] = []
        answer = b""
        if received and not self._over:
            try:
                for heard in self.turns(received):
                    requests += heard.requests
                    answers += heard.answers
                    answer += heard.answer
                    self._over |= heard.over
                    if self._over:
                        break
            except Junk as junk:
                answers.append({"answer": "refused", "reason": f"not {self.NAME}: {junk}"})
                answer += junk.reply
                self._over = True
        return Heard(
            requests=tuple(requests), answer=answer, answers=tuple(answers), over=self._over
        )

    @abstractmethod
    def turns(self, received: bytes) -> Iterator[Heard]:
        """Take bytes; give what each whole message in them comes to. Raises Junk."""


def message(
    records: list[Any], size: int, *, method: str = "", target: str = "", kind: str = ""
) -> Request:
    """A message of so many bytes with these records: what it is called, to whom, in what form."""
    facts = {
        "method": method,
        "target": target,
        "content_type": kind,
        "bytes": size,
        "records": kept_records(records, size),
        "count": len(records),
        "body": "",
    }
    return Request(facts=facts, count=max(len(records), 1))


class Unserved:
    """What a server that expects TLS hears of an agent that speaks without: it has had enough."""

    def __init__(self, inner: Conversation) -> None:
        self._inner = inner

    def receive(self, received: bytes) -> Heard:
        """Tell what was in the first bytes; say nothing, and end."""
        return Heard(requests=self._inner.receive(received).requests, over=True)


class Unpacked:
    """A conversation whose messages come in datagrams."""

    def __init__(self, inner: RecordProtocol, unpack: Callable[[bytes], bytes]) -> None:
        self._inner = inner
        self._unpack = unpack

    def receive(self, received: bytes) -> Heard:
        """Take a datagram. One that is junk is no end: it may be anybody's."""
        try:
            return self._inner.receive(self._unpack(received))
        except Junk as junk:
            return Heard(answers=({"answer": "refused", "reason": str(junk)},))
