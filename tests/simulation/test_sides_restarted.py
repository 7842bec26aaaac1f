"""Restarts in the middle of fills of dispensers that remember one: all are booked once.

The product's dialogue and book on a fake clock, with a real file; a restart takes
everything that the program knew, also between a commit and its acknowledgement.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.dialogue import Event, RecordReceived
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.verify_books import verify_file
from cngstation.simulators.dart_dispenser import DartDispenser
from cngstation.simulators.lanfeng_dispenser import LanfengDispenser
from cngstation.storage import findings
from cngstation.storage.database import Database
from cngstation.storage.facts import rows
from tests.furnished_station import NOZZLE
from tests.small_station import opened
from tests.unit.protocols.dispenser.side_bench import (
    SECOND,
    Device,
    SideBench,
    Wire,
    works,
)

SAMPLE, CAMPAIGN = 20, 500
BEGAN = 1_234_560
PROTOCOL_NAMES = ("dart", "lanfeng")


@dataclass
class Desk(SideBench):
    """A program that lives until its restart; what it hears of fills waits here."""

    waiting: list[RecordReceived] = field(default_factory=list)

    def take(self, events: list[Event]) -> None:
        self.events += events
        self.waiting += [e for e in events if isinstance(e, RecordReceived)]


class Station:
    """One nozzle, its book, and a program that is cut off by chance."""

    def __init__(
        self, protocol: str, folder: Path, database: Database, seed: int
    ) -> None:
        self.chance = random.Random(seed)
        self.protocol = protocol
        self.database = database
        acts = CardActs(database, every_kind(), cut_off_minute=0, prints_wanted=0)
        self.book = SaleBook(database, acts, cut_off_minute=0)
        late_s = self.chance.choice([0.0, 2.0, 4.0])
        is_dart = protocol == "dart"
        self.works = works(folder, 1, late_total_s=late_s, must_be_reset=is_dart)
        make = DartDispenser if is_dart else LanfengDispenser
        self.devices: dict[int, Device] = {1: make(self.works, 1)}
        self.works.needs_host = False
        self.desk = self.program(SECOND)
        self.fills = 0
        self.hang_up_us = 0

    def program(self, now_us: int) -> Desk:
        nozzles = (NozzleSetup(1, NOZZLE.unit),)
        dialogue = PROTOCOLS[self.protocol].dialogue(LineSetup(9_600, nozzles))
        wire = Wire(self.chance.randrange(2**32), lose_answer=0.02, bit_error=0.02)
        return Desk(dialogue, self.devices, wire, now_us=now_us)

    async def sold(self) -> list[int]:
        found = await self.database.read(
            lambda connection: [
                row["quantity_milli"]
                for row in rows(connection, "SELECT quantity_milli FROM sale", ())
            ]
        )
        return list(found)

    def counted(self) -> int:
        kept = self.works.kept
        return (kept.total_quantity + kept.pending_quantity) * 10 - BEGAN

    async def go_on(self, seconds: float) -> bool:
        """Let the program run; False when it was cut off in the middle of a booking."""
        self.desk.run(seconds)
        for event in self.desk.waiting:
            await self.book.book(NOZZLE, event.record, "online")
            if self.chance.random() < 0.2:
                return False
            self.desk.dialogue.answer_record(
                1, event.record.device_seq, self.desk.now_us, accepted=True
            )
        self.desk.waiting.clear()
        return True

    async def use(self) -> None:
        """Let hands do what they do: fill when the last fill is booked, hang up."""
        works, now = self.works, self.desk.now_us / SECOND
        if works.is_out:
            if self.desk.now_us >= self.hang_up_us:
                works.hang_up(now)
        elif not works.is_complete and sum(await self.sold()) == self.counted():
            works.lift(now)
            works.fill(self.chance.randrange(10, 2_000), 300, now)
            self.fills += 1
            self.hang_up_us = self.desk.now_us + self.chance.randrange(9) * SECOND

    def restart(self) -> None:
        self.desk = self.program(self.desk.now_us + self.chance.randrange(6 * SECOND))
        self.works.step(self.desk.now_us / SECOND)

    async def finish(self) -> None:
        self.works.hang_up(self.desk.now_us / SECOND)
        for _ in range(60):
            if not await self.go_on(0.5):
                self.restart()


async def live(protocol: str, folder: Path, seed: int, restarts: int) -> None:
    path = folder / "s.db"
    async with opened(path) as database:
        station = Station(protocol, folder, database, seed)
        await station.go_on(3)
        # What a nozzle shows before its first fill is seen is not in the books.
        while not await station.sold():
            await station.use()
            await station.go_on(0.5)
        left = restarts
        while left:
            await station.use()
            done = await station.go_on(station.chance.random())
            if not done or station.chance.random() < 0.02:
                station.restart()
                left -= 1
        await station.finish()
        sold = await station.sold()
        assert sum(sold) == station.counted()
        assert station.fills > restarts // 3
        # A fill of nothing is none; every other one is there once.
        assert len(sold) <= station.fills
        found = {row.kind for row in await database.read(findings.open_findings)}
        assert found <= {"cash_without_crew"}
    assert verify_file(path).first_bad is None


@pytest.mark.parametrize("protocol", PROTOCOL_NAMES)
@pytest.mark.parametrize("seed", [1, 2])
async def test_restarts_lose_and_double_nothing(
    tmp_path: Path, protocol: str, seed: int
) -> None:
    """A sample of the campaign below."""
    await live(protocol, tmp_path, seed, SAMPLE)


@pytest.mark.campaign
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("protocol", PROTOCOL_NAMES)
async def test_hundreds_of_restarts_lose_and_double_nothing(
    tmp_path: Path, protocol: str
) -> None:
    await live(protocol, tmp_path, 99, CAMPAIGN)
