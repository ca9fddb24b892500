"""The TLS switches as we read them, and what a real Fluent Bit does with the very same text."""

from __future__ import annotations

import pytest
from playing import opened

from flb_handshake.certificates import HEALTHY, OTHER_HOST, OTHER_LEAF, ROOT, chain, named
from flb_handshake.config.reading import Syntax, read_text
from flb_handshake.config.words import Kind
from flb_handshake.declare import output
from flb_handshake.judge import judge
from flb_handshake.model import File
from flb_handshake.outcomes import Outcome
from flb_handshake.planning import Play
from flb_handshake.session import Session

ENVIRONMENT = {"FLB_TEST_SWITCH": "off", "FLB_TEST_ON": "on"}
BEFORE = "[SERVICE]\n    Flush 0.1\n    Grace 0\n"
INPUT = "[INPUT]\n    Name dummy\n    Samples 1\n"
DIALS = """\
[OUTPUT]
    Name http
    Match *
    Host {host}
    Port {port}
    Retry_Limit no_retries
    Workers 0
    tls.ca_file {ca}
    tls.vhost logs.example.test
"""

SWITCHES = {
    "plain": "tls on",
    "in any case": "TLS On\nTLS.Verify Off",
    "the last of two": "tls on\ntls.verify off\ntls.verify on",
    "the last of two, off": "tls on\ntls.verify on\ntls.verify off",
    "tls itself twice": "tls on\ntls off",
    "names checked": "tls on\ntls.verify_hostname on",
    "names checked, then not": "tls on\ntls.verify_hostname on\ntls.verify_hostname off",
    "by a variable": "tls ${FLB_TEST_ON}\ntls.verify ${FLB_TEST_SWITCH}",
    "by a variable that nobody sets": "tls on\ntls.verify off${FLB_TEST_NOBODY}",
    "by @SET": "tls ${given}\ntls.verify_hostname ${given}",
    "other words": "tls true\ntls.verify false",
    "yes and no": "tls yes\ntls.verify no",
    "a comment between": "tls on\n# tls off\ntls.verify off",
    "a mode": "tls verify_peer",
    "nothing": "Header X y",
}
ON = {"on", "true", "yes"}


def text_of(name):
    lines = "".join(f"    {line}\n" for line in SWITCHES[name].splitlines())
    return f"@SET given=on\n{BEFORE}{INPUT}{DIALS}{lines}"


def as_read(name):
    found = read_text(text_of(name), name="x.conf", syntax=Syntax.CLASSIC, environment=ENVIRONMENT)
    (section,) = found.of(Kind.OUTPUT)
    return section


def is_on(section, name, *, unset):
    value = section.value(name)
    return unset if value is None else value.lower() in ON


def predicted(section, *, is_stranger):
    """What Fluent Bit 5.1.1 does with these values before a peer with one thing wrong."""
    if not is_on(section, "tls", unset=False):
        return Outcome.CLEARTEXT
    if not is_on(section, "tls.verify", unset=True):
        return Outcome.DELIVERED
    names = is_on(section, "tls.verify_hostname", unset=False)
    return Outcome.REFUSED_BY_AGENT if is_stranger or names else Outcome.DELIVERED


@pytest.fixture(scope="module")
def done():
    setups = {}
    for name in SWITCHES:
        base = output(
            ca=File(certs=(ROOT,), stem="ca"),
            config=text_of(name),
            environment=tuple(ENVIRONMENT.items()),
        )
        setups[name, True] = base.but(chain=chain(OTHER_LEAF))
        setups[name, False] = base.but(chain=HEALTHY.but(named(OTHER_HOST)))
    session = Session(agent=opened("process"))
    session.play(
        [Play(alias=f"n{number}", setup=one) for number, one in enumerate(setups.values())]
    )
    return {one: judge(session.evidence[setup]).outcome for one, setup in setups.items()}


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("is_stranger", [True, False], ids=["another CA", "another name"])
def test_the_switches_count_as_they_are_read(done, name, is_stranger):
    assert done[name, is_stranger] is predicted(as_read(name), is_stranger=is_stranger)


def test_every_answer_is_among_them(done):
    assert set(done.values()) == {
        Outcome.CLEARTEXT,
        Outcome.DELIVERED,
        Outcome.REFUSED_BY_AGENT,
    }
