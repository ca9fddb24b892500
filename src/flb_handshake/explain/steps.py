"""What only the steps of a run show: a file, a certificate or the peer changed meanwhile."""

from __future__ import annotations

from typing import Final

from flb_handshake import wording
from flb_handshake.dossier import Dossier
from flb_handshake.explain.causes import Cause, name_in_peers_chain, proven, text_of
from flb_handshake.explain.starts import not_started
from flb_handshake.judge import exposure
from flb_handshake.outcomes import Exposure, Outcome
from flb_handshake.peer.events import Kind

_READS_AGAIN: Final = (5, 1)
"""From here on files are looked at before each new session."""


def of_step(run: Dossier) -> list[Cause]:
    """The causes that come before those of the outcome; none where nothing of the kind is shown."""
    if "hot_reload_failed" in run.signs and run.evidence.agent.exit_code is not None:
        return [_reload_of_configuration(run), *not_started(run)]
    causes = []
    if "reload_failed" in run.signs:
        causes.append(_reload_of_files(run))
    elif _goes_on_with_what_was(run):
        causes.append(proven(run, "files_read_at_the_start_only"))
    if run.evidence.step and not run.events(Kind.ACCEPTED):
        causes += _kept(run)
    return causes


def _goes_on_with_what_was(run: Dossier) -> bool:
    """Whether a handshake went well that what CA.File holds by now would have refused."""
    met = run.evidence.step and run.events(Kind.ACCEPTED)
    exposed = Exposure.WRONG_PEER_ACCEPTED in exposure(run.evidence, run.observation)
    return bool(met) and run.verifies and exposed and run.version < _READS_AGAIN


def _reload_of_configuration(run: Dossier) -> Cause:
    return proven(run, "hot_reload_failed", why=_why(run))


def _reload_of_files(run: Dossier) -> Cause:
    mismatch = "key values mismatch" in run.signs.get("key_file_unusable", "")
    key = "certificate_reload_failed/torn" if mismatch else "certificate_reload_failed"
    return proven(run, key, why=_why(run))


def _why(run: Dossier) -> str:
    """The line that names the file, else the most telling one."""
    told = (run.signs.get(f"{name}_file_unusable") for name in ("ca", "crt", "key"))
    return next(filter(None, told), run.said)


def _kept(run: Dossier) -> list[Cause]:
    """What a connection of an earlier step has to do with it."""
    arrived = run.observation.outcome is Outcome.DELIVERED
    if arrived:
        found = run.peer_flaws(run.name if run.checks_name else None) if run.verifies else []
        flaw = next((one for one in found if one.certain), None)
        if flaw is None:
            return []
        key = text_of(run, flaw, name_in_peers_chain(run, flaw))
        told = proven(run, key, **wording.of_peer_flaw(run, flaw))
        return [proven(run, "kept_connection", flaw=told.because, remedy=told.fix)]
    if run.ended_by[0] == "peer" and not run.is_input:
        return [proven(run, "kept_connection_lost", **wording.of_end(run))]
    return []
