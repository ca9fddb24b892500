"""Our readers and a real Fluent Bit: which configurations start, and which value counts."""

from __future__ import annotations

import re
import subprocess

import pytest
from config_corpus import BOTH, CLASSIC, CORPUS, EFFECTIVE, INPUT, PIPELINE, SINCE, conf, laid, yaml
from packaging.version import Version
from test_command import command
from texts_played import binary

from flb_handshake.agent.process import find_binary, open_process
from flb_handshake.config.capable import End, end
from flb_handshake.config.reading import read
from flb_handshake.config.words import Kind
from flb_handshake.model import DEFAULT_VERSION, Mode
from flb_handshake.releases import RELEASES

LIMIT = 30.0
"""Seconds, for a start that ends by itself."""

NAMED = re.compile(r"\[tls\] ca_file '([^']*)'")

ARTICLE = """\
[INPUT]
    Name  tail
    Path  /var/log/nginx/access.log
    <TLS>
        Mode       require
        CA.File    /nowhere/ca.crt
    </TLS>

[OUTPUT]
    Name   http
    Match  *
    <TLS>
        Mode         {mode}
        Client.Key   /nowhere/fluent-bit.key
        Client.Cert  /nowhere/fluent-bit.crt
        CA.File      /nowhere/ca.crt
    </TLS>

[INPUT]
    Name   forward
    <TLS>
        Mode         {mode}
        Client.Key   /nowhere/fluent-bit.key
        Client.Cert  /nowhere/fluent-bit.crt
        CA.File      /nowhere/ca.crt
    </TLS>
"""


def said(path, *options, program=None):
    """What Fluent Bit makes of it: the exit code, and what it says."""
    found = subprocess.run(
        [str(program or binary()), "-c", str(path), *options],
        check=False,
        capture_output=True,
        timeout=LIMIT,
        cwd=path.parent.parent,
    )
    return found.returncode, (found.stdout + found.stderr).decode("utf-8", "replace")


def is_accepted(path):
    code, text = said(path, "--dry-run")
    assert code != 0 or "configuration test is successful" in text
    return code == 0, text


def fatal(path):
    return [f"{one.spot}: {one.text}" for one in read(path).refusals if one.fatal]


@pytest.mark.parametrize("name", CORPUS)
def test_a_configuration_starts_exactly_if_we_find_nothing_against_it(tmp_path, name):
    path = laid(tmp_path / "x", CORPUS[name])
    accepted, text = is_accepted(path)
    assert accepted == (not fatal(path)), (fatal(path), text)


@pytest.mark.parametrize("version", [one for one in RELEASES if one != DEFAULT_VERSION])
def test_other_releases_read_classic_syntax_alike_but_for_what_is_known(tmp_path, version):
    other = find_binary(version)
    if other is None:
        pytest.skip(f"no real Fluent Bit {version} as a process")
    otherwise = set()
    for place, (name, files) in enumerate(CLASSIC.items()):
        path = laid(tmp_path / str(place) / "x", files)
        if (said(path, "--dry-run", program=other)[0] == 0) == bool(fatal(path)):
            otherwise.add(name)
    assert otherwise == {name for name, since in SINCE.items() if Version(version) < Version(since)}


SAYS_NOTHING = {"docker_events"}
"""Takes `tls on` (5.1.1), though nothing in its source has to do with TLS."""


@pytest.mark.parametrize("kind", [Kind.INPUT, Kind.OUTPUT])
def test_the_plugins_that_refuse_tls_are_those_of_which_we_say_so(tmp_path, kind):
    without = set()
    built_in = open_process(str(binary()), version=DEFAULT_VERSION).identity.plugins[kind]
    for plugin in built_in:
        path = laid(tmp_path / plugin / "x", conf(f"[{kind}]\n    Name {plugin}\n    tls on\n"))
        if "does not support TLS" in said(path, "--dry-run")[1]:
            without.add(plugin)
        ours = end(read(path).sections[0])
        assert (ours is End.NEITHER) == (plugin in without | SAYS_NOTHING), plugin
    assert len(without) in range(10, len(built_in))


@pytest.mark.parametrize("name", EFFECTIVE)
def test_the_value_that_counts_is_the_one_that_fluent_bit_opens(tmp_path, name):
    path = laid(tmp_path / "x", EFFECTIVE[name])
    _, text = said(path)
    (output,) = [one for one in read(path).of(Kind.OUTPUT) if one.plugin in {"http", "forward"}]
    holder = output.sections[0] if output.sections else output
    assert NAMED.findall(text) == [holder.value("tls.ca_file")], text


@pytest.mark.parametrize("to", ["classic", "yaml"])
@pytest.mark.parametrize("mode", Mode)
def test_what_is_translated_from_the_article_starts(tmp_path, to, mode):
    path = laid(tmp_path / "x", conf(ARTICLE.format(mode=mode)))
    assert not is_accepted(path)[0]
    done = command("translate", path, "--to", to)
    assert done.returncode == 0, done.stderr
    assert "tail opens no port" in done.stderr
    made = tmp_path / "x" / ("made.conf" if to == "classic" else "made.yaml")
    made.write_text(done.stdout)
    assert is_accepted(made)[0]
    of_output, of_input = read(made).of(Kind.OUTPUT)[0], read(made).of(Kind.INPUT)[1]
    is_on = mode is not Mode.OFF
    assert [one.value("tls") == "on" for one in (of_output, of_input)] == [is_on, is_on]


@pytest.mark.parametrize(
    "files",
    [
        conf(BOTH + '    Alias "quoted: #"\n'),
        conf("@SET p=dummy\n" + INPUT.replace("dummy", "${p}") + "[OUTPUT]\n    Name null\n"),
        conf("@INCLUDE a.conf\n[OUTPUT]\n    Name null\n", a_conf=INPUT),
        yaml(PIPELINE),
        yaml("env: {p: dummy}\nservice: {flush: 2}\n" + PIPELINE.replace("dummy", "${p}")),
    ],
)
def test_either_syntax_translated_into_the_other_starts_and_says_the_same(tmp_path, files):
    path = laid(tmp_path / "x", files)
    done = command("translate", path)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "x" / ("made.yaml" if path.suffix == ".conf" else "made.conf")
    made.write_text(done.stdout)
    assert is_accepted(made)[0]

    def words(found):
        return {
            (one.kind, each.name, each.value) for one in found.sections for each in one.properties
        }

    assert words(read(made)) == words(read(path))


def test_what_fluent_bit_would_refuse_is_not_translated_but_told_with_its_line(tmp_path):
    path = laid(tmp_path / "x", conf(INPUT + "  Tag x\n"))
    done = command("translate", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}:3:" in done.stderr
    assert "hint:" in done.stderr
