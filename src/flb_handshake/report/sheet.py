"""One scenario on a page: as it is declared, or as it turned out."""

from __future__ import annotations

from typing import Any

from flb_handshake import trust
from flb_handshake.explain import fix_line
from flb_handshake.facts import facts_of
from flb_handshake.model import DEFAULT_VERSION, File, Role, Scenario
from flb_handshake.pki import Pki
from flb_handshake.placing import Files
from flb_handshake.releases import stands_for
from flb_handshake.report import lines, terminal
from flb_handshake.reported import Report
from flb_handshake.results import Finding, Result
from flb_handshake.settings import (
    Part,
    configuration,
    files_of,
    is_parsed,
    is_reloaded,
    listens,
    upstream_file,
    whole_text,
)
from flb_handshake.verdict import fates_words, observed_words, words

_DIRECTORY = "/etc/fluent-bit/certs"
_PARSERS = "/etc/fluent-bit/parsers.conf"

_PORT = 443
"""An example, like the other two: a run has ports that are free."""

_INPUT_PORT = 24224
_ADMIN_PORT = 2020


def entry(one: Scenario) -> dict[str, Any]:
    """What `list --json` says of a scenario."""
    return {
        "id": one.id,
        "because": one.because,
        "does": one.expectation.does.outcome,
        "alert": one.expectation.does.alert,
        "should": one.expectation.should,
        "axes": dict(one.labels),
        "where": one.where,
        "refs": list(one.refs),
        "report": lines.reported(one.report) if one.report else None,
    }


def line(one: Scenario) -> str:
    """What `list` says of a scenario."""
    should = one.expectation.should
    gap = f"   (should be {should})" if should else ""
    return f"{one.id}   {words(one.expectation.does)}{gap}"


def page(one: Scenario) -> str:
    """What `show` says: the declaration in words, the rendered configuration, the chain."""
    pki = Pki()
    setup = one.setup
    files = Files(_DIRECTORY, pki)
    placed = files.place(files_of(setup))
    part = Part(
        alias=one.id,
        setup=setup,
        address=setup.agent.host,
        port=_PORT,
        tag="logs",
        listens=_INPUT_PORT if listens(setup) else 0,
        admin=_ADMIN_PORT if is_reloaded(setup) else 0,
    )
    upstream = upstream_file(part, placed)
    if upstream is not None:
        placed = files.place([upstream])
    source = "/var/log/access.log"
    if setup.agent.config is not None:
        text = whole_text(part, placed, source)
    else:
        sources = {"logs": source} if setup.agent.source else {}
        text = configuration([part], placed, sources, _PARSERS if is_parsed(setup) else "")
    should = one.expectation.should
    known = facts_of(part, placed, pki)
    peer = "collector" if setup.role is Role.OUTPUT else "shipper"
    told = [
        one.id,
        f"  because    {one.because}",
        f"  expected   {words(one.expectation.does)}",
        *(
            f"  then       {step.name}: {words(then.does)}"
            for step, then in zip(setup.steps, one.then, strict=True)
        ),
        *([f"  records    {fates_words(one.fates_on(DEFAULT_VERSION))}"] if one.then else []),
        *([f"  should be  {should}"] if should else []),
        f"  declared   {one.where}",
        *([f"  refs       {', '.join(one.refs)}"] if one.refs else []),
        *(_reported(one.report) if one.report else []),
        "",
        "The agent's configuration",
        "",
        *(f"  {row}" for row in text.splitlines()),
        "",
        *(_upstream(upstream) if upstream else []),
        f"The {peer}'s chain ({known.chain}), leaf first",
        "",
        *_chain(known.sent),
        *([f"  client certificate: {known.client_auth}"] if known.client_auth else []),
        "",
        "CA.File",
        "",
        *_chain(known.anchors or ""),
    ]
    return "\n".join(told)


def _upstream(file: File) -> list[str]:
    return ["Its upstream file", "", *(f"  {row}" for row in file.text.splitlines()), ""]


def _reported(report: Report) -> list[str]:
    """What was reported, and which release shows it here."""
    versions = f"for {', '.join(report.versions)}" if report.versions else "for no release by name"
    nearest = "shown here on" if report.on else "nearest release here:"
    told = [f"  reported   {versions}; {nearest} {stands_for(report)}"]
    if report.line is not None:
        told.append(f"  its line   {report.line}")
    if report.now is not None:
        told.append(f"  here       {report.now}")
    return told


def attempt(result: Finding) -> str:
    """What became of one run: what was seen, what it means, what to do."""
    seen = result.observation
    agent = result.evidence.agent
    told = [
        f"{result.evidence.scenario}    {terminal.agent_name(result)}, {agent.tls_library}",
        f"  declared   {terminal.declared(result)}",
        f"  observed   {observed_words(seen)}",
    ]
    if seen.version:
        told.append(f"  agreed on  {seen.version}, {seen.cipher}, {seen.group}")
    if result.control is not None:
        told.append(f"  control    with nothing wrong: {observed_words(result.control)}")
    if isinstance(result, Result):
        told.append(f"  verdict    {result.verdict.kind} {result.verdict.reason}".rstrip())
    told += [f"  it said    {sign.text}" for sign in seen.signs[:5]]
    told += [f"  {label:<10} {text}" for label, text in terminal.steps(result)]
    if result.all_exposure:
        told.append(f"  exposure   {', '.join(result.all_exposure)}")
    told += [f"  why        {cause.because}" for cause in result.all_causes]
    if seen.note:
        told.append(f"  why        {seen.note}")
    if result.all_causes:
        told.append(f"  fix        {fix_line(result.all_causes)}")
    return "\n".join(told)


def _chain(pem: str) -> list[str]:
    told = []
    for certificate in trust.certificates(pem):
        dns, addresses = trust.names(certificate)
        names = [*dns, *addresses]
        said = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")  # noqa: PLR2004
        told += [
            f"  {certificate.subject.rfc4514_string()}",
            f"    issued by {certificate.issuer.rfc4514_string()}",
            f"    valid {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            + (f", names {said}" if said else ", no subjectAltName"),
        ]
    return told or ["  (no certificate in PEM)"]
