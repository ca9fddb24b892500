"""What lint says stops Fluent Bit is held against a real one: it has to stop by itself."""

from __future__ import annotations

import subprocess

import pytest
from lint_cases import KNOWN
from lint_files import ASKED, write

from flb_handshake.agent.process import find_binary
from flb_handshake.config.reading import Syntax, read_text
from flb_handshake.lint.linting import lint

RELEASES = ("5.1.1", "4.2.8")
STOPS = ("does not start", "it crashes")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write(tmp_path_factory.mktemp("agreement"))


def completed(text, files):
    """With whatever else a process needs, and nothing that could stop it."""
    for name, path in files.items():
        text = text.replace(f"{{{name}}}", str(path))
    other = "[OUTPUT]\n    name null\n    match *\n" if "[INPUT]" in text else ""
    return text + (other or "[INPUT]\n    name dummy\n")


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_said_to_stop_fluent_bit_stops_it(release, files, tmp_path):
    binary = find_binary(release)
    if binary is None:
        pytest.skip(f"no Fluent Bit {release} on this machine")
    running = {}
    for number, (name, known) in enumerate(KNOWN.items()):
        text = completed(known.text, files)
        read = read_text(text, name="a.conf", syntax=Syntax.CLASSIC, environment={})
        found = lint(read, release, ASKED)
        if any(words in one.text for one in found for words in STOPS):
            path = tmp_path / f"{number}.conf"
            path.write_text(text)
            running[name] = subprocess.Popen(
                [binary, "-c", path],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=tmp_path,
            )
    try:
        for name, process in running.items():
            assert process.wait(60) != 0, name
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    assert len(running) > 15
