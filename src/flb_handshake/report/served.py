"""What somebody needs to know who comes to a peer that was left standing."""

from __future__ import annotations

import shlex
from datetime import timedelta

from flb_handshake.agent.process import namespace
from flb_handshake.behaviours import Cleartext
from flb_handshake.hosts import is_address
from flb_handshake.model import CollectorSpec, Role, Setup
from flb_handshake.peer.protocols import spoken_by
from flb_handshake.planning import good_for
from flb_handshake.serving import PEERS_OWN, Stand
from flb_handshake.settings import LOOPBACK, named_files
from flb_handshake.verdict import words

_PEERS = {
    "root.pem": "the CA above what it presents",
    "chain.pem": "what it presents",
    "chain.key": "the key of that",
    "client.pem": "a client certificate, for curl and openssl",
    "client.key": "the key of that",
}


def page(stand: Stand, *, kept: bool) -> str:
    """Where it stands, its files, the configuration for Fluent Bit, and commands to try it by."""
    one = stand.scenario
    peer = "collector" if stand.setup.role is Role.OUTPUT else "shipper"
    verb = "listens on" if stand.setup.role is Role.OUTPUT else "ships to"
    told = [
        one.id,
        f"  because    {one.because}",
        f"  expected   {words(one.expectation.does)}",
        f"  {peer:<9}  {verb} {LOOPBACK}:{stand.port}",
        *(f"  note       {note}" for note in _notes(stand)),
        f"  files      {stand.directory} ({'kept' if kept else 'removed at the end'})",
        *_files(stand),
        "",
        f"A configuration for Fluent Bit, in {stand.directory}/fluent-bit.conf:",
        "",
        *(f"  {row}".rstrip() for row in stand.job.config.splitlines()),
        "",
        f"  {_fluent_bit(stand)}",
        *(f"  {command}" for command in _by_hand(stand)),
        "",
    ]
    return "\n".join(told)


def invitation(stand: Stand) -> str:
    """What somebody can do now."""
    if stand.ship is None:
        return "Each handshake is shown as it happens; Ctrl-C ends it."
    return (
        "Start Fluent Bit with this configuration, then press Enter here: each time one record is "
        "shipped to it. Ctrl-C ends it."
    )


def _notes(stand: Stand) -> list[str]:
    setup, notes = stand.setup, []
    if stand.scenario.setup.steps:
        names = ", ".join(step.name for step in stand.scenario.setup.steps)
        notes.append(f"served is the state before its steps ({names}); `run` plays them")
    if (left := good_for(setup)) < timedelta(days=1):
        notes.append(f"a certificate begins or ends within {left.total_seconds():.0f} s from now")
    if stand.job.unprivileged:
        notes.append("a file that its owner may not read: root reads it all the same")
    if setup.role is Role.INPUT and setup.shipper.silent_others:
        notes.append("the silent clients that come before its shipper are for `run` alone")
    return notes


def _files(stand: Stand) -> list[str]:
    """Each file's path and what it is for."""
    base = f"{stand.directory}/"
    placed = stand.member.placed
    means = {placed[file]: name for name, file in named_files(stand.setup).items()}
    means |= {f"{base}{PEERS_OWN}/{name}": text for name, text in _PEERS.items()}
    paths = [f"{base}{file.path}" for file in stand.job.files]
    missing = [path for path in means if path not in paths and f"/{PEERS_OWN}/" not in path]
    known = [(path, means.get(path, "")) for path in paths]
    known += [(path, f"{means[path]}, which is missing on purpose") for path in missing]
    width = max((len(path) for path, _ in known), default=0)
    return [f"    {path:<{width}}  {meaning}".rstrip() for path, meaning in known]


def _fluent_bit(stand: Stand) -> str:
    """The command that runs it with the surroundings that the scenario asks for."""
    job, base = stand.job, stand.directory
    variables = [f"{name}={shlex.quote(value)}" for name, value in job.environment.items()]
    run = " ".join([*variables, "fluent-bit", "-c", shlex.quote(f"{base}/fluent-bit.conf")])
    mounts = []
    if job.hosts:
        mounts.append(f"mount --bind {shlex.quote(f'{base}/hosts')} /etc/hosts")
    if job.system_certs is not None:
        mounts.append(f"mount --bind {shlex.quote(f'{base}/system-certs')} /etc/ssl/certs")
    if not mounts:
        return run
    return shlex.join([*namespace(), "sh", "-c", " && ".join([*mounts, run])])


def _by_hand(stand: Stand) -> list[str]:
    """The same handshake with curl and openssl, where they can make it."""
    setup = stand.setup
    if not isinstance(setup.peer, CollectorSpec) or setup.peer.proxy is not None:
        return []
    own = f"{stand.directory}/{PEERS_OWN}"
    has_client = any(file.path == f"{PEERS_OWN}/client.pem" for file in stand.job.files)
    commands = []
    if spoken_by(setup.agent).serve is None:
        client = ["--cert", f"{own}/client.pem", "--key", f"{own}/client.key"]
        commands.append(_curl(setup, stand.port, own, client if has_client else []))
    if not isinstance(setup.peer.behaviour, Cleartext):
        client = ["-cert", f"{own}/client.pem", "-cert_chain", f"{own}/client.pem"]
        client += ["-key", f"{own}/client.key"]
        commands.append(_openssl(setup, stand.port, own, client if has_client else []))
    return commands


def _openssl(setup: Setup, port: int, own: str, client: list[str]) -> str:
    name = setup.agent.name
    checks = ["-servername", name, "-verify_hostname", name]
    if is_address(name):
        checks = ["-verify_ip", name]
    words = ["openssl", "s_client", "-connect", f"{LOOPBACK}:{port}", *checks]
    if ("mode", "dtls") in setup.agent.properties:
        words.append("-dtls")
    return shlex.join([*words, "-CAfile", f"{own}/root.pem", "-verify_return_error", *client])


def _curl(setup: Setup, port: int, own: str, client: list[str]) -> str:
    name, plain = setup.agent.name, isinstance(setup.collector.behaviour, Cleartext)
    words = ["curl", "--verbose"]
    if not plain:
        words += ["--cacert", f"{own}/root.pem", *client]
    if not is_address(name):
        words += ["--resolve", f"{name}:{port}:{LOOPBACK}"]
    words += ["--json", '{"message":"by hand"}', f"{'http' if plain else 'https'}://{name}:{port}/"]
    return shlex.join(words)
