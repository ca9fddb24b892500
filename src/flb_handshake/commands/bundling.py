"""reproduce --bundle: the run that shows the trouble, played again without secrets and packed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flb_handshake import console
from flb_handshake.agent.choice import Chosen
from flb_handshake.bundles import archive, bundle, playing
from flb_handshake.bundles.hushing import hushed
from flb_handshake.config.words import Section
from flb_handshake.errors import HarnessFailure, UserMistake
from flb_handshake.model import Setup
from flb_handshake.outcomes import Outcome
from flb_handshake.results import Finding
from flb_handshake.trials.strangers import stranger


def check(path: Path | None) -> None:
    """Raises UserMistake if the zip cannot be written, before any work is done for it."""
    if path is not None and not bundle.is_zip_name(path.name):
        raise UserMistake(f"--bundle {path}: no .zip", hint="name a file such as bundle.zip")
    if path is not None and path.exists():
        raise UserMistake(f"--bundle {path}: it is there already", hint="name a new file")
    if path is not None and not path.parent.is_dir():
        raise UserMistake(f"--bundle {path}: no such directory", hint="make the directory first")
    if path is not None and not os.access(path.parent, os.W_OK):
        raise UserMistake(
            f"--bundle {path}: nothing can be written there", hint="name a file in a place you own"
        )


def write(
    path: Path,
    chosen: Chosen,
    *,
    setup: Setup,
    healthy: Setup,
    section: Section,
    seen: Finding,
) -> None:
    """Plays it with stand-ins for the secrets of this section, and packs that run.

    Raises UserMistake and HarnessFailure.
    """
    if why := stranger(setup):
        raise UserMistake(
            f"--bundle {path}: this run cannot be played elsewhere: {why}",
            hint="leave out --bundle; what was played stands above",
        )
    quiet, twin = hushed(setup, section), hushed(healthy, section)

    def work(progress: Callable[[int, int], None]) -> Any:
        return playing.play(quiet.setup, twin.setup, chosen.agent, progress)

    run: playing.Run = console.with_progress(work, chosen)
    outcome = run.found.observation.outcome
    if outcome is Outcome.INVALID:
        raise HarnessFailure(
            f"the bundle's run failed: {run.found.observation.note}",
            hint="nothing was written; try again",
        )
    content = archive.packed(bundle.members(run, path.name, quiet.hidden))
    try:
        with open(path, "xb", opener=_for_its_owner) as file:  # Path has no opener
            file.write(content)
    except OSError as error:
        raise UserMistake(
            f"--bundle {path} cannot be written: {error.strerror}",
            hint="name a file in a place you own",
        ) from error
    console.say(f"packed {path}: flb-handshake replay {path}")
    if quiet.hidden:
        console.say(f"  other values than yours stand in: {', '.join(quiet.hidden)}")
    if outcome is not seen.observation.outcome:
        console.say(f"  beware: with those it is {outcome}, not {seen.observation.outcome}")


def _for_its_owner(path: str, flags: int) -> int:
    """Opens a file that nobody else may read, not even at first."""
    return os.open(path, flags, 0o600)
