"""YAML, as 5.1.1 reads it; the binary is asked in tests/contract."""

from __future__ import annotations

import pytest

from flb_handshake.config import nodes
from flb_handshake.config.reading import Syntax, read, read_text
from flb_handshake.config.words import Kind, Spot

PIPELINE = "pipeline:\n  inputs:\n    - name: dummy\n"


def of_yaml(text):
    return read_text(text, name="/nowhere/x.yaml", syntax=Syntax.YAML, environment={})


def fatal(found):
    return [(one.spot.line, one.text) for one in found.refusals if one.fatal]


def place(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "main.yaml"


def test_each_value_knows_its_line():
    found = of_yaml(
        "pipeline:\n  outputs:\n    - name: http\n      tls: on\n      tls.ca_file: '${CA}'\n"
    )
    (output,) = found.of(Kind.OUTPUT)
    one = output.find("tls.ca_file")
    assert (one.written, one.spot) == ("${CA}", Spot("/nowhere/x.yaml", 5))
    # YAML's own booleans and nulls are texts to Fluent Bit.
    assert output.value("tls") == "on"
    assert found.unset == ("CA",)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("tls.caFile", "tls.ca_file"),
        ("tls.verifyHostname", "tls.verify_hostname"),
        ("TLS.CA_File", "tls.ca_file"),
        ("tls.ca_fIle", "tls.ca_file"),
        ("Tls.CaFile", "tls.cafile"),
        ("tLS", "t_l_s"),
    ],
)
def test_a_key_in_camel_case_is_taken_apart_unless_it_begins_otherwise(key, name):
    found = of_yaml(f"pipeline:\n  outputs:\n    - name: http\n      {key}: ' x '\n")
    (output,) = found.of(Kind.OUTPUT)
    assert (output.properties[-1].name, output.properties[-1].value) == (name, "x")


def test_a_switch_without_a_value_is_refused():
    found = of_yaml(f"{PIPELINE}  outputs:\n    - name: http\n      tls:\n      tls.vhost:\n")
    assert fatal(found) == [(6, "tls is empty")]


def test_a_list_is_the_property_as_often_as_it_is_long():
    found = of_yaml(f"{PIPELINE}      header:\n        - a b\n        - c d\n")
    (made,) = found.sections
    assert [(one.value, one.spot.line) for one in made.properties] == [
        ("dummy", 3),
        ("a b", 5),
        ("c d", 6),
    ]


def test_processors_belong_to_their_plugin_and_upstream_nodes_to_their_servers():
    found = of_yaml(
        f"{PIPELINE}      processors:\n        logs:\n          - name: content_modifier\n"
        "            condition: {op: and, rules: [{field: $a, op: eq, value: b}]}\n"
        "upstream_servers:\n  - name: u\n    nodes:\n      - {name: a, host: b, port: 1}\n"
    )
    assert not found.refusals
    assert [one.kind for one in found.of(Kind.INPUT)[0].sections] == [Kind.PROCESSOR]
    assert found.of(Kind.UPSTREAM)[0].sections[0].value("host") == "b"


@pytest.mark.parametrize("env", ["env:\n  p: dummy\n", "env:\n  - name: p\n    value: dummy\n"])
def test_variables_are_set_in_both_forms_and_count_from_the_beginning(env):
    found = of_yaml(PIPELINE.replace("dummy", "${p}") + env)
    assert found.sections[0].plugin == "dummy"
    assert found.sets == (("p", "dummy"),)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("pipeline:\n  inputs:\n   - name: [\n", 4, "no YAML"),
        ("pipeline:\n\tinputs:\n", 2, "no YAML"),
        (f"{PIPELINE}\0", 4, "no YAML"),
        ("[" * 5000, 1, "no YAML"),
        ("hello\n", 1, "mapping"),
        ("- a\n", 1, "mapping"),
        ("foo: x\n", 1, "mapping"),
        ("pipeline: x\n", 1, "mapping"),
        ("pipeline:\n  foo: []\n", 2, "no part of a pipeline"),
        ("pipeline:\n  inputs:\n    dummy:\n      tag: x\n", 3, "list"),
        ("pipeline:\n  inputs:\n    - dummy\n", 3, "mapping"),
        ("pipeline:\n  inputs:\n    - tag: x\n", 3, "without a name"),
        (f"{PIPELINE}      tag: [[a]]\n", 4, "text"),
        (f"{PIPELINE}      a: {{b: {{c: d}}}}\n", 4, "text"),
        ("pipeline:\n  inputs:\n    - name: &a dummy\n      tag: *a\n", 4, "aliases"),
        ("service:\n  a:\n    b: c\n", 3, "text"),
        ("service: {}\nservice: {}\n", 2, "twice"),
        ("service:\n  log_level: loud\n", 2, "log level"),
        ("includes: a.yaml\n", 1, "list"),
        ("includes:\n  - ''\n", 2, "no file"),
        (f"{PIPELINE}      processors: {{profiles: []}}\n", 4, "no processors"),
        (f"{PIPELINE}      processors: {{logs: [{{action: x}}]}}\n", 4, "without a name"),
    ],
)
def test_what_fluent_bit_stops_at_is_refused_on_its_line(text, line, says):
    found = of_yaml(text)
    assert fatal(found), found
    number, told = fatal(found)[0]
    hint = next(one.hint for one in found.refusals if one.fatal)
    assert number == line
    assert says in told + hint


@pytest.mark.parametrize(
    ("include", "says"),
    [
        ("nope.yaml", "cannot be read"),
        (".", "not a file"),
        ("main.yaml", "already included"),
        ("./main.yaml", "already included"),
        ("a?.yaml", "cannot be read"),
        ("${f}", "cannot be read"),
        ("*.yaml", "already included"),
    ],
)
def test_an_inclusion_that_fluent_bit_stops_at_is_refused(tmp_path, include, says):
    main = place(tmp_path, main=f"includes:\n  - '{include}'\n", a1="")
    assert says in fatal(read(main))[-1][1]


def test_inclusions_are_looked_for_beside_the_including_file(tmp_path):
    (tmp_path / "d").mkdir()
    place(tmp_path / "d", a="includes:\n  - b.yaml\n", b=PIPELINE)
    found = read(place(tmp_path, main="includes:\n  - d/a.yaml\n  - nothing*.yaml\n"))
    assert found.sections[0].spot == Spot(str(tmp_path / "d" / "b.yaml"), 3)
    assert not fatal(found)
    assert "matches no file" in found.refusals[0].text


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    main = tmp_path / "main.yaml"
    main.write_bytes(PIPELINE.encode() + b"      tag: \xe4\n")
    assert "UTF-8" in fatal(read(main))[0][1]


def test_a_bomb_of_aliases_is_as_small_as_it_is_written():
    """An alias that was followed would make ten billion nodes of this."""
    text = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11)
    )
    (found,) = nodes.documents(text)
    assert len(found.pairs) == 11
    assert fatal(of_yaml(text))


CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
data:
  out-a.conf: |
    [OUTPUT]
        Name http
        tls on
  fluent-bit.conf: |
    [SERVICE]
        Parsers_File /fluent-bit/etc/parsers.conf
    @INCLUDE /fluent-bit/etc/out-*.conf
    [INPUT]
        Name
"""


def test_a_config_map_is_read_with_what_it_includes_and_the_lines_of_the_outer_file(tmp_path):
    main = place(tmp_path, main=CONFIG_MAP)
    found = read(main)
    (output,) = found.of(Kind.OUTPUT)
    assert output.find("tls").spot == Spot(str(main), 7)
    assert fatal(found)[0] == (13, "Name has no value")
    assert found.files == (str(main),)
    # What lies in the image cannot be seen from here: told, and no reason not to start.
    assert [one.spot.line for one in found.refusals if not one.fatal] == [10]


CHART = """\
flush: 1
config:
  service: |
    [SERVICE]
        Flush {{ .Values.flush }}
        Log_Level {{ .Values.logLevel }}
        Parsers_File /fluent-bit/etc/conf/custom_parsers.conf
  outputs: |
    [OUTPUT]
        Name es
      Tag wrong
  customParsers: |
    [PARSER
"""


def test_the_charts_parts_are_one_file_and_its_placeholders_are_filled_in(tmp_path):
    found = read(place(tmp_path, main=CHART))
    assert found.of(Kind.SERVICE)[0].value("flush") == "1"
    assert [line for line, _ in fatal(found)] == [11, 13]


OPERATOR = """\
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterOutput
spec:
  match: kube.*
  es:
    host: es.example
    httpPassword:
      valueFrom: {secretKeyRef: {name: es, key: password}}
    tls:
      verify: false
      caFile: /ca.pem
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterInput
spec:
  openTelemetry: {listen: 0.0.0.0, bufferMaxSize: 4M}
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: Output
spec:
  customPlugin:
    config: |
      Name http
      tls on
"""


def test_resources_of_the_operator_become_sections(tmp_path):
    found = read(place(tmp_path, main=OPERATOR))
    assert not found.refusals
    es, http = found.of(Kind.OUTPUT)
    assert {one.key: one.value for one in es.properties} == {
        "Name": "es",
        "host": "es.example",
        "http_Passwd": "(secret password of es)",
        "tls": "On",
        "tls.verify": "false",
        "tls.ca_file": "/ca.pem",
        "Match": "kube.*",
    }
    assert es.find("tls.ca_file").spot.line == 11
    assert (http.plugin, http.find("tls").spot.line) == ("http", 24)
    (otlp,) = found.of(Kind.INPUT)
    assert (otlp.plugin, otlp.value("buffer_max_size")) == ("opentelemetry", "4M")
