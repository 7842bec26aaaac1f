"""A toy station on a socket of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cngstation.rpc.client import RpcClient
from cngstation.rpc.connection import Limits
from tests.unit.rpc.toys import Raw, Station, contract


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the station listens."""
    return tmp_path / "toy.sock"


@pytest.fixture
async def start(path: Path) -> AsyncIterator[Callable[..., Awaitable[Station]]]:
    """Start a station; it and every raw client are closed after the test."""
    running: list[Station] = []

    async def begin(limits: Limits | None = None, **rest: object) -> Station:
        station = Station(path, limits=limits, **rest)
        await station.server.start(environ={})
        running.append(station)
        return station

    yield begin
    while Raw.opened:
        Raw.opened.pop().close()
    await asyncio.sleep(0.01)
    for station in running:
        station.hold.set()
        await station.server.close()


@pytest.fixture
async def station(start: Callable[..., Awaitable[Station]]) -> Station:
    """A station with the limits of the product."""
    return await start()


@pytest.fixture
async def raw(station: Station) -> Raw:
    """A raw client that has said hello."""
    return await Raw.open(station.path)


@pytest.fixture
async def client(station: Station) -> AsyncIterator[RpcClient]:
    """A connected client."""
    made = RpcClient(station.path, contract())
    await made.connect()
    yield made
    await made.close()
