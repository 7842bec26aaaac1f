"""Fills without a card: who owes them, and what they are marked as."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.domain.card_kinds import CREW
from cngstation.domain.fill_marks import FillMark
from cngstation.domain.tenders import Tender
from cngstation.errors import Refusal
from cngstation.protocols.dispenser.canonical import TransactionType
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActIdTaken
from cngstation.services.approve import ReasonMissing
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.mark_fill import (
    FillHandedOver,
    MarkOrder,
    NoCashFill,
    NoSuchShift,
    mark_fill,
)
from cngstation.services.take_payment import CompanyFundsShort, NoCompany
from cngstation.services.verify_books import verify_file
from cngstation.storage import cards, cash_fills, company_money, findings, shifts
from cngstation.storage.cash_fills import CashFill
from cngstation.storage.database import Database, Transaction
from cngstation.storage.shifts import Reading
from cngstation.units import Money
from tests.furnished_station import NOZZLE, fill
from tests.small_station import CARD, CASHIER, a_card, opened, register_card
from tests.unit.services.whole_books import tamper

CREW_CARD = "510100000077"
AMOUNT = 9_0000


@dataclass
class Station:
    """A file, its book of fills, and what they come to."""

    path: Path
    db: Database
    book: SaleBook

    async def sell(self, number: int, **changes: object) -> int:
        """Book a fill without a card, unless told otherwise; return its seq."""
        cash: dict[str, object] = {"card_no": None, "card_consumption_count": 0}
        booked = await self.book.book(NOZZLE, fill(number, **{**cash, **changes}), "x")
        return booked.seq

    async def accounts(self) -> dict[str, int]:
        """Return every account that is not zero."""
        sql = "SELECT name, balance FROM account ORDER BY name"
        return dict(await self.db.read(lambda c: c.execute(sql).fetchall()))

    async def mark(self, seq: int, mark: FillMark, **changes: Any) -> CashFill:
        """Mark a fill."""
        order = MarkOrder(f"ACT-{seq}-{mark}".upper(), seq, mark, "because")
        order = replace(order, **changes)
        return await self.db.write(
            lambda tx: mark_fill(tx, order, CASHIER, cut_off_minute=0)
        )

    async def kinds(self) -> list[str]:
        """Return the open findings."""
        return [row.kind for row in await self.db.read(findings.open_findings)]

    async def open_shift(self, after: int = 0) -> int:
        """Open a shift of crew 1 at the nozzle, behind a fill."""

        def unit(tx: Transaction) -> int:
            number = shifts.open_shift(tx, "1", "2026-11-20", CASHIER)
            on = Reading(
                number, NOZZLE.key, shifts.ON, 1, after, 2_000 * after, 0, None, "meter"
            )
            shifts.read(tx, on, CASHIER)
            return number

        return await self.db.write(unit)

    async def end_shift(self, number: int, after: int) -> None:
        """End it behind a fill."""

        def unit(tx: Transaction) -> None:
            off = Reading(
                number, NOZZLE.key, shifts.OFF, 1, after, 2_000 * after, 0, 0, "meter"
            )
            shifts.read(tx, off, CASHIER)
            shift = shifts.find(tx.connection, number)
            assert shift is not None
            shifts.end_shift(tx, shift, shifts.HANDED_OVER, CASHIER, sheet={})

        await self.db.write(unit)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a station with a customer's card and a crew card."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        await db.write(register_card)
        crew = a_card(
            CREW_CARD, uid="CAFE0077", kind=CREW.name, vehicle_id=0, holder="Li"
        )
        await db.write(lambda tx: cards.add(tx, crew))
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        yield Station(path, db, SaleBook(db, acts, cut_off_minute=0))
    assert verify_file(path).first_bad is None


@pytest.mark.parametrize(
    ("changes", "account"),
    [
        ({}, "crew:1:cash"),
        ({"card_no": f"0000{CREW_CARD}"}, "crew:1:cash"),
        ({"transaction_type": TransactionType.NO_CARD}, "crew:1:cash"),
        (
            {"transaction_type": TransactionType.NO_CARD, "card_no": f"0000{CARD}"},
            "crew:1:cash",
        ),
        ({"card_no": "0000999900000009"}, "suspense:unknown_card"),
        ({"transaction_type": TransactionType.UNKNOWN}, "suspense:unknown_card"),
        ({"transaction_type": TransactionType.SUPPLEMENT}, "suspense:unknown_card"),
    ],
)
async def test_a_fill_without_a_card_is_owed_by_the_crew_on_duty(
    station: Station, changes: dict[str, object], account: str
) -> None:
    """A crew card is nobody's purse; a foreign card stays in suspense."""
    await station.open_shift()
    await station.sell(1, **changes)
    assert await station.accounts() == {account: AMOUNT, "income:gas": -AMOUNT}
    assert ("unknown_card" in await station.kinds()) == account.startswith("suspense")


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (TransactionType.GREY, []),
        (TransactionType.SUPPLEMENT, ["unusual_record"]),
        (TransactionType.UNKNOWN, ["unusual_record"]),
    ],
)
async def test_no_fill_of_a_crew_card_is_anybodys_debt(
    station: Station, kind: TransactionType, rows: list[str]
) -> None:
    """Nothing can be settled with such a card; a collection from it moves nothing."""
    await station.open_shift()
    crew = {"card_no": f"0000{CREW_CARD}", "card_top_up_count": 1}
    await station.sell(1, transaction_type=kind, card_consumption_count=1, **crew)
    owed = {"crew:1:cash": AMOUNT, "income:gas": -AMOUNT}
    assert await station.accounts() == owed
    assert await station.kinds() == rows
    collection = {
        "transaction_type": TransactionType.MAKE_UP_DEBIT,
        "card_consumption_count": 2,
        "related_grey_seq": 1,
        "total": 2_000,
    }
    await station.sell(2, **collection, **crew)
    assert await station.accounts() == owed
    assert await station.kinds() == rows


async def test_a_fill_while_nobody_is_on_duty_is_a_row_once(station: Station) -> None:
    """Its cash is nobody's until a shift takes it on."""
    first, second = await station.sell(1), await station.sell(2)
    assert await station.kinds() == ["cash_without_crew"]
    number = await station.open_shift(after=2)
    moved = await station.mark(first, FillMark.CASH, shift_no=number)
    assert moved.shift_no == number
    assert await station.accounts() == {
        "crew:nobody:cash": AMOUNT,
        "crew:1:cash": AMOUNT,
        "income:gas": -2 * AMOUNT,
    }
    with pytest.raises(NoSuchShift):
        await station.mark(second, FillMark.CASH, shift_no=7)


async def test_a_fill_belongs_to_the_shift_in_which_it_ended(station: Station) -> None:
    """By the dispenser's own numbers, also when its record comes much later."""
    one = await station.open_shift()
    await station.sell(1)
    await station.sell(2)
    await station.end_shift(one, after=3)
    two = await station.open_shift(after=3)
    await station.sell(4)
    late = await station.sell(3)  # fetched again: it ended in the first shift
    sql = "SELECT s.device_seq, h.shift_no FROM sale s JOIN sale_shift h USING (seq)"
    found = dict(await station.db.read(lambda c: c.execute(sql).fetchall()))
    assert found == {1: one, 2: one, 3: one, 4: two}
    days = "SELECT DISTINCT business_day FROM entry WHERE kind='sale'"
    assert await station.db.read(lambda c: c.execute(days).fetchall()) == [
        ("2026-11-20",)
    ]
    gone = await station.db.read(lambda c: cash_fills.find(c, late))
    assert gone is not None
    assert gone.shift_no == one


@pytest.mark.parametrize(
    ("mark", "left"),
    [
        (FillMark.TEST, {}),
        (FillMark.CALIBRATION, {}),
        (FillMark.DRIVE_OFF, {"expense:drive_off": AMOUNT, "income:gas": -AMOUNT}),
        (FillMark.WECHAT, {"crew:1:wechat": AMOUNT, "income:gas": -AMOUNT}),
        (FillMark.CASH, {"crew:1:cash": AMOUNT, "income:gas": -AMOUNT}),
    ],
)
@pytest.mark.parametrize("before", [None, FillMark.TEST, FillMark.DRIVE_OFF])
async def test_a_mark_is_a_correcting_entry(
    station: Station, before: FillMark | None, mark: FillMark, left: dict[str, int]
) -> None:
    """From whatever it was marked as before; the sale's own row stays as it came."""
    await station.open_shift()
    seq = await station.sell(1)
    if before:
        await station.mark(seq, before)
    marked = await station.mark(seq, mark, act_id="ACT-LAST-1")
    assert (marked.marked, marked.reason) == (mark, "because")
    assert await station.accounts() == left
    again = await station.mark(seq, mark, act_id="ACT-LAST-1")
    assert again == marked
    assert await station.accounts() == left
    rows = "SELECT count(*) FROM entry WHERE kind='sale' AND corrects=''"
    assert await station.db.read(lambda c: c.execute(rows).fetchone()) == (1,)


async def test_a_company_owes_a_fill_up_to_its_limit(station: Station) -> None:
    """Beyond it the fill stays the crew's; back to cash frees the company."""
    await station.open_shift()
    seq, other = await station.sell(1), await station.sell(2)
    with pytest.raises(NoCompany):
        await station.mark(seq, FillMark.COMPANY, company_no="0009")
    with pytest.raises(CompanyFundsShort):
        await station.mark(seq, FillMark.COMPANY, company_no="0001")
    await station.db.write(
        lambda tx: company_money.set_terms(tx, "0001", Money.from_fen(900), CASHIER)
    )
    await station.mark(seq, FillMark.COMPANY, company_no="0001")
    assert (await station.accounts())["company:0001"] == AMOUNT
    with pytest.raises(CompanyFundsShort):
        await station.mark(other, FillMark.COMPANY, company_no="0001")
    await station.mark(seq, FillMark.CASH)
    assert "company:0001" not in await station.accounts()


async def test_what_cannot_be_marked(station: Station) -> None:
    """A card's fill, a fill without a reason, one of a shift that is handed over."""
    number = await station.open_shift()
    seq = await station.sell(1)
    paid = await station.sell(2, card_no=f"0000{CARD}", card_consumption_count=1)
    refused: list[tuple[type[Refusal], int, dict[str, Any]]] = [
        (NoCashFill, paid, {}),
        (NoCashFill, 9_999, {}),
        (ReasonMissing, seq, {"reason": " "}),
    ]
    for error, which, changes in refused:
        with pytest.raises(error):
            await station.mark(which, FillMark.TEST, **changes)
    second = await station.sell(3)
    await station.mark(seq, FillMark.WECHAT, act_id="ACT-00001")
    with pytest.raises(ActIdTaken):
        await station.mark(second, FillMark.WECHAT, act_id="ACT-00001")
    await station.mark(second, FillMark.TEST)
    await station.end_shift(number, after=3)
    # It owes the other one still, and may say why; nothing is added to it.
    with pytest.raises(FillHandedOver):
        await station.mark(second, FillMark.CASH)
    await station.mark(seq, FillMark.DRIVE_OFF)
    assert f"crew:{number}:{Tender.WECHAT}" not in await station.accounts()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sale_shift SET shift_no=2",
        "DELETE FROM sale_shift",
        "INSERT INTO sale_shift SELECT seq, 1 FROM sale"
        " WHERE seq NOT IN (SELECT seq FROM sale_shift)",
    ],
)
async def test_verify_names_a_fill_put_into_another_shift(
    tmp_path: Path, change: str
) -> None:
    """The shift of a fill is part of its entry's fact, none too."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        station = Station(path, db, SaleBook(db, acts, cut_off_minute=0))
        await station.sell(1)
        await station.open_shift(after=1)
        await station.sell(2)
    assert verify_file(path).first_bad is None
    tamper(path, change)
    assert "entry row" in (verify_file(path).first_bad or "")
