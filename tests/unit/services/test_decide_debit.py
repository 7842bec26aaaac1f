"""What a dispenser is told to take from a card that is still grey (解灰)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cngstation.domain.card_life import CardState
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    CardKind,
    DebitDecision,
    DebitKind,
    DebitRequest,
    TransactionType,
)
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.decide_debit import DebitDesk
from cngstation.storage import cards
from cngstation.storage.database import Database
from tests.furnished_station import NOZZLE, fill
from tests.small_station import CARD, HandClock, opened, register_card

STATION, NUMBER, BALANCE = NOZZLE.key.station_no, 7, 5_000
GREY = {
    "transaction_type": TransactionType.GREY,
    "balance_before_hundredths": BALANCE,
    "balance_after_hundredths": BALANCE,
    "debited_hundredths": 0,
}
ASKED = DebitRequest(
    kind=DebitKind.UNLOCK,
    card_no=CARD.rjust(16, "0"),
    card_kind=CardKind.STORED_VALUE,
    quantity_milli=0,
    amount_e4=0,
    balance_hundredths=BALANCE,
    station_no=STATION,
    gun=1,
    device_seq=NUMBER,
)


@dataclass
class Desk:
    """A file with one card, and who answers for it."""

    db: Database
    book: SaleBook

    async def answer(self, request: DebitRequest = ASKED) -> DebitDecision:
        return await DebitDesk(self.db).answer(request)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Return a desk whose card has an unpaid fill of 30.00 yuan."""
    async with opened(tmp_path / "s.db", HandClock()) as db:
        await db.write(register_card)
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=1)
        book = SaleBook(db, acts, cut_off_minute=0)
        await book.book(NOZZLE, fill(NUMBER, amount_e4=30_0000, **GREY), "online")
        yield Desk(db, book)


async def test_an_unpaid_fill_is_named_with_what_it_takes(desk: Desk) -> None:
    """Amount, quantity, the card's balance before and after, and its number."""
    decision = await desk.answer()
    assert decision.found
    assert (decision.amount_e4, decision.debited_hundredths) == (30_0000, 3_000)
    assert decision.balance_before_hundredths == BALANCE
    assert decision.balance_after_hundredths == 2_000
    assert decision.related_grey_seq == NUMBER
    assert await desk.answer() == decision


async def test_a_balance_that_does_not_cover_it_is_taken_whole(tmp_path: Path) -> None:
    """What is missing stays owed by the card; it is never below zero."""
    async with opened(tmp_path / "s.db", HandClock()) as db:
        await db.write(register_card)
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=1)
        book = SaleBook(db, acts, cut_off_minute=0)
        await book.book(NOZZLE, fill(NUMBER, amount_e4=90_0000, **GREY), "online")
        decision = await DebitDesk(db).answer(ASKED)
    assert decision.amount_e4 == 90_0000
    assert (decision.debited_hundredths, decision.balance_after_hundredths) == (
        BALANCE,
        0,
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"device_seq": NUMBER + 1},
        {"station_no": "99999999"},
        {"balance_hundredths": BALANCE - 1},
        {"card_no": "0000999900000001"},
        {"card_no": None},
    ],
)
async def test_what_is_not_this_fill_is_not_found(
    desk: Desk, changed: dict[str, object]
) -> None:
    """Another number, station, card, or a card whose balance has moved since."""
    request = replace(ASKED, **changed)  # type: ignore[arg-type]  # its own fields
    assert await desk.answer(request) == NOT_FOUND


async def test_a_fill_that_is_collected_is_not_asked_for_twice(desk: Desk) -> None:
    """The make-up debit's record closes it."""
    made_up = fill(
        NUMBER + 1,
        transaction_type=TransactionType.MAKE_UP_DEBIT,
        quantity_milli=0,
        amount_e4=0,
        debited_hundredths=3_000,
        balance_before_hundredths=BALANCE,
        balance_after_hundredths=2_000,
        card_consumption_count=NUMBER + 1,
        related_grey_seq=NUMBER,
        total=2_000 * NUMBER,
    )
    await desk.book.book(NOZZLE, made_up, "online")
    assert await desk.answer() == NOT_FOUND


async def test_a_paid_fill_is_not_found(desk: Desk) -> None:
    """Only an unpaid one is owed."""
    paid = fill(NUMBER + 2, balance_before_hundredths=BALANCE)
    await desk.book.book(NOZZLE, paid, "online")
    request = replace(ASKED, device_seq=NUMBER + 2)
    assert await desk.answer(request) == NOT_FOUND


@pytest.mark.parametrize("names_counter", [False, True])
async def test_a_replaced_card_owes_nothing(desk: Desk, names_counter: bool) -> None:
    """Its balance has moved to the new card, and with it what it owed."""
    count = NUMBER if names_counter else None
    request = replace(ASKED, card_consumption_count=count)
    assert (await desk.answer(request)).found
    await desk.db.write(
        lambda tx: cards.change(tx, CARD, reason="a test", state=CardState.REPLACED)
    )
    assert await desk.answer(request) == NOT_FOUND


async def test_a_card_that_names_its_counter_is_answered_with_the_record(
    desk: Desk,
) -> None:
    """The dispenser needs the codes in it; another counter is another fill."""
    request = replace(ASKED, station_no="", device_seq=0)
    decision = await desk.answer(replace(request, card_consumption_count=NUMBER))
    assert decision.found
    assert decision.grey_frame == fill(NUMBER).raw_frame
    other = replace(request, card_consumption_count=NUMBER + 1)
    assert await desk.answer(other) == NOT_FOUND
