"""A bundle on a real Fluent Bit: packed, carried elsewhere, played again, and no secret in it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path

import pytest
from shipper_servers import PKI
from test_command import AGENT, COMMAND, REAL, assert_one_clear_error, command
from test_reproduce import standing
from test_reproduce_log import CASES, log_of

from flb_handshake.agent.ports import Ports
from flb_handshake.agent.process import find_binary
from flb_handshake.bundles.pages import PEERS_IMAGE
from flb_handshake.certificates import CLIENT, HEALTHY, ROOT, expired, named

DOCKER = shutil.which("docker") or "/nowhere/docker"
IMAGE = "fluent/fluent-bit:5.1.1"
EXPIRED = HEALTHY.but(named("logs.example.com", ips=("127.0.0.1",))).but(expired())
PLANTED = "planted-secret"
FILES = {"README.md", "compose.yaml", "upstream-issue.md", "fluent-bit.conf"} | {
    *("evidence.json", "setup.json", "peer/chain.pem", "peer/chain.key"),
    *("peer/flb-handshake.zip", "peer/requirements.txt"),
}

pytestmark = pytest.mark.skipif(not REAL, reason="no real Fluent Bit as a process here")


def answers(*words):
    """Whether Docker does this here."""
    return (
        Path(DOCKER).exists()
        and not subprocess.run([DOCKER, *words], capture_output=True, check=False).returncode
    )


def configured(place, *extra, plugin="http", host="127.0.0.1"):
    (place / "ca.pem").write_bytes(PKI.pem(ROOT))
    (place / "own.pem").write_bytes(PKI.pem(CLIENT))
    (place / "own.key").write_bytes(PKI.key_pem(CLIENT, f"{PLANTED}-passphrase"))
    lines = (
        *("[INPUT]", "    Name dummy", "[OUTPUT]", f"    Name {plugin}", "    Match *"),
        *("    Alias main", f"    Host {host}", "    tls on", "    tls.ca_file ca.pem"),
        *(f"    {one}" for one in extra),
    )
    path = place / "fluent-bit.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def packed(place, *options, **settings):
    """The bundle of a reproduction, elsewhere than it was made; what was told of it."""
    home = place / "home"
    home.mkdir()
    made = home / "bundle.zip"
    config = configured(home, *settings.pop("extra", ()), **settings.pop("of", {}))
    saved = home / "chain.pem"
    saved.write_bytes(PKI.pem(*EXPIRED.sent))
    given = options or ("--chain", saved)
    agent = ("--agent", AGENT, "--bundle", made)
    done = command("reproduce", "--config", config, *given, *agent, **settings)
    assert made.exists(), done.stdout + done.stderr
    elsewhere = place / "elsewhere" / "their.zip"
    elsewhere.parent.mkdir()
    shutil.move(made, elsewhere)
    shutil.rmtree(home)
    return elsewhere, done


def replayed(path, *options):
    done = command("replay", path, "--agent", AGENT, *options)
    return done.returncode, done.stdout, done


def test_a_saved_chain_comes_to_the_same_elsewhere(tmp_path):
    path, done = packed(tmp_path)
    assert done.returncode == 1
    with zipfile.ZipFile(path) as held:
        assert set(held.namelist()) >= FILES
    code, said, done = replayed(path)
    assert (code, said.splitlines()[-1]) == (0, "the same came of it"), done.stderr
    assert said.count("REFUSED_BY_AGENT with certificate_expired from the agent") == 2


def test_a_real_server_comes_to_the_same_when_it_is_gone(tmp_path):
    with standing(chain=EXPIRED) as port:
        path, _ = packed(tmp_path, "--server", f"127.0.0.1:{port}")
    code, said, _ = replayed(path)
    assert (code, said.splitlines()[-1]) == (0, "the same came of it")


@pytest.mark.parametrize("release", ["1.9.10", "5.1.1"])
def test_a_log_is_played_again_on_the_release_that_wrote_it(tmp_path, release):
    if not find_binary(release):
        pytest.skip(f"no real Fluent Bit {release} as a process here")
    log = log_of(release, CASES["another CA"][0], tmp_path)
    path, done = packed(tmp_path, "--log", log)
    assert done.returncode == 0, done.stdout
    code, said, _ = replayed(path)
    assert (code, said.splitlines()[-1]) == (0, "the same came of it"), said
    assert said.count(f"(Fluent Bit {release})") == 2


def test_a_release_that_says_otherwise_is_not_the_same(tmp_path):
    """1.9.10 says nothing of what 5.1.1 says when a certificate has expired."""
    if not find_binary("1.9.10"):
        pytest.skip("no real Fluent Bit 1.9.10 as a process here")
    path, _ = packed(tmp_path)
    code, said, _ = replayed(path, "--fluent-bit", "1.9.10")
    assert (code, said.splitlines()[-1]) == (1, "it is not the same here")
    assert "not said here" in said


def repacked(path, name, change):
    with zipfile.ZipFile(path) as held:
        members = {one: held.read(one) for one in held.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w") as made:
        for one, content in members.items():
            made.writestr(one, content)


def test_another_outcome_is_told(tmp_path):
    """Catches a replay that looks at the bundle alone: what is played is no longer wrong."""
    path, _ = packed(tmp_path)

    def mended(raw):
        stored = json.loads(raw)
        return json.dumps({**stored, "setup": stored["healthy"]}).encode()

    repacked(path, "setup.json", mended)
    code, said, _ = replayed(path)
    assert code == 1
    assert "outcome    REFUSED_BY_AGENT | here: DELIVERED" in said


@pytest.mark.parametrize("version", ["/nowhere/fluent-bit", "elsewhere/image:1.0.0", "--help"])
def test_a_bundle_cannot_name_the_binary_that_is_run(tmp_path, version):
    path, _ = packed(tmp_path)

    def renamed(raw):
        stored = json.loads(raw)
        stored["evidence"]["agent"]["version"] = version
        return json.dumps(stored).encode()

    repacked(path, "evidence.json", renamed)
    assert_one_clear_error(command("replay", path), 2, "is no release")


def test_the_issue_says_what_was_done_and_what_came_of_it(tmp_path):
    path, _ = packed(tmp_path, extra=("http_passwd planted-secret",))
    with zipfile.ZipFile(path) as held:
        text = held.read("upstream-issue.md").decode()
        (tmp_path / "evidence.json").write_bytes(held.read("evidence.json"))
    for word in ("**Version**: Fluent Bit 5.1.1", "**Configuration**", "**Steps**", "tls.ca_file"):
        assert word in text
    expected, actual = text.split("**Expected**")[1].split("**Actual**")
    assert "DELIVERED" in expected
    assert "REFUSED_BY_AGENT with certificate_expired from the agent" in actual
    assert "Values of these are stand-ins: http_passwd" in text
    judged = command("judge", tmp_path / "evidence.json")
    assert "certificate_expired" in judged.stdout, judged.stderr


SECRETS = {
    "http": ("http_user {0}-user", "http_passwd {0}-1", "header Authorization Bearer {0}-2"),
    "splunk": ("splunk_token {0}-1",),
    "forward": ("shared_key {0}-1", "self_hostname here", "username {0}-u", "password {0}-2"),
    "datadog": ("apikey {0}-1",),
    "loki": ("http_user ${{VARIED}}", "http_passwd {0}-1", "labels job=${{VARIED}}"),
}
OWN = ("tls.crt_file own.pem", "tls.key_file own.key", f"tls.key_passwd {PLANTED}-passphrase")


@pytest.mark.parametrize("plugin", SECRETS)
def test_no_planted_secret_is_in_any_member(tmp_path, plugin):
    """In clear, in base64 at any offset, or as a key: of the members and of what was printed."""
    key = PKI.key_pem(CLIENT, f"{PLANTED}-passphrase")
    extra = (*(one.format(PLANTED) for one in SECRETS[plugin]), *OWN)
    path, done = packed(
        tmp_path, extra=extra, of={"plugin": plugin}, VARIED=f"{PLANTED}-of-a-variable"
    )
    encoded = [base64.b64encode(b"x" * n + PLANTED.encode())[4:-4] for n in range(3)]
    with zipfile.ZipFile(path) as held:
        every = {one: held.read(one) for one in held.namelist()}
    every["what was printed"] = (done.stdout + done.stderr).encode()
    for name, content in every.items():
        for secret in (PLANTED.encode(), *encoded, *key.splitlines()[1:-1]):
            assert secret not in content, (name, secret)
        if name not in {"peer/chain.key", "certs/key.key"}:
            assert b"PRIVATE KEY" not in content, name
    assert replayed(path)[0] == 0


def here(folder):
    """The configuration of an unpacked bundle, for this machine; and the port that it names."""
    ports = Ports()
    port = ports.reserve()
    ports.release()
    config = folder / "fluent-bit.conf"
    text = config.read_text().replace("/bundle/", f"{folder}/").replace(" 40443", f" {port}")
    config.write_text(text)
    return config, port


def test_the_peer_stands_for_a_fluent_bit_of_ones_own(tmp_path):
    """The files of the bundle go together: its Fluent Bit meets its peer and refuses it alike."""
    path, _ = packed(tmp_path)
    folder = tmp_path / "folder"
    with zipfile.ZipFile(path) as held:
        held.extractall(folder)
    config, port = here(folder)
    with Served(folder, port) as peer:
        said = until(running(config), "certificate expired")
        assert "certificate expired" in said, said
        peer.send_signal(signal.SIGTERM)
        told, wrong = peer.communicate(timeout=20)
    assert "certificate_expired" in told, told + wrong
    assert peer.returncode == 0


@pytest.mark.skipif(
    not answers("image", "inspect", IMAGE),
    reason=f"no Docker with {IMAGE} here",
)
def test_the_official_image_takes_the_folder_as_compose_mounts_it(tmp_path):
    path, _ = packed(tmp_path)
    folder = tmp_path / "folder"
    with zipfile.ZipFile(path) as held:
        held.extractall(folder)
    name = f"flb-handshake-bundle-{os.getpid()}"
    ours = [DOCKER, "run", "--rm", "--name", name, "--network", "host", "-v"]
    entry = ["--entrypoint", "/fluent-bit/bin/fluent-bit", IMAGE, "-c", "/bundle/fluent-bit.conf"]
    with Served(folder, 40443) as peer:
        try:
            said = until([*ours, f"{folder}:/bundle:ro", *entry], "certificate expired")
        finally:
            subprocess.run([DOCKER, "rm", "-f", name], capture_output=True, check=False)
        peer.terminate()
    assert "certificate expired" in said, said


def compose():
    """How Docker Compose is called here, as a plugin or as a program of its own; empty: not."""
    alone = shutil.which("docker-compose")
    return [DOCKER, "compose"] if answers("compose", "version") else [alone] if alone else []


@pytest.mark.skipif(not compose(), reason="no Docker Compose here")
@pytest.mark.skipif(
    not (answers("image", "inspect", IMAGE) and answers("image", "inspect", PEERS_IMAGE)),
    reason=f"no Docker with {IMAGE} and {PEERS_IMAGE} here: the Compose file is not run",
)
def test_compose_up_is_all_that_it_takes(tmp_path):
    """Catches a peer that cannot be installed, and a probe that is told as a connection."""
    path, _ = packed(tmp_path)
    folder = tmp_path / "folder"
    with zipfile.ZipFile(path) as held:
        held.extractall(folder)
    called = [*compose(), "-p", f"flb-handshake-{os.getpid()}", "-f", str(folder / "compose.yaml")]
    try:
        said = until([*called, "up"], "alert received")
    finally:
        down = subprocess.run([*called, "down", "-t", "0"], capture_output=True, check=False)
    assert "bundled   REFUSED_BY_AGENT with certificate_expired" in said, said
    assert "#1  alert received: fatal certificate_expired" in said, said
    assert down.returncode == 0, down.stderr


class Served:
    """The peer of a bundle, standing."""

    def __init__(self, folder: Path, port: int) -> None:
        self._command = [*COMMAND, "replay", str(folder), "--serve", "--port", str(port)]

    def __enter__(self):
        self.peer = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert "bundled   REFUSED_BY_AGENT" in self.peer.stdout.readline()
        assert "the peer stands on" in self.peer.stdout.readline()
        return self.peer

    def __exit__(self, *_):
        self.peer.kill()
        self.peer.communicate()


def running(config):
    return [str(REAL), "-c", str(config)]


def until(arguments, word):
    """What it says until it says this, or ends; then it is ended."""
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = ""
        for line in process.stdout:
            said += line
            if word in line:
                break
        process.kill()
    return said


@pytest.mark.parametrize("name", ["there.zip", "bundle.tar", "nowhere/bundle.zip"])
def test_a_bundle_that_cannot_be_written_is_said_at_once(tmp_path, name):
    (tmp_path / "there.zip").write_bytes(b"")
    config = configured(tmp_path)
    path = tmp_path / name
    done = command("reproduce", "--config", config, "--chain", "/nowhere/x", "--bundle", path)
    assert_one_clear_error(done, 2, f"--bundle {path}")


@pytest.mark.skipif(not Path("/proc/sys").is_dir(), reason="no directory here that takes no file")
def test_a_place_that_takes_no_file_is_said_before_anything_is_played(tmp_path):
    config = configured(tmp_path)
    given = ("--chain", "/nowhere/x", "--bundle", "/proc/sys/bundle.zip")
    done = command("reproduce", "--config", config, *given)
    assert_one_clear_error(done, 2, "--bundle /proc/sys/bundle.zip")
    assert "/nowhere/x" not in done.stderr


def test_what_is_no_bundle_is_one_clear_line(tmp_path):
    junk = tmp_path / "x.zip"
    junk.write_bytes(b"\x00\xff" * 100)
    assert_one_clear_error(command("replay", junk), 2, "is not a bundle")
    assert_one_clear_error(command("replay", tmp_path / "no.zip"), 2, "is not a bundle")
    with zipfile.ZipFile(junk, "w") as made:
        made.writestr("setup.json", '{"schema": 1}')
    assert_one_clear_error(command("replay", junk), 2, "x.zip is not a bundle", "is not in it")


def test_nothing_of_the_harness_is_told_of_the_machine(tmp_path):
    """Catches a member that names a place of this machine which only the user would know."""
    path, _ = packed(tmp_path)
    with zipfile.ZipFile(path) as held:
        for name in held.namelist():
            assert str(tmp_path).encode() not in held.read(name), name
