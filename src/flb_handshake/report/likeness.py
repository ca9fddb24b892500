"""What a server presents, and what an output of the user's makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from flb_handshake import trust
from flb_handshake.explain import fix_line
from flb_handshake.likeness.server import Seen
from flb_handshake.report import terminal
from flb_handshake.results import Finding
from flb_handshake.verdict import observed_words


def server(seen: Seen, named: str) -> str:
    """What was seen of a server."""
    told = [f"{named} presents, leaf first"]
    told += [f"  {row}" for one in seen.chain for row in _certificate(one)]
    if seen.version:
        told.append(f"  it agrees on {seen.version}, ALPN {seen.alpn or 'nothing'}")
    if seen.asks:
        wants = "demands" if seen.demands else "asks for"
        of = f" of {'; '.join(seen.authorities)}" if seen.authorities else ""
        told.append(f"  it {wants} a client certificate{of}")
    elif seen.version:
        told.append("  it asks for no client certificate")
    return "\n".join(told)


def _certificate(one: x509.Certificate) -> list[str]:
    dns, addresses = trust.names(one)
    names = ", ".join((*dns, *addresses)[:4])
    return [
        one.subject.rfc4514_string(),
        f"  issued by {one.issuer.rfc4514_string()}",
        f"  valid {one.not_valid_before_utc:%Y-%m-%d} to {one.not_valid_after_utc:%Y-%m-%d}"
        + (f", names {names}" if names else ", no subjectAltName"),
    ]


def played(title: str, found: Finding, notes: Sequence[str]) -> str:
    """What came of one output before its look-alike; the fix in the last line."""
    seen = found.observation
    told = [
        f"{title} before its look-alike, on {terminal.agent_name(found)}",
        f"  observed   {observed_words(seen)}",
    ]
    if seen.version:
        told.append(f"  agreed on  {seen.version}, {seen.cipher}")
    if found.control is not None:
        told.append(f"  control    before a healthy collector: {observed_words(found.control)}")
    told += [f"  assumed    {note}" for note in notes]
    told += [f"  it said    {sign.text}" for sign in seen.signs[:5]]
    if found.all_exposure:
        told.append(f"  exposure   {', '.join(found.all_exposure)}")
    told += [f"  why        {cause.because}" for cause in found.all_causes]
    if found.all_causes:
        told.append(f"  fix        {fix_line(found.all_causes)}")
    return "\n".join(told)
