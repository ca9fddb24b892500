"""What a listener does for a run in steps: it changes, hangs up, restarts, and expects anew."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest
from collector_clients import HOST, PKI, POST, WITHIN, client_context, ends, facts

from flb_handshake.behaviours import Close, Moment, Reset, Silent
from flb_handshake.certificates import LEAF, OTHER_LEAF, OTHER_ROOT, chain
from flb_handshake.errors import HarnessFailure
from flb_handshake.model import CollectorSpec, ProxySpec
from flb_handshake.peer import collector as collector_module
from flb_handshake.peer.collector import Collector
from flb_handshake.peer.events import Kind

HEALTHY_ONE = CollectorSpec()
OTHER = CollectorSpec(chain=chain(OTHER_LEAF))


class Client:
    """A client that keeps its connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @property
    def leaf(self):
        return self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)

    async def post(self):
        self.writer.write(POST)
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WITHIN)

    async def end(self):
        """How the other side ends it."""
        try:
            said = await asyncio.wait_for(self.reader.read(), WITHIN)
        except ConnectionResetError:
            return "RST"
        return "FIN" if said == b"" else said

    def close(self):
        self.writer.close()


async def connected(listener):
    context = client_context()
    context.load_verify_locations(cadata=PKI.pem(OTHER_ROOT).decode())
    return Client(
        *await asyncio.open_connection(
            "127.0.0.1", listener.port, ssl=context, server_hostname=HOST
        )
    )


@asynccontextmanager
async def listening(spec=HEALTHY_ONE, **options):
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: failures.append(told))
    collector = Collector(PKI)
    try:
        yield await collector.listen(spec, **options)
    finally:
        collector.close()
        await asyncio.sleep(0)
    assert failures == []


def settling(listener):
    settled = asyncio.Event()
    listener.on_settled = settled.set
    return asyncio.wait_for(settled.wait(), WITHIN)


def der(spec):
    return ssl.PEM_cert_to_DER_cert(PKI.pem(spec).decode())


def test_new_connections_see_a_change_and_open_ones_do_not():
    async def performance():
        async with listening() as listener:
            first = await connected(listener)
            await first.post()
            listener.change(OTHER)
            second = await connected(listener)
            answers = [await first.post(), await second.post()]
            leaves = [first.leaf, second.leaf]
            first.close()
            second.close()
            return answers, leaves

    answers, leaves = asyncio.run(performance())

    assert all(answer.startswith(b"HTTP/1.1 201 ") for answer in answers)
    assert leaves == [der(LEAF), der(OTHER_LEAF)]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (CollectorSpec(behaviour=Silent(Moment.HALF_HELLO)), ValueError),
        (CollectorSpec(groups="no-such-group"), HarnessFailure),
        (CollectorSpec(proxy=ProxySpec(status=42)), ValueError),
    ],
)
def test_a_change_that_cannot_be_leaves_all_as_it_was(wrong, error):
    async def performance():
        async with listening() as listener:
            with pytest.raises(error):
                listener.change(wrong)
            client = await connected(listener)
            answer = await client.post()
            client.close()
            return answer

    assert asyncio.run(performance()).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(("how", "end"), [(Close(), "FIN"), (Reset(), "RST")])
def test_hanging_up_ends_what_is_open_and_goes_on_listening(how, end):
    async def performance():
        async with listening(expected=1) as listener:
            clients = [await connected(listener) for _ in range(3)]
            for client in clients:
                await client.post()
            listener.expect(1)
            listener.hang_up(how)
            seen = [await client.end() for client in clients]
            for client in clients:
                client.close()
            later = await connected(listener)
            settled_before = listener.settled
            waiting = settling(listener)
            answer = await later.post()
            await waiting
            later.close()
            return seen, settled_before, answer, listener

    seen, settled_before, answer, listener = asyncio.run(performance())

    assert seen == [end] * 3
    assert ends(listener)[:3] == [("peer", end)] * 3
    assert not settled_before  # what we end ourselves settles nothing
    assert answer.startswith(b"HTTP/1.1 201 ")


def test_a_request_after_hanging_up_is_not_looked_at():
    async def performance():
        async with listening() as listener:
            client = await connected(listener)
            await client.post()
            listener.hang_up(Close())
            with pytest.raises(asyncio.IncompleteReadError):
                await client.post()
            client.close()
            return listener

    assert len(facts(asyncio.run(performance()), Kind.REQUEST)) == 1


def test_a_restart_resets_what_is_open_and_is_back_on_the_same_port():
    async def performance():
        async with listening() as listener:
            client = await connected(listener)
            await client.post()
            port = listener.port
            listener.expect(1)
            await listener.restart()
            end = await client.end()
            client.close()
            settled_before = listener.settled
            later = await connected(listener)
            answer = await later.post()
            later.close()
            return port == listener.port, end, settled_before, answer, listener

    same_port, end, settled_before, answer, listener = asyncio.run(performance())

    assert same_port
    assert end == "RST"
    assert not settled_before
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert ends(listener)[0] == ("peer", "RST")


def test_connections_that_come_in_during_a_restart_do_not_stop_it():
    async def performance():
        async with listening() as listener:
            for _ in range(20):
                dialled = [asyncio.open_connection("127.0.0.1", listener.port) for _ in range(8)]
                tasks = [asyncio.create_task(one) for one in dialled]
                await asyncio.sleep(0)
                await listener.restart()
                for reached in await asyncio.gather(*tasks, return_exceptions=True):
                    if not isinstance(reached, Exception):
                        reached[1].close()
            later = await connected(listener)
            answer = await later.post()
            later.close()
            return answer

    assert asyncio.run(performance()).startswith(b"HTTP/1.1 201 ")


def test_each_step_settles_with_its_own_records():
    async def performance():
        async with listening(expected=2) as listener:
            client = await connected(listener)
            seen = [listener.settled]
            for _ in range(2):
                await client.post()
                seen.append(listener.settled)
            listener.expect(1)
            seen.append(listener.settled)
            await client.post()
            seen.append(listener.settled)
            client.close()
            return seen

    assert asyncio.run(performance()) == [False, False, True, False, True]


def test_an_old_connection_that_ends_does_not_settle_a_step_while_another_is_open():
    async def performance():
        async with listening(expected=3) as listener:
            oldest, older, old = [await connected(listener) for _ in range(3)]
            for client in (oldest, older, old):
                await client.post()
            listener.expect(1)
            oldest.close()
            await until(lambda: listener.open_connections == 2)
            settled = [listener.settled]
            fresh = await connected(listener)
            older.close()
            await until(lambda: listener.open_connections == 2)
            settled.append(listener.settled)
            waiting = settling(listener)
            fresh.close()
            await waiting  # though an old one is still open
            still_open = listener.open_connections
            old.close()
            return settled, still_open

    assert asyncio.run(performance()) == ([False, False], 1)


def test_a_step_settles_when_nothing_is_open_any_more():
    async def performance():
        async with listening() as listener:
            old = await connected(listener)
            await old.post()
            listener.expect(1)
            waiting = settling(listener)
            old.close()
            await waiting
            return listener.settled

    assert asyncio.run(performance())


async def until(condition):
    """Turn the loop until this is so."""
    async with asyncio.timeout(WITHIN):
        while not condition():  # noqa: ASYNC110 # there is no event for it
            await asyncio.sleep(0)


def test_a_listener_tells_where_events_are_missing(monkeypatch):
    monkeypatch.setattr(collector_module, "_KEPT_EVENTS", 5)

    async def performance():
        async with listening() as listener:
            client = await connected(listener)
            await client.post()
            client.close()
            await until(lambda: listener.open_connections == 0)
            return listener

    listener = asyncio.run(performance())

    assert listener.dropped > 1
    assert len(facts(listener, Kind.DROPPED)) == 1
    assert [event.kind for event in listener.events][5] is Kind.DROPPED
    assert listener.events[-1].kind is Kind.CLOSED
