"""A release that `diff` cannot have is told before the other one has cost a minute."""

from __future__ import annotations

import pytest

from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.commands import diff
from flb_handshake.errors import AgentUnavailable
from flb_handshake.model import DEFAULT_VERSION


def test_a_release_that_cannot_be_had_is_told_before_the_other_is_played(monkeypatch):
    played = []
    monkeypatch.setattr(diff, "_side", lambda *side: played.append(side))
    with pytest.raises(AgentUnavailable):
        diff.diff(DEFAULT_VERSION, "0.0.1", ["mode.off"], agent=AgentKind.REFERENCE)
    assert not played


def test_the_hint_for_a_release_that_is_neither_here_nor_recorded_names_those_that_are(monkeypatch):
    monkeypatch.setattr(diff, "choose", lambda _, ref: choose(AgentKind.REFERENCE, ref))
    with pytest.raises(AgentUnavailable, match="neither here nor recorded") as found:
        diff.diff(DEFAULT_VERSION, "0.0.1", ["mode.off"], agent=AgentKind.AUTO)
    assert "recorded evidence of 1.9.10" in found.value.hint
