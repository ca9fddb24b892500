"""What came of an x509-limbo suite, for people and as JSON."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from flb_handshake.agent.contract import Identity
from flb_handshake.limbo.agreement import Agreement, Answer

_WIDTH: Final = 100
_LONGEST: Final = 300
"""Characters of a description; the JSON document has all of it."""

_DIAGRAM: Final = re.compile(r"```.*?```", re.DOTALL)
_OPENING: Final = re.compile(r"^Produces (?:the following|an?) [\w* ]+(?:chain|graph):\s*")

_TOLD: Final = {
    Agreement.FALSE_ACCEPT: "FALSE ACCEPTS: limbo refuses, Fluent Bit let it pass",
    Agreement.FALSE_REFUSAL: "FALSE REFUSALS: limbo lets it pass, Fluent Bit refused",
    Agreement.UNDECIDED: "UNDECIDED: neither let pass nor refused for its certificate",
    Agreement.CONTROL_FAILED: "CONTROL FAILED: our healthy chain was refused as well",
    Agreement.HARNESS_ERROR: "HARNESS ERRORS",
}
"""What is listed case by case, in this order."""


def text(answers: Sequence[Answer], identity: Identity, seconds: float) -> str:
    """The whole report on one Fluent Bit."""
    return "\n".join(_lines(answers, identity, seconds))


def document(runs: Sequence[tuple[Sequence[Answer], Identity, float]]) -> dict[str, Any]:
    """The same as plain JSON values, for one Fluent Bit or several."""
    return {"runs": [_run(*one) for one in runs]}


def _lines(answers: Sequence[Answer], identity: Identity, seconds: float) -> Iterator[str]:
    decided = [one for one in answers if one.is_decided]
    agreeing = sum(one.agreement is Agreement.AGREES for one in decided)
    yield f"{identity.label}, {identity.tls_library}"
    yield (
        f"agrees with x509-limbo in {agreeing} of the {len(decided)} test cases that it decided, "
        f"of {len(answers)}; {seconds:.1f} s"
    )
    for agreement, told in _TOLD.items():
        listed = [one for one in answers if one.agreement is agreement]
        if listed:
            yield f"\n{told} ({len(listed)})"
            for one in listed:
                yield from _entry(one)
    reasons = _reasons(answers)
    if reasons:
        yield f"\nNOT PLAYED ({reasons.total()})"
        yield from (f"  {count:>5}  {reason}" for reason, count in reasons.most_common())


def _entry(one: Answer) -> Iterator[str]:
    features = f"  [{', '.join(one.case.features)}]" if one.case.features else ""
    yield f"\n  {one.case.id}{features}"
    yield from _wrapped("limbo  ", _prose(one.case.description))
    if one.said:
        yield from _wrapped("said   ", "; ".join(one.said))
    if one.reason:
        yield from _wrapped("why    ", one.reason)


def _wrapped(label: str, words: str) -> list[str]:
    before = f"    {label}"
    return textwrap.wrap(words, _WIDTH, initial_indent=before, subsequent_indent=" " * len(before))


def _prose(description: str) -> str:
    """The beginning of a description, without its diagram of the chain and what leads to it."""
    told = _OPENING.sub("", " ".join(_DIAGRAM.sub("", description).split()))
    return textwrap.shorten(told, _LONGEST, placeholder=" …")


def _reasons(answers: Sequence[Answer]) -> Counter[str]:
    return Counter(one.reason for one in answers if one.agreement is Agreement.NOT_PLAYED)


def _run(answers: Sequence[Answer], identity: Identity, seconds: float) -> dict[str, Any]:
    counts = Counter(one.agreement for one in answers)
    return {
        "fluent_bit": identity.version,
        "agent": identity.kind,
        "tls_library": identity.tls_library,
        "seconds": round(seconds, 3),
        "counts": {one.value: counts[one] for one in Agreement},
        "not_played": dict(_reasons(answers).most_common()),
        "cases": [_case(one) for one in answers],
    }


def _case(one: Answer) -> dict[str, Any]:
    return {
        "id": one.case.id,
        "kind": one.case.kind,
        "features": list(one.case.features),
        "expected": _word(accepted=one.case.succeeds),
        "observed": _word(accepted=one.accepted),
        "agree": one.agreement is Agreement.AGREES if one.is_decided else None,
        "agreement": one.agreement,
        "outcome": one.seen.outcome if one.seen else None,
        "alert": one.seen.alert if one.seen else None,
        "said": list(one.said),
        "reason": one.reason or None,
        "limbo": one.case.description,
    }


def _word(*, accepted: bool | None) -> str | None:
    """In limbo's own words."""
    return None if accepted is None else ("SUCCESS" if accepted else "FAILURE")
