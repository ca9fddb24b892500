"""What a Fluent Bit's `--help` says of the plugins that are built into it."""

from __future__ import annotations

import pytest

from flb_handshake.agent.plugins import is_missing, listed, named

HELP = """\
Usage: /opt/fluent-bit/bin/fluent-bit [OPTION]

Available Options
  -c  --config=FILE       specify an optional configuration file
  -o, --output=OUTPUT     set an output

\x1b[1mInputs\x1b[0m
  http                    HTTP
  tcp                     TCP

\x1b[1mFilters\x1b[0m
  grep                    grep events

\x1b[1mOutputs\x1b[0m
  es                      Elasticsearch
  kafka-rest              Kafka REST Proxy

\x1b[1mInternal\x1b[0m
 Event Loop  = epoll
"""


@pytest.mark.parametrize(
    ("role", "name", "gone"),
    [
        ("input", "http", False),
        ("input", "es", True),
        ("output", "es", False),
        ("output", "ES", False),
        ("output", "kafka-rest", False),
        ("output", "grep", True),
        ("filter", "grep", False),
        ("output", "http", True),
        ("input", "-c", True),
    ],
)
def test_a_plugin_is_missing_when_its_own_list_does_not_name_it(role, name, gone):
    assert is_missing(listed(HELP), role, name) is gone


@pytest.mark.parametrize("said", ["", "Fluent Bit v5.1.1", HELP.replace("Outputs", "Out")])
def test_where_nothing_is_listed_nothing_is_said_to_be_missing(said):
    assert listed(said) is None
    assert not is_missing(listed(said), "output", "nats")


CONFIG = """\
[SERVICE]
    Flush 1
[INPUT]
    Name  dummy
    Tag   name x
[Filter]
    name  kubernetes
[OUTPUT]
    Match *
    NAME  es
"""


def test_a_configuration_names_its_plugins():
    assert named(CONFIG) == {("input", "dummy"), ("filter", "kubernetes"), ("output", "es")}
