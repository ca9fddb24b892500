"""Small configurations with what is in each, for the question whether Fluent Bit starts with it.

The first file of each is the one that is given to Fluent Bit. Some are put as public reports put
theirs (issue numbers of fluent/fluent-bit).
"""

from __future__ import annotations

INPUT = "[INPUT]\n    Name dummy\n"
OUTPUT = "[OUTPUT]\n    Name null\n    Match *\n"
BOTH = INPUT + OUTPUT
PIPELINE = (
    "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n    - name: null\n      match: '*'\n"
)


def conf(text, **files):
    return {"main.conf": text, **named(files)}


def yaml(text, **files):
    return {"main.yaml": text, **named(files)}


def named(files):
    """Files by keyword: two low lines for a slash, one for a dot."""
    return {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}


CLASSIC = {
    "plain": conf(BOTH),
    "empty": conf(""),
    "comments alone": conf("# one\n# two\n"),
    "CRLF": conf(BOTH.replace("\n", "\r\n")),
    "no last newline": conf(BOTH.rstrip()),
    "tabs": conf(BOTH.replace("    ", "\t")),
    "one blank, two in the next section": conf("[INPUT]\n Name dummy\n[OUTPUT]\n  Name null\n"),
    "less indented later": conf("[INPUT]\n    Name dummy\n[OUTPUT]\n  Name null\n"),
    "not indented": conf("[INPUT]\nName dummy\n"),
    "twice as far": conf("[INPUT]\n    Name dummy\n        Tag x\n" + OUTPUT),
    "half as far again": conf("[INPUT]\n    Name dummy\n      Tag x\n" + OUTPUT),
    "a tab among blanks": conf("[INPUT]\n    Name dummy\n\tTag x\n" + OUTPUT),
    "a comment indented less": conf(INPUT + "  # why not\n" + OUTPUT),
    "a comment indented twice": conf(INPUT + "        # why not\n" + OUTPUT),
    "an empty line of six blanks": conf(INPUT + "      \n" + OUTPUT),
    "a section indented": conf(INPUT + "    [OUTPUT]\n        Name null\n"),
    "words after a section's bracket": conf("[INPUT] of mine\n    Name dummy\n" + OUTPUT),
    "no closing bracket": conf("[INPUT\n    Name dummy\n"),
    "a beginning of a section's name": conf("[IN]\n    Name dummy\n[OUT]\n    Name null\n"),
    "a section of nobody's": conf("[WHATEVER]\n    Name x\n" + BOTH),
    "a parser in the main file": conf(BOTH + "[PARSER]\n    Name x\n    Format json\n"),
    "no name": conf("[INPUT]\n    Tag x\n" + OUTPUT),
    "an empty section": conf(INPUT + "[OUTPUT]\n"),
    "the first of two names": conf("[INPUT]\n    Name dummy\n    Name nobody\n" + OUTPUT),
    "a key without a value": conf("[INPUT]\n    Name dummy\n    Tag\n" + OUTPUT),
    "a key with a blank for a value": conf("[INPUT]\n    Name dummy\n    Tag \n" + OUTPUT),
    "an equals sign": conf("[INPUT]\n    Name=dummy\n" + OUTPUT),
    "a key outside": conf("    Name dummy\n" + BOTH),
    "a byte order mark": conf("\ufeff" + BOTH),
    "a group": conf("[INPUT]\n    Name dummy\n    [G] x\n        a b\n    Tag x\n" + OUTPUT),
    "set afterwards": conf("[INPUT]\n    Name ${p}\n@SET p=dummy\n" + OUTPUT),
    "set with blanks": conf("@SET t = a\n" + BOTH),
    "set to nothing": conf("@SET t\n" + BOTH),
    "set without a blank": conf("@SET\n" + BOTH),
    "a command of nobody's": conf("@FOO bar\n" + BOTH),
    "a default": conf("[INPUT]\n    Name ${NOBODY:-dummy}\n" + OUTPUT),
    "a switch that nobody sets": conf(BOTH.replace("null", "http") + "    tls ${NOBODY}\n"),
    "one that nobody sets, and another": conf(
        BOTH.replace("null", "http") + "    tls.verify ${NOBODY}\n    tls.verify on\n"
    ),
    "an alias that nobody sets": conf("[INPUT]\n    Name dummy\n    Alias ${NOBODY}\n" + OUTPUT),
    "a text that nobody sets": conf(
        BOTH.replace("null", "http") + "    tls.vhost ${NOBODY}\n    uri ${NOBODY}\n"
    ),
    "included": conf("@INCLUDE a.conf\n" + OUTPUT, a_conf=INPUT),
    "included by a pattern": conf("@INCLUDE d/*.conf\n", d__a_conf=INPUT, d__b_conf=OUTPUT),
    "included beside the first file": conf(
        "@INCLUDE d/a.conf\n" + OUTPUT, d__a_conf="@INCLUDE b.conf\n", b_conf=INPUT
    ),
    "included beside the including file": conf(
        "@INCLUDE d/a.conf\n" + OUTPUT, d__a_conf="@INCLUDE b.conf\n", d__b_conf=INPUT
    ),
    "included from above": {"d/main.conf": "@INCLUDE ../a.conf\n" + OUTPUT, "a.conf": INPUT},
    "included twice": conf("@INCLUDE a.conf\n@INCLUDE a.conf\n" + BOTH, a_conf=""),
    "included in a circle": conf("@INCLUDE a.conf\n" + BOTH, a_conf="@INCLUDE main.conf\n"),
    "including itself": conf("@INCLUDE *.conf\n" + BOTH),
    "included, but missing": conf("@INCLUDE nope.conf\n" + BOTH),
    "a pattern without a file": conf("@INCLUDE nope*.conf\n" + BOTH),
    "two blanks before an inclusion": conf("@INCLUDE  a.conf\n" + BOTH, a_conf=""),
    "a folder included": conf("@INCLUDE d\n" + BOTH, d__a_conf="["),
    "a question mark is no pattern": conf("@INCLUDE a?.conf\n" + BOTH, a1_conf=""),
    "a variable in an inclusion": conf("@SET f=a.conf\n@INCLUDE ${f}\n" + BOTH, a_conf=""),
    "broken where it is included": conf("@INCLUDE a.conf\n" + BOTH, a_conf="[INPUT\n"),
    "a level of nobody's": conf("[SERVICE]\n    Log_Level loud\n" + BOTH),
    "never flushing": conf("[SERVICE]\n    Flush 0\n" + BOTH),
    "flushing after all": conf("[SERVICE]\n    Flush 0\n    Flush 1\n" + BOTH),
    "flushing after all, in another service": conf(
        "[SERVICE]\n    Flush 0\n[SERVICE]\n    Flush 1\n" + BOTH
    ),
    "no parsers": conf("[SERVICE]\n    Parsers_File p.conf\n" + BOTH),
    "broken parsers": conf("[SERVICE]\n    Parsers_File p.conf\n" + BOTH, p_conf="[PARSER\n"),
    "the article": conf(INPUT + "    <TLS>\n        Mode require\n    </TLS>\n" + OUTPUT),
    "YAML under another name": conf(PIPELINE),
    "binary junk": {"main.conf": bytes(range(256)) * 8},
}

YAML = {
    "plain": yaml(PIPELINE),
    "empty": yaml(""),
    "JSON": yaml('{"pipeline": {"inputs": [{"name": "dummy"}]}}'),
    "capital letters": yaml("Pipeline:\n  Inputs:\n    - NAME: dummy\n"),
    "broken": yaml("pipeline:\n  inputs:\n   - name: [\n"),
    "a tab": yaml("pipeline:\n\tinputs:\n"),
    "a tab after a colon": yaml("pipeline:\n  inputs:\n    - name:\tdummy\n"),
    "classic under another name": yaml(BOTH),
    "a text": yaml("hello\n"),
    "a key of nobody's": yaml("foo:\n  bar: x\n" + PIPELINE),
    "a text of nobody's": yaml("foo: x\n" + PIPELINE),
    "a list of nobody's": yaml("foo:\n  - x\n" + PIPELINE),
    "custom for customs": yaml("custom:\n  - name: x\n" + PIPELINE),
    "no name": yaml("pipeline:\n  inputs:\n    - tag: x\n"),
    "a plugin's name for a key": yaml("pipeline:\n  inputs:\n    - dummy:\n        tag: x\n"),
    "inputs without a dash": yaml("pipeline:\n  inputs:\n    name: dummy\n"),
    "a colon without a blank": yaml("pipeline:\n  inputs:\n    - name:dummy\n"),
    "a part of nobody's": yaml("pipeline:\n  foo:\n    - name: x\n"),
    "no inputs": yaml("pipeline:\n  inputs:\n  outputs:\n    - name: null\n"),
    "an empty list of inputs": yaml("pipeline:\n  inputs: []\n"),
    "an anchor": yaml("pipeline:\n  inputs:\n    - &a\n      name: dummy\n"),
    "an alias": yaml("pipeline:\n  inputs:\n    - &a\n      name: dummy\n    - *a\n"),
    "a list of tags": yaml("pipeline:\n  inputs:\n    - name: dummy\n      tag: [a, b]\n"),
    "a list of lists": yaml("pipeline:\n  inputs:\n    - name: dummy\n      tag: [[a]]\n"),
    "maps in maps": yaml("pipeline:\n  inputs:\n    - name: dummy\n      a: {b: {c: d}}\n"),
    "two documents": yaml(PIPELINE + "---\n" + PIPELINE),
    "an empty document": yaml("---\n"),
    "env": yaml("env:\n  p: dummy\n" + PIPELINE.replace("dummy", "${p}")),
    "env afterwards": yaml(PIPELINE.replace("dummy", "${p}") + "env:\n  p: dummy\n"),
    "env as a list": yaml(
        "env:\n  - name: p\n    value: dummy\n" + PIPELINE.replace("dummy", "${p}")
    ),
    "env of env": yaml("env:\n  a:\n    b: c\n" + PIPELINE),
    "two services": yaml("service: {flush: 1}\nservice: {flush: 1}\n" + PIPELINE),
    "a service in an included file, too": yaml(
        "includes: [a.yaml]\nservice: {flush: 1}\n" + PIPELINE, a_yaml="service: {flush: 1}\n"
    ),
    "a list in a service": yaml("service:\n  parsers_file: [a.conf]\n" + PIPELINE, a_conf=""),
    "included": yaml("includes:\n  - a.yaml\n" + PIPELINE, a_yaml="service: {flush: 1}\n"),
    "included beside the including file": yaml(
        "includes:\n  - d/a.yaml\n" + PIPELINE, d__a_yaml="includes: [b.yaml]\n", d__b_yaml=""
    ),
    "included, but missing": yaml("includes:\n  - a.yaml\n" + PIPELINE),
    "a pattern without a file": yaml("includes:\n  - nope*.yaml\n" + PIPELINE),
    "included twice": yaml("includes: [a.yaml, a.yaml]\n" + PIPELINE, a_yaml=""),
    "included in a circle": yaml(
        "includes: [a.yaml]\n" + PIPELINE, a_yaml="includes: [main.yaml]\n"
    ),
    "classic included": yaml("includes: [a.conf]\n" + PIPELINE, a_conf=INPUT),
    "a folder included": yaml("includes: [d]\n" + PIPELINE, d__a_yaml=""),
    "includes without a dash": yaml("includes: a.yaml\n" + PIPELINE, a_yaml=""),
    "processors": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n      processors:\n        logs:\n"
        "          - {name: content_modifier, action: insert, key: a, value: b}\n"
    ),
    "processors of nobody's": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n      processors: {foo: [{name: x}]}\n"
    ),
    "a processor without a name": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n      processors: {logs: [{action: x}]}\n"
    ),
    "upstream servers": yaml(
        "upstream_servers:\n  - name: u\n    nodes:\n      - {name: a, host: b, port: 1}\n"
        + PIPELINE
    ),
    "not UTF-8": {"main.yaml": PIPELINE.encode() + b"# \xe4\n"},
    "a NUL": {"main.yaml": PIPELINE.encode() + b"\0"},
}

FIELD = {
    "1429": conf(
        INPUT + "[OUTPUT]\n    Name          forward\n    Match         *\n    Host 0.0.0.0\n"
        "    Port 24225\n    Retry_Limit False\n    Shared_Key    hello\n"
        "    tls               On\n    tls.verify       On\n    tls.ca_file      /nowhere/ca\n"
    ),
    "4562": conf(
        INPUT + "[OUTPUT]\n    Name            es\n    Match           mylog\n"
        "    Host            elastic\n    Port            9200\n    HTTP_User       writer\n"
        "    HTTP_Passwd     123456\n    tls on\n    tls.debug 4\n    tls.ca_file es.crt\n"
    ),
    "6431, indented by chance": conf(
        INPUT + "[OUTPUT]\n    Name es\nHost  https://elastic.example\n    Port  443\n"
    ),
    "9741": conf(
        "[INPUT]\n    Name forward\n    Listen 127.0.0.1\n    Port 24224\n    tls on\n"
        "    tls.verify on\n    tls.ca_file /nowhere/chain.crt\n    tls.crt_file /nowhere/x.crt\n"
        "    tls.key_file /nowhere/x.key\n" + OUTPUT
    ),
    "7686": conf(
        INPUT + "[OUTPUT]\n    Name            http\n    Match           *\n"
        "    Host            <endpoint_url>\n    Port            443\n    format          json\n"
        "    tls             on\n    tls.verify      on\n    URI             /<endpoint_uri>\n"
    ),
    "9613": conf(
        INPUT + "[OUTPUT]\n    Name opentelemetry\n    Match *\n    Tls                  On\n"
        "    Tls.verify           On\n    Tls.ca_file /nowhere/ca.pem\n"
    ),
    "6118": conf(
        INPUT + "[OUTPUT]\n    name                 syslog\n    match *\n"
        "    host                 127.0.0.1\n    port                 2514\n"
        "    mode                 tls\n    syslog_format        rfc5424\n"
    ),
    "2986, its dots left in": conf(INPUT + "[OUTPUT]\n        Name  s3\n        bucket b\n"),
    "docs 507, its dots left in": conf(INPUT + "[OUTPUT]\n    ...\n    tls         on\n"),
    "11486": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n    - name: http\n"
        "      match: '*'\n      host: a # needs mTLS\n      port: 443\n      tls: on\n"
    ),
    "11817": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n    -  name: opentelemetry\n"
        '          match: "*"\n          tls: on\n          tls.min_version: "TLSv1.2"\n'
    ),
    "11817, in line": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n    -  name: opentelemetry\n"
        '       match: "*"\n       tls: on\n       tls.min_version: "TLSv1.2"\n'
    ),
}

CORPUS = {
    f"{group}: {name}": files
    for group, found in {"classic": CLASSIC, "YAML": YAML, "report": FIELD}.items()
    for name, files in found.items()
}


def laid(folder, files):
    """Writes the files there, and gives the path of the first."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / next(iter(files))


SINCE = {
    "a default": "4.2",
    "a level of nobody's": "5.1",
    "no parsers": "5.1",
    "broken parsers": "5.1",
    "a switch that nobody sets": "5.0",
    "one that nobody sets, and another": "5.0",
    "an alias that nobody sets": "5.0",
}
"""What earlier releases do otherwise, of `CLASSIC`: the first that does as we say.

Before 5.0 a dry run does not look at what plugins are given; a start fails over it all the same.
"""

UPSTREAM = "[OUTPUT]\n    Name forward\n    Match *\n    Upstream up.conf\n"
NODE = "[NODE]\n    Name a\n    Host 127.0.0.1\n    Port 1\n    tls on\n    tls.ca_file {ca}\n"
HTTP = "[OUTPUT]\n    Name http\n    Match *\n    tls on\n    tls.ca_file {ca}\n"

EFFECTIVE = {
    "as it stands": conf(INPUT + HTTP.format(ca="/no/a")),
    "the last of two": conf(INPUT + HTTP.format(ca="/no/a") + "    TLS.CA_File /no/b\n"),
    "set": conf("@SET ca=/no/a\n" + INPUT + HTTP.format(ca="${ca}")),
    "set twice": conf("@SET ca=/no/a\n" + INPUT + HTTP.format(ca="${ca}") + "@SET ca=/no/b\n"),
    "a default": conf(INPUT + HTTP.format(ca="${NOBODY:-/no/a}")),
    "a variable within": conf("@SET d=no\n" + INPUT + HTTP.format(ca="/${d}/a/${NOBODY}x")),
    "from an included file": conf("@INCLUDE o.conf\n" + INPUT, o_conf=HTTP.format(ca="/no/a")),
    "after an inclusion": conf(
        INPUT + "[OUTPUT]\n    Name http\n    tls on\n@INCLUDE o.conf\n    tls.ca_file /no/b\n",
        o_conf=OUTPUT,
    ),
    "of a node": conf(
        INPUT + UPSTREAM, up_conf="[UPSTREAM]\n    Name u\n" + NODE.format(ca="/no/a")
    ),
    "in YAML": yaml(
        "env: {ca: /no/a}\npipeline:\n  inputs:\n    - name: dummy\n  outputs:\n"
        "    - {name: http, match: '*', tls: on, tls.ca_file: '${ca}'}\n"
    ),
    "the last of two in YAML": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n    - name: http\n      match: '*'\n"
        "      tls: on\n      tls.ca_file: /no/a\n      tls.ca_file: /no/b\n"
    ),
    "the last of a list in YAML": yaml(
        "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n    - name: http\n      match: '*'\n"
        "      tls: on\n      tls.ca_file: [/no/a, /no/b]\n"
    ),
}
"""Outputs whose CA file is not there: Fluent Bit names the path that counts, and does not start."""
