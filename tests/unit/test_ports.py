"""Ports that are held for an agent: it can listen on them, and nobody else is given them."""

from __future__ import annotations

import contextlib
import socket

import pytest

from flb_handshake.agent import ports as ports_module
from flb_handshake.agent.ports import Ports
from flb_handshake.errors import HarnessFailure


@pytest.fixture
def ports():
    held = Ports()
    yield held
    held.release()


def bound(port, *, reuse):
    one = socket.socket()
    if reuse:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind(("127.0.0.1", port))
    except OSError:
        one.close()
        raise
    return one


def test_an_agent_listens_on_a_port_that_is_held_for_it(ports):
    port = ports.reserve()
    with bound(port, reuse=True) as server:
        server.listen()
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            accepted, address = server.accept()
            accepted.close()
            assert address == client.getsockname()


def test_an_agent_that_listened_can_listen_again(ports):
    port = ports.reserve()
    reached = []
    for _ in range(2):
        with bound(port, reuse=True) as server:
            server.listen()
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                reached.append(client.getpeername()[1])
    assert reached == [port, port]


def test_nobody_listens_on_a_port_that_is_only_held(ports):
    port = ports.reserve()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_no_port_is_given_twice(ports):
    given = [ports.reserve() for _ in range(200)]
    assert len(set(given)) == 200
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(bound(0, reuse=False)) for _ in range(200)]
        assert not {one.getsockname()[1] for one in others} & set(given)


def test_a_held_port_is_no_ones_who_asks_for_it_alone(ports):
    port = ports.reserve()
    with pytest.raises(OSError, match="in use"):
        bound(port, reuse=False)
    ports.release()
    bound(port, reuse=False).close()


def test_letting_go_twice_is_harmless_and_there_are_ports_again(ports):
    ports.reserve()
    ports.release()
    ports.release()
    assert ports.reserve()


def test_no_port_at_all_is_the_harnesss_failure(ports, monkeypatch):
    made = []

    class Full(socket.socket):
        def bind(self, _):
            made.append(self)
            raise OSError(98, "Address already in use")

    monkeypatch.setattr(ports_module.socket, "socket", Full)
    with pytest.raises(HarnessFailure, match="no port is free") as told:
        ports.reserve()
    assert told.value.hint
    assert [one.fileno() for one in made] == [-1]
