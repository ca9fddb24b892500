"""What is known of a setup before it runs: what its files hold and what a careful reader checks."""

from __future__ import annotations

from flb_handshake.ca_files import ca_file
from flb_handshake.evidence import Facts
from flb_handshake.model import CAFile, CollectorSpec, ShipperSpec, Where
from flb_handshake.pki import Pki
from flb_handshake.placing import public_pem
from flb_handshake.settings import Part, Placed, dialling


def facts_of(part: Part, placed: Placed, pki: Pki) -> Facts:
    """What the files hold and what a careful agent would check."""
    agent, peer = part.setup.agent, part.setup.peer
    unused = agent.upstream is not None and agent.upstream.tls is Where.OUTPUT
    anchors = "" if unused else public_pem(pki, ca_file(part.setup), agent.ca_path)
    if agent.ca is CAFile.SYSTEM:
        anchors += pki.pem(part.setup.judged.root).decode()
    name, sent = _presented(peer, pki)
    if isinstance(peer, CollectorSpec):
        trusted, wants = peer.client_ca, str(peer.client_auth)
    else:
        trusted, wants = peer.trusts, ""
    given = peer.client_ca_pem if isinstance(peer, CollectorSpec) else peer.trusts_pem
    return Facts(
        role=part.setup.role,
        name=agent.name,
        plugin=agent.plugin,
        properties=tuple(dialling(part, placed).items()),
        chain=name,
        sent=sent,
        anchors=anchors or None,
        ca_file=str(agent.ca) if isinstance(agent.ca, CAFile) else "given",
        own=public_pem(pki, agent.crt),
        client_auth=wants,
        peer_anchors=given or (pki.pem(trusted).decode() if trusted else ""),
        at=pki.now.isoformat(),
    )


def _presented(peer: CollectorSpec | ShipperSpec, pki: Pki) -> tuple[str, str]:
    """The name of what the peer presents, and the certificates themselves (PEM)."""
    if peer.files is not None:
        return "the given files", peer.files[0]
    if peer.chain is None:
        return "none", ""
    return peer.chain.name, pki.pem(*peer.chain.sent).decode()
