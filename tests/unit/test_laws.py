"""The laws of the house, each broken on purpose once and seen to be caught."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import flb_handshake

PACKAGE = Path(flb_handshake.__file__).parent

# Each room, and the rooms that it may import from; the reference program stands alone.
ROOMS = {
    "errors": set(),
    "certificates": set(),
    "der": set(),
    "behaviours": set(),
    "outcomes": set(),
    "reported": set(),
    "expectations": {"outcomes"},
    "model": {"behaviours", "certificates", "expectations", "outcomes", "reported"},
    "declare": {"behaviours", "certificates", "expectations", "model", "outcomes", "reported"},
    "pki": {"certificates", "der", "errors"},
    "ca_files": {"certificates", "model"},
    "dials": set(),
    "hosts": set(),
    "settings": {"ca_files", "dials", "model"},
    "peer": {"behaviours", "certificates", "errors", "model", "pki"},
    "trust": {"hosts"},
    "evidence": {"errors", "peer"},
    "agent": {"errors", "model"},
    "placing": {"agent", "certificates", "der", "model", "pki", "settings"},
    "facts": {"ca_files", "evidence", "model", "pki", "placing", "settings"},
    "judge": {"agent", "evidence", "model", "outcomes", "peer", "trust"},
    "flaws": {"hosts", "trust"},
    "remedies": set(),
    "suspects": {"outcomes"},
    "dossier": {"agent", "evidence", "flaws", "judge", "model", "peer", "trust"},
    "wording": {"hosts", "dossier", "flaws", "model", "peer", "remedies", "settings", "trust"},
    "explain": {
        "hosts",
        "dossier",
        "evidence",
        "flaws",
        "judge",
        "model",
        "outcomes",
        "peer",
        "remedies",
        "suspects",
        "trust",
        "wording",
    },
    "verdict": {"evidence", "expectations", "judge", "outcomes"},
    "objections": {"behaviours", "model", "peer", "settings"},
    "catalogue": {
        "declare",
        "errors",
        "expectations",
        "model",
        "objections",
        "outcomes",
        "peer",
        "releases",
        "reported",
    },
    "planning": {"hosts", "agent", "behaviours", "certificates", "model", "settings"},
    "staging": {
        "agent",
        "behaviours",
        "dials",
        "evidence",
        "facts",
        "model",
        "peer",
        "pki",
        "placing",
        "planning",
        "settings",
    },
    "releases": {"model", "reported", "settings"},
    "scenes": {"evidence", "peer", "staging"},
    "listening": {"agent", "errors"},
    "deliveries": {"agent", "listening", "scenes", "staging"},
    "shipments": {
        "agent",
        "listening",
        "model",
        "peer",
        "pki",
        "planning",
        "scenes",
        "settings",
        "staging",
    },
    "stepping": {
        "agent",
        "ca_files",
        "errors",
        "facts",
        "listening",
        "model",
        "peer",
        "pki",
        "placing",
        "scenes",
        "settings",
        "shipments",
        "staging",
    },
    "runner": {
        "agent",
        "deliveries",
        "errors",
        "evidence",
        "facts",
        "model",
        "objections",
        "peer",
        "pki",
        "placing",
        "planning",
        "releases",
        "scenes",
        "settings",
        "shipments",
        "staging",
        "stepping",
    },
    "serving": {
        "agent",
        "certificates",
        "errors",
        "model",
        "peer",
        "pki",
        "planning",
        "scenes",
        "settings",
        "staging",
    },
    "results": {"evidence", "explain", "judge", "model", "outcomes", "planning", "verdict"},
    "traps": {"dossier", "evidence", "explain", "model", "outcomes", "results", "wording"},
    "limbo": {
        "certificates",
        "declare",
        "errors",
        "evidence",
        "judge",
        "model",
        "outcomes",
        "peer",
        "planning",
        "releases",
        "verdict",
    },
    "report": {
        "hosts",
        "agent",
        "behaviours",
        "bundles",
        "comparing",
        "concerns",
        "diagnosis",
        "evidence",
        "explain",
        "facts",
        "judge",
        "likeness",
        "limbo",
        "lint",
        "model",
        "outcomes",
        "peer",
        "pki",
        "placing",
        "planning",
        "releases",
        "reported",
        "results",
        "serving",
        "settings",
        "traps",
        "trials",
        "trust",
        "verdict",
    },
    "recorded": {"errors", "evidence", "model", "peer", "results"},
    "comparing": {"agent", "outcomes", "results"},
    "concerns": {"config", "lint", "model", "settings"},
    "pages": {"catalogue", "model", "recorded", "report", "results", "traps"},
    "session": {"agent", "errors", "evidence", "model", "planning", "results", "runner"},
    "one_off": {
        "hosts",
        "agent",
        "certificates",
        "declare",
        "dials",
        "errors",
        "model",
        "peer",
        "trust",
    },
    "config": {"dials", "errors", "model", "settings"},
    "likeness": {"certificates", "errors", "hosts", "model", "peer", "pki", "trust"},
    "commands": {
        "agent",
        "bundles",
        "catalogue",
        "comparing",
        "concerns",
        "config",
        "console",
        "diagnosis",
        "errors",
        "evidence",
        "likeness",
        "lint",
        "model",
        "outcomes",
        "peer",
        "pki",
        "planning",
        "recorded",
        "report",
        "results",
        "serving",
        "session",
        "staging",
        "trials",
    },
    "trials": {
        "hosts",
        "agent",
        "errors",
        "behaviours",
        "ca_files",
        "certificates",
        "config",
        "declare",
        "diagnosis",
        "dials",
        "evidence",
        "explain",
        "likeness",
        "lint",
        "model",
        "outcomes",
        "peer",
        "planning",
        "results",
        "session",
        "settings",
        "trust",
        "verdict",
    },
    "bundles": {
        "agent",
        "behaviours",
        "certificates",
        "config",
        "dials",
        "errors",
        "evidence",
        "explain",
        "lint",
        "model",
        "outcomes",
        "peer",
        "pki",
        "placing",
        "planning",
        "results",
        "session",
        "settings",
        "trials",
        "verdict",
    },
    "console": {"agent", "errors"},
    "lint": {"hosts", "agent", "config", "errors", "model", "releases", "trust"},
    "diagnosis": {"hosts", "agent", "config", "lint", "outcomes", "remedies", "suspects"},
    "cli": {
        "agent",
        "catalogue",
        "commands",
        "console",
        "errors",
        "evidence",
        "limbo",
        "model",
        "one_off",
        "outcomes",
        "planning",
        "report",
        "results",
        "session",
    },
}

# What is right of Evidence and must not know what was expected.
EVIDENCE_ONLY = [
    "dossier",
    "evidence",
    "explain",
    "flaws",
    "judge",
    "remedies",
    "suspects",
    "trust",
    "wording",
]


def imported_modules(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            if node.module == "flb_handshake":
                found |= {f"flb_handshake.{alias.name}" for alias in node.names}
    return found


def wrong_imports(room: str, source: str) -> set[str]:
    used = {
        name.split(".")[1] for name in imported_modules(source) if name.startswith("flb_handshake.")
    }
    return used - ROOMS[room] - {room}


def sources(room: str) -> list[str]:
    """The text of each file of a room, which is a module or a package."""
    single = PACKAGE / f"{room}.py"
    files = [single] if single.exists() else sorted((PACKAGE / room).rglob("*.py"))
    assert files, room
    return [path.read_text() for path in files]


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in {"__init__", "__main__"} and "scenarios" not in parts:
            found.append((parts[0], path))
    return found


@pytest.mark.parametrize(("room", "path"), modules(), ids=lambda value: str(value)[-40:])
def test_imports_run_one_way(room, path):
    assert not wrong_imports(room, path.read_text())


def test_the_rooms_form_no_circle():
    order: list[str] = []
    left = dict(ROOMS)
    while left:
        free = [room for room, wants in left.items() if wants <= set(order)]
        assert free, f"a circle among {sorted(left)}"
        order += free
        for room in free:
            del left[room]


def test_a_judge_that_could_see_the_expectation_is_caught():
    assert wrong_imports("judge", "from flb_handshake.verdict import compare") == {"verdict"}
    assert wrong_imports("evidence", "from flb_handshake import catalogue") == {"catalogue"}


@pytest.mark.parametrize("room", EVIDENCE_ONLY)
def test_what_judges_never_names_an_expectation(room):
    for source in sources(room):
        names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
        names |= {
            alias.name
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not names & {"Expectation", "Does", "Scenario", "Case"}


@pytest.mark.parametrize("room", [*EVIDENCE_ONLY, "verdict"])
def test_right_of_evidence_nothing_is_run_and_no_clock_is_read(room):
    forbidden = {"asyncio", "socket", "subprocess", "time", "docker", "random"}
    for source in sources(room):
        assert not imported_modules(source) & forbidden
        nodes = ast.walk(ast.parse(source))
        calls = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        assert not calls & {"now", "utcnow", "today", "monotonic"}


def test_only_the_wiring_and_the_tests_import_pytest():
    assert not [path for _, path in modules() if "pytest" in imported_modules(path.read_text())]


def test_only_the_docker_agent_imports_docker():
    users = {
        path.relative_to(PACKAGE).as_posix()
        for _, path in modules()
        if any(name.split(".")[0] == "docker" for name in imported_modules(path.read_text()))
    }
    assert users <= {"agent/docker.py"}


def test_the_reference_program_needs_the_standard_library_alone():
    for path in (PACKAGE / "agent" / "reference_program").glob("*.py"):
        outside = {
            name
            for name in imported_modules(path.read_text())
            if name.split(".")[0] in {"flb_handshake", "OpenSSL", "cryptography", "rich", "h11"}
        }
        assert not outside, path


def test_nobody_sleeps():
    for _, path in modules():
        attributes = {
            (node.value.id, node.attr)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        assert not attributes & {("time", "sleep"), ("asyncio", "sleep")}, path
