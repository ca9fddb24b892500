"""Runs the embedded model of Fluent Bit's TLS layer, where there is no Fluent Bit to be had."""

from __future__ import annotations

import os
import shutil
import ssl
import sys
from pathlib import Path
from typing import Final

import h2

from flb_handshake.agent.contract import AgentKind, Capability, Identity, Job
from flb_handshake.agent.process import ProcessAgent
from flb_handshake.agent.reference_program.classic import MODELLED as PLUGINS
from flb_handshake.agent.reference_program.properties import Properties
from flb_handshake.agent.reference_program.releases import VERSIONS as MODELLED
from flb_handshake.errors import AgentUnavailable

_PROGRAM: Final = Path(__file__).parent / "reference_program"
_PACKAGES: Final = Path(h2.__file__).parents[1]
"""Where the two libraries are that the program asks for when it needs them: h2 and msgpack."""

_NOT_MODELLED: Final = {
    Capability.DTLS: "the reference agent speaks no DTLS: Python's ssl does not",
    Capability.UPSTREAMS: "the reference agent reads no upstream files",
    Capability.PLUGIN_PROXY: "the reference agent models no property `proxy`, only HTTP_PROXY",
}


class ReferenceAgent(ProcessAgent):
    """A Python program in the place of the binary, told where its private surroundings are."""

    at_once = 16
    """A Python works as hard as ten of the binary; 64 at once stall each other on two cores."""

    def command(self, job: Job) -> list[str]:
        """See ProcessAgent. The program reads its own hosts and store: it needs no namespace."""
        base = self.directory(job.name)
        line = [sys.executable, "-I", "-S", str(_PROGRAM), "--model", self.identity.version]
        line += ["--packages", str(_PACKAGES)]
        if job.hosts:
            line += ["--hosts", f"{base}/hosts"]
        if job.system_certs is not None:
            line += ["--system-certs", f"{base}/system-certs"]
        return [*line, "-c", f"{base}/fluent-bit.conf"]

    def view(self, job: Job) -> list[str]:
        """See ProcessAgent."""
        del job
        return []


def _of(kind: str, version: str) -> frozenset[str]:
    """The plugins of this kind that the release has and the program models."""
    has = Properties(version).has
    return frozenset(name for name in PLUGINS[kind] if has(f"-{kind[0]}{name}"))


def open_reference(version: str) -> ReferenceAgent:
    """The model of this release. Raises AgentUnavailable for one that it was not held against."""
    if version not in MODELLED:
        raise AgentUnavailable(
            f"the reference agent models Fluent Bit {', '.join(MODELLED)}, not {version}",
            hint="install Docker or that Fluent Bit, or ask for a release that is modelled",
        )
    lacks = dict(_NOT_MODELLED)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        lacks[Capability.UNPRIVILEGED] = "root reads every file, and there is no setpriv"
    return ReferenceAgent(
        Identity(
            kind=AgentKind.REFERENCE,
            version=version,
            label=f"reference (a model of Fluent Bit {version}, not Fluent Bit)",
            tls_library=f"{ssl.OPENSSL_VERSION} (Python's ssl)",
            found=str(_PROGRAM),
            plugins={
                "input": _of("input", version),
                "filter": frozenset(),
                "output": _of("output", version),
            },
        ),
        lacks=lacks,
    )
