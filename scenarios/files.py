"""The files that settings name: directories of authorities, keys, passphrases, permissions."""

from __future__ import annotations

from flb_handshake.declare import (
    CLIENT,
    CLIENT_CHAIN,
    OTHER_CLIENT,
    OTHER_ROOT,
    ROOT,
    CAFile,
    Case,
    ClientAuth,
    Does,
    File,
    FileForm,
    Mode,
    Outcome,
    Setup,
    case,
    certificate_file,
    delivered,
    key_file,
    matrix,
    not_started,
    output,
    refused,
    refused_by_peer,
    with_client_certificate,
)

_VERIFYING = (Mode.VERIFY_PEER, Mode.VERIFY_HOST)
_NO_START = not_started("error initializing TLS context")
_WORD = "correct horse"
_MISMATCH = not_started("and password don't match")

_PATHS: dict[str, tuple[File, Does]] = {
    "hashed": (File(form=FileForm.HASHED, certs=(OTHER_ROOT, ROOT), stem="ca-path"), delivered()),
    "hashed_without_ours": (
        File(form=FileForm.HASHED, certs=(OTHER_ROOT,), stem="ca-path"),
        refused("unknown_ca"),
    ),
    "unhashed": (
        File(form=FileForm.UNHASHED, certs=(ROOT,), stem="ca-path"),
        refused("unknown_ca"),
    ),
    "empty": (File(form=FileForm.DIRECTORY, stem="ca-path"), refused("unknown_ca")),
    "missing": (File(form=FileForm.MISSING, stem="ca-path"), refused("unknown_ca")),
    "a_file": (File(certs=(ROOT,), stem="ca-path"), refused("unknown_ca")),
}


@matrix(mode=_VERIFYING, path=tuple(_PATHS))
def ca_path(mode: Mode, path: str) -> Case:
    """`tls.ca_path` is looked up by the hash of a subject: names like a1b2c3d4.0, or nothing."""
    directory, does = _PATHS[path]
    return case(output(mode).but(ca=CAFile.UNSET, ca_path=directory), does)


@matrix(mode=_VERIFYING, path=tuple(_PATHS))
def ca_path_and_ca_file(mode: Mode, path: str) -> Case:
    """With both set `tls.ca_path` wins, and a perfectly right `tls.ca_file` is not even opened."""
    directory, does = _PATHS[path]
    should = None if does.outcome.arrived else Outcome.DELIVERED
    return case(output(mode).but(ca_path=directory), does, should=should)


@matrix(mode=_VERIFYING)
def ca_path_hides_a_broken_ca_file(mode: Mode) -> Case:
    """Since `tls.ca_path` wins, not even a missing `tls.ca_file` stops the start."""
    directory, does = _PATHS["hashed"]
    return case(output(mode).but(ca_path=directory, ca=CAFile.MISSING), does)


@matrix(mode=(Mode.NONE, *_VERIFYING))
def unreadable_ca_file(mode: Mode) -> Case:
    """CA.File is there, but its permissions keep Fluent Bit out."""
    locked = File(form=FileForm.UNREADABLE, certs=(ROOT,), stem="ca-locked")
    return case(output(mode).but(ca=locked), _NO_START)


def _mutual(mode: Mode) -> Setup:
    """The collector demands the agent's certificate, and the agent has a good one."""
    demanding = output(mode, client_auth=ClientAuth.DEMAND, client_ca=ROOT)
    return with_client_certificate(demanding)


@matrix(mode=(Mode.NONE, *_VERIFYING))
def right_certificate_and_key(mode: Mode) -> Case:
    """Client.Cert and Client.Key belong together, and the collector knows the agent by them."""
    subject = "CN=fluent-bit,OU=fluent-bit,O=flb-handshake"
    return case(_mutual(mode), delivered(client_subject=subject))


@matrix(mode=_VERIFYING, passphrase=("right", "wrong", "none"))
def encrypted_key(mode: Mode, passphrase: str) -> Case:
    """Client.Key is encrypted; without the right `tls.key_passwd` Fluent Bit does not start."""
    given = {"right": _WORD, "wrong": "wrong horse", "none": None}[passphrase]
    setup = _mutual(mode).but(key=key_file(CLIENT, _WORD), key_passwd=given)
    return case(setup, delivered() if passphrase == "right" else _MISMATCH)


@matrix(mode=_VERIFYING)
def passphrase_for_an_open_key(mode: Mode) -> Case:
    """`tls.key_passwd` for a key that is not encrypted is not used."""
    return case(_mutual(mode).but(key_passwd=_WORD), delivered())


@matrix(mode=_VERIFYING, demanded=(True, False))
def certificate_without_key(mode: Mode, demanded: bool) -> Case:  # noqa: FBT001 # an axis
    """Client.Cert without Client.Key: Fluent Bit starts, says nothing, and presents nothing."""
    if demanded:
        return case(_mutual(mode).but(key=None), refused_by_peer("certificate_required"))
    return case(with_client_certificate(output(mode)).but(key=None), delivered())


@matrix(mode=_VERIFYING)
def key_without_certificate(mode: Mode) -> Case:
    """Client.Key without Client.Cert: Fluent Bit does not start, and blames a password."""
    return case(_mutual(mode).but(crt=None), _MISMATCH)


@matrix(mode=_VERIFYING)
def key_of_another_certificate(mode: Mode) -> Case:
    """Client.Key does not belong to Client.Cert."""
    return case(_mutual(mode).but(key=key_file(OTHER_CLIENT)), _MISMATCH)


@matrix(mode=_VERIFYING, which=("certificate", "key"), trouble=("missing", "garbage", "empty"))
def broken_file(mode: Mode, which: str, trouble: str) -> Case:
    """Client.Cert or Client.Key is missing, or holds no PEM. A missing key is called a mismatch."""
    broken = {
        "missing": File(form=FileForm.MISSING, stem=which),
        "garbage": File(form=FileForm.TEXT, text="not what you think\n", stem=which),
        "empty": File(form=FileForm.TEXT, stem=which),
    }[trouble]
    if which == "certificate":
        return case(_mutual(mode).but(crt=broken), not_started("[tls] crt_file '"))
    return case(_mutual(mode).but(key=broken), _MISMATCH)


@matrix(mode=_VERIFYING)
def certificates_in_the_wrong_order(mode: Mode) -> Case:
    """Client.Cert begins with the intermediate: the first certificate is taken for the agent's."""
    swapped = CLIENT_CHAIN.sending(*reversed(CLIENT_CHAIN.sent), name="intermediate first")
    return case(_mutual(mode).but(crt=certificate_file(swapped)), _MISMATCH)


@matrix(mode=_VERIFYING)
def key_in_the_certificate_file(mode: Mode) -> Case:
    """One file for both, as some tools write it, named as Client.Cert and as Client.Key: a key file
    that holds only the certificate is no key.
    """
    both = certificate_file(CLIENT_CHAIN)
    return case(_mutual(mode).but(crt=both, key=both), _MISMATCH)
