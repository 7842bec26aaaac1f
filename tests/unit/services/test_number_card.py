"""Numbers of cards at their issue: the maker's where there is one, else the next."""

from pathlib import Path

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.services.card_on_reader import CardReading, CardState
from cngstation.services.number_card import (
    ModeNotOnCard,
    NumberInRegister,
    number_of,
    require_mode,
)
from cngstation.storage import cards
from tests.small_station import a_card, opened, register_card
from tests.unit.services.test_register_customers import RULES

BLANK = CardReading(CardState.BLANK, b"\x01\x02\x03\x04")
OURS_NEXT = f"{RULES.area_no}{RULES.issue_point_no}000001"


def numbered(own_key: str) -> CardReading:
    """Return a new card with a number of its maker's."""
    return CardReading(CardState.BLANK, b"\x01\x02\x03\x04", own_key=own_key)


async def test_a_card_without_a_number_gets_the_next(tmp_path: Path) -> None:
    """One after the other, and none that a maker has given already."""
    async with opened(tmp_path / "s.db") as database:
        first = await database.write(lambda tx: number_of(tx, BLANK, RULES))
        assert first == OURS_NEXT
        by_maker = f"{OURS_NEXT[:-1]}2"
        await database.write(lambda tx: register_card(tx, a_card(by_maker)))
        third = await database.write(lambda tx: number_of(tx, BLANK, RULES))
        assert third == f"{OURS_NEXT[:-1]}3"


async def test_a_card_keeps_the_number_of_its_maker(tmp_path: Path) -> None:
    """None of ours is used up; one that is in the register is refused."""
    async with opened(tmp_path / "s.db") as database:
        key = "320120000017"
        found = await database.write(lambda tx: number_of(tx, numbered(key), RULES))
        assert found == key
        assert await database.read(lambda c: c.execute(
            "SELECT card_serial FROM tip").fetchone()[0]) == 0  # fmt: skip
        await database.write(lambda tx: register_card(tx, a_card(key)))
        with pytest.raises(NumberInRegister, match="20000017 from its maker"):
            await database.write(lambda tx: number_of(tx, numbered(key), RULES))
        assert await database.read(lambda c: cards.find(c, key)) is not None


@pytest.mark.parametrize("mode", PaymentMode)
def test_a_chip_takes_the_modes_that_its_purse_keeps(mode: PaymentMode) -> None:
    """None said is all; else what is said alone."""
    require_mode(BLANK, mode)
    money_only = CardReading(CardState.BLANK, b"\1\2\3\4", modes=frozenset({0}))
    if mode is PaymentMode.PREPAID_MONEY:
        require_mode(money_only, mode)
    else:
        with pytest.raises(ModeNotOnCard, match="no money was taken"):
            require_mode(money_only, mode)
