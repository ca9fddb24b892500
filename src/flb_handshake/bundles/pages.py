"""The texts of a bundle: what a stranger does with it, and what an upstream issue would say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flb_handshake.agent.contract import AgentKind
from flb_handshake.behaviours import Serve
from flb_handshake.bundles.playing import Run
from flb_handshake.bundles.program import PROGRAM, REQUIREMENTS
from flb_handshake.evidence import redacted
from flb_handshake.explain import fix_line
from flb_handshake.model import Role, Setup
from flb_handshake.peer.behaving import moment_of
from flb_handshake.verdict import observed_words

HOME: Final = "/bundle"
"""Where the unpacked folder stands for the Fluent Bit of the Compose file."""

PORT: Final = 40443
"""Where the peer listens when it stands by itself; or where the Fluent Bit does, whose input it
ships to."""

SINK: Final = 40444
"""Where such a Fluent Bit sends its records on to."""

PEERS_IMAGE: Final = "python:3.13-slim"
"""Where the Compose file runs the peer."""

_PEER: Final = f"""\
    image: {PEERS_IMAGE}
    init: true
    environment:
      PYTHONPATH: {HOME}/{PROGRAM}
      PIP_ROOT_USER_ACTION: ignore
      PIP_DISABLE_PIP_VERSION_CHECK: "1"
      PIP_INDEX_URL:
    command: ["sh", "-c", "pip install --quiet --requirement {HOME}/{REQUIREMENTS} && \
exec python -m flb_handshake replay {HOME} --serve"]
"""

_SIGNS: Final = 12


def readme(run: Run, name: str) -> str:
    """What to do with it, the one command first."""
    seen = run.found.observation
    return f"""\
# A TLS handshake of Fluent Bit, to be played again

    flb-handshake replay {name}

plays it on a Fluent Bit {run.evidence.agent.version} of your machine (`--fluent-bit REF`: another \
one) and says whether
the same comes of it: exit code 0 if so, 1 if not, 2 if this is not a bundle.
Played on {run.evidence.agent.label}, this came of it: {observed_words(seen)}.

{_by_hand(run, name)}

| File | What it is |
| --- | --- |
| fluent-bit.conf | the configuration, its files under {HOME}, {_ports(run)} |
| certs/, system-certs/ | the files that it names: stand-ins, made for this bundle |
| peer/ | what the peer presents and trusts, with its key: made for this bundle too |
| {PROGRAM}, {REQUIREMENTS} | flb-handshake, for `docker compose up` \
alone |
| evidence.json | all that both ends recorded; `flb-handshake judge` reads it |
| setup.json | the same as a declaration, from which `replay` plays it |
| compose.yaml | Fluent Bit and its peer |
| upstream-issue.md | a text for an issue |

No key, password, token or header of whoever made it is in here: what could be one was replaced
before it was played. The certificates in certs/ and peer/ live for days; `replay` makes new ones.
"""


_IF_NOT: Final = """\
Ctrl-C ends it, and `docker compose down` removes it (`docker-compose` will do too). pip installs
what the peer needs first: `PIP_INDEX_URL` names another index than PyPI, and `docker compose logs
peer` says why, if the peer does not start."""


def _by_hand(run: Run, name: str) -> str:
    """What to do without an agent that flb-handshake runs."""
    if run.setup.role is Role.INPUT:
        return f"""\
With Docker Compose alone, in the folder that this was unpacked to:

    docker compose run --rm peer

Whenever you press Enter, it ships one record to the input; `docker compose logs fluent-bit` has
what Fluent Bit says of it. {_IF_NOT}
Without Docker, start a Fluent Bit with the configuration, and
`flb-handshake replay {name} --serve` beside it."""
    return f"""\
With Docker Compose alone, in the folder that this was unpacked to:

    docker compose up

shows what both ends say of it. The first line of the peer is what came of it before; what it sees
now (`alert received`, `received over TLS`) follows. {_IF_NOT}
Without Docker, `flb-handshake replay {name} --serve` leaves the peer standing on
127.0.0.1:{PORT}."""


def _ports(run: Run) -> str:
    if run.setup.role is Role.INPUT:
        return f"its input on port {PORT}, its records sent on to {SINK}"
    return f"its peer on port {PORT}"


def compose(run: Run, *, system_store: bool) -> str:
    """The official image, and our peer in the same network namespace: loopback is its own.

    Whether the peer listens is read off the kernel: a connection would be told as one that came.
    """
    if run.setup.role is Role.INPUT:
        return _compose_of_input(run)
    host = run.setup.agent.host
    leads = "" if host in {"127.0.0.1", "localhost"} else f'    extra_hosts: ["{host}:127.0.0.1"]\n'
    store = "      - ./system-certs:/etc/ssl/certs:ro\n" if system_store else ""
    return f"""\
services:
  peer:
{_PEER}    healthcheck:
      test: ["CMD", "grep", "-q", ":{PORT:04X} 00000000:0000 0A", "/proc/net/tcp"]
      interval: 2s
      retries: 150
{leads}    volumes:
      - .:{HOME}:ro
  fluent-bit:
    image: fluent/fluent-bit:{run.evidence.agent.version}
    network_mode: service:peer
    depends_on:
      peer:
        condition: service_healthy
    entrypoint: ["/fluent-bit/bin/fluent-bit"]
    command: ["-c", "{HOME}/fluent-bit.conf"]
    volumes:
      - .:{HOME}:ro
{store}"""


def _compose_of_input(run: Run) -> str:
    """The peer comes to Fluent Bit, and asks for its Enter."""
    return f"""\
services:
  fluent-bit:
    image: fluent/fluent-bit:{run.evidence.agent.version}
    entrypoint: ["/fluent-bit/bin/fluent-bit"]
    command: ["-c", "{HOME}/fluent-bit.conf"]
    volumes:
      - .:{HOME}:ro
  peer:
{_PEER}    network_mode: service:fluent-bit
    depends_on: [fluent-bit]
    stdin_open: true
    tty: true
    volumes:
      - .:{HOME}:ro
"""


def issue(run: Run, config: str, hidden: Sequence[str]) -> str:
    """Version, configuration, steps, expected and actual."""
    agent, found = run.evidence.agent, run.found
    control = found.control or found.observation
    signs = "\n".join(redacted(one.text) for one in found.observation.signs[:_SIGNS])
    modelled = agent.kind == AgentKind.REFERENCE
    real = "\nThis is a model, not a Fluent Bit: play it on one first.\n" if modelled else ""
    others = f"\nValues of these are stand-ins: {', '.join(hidden)}.\n" if hidden else ""
    why = "\n".join(f"- {cause.because}" for cause in found.all_causes)
    fix = f"\nWhat would mend it: {fix_line(found.all_causes)}\n" if found.all_causes else ""
    return f"""\
# {run.setup.agent.plugin} over TLS: {observed_words(found.observation)}

**Version**: {agent.label} ({agent.kind}), {agent.tls_library}
{real}
**Configuration** (certificates and keys are in the bundle, made for it)

```
{redacted(config).strip()}
```
{others}
**Steps**

1. `flb-handshake replay` this bundle; or unpack it and follow its README.md.
2. The peer: {_peer(run.setup)}.

**Expected**

What becomes of the same {run.setup.role} before a healthy peer: {observed_words(control)}.

**Actual**

{observed_words(found.observation)}

```
{signs or "(the log has no word on it)"}
```

**What explains it**

{why or "- nothing that flb-handshake knows of"}
{fix}"""


def _peer(setup: Setup) -> str:
    """Who stands at the other end, and what it does that no healthy peer would."""
    what = "server" if setup.role is Role.OUTPUT else "client"
    chain = f'whose chain is "{setup.peer.chain.name}"' if setup.peer.chain else "without a chain"
    moment = moment_of(setup.peer.behaviour)
    when = f" {moment}" if moment else ""
    does = "" if setup.peer.behaviour == Serve() else type(setup.peer.behaviour).__name__ + when
    return f"a TLS {what} {chain}" + (f" (behaviour: {does})" if does else "")
