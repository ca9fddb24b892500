"""Speaks to Docker's daemon through its SDK; nothing else in the package knows of the SDK."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from flb_handshake.agent.clocks import check_clock
from flb_handshake.agent.containers import DockerAgent, Output, Surroundings
from flb_handshake.agent.contract import Capability
from flb_handshake.agent.engine import ContainerEngine, Recipe, remove_abandoned
from flb_handshake.agent.image import image_name
from flb_handshake.agent.reach import lacks_names, reach
from flb_handshake.errors import AgentUnavailable, HarnessFailure

_CALL_LIMIT: Final = 30
"""Seconds in which the daemon answers a call."""

_PULL_PATIENCE: Final = 20.0
"""Seconds without progress after which a pull is given up."""

_CONNECTIONS: Final = 64
_OPEN_FILES: Final = 20000
"""What a thousand outputs need with room to spare; some daemons give a container 1,024."""

_CONFLICT: Final = 409

_NEAR: Final = (Capability.PORTS, Capability.CHANGES, Capability.PROXY)
"""What takes a daemon on this machine. The inputs of another one's containers would be open to its
network, and nothing in Docker's API writes a file in place or signals one of several processes."""

_Client = TypeVar("_Client", bound=APIClient)


def open_docker(ref: str) -> DockerAgent:
    """The image that a REF means (a version: the official one), pulled if need be.

    Raises AgentUnavailable: no daemon, no such image, or not an image of Fluent Bit.
    """
    image = image_name(ref)
    docker = DockerDaemon()
    engine = None
    try:
        remove_abandoned(docker)
        facts, url = docker.facts()
        check_clock(facts, dt.datetime.now(dt.UTC))
        rootless = any("rootless" in it for it in facts.get("SecurityOptions") or ())
        docker.limits_files = not rootless
        way = reach(url, facts)
        found = docker.image(image)
        engine = ContainerEngine(docker, found, image, way, rootless=rootless)
        identity, container = engine.identify()
    except BaseException as error:
        _undo(docker, engine)
        if isinstance(error, HarnessFailure) and not isinstance(error, AgentUnavailable):
            raise AgentUnavailable(str(error), hint=error.hint) from error
        raise
    reason = lacks_names(way, docker.api_version)
    lacks = {Capability.HOSTS: reason} if reason else {}
    if not engine.shares:
        lacks |= dict.fromkeys(_NEAR, "the Docker daemon runs on another machine")
    rooms = {Surroundings(): container} if engine.shares else {}
    return DockerAgent(engine, identity, lacks, rooms)


def _undo(docker: DockerDaemon, engine: ContainerEngine | None) -> None:
    """Nothing came of it. What it came of is told, not what else goes wrong now."""
    with contextlib.suppress(HarnessFailure):
        if engine is not None:
            engine.remove_all()
    (engine or docker).close()


class DockerDaemon:
    """See Daemon."""

    def __init__(self) -> None:
        self._api = _connected(APIClient)
        self.api_version = str(self._api.api_version)
        self.limits_files = True
        """Whether it may raise the number of open files: one without root's rights may not."""

    def facts(self) -> tuple[Mapping[str, Any], str]:
        """What it says of itself, and its URL. Raises HarnessFailure."""
        with _asking("say what it is"):
            return self._api.info(), str(_endpoint().get("base_url", ""))

    def image(self, name: str) -> Mapping[str, Any]:
        """What it knows of an image, pulled if need be. Raises HarnessFailure."""
        inspect: Callable[[str], Mapping[str, Any]] = self._api.inspect_image
        hint = "is it written as Docker writes images?"
        with _asking(f"tell of the image {name!r}", hint=hint):
            with contextlib.suppress(NotFound):
                return inspect(name)
            _pull(name)
            return inspect(name)

    def made(self, recipe: Recipe) -> str:
        """See Daemon.

        The container has fewer rights than the user who runs it: none of root's, so that file
        permissions bind. Without seccomp's filter an exec costs a third less; a Fluent Bit
        outside of containers has none either.
        """
        limits = [Ulimit(name="nofile", soft=_OPEN_FILES, hard=_OPEN_FILES)]
        host: HostConfig = self._api.create_host_config(
            network_mode=recipe.network,
            extra_hosts=dict(recipe.hosts),
            cap_drop=["ALL"],
            security_opt=["seccomp=unconfined"],
            ulimits=limits if self.limits_files else [],
            log_config=LogConfig(type=LogConfig.types.NONE),
        )
        with _asking("make a container"):
            container = self._api.create_container(
                recipe.image,
                list(recipe.command[1:]),
                name=recipe.name,
                entrypoint=[recipe.command[0]],
                user=recipe.user,
                working_dir="/",
                labels=dict(recipe.labels),
                host_config=host,
                healthcheck={"test": ["NONE"]},
                use_config_proxy=False,
            )
        return str(container["Id"])

    def put(self, container: str, archive: bytes) -> None:
        """See Daemon."""
        with _asking("take files into a container", hint="has its disk room?"):
            self._api.put_archive(container, "/", archive)

    def start(self, container: str) -> None:
        """See Daemon."""
        with _asking("start a Fluent Bit in a container", hint="is it an image of fluent-bit?"):
            self._api.start(container)

    def attached(self, container: str) -> Output:
        """See Daemon."""
        with _asking("give a container's output"):
            return _Stream(self._api.attach(container, stream=True))

    def beside(
        self, container: str, command: Sequence[str], env: Mapping[str, str]
    ) -> tuple[str, Output]:
        """See Daemon."""
        with _asking("run a Fluent Bit in a container"):
            made = self._api.exec_create(container, list(command), environment=dict(env))
            process = str(made["Id"])
            return process, _Stream(self._api.exec_start(process, stream=True))

    def said(self, container: str, command: Sequence[str], env: Mapping[str, str]) -> bytes:
        """See Daemon."""
        with _asking(f"run {command[0]}"):
            process = self._api.exec_create(container, list(command), environment=dict(env))
            return self._api.exec_start(process["Id"])

    def file(self, container: str, path: str) -> bytes:
        """See Daemon."""
        with _asking(f"give {path}"):
            stream, facts = self._api.get_archive(container, path)
            if facts["linkTarget"]:
                stream.close()
                stream, _ = self._api.get_archive(container, facts["linkTarget"])
            with tarfile.open(fileobj=BytesIO(b"".join(stream))) as archive:
                content = archive.extractfile(archive.getmembers()[0])
                return content.read() if content is not None else b""

    def state(self, container: str) -> Mapping[str, Any]:
        """See Daemon."""
        inspect: Callable[[str], Mapping[str, Any]] = self._api.inspect_container
        with _asking("say how a container is"):
            state: Mapping[str, Any] = inspect(container)["State"]
            return state

    def state_beside(self, process: str) -> Mapping[str, Any]:
        """See Daemon."""
        with _asking("say how a Fluent Bit in a container is"):
            return self._api.exec_inspect(process)

    def ended(self, container: str) -> int:
        """See Daemon."""
        with _asking("say how a Fluent Bit ended"):
            return int(self._api.wait(container)["StatusCode"])

    def kill(self, container: str) -> None:
        """See Daemon."""
        with _asking("end a container"), _harmless():
            self._api.kill(container)

    def remove(self, container: str) -> None:
        """See Daemon."""
        hint = "see what `docker ps -a --filter label=flb-handshake` shows"
        with _asking("remove a container", hint=hint), _harmless():
            self._api.remove_container(container, force=True, v=True)

    def labelled(self, *labels: str) -> list[tuple[str, Mapping[str, str]]]:
        """See Daemon."""
        with _asking("list its containers"):
            found = self._api.containers(all=True, filters={"label": list(labels)})
        return [(one["Id"], one["Labels"]) for one in found]

    def close(self) -> None:
        """See Daemon."""
        self._api.close()


class _Stream:
    """What a process in a container writes."""

    def __init__(self, chunks: CancellableStream[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        # The SDK's own way leaves the connection to the garbage collector, which complains.
        self._chunks._response.close()  # type: ignore[attr-defined] # noqa: SLF001


class _Impatient(APIClient):
    """A client that does not wait longer for a byte than a pull may stand still."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        return super().request(*args, **kwargs | {"timeout": _PULL_PATIENCE})


def _pull(image: str) -> None:
    """Raises AgentUnavailable, also when it takes too long."""
    hint = "pull it yourself (docker pull), name an image that is here, or use --agent process"
    with contextlib.closing(_connected(_Impatient)) as api:
        try:
            lines = api.pull(image, stream=True, decode=True)
            with contextlib.closing(lines):
                pulling.watch(lines, image=image, patience=_PULL_PATIENCE)
        except (APIError, pulling.PullRefused) as error:
            raise AgentUnavailable(
                f"the image {image} cannot be pulled: {_reason(error)}", hint=hint
            ) from error
        except (OSError, urllib3.exceptions.HTTPError, pulling.PullStalled) as error:
            raise AgentUnavailable(
                f"the pull of {image} made no progress for {_PULL_PATIENCE:.0f} s and was given up",
                hint=hint,
            ) from error


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
        hint = "start it, or name it in DOCKER_HOST; or use --agent process"
        if isinstance(error, PermissionError):
            hint = "join the group that may use it (docker), or use --agent process"
        raise AgentUnavailable(
            f"no Docker daemon answers at {where or 'DOCKER_HOST'}: {_reason(error)}", hint=hint
        ) from error


def _endpoint() -> dict[str, Any]:
    """Where the daemon is: by DOCKER_HOST, or the context that the docker command would use."""
    found: dict[str, Any] = {**kwargs_from_env()}
    if "base_url" not in found:
        context = ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT"))
        if context is not None:
            found = {"base_url": context.Host, "tls": context.TLSConfig} | found
    return found


@contextlib.contextmanager
def _asking(what: str, *, hint: str = "`docker info` tells whether it is well") -> Iterator[None]:
    """What goes wrong in here is a HarnessFailure: the daemon could not do what was asked."""
    try:
        yield
    except (DockerException, OSError, urllib3.exceptions.HTTPError, tarfile.TarError) as error:
        raise HarnessFailure(
            f"the Docker daemon could not {what}: {_reason(error)}", hint=hint
        ) from error


@contextlib.contextmanager
def _harmless() -> Iterator[None]:
    """It does not matter if the container is gone, or has ended, or is being removed already."""
    try:
        yield
    except APIError as error:
        if not isinstance(error, NotFound) and error.status_code != _CONFLICT:
            raise


def _reason(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, APIError) and error.explanation:
        text = str(error.explanation)
    elif isinstance(error, OSError) and error.strerror:
        text = error.strerror
    return " ".join(text.split())
