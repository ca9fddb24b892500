"""Hosts as they are named: what is an address, and what can be dialled at all."""

from __future__ import annotations

import ipaddress


def is_address(name: str) -> bool:
    """Whether a name is an IP address, written without brackets."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def can_be_dialled(name: str) -> bool:
    """Whether this can be a host's name: labels that IDNA takes (RFC 3490), and no white space."""
    try:
        name.removesuffix(".").encode("idna").decode("ascii")
    except UnicodeError:
        return False
    return bool(name) and not any(letter.isspace() for letter in name)
