"""A crew counts before it is told: no list without the right; looking is on record."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.language import use_language
from cngstation.protocols.receipt.slip import render
from cngstation.rpc.authority import CallContext, Peer
from cngstation.rpc.contract import shifts as contract
from cngstation.rpc.session import Nothing
from cngstation.services.answer_shifts import ShiftAnswers
from cngstation.services.approve import Approvals
from cngstation.services.check_rights import RightMissing
from cngstation.services.keep_shifts import ShiftDesk
from cngstation.services.log_in import StaffSession
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.services.verify_books import verify_file
from cngstation.storage import operators
from tests.shift_world import RULES, NoGate, ShiftWorld, shift_world
from tests.small_station import somebody

QUERY = contract.FillQuery(shift_no=1, limit=10)


def called_by(operator_no: str) -> CallContext:
    """Return the call of an operator."""
    session = StaffSession(
        session_id="s",
        operator=f"op{operator_no}",
        terminal="till-1",
        rights=(),
        expires_at_ms=0,
        token=SecretStr("t"),
        operator_no=operator_no,
    )
    return CallContext(session=session, peer=Peer(1, 1, 1), connection_id=1)


@dataclass
class Station:
    """A crew with one fill, and how it is asked."""

    world: ShiftWorld

    def answers(self, *, is_blind: bool = True) -> ShiftAnswers:
        """Return what answers the socket."""
        rules = replace(RULES, is_count_blind=is_blind)
        world = self.world
        desk = ShiftDesk(
            world.db, [], rules, world.clock, open_hours=14, prints_wanted=1
        )
        return ShiftAnswers(desk, Approvals(NoGate()))

    async def looks(self) -> int:
        """Return how often it is on record that somebody looked."""
        sql = "SELECT count(*) FROM audit WHERE act='fill.list'"
        return int(await self.world.db.read(lambda c: c.execute(sql).fetchone()[0]))


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a shift of one fill; 01 may mark, 03 only keeps shifts."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        for number, role in (("01", "middle"), ("03", "junior")):
            person = somebody(number, role=role)
            await world.db.write(lambda tx, person=person: operators.add(tx, person))
        await world.on_duty("1")
        await world.sell()
        await world.off_duty(1)
        yield Station(world)
    assert verify_file(path).first_bad is None


async def test_who_only_counts_is_told_nothing_before(station: Station) -> None:
    """Not the fills, and of the shift no money; afterwards all of it."""
    answers, crew = station.answers(), called_by("03")
    with pytest.raises(RightMissing):
        await answers.list_fills(QUERY, crew)
    shown = await answers.show(Nothing(), crew)
    nozzles = [nozzle.model_dump() for nozzle in shown.shifts[0].nozzles]
    told = {name for each in nozzles for name, value in each.items() if value}
    told = {name for name in told if name.endswith("_e4")}
    assert told <= {"price_e4", "taken_over_e4"}
    assert {each["cash_milli"] for each in nozzles} == {None}
    receipt = await station.world.hand_over(1, cash=900)
    assert receipt.content["seen"] == 0
    assert len((await answers.list_fills(QUERY, crew)).rows) == 1
    assert await station.looks() == 0


async def test_who_looks_and_counts_is_on_the_slip(station: Station) -> None:
    """Once on record, however often it was looked."""
    answers = station.answers()
    for _ in range(2):
        assert len((await answers.list_fills(QUERY, called_by("01"))).rows) == 1
    assert await station.looks() == 1
    receipt = await station.world.hand_over(1, cash=900)
    assert receipt.content["seen"] == 1
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 48, two_copies=False)
    use_language("en")
    (slip,) = slips(replace(receipt, originals=1), paper)
    printed = [line.text.split() for line in render(slip, 48)]
    assert ["Counted", "after", "the", "fills", "were", "seen"] in printed


async def test_who_marks_is_not_told_the_money_before_the_count(
    station: Station,
) -> None:
    """Nozzle, time and quantity name a fill; its amount is told when it is counted."""
    answers, marker = station.answers(), called_by("01")

    async def amounts(shift_no: int) -> list[tuple[int, int, int | None]]:
        query = contract.FillQuery(shift_no=shift_no, limit=10)
        rows = (await answers.list_fills(query, marker)).rows
        return [(row.nozzle_no, row.quantity_milli, row.amount_e4) for row in rows]

    assert await amounts(1) == [(1, 2_000, None)]
    # One of nobody's that this shift owes is part of its count as well.
    seq = await station.world.sell()
    assert await amounts(0) == [(1, 2_000, 9_0000)]
    order = contract.FillMarkOrder(
        act_id="MARK-NOBODYS-1", seq=seq, mark="wechat", reason="paid", shift_no=1
    )
    assert (await answers.mark(order, marker)).amount_e4 is None
    assert await amounts(0) == [(1, 2_000, None)]
    await station.world.hand_over(1, cash=900, wechat=900)
    assert await amounts(1) == await amounts(0) == [(1, 2_000, 9_0000)]


async def test_a_station_may_count_with_open_eyes(station: Station) -> None:
    """Then the list is for everybody, and nothing of it is on record."""
    answers = station.answers(is_blind=False)
    (row,) = (await answers.list_fills(QUERY, called_by("03"))).rows
    assert row.amount_e4 == 9_0000
    shown = await answers.show(Nothing(), called_by("03"))
    assert [nozzle.cash_e4 for nozzle in shown.shifts[0].nozzles] == [90_000, 0]
    assert await station.looks() == 0
