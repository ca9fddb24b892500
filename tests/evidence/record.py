"""Records the evidence of a real Fluent Bit for the whole catalogue.

Run `python tests/evidence/record.py` when the catalogue has grown or Fluent Bit has changed;
test_recorded.py judges the result.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

from flb_handshake import catalogue
from flb_handshake.agent.choice import choose, references
from flb_handshake.agent.contract import AgentKind
from flb_handshake.evidence import pack
from flb_handshake.results import plays
from flb_handshake.session import Session


def main(arguments: list[str]) -> None:
    for ref in references(arguments):
        chosen = choose(AgentKind.PROCESS, ref)
        version = chosen.agent.identity.version
        session = Session(agent=chosen.agent)
        session.play(plays(catalogue.load()))
        lines = pack(list(session.evidence.values()))
        path = Path(__file__).parent / f"{version}.jsonl.gz"
        text = "\n".join(lines).encode()
        path.write_bytes(gzip.compress(text, mtime=0))
        sys.stdout.write(f"{len(lines) - 1} runs of {chosen.line} in {path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
