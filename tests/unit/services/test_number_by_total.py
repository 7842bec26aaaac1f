"""Fills numbered by their totaliser: booked once, no gaps, and what follows nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import Booking, SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.number_by_total import name_jump
from cngstation.services.open_rows import open_rows
from cngstation.services.verify_books import verify_file
from cngstation.storage import findings
from cngstation.storage.database import Database
from tests.furnished_station import NOZZLE, fill
from tests.small_station import opened


def pumped(total: int, quantity: int = 2_000, *, watched: bool = True) -> SaleRecord:
    """Return a fill of a pump whose totaliser shows `total` behind it."""
    return replace(
        fill(1, total=total),
        device_seq=total,
        protocol="lanfeng",
        transaction_type=TransactionType.NO_CARD,
        card_no=None,
        started_at=None,
        ended_at=None,
        quantity_milli=quantity,
        amount_e4=quantity * 45,
        is_numbered_by_total=True,
        is_watched=watched,
    )


async def book(db: Database, *records: SaleRecord) -> list[tuple[Booking, int]]:
    acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
    sale_book = SaleBook(db, acts, cut_off_minute=0)
    done = [await sale_book.book(NOZZLE, record, "online") for record in records]
    return [(one.booking, one.epoch) for one in done]


async def named(db: Database, *kinds: str) -> list[dict[str, object]]:
    found = await db.read(findings.open_findings)
    return [json.loads(row.facts) for row in found if row.kind in kinds]


async def test_numbers_between_two_fills_are_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with opened(path) as db:
        assert await book(db, pumped(102_000), pumped(104_000), pumped(104_000)) == [
            (Booking.BOOKED, 1),
            (Booking.BOOKED, 1),
            (Booking.REPEATED, 1),
        ]
        assert await named(db, "sequence_gap", "totaliser_break") == []
    assert verify_file(path).first_bad is None


async def test_what_the_totaliser_moved_beside_the_fill_is_named(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "s.db") as db:
        await book(db, pumped(102_000), pumped(105_000))
        (row,) = await named(db, "totaliser_break")
        assert (row["after"], row["number"]) == (102_000, 105_000)
        assert (row["expected"], row["found"]) == (102_000, 103_000)


async def test_a_totaliser_set_back_begins_a_life_once(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with opened(path) as db:
        done = await book(db, pumped(102_000), pumped(2_000), pumped(2_000))
        assert done == [
            (Booking.BOOKED, 1),
            (Booking.BOOKED, 2),
            (Booking.REPEATED, 2),
        ]
        assert len(await named(db, "device_counter_reset")) == 1
    assert verify_file(path).first_bad is None


@pytest.mark.parametrize("before", [[], [pumped(102_000)]])
async def test_an_unwatched_fill_that_follows_nothing_is_named_once(
    tmp_path: Path, before: list[SaleRecord]
) -> None:
    old = pumped(101_000, watched=False)
    async with opened(tmp_path / "s.db") as db:
        await book(db, *before)
        assert await book(db, old, old) == [(Booking.LEFT_OUT, 1)] * 2
        assert len(await named(db, "fill_shown_before")) == 1
        assert await named(db, "device_counter_reset") == []
        (row,) = [r for r in await db.read(findings.open_findings) if "shown" in r.kind]
        await db.write(lambda tx: findings.close_finding(tx, row.seq, "old", "1"))
        await book(db, old)
        assert await named(db, "fill_shown_before") == [], "what was closed stays so"


async def test_an_unwatched_fill_behind_the_books_is_booked(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.db") as db:
        done = await book(
            db,
            pumped(102_000),
            pumped(102_000, watched=False),
            pumped(104_000, watched=False),
        )
        assert [booking for booking, _ in done] == [
            Booking.BOOKED,
            Booking.REPEATED,
            Booking.BOOKED,
        ]


async def test_a_jump_is_a_row_with_both_readings(tmp_path: Path) -> None:
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: name_jump(tx, NOZZLE.key, 102_000, 103_500))
        (row,) = await db.read(open_rows)
        values = {fact.name: fact.value for fact in row.facts}
        assert (values["size"], values["cause"]) == ("1.50", "gas without a record")
        assert row.cure
