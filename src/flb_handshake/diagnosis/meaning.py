"""What a line means in the release that wrote it, and the observation that would decide."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flb_handshake.diagnosis.configured import Settings
from flb_handshake.diagnosis.troubles import Trouble
from flb_handshake.remedies import OF_AN_INPUT, OF_AN_OUTPUT

STANDARD_INPUT: Final = Path("-")
"""The log that is read once: no second command can read it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What to look at next."""

    observation: str
    command: str
    reproduce: str = ""
    """The command that plays the user's own section; empty: there is nothing to play it from."""


def meaning(trouble: Trouble) -> str:
    """What the line that says most means, in this release (measured from 1.9.10 to 5.1.1)."""
    clue, release = trouble.decisive, trouble.release
    if clue.name == "unexpected_eof":
        if release.lies("3.0.7", "3.2"):
            return (
                "in 3.0.7 to 3.1 `unexpected EOF` says almost nothing, but that no certificate was "
                "refused by Fluent Bit: that line would go on `with reason: certificate verify "
                "failed`"
            )
        if release.lies("3.2", "5.0"):
            return (
                "in 3.2 to 4.2 `unexpected EOF` says almost nothing: any alert, of either side, "
                "and a connection that just ended are logged so; a certificate that Fluent Bit "
                "refused is not, it has a line of its own with an X509 code"
            )
        return (
            f"in {_before_3_0_7(trouble)} `unexpected EOF` says almost nothing: every failed "
            "handshake is logged so, whether a certificate was refused, by whichever side, or the "
            "connection just ended"
        )
    if clue.name == "eof_with_reason":
        return (
            "Fluent Bit itself refused the certificate; 3.0.7 to 3.1 do not say why (3.2 to 4.2 do"
            "), and nothing has ended unexpectedly"
        )
    if clue.name.startswith("code:"):
        return (
            "Fluent Bit itself refused the certificate, and this release (3.2 to 4.2 do) gives the "
            f"reason of OpenSSL's: X509 {clue.name.replace(':', ' ')}"
        )
    if clue.name in {"verify_failed", "certificate_verify_failed"}:
        return (
            "Fluent Bit itself refused the certificate; from 5.0 on it does not say why: the alert "
            "that it sent, with tls.debug 1, tells the kind"
        )
    return clue.told


def _before_3_0_7(trouble: Trouble) -> str:
    if trouble.release.lies("1.7", "3.0.7"):
        return "releases up to 3.0.6"
    return "every release before 5.0"


def look_next(trouble: Trouble, settings: Settings | None) -> Next:
    """The observation that would decide between the causes, and the command that makes it."""
    book = OF_AN_INPUT if trouble.is_input else OF_AN_OUTPUT
    look = trouble.decisive.look
    observation = book.look.get(look, book.look["log"]).format_map(_Named(settings))
    if look == "log" and not trouble.debug and not trouble.is_input:
        return Next(
            observation=observation,
            command="set log_level debug under [SERVICE] and tls.debug 1 in the section, restart, "
            "then: flb-handshake diagnose LOG",
        )
    if look == "key_file" and settings is not None:
        crt, key = (shlex.quote(settings.get(f"tls.{one}") or one) for one in _PAIR)
        command = f"openssl pkey -in {key} -pubout; openssl x509 -in {crt} -noout -pubkey"
        return Next(observation=observation, command=command)
    return Next(observation=observation, command=s_client(trouble, settings))


_PAIR = ("crt_file", "key_file")


class _Named(dict[str, str]):
    """The words of an observation; what is not set is called by its property."""

    def __init__(self, settings: Settings | None) -> None:
        super().__init__()
        self._settings = settings

    def __missing__(self, name: str) -> str:
        value = self._settings.get(f"tls.{name}") if self._settings else ""
        return value or f"tls.{name}"


def s_client(trouble: Trouble, settings: Settings | None) -> str:
    """The line that dials as this output does, with its host, SNI, CA and client certificate.

    Of an input, whose files are a server's, the line that any client would dial it by.
    """
    host, _, port = trouble.target.rpartition(":")
    if settings is not None:
        host, port = settings.host or host, settings.port or port
    host = host.partition("://")[2].partition("/")[0] if "://" in host else host
    words = ["openssl", "s_client", "-connect", f"{host or 'HOST'}:{port or 'PORT'}", "-showcerts"]
    name = (settings.name if settings else "") or host or "HOST"
    if settings is None or not settings.host_is_address or settings.get("tls.vhost"):
        words += ["-servername", name]
    if settings is None:
        words += ["-verify_return_error"]
        return shlex.join(words) + " </dev/null   # add -CAfile with what tls.ca_file names"
    if settings.is_on("tls.verify_hostname"):
        words += ["-verify_ip" if name == host and settings.host_is_address else "-verify_hostname"]
        words += [name.strip("[]")]
    for name, option in _OPTIONS if not trouble.is_input else ():
        if value := settings.get(name):
            words += [option, value]
    return shlex.join(words) + " </dev/null"


def reproduction(trouble: Trouble, settings: Settings | None, config: Path, log: Path) -> str:
    """The command that plays the input or output that a trouble is of; empty: there is none.

    Before the like of the very server where the log tells which was dialled, for that finds the
    cause; else by the log, which can only leave out what would have said otherwise.
    """
    words = ["flb-handshake", "reproduce", "--config", str(config)]
    by_log = "" if log == STANDARD_INPUT else shlex.join([*words, "--log", str(log)])
    if settings is None or trouble.is_input:
        return by_log if trouble.is_input else ""
    host, _, port = trouble.target.rpartition(":")
    # What stands behind a proxy or a scheme cannot be looked at by dialling it as it is written.
    if host and port.isdigit() and "/" not in host and not settings.get("proxy"):
        words += ["--server", trouble.target]
        if trouble.release.exact:
            words += ["--fluent-bit", trouble.release.exact]
        return shlex.join(words)
    return by_log


_OPTIONS = (
    ("tls.ca_file", "-CAfile"),
    ("tls.ca_path", "-CApath"),
    ("tls.crt_file", "-cert"),
    ("tls.key_file", "-key"),
)
