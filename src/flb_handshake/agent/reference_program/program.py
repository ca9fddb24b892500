"""Says what it is, and runs as Fluent Bit does until it is told to stop or to reload.

Facts: src/fluent-bit.c and src/flb_reload.c of 5.1.1, measured.
"""

from __future__ import annotations

import os
import signal
import ssl
import sys
import threading

from .classic import LEVELS, REFUSED, load
from .context import SYSTEM_CERTIFICATES
from .grammar import ABORTED, HUNG, StartError, Unreadable
from .journal import Journal
from .releases import VERSIONS, Release
from .service import Service, check
from .upstream import Hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from .classic import Configuration
    from .grammar import Line

_INVALID: Final = 255
"""The code with which a plugin's unknown property stops the start."""

_OPTIONS: Final = {
    "-c": "config",
    "--config": "config",
    "--model": "model",
    "--hosts": "hosts",
    "--system-certs": "system",
    "--packages": "packages",
}
_USAGE: Final = """\
usage: reference_program -c CONF [--model VERSION] [--hosts FILE] [--system-certs DIR]
                         [--packages DIR]
       reference_program --version

  -c CONF             a configuration in Fluent Bit's classic mode
  --model VERSION     the Fluent Bit to be like: {versions}
  --hosts FILE        names and addresses, before the system's resolver is asked
  --system-certs DIR  the trust store, where Fluent Bit reads /etc/ssl/certs
  --packages DIR      where the libraries h2 and msgpack are, for what speaks HTTP/2 or msgpack
"""


def banner(release: Release) -> str:
    """What this program says that it is."""
    return (
        f"reference (a model of Fluent Bit {release.version}, not Fluent Bit)\n"
        f"OpenSSL: {ssl.OPENSSL_VERSION}\n"
    )


class _Usage(Exception):  # how a command line is declined
    pass


def main(arguments: Sequence[str]) -> int:
    """Runs until it is told to stop; 0 then, or the code with which Fluent Bit refuses to start."""
    try:
        given = _options(arguments)
        release = Release(given["model"])
        hosts = Hosts(given.get("hosts"))
    except (OSError, _Usage) as error:
        versions = ", ".join(VERSIONS)
        sys.stderr.write(f"reference: {error}\n\n{_USAGE.format(versions=versions)}")
        return 2
    if "packages" in given:
        sys.path.append(given["packages"])
    if "version" in given:
        sys.stdout.write(banner(release))
        return 0
    sys.stderr.write(banner(release))
    sys.stderr.flush()
    system = given.get("system", SYSTEM_CERTIFICATES)
    return _Program(given["config"], release, hosts, system).run()


def _options(arguments: Sequence[str]) -> dict[str, str]:
    """The command line, read without argparse: that would cost a tenth of the start."""
    given = {"model": "5.1.1"}
    rest = iter(arguments)
    for argument in rest:
        name, separator, value = argument.partition("=")
        if argument in {"--version", "-V"}:
            given["version"] = ""
        elif name in _OPTIONS:
            taken = value if separator else next(rest, None)
            if taken is None:
                raise _Usage(f"{name} needs a value")
            given[_OPTIONS[name]] = taken
        else:
            raise _Usage(f"unknown argument '{argument}'")
    if given["model"] not in VERSIONS:
        known = ", ".join(VERSIONS)
        raise _Usage(f"there is no model of Fluent Bit {given['model']}, only of {known}")
    if "version" not in given and "config" not in given:
        raise _Usage("-c CONF is missing")
    return given


class _Program:
    """One process: the service that runs, and what signals ask for."""

    def __init__(self, path: str, release: Release, hosts: Hosts, system: str) -> None:
        self._path = path
        self._release = release
        self._hosts = hosts
        self._system = system
        self._journal = Journal(LEVELS["info"])
        self._asked = threading.Event()
        self._ends = False
        self._reloads = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ask(ends=True))
        signal.signal(signal.SIGHUP, lambda *_: self._ask(ends=False))

    def run(self) -> int:
        """Runs until it is told to stop; the exit code."""
        try:
            configuration = load(self._path, self._release)
            self._journal.level = configuration.level
            self._journal.say(*configuration.warnings)
            service = self._start(configuration)
        except StartError as error:
            return self._refuse(error)
        _raise_limit()
        while True:
            service.run(self._asked)
            self._asked.clear()
            if self._ends:
                break
            reloaded = self._reloaded(configuration)
            if reloaded is not None:
                service.flush()
                service.close()
                self._journal.say(("info", "[reload] start everything"))
                configuration = reloaded
                self._reloads += 1
                try:
                    service = self._start(configuration)
                except StartError as error:
                    said = "loaded configuration contains error(s). Reloading is aborted"
                    return self._refuse(error, ("error", f"[reload] {said}"))
                self._journal.say(("info", "[reload] successful reload done."))
        service.close()
        return 0

    def _ask(self, *, ends: bool) -> None:
        self._ends = self._ends or ends
        self._asked.set()

    def _start(self, configuration: Configuration) -> Service:
        said = f"version={self._release.version}, commit=reference, pid={os.getpid()}"
        self._journal.say(("info", f"[fluent bit] {said}"))
        return Service(
            configuration,
            self._release,
            self._system,
            hosts=self._hosts,
            journal=self._journal,
            reloads=self._reloads,
        )

    def _refuse(self, error: StartError, *after: Line) -> int:
        self._journal.say(*error.lines, *after)
        if error.code == ABORTED:
            signal.signal(signal.SIGABRT, signal.SIG_DFL)
            os.abort()
        if error.code == HUNG:
            self._asked.wait()
            return 0
        return error.code

    def _reloaded(self, old: Configuration) -> Configuration | None:
        """The configuration, read again; None, once the log says why the old one stays."""
        self._journal.say(("", "[engine] caught signal (SIGHUP)"))
        if not old.hot_reload:
            self._journal.say(("warn", "[reload] hot reloading is not enabled"))
            return None
        self._journal.say(("info", f"reloading instance pid={os.getpid()} tid=0x0"))
        try:
            new = load(self._path, self._release)
            check(new, self._release)
        except StartError as error:
            invalid = "config" if error.code == _INVALID else "config format"
            said = f"[reload] reloaded {invalid} is invalid. Reloading is halted"
            kept = [line for line in error.lines if line[1] != REFUSED]
            # Measured: of a text that it cannot read it says no more than where.
            after = () if isinstance(error, Unreadable) else (("error", said),)
            self._journal.say(*kept, *after)
            return None
        self._journal.say(("info", "[reload] stop everything of the old context"))
        return new


def _raise_limit() -> None:
    """Allows as many connections as the system does: each output keeps one."""
    try:
        import resource  # noqa: PLC0415 # not on Windows
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
