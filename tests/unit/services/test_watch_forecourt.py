"""The forecourt desk: booked before acknowledged, gaps fetched, live figures told."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cngstation.errors import (
    CommitUncertain,
    DatabaseBusy,
    DeviceTimeout,
    RemoteProtocolError,
    StationError,
    StorageError,
)
from cngstation.protocols.dispenser.canonical import (
    DeviceKind,
    FaultKind,
    FuellingState,
    Link,
    NoFill,
    NozzleStatus,
    SaleRecord,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import ProtocolFault
from cngstation.rpc.contract.figures import SaleRow
from cngstation.services import read_meter, watch_forecourt
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.mark_delivery import mark_once
from cngstation.services.name_unbooked import (
    SENSIBLE_UNTIL_CLOSED,
)
from cngstation.services.show_sales import newest_sales
from cngstation.services.watch_forecourt import Audience, LineDesk
from cngstation.storage import findings
from cngstation.storage.database import Database
from cngstation.storage.replacements import not_delivered
from cngstation.storage.sqlite import Connection
from tests.furnished_station import NOZZLE, fill
from tests.small_station import HandClock, opened, register_card

GUN = 1


class FakeLine:
    """A line with one dispenser that remembers its records."""

    frames_sent, frames_lost = 7, 1

    def __init__(self) -> None:
        self.memory: dict[int, SaleRecord] = {}
        self.counter = 0
        self.error: StationError | None = None
        self.asked: list[int] = []

    async def request_totals(self, gun: int) -> Totals:
        """Answer with the counter."""
        if self.error:
            raise self.error
        return Totals(self.counter, 0, 0, 0, 0)

    async def request_record(
        self, gun: int, device_seq: int
    ) -> SaleRecord | NoFill | None:
        """Answer with a record, if it is still there."""
        self.asked.append(device_seq)
        if self.error:
            raise self.error
        return self.memory.get(device_seq)


@dataclass
class Forecourt:
    """A desk, its line, and what was told."""

    desk: LineDesk
    line: FakeLine
    db: Database
    book: SaleBook
    told: dict[str, list[Any]]
    clock: HandClock

    async def settled(self) -> None:
        """Wait until nothing is fetched any more."""
        for _ in range(200):
            await asyncio.sleep(0.005)
            if not self.desk._tasks:
                return

    async def numbers(self) -> list[int]:
        """Return the numbers booked."""
        sql = "SELECT device_seq FROM sale ORDER BY seq"
        found = await self.db.read(lambda c: c.execute(sql).fetchall())
        return [row[0] for row in found]

    async def kinds(self) -> list[str]:
        """Return the open findings."""
        return [f.kind for f in await self.db.read(findings.open_findings)]


@pytest.fixture
async def forecourt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Forecourt]:
    """Return a desk with one nozzle and a registered card."""
    monkeypatch.setattr(watch_forecourt, "COMPARE_AFTER_MS", 1)
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as db:
        await db.write(register_card)
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        book = SaleBook(db, acts, cut_off_minute=0)
        told: dict[str, list[Any]] = {k: [] for k in ("nozzle", "line", "sale", "end")}
        desk = LineDesk(
            "line", 9600, {GUN: NOZZLE}, book=book, debits=DebitDesk(db), database=db,
            audience=Audience(
                nozzle=told["nozzle"].append, line=told["line"].append,
                sale=told["sale"].append, stopped=told["end"].append,
            ),
            clock=clock,
        )  # fmt: skip
        line = FakeLine()
        desk.attach(line)
        yield Forecourt(desk, line, db, book, told, clock)
        await desk.close()


async def test_a_record_is_acknowledged_when_it_is_durable(
    forecourt: Forecourt,
) -> None:
    """Booked and told once; a repeat is acknowledged and told to nobody."""
    assert await forecourt.desk.record(GUN, fill(1))
    assert await forecourt.numbers() == [1]
    assert await forecourt.desk.record(GUN, fill(1))
    assert [row.device_seq for row in forecourt.told["sale"]] == [1]


async def test_what_could_not_be_booked_is_not_acknowledged(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dispenser keeps it; a commit in doubt ends the daemon besides."""
    assert not await forecourt.desk.record(99, fill(1))
    for error, ends in ((DatabaseBusy(wait_ms=1), 0), (CommitUncertain(why="x"), 1)):

        async def failing(*_: object, error: StationError = error) -> None:
            raise error

        monkeypatch.setattr(forecourt.book, "book", failing)
        assert not await forecourt.desk.record(GUN, fill(1))
        assert len(forecourt.told["end"]) == ends
    assert await forecourt.numbers() == []


async def test_gas_that_came_back_is_kept_with_its_fill(forecourt: Forecourt) -> None:
    """Told at once and later, and a fact of the books; most fills have none."""
    for number, returned in enumerate((None, 0, 500), start=1):
        record = fill(number, return_quantity_milli=returned)
        assert await forecourt.desk.record(GUN, record)
    told = [row.returned_milli for row in forecourt.told["sale"]]
    shown = [row.returned_milli for row in await forecourt.db.read(newest_three)]
    assert told == shown[::-1] == [0, 0, 500]
    kept = "SELECT device_seq, return_quantity_milli FROM return_gas g JOIN sale s"
    sql = f"{kept} ON s.seq=g.sale_seq"
    found = await forecourt.db.read(lambda c: c.execute(sql).fetchall())
    assert [tuple(row) for row in found] == [(3, 500)]


def newest_three(connection: Connection) -> tuple[SaleRow, ...]:
    return newest_sales(connection, 3)


@pytest.mark.parametrize("error", [StorageError(why="odd"), OverflowError("too big")])
async def test_a_fill_that_cannot_be_booked_is_a_row_until_it_is(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Named once with nozzle, number and reason; gone when the fill is in the books."""

    async def failing(*_: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(forecourt.book, "book", failing)
        for _ in range(3):
            assert not await forecourt.desk.record(GUN, fill(1))
            await forecourt.settled()
    found = await forecourt.db.read(findings.open_findings)
    assert [row.kind for row in found] == ["fill_not_booked"]
    assert json.loads(found[0].facts)["number"] == 1
    assert str(error) in json.loads(found[0].facts)["why"]
    assert await forecourt.desk.record(GUN, fill(1))
    await forecourt.settled()
    assert await forecourt.kinds() == []


async def test_a_row_of_an_earlier_run_is_closed_too(forecourt: Forecourt) -> None:
    """What is missing stays named; what is booked goes, whoever named it."""
    for number in (1, 2):
        facts = {"nozzle": 1, "number": number, "why": "odd"}
        await forecourt.db.write(
            lambda tx, facts=facts: findings.open_finding(
                tx, "fill_not_booked", "nozzle 1", facts
            )
        )
    assert await forecourt.desk.record(GUN, fill(1))
    await forecourt.settled()
    found = await forecourt.db.read(findings.open_findings)
    assert [json.loads(row.facts)["number"] for row in found] == [2]


async def test_a_nozzle_that_speaks_without_sense_is_a_row(
    forecourt: Forecourt,
) -> None:
    """Noise is none; whole messages again and again that nobody understands are."""
    for kind in (FaultKind.BAD_CRC, FaultKind.BAD_BODY, FaultKind.BAD_BODY):
        forecourt.desk.fault(ProtocolFault(kind, GUN, 1))
    forecourt.desk.fault(ProtocolFault(FaultKind.BAD_BODY, None, 1))
    await forecourt.settled()
    assert await forecourt.kinds() == []
    for _ in range(5):
        forecourt.desk.fault(ProtocolFault(FaultKind.BAD_BODY, GUN, 1))
    await forecourt.settled()
    assert await forecourt.kinds() == ["nozzle_unreadable"]
    for _ in range(SENSIBLE_UNTIL_CLOSED):
        forecourt.desk.status(GUN, STATUS)
    await forecourt.settled()
    assert await forecourt.kinds() == []


async def test_a_booked_fill_is_acknowledged_though_nobody_can_be_told(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was busy just after the commit: the fill is in the books."""

    async def busy(*_: object) -> None:
        raise DatabaseBusy(wait_ms=1)

    monkeypatch.setattr(forecourt.db, "read", busy)
    assert await forecourt.desk.record(GUN, fill(1))


async def test_a_gap_is_fetched_and_its_row_closed(forecourt: Forecourt) -> None:
    """Records that were skipped are asked for by number and booked as recovered."""
    forecourt.line.memory = {2: fill(2), 3: fill(3)}
    await forecourt.desk.record(GUN, fill(1))
    await forecourt.desk.record(GUN, fill(4))
    await forecourt.settled()
    assert sorted(await forecourt.numbers()) == [1, 2, 3, 4]
    assert "sequence_gap" not in await forecourt.kinds()


async def test_what_the_dispenser_has_no_more_stays_named(forecourt: Forecourt) -> None:
    """A hole that cannot be filled is a row for a person."""
    forecourt.line.memory = {2: fill(2)}
    await forecourt.desk.record(GUN, fill(1))
    await forecourt.desk.record(GUN, fill(4))
    await forecourt.settled()
    assert sorted(await forecourt.numbers()) == [1, 2, 4]
    assert (await forecourt.kinds()).count("sequence_gap") == 1


async def test_a_return_of_the_link_compares_the_counter(forecourt: Forecourt) -> None:
    """What was recorded while nobody listened is fetched up to the counter."""
    await forecourt.desk.record(GUN, fill(1))
    forecourt.line.memory = {2: fill(2), 3: fill(3)}
    forecourt.line.counter = 3
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert await forecourt.numbers() == [1, 2, 3]
    assert forecourt.line.asked == [2, 3]
    assert forecourt.told["nozzle"][-1].link == "online"


async def test_a_new_nozzle_begins_where_its_first_record_is(
    forecourt: Forecourt,
) -> None:
    """Old records are not fetched from a dispenser new to us, nor far too many."""
    forecourt.line.counter = 50
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert forecourt.line.asked == []
    await forecourt.desk.record(GUN, fill(1))
    forecourt.line.counter = 5_000
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert forecourt.line.asked == []


async def test_a_counter_that_fell_begins_a_new_life(forecourt: Forecourt) -> None:
    """The device's own number below ours is an alarm, and number 1 is booked anew."""
    await forecourt.desk.record(GUN, fill(5))
    forecourt.line.counter = 0
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert "device_counter_reset" in await forecourt.kinds()
    other = fill(5, started_at="2026-11-21 10:00:00", card_consumption_count=6)
    assert await forecourt.desk.record(GUN, other)
    assert await forecourt.numbers() == [5, 5]


@pytest.mark.parametrize(
    "error", [DeviceTimeout(device="gun", wait_ms=1), RemoteProtocolError(why="x")]
)
async def test_a_dispenser_that_does_not_answer_is_asked_later(
    forecourt: Forecourt, error: StationError
) -> None:
    """A failed question ends quietly; the next return of the link asks again."""
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: unhandled.append(context)
    )
    await forecourt.desk.record(GUN, fill(1))
    forecourt.line.error = error
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    await forecourt.desk.record(GUN, fill(3))
    await forecourt.settled()
    forecourt.line.error = None
    forecourt.line.memory, forecourt.line.counter = {2: fill(2)}, 3
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    gc.collect()
    assert unhandled == []
    assert sorted(await forecourt.numbers()) in ([1, 3], [1, 2, 3])


STATUS = NozzleStatus(
    state=FuellingState.FUELLING,
    device_kind=DeviceKind.CNG,
    locked=False,
    off_duty=False,
    awaiting_debit=False,
    other_side_busy=False,
    faults=frozenset(),
    price_e4=4_5000,
    quantity_milli=1_000,
    amount_e4=4_5000,
    shift_no=1,
    employee_card="12",
    card_no="0000510100000001",
    plate="川A12345",
    pressure_kpa=9_000,
    raw=b"",
)


async def test_a_nozzle_has_delivered_when_it_was_compared_and_is_idle(
    forecourt: Forecourt,
) -> None:
    """Unheard, fuelling, or with numbers missing it may still have a record."""
    desk = forecourt.desk
    assert await desk.delivered() == []
    desk.link(GUN, Link.ONLINE)
    assert await desk.delivered() == []
    await forecourt.settled()
    assert await desk.delivered() == [NOZZLE.key]
    figure = desk._figures[GUN]
    for busy in ({"state": "fuelling"}, {"awaiting_debit": True}):
        desk._figures[GUN] = figure.model_copy(update=busy)
        assert await desk.delivered() == []
    desk._figures[GUN] = figure
    desk.link(GUN, Link.OFFLINE)
    assert await desk.delivered() == []
    desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert await desk.delivered() == [NOZZLE.key]
    await forecourt.db.write(
        lambda tx: findings.open_finding(
            tx,
            "sequence_gap",
            f"nozzle {NOZZLE.key.nozzle_no}",
            {"first": 1, "last": 1},
        )
    )
    assert await desk.delivered() == []


async def test_a_counter_that_was_not_heard_marks_nothing(forecourt: Forecourt) -> None:
    """A dispenser that is heard and does not tell its counter may have records."""
    desk = forecourt.desk
    await forecourt.book.book(NOZZLE, fill(1), "poll")
    forecourt.line.error = DeviceTimeout(device="line", waited_ms=1)
    desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert await desk.delivered() == []


async def test_delivery_is_noted_with_the_moment_before_it_was_asked(
    forecourt: Forecourt,
) -> None:
    """What is noted never falls, and only for nozzles that have delivered."""
    clock = HandClock()
    await mark_once(forecourt.db, [forecourt.desk], clock)
    keys, now = [NOZZLE.key], clock.now().wall_ms
    left = await forecourt.db.read(lambda c: not_delivered(c, keys, now))
    assert left == keys
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    await mark_once(forecourt.db, [forecourt.desk], clock)
    assert await forecourt.db.read(lambda c: not_delivered(c, keys, now)) == []
    later = now + 1
    assert await forecourt.db.read(lambda c: not_delivered(c, keys, later)) == keys


async def test_meters_are_read_of_nozzles_at_rest(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After what they delivered; unheard or fuelling there is no figure."""
    monkeypatch.setattr(read_meter, "STABLE_MS", 1)
    desk, keys = forecourt.desk, [NOZZLE.key]
    assert await desk.meters(keys) == {}
    desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    await desk.record(GUN, fill(1))
    forecourt.line.memory, forecourt.line.counter = {2: fill(2)}, 2
    meter = (await desk.meters(keys))[NOZZLE.key]
    assert meter.device_seq == 2
    assert await forecourt.numbers() == [1, 2]
    desk.status(GUN, STATUS)
    assert await desk.meters(keys) == {}
    assert await desk.meters([]) == {}
