"""Evidence of runs in steps: stored and read back whole, and no step tells a secret."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minted import pki
from stages import INPUT, REFUSED, asked, at_proxy, event, in_steps, passed, ran, request, took

from flb_handshake.certificates import LEAF
from flb_handshake.errors import UserMistake
from flb_handshake.evidence import SCHEMA, Evidence, pack, read, unpack, write
from flb_handshake.judge import fates, judge
from flb_handshake.peer.events import Kind

SERVED = event(Kind.SERVER_CHAIN, chain=[pki().pem(LEAF).decode()])
ANSWERED = event(Kind.RESPONSE, status=201)
WHOLE = in_steps(took(1), tuple(map(at_proxy, REFUSED)), took(2, 3))
OF_INPUT = in_steps((*passed(1), asked("CN=a"), SERVED, ANSWERED), passed(2), setup=INPUT)


def stored(one):
    return json.loads(json.dumps(one.to_json()))


@pytest.mark.parametrize("one", [WHOLE, OF_INPUT, ran()], ids=["output", "input", "nothing"])
def test_what_is_stored_comes_back_with_every_step(tmp_path, one):
    back = Evidence.from_json(stored(one))
    assert back == one
    assert [judge(it) for it in back.steps] == [judge(it) for it in one.steps]
    assert fates(back) == fates(one)
    assert unpack(pack([one, one])) == [one, one]
    assert read(write(tmp_path, one, WHOLE)) == (one, WHOLE)


@given(
    st.lists(
        st.tuples(
            st.text(max_size=20),
            st.lists(st.integers(1, 9), max_size=3),
            st.lists(st.text(max_size=60), max_size=3),
        ),
        max_size=4,
    )
)
def test_any_steps_come_back_as_they_were(many):
    then = tuple(
        ran(request(*made), step=name, made=tuple(made), log=tuple(log)) for name, made, log in many
    )
    one = ran(*took(1), made=(1,), then=then)
    assert Evidence.from_json(stored(one)) == one
    assert unpack(pack([one])) == [one]


def test_what_the_steps_have_in_common_is_packed_once():
    packed = "\n".join(pack([WHOLE]))
    assert packed.count(json.dumps(WHOLE.facts.anchors)[1:-1]) == 1


def test_steps_are_the_beginning_and_what_followed():
    assert [one.step for one in WHOLE.steps] == ["", "step 2", "step 3"]
    assert [one.made for one in WHOLE.steps] == [(1,), (2,), (3,)]
    assert ran().steps == (ran(),)


# What is none.


@pytest.mark.parametrize("schema", [1, 3, "2", None])
def test_another_schema_says_which_and_what_to_do(schema):
    with pytest.raises(UserMistake) as told:
        Evidence.from_json({**stored(WHOLE), "schema": schema})
    assert f"schema {schema}, this version reads {SCHEMA}" in str(told.value)
    assert "record it anew" in told.value.hint


def test_a_step_of_another_schema_is_refused_as_well():
    whole = stored(WHOLE)
    whole["then"][1]["schema"] = 1
    with pytest.raises(UserMistake, match="schema 1, this version reads 2"):
        Evidence.from_json(whole)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("step",), 1),
        (("step",), None),
        (("made",), ["one"]),
        (("made",), 3),
        (("then",), {"a": 1}),
        (("then",), [5]),
        (("then",), None),
        (("then", 0, "step"), None),
        (("then", 0, "agent", "log"), [7]),
        (("then", 0, "facts", "at"), "yesterday"),
        (("then", 0, "events", 0, "kind"), "nonsense"),
        (("facts", "role"), 5),
    ],
)
def test_broken_steps_are_the_users_mistake(path, value):
    whole = copy.deepcopy(stored(WHOLE))
    *way, last = path
    target = whole
    for key in way:
        target = target[key]
    target[last] = value
    with pytest.raises(UserMistake) as told:
        Evidence.from_json(whole)
    assert told.value.hint


@pytest.mark.parametrize("name", ["step", "made", "then"])
def test_evidence_without_the_fields_of_steps_is_refused(name):
    whole = stored(WHOLE)
    del whole[name]
    with pytest.raises(UserMistake, match=name):
        Evidence.from_json(whole)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("arrived", {"records": {}, "count": 1}),
        ("arrived", {"records": []}),
        ("shipped", {"tls": 1, "records": []}),
        ("shipped", {"tls": True}),
        ("certificate_request", {"authorities": "CN=a"}),
        ("certificate_request", {}),
        ("server_chain", {"chain": ["no PEM"]}),
    ],
)
def test_events_of_an_input_that_cannot_be_judged_are_refused(kind, facts):
    whole = stored(OF_INPUT)
    whole["then"][0]["events"].append({"t": 1.0, "connection": 1, "kind": kind, **facts})
    with pytest.raises(UserMistake):
        Evidence.from_json(whole)


@pytest.mark.parametrize("name", ["alpn", "versions"])
def test_a_client_hello_that_cannot_be_judged_is_refused(name):
    facts = {"versions": [], "alpn": [], "session": "none", "records": 1, name: 5}
    hello = {"t": 0.0, "connection": 1, "kind": "client_hello", **facts}
    with pytest.raises(UserMistake):
        Evidence.from_json({**stored(WHOLE), "events": [hello]})


def test_steps_within_steps_without_end_are_the_users_mistake():
    whole = stored(ran())
    for _ in range(2000):
        whole = {**whole, "then": [whole]}
    with pytest.raises(UserMistake):
        Evidence.from_json(whole)


# Secrets.

KEY = pki().key_pem(LEAF).decode()
BODY = KEY.splitlines()[1]
PASSWORD = "hunter2hunter2"


def in_later_step(**changes):
    return replace(ran(*took(1), made=(1,)), then=(ran(step="later", made=(2,), **changes),))


@pytest.mark.parametrize(
    "changes",
    [
        {"log": tuple(f"before\n{KEY}after".splitlines())},
        {"config": f"before\n{KEY}after"},
        {"log": ("before", f"[error] {KEY.strip()} after")},
        {"events": "request"},
        {"harness_error": f"before {KEY} after"},
    ],
    ids=["log", "config", "one line", "record", "error"],
)
def test_no_private_key_leaves_with_a_later_step(tmp_path, changes):
    if changes.pop("events", None):
        record = event(Kind.REQUEST, tls=True, records=[{"m": f"before {KEY} after"}], count=1)
        one = replace(ran(*took(1)), then=(ran(record, step="later"),))
    else:
        one = in_later_step(**changes)
    text = write(tmp_path, ran(), one).read_text() + "\n".join(pack([one, one]))
    assert "before" in text
    assert "after" in text
    assert BODY not in text
    assert "PRIVATE KEY" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"config": f"[INPUT]\n    tls.key_passwd {PASSWORD}\n"},
        {"log": (f"  http_passwd: {PASSWORD}",)},
    ],
    ids=["config", "log"],
)
def test_no_password_leaves_with_a_later_step(tmp_path, changes):
    one = in_later_step(**changes)
    text = write(tmp_path, one, one).read_text() + "\n".join(pack([one]))
    assert PASSWORD not in text
    assert "passwd" in text


def test_a_property_that_is_a_secret_is_hidden_in_every_step():
    facts = replace(WHOLE.facts, properties=(("tls.key_passwd", PASSWORD),))
    one = replace(WHOLE, then=(replace(WHOLE.then[0], facts=facts),))
    assert PASSWORD not in json.dumps(stored(one))
