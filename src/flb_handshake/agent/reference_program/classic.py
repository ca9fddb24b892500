"""Reads a classic-mode configuration as Fluent Bit does, and stops where Fluent Bit stops.

Facts: src/flb_config.c, src/flb_input.c, src/flb_output.c, src/flb_parser.c and
src/flb_config_map.c of 5.1.1, each measured on its binary.
"""

from __future__ import annotations

import os
import re

from .grammar import StartError, sections
from .plugin_properties import PLUGINS

TYPE_CHECKING = False  # see grammar
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final, NoReturn

    from .grammar import Line, Section
    from .releases import Release

REFUSED: Final = "configuration file contains errors, aborting."
LEVELS: Final = {"off": 0, "error": 1, "warn": 2, "warning": 2, "info": 3, "debug": 4, "trace": 5}
_NO_PARSERS: Final = "could not open parser configuration file, aborting."
_TRUE: Final = frozenset({"true", "on", "yes"})
_FALSE: Final = frozenset({"false", "off", "no"})


def _named_in(option: str) -> list[str]:
    return [name[2:] for name in PLUGINS if name.startswith(option)]


_OVER_HTTP: Final = ("http", "elasticsearch", "splunk", "opentelemetry", "prometheus_remote_write")
MODELLED: Final = {
    "input": ("dummy", "tail", *_OVER_HTTP[:-1], "tcp", "syslog", *_named_in("-i")),
    "output": ("http", *_named_in("-o")),
}
"""The plugins of which there is a model."""

_WITHOUT_TLS: Final = {"input": ("dummy", "tail", "fluentbit_metrics"), "output": ("nats",)}
_SWITCHES: Final = frozenset({"tls", "tls.verify"})
_REPEATABLE: Final = frozenset({"header", "multiline.parser", "success_header"})
_PREFIXES: Final = frozenset({"parser_"})


class Instance:
    """One input or output of the configuration.

    `settings` is what it was given, of a property that stands twice the last; `own` are the keys
    that only the plugin itself can know, as often as they stand there.
    """

    def __init__(self, *, kind: str, plugin: str, number: int) -> None:
        self.kind = kind
        self.plugin = plugin
        self.number = number
        self.settings: dict[str, str] = {}
        self.own: list[str] = []
        self.headers: list[str] = []

    @property
    def name(self) -> str:
        """The plugin's name and the instance's number, as in `http.0`."""
        return f"{self.plugin}.{self.number}"

    @property
    def title(self) -> str:
        """The alias, if it has one."""
        return self.settings.get("alias", self.name)

    @property
    def tag(self) -> str:
        """The tag of an input's records."""
        return self.settings.get("tag", self.name)

    def flag(self, key: str, *, default: int) -> int:
        """A boolean as Fluent Bit holds it: 1, 0, or -1 for a word that it does not know."""
        value = self.settings.get(key)
        return default if value is None else boolean(value)

    def number_of(self, key: str, *, default: int) -> int:
        """A number as C's atoi reads it."""
        value = self.settings.get(key)
        return default if value is None else atoi(value)


class Configuration:
    """What the file asks for; `flush`, `base` and `cap`, the bounds of a retry's wait, in seconds.

    `parsers` are the entries of each parser of the files that it names.
    """

    def __init__(self) -> None:
        self.flush = 1.0
        self.level = LEVELS["info"]
        self.base = 5
        self.cap = 2000
        self.hot_reload = False
        self.http_server = False
        self.http_listen = "0.0.0.0"  # noqa: S104 # Fluent Bit's default
        self.http_port = 2020
        self.parsers: dict[str, dict[str, str]] = {}
        self.inputs: list[Instance] = []
        self.outputs: list[Instance] = []
        self.warnings: list[Line] = []


def boolean(word: str) -> int:
    """1, 0, or -1 for a word that is neither (flb_utils_bool, src/flb_utils.c)."""
    folded = word.lower()
    return 1 if folded in _TRUE else 0 if folded in _FALSE else -1


def atoi(text: str) -> int:
    """The number at the start of a text, 0 if there is none."""
    match = re.match(r"[ \t\n\v\f\r]*([+-]?\d+)", text, re.ASCII)
    return int(match[1]) if match else 0


def seconds(text: str) -> int:
    """A time with its unit (flb_utils_time_to_seconds, src/flb_utils.c)."""
    return atoi(text) * {"d": 86400, "h": 3600, "m": 60}.get(text[-1:].lower(), 1)


def load(path: str, release: Release) -> Configuration:
    """Reads the file. Raises StartError, with Fluent Bit's own words and exit code."""
    if not os.access(path, os.R_OK):
        raise StartError(("error", "could not open configuration file, aborting."))
    environment = dict(os.environ)
    try:
        made = _configured(sections(path, environment), environment, release, path)
    except StartError as error:
        raise type(error)(*error.lines, ("error", REFUSED)) from None
    if made.flush <= 0:
        raise StartError(("error", "invalid flush value, aborting."))
    return made


def check_properties(instance: Instance, release: Release) -> None:
    """Refuses what the plugin does not know. Raises StartError (flb_config_map.c)."""
    plugin = instance.plugin
    option = "-i" if instance.kind == "input" else "-o"
    helped = ("help", f"try the command: fluent-bit {option} {plugin} -h")
    beyond = [key for key in instance.settings if release.properties.shared(instance.kind, key)]
    network = [key for key in beyond if key.startswith("net.")]
    served = (
        release.properties.http_server if instance.plugin in _OVER_HTTP and option == "-i" else ()
    )
    own = [key for key in instance.own if key not in served]
    oauth2 = [key for key in beyond if key.startswith("oauth2")]
    for keys, allowed in (
        (own, release.properties.of(option + plugin)),
        (network, release.properties.network[instance.kind]),
        (oauth2, release.properties.oauth2),
    ):
        for key in keys:
            said = _objection(key, keys, allowed)
            if said:
                raise StartError(("error", f"[config] {plugin}: {said}"), helped, code=255)


def _objection(key: str, keys: Sequence[str], allowed: Sequence[str]) -> str | None:
    if key in {"active", "condition"} or key.startswith("_debug.http."):
        return None
    known = key in allowed and key not in _PREFIXES
    if not known and not any(key.startswith(prefix) for prefix in _PREFIXES & set(allowed)):
        *most, last = allowed or ("",)
        named = ", ".join((*most, f"and {last}.")) if most else last and f"{last}."
        return (
            f"unknown configuration property '{key}'. The following properties are allowed: {named}"
        )
    if keys.count(key) > 1 and key not in _REPEATABLE:
        return f"configuration property '{key}' is set {keys.count(key)} times"
    return None


def _configured(
    found: Sequence[Section],
    environment: Mapping[str, str],
    release: Release,
    path: str,
) -> Configuration:
    made = Configuration()
    if any(section.name in {"parser", "multiline_parser"} for section in found):
        words = "Sections 'multiline_parser' and 'parser' are not valid in the main configuration"
        raise StartError(("", f"{words} file."))
    for section in found:
        if section.kind == "service":
            for key, value in section.entries:
                _serve(made, key, _translated(value, environment, made.warnings), path)
    for kind, instances in (("input", made.inputs), ("output", made.outputs)):
        for section in found:
            if section.kind == kind:
                instance = _named(section, instances, environment, made.warnings, release)
                for key, value in section.entries:
                    if key not in {"name", "routes"}:
                        said = _translated(value, environment, made.warnings)
                        _take(instance, key, said, release, made.warnings)
    return made


def _serve(made: Configuration, key: str, value: str, path: str) -> None:
    if key == "flush":
        number = re.match(r"\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)", value, re.IGNORECASE)
        made.flush = float(number[1]) if number else 0.0
    elif key == "log_level":
        if value.lower() not in LEVELS:
            _unusable("service property 'log_level'")
        made.level = LEVELS[value.lower()]
    elif key in {"hot_reload", "http_server"}:
        setattr(made, key, boolean(value) == 1)
    elif key == "http_listen":
        made.http_listen = value
    elif key == "http_port":
        made.http_port = atoi(value)
    elif key in {"scheduler.base", "scheduler.cap"}:
        setattr(made, key.removeprefix("scheduler."), atoi(value))
    elif key == "parsers_file":
        made.parsers |= _parsers(os.path.join(os.path.dirname(path), value))  # noqa: PTH118, PTH120 # see grammar.read


def _parsers(path: str) -> dict[str, dict[str, str]]:
    """The parsers of a file, by name."""
    if not os.access(path, os.R_OK):
        _unusable("service property 'parsers_file'", _NO_PARSERS)
    found = sections(path, dict(os.environ))
    entries = [dict(one.entries) for one in found if one.name == "parser"]
    return {one["name"]: one for one in entries if "name" in one}


def _named(
    section: Section,
    instances: list[Instance],
    environment: Mapping[str, str],
    warnings: list[Line],
    release: Release,
) -> Instance:
    """The instance that a section asks for."""
    kind = section.kind
    name = next((value for key, value in section.entries if key == "name"), None)
    if name is None:
        raise StartError(("error", f"[config] section '{kind}' is missing the 'name' property"))
    plugin = _translated(name, environment, warnings).lower()
    if plugin not in MODELLED[kind] or not release.properties.has(f"-{kind[0]}{plugin}"):
        models = ", ".join(MODELLED[kind])
        raise StartError(
            (
                "error",
                f"[config] section '{name}' tried to instance a plugin name that doesn't exist",
            ),
            ("help", f"the reference agent models no other {kind} than {models}"),
        )
    made = Instance(kind=kind, plugin=plugin, number=len(instances))
    instances.append(made)
    return made


def _take(instance: Instance, key: str, value: str, release: Release, warnings: list[Line]) -> None:
    """Sets one property (flb_input_set_property, flb_output_set_property)."""
    core = release.properties.core[instance.kind]
    without = instance.plugin in _WITHOUT_TLS[instance.kind]
    if key in _SWITCHES and not release.knows_yes:
        value = "on" if value.lower() in {"true", "on"} else "off"
    if key == "tls" and key in core and boolean(value) == 1 and without:
        does = "does not" if release.knows_yes else "don't"
        said = f"[config] {instance.name} {does} support TLS"
        if release.stops_at_values:
            _unusable(_property(instance, key), said)
        warnings += [("error", said), ("error", _not_configured(_property(instance, key)))]
        return
    if (key == "log_level" and value.lower() not in LEVELS) or (
        key in core and key == "tls.verify_client_cert" and boolean(value) < 0
    ):
        _unusable(_property(instance, key))
    if key == "retry_limit" and _is_no_limit(value):
        warnings.append(("warn", "[config] invalid retry_limit. set default."))
    if not release.properties.shared(instance.kind, key):
        instance.own.append(key)
    if key == "header":
        instance.headers.append(value)
    if value:
        instance.settings[key] = value
    else:
        instance.settings.pop(key, None)


def _is_no_limit(value: str) -> bool:
    return value.lower() not in {"no_limits", "false", "off", "no_retries"} and atoi(value) <= 0


def _property(instance: Instance, key: str) -> str:
    return f"property '{key}' on {instance.kind} plugin with section name '{instance.plugin}'"


def _unusable(what: str, *before: str) -> NoReturn:
    lines = [("error", text) for text in before]
    raise StartError(*lines, ("error", _not_configured(what)))


def _not_configured(what: str) -> str:
    return f"[config] could not configure {what}"


def _translated(value: str, environment: Mapping[str, str], warnings: list[Line]) -> str:
    """The value with `${NAME}` and `${NAME:-default}` filled in (src/flb_env.c)."""

    def filled(match: re.Match[str]) -> str:
        name, separator, default = match[1].partition(":-")
        held = environment.get(name)
        if held is not None and (held or not separator):
            return held
        if not separator:
            warnings.append(("warn", f"[env] variable ${{{name}}} is used but not set"))
        return default

    return re.sub(r"\$\{([^}]+)\}", filled, value)
