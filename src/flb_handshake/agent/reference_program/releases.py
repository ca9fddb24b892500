"""What differs from one Fluent Bit to another, as one table.

Read from the source of each release and measured on its binary: a further release is a number in
VERSIONS, once it has been compared, and a line here for whatever it does otherwise.
"""

from __future__ import annotations

from .properties import Properties, numbers

TYPE_CHECKING = False  # see grammar
if TYPE_CHECKING:
    from typing import Final


VERSIONS: Final = (
    "1.9.10",
    "2.0.14",
    "2.2.3",
    "3.0.6",
    "3.0.7",
    "3.2.10",
    "4.0.14",
    "4.2.8",
    "5.0.9",
    "5.1.1",
)
"""The releases that the model was held against; flb_handshake.releases has the same."""


class Release:
    """One Fluent Bit: what it knows, what it does, and which words its log has for that."""

    lowest_when_bounded: Final = "TLSv1.1"
    """The lower bound where `tls.min_version` is no protocol's name."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.properties = Properties(version)

    def since(self, release: str) -> bool:
        """Whether it came with that release, or later."""
        return numbers(self.version) >= numbers(release)

    @property
    def rereads_files(self) -> bool:
        """Before each session it looks whether its certificates have changed."""
        return self.since("5.1")

    @property
    def always_checks_names(self) -> bool:
        """3.0.7 knows no `tls.verify_hostname`: with `tls.verify on` it compares names."""
        return self.since("3.0.7") and not self.since("3.1")

    @property
    def takes_addresses_for_names(self) -> bool:
        """An IP address is sent as SNI, and compared with the names of a certificate."""
        return not self.since("5.0.6")

    @property
    def knows_yes(self) -> bool:
        """`yes` switches TLS on, as `true` and `on` do; what is neither nor is not simply off."""
        return self.since("2.1.8")

    @property
    def stops_at_values(self) -> bool:
        """A value that a property cannot have ends the start; until then it is only said."""
        return self.since("4.0")

    @property
    def trims_dots(self) -> bool:
        """The dots at the end of a host are not part of the name that is sent."""
        return self.since("2.0.13")

    @property
    def passes_over_vhost(self) -> bool:
        """Behind a proxy the host is sent and checked, whatever `tls.vhost` says."""
        return self.since("2.0")

    @property
    def asks_for_protocols(self) -> bool:
        """An output that can speak HTTP/2 offers protocols (ALPN)."""
        return self.since("3.2")

    @property
    def crashes_without_context(self) -> bool:
        """An output that has TLS by itself, but no context for it, ends everything."""
        return not self.since("2.0")

    @property
    def crashes_at_silence(self) -> bool:
        """An output that waited in vain for any response over TLS 1.3 ends everything."""
        return self.since("2.0") and not self.since("2.1")

    @property
    def crashes_at_bounds(self) -> bool:
        """A `tls.min_version` that is no protocol's name ends it: it looks beyond its table."""
        return not self.since("5.0")

    @property
    def hangs_at_ciphers(self) -> bool:
        """`tls.ciphers` that OpenSSL does not know leave a mutex locked for which it then waits."""
        return not self.since("5.0")

    @property
    def names_the_key(self) -> bool:
        """Of a key that cannot be read it says the key's own path."""
        return self.since("5.0")

    @property
    def says_openssl_errors(self) -> bool:
        """A handshake that fails is said to fail for OpenSSL's own reason."""
        return self.since("5.0")

    @property
    def says_x509_errors(self) -> bool:
        """A chain that cannot be verified is said not to be, with X.509's code (until 5.0)."""
        return self.since("3.2")

    @property
    def says_verify_errors(self) -> bool:
        """A chain that cannot be verified is said not to be (until 3.2)."""
        return self.since("3.0.7")

    @property
    def says_read_errors(self) -> bool:
        """Whatever ends a secured connection is said, also a close_notify."""
        return self.since("5.1")

    @property
    def says_system_errors(self) -> bool:
        """A reset of a secured connection is said, whatever the words."""
        return self.since("2.0")

    @property
    def says_connected(self) -> bool:
        """A connection that is made is said to be."""
        return self.since("2.0")

    @property
    def says_which_timeout(self) -> bool:
        """A timeout is said to be of connecting, or of reading and writing."""
        return self.since("2.0")

    @property
    def goes_on_after_timeout(self) -> bool:
        """A handshake that took too long goes on, on a connection that is closed, and fails."""
        return not self.since("2.0")

    @property
    def says_what_it_waited_for(self) -> bool:
        """A response for which it waited too long is no broken connection."""
        return self.since("5.0")

    @property
    def takes_silence_for_0(self) -> bool:
        """A response that did not come has the status 0."""
        return self.since("3.0") and not self.since("4.0")

    @property
    def gives_up_on_client_errors(self) -> bool:
        """What is refused with a status of 400 to 499 is not sent again."""
        return self.since("3.1")

    @property
    def shakes_hands_aside(self) -> bool:
        """An input that takes HTTP serves others while somebody shakes hands."""
        return self.since("5.1")

    @property
    def has_one_http_server(self) -> bool:
        """The inputs that take HTTP share a server, which says where it listens."""
        return self.since("5.0")

    @property
    def waits_after_noise(self) -> bool:
        """After what is no HTTP, an input that takes HTTP waits for the end of a request."""
        return self.since("3.0") and not self.since("5.1")

    @property
    def offers_protocols(self) -> bool:
        """The inputs that take HTTP speak HTTP/2 too, and look at what a client offers (ALPN)."""
        return self.since("3.0")
