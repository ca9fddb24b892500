"""The words that fill the texts of a diagnosis: subjects, names, dates, durations, files."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cryptography import x509

from flb_handshake import flaws, remedies, trust
from flb_handshake.dossier import Dossier
from flb_handshake.flaws import Flaw
from flb_handshake.hosts import is_address
from flb_handshake.model import Mode
from flb_handshake.peer.events import Kind
from flb_handshake.remedies import alerts, properties
from flb_handshake.settings import INPUT_MODES, OUTPUT_MODES

_LISTED: Final = 3
"""So many names are listed; the rest is counted."""

_UNTOLD: Final = frozenset({"tls", "tls.debug"})

_FILES: Final = ("ca_file", "ca_path", "crt_file", "key_file")


def book(run: Dossier) -> remedies.Book:
    """The texts for this part of Fluent Bit."""
    return remedies.OF_AN_INPUT if run.is_input else remedies.OF_AN_OUTPUT


def common(run: Dossier) -> dict[str, str]:
    """What any text may say of a run."""
    facts, agent, seen = run.evidence.facts, run.evidence.agent, run.observation
    texts = book(run)
    words = {
        **texts.unknown,
        "peer": texts.peer,
        "agent": agent.label,
        "tls_library": _library(agent.tls_library),
        "plugin": facts.plugin,
        "name": run.name,
        "tls": run.word("tls") or "not set",
        "offered": ", ".join(seen.offered) or "no version that is known",
        "alpn": ", ".join(seen.offered_alpn) or "nothing that is known",
        "sni": seen.sni or "none",
        "ciphers": run.word("tls.ciphers") or "not set",
        "said": run.said,
        "exit_code": str(agent.exit_code),
        "progress": progress(run),
        "store": store(run),
        "where": store(run).split(" (", 1)[0],
        **_bounds(run),
    }
    words |= {name: run.word(f"tls.{name}") or f"tls.{name}" for name in _FILES}
    named = run.own if run.is_input else run.sent
    return words | (_of_names(run, named[0]) if named else {})


def _bounds(run: Dossier) -> dict[str, str]:
    """The bounds of the versions as they are set."""
    bounds = {name: run.word(f"tls.{name}") or "not set" for name in ("min_version", "max_version")}
    told = ", ".join(f"tls.{name} is {word}" for name, word in bounds.items() if word != "not set")
    return {**bounds, "bounds": told or "tls.min_version and tls.max_version are not set"}


def of_alert(run: Dossier, name: str) -> dict[str, str]:
    """What an alert of the peer's, or of a proxy's, means, and what to do about it."""
    advice = alerts.ADVICE.get(name, alerts.ELSE_ADVICE)
    words = {**common(run), "alert": name}
    meaning = alerts.MEANING.get(name, alerts.UNKNOWN_MEANING)
    return {"alert": name, "meaning_of_alert": meaning, "advice": advice.format_map(words)}


def quoted(name: x509.Name) -> str:
    """A subject or an issuer, in quotes."""
    return f"'{flaws.subject_of(name)}'"


def store(run: Dossier) -> str:
    """Where the agent looks for the root, and what is there."""
    holds = f" (it holds {_listed(_subjects(run.anchors))})" if run.anchors else ""
    for name in ("tls.ca_path", "tls.ca_file"):
        if name in run.used:
            return f"{name}{holds}"
    return "the system's trust store (tls.ca_file is not set)"


def progress(run: Dossier) -> str:
    """How far the connection came."""
    handed_over = Kind.SHIPPED if run.is_input else Kind.REQUEST
    reached = [
        "request" if run.events(handed_over) else "",
        "negotiated" if run.events(Kind.NEGOTIATED) else "",
        "server_hello" if run.answered else "",
        "client_hello" if run.events(Kind.CLIENT_HELLO) else "",
        "first_bytes" if run.events(Kind.FIRST_BYTES) else "",
        "accepted" if run.events(Kind.ACCEPTED) else "",
        "nothing",
    ]
    return book(run).progress[next(filter(None, reached))]


def of_peer_flaw(run: Dossier, flaw: Flaw) -> dict[str, str]:
    """What is said of a flaw in the peer's chain."""
    words = _of_flaw(run, flaw, run.sent[0], f"the {book(run).peer}'s certificate")
    if run.is_input:
        words.setdefault("issuer", quoted(flaw.certificate.issuer))
    return words


def of_own_flaw(run: Dossier, flaw: Flaw) -> dict[str, str]:
    """What is said of a flaw in the agent's own chain."""
    trusted = _listed(_subjects(run.peer_anchors)) or "no CA"
    words = {
        "store": trusted,
        "trusted": trusted,
        "tls_library": f"the {book(run).peer}'s {_library(run.evidence.peer_library)}",
    }
    its_name = "the input's certificate" if run.is_input else "the client certificate"
    words |= _of_flaw(run, flaw, run.own[0], its_name)
    words.setdefault("issuer", quoted(flaw.certificate.issuer))
    return words


def _of_flaw(run: Dossier, flaw: Flaw, leaf: x509.Certificate, its_name: str) -> dict[str, str]:
    one = flaw.certificate
    words = dict(flaw.facts)
    if "issuer" in words:
        words["issuer"] = f"'{words['issuer']}'"
    role = "the root" if flaws.is_self_signed(one) else "the intermediate"
    words["certificate"] = f"{its_name if one == leaf else role} {quoted(one.subject)}"
    words["subject"] = quoted(one.subject)
    begins, ends = one.not_valid_before_utc, one.not_valid_after_utc
    words["ago"], words["until"] = span(run.at - ends), _moment(ends)
    words["ahead"] = span(begins - run.at)
    words.setdefault("since", _moment(begins))
    return words


def of_leaf(run: Dossier) -> dict[str, str]:
    """What is said of the peer's own certificate."""
    leaf = run.sent[0]
    subject = quoted(leaf.subject)
    certificate = f"the {book(run).peer}'s certificate {subject}"
    words = {"leaf": certificate, "certificate": certificate, "subject": subject}
    return words if run.is_input else {**words, **_of_names(run, leaf)}


def _of_names(run: Dossier, leaf: x509.Certificate) -> dict[str, str]:
    """The names that the server's certificate bears, and the one that it would have to bear."""
    dns, addresses = trust.names(leaf)
    borne = [f"DNS:{one}" for one in dns] + [f"IP:{one}" for one in addresses]
    alone = flaws.common_names(leaf)
    told = _counted(borne) or f"no subjectAltName, only the CN {_listed(alone) or '(none)'}"
    plain = [one for one in dns or alone if "*" not in one and not is_address(one)]
    candidates = [f"'{one}'" for one in plain]
    candidates += [f"a name that '{one}' covers" for one in dns if flaws.is_wildcard(one)]
    other = [one for one in candidates if one != f"'{run.name}'"]
    wanted = _alternative_name(run.name)
    return {
        "names": told,
        "san": wanted,
        "plain": wanted.split(":", 1)[1],
        "or_vhost": f", or set tls.vhost to {other[0]}" if other else "",
    }


def _alternative_name(name: str) -> str:
    if is_address(name):
        return f"IP:{name}"
    try:
        return f"DNS:{(name if name.isascii() else name.encode('idna').decode()).rstrip('.')}"
    except UnicodeError:
        return f"DNS:{name}"


def of_start(run: Dossier, cause: str) -> dict[str, str]:
    """What is said of a cause that stopped the start; `variant` names another text for it."""
    told_by = _AT_THE_START.get(cause)
    return told_by(run) if told_by is not None else {}


def _ca_form(run: Dossier) -> dict[str, str]:
    forms = {"DER": "it is DER", "garbage": "it holds something else"}
    return {"form": forms.get(run.evidence.facts.ca_file, "it may be DER")}


def _passphrase(run: Dossier) -> dict[str, str]:
    given = "does not open it" if "tls.key_passwd" in run.used else "is not set"
    return {"passphrase": f"tls.key_passwd {given}"}


def _without_tls(run: Dossier) -> dict[str, str]:
    match = re.search(r"(\S+) does not support TLS", run.signs["tls_not_supported"])
    return {"who": match[1] if match else "the plugin"}


def _port_taken(run: Dossier) -> dict[str, str]:
    return {"said": run.signs["port_taken"]}


def _crt_trouble(run: Dossier) -> dict[str, str]:
    said = run.signs["crt_file_unusable"]
    troubles = {"No such file": "does not exist", "Permission denied": "may not be read"}
    fitting = (told for words, told in troubles.items() if words in said)
    return {"trouble": next(fitting, "holds no usable PEM certificate"), "said": _reason_in(said)}


def _reason_in(said: str) -> str:
    return said.rsplit("::", 1)[-1].rsplit("error:", 1)[-1].strip()


def _of_crt_file(run: Dossier) -> dict[str, str]:
    if not run.own:
        return {}
    first = run.own[0]
    words = {"certificate": quoted(first.subject), "subject": quoted(first.subject)}
    if len(run.own) > 1 and flaws.is_authority(first):
        words["variant"] = "order"
    return words


def _unknown_property(run: Dossier) -> dict[str, str]:
    text = run.signs["unknown_property"]
    match = re.search(r"\[config\] (\S+): unknown configuration property '([^']*)'", text)
    plugin, name = (match[1], match[2].lower()) if match else (run.evidence.facts.plugin, "?")
    since = properties.SINCE.get(name)
    nearest = difflib.get_close_matches(name, properties.PROPERTIES, n=1, cutoff=0.6)
    if since is not None and run.version < tuple(int(part) for part in since.split(".")):
        hint = properties.TOO_NEW
    elif name in properties.INSTEAD:
        hint = properties.INSTEAD[name]
    else:
        hint = properties.NEAREST if nearest else properties.NO_SUCH
    words = {"property": name, "since": since or "", "nearest": nearest[0] if nearest else ""}
    return {**words, "plugin": plugin, "hint": hint.format(modes=_modes(run), **words)}


def _modes(run: Dossier, wanted: Sequence[str] = tuple(Mode)) -> str:
    """Modes in Fluent Bit's properties."""
    table = INPUT_MODES if run.is_input else OUTPUT_MODES
    told = [
        f"{mode} is " + ", ".join(f"`{name} {value}`" for name, value in table[mode].items())
        for mode in Mode
        if mode in wanted
    ]
    return "; ".join(told)


def _syntax(run: Dossier) -> dict[str, str]:
    match = re.search(r":(\d+): undefined value", run.signs["config_syntax"])
    number = int(match[1]) if match else 0
    lines = run.evidence.agent.config.splitlines()
    text = lines[number - 1].strip() if 0 < number <= len(lines) else "see the log"
    words = {"line": str(number or "?"), "text": f"`{text}`"}
    if text.startswith("<"):
        named = re.findall(r"(?im)^\s*Mode\s+(\S+)\s*$", run.evidence.agent.config)
        modes = _modes(run, [one.lower() for one in named])
        words |= {"variant": "block", "mode": f"Mode {modes}; " if modes else ""}
    return words


_AT_THE_START: Final[Mapping[str, Callable[[Dossier], dict[str, str]]]] = {
    "ca_file_not_pem": _ca_form,
    "crt_file_unusable": _crt_trouble,
    "key_mismatch": _of_crt_file,
    "client_certificate_weak_key": _of_crt_file,
    "key_passphrase": _passphrase,
    "unknown_property": _unknown_property,
    "config_syntax": _syntax,
    "tls_on_plugin_without_tls": _without_tls,
    "port_taken": _port_taken,
}


def of_end(run: Dossier) -> dict[str, str]:
    """How and after how long a connection ended."""
    how = run.ended_by[1] or "not at all"
    logged = re.search(r"after (\d+) seconds|limit=(\d+)s", run.signs.get("timed_out", ""))
    seconds = float(logged[1]) if logged else seconds_of_silence(run)
    return {"how": how, "waited": span(dt.timedelta(seconds=seconds))}


def seconds_of_silence(run: Dossier) -> float:
    """Seconds between the last sign of life and the end."""
    alive = [event.t for event in run.evidence.events if event.kind is not Kind.CLOSED]
    ended = [event.t for event in run.events(Kind.CLOSED)]
    if not alive:
        return 0.0
    return (ended[-1] if ended else max(alive[0] + run.evidence.duration, alive[-1])) - alive[-1]


def wants_tls(name: str, value: str) -> bool:
    """Whether a property shows that TLS was meant."""
    if name == "mode":
        return value.lower() == "tls"
    return name.startswith("tls.") and name not in _UNTOLD


def span(length: dt.timedelta) -> str:
    """A duration in its largest unit."""
    seconds = length.total_seconds()
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a second"


def _library(text: str) -> str:
    """A TLS library's name and version, its date left out."""
    return " ".join(text.split()[:2])


def _moment(when: dt.datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _subjects(certificates: Iterable[x509.Certificate]) -> list[str]:
    return list(dict.fromkeys(flaws.subject_of(one.subject) for one in certificates))


def _listed(names: Sequence[str]) -> str:
    return _counted([f"'{name}'" for name in names])


def _counted(told: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    rest = len(told) - _LISTED
    return ", ".join(told[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
