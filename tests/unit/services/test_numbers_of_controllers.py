"""Numbers of a controller: they begin again, and some of them moved no gas."""

from dataclasses import replace

from cngstation.domain.totaliser import Place, Stretch, breaks
from cngstation.protocols.dispenser.canonical import (
    Link,
    NoFill,
    SaleRecord,
    Totals,
    TransactionType,
)
from cngstation.services.name_gaps import open_gaps
from cngstation.storage import sales
from tests.furnished_station import NOZZLE, fill
from tests.unit.services.test_watch_forecourt import (
    GUN,
    FakeLine,
    Forecourt,
    forecourt,
)

__all__ = ["forecourt"]
LAST = 65_535


def sold(number: int, total: int, quantity: int = 2_000) -> SaleRecord:
    """Return a sale of a controller whose totaliser shows `total` behind it."""
    return replace(
        fill(number % 60, total=total),
        device_seq=number,
        protocol="pts",
        transaction_type=TransactionType.NO_CARD,
        card_no=None,
        started_at=f"2026-11-21 {total // 2_000 % 24:02d}:00:00",
        quantity_milli=quantity,
        amount_e4=quantity * 45,
    )


class Controller(FakeLine):
    """A line whose numbers end."""

    def __init__(self, empty: set[int]) -> None:
        super().__init__()
        self.empty = empty

    async def request_totals(self, gun: int) -> Totals:
        return Totals(self.counter, 0, 0, None, None, last_number=LAST)

    async def request_record(
        self, gun: int, device_seq: int
    ) -> SaleRecord | NoFill | None:
        if device_seq in self.empty:
            return NoFill()
        return await super().request_record(gun, device_seq)


async def epochs(yard: Forecourt) -> list[tuple[int, int]]:
    sql = "SELECT epoch, device_seq FROM sale ORDER BY seq"
    found = await yard.db.read(lambda c: c.execute(sql).fetchall())
    return [tuple(row) for row in found]


async def test_a_number_that_moved_no_gas_leaves_no_row(forecourt: Forecourt) -> None:
    """The controller says so; a number that it does not hold stays named."""
    line = Controller(empty={2, 3})
    forecourt.desk.attach(line)
    await forecourt.desk.record(GUN, sold(1, 2_000))
    await forecourt.desk.record(GUN, sold(4, 4_000))
    await forecourt.settled()
    assert "sequence_gap" not in await forecourt.kinds()
    line.empty = {5}
    await forecourt.desk.record(GUN, sold(7, 6_000))
    await forecourt.settled()
    assert "sequence_gap" in await forecourt.kinds()


async def test_behind_the_last_number_a_new_life_begins(forecourt: Forecourt) -> None:
    """Number 1 behind 65 535 is the next sale, and a repeat of either is one."""
    last, first = sold(LAST, 100_000), sold(1, 102_000)
    for record in (last, first, sold(2, 104_000), last, first):
        assert await forecourt.desk.record(GUN, record)
    assert await epochs(forecourt) == [(1, LAST), (2, 1), (2, 2)]
    stand = await forecourt.db.read(lambda c: sales.stand_of(c, NOZZLE.key))
    assert (stand.epoch, stand.device_seq) == (2, 2)


async def test_a_low_number_that_was_booked_long_ago_is_no_repeat(
    forecourt: Forecourt,
) -> None:
    """A whole round of numbers later the same number is another sale."""
    for number, total in ((1, 2_000), (2, 4_000), (LAST, 100_000), (1, 102_000)):
        assert await forecourt.desk.record(GUN, sold(number, total))
    assert (await epochs(forecourt))[-1] == (2, 1)


async def test_a_late_record_stays_in_its_life(forecourt: Forecourt) -> None:
    """Its totaliser stands before that of the newest."""
    await forecourt.desk.record(GUN, sold(10, 20_000))
    await forecourt.desk.record(GUN, sold(12, 24_000))
    await forecourt.desk.record(GUN, sold(11, 22_000))
    assert await epochs(forecourt) == [(1, 10), (1, 12), (1, 11)]


async def test_what_was_sold_around_the_last_number_is_fetched(
    forecourt: Forecourt,
) -> None:
    """A return of the link asks up to the last number, and on from 1."""
    line = Controller(empty=set())
    line.memory = {
        LAST: sold(LAST, 102_000),
        1: sold(1, 104_000),
        2: sold(2, 106_000),
    }
    line.counter = 2
    forecourt.desk.attach(line)
    await forecourt.desk.record(GUN, sold(LAST - 1, 100_000))
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert line.asked == [LAST, 1, 2]
    assert await epochs(forecourt) == [(1, LAST - 1), (1, LAST), (2, 1), (2, 2)]
    assert "totaliser_break" not in await forecourt.kinds()


async def test_what_is_skipped_where_the_numbers_begin_again_is_missed(
    forecourt: Forecourt,
) -> None:
    """On either side of the end; behind it, it is fetched."""
    line = Controller(empty=set())
    line.memory = {1: sold(1, 104_000)}
    forecourt.desk.attach(line)
    await forecourt.desk.record(GUN, sold(LAST - 1, 100_000))
    behind = replace(sold(2, 106_000), last_number=LAST)
    await forecourt.desk.record(GUN, behind)
    await forecourt.settled()
    assert line.asked == [1]
    assert await epochs(forecourt) == [(1, LAST - 1), (2, 2), (2, 1)]
    gaps = await forecourt.db.read(lambda c: open_gaps(c, NOZZLE.key))
    assert [(gap.epoch, gap.numbers) for gap in gaps] == [(1, range(LAST, LAST + 1))]
    assert "device_counter_reset" not in await forecourt.kinds()


async def test_a_counter_that_fell_far_is_a_reset(forecourt: Forecourt) -> None:
    """Only a step over the end of the numbers is fetched across it."""
    line = Controller(empty=set())
    line.counter = 3
    forecourt.desk.attach(line)
    await forecourt.desk.record(GUN, sold(30_000, 100_000))
    forecourt.desk.link(GUN, Link.ONLINE)
    await forecourt.settled()
    assert line.asked == []
    assert "device_counter_reset" in await forecourt.kinds()


def test_a_totaliser_that_is_cut_at_its_last_digit_goes_on() -> None:
    """Fills of three decimals on a totaliser of two; a whole digit is a break."""
    start = Stretch(Place(1, 1), 100_000, 100_000)

    def fills(*ends: tuple[int, int]) -> list[Stretch]:
        return [Stretch(Place(1, 2 + n), *end) for n, end in enumerate(ends)]

    cut = fills((99_995, 112_340), (112_337, 115_000))
    assert breaks(start, cut) == []
    (found,) = breaks(start, fills((99_985, 112_340)))
    assert found.size == -15
    (found,) = breaks(start, fills((99_990, 112_340)))
    assert found.size == -10
    (found,) = breaks(start, fills((99_995, 112_341)))
    assert found.size == -5
