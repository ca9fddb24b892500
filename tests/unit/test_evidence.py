"""Evidence survives being stored and takes no secret with it; what is none is said to be none."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from builders import ACCEPTED, CLOSED, TLS_BYTES, alert, client_pem, event, evidence, pki, request
from hypothesis import given, settings
from hypothesis import strategies as st

from flb_handshake.certificates import LEAF, ROOT
from flb_handshake.errors import UserMistake
from flb_handshake.evidence import Evidence, pack, read, redacted, unpack, write
from flb_handshake.judge import exposure, judge
from flb_handshake.peer.events import Kind

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["@", "a", "kind", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)
RECORDS = st.lists(JSON, max_size=3).map(tuple)
WHOLE = evidence(
    ACCEPTED,
    TLS_BYTES,
    request(tls=True),
    alert("agent", "close_notify", "warning"),
    event(Kind.CLIENT_CHAIN, chain=[client_pem()]),
    CLOSED,
    log=("one", "two"),
    exit_code=0,
)
HOSTED = replace(WHOLE, host={"system": "Linux"}, scenario="another")
STORED = WHOLE.to_json()


def stored_and_back(one):
    return Evidence.from_json(json.loads(json.dumps(one.to_json())))


# Storing.


@given(RECORDS, st.lists(st.text(max_size=80), max_size=4), st.none() | st.text(max_size=10))
def test_what_is_stored_comes_back_as_it_was(records, log, error):
    one = evidence(
        ACCEPTED, request(tls=True, records=records), log=tuple(log), harness_error=error
    )

    assert stored_and_back(one) == one


@settings(max_examples=50)
@given(st.lists(RECORDS, max_size=3), st.text(max_size=80))
def test_what_is_packed_comes_back_as_it_was(many, word):
    all_of_it = [
        replace(
            evidence(ACCEPTED, request(tls=True, records=records), log=(word, word)),
            scenario=f"scenario {number}",
        )
        for number, records in enumerate(many)
    ]

    assert unpack(pack(all_of_it)) == all_of_it


def test_packed_evidence_holds_what_repeats_once():
    packed = "\n".join(pack([WHOLE, HOSTED]))

    certificate = json.dumps(WHOLE.facts.anchors)[1:-1]
    assert packed.count(certificate) == 1
    assert len(packed) < len(json.dumps([WHOLE.to_json(), HOSTED.to_json()])) * 0.7


def test_nothing_packed_is_nothing_unpacked():
    assert unpack(pack([])) == []


@pytest.mark.parametrize("control", [None, HOSTED])
def test_a_file_holds_a_run_and_its_control_twin(tmp_path, control):
    path = write(tmp_path / "new" / "directory", WHOLE, control)

    assert read(path) == (WHOLE, control)
    assert path.read_text(encoding="utf-8").isascii()


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        ("mode.matrix[mode=none,ca=root]", "mode.matrix_mode=none_ca=root_.json"),
        ("../../etc/passwd", ".._.._etc_passwd.json"),
        ("über", "_ber.json"),
        ("", "evidence.json"),
    ],
)
def test_a_file_is_named_after_its_case_and_stays_in_its_directory(tmp_path, scenario, name):
    path = write(tmp_path, replace(WHOLE, scenario=scenario), None)

    assert path == tmp_path / name
    assert read(path)[0].scenario == scenario


# Secrets.

KEY = pki().key_pem(LEAF).decode()
LOCKED = pki().key_pem(LEAF, "open sesame").decode()
SECRET_LINES = [line for pem in (KEY, LOCKED) for line in pem.splitlines() if len(line) > 20][1:-1]


def tells_a_key(text):
    body = [line for line in SECRET_LINES if "-----" not in line]
    return any(line in text for line in body)


def holding(key, place):
    with_key = f"before\n{key}after\n"
    match place:
        case "config":
            return replace(WHOLE, agent=replace(WHOLE.agent, config=with_key))
        case "log":
            return replace(WHOLE, agent=replace(WHOLE.agent, log=tuple(with_key.splitlines())))
        case "record":
            return replace(WHOLE, events=(request(tls=True, records=({"deep": [with_key]},)),))
        case "name":
            return replace(WHOLE, events=(request(tls=True, records=({with_key: 1},)),))
        case "property":
            properties = (("tls.key_file", with_key),)
            return replace(WHOLE, facts=replace(WHOLE.facts, properties=properties))
        case "error":
            return replace(WHOLE, harness_error=with_key)
        case _:
            return replace(WHOLE, facts=replace(WHOLE.facts, **{place: with_key}))


PLACES = [
    *("config", "log", "record", "name", "property", "error"),
    *("sent", "anchors", "own", "peer_anchors"),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", [KEY, LOCKED], ids=["plain", "encrypted"])
def test_no_private_key_is_stored_wherever_it_stands(tmp_path, key, place):
    one = holding(key, place)

    stored = write(tmp_path, one, one).read_text(encoding="utf-8") + "\n".join(pack([one, one]))

    assert tells_a_key(json.dumps(key))
    assert not tells_a_key(stored)
    assert "PRIVATE KEY" not in stored
    assert "a private key stood here" in stored
    assert "before" in stored
    assert "after" in stored


def test_certificates_beside_a_key_are_kept():
    one = holding(pki().pem(ROOT).decode() + KEY + pki().pem(LEAF).decode(), "sent")

    assert stored_and_back(one).facts.sent.count("BEGIN CERTIFICATE") == 2


@given(
    st.sampled_from(["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "]),
    st.text("ABCDabcd0189+/=\n", min_size=30),
    st.text(max_size=20),
    st.booleans(),
)
def test_a_key_is_hidden_whole_or_cut_off(kind, body, before, whole):
    end = f"-----END {kind}PRIVATE KEY-----" if whole else ""

    hidden = redacted(f"{before}-----BEGIN {kind}PRIVATE KEY-----{body}{end}")

    assert body not in hidden
    assert hidden.startswith(redacted(before))


NAMES = [
    *("tls.key_passwd", "http_passwd", "tls.proxy.key_passwd", "password", "shared_key"),
    *("Shared_Key", "http_token", "oauth2.client_secret", "api_key", "rdkafka.sasl.password"),
]
SYNTAXES = ["    {} {}", "{}\t{}", "{}: {}", "  - {}: {}", '"{}": {}', "{}={}", "{} = '{}'"]


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=25)
@given(name=st.sampled_from(NAMES), value=st.from_regex(r"\A[!-~]{8,30}( [!-~]{1,9})?\Z"))
def test_the_value_of_a_password_is_hidden_in_either_syntax(syntax, name, value):
    line = syntax.format(name, value)
    config = f"[OUTPUT]\n    Name http\n{line}\r\n    Match *"

    hidden = redacted(config)

    assert value not in hidden.replace(name, "")
    assert name in hidden
    assert hidden.startswith("[OUTPUT]\n    Name http\n")
    assert hidden.endswith("    Match *")


@pytest.mark.parametrize("name", NAMES)
def test_a_property_that_is_a_secret_is_hidden(name):
    properties = (("tls", "on"), (name, "hunter2hunter2"), ("tls.key_file", "/k"))
    one = replace(WHOLE, facts=replace(WHOLE.facts, properties=properties))

    hidden = stored_and_back(one).facts.properties

    assert hidden == (("tls", "on"), (name, "(hidden)"), ("tls.key_file", "/k"))


@pytest.mark.parametrize(
    "line",
    [
        "[2026/11/23 09:00:34.212] [error] [tls] private_key '/k' and password don't match",
        "[2026/11/23 09:00:34.212] [error] http: unknown configuration property 'tls.key_passwd'",
        "    tls.key_file /certs/key.pem",
        '    Dummy {"message":"handshake"}',
        "    http_User me",
        "passwords are no property",
    ],
)
def test_what_only_speaks_of_a_secret_is_kept(line):
    assert redacted(line) == line


# What is no evidence.


def spots(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from spots(inner, (*path, key))


SPOTS = [path for path in spots(STORED) if path]


def changed(path, value):
    """The stored evidence with another value at this place; with none there, if it is `...`."""
    whole = copy.deepcopy(STORED)
    *way, last = path
    target = whole
    for key in way:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return whole


@settings(max_examples=150)
@given(st.sampled_from(SPOTS), st.just(...) | st.just(10**400) | JSON)
def test_broken_evidence_is_read_or_is_the_users_mistake(path, value):
    broken = changed(path, value)

    with suppress(UserMistake):
        found = Evidence.from_json(broken)
        assert stored_and_back(found) == found
        exposure(found, judge(found))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 99),
        (("agent", "config"), None),
        (("agent", "log"), [1]),
        (("agent", "exit_code"), "0"),
        (("agent", "colour"), "red"),
        (("facts", "sent"), 5),
        (("facts", "properties"), [["a", None]]),
        (("facts", "properties"), [["a"]]),
        (("facts", "at"), "yesterday"),
        (("facts", "at"), "2026-11-23T09:00:00"),
        (("facts", "at"), ...),
        (("events",), ["accepted"]),
        (("events", 0, "kind"), "nonsense"),
        (("events", 0, "t"), 10**400),
        (("events", 1, "tls"), ...),
        (("events", 2, "records"), {}),
        (("events", 3, "by"), "nobody"),
        (("events", 4, "chain"), ["no PEM"]),
        (("events", 5, "how"), ...),
        (("events", 0, "connection"), ...),
        (("duration",), "long"),
        (("host",), 3),
        (("scenario",), None),
        (("unsupported",), []),
    ],
)
def test_evidence_that_judging_would_stumble_over_is_refused(path, value):
    with pytest.raises(UserMistake) as told:
        Evidence.from_json(changed(path, value))
    assert told.value.exit_code == 2
    assert told.value.hint


def test_evidence_of_another_schema_says_so():
    with pytest.raises(UserMistake, match="schema 99, this version reads 2"):
        Evidence.from_json(changed(("schema",), 99))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"{}",
        b'{"evidence": 5}',
        b'{"evidence": {}}',
        b'{"evidence": ' + b"[" * 100_000,
        json.dumps({"evidence": STORED, "control": {"schema": 1}}).encode(),
    ],
)
def test_a_file_that_holds_no_evidence_is_the_users_mistake(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)

    with pytest.raises(UserMistake) as told:
        read(path)
    assert told.value.hint


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(UserMistake, match="cannot be read as evidence") as told:
        read(tmp_path / name)
    assert str(tmp_path) in str(told.value)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["no JSON"],
        ["[]", "no JSON"],
        ["[]", '{"scenario": {"@": 7}}'],
        ["[]", '{"scenario": {"@": []}}'],
        ["[]", '{"scenario": {"@": "x"}}'],
        ["5", '{"scenario": {"@": 0}}'],
        ["[]", "[" * 100_000],
        ["[]", "{}"],
    ],
)
def test_what_is_no_packed_evidence_is_the_users_mistake(lines):
    with pytest.raises(UserMistake):
        unpack(lines)
