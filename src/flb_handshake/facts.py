"""What is known of a setup before it runs: what its files hold and what a careful reader checks."""

from __future__ import annotations

from flb_handshake.evidence import Facts
from flb_handshake.model import CAFile, CollectorSpec
from flb_handshake.pki import Pki
from flb_handshake.placing import public_pem
from flb_handshake.settings import Part, Placed, ca_file, properties


def facts_of(part: Part, placed: Placed, pki: Pki) -> Facts:
    """What the files hold and what a careful agent would check."""
    agent, peer = part.setup.agent, part.setup.peer
    anchors = public_pem(pki, ca_file(part.setup), agent.ca_path)
    if agent.ca is CAFile.SYSTEM:
        anchors += pki.pem(part.setup.judged.root).decode()
    if isinstance(peer, CollectorSpec):
        name = "the given files" if peer.files else peer.chain.name
        sent = peer.files[0] if peer.files else pki.pem(*peer.chain.sent).decode()
        trusted, wants = peer.client_ca, str(peer.client_auth)
    else:
        name = peer.chain.name if peer.chain else "none"
        sent = pki.pem(*peer.chain.sent).decode() if peer.chain else ""
        trusted, wants = peer.trusts, ""
    given = peer.client_ca_pem if isinstance(peer, CollectorSpec) else None
    return Facts(
        role=part.setup.role,
        name=agent.name,
        plugin=agent.plugin,
        properties=tuple(properties(part.setup, placed).items()),
        chain=name,
        sent=sent,
        anchors=anchors or None,
        ca_file=str(agent.ca) if isinstance(agent.ca, CAFile) else "given",
        own=public_pem(pki, agent.crt),
        client_auth=wants,
        peer_anchors=given or (pki.pem(trusted).decode() if trusted else ""),
        at=pki.now.isoformat(),
    )
