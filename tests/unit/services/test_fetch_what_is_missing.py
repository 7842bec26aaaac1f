"""The forecourt desk when a fetch was cut off, or a fill comes in between."""

from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import Link, Totals
from cngstation.services import watch_forecourt
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.watch_forecourt import Audience, LineDesk
from cngstation.storage import findings
from tests.furnished_station import NOZZLE, fill
from tests.small_station import HandClock, opened, register_card
from tests.unit.services.test_watch_forecourt import GUN, FakeLine, Forecourt


class BusyLine(FakeLine):
    """A dispenser that is asked for its counter just before a fill of it is booked."""

    desk: LineDesk

    async def request_totals(self, gun: int) -> Totals:
        """Answer with the counter as it was, after the next fill was uploaded."""
        before = self.counter
        self.counter += 1
        assert await self.desk.record(gun, fill(self.counter))
        return Totals(before, 0, 0, 0, 0)


@pytest.mark.parametrize("line", [FakeLine(), BusyLine()])
async def test_a_nozzle_that_comes_back_is_asked_for_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: FakeLine
) -> None:
    """A gap below the last number is fetched, and no fill makes the counter fall."""
    monkeypatch.setattr(watch_forecourt, "COMPARE_AFTER_MS", 1)
    async with opened(tmp_path / "s.db", HandClock()) as db:
        await db.write(register_card)
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        book = SaleBook(db, acts, cut_off_minute=0)
        # Booked by a daemon that ended before it fetched number 2.
        for number in (1, 3):
            await book.book(NOZZLE, fill(number), "online")
        audience = Audience(*4 * (lambda _: None,))
        desk = LineDesk(
            "line", 9600, {GUN: NOZZLE}, book=book, debits=DebitDesk(db), database=db,
            audience=audience, clock=(clock := HandClock()),
        )  # fmt: skip
        line.memory, line.counter = {2: fill(2)}, 3
        if isinstance(line, BusyLine):
            line.desk = desk
        desk.attach(line)
        desk.link(GUN, Link.ONLINE)
        yard = Forecourt(desk, line, db, book, {}, clock)
        await yard.settled()
        assert sorted(await yard.numbers()) == list(range(1, line.counter + 1))
        kinds = {found.kind for found in await db.read(findings.open_findings)}
        assert not kinds & {"sequence_gap", "device_counter_reset"}
        await desk.close()
