"""A bundle reads back as it was, tells no secret, and makes no machine do anything else."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flb_handshake.bundles import archive, bundle, program, setups
from flb_handshake.bundles.hushing import hushed
from flb_handshake.certificates import HEALTHY, At, named, path_length
from flb_handshake.config.reading import read
from flb_handshake.config.words import Kind
from flb_handshake.errors import UserMistake
from flb_handshake.model import CAFile, File, FileForm
from flb_handshake.pki import Pki
from flb_handshake.placing import content
from flb_handshake.settings import Part, Placed, configuration, files_of
from flb_handshake.trials.stand_ins import StandIn, stand_ins
from flb_handshake.trials.suspicions import playable, suspected

PLANTED = "planted-secret"


def section(tmp_path, plugin, *extra, kind=Kind.OUTPUT):
    match = ("    Match *",) if kind is Kind.OUTPUT else ()
    lines = (f"[{kind.upper()}]", f"    Name {plugin}", *match, "    tls on")
    path = tmp_path / "fluent-bit.conf"
    path.write_text("\n".join((*lines, *(f"    {one}" for one in extra))) + "\n")
    (found,) = read(path).of(kind)
    return found


def stood(tmp_path, plugin="http", *extra, kind=Kind.OUTPUT):
    (made,) = stand_ins(section(tmp_path, plugin, *extra, kind=kind), {})
    assert isinstance(made, StandIn), made.reason
    return made


def test_the_key_of_a_record_is_hidden_where_a_variable_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("KEY", "planted_key")
    found = section(tmp_path, "gelf", "gelf_short_message_key ${KEY}")
    quiet = hushed(stand_ins(found, {})[0].healthy, found).setup
    assert "planted_key" not in json.dumps(setups.to_json(quiet))


def rendered(setup):
    paths = {file: f"/bundle/{number}" for number, file in enumerate(files_of(setup))}
    part = Part(alias="bundle", setup=setup, address=setup.agent.host, port=1, tag="bundle")
    return configuration([part], Placed(paths=paths), {})


OUTPUTS = {
    "http": ("Host logs.example.com", "tls.ca_file /nowhere/ca.pem", "URI /x"),
    "http with a certificate": ("tls.crt_file a.pem", "tls.key_file a.key", "tls.key_passwd x"),
    "http with a directory": ("tls.ca_path /nowhere",),
    "http of the system": ("tls.verify_hostname on",),
    "http of a record of its own": ("log_key another",),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_played_for_any_cause_reads_back_as_it_was(tmp_path, name):
    """Catches a field that is not stored, and a type that is not read as it was."""
    made = stood(tmp_path, "http", *OUTPUTS[name])
    for setup in (made.healthy, *(one for word in playable(made) for one in suspected(word, made))):
        assert setups.from_json(json.loads(json.dumps(setups.to_json(setup)))) == setup


INPUTS = {
    "http": ("tls.ca_file ca.pem", "tls.crt_file a.pem", "tls.key_file a.key", "tls.verify off"),
    "forward": ("Shared_Key x", "tls.crt_file a.pem", "tls.key_file a.key", "tls.key_passwd x"),
    "syslog": ("Mode tcp", "Parser mine"),
}


@pytest.mark.parametrize("plugin", INPUTS)
def test_what_is_played_for_an_input_reads_back_as_it_was(tmp_path, plugin):
    made = stood(tmp_path, plugin, *INPUTS[plugin], kind=Kind.INPUT)
    every = [one for word in playable(made) for one in suspected(word, made)]
    assert len(set(every)) > 20
    for setup in (made.healthy, *every):
        assert setups.from_json(json.loads(json.dumps(setups.to_json(setup)))) == setup


def test_certificates_of_any_shape_read_back_as_they_were(tmp_path):
    chain = HEALTHY.but(path_length(0), at=At.INTERMEDIATE).but(named("a.test", ips=("::1",)))
    setup = stood(tmp_path).healthy.but(chain=chain, ca=CAFile.GARBAGE, alpn=("h2",))
    again = setups.from_json(json.loads(json.dumps(setups.to_json(setup))))
    assert again == setup
    text = File(form=FileForm.TEXT, text="two\nlines\n", stem="ca")
    again = setups.from_json(setups.to_json(setup.but(ca=text)))
    assert content(Pki(), again.agent.ca) == b"two\nlines\n"


SECRETS = {
    "http": (f"http_user {PLANTED}-1", f"http_passwd {PLANTED}-2", f"header X-Key {PLANTED}-3"),
    "splunk": (f"splunk_token {PLANTED}-1",),
    "forward": (f"shared_key {PLANTED}-1", f"username {PLANTED}-2", f"password {PLANTED}-3"),
    "datadog": (f"apikey {PLANTED}-1",),
    "loki": (f"bearer_token {PLANTED}-1", f"tenant_id ${{{PLANTED}}}"),
    "es": (f"cloud_auth elastic:{PLANTED}-1", f"http_api_key {PLANTED}-2"),
    "azure": (f"shared_key {PLANTED}-1",),
    "slack": (f"webhook https://hooks.example.com/services/{PLANTED}-1",),
    "nrlogs": (f"base_uri https://l.example.com/v1?k={PLANTED}-1", f"license_key {PLANTED}-2"),
}


@pytest.mark.parametrize("plugin", SECRETS)
def test_no_planted_secret_is_in_the_setup_that_is_played(tmp_path, monkeypatch, plugin):
    """Catches a property whose value is taken for harmless, and one encoded on its way."""
    monkeypatch.setenv(PLANTED, f"{PLANTED}-of-a-variable")
    monkeypatch.setenv("THERE", f"{PLANTED}-host")
    found = section(tmp_path, plugin, *SECRETS[plugin], f"uri /x?sig={PLANTED}-8", "Host ${THERE}")
    healthy = stand_ins(found, {})[0].healthy
    assert PLANTED in rendered(healthy), "the test plants nothing"
    quiet = hushed(healthy, found)
    told = json.dumps(setups.to_json(quiet.setup)) + rendered(quiet.setup)
    assert PLANTED not in told
    assert base64.b64encode(PLANTED.encode()).decode()[:-4] not in told
    dialled = {"slack": "webhook", "nrlogs": "base_uri"}.get(plugin, "host")
    assert dialled in quiet.hidden


def test_no_planted_secret_of_an_input_is_in_the_setup_that_is_played(tmp_path, monkeypatch):
    monkeypatch.setenv("OF_A_VARIABLE", f"{PLANTED}-0")
    secrets = (
        f"shared_key {PLANTED}-1",
        f"splunk_token {PLANTED}-2",
        f"tls.key_passwd {PLANTED}-3",
    )
    own = ("tls.key_file a.key", "tls.crt_file a.pem", "version ${OF_A_VARIABLE}")
    found = section(tmp_path, "http", *secrets, *own, kind=Kind.INPUT)
    healthy = stand_ins(found, {})[0].healthy
    quiet = hushed(healthy, found)
    assert PLANTED in json.dumps(setups.to_json(healthy)), "the test plants nothing"
    assert PLANTED not in json.dumps(setups.to_json(quiet.setup))
    assert quiet.hidden == ("version",)


def test_names_stay_one_name_wherever_they_stand(tmp_path, monkeypatch):
    """A host from a variable is another one in the certificate too, or nothing would verify."""
    monkeypatch.setenv("THERE", "logs.internal.example")
    found = section(tmp_path, "http", "Host ${THERE}", "tls.ca_file /nowhere/ca.pem")
    made = hushed(stand_ins(found, {})[0].healthy, found).setup
    assert made.agent.host in made.collector.chain.leaf.dns
    assert "internal" not in json.dumps(setups.to_json(made))


def test_what_tls_is_told_stays(tmp_path, monkeypatch):
    """Catches a run that is another one since a switch of TLS was taken for a secret."""
    monkeypatch.setenv("AT_MOST", "TLSv1.2")
    found = section(tmp_path, "http", "tls.max_version ${AT_MOST}", "format json_lines")
    made = hushed(stand_ins(found, {})[0].healthy, found).setup
    assert dict(made.agent.properties)["tls.max_version"] == "TLSv1.2"


def test_what_looks_like_a_token_goes_whatever_it_is_called(tmp_path):
    """The path of a webhook is all that keeps others out."""
    token = "T0a1b2c3d4e5f6g7h8i9j0"
    found = section(tmp_path, "http", f"uri /services/{token}/v1", f"header_tag x-{token}")
    made = hushed(stand_ins(found, {})[0].healthy, found)
    assert token not in rendered(made.setup)
    assert dict(made.setup.agent.properties)["URI"].startswith("/services/hidden-")


def test_a_header_keeps_its_number_of_words(tmp_path):
    """One word alone keeps Fluent Bit from starting (5.1.1)."""
    found = section(tmp_path, "http", "header Authorization Bearer abc")
    made = hushed(stand_ins(found, {})[0].healthy, found).setup
    assert dict(made.agent.properties)["header"].split() == ["hidden-1", "hidden-2", "hidden-3"]


def changed(stored, side, name, value):
    return {**stored, side: {**stored[side], name: value}}


HOSTILE = {
    "a whole configuration": ("agent", "config", "[INPUT]\n    Name exec\n"),
    "variables": ("agent", "environment", [["LD_PRELOAD", "/x"]]),
    "a plugin that writes files": ("agent", "plugin", "file"),
    "another host": ("agent", "host", "10.0.0.1"),
    "a host with a section": ("agent", "host", "a\n[INPUT]"),
    "a value with a section": ("agent", "properties", [["uri", "/\n[INPUT]\n    Name exec"]]),
    "a name with a section": ("agent", "properties", [["uri /\n[INPUT]", "x"]]),
    "a host among the properties": ("agent", "properties", [["HOST", "10.0.0.1"]]),
    "a socket of this machine": ("agent", "properties", [["unix_path", "/run/x.sock"]]),
    "a proxy": ("agent", "properties", [["proxy", "http://10.0.0.1"]]),
    "an input that runs something": ("agent", "input_properties", [["Command", "id"]]),
    "an include": ("agent", "properties", [["@INCLUDE", "/etc/passwd"]]),
    "a file elsewhere": ("agent", "crt", {"is": "File", "stem": "../../x"}),
    "a file of no known type": ("agent", "crt", {"is": "Path"}),
    "a number for a text": ("agent", "vhost", 7),
    "a chain that is none": ("peer", "chain", []),
    "files of its own": ("peer", "files", ["a", "b"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bundle_that_would_reach_further_is_not_played(tmp_path, name):
    stored = setups.to_json(stood(tmp_path).healthy)
    assert setups.from_json(stored)
    with pytest.raises(UserMistake):
        setups.from_json(changed(stored, *HOSTILE[name]))


def test_an_output_told_by_a_url_reads_back_as_it_was(tmp_path):
    made = stood(tmp_path, "slack", "webhook https://hooks.example.com/services/T/B/x")
    assert made.healthy.agent.host == "hooks.example.com"
    assert setups.from_json(json.loads(json.dumps(setups.to_json(made.healthy)))) == made.healthy


@pytest.mark.parametrize(
    "webhook",
    [
        "https://10.0.0.1/services",
        "https://a.example:{port}/{host}",
        "https://{host}@a.example/x",
        "https://{host}:{port}@a.example/x",
        "https://{host}.a.example/x",
        "https://{host}:{port}.a.example/x",
    ],
)
def test_a_url_that_leads_elsewhere_is_not_played(tmp_path, webhook):
    stored = setups.to_json(stood(tmp_path, "slack", "webhook https://a.example/x").healthy)
    assert setups.from_json(stored)
    with pytest.raises(UserMistake, match="does not lead to our peer"):
        setups.from_json(changed(stored, "agent", "properties", [["webhook", webhook]]))


OF_AN_INPUT = {
    "a plugin that runs programs": ("agent", "plugin", "exec"),
    "a plugin that reads files": ("agent", "plugin", "tail"),
    "an address": ("agent", "properties", [["Listen", "192.0.2.1"]]),
    "a port": ("agent", "properties", [["port", "22"]]),
    "a socket of this machine": ("agent", "properties", [["unix_path", "/run/x.sock"]]),
    "a socket by another name": ("agent", "properties", [["Path", "/run/x.sock"]]),
    "a value with a section": ("agent", "properties", [["x", "/\n[INPUT]\n    Name exec"]]),
    "files of its own": ("peer", "files", ["a", "b"]),
    "others beside it": ("peer", "silent_others", 10**9),
}


@pytest.mark.parametrize("name", OF_AN_INPUT)
def test_a_bundle_of_an_input_that_would_reach_further_is_not_played(tmp_path, name):
    stored = setups.to_json(stood(tmp_path, kind=Kind.INPUT).healthy)
    assert setups.from_json(stored)
    with pytest.raises(UserMistake):
        setups.from_json(changed(stored, *OF_AN_INPUT[name]))


@pytest.mark.parametrize("role", ["filter", None, 7])
def test_a_bundle_of_no_known_role_is_not_played(tmp_path, role):
    with pytest.raises(UserMistake):
        setups.from_json({**setups.to_json(stood(tmp_path).healthy), "role": role})


def test_a_certificate_without_end_is_one_clear_error(tmp_path):
    stored = setups.to_json(stood(tmp_path).healthy)
    spec = stored["peer"]["client_ca"] = {"is": "CertSpec", "common_name": "x"}
    for _ in range(200):
        spec["issuer"] = {"is": "CertSpec", "common_name": "x"}
        spec = spec["issuer"]
    with pytest.raises(UserMistake, match="too deep"):
        setups.from_json(stored)


def zipped(tmp_path, *entries):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for entry, held in entries:
            made.writestr(entry, held)
    return path


def link():
    entry = zipfile.ZipInfo("setup.json")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


JUNK = {
    "up": [("../setup.json", b"x")],
    "up from within": [("a/../../setup.json", b"x")],
    "from the root": [("/etc/passwd", b"x")],
    "as Windows has it": [("..\\setup.json", b"x")],
    "a link": [(link(), b"/etc/passwd")],
    "too large": [("a", bytes(archive.LARGEST + 1))],
    "too large together": [(f"{n}", bytes(archive.LARGEST // 4)) for n in range(5)],
    "too many": [(f"{n}", b"") for n in range(archive.MOST_MEMBERS + 1)],
}


@pytest.mark.parametrize("name", JUNK)
def test_a_zip_that_would_fill_or_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(UserMistake, match="is not a bundle"):
        archive.unpacked(zipped(tmp_path, *JUNK[name]))


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path):
    """Catches trust in the directory of the zip: it says 1 byte, and unpacks to more."""
    path = zipped(tmp_path, ("a", bytes(archive.LARGEST + 1)))
    raw = path.read_bytes()
    size = (archive.LARGEST + 1).to_bytes(4, "little")
    assert size in raw
    path.write_bytes(raw.replace(size, (1).to_bytes(4, "little")))
    with pytest.raises(UserMistake, match="is not a bundle"):
        archive.unpacked(path)


@pytest.mark.parametrize("junk", [b"", b"PK\x03\x04", b"\x00\xff" * 500, b"[OUTPUT]\n"])
def test_what_is_no_zip_is_no_bundle(tmp_path, junk):
    path = tmp_path / "x.zip"
    path.write_bytes(junk)
    with pytest.raises(UserMistake, match="is not a bundle"):
        archive.unpacked(path)


def test_a_zip_and_its_folder_hold_the_same(tmp_path):
    members = {"setup.json": b"{}", "certs/ca.pem": b"x", "certs/empty/": b""}
    path = tmp_path / "x.zip"
    path.write_bytes(archive.packed(members))
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as made:
        made.extractall(tmp_path / "folder")
        modes = {one.external_attr >> 16 & 0o777 for one in made.infolist() if not one.is_dir()}
    assert modes == {0o600}
    assert (tmp_path / "folder/certs/empty").is_dir()
    files = {"setup.json": b"{}", "certs/ca.pem": b"x"}
    assert archive.unpacked(path) == archive.unpacked(tmp_path / "folder") == files


def test_what_is_no_file_is_not_read_to_its_end():
    """There is none of a device: the machine's memory went before it was said."""
    with pytest.raises(UserMistake, match="this is no file"):
        archive.unpacked(Path("/dev/zero"))


def test_a_member_that_is_encrypted_is_said_to_be(tmp_path):
    path = zipped(tmp_path, ("setup.json", b"{}"))
    raw = bytearray(path.read_bytes())
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(UserMistake, match=r"'setup\.json' is encrypted"):
        archive.unpacked(path)


BROKEN = {
    "no setup": ({"evidence.json": b"{}"}, "setup.json is not in it"),
    "no JSON": ({"setup.json": b"{"}, "setup.json is no JSON"),
    "too deep": ({"setup.json": b"[" * 100_000}, "setup.json is no JSON"),
    "no object": ({"setup.json": b"[]"}, "setup.json is no object"),
    "of tomorrow": ({"setup.json": b'{"schema": 2}', "evidence.json": b"{}"}, "has schema 2"),
    "nothing else": ({"setup.json": b'{"schema": 1}', "evidence.json": b"{}"}, "lacks 'setup'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_bundle_is_said_in_words_with_its_name(name):
    held, says = BROKEN[name]
    with pytest.raises(UserMistake, match=rf"their\.zip .*{says}"):
        bundle.read(held, Path("their.zip"))


def test_a_bundle_carries_all_that_its_peer_imports(tmp_path):
    """Catches a package that cannot be imported from a zip, or is not whole."""
    made = program.members()
    path = tmp_path / "program.zip"
    path.write_bytes(made[program.PROGRAM])
    done = subprocess.run(
        [sys.executable, "-m", "flb_handshake", "replay", str(tmp_path), "--serve"],
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "setup.json is not in it" in done.stderr
    assert "cryptography" in made[program.REQUIREMENTS].decode()
    assert "pytest" not in made[program.REQUIREMENTS].decode()
