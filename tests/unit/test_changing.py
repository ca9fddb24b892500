"""Files change under a running agent in the very way that was asked for, or it is said why not."""

from __future__ import annotations

import os
import stat

import pytest
from minted import pki

from flb_handshake.agent.changing import DATA, replace_file
from flb_handshake.certificates import LEAF, OTHER_ROOT, ROOT
from flb_handshake.errors import HarnessFailure
from flb_handshake.model import File, FileForm, Way
from flb_handshake.placing import Files, hashed, parts

CA = File(certs=(ROOT,), stem="ca")
KEY = File(form=FileForm.KEY, certs=(LEAF,), stem="key")
HASHED = File(form=FileForm.HASHED, certs=(ROOT,), stem="cas")


def put(directory, *files, mounted=False):
    """Files as an agent finds them, by the harness's own description of them."""
    gathered = Files(str(directory), pki())
    placed = gathered.place(files, mounted=mounted)
    for one in gathered.files:
        path = directory / one.path
        if one.link is not None:
            path.symlink_to(one.link)
        elif one.content is None:
            path.mkdir()
        else:
            path.write_bytes(one.content)
            path.chmod(one.mode)
    return placed


def held(path):
    return {one.name: one.read_bytes() for one in path.iterdir()}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# How files are mounted.


def test_a_mounted_file_is_a_link_through_data(tmp_path):
    paths = put(tmp_path, CA, KEY, mounted=True)
    volume = tmp_path / "secret"
    for file, name in ((CA, "ca.pem"), (KEY, "key.key")):
        path = volume / name
        assert paths[file] == str(path)
        assert str(path.readlink()) == f"{DATA}/{name}"
        assert path.read_bytes() == parts(pki(), file)[""][0]
    assert (volume / (volume / DATA).readlink()).is_dir()
    assert not (tmp_path / "ca.pem").exists()


def test_there_is_one_volume_however_often_files_are_placed():
    files = Files("/x", pki())
    files.place([CA], mounted=True)
    files.place([CA, KEY], mounted=True)
    found = [one.path for one in files.files]
    assert len(found) == len(set(found))
    assert found.index("secret") < found.index(f"secret/{DATA}")


def test_mounted_files_of_one_name_do_not_meet():
    placed = Files("/x", pki()).place([CA, File(certs=(OTHER_ROOT,), stem="ca")], mounted=True)
    assert sorted(placed.paths.values()) == ["/x/secret/ca-2.pem", "/x/secret/ca.pem"]


def test_a_missing_file_is_a_link_that_leads_nowhere(tmp_path):
    missing = File(form=FileForm.MISSING, stem="ca")
    put(tmp_path, missing, mounted=True)
    path = tmp_path / "secret/ca.pem"
    assert path.is_symlink()
    assert not path.exists()


def test_parts_are_bytes_and_mode_by_name():
    assert parts(pki(), CA) == {"": (pki().pem(ROOT), 0o600)}
    assert parts(pki(), KEY) == {"": (pki().key_pem(LEAF), 0o600)}
    unreadable = File(form=FileForm.UNREADABLE, certs=(ROOT,))
    assert parts(pki(), unreadable) == {"": (pki().pem(ROOT), 0o000)}
    assert parts(pki(), File(form=FileForm.MISSING)) is None
    assert parts(pki(), File(form=FileForm.DIRECTORY)) == {}
    by_hash = {name: (data, 0o600) for name, data in hashed(pki(), (ROOT,)).items()}
    assert parts(pki(), HASHED) == by_hash
    unhashed = File(form=FileForm.UNHASHED, certs=(ROOT, OTHER_ROOT))
    assert {name: data for name, (data, _) in parts(pki(), unhashed).items()} == {
        "0.pem": pki().pem(ROOT),
        "1.pem": pki().pem(OTHER_ROOT),
    }


# How they change.


def test_in_place_the_inode_stays(tmp_path):
    put(tmp_path, CA)
    path = tmp_path / "ca.pem"
    path.write_bytes(b"something much longer than what comes" * 99)
    before = path.stat().st_ino
    replace_file(path, {"": (b"new", 0o640)}, Way.IN_PLACE)
    assert (path.read_bytes(), path.stat().st_ino, mode(path)) == (b"new", before, 0o640)


def test_by_rename_the_inode_is_another_and_whoever_has_the_old_one_open_keeps_it(tmp_path):
    put(tmp_path, CA)
    path = tmp_path / "ca.pem"
    with path.open("rb") as kept:
        replace_file(path, {"": (b"new", 0o000)}, Way.RENAME)
        assert path.stat().st_ino != os.fstat(kept.fileno()).st_ino
        assert kept.read() == pki().pem(ROOT)
    assert mode(path) == 0
    path.chmod(0o600)
    assert held(tmp_path) == {"ca.pem": b"new"}


def test_by_symlink_swap_the_path_leads_to_a_new_directory_and_the_rest_stays(tmp_path):
    put(tmp_path, CA, KEY, mounted=True)
    volume = tmp_path / "secret"
    link, before = volume / "ca.pem", (volume / DATA).readlink()
    key = (volume / "key.key").read_bytes()

    replace_file(link, {"": (b"new", 0o640)}, Way.SYMLINK)

    after = (volume / DATA).readlink()
    assert after != before
    assert link.is_symlink()
    assert str(link.readlink()) == f"{DATA}/ca.pem"
    assert (link.read_bytes(), mode(link)) == (b"new", 0o640)
    assert (volume / "key.key").read_bytes() == key
    assert sorted(one.name for one in volume.iterdir()) == sorted(
        [DATA, after.name, "ca.pem", "key.key"]
    )


def test_a_symlink_is_swapped_again_and_again(tmp_path):
    put(tmp_path, CA, KEY, mounted=True)
    volume = tmp_path / "secret"
    for content in (b"one", b"two", b"three"):
        replace_file(volume / "ca.pem", {"": (content, 0o600)}, Way.SYMLINK)
        replace_file(volume / "key.key", {"": (content, 0o600)}, Way.SYMLINK)
        assert (volume / "ca.pem").read_bytes() == (volume / "key.key").read_bytes() == content
    assert len(list(volume.iterdir())) == 4


@pytest.mark.parametrize("way", list(Way))
def test_of_a_directory_only_what_is_wanted_is_left(tmp_path, way):
    put(tmp_path, HASHED, mounted=way is Way.SYMLINK)
    path = tmp_path / ("secret/cas" if way is Way.SYMLINK else "cas")
    before = path.stat().st_ino
    name = next(iter(hashed(pki(), (ROOT,))))
    assert list(held(path)) == [name]

    replace_file(path, {"other.0": (b"x", 0o600), "more.0": (b"y", 0o600)}, way)

    assert held(path) == {"other.0": b"x", "more.0": b"y"}
    assert (path.stat().st_ino == before) is (way is Way.IN_PLACE)


@pytest.mark.parametrize("way", list(Way))
def test_a_directory_can_be_emptied(tmp_path, way):
    put(tmp_path, HASHED, mounted=way is Way.SYMLINK)
    path = tmp_path / ("secret/cas" if way is Way.SYMLINK else "cas")
    replace_file(path, {}, way)
    assert held(path) == {}


def test_a_file_that_is_to_be_missing_is_removed(tmp_path):
    put(tmp_path, CA)
    replace_file(tmp_path / "ca.pem", None, Way.RENAME)
    assert not (tmp_path / "ca.pem").exists()


def test_a_file_that_was_missing_comes_to_be(tmp_path):
    put(tmp_path, File(form=FileForm.MISSING, stem="ca"), mounted=True)
    replace_file(tmp_path / "secret/ca.pem", {"": (b"new", 0o600)}, Way.SYMLINK)
    assert (tmp_path / "secret/ca.pem").read_bytes() == b"new"
    replace_file(tmp_path / "plain.pem", {"": (b"new", 0o600)}, Way.RENAME)
    assert (tmp_path / "plain.pem").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "content", "way", "why"),
    [
        ("gone.pem", None, Way.RENAME, "No such file"),
        ("nowhere/ca.pem", {"": (b"", 0o600)}, Way.IN_PLACE, "No such file"),
        ("nowhere/ca.pem", {"": (b"", 0o600)}, Way.RENAME, "No such file"),
        ("not-mounted.pem", {"": (b"", 0o600)}, Way.SYMLINK, "No such file"),
        ("ca.pem", {"a": (b"", 0o600)}, Way.RENAME, "Not a directory"),
    ],
)
def test_a_change_that_cannot_be_made_is_the_harnesss_failure(tmp_path, name, content, way, why):
    put(tmp_path, CA)
    with pytest.raises(HarnessFailure) as told:
        replace_file(tmp_path / name, content, way)
    file = name.rsplit("/", 1)[-1]
    assert f"{file} cannot be changed under the running agent: {why}" in str(told.value)
    assert told.value.hint


def test_a_volume_that_cannot_be_copied_is_named_with_the_reason(tmp_path):
    put(tmp_path, CA, mounted=True)
    (tmp_path / "secret" / DATA / "dangling").symlink_to("nowhere")
    with pytest.raises(HarnessFailure) as told:
        replace_file(tmp_path / "secret/ca.pem", {"": (b"", 0o600)}, Way.SYMLINK)
    assert "No such file" in str(told.value)
