"""Prices planned by one, changed at once by two, taken back before their time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cngstation.errors import Refusal
from cngstation.rpc.contract.prices import MOST_PRICE_ROWS
from cngstation.rpc.session import Nothing
from cngstation.services.answer_prices import PriceAnswers, _rows
from cngstation.services.approve import ReasonMissing, SecondPersonMissing
from cngstation.services.plan_prices import (
    AHEAD_MS,
    NotPlanned,
    Plan,
    PriceDesk,
    PriceInThePast,
    PriceTooFarAhead,
    PriceTooFine,
    UnitNotSold,
)
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.tell_day import told_ms
from cngstation.services.verify_books import verify_file
from cngstation.storage import downloads, facts, prices
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.downloads import Sold
from cngstation.units import Price, Unit
from tests.small_station import MORNING, HandClock, cash_sale, opened
from tests.unit.services.test_register_customers import RULES

WHO = Actor("01", "till")
YEAR_MS = 365 * 86_400_000
OLD, NEW = Price(39_800), Price(35_000)
RULES_OF_TWO = replace(RULES, sold_units=frozenset({Unit.M3, Unit.KG}))


class Nobody:
    """No second person is there; who is asked for one refuses."""

    def __init__(self) -> None:
        self.asked = 0

    async def approve(self, *_given: Any) -> Any:
        """Refuse."""
        self.asked += 1
        raise SecondPersonMissing

    @asynccontextmanager
    async def noting(self, *_given: Any) -> AsyncIterator[None]:
        """Let a refusal pass; who asks for one is in the tests of approvals."""
        yield


@asynccontextmanager
async def desk_at(path: Path) -> AsyncIterator[tuple[PriceDesk, Database, HandClock]]:
    """Open a station that sells at 3.98."""
    clock = HandClock()
    async with opened(path / "s.db", clock) as database:
        desk = PriceDesk(database, Nobody(), RULES_OF_TWO, clock)
        await desk.plan(Plan(0, OLD, Unit.M3), WHO, "why", None)
        yield desk, database, clock


async def now(database: Database, clock: HandClock, unit: Unit = Unit.M3) -> Any:
    """Return the prices that hold."""
    return await database.read(lambda c: prices.in_force(c, unit, clock.wall_ms))


async def test_the_first_price_of_a_unit_overrides_nothing(tmp_path: Path) -> None:
    """A new level of a unit that is sold already does."""
    async with desk_at(tmp_path) as (desk, database, clock):
        await desk.plan(Plan(0, NEW, Unit.KG), WHO, "why", None)
        assert await now(database, clock, Unit.KG) == {0: NEW}
        for level in (0, 1):
            with pytest.raises(SecondPersonMissing):
                await desk.plan(Plan(level, NEW, Unit.KG), WHO, "why", None)
        assert await now(database, clock) == {0: OLD}


async def test_no_price_is_planned_without_a_reason(tmp_path: Path) -> None:
    """It stands in the audit beside who, before and after."""
    async with desk_at(tmp_path) as (desk, database, _clock):
        plan = Plan(0, NEW, Unit.M3, MORNING + AHEAD_MS)
        with pytest.raises(ReasonMissing):
            await desk.plan(plan, WHO, " ", None)
        await desk.plan(plan, WHO, "winter price", None)
        acts = await database.read(
            lambda c: c.execute(
                "SELECT act, reason FROM audit ORDER BY seq DESC"
            ).fetchall()
        )
        assert acts == [("price.plan", "winter price"), ("price.plan", "why")]


@pytest.mark.parametrize(
    ("ahead_ms", "by_one"), [(1, False), (AHEAD_MS - 1, False), (AHEAD_MS, True)]
)
async def test_what_holds_too_soon_to_be_looked_at_takes_two(
    tmp_path: Path, ahead_ms: int, by_one: bool
) -> None:
    """A plan for the next minute is no plan."""
    async with desk_at(tmp_path) as (desk, database, clock):
        plan = Plan(0, NEW, Unit.M3, MORNING + ahead_ms)
        if by_one:
            await desk.plan(plan, WHO, "why", None)
        else:
            with pytest.raises(SecondPersonMissing):
                await desk.plan(plan, WHO, "why", None)
        clock.forward(ahead_ms)
        assert await now(database, clock) == {0: NEW if by_one else OLD}


@pytest.mark.parametrize("back_ms", [1_800_000, 10 * 86_400_000])
async def test_a_clock_that_was_set_back_makes_no_plan_of_a_price_for_now(
    tmp_path: Path, back_ms: int
) -> None:
    """When it is right again the price would hold at once: it takes two people."""
    async with desk_at(tmp_path) as (desk, database, clock):
        await database.write(lambda tx: facts.post(tx, cash_sale("E1")))
        clock.forward(3_600_000)
        clock.wall_ms -= back_ms
        plan = Plan(0, NEW, Unit.M3, clock.wall_ms + AHEAD_MS)
        with pytest.raises(SecondPersonMissing):
            await desk.plan(plan, WHO, "why", None)
        clock.wall_ms += back_ms
        plan = replace(plan, from_ms=clock.wall_ms + AHEAD_MS)
        await desk.plan(plan, WHO, "why", None)


async def test_a_plan_whose_time_came_nearer_meanwhile_takes_two(
    tmp_path: Path,
) -> None:
    """What was far enough ahead at the first look is asked again at the commit."""
    async with desk_at(tmp_path) as (_desk, database, clock):
        slow = HandClock()
        desk = PriceDesk(database, Nobody(), RULES_OF_TWO, slow)
        clock.forward(60_000)
        with pytest.raises(SecondPersonMissing):
            await desk.plan(Plan(0, NEW, Unit.M3, MORNING + AHEAD_MS), WHO, "why", None)
        assert len(await database.read(lambda c: prices.newest(c, 9))) == 1


@pytest.mark.parametrize(
    ("plan", "refusal"),
    [
        (Plan(0, NEW, Unit.M3, MORNING - 1), SecondPersonMissing),
        (Plan(0, NEW, Unit.KG, MORNING - 1), PriceInThePast),
        (Plan(0, NEW, Unit.M3, MORNING + 367 * 86_400_000), PriceTooFarAhead),
        (Plan(0, Price(35_050), Unit.M3, MORNING + AHEAD_MS), PriceTooFine),
    ],
)
async def test_what_is_no_price_to_come_is_refused(
    tmp_path: Path, plan: Plan, refusal: type[Refusal]
) -> None:
    """Nothing is changed."""
    async with desk_at(tmp_path) as (desk, database, clock):
        with pytest.raises(refusal):
            await desk.plan(plan, WHO, "why", None)
        assert await now(database, clock) == {0: OLD}


async def test_a_planned_price_is_taken_back_before_its_time_alone(
    tmp_path: Path,
) -> None:
    """Then it never holds, dispensers are never told, and the books are proved."""
    async with desk_at(tmp_path) as (desk, database, clock):
        keeper = DownloadKeeper(database, clock)
        keeper.serve(_Deaf(), [Unit.M3])
        await keeper.look()
        later = MORNING + AHEAD_MS
        await desk.plan(Plan(0, NEW, Unit.M3, later), WHO, "why", None)
        await desk.plan(Plan(1, NEW, Unit.M3, later), WHO, "why", None)
        rows = await database.read(lambda c: _rows(c, clock.wall_ms))
        assert [row.state for row in rows] == ["planned", "planned", "in_force"]
        of_level_0 = next(r for r in rows if (r.level, r.state) == (0, "planned"))
        await desk.cancel(of_level_0.price_id, "wrong order", WHO, None)
        with pytest.raises(NotPlanned):
            await desk.cancel(of_level_0.price_id, "again", WHO, None)
        clock.forward(AHEAD_MS)
        await keeper.look()
        assert await now(database, clock) == {0: OLD, 1: NEW}
        table = await database.read(lambda c: downloads.newest_prices(c, Sold(Unit.M3)))
        assert table.prices == {0: OLD, 1: NEW}
        rows = await database.read(lambda c: _rows(c, clock.wall_ms))
        assert {(r.level, r.state) for r in rows} == {
            (0, "in_force"), (1, "in_force"), (0, "cancelled")
        }  # fmt: skip
        for row in rows:
            with pytest.raises(NotPlanned):
                await desk.cancel(row.price_id, "too late", WHO, None)
    assert verify_file(tmp_path / "s.db").proved


@pytest.mark.parametrize(
    ("ahead_ms", "by_one"), [(1, False), (AHEAD_MS - 1, False), (AHEAD_MS, True)]
)
async def test_what_holds_soon_is_taken_back_by_two(
    tmp_path: Path, ahead_ms: int, by_one: bool
) -> None:
    """Nobody alone decides at the last moment which price holds; nor shifts it."""
    async with desk_at(tmp_path) as (desk, database, clock):
        await desk.plan(Plan(0, NEW, Unit.M3, MORNING + 2 * AHEAD_MS), WHO, "why", None)
        clock.forward(2 * AHEAD_MS - ahead_ms)
        rows = await database.read(lambda c: _rows(c, clock.wall_ms))
        if by_one:
            await desk.cancel(rows[0].price_id, "wrong order", WHO, None)
        else:
            with pytest.raises(SecondPersonMissing):
                await desk.cancel(rows[0].price_id, "wrong order", WHO, None)
        clock.forward(ahead_ms)
        assert await now(database, clock) == {0: OLD if by_one else NEW}


async def test_a_price_that_holds_is_not_taken_back_under_a_clock_set_back(
    tmp_path: Path,
) -> None:
    """By that clock its time has not come; by the books it has."""
    async with desk_at(tmp_path) as (desk, database, clock):
        await desk.plan(Plan(0, NEW, Unit.M3, MORNING + AHEAD_MS), WHO, "why", None)
        clock.forward(3_600_000)
        await database.write(lambda tx: facts.post(tx, cash_sale("E1")))
        clock.wall_ms -= 86_400_000
        rows = await database.read(lambda c: _rows(c, clock.wall_ms))
        (seq,) = [row.price_id for row in rows if row.price_e4 == NEW.e4]
        with pytest.raises(NotPlanned):
            await desk.cancel(seq, "wrong order", WHO, None)


@pytest.mark.parametrize("off_ms", [-YEAR_MS, YEAR_MS])
async def test_a_clock_that_is_a_year_off_moves_no_price(
    tmp_path: Path, off_ms: int
) -> None:
    """The board shows what holds by the books; a price for now holds from now."""
    async with desk_at(tmp_path) as (desk, database, clock):
        await desk.plan(Plan(0, NEW, Unit.M3, MORNING + AHEAD_MS), WHO, "why", None)
        await database.write(lambda tx: facts.post(tx, cash_sale("E1")))
        clock.wall_ms += off_ms
        parts: Any = SimpleNamespace(clock=clock, database=database, prices=desk)
        call: Any = None
        board = await PriceAnswers(parts).board(Nothing(), call)
        states = {row.price_e4: row.state for row in board.rows}
        assert states == {OLD.e4: "in_force", NEW.e4: "planned"}
        await database.write(told_ms)
        clock.forward(2 * AHEAD_MS)
        await desk.plan(Plan(0, NEW, Unit.KG), WHO, "why", None)
        board = await PriceAnswers(parts).board(Nothing(), call)
        assert [r.state for r in board.rows if r.unit == "kg"] == ["in_force"]
        states = {row.price_e4: row.state for row in board.rows if row.unit == "m3"}
        assert states == {OLD.e4: "in_force", NEW.e4: "planned"}, "it waits"
        clock.wall_ms -= off_ms
        assert await now(database, clock, Unit.KG) == {0: NEW}


async def test_a_plan_that_came_near_meanwhile_is_taken_back_by_two(
    tmp_path: Path,
) -> None:
    """What was far enough ahead at the first look is asked again at the commit."""
    async with desk_at(tmp_path) as (desk, database, clock):
        await desk.plan(Plan(0, NEW, Unit.M3, MORNING + AHEAD_MS), WHO, "why", None)
        (row, _) = await database.read(lambda c: _rows(c, clock.wall_ms))
        clock.forward(60_000)
        slow = PriceDesk(database, Nobody(), RULES_OF_TWO, HandClock())
        with pytest.raises(SecondPersonMissing):
            await slow.cancel(row.price_id, "wrong order", WHO, None)


class _Deaf:
    def offer(self, downloads: Any) -> None:
        """Nobody listens."""


@pytest.mark.parametrize("price_id", ["", "x", "0", "9" * 30, "٣"])
async def test_what_is_no_planned_price_cannot_be_taken_back(
    tmp_path: Path, price_id: str
) -> None:
    """Any text is refused by name."""
    async with desk_at(tmp_path) as (desk, _database, _clock):
        with pytest.raises(NotPlanned):
            await desk.cancel(price_id, "because", WHO, None)


async def test_prices_are_of_units_that_are_sold(tmp_path: Path) -> None:
    """The unit of the cards comes first and is meant by nothing."""
    async with desk_at(tmp_path) as (desk, _database, _clock):
        assert desk.units() == [Unit.M3, Unit.KG]
        assert desk.unit_of("") == Unit.M3
        assert desk.unit_of("kg") == Unit.KG
        with pytest.raises(UnitNotSold):
            desk.unit_of("kWh")


async def test_a_price_that_holds_is_shown_behind_any_number_of_newer_ones(
    tmp_path: Path,
) -> None:
    """A level that was set once, years ago, is on the board."""
    async with desk_at(tmp_path) as (_desk, database, clock):

        def unit(tx: Transaction) -> None:
            for level, from_ms in (
                (1, MORNING),
                *((0, MORNING + n) for n in range(250)),
            ):
                prices.plan(
                    tx, level=level, price=NEW, unit=Unit.M3, from_ms=from_ms,
                    operator_no="01",
                )  # fmt: skip

        await database.write(unit)
        clock.forward(1_000)
        rows = await database.read(lambda c: _rows(c, clock.wall_ms))
    assert len(rows) == MOST_PRICE_ROWS
    held = {row.level: row.from_ms for row in rows if row.state == "in_force"}
    assert held == {0: MORNING + 249, 1: MORNING}
