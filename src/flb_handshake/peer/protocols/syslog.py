"""Syslog over TCP or TLS as Fluent Bit frames it: a line for each message of RFC 5424.

RFC 5425 wants the length of each message before it, and Fluent Bit does not send one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from flb_handshake.peer.http import Heard
from flb_handshake.peer.protocols.conversation import Conversation, Junk, message
from flb_handshake.peer.protocols.streams import Pieces, text

_WORD: Final = rb"[\x21-\x7e]+"
_NAME: Final = rb'[^= \]"\x00-\x1f\x7f-\xff]{1,32}'
_PARAM: Final = rb' (?:%s)="(?:[^"\\\]]|\\.)*"' % _NAME

_LINE: Final = re.compile(
    rb"<(?P<pri>\d{1,3})>1 (?P<time>%(word)s) (?P<host>%(word)s) (?P<app>%(word)s) "
    rb"(?P<pid>%(word)s) (?P<msgid>%(word)s) (?P<data>-|(?:\[%(name)s(?:%(param)s)*\])+)"
    rb"(?: (?:\xef\xbb\xbf)?(?P<message>.*))?" % {b"word": _WORD, b"name": _NAME, b"param": _PARAM},
    re.DOTALL,
)
"""RFC 5424, section 6."""

_HIGHEST_PRIORITY: Final = 191
_NIL: Final = "-"


_END: Final = b"\n"


class SyslogServer(Conversation):
    """Takes lines of RFC 5424, and never answers."""

    NAME = "RFC 5424"

    def __init__(self) -> None:
        super().__init__()
        self._cut = Pieces(_END)

    def turns(self, received: bytes) -> Iterator[Heard]:
        """Take bytes; give a record for each line. Raises Junk."""
        for line in self._cut(received):
            record = syslog_record(line)
            yield Heard(requests=(message([record], len(line) + 1, kind="application/syslog"),))


def syslog_record(line: bytes) -> dict[str, Any]:
    """The message and what is said of it, without what is nil. Raises Junk."""
    found = _LINE.fullmatch(line)
    if found is None or int(found["pri"]) > _HIGHEST_PRIORITY:
        raise Junk(f"the line {line[:60]!r}")
    said = {name: text(value) for name, value in found.groupdict().items() if value is not None}
    return {name: value for name, value in said.items() if value != _NIL}


def syslog_datagram(datagram: bytes) -> bytes:
    """What it would be over TCP (RFC 5426 has no mark at its end)."""
    return datagram + _END
