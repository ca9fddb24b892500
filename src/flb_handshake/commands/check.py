"""The command `check`: what is wrong with a configuration of Fluent Bit's, line by line."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from flb_handshake import console
from flb_handshake.agent.choice import Chosen, references
from flb_handshake.agent.contract import AgentKind, Identity
from flb_handshake.config.reading import read
from flb_handshake.config.words import Configuration
from flb_handshake.errors import EXIT_AS_EXPECTED, EXIT_DISAGREES, EXIT_HARNESS_FAILED, UserMistake
from flb_handshake.lint import baseline
from flb_handshake.lint.checked import Checked
from flb_handshake.lint.finding import Finding, together
from flb_handshake.lint.linting import lint, redacted, secrets
from flb_handshake.lint.policy import Policy, tempered
from flb_handshake.report import check as report
from flb_handshake.report import check_junit, sarif, trials
from flb_handshake.report import github as github_report
from flb_handshake.trials.findings import findings, not_played
from flb_handshake.trials.own_pki import OwnPki
from flb_handshake.trials.trial import try_all

_RELEASE: Final = re.compile(r"(?:.*:)?v?(\d+\.\d+(?:\.\d+)?)(?:-[a-z0-9]+)?")
"""A version, or an image whose tag is one (`fluent/fluent-bit:5.1.1-debug`)."""


def check(
    configurations: Annotated[
        list[Path], typer.Argument(metavar="CONFIG...", help="Files of Fluent Bit's configuration.")
    ],
    *,
    agent: Annotated[AgentKind, typer.Option(help="How to run Fluent Bit.")] = AgentKind.AUTO,
    fluent_bit: Annotated[
        list[str] | None,
        typer.Option(
            "--fluent-bit",
            metavar="REF",
            help="The release that will read them: a version, an image, or a binary's path.",
        ),
    ] = None,
    sarif_file: Annotated[
        Path | None, typer.Option("--sarif", help="Write SARIF 2.1.0, for code scanning.")
    ] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Print annotations for GitHub Actions.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    play: Annotated[
        bool, typer.Option("--play/--no-play", help="Play it, or only read it.")
    ] = True,
    pki: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Play with your own certificates: the files that it names, by name, and "
            "collector.pem, collector.key (shipper.pem, shipper.key) of the peer.",
        ),
    ] = None,
    mint: Annotated[
        bool, typer.Option("--mint", help="Play with stand-ins of ours, which is the default.")
    ] = False,
    policy: Annotated[
        Policy, typer.Option(help="What it fails for.", show_choices=True)
    ] = Policy.DEFAULT,
    baseline_file: Annotated[
        Path | None,
        typer.Option("--baseline", help="Fail for what is worse than this committed baseline."),
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(help="Write what is found now as a baseline, and end.")
    ] = None,
) -> None:
    """Check the TLS of your own configuration: read it, and play it with one thing wrong each time.

    Exit code 1 if anything is found that is worse than a note.
    """
    if github and as_json:
        raise UserMistake(
            "--github and --json both speak on standard output", hint="ask for one of them"
        )
    if pki is not None and mint:
        raise UserMistake(
            "--pki and --mint contradict each other", hint="--mint is what is done without --pki"
        )
    own = OwnPki(pki) if pki is not None else None
    for path in (sarif_file, junit_file, write_baseline):
        console.check_writable(path)
    before = baseline.load(baseline_file) if baseline_file is not None else None
    read_in = [read(path) for path in configurations]
    refs = references(fluent_bit or [])
    chosen = [console.chosen(agent, ref) for ref in refs] if play else []
    versions = [one.agent.identity.version for one in chosen] or [_release(ref) for ref in refs]
    releases = tuple(dict.fromkeys(versions))
    trials_of = [(one.agent.identity, _played(read_in, one, own)) for one in chosen]
    found = tempered(_found(read_in, releases, trials_of, policy), policy)
    played = {identity.label: each for identity, each in trials_of}
    if write_baseline is not None:
        text = baseline.text(baseline.of(read_in, found))
        write_baseline.write_text(text, encoding="utf-8")
        raise typer.Exit(EXIT_AS_EXPECTED)
    checked = Checked(
        files=tuple(dict.fromkeys(file for one in read_in for file in one.files)),
        releases=releases,
        findings=baseline.worse(before, read_in, found) if before is not None else found,
    )
    _write(checked, sarif_file, junit_file)
    console.say(_told(checked, played, github=github, as_json=as_json))
    if any(trial.harness_error for each in played.values() for one, _ in each for trial in one):
        raise typer.Exit(EXIT_HARNESS_FAILED)
    raise typer.Exit(EXIT_DISAGREES if checked.fails else EXIT_AS_EXPECTED)


def _told(
    checked: Checked,
    played: Mapping[str, Sequence[trials.Played]],
    *,
    github: bool,
    as_json: bool,
) -> str:
    """What goes to standard output, in the form that was asked for."""
    if as_json:
        document = {**report.document(checked), "played": trials.document(played)}
        return json.dumps(document, indent=1, ensure_ascii=False)
    if github:
        annotations = github_report.annotations(checked)
        return "\n".join([*([annotations] if annotations else []), report.summary(checked)])
    tables = [trials.table(played)] if played else []
    return "\n\n".join([*tables, report.page(checked)])


def _write(checked: Checked, sarif_file: Path | None, junit_file: Path | None) -> None:
    """Writes the files that were asked for."""
    if sarif_file is not None:
        text = json.dumps(sarif.document(checked), indent=1, ensure_ascii=False)
        sarif_file.write_text(text + "\n", encoding="utf-8", errors="replace")
    if junit_file is not None:
        junit_file.write_bytes(check_junit.document(checked))


def _played(
    read_in: Sequence[Configuration], chosen: Chosen, own: OwnPki | None
) -> list[trials.Played]:
    """Each configuration, played on this Fluent Bit. Raises HarnessFailure."""
    return [
        console.with_progress(partial(try_all, one, chosen.agent, own=own), chosen)
        for one in read_in
    ]


def _found(
    read_in: Sequence[Configuration],
    releases: Sequence[str],
    trials_of: Sequence[tuple[Identity, Sequence[trials.Played]]],
    policy: Policy,
) -> tuple[Finding, ...]:
    """What every rule says of every release, and what each trial found out."""
    now = dt.datetime.now(dt.UTC)
    of_rules = [lint(one, release, now) for one in read_in for release in releases]
    hidden = secrets(section for one in read_in for section in one.sections)
    of_trials = [
        [
            redacted(one, hidden)
            for trials_, unplayed in each
            for one in (
                *(one for trial in trials_ for one in findings(trial, policy)),
                *(
                    not_played(one.section, one.reason, one.instead, identity.version)
                    for one in unplayed
                ),
            )
        ]
        for identity, each in trials_of
    ]
    return together([*of_rules, *of_trials])


def _release(ref: str) -> str:
    """The version behind a REF; a binary, or an image without a version, is asked for it."""
    if (match := _RELEASE.fullmatch(ref)) and not Path(ref).is_file():
        return match[1]
    return console.chosen(AgentKind.AUTO, ref).agent.identity.version
