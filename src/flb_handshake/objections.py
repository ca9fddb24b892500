"""What no run can do: where a setup contradicts itself, told before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

from flb_handshake.behaviours import Reset
from flb_handshake.model import (
    LONGEST_WAIT,
    Change,
    CollectorSpec,
    Expire,
    File,
    FileForm,
    Hangup,
    Present,
    Replace,
    Role,
    Setup,
    Step,
)
from flb_handshake.peer import behaving, shipper
from flb_handshake.settings import CHANGEABLE, files_of, named_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What is wrong with a setup, and what to do about it."""

    what: str
    hint: str


def objection(setup: Setup) -> Objection | None:
    """The first thing in it that cannot be; None: it can be tried."""
    found = _to_peer(setup) or _to_shape(setup) or _to_whole_configuration(setup)
    found = found or _to_upstream(setup)
    for file in files_of(setup):
        found = found or _to_file(file)
    if found is not None:
        return found
    for step in setup.steps:
        for change in step.changes:
            if (found := _to_change(setup, change)) is not None:
                return _of_step(step, found)
            # Each change finds what the ones before it made.
            setup = setup.after(Step(name=step.name, changes=(change,)))
        if (found := _to_peer(setup)) is not None:
            return _of_step(step, found)
    return None


def _of_step(step: Step, found: Objection) -> Objection:
    return Objection(what=f"step '{step.name}': {found.what}", hint=found.hint)


def _to_peer(setup: Setup) -> Objection | None:
    """To what the peer is to do."""
    hint = "give the peer another behaviour, or its input another plugin"
    if not isinstance(setup.peer, CollectorSpec):
        wrong = shipper.objection(setup.peer, setup.agent.plugin)
        return Objection(what=f"a shipper cannot do this: {wrong}", hint=hint) if wrong else None
    try:
        behaving.check(setup.peer)
    except ValueError as error:
        return Objection(what=f"a collector cannot do this: {error}", hint=hint)
    return None


_CHANGES: Final = get_args(Change)


def _to_shape(setup: Setup) -> Objection | None:
    """To values of a wrong kind: one comma too few makes a tuple of one something else."""
    if not _is_tuple_of(setup.steps, (Step,)):
        return Objection(
            what=f"its steps are no tuple of Step: {setup.steps!r}",
            hint="steps=(Step(name='…', changes=(…,)),)",
        )
    for step in setup.steps:
        if not _is_tuple_of(step.changes, _CHANGES):
            return Objection(
                what=f"the changes of step '{step.name}' are no tuple of changes: {step.changes!r}",
                hint=f"changes=(…,), each a {', '.join(kind.__name__ for kind in _CHANGES)}",
            )
        if not step.name:
            return Objection(what="a step has no name", hint="say in its name what changes")
    return None


def _is_tuple_of(value: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, kinds) for one in value)


def _to_whole_configuration(setup: Setup) -> Objection | None:
    """To steps, or a shipper, where the configuration is not ours to add an input or a port to."""
    if setup.agent.config is None:
        return None
    hint = "give the agent's settings as fields (plugin, mode, properties …) in place of `config`"
    if setup.steps:
        return Objection(
            what="a whole configuration (`config`) cannot be played in steps: it has neither the "
            "input that takes numbered records nor the port that is asked to reload",
            hint=hint,
        )
    if setup.role is Role.INPUT:
        return Objection(
            what="a whole configuration (`config`) does not say where its input listens", hint=hint
        )
    return None


def _to_upstream(setup: Setup) -> Objection | None:
    """To an upstream file where nothing names one."""
    agent = setup.agent
    if agent.upstream is None or (setup.role is Role.OUTPUT and agent.config is None):
        return None
    return Objection(
        what="an upstream file is of an output, which a whole configuration (`config`) has none of "
        "ours in",
        hint="give an output's settings as fields (plugin, mode, properties …)",
    )


def _to_change(setup: Setup, change: Change) -> Objection | None:
    match change:
        case Replace():
            return _to_replace(setup, change)
        case Present():
            return _to_present(setup, change)
        case Hangup(how=Reset()) if setup.role is Role.INPUT:
            return Objection(
                what="a shipper ends its connection politely between records, and not by a reset",
                hint="Hangup(); or behaviour=Reset(…) for a reset in the middle of something",
            )
        case Expire() if change.spec.not_after > LONGEST_WAIT:
            return Objection(
                what=f"it waits until '{change.spec.common_name}' has expired, "
                f"{change.spec.not_after} from now",
                hint=f"give that certificate a `not_after` of {LONGEST_WAIT} or less",
            )
        case _:
            return None


def _to_replace(setup: Setup, change: Replace) -> Objection | None:
    known = ", ".join(CHANGEABLE)
    if change.file not in CHANGEABLE:
        return Objection(
            what=f"no file of the agent's is called '{change.file}'",
            hint=f"Replace names one of {known}",
        )
    if not isinstance(change.to, File):
        return Objection(
            what=f"`{change.file}` is to be replaced by {change.to!r}, which is no file",
            hint="give a File(…), certificate_file(…) or key_file(…)",
        )
    if CHANGEABLE[change.file] not in named_files(setup):
        return Objection(
            what=f"the agent has no `{change.file}` that could be replaced",
            hint=f"set `{change.file}` from the start, or replace another one of {known}",
        )
    return _to_file(change.to)


def _to_file(file: File) -> Objection | None:
    if file.form is FileForm.KEY and len(file.certs) != 1:
        return Objection(
            what=f"a file of a private key is to hold the keys of {len(file.certs)} certificates",
            hint="key_file(…) names the one certificate whose key it is",
        )
    return None


def _to_present(setup: Setup, change: Present) -> Objection | None:
    fields = type(setup.peer).__dataclass_fields__
    if unknown := [name for name, _ in change.fields if name not in fields]:
        return Objection(
            what=f"{type(setup.peer).__name__} has no field '{unknown[0]}' to present",
            hint=f"it has {', '.join(fields)}",
        )
    return None
