"""Reads a classic-mode configuration as Fluent Bit does, and stops where Fluent Bit stops.

Facts: src/config_format/flb_cf_fluentbit.c, src/flb_config.c, src/flb_input.c, src/flb_output.c
and src/flb_config_map.c of 5.1.1, each measured on its binary.
"""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False  # importing typing would cost a sixth of the start
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Final, NoReturn

    from .releases import Release

    Line = tuple[str, str]
    """A level and a text of the log."""

_BLANK: Final = " \t"
_SPACE: Final = " \t\n\v\f\r"
_REFUSED: Final = "configuration file contains errors, aborting."
LEVELS: Final = {"off": 0, "error": 1, "warn": 2, "warning": 2, "info": 3, "debug": 4, "trace": 5}
_TRUE: Final = frozenset({"true", "on", "yes"})
_FALSE: Final = frozenset({"false", "off", "no"})


class StartError(Exception):
    """Fluent Bit does not start: what it says, and the code with which it exits."""

    def __init__(self, *lines: Line, code: int = 1) -> None:
        super().__init__(lines[0][1] if lines else "")
        self.lines = lines
        self.code = code


_SECTIONS: Final = ("service", "inputs", "outputs")
_MODELLED: Final = {"input": ("dummy", "tail"), "output": ("http",)}
_REPEATABLE: Final = frozenset({"header", "multiline.parser"})
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

    def flag(self, key: str, *, default: int) -> int:
        """A boolean as Fluent Bit holds it: 1, 0, or -1 for a word that it does not know."""
        value = self.settings.get(key)
        return default if value is None else boolean(value)

    def number_of(self, key: str, *, default: int) -> int:
        """A number as C's atoi reads it."""
        value = self.settings.get(key)
        return default if value is None else atoi(value)


class Configuration:
    """What the file asks for; `flush` in seconds."""

    def __init__(self) -> None:
        self.flush = 1.0
        self.level = LEVELS["info"]
        self.inputs: list[Instance] = []
        self.outputs: list[Instance] = []
        self.warnings: list[Line] = []


class _Section:
    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.entries: list[tuple[str, str]] = []


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
        made = _configured(_sections(path, environment), environment, release)
    except StartError as error:
        raise StartError(*error.lines, ("error", _REFUSED)) from None
    if made.flush <= 0:
        raise StartError(("error", "invalid flush value, aborting."))
    return made


def check_properties(instance: Instance, release: Release) -> None:
    """Refuses what the plugin does not know. Raises StartError (flb_config_map.c)."""
    plugin = instance.plugin
    option = "-i" if instance.kind == "input" else "-o"
    helped = ("help", f"try the command: fluent-bit {option} {plugin} -h")
    network = [key for key in instance.settings if key.startswith("net.")]
    oauth2 = [key for key in instance.settings if key.startswith("oauth2")]
    for keys, allowed in (
        (instance.own, release.plugins[plugin]),
        (network, release.network),
        (oauth2, release.oauth2),
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
        named = ", ".join((*allowed[:-1], f"and {allowed[-1]}."))
        return (
            f"unknown configuration property '{key}'. The following properties are allowed: {named}"
        )
    if keys.count(key) > 1 and key not in _REPEATABLE:
        return f"configuration property '{key}' is set {keys.count(key)} times"
    return None


def _sections(path: str, environment: dict[str, str]) -> list[_Section]:
    """The file's sections, in order; `@SET` goes into the environment."""
    sections: list[_Section] = []
    indent = ""
    in_group = False
    for number, line in _lines(path):

        def refuse(message: str, *before: Line, at: int = number) -> NoReturn:
            raise StartError(*before, ("error", f"[config] error in {path}:{at}: {message}"))

        if not line or line[0] == "#":
            continue
        if line[0] == "@" and len(line) > 3:  # noqa: PLR2004 # what Fluent Bit takes for a command
            _command(line, environment)
        elif line[0] == "[":
            in_group = False
            _open(line, sections, refuse)
        else:
            if not indent:
                # The first character counts as indentation, whatever it is.
                indent = line[0] + line[1:][: _blanks(line[1:])]
                if indent == line:
                    continue
            depth = _depth(line, indent, refuse)
            in_group = in_group and depth > len(indent)
            rest = line[depth:]
            if rest and rest[0] != "#":
                entry = _entry(rest, sections, refuse)
                in_group = in_group or entry is None
                if entry is not None and not in_group:
                    sections[-1].entries.append(entry)
    return sections


def read(path: str) -> bytes:
    """What a file holds. Raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123 # pathlib would cost a tenth of the start
        return file.read()


def _lines(path: str) -> Iterator[tuple[int, str]]:
    raw = read(path).decode("utf-8", "surrogateescape")
    *whole, last = raw.split("\n")
    for number, line in enumerate(whole, 1):
        yield number, line.removesuffix("\r")
    if last:
        yield len(whole) + 1, last


def _command(line: str, environment: dict[str, str]) -> None:
    name, separator, value = line[1:].partition(" ")
    if not separator:
        raise StartError
    if name.lower() == "include":
        raise StartError(("error", "the reference agent does not model @INCLUDE"))
    if name.lower() == "set" and "=" in value:
        key, _, content = value.partition("=")
        environment[key.strip(_SPACE)] = content.strip(_SPACE)


def _open(line: str, sections: list[_Section], refuse: Callable[[str], NoReturn]) -> None:
    end = line.find("]")
    if end < 0:
        refuse("bad header definition")
    name = line[1:end].lower()
    # A section is recognised by any beginning of its name: [IN] is an input.
    kind = next((known for known in _SECTIONS if name and known.startswith(name)), "")
    sections.append(_Section(name, kind.removesuffix("s")))


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip(_BLANK))


def _depth(line: str, indent: str, refuse: Callable[..., NoReturn]) -> int:
    """How far a line is indented: once, or exactly twice, as within a group."""
    wrong = "invalid indentation level"
    if not line.startswith(indent):
        pairs = zip(indent, line, strict=False)
        first = next((mine for its, mine in pairs if its != mine), line[len(indent) :])
        # A line that ends within its indentation has nothing there that could be a blank.
        mixed = first != "" and first in _BLANK and not indent.startswith(line)
        said = "inconsistent use of tab and space" if mixed else "indentation level is too low"
        refuse(wrong, ("error", f"[config] {said}"))
    extra = _blanks(line[len(indent) :])
    if extra not in {0, len(indent)}:
        refuse(wrong, ("error", "[config] extra indentation level found"))
    return len(indent) + extra


def _entry(
    rest: str, sections: list[_Section], refuse: Callable[[str], NoReturn]
) -> tuple[str, str] | None:
    """A key and its value; None for the head of a group."""
    key, separator, value = rest.partition(" ")
    if not separator:
        refuse("undefined value - check config is in valid classic format")
    if key[0] == "[":
        if "]" not in rest:
            refuse("expected a valid group name: [..]")
        return None
    if not value:
        refuse("key has an empty value")
    key, value = key.strip(_SPACE).lower(), value.strip(_SPACE)
    if not value or not sections:
        refuse("could not allocate key value pair")
    return key, value


def _configured(
    sections: Sequence[_Section], environment: Mapping[str, str], release: Release
) -> Configuration:
    made = Configuration()
    if any(section.name in {"parser", "multiline_parser"} for section in sections):
        words = "Sections 'multiline_parser' and 'parser' are not valid in the main configuration"
        raise StartError(("", f"{words} file."))
    for section in sections:
        if section.kind == "service":
            for key, value in section.entries:
                _serve(made, key, _translated(value, environment, made.warnings))
    for kind, instances in (("input", made.inputs), ("output", made.outputs)):
        for section in sections:
            if section.kind == kind:
                instance = _named(section, instances, environment, made.warnings)
                for key, value in section.entries:
                    if key not in {"name", "routes"}:
                        said = _translated(value, environment, made.warnings)
                        _take(instance, key, said, release)
    return made


def _serve(made: Configuration, key: str, value: str) -> None:
    if key == "flush":
        number = re.match(r"\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)", value, re.IGNORECASE)
        made.flush = float(number[1]) if number else 0.0
    elif key == "log_level":
        if value.lower() not in LEVELS:
            _unusable("service property 'log_level'")
        made.level = LEVELS[value.lower()]


def _named(
    section: _Section,
    instances: list[Instance],
    environment: Mapping[str, str],
    warnings: list[Line],
) -> Instance:
    """The instance that a section asks for."""
    kind = section.kind
    name = next((value for key, value in section.entries if key == "name"), None)
    if name is None:
        raise StartError(("error", f"[config] section '{kind}' is missing the 'name' property"))
    plugin = _translated(name, environment, warnings).lower()
    if plugin not in _MODELLED[kind]:
        models = ", ".join(_MODELLED[kind])
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


def _take(instance: Instance, key: str, value: str, release: Release) -> None:
    """Sets one property (flb_input_set_property, flb_output_set_property)."""
    core: Collection[str] = release.output_core
    if instance.kind == "input":
        core = release.input_core
    if key == "tls" and boolean(value) == 1 and instance.kind == "input":
        _unusable(_property(instance, key), f"[config] {instance.name} does not support TLS")
    if (key == "log_level" and value.lower() not in LEVELS) or (
        key in core and key == "tls.verify_client_cert" and boolean(value) < 0
    ):
        _unusable(_property(instance, key))
    if key not in core and not key.startswith(("net.", "oauth2")):
        instance.own.append(key)
    if key == "header":
        instance.headers.append(value)
    if value:
        instance.settings[key] = value
    else:
        instance.settings.pop(key, None)


def _property(instance: Instance, key: str) -> str:
    return f"property '{key}' on {instance.kind} plugin with section name '{instance.plugin}'"


def _unusable(what: str, *before: str) -> NoReturn:
    lines = [("error", text) for text in before]
    raise StartError(*lines, ("error", f"[config] could not configure {what}"))


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
