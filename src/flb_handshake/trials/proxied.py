"""What an output says of an HTTPS proxy (`tls.proxy.…`), played as an end of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flb_handshake.certificates import Chain
from flb_handshake.config.words import Kind, Property, Section
from flb_handshake.model import CAFile, File, ProxySpec, Setup

_OF_A_PROXY: Final = "tls.proxy."


def proxy_of(output: Section) -> Section | None:
    """The proxy's end of what an output says, in the words of any other end; None: it says nothing.

    `tls.proxy.verify` becomes `tls.verify`, at the same place in the file.
    """
    said = [one for one in output.properties if one.name.startswith(_OF_A_PROXY)]
    if not said:
        return None
    called = Property(
        key="name", value=f"of {output.called}", written=output.called, spot=output.spot
    )
    own = (replace(one, key=f"tls.{one.name.removeprefix(_OF_A_PROXY)}") for one in said)
    return Section(kind=Kind.PROXY, title=output.title, properties=(called, *own), spot=output.spot)


def through(healthy: Setup, ca: CAFile | File | None, presented: Chain) -> Setup:
    """The setup of an output with an HTTPS proxy before its collector, as HTTP_PROXY names one."""
    made = healthy.but(proxy=ProxySpec(chain=presented), proxy_ca=ca)
    return replace(made, whole=None)


def presenting(setup: Setup, presented: Chain) -> Setup:
    """The setup with another chain of its peer's: of the proxy's, where it has one."""
    if setup.collector.proxy is None:
        return setup.but(chain=presented)
    return setup.but(proxy=replace(setup.collector.proxy, chain=presented))
