"""What 5.1.1's log says of its start, of connections that end, and of records to be sent again."""

from __future__ import annotations

import pytest

from flb_handshake.agent import logs

AT = "[2026/11/23 09:00:34.212] "
STARTED = f"{AT}[ info] [sp] stream processor started"
STARTED_IN_COLOUR = (
    "\x1b[1m[2026/11/23 09:00:34.2]\x1b[0m [\x1b[92m info\x1b[0m] [sp] stream processor started"
)
LET_GO = (
    f"{AT}[debug] [upstream] KA connection #41 to 127.0.0.1:443 has been disconnected"
    " by the remote service"
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (STARTED, True),
        (STARTED_IN_COLOUR, True),
        (f"{AT}[ info] [input:http:a] listening on 127.0.0.1:1", False),
        (f"{AT}[debug] [input:dummy:x] stream processor", False),
        (f"{AT}[error] [sp] stream processor could not be started", False),
        ("", False),
    ],
)
def test_the_stream_processor_starts_after_the_inputs(line, said):
    assert logs.is_started(line) is said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (LET_GO, True),
        (LET_GO.replace("127.0.0.1:443", "logs.example.test:8443"), True),
        (f"{AT}[debug] [upstream] KA connection #41 to 127.0.0.1:443 is now available", False),
        (f"{AT}[error] [tls] error: unexpected EOF", False),
    ],
)
def test_a_connection_that_the_other_side_ended_is_let_go(line, said):
    assert logs.is_let_go(line) is said


@pytest.mark.parametrize(
    ("line", "port"),
    [
        (f"{AT}[error] [downstream] could not bind address 127.0.0.1:7100. Aborting", 7100),
        (f"{AT}[error] [downstream] could not bind address", None),
        (f"{AT}[debug] [upstream] connection #5 to 127.0.0.1:7100 is connected", None),
    ],
)
def test_a_port_that_somebody_else_has_is_known_by_its_number(line, port):
    assert logs.taken_port(line) == port


def test_each_sign_has_one_pattern():
    names = [name for name, _ in logs._SIGNS]
    assert len(names) == len(set(names))


def retry(chunk, after=1, output="x"):
    return (
        f"{AT}[ warn] [engine] failed to flush chunk '{chunk}', retry in {after} seconds: "
        f"task_id=0, input=tcp.0 > output={output} (out_id=0)"
    )


def succeeded(chunk, attempt=1):
    return (
        f"{AT}[ info] [engine] flush chunk '{chunk}' succeeded at retry {attempt}: "
        "task_id=0, input=tcp.0 > output=x (out_id=0)"
    )


def given_up(chunk):
    return (
        f"{AT}[error] [engine] chunk '{chunk}' cannot be retried: task_id=0, input=tcp.0 > output=x"
    )


ONE, TWO = "1021-1732352434.212345678.flb", "1021-1732352435.1.flb"


@pytest.mark.parametrize(
    ("lines", "pending"),
    [
        ([], set()),
        ([STARTED, LET_GO], set()),
        ([retry(ONE)], {ONE}),
        ([retry(ONE), retry(ONE, 7)], {ONE}),
        ([retry(ONE), retry(TWO)], {ONE, TWO}),
        ([retry(ONE), succeeded(ONE)], set()),
        ([retry(ONE), given_up(ONE)], set()),
        ([retry(ONE), retry(TWO), succeeded(ONE)], {TWO}),
        ([retry(ONE), retry(TWO), given_up(TWO)], {ONE}),
        ([retry(ONE), succeeded(ONE), retry(ONE)], {ONE}),
        ([given_up(ONE)], set()),
        ([succeeded(ONE)], set()),
        ([given_up(TWO), retry(ONE)], {ONE}),
    ],
)
def test_a_chunk_waits_until_it_arrives_or_is_given_up(lines, pending):
    assert logs.awaiting_retry(lines) == pending
    assert logs.awaiting_retry(iter(lines)) == pending


def test_only_these_words_make_a_chunk_wait():
    said = [
        f"{AT}[debug] [retry] new retry created for task_id=0 attempts=1",
        f"{AT}[debug] [task] created task=0x7f id=0 OK, chunk '{ONE}'",
        f"{AT}[debug] [task] destroy task of chunk '{ONE}' (task_id=0)",
        f"{AT}[debug] [input chunk] update output instances with new chunk size",
    ]
    assert logs.awaiting_retry(said) == set()
    assert logs.awaiting_retry([retry(ONE), *said]) == {ONE}


def test_the_line_of_a_retry_is_the_last_word_of_an_attempt():
    alias = "rotation.cell[way=by rename]"
    assert logs.final_alias(retry(ONE, output=alias), {}) == alias
    assert logs.final_alias(succeeded(ONE), {}) == "x"
    # 5.1.1 says no out_id in this one (src/flb_engine.c), so it is nobody's by its words.
    assert logs.final_alias(given_up(ONE), {}) is None
