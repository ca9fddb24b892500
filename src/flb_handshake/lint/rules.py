"""The rules: what each is about, and why that matters, for the reports that list rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a kind of finding is about, apart from any place where it was found."""

    title: str
    """A few words, as a headline."""
    why: str
    """Why it matters, in a sentence or two."""


RULES: Final[Mapping[str, Rule]] = {
    "refused-by-fluent-bit": Rule(
        title="Fluent Bit does not take it",
        why="Fluent Bit stops at its start, or passes over what stands there.",
    ),
    "unknown-property": Rule(
        title="Unknown property",
        why="A property that a release does not know stops its start; in a node of an upstream "
        "file it is passed over without a word.",
    ),
    "not-a-boolean": Rule(
        title="No boolean",
        why="`tls` with any other word than on, true or yes means cleartext, without a warning; "
        "other switches lose their meaning as silently.",
    ),
    "tls-not-on": Rule(
        title="TLS is not on",
        why="`tls.verify`, `tls.ca_file` and all the rest do nothing unless `tls` is on.",
    ),
    "node-without-tls": Rule(
        title="Nodes take no TLS from their output",
        why="A node of an upstream file takes nothing from the output that names the file: `tls` "
        "in the output alone sends the records in cleartext.",
    ),
    "mode-tls-alone": Rule(
        title="`mode tls` without `tls on`",
        why="`mode tls` of gelf, and of syslog before 5.1, sends in cleartext.",
    ),
    "tls-over-udp": Rule(
        title="TLS over UDP",
        why="gelf and syslog send over UDP unless `mode` says otherwise, and UDP has no TLS.",
    ),
    "tls-beside-datagrams": Rule(
        title="TLS beside datagrams",
        why="An input of syslog in `mode udp` takes whatever anybody sends it, in cleartext, and "
        "no line of the log says that `tls on` does nothing.",
    ),
    "credentials-in-cleartext": Rule(
        title="Credentials in cleartext",
        why="A password or a token that is sent without TLS is known to everybody on the way.",
    ),
    "verify-off": Rule(
        title="Nothing is verified",
        why="Without `tls.verify` anybody who answers gets the records.",
    ),
    "hostname-unchecked": Rule(
        title="Names are not checked",
        why="Without `tls.verify_hostname` any certificate of a trusted authority will do, "
        "whomever it was made for.",
    ),
    "hostname-without-verify": Rule(
        title="Names are checked only where certificates are",
        why="`tls.verify_hostname` does nothing unless `tls.verify` is plainly on.",
    ),
    "ca-path-silences-ca-file": Rule(
        title="`tls.ca_path` silences `tls.ca_file`",
        why="With both, `tls.ca_file` is not read; the two are never combined.",
    ),
    "client-certificate-not-checked": Rule(
        title="`tls.verify_client_cert` without `tls.verify`",
        why="With `tls.verify off`, `tls.verify_client_cert` lets everybody in.",
    ),
    "anonymous-clients": Rule(
        title="Clients without a certificate are let in",
        why="`tls.verify` of an input asks for a certificate and takes whoever has none.",
    ),
    "certificate-without-key": Rule(
        title="Certificate without key",
        why="An output that has no key shows no certificate, and an input does not start.",
    ),
    "key-without-certificate": Rule(
        title="Key without certificate",
        why="A key without its certificate stops the start, and the log blames the password.",
    ),
    "unparsable-version": Rule(
        title="Unparsable version",
        why="A bound that cannot be parsed is passed over, or crashes Fluent Bit before 5.0.",
    ),
    "no-version-left": Rule(
        title="No version is left",
        why="With bounds that leave neither TLS 1.2 nor TLS 1.3 every handshake fails.",
    ),
    "no-cipher-known": Rule(
        title="No cipher is known",
        why="A list of ciphers in which OpenSSL knows none stops the start.",
    ),
    "tls-without-port": Rule(
        title="TLS on an input that opens no port",
        why="There is nothing to secure: since 4.0 it stops the start.",
    ),
    "address-as-host": Rule(
        title="A host that is an address",
        why="A certificate must name the address itself, in subjectAltName, and releases before "
        "5.0.6 do not find it even there.",
    ),
    "name-as-dialled": Rule(
        title="A name that no certificate matches",
        why="The name is compared as it is written: with a dot behind it, or in Unicode, it "
        "matches no certificate.",
    ),
    "file-missing": Rule(
        title="A file that cannot be read",
        why="Fluent Bit does not start without the files that it is told to read.",
    ),
    "ca-path-empty": Rule(
        title="`tls.ca_path` holds nothing that OpenSSL finds",
        why="OpenSSL looks for names that are hashes (`openssl rehash`); a directory without "
        "them, or none at all, is taken without a word and trusts nobody.",
    ),
    "not-pem": Rule(
        title="Not PEM",
        why="Fluent Bit reads PEM alone; DER, an empty file or anything else stops the start.",
    ),
    "expired": Rule(
        title="Not valid now",
        why="Whoever checks a certificate refuses one that has expired or is not valid yet.",
    ),
    "expires-soon": Rule(
        title="Expires soon",
        why="It will be refused within 30 days.",
    ),
    "key-mismatch": Rule(
        title="Key of another certificate",
        why="A key that is not the certificate's stops the start.",
    ),
    "key-password": Rule(
        title="The key's password",
        why="A key that cannot be decrypted stops the start.",
    ),
    "key-readable": Rule(
        title="Others can read the key",
        why="Whoever has the key can pass for this Fluent Bit.",
    ),
    "no-root": Rule(
        title="No root in the CA file",
        why="Fluent Bit takes no intermediate, and no leaf, for an anchor: the chain must end at "
        "a self-signed certificate in the CA file.",
    ),
    "another-file": Rule(
        title="Another file than before",
        why="Whom Fluent Bit believes, or as whom it comes, has changed since the baseline.",
    ),
    "not-played": Rule(
        title="Played: not this one",
        why="What it lets through is not known; the reason is no fault of the configuration.",
    ),
    "sends-cleartext": Rule(
        title="Played: it sends in cleartext",
        why="Before a healthy peer the records went out without TLS.",
    ),
    "does-not-deliver": Rule(
        title="Played: it does not deliver",
        why="Before a healthy peer no record arrived.",
    ),
    "takes-another-ca": Rule(
        title="Played: it takes a collector of another CA",
        why="Whoever answers in the collector's place gets the records.",
    ),
    "takes-any-name": Rule(
        title="Played: it takes a collector of another name",
        why="Whoever has any certificate of the same CA gets the records.",
    ),
    "takes-expired": Rule(
        title="Played: it takes an expired certificate",
        why="A certificate whose time is over is believed.",
    ),
    "takes-self-signed": Rule(
        title="Played: it takes a self-signed certificate",
        why="Anybody can make one, and gets the records.",
    ),
    "takes-incomplete-chain": Rule(
        title="Played: it takes a chain that leads nowhere",
        why="Nothing connects the collector's certificate with a CA that is trusted.",
    ),
    "takes-cleartext": Rule(
        title="Played: it takes a peer without TLS",
        why="Records go over the wire in cleartext.",
    ),
    "takes-anonymous-clients": Rule(
        title="Played: it takes clients without a certificate",
        why="Anybody who reaches the port can send records.",
    ),
    "takes-foreign-clients": Rule(
        title="Played: it takes clients of another CA",
        why="Anybody can make such a certificate, and send records.",
    ),
    "takes-expired-clients": Rule(
        title="Played: it takes clients with an expired certificate",
        why="A certificate whose time is over is believed.",
    ),
}
