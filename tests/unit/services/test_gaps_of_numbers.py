"""Numbers that have not come: asked again, named with what was lost, or given up."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from cngstation.errors import DatabaseBusy, DeviceTimeout
from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    Link,
    NoFill,
    SaleRecord,
    Totals,
)
from cngstation.services import compare_counters
from cngstation.services.explain_row import people_of
from cngstation.services.name_gaps import notes_of_given_up
from cngstation.services.open_rows import open_rows
from cngstation.storage import findings
from tests.furnished_station import CARD, NOZZLE, fill
from tests.unit.services.test_watch_forecourt import (
    GUN,
    STATUS,
    FakeLine,
    Forecourt,
    forecourt,
)

__all__ = ["forecourt"]


IDLE = replace(
    STATUS,
    state=FuellingState.IDLE,
    quantity_milli=0,
    amount_e4=0,
    employee_card=None,
    card_no=None,
    plate=None,
    pressure_kpa=None,
)


class Asked(FakeLine):
    """A line that can fail on single records, and tells its totalisers."""

    def __init__(self, silent: set[int] | None = None) -> None:
        super().__init__()
        self.silent = silent or set()
        self.totals = (0, 0)

    async def request_totals(self, gun: int) -> Totals:
        return Totals(self.counter, *self.totals, 0, 0)

    async def request_record(
        self, gun: int, device_seq: int
    ) -> SaleRecord | NoFill | None:
        if device_seq in self.silent:
            raise DeviceTimeout(device="line", wait_ms=1)
        return await super().request_record(gun, device_seq)


async def returned(yard: Forecourt, line: FakeLine) -> None:
    """The link comes back, and whatever it makes the desk ask is asked."""
    yard.desk.attach(line)
    yard.desk.status(GUN, IDLE)
    yard.desk.link(GUN, Link.ONLINE)
    await yard.settled()


async def gaps(yard: Forecourt) -> list[dict[str, Any]]:
    """Return the facts of the open rows of missing numbers."""
    rows = await yard.db.read(findings.open_findings)
    return [json.loads(row.facts) for row in rows if row.kind == "sequence_gap"]


async def test_a_record_that_was_not_told_is_asked_again(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter came and a record did not: not delivered, and asked a while later."""
    monkeypatch.setattr(compare_counters, "AGAIN_MS", 60)
    await forecourt.desk.record(GUN, fill(1))
    line = Asked(silent={3})
    line.counter, line.memory = 4, {n: fill(n) for n in (2, 3, 4)}
    await returned(forecourt, line)
    assert await forecourt.desk.delivered() == []
    assert forecourt.desk._counters.compared == set()
    line.silent.clear()
    async with asyncio.timeout(20):
        while len(await forecourt.numbers()) < 4:
            await asyncio.sleep(0.01)
    await forecourt.settled()
    assert await gaps(forecourt) == []
    assert await forecourt.desk.delivered() == [NOZZLE.key]


@pytest.mark.parametrize("is_awaited", [True, False])
async def test_a_lower_number_with_a_later_time_is_late_where_it_is_awaited(
    forecourt: Forecourt, is_awaited: bool
) -> None:
    """Where no row waits for it the dispenser counts anew: it had a new memory."""
    numbers = (1, 4) if is_awaited else (3, 4)
    for number in numbers:
        await forecourt.desk.record(GUN, fill(number))
    await forecourt.settled()
    late = fill(2, total=4_000, ended_at="2026-11-21 23:59:00")
    await forecourt.desk.record(GUN, late)
    await forecourt.settled()
    rows = await forecourt.db.read(findings.open_findings)
    began_anew = [row for row in rows if row.kind == "device_counter_reset"]
    assert len(began_anew) == (0 if is_awaited else 1)


async def test_a_fill_that_the_books_did_not_take_is_not_delivered(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came when it was asked for, and the database was busy."""
    await forecourt.desk.record(GUN, fill(1))
    line = Asked()
    line.counter, line.memory = 3, {2: fill(2), 3: fill(3)}

    async def busy(*_: object) -> None:
        raise DatabaseBusy(wait_ms=1)

    with monkeypatch.context() as broken:
        broken.setattr(forecourt.book, "book", busy)
        await returned(forecourt, line)
        assert line.asked == [2, 3], "the one behind it is asked for all the same"
        assert await forecourt.desk.delivered() == []
    await returned(forecourt, line)
    assert await forecourt.desk.delivered() == [NOZZLE.key]


@pytest.mark.parametrize("counter", [4, 2_500])
async def test_a_number_that_is_not_there_is_named_at_once(
    forecourt: Forecourt, counter: int
) -> None:
    """The dispenser has it no more, or there are too many to ask: once a row."""
    await forecourt.desk.record(GUN, fill(1))
    line = Asked()
    line.counter, line.totals = counter, (2_000 + 7_500, 9_0000 + 33_7500)
    for _ in range(2):
        await returned(forecourt, line)
        (gap,) = await gaps(forecourt)
    assert (gap["first"], gap["last"]) == (2, counter)
    assert (gap["quantity_milli"], gap["amount_e4"]) == (7_500, 33_7500)
    assert await forecourt.desk.delivered() == []
    # The next fill shows it too: the row stays one, with the figures of that fill.
    later = fill(60, total=2_000 + 7_500 + 2_000, gun_total_amount_e4=51_7500)
    await forecourt.desk.record(GUN, replace(later, device_seq=counter + 1))
    await forecourt.settled()
    (after,) = await gaps(forecourt)
    assert after == {**gap, "amount_e4": 33_7500}
    assert "fills 2 to" in (await shown(forecourt, "sequence_gap"))[0]


async def shown(yard: Forecourt, kind: str) -> list[str]:
    """Return the sentences of open rows of a kind."""
    rows = await yard.db.read(open_rows)
    return [
        row.text.format(**{fact.name: fact.value for fact in row.facts})
        for row in rows
        if row.kind == kind
    ]


async def test_a_gap_that_two_people_give_up_is_delivered(forecourt: Forecourt) -> None:
    """It is about money: not by one. A record that comes after all is booked, named."""
    await forecourt.desk.record(GUN, fill(1))
    await forecourt.desk.record(GUN, fill(4))
    line = Asked()
    line.counter = 4
    await returned(forecourt, line)
    assert await shown(forecourt, "sequence_gap") == [
        "nozzle 1: fills 2 to 3 have not come; its totaliser moved 4.00, 18.00 yuan "
        "meanwhile."
    ]
    (row,) = [
        f
        for f in await forecourt.db.read(findings.open_findings)
        if f.kind == "sequence_gap"
    ]
    assert people_of(row.kind) == 2
    await forecourt.db.write(
        lambda tx: findings.close_finding(tx, row.seq, "lost with its board", "02")
    )
    await returned(forecourt, line)
    assert await gaps(forecourt) == [], "what was given up is not named anew"
    assert await forecourt.desk.delivered() == [NOZZLE.key]
    (note,) = await forecourt.db.read(lambda c: notes_of_given_up(c, CARD))
    assert note[1] == {"subject": "nozzle 1", "first": 2, "last": 3}
    line.memory = {3: fill(3)}
    await forecourt.desk.record(GUN, fill(3))
    assert sorted(await forecourt.numbers()) == [1, 3, 4]
    assert await shown(forecourt, "given_up_came") == [
        "Fill 3 of nozzle 1, 2.00, 9.00 yuan, was given up and has come all the same."
    ]
    assert people_of("given_up_came") == 1
    await forecourt.desk.record(GUN, fill(6))
    await forecourt.settled()
    (gap,) = await gaps(forecourt)
    assert (gap["first"], gap["last"]) == (5, 5)


async def test_a_gap_of_which_some_came_names_the_rest(forecourt: Forecourt) -> None:
    """Its figures are those of the numbers that are missing still."""
    await forecourt.desk.record(GUN, fill(1))
    line = Asked()
    forecourt.desk.attach(line)
    line.memory = {2: fill(2), 4: fill(4)}
    await forecourt.desk.record(GUN, fill(5))
    await forecourt.settled()
    (gap,) = await gaps(forecourt)
    assert (gap["first"], gap["last"]) == (3, 3)
    assert (gap["quantity_milli"], gap["amount_e4"]) == (2_000, 9_0000)
    await forecourt.desk.record(GUN, fill(3))
    assert await gaps(forecourt) == [], "one that comes by itself closes it too"


async def test_a_gap_of_an_earlier_life_is_not_filled_by_this_one(
    forecourt: Forecourt,
) -> None:
    """Number 2 of the life that follows is another fill."""
    await forecourt.desk.record(GUN, fill(1))
    await forecourt.desk.record(GUN, fill(3))
    await forecourt.settled()
    line = Asked()
    await returned(forecourt, line)
    assert "device_counter_reset" in await forecourt.kinds()
    line.counter = 2
    for number, begun in ((1, "10:00:00"), (2, "10:05:00")):
        later = fill(number, started_at=f"2026-11-22 {begun}")
        await forecourt.desk.record(GUN, later)
    await returned(forecourt, line)
    (gap,) = await gaps(forecourt)
    assert (gap["epoch"], gap["first"], gap["last"]) == (1, 2, 2)
    assert line.asked == []
    assert await forecourt.desk.delivered() == []
