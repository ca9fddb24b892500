"""Every error a user can meet, each with a hint and the exit code that belongs to it."""

from __future__ import annotations

EXIT_AS_EXPECTED = 0
EXIT_DISAGREES = 1
EXIT_USER_MISTAKE = 2
EXIT_HARNESS_FAILED = 3


class HandshakeError(Exception):
    """The root of the tree: `str(error)` says what is wrong and where, `hint` what to do."""

    exit_code = EXIT_HARNESS_FAILED

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class UserMistake(HandshakeError):
    """Something the user gave is wrong: a file, an option, a scenario."""

    exit_code = EXIT_USER_MISTAKE


class CatalogueError(UserMistake):
    """A scenario file cannot be loaded or contradicts itself."""


class UnknownScenario(UserMistake):
    """No scenario bears the id or matches the pattern."""


class CertificateFileError(UserMistake):
    """A PEM file given by the user cannot be used."""


class ConfigurationFileError(UserMistake):
    """A configuration of the user's cannot be read at all."""


class PortTaken(UserMistake):
    """The port that the user named cannot be listened on."""

    def __init__(self, port: int, why: str) -> None:
        super().__init__(
            f"port {port} cannot be had: {why}",
            hint=f"`ss -lntup 'sport = :{port}'` shows who has it (ports below 1024 may want "
            "root); name another one, or leave out --port for one that is free",
        )


class HarnessFailure(HandshakeError):
    """The harness could not do its work; never an outcome of the agent."""


class SilentStart(HarnessFailure):
    """An agent was started and has not said a word: whether it ever ran cannot be told."""

    def __init__(self) -> None:
        super().__init__(
            "the agent has not said a word",
            hint="is this machine too busy? try again, or see whether the agent runs by hand",
        )


class Interrupted(HarnessFailure):
    """Somebody pressed Ctrl-C, or ended the harness with SIGTERM."""

    def __init__(self) -> None:
        super().__init__(
            "interrupted",
            hint="what was started has been stopped and removed; reports hold what had come in",
        )


class AgentUnavailable(HarnessFailure):
    """The Fluent Bit asked for cannot be had on this machine."""
