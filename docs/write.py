"""Writes the pages of this folder that are made from the catalogue and from recorded evidence."""

from __future__ import annotations

from pathlib import Path

from flb_handshake import pages


def main() -> None:
    """Writes them, and removes those that are made no more; what people wrote stays."""
    here = Path(__file__).parent
    made = {here / name: text for name, text in pages.everything().items()}
    for path in {*here.rglob("*.md")} - made.keys():
        if pages.is_made(path.relative_to(here).as_posix()):
            path.unlink()
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
