"""flb-handshake itself, as a bundle carries it for its peer: nobody has to know where to get it."""

from __future__ import annotations

from importlib.metadata import requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from flb_handshake.bundles import archive

PROGRAM: Final = "peer/flb-handshake.zip"
"""Python imports from it as it is."""

REQUIREMENTS: Final = "peer/requirements.txt"
"""What pip has to install beside it."""

_PACKAGE: Final = Path(__file__).parents[1]
_PARTS: Final = frozenset({".json", ".py"})
_BESIDE: Final = frozenset({"recorded_evidence", "scenarios"})
"""What only a wheel has inside of the package, and no peer needs."""


def members() -> dict[str, bytes]:
    """Both files, by name."""
    wanted = [Requirement(one) for one in requires("flb-handshake") or ()]
    ours = [str(one) for one in wanted if one.marker is None]
    return {PROGRAM: archive.packed(_sources()), REQUIREMENTS: "\n".join([*ours, ""]).encode()}


def _sources() -> dict[str, bytes]:
    every = sorted(one for one in _PACKAGE.rglob("*") if one.suffix in _PARTS)
    names = {one: one.relative_to(_PACKAGE) for one in every}
    return {
        f"{_PACKAGE.name}/{name.as_posix()}": one.read_bytes()
        for one, name in names.items()
        if name.parts[0] not in _BESIDE
    }
