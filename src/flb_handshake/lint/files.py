"""The files that an end names: are they there, and can Fluent Bit start with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from flb_handshake.config.looking import State, look
from flb_handshake.config.words import Property
from flb_handshake.lint.end import End
from flb_handshake.lint.finding import Finding, Severity
from flb_handshake.trust import certificates

_KINDS: Final = {
    "tls.ca_file": "mode.cell[mode=verify_peer-ca={trouble}-collector=healthy]",
    "tls.crt_file": "files.broken_file[mode=verify_peer-which=certificate-trouble={trouble}]",
    "tls.key_file": "files.broken_file[mode=verify_peer-which=key-trouble={trouble}]",
}
"""What plays each kind of file with each trouble."""

_MARKS: Final = {
    "tls.ca_file": "-----BEGIN CERTIFICATE-----",
    "tls.crt_file": "-----BEGIN CERTIFICATE-----",
    "tls.key_file": "PRIVATE KEY-----",
}
"""What a PEM file of each kind has in it."""


def files_that_stop_the_start(end: End) -> Iterator[Finding]:
    """Files that are not there, or are no PEM."""
    for name in _KINDS:
        named = end.find(name)
        if not end.secured or named is None or (name == "tls.ca_file" and end.anchors != named):
            continue
        found = look(named)
        if found is None:
            continue
        if found.state is not State.READ:
            yield _missing(named, found.state)
        elif _MARKS[name] not in found.pem:
            yield _not_pem(named, found.pem)


def _missing(named: Property, state: State) -> Finding:
    elsewhere = state is State.ELSEWHERE
    trouble = {State.DIRECTORY: "a_directory"}.get(state, "missing_file")
    if named.name != "tls.ca_file":
        trouble = "missing"
    does = {
        State.MISSING: "does not exist",
        State.ELSEWHERE: "is not on this machine, so it was not looked at",
        State.UNREADABLE: "cannot be read",
        State.DIRECTORY: "is a directory",
    }[state]
    return Finding(
        rule="file-missing",
        severity=Severity.NOTE if elsewhere else Severity.ERROR,
        spot=named.spot,
        text=f"The file of `{named.name}` {does}"
        + ("." if elsewhere else ": Fluent Bit does not start."),
        fix="Check where Fluent Bit runs, or put a copy beside the configuration and name that."
        if elsewhere
        else "Name a file that Fluent Bit can read.",
        scenario=_KINDS[named.name].format(trouble=trouble),
    )


def _not_pem(named: Property, text: str) -> Finding:
    trouble, said = "garbage", "holds nothing in PEM"
    if not text.strip():
        trouble, said = "empty", "is empty"
        if named.name == "tls.ca_file":
            trouble = "empty_file"
    elif named.name == "tls.ca_file" and text.startswith("0"):
        trouble, said = "DER", "is DER, it seems"
    what = "a private key" if named.name == "tls.key_file" else "a certificate"
    return Finding(
        rule="not-pem",
        severity=Severity.ERROR,
        spot=named.spot,
        text=f"The file of `{named.name}` {said}: Fluent Bit does not start.",
        fix=f"Name a file with {what} in PEM.",
        scenario=_KINDS[named.name].format(trouble=trouble),
    )


def pair_that_does_not_match(end: End) -> Iterator[Finding]:
    """A key that is another certificate's, or that cannot be decrypted."""
    crt, key = end.find("tls.crt_file"), end.find("tls.key_file")
    if not end.secured or crt is None or key is None:
        return
    found, held = look(key), look(crt)
    if found is None or found.state is not State.READ or _MARKS["tls.key_file"] not in found.pem:
        return
    leaf = certificates(held.pem)[:1] if held is not None else []
    try:
        private = serialization.load_pem_private_key(
            _first_key(found.pem), _password(end, found.pem), unsafe_skip_rsa_key_validation=True
        )
    except (TypeError, ValueError, UnsupportedAlgorithm):
        if _encrypted(found.pem):
            yield _wrong_password(end, key)
        return
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der = serialization.Encoding.DER
    try:
        same = not leaf or private.public_key().public_bytes(der, form) == leaf[
            0
        ].public_key().public_bytes(der, form)
    except (ValueError, UnsupportedAlgorithm):
        return
    if not same:
        yield Finding(
            rule="key-mismatch",
            severity=Severity.ERROR,
            spot=key.spot,
            text="The key is not that of the first certificate in the file of `tls.crt_file`: "
            "Fluent Bit does not start.",
            fix="Name the certificate's own key, and let the certificate stand first in its file, "
            "before its intermediates.",
            scenario="server_role.files[mode=verify_peer-trouble=key_of_another_certificate]"
            if end.listens
            else "files.key_of_another_certificate[mode=verify_peer]",
        )


_KEY: Final = re.compile("-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \\1-----", re.DOTALL)


def _first_key(pem: str) -> bytes:
    found = _KEY.search(pem)
    return (found[0] if found else pem).encode("utf-8", "replace")


def _encrypted(pem: str) -> bool:
    return "ENCRYPTED" in pem


def _password(end: End, pem: str) -> bytes | None:
    """The password, where the key has one; Fluent Bit does not mind one too many."""
    given = end.find("tls.key_passwd")
    return given.value.encode() if given is not None and _encrypted(pem) else None


def _wrong_password(end: End, key: Property) -> Finding:
    given = end.find("tls.key_passwd")
    unset = given is not None and given.is_open
    said = "a variable that nobody sets here" if unset else "not its password"
    return Finding(
        rule="key-password",
        severity=Severity.NOTE if unset else Severity.ERROR,
        spot=key.spot if given is None else given.spot,
        text="The key is encrypted, and `tls.key_passwd` is "
        + ("not set" if given is None else said)
        + (", so it was not looked at." if unset else ": Fluent Bit does not start."),
        fix="Give its password in `tls.key_passwd`, by a variable of the environment.",
        scenario="server_role.files[mode=verify_peer-trouble=encrypted_key_no_password]"
        if end.listens and given is None
        else f"files.encrypted_key[mode=verify_peer-passphrase={'wrong' if given else 'none'}]",
    )


def key_for_everybody(end: End) -> Iterator[Finding]:
    """A key that every user of the machine may read."""
    key = end.find("tls.key_file")
    found = look(key) if key is not None else None
    if key is None or found is None or not found.open_to_others:
        return
    if "PRIVATE KEY-----" in found.pem and not _encrypted(found.pem):
        yield Finding(
            rule="key-readable",
            severity=Severity.WARNING,
            spot=key.spot,
            text="Every user of this machine may read the key, and pass for this Fluent Bit.",
            fix="Take the right away: chmod o-rwx on the file.",
        )


RULES = (files_that_stop_the_start, pair_that_does_not_match, key_for_everybody)
"""Each says what is wrong with one end, as one release reads it."""
