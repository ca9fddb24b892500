"""A batch of 100 delivered scenarios, beside the floor that nginx sets with 100 TLS listeners.

Ours is timed from the start of Fluent Bit to the last verdict; the floor is the same configuration
against nginx, from the start of Fluent Bit to the 100th access-log line.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring

from flb_handshake.agent.contract import Job
from flb_handshake.certificates import HEALTHY
from flb_handshake.pki import Pki
from flb_handshake.placing import Files
from flb_handshake.planning import Play
from flb_handshake.settings import Part, configuration, files_of

_COUNT = 100
_ROUNDS = 7
_LIMIT = 1.3


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago: nginx has no port 0."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def nginx_configuration(place: Path, ports: list[int]) -> str:
    """A server with a TLS listener on each port that answers 201 and logs to a pipe."""
    listens = "\n".join(f"    listen 127.0.0.1:{port} ssl;" for port in ports)
    return f"""
daemon off; worker_processes 1; pid {place}/pid; error_log {place}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log {place}/access; client_body_temp_path {place}/body;
  server {{
{listens}
    ssl_certificate {place}/chain.pem; ssl_certificate_key {place}/key.pem;
    ssl_session_tickets off; ssl_session_cache off;
    location / {{ return 201; }}
  }}
}}
"""


def floor(plays: list[Play], nginx: str) -> float:
    """Seconds from the start of Fluent Bit to the last access-log line."""
    place = Path(tempfile.mkdtemp(prefix="flb-handshake-bench-"))
    pki = Pki()
    (place / "chain.pem").write_bytes(pki.pem(*HEALTHY.sent))
    key = os.open(place / "key.pem", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(key, pki.key_pem(HEALTHY.leaf))
    os.close(key)
    os.mkfifo(place / "access")
    ports = free_ports(len(plays))
    (place / "nginx.conf").write_text(nginx_configuration(place, ports))
    access = os.fdopen(os.open(place / "access", os.O_RDWR), "rb", buffering=0)
    server = subprocess.Popen([nginx, "-c", f"{place}/nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        wait_for(ports[-1])
        return asyncio.run(_played(plays, ports, pki, access))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        access.close()
        shutil.rmtree(place)


def wait_for(port: int) -> None:
    """Returns when somebody listens there; gives up after five seconds."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
    sys.exit("nginx does not come up")


async def _played(plays: list[Play], ports: list[int], pki: Pki, access: object) -> float:
    agent = measuring.agent()
    files = Files(agent.directory("floor"), pki)
    placed = files.place(file for one in plays for file in files_of(one.setup))
    parts = [
        Part(alias=one.alias, setup=one.setup, address="127.0.0.1", port=port, tag="t0")
        for one, port in zip(plays, ports, strict=True)
    ]
    job = Job(name="floor", config=configuration(parts, placed, {}), files=tuple(files.files))
    try:
        await agent.prepare([job])
        began = time.monotonic()
        await agent.start(job)
        await asyncio.to_thread(_read_lines, access, len(plays))
        return time.monotonic() - began
    finally:
        await agent.close()


def _read_lines(pipe: object, count: int) -> None:
    seen = 0
    while seen < count:
        seen += pipe.read(65536).count(b"\n")  # type: ignore[attr-defined] # a raw pipe


def main() -> int:
    """Measures both in turn and prints the ratio of the medians."""
    nginx = shutil.which("nginx")
    if nginx is None:
        sys.exit("nothing measured: there is no nginx; Debian's package nginx-light will do")
    plays = measuring.healthy(_COUNT)
    ours, floors = [], []
    for _ in range(_ROUNDS):
        floors.append(floor(plays, nginx))
        ours.append(measuring.played(plays))
    print(f"floor {measuring.median(floors):.3f} s, ours {measuring.median(ours):.3f} s")
    ratio = measuring.median(ours) / measuring.median(floors)
    return 0 if measuring.told(f"{_COUNT} delivered against nginx", ratio, _LIMIT) else 1


if __name__ == "__main__":
    sys.exit(main())
