"""What `out_tcp` speaks: records one behind another, in the format that it is set to."""

from __future__ import annotations

from collections.abc import Iterator

from flb_handshake.peer.http import Heard
from flb_handshake.peer.protocols.conversation import Conversation, message
from flb_handshake.peer.protocols.streams import FORMATS


class TcpServer(Conversation):
    """Takes records in one of FORMATS, and never answers. Raises KeyError for another format."""

    NAME = "a stream of records"

    def __init__(self, form: str = "msgpack") -> None:
        super().__init__()
        self._kind, make, self._records = FORMATS[form]
        self._cut = make()

    def turns(self, received: bytes) -> Iterator[Heard]:
        """Take bytes; each value is a message of its own. Raises Junk."""
        for value, size in self._cut(received):
            yield Heard(requests=(message(self._records(value), size, kind=self._kind),))
