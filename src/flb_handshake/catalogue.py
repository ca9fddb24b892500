"""Finds scenario files, expands their matrices and holds every scenario to the rules."""

from __future__ import annotations

import ast
import difflib
import fnmatch
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from flb_handshake.declare import MARK, Case, combinations
from flb_handshake.errors import CatalogueError, UnknownScenario
from flb_handshake.expectations import SHOWN, Does, Expectation
from flb_handshake.model import Scenario
from flb_handshake.objections import objection
from flb_handshake.outcomes import Outcome
from flb_handshake.peer.events import ALERT_NAMES
from flb_handshake.releases import RELEASES, stands_for
from flb_handshake.reported import Report

_ALLOWED_IMPORTS: Final = frozenset(
    {"__future__", "flb_handshake.declare", "dataclasses", "datetime", "typing"}
)
"""The declaration words, and two modules of the standard library that hold nothing but values."""
_NOT_IN_AN_ID: Final = re.compile(r"[^A-Za-z0-9.:+*]+")
_REFUSALS: Final = frozenset({Outcome.REFUSED_BY_AGENT, Outcome.REFUSED_BY_PEER})


def default_directory() -> Path:
    """The catalogue that comes with the package: beside it in a wheel, at the top of a checkout."""
    inside = Path(__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "scenarios"


def load(directory: Path | None = None) -> tuple[Scenario, ...]:
    """Every scenario of a directory and its folders, in the order of its files.

    Raises CatalogueError.
    """
    directory = directory or default_directory()
    files = _files(directory)
    if not files:
        raise CatalogueError(
            f"{directory} holds no scenario files",
            hint="name a directory of *.py files written with flb_handshake.declare",
        )
    found = [one for file in files for one in _of_file(file, directory)]
    seen: dict[str, str] = {}
    for one in found:
        if one.id in seen:
            raise _error(
                one.where, f"two scenarios are called {one.id}", "name the axis values apart"
            )
        seen[one.id] = one.where
    return tuple(found)


def introductions(directory: Path | None = None) -> dict[str, str]:
    """What each file (`mode`) and each of its scenario functions (`mode.cell`) says of itself."""
    directory = directory or default_directory()
    told: dict[str, str] = {}
    for file in _files(directory):
        family = _family(file, directory)
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
        told[family] = ast.get_docstring(tree) or ""
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                told[f"{family}.{node.name}"] = ast.get_docstring(node) or ""
    return {name: " ".join(text.split()) for name, text in told.items()}


def select(scenarios: Sequence[Scenario], patterns: Sequence[str]) -> tuple[Scenario, ...]:
    """Those whose id matches one of the patterns: a whole id, a glob, or a part of an id.

    No pattern selects all. Raises UnknownScenario for a pattern that matches none.
    """
    if not patterns:
        return tuple(scenarios)
    chosen: dict[str, Scenario] = {}
    for pattern in patterns:
        matching = [one for one in scenarios if _matches(one.id, pattern)]
        if not matching:
            near = difflib.get_close_matches(pattern, [one.id for one in scenarios], 3, 0.3)
            raise UnknownScenario(
                f"no scenario matches {pattern!r}",
                hint=f"the nearest: {', '.join(near)}" if near else "see `flb-handshake list`",
            )
        chosen |= {one.id: one for one in matching}
    return tuple(chosen.values())


def find(scenarios: Sequence[Scenario], wanted: str) -> Scenario:
    """The scenario of this id. Raises UnknownScenario, with the nearest ids."""
    for one in scenarios:
        if one.id == wanted:
            return one
    near = difflib.get_close_matches(wanted, [one.id for one in scenarios], 3, 0.3)
    raise UnknownScenario(
        f"there is no scenario {wanted!r}",
        hint=f"the nearest: {', '.join(near)}" if near else "see `flb-handshake list`",
    )


def _files(directory: Path) -> list[Path]:
    """The scenario files: those of the directory, then those of its folders (one level deep)."""
    folders = [one for one in sorted(directory.glob("*/")) if one.name[0] not in "._"]
    return [file for place in (directory, *folders) for file in sorted(place.glob("*.py"))]


def _family(file: Path, directory: Path) -> str:
    """What the ids of a file's scenarios begin with: its folder and its name."""
    return ".".join(file.relative_to(directory).with_suffix("").parts)


def _matches(scenario_id: str, pattern: str) -> bool:
    if pattern in scenario_id:
        return True
    escaped = pattern.replace("[", "[[]")
    return fnmatch.fnmatchcase(scenario_id, escaped)


def _of_file(file: Path, directory: Path) -> Iterator[Scenario]:
    _check_imports(file)
    family = _family(file, directory)
    module = _imported(file, family)
    declarations = [
        value
        for value in vars(module).values()
        if hasattr(value, MARK) and getattr(value, "__module__", None) == module.__name__
    ]
    if not declarations:
        raise _error(str(file), "no function here is marked", "mark one with @scenario or @matrix")
    for declaration in declarations:
        place = Path(directory.resolve().name) / file.relative_to(directory)
        yield from _expanded(place, family, declaration)


def _expanded(place: Path, family: str, declaration: Callable[..., Case]) -> Iterator[Scenario]:
    axes: dict[str, tuple[Any, ...]] = getattr(declaration, MARK)
    where = f"{place}:{declaration.__code__.co_firstlineno}"
    reason = inspect.getdoc(declaration) or ""
    if not reason:
        raise _error(where, f"{declaration.__name__} has no docstring", "say there why it is so")
    if set(inspect.signature(declaration).parameters) != set(axes):
        raise _error(
            where,
            f"{declaration.__name__} takes other arguments than the axes {', '.join(axes) or '-'}",
            "give the function one argument for each axis",
        )
    for values in combinations(axes):
        labels = tuple((axis, _label(value)) for axis, value in values.items())
        try:
            made = declaration(**values)
        except (Exception, SystemExit) as error:  # a scenario file is the user's code
            raise _error(
                where, f"{declaration.__name__}: {error!r}", "mend the function"
            ) from error
        if not isinstance(made, Case):
            raise _error(where, f"{declaration.__name__} gives no case", "return case(…)")
        cell = "-".join(f"{axis}={value}" for axis, value in labels)
        one = Scenario(
            id=f"{family}.{declaration.__name__}" + (f"[{cell}]" if cell else ""),
            because=" ".join(f"{reason} {made.because}".split()),
            setup=made.setup,
            expectation=Expectation(does=made.does, should=made.should),
            then=tuple(Expectation(does=one.does, should=one.should) for one in made.then),
            fates=made.fates,
            refs=(*made.refs, *((made.report.url,) if made.report else ())),
            report=made.report,
            where=where,
            labels=labels,
        )
        _check(one)
        yield one


def _check(one: Scenario) -> None:
    """What no scenario may get wrong; found when the catalogue loads, not when it runs."""
    if (wrong := objection(one.setup)) is not None:
        raise _error(one.where, f"{one.id}: {wrong.what}", wrong.hint)
    if len(one.then) != len(one.setup.steps):
        raise _error(
            one.where,
            f"{one.id} has {len(one.setup.steps)} steps and {len(one.then)} expectations of them",
            "give case(…) one more expectation for each step",
        )
    expected = [
        (does, it.should if does is it.does else None)
        for it in (one.expectation, *one.then)
        for does in (it.does, *(does for _, does in it.does.earlier))
    ]
    if one.control is None and not all(does.outcome.arrived for does, _ in expected):
        raise _error(
            one.where,
            f"{one.id} expects something else than delivery of a setup in which nothing is wrong",
            "put the defect in with .but(…), so that a control twin can be derived",
        )
    for does, should in expected:
        _check_expectation(one, does, should)
    if one.report is not None:
        _check_report(one, one.report)


def _check_report(one: Scenario, report: Report) -> None:
    try:
        shown_on = stands_for(report)
    except ValueError as error:
        raise _error(one.where, f"{one.id}: {error}", "write 3.0.7 or 4.1") from error
    if shown_on not in RELEASES:
        raise _error(
            one.where,
            f"{one.id}: {shown_on} is none of the releases that the catalogue is held to",
            f"name one of {', '.join(RELEASES)}",
        )


def _check_expectation(one: Scenario, does: Does, should: Outcome | None) -> None:
    if does.outcome in _REFUSALS and does.alert not in ALERT_NAMES:
        raise _error(one.where, f"{one.id}: {does.alert} is no TLS alert", "use IANA's name")
    if does.outcome is Outcome.NOT_STARTED and not does.says:
        raise _error(one.where, f"{one.id} does not say what the log says", "not_started('…')")
    outcomes = {does.outcome, *(earlier.outcome for _, earlier in does.earlier)}
    if should is not None and outcomes == {should}:
        raise _error(one.where, f"{one.id}: `should` repeats `does`", "leave `should` out")
    if unknown := sorted({name for name, _ in does.shows} - SHOWN):
        raise _error(
            one.where,
            f"{one.id}: nothing that is observed is called {unknown[0]}",
            f"these are: {', '.join(sorted(SHOWN))}",
        )


def _label(value: object) -> str:
    """An axis value as part of an id: no spaces, nothing that a shell or `-k` would take apart."""
    text = str(getattr(value, "name", value)) if not isinstance(value, str) else value
    return _NOT_IN_AN_ID.sub("_", text).strip("_")


def _check_imports(file: Path) -> None:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    except SyntaxError as error:
        raise _error(
            f"{file}:{error.lineno}", f"syntax error: {error.msg}", "mend that line"
        ) from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise _error(str(file), f"it cannot be read: {error}", "give a readable file") from error
    for node in ast.walk(tree):
        wanted: list[str | None] = []
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            wanted = ["." if node.level else node.module]
        for name in wanted:
            if name not in _ALLOWED_IMPORTS:
                raise _error(
                    f"{file}:{getattr(node, 'lineno', 0)}",
                    f"a scenario file imports {name}",
                    "scenarios are declarations: import from flb_handshake.declare alone",
                )


def _imported(file: Path, family: str) -> ModuleType:
    name = f"flb_handshake_scenarios.{family}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise _error(str(file), "it cannot be loaded", "give a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for the module of a class
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a scenario file is the user's code
        line = _line_of(error, file)
        raise _error(
            f"{file}:{line}", f"{type(error).__name__}: {error}", "mend that line"
        ) from error
    return module


def _line_of(error: BaseException, file: Path) -> int:
    """The last line of this file that an exception passed through."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _error(where: str, what: str, hint: str) -> CatalogueError:
    return CatalogueError(f"{where}: {what}", hint=hint)
