"""Dispensers' clocks: how far they are off, and a row while one is set back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.moments import time_text
from cngstation.protocols.dispenser.canonical import FuellingState
from cngstation.services.watch_device_clocks import (
    AGREES_MS,
    FRESH_MS,
    KIND,
    DeviceClocks,
    Drift,
    device_ms,
)
from cngstation.services.watch_drift import OFF
from cngstation.storage import facts, findings
from cngstation.storage.sales import NozzleKey
from tests.furnished_station import NOZZLE, fill
from tests.small_station import HandClock, cash_sale, opened
from tests.unit.services.test_show_trend import sale_row
from tests.unit.services.test_watch_forecourt import STATUS

MINUTE_MS, DAY_MS = 60_000, 86_400_000


class World:
    """A nozzle whose clock is set by a test."""

    def __init__(self, database: Any, clock: HandClock) -> None:
        self.database, self.clock = database, clock
        self.clocks = DeviceClocks(database, clock)
        self.number = 0

    async def sell(self, ahead_ms: int, **how: Any) -> None:
        """Fill, and tell of it; the device's clock is ahead by so much."""
        self.number += 1
        if how.pop("is_seen", True):
            self.clocks.saw(NOZZLE, replace(STATUS, state=FuellingState.FUELLING))
        self.clock.forward(how.pop("later_ms", 5_000))
        ended = time_text(self.clock.wall_ms + ahead_ms)
        record = replace(fill(self.number), ended_at=ended, **how)
        key = NOZZLE.key
        row = sale_row(
            self.number, device_ended=ended, station_no=key.station_no,
            dispenser_no=key.dispenser_no, nozzle_no=key.nozzle_no,
        )  # fmt: skip
        entry = cash_sale(f"s{self.number}")
        await self.database.write(lambda tx: facts.post(tx, entry, sale=row))
        await self.clocks.heard(NOZZLE, record)

    async def open(self) -> list[Any]:
        """Return the open rows."""
        found = await self.database.read(findings.open_findings)
        return [row for row in found if row.kind == KIND]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Return a nozzle in an opened station."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        yield World(database, clock)


async def test_a_fill_before_our_eyes_tells_how_far_a_clock_is(world: World) -> None:
    """One that came late, or that nobody saw, tells nothing."""
    await world.sell(-90_000)
    (drift,) = world.clocks.drifts()
    assert (drift.nozzle_no, drift.ahead_ms // 1000) == (NOZZLE.key.nozzle_no, -90)
    for how in (
        {"is_offline": True},
        {"later_ms": FRESH_MS + 1},
        {"ended_at_nothing": True},
    ):
        if how.pop("ended_at_nothing", False):
            await world.clocks.heard(NOZZLE, replace(fill(99), ended_at=None))
        else:
            await world.sell(-7_000_000, **how)
        assert list(world.clocks.drifts()) == [drift]


async def test_a_clock_set_back_is_a_row_until_it_has_passed_that_time(
    world: World,
) -> None:
    """One row, however many fills; it closes by sense and opens anew."""
    await world.sell(0)
    await world.sell(-DAY_MS)
    (row,) = await world.open()
    await world.sell(-DAY_MS + MINUTE_MS)
    assert await world.open() == [row]
    await world.sell(-DAY_MS, later_ms=DAY_MS + MINUTE_MS)
    assert await world.open() == []
    await world.sell(-3 * DAY_MS)
    assert len(await world.open()) == 1


async def test_the_row_closes_when_the_clock_is_right_again(world: World) -> None:
    """Also where it was ahead before: then it went back to the truth."""
    await world.sell(0)
    await world.sell(-DAY_MS)
    assert len(await world.open()) == 1
    await world.sell(AGREES_MS - 5_000)
    assert await world.open() == []
    await world.sell(DAY_MS)
    await world.sell(0)
    assert await world.open() == []


async def test_a_small_step_back_is_no_row(world: World) -> None:
    """Clocks that are set by each poll step by seconds."""
    await world.sell(-DAY_MS)
    await world.sell(-DAY_MS - 50_000, later_ms=1_000)
    assert await world.open() == []


@pytest.mark.parametrize("text", [None, "", "2026-13-01 00:00:00", "soon", "00000000"])
def test_a_reading_that_is_none(text: str | None) -> None:
    """What a wire says of the time may be anything."""
    assert device_ms(text) is None


async def test_a_clock_that_was_never_set_is_a_row_too(world: World) -> None:
    """A new board shows the first day of year 1."""
    await world.sell(0)
    entry = cash_sale("s2")
    world.clock.forward(60_000)
    record = replace(fill(2), ended_at="0001-01-01 00:00:00")
    key = NOZZLE.key
    row = sale_row(
        2, device_ended=record.ended_at, station_no=key.station_no,
        dispenser_no=key.dispenser_no, nozzle_no=key.nozzle_no,
    )  # fmt: skip
    await world.database.write(lambda tx: facts.post(tx, entry, sale=row))
    await world.clocks.heard(NOZZLE, record)
    (found,) = await world.open()
    assert "1970-01-02" in found.facts


async def test_dispensers_together_say_that_our_clock_is_wrong(world: World) -> None:
    """Each fill is asked of all; one dispenser alone says nothing."""
    await world.sell(-900_000)
    found = await world.database.read(findings.open_findings)
    assert [row.kind for row in found if row.kind == OFF] == []
    drift = Drift(99, -800_000, world.clock.wall_ms)
    world.clocks._drifts[NozzleKey("x", 99, 99)] = drift
    await world.sell(-900_000)
    found = await world.database.read(findings.open_findings)
    assert [row.subject for row in found if row.kind == OFF] == ["station"]
