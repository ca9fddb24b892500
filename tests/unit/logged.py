"""Logs for the tests of the diagnosis."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from flb_handshake.diagnosis import gathering
from flb_handshake.diagnosis import lines as lines_
from flb_handshake.diagnosis.causes import Ranked, ranked
from flb_handshake.diagnosis.configured import Settings
from flb_handshake.diagnosis.gathering import gathered
from flb_handshake.diagnosis.lines import Found, Reader
from flb_handshake.diagnosis.release import named
from flb_handshake.diagnosis.troubles import Trouble

AT = "[2026/11/25 12:00:00] "
EOF = AT + "[error] [tls] error: unexpected EOF"
CODE = AT + "[error] [tls] certificate verification failed, reason: {reason} (X509 code: {code})"


def none_available(output: str = "http.0", target: str = "logs.example.test:9200") -> str:
    plugin = output.partition(".")[0]
    return AT + f"[error] [output:{plugin}:{output}] no upstream connections available to {target}"


def found(*lines: str) -> list[Found]:
    return list(Reader().read(io.BytesIO("\n".join(lines).encode())))


def troubles(*lines: str, release: str = "") -> list[Trouble]:
    return gathered(found(*lines), named(release) if release else None)


def causes(*lines: str, release: str = "", settings: Settings | None = None) -> Sequence[Ranked]:
    """The causes of the one trouble that these lines are."""
    (one,) = troubles(*lines, release=release)
    return ranked(one, settings)


def words(*lines: str, release: str = "", settings: Settings | None = None) -> list[str]:
    return [one.cause.value for one in causes(*lines, release=release, settings=settings)]


@contextmanager
def without_memory() -> Iterator[None]:
    """Each line is read anew, with its own numbers, and each step found out anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_, "_SHORT", -1)
        patch.setattr(lines_, "_VARYING", ())
        patch.setattr(lines_, "_ONES", bytes(range(256)))
        patch.setattr(gathering, "_REMEMBERED", 1)
        yield
