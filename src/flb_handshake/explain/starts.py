"""Why Fluent Bit did not start, or did not start anew."""

from __future__ import annotations

from typing import Final

from flb_handshake import wording
from flb_handshake.dossier import Dossier
from flb_handshake.explain.causes import Cause, guess, look_at, proven, undecided
from flb_handshake.suspects import FORMS, REASONS, SIGNS

_BOUNDS_SINCE: Final = (4, 0)
_READS_ANY_BOUND: Final = (5, 0)
"""Before, a protocol version that it does not know crashes Fluent Bit (4.0.14, 4.2.8)."""


def not_started(run: Dossier) -> list[Cause]:
    """What stopped the start."""
    for reason in REASONS:
        if reason.words.search(run.signs.get(reason.sign, "")):
            return [_stopped_by(run, reason.cause)]
    if "crashed" in run.signs:
        return _crashed(run)
    if "key_mismatch" in run.signs and "tls.crt_file" not in run.used:
        return [proven(run, "key_without_certificate")]
    form = FORMS.get(run.evidence.facts.ca_file)
    if "ca_file_unusable" in run.signs and form is not None:
        return [_stopped_by(run, form)]
    for name, suspects in SIGNS.items():
        if name in run.signs and suspects.proves:
            return [_stopped_by(run, suspects.causes[0])]
        if name in run.signs and name.endswith(("_unusable", "_mismatch")):
            return guess(run, suspects.causes, suspects.look)
    return undecided([proven(run, "not_started")], look_at(run, "log"))


def _crashed(run: Dossier) -> list[Cause]:
    """What a release is known to crash at, if that is set here."""
    bound = run.unparsable_bound
    if bound is not None and _BOUNDS_SINCE <= run.version < _READS_ANY_BOUND:
        return [proven(run, "crashed/bound", bound=bound, value=run.used[bound])]
    return undecided([proven(run, "crashed", said=run.signs["crashed"])], look_at(run, "log"))


def hung(run: Dossier) -> list[Cause]:
    """What keeps it from its start and from its end; empty where nothing is known to do so."""
    if "ciphers_refused" not in run.signs:
        return []
    return [proven(run, "bad_ciphers/hangs", **wording.of_start(run, "bad_ciphers"))]


def _stopped_by(run: Dossier, name: str) -> Cause:
    """A cause that stops the start, with what the log and the files say of it."""
    facts = wording.of_start(run, name)
    key = f"{name}/{facts.pop('variant')}" if "variant" in facts else name
    return proven(run, key, **facts)
