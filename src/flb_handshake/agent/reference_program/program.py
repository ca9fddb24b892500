"""Says what it is, starts or refuses to start as Fluent Bit does, and delivers until told to stop.

Facts: src/fluent-bit.c, src/flb_engine.c and src/flb_output.c of 5.1.1, measured.
"""

from __future__ import annotations

import os
import queue
import signal
import ssl
import sys
import threading
import time

from .classic import LEVELS, StartError, check_properties, load
from .context import SYSTEM_CERTIFICATES, context
from .inputs import Dummy, Tail
from .journal import Journal
from .output import Hosts, Output
from .releases import RELEASES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from .classic import Configuration, Instance
    from .inputs import Source
    from .releases import Release

_WORKERS: Final = 16
_OPTIONS: Final = {
    "-c": "config",
    "--config": "config",
    "--model": "model",
    "--hosts": "hosts",
    "--system-certs": "system",
}
_USAGE: Final = """\
usage: reference_program -c CONF [--model VERSION] [--hosts FILE] [--system-certs DIR]
       reference_program --version

  -c CONF             a configuration in Fluent Bit's classic mode
  --model VERSION     the Fluent Bit to be like: {versions}
  --hosts FILE        names and addresses, before the system's resolver is asked
  --system-certs DIR  the trust store, where Fluent Bit reads /etc/ssl/certs
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
        release = RELEASES[given["model"]]
        hosts = Hosts(given.get("hosts"))
    except (OSError, _Usage) as error:
        versions = ", ".join(RELEASES)
        sys.stderr.write(f"reference: {error}\n\n{_USAGE.format(versions=versions)}")
        return 2
    if "version" in given:
        sys.stdout.write(banner(release))
        return 0
    sys.stderr.write(banner(release))
    sys.stderr.flush()
    return _run(given["config"], release, hosts, given.get("system", SYSTEM_CERTIFICATES))


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
    if given["model"] not in RELEASES:
        known = ", ".join(RELEASES)
        raise _Usage(f"there is no model of Fluent Bit {given['model']}, only of {known}")
    if "version" not in given and "config" not in given:
        raise _Usage("-c CONF is missing")
    return given


def _run(path: str, release: Release, hosts: Hosts, system: str) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    journal = Journal(LEVELS["info"])
    try:
        configuration = load(path, release)
        journal.level = configuration.level
        journal.say(*configuration.warnings)
        said = f"version={release.version}, commit=reference, pid={os.getpid()}"
        journal.say(("info", f"[fluent bit] {said}"))
        sources = _inputs(configuration, release, journal)
        outputs = _outputs(configuration, release, system, hosts, journal)
    except StartError as error:
        journal.say(*error.lines)
        return error.code
    _serve(configuration, sources, outputs, stop)
    journal.say(("info", "[engine] service has stopped (0 pending tasks)"))
    for output in outputs:
        output.close()
    return 0


def _inputs(configuration: Configuration, release: Release, journal: Journal) -> list[Source]:
    try:
        return [_input(instance, release, journal) for instance in configuration.inputs]
    except StartError as error:
        failed = ("error", "[engine] input initialization failed")
        raise StartError(*error.lines, failed, code=error.code) from None


def _input(instance: Instance, release: Release, journal: Journal) -> Source:
    check_properties(instance, release)
    named = f"[input:{instance.plugin}:{instance.title}]"
    journal.say(("info", f"{named} initializing"))
    if instance.plugin == "dummy":
        return Dummy(instance, journal)
    if "path" not in instance.settings:
        raise StartError(
            ("error", f"{named} no input 'path' was given"),
            ("error", f"failed initialize input {instance.name}"),
            code=255,
        )
    return Tail(instance, journal)


def _outputs(
    configuration: Configuration, release: Release, system: str, hosts: Hosts, journal: Journal
) -> list[Output]:
    made: list[Output] = []
    try:
        for instance in configuration.outputs:
            # In this order: a property that is unknown goes unnoticed if the context fails.
            security = context(instance, release, system)
            check_properties(instance, release)
            _check_method(instance)
            made.append(Output(instance, security, hosts=hosts, journal=journal))
    except StartError as error:
        failed = ("error", "[engine] output initialization failed")
        raise StartError(*error.lines, failed, code=error.code) from None
    if len(configuration.inputs) == len(made) == 1:
        made[0].instance.settings.setdefault("match", "*")
    return made


def _check_method(instance: Instance) -> None:
    method = instance.settings.get("http_method", "POST")
    if method.upper() not in {"POST", "PUT"}:
        said = f"invalid http_method option '{method}'. Supported methods are POST and PUT"
        raise StartError(
            ("error", f"[output:http:{instance.title}] {said}"),
            ("error", "[output] failed to initialize 'http' plugin"),
            code=255,
        )


def _serve(
    configuration: Configuration,
    sources: list[Source],
    outputs: list[Output],
    stop: threading.Event,
) -> None:
    """Gives every output what its inputs make, until a signal comes."""
    _raise_limit()
    tasks: queue.SimpleQueue[tuple[Output, list[object], float, str, str]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            output, records, when, chunk, source = tasks.get()
            output.deliver(records, when, chunk, source)  # type: ignore[arg-type]

    for _ in range(min(_WORKERS, len(outputs))):
        threading.Thread(target=work, daemon=True).start()
    running = list(sources)
    while not stop.wait(configuration.flush if running else None):
        for source in running:
            records = source.collect()
            when = time.time()
            chunk = f"{os.getpid()}-{int(when)}.{int(when % 1 * 1e9):09}.flb"
            tag = source.instance.settings.get("tag", source.instance.name)
            for output in outputs if records else ():
                if output.wants(tag):
                    tasks.put((output, list(records), round(when, 6), chunk, source.instance.title))
        running = [source for source in running if not source.is_done()]


def _raise_limit() -> None:
    """Allows as many connections as the system does: each output keeps one."""
    try:
        import resource  # noqa: PLC0415 # not on Windows
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
