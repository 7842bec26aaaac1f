"""Simulated Sinopec dispensers, the driver, the desk and a real book behind it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    CardKind,
    DebitKind,
    DebitRequest,
    SaleRecord,
)
from cngstation.protocols.dispenser.sinopec import readers
from cngstation.services import watch_forecourt
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.verify_books import verify_file
from cngstation.services.watch_forecourt import Audience, LineDesk
from cngstation.simulators.sinopec_line import SinopecLine
from cngstation.storage import device_events, findings
from cngstation.storage.database import Database
from cngstation.storage.sales import NozzleKey
from cngstation.units import Unit
from tests.e2e.sinopec_bench import WITHIN_S, Bench, running, simulated
from tests.small_station import CARD, HandClock, opened, register_card

OUR_CARD = f"01005101{CARD}"  # the trade's mark, four digits of anything, ours
GUNS = {101: 1, 102: 2}
KEYS = tuple(NozzleKey("51010001", 1, number) for number in GUNS.values())
DISPENSER = {"address": 1, "nozzles": (1, 2), "upload_retry_s": 0.1}
SKIPPED = "skipped"


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here waits for a second."""
    monkeypatch.setattr(readers, "IDLE_POLL_US", 20_000)
    monkeypatch.setattr(readers, "BUSY_POLL_US", 20_000)
    monkeypatch.setattr(watch_forecourt, "COMPARE_AFTER_MS", 1)


class Killed(LineDesk):
    """A desk whose process dies when a record is committed and not acknowledged."""

    dies = False

    async def record(self, gun: int, record: SaleRecord) -> bool:
        """Commit, and be gone."""
        taken = await super().record(gun, record)
        if self.dies:
            await asyncio.Event().wait()
        return taken


class Alone:
    """A dispenser to which nobody listens."""

    def __init__(self, device: SinopecLine) -> None:
        self.device = device
        self.memory = device.dispensers[1].memory

    async def hand(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Do something to it with one's hands."""
        return await self.device.verbs()[do]({"do": do, **arguments})

    async def sell(self, gun: int, limit: int) -> None:
        """Sell gas for cash."""
        fill = {"limit_hundredths": limit, "flow_hundredths_per_s": 1e9}
        await self.hand("fill", gun=gun, **fill)
        # A minute later: nobody has polled it, so that it is off line.
        later = asyncio.get_running_loop().time() + 60
        self.device.dispensers[1].advance(later)

    def notice(self) -> None:
        """Take note of prices that came."""
        number = self.memory.next_seq()
        body = number.to_bytes(4, "big") + b"\x08" + bytes.fromhex("20261121080000")
        self.memory.records.add(number, body + bytes(83))
        self.memory.save()

    def give_up(self) -> None:
        """Offer nothing of what waits any more."""
        while (kept := self.memory.records.first_waiting()) is not None:
            self.memory.records.mark(kept.number, SKIPPED)
        self.memory.save()


@dataclass
class Station:
    """A file and the folder of its dispensers."""

    db: Database
    folder: Path

    @contextlib.asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[Bench]:
        """Let the dispensers, their line and a desk run."""
        acts = CardActs(self.db, every_kind(), cut_off_minute=0, prints_wanted=0)
        nozzles = {
            gun: NozzleSetting(key, Unit.M3, KEYS)
            for gun, key in zip(GUNS, KEYS, strict=True)
        }
        self.desk = Killed(
            "line", 9600, nozzles,
            book=SaleBook(self.db, acts, cut_off_minute=0), debits=DebitDesk(self.db),
            database=self.db, audience=Audience(*[lambda _: None] * 4),
            clock=HandClock(),
        )  # fmt: skip
        async with running(self.folder, self.desk, {**DISPENSER, **changes}) as bench:
            self.desk.attach(bench.line)
            try:
                yield bench
            finally:
                await self.desk.close()

    @contextlib.contextmanager
    def alone(self) -> Iterator[Alone]:
        """Let the dispenser run without a host."""
        device = simulated(self.folder, DISPENSER)
        yield Alone(device)
        device.close()

    async def numbers(self) -> list[tuple[int, int, int]]:
        """Return nozzle, life and number of every booked fill."""
        sql = "SELECT nozzle_no, epoch, device_seq FROM sale ORDER BY seq"
        return [
            tuple(row)
            for row in await self.db.read(lambda c: c.execute(sql).fetchall())
        ]

    async def open_rows(self) -> list[str]:
        """Return the kinds of the open rows."""
        return [f.kind for f in await self.db.read(findings.open_findings)]

    async def until_booked(self, count: int) -> None:
        """Wait for so many fills in the book, and until nothing is fetched."""
        async with asyncio.timeout(WITHIN_S):
            while len(await self.numbers()) < count or self.desk._tasks:
                await asyncio.sleep(0.02)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a station with one registered card."""
    async with opened(tmp_path / "s.db", HandClock()) as db:
        await db.write(register_card)
        yield Station(db, tmp_path)
        assert verify_file(tmp_path / "s.db").first_bad is None


async def test_numbers_are_the_dispensers(station: Station) -> None:
    """Two nozzles, a log-on and a notice share one row: no number is missing."""
    async with station.open() as bench:
        await bench.fill(1_000, gun=101, card=OUR_CARD, balance=100_000)
        await bench.fill(200, gun=102)
        await bench.hand("log_on", gun=102, card=OUR_CARD, employee=3)
        await bench.fill(300, gun=101)
        await bench.uploaded()
        await station.until_booked(3)
    assert sorted(await station.numbers()) == [(1, 1, 1), (1, 1, 4), (2, 1, 2)]
    assert "sequence_gap" not in await station.open_rows()
    sql = (
        "SELECT card_key, amount_e4, balance_before, pseq FROM sale ORDER BY device_seq"
    )
    rows = await station.db.read(lambda c: c.execute(sql).fetchall())
    assert tuple(rows[0]) == (CARD, 398_000, 100_000, 1)
    assert {row[0] for row in rows[1:]} == {""}


async def test_a_gap_is_fetched_whosoever_its_numbers_are(station: Station) -> None:
    """A fill of each nozzle, a log-on and a notice were given up: all of them come."""
    async with station.open() as bench:
        await bench.fill(100)
        await bench.uploaded()
        await station.until_booked(1)
    with station.alone() as dispenser:
        for gun in GUNS:
            await dispenser.sell(gun, 50)
        await dispenser.hand("log_on", gun=102, card=OUR_CARD, employee=3)
        dispenser.notice()
        dispenser.give_up()
        await dispenser.sell(101, 70)
    async with station.open() as bench:
        await bench.uploaded()
        await station.until_booked(4)
        async with asyncio.timeout(WITHIN_S):
            while "sequence_gap" in await station.open_rows():
                await asyncio.sleep(0.02)
        kept = await station.db.read(lambda c: device_events.newest(c, 10))
    assert sorted(await station.numbers()) == [
        (1, 1, 1), (1, 1, 2), (1, 1, 6), (2, 1, 3),
    ]  # fmt: skip
    assert [event["device_seq"] for event in kept] == [5]
    sql = "SELECT source FROM sale ORDER BY device_seq"
    sources = await station.db.read(lambda c: c.execute(sql).fetchall())
    assert [row[0] for row in sources] == [
        "online", "recovered", "recovered", "offline",
    ]  # fmt: skip


async def test_what_was_given_up_at_the_end_is_fetched(station: Station) -> None:
    """Nothing comes behind it: the line asks on, until there is no number."""
    async with station.open() as bench:
        await bench.fill(100)
        await bench.uploaded()
        await station.until_booked(1)
    with station.alone() as dispenser:
        await dispenser.hand("log_on", gun=102, card=OUR_CARD, employee=3)
        await dispenser.sell(102, 50)
        dispenser.give_up()
    async with station.open():
        await station.until_booked(2)
        async with asyncio.timeout(WITHIN_S):
            while len(await station.desk.delivered()) < 2:
                await asyncio.sleep(0.02)
    assert await station.numbers() == [(1, 1, 1), (2, 1, 3)]
    assert "sequence_gap" not in await station.open_rows()


async def test_a_gap_that_nobody_can_fill_stays_named(station: Station) -> None:
    """The dispenser has lost the record: its number is a row for a person."""
    async with station.open() as bench:
        await bench.fill(100)
        await bench.uploaded()
        await station.until_booked(1)
        await bench.hand("counter", last_seq=4)
        await bench.fill(100)
        await bench.uploaded()
        await station.until_booked(2)
    rows = await station.db.read(findings.open_findings)
    (gap,) = [json.loads(row.facts) for row in rows if row.kind == "sequence_gap"]
    assert (gap["first"], gap["last"]) == (2, 4)


async def test_a_kill_between_commit_and_acknowledgement(station: Station) -> None:
    """The record comes again, is known, and acknowledged; the book has it once."""
    async with station.open() as bench:
        station.desk.dies = True
        await bench.fill(1_000, card=OUR_CARD, balance=100_000)
        async with asyncio.timeout(WITHIN_S):
            while not await station.numbers():
                await asyncio.sleep(0.02)
        assert (await bench.hand("state"))["waiting_records"] == 1
    async with station.open() as bench:
        await bench.uploaded()
    assert await station.numbers() == [(1, 1, 1)]


@pytest.mark.parametrize("counter", ["cleared", "wrapped"])
async def test_numbers_that_begin_anew(station: Station, counter: str) -> None:
    """A new battery, or the end of u32: another life, for both nozzles."""
    async with station.open(last_seq=0xFFFFFFFD) as bench:
        for gun in (101, 102):
            await bench.fill(100, gun=gun)
            await bench.uploaded()
        await station.until_booked(2)
        if counter == "cleared":
            await bench.hand("clear")
        for gun in (101, 102, 101):
            await bench.fill(300, gun=gun)
            await bench.uploaded()
        await station.until_booked(5)
    first = 1 if counter == "cleared" else 0
    assert await station.numbers() == [
        (1, 1, 0xFFFFFFFE), (2, 1, 0xFFFFFFFF),
        (1, 2, first), (2, 2, first + 1), (1, 2, first + 2),
    ]  # fmt: skip
    rows = await station.open_rows()
    assert rows.count("device_counter_reset") == 1
    assert "sequence_gap" not in rows


async def test_a_total_that_wraps_is_named(station: Station) -> None:
    """The nozzle's total begins anew behind u32; the fill is booked as it is."""
    async with station.open(total=0xFFFFFFFF - 100) as bench:
        await bench.fill(100)
        await bench.uploaded()
        await bench.fill(100)
        await bench.uploaded()
        await station.until_booked(2)
    assert len(await station.numbers()) == 2
    assert "totaliser_break" in await station.open_rows()


async def test_a_grey_card_is_paid_by_what_the_book_knows(station: Station) -> None:
    """Pulled at one nozzle, asked for at the other: its own record answers, once."""
    async with station.open() as bench:
        await bench.hand("card_in", card=OUR_CARD, balance=100_000)
        await bench.hand("fill", limit_hundredths=5_000, flow_hundredths_per_s=1_000)
        await asyncio.sleep(0.2)
        await bench.hand("card_out")
        await bench.uploaded()
        await station.until_booked(1)
        assert "grey_card" in await station.open_rows()
        await bench.hand("card_in", gun=102, card=OUR_CARD)
        await bench.uploaded()
        await station.until_booked(2)
        assert not (await bench.hand("state", gun=102))["is_grey"]
    sql = (
        "SELECT transaction_type, device_seq, related_grey_seq, amount_e4, debited"
        " FROM sale ORDER BY seq"
    )
    grey, made_up = await station.db.read(lambda c: c.execute(sql).fetchall())
    assert (grey[0], made_up[0]) == ("grey", "make_up_debit")
    assert made_up[2] == grey[1]
    assert made_up[4] * 100 == grey[3]
    assert "grey_card" not in await station.open_rows()
    request = DebitRequest(
        DebitKind.UNLOCK, OUR_CARD, CardKind.STORED_VALUE, 0, 0, 0, "", 0, 0, 1
    )
    assert await DebitDesk(station.db).answer(request) == NOT_FOUND


async def test_events_are_kept_once(station: Station) -> None:
    """A price notice and a text are in the books when they are acknowledged."""
    with station.alone() as dispenser:
        dispenser.notice()
    async with station.open() as bench:
        bench.device.set_faults({"lose_request": 0.3})
        await bench.hand("text", flag=1, text="打印机缺纸")
        await bench.uploaded()
        bench.device.set_faults({"lose_request": 0.0})
        async with asyncio.timeout(WITHIN_S):
            while (await bench.hand("state"))["texts"]:
                await asyncio.sleep(0.02)
        kept = await station.db.read(lambda c: device_events.newest(c, 50))
    named = {(event["name"], event["device_seq"], event["text"]) for event in kept}
    assert named == {("text", None, "打印机缺纸"), ("price_received", 1, "")}
    assert sum(event["device_seq"] == 1 for event in kept) == 1
