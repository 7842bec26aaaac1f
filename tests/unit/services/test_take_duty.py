"""Duties and settings that dispensers report: kept once, acted on, acknowledged."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cngstation.errors import CommitUncertain, StorageError
from cngstation.protocols.dispenser.canonical import TransactionType
from cngstation.protocols.dispenser.forecourt import ParameterChange, ShiftRecord
from cngstation.rpc.contract.figures import OpenRow
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.open_rows import open_rows
from cngstation.services.verify_books import verify_file
from cngstation.services.watch_forecourt import Audience, LineDesk
from cngstation.storage import chain, crews, duty_records, findings, shifts
from cngstation.storage.crews import Crew, Staff
from cngstation.storage.database import Database
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import Shift
from cngstation.units import Unit
from tests.furnished_station import NOZZLE, fill
from tests.small_station import HandClock, opened
from tests.unit.services.whole_books import tamper

OTHER = NozzleSetting(NozzleKey("51010001", 1, 2), Unit.M3)
YEAR_MS = 365 * 24 * 3_600_000


def duty(
    number: int, *, off: bool = False, total: int = 0, card: str = "12"
) -> ShiftRecord:
    """Return a duty as a dispenser stored it."""
    return ShiftRecord(
        device_seq=number,
        is_off_duty=off,
        shift_no=number,
        employee_card=f"000000{card}",
        started_at="2026-11-21 08:00:00",
        ended_at="2026-11-21 16:00:00" if off else None,
        gun_total_quantity_milli=total,
        gun_total_amount_e4=0,
        shift_quantity_milli=0,
        shift_amount_e4=0,
        fills=0,
        unit=Unit.M3,
        on_duty_seq=None,
        raw=bytes([number, off]),
    )


@dataclass
class Forecourt:
    """Two nozzles of one line, two crews, and the file."""

    desk: LineDesk
    db: Database
    book: SaleBook
    clock: HandClock
    path: Path
    stopped: list[CommitUncertain]

    async def open_shifts(self) -> list[Shift]:
        """Return the shifts that are open."""
        return await self.db.read(shifts.open_shifts)

    async def on_duty(self, nozzle: NozzleSetting = NOZZLE) -> str:
        """Return the crew that is on duty at a nozzle, empty for nobody."""
        found = await self.db.read(lambda c: shifts.duty_at(c, nozzle.key))
        if found is None or not found.shift_no:
            return ""
        shift = await self.db.read(lambda c: shifts.find(c, found.shift_no))
        assert shift is not None
        return shift.crew_no

    async def kinds(self) -> list[str]:
        """Return the open findings."""
        return [row.kind for row in await self.db.read(findings.open_findings)]

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        sql = f"SELECT count(*) FROM {table}"
        return int((await self.db.read(lambda c: c.execute(sql).fetchone()))[0])


@pytest.fixture
async def forecourt(tmp_path: Path) -> AsyncIterator[Forecourt]:
    """Return a desk with crews 1 (card 12) and 2 (card 34)."""
    clock, stopped = HandClock(), list[CommitUncertain]()
    path = tmp_path / "s.db"
    async with opened(path, clock) as db:
        for crew_no, card in (("1", "12"), ("2", "34")):
            crew, staff = Crew(crew_no, f"{crew_no}班"), Staff(card, crew_no, "Li")
            await db.write(lambda tx, crew=crew: crews.add_crew(tx, crew))
            await db.write(lambda tx, staff=staff: crews.put_staff(tx, staff))
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        book = SaleBook(db, acts, cut_off_minute=0)
        told: list[object] = []
        desk = LineDesk(
            "line", 9600, {1: NOZZLE, 2: OTHER}, book=book, debits=DebitDesk(db),
            database=db, clock=clock,
            audience=Audience(
                nozzle=told.append, line=told.append, sale=told.append,
                stopped=stopped.append,
            ),
        )  # fmt: skip
        yield Forecourt(desk, db, book, clock, path, stopped)
        await desk.close()
    assert verify_file(path).first_bad is None


async def test_a_crew_goes_on_duty_by_its_card_and_off(forecourt: Forecourt) -> None:
    """Both nozzles are one shift; a repeat is acknowledged and changes nothing."""
    for _ in range(2):
        assert await forecourt.desk.shift(1, duty(1))
        assert await forecourt.desk.shift(2, duty(1))
    assert await forecourt.on_duty() == await forecourt.on_duty(OTHER) == "1"
    assert len(await forecourt.open_shifts()) == 1
    assert await forecourt.desk.shift(1, duty(2, off=True))
    assert await forecourt.on_duty() == ""
    assert await forecourt.on_duty(OTHER) == "1"
    assert await forecourt.count("duty_record") == 3
    # It has left one nozzle and owes its handover all the same.
    assert len(await forecourt.open_shifts()) == 1


async def test_the_next_crew_takes_over_though_nobody_left(
    forecourt: Forecourt,
) -> None:
    """Who did not go off duty has left with the next crew's card."""
    await forecourt.desk.shift(1, duty(1))
    await forecourt.book.book(NOZZLE, fill(1, card_no=None), "online")
    await forecourt.desk.shift(1, duty(2, card="34", total=2_000))
    assert await forecourt.on_duty() == "2"
    readings = await forecourt.db.read(lambda c: shifts.readings_of_shift(c, 1))
    assert [each.moment for each in readings] == ["on", "off"]
    assert await forecourt.kinds() == []


async def test_duties_that_begin_below_the_first_are_a_new_life(
    forecourt: Forecourt,
) -> None:
    """The totaliser went on: a memory was lost, and its crew comes and goes."""
    await forecourt.desk.shift(1, duty(100, total=5_000))
    await forecourt.desk.shift(1, duty(101, total=6_000, off=True))
    assert await forecourt.desk.shift(1, duty(1, total=6_500, card="34"))
    assert await forecourt.on_duty() == "2"
    assert await forecourt.desk.shift(1, duty(2, total=7_000, off=True, card="34"))
    assert await forecourt.on_duty() == ""
    sql = "SELECT epoch, device_seq FROM duty_record ORDER BY seq"
    found = await forecourt.db.read(lambda c: c.execute(sql).fetchall())
    assert found == [(1, 100), (1, 101), (2, 1), (2, 2)]


async def test_an_old_record_is_kept_and_moves_nobody(forecourt: Forecourt) -> None:
    """Numbers say what is newest; the clock of the device says nothing."""
    await forecourt.desk.shift(1, duty(2, card="34"))
    assert await forecourt.desk.shift(1, duty(1, off=True))
    assert await forecourt.on_duty() == "2"
    assert await forecourt.count("duty_record") == 2
    # The same number with other content: its numbers began anew.
    assert await forecourt.desk.shift(1, duty(2, off=True))
    assert await forecourt.on_duty() == ""
    assert await forecourt.count("duty_record") == 3


async def test_a_card_of_no_crew_is_a_row(forecourt: Forecourt) -> None:
    """Its fills are that shift's, and somebody says whose card it is."""
    await forecourt.desk.shift(1, duty(1, card="99"))
    assert await forecourt.kinds() == ["unknown_staff_card"]
    (shift,) = await forecourt.open_shifts()
    assert shift.crew_no == ""
    await forecourt.book.book(NOZZLE, fill(1, card_no=None), "online")
    assert await forecourt.kinds() == ["unknown_staff_card"]


async def test_a_clock_set_back_a_year_harms_nothing(forecourt: Forecourt) -> None:
    """Order, day, shift and chain do not come from it; it is named."""
    await forecourt.desk.shift(1, duty(1))
    await forecourt.book.book(NOZZLE, fill(1, card_no=None), "online")
    forecourt.clock.wall_ms -= YEAR_MS
    long_ago = {"started_at": "2025-11-21 09:00:00", "ended_at": "2025-11-21 09:01:00"}
    await forecourt.book.book(NOZZLE, fill(2, card_no=None, **long_ago), "online")
    await forecourt.desk.shift(1, replace(duty(2, card="34", total=4_000)))
    await forecourt.book.book(NOZZLE, fill(3, card_no=None), "online")
    sql = (
        "SELECT s.device_seq, h.shift_no, e.business_day FROM sale s"
        " JOIN sale_shift h USING (seq) JOIN entry e USING (seq) ORDER BY s.seq"
    )
    found = await forecourt.db.read(lambda c: c.execute(sql).fetchall())
    day = "2026-11-21"
    assert found == [(1, 1, day), (2, 1, day), (3, 2, day)]
    assert await forecourt.kinds() == ["clock_went_back"]


async def test_a_changed_setting_is_a_fact_and_a_row(forecourt: Forecourt) -> None:
    """Kept once for each number, with what it was and is as the display has it."""
    change = ParameterChange(7, 1, "00000012", 5, 2, 398, 9_988, "2026-11-21", b"x")
    for _ in range(2):
        assert await forecourt.desk.parameter(1, change)
    (row,) = await forecourt.db.read(open_rows)
    told = {fact.name: fact.value for fact in row.facts}
    assert (told["before"], told["after"], told["card"]) == (
        "3.98",
        "99.88",
        "00000012",
    )
    assert row.people == 1
    assert await forecourt.count("parameter_change") == 1


async def test_what_is_not_durable_is_not_acknowledged(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dispenser keeps it; a commit in doubt ends the daemon besides."""
    assert not await forecourt.desk.shift(9, duty(1))
    for error, ends in ((StorageError(why="x"), 0), (CommitUncertain(why="x"), 1)):

        async def failing(_: object, error: StorageError = error) -> None:
            raise error

        with monkeypatch.context() as broken:
            broken.setattr(forecourt.db, "write", failing)
            assert not await forecourt.desk.shift(1, duty(1))
        assert len(forecourt.stopped) == ends
    await asyncio.sleep(0)
    assert await forecourt.count("duty_record") == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE duty_record SET total_quantity_milli=1",
        "UPDATE shift_reading SET device_seq=9",
        "UPDATE shift_reading SET epoch=2",
        "UPDATE duty_record SET epoch=2",
        "UPDATE shift_step SET crew_no='2'",
        "DELETE FROM duty_record",
    ],
)
async def test_verify_names_what_was_changed(tmp_path: Path, change: str) -> None:
    """Duties, readings and shifts are facts of the chain."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        await db.write(lambda tx: crews.add_crew(tx, Crew("1", "甲班")))
        await db.write(lambda tx: crews.put_staff(tx, Staff("12", "1", "Li")))
        book = SaleBook(
            db,
            CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0),
            cut_off_minute=0,
        )
        desk = LineDesk(
            "line", 9600, {1: NOZZLE}, book=book, debits=DebitDesk(db), database=db,
            audience=Audience(nozzle=print, line=print, sale=print, stopped=print),
            clock=HandClock(),
        )  # fmt: skip
        assert await desk.shift(1, duty(1))
    assert verify_file(path).first_bad is None
    tamper(path, change)
    assert change.split()[1].replace("FROM", "duty_record") in (
        verify_file(path).first_bad or ""
    )


async def test_what_earlier_versions_wrote_is_proved_as_they_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their facts of duties do not say the life of the numbers."""
    path = tmp_path / "s.db"
    now = chain.fact_text
    monkeypatch.setattr(chain, "fact_text", partial(now, with_life=False))
    row = {
        "device_seq": 7, "device_shift_no": 1, "card_no": "", "parameter": 3,
        "decimals": 0, "before": 1, "after": 2, "device_at": "", "raw_frame": b"",
    }  # fmt: skip
    async with opened(path) as db:
        await db.write(
            lambda tx: duty_records.keep(tx, duty_records.PARAMETER, NOZZLE.key, row)
        )
    monkeypatch.setattr(chain, "fact_text", now)
    assert verify_file(path).first_bad is None
    tamper(path, "UPDATE parameter_change SET after=3")
    assert "parameter_change" in (verify_file(path).first_bad or "")


@pytest.mark.parametrize(("fills", "owner"), [(2, 1), (1, 2)])
async def test_a_fill_that_the_dispenser_still_keeps_is_of_the_duty_before(
    forecourt: Forecourt, fills: int, owner: int
) -> None:
    """It counted two fills and one is booked: the other one is not the next crew's."""
    await forecourt.desk.shift(1, duty(1))
    cash = {"card_no": None, "card_consumption_count": 0}
    await forecourt.book.book(NOZZLE, fill(1, **cash), "online")
    off = replace(duty(2, off=True, total=4_000), fills=fills)
    await forecourt.desk.shift(1, off)
    await forecourt.desk.shift(1, duty(3, total=4_000, card="34"))
    late = await forecourt.book.book(NOZZLE, fill(2, **cash), "offline")
    sql = "SELECT shift_no FROM sale_shift WHERE seq=?"
    found = await forecourt.db.read(lambda c: c.execute(sql, (late.seq,)).fetchone())
    assert found == (owner,)
    assert ("totaliser_break" in await forecourt.kinds()) == (owner == 2)


def told(number: int, total: int, sold: int, **changes: object) -> ShiftRecord:
    """Return an ended duty that counted fills of 2.000 for 9.00."""
    figures: dict[str, Any] = {
        "shift_quantity_milli": sold * 2_000,
        "shift_amount_e4": sold * 9_0000,
        **changes,
    }
    return replace(duty(number, off=True, total=total), **figures)


async def sold(yard: Forecourt, *numbers: int) -> None:
    """Book fills without a card."""
    for number in numbers:
        record = fill(number, card_no=None, card_consumption_count=0)
        assert await yard.desk.record(1, record)


async def rows_of_duty(yard: Forecourt) -> list[OpenRow]:
    """Return the rows of duties in words."""
    rows = await yard.db.read(open_rows)
    return [row for row in rows if row.kind == "duty_differs"]


async def test_a_dispensers_own_sums_are_compared(forecourt: Forecourt) -> None:
    """With the fills between its two totalisers; a difference is a row, once."""
    await sold(forecourt, 1)
    await forecourt.desk.shift(1, duty(1, total=2_000))
    await sold(forecourt, 2)
    kind = TransactionType.MAKE_UP_DEBIT
    assert await forecourt.desk.record(1, fill(3, total=4_000, transaction_type=kind))
    assert await forecourt.desk.record(1, fill(4, total=6_000, card_no=None))
    await forecourt.desk.shift(1, told(2, 6_000, 2))
    assert await rows_of_duty(forecourt) == []
    await forecourt.desk.shift(1, duty(3, total=6_000))
    assert await forecourt.desk.record(1, fill(5, total=8_000, card_no=None))
    wrong = told(4, 8_000, 1, shift_amount_e4=9_5000)
    for _ in range(2):
        await forecourt.desk.shift(1, wrong)
    (row,) = await rows_of_duty(forecourt)
    facts = {fact.name: fact.value for fact in row.facts}
    assert (facts["number"], row.people) == ("4", 1)
    assert (facts["theirs"], facts["their_amount"]) == ("2.00", "9.50")
    assert (facts["ours"], facts["our_amount"]) == ("2.00", "9.00")


@pytest.mark.parametrize("by_dispenser", [True, False])
async def test_fills_that_come_late_close_the_row_of_a_duty(
    forecourt: Forecourt, *, by_dispenser: bool
) -> None:
    """Whatever is missing still keeps it open; whoever put the crew on duty."""
    first = duty(1, total=0)
    await forecourt.desk.shift(1, first if by_dispenser else replace(first, fills=None))
    await sold(forecourt, 1, 4)
    ended = told(2, 8_000, 4, fills=4 if by_dispenser else None)
    await forecourt.desk.shift(1, ended)
    assert len(await rows_of_duty(forecourt)) == 1
    await sold(forecourt, 5, 2)
    assert len(await rows_of_duty(forecourt)) == 1
    await sold(forecourt, 3)
    assert await rows_of_duty(forecourt) == []


@pytest.mark.parametrize("card", ["12", "99"])
async def test_fills_that_come_behind_their_duty_close_its_row(
    forecourt: Forecourt, card: str
) -> None:
    """In their order, whoever was on duty: a late fill need not fill a gap."""
    await sold(forecourt, 1)
    await forecourt.desk.shift(1, duty(1, total=2_000, card=card))
    await sold(forecourt, 2)
    await forecourt.desk.shift(1, told(2, 8_000, 3))
    await sold(forecourt, 3)
    assert len(await rows_of_duty(forecourt)) == 1
    await sold(forecourt, 4)
    assert await rows_of_duty(forecourt) == []


async def test_a_duty_goes_on_where_its_dispenser_numbers_anew(
    forecourt: Forecourt,
) -> None:
    """Its totaliser goes on: the fills of both lives are its own."""
    await sold(forecourt, 5)
    await forecourt.desk.shift(1, duty(1, total=10_000))
    await sold(forecourt, 6)
    anew = fill(1, total=14_000, card_no=None, card_consumption_count=0)
    assert await forecourt.desk.record(1, anew)
    assert "device_counter_reset" in await forecourt.kinds()
    await forecourt.desk.shift(1, told(2, 14_000, 2))
    assert await rows_of_duty(forecourt) == []


async def test_a_late_fill_of_nobodys_shift_closes_it_too(forecourt: Forecourt) -> None:
    """It stands among fills that are booked, and before no reading."""
    await forecourt.desk.shift(1, duty(1, total=0))
    await forecourt.desk.shift(1, told(2, 6_000, 3))
    await sold(forecourt, 1, 3, 2)
    assert await rows_of_duty(forecourt) == []


@pytest.mark.parametrize(
    "ended",
    [
        told(2, 2_000, 7, shift_quantity_milli=None),
        told(2, 2_000, 7, shift_amount_e4=None),
        told(2, 2_000, 7, on_duty_seq=9),  # that record has not come
        told(2, 500, 7),  # its totaliser fell
    ],
)
async def test_what_cannot_be_compared_is_not(
    forecourt: Forecourt, ended: ShiftRecord
) -> None:
    """A figure or a beginning that is not known is no difference."""
    await forecourt.desk.shift(1, duty(1, total=1_000))
    await forecourt.desk.shift(1, ended)
    for number in (2, 3):  # their beginnings are not known
        await forecourt.desk.shift(2, told(number, 2_000 * number, 7))
    assert await rows_of_duty(forecourt) == []
