"""Coming back after a daemon has gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.errors import NotLoggedIn, StationError
from cngstation.rpc.client import Happened, RpcClient
from cngstation.rpc.failures import BadReply, NotConnected, ServerClosing
from cngstation.rpc.reconnect import ReconnectingClient, Up, _wait_ms
from cngstation.rpc.session import LOGIN, Login
from tests.patience import turns
from tests.unit.rpc.toys import ECHO, Impostor, Sale, Station, Word, contract

Start = Callable[..., Awaitable[Station]]


class Screen:
    """Keeps what a screen would be told."""

    def __init__(self, path: Path) -> None:
        self.ups: asyncio.Queue[Up[Any]] = asyncio.Queue()
        self.downs: list[StationError] = []
        self.events: asyncio.Queue[Happened] = asyncio.Queue()
        self.client = ReconnectingClient(
            lambda: RpcClient(path, contract()),
            on_up=self.ups.put_nowait,
            on_down=self.downs.append,
            on_event=self.events.put_nowait,
        )

    async def up(self) -> Up[Any]:
        """Wait for the next time that the connection is up."""
        return await asyncio.wait_for(self.ups.get(), 60)


@pytest.fixture
async def screen(path: Path) -> AsyncIterator[Screen]:
    """A screen that stays connected."""
    made = Screen(path)
    running = asyncio.create_task(made.client.run())
    yield made
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()


async def log_in(screen: Screen) -> SecretStr:
    """Log in over the screen's connection; return the token."""
    credentials = Login(login_name="wang", password=SecretStr("right"), terminal="t")
    return (await screen.client.call(LOGIN, credentials)).token


async def test_it_waits_for_a_daemon_that_is_not_there_yet(
    screen: Screen, start: Start
) -> None:
    """Many failed tries are one message; then the connection is up and works."""
    await asyncio.sleep(0.3)
    assert [type(reason) for reason in screen.downs] == [NotConnected]
    with pytest.raises(NotConnected):
        await screen.client.call(ECHO, Word(text="a"))
    await start()
    up = await screen.up()
    assert isinstance(up.refusal, NotLoggedIn)
    assert up.snapshot is None
    assert await screen.client.call(ECHO, Word(text="a")) == Word(text="a")


async def test_it_comes_back_with_its_session_and_a_new_snapshot(
    start: Start, screen: Screen
) -> None:
    """After a restart of the daemon the token is attached and the state is fresh."""
    first = await start()
    await screen.up()
    await screen.client.attach(await log_in(screen))
    assert (await screen.up()).snapshot.sale_nos == ()
    first.sell(1)
    assert (await asyncio.wait_for(screen.events.get(), 60)).body == Sale(sale_no=1)
    await first.server.close()
    assert isinstance(screen.downs[-1], ServerClosing)
    second = Station(first.path)
    second.authority = first.authority
    second.server.service.authority.__dict__.update(first.authority.__dict__)
    second.sale_nos = [1, 2]
    await second.server.start(environ={})
    up = await screen.up()
    assert up.session is not None
    assert up.session.operator == "wang"
    assert up.snapshot.sale_nos == (1, 2)
    second.sell(3)
    assert (await asyncio.wait_for(screen.events.get(), 60)).body == Sale(sale_no=3)
    await second.server.close()


async def test_a_dead_token_is_forgotten(start: Start, screen: Screen) -> None:
    """A token that is no longer good leaves the connection up, and a login to do."""
    station = await start()
    await screen.up()
    token = await log_in(screen)
    await screen.client.attach(token)
    assert (await screen.up()).session is not None
    await station.authority.logout(await station.authority.resume(token, station.peer))
    await screen.client.attach(token)
    up = await screen.up()
    assert isinstance(up.refusal, NotLoggedIn)
    assert screen.client._token is None
    assert screen.downs == [] or isinstance(screen.downs[0], NotConnected)


async def test_a_daemon_that_answers_nonsense_is_not_up(
    path: Path, screen: Screen
) -> None:
    """A snapshot outside the contract is a broken connection, not a login to do."""
    async with Impostor(path) as impostor:
        impostor.lines = [b'{"jsonrpc":"2.0","id":2,"result":{"sale_nos":7}}\n']
        while not any(isinstance(reason, BadReply) for reason in screen.downs):
            await asyncio.sleep(0.01)
        assert screen.ups.empty()


async def test_the_snapshot_comes_before_its_events(
    start: Start, screen: Screen
) -> None:
    """An event in the same bytes as the snapshot is told after it."""
    station = await start()
    await screen.up()
    token = await log_in(screen)
    station.snapshot_hold.clear()
    attaching = asyncio.create_task(screen.client.attach(token))
    order: list[str] = []
    screen.client._on_up = lambda _: order.append("up")
    screen.client._on_event = lambda _: order.append("event")
    await station.snapshot_begun.wait()
    station.sell(1)
    station.snapshot_hold.set()
    await attaching
    await turns()
    assert order == ["up", "event"]


def test_waits_grow_to_two_seconds_and_differ() -> None:
    """The wait doubles from 50 ms, ends at 2 s, and is never the same for all."""
    for failures, longest in [(0, 50), (1, 100), (4, 800), (6, 2_000), (10_000, 2_000)]:
        waits = {_wait_ms(failures) for _ in range(200)}
        assert longest // 2 <= min(waits) < max(waits) <= longest
