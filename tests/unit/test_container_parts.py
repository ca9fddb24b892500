"""What the docker agent is made of, as far as it needs no daemon."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import tarfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flb_handshake.agent import pulling, reach
from flb_handshake.agent.contract import Job, PlacedFile
from flb_handshake.agent.image import binary_of, image_name, versions_of
from flb_handshake.agent.ownership import Owner
from flb_handshake.agent.parcel import Holder, Parcel
from flb_handshake.errors import AgentUnavailable


@pytest.mark.parametrize(
    ("ref", "image"),
    [
        ("5.1.1", "fluent/fluent-bit:5.1.1"),
        ("v5.1.1", "fluent/fluent-bit:5.1.1"),
        ("4.2", "fluent/fluent-bit:4.2"),
        ("5.1.1-debug", "fluent/fluent-bit:5.1.1-debug"),
        ("my/fluent-bit:5.1.1", "my/fluent-bit:5.1.1"),
        ("fluent/fluent-bit", "fluent/fluent-bit"),
        ("sha256:0a1b", "sha256:0a1b"),
    ],
)
def test_a_version_is_a_tag_of_the_official_image(ref, image):
    assert image_name(ref) == image


@pytest.mark.parametrize(
    ("config", "binary"),
    [
        ({"Entrypoint": ["/fluent-bit/bin/fluent-bit"]}, "/fluent-bit/bin/fluent-bit"),
        ({"Entrypoint": None, "Cmd": ["/opt/x/fluent-bit", "-c", "f"]}, "/opt/x/fluent-bit"),
        ({"Entrypoint": ["/init", "--"], "Cmd": ["fluent-bit"]}, "fluent-bit"),
        ({"Entrypoint": ["/entrypoint.sh"]}, "/fluent-bit/bin/fluent-bit"),
        ({}, "/fluent-bit/bin/fluent-bit"),
    ],
)
def test_the_binary_is_what_the_image_starts_or_where_the_official_one_has_it(config, binary):
    assert binary_of(config) == binary


def test_the_versions_are_what_binary_and_library_say():
    listed = b"\tlibcrypto.so.3 => /usr/lib/libcrypto.so.3 (0x7f)\n"
    files = {"/usr/lib/libcrypto.so.3": b"\0OpenSSL 3.0.22 25 Aug 2026\0"}

    def say(environment):
        return listed if environment else b"Fluent Bit v5.1.1\nGit commit: 1\n"

    found = versions_of("i", "/fb", say, files.__getitem__)
    assert found == ("5.1.1", "OpenSSL 3.0.22 25 Aug 2026")


def test_a_library_inside_the_binary_is_found_there():
    files = {"/fb": b"..OpenSSL 1.1.1k  25 Mar 2021.."}
    found = versions_of("i", "/fb", lambda _: b"Fluent Bit v1.9.10\n", files.__getitem__)
    assert found == ("1.9.10", "OpenSSL 1.1.1k 25 Mar 2021")


@pytest.mark.parametrize("said", [b"", b"nginx/1.22\n", b"\xff\xfe"])
def test_what_does_not_say_it_is_fluent_bit_is_none(said):
    with pytest.raises(AgentUnavailable, match="i is not an image of Fluent Bit") as raised:
        versions_of("i", "/fb", lambda _: said, lambda _: b"")
    assert raised.value.hint


def test_an_owner_survives_being_written_down():
    me = Owner.me()
    assert Owner.parse(str(me)) == me
    assert not me.is_gone()


@given(st.text())
def test_no_label_crashes_the_search_for_owners(text):
    owner = Owner.parse(text)
    assert owner is None or not owner.is_gone()


def test_a_zombie_is_gone():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert replace(Owner.me(), pid=ended.pid, started=Owner.of(ended.pid).started).is_gone()
        assert Owner.of(ended.pid).started == ""


def unpacked(parcel):
    with tarfile.open(fileobj=io.BytesIO(parcel.sealed())) as archive:
        return [(one.name, one.isdir(), one.mode, one.uid, one.gid) for one in archive.getmembers()]


def test_every_directory_is_in_the_archive_before_what_it_holds():
    parcel = Parcel(Holder(uid=7, gid=8))
    files = (
        PlacedFile(path="a/b/c.key", content=b"1"),
        PlacedFile(path="a/d", content=None),
        PlacedFile(path="e.pem", content=b"2", mode=0),
    )
    parcel.add_job("/root/job", Job(name="job", config="", files=files))
    assert unpacked(parcel) == [
        ("root", True, 0o700, 7, 8),
        ("root/job", True, 0o700, 7, 8),
        ("root/job/fluent-bit.conf", False, 0o600, 7, 8),
        ("root/job/a", True, 0o700, 7, 8),
        ("root/job/a/b", True, 0o700, 7, 8),
        ("root/job/a/b/c.key", False, 0o600, 7, 8),
        ("root/job/a/d", True, 0o700, 7, 8),
        ("root/job/e.pem", False, 0, 7, 8),
    ]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_than_on_linux_a_peer_is_reached_through_the_gateway(monkeypatch, system):
    monkeypatch.setattr(reach.sys, "platform", system)
    way = reach.reach("unix:///var/run/docker.sock", {"OperatingSystem": "Debian"})
    assert (way.dials, way.network) == ("host.docker.internal", "bridge")
    assert way.extra_hosts(["a.example"]) == {
        "host.docker.internal": "host-gateway",
        "a.example": "host-gateway",
        "a.example.": "host-gateway",
    }


def test_docker_desktop_has_a_machine_of_its_own_on_linux_too(monkeypatch):
    monkeypatch.setattr(reach.sys, "platform", "linux")
    way = reach.reach("unix:///home/u/docker.sock", {"OperatingSystem": "Docker Desktop"})
    assert way.dials == "host.docker.internal"


@pytest.mark.parametrize("daemon", ["unix:///var/run/docker.sock", "", "tcp://127.0.0.1:2375"])
def test_on_linux_a_peer_of_this_machine_is_on_loopback(monkeypatch, daemon):
    monkeypatch.setattr(reach.sys, "platform", "linux")
    way = reach.reach(daemon, {"OperatingSystem": "Debian"})
    assert (way.dials, way.binds, way.network) == ("127.0.0.1", "127.0.0.1", "host")
    assert way.extra_hosts(["a.example"]) == {"a.example": "127.0.0.1", "a.example.": "127.0.0.1"}


@pytest.mark.parametrize(("version", "lacks"), [("1.40", True), ("1.41", False), ("1.100", False)])
def test_names_behind_a_gateway_take_a_daemon_that_knows_its_host(version, lacks):
    reason = reach.lacks_names(reach.through_gateway(), version)
    assert (reason is not None) == lacks
    assert reason is None or version in reason


def line(status, layer="1", **detail):
    return {"status": status, "id": layer, "progressDetail": detail}


def watched(lines, *, patience=20.0, step=1.0):
    """What a terminal shows of a pull whose lines come so many seconds apart."""
    shown = Console(file=io.StringIO(), width=100)
    clock = itertools.count(0.0, step)
    pulling.watch(
        lines, image="an/image:1", patience=patience, console=shown, clock=lambda: next(clock)
    )
    return shown.file.getvalue()


def test_a_pull_shows_how_much_has_come():
    shown = watched(
        [
            line("Pulling fs layer"),
            line("Downloading", current=500_000, total=2_000_000),
            line("Downloading", layer="2", current=1_000_000, total=1_000_000),
            line("Download complete"),
            line("Extracting", current=1, total=2),
            line("Pull complete"),
            {"status": "Status: Downloaded newer image for an/image:1"},
        ]
    )
    assert "an/image:1" in shown
    assert "3.0/3.0 MB" in shown


@pytest.mark.parametrize(
    "lines",
    [
        [line("Retrying in 5 seconds"), line("Retrying in 4 seconds")] * 30,
        [line("Waiting")] * 50,
        [line("Downloading", current=7, total=9)] * 50,
    ],
)
def test_lines_without_progress_are_no_progress(lines):
    with pytest.raises(pulling.PullStalled):
        watched(lines)


def test_slow_progress_is_progress():
    assert watched([line("Downloading", current=n, total=99) for n in range(1, 99)], step=15.0)


def test_what_the_daemon_says_against_a_pull_is_passed_on():
    with pytest.raises(pulling.PullRefused, match="manifest unknown"):
        watched([{"error": "manifest unknown\n"}])
