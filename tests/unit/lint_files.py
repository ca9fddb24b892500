"""The files that the configurations of `lint_cases` name."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from minted import pki, read

from flb_handshake.certificates import (
    CLIENT,
    INTERMEDIATE,
    OTHER_CLIENT,
    ROOT,
    expired,
    not_yet_valid,
)

NOW = dt.datetime.now(dt.UTC)
ASKED = NOW - dt.timedelta(minutes=30)
"""A leaf lasts 30 days from its minting, so a little more than that from here."""
_SOON = dt.timedelta(days=7)


def soon(spec):
    return replace(spec, not_after=_SOON)


NODES = "[UPSTREAM]\n    name servers\n[NODE]\n    name one\n    host a.test\n    port 1\n"


def write(place: Path) -> dict[str, Path]:
    """Writes them all; each under the name by which a configuration asks for it."""
    minted = pki()
    contents = {
        "ca": minted.pem(ROOT),
        "crt": minted.pem(CLIENT, INTERMEDIATE),
        "key": minted.key_pem(CLIENT),
        "garbage": b"these are not certificates\n",
        "empty": b"",
        "der": read(ROOT).public_bytes(Encoding.DER),
        "intermediate": minted.pem(INTERMEDIATE),
        "both": minted.pem(INTERMEDIATE, ROOT),
        "old_ca": minted.pem(ROOT.but(expired())),
        "old_and_good_ca": minted.pem(ROOT.but(expired()), ROOT),
        "soon_ca": minted.pem(soon(ROOT)),
        "old_crt": minted.pem(CLIENT.but(expired())),
        "young_crt": minted.pem(CLIENT.but(not_yet_valid())),
        "soon_crt": minted.pem(soon(CLIENT)),
        "other_key": minted.key_pem(OTHER_CLIENT),
        "reversed": minted.pem(INTERMEDIATE, CLIENT),
        "locked": minted.key_pem(CLIENT, "right-one"),
        "open_key": minted.key_pem(CLIENT),
        "plain_nodes": NODES.encode(),
    }
    files = {name: place / name for name in contents}
    for name, content in contents.items():
        files[name].write_bytes(content)
        files[name].chmod(0o644 if name == "open_key" else 0o600)
    files["tls_nodes"] = place / "tls_nodes"
    settings = (
        f"tls on\n    tls.verify on\n    tls.verify_hostname on\n    tls.ca_file {files['ca']}\n"
    )
    files["tls_nodes"].write_text(f"{NODES}    {settings}")
    for name, entry in (("hashed", "0a1b2c3d.0"), ("unhashed", "root.pem")):
        files[name] = place / name
        files[name].mkdir()
        (files[name] / entry).write_bytes(contents["ca"])
    files["missing"] = place / "missing"
    return files
