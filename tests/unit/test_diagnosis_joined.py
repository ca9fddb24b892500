"""Lines that a container's runtime cut into parts are read whole, with their numbers kept."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logged import AT, CODE, EOF, none_available

from flb_handshake.diagnosis import joining, lines
from flb_handshake.diagnosis.gathering import gathered
from flb_handshake.diagnosis.lines import Reader
from flb_handshake.diagnosis.wrapping import unwrapped

REFUSED = CODE.format(reason="certificate has expired", code=10)


def cri(text, tag="F", stream="stderr"):
    return f"2026-11-25T12:00:00.123456789Z {stream} {tag} {text}"


def docker(text, end="\n", stream="stderr"):
    return json.dumps(
        {"log": text + end, "stream": stream, "time": "2026-11-25T12:00:00.1Z"},
        separators=(",", ":"),
    )


def read(*log):
    reader = Reader()
    found = list(reader.read(io.BytesIO("\n".join(log).encode())))
    assert reader.count == len(log)
    return [(number, said) for number, _, said in found]


@pytest.mark.parametrize(
    "log",
    [
        [cri(REFUSED[:40], "P"), cri(REFUSED[40:70], "P"), cri(REFUSED[70:])],
        [cri(REFUSED[:40], "P"), cri("hello", stream="stdout"), cri(REFUSED[40:])],
        [cri(REFUSED[:40], "P:x"), cri("he", "P", "stdout"), cri(REFUSED[40:], "F:x")],
        [docker(REFUSED[:40], ""), docker(REFUSED[40:70], ""), docker(REFUSED[70:])],
        [docker(REFUSED[:40], ""), docker("hello", stream="stdout"), docker(REFUSED[40:])],
    ],
)
@pytest.mark.parametrize("chunk", [1, 64, 1 << 20])
def test_parts_are_joined_in_the_place_of_the_first(log, chunk, monkeypatch):
    monkeypatch.setattr(lines, "CHUNK", chunk)
    around = [cri, docker][log[0].startswith("{")]
    said = read(around(EOF), *log, around(none_available()))
    assert said[1] == (2, f"[error] {unwrapped(REFUSED).text}")
    assert [number for number, _ in said] == [1, 2, len(log) + 2]


def test_entries_of_which_none_has_an_end_are_lines_each():
    # Catches a log that some program wrote anew, without ends, taken for one endless line.
    log = [docker(one, "") for one in (EOF, none_available()) * 40]
    assert len(read(*log)) == 80


def test_parts_at_the_end_of_a_log_are_joined_too():
    ((number, said),) = read(cri(REFUSED[:40], "P"), cri(REFUSED[40:], "P"))
    assert (number, said) == (1, f"[error] {unwrapped(REFUSED).text}")


def test_a_line_that_never_ends_holds_up_no_other(monkeypatch):
    monkeypatch.setattr(joining, "LONGEST_WAIT", 1000)
    monkeypatch.setattr(lines, "CHUNK", 100)
    log = [cri("x", "P"), *[cri(EOF, stream="stdout")] * 50]
    assert [number for number, _ in read(*log)] == list(range(2, 52))


@given(
    st.lists(
        st.builds(
            cri, st.sampled_from(["", "a", EOF, AT]), st.sampled_from("PF"),
            st.sampled_from(["stdout", "stderr"]),
        )
        | st.builds(docker, st.sampled_from(["", EOF, "\\"]), st.sampled_from(["", "\n"]))
        | st.just(""),
        max_size=30,
    ),
    st.integers(1, 400),
)  # fmt: skip
def test_lines_are_counted_whatever_is_cut(log, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "CHUNK", chunk)
        patch.setattr(joining, "LONGEST_WAIT", 300)
        reader = Reader()
        text = "".join(f"{one}\n" for one in log)
        gathered(reader.read(io.BytesIO(text.encode())))
    assert reader.count == len(log)


def test_a_message_of_journald_in_numbers_is_read():
    # journalctl -o json gives bytes where a message holds colours.
    coloured = EOF.replace("error]", "\x1b[91merror\x1b[0m]").encode()
    line = unwrapped(json.dumps({"MESSAGE": list(coloured), "_PID": "1"}))
    assert line.text == "[tls] error: unexpected EOF"
    assert unwrapped(json.dumps({"MESSAGE": [1, 300]})) is None
