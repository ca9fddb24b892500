"""Runs the model, by its path or as a module: `python -I -S …/reference_program -c CONF`."""

import importlib
import os
import sys

if __package__:
    from .program import main
else:
    # By its path it finds itself as a package, and needs none of those around it.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 # see grammar.read
    sys.path.append(os.path.dirname(here))  # noqa: PTH120 # see grammar.read
    main = importlib.import_module("reference_program.program").main
    sys.path.pop()

sys.exit(main(sys.argv[1:]))
