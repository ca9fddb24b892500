"""The command flb-handshake, also as `python -m flb_handshake`: it can be ended from the first."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

from flb_handshake.errors import Interrupted


def main() -> NoReturn:
    """Runs the command; what it needs is imported once Ctrl-C is no traceback any more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    # Closed, as by `2>&-`: the next file opened would be it. A closed input is an empty one.
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    from flb_handshake import cli  # noqa: PLC0415 # takes most of a second

    cli.main()


def _leave(*_: Any) -> NoReturn:
    """Ends without an exception, which whoever imports might catch; nothing has begun yet."""
    ended = Interrupted()
    sys.stderr.write(f"error: {ended}\nhint: {ended.hint}\n")
    sys.stderr.flush()
    os._exit(ended.exit_code)


if __name__ == "__main__":
    main()
