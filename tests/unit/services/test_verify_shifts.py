"""A totaliser is proved by its fills and by the rows of its own breaks, no others."""

from pathlib import Path

import pytest

from cngstation.services.verify_books import verify_file
from cngstation.services.verify_shifts import first_difference
from cngstation.storage.sqlite import connect
from tests.furnished_station import fill
from tests.shift_world import ONE, shift_world
from tests.unit.services.whole_books import tamper


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (2, None),
        (3, "nozzle 1: fill 3 does not continue the totaliser"),
        (4, "nozzle 1: fill 4 does not continue the totaliser"),
    ],
)
async def test_a_row_of_another_break_explains_nothing(
    tmp_path: Path, number: int, told: str | None
) -> None:
    """One row stands behind fill 1; later fills need rows of their own."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        await world.sell()
        world.total[ONE.key] += 700
        for _ in range(3):
            await world.sell()
        assert await world.kinds() == ["totaliser_break", "cash_without_crew"][::-1]
    if number > 2:
        column = "total_quantity_milli"
        tamper(path, f"UPDATE sale SET {column}={column}+5 WHERE device_seq={number}")
    connection = connect(path, read_only=True)
    try:
        found = first_difference(connection)
        assert (found and str(found)) == told
    finally:
        connection.close()


async def test_a_break_with_a_reading_in_it_has_two_rows(tmp_path: Path) -> None:
    """From the fill to the reading, and from there to the next fill."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        number = await world.on_duty("1")
        await world.sell()
        world.total[ONE.key] += 300
        await world.off_duty(number)
        world.total[ONE.key] += 400
        await world.sell()
    connection = connect(path, read_only=True)
    try:
        assert first_difference(connection) is None
    finally:
        connection.close()
    tamper(path, "DELETE FROM finding WHERE facts LIKE '%:2700%'")
    connection = connect(path, read_only=True)
    try:
        assert "fill 2 does not continue" in str(first_difference(connection))
    finally:
        connection.close()


async def test_a_totaliser_that_is_cut_at_its_last_digit_is_proved(
    tmp_path: Path,
) -> None:
    """Fills of three decimals over a totaliser of two: no row at the sale, none due."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        for number, total in ((1, 2_000), (2, 4_000), (3, 6_010)):
            record = fill(number, total=total, quantity_milli=2_005, card_no=None)
            await world.book.book(ONE, record, "online")
        assert "totaliser_break" not in await world.kinds()
    connection = connect(path, read_only=True)
    try:
        assert first_difference(connection) is None
    finally:
        connection.close()
    assert verify_file(path).proved
