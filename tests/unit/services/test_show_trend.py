"""Today's sales by the hour: what counts, in which hour, and the day a week ago."""

from pathlib import Path
from typing import Any

import pytest

from cngstation.domain.ledger import Posting
from cngstation.moments import business_day
from cngstation.rpc.contract import board as contract
from cngstation.services.show_trend import TrendAnswers
from cngstation.storage import facts
from cngstation.storage.database import Database
from cngstation.units import Unit
from tests.small_station import MORNING, HandClock, opened, posted

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
CUT_OFF = 8 * 60


def sale_row(number: int, **changes: Any) -> dict[str, Any]:
    """Return a row of the sale table."""
    texts = (
        "wire_card_no plate stop_reason employee_card device_started device_ended"
        " card_key"
    )
    numbers = (
        "price_e4 debited balance_before balance_after wseq pseq total_quantity_milli"
        " total_amount_e4 pressure_before_kpa pressure_after_kpa related_grey_seq"
        " shift_no"
    )
    return {
        "station_no": "0316", "dispenser_no": 1, "nozzle_no": 1, "epoch": 1,
        "device_seq": number, "transaction_type": "normal", "source": "online",
        "payment_mode": "cash", "unit": "m3", "quantity_milli": 10_000,
        "amount_e4": 398_000, "protocol": "jxv4", "raw_frame": b"",
        **dict.fromkeys(texts.split(), ""), **dict.fromkeys(numbers.split(), 0),
        **changes,
    }  # fmt: skip


async def sell(
    database: Database, clock: HandClock, at_ms: int, number: int, **changes: Any
) -> None:
    """Book a fill at a moment."""
    clock.wall_ms = at_ms
    day = business_day(at_ms, cut_off_minute=CUT_OFF)
    kind = changes.pop("kind", "sale")
    entry = posted(f"s{number}", Posting("a", Unit.CNY, 1), Posting("b", Unit.CNY, -1))
    entry = entry._replace(kind=kind, business_day=day)
    row = sale_row(number, **changes)
    await database.write(lambda tx: facts.post(tx, entry, sale=row))


async def correct(database: Database, number: int, mark: str) -> None:
    """Mark a fill."""
    entry = posted(f"c{number}{mark}", Posting("a", Unit.CNY, 1),
                   Posting("b", Unit.CNY, -1))  # fmt: skip
    entry = entry._replace(kind=f"fill.{mark}", corrects=f"s{number}")
    await database.write(lambda tx: facts.post(tx, entry))


async def asked(database: Database, clock: HandClock, unit: str = "m3") -> Any:
    """Return the trend."""
    answers = TrendAnswers(database, clock, CUT_OFF)
    return await answers.trend(contract.TrendAsked(unit=unit), None)


async def test_fills_stand_in_their_hours_of_the_business_day(tmp_path: Path) -> None:
    """The day begins at its cut-off; a week ago is the same weekday."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        await sell(database, clock, MORNING - 7 * DAY_MS, 1)
        await sell(database, clock, MORNING - 6 * DAY_MS, 2)
        await sell(database, clock, MORNING - 2 * HOUR_MS, 3)  # 07:42: yesterday
        await sell(database, clock, MORNING - HOUR_MS, 4)
        await sell(database, clock, MORNING, 5)
        await sell(database, clock, MORNING, 6)
        clock.wall_ms = MORNING
        trend = await asked(database, clock)
    assert (trend.now_hour, trend.today.business_day) == (9, "2026-11-21")
    assert [hour.hour for hour in trend.today.hours] == [*range(8, 24), *range(8)]
    by_hour = {hour.hour: hour for hour in trend.today.hours if hour.fills}
    assert {hour: one.fills for hour, one in by_hour.items()} == {8: 1, 9: 2}
    assert (by_hour[9].quantity_milli, by_hour[9].amount_e4) == (20_000, 796_000)
    assert trend.week_ago.business_day == "2026-11-14"
    assert sum(hour.fills for hour in trend.week_ago.hours) == 1


@pytest.mark.parametrize(
    ("marks", "fills"),
    [
        ([], 1),
        (["test"], 0),
        (["calibration"], 0),
        (["test", "cash"], 1),
        (["wechat"], 1),
    ],
)
async def test_a_test_fill_is_no_sale_until_it_is_marked_otherwise(
    tmp_path: Path, marks: list[str], fills: int
) -> None:
    """The newest mark counts."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        await sell(database, clock, MORNING, 1)
        for mark in marks:
            await correct(database, 1, mark)
        trend = await asked(database, clock)
    assert sum(hour.fills for hour in trend.today.hours) == fills
    assert trend.week_ago is None


async def test_what_collects_an_earlier_fill_sells_nothing(tmp_path: Path) -> None:
    """Its gas was sold by the fill; gas of another unit is not summed with it."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        await sell(database, clock, MORNING, 1, kind="collection")
        await sell(database, clock, MORNING, 2, unit="kg", quantity_milli=7_000)
        trend = await asked(database, clock)
        in_kg = await asked(database, clock, "kg")
    (hour,) = [hour for hour in trend.today.hours if hour.fills]
    assert (hour.fills, hour.quantity_milli, hour.amount_e4) == (1, 0, 398_000)
    assert sum(hour.quantity_milli for hour in in_kg.today.hours) == 7_000


async def test_a_clock_a_year_ahead_shows_the_day_of_the_entries(
    tmp_path: Path,
) -> None:
    """Today is the day into which fills go now."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        await sell(database, clock, MORNING, 1)
        clock.wall_ms += 365 * DAY_MS
        clock.mono_ms += HOUR_MS
        trend = await asked(database, clock)
    assert (trend.now_hour, trend.today.business_day) == (10, "2026-11-21")
    assert sum(hour.fills for hour in trend.today.hours) == 1
