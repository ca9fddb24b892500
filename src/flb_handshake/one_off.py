"""A scenario from the command line: somebody's own certificates and settings, tried once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from flb_handshake import trust
from flb_handshake.agent.contract import Agent, Capability
from flb_handshake.certificates import HEALTHY, named
from flb_handshake.declare import output
from flb_handshake.errors import CertificateFileError, UserMistake
from flb_handshake.hosts import can_be_dialled, is_address
from flb_handshake.model import CAFile, ClientAuth, File, FileForm, Mode, Setup
from flb_handshake.peer.tls import VERSIONS

_PLUGINS: Final = (
    "http",
    "es",
    "opensearch",
    "splunk",
    "loki",
    "opentelemetry",
    "datadog",
    "influxdb",
    "kafka_rest",
    "logdna",
)
"""The outputs that post over HTTP/1.1, which is what the collector answers."""


_OPTIONS: Final = {
    "name": "--plugin",
    "host": "--host",
    "tls.vhost": "--host",
    "tls.ca_file": "--ca-file",
    "tls.ca_path": "--ca-file, with the certificates of the directory in one file,",
    "tls.crt_file": "--client-cert",
    "tls.key_file": "--client-key",
    "port": "the port is the collector's; nothing",
    "match": "there is one input; nothing",
    "alias": "the alias is the harness's; nothing",
}
"""Properties that cannot be set past the harness, and the option that says the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the options of `try` say."""

    plugin: str
    mode: Mode
    host: str
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    settings: Sequence[str] = ()
    peer_cert: Path | None = None
    peer_key: Path | None = None
    peer_client_ca: Path | None = None
    peer_min_version: str | None = None
    peer_max_version: str | None = None


def setup(wanted: Wanted, agent: Agent) -> Setup:
    """The setup to play; its `whole` is the same with the harness's own healthy certificates.

    Raises UserMistake or CertificateFileError, naming the option and the file.
    """
    if not is_address(wanted.host):
        _check_name(wanted.host)
    if wanted.plugin not in _PLUGINS:
        raise UserMistake(
            f"--plugin {wanted.plugin}: the collector answers HTTP, this output speaks no HTTP",
            hint=f"one of {', '.join(_PLUGINS)}; TLS is set alike in every output",
        )
    if (wanted.peer_cert is None) != (wanted.peer_key is None):
        raise UserMistake(
            "--peer-cert and --peer-key belong together", hint="give both files, or neither"
        )
    host, vhost = _dialled(wanted.host, agent)
    address = is_address(wanted.host)
    bears = named(*(() if address else (wanted.host,)), ips=(wanted.host,) if address else ())
    whole = output(
        wanted.mode,
        plugin=wanted.plugin,
        host=host,
        vhost=vhost,
        chain=HEALTHY.but(bears),
        min_version=_version("--peer-min-version", wanted.peer_min_version),
        max_version=_version("--peer-max-version", wanted.peer_max_version),
    )
    made = whole.but(ca=_ca(wanted), properties=tuple(_property(one) for one in wanted.settings))
    if wanted.client_cert is not None:
        made = made.but(crt=_certificates("--client-cert", wanted.client_cert, "crt"))
    if wanted.client_key is not None:
        text = _text("--client-key", wanted.client_key)
        made = made.but(key=File(form=FileForm.TEXT, text=text, stem="key"))
    if wanted.peer_cert is not None and wanted.peer_key is not None:
        made = made.but(files=_peer_files(wanted.peer_cert, wanted.peer_key))
    if wanted.peer_client_ca is not None:
        anchors = _certificates("--peer-client-ca", wanted.peer_client_ca, "ca").text
        made = made.but(client_auth=ClientAuth.DEMAND, client_ca_pem=anchors)
    return made


def _check_name(name: str) -> None:
    if not can_be_dialled(name):
        raise UserMistake(
            f"--host {name!r}: this cannot be a host name", hint="give a name, or an address"
        )


def _dialled(name: str, agent: Agent) -> tuple[str, str | None]:
    """What is dialled, and `tls.vhost`: the name itself where it can be made to resolve."""
    if name == "localhost":
        return name, None
    if is_address(name) or Capability.HOSTS in agent.lacks:
        return "127.0.0.1", None if name == "127.0.0.1" else name
    return name, None


def _ca(wanted: Wanted) -> CAFile | File:
    if wanted.ca_file is not None:
        return _certificates("--ca-file", wanted.ca_file, "ca")
    return CAFile.UNSET if wanted.peer_cert is not None else CAFile.ROOT


def _property(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name.strip() or "\n" in given:
        raise UserMistake(
            f"--set {given}: not of the form property=value",
            hint="for example: --set tls.verify_hostname=on",
        )
    if (option := _OPTIONS.get(name.strip().lower())) is not None:
        raise UserMistake(
            f"--set {name.strip()}: what is found out would be held against other settings",
            hint=f"{option} says it",
        )
    return name.strip(), value.strip()


def _version(option: str, given: str | None) -> str | None:
    if given is not None and given not in VERSIONS:
        raise UserMistake(
            f"{option} {given}: no such version of TLS", hint=f"one of {', '.join(VERSIONS)}"
        )
    return given


def _peer_files(chain: Path, key: Path) -> tuple[str, str]:
    chain_text = _certificates("--peer-cert", chain, "peer").text
    key_text = _text("--peer-key", key)
    try:
        loaded = serialization.load_pem_private_key(key_text.encode(), None)
    except TypeError as error:
        raise CertificateFileError(
            f"--peer-key {key}: the key is encrypted",
            hint="decrypt it first: openssl pkey -in KEY -out PLAIN",
        ) from error
    except ValueError as error:
        raise CertificateFileError(
            f"--peer-key {key}: there is no private key in PEM in it",
            hint="give the file that begins with -----BEGIN PRIVATE KEY----- or the like",
        ) from error
    leaf = x509.load_pem_x509_certificates(chain_text.encode())[0]
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    encoding = serialization.Encoding.DER
    if loaded.public_key().public_bytes(encoding, spki) != leaf.public_key().public_bytes(
        encoding, spki
    ):
        raise CertificateFileError(
            f"--peer-key {key} does not belong to the first certificate of {chain}",
            hint="the leaf must come first in --peer-cert, and the key must be the leaf's",
        )
    return chain_text, key_text


def _certificates(option: str, path: Path, stem: str) -> File:
    text = _text(option, path)
    if not trust.certificates(text):
        raise CertificateFileError(
            f"{option} {path}: there is no certificate in PEM in it",
            hint="convert it: openssl x509 -in FILE -inform DER -out FILE.pem",
        )
    return File(form=FileForm.TEXT, text=text, stem=stem)


def _text(option: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CertificateFileError(
            f"{option} {path}: {error.strerror}",
            hint="give a file that exists and that you may read",
        ) from error
    except UnicodeDecodeError as error:
        raise CertificateFileError(
            f"{option} {path}: this is not text, so it is not PEM",
            hint="convert it: openssl x509 -in FILE -inform DER -out FILE.pem",
        ) from error
