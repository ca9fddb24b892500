"""A peer that is left standing: told without end, patient, and there for every scenario."""

from __future__ import annotations

import asyncio

from flb_handshake import catalogue
from flb_handshake.model import CollectorSpec
from flb_handshake.peer import collector as collector_module
from flb_handshake.peer import connection as connection_module
from flb_handshake.peer.collector import Collector
from flb_handshake.pki import Pki
from flb_handshake.report import served
from flb_handshake.report.live import Live
from flb_handshake.serving import standing


class Seen:
    def __init__(self):
        self.came_from, self.events = [], []

    def came(self, connection, address):
        self.came_from.append((connection, address))

    def saw(self, event):
        self.events.append(event)


def test_an_audience_is_told_without_end_and_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(collector_module, "_KEPT_EVENTS", 2)
    monkeypatch.setattr(collector_module, "_RESERVED_EVENTS", 0)

    async def scene():
        home = Collector(Pki())
        listener = await home.listen(CollectorSpec())
        listener.audience = seen = Seen()
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            await reader.read()
            writer.close()
            await writer.wait_closed()
        home.close()
        return listener, seen

    listener, seen = asyncio.run(scene())
    assert [number for number, _ in seen.came_from] == [1, 2, 3, 4, 5]
    assert not [one for one in seen.events if one.kind == "dropped"]
    assert len([one for one in seen.events if one.kind == "request"]) == 5
    assert (listener.events, listener.dropped) == ([], 0)


def test_somebody_who_types_slowly_is_not_cut_off(monkeypatch):
    monkeypatch.setattr(connection_module, "_LONGEST_CONNECTION", 0.05)

    async def scene(patience):
        home = Collector(Pki())
        listener = await home.listen(CollectorSpec())
        listener.patience = patience
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        try:
            async with asyncio.timeout(0.5):
                return await reader.read()
        except (TimeoutError, ConnectionResetError) as ended:
            return type(ended)
        finally:
            writer.close()
            home.close()

    assert asyncio.run(scene(60.0)) is TimeoutError
    assert asyncio.run(scene(None)) is not TimeoutError


def test_every_family_can_be_served(tmp_path):
    families = {one.id.partition("[")[0]: one for one in catalogue.load()}

    async def page(one):
        place = tmp_path / one.id
        async with standing(one, place, Live(print)) as stand:
            return served.page(stand, kept=False)

    for name, one in families.items():
        said = asyncio.run(page(one))
        assert "PRIVATE KEY" not in said, name
        assert "fluent-bit -c" in said, name
    assert len(families) > 200
