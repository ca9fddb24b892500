"""The texts of a diagnosis: what each cause means, what shows it, and what to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flb_handshake.remedies.client_certificate import CLIENT_CERTIFICATE
from flb_handshake.remedies.exposures import EXPOSURES
from flb_handshake.remedies.inputs import INPUTS
from flb_handshake.remedies.looks import (
    LOOK,
    LOOK_AT_AN_INPUT,
    PROGRESS,
    PROGRESS_OF_AN_INPUT,
    UNKNOWN,
    UNKNOWN_OF_AN_INPUT,
)
from flb_handshake.remedies.proxies import PROXIES
from flb_handshake.remedies.remedy import Remedy
from flb_handshake.remedies.server_chain import SERVER_CHAIN
from flb_handshake.remedies.speech import SPEECH
from flb_handshake.remedies.starts import STARTS
from flb_handshake.remedies.steps import STEPS

__all__ = ["OF_AN_INPUT", "OF_AN_OUTPUT", "Book", "Remedy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that is said of one part of Fluent Bit."""

    remedies: Mapping[str, Remedy]
    """By a cause's name; a variant of its text after a slash."""
    look: Mapping[str, str]
    progress: Mapping[str, str]
    unknown: Mapping[str, str]
    peer: str
    """What its peer is called."""


OF_AN_OUTPUT: Final = Book(
    remedies={
        **SERVER_CHAIN,
        **CLIENT_CERTIFICATE,
        **SPEECH,
        **PROXIES,
        **STARTS,
        **EXPOSURES,
        **STEPS,
    },
    look=LOOK,
    progress=PROGRESS,
    unknown=UNKNOWN,
    peer="collector",
)

OF_AN_INPUT: Final = Book(
    remedies={**OF_AN_OUTPUT.remedies, **INPUTS},
    look=LOOK_AT_AN_INPUT,
    progress=PROGRESS_OF_AN_INPUT,
    unknown=UNKNOWN_OF_AN_INPUT,
    peer="shipper",
)
