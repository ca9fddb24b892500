"""A release that `diff` cannot have is told before the other one has cost a minute."""

from __future__ import annotations

import pytest

from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.commands import diff
from flb_handshake.errors import AgentUnavailable, UserMistake
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


def test_a_configuration_that_cannot_be_read_is_said_with_its_line(tmp_path):
    config = tmp_path / "broken.yaml"
    config.write_text("pipeline:\n  - [\n")
    with pytest.raises(UserMistake, match=r"broken\.yaml:3: it is no YAML"):
        diff.diff("4.2.8", "5.1.1", only_recorded=True, config=config)
