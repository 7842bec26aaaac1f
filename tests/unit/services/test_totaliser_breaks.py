"""Twenty ways in which a totaliser breaks: each is one row, of the right size."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cngstation.protocols.dispenser.canonical import TransactionType
from cngstation.services import verify_shifts
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.change_duty import (
    Arriving,
    Meter,
    go_on_duty,
    leave_nozzle,
    look_at_nozzle,
    on_duty_at,
)
from cngstation.services.name_breaks import KIND, MONEY_KIND
from cngstation.services.verify_books import verify_file
from cngstation.storage import crews, findings
from cngstation.storage.crews import Crew
from cngstation.storage.database import Database, Transaction
from tests import audit_files
from tests.furnished_station import NOZZLE, fill
from tests.small_station import CASHIER, opened

CREW = "1"
M = 10**8  # where a counter of eight digits of 0.01 unit rolls over, in 1/1000
B = 2**32 * 10


@dataclass(frozen=True)
class Yuan:
    """What a totaliser of money says; every fill costs 9.00."""

    yuan: int

    @property
    def e4(self) -> int:
        """In 1/10 000 yuan."""
        return self.yuan * 10_000


@dataclass
class Nozzle:
    """One nozzle with its book and the crew at it."""

    path: Path
    db: Database
    book: SaleBook

    async def do(self, step: tuple[Any, ...]) -> None:
        """Sell (number, totaliser behind it), go on or off duty, look, or restart."""
        match step:
            case ("sell", number, total, Yuan() as money):
                told = {"gun_total_amount_e4": money.e4}
                await self.do(("sell", number, total, told))
            case ("sell", number, total, *changes):
                given: dict[str, Any] = {"card_no": None, "card_consumption_count": 0}
                given |= {"gun_total_amount_e4": None}
                given |= {"raw_frame": bytes([number, (total or 0) % 251])}
                given |= {"gun_total_quantity_milli": total}
                record = fill(number, **(given | dict(*changes)))
                await self.book.book(NOZZLE, record, "online")
            case ("on", total, *number):
                meter = self._meter(total, number)
                await self.db.write(
                    lambda tx: go_on_duty(
                        tx, Arriving(CREW, [meter]), CASHIER, cut_off_minute=0
                    )
                )
            case ("on_unread",):
                await self.db.write(
                    lambda tx: go_on_duty(
                        tx, Arriving(CREW, [NOZZLE.key]), CASHIER, cut_off_minute=0
                    )
                )
            case ("off", total, *number):
                meter = self._meter(total, number) if total is not None else None
                await self.db.write(lambda tx: self._leave(tx, meter))
            case ("look", total, *number):
                meter = self._meter(total, number)
                await self.db.write(lambda tx: self._look(tx, meter))
            case ("fell", device_seq, last):
                await self.book.counter_fell(NOZZLE, device_seq, last)

    def _meter(self, total: int, told: list[int | Yuan]) -> Meter:
        number = next((one for one in told if isinstance(one, int)), None)
        money = next((one.e4 for one in told if isinstance(one, Yuan)), 0)
        return Meter(NOZZLE.key, total, money, number, "meter")

    def _leave(self, tx: Transaction, meter: Meter | None) -> None:
        on = on_duty_at(tx.connection, NOZZLE.key)
        assert on is not None
        leave_nozzle(tx, on, meter, CASHIER)

    def _look(self, tx: Transaction, meter: Meter) -> None:
        on = on_duty_at(tx.connection, NOZZLE.key)
        assert on is not None
        look_at_nozzle(tx, on, meter)

    async def rows(self, kind: str = KIND) -> list[tuple[int, str]]:
        """Return size and cause of the open rows."""
        found = await self.db.read(findings.open_findings)
        facts = [json.loads(row.facts) for row in found if row.kind == kind]
        size = "size_milli" if kind == KIND else "size_e4"
        return [(told[size], told["cause"]) for told in facts]


@pytest.fixture
async def nozzle(tmp_path: Path) -> AsyncIterator[Nozzle]:
    """Return a nozzle; at the end the books are proved."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        await db.write(lambda tx: crews.add_crew(tx, Crew(CREW, "甲班")))
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        yield Nozzle(path, db, SaleBook(db, acts, cut_off_minute=0))
        await audit_files.export(db, path, tmp_path / "all.jsonl")
    assert verify_file(path).first_bad is None
    assert audit_files.found_wrong((tmp_path / "all.jsonl").read_bytes()) is None


# Each fill is of 2.000; the figure behind its number is the totaliser after it.
BREAKS: dict[str, tuple[list[tuple[Any, ...]], int, str]] = {
    "key fill before the first": (
        [("on", 0), ("sell", 1, 5_000), ("off", 5_000)],
        3_000, "gas without a record",
    ),
    "key fill between two": (
        [("on", 0), ("sell", 1, 2_000), ("sell", 2, 4_500), ("off", 4_500)],
        500, "gas without a record",
    ),
    "key fill after the last": (
        [("on", 0), ("sell", 1, 2_000), ("off", 2_700)], 700, "gas without a record",
    ),
    "program off, no memory, no sale": (
        [("on", 0), ("off", 9_000)], 9_000, "gas without a record",
    ),
    "gas between two shifts": (
        [("on", 0), ("sell", 1, 2_000), ("off", 2_000), ("on", 3_000), ("off", 3_000)],
        1_000, "gas without a record",
    ),
    "gas between two shifts, met at the next fill": (
        [("on", 0), ("sell", 1, 2_000), ("off", 2_000), ("on_unread",),
         ("sell", 2, 5_000), ("off", 5_000)],
        1_000, "gas without a record",
    ),
    "one fill lost": (
        [("on", 0), ("sell", 1, 2_000), ("sell", 3, 6_000), ("off", 6_000)],
        2_000, "fills that have not come",
    ),
    "many fills lost": (
        [("on", 0), ("sell", 1, 2_000), ("sell", 6, 12_000), ("off", 12_000)],
        8_000, "fills that have not come",
    ),
    "the last fill lost, its number told": (
        [("on", 0), ("sell", 1, 2_000), ("off", 4_000, 2)],
        2_000, "fills that have not come",
    ),
    "the first fill lost": (
        [("on", 0, 0), ("sell", 2, 4_000), ("off", 4_000)],
        2_000, "fills that have not come",
    ),
    "reset to zero": (
        [("on", 7_000), ("sell", 1, 9_000), ("sell", 2, 2_000), ("off", 2_000)],
        -9_000, "the counter was reset",
    ),
    "reset met at the closing": (
        [("on", 7_000), ("sell", 1, 9_000), ("off", 0)], -9_000,
        "the counter was reset",
    ),
    "rolled over between two fills": (
        [("on", M - 2_000), ("sell", 1, M), ("sell", 2, 2_000), ("off", 2_000)],
        -M, "the counter rolled over",
    ),
    "rolled over within a fill": (
        [("on", M - 3_000), ("sell", 1, M - 1_000), ("sell", 2, 1_000), ("off", 1_000)],
        -M, "the counter rolled over",
    ),
    "32 bits rolled over": (
        [("on", B - 1_000), ("sell", 1, 1_000), ("off", 1_000)],
        -B, "the counter rolled over",
    ),
    "another board with a higher figure": (
        [("on", 1_000), ("sell", 5, 3_000), ("fell", 0, 5), ("sell", 1, 52_000),
         ("off", 52_000)],
        47_000, "another board or counter",
    ),
    "another board from zero": (
        [("on", 1_000), ("sell", 5, 3_000), ("fell", 0, 5), ("sell", 1, 2_000),
         ("off", 2_000)],
        -3_000, "the counter was reset",
    ),
    "the counter went back a little": (
        [("on", 50_000), ("sell", 1, 52_000), ("sell", 2, 53_000), ("off", 53_000)],
        -1_000, "the counter went back",
    ),
    "a fill that counted no gas": (
        [("on", 100), ("sell", 1, 2_100), ("sell", 2, 2_100), ("off", 2_100)],
        -2_000, "the counter went back",
    ),
    "a dead meter, closed by the books, alive again": (
        [("on", 0), ("sell", 1, 2_000), ("off", None), ("on", 2_600), ("off", 2_600)],
        600, "gas without a record",
    ),
    "a make-up debit that moved the totaliser": (
        [("on", 0), ("sell", 1, 2_000),
         ("sell", 2, 4_000, {"transaction_type": TransactionType.MAKE_UP_DEBIT}),
         ("off", 4_000)],
        2_000, "gas without a record",
    ),
    "looked at, then met at the next fill": (
        [("on", 0), ("sell", 1, 2_000), ("look", 2_500), ("sell", 2, 4_500),
         ("look", 4_500), ("off", 4_500)],
        500, "gas without a record",
    ),
    "looked at, then grown": (
        [("on", 0), ("sell", 1, 2_000), ("look", 2_500), ("sell", 2, 4_900),
         ("off", 4_900)],
        900, "gas without a record",
    ),
    "met behind fills that told no totaliser": (
        [("on", 0), ("sell", 1, 2_000), ("sell", 2, None), ("sell", 3, None),
         ("sell", 4, 8_500), ("off", 8_500)],
        500, "gas without a record",
    ),
    "met at the closing, no fill told a totaliser": (
        [("on", 0), ("sell", 1, None), ("sell", 2, None), ("off", 4_700)],
        700, "gas without a record",
    ),
    "met at the next fill, after a reading, a row and a fill that told none": (
        [("sell", 1, 2_000), ("on", 2_000), ("off", 2_300), ("on_unread",),
         ("sell", 2, None), ("sell", 3, 6_300)],
        300, "gas without a record",
    ),
    "a fill lost among those that told none": (
        [("on", 0), ("sell", 1, 2_000), ("sell", 3, None), ("sell", 4, 8_000),
         ("off", 8_000)],
        2_000, "gas without a record",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
async def test_each_break_is_one_row_of_its_size(nozzle: Nozzle, name: str) -> None:
    """Whoever meets it first names it; whoever meets it again does not."""
    steps, size, cause = BREAKS[name]
    for step in steps:
        await nozzle.do(step)
    assert await nozzle.rows() == [(size, cause)]


@pytest.mark.parametrize(
    "steps",
    [
        [("on", 5_000), ("off", 5_000)],
        [("on", 0), ("sell", 1, 2_000), ("sell", 2, 4_000), ("off", 4_000)],
        [("on", 0), ("sell", 1, 2_000), ("off", 2_000), ("sell", 2, 4_000),
         ("on", 4_000), ("sell", 3, 6_000), ("off", 6_000)],
        [("sell", 8, 2_000), ("on_unread",), ("sell", 9, 4_000), ("off", None)],
        # What was missing comes late: the rows that it fills are closed.
        [("on", 0), ("sell", 1, 2_000), ("sell", 4, 8_000), ("look", 8_000),
         ("sell", 3, 6_000), ("sell", 2, 4_000), ("off", 8_000)],
        [("on", 0), ("sell", 1, 2_000), ("off", 4_000, 2), ("sell", 2, 4_000)],
        [("on", 0), ("sell", 1, 2_000), ("off", 8_000, 4), ("on", 8_000, 4),
         ("sell", 5, 10_000), ("sell", 3, 6_000), ("sell", 4, 8_000),
         ("sell", 2, 4_000), ("off", 10_000)],
        # Some told no totaliser: the next that does is compared with the last that did.
        [("on", 0), ("sell", 1, None), ("off", 2_000)],
        [("sell", 1, None), ("sell", 2, None), ("on", 9_000), ("sell", 3, None),
         ("off", None), ("on_unread",), ("sell", 4, 13_000), ("off", 13_000)],
        [("on", 0), ("sell", 1, 2_000), ("sell", 2, None), ("sell", 4, None),
         ("sell", 3, None), ("look", 8_000), ("sell", 5, 10_000), ("off", None)],
        [("on", 0), ("sell", 1, 2_000), ("sell", 2, None),
         ("sell", 3, None, {"transaction_type": TransactionType.MAKE_UP_DEBIT}),
         ("sell", 4, 6_000), ("off", 6_000)],
        [("on", 0), ("sell", 1, 2_000), ("sell", 2, None, {"quantity_milli": 2_005}),
         ("sell", 3, 6_000), ("off", 6_000)],
        [("sell", 1, 2_000), ("sell", 4, 8_000), ("sell", 2, None),
         ("sell", 3, 6_000)],
        [("on", 1_000), ("sell", 5, 3_000), ("sell", 6, None), ("fell", 0, 6),
         ("sell", 1, None), ("sell", 2, 9_000), ("off", 9_000)],
    ],
)  # fmt: skip
async def test_no_break_leaves_no_row(
    nozzle: Nozzle, steps: list[tuple[Any, ...]]
) -> None:
    """No sale at all, fills without a crew, fills that come after their shift."""
    for step in steps:
        await nozzle.do(step)
    assert await nozzle.rows() == []


OTHER = "the amounts of its fills do not come to it"
D = 10**8  # yuan: where a counter of ten digits of a fen rolls over
MONEY_BREAKS: dict[str, tuple[list[tuple[Any, ...]], list[tuple[int, str]]]] = {
    "between two fills": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000, Yuan(109)),
         ("sell", 2, 4_000, Yuan(120)), ("off", 4_000, Yuan(120))],
        [(2, OTHER)],
    ),
    "between two shifts": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000, Yuan(109)), ("off", 2_000, Yuan(109)),
         ("on", 2_000, Yuan(114)), ("off", 2_000, Yuan(114))],
        [(5, OTHER)],
    ),
    "met at the closing": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000, Yuan(109)), ("off", 2_000, Yuan(99))],
        [(-10, "the counter went back")],
    ),
    "reset": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000, Yuan(109)),
         ("sell", 2, 4_000, Yuan(9)), ("off", 4_000, Yuan(9))],
        [(-109, "the counter was reset")],
    ),
    "ten digits rolled over": (
        [("on", 0, Yuan(D - 9)), ("sell", 1, 2_000, Yuan(0)),
         ("sell", 2, 4_000, Yuan(9)), ("off", 4_000, Yuan(9))],
        [(-D, "the counter rolled over")],
    ),
    "behind fills that told none": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000), ("sell", 2, 4_000),
         ("off", 4_000, Yuan(119))],
        [(1, OTHER)],
    ),
    "no reading tells money": (
        [("on", 0), ("sell", 1, 2_000, Yuan(109)), ("sell", 2, 4_000, Yuan(119)),
         ("off", 4_000)],
        [(1, OTHER)],
    ),
    "gas moved there too: its row tells it": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000, Yuan(109)),
         ("sell", 3, 6_000, Yuan(127)), ("off", 7_000, Yuan(131))],
        [],
    ),
    "looked at, then met again": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000, Yuan(109)),
         ("look", 2_000, Yuan(111)), ("sell", 2, 4_000, Yuan(120)),
         ("off", 4_000, Yuan(120))],
        [(2, OTHER)],
    ),
    "came late": (
        [("on", 0, Yuan(100)), ("sell", 2, 2_000, Yuan(118)),
         ("look", 2_000, Yuan(118)), ("sell", 1, None, {"quantity_milli": 0}),
         ("off", 2_000, Yuan(118))],
        [],
    ),
    "all goes on": (
        [("on", 0, Yuan(100)), ("sell", 1, 2_000, Yuan(109)),
         ("sell", 2, 2_000, {"transaction_type": TransactionType.MAKE_UP_DEBIT,
                             "gun_total_amount_e4": 109_0000}),
         ("sell", 3, 4_000, Yuan(118)), ("off", None), ("on", 4_000, Yuan(118))],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MONEY_BREAKS)
async def test_money_goes_on_as_gas_does(nozzle: Nozzle, name: str) -> None:
    """Each difference is one row, by itself where no gas tells of it."""
    steps, rows = MONEY_BREAKS[name]
    for step in steps:
        await nozzle.do(step)
    assert await nozzle.rows(MONEY_KIND) == [(e * 10_000, why) for e, why in rows]


async def test_two_breaks_of_the_same_figures_are_two_rows(nozzle: Nozzle) -> None:
    """A counter that is reset twice at the same figure is two resets."""
    for step in [
        ("on", 100), ("sell", 1, 2_100), ("sell", 2, 2_100), ("sell", 3, 2_100),
        ("off", 2_100),
    ]:  # fmt: skip
        await nozzle.do(step)
    assert await nozzle.rows() == [(-2_000, "the counter went back")] * 2


async def test_gas_behind_a_reading_is_a_row_of_its_own(nozzle: Nozzle) -> None:
    """What one shift left and what moved after it are two breaks, of two shifts."""
    for step in [
        ("on", 0), ("sell", 1, 2_000), ("off", 2_700), ("on_unread",),
        ("sell", 2, 5_000), ("off", 5_000),
    ]:  # fmt: skip
        await nozzle.do(step)
    assert await nozzle.rows() == [
        (700, "gas without a record"),
        (300, "gas without a record"),
    ]


async def test_a_break_that_was_explained_is_not_named_again(nozzle: Nozzle) -> None:
    """Whoever meets it later finds it explained."""
    for step in [("on", 0), ("sell", 1, 2_000), ("look", 2_500)]:
        await nozzle.do(step)
    (row,) = await nozzle.db.read(findings.open_findings)
    await nozzle.db.write(
        lambda tx: findings.close_finding(tx, row.seq, "calibration", "01")
    )
    for step in [("look", 2_500), ("sell", 2, 4_500), ("off", 4_500)]:
        await nozzle.do(step)
    assert await nozzle.rows() == []


async def test_verify_names_a_break_without_its_row(nozzle: Nozzle) -> None:
    """What the totaliser moved is fills and rows, or verify says at which reading."""
    for step in BREAKS["program off, no memory, no sale"][0]:
        await nozzle.do(step)

    def without_rows(tx: Transaction) -> str | None:
        tx.connection.execute("DELETE FROM finding")
        said = verify_shifts.first_difference(tx.connection)
        raise _Undone(said)

    with pytest.raises(_Undone, match="moved 9000 without fill or row"):
        await nozzle.db.write(without_rows)


class _Undone(Exception):
    """Rolls a unit back."""
