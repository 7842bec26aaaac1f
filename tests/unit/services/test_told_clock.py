"""The clock that dispensers are told: never one that the books know to be wrong."""

from pathlib import Path

import pytest

from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.tell_day import EARLIEST_MS, MAY_SLIP_MS
from cngstation.services.told_clock import ToldClock
from cngstation.services.watch_clock import look_once
from cngstation.storage import facts
from tests.small_station import MORNING, HandClock, cash_sale, opened

YEAR_MS = 365 * 86_400_000


@pytest.mark.parametrize("off_ms", [YEAR_MS, -YEAR_MS, -MORNING])
async def test_a_clock_that_is_wrong_is_not_passed_on(
    tmp_path: Path, off_ms: int
) -> None:
    """Neither between two looks nor behind one; a clock that is right again is."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        await database.write(lambda tx: facts.post(tx, cash_sale("E1")))
        keeper = DownloadKeeper(database, clock)
        await keeper.look()
        clock.wall_ms += off_ms
        clock.forward(60_000)
        assert keeper.told.now().wall_ms == MORNING + 60_000
        await keeper.look()
        await look_once(database, clock)
        clock.forward(3_600_000)
        await keeper.look()
        assert keeper.told.now().wall_ms == MORNING + 3_660_000
        assert keeper.told.now().mono_ms == clock.mono_ms
        clock.wall_ms -= off_ms
        clock.wall_ms += MAY_SLIP_MS
        await keeper.look()
        assert keeper.told.now().wall_ms == clock.wall_ms


async def test_a_clock_set_a_year_off_while_the_machine_was_down(
    tmp_path: Path,
) -> None:
    """The last entry's time goes on; that is the last that was known."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        await database.write(lambda tx: facts.post(tx, cash_sale("E1")))
        clock.wall_ms, clock.mono_ms, clock.boot_id = 0, 5_000, "boot-2"
        told = ToldClock(clock)
        assert told.now().wall_ms == EARLIEST_MS, "older than this program"
        await told.look(database)
        clock.forward(10_000)
        assert told.now().wall_ms == MORNING + 10_000
