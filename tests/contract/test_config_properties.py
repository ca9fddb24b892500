"""Every effective property of TLS as we read it, and what a real Fluent Bit's peer saw of it."""

from __future__ import annotations

import datetime as dt

import pytest
from config_corpus import laid
from properties_written import ENVIRONMENT, INPUTS, OUTPUTS
from texts_played import CODES, MODERN, NOT_STARTED, OFF, PKI, of_input, of_output

from flb_handshake.certificates import (
    CLIENT,
    CLIENT_CHAIN,
    HEALTHY,
    LEAF,
    OTHER_CLIENT,
    OTHER_ROOT,
    ROOT,
    chain,
)
from flb_handshake.config.reading import read
from flb_handshake.config.words import Kind
from flb_handshake.hosts import is_address
from flb_handshake.lint.end import ends
from flb_handshake.lint.linting import lint
from flb_handshake.model import DEFAULT_VERSION
from flb_handshake.placing import hashed

NOW = dt.datetime.now(dt.UTC)
SUBJECTS = {
    "client.pem": PKI.certificate(CLIENT).subject.rfc4514_string(),
    "server.pem": PKI.certificate(LEAF).subject.rfc4514_string(),
}
RIGHT = "logs.example.test"
BY_DEFAULT = "ECDHE-ECDSA-AES256-GCM-SHA384"
"""What OpenSSL chooses of TLS 1.2, with the keys that we have."""
BELIEVES = {"ca.pem", "./ca.pem", "cas"}
"""What names our root, among the files and directories that are there."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("written")
    (made / "ca.pem").write_bytes(PKI.pem(ROOT))
    (made / "other.pem").write_bytes(PKI.pem(OTHER_ROOT))
    (made / "client.pem").write_bytes(PKI.pem(*CLIENT_CHAIN.sent))
    (made / "client.key").write_bytes(PKI.key_pem(CLIENT))
    (made / "locked.key").write_bytes(PKI.key_pem(CLIENT, "planted"))
    (made / "server.pem").write_bytes(PKI.pem(*HEALTHY.sent))
    (made / "server.key").write_bytes(PKI.key_pem(LEAF))
    (made / "none").mkdir()
    laid(made / "cas", hashed(PKI, (ROOT,)))
    return made


def laying(folder, files):
    """Writes the files once the port is known, and gives the path of the first."""

    def lay(port):
        return laid(
            folder, {name: text.replace("{port}", str(port)) for name, text in files.items()}
        )

    return lay


def as_read(path, kind):
    """The end that counts, by our reader; None: it says that Fluent Bit does not start."""
    found = read(path, environment=ENVIRONMENT)
    stops = any(one.fatal for one in found.refusals)
    if stops or any("does not start" in one.text for one in lint(found, DEFAULT_VERSION, NOW)):
        return None
    wanted = {"http", "forward"}
    return [
        one
        for one in ends(found, DEFAULT_VERSION)
        if one.plugin in wanted and one.section.kind in {kind, Kind.NODE}
    ][-1]


def value(end, name):
    found = end.find(name)
    return found.value if found else ""


def shown(end):
    """Whom the certificate names that it shows; None: it shows none."""
    return SUBJECTS.get(value(end, "tls.crt_file")) if value(end, "tls.key_file") else None


def debugs(end):
    """Whether its handshakes are told in the log: at level 1 alone, a node's unless told not to."""
    return (value(end, "tls.debug") or ("1" if end.is_node else ""))[:1] == "1"


def of_an_output(end):
    """What the collector must have seen, if we read it right."""
    if end is None:
        return NOT_STARTED
    if not end.secured:
        return OFF
    versions = end.versions
    spoken = [one for one in versions if one.startswith("TLS")]
    if not spoken:
        return {"tls": "on", "versions": ()}
    name = end.name.value if end.name and end.name.value else value(end, "host")
    believed = not end.verifies or (end.anchors is not None and end.anchors.value in BELIEVES)
    shakes = believed and (not end.checks_names or name == RIGHT) and bool({*spoken} & {*MODERN})
    listed = [CODES[one] for one in value(end, "tls.ciphers").split(":") if one in CODES]
    old = {"many"} if not listed else set(listed)
    return {
        "tls": "on",
        "name": None if is_address(name) else name,
        # Only TLS 1.3 tells all versions; else the newest stands there alone.
        "versions": tuple(sorted(spoken if spoken[-1] == "TLSv1.3" else spoken[-1:])),
        "ciphers": set() if spoken == ["TLSv1.3"] else "many" if "many" in old else old,
        "shows": shown(end) if shakes else None,
        "delivers": shakes,
        "debugs": debugs(end),
    }


def of_an_input(end):
    """What the shippers must have seen, if we read it right."""
    if end is None:
        return NOT_STARTED
    if not end.secured:
        return OFF
    versions = tuple(one for one in MODERN if one in end.versions)
    anchors = end.anchors.value if end.anchors else ""
    admitted = {"anonymous", "foreign"} if versions else set()
    if end.asks and anchors != "other.pem":
        admitted.discard("foreign")
    if end.demands:
        admitted.discard("anonymous")
    spoken = versions if anchors in BELIEVES or not end.asks else ()
    cipher = value(end, "tls.ciphers") or BY_DEFAULT
    return {
        "tls": "on",
        "shows": shown(end) if versions else None,
        "versions": spoken,
        "cipher": cipher if "TLSv1.2" in spoken else None,
        "asks": end.asks and bool(versions),
        "admits": admitted,
        "debugs": debugs(end) and bool(versions),
    }


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_an_output_sets_is_what_its_collector_sees(folder, name):
    lay = laying(folder, OUTPUTS[name])
    plugin = "forward" if name.startswith("node") else "http"
    seen = of_output(lay, ENVIRONMENT, plugin)
    assert seen == of_an_output(as_read(lay(1), Kind.OUTPUT))


@pytest.mark.parametrize("name", INPUTS)
def test_what_an_input_sets_is_what_its_shippers_see(folder, name):
    lay = laying(folder, INPUTS[name])
    seen = of_input(lay, ENVIRONMENT, chain(OTHER_CLIENT))
    assert seen == of_an_input(as_read(lay(1), Kind.INPUT))
