"""A clock that jumps: days go on by the monotonic one, a row says so and closes."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cngstation.moments import Instant
from cngstation.services import tell_day
from cngstation.services.explain_row import BY_TWO
from cngstation.services.open_rows import WORDS
from cngstation.services.tell_day import (
    LONGEST_OFF_MS,
    MAY_SLIP_MS,
    WENT_BACK,
    WENT_FORWARD,
    Told,
    shift_day,
    today,
)
from cngstation.services.verify_books import verify_file
from cngstation.services.watch_clock import look_once
from cngstation.storage import facts, findings
from cngstation.storage.database import Database, Transaction
from cngstation.storage.findings import Finding
from cngstation.storage.sqlite import Connection
from tests.small_station import MORNING, HandClock, cash_sale, opened

DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
DAY, NEXT_DAY = "2026-11-21", "2026-11-22"
YEAR_2000 = 946_684_800_000


@dataclass(slots=True)
class World:
    """Books that are written, and a clock that can be set wrong."""

    db: Database
    clock: HandClock
    path: Path
    count: int = 0

    async def book(self) -> str:
        """Book an entry; return its day as the books take it."""
        self.count += 1
        name = f"E{self.count}"

        def unit(tx: Transaction) -> str:
            day = today(tx, cut_off_minute=0)
            facts.post(tx, cash_sale(name))
            return day

        return await self.db.write(unit)

    async def rows(self) -> list[Finding]:
        """Return the open rows."""
        return await self.db.read(findings.open_findings)

    async def kinds(self) -> list[str]:
        """Look at the clock as the watch does; return the kinds of the open rows."""
        await look_once(self.db, self.clock)
        return [row.kind for row in await self.rows()]

    def restart(self, off_ms: int = 0) -> None:
        """Start the machine anew: the monotonic clock begins again."""
        self.clock.boot_id += "+"
        self.clock.mono_ms = 5_000
        self.clock.wall_ms += off_ms


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Books with an entry of the right time."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as db:
        world = World(db, clock, tmp_path / "s.db")
        assert await world.book() == DAY
        yield world
    assert verify_file(world.path).first_bad is None


@pytest.mark.parametrize(
    ("jump_ms", "kind"), [(-YEAR_MS, WENT_BACK), (YEAR_MS, WENT_FORWARD)]
)
async def test_days_go_on_while_the_clock_is_a_year_off(
    world: World, jump_ms: int, kind: str
) -> None:
    """The first entry after the jump finds it; the next midnight is a new day."""
    world.clock.wall_ms += jump_ms
    assert await world.book() == DAY
    (row,) = await world.rows()
    said = json.loads(row.facts)
    assert (row.kind, said["minutes"]) == (kind, YEAR_MS // 60_000)
    world.clock.forward(DAY_MS)
    assert await world.book() == NEXT_DAY
    assert await world.kinds() == [kind]
    world.clock.wall_ms -= jump_ms
    assert await world.kinds() == [], "right again"
    assert await world.book() == NEXT_DAY
    assert await world.kinds() == []


async def test_the_watch_finds_a_jump_without_an_entry(world: World) -> None:
    """And wall and monotonic time of the row are what they were."""
    world.clock.wall_ms -= MAY_SLIP_MS
    assert await world.kinds() == [], "as far as a clock may slip"
    world.clock.wall_ms -= 1
    assert await world.kinds() == [WENT_BACK]
    stamps = await world.db.read(
        lambda c: c.execute("SELECT at_ms, mono_ms, boot_id FROM finding").fetchall()
    )
    clock = world.clock
    assert stamps == [(clock.wall_ms, clock.mono_ms, clock.boot_id)]


async def test_order_and_chain_do_not_come_from_the_clock(world: World) -> None:
    """Rows stand as they were written, whatever the clock said."""
    for jump_ms in (-YEAR_MS, 2 * YEAR_MS, -YEAR_MS, -3 * DAY_MS):
        world.clock.wall_ms += jump_ms
        world.clock.forward(60_000)
        assert await world.book() == DAY
    found = await world.db.read(
        lambda c: c.execute("SELECT entry_id FROM entry ORDER BY seq").fetchall()
    )
    assert found == [(f"E{number}",) for number in range(1, 6)]


@pytest.mark.parametrize("dead_ms", [0, YEAR_2000])
async def test_a_dead_clock_at_the_start(world: World, dead_ms: int) -> None:
    """1970 or 2000 after a power cut: days go on from the newest entry."""
    world.clock.wall_ms = dead_ms
    world.restart()
    assert await world.book() == DAY
    assert await world.kinds() == [WENT_BACK]
    world.clock.forward(DAY_MS)
    assert await world.book() == NEXT_DAY
    world.clock.wall_ms = MORNING + DAY_MS
    assert await world.kinds() == []


@pytest.mark.parametrize("dead_ms", [0, YEAR_2000])
async def test_a_dead_clock_at_the_very_first_start(
    tmp_path: Path, dead_ms: int
) -> None:
    """Without any entry there is still a day before which no station was."""
    clock = HandClock()
    clock.wall_ms = dead_ms
    async with opened(tmp_path / "s.db", clock) as db:
        world = World(db, clock, tmp_path / "s.db")
        assert await world.kinds() == [WENT_BACK]
        clock.wall_ms = MORNING
        world.restart()
        assert (await world.kinds(), await world.book()) == ([], DAY)


async def test_a_night_off_is_no_jump_and_a_year_off_is_one(world: World) -> None:
    """Over a restart the clock goes on, by what a station is closed at the longest."""
    world.restart(DAY_MS)
    assert (await world.kinds(), await world.book()) == ([], NEXT_DAY)
    world.restart(LONGEST_OFF_MS + DAY_MS)
    assert await world.kinds() == [WENT_FORWARD]
    assert await world.book() == NEXT_DAY
    world.restart(-LONGEST_OFF_MS)
    assert await world.kinds() == []


async def test_a_row_lives_on_over_a_restart(world: World) -> None:
    """Still wrong after it: a row of this boot; time goes on from where it was."""
    world.clock.wall_ms += YEAR_MS
    await world.book()
    world.restart()
    assert await world.book() == DAY
    assert await world.kinds() == [WENT_FORWARD]
    world.clock.forward(DAY_MS)
    assert await world.book() == NEXT_DAY
    assert await world.kinds() == [WENT_FORWARD]
    closed = await world.db.read(
        lambda c: c.execute("SELECT reason FROM finding_closed").fetchall()
    )
    assert closed == [("started again",)]


async def test_two_people_may_say_that_the_clock_is_right(world: World) -> None:
    """A day that came from a wrong clock is taken back so, with their reason."""
    assert {WENT_BACK, WENT_FORWARD} <= BY_TWO
    world.clock.wall_ms -= 3 * DAY_MS
    assert await world.book() == DAY
    (row,) = await world.rows()
    await world.db.write(
        lambda tx: findings.close_finding(tx, row.seq, "it was ahead", "01")
    )
    assert await world.kinds() == []
    assert await world.book() == "2026-11-18"


async def test_the_clock_is_looked_at_once_for_a_group(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever books in it has the same moment; the next group looks again."""
    looked: list[int] = []
    told = tell_day.tell

    def look(connection: Connection, now: Instant) -> Told:
        looked.append(now.wall_ms)
        return told(connection, now)

    monkeypatch.setattr(tell_day, "tell", look)
    days = await asyncio.gather(*(world.book() for _ in range(10)))
    assert (set(days), looked) == ({DAY}, [MORNING])
    world.clock.wall_ms += 1
    await world.book()
    assert looked == [MORNING, MORNING + 1]


async def test_a_row_closed_in_the_same_transaction_is_heeded(world: World) -> None:
    """What was told before two people spoke does not count behind them."""
    world.clock.wall_ms -= 3 * DAY_MS

    def unit(tx: Transaction) -> list[str]:
        before = today(tx, cut_off_minute=0)
        facts.post(tx, cash_sale("E-before"))
        (row,) = findings.open_findings(tx.connection)
        findings.close_finding(tx, row.seq, "it was ahead", "01")
        return [before, today(tx, cut_off_minute=0)]

    assert await world.db.write(unit) == [DAY, "2026-11-18"]


async def test_a_row_that_is_rolled_back_is_opened_by_the_next(world: World) -> None:
    """A unit that fails takes the row with it; who comes after it looks again."""
    world.clock.wall_ms += YEAR_MS

    def fails(tx: Transaction) -> None:
        assert today(tx, cut_off_minute=0) == DAY
        raise ValueError

    def unit(tx: Transaction) -> tuple[str, list[str]]:
        with pytest.raises(ValueError, match=r"^$"):
            tx.run(fails)
        day = today(tx, cut_off_minute=0)
        return day, [row.kind for row in findings.open_findings(tx.connection)]

    assert await world.db.write(unit) == (DAY, [WENT_FORWARD])


@pytest.mark.parametrize(
    ("last", "at_ms", "day"),
    [
        ("", MORNING, DAY),
        ("2026-11-20", MORNING, DAY),
        ("2027-11-21", MORNING, DAY),
        (NEXT_DAY, MORNING, DAY),
        (NEXT_DAY, MORNING + 14 * 3_600_000 + 15 * 60_000, NEXT_DAY),
    ],
)
async def test_a_shift_is_not_held_in_the_future(
    tmp_path: Path, last: str, at_ms: int, day: str
) -> None:
    """Within what a clock slips days do not go back; beyond it they are right."""
    clock = HandClock()
    clock.wall_ms = at_ms
    async with opened(tmp_path / "s.db", clock) as db:
        told = await db.write(lambda tx: shift_day(tx, last, cut_off_minute=0))
    assert told == day


async def test_a_row_of_an_earlier_version_closes_too(world: World) -> None:
    """It has the minutes alone."""
    await world.db.write(
        lambda tx: findings.open_finding(tx, WENT_BACK, "station", {"minutes": 90})
    )
    world.clock.boot_id = "another"
    assert await world.kinds() == [WENT_BACK]
    world.clock.wall_ms += 90 * 60_000
    assert await world.kinds() == []


def test_what_is_said_of_the_clock_has_its_words() -> None:
    """Both kinds are rows of the board."""
    assert {tell_day.WENT_BACK, tell_day.WENT_FORWARD} <= WORDS.keys()
