"""What `tcp` and `syslog` take from a connection: JSON documents, or lines.

Facts: plugins/in_tcp and plugins/in_syslog of 5.1.1, measured.
"""

from __future__ import annotations

import re

from .documents import InvalidError, documents
from .grammar import StartError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from .classic import Instance
    from .listener import Connection
    from .releases import Release

NOT_ACCEPTED: Final = "could not accept new connection"
_NAMED: Final = re.compile(r"\(\?<(?![=!])")
_COUNTED: Final = re.compile(rb"(\d+) ")


class Tcp:
    """JSON documents, or lines if the format is `none`."""

    default_port: int = 5170
    offers: tuple[str, ...] = ()
    one_at_a_time: bool = True
    idle: int | None = None

    def __init__(self, instance: Instance, release: Release) -> None:
        self._release = release
        self.refused = None if release.since("4.0") else NOT_ACCEPTED
        self._json = instance.settings.get("format", "json").lower() != "none"
        self._separator = instance.settings.get("separator", "\n").encode().decode("unicode_escape")

    def listening(self, title: str, where: str) -> str | None:
        """See Conversation."""
        return f"{title} listening on {where} with 1 worker" if self._release.since("5.1") else None

    def failed(self, title: str, where: str) -> Sequence[str]:
        """See Conversation."""
        return (f"{title} could not initialize downstream on {where}. Aborting",)

    def converse(self, connection: Connection) -> None:
        """See Conversation."""
        rest = ""
        while data := connection.receive():
            text = rest + data.decode("utf-8", "replace")
            rest = (
                self._documents(connection, text) if self._json else self._lines(connection, text)
            )

    def _lines(self, connection: Connection, text: str) -> str:
        *whole, rest = text.split(self._separator)
        connection.take([{"log": line} for line in whole if line])
        return rest

    @staticmethod
    def _documents(connection: Connection, text: str) -> str:
        try:
            found, rest = documents(text)
        except InvalidError:
            connection.say("warn", "invalid JSON message, skipping")
            return ""
        if all(isinstance(one, (dict, list)) for one in found):
            connection.take([one if isinstance(one, dict) else {"msg": one} for one in found])
        else:
            # What came together is kept together, or not at all.
            connection.say("error", "log event encoding error : -6")
        return rest


class Syslog:
    """Messages that end with a line, or whose length goes before them (RFC 6587).

    Only mode `tcp`, and only parsers whose format is `regex`. The time of a record is that of its
    arrival, whatever `Time_Key` says.
    """

    default_port: int = 5140
    offers: tuple[str, ...] = ()
    one_at_a_time: bool = True
    idle: int | None = None
    refused: str | None = NOT_ACCEPTED

    def __init__(self, instance: Instance, parsers: Mapping[str, Mapping[str, str]]) -> None:
        title = f"[input:syslog:{instance.title}]"
        mode = instance.settings.get("mode", "unix_udp")
        if mode.lower() != "tcp":
            said = f"the reference agent models no other mode of syslog than tcp, not {mode}"
            raise StartError(("error", said), code=255)
        self._name = instance.settings.get("parser", "")
        parser = parsers.get(self._name)
        if parser is None:
            raise StartError(
                ("error", "[in_syslog] parser not set"),
                ("error", f"{title} could not initialize plugin"),
                ("error", f"failed initialize input {instance.name}"),
                code=255,
            )
        if parser.get("format", "").lower() != "regex":
            said = f"the reference agent models only parsers of format regex, not '{self._name}'"
            raise StartError(("error", said), code=255)
        # Ruby's names for groups, which Onigmo reads, are Python's with a P.
        self._pattern = re.compile(_NAMED.sub("(?P<", parser["regex"]))
        kept = parser.get("time_keep", "off").lower() in {"on", "true", "yes"}
        self._dropped = None if kept else parser.get("time_key")
        self._counted = instance.settings.get("format", "newline").lower() == "octet_counting"

    def listening(self, title: str, where: str) -> str | None:
        """See Conversation."""
        del title
        return f"[in_syslog] TCP server binding {where}"

    def failed(self, title: str, where: str) -> Sequence[str]:
        """See Conversation."""
        return (
            f"[in_syslog] could not bind address {where}. Aborting",
            f"{title} could not initialize plugin",
        )

    def converse(self, connection: Connection) -> None:
        """See Conversation."""
        rest = b""
        while data := connection.receive():
            messages, rest = _counted(rest + data) if self._counted else _ended(rest + data)
            for message in messages:
                self._parse(connection, message.decode("utf-8", "replace"))

    def _parse(self, connection: Connection, message: str) -> None:
        match = self._pattern.search(message)
        if match is None:
            connection.say("warn", f"error parsing log message with parser '{self._name}'")
            connection.say("debug", f"unparsed log message: {message}")
            return
        found: dict[str, Any] = {
            key: value
            for key, value in match.groupdict().items()
            if value is not None and key != self._dropped
        }
        connection.take([found])


def _ended(data: bytes) -> tuple[list[bytes], bytes]:
    *whole, rest = data.split(b"\n")
    return [one for one in whole if one], rest


def _counted(data: bytes) -> tuple[list[bytes], bytes]:
    found = []
    while (head := _COUNTED.match(data)) and len(data) >= head.end() + int(head[1]):
        end = head.end() + int(head[1])
        found.append(data[head.end() : end].removesuffix(b"\n"))
        data = data[end:]
    return found, data
