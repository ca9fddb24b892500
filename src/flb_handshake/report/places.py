"""How a file is named to whoever shows its lines: by its way from where the command runs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def place(file: str) -> str:
    """The path from here, with slashes; one that is not below here stays as it was named."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def uri(file: str) -> str:
    """The same as a URI reference, as SARIF wants it."""
    found = place(file)
    quoted = quote(found, safe="/")
    return f"file://{quoted}" if found.startswith("/") else quoted
