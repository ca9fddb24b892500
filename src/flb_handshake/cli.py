"""The command flb-handshake: run, list, show, try, judge."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from flb_handshake import catalogue, evidence, one_off
from flb_handshake.agent.choice import Chosen, choose, references
from flb_handshake.agent.contract import AgentKind
from flb_handshake.errors import (
    EXIT_AS_EXPECTED,
    EXIT_DISAGREES,
    EXIT_HARNESS_FAILED,
    HandshakeError,
    HarnessFailure,
    Interrupted,
    UnknownScenario,
    UserMistake,
)
from flb_handshake.model import Mode
from flb_handshake.outcomes import Outcome, VerdictKind
from flb_handshake.planning import Play
from flb_handshake.report import junit, lines, sheet, terminal
from flb_handshake.results import Finding, Result, finding, result
from flb_handshake.session import DIRECTORY, Session, keep

_ABORTED: Final = 130
"""How typer leaves after Ctrl-C, once it has said so."""

_PIPE_WIDTH: Final = 160
"""Columns where there is no terminal to ask: wide enough that no cell of a matrix is cut."""

app = typer.Typer(
    name="flb-handshake",
    help="Shows why a Fluent Bit TLS handshake succeeds or fails, against a real Fluent Bit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_Agent = Annotated[AgentKind, typer.Option("--agent", help="How to run Fluent Bit.")]
_Refs = Annotated[
    list[str] | None,
    typer.Option(
        "--fluent-bit",
        metavar="REF",
        help="A version (the image fluent/fluent-bit:VERSION), an image, or the path of a binary.",
    ),
]
_Scenarios = Annotated[
    Path | None, typer.Option("--scenarios", help="A directory of scenario files of your own.")
]


@app.command()
def run(
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Ids, parts of ids, or globs; none: all.")
    ] = None,
    *,
    agent: _Agent = AgentKind.AUTO,
    fluent_bit: _Refs = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write a JSON line for each scenario.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    isolated: Annotated[bool, typer.Option(help="A process of its own for each.")] = False,
    scenarios: _Scenarios = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--evidence",
            help="Keep each run's evidence here; else what disagrees, in .handshake.",
        ),
    ] = None,
) -> None:
    """Play scenarios and say for each what happened, who refused, why, and if that was expected."""
    selected = catalogue.select(catalogue.load(scenarios), patterns or [])
    for path in (jsonl, junit_file):
        _check_writable(path)
    everything: list[Result] = []
    for ref in references(fluent_bit or []):
        chosen = _chosen(agent, ref)
        session = Session(agent=chosen.agent, isolated=isolated)
        try:
            found = _with_progress(partial(session.run, selected), chosen)
        except HandshakeError:
            _write_reports(everything + session.complete(selected), jsonl, junit_file)
            raise
        everything += found
        disagreeing = [one for one in found if one.disagrees]
        wanted = found if directory else disagreeing
        try:
            kept = keep(wanted, session.evidence, directory or DIRECTORY)
        except OSError as error:
            kept = {}
            _err().print(f"the evidence cannot be kept: {error}", markup=False, soft_wrap=True)
        terminal.show(_out(), found, kept)
        told = f"{terminal.summary(found)}; {session.seconds:.1f} s"
        _out().print(f"\n{told}", highlight=False, markup=False, soft_wrap=True)
    _write_reports(everything, jsonl, junit_file)
    _leave(everything)


@app.command("list")
def list_(
    patterns: Annotated[list[str] | None, typer.Argument(help="As for run.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False,
    scenarios: _Scenarios = None,
) -> None:
    """List the scenarios: their ids and what is expected of each."""
    selected = catalogue.select(catalogue.load(scenarios), patterns or [])
    if as_json:
        _say(json.dumps([sheet.entry(one) for one in selected], indent=1, ensure_ascii=False))
        return
    _say("\n".join(sheet.line(one) for one in selected))
    _err().print(f"{len(selected)} scenarios", style="dim")


@app.command()
def show(
    scenario_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    scenarios: _Scenarios = None,
) -> None:
    """Show one scenario: the declaration in words, the rendered configuration, the chain."""
    one = catalogue.find(catalogue.load(scenarios), scenario_id)
    _say(sheet.page(one))


@app.command("try")
def try_(
    *,
    plugin: Annotated[str, typer.Option(help="The output plugin.")] = "http",
    mode: Annotated[Mode, typer.Option(help="How TLS is used.")] = Mode.VERIFY_PEER,
    host: Annotated[str, typer.Option(help="The name dialled and checked.")] = "logs.example.test",
    ca_file: Annotated[Path | None, typer.Option(help="CA.File of the agent.")] = None,
    client_cert: Annotated[Path | None, typer.Option(help="Client.Cert of the agent.")] = None,
    client_key: Annotated[Path | None, typer.Option(help="Client.Key of the agent.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PROPERTY=VALUE", help="Last word.")
    ] = None,
    peer_cert: Annotated[Path | None, typer.Option(help="The collector's chain, PEM.")] = None,
    peer_key: Annotated[Path | None, typer.Option(help="The collector's key, PEM.")] = None,
    peer_client_ca: Annotated[
        Path | None, typer.Option(help="Demand a client certificate of this authority.")
    ] = None,
    peer_min_version: Annotated[str | None, typer.Option(help="TLSv1 to TLSv1.3.")] = None,
    peer_max_version: Annotated[str | None, typer.Option(help="TLSv1 to TLSv1.3.")] = None,
    agent: _Agent = AgentKind.AUTO,
    fluent_bit: _Refs = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Try one handshake with your own certificates. Exit code 0 if the records arrive over TLS."""
    wanted = one_off.Wanted(
        plugin=plugin,
        mode=mode,
        host=host,
        ca_file=ca_file,
        client_cert=client_cert,
        client_key=client_key,
        settings=settings or (),
        peer_cert=peer_cert,
        peer_key=peer_key,
        peer_client_ca=peer_client_ca,
        peer_min_version=peer_min_version,
        peer_max_version=peer_max_version,
    )
    worst = EXIT_AS_EXPECTED
    for ref in references(fluent_bit or []):
        chosen = _chosen(agent, ref)
        setup = one_off.setup(wanted, chosen.agent)
        session = Session(agent=chosen.agent)
        wants = [Play(alias="try", setup=setup, doubtful=True)]
        if setup.whole is not None:
            wants.append(Play(alias="control.of.try", setup=setup.whole, doubtful=True))
        _with_progress(partial(session.play, wants), chosen)
        twin = session.evidence[setup.whole] if setup.whole is not None else None
        found = finding(session.evidence[setup], twin)
        _print_sheet(found, as_json=as_json)
        outcome = found.observation.outcome
        if outcome is Outcome.INVALID:
            worst = EXIT_HARNESS_FAILED
        elif outcome is not Outcome.DELIVERED:
            worst = max(worst, EXIT_DISAGREES)
    raise typer.Exit(worst)


@app.command("judge")
def judge_(
    file: Annotated[Path, typer.Argument(help="A file that `run --evidence` wrote.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    scenarios: _Scenarios = None,
) -> None:
    """Judge stored evidence again; nothing is run."""
    stored, twin = evidence.read(file)
    try:
        known = catalogue.find(catalogue.load(scenarios), stored.scenario)
    except UnknownScenario:
        _err().print(f"{stored.scenario} is not in this catalogue: judged without an expectation")
        _print_sheet(finding(stored, twin), as_json=as_json)
        return
    judged = result(known, stored, twin)
    _print_sheet(judged, as_json=as_json)
    _leave([judged])


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command; what goes wrong is one line with a hint, never a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows only ASCII gets escapes
            stream.reconfigure(errors="backslashreplace")
    code: int | str | None = EXIT_AS_EXPECTED
    try:
        app(args=arguments)
    except SystemExit as leaving:
        code = leaving.code
        if code == _ABORTED:
            code = _complain(Interrupted())
    except HandshakeError as error:
        code = _complain(error)
    except OSError as error:
        hint = "free the disk space or change the permissions that it names"
        code = _complain(HarnessFailure(str(error), hint=hint))
    sys.exit(code)


def _complain(error: HandshakeError) -> int:
    """Says what went wrong and what to do; gives the exit code."""
    _err().print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    _err().print(f"hint: {error.hint}", markup=False, highlight=False, soft_wrap=True)
    return error.exit_code


def _say(text: str) -> None:
    """Prints as it is; whoever reads only the beginning, like `head`, does no harm."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_sheet(found: Finding, *, as_json: bool) -> None:
    if as_json:
        _say(lines.line(found))
    else:
        _say(sheet.attempt(found))


def _chosen(kind: AgentKind, ref: str) -> Chosen:
    chosen = choose(kind, ref)
    _err().print(f"agent: {chosen.line}", highlight=False, markup=False, soft_wrap=True)
    return chosen


def _with_progress(work: Callable[[Callable[[int, int], None]], Any], chosen: Chosen) -> Any:
    """Does the work behind a progress bar, which only a terminal gets to see."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=_err(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(f"playing on {chosen.agent.identity.label}", total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))


def _check_writable(path: Path | None) -> None:
    if path is None:
        return
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise UserMistake(
            f"{path} cannot be written: {error.strerror}", hint="name a file in a place you own"
        ) from error


def _write_reports(found: Sequence[Result], jsonl: Path | None, junit_file: Path | None) -> None:
    if jsonl is not None:
        text = "".join(f"{lines.line(one)}\n" for one in found)
        jsonl.write_text(text, encoding="utf-8")
    if junit_file is not None:
        junit_file.write_bytes(junit.document(found))


def _leave(found: Sequence[Result]) -> NoReturn:
    kinds = {one.verdict.kind for one in found if one.disagrees}
    if VerdictKind.HARNESS_ERROR in kinds:
        raise typer.Exit(EXIT_HARNESS_FAILED)
    raise typer.Exit(EXIT_DISAGREES if kinds else EXIT_AS_EXPECTED)


def _out() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def _err() -> Console:
    return Console(stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH)
