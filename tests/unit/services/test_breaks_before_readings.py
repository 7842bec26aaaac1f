"""Totalisers of nozzles that nobody has read yet: verify and rows agree on them."""

from typing import Any

import pytest

from cngstation.domain.totaliser import Break, Cause, Place
from cngstation.services.name_breaks import name_break
from tests.furnished_station import NOZZLE
from tests.unit.services.test_totaliser_breaks import Nozzle, nozzle

__all__ = ["nozzle"]


def sell(number: int, total: int | None, quantity: int = 2_000) -> tuple[Any, ...]:
    """Return a fill with the totaliser behind it."""
    figures = {"quantity_milli": quantity, "amount_e4": quantity * 45}
    return "sell", number, total, figures


CASES = {
    "gas before the first reading": (
        [sell(1, 2_000), ("on", 3_000, 1), sell(2, 5_000)],
        [1_000],
    ),
    "gas before the first reading, behind a fill that told nothing": (
        [sell(1, 2_000), sell(2, None), ("on", 5_000, 2), sell(3, 7_000)],
        [1_000],
    ),
    "gas between fills that come behind the first reading": (
        [sell(3, 8_000), ("on", 8_000, 3), sell(2, 6_000), sell(1, 3_000)],
        [1_000],
    ),
    "gas beside a late fill that told nothing": (
        [sell(1, 2_000), sell(3, 7_000), sell(2, None)],
        [1_000],
    ),
    "gas on both sides of late fills": (
        [sell(1, 2_000), sell(4, 10_000), sell(3, None), sell(2, 5_000)],
        [1_000, 1_000],
    ),
    "a fill that is missing among those that told nothing": (
        [sell(1, 2_000), sell(3, None), sell(4, 8_000)],
        [],
    ),
    "it comes": (
        [sell(1, 2_000), sell(3, None), sell(4, 8_000), sell(2, None)],
        [],
    ),
    "it comes behind the first reading": (
        [sell(1, 2_000), sell(3, 6_000), ("on", 6_000, 3), sell(2, None)],
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_nobody_has_read_is_compared_from_told_to_told(
    nozzle: Nozzle, name: str
) -> None:
    """A break has its row, also one that verify finds; and nothing else has."""
    steps, sizes = CASES[name]
    for step in steps:
        await nozzle.do(step)
    assert [size for size, _ in await nozzle.rows()] == sizes


async def test_a_row_over_numbers_that_are_missing_still_stays(nozzle: Nozzle) -> None:
    """A late fill closes what it was compared with, and no more."""
    for step in (sell(1, 2_000), sell(4, 9_000)):
        await nozzle.do(step)
    over = Break(Place(1, 1), 4, 2_000, 7_000, Cause.NO_RECORD)
    await nozzle.db.write(lambda tx: name_break(tx, NOZZLE.key, over))
    await nozzle.do(sell(3, 7_000))
    assert [size for size, _ in await nozzle.rows()] == [5_000]
