"""Nodes of upstream files, directories of authorities and a proxy's own: asked with --config."""

from __future__ import annotations

import datetime as dt

import pytest
from logged import AT, CODE, EOF, none_available, troubles

from flb_handshake.certificates import ROOT
from flb_handshake.config import reading
from flb_handshake.diagnosis.causes import ranked
from flb_handshake.diagnosis.configured import common, settings_behind
from flb_handshake.diagnosis.examined import examined
from flb_handshake.diagnosis.meaning import look_next
from flb_handshake.diagnosis.vocabulary import Word
from flb_handshake.pki import Pki

NOW = dt.datetime.now(dt.UTC)
OUTPUT = "[OUTPUT]\n Name {}\n Match *\n Host {}\n Port {}\n tls on\n"
NODES = """[UPSTREAM]
    Name both
[NODE]
    Name one
    Host one.example.test
    Port 24224
    tls on
    tls.ca_file one.pem
    tls.vhost shared.example.test
[NODE]
    Name two
    Host two.example.test
    Port 24225
    tls.vhost shared.example.test
    tls.verify off
"""
FORWARD = "[OUTPUT]\n    Name forward\n    Match *\n    Upstream nodes.conf\n    tls on\n"
REFUSED = AT + "[error] [tls] error: error:0A000086:SSL routines::certificate verify failed"
NOT_AVAILABLE = AT + "[error] [output:forward:forward.{}] no upstream connections available"
FAILED_TO = AT + "[debug] [upstream] connection #52 failed to {}"


@pytest.fixture
def configured(tmp_path):
    def read(text):
        (tmp_path / "nodes.conf").write_text(NODES)
        file = tmp_path / "fluent-bit.conf"
        file.write_text(text)
        return reading.read(file, environment={})

    return read


def behind(configuration, *log):
    (one,) = troubles(*log)
    return settings_behind(configuration, one)


def test_the_node_that_is_dialled_is_what_counts(configured):
    # Catches the properties of the output, of which a node takes none.
    configuration = configured(OUTPUT.format("forward", "else.example.test", 1) + FORWARD)
    log = (REFUSED, FAILED_TO.format("two.example.test:24225"), NOT_AVAILABLE.format(1))
    (node,) = behind(configuration, *log)
    assert (node.plugin, node.host, node.port) == ("forward", "two.example.test", "24225")
    assert (node.is_on("tls"), node.is_on("tls.verify")) == (None, False)


def test_a_node_is_found_by_what_is_dialled_where_no_output_is_named(configured):
    configuration = configured(OUTPUT.format("http", "one.example.test", 1) + FORWARD)
    (node,) = behind(configuration, REFUSED, FAILED_TO.format("one.example.test:24224"))
    assert (node.plugin, node.get("tls.ca_file")) == ("forward", "one.pem")


def test_where_no_node_is_told_what_all_of_them_say_counts(configured):
    each = behind(configured(FORWARD), REFUSED, NOT_AVAILABLE.format(0))
    both = common(each)
    assert [one.host for one in each] == ["one.example.test", "two.example.test"]
    assert (both.host, both.get("tls.vhost")) == ("", "shared.example.test")
    assert both.get("tls") == both.get("tls.verify") == ""
    assert [one.told for one in each for one in examined(one, NOW)] == [
        f"tls.ca_file (one.pem, {each[0].written['tls.ca_file'].spot}) does not exist here"
    ]


def test_the_next_command_dials_the_node(configured):
    log = (REFUSED, FAILED_TO.format("one.example.test:24224"), NOT_AVAILABLE.format(0))
    (one,) = troubles(*log)
    command = look_next(one, common(behind(configured(FORWARD), *log))).command
    assert "-connect one.example.test:24224 " in command
    assert "-servername shared.example.test" in command


def test_a_node_without_tls_is_told_as_such(configured):
    broken = AT + "[error] [http_client] broken connection to two.example.test:24225 ?"
    (one,) = troubles(broken, NOT_AVAILABLE.format(0))
    first = ranked(one, common(behind(configured(FORWARD), broken, NOT_AVAILABLE.format(0))))[0]
    assert first.cause is Word.PLAINTEXT_PORT
    assert "[NODE]" in first.fix


def test_the_output_of_the_plugin_that_dials_it_is_taken_before_the_first(configured):
    configuration = configured(
        OUTPUT.format("http", "a.test", 443) + OUTPUT.format("http", "b.test", 443)
        + OUTPUT.format("http", "b.test", 444)
    )  # fmt: skip
    (found,) = behind(configuration, EOF, none_available("http.7", "b.test:444"))
    assert (found.host, found.port) == ("b.test", "444")
    (found,) = behind(configuration, EOF, none_available("http.7", "b.test:445"))
    assert found.host == "a.test"


CODE_20 = CODE.format(reason="unable to get local issuer certificate", code=20)


@pytest.mark.parametrize(
    ("trouble", "beside", "cause", "told"),
    [
        ("empty", "", "ca_path_empty", "is empty"),
        ("unhashed", "", "ca_path_not_hashed", "has no file in it whose name is a hash"),
        ("dangling", "", "ca_path_not_hashed", "has no file in it whose name is a hash"),
        ("a_file", "", "ca_path_missing", "is a file"),
        ("missing", "", "ca_path_missing", "does not exist"),
        ("empty", " tls.ca_file ca.pem\n", "ca_path_wins", "tls.ca_file is not read beside it"),
    ],
)
def test_a_directory_in_which_nobody_is_found_leads(  # noqa: PLR0917  # one row of the table
    trouble, beside, cause, told, configured, tmp_path
):
    place = tmp_path / "authorities"
    if trouble == "a_file":
        place.touch()
    elif trouble != "missing":
        place.mkdir()
    if trouble == "unhashed":
        (place / "ca.pem").touch()
    elif trouble == "dangling":
        (place / "0123abcd.0").symlink_to("gone.pem")
    text = OUTPUT.format("http", "a.test", 443) + f" tls.ca_path {place}\n{beside}"
    (section,) = configuration = behind(configured(text), CODE_20, none_available("http.0"))
    (found,) = examined(section, NOW)
    assert found.cause == cause
    assert told in found.told
    (one,) = troubles(CODE_20, none_available("http.0"))
    first = ranked(one, common(configuration), [found])[0]
    assert first.cause is Word.UNTRUSTED_CA
    assert found.told in first.because


def test_a_directory_with_hashed_names_is_no_finding_nor_is_one_of_another_machine(
    configured, tmp_path
):
    (tmp_path / "0123abcd.0").touch()
    for place in (tmp_path, "/no/such/place"):
        text = OUTPUT.format("http", "a.test", 443) + f" tls.ca_path {place}\n"
        (section,) = behind(configured(text), EOF, none_available("http.0"))
        assert not examined(section, NOW)


def test_what_a_proxy_is_trusted_by_is_examined(configured, tmp_path):
    text = OUTPUT.format("http", "a.test", 443)
    text += f" tls.proxy.ca_file {tmp_path}/proxy.pem\n"
    log = (AT + "[debug] [http_client] proxy TLS handshake failed for squid:3129", EOF,
           none_available("http.0"))  # fmt: skip
    (section,) = behind(configured(text), *log)
    assert [one.cause for one in examined(section, NOW)] == ["ca_file_missing"]
    (tmp_path / "proxy.pem").write_bytes(Pki().pem(ROOT))
    assert not examined(section, NOW)
    late = NOW + dt.timedelta(days=1000 * 365)
    (found,) = examined(section, late)
    assert (found.cause, "tls.proxy.ca_file" in found.told) == ("proxy_certificate_refused", True)
    empty = text.replace("ca_file", "ca_path").replace("/proxy.pem", "/none")
    (section,) = behind(configured(empty), *log)
    assert [one.cause for one in examined(section, NOW)] == ["proxy_certificate_refused"]


OF_INPUT = AT + "[error] [input:forward:forward.0] could not accept new connection"
LISTENS = "[INPUT]\n Name forward\n tls on\n tls.verify {}\n tls.crt_file a.pem\n"


def test_what_a_shipper_refuses_does_not_hang_on_what_the_input_verifies(configured):
    # Catches `unknown` in the place of the shipper's CA: it judged, whatever tls.verify says here.
    alert = AT + "[error] [tls] error: error:0A000418:SSL routines::tlsv1 alert unknown ca"
    (one,) = troubles(alert, OF_INPUT)
    settings = common(behind(configured(LISTENS.format("off")), alert, OF_INPUT))
    assert ranked(one, settings)[0].cause is Word.UNTRUSTED_CA


def test_of_a_shipper_that_was_refused_its_own_certificates_are_looked_at(configured):
    (one,) = troubles(REFUSED, OF_INPUT)
    settings = common(behind(configured(LISTENS.format("on")), REFUSED, OF_INPUT))
    assert look_next(one, settings).observation.startswith("the shipper's certificates")


@pytest.mark.parametrize(
    ("word", "release", "is_on"),
    [
        ("yes", "5.1.1", True),
        ("No", "5.1.1", False),
        ("1", "5.1.1", None),
        ("0", "5.1.1", None),
        ("yes", "1.9.10", None),
        ("${NOBODYS}", "5.1.1", None),
    ],
)
def test_a_switch_is_read_as_the_release_of_the_log_reads_it(word, release, is_on, configured):
    # Catches `tls 1` taken for on: Fluent Bit sends in cleartext then.
    text = OUTPUT.format("http", "a.test", 443).replace("tls on", f"tls {word}")
    banner = f"Fluent Bit v{release}"
    (section,) = behind(configured(text), banner, EOF, none_available("http.0"))
    assert section.is_on("tls") is is_on
