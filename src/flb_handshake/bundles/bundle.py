"""A bundle: a run and all that is needed to play it elsewhere, as the members of a zip."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from flb_handshake.agent.contract import Capability
from flb_handshake.bundles import archive, pages, program, setups
from flb_handshake.bundles.playing import Run
from flb_handshake.certificates import Chain
from flb_handshake.dials import PARSERS
from flb_handshake.errors import UserMistake
from flb_handshake.evidence import Evidence
from flb_handshake.model import CollectorSpec, Role, Setup
from flb_handshake.pki import Pki
from flb_handshake.placing import Files, system_store
from flb_handshake.planning import needs
from flb_handshake.settings import Part, configuration, files_of, is_parsed

SCHEMA: Final = 1

_RELEASE: Final = re.compile(r"\d{1,3}(\.\d{1,3}){2}")
"""A bundle names a release and nothing else: neither an image nor a binary to be run."""

_CHAIN, _KEY = "peer/chain.pem", "peer/chain.key"
_CA: Final = {Role.OUTPUT: "peer/client-ca.pem", Role.INPUT: "peer/ca.pem"}
"""What the peer judges the agent's certificate by."""


def members(run: Run, name: str, hidden: Sequence[str]) -> dict[str, bytes]:
    """Every file of it by name; `name` is the zip's own. Raises UserMistake for what cannot be."""
    stored = {
        "schema": SCHEMA,
        "setup": setups.to_json(run.setup),
        "healthy": setups.to_json(run.healthy),
    }
    evidence = {"evidence": run.evidence.to_json(), "control": run.control.to_json()}
    pki = Pki()
    config, files = _agents(run.setup, pki)
    store = any(one.startswith("system-certs/") for one in files)
    texts = {
        "README.md": pages.readme(run, name),
        "compose.yaml": pages.compose(run, system_store=store),
        "upstream-issue.md": pages.issue(run, config, hidden),
        "fluent-bit.conf": config,
        "evidence.json": json.dumps(evidence, indent=1) + "\n",
        "setup.json": json.dumps(stored, indent=1) + "\n",
    }
    made = {one: text.encode() for one, text in texts.items()}
    return made | files | _peers(run.setup, pki) | program.members()


def _agents(setup: Setup, pki: Pki) -> tuple[str, dict[str, bytes]]:
    """The configuration with its files where the Compose file puts them, and those files."""
    files = Files(f"{pages.HOME}/certs", pki)
    placed = files.place(files_of(setup))
    part = Part(
        alias="bundle",
        setup=setup,
        address=setup.agent.host,
        port=pages.PORT if setup.role is Role.OUTPUT else pages.SINK,
        tag="bundle",
        listens=pages.PORT if setup.role is Role.INPUT else 0,
    )
    made = {
        f"certs/{one.path}" + ("/" if one.content is None else ""): one.content or b""
        for one in files.files
    }
    if Capability.SYSTEM_STORE in needs(setup):
        held = system_store(pki, [setup.judged.root])
        made |= {f"system-certs/{name}": content for name, content in held.items()}
    parsers = ""
    if is_parsed(setup):
        made["parsers.conf"] = PARSERS.encode()
        parsers = f"{pages.HOME}/parsers.conf"
    return configuration([part], placed, {}, parsers), made


def _peers(setup: Setup, pki: Pki) -> dict[str, bytes]:
    peer = setup.peer
    made: dict[str, bytes] = {}
    if peer.chain is not None:
        made |= {_CHAIN: pki.pem(*_sent(peer.chain)), _KEY: pki.handshake_key(peer.chain)}
    authority = peer.client_ca if isinstance(peer, CollectorSpec) else peer.trusts
    if authority is not None:
        made[_CA[setup.role]] = pki.pem(authority)
    return made


def _sent(chain: Chain) -> Sequence[Any]:
    return chain.sent or (chain.leaf,)


def read(held: Mapping[str, bytes], path: Path) -> Run:
    """The run that is in these members of that file. Raises UserMistake."""
    stored, told = _object(held, "setup.json", path), _object(held, "evidence.json", path)
    if stored.get("schema") != SCHEMA:
        raise UserMistake(
            f"{path} has schema {stored.get('schema')!r:.60}, this version reads {SCHEMA}",
            hint="play it with the flb-handshake that wrote it, if one did",
        )
    try:
        run = Run(
            setup=setups.from_json(stored["setup"]),
            healthy=setups.from_json(stored["healthy"]),
            evidence=Evidence.from_json(told["evidence"]),
            control=Evidence.from_json(told["control"]),
        )
    except KeyError as error:
        raise UserMistake(f"{path} is not a bundle: it lacks {error}", hint=archive.HINT) from error
    except UserMistake as error:
        raise UserMistake(f"{path} is not played: {error}", hint=archive.HINT) from error
    version = run.evidence.agent.version
    if not _RELEASE.fullmatch(version):
        raise UserMistake(
            f"{path} is not a bundle: {version!r:.60} is no release", hint=archive.HINT
        )
    return run


def _object(held: Mapping[str, bytes], name: str, path: Path) -> dict[str, Any]:
    """The object of JSON that a member is. Raises UserMistake."""
    if name not in held:
        raise UserMistake(f"{path} is not a bundle: {name} is not in it", hint=archive.HINT)
    try:
        found = json.loads(held[name])
    except (RecursionError, ValueError) as error:
        raise UserMistake(
            f"{path} is not a bundle: {name} is no JSON: {error}", hint=archive.HINT
        ) from error
    if not isinstance(found, dict):
        raise UserMistake(f"{path} is not a bundle: {name} is no object", hint=archive.HINT)
    return found


def standing(setup: Setup, held: Mapping[str, bytes], path: Path) -> Setup:
    """The setup with a peer that presents the very files of the bundle. Raises UserMistake."""
    try:
        files = None
        if setup.peer.chain is not None:
            files = (held[_CHAIN].decode(), held[_KEY].decode())
        name = _CA[setup.role]
        authority = held[name].decode() if name in held else None
    except KeyError as error:
        raise UserMistake(f"{path} lacks {error}", hint=archive.HINT) from error
    except UnicodeDecodeError as error:
        raise UserMistake(f"{path}: its peer's files are no PEM", hint=archive.HINT) from error
    if setup.role is Role.INPUT:
        return setup.but(files=files, trusts_pem=authority)
    return setup.but(files=files, client_ca_pem=authority)


def is_zip_name(name: str) -> bool:
    """Whether a file of this name is one that people take for a zip."""
    return PurePosixPath(name).suffix.lower() == ".zip"
