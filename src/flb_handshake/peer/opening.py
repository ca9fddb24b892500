"""What a connection's first bytes are: the beginning of TLS, or of something else."""

from __future__ import annotations

from enum import Enum
from typing import Final

from flb_handshake.peer.hello import looks_like_tls


class Opening(Enum):
    """What an agent begins with."""

    HANDSHAKE = "a TLS handshake record"
    ALERT = "a TLS alert: an agent that cannot even begin says so, such as one whose bounds clash"
    CLEARTEXT = "no TLS"


_ALERT_RECORD: Final = (b"\x15", b"\x03", b"\x00\x01\x02\x03\x04", b"\x00", b"\x02", b"\x01\x02")
"""The bytes that may stand in each place of an alert's record (RFC 8446, section 5.1)."""


def opening(first: bytes) -> Opening | None:
    """Tell what it is; None: too few bytes to tell, and TLS so far."""
    begins_handshake = looks_like_tls(first)
    if begins_handshake is not False:
        return Opening.HANDSHAKE if begins_handshake else None
    if any(byte not in allowed for byte, allowed in zip(first, _ALERT_RECORD, strict=False)):
        return Opening.CLEARTEXT
    return Opening.ALERT if len(first) > len(_ALERT_RECORD) else None
