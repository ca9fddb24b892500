"""What each release says of a property that it does not know, which is all those that it does."""

from __future__ import annotations

import re
from functools import cache

import pytest
from reference_runs import MODEL, Running

from flb_handshake.agent.plugins import is_missing
from flb_handshake.agent.process import open_process
from flb_handshake.agent.reference import MODELLED
from flb_handshake.errors import AgentUnavailable

LISTENING = ("http", "elasticsearch", "splunk", "opentelemetry", "syslog", "tcp")
CASES = (
    *(("input", plugin, "misspelt") for plugin in ("dummy", "tail", *LISTENING)),
    *(("input", plugin, "net.misspelt") for plugin in LISTENING),
    *(("output", "http", key) for key in ("misspelt", "net.misspelt", "oauth2.misspelt")),
)

DATABASE = re.compile(r" db(\.[a-z_]+)?,")
"""Of `tail`: not every binary is built with SQLite."""


@cache
def real(version):
    try:
        return open_process(None, version=version).identity
    except AgentUnavailable as error:
        pytest.skip(f"no real Fluent Bit {version} as a process: {error}")


STARTS = 20
"""1.9.10 and 2.0.14 end before their log is written in 15 to 23 of 100 such starts, and in 65 to 67
where every CPU is taken; 3.0.7 and 5.1.1 in none (OpenSSL 3.0.22)."""


def refusal(place, program, section):
    """The exit code, and the lines that name the property: of the first start that says any."""
    conf = place / "fluent-bit.conf"
    conf.write_text(f"[SERVICE]\n    Grace 0\n{section}")
    for _ in range(STARTS):
        with Running(conf, program=program) as agent:
            code = agent.end()
            named = [DATABASE.sub("", line) for line in agent.said() if "misspelt" in line]
        if named:
            break
    return code, named


@pytest.mark.parametrize("version", MODELLED)
@pytest.mark.parametrize(("kind", "plugin", "key"), CASES)
def test_what_a_release_does_not_know_it_refuses_in_the_same_words(
    tmp_path, version, kind, plugin, key
):
    identity = real(version)
    if is_missing(identity.plugins, kind, plugin):
        pytest.skip(f"Fluent Bit {version} has no {kind} {plugin}")
    given = f"[{kind}]\n    Name {plugin}\n    {key} 1\n"
    section = given if kind == "input" else f"[INPUT]\n    Name dummy\n{given}"
    model = refusal(tmp_path, (*MODEL, "--model", version), section)
    assert model == refusal(tmp_path, (identity.found,), section)
    assert model[1]
