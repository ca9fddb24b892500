"""How properties of TLS are written: outputs and inputs, in classic syntax and in YAML."""

from __future__ import annotations

from config_corpus import conf, yaml

TLS, CA = "tls on", "tls.ca_file ca.pem"
PAIR = ("tls.crt_file client.pem", "tls.key_file client.key")
OWN = ("tls.crt_file server.pem", "tls.key_file server.key")
LOCKED = ("tls.crt_file client.pem", "tls.key_file locked.key")
KNOWN, OTHER = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"
NAMED = "tls.vhost logs.example.test"
CHECKED = "tls.verify_hostname on"
STRANGER = "tls.ca_file other.pem"

ENVIRONMENT = {
    "FLB_TEST_NAME": "logs.example.test",
    "FLB_TEST_ON": "on",
    "FLB_TEST_OFF": "off",
    "FLB_TEST_FOLDER": ".",
    "FLB_TEST_PASSWORD": "planted",
    "FLB_TEST_EMPTY": "",
}

OF_OUTPUT = {
    "nothing": (),
    "TLS by itself": (TLS, CA),
    "TLS off": ("tls off", CA, NAMED),
    "a Mode": ("tls verify_peer", CA),
    "a number": ("tls 1", CA),
    "keys in capitals": ("TLS On", "TLS.CA_File ca.pem", "TLS.Vhost logs.example.test"),
    # names
    "a name": (TLS, CA, NAMED),
    "the last of two names": (TLS, CA, "tls.vhost a.test", "tls.vhost b.test"),
    "a name by a variable": (TLS, CA, "tls.vhost ${FLB_TEST_NAME}", CHECKED),
    "a name with a variable in it": (TLS, CA, "tls.vhost a.${FLB_TEST_NAME}"),
    "a name by default": (TLS, CA, "tls.vhost ${FLB_TEST_NOBODY:-c.test}"),
    "a name by default, as the variable is empty": (TLS, CA, "tls.vhost ${FLB_TEST_EMPTY:-c.test}"),
    "a name that nobody sets": (TLS, CA, "tls.vhost a.test", "tls.vhost ${FLB_TEST_NOBODY}"),
    "an address as name": (TLS, CA, "tls.vhost 10.0.0.1"),
    "a dot behind the name": (TLS, CA, "tls.vhost logs.example.test.", CHECKED),
    "the host's name": (TLS, CA, "host localhost"),
    "the right name checked": (TLS, CA, NAMED, CHECKED),
    "another name checked": (TLS, CA, "tls.vhost a.test", CHECKED),
    "another name, then not checked": (TLS, CA, "tls.vhost a.test", CHECKED, CHECKED[:-2] + "off"),
    # whom it believes
    "the last of two CA files": (TLS, STRANGER, CA),
    "the last of two CA files, a stranger's": (TLS, CA, STRANGER),
    "a CA file by a variable": (TLS, "tls.ca_file ${FLB_TEST_FOLDER}/ca.pem"),
    "a CA file that nobody sets": (TLS, CA, "tls.ca_file ${FLB_TEST_NOBODY}"),
    "a CA directory": (TLS, "tls.ca_path cas"),
    "the last of two CA directories": (TLS, "tls.ca_path none", "tls.ca_path cas"),
    "a CA directory silences the file": (TLS, CA, "tls.ca_path none"),
    "a CA directory silences a stranger's file": (TLS, STRANGER, "tls.ca_path cas"),
    "a CA directory that nobody sets": (TLS, CA, "tls.ca_path ${FLB_TEST_NOBODY}"),
    **{
        f"verify {word}": (TLS, STRANGER, f"tls.verify {word}")
        for word in ("on", "Off", "FALSE", "true", "yes", "No", "maybe", "0", "1", "none")
    },
    "the last of two switches": (TLS, STRANGER, "tls.verify on", "tls.verify off"),
    "a switch by a variable": (TLS, STRANGER, "tls.verify ${FLB_TEST_OFF}"),
    # switches that come to nothing
    "tls that nobody sets": ("tls ${FLB_TEST_NOBODY}", CA),
    "tls that is empty": ("tls ${FLB_TEST_EMPTY}", CA),
    "verify that nobody sets": (TLS, CA, "tls.verify ${FLB_TEST_NOBODY}"),
    "verify_hostname that nobody sets": (TLS, CA, "tls.verify_hostname ${FLB_TEST_NOBODY}"),
    "debug that nobody sets": (TLS, CA, "tls.debug ${FLB_TEST_NOBODY}"),
    "one that nobody sets, and another after it": (TLS, CA, "tls.verify ${X}", "tls.verify on"),
    "workers that nobody sets": (TLS, CA, "workers ${FLB_TEST_NOBODY}"),
    "keepalive that nobody sets": (TLS, CA, "net.keepalive ${FLB_TEST_NOBODY}"),
    "an alias that nobody sets": (TLS, CA, "alias ${FLB_TEST_NOBODY}"),
    "what may be empty": (TLS, CA, "http_user ${FLB_TEST_NOBODY}", "compress ${FLB_TEST_NOBODY}"),
    # what it shows
    "a client certificate": (TLS, CA, *PAIR),
    "the last of two pairs": (TLS, CA, *PAIR, *OWN),
    "a certificate without its key": (TLS, CA, PAIR[0]),
    "a key without its certificate": (TLS, CA, PAIR[1]),
    "another's key": (TLS, CA, PAIR[0], OWN[1]),
    "a locked key": (TLS, CA, *LOCKED, "tls.key_passwd planted"),
    "a locked key, its password by a variable": (
        TLS,
        CA,
        *LOCKED,
        "tls.key_passwd ${FLB_TEST_PASSWORD}",
    ),
    "a locked key, the last of two passwords": (
        TLS,
        CA,
        *LOCKED,
        "tls.key_passwd planted",
        "tls.key_passwd wrong",
    ),
    "a locked key, no password": (TLS, CA, *LOCKED),
    "a password too many": (TLS, CA, *PAIR, "tls.key_passwd wrong"),
    # versions
    **{
        f"{bound} {word}": (TLS, CA, f"tls.{bound}_version {word}")
        for bound in ("min", "max")
        for word in ("TLSv1.1", "TLSv1.2", "tlsv1.3", "TLSv1", "TLSv1.", "TLS", "s", "1.2", "TLSv9")
    },
    "both bounds": (TLS, CA, "tls.min_version TLSv1.2", "tls.max_version TLSv1.2"),
    "bounds that cross": (TLS, CA, "tls.min_version TLSv1.3", "tls.max_version TLSv1.2"),
    "the last of two bounds": (TLS, CA, "tls.min_version TLSv1.2", "tls.min_version TLSv1.3"),
    "a bound that nobody sets": (TLS, CA, "tls.min_version TLSv1.3", "tls.min_version ${X}"),
    # ciphers
    "a cipher": (TLS, CA, f"tls.ciphers {KNOWN}"),
    "two ciphers": (TLS, CA, f"tls.ciphers {KNOWN}:{OTHER}"),
    "the last of two lists": (TLS, CA, f"tls.ciphers {KNOWN}", f"tls.ciphers {OTHER}"),
    "a cipher and nonsense": (TLS, CA, f"tls.ciphers nonsense:{OTHER}"),
    "nonsense": (TLS, CA, "tls.ciphers nonsense"),
    "ciphers that nobody sets": (TLS, CA, f"tls.ciphers {KNOWN}", "tls.ciphers ${X}"),
    "ciphers and TLS 1.3 alone": (TLS, CA, f"tls.ciphers {KNOWN}", "tls.min_version TLSv1.3"),
    # debug
    **{f"debug {word}": (TLS, CA, f"tls.debug {word}") for word in ("0", "1", "2", "1x", "true")},
    "the last of two levels": (TLS, CA, "tls.debug 1", "tls.debug 0"),
    "an unknown property": (TLS, CA, "tls.ca_flie x"),
}
"""In both syntaxes."""

OF_INPUT = {
    "nothing": (),
    "TLS": (TLS, *OWN),
    "TLS off": ("tls no", *OWN),
    "TLS that nobody sets": ("tls ${X}", *OWN),
    "no certificate": (TLS,),
    "keys in capitals": ("Tls ON", "TLS.CRT_FILE server.pem", "Tls.Key_File server.key"),
    "the last of two pairs": (TLS, *OWN, *PAIR),
    "a locked key": (TLS, *LOCKED, "tls.key_passwd planted"),
    "clients of a CA": (TLS, *OWN, CA),
    "clients of a CA directory": (TLS, *OWN, STRANGER, "tls.ca_path cas"),
    "clients of another CA": (TLS, *OWN, STRANGER),
    "nothing verified": (TLS, *OWN, CA, "tls.verify off"),
    "nothing verified by a variable": (TLS, *OWN, CA, "tls.verify ${FLB_TEST_OFF}"),
    "demanded": (TLS, *OWN, CA, "tls.verify_client_cert on"),
    "demanded, not verified": (TLS, *OWN, CA, "tls.verify off", "tls.verify_client_cert on"),
    "demanded, maybe verified": (TLS, *OWN, CA, "tls.verify maybe", "tls.verify_client_cert yes"),
    "the last of two demands": (
        TLS,
        *OWN,
        CA,
        "tls.verify_client_cert on",
        "tls.verify_client_cert off",
    ),
    "demanded by a variable": (TLS, *OWN, CA, "tls.verify_client_cert ${FLB_TEST_ON}"),
    "a demand that nobody sets": (TLS, *OWN, CA, "tls.verify_client_cert ${X}"),
    "a demand that is no boolean": (TLS, *OWN, CA, "tls.verify_client_cert maybe"),
    "verify_hostname of an input": (TLS, *OWN, CA, CHECKED),
    "TLS 1.3 at least": (TLS, *OWN, "tls.min_version TLSv1.3"),
    "TLS 1.2 at most": (TLS, *OWN, "tls.max_version tlsv1.2"),
    "a bound that is none": (TLS, *OWN, "tls.min_version 1.3"),
    "bounds that cross": (TLS, *OWN, "tls.min_version TLSv1.3", "tls.max_version TLSv1.2"),
    "a cipher": (TLS, *OWN, f"tls.ciphers {OTHER}"),
    "the last of two lists": (TLS, *OWN, f"tls.ciphers {OTHER}", f"tls.ciphers {KNOWN}"),
    "debug 1": (TLS, *OWN, "tls.debug 1"),
    "debug 2": (TLS, *OWN, "tls.debug 2"),
}
"""In both syntaxes."""

SERVICE = "[SERVICE]\n    Flush 0.1\n    Grace 0\n    Log_Level debug\n"
DUMMY = "[INPUT]\n    Name dummy\n    Rate 1000\n    Samples 1\n"
DIALS = """\
[OUTPUT]
    Name http
    Match *
    Host 127.0.0.1
    Port {port}
    Retry_Limit no_retries
    Workers 0
"""
LISTENS = "[OUTPUT]\n    Name null\n    Match *\n[INPUT]\n    Name http\n    Port {port}\n"

IN_YAML = """\
service: {flush: 0.1, grace: 0, log_level: debug}
"""
DUMMY_IN_YAML = "pipeline:\n  inputs: [{name: dummy, rate: 1000, samples: 1}]\n"
DIALS_IN_YAML = """\
  outputs:
    - name: http
      match: '*'
      host: 127.0.0.1
      port: {port}
      retry_limit: no_retries
      workers: 0
"""
LISTENS_IN_YAML = """\
pipeline:
  outputs: [{name: null, match: '*'}]
  inputs:
    - name: http
      port: {port}
"""


def classic(*lines):
    return "".join(f"    {line}\n" for line in lines)


def in_yaml(*lines):
    return "".join(f"      {line.replace(' ', ': ', 1)}\n" for line in lines)


OUTPUTS = {
    **{
        f"classic: {name}": conf(SERVICE + DUMMY + DIALS + classic(*lines))
        for name, lines in OF_OUTPUT.items()
    },
    **{
        f"YAML: {name}": yaml(IN_YAML + DUMMY_IN_YAML + DIALS_IN_YAML + in_yaml(*lines))
        for name, lines in OF_OUTPUT.items()
    },
}
INPUTS = {
    **{
        f"classic: {name}": conf(SERVICE + LISTENS + classic(*lines))
        for name, lines in OF_INPUT.items()
    },
    **{
        f"YAML: {name}": yaml(IN_YAML + LISTENS_IN_YAML + in_yaml(*lines))
        for name, lines in OF_INPUT.items()
    },
}


def _classic(text, *lines, **others):
    return conf(text + SERVICE + DUMMY + DIALS + classic(*lines), **others)


def _yaml(*lines, head="", **others):
    end = "".join(f"      {line}\n" for line in lines)
    return yaml(IN_YAML + head + DUMMY_IN_YAML + DIALS_IN_YAML + end, **others)


OUTPUTS |= {
    "classic: @SET": _classic("@SET n=set.test\n@SET on=on\n", "tls ${on}", CA, "tls.vhost ${n}"),
    "classic: @SET over the environment": _classic(
        "@SET FLB_TEST_NAME=set.test\n", TLS, CA, "tls.vhost ${FLB_TEST_NAME}"
    ),
    "classic: quotes": _classic("", TLS, CA, 'tls.vhost "logs.example.test"'),
    "classic: quotes around a version": _classic("", TLS, CA, "tls.min_version 'TLSv1.3'"),
    "classic: quotes around a switch": _classic("", 'tls "on"', CA),
    "classic: what follows a value": _classic("", TLS, CA, "tls.vhost a.test # not b.test"),
    "classic: what follows a switch": _classic("", "tls on # really", CA),
    "classic: blanks around values": _classic("", "tls   on   ", CA, "tls.vhost    a.test \t "),
    "classic: a comment between": _classic("", TLS, "# tls off", CA, "#tls.verify off"),
    "classic: CRLF": {
        name: text.replace("\n", "\r\n") for name, text in _classic("", TLS, CA, NAMED).items()
    },
    "classic: camel case": _classic("", TLS, "tls.caFile ca.pem"),
    "classic: an included section": conf(
        "@INCLUDE out.conf\n" + SERVICE + DUMMY, out_conf=DIALS + classic(TLS, CA, NAMED, *PAIR)
    ),
    "classic: a variable set in an included file": conf(
        "@INCLUDE set.conf\n" + SERVICE + DUMMY + DIALS + classic(TLS, CA, "tls.vhost ${n}"),
        set_conf="@SET n=set.test\n",
    ),
    "classic: what follows an included section": conf(
        SERVICE + DUMMY + DIALS + classic(TLS, CA) + "@INCLUDE null.conf\n" + classic(NAMED),
        null_conf="[OUTPUT]\n    Name null\n    Match *\n",
    ),
    "YAML: env": _yaml(
        "tls: ${on}",
        "tls.ca_file: ca.pem",
        "tls.vhost: ${n}",
        head="env: {on: 'on', n: set.test}\n",
    ),
    "YAML: quotes": _yaml('tls: "on"', "tls.ca_file: 'ca.pem'", 'tls.vhost: "a.test"'),
    "YAML: blanks in quotes": _yaml('tls: " on "', "tls.ca_file: ca.pem ", "tls.vhost: ' a.test '"),
    "YAML: comments": _yaml("tls: on # really", "tls.ca_file: ca.pem", "tls.vhost: a.test # b"),
    "YAML: a folded value": _yaml("tls: on", "tls.ca_file: ca.pem", "tls.vhost: >", "  a.test"),
    "YAML: a list": _yaml("tls: [off, on]", "tls.ca_file: ca.pem", "tls.vhost: [a.test, b.test]"),
    "YAML: a number": _yaml("tls: on", "tls.ca_file: ca.pem", "tls.debug: 0x1"),
    "YAML: no value": _yaml("tls: on", "tls.ca_file: ca.pem", "tls.vhost: a.test", "tls.vhost:"),
    "YAML: a switch without a value": _yaml("tls: on", "tls.ca_file: ca.pem", "tls.verify:"),
    "YAML: an empty switch": _yaml("tls: on", "tls.ca_file: ca.pem", 'tls.verify: ""'),
    "YAML: null": _yaml("tls: on", "tls.ca_file: ca.pem", "tls.vhost: null"),
    "YAML: true": _yaml("tls: true", "tls.ca_file: ca.pem", "tls.verify: True"),
    "YAML: y": _yaml("tls: y", "tls.ca_file: ca.pem"),
    "YAML: camel case": _yaml(
        "tls: on",
        "tls.caFile: ca.pem",
        "tls.vhost: a.test",
        "tls.verifyHostname: on",
        "tls.minVersion: TLSv1.3",
        "tls.crtFile: client.pem",
        "tls.keyFile: client.key",
    ),
    "YAML: camel case and snake case, the last": _yaml(
        "tls: on", "tls.ca_file: other.pem", "tls.caFile: ca.pem"
    ),
    "YAML: camel case with an underscore": _yaml("tls: on", "tls.ca_fIle: ca.pem"),
    "YAML: camel case that is none": _yaml("tls: on", "Tls.CaFile: ca.pem"),
    "YAML: capitals": _yaml("TLS: ON", "TLS.CA_FILE: ca.pem", "Tls.vhost: a.test"),
    "YAML: a capital in the middle": _yaml("tLS: on", "tls.ca_file: ca.pem"),
    "YAML: an included file": yaml(
        IN_YAML + "includes: [out.yaml]\n" + DUMMY_IN_YAML,
        out_yaml="pipeline:\n" + DIALS_IN_YAML + in_yaml(TLS, CA, NAMED, *PAIR),
    ),
    "YAML: a variable set in an included file": _yaml(
        "tls: on",
        "tls.ca_file: ca.pem",
        "tls.vhost: ${n}",
        head="includes: [set.yaml]\n",
        set_yaml="env: {n: set.test}\n",
    ),
}

NODE = "[UPSTREAM]\n    Name u\n[NODE]\n    Name a\n    Host 127.0.0.1\n    Port {port}\n"


def _node(*lines):
    whole = SERVICE + DUMMY + "[OUTPUT]\n    Name forward\n    Match *\n    Upstream up.conf\n"
    whole += "    Retry_Limit no_retries\n    Workers 0\n"
    return conf(whole, up_conf=NODE + classic(*lines))


OUTPUTS |= {
    "node: nothing": _node(),
    "node: TLS": _node(TLS, CA, NAMED, *PAIR),
    "node: the first of two names": _node(TLS, CA, "tls.vhost a.test", "tls.vhost b.test"),
    "node: the first of two CA files": _node(TLS, CA, STRANGER, NAMED),
    "node: the first of two switches": _node(
        TLS, STRANGER, NAMED, "tls.verify off", "tls.verify on"
    ),
    "node: tls off, then on": _node("tls off", CA, NAMED, TLS),
    "node: a name by a variable": _node(TLS, CA, "tls.vhost ${FLB_TEST_NAME}"),
    "node: tls by a variable": _node("tls ${FLB_TEST_ON}", CA, NAMED),
    "node: verify by a variable": _node(TLS, STRANGER, "tls.verify ${FLB_TEST_OFF}", NAMED),
    "node: verify off": _node(TLS, STRANGER, "tls.verify off", NAMED),
    "node: another name checked": _node(TLS, CA, "tls.vhost a.test", CHECKED),
    "node: names checked by a variable": _node(
        TLS, CA, "tls.vhost a.test", "tls.verify_hostname ${FLB_TEST_ON}"
    ),
    "node: a bound": _node(TLS, CA, NAMED, "tls.min_version TLSv1.3"),
    "node: a directory silences the file": _node(TLS, CA, NAMED, "tls.ca_path none"),
}
