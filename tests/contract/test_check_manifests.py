"""`check` of what Kubernetes, Helm and the Fluent Operator keep: told by the line, and played."""

from __future__ import annotations

import json

import pytest
from shipper_servers import PKI
from test_command import REAL, assert_one_clear_error, command

from flb_handshake.certificates import CLIENT

real = pytest.mark.skipif(not REAL, reason="no real Fluent Bit as a process here")

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: fluent-bit
data:
  outputs.conf: |
    [OUTPUT]
        Name          http
        Match         *
        Host          logs.example.com
        Port          443
        Header        Authorization Bearer planted-secret-1
        tls           on
        tls.verify    off
        tls.ca_file   /fluent-bit/certs/ca.pem
  fluent-bit.conf: |
    [SERVICE]
        Flush         1
        Parsers_File  parsers.conf
    @INCLUDE outputs.conf
    [INPUT]
        Name          dummy
  parsers.conf: |
    [PARSER]
        Name   x
        Format json
"""

CONFIG_MAP_IN_YAML = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: fluent-bit}
data:
  fluent-bit.yaml: |
    pipeline:
      inputs:
        - name: http
          port: 9880
          tls: on
          tls.crt_file: /fluent-bit/certs/tls.crt
          tls.keyFile: /fluent-bit/certs/tls.key
          tls.ca_file: /fluent-bit/certs/ca.pem
          tls.verifyClientCert: on
          tls.verify: off
      outputs:
        - {name: null, match: '*'}
"""

CHART = """\
image: {tag: 5.1.1}
flush: 1
collector: logs.example.com
config:
  service: |
    [SERVICE]
        Flush {{ .Values.flush }}
        Log_Level {{ .Values.logLevel }}
  inputs: |
    [INPUT]
        Name tail
        Path /var/log/containers/*.log
  outputs: |
    {{- if .Values.es.enabled }}
    [OUTPUT]
        Name es
        Match kube.*
        Host {{ .Values.collector }}
        HTTP_Passwd {{ .Values.es.password }}
        tls verify_peer
        tls.ca_file /fluent-bit/certs/ca.pem
    {{- end }}
    [OUTPUT]
        Name http
        Match kube.*
        Host {{ .Values.nowhere }}
        tls {{ .Values.tls }}
        tls.verify_hostname on
        tls.max_version TLSv1.1
"""

OPERATOR = """\
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterOutput
metadata:
  name: es
spec:
  match: kube.*
  es:
    host: es.example.com
    port: 9200
    httpPassword:
      valueFrom: {secretKeyRef: {name: es, key: password}}
    tls:
      verify: false
      caFile: /certs/ca.pem
      crtFile: /certs/tls.crt
      keyFile: /certs/tls.key
      keyPassword:
        valueFrom: {secretKeyRef: {name: es-tls, key: passphrase}}
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: Output
metadata: {name: forward}
spec:
  match: "*"
  forward:
    host: forward.example.com
    tls: {verify: true, caFile: /certs/ca.pem, crtFile: /certs/tls.crt}
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterOutput
metadata: {name: splunk}
spec:
  match: "*"
  splunk:
    host: splunk.example.com
    splunkToken:
      valueFrom: {secretKeyRef: {name: splunk, key: token}}
    tls:
      caFlie: /certs/ca.pem
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterOutput
metadata: {name: custom}
spec:
  customPlugin:
    config: |
      Name http
      Match *
      tls verify_peer
---
apiVersion: v1
kind: Secret
metadata: {name: es}
stringData: {password: planted-secret-2}
"""

ANYBODY = ["another CA", "wrong name", "self-signed", "expired", "missing intermediate"]

KNOWN = {
    # kind: (text, some of what must be told, all that is played: line, outcome, what gets through)
    "a ConfigMap": (
        CONFIG_MAP,
        {("verify-off", 14), ("takes-another-ca", 14), ("takes-expired", 14)},
        [(7, "DELIVERED", ANYBODY)],
    ),
    "a ConfigMap in YAML": (
        CONFIG_MAP_IN_YAML,
        {("client-certificate-not-checked", 14), ("takes-foreign-clients", 15)},
        [(8, "DELIVERED", ["no client certificate", "client of another CA", "expired client"])],
    ),
    "values of the chart": (
        CHART,
        {("not-a-boolean", 20), ("sends-cleartext", 20), ("no-version-left", 29)},
        [(15, "CLEARTEXT", [*ANYBODY, "cleartext"]), (23, None, [])],
    ),
    "resources of the operator": (
        OPERATOR,
        {
            ("verify-off", 13),
            ("takes-another-ca", 13),
            ("certificate-without-key", 27),
            ("does-not-deliver", 27),
            ("unknown-property", 39),
            ("not-a-boolean", 49),
            ("sends-cleartext", 49),
        },
        [
            (7, "DELIVERED", ANYBODY),
            (25, "REFUSED_BY_PEER", []),
            (34, "NOT_STARTED", []),
            (46, "CLEARTEXT", [*ANYBODY, "cleartext"]),
        ],
    ),
}


def run(tmp_path, texts, *options):
    paths = []
    for name, text in texts.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text)
    return command("check", *paths, "--agent", "process", *options)


def told(done):
    return {
        (one["rule"], one["line"])
        for one in json.loads(done.stdout)["findings"]
        if one["severity"] != "note"
    }


@real
@pytest.mark.parametrize("kind", KNOWN)
def test_a_trap_is_told_by_the_line_of_the_manifest_and_its_section_is_played(tmp_path, kind):
    text, expected, played = KNOWN[kind]
    done = run(tmp_path, {"x.yaml": text}, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert expected <= told(done)
    assert {one["file"] for one in found["findings"]} == {str(tmp_path / "x.yaml")}
    assert played == [(one["line"], one["outcome"], one["let_through"]) for one in found["played"]]
    assert "planted-secret" not in done.stdout + done.stderr


@real
def test_several_manifests_at_once_are_told_apart_and_one_that_is_good_adds_nothing(tmp_path):
    good = CONFIG_MAP.replace("tls.verify    off", "tls.verify_hostname on")
    texts = {"a.yaml": good, "b.yaml": CONFIG_MAP, "c.yml": CHART}
    done = run(tmp_path, texts, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert len(found["played"]) == 4
    grave = {one["file"] for one in found["findings"] if one["severity"] != "note"}
    assert grave == {str(tmp_path / "b.yaml"), str(tmp_path / "c.yml")}
    done = run(tmp_path, {"a.yaml": good}, "--policy", "strict")
    assert done.returncode == 0, done.stdout


@real
def test_what_helm_or_the_environment_fills_in_is_not_held_against_it(tmp_path):
    known = ("tls on", "tls.verify_hostname on", "tls.ca_file {{ .Values.ca }}")
    lines = "".join(
        f"        {line}\n" for line in (*known, "http_User ${USER_OF_ES}", "uri {{ .Values.uri }}")
    )
    outputs = f"    [OUTPUT]\n        Name http\n        Host logs.example.com\n{lines}"
    done = run(tmp_path, {"x.yaml": f"config:\n  outputs: |\n{outputs}"}, "--policy", "strict")
    assert done.returncode == 0, done.stdout
    assert "DELIVERED" in done.stdout


def test_a_password_in_a_secret_is_none_that_does_not_fit(tmp_path):
    (tmp_path / "tls.crt").write_bytes(PKI.pem(CLIENT))
    (tmp_path / "tls.key").write_bytes(PKI.key_pem(CLIENT, "nobody-knows"))
    text = OPERATOR.replace("/certs", str(tmp_path))
    done = run(tmp_path, {"x.yaml": text}, "--no-play", "--json")
    (found,) = [one for one in json.loads(done.stdout)["findings"] if one["rule"] == "key-password"]
    assert (found["line"], found["severity"]) == (17, "note")


HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
OF_OPERATOR = "apiVersion: fluentbit.fluent.io/v1alpha2\nkind: ClusterOutput\n"
BROKEN = {
    "a ConfigMap without data": (HEAD, "1: the ConfigMap holds no configuration"),
    "a ConfigMap of other files": (HEAD + "data: {a.txt: x}\n", "1: the ConfigMap holds no"),
    "a ConfigMap that is no YAML": (HEAD + "data:\n  a: b: c\n", "5: it is no YAML"),
    "a template of Helm's": (HEAD + "data:\n{{- if .x }}\n  a: b\n", "helm template"),
    "values without config": ("image: {tag: 5.1.1}\nrbac: {}\n", "1: the values hold no"),
    "values with parsers alone": ("config:\n  customParsers: x\n", "2: the values hold no"),
    "values that are no YAML": ("config:\n\toutputs: x\n", "2: it is no YAML"),
    "a resource without spec": (OF_OPERATOR, "1: ClusterOutput says nothing"),
    "a resource without plugin": (
        OF_OPERATOR + "spec:\n  match: x\n",
        "4: the ClusterOutput names",
    ),
    "no kind of ours": ("apiVersion: v1\nkind: Service\n", "holds no configuration"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_manifest_without_a_configuration_is_one_clear_line(tmp_path, kind):
    text, says = BROKEN[kind]
    done = run(tmp_path, {"x.yaml": text})
    assert_one_clear_error(done, 2, str(tmp_path / "x.yaml"), says)
    assert done.stdout == ""
