"""Properties that a release does not know, each with the nearest one that it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from flb_handshake.agent.reference_program.properties import Properties
from flb_handshake.config.words import Property
from flb_handshake.lint.end import End
from flb_handshake.lint.finding import Finding, Severity
from flb_handshake.model import Role
from flb_handshake.releases import KNOWN_SINCE, before

_WORDS_OF_THE_ARTICLE: Final = {
    "ca.file": "tls.ca_file",
    "client.cert": "tls.crt_file",
    "client.key": "tls.key_file",
    "tls.ca": "tls.ca_file",
    "tls.cert_file": "tls.crt_file",
    "tls.cert": "tls.crt_file",
    "tls.key": "tls.key_file",
    "tls.mode": "tls.verify",
    "tls.verify_host": "tls.verify_hostname",
    "tls.verify_peer": "tls.verify",
    "tls_verify": "tls.verify",
    "tls.key_password": "tls.key_passwd",
}
"""What people write from memory, where spelling alone would not find the word."""

_EVERYBODY_S: Final = {"name", "processors", "routes", "_debug.http.request_headers"}
"""Words that no list of properties has, because they are no plugin's."""

_OWN_TLS: Final = {"kafka", "kubernetes_events"}
"""Plugins with properties of their own for TLS, which we have no list of."""

_OF_WINDOWS: Final = "tls.windows."
"""Known there alone, since 4.1; no release here was built for it."""


@lru_cache(maxsize=32)
def known_to(release: str) -> Properties:
    """The lists of a release."""
    return Properties(release)


def unknown_properties(end: End) -> Iterator[Finding]:
    """Each property of a section that this release does not know."""
    if end.is_node:
        yield from _of_a_node(end)
        return
    kind = "input" if end.listens else "output"
    words = known_to(end.release)
    own = _own(words, kind, end.plugin)
    core, network = words.core[kind], words.network[kind]
    for one in end.section.properties:
        if _is_known(one, end, core=core, network=network, own=own):
            continue
        near = nearest(one.name, [*core, *network, *(own or ())])
        yield Finding(
            rule="unknown-property",
            severity=Severity.ERROR,
            spot=one.spot,
            text=f"{_unknown(one, end)}: Fluent Bit does not start with it.",
            fix=_fix(one, near),
            scenario=_scenario(one, end),
        )


def _is_known(
    one: Property,
    end: End,
    *,
    core: Sequence[str],
    network: Sequence[str],
    own: Sequence[str] | None,
) -> bool:
    """Whether a release knows it, as far as our lists tell."""
    name = one.name
    if name in _EVERYBODY_S or name.startswith((_OF_WINDOWS, "_")) or name in core:
        return True
    if name.startswith("net."):
        return name in network
    if own is not None:
        return name in own or any(word.endswith("_") and name.startswith(word) for word in own)
    tls_like = name.startswith("tls") or name in _WORDS_OF_THE_ARTICLE
    return not tls_like or end.plugin in _OWN_TLS


def _own(words: Properties, kind: str, plugin: str) -> Sequence[str] | None:
    """The plugin's own properties; None: we have no list of them."""
    try:
        own = words.of(f"-{kind[0]}{plugin}")
    except KeyError:
        return None
    extra = words.http_server if kind == "input" and plugin in _HTTP_INPUTS else ()
    oauth2 = words.oauth2 if plugin in _WITH_OAUTH2 else ()
    return [*own, *extra, *oauth2]


_HTTP_INPUTS: Final = {
    "elasticsearch",
    "http",
    "opentelemetry",
    "prometheus_remote_write",
    "splunk",
}
_WITH_OAUTH2: Final = {"http", "opentelemetry", "forward"}


def _of_a_node(end: End) -> Iterator[Finding]:
    """A node passes over what it does not know; told for TLS alone, where that is dangerous."""
    known = [word for word in known_to(end.release).core["output"] if word.startswith("tls")]
    for one in end.section.properties:
        tls_like = one.name.startswith("tls") or one.name in _WORDS_OF_THE_ARTICLE
        unheeded = one.name == "tls.verify_hostname" and not end.can_check_names
        if tls_like and (one.name not in known or unheeded):
            yield Finding(
                rule="unknown-property",
                severity=Severity.ERROR,
                spot=one.spot,
                text=f"{_unknown(one, end)}: a node passes it over without a word.",
                fix=_fix(one, nearest(one.name, known)),
                scenario="upstreams.another_host[plugin=forward-verify_hostname=on]"
                if unheeded
                else "syntax.misspelt[property_=tls.cafile]",
            )


def _unknown(one: Property, end: End) -> str:
    kind = "input" if end.listens else "output"
    since = _since(one, end)
    if since is None:
        return f"`{one.name}` is no property of the {kind} `{end.plugin}`"
    return f"`{one.name}` came to {kind}s with {since}, and is not known before"


def _since(one: Property, end: End) -> str | None:
    """The later release that knows it."""
    role = Role.INPUT if end.listens else Role.OUTPUT
    since = KNOWN_SINCE[role].get(one.name)
    return since if since is not None and before(end.release, since) else None


def _fix(one: Property, near: str | None) -> str:
    if near is None or near == one.name:
        return "Leave it out, or use a release that knows it."
    return f"Did you mean `{near}`?"


def _scenario(one: Property, end: End) -> str:
    if not end.listens and one.name in _PLAYED_LATER and _since(one, end):
        return f"syntax.of_a_later_release[property_={one.name}]"
    return "syntax.misspelt[property_=tls.cafile]"


_PLAYED_LATER: Final = {
    "net.io_timeout",
    "tls.ciphers",
    "tls.max_version",
    "tls.min_version",
    "tls.proxy.verify",
    "tls.verify_hostname",
}


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known property that is most like it."""
    meant = _WORDS_OF_THE_ARTICLE.get(name)
    if meant in known:
        return meant
    found = get_close_matches(name, known, n=1, cutoff=0.7)
    return found[0] if found else None


RULES = (unknown_properties,)
"""Each says what is wrong with one end, as one release reads it."""
