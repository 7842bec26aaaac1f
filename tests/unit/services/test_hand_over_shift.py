"""A shift is handed over once: explained, counted, in the till, on paper."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.domain.fill_marks import FillMark
from cngstation.domain.tenders import Tender
from cngstation.errors import Refusal
from cngstation.language import use_language
from cngstation.moments import time_text
from cngstation.protocols.receipt.slip import render
from cngstation.rpc.contract.shifts import FillQuery, ShiftQuery
from cngstation.services.act_result import ActIdTaken
from cngstation.services.approve import ReasonMissing
from cngstation.services.change_duty import Arriving, go_on_duty
from cngstation.services.hand_over_shift import (
    NothingOwed,
    NozzlesOnDuty,
    Unexplained,
    leave_nozzles,
)
from cngstation.services.keep_till import CashNotCounted, close_till, open_till
from cngstation.services.mark_fill import NoSuchShift
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.services.shift_sheet import NozzleSheet, nozzle_sheets
from cngstation.services.show_shifts import cash_fill_page, past_sheet, past_shifts
from cngstation.services.till_state import TillClosed
from cngstation.services.verify_books import verify_file
from cngstation.storage import findings, shifts
from cngstation.storage.database import Transaction
from cngstation.units import Money, Unit
from tests.furnished_station import fill
from tests.shift_world import ONE, RULES, TWO, ShiftWorld, shift_world
from tests.small_station import CASHIER

GOLDEN = Path(__file__).parents[2] / "golden"
DAY_MS = 24 * 3_600_000


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ShiftWorld]:
    """Return a forecourt; at the end the books are proved."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        yield world
    assert verify_file(path).first_bad is None


async def a_busy_shift(world: ShiftWorld) -> int:
    """Two cash fills, a test, a card's fill and a WeChat one, all off duty."""
    number = await world.on_duty("1")
    await world.sell(ONE)
    await world.sell(TWO)
    await world.mark(await world.sell(TWO), FillMark.TEST)
    await world.sell(ONE, by_card=True)
    await world.mark(await world.sell(ONE), FillMark.WECHAT)
    await world.mark(await world.sell(ONE), FillMark.DRIVE_OFF)
    await world.off_duty(number)
    await world.confirm_marks()
    return number


@pytest.mark.parametrize(("cash", "kind", "over"), [
    (1_800, "", 0), (1_700, "shift_short", -100), (2_000, "shift_over", 200),
])  # fmt: skip
async def test_the_crews_money_goes_into_the_till_by_one_entry(
    world: ShiftWorld, cash: int, kind: str, over: int
) -> None:
    """By its way of paying; what is over or short is a row with its figures."""
    number = await a_busy_shift(world)
    receipt = await world.hand_over(number, cash=cash, wechat=900)
    accounts = await world.accounts()
    assert accounts["till:till-1:cash"] == cash
    assert accounts["till:till-1:wechat"] == 900
    assert accounts.get("expense:over_short", 0) == -over
    assert accounts["expense:drive_off"] == 900
    assert not [name for name in accounts if name.startswith("crew:")]
    sql = "SELECT count(*) FROM entry WHERE kind='shift.hand_over'"
    assert await world.db.read(lambda c: c.execute(sql).fetchone()) == (1,)
    rows = [k for k in await world.kinds() if k.startswith("shift_")]
    assert rows == ([kind] if kind else [])
    assert receipt.content["counts"][0]["expected_e4"] == 1_800 * 100
    assert receipt.wanted == 1
    assert len(receipt.content["books_head"]) == 16


async def test_asked_again_it_is_the_same_handover(world: ShiftWorld) -> None:
    """A lost answer moves nothing twice; another count by the id is refused."""
    number = await a_busy_shift(world)
    told = {"act_id": "HAND-0001", "cash": 1_800, "wechat": 900}
    first = await world.hand_over(number, **told)  # type: ignore[arg-type]
    before = await world.accounts()
    assert await world.hand_over(number, **told) == first  # type: ignore[arg-type]
    assert await world.accounts() == before
    forced = {"is_forced": True, "reason": "?!"}
    for changes in ({"cash": 99}, {"wechat": None}, forced):
        with pytest.raises(ActIdTaken):
            await world.hand_over(number, **{**told, **changes})  # type: ignore[arg-type]
    other = await world.on_duty("2")
    with pytest.raises(ActIdTaken):
        await world.hand_over(other, act_id="HAND-0001", cash=0)
    with pytest.raises(NoSuchShift):
        await world.hand_over(number, act_id="HAND-0002", cash=0)


@pytest.mark.parametrize("where", [
    "facts.post", "shifts.end_shift", "findings.open_finding", "audit.record",
    "receipts.make",
])  # fmt: skip
async def test_cut_off_anywhere_the_shift_is_whole_or_open(
    world: ShiftWorld, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Nothing of it is recorded, and asked again it is done once."""
    number = await a_busy_shift(world)
    before = await world.accounts()

    class PowerCut(Exception):
        """The program ended here."""

    def cut(*_: object, **__: object) -> None:
        raise PowerCut

    with monkeypatch.context() as broken:
        broken.setattr(f"cngstation.storage.{where}", cut)
        with pytest.raises(PowerCut):
            await world.hand_over(number, cash=1_000, wechat=900)
    assert await world.accounts() == before
    shift = await world.db.read(lambda c: shifts.find(c, number))
    assert shift is not None
    assert shift.is_open
    await world.hand_over(number, cash=1_000, wechat=900)
    assert (await world.accounts())["till:till-1:cash"] == 1_000


async def test_what_stands_against_a_handover(world: ShiftWorld) -> None:
    """Nozzles without a figure, gas without a fill, no count, a closed till."""
    number = await world.on_duty("1")
    await world.sell(ONE)

    async def refused(error: type[Refusal], **changes: Any) -> str:
        with pytest.raises(error) as said:
            await world.hand_over(number, **changes)
        return said.value.sentence()

    assert "Nozzles 1, 2" in await refused(NozzlesOnDuty, cash=900)
    world.total[ONE.key] += 700
    await world.off_duty(number)
    assert "1 differences" in await refused(Unexplained, cash=900)
    (row,) = await world.db.read(findings.open_findings)
    await world.db.write(
        lambda tx: findings.close_finding(tx, row.seq, "calibration", "01")
    )
    await refused(CashNotCounted, cash=None)
    await refused(ReasonMissing, cash=900, is_forced=True)

    def close(tx: Transaction) -> None:
        open_till(tx, RULES, "OPEN-0001", Money.from_fen(0), CASHIER)
        counted = {Tender.CASH: Money.from_fen(0)}
        close_till(tx, RULES, "CLOSE-0001", counted, CASHIER)

    await world.db.write(close)
    await refused(TillClosed, cash=900)
    await world.db.write(
        lambda tx: open_till(tx, RULES, "OPEN-0002", Money.from_fen(0), CASHIER)
    )
    receipt = await world.hand_over(number, cash=900)
    assert receipt.content["nozzles"][0]["unexplained_milli"] == 700


async def test_a_fill_under_way_belongs_to_the_shift_in_which_it_ends(
    world: ShiftWorld,
) -> None:
    """Asked for, the nozzle is left with the books' figure; nothing is cut."""
    one = await world.on_duty("1")
    await world.sell(ONE)
    meters = {TWO.key: world.meter(TWO)}  # nozzle 1 fills and has no figure
    left = await world.db.write(lambda tx: leave_nozzles(tx, one, meters, CASHIER))
    assert left == [1]
    left = await world.db.write(
        lambda tx: leave_nozzles(tx, one, meters, CASHIER, by_books=[ONE.key])
    )
    assert left == []
    first = await world.hand_over(one, cash=900)
    two = await world.on_duty("2", (TWO,))
    await world.db.write(
        lambda tx: hand_over_shift_on(tx, two),
    )
    await world.sell(ONE)
    await world.off_duty(two)
    second = await world.hand_over(two, cash=900)
    assert [s["cash_e4"] for s in first.content["nozzles"]] == [9_0000, 0]
    assert [s["cash_e4"] for s in second.content["nozzles"]] == [9_0000, 0]
    assert await world.kinds() == []


def hand_over_shift_on(tx: Transaction, shift_no: int) -> None:
    """Take nozzle 1 over while it fills: with what the books have."""
    taken = go_on_duty(tx, Arriving("2", [ONE.key]), CASHIER, cut_off_minute=0)
    assert taken == shift_no


async def test_a_shift_without_a_sale_over_midnight(world: ShiftWorld) -> None:
    """It closes, and its day is the one on which it began."""
    number = await world.on_duty("1")
    world.clock.forward(DAY_MS)
    late = await world.sell(ONE)
    day = await world.db.read(
        lambda c: c.execute(
            "SELECT business_day FROM entry WHERE seq=?", (late,)
        ).fetchone()
    )
    assert day == ("2026-11-21",)
    await world.off_duty(number)
    await world.hand_over(number, cash=900)
    empty = await world.on_duty("2")
    await world.off_duty(empty)
    receipt = await world.hand_over(empty, cash=0)
    assert receipt.content["business_day"] == "2026-11-22"
    assert receipt.content["counts"] == []


async def test_each_nozzle_is_taken_over_where_it_was_left(world: ShiftWorld) -> None:
    """With what was sold between, and what moved without a fill."""
    one = await world.on_duty("1")
    await world.sell(ONE)
    await world.off_duty(one)
    await world.hand_over(one, cash=900)
    await world.sell(ONE)
    world.total[ONE.key] += 300
    two = await world.on_duty("2")
    await world.sell(ONE)
    await world.off_duty(two)
    sheet = (await world.db.read(lambda c: nozzle_sheets(c, two, RULES)))[0]
    assert (sheet.taken_over_milli, sheet.off_milli) == (2_000, 6_300)
    assert (sheet.alone_milli, sheet.unexplained_milli) == (2_000, 300)
    assert (sheet.quantity_milli, sheet.fills) == (2_000, 1)


async def test_a_nozzle_says_its_unit_and_its_times(world: ShiftWorld) -> None:
    """Without a fill too; on the screen and on the slip, of its own duty."""
    rules = replace(RULES, nozzle_units={ONE.key: Unit.KG, TWO.key: Unit.M3})
    one = await world.on_duty("1")
    began = world.clock.now().wall_ms
    world.clock.forward(3_600_000)
    await world.off_duty(one)
    left = await world.db.read(lambda c: nozzle_sheets(c, one, rules))
    assert [sheet.unit for sheet in left] == ["kg", "m3"]
    receipt = await world.hand_over(one, cash=0)
    sheet = await world.db.read(lambda c: past_sheet(c, one))
    assert [each.nozzle_no for each in sheet.nozzles] == [1, 2]
    nozzle = sheet.nozzles[0]
    assert (nozzle.since_ms, nozzle.until_ms) == (began, began + 3_600_000)
    assert (nozzle.cash_e4, sheet.shift.receipt_no) == (0, receipt.receipt_no)
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 48, two_copies=False)
    use_language("en")
    (slip,) = slips(replace(receipt, originals=1), paper)
    printed = [line.text for line in render(slip, 48)]
    times = [line for line in printed if line.startswith("On, off")]
    assert len(times) == 2
    assert time_text(began)[5:16] in times[0]
    with pytest.raises(NoSuchShift):
        await world.db.read(lambda c: past_sheet(c, one + 1))


async def test_past_handovers_come_page_by_page(world: ShiftWorld) -> None:
    """Any number of them; of a crew, and of some business days."""
    for count in range(7):
        number = await world.on_duty("12"[count % 2])
        await world.off_duty(number)
        await world.hand_over(number, cash=0)
        world.clock.forward(DAY_MS)

    async def found(**wanted: Any) -> tuple[list[int], int]:
        query = ShiftQuery(limit=3, **wanted)
        told = await world.db.read(lambda c: past_shifts(c, query))
        return [row.shift_no for row in told.rows], told.next_no

    assert await found() == ([7, 6, 5], 5)
    assert await found(before_no=5) == ([4, 3, 2], 2)
    assert await found(before_no=2) == ([1], 0)
    assert await found(crew_no="2") == ([6, 4, 2], 0)
    days = {"first_day": "2026-11-22", "last_day": "2026-11-23"}
    assert await found(**days) == ([3, 2], 0)
    assert await found(crew_no="1", **days) == ([3], 0)


async def test_every_fill_of_a_long_shift_can_be_listed(world: ShiftWorld) -> None:
    """Page by page, of one nozzle, and those that nobody has marked."""
    number = await world.on_duty("1")
    seqs = [await world.sell(ONE if n % 2 else TWO) for n in range(5)][::-1]
    await world.mark(seqs[0], FillMark.TEST)

    async def found(**wanted: Any) -> tuple[list[int], int]:
        query = FillQuery(shift_no=number, limit=2, **wanted)
        told = await world.db.read(lambda c: cash_fill_page(c, query, is_blind=True))
        return [row.seq for row in told.rows], told.next_seq

    assert await found() == (seqs[:2], seqs[1])
    assert await found(before_seq=seqs[1]) == (seqs[2:4], seqs[3])
    assert await found(before_seq=seqs[3]) == (seqs[4:], 0)
    assert await found(nozzle_no=1) == ([seqs[1], seqs[3]], 0)
    assert await found(only_unmarked=True) == (seqs[1:3], seqs[2])


async def test_a_crew_that_is_away_is_closed_by_force(world: ShiftWorld) -> None:
    """What it owes stays owed under a row until it is brought."""
    number = await world.on_duty("1")
    await world.sell(ONE)
    await world.off_duty(number)
    forced = {"is_forced": True, "reason": "went home", "cash": None}
    receipt = await world.hand_over(number, **forced)  # type: ignore[arg-type]
    assert receipt.content["reason"] == "went home"
    assert (await world.accounts())["crew:1:cash"] == 900
    assert await world.kinds() == ["shift_owes"]
    await world.settle(number, 800)
    await world.settle(number, 800)
    with pytest.raises(ActIdTaken):
        await world.settle(number, 801)
    accounts = await world.accounts()
    assert (accounts["till:till-1:cash"], accounts["expense:over_short"]) == (800, 100)
    assert await world.kinds() == ["shift_short"]
    with pytest.raises(NothingOwed):
        await world.settle(number, 1, act_id="SETTLE-2")


async def test_a_fill_that_comes_after_the_handover_is_owed(world: ShiftWorld) -> None:
    """It ended in that shift; the sheet stays, and the money is asked for."""
    number = await world.on_duty("1")
    world.number[ONE.key] = 2
    world.total[ONE.key] = 4_000  # sold, and their records have not come
    await world.off_duty(number)
    (row,) = await world.db.read(findings.open_findings)
    await world.db.write(lambda tx: findings.close_finding(tx, row.seq, "late", "01"))
    await world.hand_over(number, cash=0)
    world.number[ONE.key] = world.total[ONE.key] = 0
    await world.sell(ONE)
    assert await owed_in_rows(world) == [9_0000]
    await world.sell(ONE)
    assert await owed_in_rows(world) == [18_0000]
    assert await world.kinds() == ["shift_owes"]
    await world.settle(number, 1_800)
    assert await world.kinds() == []
    assert (await world.accounts())["till:till-1:cash"] == 1_800


async def owed_in_rows(world: ShiftWorld) -> list[int]:
    """Return what the open rows say that shifts owe."""
    rows = await world.db.read(findings.open_findings)
    return [json.loads(r.facts)["amount_e4"] for r in rows if r.kind == "shift_owes"]


@pytest.mark.parametrize(("columns", "language"), [(32, "en"), (48, "zh_CN")])
async def test_the_slip_has_the_columns_and_the_head(
    world: ShiftWorld, columns: Any, language: str
) -> None:
    """As printed; a second print says COPY."""
    number = await a_busy_shift(world)
    receipt = await world.hand_over(number, cash=1_700, wechat=900)
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", columns, two_copies=True)
    use_language(language)
    try:
        (slip,) = slips(receipt, paper)
    finally:
        use_language("en")
    text = "\n".join(line.text.rstrip() for line in render(slip, columns)) + "\n"
    text = text.replace(receipt.content["books_head"], "0123456789abcdef")
    assert int(receipt.content["books_seq"]) == 31
    golden = GOLDEN / f"receipt_handover_{columns}.txt"
    assert text == golden.read_text("utf-8")


async def test_many_nozzles_take_several_slips(world: ShiftWorld) -> None:
    """A slip has an end; the money stands on the last."""
    number = await a_busy_shift(world)
    receipt = await world.hand_over(number, cash=1_800, wechat=900)
    content = {**receipt.content, "nozzles": [*receipt.content["nozzles"]] * 32}
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 48, two_copies=False)
    found = slips(replace(receipt, content=content, originals=1), paper)
    assert [slip.part for slip in found][::10] == ["1/11", "11/11"]
    assert all(slip.copy_mark for slip in found)


async def sold(world: ShiftWorld, **changes: Any) -> None:
    """Book the next fill of nozzle 1 with other figures."""
    key = ONE.key
    number = world.number[key] = world.number.get(key, 0) + 1
    moved = changes.get("quantity_milli", 2_000)
    world.total[key] = world.total.get(key, 0) + moved
    paid = changes.get("amount_e4", 9_0000)
    money = world.money[key] = world.money.get(key, 0) + paid
    given = {"card_no": None, "card_consumption_count": 0, "gun_total_amount_e4": money}
    record = fill(number, total=world.total[key], **{**given, **changes})
    await world.book.book(ONE, record, "online")


async def test_a_reading_from_the_books_has_its_own_amount(world: ShiftWorld) -> None:
    """Its newest fill's; one that nobody has told is not known, and blank on paper."""
    meters = [replace(world.meter(ONE), total_amount_e4=1_000_0000)]
    number = await world.db.write(
        lambda tx: go_on_duty(tx, Arriving("1", meters), CASHIER, cut_off_minute=0)
    )
    await sold(world, gun_total_amount_e4=1_009_0000)

    async def left_by_books(number: int) -> None:
        await world.db.write(
            lambda tx: leave_nozzles(tx, number, {}, CASHIER, by_books=[ONE.key])
        )

    async def sheet(number: int) -> NozzleSheet:
        (found,) = await world.db.read(lambda c: nozzle_sheets(c, number, RULES))
        return found

    await left_by_books(number)
    assert (await sheet(number)).off_e4 == 1_009_0000
    later = Arriving("2", [ONE.key])
    second = await world.db.write(
        lambda tx: go_on_duty(tx, later, CASHIER, cut_off_minute=0)
    )
    assert (await sheet(second)).taken_over_e4 == 1_009_0000
    await sold(world, gun_total_amount_e4=None)
    await left_by_books(second)
    assert (await sheet(second)).off_e4 == 0, "none is invented"


async def test_a_fill_that_moved_nothing_is_no_fill(world: ShiftWorld) -> None:
    """It is counted apart; fills of two prices show neither as the shift's."""
    number = await world.on_duty("1")
    await sold(world)
    await sold(world, quantity_milli=0, amount_e4=0, price_e4=5_0000)
    (one, _) = await world.db.read(lambda c: nozzle_sheets(c, number, RULES))
    assert (one.fills, one.zero_fills) == (1, 1)
    assert (one.price_e4, one.has_prices) == (4_5000, False)
    for price_e4 in (5_0000, 4_5000):
        amount = 2 * price_e4
        await sold(world, price_e4=price_e4, amount_e4=amount)
    (one, _) = await world.db.read(lambda c: nozzle_sheets(c, number, RULES))
    assert (one.fills, one.price_e4, one.has_prices) == (3, 0, True)
    await world.off_duty(number)
    receipt = await world.hand_over(number, cash=0)
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 48, two_copies=False)
    (slip,) = slips(replace(receipt, originals=1), paper)
    text = "\n".join(line.text for line in render(slip, 48))
    assert re.search(r"Nozzle 1 +3 fills  several prices", text)
    assert re.search(r"Zero fills +1", text)
