"""Shifts and marks of fills under hostile hands: ids used again, sums marked away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.domain.fill_marks import FillMark
from cngstation.services.act_result import ActIdTaken
from cngstation.services.hand_over_shift import NothingOwed
from cngstation.services.mark_fill import MarkOrder, mark_fill
from cngstation.services.take_payment import NoCompany
from cngstation.services.verify_books import verify_file
from cngstation.storage import company_money, customers
from cngstation.storage.database import Transaction
from cngstation.units import Money
from tests.shift_world import ONE, ShiftWorld, shift_world
from tests.small_station import CASHIER


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ShiftWorld]:
    """Return a forecourt; at the end the books are proved."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        yield world
    assert verify_file(path).first_bad is None


async def forced(world: ShiftWorld) -> tuple[int, int]:
    """Sell one fill in a shift that is closed by force; return both numbers."""
    number = await world.on_duty("1", (ONE,))
    seq = await world.sell(ONE)
    await world.off_duty(number)
    await world.hand_over(number, cash=None, is_forced=True, reason="away")
    return number, seq


async def mark(world: ShiftWorld, seq: int, wanted: FillMark, company: str = "") -> str:
    """Mark a fill, always by the same id; return what it is then."""
    order = MarkOrder("MARK-0001", seq, wanted, "because", company)
    fill = await world.db.write(
        lambda tx: mark_fill(tx, order, CASHIER, cut_off_minute=0)
    )
    return fill.marked


async def test_what_one_shift_brought_is_not_what_another_did(
    world: ShiftWorld,
) -> None:
    """An id that was used says nothing of money that nobody has taken."""
    first, _ = await forced(world)
    second, _ = await forced(world)
    for _ in range(2):
        await world.settle(first, 900, "SETTLE-1")
    with pytest.raises(ActIdTaken):
        await world.settle(second, 900, "SETTLE-1")
    accounts = await world.accounts()
    assert accounts[f"crew:{second}:cash"] == 900
    assert accounts["till:till-1:cash"] == 900


async def test_a_mark_asked_for_again_as_another_one_is_refused(
    world: ShiftWorld,
) -> None:
    """Else the screen says what the books do not."""
    await world.on_duty("1", (ONE,))
    seq = await world.sell(ONE)
    for _ in range(2):
        assert await mark(world, seq, FillMark.TEST) == "test"
    with pytest.raises(ActIdTaken):
        await mark(world, seq, FillMark.DRIVE_OFF)


async def test_a_company_that_is_retired_owes_nothing_new(world: ShiftWorld) -> None:
    """Its limit may be left; it is served no more."""

    def retire(tx: Transaction) -> None:
        company_money.set_terms(tx, "0001", Money.from_fen(9_000), CASHIER)
        customers.change_company(tx, "0001", reason="gone", actor=CASHIER, retired=1)

    await world.on_duty("1", (ONE,))
    seq = await world.sell(ONE)
    await world.db.write(retire)
    with pytest.raises(NoCompany):
        await mark(world, seq, FillMark.COMPANY, "0001")


async def test_what_is_owed_and_marked_away_leaves_no_row(world: ShiftWorld) -> None:
    """Nobody can bring what nobody owes, so the row closes with the mark."""
    number, seq = await forced(world)
    assert "shift_owes" in await world.kinds()
    await mark(world, seq, FillMark.DRIVE_OFF)
    with pytest.raises(NothingOwed):
        await world.settle(number, 0)
    assert "shift_owes" not in await world.kinds()
