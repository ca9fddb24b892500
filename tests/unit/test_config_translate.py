"""`translate`: what each word of the article becomes, and what it cannot mean."""

from __future__ import annotations

import pytest

from flb_handshake.config.dialect import is_dialect, translated
from flb_handshake.config.reading import Syntax, read_text
from flb_handshake.config.words import Kind
from flb_handshake.config.writing import left_out, written
from flb_handshake.errors import UserMistake
from flb_handshake.model import Mode
from flb_handshake.settings import INPUT_MODES, OUTPUT_MODES

BLOCK = """\
    <TLS>
        Mode          {mode}
        Client.Key    /k
        Client.Cert   /c
        CA.File       /a
    </TLS>
"""


def dialect(section, plugin, block):
    text = f"[{section}]\n    Name {plugin}\n{block}    Tag x\n"
    assert is_dialect(text)
    return translated(text, name="a.conf", environment={})


def effective(found):
    (section,) = found.sections
    return {one.name: one.value for one in section.properties}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("section", "plugin", "modes"),
    [
        ("OUTPUT", "http", OUTPUT_MODES),
        ("INPUT", "forward", INPUT_MODES),
        ("INPUT", "prometheus_scrape", OUTPUT_MODES),  # it dials: a client, input or not
    ],
)
def test_each_mode_becomes_what_the_settings_say_for_that_end(mode, section, plugin, modes):
    found, notes = dialect(section, plugin, BLOCK.format(mode=mode.upper()))
    assert effective(found) == {
        "name": plugin,
        "tag": "x",
        **modes[mode],
        "tls.key_file": "/k",
        "tls.crt_file": "/c",
        "tls.ca_file": "/a",
    }
    assert [one.spot.line for one in notes] == [4, 5, 6, 7]
    assert not found.refusals


@pytest.mark.parametrize(("section", "plugin"), [("INPUT", "tail"), ("OUTPUT", "stdout")])
def test_tls_where_there_is_no_connection_becomes_nothing_and_that_is_told(section, plugin):
    found, notes = dialect(section, plugin, BLOCK.format(mode="require"))
    assert effective(found) == {"name": plugin, "tag": "x"}
    assert f"{plugin} opens no port" in notes[0].text
    assert all("becomes nothing" in one.text for one in notes)


def test_a_word_of_nobodys_is_told_and_left_out():
    found, notes = dialect("OUTPUT", "http", "    <tls>\n        Ciphers ALL\n    </tls>\n")
    assert effective(found) == {"name": "http", "tag": "x", "tls": "on"}
    assert "Ciphers becomes nothing" in notes[1].text


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (BLOCK.format(mode="strict"), "a.conf:4: there is no Mode strict"),
        ("    <TLS>\n        Mode none\n", "never closed"),
        ("    </TLS>\n    <TLS>\n    </TLS>\n", "none was opened"),
        ("    <TLS>\n    <TLS>\n    </TLS>\n", "none was closed"),
        ("    <TLS>\n        Mode\n    </TLS>\n", "a.conf:4: Mode has no value"),
    ],
)
def test_a_broken_block_is_a_mistake_with_its_line(block, says):
    with pytest.raises(UserMistake, match=says):
        dialect("OUTPUT", "http", block)


def test_a_block_outside_of_any_section_is_a_mistake():
    with pytest.raises(UserMistake, match="outside"):
        translated("<TLS>\n</TLS>\n[OUTPUT]\n    Name x\n", name="a", environment={})


def of_yaml(text):
    return read_text(text, name="/nowhere/x.yaml", syntax=Syntax.YAML, environment={})


def test_variables_go_along_and_stay_variables():
    found = of_yaml("env:\n  p: dummy\npipeline:\n  inputs:\n    - name: ${p}\n")
    assert written(found, Syntax.CLASSIC) == "@SET p=dummy\n\n[INPUT]\n    name ${p}\n"


def test_what_classic_syntax_cannot_hold_is_a_mistake():
    found = of_yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n      dummy: |\n        {\n        }\n"
    )
    with pytest.raises(UserMistake, match=r"x\.yaml:4"):
        written(found, Syntax.CLASSIC)


def test_what_is_left_out_is_named():
    found = of_yaml(
        "parsers:\n  - name: p\npipeline:\n  inputs:\n    - name: dummy\n"
        "      processors: {logs: [{name: x}]}\n"
    )
    assert [one.kind for one in left_out(found)] == [Kind.OTHER, Kind.PROCESSOR]
    assert "processors" not in written(found, Syntax.CLASSIC)
