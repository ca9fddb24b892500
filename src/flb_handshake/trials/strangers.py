"""Settings that somebody else brought: whether they are such as we make of a user's section."""

from __future__ import annotations

import re
from typing import Final

from flb_handshake.config.dialling import LOOPBACK
from flb_handshake.dials import DIALS
from flb_handshake.hosts import is_address
from flb_handshake.model import Role, Setup
from flb_handshake.peer import shipper
from flb_handshake.peer.protocols import SPOKEN
from flb_handshake.trials.properties import ELSEWHERE, OF_A_URL, OURS

_OF_A_SOCKET: Final = frozenset({"path", "unix_perm"})
"""Properties of an input that listens on a socket of its machine."""

_BY_ONE_URL: Final = frozenset({"logdna", "nrlogs", "slack"})
"""Outputs whose one property says whom they dial; the others need more than files and a port."""

_LED: Final = re.compile(r"(https?://)?\{host\}(:\{port\})?(/[^\s@]*)?")

_NAME: Final = re.compile(r"[a-z0-9_.]+", re.IGNORECASE)


def stranger(setup: Setup) -> str | None:
    """Why this is no setup as `stand_ins` makes them, but could reach further than our peer.

    For settings that somebody else brought: it writes no file, and dials or listens on loopback.
    """
    agent = setup.agent
    wrong = _strange_end(setup)
    if wrong is not None:
        return wrong
    if any(name != "Dummy" for name, _ in agent.input_properties):
        return "its input is not ours"
    words = {name.lower(): word for name, word in DIALS.get(agent.plugin, {}).items()}
    ours = words.keys() - {"host", "port"}
    for name, value in agent.properties:
        low = name.lower()
        if agent.plugin in _BY_ONE_URL and _leads_away(words.get(low, ""), value or ""):
            return f"'{name}' does not lead to our peer"
        if not _NAME.fullmatch(name) or "\n" in (value or ""):
            return f"{name!r:.40} is no property"
        if low in ELSEWHERE or low.endswith("_path") or (low in OURS and low not in ours):
            return f"'{name}' is not its own to set"
        if setup.role is Role.INPUT and low in _OF_A_SOCKET:
            return f"'{name}' is not its own to set"
    return None


def _leads_away(word: str, value: str) -> bool:
    """Whether a property that DIALS gives an address has another than our peer's."""
    addresses = "{host}" in word or "{port}" in word
    return addresses and not _LED.fullmatch(value)


def _strange_end(setup: Setup) -> str | None:
    """Why its plugin, or what it dials, is none of ours."""
    plugin, host = setup.agent.plugin, setup.agent.host
    if setup.role is Role.INPUT:
        return None if plugin in shipper.PLUGINS else f"'{plugin}' is no input that our peer plays"
    if setup.agent.upstream is not None:
        return "whom it dials stands in a file of its own"
    if plugin not in SPOKEN or plugin in OF_A_URL - _BY_ONE_URL:
        return f"'{plugin}' is no output that can be played anywhere"
    if host != LOOPBACK and (is_address(host) or not re.fullmatch(r"[\w.-]+", host)):
        return f"it dials {host}"
    return None
