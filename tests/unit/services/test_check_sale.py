"""The totaliser is compared with both neighbours, by the rule that verify has."""

import json
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.verify_books import verify_file
from cngstation.storage import findings
from tests.furnished_station import NOZZLE, fill
from tests.small_station import opened, register_card


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
