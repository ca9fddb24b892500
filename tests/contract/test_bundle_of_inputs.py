"""A reproduced input as a bundle: carried elsewhere, played again, and no secret in it."""

from __future__ import annotations

import signal
import subprocess
import zipfile

import pytest
from test_bundle import DOCKER, IMAGE, answers, here
from test_command import AGENT, COMMAND, REAL, command
from test_reproduce_inputs import PAIR, VERIFIED, configured
from test_reproduce_log import ALIAS, said_in

PLANTED = "planted-secret"
FOREIGN = "server_role.plugin[plugin={}-mode=verify_peer-shipper=other_CA]"

pytestmark = pytest.mark.skipif(not REAL, reason="no real Fluent Bit as a process here")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Of an input that speaks syslog and holds secrets; and what was told of it."""
    home = tmp_path_factory.mktemp("home")
    own = ("tls.ca_file ca.pem", *PAIR, f"tls.key_passwd {PLANTED}-1")
    extra = ("Mode tcp", "Parser mine", "source_address_key ${OF_A_VARIABLE}")
    config = configured(home, ("syslog", f"Alias {ALIAS}", "tls on", *VERIFIED, *own, *extra))
    log = home / "field.log"
    lines = said_in("5.1.1", FOREIGN.format("syslog"))
    log.write_text("\n".join(["Fluent Bit v5.1.1", *lines]) + "\n")
    path = home / "bundle.zip"
    given = ("--config", config, "--log", log, "--agent", AGENT, "--bundle", path)
    done = command("reproduce", *given, OF_A_VARIABLE=f"{PLANTED}-2")
    assert done.returncode == 0, done.stdout + done.stderr
    for file in (config, log):
        file.unlink()
    return path, done.stdout + done.stderr


@pytest.fixture
def folder(bundle, tmp_path):
    with zipfile.ZipFile(bundle[0]) as held:
        held.extractall(tmp_path / "folder")
    return tmp_path / "folder"


def test_a_log_of_an_input_comes_to_the_same_elsewhere(bundle):
    done = command("replay", bundle[0], "--agent", AGENT)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the same came of it"), done
    assert done.stdout.count("REFUSED_BY_AGENT with unknown_ca from the agent") == 2


def test_another_client_comes_to_something_else(bundle, tmp_path):
    """Catches a replay that looks at the bundle alone: the shipper is a healthy one now."""
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(bundle[0]) as held, zipfile.ZipFile(path, "w") as made:
        for name in held.namelist():
            content = held.read(name)
            if name == "setup.json":
                content = content.replace(b"Unrelated", b"Handshake").replace(b"impostor", b"")
            made.writestr(name, content)
    done = command("replay", path, "--agent", AGENT)
    assert done.returncode == 1
    assert "outcome    REFUSED_BY_AGENT | here: DELIVERED" in done.stdout


def test_no_secret_of_an_input_is_in_any_member(bundle):
    path, told = bundle
    with zipfile.ZipFile(path) as held:
        every = {name: held.read(name) for name in held.namelist()}
    assert {"parsers.conf", "peer/ca.pem", "certs/crt.pem"} <= set(every)
    assert "other values than yours stand in: source_address_key" in told
    for name, content in {**every, "what was printed": told.encode()}.items():
        assert PLANTED.encode() not in content, name
    text = every["upstream-issue.md"].decode()
    assert 'a TLS client whose chain is "another CA\'s"' in text
    assert "What becomes of the same input before a healthy peer: DELIVERED, 1 record." in text


def test_its_shipper_comes_to_a_fluent_bit_of_ones_own(folder):
    """The files of the bundle go together: its Fluent Bit refuses its peer as it was refused."""
    config, port = here(folder)
    told, said = shipped(folder, port, [str(REAL), "-c", str(config)])
    assert "SSL3 alert write:fatal:unknown CA" in said, said
    assert "unknown_ca" in told, told


@pytest.mark.skipif(not answers("image", "inspect", IMAGE), reason=f"no Docker with {IMAGE} here")
def test_the_official_image_takes_the_folder_of_an_input(folder):
    mounted = [DOCKER, "run", "--rm", "--init", "--network", "host", "-v", f"{folder}:/bundle:ro"]
    entry = ["--entrypoint", "/fluent-bit/bin/fluent-bit", IMAGE, "-c", "/bundle/fluent-bit.conf"]
    _, said = shipped(folder, 40443, [*mounted, *entry])
    assert "SSL3 alert write:fatal:unknown CA" in said, said


def shipped(folder, port, fluent_bit):
    """What the shipper tells of one record, and what this Fluent Bit says until it has judged."""
    serve = [*COMMAND, "replay", str(folder), "--serve", "--port", str(port)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(fluent_bit, **both) as agent, subprocess.Popen(serve, **pipes) as peer:
        try:
            said = heard(agent, "stream processor started")
            assert peer.stdout.readline().startswith("bundled   ")
            assert "a record is shipped to the input on" in peer.stdout.readline()
            peer.stdin.write("\n")
            peer.stdin.flush()
            said += heard(agent, "could not accept new connection")
            told = heard(peer, "unknown_ca")
            peer.send_signal(signal.SIGTERM)
            assert peer.wait(20) == 0
        finally:
            agent.terminate()
            peer.kill()
    return told, said


def heard(process, word):
    """What it says until it says this, or ends."""
    said = ""
    for line in process.stdout:
        said += line
        if word in line:
            break
    return said
