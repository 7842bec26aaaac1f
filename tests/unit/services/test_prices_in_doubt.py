"""No planned price begins while the clock is in doubt; a row says which one waits."""

import json
from pathlib import Path

import pytest

from cngstation.moments import MS_PER_HOUR
from cngstation.services.open_rows import finding_row
from cngstation.services.prices_now import PRICE_WAITS, in_force_now
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.tell_day import told_prices_ms
from cngstation.services.watch_clock import look_once
from cngstation.storage import facts, findings
from cngstation.units import Unit
from tests.download_world import OfferedLine, Station, download_station
from tests.small_station import MORNING, cash_sale

YEAR_MS = 365 * 24 * MS_PER_HOUR


async def rows(station: Station) -> dict[str, int]:
    """Return the open rows by their kinds."""
    found = await station.db.read(findings.open_findings)
    return {row.kind: row.seq for row in found}


async def selling(station: Station) -> tuple[int, ...]:
    """Return what the line is offered; what the counter sells at is the same."""
    await station.keeper.look()
    table = station.line.offers[-1].prices
    assert table is not None
    posted = await station.db.read(
        lambda c: in_force_now(c, Unit.M3, station.clock.wall_ms)
    )
    assert posted[0].e4 == table.prices_e4[0]
    return table.prices_e4


@pytest.mark.parametrize("off_ms", [-YEAR_MS, YEAR_MS, 2 * MS_PER_HOUR])
async def test_a_price_waits_until_somebody_says_that_the_clock_is_right(
    tmp_path: Path, off_ms: int
) -> None:
    """By the dispensers and at the counter, over a restart of the program too."""
    async with download_station(tmp_path / "s.db") as station:
        await station.price(0, 398)
        await station.price(0, 420, MORNING + MS_PER_HOUR)
        assert await selling(station) == (39_800,)
        await station.db.write(lambda tx: facts.post(tx, cash_sale("E1")))
        station.clock.wall_ms += off_ms
        assert await selling(station) == (39_800,)
        station.clock.forward(2 * MS_PER_HOUR)
        assert await selling(station) == (39_800,)
        found = await rows(station)
        (row,) = [
            row
            for row in await station.db.read(findings.open_findings)
            if row.kind == PRICE_WAITS
        ]
        said = {"level": 0, "unit": "m3", "price": "4.20", "at": "2026-11-21 10:42"}
        assert json.loads(row.facts) == said
        assert finding_row(row).text.startswith("The price {price} of level {level}")
        again, line = DownloadKeeper(station.db, station.clock), OfferedLine()
        again.serve(line, [Unit.M3])
        await again.look()
        assert line.offers[-1].prices.prices_e4 == (39_800,)

        # A price for now, by two people, holds at once; what is planned waits on.
        now_ms = await station.db.write(told_prices_ms)
        await station.price(0, 405, now_ms)
        assert await selling(station) == (40_500,)
        assert PRICE_WAITS in await rows(station)

        (clock,) = [seq for kind, seq in found.items() if kind.startswith("clock_")]
        if off_ms < 0:
            station.clock.wall_ms -= off_ms  # nobody says that it is right
        await station.db.write(
            lambda tx: findings.close_finding(tx, clock, "it is right", "1002")
        )
        assert await selling(station) == (42_000,)
        assert PRICE_WAITS not in await rows(station)


async def test_a_clock_that_is_right_again_lets_the_price_begin(
    tmp_path: Path,
) -> None:
    """The row about the price closes with it."""
    async with download_station(tmp_path / "s.db") as station:
        await station.price(0, 398)
        await station.price(0, 420, MORNING + MS_PER_HOUR)
        await selling(station)
        await station.db.write(lambda tx: facts.post(tx, cash_sale("E1")))
        station.clock.wall_ms -= YEAR_MS
        await selling(station)
        station.clock.forward(2 * MS_PER_HOUR)
        assert await selling(station) == (39_800,)
        assert PRICE_WAITS in await rows(station)
        station.clock.wall_ms += YEAR_MS
        await look_once(station.db, station.clock)
        again, line = DownloadKeeper(station.db, station.clock), OfferedLine()
        again.serve(line, [Unit.M3])
        await again.look()
        assert line.offers[-1].prices.prices_e4 == (42_000,)
        assert await rows(station) == {}, "another life of the program closes it"


async def test_no_row_without_a_price_that_waits(tmp_path: Path) -> None:
    """A clock in doubt alone names no price."""
    async with download_station(tmp_path / "s.db") as station:
        await station.price(0, 398)
        await station.price(0, 420, MORNING + 24 * MS_PER_HOUR)
        await selling(station)
        await station.db.write(lambda tx: facts.post(tx, cash_sale("E1")))
        station.clock.wall_ms -= YEAR_MS
        station.clock.forward(MS_PER_HOUR)
        assert await selling(station) == (39_800,)
        assert list(await rows(station)) == ["clock_went_back"]
