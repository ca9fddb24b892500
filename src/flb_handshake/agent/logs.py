"""Reads Fluent Bit's log: lines, whose they are in a shared process, and the signs in them.

The patterns are facts about Fluent Bit's wording, each with the releases that were seen to use it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")
_LINE: Final = re.compile(
    r"^\[(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\] "
    r"\[ ?(?P<level>error|warn|info|debug|trace|help)\] ?(?P<text>.*)$"
)
_FINAL: Final = re.compile(r"\boutput=(?P<alias>.+) \(out_id=\d+\)\s*$")
_OF_OUTPUT: Final = re.compile(r"^\[output:[^:\]]+:(?P<rest>.*)$")
_OF_TLS_CONNECTION: Final = re.compile(r"^\[tls\] connection #(?P<fd>\d+) ")
_OF_NO_OUTPUT: Final = re.compile(r"^\[(?:tls|io_tls|http_client|openssl|net|aws_client)\b")
"""What speaks for an output without naming it."""
_STEP: Final = re.compile(
    r"\[debug\] \[tls\] connection #\d+ (?:SSL_(?:connect|accept): (?!before)|WANT_(?:READ|WRITE))"
)
_PUT_BACK: Final = re.compile(r"KA connection #\d+ to \S*?:(?P<port>\d{1,5}) is now available")
_TO_PORT: Final = re.compile(r"connection #(?P<fd>-?\d+) (?:failed )?to \S*?:(?P<port>\d{1,5})\b")


_STARTED: Final = re.compile(r"\] \[sp\] stream processor started")
_RETRY: Final = re.compile(r"failed to flush chunk '(?P<chunk>[^']+)', retry in ")
_RESOLVED: Final = re.compile(
    r"flush chunk '(?P<again>[^']+)' succeeded|chunk '(?P<given_up>[^']+)' cannot be retried"
)

_TAKEN: Final = re.compile(r"could not bind address \S*:(?P<port>\d{1,5})\b")
"""5.1.1, of an input and of its own HTTP server alike."""


class Level(StrEnum):
    """How loud a line is."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"
    TRACE = "trace"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of Fluent Bit's log."""

    time: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something that a log says, under a name that does not change with the wording."""

    name: str
    text: str
    """The line's own words."""


_SIGNS: Final = (
    ("certificate_verify_failed", r"certificate verif(?:y|ication) failed"),  # 3.0.7 to 5.1
    ("x509_reason", r"verification failed, reason: .+ \(X509 code: \d+\)"),  # 3.2 to 4.2
    ("openssl_reason", r"\[tls\] error: error:[0-9A-F]{8}:SSL routines::"),  # 5.0 to 5.1
    ("not_tls", r"wrong version number|http request"),  # 5.0 to 5.1
    ("alert_received", r"\[tls\] error: ?error:.* alert |SSL3 alert read:fatal"),  # 5.0 to 5.1
    ("alert_sent", r"SSL3 alert write:fatal"),  # tls.debug 1
    ("no_common_version", r"unsupported protocol|no protocols available"),  # 5.0 to 5.1
    ("no_common_alpn", r"no application protocol"),  # 5.0 to 5.1
    ("client_certificate_missing", r"peer did not return a certificate"),  # 5.0 to 5.1
    ("session_context_missing", r"session id context uninitialized"),  # 5.0 to 5.1
    ("weak_signature", r"legacy sigalg disallowed|no suitable signature algorithm"),  # 5.0 to 5.1
    ("handshake_failed", r"tls handshake failed \(ssl_error="),  # 5.1
    ("syscall_error", r"\[tls\] syscall error"),  # 2.0 to 5.0
    ("unexpected_eof", r"unexpected EOF|unexpected eof"),  # 1.9 to 5.1
    ("connection_reset", r"Connection reset by peer"),
    ("broken_connection", r"\[http_client\] broken connection"),
    ("ca_path_unusable", r"\[tls\] ca_path '"),
    ("ca_file_unusable", r"\[tls\] ca_file '"),
    ("crt_file_unusable", r"\[tls\] crt_file '"),
    ("key_file_unusable", r"\[tls\] key_file '"),
    ("key_mismatch", r"private_key '.*' and password don't match"),
    ("tls_context_failed", r"error initializing TLS context|could not create TLS backend"),
    ("ciphers_refused", r"error setting up TLS ciphers"),
    ("tls_not_supported", r"(?:does not|don't) support TLS"),  # 2.0 has the latter
    ("crashed", r"caught signal \(SIG(?:SEGV|ABRT)\)"),
    ("unknown_plugin", r"tried to instance a plugin name that don't exists"),
    ("unknown_property", r"unknown configuration property '"),
    ("port_taken", _TAKEN.pattern),  # 5.1
    ("config_syntax", r"undefined value - check config is in valid classic format"),
    ("name_not_found", r"getaddrinfo\(host='"),
    ("no_upstream", r"no upstream connections available"),
    ("timed_out", r"timed out after"),
    ("response_timeout", r"response timeout reached"),  # 5.1.1
    ("accept_timeout", r"^\[downstream\] .* timed out after .*\(connection timeout\)"),  # 5.1.1
    ("io_timeout", r" timed out after .*\(IO timeout\)"),  # 5.1.1
    ("not_accepted", r"could not accept new connection"),  # 5.1.1: forward, syslog
    ("tls_certificate_missing", r"TLS context \(certificate file missing\)"),  # 5.1.1
    ("tls_key_missing", r"TLS context \(private key file missing\)"),  # 5.1.1
    ("reloaded", r"reloaded TLS certificate configuration"),  # 5.1.1
    ("reload_failed", r"detected certificate file changes but reload failed"),  # 5.1.1
    ("hot_reload_failed", r"Reloading is aborted"),  # 5.1.1
    ("proxy_failed", r"flb_establish_proxy"),  # 5.1.1
    ("http_status", r"HTTP status=\d+"),
)
_COMPILED: Final = tuple((name, re.compile(pattern)) for name, pattern in _SIGNS)


def parse(raw: str) -> LogLine | None:
    """The line, if it is one of Fluent Bit's log; None for banners and anything else."""
    match = _LINE.match(_ESCAPES.sub("", raw) if "\x1b" in raw else raw)
    if match is None:
        return None
    return LogLine(time=match["time"], level=Level(match["level"]), text=match["text"])


def is_step(raw: str) -> bool:
    """Whether the line only says that the handshake went a step further, or waits.

    `tls.debug 1` writes a dozen of these for each handshake, and the peer's events say the same;
    the first of them is no mere step: it says that a file descriptor begins anew.
    """
    return "[tls] connection #" in raw and _STEP.search(raw) is not None


def is_started(raw: str) -> bool:
    """Whether the line says that every input listens: 5.1.1 starts its stream processor after them.

    After a hot reload it says so again.
    """
    return "stream processor" in raw and _STARTED.search(raw) is not None


def is_let_go(raw: str) -> bool:
    """Whether the line says that an idle connection has been ended by the other side (5.1.1)."""
    return "has been disconnected by the remote" in raw


def taken_port(raw: str) -> int | None:
    """The port on which the line says that it could not listen."""
    if "could not bind" in raw and (match := _TAKEN.search(raw)):
        return int(match["port"])
    return None


def awaiting_retry(lines: Iterable[str]) -> set[str]:
    """The chunks of records that will be sent again, by name."""
    pending: set[str] = set()
    for raw in lines:
        if " chunk '" not in raw:
            continue
        if again := _RETRY.search(raw):
            pending.add(again["chunk"])
        elif done := _RESOLVED.search(raw):
            pending.discard(done["again"] or done["given_up"])
    return pending


def connected_alias(raw: str, ports: Mapping[int, str]) -> str | None:
    """The output that this line says to have been connected: its connection is put back."""
    if "is now available" in raw and (match := _PUT_BACK.search(raw)):
        return ports.get(int(match["port"]))
    return None


def final_alias(raw: str, ports: Mapping[int, str]) -> str | None:
    """The output that this line says to be done: its connection is put back, or it gave up."""
    if " output=" in raw and (match := _FINAL.search(raw)):
        return match["alias"]
    return connected_alias(raw, ports)


def signs(lines: Iterable[str]) -> tuple[Sign, ...]:
    """The signs in these lines, in order, each kind once."""
    found: dict[str, Sign] = {}
    for raw in lines:
        line = parse(raw)
        text = line.text if line else raw.strip()
        for name, pattern in _COMPILED:
            if name not in found and pattern.search(text):
                found[name] = Sign(name=name, text=text)
    return tuple(found.values())


def attributed(lines: Sequence[str], ports: Mapping[int, str]) -> dict[str, list[str]]:
    """Which lines are whose, in the log of a process with several outputs (by alias).

    `ports` says which alias dials which port. With `workers 0` one thread writes the log, so a line
    that names neither a connection nor an output, such as `[tls] error: …`, belongs to the
    `[output:…]` line that follows it. A file descriptor is reused only after the line that names
    its port.
    """
    found: dict[str, list[str]] = defaultdict(list)
    by_descriptor: dict[str, list[str]] = defaultdict(list)
    owner: dict[str, str] = {}
    unclaimed: list[str] = []
    aliases = set(ports.values())
    for raw in lines:
        line = parse(raw)
        if line is None:
            continue
        if connection := _OF_TLS_CONNECTION.match(line.text):
            descriptor = connection["fd"]
            if "before SSL initialization" in line.text:
                owner.pop(descriptor, None)
                by_descriptor.pop(descriptor, None)  # of a connection whose port nobody named
            target = owner.get(descriptor)
            (found[target] if target else by_descriptor[descriptor]).append(raw)
        elif (upstream := _TO_PORT.search(line.text)) and int(upstream["port"]) in ports:
            alias = ports[int(upstream["port"])]
            found[alias] += by_descriptor.pop(upstream["fd"], [])
            owner[upstream["fd"]] = alias
            found[alias] += [*unclaimed, raw]
            unclaimed.clear()
        elif (named := _alias_of(line.text, aliases)) is not None:
            found[named] += [*unclaimed, raw]
            unclaimed.clear()
        elif _OF_NO_OUTPUT.match(line.text):
            unclaimed.append(raw)
    return found


def _alias_of(text: str, aliases: set[str]) -> str | None:
    """The alias that a line bears; an alias may itself hold brackets, so it is looked up whole."""
    if match := _FINAL.search(text):
        return match["alias"] if match["alias"] in aliases else None
    if match := _OF_OUTPUT.match(text):
        rest = match["rest"]
        cut = rest.find("] ")
        while cut >= 0:
            if rest[:cut] in aliases:
                return rest[:cut]
            cut = rest.find("] ", cut + 1)
    return None
