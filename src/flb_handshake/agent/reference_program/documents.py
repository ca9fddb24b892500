"""Reads JSON documents that follow one another, with or without blanks between."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class InvalidError(Exception):
    """It is no JSON, and more of it would not help."""


def documents(text: str) -> tuple[list[Any], str]:
    """The documents that are whole, and the rest. Raises InvalidError."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    rest = text.lstrip()
    while rest:
        try:
            one, end = decoder.raw_decode(rest)
        except json.JSONDecodeError as error:
            if error.pos >= len(rest) or error.msg.startswith("Unterminated"):
                break
            raise InvalidError from None
        except RecursionError:
            raise InvalidError from None
        found.append(one)
        rest = rest[end:].lstrip()
    return found, rest
