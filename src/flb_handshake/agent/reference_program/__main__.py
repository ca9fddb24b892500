"""Runs the model, by its path or as a module: `python -I -S …/reference_program -c CONF`."""

import importlib
import sys

if __package__:
    from .program import main
else:
    # By its path it finds itself as a package, and needs none of those around it.
    sys.path.append(__file__.rpartition("/reference_program/")[0])
    main = importlib.import_module("reference_program.program").main
    sys.path.pop()

sys.exit(main(sys.argv[1:]))
