"""Tells an image of Fluent Bit from others: its name, its binary, its versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from flb_handshake.agent.process import openssl_in
from flb_handshake.errors import AgentUnavailable

_REPOSITORY: Final = "fluent/fluent-bit"
_BINARY: Final = PurePosixPath("/fluent-bit/bin/fluent-bit")
_VERSION_REF: Final = re.compile(r"v?(\d+\.\d+(?:\.\d+)?(?:-debug)?)")
_VERSION: Final = re.compile(rb"Fluent Bit v(\d+\.\d+\.\d+)")
_LIBCRYPTO: Final = re.compile(rb"libcrypto\S* => (\S+)")

Say = Callable[[Mapping[str, str]], bytes]
"""Runs the binary with `--version` in an environment; gives what it says."""


def image_name(ref: str) -> str:
    """The image that a REF means: a version is a tag of the official one."""
    version = _VERSION_REF.fullmatch(ref)
    return f"{_REPOSITORY}:{version[1]}" if version else ref


def binary_of(config: Mapping[str, Any]) -> str:
    """The path of the binary, from what an image starts, or else where the official one has it."""
    words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    return next((word for word in words if PurePosixPath(word).name == _BINARY.name), str(_BINARY))


def versions_of(name: str, binary: str, say: Say, file: Callable[[str], bytes]) -> tuple[str, str]:
    """The versions of Fluent Bit and of its TLS library. Raises AgentUnavailable if it is none.

    The library is the one that the loader finds; its version is read out of it. A loader that
    does not know how to list runs the binary, which then says its version again.
    """
    said = say({})
    version = _VERSION.search(said)
    if version is None:
        raise not_fluent_bit(name, f"`--version` says {said.decode(errors='replace')[:60]!r}")
    loaded = _LIBCRYPTO.search(say({"LD_TRACE_LOADED_OBJECTS": "1"}))
    return version[1].decode(), openssl_in(file(loaded[1].decode() if loaded else binary))


def not_fluent_bit(name: str, reason: str) -> AgentUnavailable:
    """The error for any other image."""
    return AgentUnavailable(
        f"{name} is not an image of Fluent Bit: {reason}",
        hint="name a version (5.1.1), or an image of fluent-bit",
    )
