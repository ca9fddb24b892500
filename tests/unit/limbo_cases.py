"""Test cases in the published shape of x509-limbo, with certificates of our own."""

from __future__ import annotations

import json
from functools import cache

from flb_handshake.certificates import CLIENT_CHAIN, HEALTHY, HOST, Chain
from flb_handshake.pki import Pki

DESCRIPTION = "Produces the following **valid** chain:\n\n```\nroot -> EE\n```\n\nBecause."


@cache
def pki() -> Pki:
    return Pki()


def pem(spec) -> str:
    return pki().pem(spec).decode()


def limbo_case(name="web::one", chain: Chain = HEALTHY, **changes):
    """A SERVER case of which limbo expects success: a chain, its key, and the root."""
    leaf, *above = chain.sent
    return {
        "id": name,
        "conflicts_with": [],
        "features": [],
        "importance": "undetermined",
        "description": DESCRIPTION,
        "validation_kind": "SERVER",
        "trusted_certs": [pem(chain.root)],
        "untrusted_intermediates": [pem(one) for one in above],
        "peer_certificate": pem(leaf),
        "peer_certificate_key": pki().key_pem(leaf).decode(),
        "validation_time": None,
        "signature_algorithms": [],
        "key_usage": [],
        "extended_key_usage": [],
        "expected_result": "SUCCESS",
        "expected_peer_name": {"kind": "DNS", "value": HOST},
        "expected_peer_names": [],
        "max_chain_depth": None,
        "crls": [],
        **changes,
    }


def client_case(name="client::one", chain: Chain = CLIENT_CHAIN, **changes):
    """The same for a client."""
    own = {"validation_kind": "CLIENT", "expected_peer_name": None}
    return limbo_case(name, chain, **(own | {"extended_key_usage": ["clientAuth"]} | changes))


def written(path, *cases, **changes):
    """A suite of these cases, in a file."""
    path.write_text(json.dumps({"version": 1, "testcases": list(cases), **changes}))
    return path
