"""Finds the Fluent Bit to test: the one asked for, or the best at hand, and says why."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flb_handshake.agent.contract import Agent, AgentKind
from flb_handshake.agent.process import open_process
from flb_handshake.agent.reference import open_reference
from flb_handshake.errors import AgentUnavailable, UserMistake
from flb_handshake.model import DEFAULT_VERSION

VARIABLE: Final = "FLB_HANDSHAKE_FLUENT_BIT"
"""The environment variable that names the Fluent Bits to test, commas between them."""

_VERSION: Final = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An agent, and why it is this one."""

    agent: Agent
    why: str

    @property
    def line(self) -> str:
        """One line for a header."""
        identity = self.agent.identity
        name = f"{identity.label}, {identity.kind}"
        if identity.kind is AgentKind.REFERENCE:
            name = identity.label
        return f"{name}, {identity.tls_library} ({self.why})"


def references(given: Sequence[str]) -> list[str]:
    """The REFs to test, each once: those given, else those of the environment, else the default."""
    from_environment = [ref.strip() for ref in os.environ.get(VARIABLE, "").split(",")]
    found = list(given) or [ref for ref in from_environment if ref] or [DEFAULT_VERSION]
    return list(dict.fromkeys(found))


def choose(kind: AgentKind, ref: str) -> Chosen:
    """The agent of this kind for a version, an image reference or a path.

    Raises AgentUnavailable when it cannot be had; only `auto` ever takes another kind instead.
    Raises UserMistake when the two contradict each other.
    """
    version = match[1] if (match := _VERSION.fullmatch(ref)) else None
    is_path = ref.startswith(("/", ".", "~")) or Path(ref).is_file()
    if kind is AgentKind.AUTO:
        return _best(ref, version, is_path=is_path)
    if kind is AgentKind.DOCKER:
        if is_path:
            raise _contradiction(kind, ref, "a version or an image")
        return _docker(ref, "asked for")
    if kind is AgentKind.PROCESS:
        if version is None and not is_path:
            raise _contradiction(kind, ref, "a version or the path of a binary")
        return _process(ref, version, "asked for")
    if version is None:
        raise _contradiction(kind, ref, "a version")
    return Chosen(agent=open_reference(version), why="asked for")


def _best(ref: str, version: str | None, *, is_path: bool) -> Chosen:
    """Docker if it can be had, else a binary, else the model."""
    if is_path:
        return _process(ref, None, "a path was given")
    try:
        return _docker(ref, "a Docker daemon answers and has the image")
    except AgentUnavailable as error:
        if version is None:
            raise
        no_docker = str(error)
    try:
        return _process(ref, version, f"no Docker: {no_docker}")
    except AgentUnavailable as error:
        no_binary = str(error)
    why = f"no Docker: {no_docker}; no binary: {no_binary}"
    return Chosen(agent=open_reference(version), why=why)


def _docker(ref: str, why: str) -> Chosen:
    # Imported late: the SDK takes a third of a second, and most machines in CI go without it.
    from flb_handshake.agent.docker import open_docker  # noqa: PLC0415

    return Chosen(agent=open_docker(ref), why=why)


def _process(ref: str, version: str | None, why: str) -> Chosen:
    path = None if version else str(Path(ref).expanduser())
    return Chosen(agent=open_process(path, version=version or ""), why=why)


def _contradiction(kind: AgentKind, ref: str, wanted: str) -> UserMistake:
    return UserMistake(
        f"--agent {kind} does not go with --fluent-bit {ref}",
        hint=f"give {wanted}, or --agent auto",
    )
