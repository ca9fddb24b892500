"""Fluent Bit's own properties, and what is written in place of one that does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PROPERTIES: Final = (
    "tls",
    "tls.verify",
    "tls.verify_hostname",
    "tls.debug",
    "tls.ca_path",
    "tls.ca_file",
    "tls.crt_file",
    "tls.key_file",
    "tls.key_passwd",
    "tls.vhost",
    "tls.min_version",
    "tls.max_version",
    "tls.ciphers",
)
"""What an output takes (src/tls/flb_tls.c, 5.1.1)."""

SINCE: Final[Mapping[str, str]] = {
    "tls.verify_hostname": "3.1",
    "tls.min_version": "4.0",
    "tls.max_version": "4.0",
    "tls.ciphers": "4.0",
    "tls.verify_client_cert": "5.0",
}
"""The first release that knows a property."""

INSTEAD: Final[Mapping[str, str]] = {
    "mode": "write Mode in Fluent Bit's own properties: {modes}",
    "tls.mode": "write Mode in Fluent Bit's own properties: {modes}",
    "ca.file": "write tls.ca_file",
    "client.cert": "write tls.crt_file",
    "client.key": "write tls.key_file",
    "tls.verify_client_cert": "take tls.verify_client_cert away: it is a property of inputs, where "
    "the agent is the server",
    "tls.verify_peer": "write tls.verify",
    "tls.verify_host": "write tls.verify_hostname",
}
"""What to write in place of a property that does not exist."""

TOO_NEW: Final = "move to Fluent Bit {since} or later, which knows {property}, or take it away"
NEAREST: Final = "write {nearest} in place of {property}"
NO_SUCH: Final = "take {property} away, or correct its spelling"
