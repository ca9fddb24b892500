"""Lines of a log as they come: with what collectors put around them, in chunks, as junk."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logged import AT, EOF, none_available

from flb_handshake.agent.logs import Level
from flb_handshake.diagnosis import lines
from flb_handshake.diagnosis.gathering import Gathering
from flb_handshake.diagnosis.lines import Reader
from flb_handshake.diagnosis.wrapping import unwrapped

TEXT = "[tls] error: unexpected EOF"
DOCKER = {"log": f"{EOF}\n", "stream": "stderr", "time": "2026-11-25T12:00:00.000Z"}


@pytest.mark.parametrize(
    "raw",
    [
        EOF,
        f"Nov 25 12:00:00 node-1 fluent-bit[4242]: {EOF}",
        f"2026-11-25T12:00:00+0000 node-1 td-agent-bit[7]: {EOF}",
        f"2026-11-25T12:00:00.123456789Z stderr F {EOF}",
        f"I1125 12:00:00.000000       1 log.go:12] {EOF}",
        f"fluentbit_1  | {EOF}",
        f"2026-11-25T12:00:00.885-07:00        {EOF}",
        json.dumps(DOCKER),
        json.dumps({"kubernetes": {"pod": "a"}, "message": f"2026-11-25T12:00:00Z stderr F {EOF}"}),
        json.dumps({"MESSAGE": json.dumps(DOCKER), "_PID": "1"}),
        EOF.replace("error]", "\x1b[91merror\x1b[0m]").replace(AT, f"\x1b[1m{AT}\x1b[0m"),
        json.dumps({"log": EOF.replace("error]", "\x1b[91merror\x1b[0m]")}),
        EOF.replace(AT, ""),
        f"{EOF}\r",
    ],
)
def test_what_is_put_around_a_line_is_taken_away(raw):
    line = unwrapped(raw.rstrip("\r"))
    assert line is not None
    assert (line.level, line.text) == (Level.ERROR, TEXT)


@pytest.mark.parametrize(
    "raw", ["2026 ERROR app: certificate verify failed", '{"error": "unexpected EOF"}', "{", "[]"]
)
def test_lines_of_other_programs_are_not_taken_for_its_own(raw):
    assert unwrapped(raw) is None


@pytest.mark.parametrize("size", [1, 7, 64, 100])
def test_a_line_across_chunks_is_read_once_and_whole(size, monkeypatch):
    # Catches a cut in the middle of a line, and lines that are counted twice.
    text = "\n".join([AT + "[ info] [engine] started", EOF, none_available(), "", EOF])
    monkeypatch.setattr(lines, "CHUNK", size)
    reader = Reader()
    found = list(reader.read(io.BytesIO(text.encode())))
    assert [number for number, _, _ in found] == [2, 3, 5]
    assert [said for *_, said in found] == [f"[error] {TEXT}", found[1][2], f"[error] {TEXT}"]
    assert reader.count == 5


def test_lines_deep_in_a_log_keep_their_numbers_and_their_quiet_neighbours():
    # Catches numbers that go astray where only stretches are read, and alerts that are lost there.
    info = AT + "[ info] [output:http:http.0] logs.example.test:443, HTTP status=200"
    alert = AT + "[debug] [tls] connection #9 SSL3 alert write:fatal:unknown CA"
    many = lines._THOROUGHLY * 2
    block = "\n".join([info] * many + [alert, EOF, none_available()] + [info] * many + [EOF])
    before = lines.CHUNK // 20
    stream = io.BytesIO((info + "\n").encode() * before + block.encode())
    found = list(Reader().read(stream))
    begin = before + many
    numbers = [begin + 1, begin + 2, begin + 3, begin + 3 + many + 1]
    assert [number for number, _, _ in found] == numbers
    assert "alert write" in found[0][2]


def test_memory_is_flat_whatever_the_size():
    line = (none_available("http.{0}") + " #{1}\n") * 1
    block = "".join(EOF + "\n" + line.format(n % 50, n) for n in range(3000)).encode()

    def peak(times):
        tracemalloc.start()
        gathering = Gathering()
        gathering.take(Reader().read(_Repeated(block, times)))
        gathering.done()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(8) < 1.5 * peak(2)


class _Repeated:
    """A stream of the same block again and again, none of it kept."""

    def __init__(self, block, times):
        self.block, self.left = block, times

    def read(self, _size):
        self.left -= 1
        return self.block if self.left >= 0 else b""


@given(st.binary(max_size=3000))
def test_junk_is_read_without_a_word(junk):
    reader, gathering = Reader(), Gathering()
    gathering.take(reader.read(io.BytesIO(junk)))
    gathering.done()
    junk = junk.replace(b"\0", b"")  # what is filled with them has no line for them
    assert reader.count == (junk + b"\n").count(b"\n") - (junk == b"" or junk.endswith(b"\n"))


@given(
    st.lists(
        st.sampled_from([EOF, none_available(), "[error] {", '{"log":"[error] x', AT])
        | st.text(max_size=60)
    )
)
def test_broken_lines_among_good_ones_are_passed_over(some):
    gathering = Gathering()
    gathering.take(Reader().read(io.BytesIO("\n".join(some).encode("utf-8", "replace"))))
    for one in gathering.done():
        assert 1 <= one.first <= one.last


def test_what_is_no_log_is_known_as_such():
    reader = Reader()
    list(reader.read(io.BytesIO(bytes(range(256)) * 1000)))
    assert not reader.is_log
