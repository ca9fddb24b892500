"""Makes the inputs and outputs of a configuration, or refuses, and keeps them going.

Facts: src/flb_engine.c, src/flb_input.c and src/flb_output.c of 5.1.1, measured.
"""

from __future__ import annotations

from .administration import Administration
from .classic import check_properties
from .context import security
from .delivery import Delivery
from .endpoints import endpoint
from .grammar import ABORTED, HUNG, StartError
from .inputs import Dummy, Metrics, Tail
from .lines import Syslog, Tcp
from .listener import Listener
from .messages import Forward, Mqtt
from .outputs import Outputs
from .server import Http, knows_http2

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Final

    from .classic import Configuration, Instance
    from .grammar import Line
    from .inputs import Source
    from .journal import Journal
    from .listener import Conversation
    from .output import Output
    from .releases import Release
    from .upstream import Hosts

_HTTP_PORTS: Final = {
    "http": 9880,
    "elasticsearch": 9200,
    "splunk": 8088,
    "opentelemetry": 4318,
    "prometheus_remote_write": 8080,
}


class Service:
    """A configuration that runs. Raises StartError, with Fluent Bit's own words and exit code."""

    def __init__(
        self,
        configuration: Configuration,
        release: Release,
        system: str,
        *,
        hosts: Hosts,
        journal: Journal,
        reloads: int = 0,
    ) -> None:
        self._configuration = configuration
        self._release = release
        self._system = system
        self._journal = journal
        self._sources: list[Source] = []
        self._listeners: list[Listener] = []
        self._administration: Administration | None = None
        self._open_inputs()
        self._delivery = Delivery(self._outputs(hosts))
        if configuration.http_server:
            self._administration = Administration(configuration, reloads, journal)
        for listener in self._listeners:
            listener.start()
        journal.say(("info", "[sp] stream processor started"))

    def run(self, asked: threading.Event) -> None:
        """Gives every output what the inputs make, until something is asked for."""
        running = list(self._sources)
        while not asked.wait(self._configuration.flush if running else None):
            self._route(running)
            running = [source for source in running if not source.is_done()]

    def close(self) -> None:
        """Ends it, and waits for nothing."""
        for listener in self._listeners:
            listener.close()
        if self._administration:
            self._administration.close()
        self._journal.say(("info", "[engine] service has stopped (0 pending tasks)"))
        self._delivery.close()

    def flush(self) -> None:
        """Hands over what the inputs have taken."""
        self._route(self._sources)

    def _route(self, sources: list[Source]) -> None:
        for source in sources:
            for tag, records in source.collect().items():
                self._delivery.route(records, tag, source.instance.title)

    def _open_inputs(self) -> None:
        try:
            for instance in self._configuration.inputs:
                self._sources.append(self._input(instance))
        except StartError as error:
            for listener in self._listeners:
                listener.close()
            failed = ("error", "[engine] input initialization failed")
            raise _ended(error, failed) from None

    def _input(self, instance: Instance) -> Source:
        check_properties(instance, self._release)
        if instance.plugin in {"dummy", "tail", "fluentbit_metrics"}:
            return self._local(instance)
        secured = security(instance, self._release, self._system)
        self._initializing(instance)
        conversation = self._conversation(instance)
        listener = Listener(instance, conversation, secured, self._journal, self._release)
        self._listeners.append(listener)
        if secured:
            secured.restrict()
        elif any(f"tls.{key}" in instance.settings for key in _BOUNDS):
            # Measured: Fluent Bit 5.1.1 reads the context that it did not make.
            raise StartError(("", "[engine] caught signal (SIGSEGV)"), code=ABORTED)
        return listener

    def _local(self, instance: Instance) -> Source:
        named = self._initializing(instance)
        if instance.plugin == "dummy":
            return Dummy(instance, self._journal)
        if instance.plugin == "fluentbit_metrics":
            return Metrics(instance)
        if "path" not in instance.settings:
            raise StartError(
                ("error", f"{named} no input 'path' was given"),
                ("error", f"failed initialize input {instance.name}"),
                code=255,
            )
        return Tail(instance, self._journal)

    def _initializing(self, instance: Instance) -> str:
        named = f"[input:{instance.plugin}:{instance.title}]"
        self._journal.say(("info", f"{named} initializing"))
        return named

    def _conversation(self, instance: Instance) -> Conversation:
        if instance.plugin == "tcp":
            return Tcp(instance, self._release)
        if instance.plugin == "syslog":
            return Syslog(instance, self._configuration.parsers)
        if instance.plugin == "forward":
            return Forward(instance)
        if instance.plugin == "mqtt":
            return Mqtt(instance)
        http2 = instance.flag("http_server.http2", default=instance.flag("http2", default=1)) != 0
        port = _HTTP_PORTS[instance.plugin]
        return Http(port, endpoint(instance), self._release, http2=http2 and knows_http2())

    def _outputs(self, hosts: Hosts) -> list[Output]:
        configuration = self._configuration
        made: list[Output] = []
        outputs = Outputs(
            configuration, self._release, self._system, hosts=hosts, journal=self._journal
        )
        try:
            for instance in configuration.outputs:
                # In this order: a property that is unknown goes unnoticed if the context fails.
                secured = security(instance, self._release, self._system)
                if secured:
                    secured.restrict()
                check_properties(instance, self._release)
                made.append(outputs.make(instance, secured))
        except StartError as error:
            for listener in self._listeners:
                listener.close()
            failed = ("error", "[engine] output initialization failed")
            raise _ended(error, failed) from None
        if len(configuration.inputs) == len(made) == 1:
            made[0].instance.settings.setdefault("match", "*")
        return made


def _ended(error: StartError, failed: Line) -> StartError:
    """What is said after an error: nothing, if it ended everything at once."""
    lines = error.lines if error.code in {ABORTED, HUNG} else (*error.lines, failed)
    return StartError(*lines, code=error.code)


_BOUNDS: Final = ("min_version", "max_version", "ciphers")


def check(configuration: Configuration, release: Release) -> None:
    """Looks for properties that no plugin knows, before a reload stops anything.

    Raises StartError (flb_reload_property_check_all).
    """
    for kind, instances in (("input", configuration.inputs), ("output", configuration.outputs)):
        for instance in instances:
            try:
                check_properties(instance, release)
            except StartError as error:
                said = f"[reload] check properties for {kind} plugins is failed"
                raise StartError(error.lines[0], ("error", said), code=error.code) from None
