"""A clock that creeps is named, by two witnesses, and never by one dispenser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.services import watch_clock
from cngstation.services.explain_row import people_of
from cngstation.services.open_rows import finding_row
from cngstation.services.verify_books import verify_file
from cngstation.services.watch_drift import (
    BOUND_S,
    CREPT,
    OFF,
    Witness,
    by_dispensers,
    hear_witnesses,
    look_crept,
)
from cngstation.storage import audit, facts, findings
from cngstation.storage.audit import STATION
from cngstation.storage.database import Database, Transaction
from tests.small_station import HandClock, cash_sale, opened

MINUTE_MS = 60_000


@pytest.fixture
def clock() -> HandClock:
    """Return the station's clock."""
    return HandClock()


@pytest.fixture
async def db(tmp_path: Path, clock: HandClock) -> AsyncIterator[Database]:
    """Return a station that ran in another boot before; its books are proved."""
    async with opened(tmp_path / "s.db", clock) as database:
        for boot in ("boot-0", "boot-0", "boot-1"):
            clock.boot_id = boot
            await _busy(database, clock)
        yield database
    assert verify_file(tmp_path / "s.db").proved


async def _busy(database: Database, clock: HandClock, *, minutes: int = 1) -> None:
    """Let a time pass in which something is written, and look at the clock."""
    clock.forward(minutes * MINUTE_MS)

    def unit(tx: Transaction) -> None:
        audit.record(tx, STATION, "x", "x")
        facts.post(tx, cash_sale(f"s{tx.tip.seq}"))

    await watch_clock.look_once(database, clock)
    await database.write(unit)
    await look_crept(database, clock, BOUND_S)


async def _kinds(database: Database) -> list[str]:
    return [row.kind for row in await database.read(findings.open_findings)]


@pytest.mark.parametrize("step_ms", [MINUTE_MS, -MINUTE_MS])
async def test_small_steps_are_added_up(
    db: Database, clock: HandClock, step_ms: int
) -> None:
    """Each is too small for a jump; the row closes when the clock is set back."""
    for _ in range(3):
        clock.wall_ms += step_ms
        await _busy(db, clock, minutes=600)
        assert await _kinds(db) == []
    clock.wall_ms += step_ms
    await _busy(db, clock)
    await _busy(db, clock)
    (row,) = await db.read(findings.open_findings)
    assert row.kind == CREPT
    assert people_of(CREPT) == 2
    assert str(step_ms * 4 // 1000) in str(finding_row(row).facts)
    clock.wall_ms -= 2 * step_ms
    await _busy(db, clock)
    assert await _kinds(db) == []


async def test_words_and_a_new_boot_begin_anew(db: Database, clock: HandClock) -> None:
    """Two people say that it is right; after a restart there is nothing to compare."""
    clock.wall_ms += 4 * MINUTE_MS
    await _busy(db, clock)
    (row,) = await db.read(findings.open_findings)
    await db.write(lambda tx: findings.close_finding(tx, row.seq, "it is right", "01"))
    await _busy(db, clock)
    assert await _kinds(db) == []
    clock.wall_ms += 4 * MINUTE_MS
    await _busy(db, clock)
    assert await _kinds(db) == [CREPT]
    clock.boot_id, clock.mono_ms = "boot-2", 1_000
    await look_crept(db, clock, BOUND_S)
    assert await _kinds(db) == []


async def test_a_jump_that_was_put_right_is_not_named_again(
    db: Database, clock: HandClock
) -> None:
    """A dead battery's time at the start of a boot is what a row said of it."""
    clock.wall_ms += 10 * MINUTE_MS
    await _busy(db, clock)
    assert await _kinds(db) == ["clock_went_forward"]
    clock.wall_ms -= 10 * MINUTE_MS
    await _busy(db, clock)
    assert await _kinds(db) == []
    right_ms = clock.wall_ms
    clock.boot_id, clock.mono_ms, clock.wall_ms = "boot-2", 1_000, 10**12
    await _busy(db, clock)
    assert await _kinds(db) == ["clock_went_back"]
    clock.wall_ms = right_ms + 2 * MINUTE_MS
    await _busy(db, clock)
    assert await _kinds(db) == []
    await _busy(db, clock)
    assert await _kinds(db) == []


def _told(*seconds: int) -> list[Witness]:
    return [Witness(no, s * 1000, 5_000) for no, s in enumerate(seconds, 1)]


@pytest.mark.parametrize(
    ("seconds", "off"),
    [
        ((), None),
        ((-900,), None),  # a single dispenser is no witness
        ((-900, 10), (0, 2)),
        ((-900, -400), (400, 2)),
        ((900, 400), (-400, 2)),
        ((-900, -10, 20), (10, 3)),
        ((-900, -901, 20), (900, 3)),
        ((-900, -500, 20, 30), (0, 4)),
        ((-900, -90_000_000), None),  # never set: says nothing
    ],
)
def test_the_middle_of_the_dispensers(
    seconds: tuple[int, ...], off: tuple[int, int] | None
) -> None:
    """Of two in the middle the nearer one; a minority decides nothing."""
    told = by_dispensers(_told(*seconds), 9_000)
    assert (told and (told[0] // 1000, told[1])) == off


def test_one_dispenser_with_many_nozzles_is_one_witness() -> None:
    """The newest word of each counts, and none of the day before."""
    many = [Witness(1, -900_000, at) for at in range(5)]
    assert by_dispensers(many, 9_000) is None
    told = by_dispensers([*many, Witness(2, -900_000, 5), Witness(2, 0, 6)], 9_000)
    assert told == (0, 2)
    assert by_dispensers(_told(-900, -900), 5_000 + 86_400_000) is None


async def test_dispensers_open_and_close_a_row(db: Database) -> None:
    """Beyond the bound, and within it again; not by what is unknown."""
    for seconds, kinds in (
        ((-170, -900), []),
        ((-190, -900), [OFF]),
        ((-200, -900), [OFF]),
        ((-900,), [OFF]),
        ((-10, -5), []),
    ):
        await hear_witnesses(db, _told(*seconds), BOUND_S, 9_000)
        assert await _kinds(db) == kinds


async def test_words_about_dispensers_hold_for_a_day_and_for_that_much(
    db: Database, clock: HandClock
) -> None:
    """It came again with every fill; more than was explained is another row."""

    async def hear(seconds: int) -> list[str]:
        clock.forward(MINUTE_MS)
        now_ms = clock.now().wall_ms
        witnesses = [Witness(number, seconds * 1000, now_ms) for number in (1, 2)]
        await hear_witnesses(db, witnesses, BOUND_S, now_ms)
        return await _kinds(db)

    assert await hear(300) == [OFF]
    (row,) = await db.read(findings.open_findings)
    await db.write(lambda tx: findings.close_finding(tx, row.seq, "theirs", "01"))
    assert await hear(310) == []
    assert await hear(300 + BOUND_S + 1) == [OFF]
    assert await hear(0) == []
    assert await hear(300) == [OFF], "what closed by itself explains nothing"
    (row,) = await db.read(findings.open_findings)
    await db.write(lambda tx: findings.close_finding(tx, row.seq, "theirs", "01"))
    clock.forward(24 * 60 * MINUTE_MS)
    assert await hear(300) == [OFF]
