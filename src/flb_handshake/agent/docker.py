"""Has containers through the docker SDK, and leaves none behind."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import secrets
import signal
import socket
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, Final, TypeVar

import urllib3.exceptions
from docker import APIClient
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, NotFound
from docker.types import HostConfig, LogConfig, Ulimit
from docker.types.daemon import CancellableStream
from docker.utils import kwargs_from_env

from flb_handshake.agent import pulling
from flb_handshake.agent.containers import DockerAgent, Output, Spawned, Surroundings
from flb_handshake.agent.contract import AgentKind, Capability, Identity, Job
from flb_handshake.agent.image import binary_of, image_name, not_fluent_bit, versions_of
from flb_handshake.agent.ownership import Owner, bears, is_ours_to_end
from flb_handshake.agent.parcel import Holder, Parcel
from flb_handshake.agent.reach import Reach, lacks_names, reach
from flb_handshake.errors import AgentUnavailable, HarnessFailure

LABEL: Final = "flb-handshake"
"""Every container of ours bears it, with the session's name; no other is ever touched."""

OWNER_LABEL: Final = "flb-handshake.owner"

_CALL_LIMIT: Final = 30
"""Seconds in which the daemon answers a call."""

_PROBE_LIMIT: Final = 10.0
_PULL_PATIENCE: Final = 20.0
"""Seconds without progress after which a pull is given up."""

_CONNECTIONS: Final = 64
_REMOVING_AT_ONCE: Final = 4
_OPEN_FILES: Final = 20000
"""What a thousand outputs need with room to spare; some engines give a container 1,024."""

_KILLED: Final = 128 + signal.SIGKILL
_CONFLICT: Final = 409

_Client = TypeVar("_Client", bound=APIClient)


def open_docker(ref: str) -> DockerAgent:
    """The image that a REF means (a version: the official one), pulled if need be.

    Raises AgentUnavailable: no daemon, no such image, or not an image of Fluent Bit.
    """
    image = image_name(ref)
    api = _connected(APIClient)
    engine = None
    try:
        remove_abandoned(api)
        engine = ContainerEngine(api, _had(api, image), image)
        container = engine.lodge(Surroundings(), [])
        identity = engine.identify(container)
    except BaseException as error:
        (engine or api).close()
        if isinstance(error, HarnessFailure) and not isinstance(error, AgentUnavailable):
            raise AgentUnavailable(str(error), hint=error.hint) from error
        raise
    reason = lacks_names(engine.way, api.api_version)
    lacks = {Capability.HOSTS: reason} if reason else {}
    return DockerAgent(engine, identity, lacks, {Surroundings(): container} if engine.shares else {})


def remove_abandoned(api: APIClient) -> None:
    """Removes what bears our label and whose owner is gone. Raises HarnessFailure."""
    with _asking("list its containers"):
        for found in api.containers(all=True, filters={"label": [LABEL, OWNER_LABEL]}):
            owner = Owner.parse(found["Labels"][OWNER_LABEL])
            if owner is not None and owner.is_gone():
                _remove(api, found["Id"])


class ContainerEngine:
    """The daemon, for one session and one image. See Engine.

    In a container that is shared, the main process is a Fluent Bit that does nothing, and those
    of the jobs run beside it by exec. To end one of them, a signal is sent to its process, which
    takes a daemon on this machine: nothing in the engine's API does it, and the official image
    has no program that could. So with any other daemon, each job has a container of its own.
    """

    def __init__(self, api: APIClient, image: Mapping[str, Any], name: str) -> None:
        session = secrets.token_hex(6)
        self.root = f"/{LABEL}-{session}"
        self.shares = True
        self._api = api
        self._image = image
        self._name = name
        self._labels = {LABEL: session, OWNER_LABEL: str(Owner.me())}
        self._numbers = itertools.count(1)
        with _asking("say what it is"):
            facts = api.info()
        self.way: Reach = reach(_endpoint().get("base_url", ""), facts)
        self._is_rootless = any("rootless" in it for it in facts.get("SecurityOptions") or ())
        # As whoever started the harness, so that a signal of his is allowed to end it.
        ours = sys.platform == "linux" and not self._is_rootless
        self._holder = Holder(uid=os.getuid(), gid=os.getgid()) if ours else Holder(uid=0, gid=0)
        self._binary = binary_of(image["Config"])
        atexit.register(self._remove_all)

    def identify(self, container: str) -> Identity:
        """Which Fluent Bit runs in there. Raises AgentUnavailable if it is none."""
        if self._image["Id"] not in _KNOWN:
            _KNOWN[self._image["Id"]] = self._probed(container)
        version, library = _KNOWN[self._image["Id"]]
        with _asking("say what it runs"):
            pid = self._api.inspect_container(container)["State"]["Pid"]
            self.shares = is_ours_to_end(pid, self.root)
            if not self.shares:
                _remove(self._api, container)
        return Identity(
            kind=AgentKind.DOCKER,
            version=version,
            label=f"Fluent Bit {version}",
            tls_library=library,
            found=self._name,
        )

    def lodge(self, wanted: Surroundings, jobs: Sequence[Job], container: str | None = None) -> str:
        """See Engine."""
        parcel = Parcel(self._holder)
        for job in jobs:
            parcel.add_job(f"{self.root}/{job.name}", job)
        if container is not None:
            self._put(container, parcel)
            return container
        if wanted.certs is not None:
            parcel.replace_system_store(dict(wanted.certs))
        if self.shares:
            command = ["-i", "dummy", "-t", self.root, "-o", "null", "-f", "3600"]
        else:
            command = ["-c", self._config(jobs[0])]
        made = self._made(wanted, command)
        self._put(made, parcel)
        if self.shares:
            with _asking("start a container", hint=f"is {self._name} an image of Fluent Bit?"):
                self._api.start(made)
        return made

    def spawned(self, container: str, job: Job) -> Spawned:
        """See Engine."""
        if self.shares:
            return _Beside(self._api, container, [self._binary, "-c", self._config(job)])
        return _Alone(self._api, container)

    def close(self) -> None:
        """See Engine."""
        atexit.unregister(self._remove_all)
        try:
            self._remove_all()
        finally:
            self._api.close()

    def _config(self, job: Job) -> str:
        return f"{self.root}/{job.name}/fluent-bit.conf"

    def _made(self, wanted: Surroundings, command: Sequence[str]) -> str:
        """A container that has not started.

        It has fewer rights than the user who runs it: none of root's, so that file permissions
        bind. Without seccomp's filter, an exec is a third cheaper; a Fluent Bit that is no
        container's has none either.
        """
        limits = [Ulimit(name="nofile", soft=_OPEN_FILES, hard=_OPEN_FILES)]
        host: HostConfig = self._api.create_host_config(
            network_mode=self.way.network,
            extra_hosts=self.way.extra_hosts(sorted(wanted.hosts)),
            cap_drop=["ALL"],
            security_opt=["seccomp=unconfined"],
            ulimits=[] if self._is_rootless else limits,
            log_config=LogConfig(type=LogConfig.types.NONE),
        )
        with _asking("make a container"):
            made = self._api.create_container(
                self._image["Id"],
                list(command),
                name=f"{self.root[1:]}-{next(self._numbers)}",
                entrypoint=[self._binary],
                user=f"{self._holder.uid}:{self._holder.gid}",
                working_dir="/",
                labels=self._labels,
                host_config=host,
                healthcheck={"test": ["NONE"]},
                use_config_proxy=False,
            )
        return str(made["Id"])

    def _put(self, container: str, parcel: Parcel) -> None:
        with _asking("take files into a container", hint="has its disk room?"):
            self._api.put_archive(container, "/", parcel.sealed())

    def _probed(self, container: str) -> tuple[str, str]:
        """The versions of Fluent Bit and of its TLS library. Raises AgentUnavailable."""
        limit = threading.Timer(_PROBE_LIMIT, _remove, (self._api, container))
        limit.start()
        try:
            say, file = partial(self._said, container), partial(self._file, container)
            return versions_of(self._name, self._binary, say, file)
        except AgentUnavailable:
            raise
        except HarnessFailure as error:
            raise not_fluent_bit(self._name, str(error)) from error
        finally:
            limit.cancel()

    def _said(self, container: str, environment: Mapping[str, str]) -> bytes:
        command = [self._binary, "--version"]
        with _asking("run it"):
            made = self._api.exec_create(container, command, environment=dict(environment))
            return self._api.exec_start(made["Id"])

    def _file(self, container: str, path: str) -> bytes:
        with _asking(f"give {path}"):
            stream, facts = self._api.get_archive(container, path)
            if facts["linkTarget"]:
                stream.close()
                stream, _ = self._api.get_archive(container, facts["linkTarget"])
            with tarfile.open(fileobj=BytesIO(b"".join(stream))) as archive:
                content = archive.extractfile(archive.getmembers()[0])
                return content.read() if content is not None else b""

    def _remove_all(self) -> None:
        """Removes every container of this session, in whatever state."""
        with _asking("remove our containers", hint=f"see `docker ps -a --filter label={LABEL}`"):
            label = f"{LABEL}={self._labels[LABEL]}"
            ours = self._api.containers(all=True, filters={"label": label})
            with ThreadPoolExecutor(_REMOVING_AT_ONCE) as removing:
                list(removing.map(lambda found: _remove(self._api, found["Id"]), ours))


_KNOWN: Final[dict[str, tuple[str, str]]] = {}
"""What an image was found to hold, by its id."""


class _Stream:
    """What a process in a container writes."""

    def __init__(self, chunks: CancellableStream[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        # The SDK's own way leaves the connection to the garbage collector, which complains.
        self._chunks._response.close()  # type: ignore[attr-defined] # noqa: SLF001


@dataclass(slots=True)
class _Beside:
    """A Fluent Bit that runs in a shared container, by exec."""

    _api: APIClient
    _container: str
    _command: list[str]
    _id: str = ""
    _was_killed: bool = False

    def begin(self) -> Output:
        with _asking("run a Fluent Bit in a container"):
            self._id = self._api.exec_create(self._container, self._command)["Id"]
            return _Stream(self._api.exec_start(self._id, stream=True))

    def exit_code(self) -> int:
        with _asking("say how a Fluent Bit ended"):
            code = self._api.exec_inspect(self._id)["ExitCode"]
            if code == _KILLED and not self._was_killed:
                state = self._api.inspect_container(self._container)["State"]
                code = code if state["Running"] else None
        if code is None:
            raise HarnessFailure(
                "a container ended while Fluent Bits ran in it",
                hint="did somebody remove it, or has the machine run out of memory?",
            )
        return int(code)

    def kill(self) -> None:
        self._was_killed = True
        with _asking("say which process is whose"):
            pid = self._api.exec_inspect(self._id)["Pid"]
        if bears(pid, self._command[-1]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@dataclass(slots=True)
class _Alone:
    """A Fluent Bit that is the main process of its own container."""

    _api: APIClient
    _container: str

    def begin(self) -> Output:
        with _asking("run a Fluent Bit in a container"):
            output = _Stream(self._api.attach(self._container, stream=True))
            self._api.start(self._container)
            return output

    def exit_code(self) -> int:
        with _asking("say how a Fluent Bit ended"):
            code = self._api.wait(self._container)["StatusCode"]
            _remove(self._api, self._container)
        return int(code)

    def kill(self) -> None:
        with _asking("end a container"), contextlib.suppress(NotFound):
            try:
                self._api.kill(self._container)
            except APIError as error:
                if error.status_code != _CONFLICT:  # it has ended by itself
                    raise


class _Impatient(APIClient):
    """A client that does not wait longer for a byte than a pull may stand still."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        return super().request(*args, **kwargs | {"timeout": _PULL_PATIENCE})


def _had(api: APIClient, image: str) -> Mapping[str, Any]:
    """What the daemon knows of an image, pulled if need be. Raises HarnessFailure."""
    inspect: Callable[[str], Mapping[str, Any]] = api.inspect_image
    with _asking(f"tell of the image {image!r}", hint="is it written as Docker writes images?"):
        with contextlib.suppress(NotFound):
            return inspect(image)
        _pull(image)
        return inspect(image)


def _pull(image: str) -> None:
    hint = "pull it yourself (docker pull), name an image that is here, or use --agent process"
    with contextlib.closing(_connected(_Impatient)) as api:
        try:
            lines = api.pull(image, stream=True, decode=True)
            with contextlib.closing(lines):
                pulling.watch(lines, image=image, patience=_PULL_PATIENCE)
        except (APIError, pulling.PullRefusedError) as error:
            raise AgentUnavailable(
                f"the image {image} cannot be pulled: {_reason(error)}", hint=hint
            ) from error
        except (OSError, urllib3.exceptions.HTTPError, pulling.PullStalledError) as error:
            raise AgentUnavailable(
                f"the pull of {image} made no progress for {_PULL_PATIENCE:.0f} s and was given up",
                hint=hint,
            ) from error


def _endpoint() -> dict[str, Any]:
    """Where the daemon is: by DOCKER_HOST, or the context that the docker command would use."""
    found: dict[str, Any] = {**kwargs_from_env()}
    if "base_url" not in found:
        context = ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT"))
        if context is not None:
            found = {"base_url": context.Host, "tls": context.TLSConfig} | found
    return found


def _connected(kind: type[_Client]) -> _Client:
    """A client of the daemon. Raises AgentUnavailable."""
    where = ""
    try:
        endpoint = _endpoint()
        where = endpoint.get("base_url") or ""
        if where.startswith("unix://"):
            # The SDK forgets to close a socket that it cannot connect.
            with socket.socket(socket.AF_UNIX) as tried:
                tried.connect(where.removeprefix("unix://"))
        return kind(version="auto", timeout=_CALL_LIMIT, max_pool_size=_CONNECTIONS, **endpoint)
    except (DockerException, OSError, ValueError) as error:
        forbidden = isinstance(error, PermissionError)
        raise AgentUnavailable(
            f"no Docker daemon answers at {where or 'DOCKER_HOST'}: {_reason(error)}",
            hint="join the group that owns it (docker)"
            if forbidden
            else "start it, or name it in DOCKER_HOST; or use --agent process",
        ) from error


@contextlib.contextmanager
def _asking(
    what: str, *, hint: str = "is the Docker daemon well? `docker info` tells"
) -> Iterator[None]:
    """What goes wrong in here is a HarnessFailure: the daemon could not do what was asked."""
    try:
        yield
    except (DockerException, OSError, urllib3.exceptions.HTTPError, tarfile.TarError) as error:
        raise HarnessFailure(
            f"the Docker daemon could not {what}: {_reason(error)}", hint=hint
        ) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def _remove(api: APIClient, container: str) -> None:
    """Removes a container at once, whether it runs or not, or is being removed already."""
    with contextlib.suppress(NotFound):
        try:
            api.remove_container(container, force=True, v=True)
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise
