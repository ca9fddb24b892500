"""Wires the harness into pytest: options, the agent at hand, the results of this run."""

pytest_plugins = ["fixtures.handshake"]
