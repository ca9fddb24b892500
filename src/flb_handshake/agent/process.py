"""Runs a fluent-bit binary of this machine, each job in a directory that only its owner reads."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from flb_handshake.agent import plugins
from flb_handshake.agent.contract import (
    KILLED,
    AgentKind,
    Capability,
    Identity,
    Job,
    Log,
    Running,
)
from flb_handshake.agent.workplace import Workplace
from flb_handshake.errors import AgentUnavailable, HarnessFailure

_INSTALLED: Final = "fluent-bit*/bin/fluent-bit"
_PROBE_LIMIT: Final = 10.0
_VERSION: Final = re.compile(r"Fluent Bit v(\d+\.\d+\.\d+)")
_OPENSSL: Final = re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]*) +(\d+ \w{3} \d{4})")
_CHUNK: Final = 1 << 16
_SIGNALLED: Final = 128
"""An exit code above is a signal's number and this, as a shell counts."""
_PIPE: Final = 1 << 20
"""Bytes: the most that Linux gives a user without privileges."""

_VIEW: Final = (
    'if [ -n "$HOSTS" ]; then mount --bind "$HOSTS" /etc/hosts; fi && '
    'if [ -n "$CERTS" ]; then mount --bind "$CERTS" /etc/ssl/certs; fi && exec "$@"'
)
"""What a shell does in a mount namespace of its own before it becomes the agent."""


class RunningProcess:
    """A child process and its output."""

    def __init__(self, process: asyncio.subprocess.Process, output: int) -> None:
        self.log = Log()
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._process = process
        self._was_killed = False
        self._reader = asyncio.create_task(self._read(output))

    async def _read(self, output: int) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(output, "rb", buffering=0)
        )
        while data := await stream.read(_CHUNK):
            self.log.feed(data)
        transport.close()
        self.log.end()
        code = await self._process.wait()
        self._ended(code if code >= 0 else _SIGNALLED - code)

    def _ended(self, code: int) -> None:
        if code != KILLED or self._was_killed:
            self.exited.set_result(code)
            return
        failure = HarnessFailure(
            "a Fluent Bit was killed, and not by this harness",
            hint="has the machine run out of memory?",
        )
        self.exited.set_exception(failure)
        self.exited.exception()  # the loop complains of exceptions that nobody looked at

    def seen(self, path: str) -> Path:
        """See Running. It sees what the harness sees."""
        return Path(path)

    def signal(self, number: int) -> None:
        """See Running. To the agent alone: what unshare and setpriv were, it has become."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    async def stop(self) -> None:
        """See Running."""
        self._was_killed = True
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        # Not awaited itself: whoever cancels this would cancel it too, and close() needs it.
        if not self._reader.done():
            await asyncio.wait({self._reader})
        if not self._reader.cancelled():
            self._reader.result()


class ProcessAgent:
    """A binary, found or given. Also the base on which the reference agent runs."""

    dials = "127.0.0.1"
    bind = "127.0.0.1"
    at_once = 64
    """A Fluent Bit that does not start sleeps for a second before it exits (5.1.1): no load."""

    def __init__(self, identity: Identity, lacks: Mapping[Capability, str]) -> None:
        self.identity = identity
        self.lacks = lacks
        self._place: Workplace | None = None
        self._running: list[RunningProcess] = []

    @property
    def _workplace(self) -> Workplace:
        """Made when the first job needs it: an agent that was only looked at leaves no trace."""
        if self._place is None:
            self._place = Workplace()
        return self._place

    def directory(self, job: str) -> str:
        """See Agent."""
        return str(self._workplace.root / job)

    async def prepare(self, jobs: Sequence[Job]) -> None:
        """See Agent."""
        for job in jobs:
            self._workplace.put(job)

    async def start(self, job: Job) -> Running:
        """See Agent."""
        output, written = _pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._wrapped(job),
                env=self._environment(job),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )
        except BaseException as error:
            os.close(output)
            if not isinstance(error, OSError):
                raise
            raise HarnessFailure(
                f"{self.identity.found} cannot be run: {error.strerror}",
                hint="is it a fluent-bit for this machine, and may you execute it?",
            ) from error
        finally:
            os.close(written)
        running = RunningProcess(process, output)
        self._running.append(running)
        return running

    async def close(self) -> None:
        """See Agent."""
        for running in self._running:
            await running.stop()
        self._running.clear()
        if self._place is not None:
            self._place.remove()
            self._place = None

    def command(self, job: Job) -> list[str]:
        """The agent's own command line."""
        return [self.identity.found, "-c", f"{self.directory(job.name)}/fluent-bit.conf"]

    def view(self, job: Job) -> list[str]:
        """What gives the agent the surroundings that the job asks for."""
        if not job.hosts and job.system_certs is None:
            return []
        return [*namespace(), "sh", "-c", _VIEW, "sh"]

    def _wrapped(self, job: Job) -> list[str]:
        prefix: list[str] = []
        setpriv = shutil.which("setpriv")
        if setpriv:
            prefix = [setpriv, "--pdeathsig", "KILL"]
            if job.unprivileged and os.geteuid() == 0:
                prefix += ["--bounding-set", "-dac_override,-dac_read_search"]
        return [*self.view(job), *prefix, *self.command(job)]

    def _environment(self, job: Job) -> dict[str, str]:
        base = self.directory(job.name)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOSTS": f"{base}/hosts" if job.hosts else "",
            "CERTS": f"{base}/system-certs" if job.system_certs is not None else "",
            **job.environment,
        }


def open_process(ref: str | None, *, version: str) -> ProcessAgent:
    """The binary at a path, or the one found for a version. Raises AgentUnavailable."""
    binary = Path(ref).absolute() if ref else find_binary(version)
    if binary is None:
        raise AgentUnavailable(
            f"no fluent-bit {version} on PATH or in /opt/{_INSTALLED}",
            hint="install it, or give the path of a binary: --fluent-bit /path/to/fluent-bit",
        )
    found = probe(binary)
    return ProcessAgent(
        Identity(
            kind=AgentKind.PROCESS,
            version=found,
            label=f"Fluent Bit {found}",
            tls_library=linked_openssl(binary),
            found=str(binary),
            plugins=plugins.listed(_said(binary, "--help")),
        ),
        lacks=_lacking(),
    )


def find_binary(version: str) -> Path | None:
    """`fluent-bit` on PATH or in /opt/fluent-bit*/bin, of this version."""
    on_path = shutil.which("fluent-bit")
    candidates = sorted(Path("/opt").glob(_INSTALLED), key=lambda path: version not in str(path))
    if on_path:
        candidates.insert(0, Path(on_path))
    for candidate in candidates:
        with contextlib.suppress(AgentUnavailable):
            if probe(candidate) == version:
                return candidate
    return None


def probe(binary: Path) -> str:
    """The version that the binary says it is. Raises AgentUnavailable if it is no Fluent Bit."""
    said = _said(binary, "--version")
    match = _VERSION.search(said)
    if match is None:
        raise AgentUnavailable(
            f"{binary} is not Fluent Bit: `--version` says {said.strip()[:60]!r}",
            hint="give the path of a fluent-bit binary",
        )
    return match[1]


def _said(binary: Path, option: str) -> str:
    """What it prints when it is asked this. Raises AgentUnavailable if it cannot be run."""
    try:
        return subprocess.run(
            [binary, option], capture_output=True, timeout=_PROBE_LIMIT, check=False, text=True
        ).stdout
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it does not answer"
        raise AgentUnavailable(
            f"{binary} cannot be run: {reason}",
            hint="give the path of a fluent-bit binary that this machine can execute",
        ) from error


def linked_openssl(binary: Path) -> str:
    """The OpenSSL that the binary holds or loads, from the version text inside the library."""
    content = binary.read_bytes()
    if b"libcrypto.so" not in content:
        return openssl_in(content)
    # A loader that does not know how to list runs the binary, which then ends at once.
    listed = subprocess.run(
        [binary, "--version"],
        env={"LD_TRACE_LOADED_OBJECTS": "1"},
        capture_output=True,
        timeout=_PROBE_LIMIT,
        check=False,
        text=True,
        errors="replace",
    ).stdout
    loaded = re.search(r"libcrypto\S* => (\S+)", listed)
    return openssl_in(Path(loaded[1]).read_bytes()) if loaded else "unknown"


def openssl_in(library: bytes) -> str:
    """The version text inside a library's bytes."""
    match = _OPENSSL.search(library)
    return f"OpenSSL {match[1].decode()} {match[2].decode()}" if match else "unknown"


def _pipe() -> tuple[int, int]:
    """A pipe that holds a whole batch's log: an agent that waits for us would cost time."""
    output, written = os.pipe()
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, _PIPE)
    return output, written


def _lacking() -> dict[Capability, str]:
    lacks = {}
    if not _namespaces_work():
        reason = "this system gives no private mount namespace (unshare --mount)"
        lacks = {Capability.HOSTS: reason, Capability.SYSTEM_STORE: reason}
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        lacks[Capability.UNPRIVILEGED] = "root reads every file, and there is no setpriv"
    return lacks


def namespace() -> list[str]:
    """The command that gives this user a private mount namespace."""
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *rights]


def _namespaces_work() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        [*namespace(), "sh", "-c", "mount --bind /etc /etc"],
        capture_output=True,
        timeout=_PROBE_LIMIT,
        check=False,
    )
    return tried.returncode == 0
