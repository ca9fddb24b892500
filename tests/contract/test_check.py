"""`check` as a CI job runs it: exit codes, forms, and the line that a pull request broke."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from flb_handshake.certificates import CLIENT, ROOT, CertSpec
from flb_handshake.pki import Pki

COMMAND = [sys.executable, "-m", "flb_handshake", "check"]

GOOD = """\
[SERVICE]
    flush 1

[INPUT]
    name dummy

[OUTPUT]
    name http
    match *
    host logs.example.test
    port 443
    tls on
    tls.verify on
    tls.verify_hostname on
    tls.ca_file ca.pem
    tls.crt_file client.pem
    tls.key_file client.key
    http_passwd hunter2-of-http
"""


def lasting(spec: CertSpec) -> CertSpec:
    """The same for a year: what lasts a month is told to expire soon."""
    return replace(spec, not_after=timedelta(days=365))


@pytest.fixture
def repository(tmp_path):
    """What a team keeps: a configuration and the public files that it names."""
    pki = Pki()
    (tmp_path / "ca.pem").write_bytes(pki.pem(lasting(ROOT)))
    (tmp_path / "client.pem").write_bytes(pki.pem(lasting(CLIENT)))
    (tmp_path / "client.key").write_bytes(pki.key_pem(CLIENT))
    (tmp_path / "client.key").chmod(0o600)
    (tmp_path / "fluent-bit.conf").write_text(GOOD)
    return tmp_path


def check(place, *arguments, play=False, **environment):
    """`check`, which only reads unless `play`: what a Fluent Bit does is test_check_played's."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments), *([] if play else ["--no-play"])],
        cwd=place,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def changed(repository, before, after):
    assert before in GOOD
    (repository / "fluent-bit.conf").write_text(GOOD.replace(before, after))


def test_a_pull_request_that_changes_nothing_passes(repository):
    found = check(repository, "fluent-bit.conf")
    assert (found.returncode, found.stdout) == (
        0,
        "nothing found in 1 file for Fluent Bit 5.1.1\n",
    )


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("tls.verify on", "tls.verify off", 13),
        ("tls.ca_file", "tls.ca_flie", 15),
        ("tls on", "tls off", 12),
        ("tls on", "tls verify_peer", 12),
        ("tls.ca_file ca.pem", "tls.ca_file client.pem", 15),
        ("tls.ca_file ca.pem", "tls.ca_file gone.pem", 15),
        ("client.key", "other.key", 17),
    ],
)
def test_a_pull_request_that_breaks_a_line_fails_with_that_line(repository, before, after, line):
    changed(repository, before, after)
    found = check(repository, "fluent-bit.conf")
    assert found.returncode == 1
    assert f"fluent-bit.conf:{line}: error: " in found.stdout
    assert "Traceback" not in found.stderr


def test_every_form_names_the_line_and_none_the_password(repository):
    changed(repository, "tls.verify on", "tls.verify off")
    reports = ("--sarif", "check.sarif", "--junit", "check.xml")
    found = check(repository, "fluent-bit.conf", "--github", *reports)
    assert found.returncode == 1
    assert "::error file=fluent-bit.conf,line=13,title=" in found.stdout
    sarif_text = (repository / "check.sarif").read_text()
    (run,) = json.loads(sarif_text)["runs"]
    lines = {
        one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in run["results"]
    }
    assert 13 in lines
    junit_text = (repository / "check.xml").read_text()
    (suite,) = ET.fromstring(junit_text)  # noqa: S314 # our own
    assert int(suite.get("failures")) == len(run["results"])
    as_json = check(repository, "fluent-bit.conf", "--json")
    assert 13 in {one["line"] for one in json.loads(as_json.stdout)["findings"]}
    for told in (found.stdout, as_json.stdout, sarif_text, junit_text):
        assert "hunter2" not in told


def test_two_releases_are_asked_about_and_what_differs_names_its_own(repository):
    refs = ("--fluent-bit", "5.1.1", "--fluent-bit", "fluent/fluent-bit:3.0.6-debug")
    found = check(repository, "fluent-bit.conf", *refs)
    assert found.returncode == 1
    assert "fluent-bit.conf:14: error: `tls.verify_hostname` came to outputs with 3.1" in (
        found.stdout
    )
    assert "(in 3.0.6)" in found.stdout
    assert found.stdout.endswith("for Fluent Bit 5.1.1, 3.0.6\n")


def test_the_release_can_come_from_the_environment(repository):
    found = check(repository, "fluent-bit.conf", FLB_HANDSHAKE_FLUENT_BIT="3.0.6")
    assert "for Fluent Bit 3.0.6" in found.stdout


def test_yaml_is_read_too(repository):
    (repository / "fluent-bit.yaml").write_text(
        "pipeline:\n"
        "  inputs:\n"
        "    - name: dummy\n"
        "  outputs:\n"
        "    - name: http\n"
        "      match: '*'\n"
        "      tls: on\n"
        "      tls.verify: off\n"
    )
    found = check(repository, "fluent-bit.yaml")
    assert found.returncode == 1
    assert "fluent-bit.yaml:8: error: No certificate is verified" in found.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such.conf",),
        ("fluent-bit.conf", "--github", "--json"),
        ("fluent-bit.conf", "--sarif", "no/such/place.sarif"),
        (),
    ],
)
def test_a_mistake_is_a_line_with_a_hint(repository, arguments):
    found = check(repository, *arguments)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def test_what_is_no_configuration_is_told_and_is_no_crash(repository):
    (repository / "junk.conf").write_bytes(bytes(range(256)) * 40)
    found = check(repository, "junk.conf")
    assert found.returncode in {1, 2}
    assert "Traceback" not in found.stderr


PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text()


def test_every_job_of_the_page_is_yaml():
    jobs = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert len(jobs) == 4
    assert all(isinstance(one, dict) for one in jobs)


def test_every_command_of_the_page_runs_and_fails_where_a_line_is_broken(repository):
    commands = re.findall(r"(?:run: |- |entry: )flb-handshake check(.*)", PAGE)
    assert len(commands) == 4
    (repository / "conf").mkdir()
    for name in ("ca.pem", "client.pem", "client.key", "fluent-bit.conf"):
        (repository / name).rename(repository / "conf" / name)
    broken = GOOD.replace("tls.verify on", "tls.verify off")
    for text, code in ((GOOD, 0), (broken, 1)):
        (repository / "conf" / "fluent-bit.conf").write_text(text)
        for arguments in commands:
            given = arguments.split()
            if "conf/fluent-bit.conf" not in given:
                given.append("conf/fluent-bit.conf")  # pre-commit's own argument
            assert check(repository, *given).returncode == code, (arguments, code)


def test_the_page_names_every_option_and_none_that_does_not_exist(repository):
    shown = check(repository, "--help", COLUMNS="200").stdout
    real = set(re.findall(r"--[a-z-]+", shown)) - {"--help"}
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) == real
