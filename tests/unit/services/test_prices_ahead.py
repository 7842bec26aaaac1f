"""Prices that follow are published a day ahead, for lines that keep them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.moments import MS_PER_HOUR, time_text
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import DownloadKind, Downloads
from cngstation.services.fit_downloads import offer_what_fits
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.verify_books import verify_file
from cngstation.services.watch_clock import look_once
from cngstation.storage import facts, prices
from cngstation.storage.audit import Actor
from cngstation.units import Unit
from tests.download_world import NOZZLE, OfferedLine, Station, download_station
from tests.small_station import MORNING, cash_sale

T = MORNING + 2 * MS_PER_HOUR


@dataclass
class Lines:
    """A station with a line that keeps prices, beside the one that does not."""

    station: Station
    keeps: OfferedLine = field(default_factory=OfferedLine)

    async def look(self) -> bool:
        """Let the keeper look."""
        return await self.station.keeper.look()

    @property
    def told(self) -> list[tuple[int, int]]:
        """Version and posted price of now, and of what follows where it is told."""
        offer = self.keeps.offers[-1]
        tables = [table for table in (offer.prices, offer.coming) if table]
        return [(table.version, table.prices_e4[0]) for table in tables]

    @property
    def now_alone(self) -> tuple[int, int]:
        """What the other line is offered."""
        offer = self.station.line.offers[-1]
        assert offer.coming is None
        assert offer.prices is not None
        return offer.prices.version, offer.prices.prices_e4[0]


@pytest.fixture
async def lines(tmp_path: Path) -> AsyncIterator[Lines]:
    """Return a station that sells at 3.98 and will at 4.20 in two hours."""
    async with download_station(tmp_path / "s.db") as station:
        both = Lines(station)
        station.keeper.serve(both.keeps, [Unit.M3], takes_ahead=True)
        await station.price(0, 398)
        await station.price(0, 420, T)
        await both.look()
        yield both
        assert verify_file(station.path).proved


async def test_it_goes_ahead_with_its_time_and_begins_without_news(
    lines: Lines,
) -> None:
    """The line that cannot keep it is told at its time, of the same version."""
    assert lines.told == [(1, 39_800), (2, 42_000)]
    coming = lines.keeps.offers[-1].coming
    assert coming is not None
    assert coming.effective_at == time_text(T)
    assert lines.now_alone == (1, 39_800)
    assert not await lines.look()
    lines.station.clock.wall_ms = T - 1
    assert not await lines.look()
    lines.station.clock.wall_ms = T
    await lines.look()
    assert lines.told == [(2, 42_000)]
    assert lines.now_alone == (2, 42_000)


async def test_no_longer_before_than_a_day(lines: Lines) -> None:
    """Who takes a plan back early has nobody to tell."""
    station = lines.station
    await station.price(0, 450, T + 25 * MS_PER_HOUR)
    station.clock.wall_ms = T
    await lines.look()
    assert lines.told == [(2, 42_000)]
    station.clock.wall_ms = T + MS_PER_HOUR - 1
    assert not await lines.look()
    station.clock.wall_ms = T + MS_PER_HOUR
    await lines.look()
    assert lines.told == [(2, 42_000), (3, 45_000)]


async def test_taken_back_it_is_overwritten_with_the_prices_of_now(
    lines: Lines,
) -> None:
    """Under a new version; what comes after it is sent ahead in its place."""
    station = lines.station
    await station.price(0, 450, T + MS_PER_HOUR)
    assert not await lines.look()
    row = await station.db.read(lambda c: prices.next_planned(c, MORNING))
    assert row is not None
    who = Actor("1001", "pts/1")
    await station.db.write(lambda tx: prices.cancel(tx, row.seq, "a mistake", who))
    await lines.look()
    assert lines.told == [(3, 39_800), (4, 45_000)]
    assert lines.now_alone == (3, 39_800)


async def test_a_price_for_now_goes_first(lines: Lines) -> None:
    """And what follows once more behind it."""
    lines.station.clock.wall_ms += 60_000
    await lines.station.price(0, 405, lines.station.clock.wall_ms)
    await lines.look()
    assert lines.told == [(3, 40_500), (4, 42_000)]


async def test_a_clock_in_doubt_takes_it_back(lines: Lines) -> None:
    """Dispensers go by the clock that we tell them."""
    station = lines.station
    await station.db.write(lambda tx: facts.post(tx, cash_sale("E1")))
    station.clock.wall_ms += 300 * 24 * MS_PER_HOUR
    await lines.look()
    assert lines.told == [(3, 39_800)]
    station.clock.wall_ms -= 300 * 24 * MS_PER_HOUR
    await look_once(station.db, station.clock)
    await lines.look()
    assert lines.told == [(3, 39_800), (4, 42_000)]


async def test_another_life_of_the_program_goes_on_with_it(lines: Lines) -> None:
    """Nothing is published twice, before its time and behind it."""
    for at_ms, told in (
        (T - 1, [(1, 39_800), (2, 42_000)]),
        (T + 1, [(2, 42_000)]),
    ):
        lines.station.clock.wall_ms = at_ms
        again, line = (
            DownloadKeeper(lines.station.db, lines.station.clock),
            Lines(lines.station),
        )
        again.serve(line.keeps, [Unit.M3], takes_ahead=True)
        await again.look()
        assert line.told == told


async def test_who_has_it_already_is_shown(lines: Lines) -> None:
    """It has the prices of now as well; who has these alone waits for the next."""
    watch = DownloadWatch(lines.station.db, clock=lines.station.clock)
    watch.serve([NOZZLE], frozenset({DownloadKind.PRICES}), takes_ahead=True)

    async def row() -> tuple[str, int, int, str]:
        (found,) = [r for r in (await watch.board()).nozzles if r.kind == "prices"]
        return found.state, found.wanted, found.held, found.ahead

    def holds(version: int) -> DownloadAdvanced:
        kind = DownloadKind.PRICES
        return DownloadAdvanced(1, kind, version, 1, 1, is_in_force=True)

    assert await row() == ("waiting", 1, 0, "waits")
    for version, shown in (
        (1, ("in_force", 1, 1, "waits")),
        (2, ("in_force", 1, 2, "there")),
    ):
        assert await watch.sent([NOZZLE], DownloadKind.PRICES, version)
        await watch.advanced(NOZZLE, holds(version))
        assert await row() == shown
    lines.station.clock.wall_ms = T
    assert await row() == ("in_force", 2, 2, "")


async def test_what_follows_is_doubted_too_where_nobody_sent_it(lines: Lines) -> None:
    """It is from another life of the file, and would begin with another price."""
    keeper = lines.station.keeper
    watch = DownloadWatch(lines.station.db, clock=lines.station.clock)
    watch.doubted = keeper.doubt
    kinds = frozenset({DownloadKind.BASE, DownloadKind.PRICES})
    watch.serve([NOZZLE], kinds, takes_ahead=True)
    kind = DownloadKind.PRICES
    await watch.advanced(NOZZLE, DownloadAdvanced(1, kind, 2, 1, 1, is_in_force=True))
    await lines.look()
    assert lines.told == [(3, 39_800), (4, 42_000)]


class Narrow(OfferedLine):
    """A line whose protocol cannot carry what follows."""

    def offer(self, downloads: Downloads) -> None:
        """Take an offer without it."""
        if downloads.coming is not None:
            raise LocalProtocolError(why="a price of 420 e4")
        super().offer(downloads)


async def test_what_does_not_fit_keeps_the_prices_of_now_from_nobody(
    lines: Lines,
) -> None:
    """It is named before its time."""
    narrow = Narrow()
    left_out, why = offer_what_fits(narrow, lines.keeps.offers[-1])
    assert left_out == "the prices that follow"
    assert "420" in why
    assert narrow.offers[-1].prices == lines.keeps.offers[-1].prices
