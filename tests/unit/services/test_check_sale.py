"""The totaliser is compared with both neighbours, by the rule that verify has."""

import json
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.check_sale import wire_card_key
from cngstation.services.verify_books import verify_file
from cngstation.storage import findings
from tests.furnished_station import NOZZLE, fill
from tests.small_station import CARD, opened, register_card


@pytest.mark.parametrize(
    ("arriving", "broken"),
    [
        ([fill(1), fill(2), fill(3)], []),
        ([fill(1), fill(3), fill(2)], []),
        ([fill(1), fill(2, total=4_001)], [2]),
        ([fill(1), fill(3), fill(2, total=4_001)], [2, 3]),
        (
            [
                fill(1),
                fill(2, transaction_type=TransactionType.MAKE_UP_DEBIT, total=2_000),
                fill(3, total=4_000),
            ],
            [],
        ),
        ([fill(1), fill(2, transaction_type=TransactionType.MAKE_UP_DEBIT)], [2]),
    ],
)
async def test_every_break_is_named_whatever_the_order(
    tmp_path: Path, arriving: list[SaleRecord], broken: list[int]
) -> None:
    """A break that no finding names would make verify call the books unproved."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        book = SaleBook(db, acts, cut_off_minute=0)
        await db.write(register_card)
        for record in arriving:
            await book.book(NOZZLE, record, "online")
        found = await db.read(findings.open_findings)
    assert [
        json.loads(f.facts)["number"] for f in found if f.kind == "totaliser_break"
    ] == broken
    assert verify_file(path).first_bad is None


@pytest.mark.parametrize(
    ("on_the_wire", "ours"),
    [
        ("0000510100000001", True),
        ("1000510100000001", False),
        ("01005101510100000001", True),
        ("01009999510100000001", True),
        ("02005101510100000001", False),
        ("510100000001", False),
        ("000051010000000A", False),
        ("0100510151010000000A", False),
        (None, False),
    ],
)
def test_a_card_is_ours_by_what_stands_before_its_key(
    on_the_wire: str | None, ours: bool
) -> None:
    """Four zeros of 16 digits, the trade's mark of 20."""
    assert wire_card_key(on_the_wire) == (CARD if ours else "")


async def test_a_lower_number_with_a_higher_totaliser_is_another_life(
    tmp_path: Path,
) -> None:
    """A late fill stands before the newest on the totaliser too; this one cannot."""
    async with opened(tmp_path / "s.db") as db:
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        book = SaleBook(db, acts, cut_off_minute=0)
        await db.write(register_card)
        lives = [
            (await book.book(NOZZLE, record, "online")).epoch
            for record in (fill(5), fill(4), fill(1, total=12_000), fill(2))
        ]
    assert lives == [1, 1, 2, 2]
