"""Plays configurations as their authors wrote them, and tells what the peer saw of their TLS."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import cache

import pytest

from flb_handshake.agent.ports import Ports
from flb_handshake.agent.process import find_binary
from flb_handshake.certificates import ROOT
from flb_handshake.model import DEFAULT_VERSION, AgentSpec, ClientAuth, CollectorSpec, ShipperSpec
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind
from flb_handshake.peer.protocols import spoken_by
from flb_handshake.peer.shipper import Shipper
from flb_handshake.pki import Pki
from flb_handshake.trust import certificates

PKI = Pki()
LIMIT = 20.0
"""Seconds that nothing here comes near."""

OFF, NOT_STARTED = {"tls": "off"}, {"tls": "not started"}
MODERN = ("TLSv1.2", "TLSv1.3")
CODES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "c02b",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "cca9",
}
"""Two ciphers of TLS 1.2, by OpenSSL's names, as they stand in a ClientHello."""

_STARTED = "stream processor started"
_DEBUGGED = "SSL_connect:", "SSL_accept:"


@cache
def binary():
    found = find_binary(DEFAULT_VERSION)
    if found is None:
        pytest.skip(f"no real Fluent Bit {DEFAULT_VERSION} as a process")
    return found


class _Process:
    def __init__(self, child):
        self.lines, self.started = [], asyncio.Event()
        self._child = child
        self.over = asyncio.create_task(self._read())

    async def _read(self):
        async for line in self._child.stdout:
            self.lines.append(line.decode("utf-8", "replace"))
            if _STARTED in self.lines[-1]:
                self.started.set()

    async def until(self, event):
        """Waits for it, or for the end of the process; whether it came."""
        waiting = asyncio.create_task(event.wait())
        async with asyncio.timeout(LIMIT):
            await asyncio.wait({waiting, self.over}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return event.is_set()

    @property
    def debugs(self):
        return any(word in line for line in self.lines for word in _DEBUGGED)


@asynccontextmanager
async def _running(path, environment):
    child = await asyncio.create_subprocess_exec(
        *(binary(), "-c", path),
        cwd=path.parent,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    process = _Process(child)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        await process.over


def of_output(lay, environment, plugin):
    """What a collector that asks for a certificate saw; `lay(port)` gives the path of the text."""

    async def performance():
        collector = Collector(PKI)
        spec = CollectorSpec(client_auth=ClientAuth.ASK, client_ca=ROOT)
        listener = await collector.listen(spec, spoken=spoken_by(AgentSpec(plugin=plugin)))
        settled = asyncio.Event()
        listener.on_settled = settled.set
        try:
            async with _running(lay(listener.port), environment) as process:
                met = await process.until(settled)
        finally:
            collector.close()
            await asyncio.sleep(0)
        return _of_output(listener.events, debugs=process.debugs) if met else NOT_STARTED

    return asyncio.run(performance())


def _of_output(events, *, debugs):
    if any(not one["tls"] for one in _facts(events, Kind.FIRST_BYTES)):
        return OFF
    hello = next(iter(_facts(events, Kind.CLIENT_HELLO)), None)
    if hello is None:
        return {"tls": "on", "versions": ()}
    old = {one for one in hello["ciphers"] if not one.startswith("13") and one != "00ff"}
    return {
        "tls": "on",
        "name": hello["sni"],
        "versions": tuple(sorted(hello["versions"])),
        "ciphers": old if len(old) <= len(CODES) else "many",
        "shows": _leaf(events, Kind.CLIENT_CHAIN),
        "delivers": bool(_facts(events, Kind.REQUEST)),
        "debugs": debugs,
    }


def of_input(lay, environment, foreign):
    """What shippers saw: without a certificate, with one, with a foreign one, of one version."""
    specs = {
        "anonymous": ShipperSpec(chain=None, trusts=None),
        "foreign": ShipperSpec(chain=foreign, trusts=None),
        **{one: ShipperSpec(min_version=one, max_version=one, trusts=None) for one in MODERN},
    }

    async def performance():
        ports, seen = Ports(), {}
        try:
            port = ports.reserve()
            async with _running(lay(port), environment) as process:
                if not await process.until(process.started):
                    return NOT_STARTED
                for name, spec in specs.items():
                    shipper = Shipper(spec, "http", PKI, lambda: 0.0)
                    await shipper.ship("127.0.0.1", port, {"message": "x"}, limit=LIMIT)
                    await shipper.close()
                    seen[name] = shipper.events
        finally:
            ports.release()
        return _of_input(seen, debugs=process.debugs)

    return asyncio.run(performance())


def _of_input(seen, *, debugs):
    every = [one for events in seen.values() for one in events]
    shown = _leaf(every, Kind.SERVER_CHAIN)
    if shown is None and not _facts(every, Kind.ALERT):
        return OFF
    agreed = _facts(seen["TLSv1.2"], Kind.NEGOTIATED)
    return {
        "tls": "on",
        "shows": shown,
        "versions": tuple(one for one in MODERN if _facts(seen[one], Kind.RESPONSE)),
        "cipher": agreed[0]["cipher"] if agreed else None,
        "asks": bool(_facts(every, Kind.CERTIFICATE_REQUEST)),
        "admits": {one for one in ("anonymous", "foreign") if _facts(seen[one], Kind.RESPONSE)},
        "debugs": debugs,
    }


def _facts(events, kind):
    return [one.facts for one in events if one.kind is kind]


def _leaf(events, kind):
    """The subject of the leaf that was presented; None: none was."""
    chains = [one["chain"] for one in _facts(events, kind) if one["chain"]]
    return certificates(chains[0][0])[0].subject.rfc4514_string() if chains else None
