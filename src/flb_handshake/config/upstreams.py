"""The nodes of an output's upstream file, of which each may have TLS of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from flb_handshake.config.files import Reading
from flb_handshake.config.words import Kind, Section, Spot

_NEEDS: Final = ("name", "host", "port")


def servers(found: Sequence[Section], reading: Reading, spot: Spot) -> tuple[Section, ...]:
    """The nodes of what was read of an upstream file; `spot` is where the file is named.

    Notes what keeps an output from starting (1.9.10, 5.1.1): no upstream, no name, no node, a
    node without name, host or port.
    """
    upstream = next((one for one in found if one.kind is Kind.UPSTREAM), None)
    if upstream is None:
        hint = "begin it with [UPSTREAM] and a name"
        reading.refuse("the upstream file has no section [UPSTREAM]", hint, spot)
        return ()
    if upstream.find("name") is None:
        hint = "give it a line: Name servers"
        reading.refuse("the upstream has no name", hint, upstream.spot)
    nodes = (*upstream.sections, *(one for one in found if one.kind is Kind.NODE))
    if not nodes:
        hint = "add a section [NODE] with Name, Host and Port"
        reading.refuse("the upstream has no nodes", hint, upstream.spot)
    for node in nodes:
        for name in _NEEDS:
            if node.find(name) is None:
                hint = f"say its {name}: a node needs {', '.join(_NEEDS)}"
                reading.refuse(f"the node has no {name}", hint, node.spot)
    return nodes


def attached(output: Section, nodes: Sequence[Section]) -> Section:
    """The output with the nodes of its upstream file."""
    return replace(output, sections=(*output.sections, *nodes))
