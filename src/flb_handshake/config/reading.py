"""Reads a user's own configuration, whatever syntax it is in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from flb_handshake.config import classic, manifests, starting, upstreams, yaml
from flb_handshake.config.files import Reading, is_file, text_of
from flb_handshake.config.variables import filled
from flb_handshake.config.words import Configuration, Kind, Property, Section
from flb_handshake.errors import ConfigurationFileError


class Syntax(StrEnum):
    """How a configuration is written."""

    CLASSIC = "classic"
    YAML = "yaml"
    MANIFEST = "manifest"
    """A resource of Kubernetes, or the values of the Helm chart."""


def read(path: Path, *, environment: Mapping[str, str] | None = None) -> Configuration:
    """The configuration that begins with a file; None: variables come from our own environment.

    Raises ConfigurationFileError where the file itself cannot be read, or is a manifest that holds
    no configuration. What Fluent Bit would refuse in it stands in the refusals.
    """
    text = text_of(path)
    syntax = syntax_of(path, text)
    found = read_text(text, name=str(path), syntax=syntax, environment=environment)
    if syntax is Syntax.MANIFEST and not found.sections:
        raise _empty(path, found)
    return found


def _empty(path: Path, found: Configuration) -> ConfigurationFileError:
    """What to say of a manifest without a single section."""
    if found.refusals:
        first = found.refusals[0]
        return ConfigurationFileError(f"{first.spot}: {first.text}", hint=first.hint)
    return ConfigurationFileError(
        f"{path} holds no configuration of Fluent Bit",
        hint="name the ConfigMap, the chart's values, or a resource such as ClusterOutput",
    )


def syntax_of(path: Path, text: str) -> Syntax:
    """Fluent Bit goes by the ending alone (5.1.1): .yaml and .yml are YAML.

    A YAML file that is none of Fluent Bit's own may hold one as Kubernetes or Helm keep it.
    """
    if path.suffix.lower() not in {".yaml", ".yml"}:
        return Syntax.CLASSIC
    return Syntax.MANIFEST if manifests.is_manifest(text) else Syntax.YAML


def read_text(
    text: str,
    *,
    name: str,
    syntax: Syntax,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """The same of a text; what it includes is looked for beside `name`."""
    reading = Reading(environment=dict(os.environ if environment is None else environment))
    reading.files.append(name)
    root = Path(name).parent
    if syntax is Syntax.CLASSIC:
        classic.Reader(reading, root=root).read(text, name=name)
    elif syntax is Syntax.YAML:
        yaml.Reader(reading, root=root).read(text, name=name)
    else:
        manifests.Reader(reading, root=root).read(text, name=name)
    return _whole(reading, root)


def _whole(reading: Reading, root: Path) -> Configuration:
    """What was read, with variables filled in and the files of properties read."""
    sections, unset = filled(reading.sections, reading.environment)

    def read_file(path: Path, named: Property) -> None:
        _beside(path, named, reading, root)

    starting.check(sections, reading, read_file)
    whole = [_with_nodes(one, reading, root) for one in sections]
    # What is filled in already has no variables left but those that nobody sets.
    sections, more = filled(whole, reading.environment)
    return Configuration(
        sections=sections,
        refusals=tuple(reading.refusals),
        files=_files(reading),
        sets=tuple(reading.sets.items()),
        unset=tuple(dict.fromkeys((*unset, *more))),
    )


def _with_nodes(section: Section, reading: Reading, root: Path) -> Section:
    """The section; an output with the nodes of its upstream file."""
    named = section.find("upstream") if section.kind is Kind.OUTPUT else None
    if named is None:
        return section
    inner = _beside(Path(named.value), named, reading, root)
    if inner is None:
        return section
    return upstreams.attached(section, upstreams.servers(inner, reading, named.spot))


def _beside(path: Path, named: Property, reading: Reading, root: Path) -> list[Section] | None:
    """The sections of a file that a property names; None: it cannot be read, which is noted."""
    place = root / path
    # Fluent Bit looks in its working directory, too (5.1.1).
    place = path if is_file(path) and not is_file(place) else place
    try:
        source = reading.source(place)
    except ConfigurationFileError as error:
        hint = "name a file by its path from the folder of the first file"
        reading.refuse(str(error), hint, named.spot, fatal=not reading.elsewhere)
        return None
    inner = replace(reading, sections=[], refusals=[], files=[str(place)], sets={})
    inner.environment = dict(reading.environment)
    is_yaml = path.suffix.lower() in {".yaml", ".yml"}
    reader = yaml.Reader(inner, root=root) if is_yaml else classic.Reader(inner, root=root)
    reader.read(source.text, name=source.name, first=source.first)
    reading.refusals += inner.refusals
    reading.files += inner.files
    return inner.sections


def _files(reading: Reading) -> tuple[str, ...]:
    """The files of this machine that were read, each once."""
    inline = {name for name in reading.files if Path(name).name in reading.inline}
    return tuple(dict.fromkeys(one for one in reading.files if one not in inline))
