"""The three connections on real sockets: log in once, hear all, come back alone."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.errors import VersionMismatch
from cngstation.rpc.contract.counter import CARD_PRESENTED, CHOICES, COUNTER, Page
from cngstation.rpc.contract.forecourt import SALE_LIST
from cngstation.rpc.failures import NotConnected
from cngstation.rpc.method import Version
from cngstation.rpc.session import Nothing
from tests.unit.tui.fake_rows import LoginRefused, card
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.serve_fake_station import CONTRACTS, serve
from tui.link import News, Part, PartDown, PartUp, Told
from tui.socket_link import SocketLink


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():
            await asyncio.sleep(0.01)


async def test_one_login_opens_all_three_and_a_restart_is_survived(
    tmp_path: Path,
) -> None:
    """Snapshots of all parts come after the login, and again after a restart."""
    station = FakeStation()
    servers = serve(station, tmp_path)
    for server in servers.values():
        await server.start({})
    heard: list[News] = []
    link = SocketLink(tmp_path, terminal="test")
    link.start(heard.append)

    def up(part: Part) -> int:
        return sum(isinstance(n, PartUp) and n.part is part for n in heard)

    await _until(lambda: sum(isinstance(n, PartDown) for n in heard) == 3)
    with pytest.raises(LoginRefused):
        await link.login("demo", "wrong")
    assert (await link.login("demo", "right")).operator
    assert all(up(part) for part in Part)
    assert (await link.call(CHOICES, Nothing())).card_fee_fen == 2_000
    assert len((await link.call(SALE_LIST, Page(limit=3))).rows) == 3
    servers[Part.COUNTER].publish(CARD_PRESENTED, card())
    await _until(lambda: any(isinstance(n, Told) for n in heard))

    await servers[Part.FORECOURT].close()
    await _until(lambda: isinstance(heard[-1], PartDown))
    before = up(Part.FORECOURT)
    again = serve(station, tmp_path)[Part.FORECOURT]
    await again.start({})
    await _until(lambda: up(Part.FORECOURT) > before)

    await link.lock()
    assert (await link.unlock("right")).operator
    await link.logout()
    await link.close()
    for server in (servers[Part.COUNTER], servers[Part.UPLINK], again):
        await server.close()


async def test_who_types_quickly_waits_for_the_connection(tmp_path: Path) -> None:
    """A login before the daemon listens is not refused: it goes on when it does."""
    servers = serve(FakeStation(), tmp_path)
    link = SocketLink(tmp_path, terminal="test")
    link.start(lambda _news: None)
    login = asyncio.create_task(link.login("demo", "right"))
    await asyncio.sleep(0.3)
    assert not login.done()
    for server in servers.values():
        await server.start({})
    assert (await login).operator
    await link.close()
    for server in servers.values():
        await server.close()


async def test_a_daemon_that_is_away_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the login says that it is not running."""
    monkeypatch.setattr("tui.socket_link._LOGIN_WAIT_S", 1)
    link = SocketLink(tmp_path, terminal="test")
    link.start(lambda _news: None)
    with pytest.raises(NotConnected):
        await link.login("demo", "right")
    await link.close()


async def test_a_daemon_of_another_version_is_named_at_the_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, with both versions: waiting longer would not help."""
    newer = replace(COUNTER, version=Version(9, 3), oldest=Version(9, 0))
    monkeypatch.setitem(CONTRACTS, Part.COUNTER, newer)
    server = serve(FakeStation(), tmp_path)[Part.COUNTER]
    await server.start({})
    heard: list[News] = []
    link = SocketLink(tmp_path, terminal="test")
    link.start(heard.append)
    async with asyncio.timeout(120):
        with pytest.raises(VersionMismatch, match=r"needs 9\.0 or"):
            await link.login("demo", "right")
    reasons = [n.reason for n in heard if isinstance(n, PartDown)]
    assert any(isinstance(reason, VersionMismatch) for reason in reasons)
    await link.close()
    await server.close()
