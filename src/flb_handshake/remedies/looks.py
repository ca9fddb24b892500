"""What to look at next, how far a connection came, and what stands for an unknown word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNKNOWN: Final[Mapping[str, str]] = {
    "certificate": "the certificate",
    "subject": "of the collector",
    "issuer": "of the chain",
    "trusted": "see the list of CAs that it sends",
    "san": "of the name that is dialled",
    "or_vhost": ", or set tls.vhost to a name that it bears",
    "leaf": "its certificate",
    "how": "nobody knows how",
    "waited": "all the time",
}
"""What stands in a fix for a word that the evidence does not give."""

UNKNOWN_OF_AN_INPUT: Final[Mapping[str, str]] = {
    **UNKNOWN,
    "subject": "of the input",
    "trusted": "see what it is given",
    "san": "of the name that the shipper dials",
}
"""The same, where the agent is the server."""

LOOK: Final[Mapping[str, str]] = {
    "chain": "the chain that the collector sends (openssl s_client -showcerts) beside tls.ca_file",
    "issuer": "the certificate {issuer}: it is a root if its subject is its issuer (openssl x509 "
    "-noout -subject -issuer)",
    "leaf": "the names, dates and keys in the collector's chain (openssl s_client -showcerts)",
    "ca_path": "the directory {ca_path} (ls -l): the root must stand there as <hash>.0",
    "ca_file": "the first bytes of {ca_file} (head -c 64)",
    "key_file": "whether {key_file} opens and matches (openssl pkey -pubout, beside openssl x509 "
    "-pubkey of tls.crt_file)",
    "client": "the certificate in tls.crt_file (openssl x509 -noout -text), and why the "
    "collector's log refuses it",
    "peer": "the collector's own log",
    "port": "what the port answers to openssl s_client -connect",
    "network": "what passes between the two (tcpdump)",
    "log": "the agent's log at log_level debug with tls.debug 1",
}
"""The next observation that tells the causes of a class apart."""

LOOK_AT_AN_INPUT: Final[Mapping[str, str]] = {
    **LOOK,
    "chain": "the certificates in tls.crt_file (openssl x509 -noout -text) beside the CAs that the "
    "shipper trusts",
    "leaf": "the names, dates and keys in tls.crt_file (openssl x509 -noout -text)",
    "client": "the shipper's certificates (openssl x509 -noout -text) beside tls.ca_file",
    "peer": "the shipper's own log",
    "port": "what the shipper sends first (tcpdump), and what the port answers to openssl s_client "
    "-connect",
}
"""The same, where the agent is the server."""

PROGRESS: Final[Mapping[str, str]] = {
    "nothing": "no connection came",
    "accepted": "the connection was accepted, but the agent sent nothing",
    "first_bytes": "the agent sent bytes that are not a whole ClientHello",
    "client_hello": "the agent's ClientHello came",
    "server_hello": "the collector answered the ClientHello with its certificate",
    "negotiated": "the handshake was complete",
    "request": "records came",
}
"""How far a connection came."""

PROGRESS_OF_AN_INPUT: Final[Mapping[str, str]] = {
    "nothing": "no connection came",
    "accepted": "the connection was accepted, and no whole ClientHello came",
    "first_bytes": "the input answered, though no whole ClientHello had come",
    "client_hello": "the shipper's ClientHello came",
    "server_hello": "the input answered the ClientHello",
    "negotiated": "the handshake was complete",
    "request": "the shipper handed over its records",
}
"""The same, where the agent is the server."""

CANNOT_TELL: Final = "; cannot tell which of {causes}: look at {look} next"
CANNOT_TELL_WHY: Final = "; cannot tell why: look at {look} next"
LATE: Final = (
    " (TLS 1.3: the agent had already taken itself for connected, hence its `broken connection`)"
)
