"""What is remembered of lines changes nothing that is said of a log."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logged import AT, CODE, EOF, none_available, without_memory

from flb_handshake.diagnosis import gathering, lines
from flb_handshake.diagnosis.gathering import Gathering, gathered
from flb_handshake.diagnosis.lines import Reader

ALERT = AT + "[debug] [tls] connection #{} SSL3 alert write:fatal:unknown CA"
RETRY = (
    AT + "[ warn] [engine] failed to flush chunk '1-17{0}.{0}.flb', retry in {0} seconds: "
    "task_id={0}, input=dummy.0 > output=http.0 (out_id=0)"
)
TIMED_OUT = AT + "[error] [upstream] connection #{} to tcp://a.test:443 timed out after 10 seconds"
QUIET = AT + "[ info] [engine] flush chunk '1-17{}.1.flb' succeeded"
LOGGED = [
    EOF,
    EOF.replace(AT, ""),
    none_available(),
    none_available("http.1"),
    none_available("forward.2", "b.test:24224"),
    CODE.format(reason="hostname mismatch", code=62),
    CODE.format(reason="certificate has expired", code=10),
    AT + "[ warn] [net] getaddrinfo(host='c.test', err=4): Domain name not found",
    AT + "[error] [input:forward:forward.0] could not accept new connection",
    "Fluent Bit v4.2.8",
    "Fluent Bit v5.1.1",
    "* https://fluentbit.io",
    "",
]
WAYS = [
    "{}",
    "2026-11-25T12:00:00.{number}Z stderr F {}",
    "Nov 25 12:00:00 node-{number} fluent-bit[{number}]: {}",
    '{{"log":"{}\\n","stream":"stderr","time":"2026-11-25T12:00:00.{number}Z"}}',
    '{{"pid":{number},"log":"\\u001b[1m{}"}}',
    "\x1b[1m{}\x1b[0m",
]


@st.composite
def logs(draw):
    number = st.integers(0, 99)
    line = st.sampled_from(LOGGED) | st.builds(
        str.format, st.sampled_from([ALERT, RETRY, TIMED_OUT, QUIET]), number
    )
    way = draw(st.sampled_from(WAYS))
    some = draw(st.lists(line, max_size=12))
    each = draw(st.lists(st.sampled_from(some), max_size=80)) if some else []
    return "\n".join(way.format(one, number=draw(number)) for one in each).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(logs(), st.sampled_from([50, 300, 1 << 20]))
def test_a_log_reads_alike_whether_lines_are_remembered_or_not(monkeypatch, log, chunk):
    monkeypatch.setattr(lines, "CHUNK", chunk)
    remembered = gathered(Reader().read(io.BytesIO(log)))
    with without_memory():
        assert gathered(Reader().read(io.BytesIO(log))) == remembered


def test_the_number_of_a_connection_tells_no_two_lines_apart():
    # Catches a list of what varies that nothing is taken from: each line would be new.
    log = "\n".join(form.format(n) for n in range(500) for form in (TIMED_OUT, RETRY))
    assert len({said for _, _, said in Reader().read(io.BytesIO(log.encode()))}) == 2


def test_a_line_without_a_time_keeps_its_level_and_has_no_time():
    # Catches a line that is taken for one of its like, with a bracket of another for its time.
    log = "[error] [tls] error: unexpected EOF\n[ warn] [tls] error: unexpected EOF\n" * 2
    log += none_available().replace(AT, "")
    (one,) = gathered(Reader().read(io.BytesIO(log.encode())))
    assert [text for _, text in one.lines[:4]] == [
        "[error] [tls] error: unexpected EOF",
        "[warn] [tls] error: unexpected EOF",
    ] * 2
    assert one.at == ("", "")


@pytest.mark.parametrize("varying", ["{0} {0:x}", "x" * 600 + "{0}"])
def test_what_is_remembered_stays_bounded_where_every_line_differs(varying):
    log = "\n".join(
        f"host-{chr(97 + n % 26)}{n % 7 * 'a'} {EOF} {varying.format(n)}" for n in range(12_000)
    )
    reader, gathering_ = Reader(), Gathering()
    gathering_.take(reader.read(io.BytesIO(log.encode())))
    assert len(reader._ways) <= lines._WAYS
    assert max(map(len, reader._ways.values())) <= lines._REMEMBERED
    assert len(gathering_._said) <= gathering._REMEMBERED
    assert len(gathering_._states) <= 2 * gathering._REMEMBERED
    (one,) = gathering_.done()
    assert (one.times, one.last) == (12_000, 12_000)
