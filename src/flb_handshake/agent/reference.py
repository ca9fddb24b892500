"""Runs the embedded model of Fluent Bit's TLS layer, where there is no Fluent Bit to be had."""

from __future__ import annotations

import os
import shutil
import ssl
import sys
from pathlib import Path
from typing import Final

from flb_handshake.agent.contract import AgentKind, Capability, Identity, Job
from flb_handshake.agent.process import ProcessAgent
from flb_handshake.errors import AgentUnavailable

MODELLED: Final = ("5.1.1",)
"""The releases that the model was held against."""

_PROGRAM: Final = Path(__file__).parent / "reference_program"


_NOT_MODELLED: Final = {
    Capability.HTTP_2: "the reference agent speaks no HTTP/2",
    Capability.PROXY: "the reference agent goes through no proxy",
    Capability.ANY_PLUGIN: "the reference agent has no model of this plugin",
}


class ReferenceAgent(ProcessAgent):
    """A Python program in the place of the binary, told where its private surroundings are."""

    def command(self, job: Job) -> list[str]:
        """See ProcessAgent. The program reads its own hosts and store: it needs no namespace."""
        base = self.directory(job.name)
        line = [sys.executable, "-I", "-S", str(_PROGRAM), "--model", self.identity.version]
        if job.hosts:
            line += ["--hosts", f"{base}/hosts"]
        if job.system_certs is not None:
            line += ["--system-certs", f"{base}/system-certs"]
        return [*line, "-c", f"{base}/fluent-bit.conf"]

    def view(self, job: Job) -> list[str]:
        """See ProcessAgent."""
        del job
        return []


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
        ),
        lacks=lacks,
    )
