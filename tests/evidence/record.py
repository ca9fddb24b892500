"""Records the evidence of real releases for the whole catalogue.

Run `python tests/evidence/record.py 4.2.8 5.1.1` when the catalogue has grown or Fluent Bit has
changed; without arguments it records every release in RELEASES. test_recorded.py judges the result.
"""

from __future__ import annotations

import sys

from flb_handshake import catalogue, recorded
from flb_handshake.agent.choice import choose
from flb_handshake.agent.contract import AgentKind
from flb_handshake.releases import RELEASES
from flb_handshake.session import Session


def main(arguments: list[str]) -> None:
    scenarios = catalogue.load()
    for version in arguments or RELEASES:
        chosen = choose(AgentKind.PROCESS, version)
        session = Session(agent=chosen.agent)
        found = session.run(scenarios)
        wrong = [one for one in found if one.disagrees]
        for one in wrong:
            sys.stdout.write(f"{one.verdict.kind} {one.scenario.id}: {one.verdict.reason}\n")
        stored = list(session.evidence.values())
        path = recorded.write(version, stored)
        sys.stdout.write(f"{len(stored)} runs of {chosen.line} in {path}, {len(wrong)} wrong\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
