"""The command flb-handshake: run, list, show, try, judge, limbo."""

from __future__ import annotations

import io
import json
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from cryptography.utils import CryptographyDeprecationWarning

from flb_handshake import catalogue, console, evidence, one_off
from flb_handshake.agent.choice import references
from flb_handshake.agent.contract import AgentKind
from flb_handshake.commands import check, diagnose, diff, replay, reproduce, serve, translate
from flb_handshake.errors import (
    EXIT_AS_EXPECTED,
    EXIT_DISAGREES,
    EXIT_HARNESS_FAILED,
    HandshakeError,
    HarnessFailure,
    Interrupted,
    UnknownScenario,
)
from flb_handshake.evidence import Evidence
from flb_handshake.limbo import agreement as agreements
from flb_handshake.limbo import suite
from flb_handshake.limbo.agreement import Agreement
from flb_handshake.model import Mode, Setup
from flb_handshake.outcomes import Outcome, VerdictKind
from flb_handshake.planning import Play
from flb_handshake.report import junit, lines, sheet, side_by_side, terminal
from flb_handshake.report import limbo as limbo_report
from flb_handshake.results import Finding, Result, finding, result
from flb_handshake.session import DIRECTORY, Session, keep

_ABORTED: Final = 130
"""How typer leaves after Ctrl-C, once it has said so."""

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
        console.check_writable(path)
    console.check_directory(directory)
    everything: list[Result] = []
    played: dict[str, list[Result]] = {}
    kept: dict[str, dict[str, Path]] = {}
    told: list[str] = []
    for ref in references(fluent_bit or []):
        chosen = console.chosen(agent, ref)
        session = Session(agent=chosen.agent, isolated=isolated)
        try:
            found = console.with_progress(partial(session.run, selected), chosen)
        except HandshakeError:
            _write_reports(everything + session.complete(selected), jsonl, junit_file)
            raise
        everything += found
        played[ref] = found
        kept[ref] = _kept(found, session.evidence, directory)
        told.append(f"{terminal.summary(found)}; {session.seconds:.1f} s")
    _show(played, kept)
    for ref, line in zip(played, told, strict=True):
        name = f"{ref}: " if len(played) > 1 else ""
        console.out().print(f"\n{name}{line}", highlight=False, markup=False, soft_wrap=True)
    _write_reports(everything, jsonl, junit_file)
    _leave(everything)


def _kept(
    found: Sequence[Result], stored: Mapping[Setup, Evidence], directory: Path | None
) -> dict[str, Path]:
    """Keeps evidence: all of it in that directory, or what disagrees in the usual place."""
    wanted = found if directory else [one for one in found if one.disagrees]
    try:
        return keep(wanted, stored, directory or DIRECTORY)
    except OSError as error:
        console.err().print(f"the evidence cannot be kept: {error}", markup=False, soft_wrap=True)
        return {}


def _show(played: Mapping[str, Sequence[Result]], kept: Mapping[str, Mapping[str, Path]]) -> None:
    """Prints the results of one Fluent Bit, or of several beside each other."""
    if len(played) > 1:
        side_by_side.show(console.out(), played, kept)
        return
    for ref, found in played.items():
        terminal.show(console.out(), found, kept[ref])


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
        console.say(
            json.dumps([sheet.entry(one) for one in selected], indent=1, ensure_ascii=False)
        )
        return
    console.say("\n".join(sheet.line(one) for one in selected))
    console.err().print(f"{len(selected)} scenarios", style="dim")


@app.command()
def show(
    scenario_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    scenarios: _Scenarios = None,
) -> None:
    """Show one scenario: the declaration in words, the rendered configuration, the chain."""
    one = catalogue.find(catalogue.load(scenarios), scenario_id)
    console.say(sheet.page(one))


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
        chosen = console.chosen(agent, ref)
        setup = one_off.setup(wanted, chosen.agent)
        session = Session(agent=chosen.agent)
        wants = [Play(alias="try", setup=setup, doubtful=True)]
        if setup.whole is not None:
            wants.append(Play(alias="control.of.try", setup=setup.whole, doubtful=True))
        console.with_progress(partial(session.play, wants), chosen)
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
        console.err().print(
            f"{stored.scenario} is not in this catalogue: judged without an expectation"
        )
        _print_sheet(finding(stored, twin), as_json=as_json)
        return
    judged = result(known, stored, twin)
    _print_sheet(judged, as_json=as_json)
    _leave([judged])


@app.command("limbo")
def limbo_(
    file: Annotated[Path, typer.Argument(help="The suite of x509-limbo: its limbo.json.")],
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Ids, parts of ids, or globs; none: all.")
    ] = None,
    *,
    agent: _Agent = AgentKind.AUTO,
    fluent_bit: _Refs = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Play the x509-limbo test suite. Exit code 1 if Fluent Bit accepts what limbo refuses."""
    cases = suite.select(suite.read(file), patterns or [])
    runs = []
    for ref in references(fluent_bit or []):
        chosen = console.chosen(agent, ref)
        planned = agreements.plan(cases, chosen.agent.identity.version)
        session = Session(agent=chosen.agent)
        console.with_progress(partial(session.play, agreements.plays(planned)), chosen)
        answers = agreements.answers(planned, session.evidence)
        runs.append((answers, chosen.agent.identity, session.seconds))
        if not as_json:
            console.say(limbo_report.text(*runs[-1]) + "\n")
    if as_json:
        console.say(json.dumps(limbo_report.document(runs), indent=1, ensure_ascii=False))
    kinds = {one.agreement for answers, *_ in runs for one in answers}
    if Agreement.HARNESS_ERROR in kinds:
        raise typer.Exit(EXIT_HARNESS_FAILED)
    wrong = {Agreement.FALSE_ACCEPT, Agreement.CONTROL_FAILED} & kinds
    raise typer.Exit(EXIT_DISAGREES if wrong else EXIT_AS_EXPECTED)


app.command("diff")(diff.diff)
app.command("reproduce")(reproduce.reproduce)
app.command("replay")(replay.replay)
app.command("check")(check.check)
app.command("serve")(serve.serve)
app.command("translate")(translate.translate)
app.command("diagnose")(diagnose.diagnose)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command; what goes wrong is one line with a hint, never a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup's kin have it
            signal.signal(number, signal.default_int_handler)
    # What is odd about a user's certificates is for Fluent Bit to say.
    warnings.simplefilter("ignore", CryptographyDeprecationWarning)
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
    except KeyboardInterrupt:  # before typer has begun, or once it has ended
        code = _complain(Interrupted())
    except HandshakeError as error:
        code = _complain(error)
    except OSError as error:
        hint = "free the disk space or change the permissions that it names"
        code = _complain(HarnessFailure(str(error), hint=hint))
    sys.exit(code)


def _complain(error: HandshakeError) -> int:
    """Says what went wrong and what to do; gives the exit code."""
    console.err().print(
        f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True
    )
    console.err().print(f"hint: {error.hint}", markup=False, highlight=False, soft_wrap=True)
    return error.exit_code


def _print_sheet(found: Finding, *, as_json: bool) -> None:
    if as_json:
        console.say(lines.line(found))
    else:
        console.say(sheet.attempt(found))


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
