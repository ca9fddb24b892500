"""Files stand where they are said to stand, hold what they are said to hold, and are private."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from minted import pki, read

from flb_handshake.certificates import INTERMEDIATE, LEAF, OTHER_ROOT, ROOT, authority, expired
from flb_handshake.certificates import revoked as revoked_
from flb_handshake.model import File, FileForm
from flb_handshake.placing import Files, hashed, public_pem, subject_hash, system_store

CN, ORG, UNIT, COUNTRY = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COUNTRY_NAME,
)


def openssl(*arguments, **options):
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("this system has no openssl command to compare with")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=20, check=True, **options
    ).stdout


def named(*relative):
    """A self-signed certificate of this subject; each argument is one relative name."""
    subject = x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(*pair) for pair in pairs])
            for pairs in relative
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(pki().key(ROOT).public_key())
        .serial_number(1)
        .not_valid_before(pki().now)
        .not_valid_after(pki().now)
        .sign(pki().key(ROOT), hashes.SHA256())
    )


@pytest.mark.parametrize(
    "subject",
    [
        [[(CN, "plain")]],
        [[(ORG, "flb-handshake")], [(UNIT, "Handshake Root")]],
        [[(ORG, "UPPER Case")], [(CN, "Mixed")]],
        [[(ORG, "two  spaces and\ttab")], [(CN, "  ends  ")]],
        [[(COUNTRY, "DE")], [(ORG, "a country is a PrintableString")]],
        [[(NameOID.DOMAIN_COMPONENT, "Example")], [(NameOID.EMAIL_ADDRESS, "A@Example.Test")]],
        [[(ORG, "GRÜSSE aus Łódź")], [(CN, "Ünïcödé")]],
        [[(ORG, "no\u00a0break Space")]],
        [[(UNIT, "€" * 60)]],
        [[(CN, "a" + " " * 20 + "b"), (UNIT, "zzzzzzzz")]],
        [[(CN, "two"), (UNIT, "at Once"), (COUNTRY, "DE")]],
        [],
    ],
)
def test_the_hash_of_a_subject_is_the_one_of_openssl(subject, tmp_path):
    certificate = named(*subject)
    path = tmp_path / "one.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    assert (
        f"{subject_hash(certificate):08x}"
        == openssl("x509", "-noout", "-hash", "-in", str(path)).strip()
    )


@pytest.mark.parametrize("spec", [ROOT, INTERMEDIATE, LEAF, OTHER_ROOT])
def test_the_hash_of_ours_is_the_one_of_openssl(spec, tmp_path):
    path = tmp_path / "one.pem"
    path.write_bytes(pki().pem(spec))

    said = openssl("x509", "-noout", "-hash", "-in", str(path)).strip()

    assert f"{subject_hash(read(spec)):08x}" == said


def test_a_hashed_directory_numbers_certificates_of_one_hash():
    louder = authority("HANDSHAKE  root")  # other bytes, the same name to OpenSSL
    same = ROOT.but(expired())

    directory = hashed(pki(), [ROOT, OTHER_ROOT, same, louder])

    number = f"{subject_hash(read(ROOT)):08x}"
    other = f"{subject_hash(read(OTHER_ROOT)):08x}"
    assert list(directory) == [f"{number}.0", f"{other}.0", f"{number}.1", f"{number}.2"]
    assert [*directory.values()] == [pki().pem(one) for one in (ROOT, OTHER_ROOT, same, louder)]


def test_openssl_finds_its_way_in_a_hashed_directory(tmp_path):
    store, leaf = tmp_path / "store", tmp_path / "leaf.pem"
    store.mkdir()
    for name, content in hashed(pki(), [OTHER_ROOT, ROOT]).items():
        (store / name).write_bytes(content)
    leaf.write_bytes(pki().pem(INTERMEDIATE))

    said = openssl("verify", "-no-CAfile", "-no-CAstore", "-CApath", str(store), str(leaf))

    assert said.endswith(": OK\n")


def test_a_system_store_holds_each_root_once():
    assert len(system_store(pki(), [ROOT, OTHER_ROOT, ROOT])) == 2


def placed(*wanted):
    files = Files("/job", pki())
    paths = files.place(wanted)
    return files, paths


PEM = pki().pem(ROOT)
PHRASE = "open sesame"
LOCKED = File(form=FileForm.KEY, certs=(LEAF,), passphrase=PHRASE)


@pytest.mark.parametrize(
    ("file", "name", "content"),
    [
        (File(certs=(ROOT,), stem="ca"), "ca.pem", PEM),
        (File(certs=(ROOT, LEAF)), "file.pem", pki().pem(ROOT, LEAF)),
        (
            File(form=FileForm.DER, certs=(ROOT,)),
            "file.der",
            read(ROOT).public_bytes(serialization.Encoding.DER),
        ),
        (File(form=FileForm.CRLF, certs=(ROOT,)), "file.pem", PEM.replace(b"\n", b"\r\n")),
        (File(form=FileForm.KEY, certs=(LEAF,)), "file.key", pki().key_pem(LEAF)),
        (File(form=FileForm.TEXT, text="grüße\n"), "file.txt", "grüße\n".encode()),
        (File(form=FileForm.TEXT), "file.txt", b""),
        (File(form=FileForm.DIRECTORY), "file", None),
    ],
)
def test_a_file_has_its_name_and_its_content_and_is_private(file, name, content):
    files, paths = placed(file)

    (one,) = files.files
    assert paths[file] == f"/job/{name}"
    assert (one.path, one.content, one.mode) == (name, content, 0o600)


def test_a_key_with_a_passphrase_is_encrypted_with_it():
    files, _ = placed(LOCKED)

    pem = files.files[0].content
    opened = serialization.load_pem_private_key(pem, PHRASE.encode())
    assert opened.public_key() == read(LEAF).public_key()


def test_a_missing_file_has_a_path_and_is_not_there():
    missing = File(form=FileForm.MISSING)

    files, paths = placed(missing)

    assert paths[missing] == "/job/file.pem"
    assert files.files == []


def test_an_unreadable_file_may_be_read_by_nobody():
    files, _ = placed(File(form=FileForm.UNREADABLE, certs=(ROOT,)))

    assert [(one.content, one.mode) for one in files.files] == [(PEM, 0)]


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (FileForm.HASHED, sorted(hashed(pki(), [ROOT, OTHER_ROOT]))),
        (FileForm.UNHASHED, ["0.pem", "1.pem"]),
    ],
)
def test_a_directory_comes_before_what_is_in_it(form, names):
    files, paths = placed(directory := File(form=form, certs=(ROOT, OTHER_ROOT), stem="store"))

    assert paths[directory] == "/job/store"
    first, *inside = files.files
    assert (first.path, first.content) == ("store", None)
    assert sorted(one.path for one in inside) == [f"store/{name}" for name in names]
    assert {one.content for one in inside} == {PEM, pki().pem(OTHER_ROOT)}
    assert {one.mode for one in files.files} == {0o600}


def test_equal_files_are_one_file_and_others_do_not_share_a_name():
    one, again = File(certs=(ROOT,), stem="ca"), File(certs=(ROOT,), stem="ca")
    other, third = File(certs=(OTHER_ROOT,), stem="ca"), File(certs=(LEAF,), stem="ca")

    files, paths = placed(one, again, other, third)

    assert [file.path for file in files.files] == ["ca.pem", "ca-2.pem", "ca-3.pem"]
    assert paths[one] == paths[again] != paths[other]


def test_a_text_stands_under_its_own_name():
    files = Files("/job", pki())

    path = files.text("t0.log", "a\ngrün\n")

    assert path == "/job/t0.log"
    assert [(one.path, one.content) for one in files.files] == [("t0.log", "a\ngrün\n".encode())]


def test_a_file_can_hold_the_crl_of_its_issuer():
    gone = LEAF.but(revoked_())
    read(gone)

    files, _ = placed(File(certs=(ROOT,), crl_of=(INTERMEDIATE,)))

    content = files.files[0].content
    assert content.startswith(PEM)
    crl = x509.load_pem_x509_crl(content[len(PEM) :])
    assert read(gone).serial_number in [one.serial_number for one in crl]


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (None, ""),
        (File(certs=(ROOT,)), PEM.decode()),
        (File(form=FileForm.HASHED, certs=(ROOT,)), PEM.decode()),
        (File(form=FileForm.TEXT, text=f"words\n{PEM.decode()}more"), PEM.decode()),
        (File(form=FileForm.TEXT, text=pki().key_pem(LEAF).decode() + PEM.decode()), PEM.decode()),
        (File(form=FileForm.TEXT, text="no PEM"), ""),
        (File(form=FileForm.DER, certs=(ROOT,)), ""),
        (File(form=FileForm.MISSING, certs=(ROOT,)), ""),
        (File(form=FileForm.UNREADABLE, certs=(ROOT,)), ""),
        (File(form=FileForm.KEY, certs=(ROOT,)), ""),
    ],
)
def test_what_is_public_in_a_file_is_found_and_nothing_else(file, found):
    assert public_pem(pki(), file) == found


def test_the_public_parts_of_several_files_stand_one_after_the_other():
    crlf = File(form=FileForm.CRLF, certs=(OTHER_ROOT,))

    text = public_pem(pki(), File(certs=(ROOT,)), None, replace(crlf, stem="more"))

    assert x509.load_pem_x509_certificates(text.encode()) == [read(ROOT), read(OTHER_ROOT)]
