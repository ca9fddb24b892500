"""The page of what looks safe and is not: each trap, where it holds, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flb_handshake.explain import fix_line
from flb_handshake.model import Role
from flb_handshake.outcomes import Exposure
from flb_handshake.report import markdown
from flb_handshake.report.families import link
from flb_handshake.report.ledger import ABSENT, UNRECORDED, Ledger
from flb_handshake.report.spans import alike, span
from flb_handshake.traps import Sighting, State, Trap, around_the_node, properties

_HEAD: Final = """\
# What looks safe and is not

Configurations that ask for TLS, or for a check, in some word, and do not get it: records travel
in cleartext, a wrong peer or a wrong name is believed, a client without a certificate is let in.
Each was shown by a real Fluent Bit: an exposure is computed from what arrived where, and never
presumed. What says plainly `tls off`, or `tls.verify off` and nothing to the contrary, is exposed
as well, and does not look safe: it is not here, but in the [truth table](truth-table.md).

The rule stands in `src/flb_handshake/traps.py`. The page is written by `python docs/write.py` from
evidence recorded on {releases}, and a test holds that it is what the evidence says. Of the
scenarios that show the same, the one with the fewest properties is the example; its paths, host and
port are placeholders, and `tls.vhost`, by which a run says the name that is meant, is left out.

"""

_LEGEND: Final = f"""\
`!` exposed · `·` not exposed: refused, not started, or safe · `{ABSENT}` no such setting or
plugin · `{UNRECORDED}` not recorded yet

"""

_MEANS: Final = {
    Exposure.CLEARTEXT: "whoever is on the way reads the records, and can change them",
    Exposure.WRONG_PEER_ACCEPTED: "whoever has no certificate that counts is believed all the same",
    Exposure.NAME_UNCHECKED: "whoever has any certificate of the same authority passes for the "
    "server that is meant",
    Exposure.ANONYMOUS_CLIENT_ACCEPTED: "who the client is, nobody knows",
}

_CERTIFICATES: Final = "/etc/fluent-bit/certs"

_FILES: Final = {
    "tls.ca_file": f"{_CERTIFICATES}/ca.pem",
    "tls.ca_path": f"{_CERTIFICATES}/cas",
    "tls.crt_file": f"{_CERTIFICATES}/agent.pem",
    "tls.key_file": f"{_CERTIFICATES}/agent.key",
}

_PORTS: Final = {Role.OUTPUT: "443", Role.INPUT: "24224"}

_WORDS: Final = frozenset({State.ON, State.OFF, "yes", "tls"})
"""States that are the very words of a configuration."""

_LISTED: Final = 3
"""So many ids are listed; the rest is counted."""


def page(traps: Sequence[Trap], ledger: Ledger) -> str:
    """The page, in Markdown."""
    numbered = [(f"{number}. {_title(one)}", one) for number, one in enumerate(traps, 1)]
    rows = [
        [
            f"[{title}](#{markdown.anchor(title)})",
            one.exposure,
            *(_mark(one, release, ledger) for release in ledger.releases),
        ]
        for title, one in numbered
    ]
    first, last = ledger.releases[0], ledger.releases[-1]
    releases = f"{len(ledger.releases)} releases, {first} to {last}"
    return (
        "".join(
            (
                _HEAD.format(releases=releases),
                markdown.table(["what is set", "exposure", *ledger.releases], rows),
                "\n",
                _LEGEND,
                *(_entry(title, one, ledger) for title, one in numbered),
            )
        ).rstrip()
        + "\n"
    )


def _title(trap: Trap) -> str:
    """The role, the properties that decide and the reason, as a heading without markup."""
    told = ", ".join(
        f"{name} {state}" if state in _WORDS else f"{name} is {state}"
        for name, state in trap.states
        if (name, state) != ("mode", State.UNSET)
    )
    return f"{trap.role.capitalize()}, {told} ({trap.why})"


def _mark(trap: Trap, release: str, ledger: Ledger) -> str:
    if release in trap.releases:
        return "!"
    wanted = {one.result.scenario.id: one.result.scenario for one in trap.sightings}
    texts = set(ledger.texts(release, tuple(wanted.values())))
    for nothing in (ABSENT, UNRECORDED):
        if texts == {nothing}:
            return nothing
    return "·"


def _entry(title: str, trap: Trap, ledger: Ledger) -> str:
    example = trap.example
    lines = [
        f"**{trap.exposure}**: {_MEANS[trap.exposure]}.",
        f"**Holds for** {_holds(trap, ledger)}.",
        *_elsewhere(trap, ledger),
        "```text\n" + _snippet(example) + "```",
        f"Shown with {_around(example)}.",
        *_words(trap),
        *_reasons(trap, ledger),
        f"**Scenarios**: {_scenarios(trap)}.",
    ]
    return f"## {title}\n\n" + "\n\n".join(lines) + "\n\n"


def _holds(trap: Trap, ledger: Ledger) -> str:
    """The releases, by plugin where plugins do not do alike."""
    plugins: dict[str, set[str]] = {}
    for one in trap.sightings:
        plugins.setdefault(one.step.evidence.facts.plugin, set()).add(one.release)
    names = sorted(plugins)
    told = [
        f"{span(releases, ledger.releases)} ({', '.join(f'`{plugin}`' for plugin in same)})"
        for same, releases in alike(names, lambda plugin: frozenset(plugins[plugin]))
    ]
    return "; ".join(told)


def _elsewhere(trap: Trap, ledger: Ledger) -> list[str]:
    """What the other releases make of the example."""
    one = trap.example.result.scenario

    def makes(release: str) -> str:
        text = ledger.text(release, one)
        reasons = "; ".join(ledger.reasons(release, [one]))
        return markdown.prose(reasons) if text == ABSENT else text

    others = [name for name in ledger.releases if name not in trap.releases]
    told = [
        f"{span(names, ledger.releases)}: {text}"
        for names, text in alike(others, makes)
        if text != UNRECORDED
    ]
    return [f"Elsewhere: {'; '.join(told)}."] if told else []


_UPSTREAM_FILE: Final = "/etc/fluent-bit/upstream.conf"


def _snippet(example: Sighting) -> str:
    """The section of the plugin, as small as it was recorded; and its upstream file, if any."""
    evidence = example.step.evidence
    role = Role(evidence.facts.role)
    around = around_the_node(evidence)
    if around is not None:
        named = {"name": evidence.facts.plugin, "match": "*", "upstream": _UPSTREAM_FILE}
        dialled = {"name": "collector", "host": evidence.facts.name, "port": _PORTS[role]}
        return (
            f"{_section('OUTPUT', named | _placed(around))}\n"
            f"# {_UPSTREAM_FILE}\n{_section('UPSTREAM', {'name': 'collectors'})}\n"
            f"{_section('NODE', dialled | _placed(properties(evidence)))}"
        )
    entries = {"name": evidence.facts.plugin}
    if role is Role.OUTPUT:
        entries |= {"match": "*", "host": evidence.facts.name}
    else:
        entries |= {"listen": "0.0.0.0"}  # noqa: S104 # told, not done
    entries["port"] = _PORTS[role]
    return _section(role.upper(), entries | _placed(properties(evidence)))


def _placed(given: Mapping[str, str]) -> dict[str, str]:
    """The same, with the usual places of files."""
    return {
        name: _FILES.get(name, value) if value.startswith("/") else value
        for name, value in given.items()
    }


def _section(name: str, entries: Mapping[str, str]) -> str:
    width = max(map(len, entries))
    lines = [f"    {key:<{width}} {value}\n" for key, value in entries.items()]
    return f"[{name}]\n{''.join(lines)}"


def _around(example: Sighting) -> str:
    """What the configuration does not tell: the peer, the files, and what happened before."""
    facts = example.step.evidence.facts
    peer = "a collector" if facts.role == Role.OUTPUT else "a client"
    presents = "no certificate" if facts.chain == "none" else f"the chain: {facts.chain}"
    told = [f"{peer} that has {presents}"]
    if facts.role == Role.OUTPUT and facts.client_auth not in {"", "none"}:
        told.append(f"that {facts.client_auth}s for a certificate")
    if facts.ca_file != "given":
        told.append(f"CA.File: {facts.ca_file}")
    if example.step.evidence.step:
        told.append(f"after this step: {example.step.evidence.step}")
    return markdown.prose(", ".join(told)) + f", on Fluent Bit {example.release}"


def _words(trap: Trap) -> list[str]:
    """The words that were tried for a property that wants a boolean."""
    return [
        f"Words tried for `{name}`: {', '.join(markdown.code(word) for word in trap.words(name))}."
        for name, state in trap.states
        if state == State.NO_BOOLEAN
    ]


def _reasons(trap: Trap, ledger: Ledger) -> list[str]:
    """Why, and what to do; where releases have different reasons, each of them."""
    scenario = trap.example.result.scenario.id
    its = {one.release: one for one in trap.sightings if one.result.scenario.id == scenario}
    groups = list(alike(tuple(reversed(its)), lambda release: fix_line([its[release].cause])))
    told = []
    for names, fix in groups:
        where = f" ({span(names, ledger.releases)})" if len(groups) > 1 else ""
        because = its[names[0]].cause.because
        told += [
            f"**Why**{where}: {markdown.prose(because)}.",
            f"**Fix**{where}: {markdown.prose(fix)}.",
        ]
    return told


def _scenarios(trap: Trap) -> str:
    first = trap.example.result.scenario.id
    ids = [first, *(one for one in trap.ids if one != first)]
    more = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    return f"{', '.join(map(link, ids[:_LISTED]))}{more}"
