"""A mark after which a crew owes nothing is seen by two people, or nothing goes on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain.fill_marks import ALWAYS_TWO, FillMark, MarkedAlone
from cngstation.errors import Refusal
from cngstation.language import use_language
from cngstation.protocols.receipt.slip import render
from cngstation.services.approve import Approval, Approvals, Approved, SamePerson
from cngstation.services.check_rights import RightMissing, require_right
from cngstation.services.confirm_marks import MarksUnseen, wish_of
from cngstation.services.count_refusals import RefusalLog
from cngstation.services.explain_row import ExplainRows, Explanation
from cngstation.services.hand_over_shift import TenderNotCounted
from cngstation.services.mark_fill import MarkOrder, mark_fill
from cngstation.services.open_rows import finding_row
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.services.verify_books import verify_file
from cngstation.storage import findings, operators
from cngstation.storage.audit import Actor
from cngstation.storage.cash_fills import CashFill
from cngstation.storage.operators import Operator
from cngstation.storage.receipts import Receipt
from tests.shift_world import ONE, TWO, ShiftWorld, shift_world
from tests.small_station import CASHIER, somebody

SECOND = Actor("02", "till-1")
BRINGS_NOTHING = [
    FillMark.TEST,
    FillMark.CALIBRATION,
    FillMark.TEST_LOST,
    FillMark.DRIVE_OFF,
]


class Gate:
    """Every password is right."""

    second = None
    outlet_no = ""

    def __init__(self, world: ShiftWorld) -> None:
        self._world = world
        self.database = world.db
        self.refusals = RefusalLog(world.db, world.clock)

    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator:
        """Return the operator with this number or name."""
        found = await self._world.db.read(
            lambda c: (
                operators.find(c, login_name)
                or operators.with_login_name(c, login_name)
            )
        )
        assert found is not None
        return found

    async def require_right(self, operator: Operator, right: str) -> None:
        """Ask the books."""
        await self._world.db.read(lambda c: require_right(c, operator, right, ""))


@dataclass
class Crew:
    """A shift of two fills, and the people who mark and look."""

    world: ShiftWorld
    shift_no: int
    fills: tuple[int, int]
    marks: int = 0

    async def mark(
        self,
        mark: FillMark,
        second: str = "",
        *,
        alone: MarkedAlone = ALWAYS_TWO,
        actor: Actor = CASHIER,
        fill: int = 0,
    ) -> CashFill:
        """Mark a fill; `second` signs it."""
        self.marks += 1
        seq = self.fills[fill]
        order = MarkOrder(f"MARK-{self.marks}", seq, mark, "because")
        approved = await self.approve(second, actor, seq) if second else None
        return await self.world.db.write(
            lambda tx: mark_fill(
                tx, order, actor, cut_off_minute=0, approved=approved, alone=alone
            )
        )

    async def approve(self, second: str, actor: Actor, seq: int) -> Approved:
        """Ask for the second person's password."""
        given = Approval(
            second, SecretStr("whatever"), own_password=SecretStr("whatever")
        )
        approvals = Approvals(Gate(self.world))
        return await approvals.approve(given, wish_of(seq), actor, "because")

    async def explain(self, actor: Actor) -> None:
        """Close the first row of a mark with words."""
        rows = await self.world.db.read(findings.open_findings)
        row = next(row for row in rows if row.kind == "fill_marked")
        explaining = ExplainRows(self.world.db, Approvals(Gate(self.world)))
        await explaining.explain(Explanation(str(row.seq), "I was there"), actor)

    async def hand_over(self, cash: int, **changes: Any) -> Receipt:
        """Hand over what is there."""
        return await self.world.hand_over(self.shift_no, cash=cash, **changes)


@pytest.fixture
async def crew(tmp_path: Path) -> AsyncIterator[Crew]:
    """Return a crew that has left its nozzles with 18.00 in cash."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        for number, role in (("01", "middle"), ("02", "middle"), ("03", "junior")):
            person = somebody(number, role=role)
            await world.db.write(lambda tx, person=person: operators.add(tx, person))
        shift_no = await world.on_duty("1")
        fills = await world.sell(), await world.sell()
        await world.off_duty(shift_no)
        yield Crew(world, shift_no, fills)
    assert verify_file(path).first_bad is None


@pytest.mark.parametrize("mark", BRINGS_NOTHING)
async def test_one_person_cannot_mark_money_away(crew: Crew, mark: FillMark) -> None:
    """By force neither; whoever marked does not close the row, another one does."""
    await crew.mark(mark)
    for how in ({}, {"is_forced": True, "reason": "went home"}):
        with pytest.raises(MarksUnseen) as said:
            await crew.hand_over(900, **how)
        assert "1 fills" in said.value.sentence()
    with pytest.raises(SamePerson):
        await crew.explain(CASHIER)
    await crew.explain(SECOND)
    receipt = await crew.hand_over(900)
    assert await crew.world.kinds() == []
    (told,) = receipt.content["marks"]
    assert told == {
        "mark": mark, "fills": 1, "amount_e4": 9_0000, "alone": 0, "by": ["02"],
    }  # fmt: skip


async def test_a_second_person_signs_at_once(crew: Crew) -> None:
    """With the right, and not as the first; the audit has both."""
    await crew.mark(FillMark.DRIVE_OFF, second="02")
    assert await crew.world.kinds() == []
    with pytest.raises(SamePerson):
        await crew.mark(FillMark.TEST, second="01", fill=1)
    with pytest.raises(RightMissing):
        await crew.mark(FillMark.TEST, second="03", fill=1)
    sql = "SELECT operator_no FROM audit WHERE act='fill.mark.approve'"
    assert await crew.world.db.read(lambda c: c.execute(sql).fetchall()) == [("02",)]
    receipt = await crew.hand_over(900)
    assert receipt.content["marks"][0]["by"] == ["02"]


async def test_a_mark_that_is_signed_later_by_marking_again(crew: Crew) -> None:
    """The same mark with a second person closes its row."""
    await crew.mark(FillMark.TEST)
    await crew.mark(FillMark.TEST)
    assert await crew.world.kinds() == ["fill_marked"]
    await crew.mark(FillMark.TEST, second="02")
    assert await crew.world.kinds() == []
    await crew.mark(FillMark.TEST)
    assert await crew.world.kinds() == []


async def test_what_is_signed_is_one_mark_and_no_other(crew: Crew) -> None:
    """Changed to another that brings nothing it is looked at again; to cash, never."""
    await crew.mark(FillMark.TEST, second="02")
    await crew.mark(FillMark.DRIVE_OFF)
    assert await crew.world.kinds() == ["fill_marked"]
    await crew.mark(FillMark.CASH)
    assert await crew.world.kinds() == []
    await crew.mark(FillMark.DRIVE_OFF)
    await crew.mark(FillMark.WECHAT)
    assert await crew.world.kinds() == []
    with pytest.raises(TenderNotCounted):
        await crew.hand_over(900)
    receipt = await crew.hand_over(900, wechat=800)
    assert [each["mark"] for each in receipt.content["marks"]] == ["wechat"]
    assert await crew.world.kinds() == ["shift_short"]


@pytest.mark.parametrize(
    ("alone", "rows"),
    [
        (MarkedAlone(2, 18_0000), 0),
        (MarkedAlone(1, 18_0000), 1),
        (MarkedAlone(2, 17_9999), 1),
        (MarkedAlone(0, 18_0000), 2),
        (MarkedAlone(2, 0), 2),
    ],
)
async def test_a_few_may_be_marked_alone(
    crew: Crew, alone: MarkedAlone, rows: int
) -> None:
    """As many and as much as the station allows in a shift; both bounds hold."""
    await crew.mark(FillMark.TEST, alone=alone)
    await crew.mark(FillMark.DRIVE_OFF, alone=alone, fill=1)
    assert await crew.world.kinds() == ["fill_marked"] * rows


async def test_fills_of_nobody_are_never_marked_alone(crew: Crew) -> None:
    """No shift's bounds are theirs."""
    await crew.hand_over(1_800)
    crew.fills = (await crew.world.sell(), 0)
    await crew.mark(FillMark.TEST, alone=MarkedAlone(9, 900_0000))
    assert await crew.world.kinds() == ["cash_without_crew", "fill_marked"]


async def test_fills_of_nobody_that_a_shift_owes_are_not_marked_alone(
    crew: Crew,
) -> None:
    """Given to a shift, each would be beside its bounds."""
    await crew.hand_over(1_800)
    crew.fills = (await crew.world.sell(), 0)
    shift_no = await crew.world.on_duty("1")
    await crew.world.mark(crew.fills[0], FillMark.CASH, shift_no)
    await crew.mark(FillMark.DRIVE_OFF, alone=MarkedAlone(9, 900_0000))
    assert "fill_marked" in await crew.world.kinds()
    await crew.world.off_duty(shift_no)
    with pytest.raises(MarksUnseen):
        await crew.world.hand_over(shift_no, cash=0)


async def test_gas_of_a_test_that_did_not_go_back_is_a_loss(crew: Crew) -> None:
    """Sold, and paid by an account of its own; one that went back is no sale."""
    await crew.mark(FillMark.TEST_LOST, second="02")
    await crew.mark(FillMark.TEST, second="02", fill=1)
    accounts = await crew.world.accounts()
    assert accounts == {"expense:test_gas": 900, "income:gas": -900}


async def test_the_row_and_the_slip_say_it_in_words(crew: Crew) -> None:
    """Which fill, who marked it, who looked."""
    await crew.mark(FillMark.TEST_LOST)
    (row,) = await crew.world.db.read(findings.open_findings)
    facts = {fact.name: fact.value for fact in finding_row(row).facts}
    assert (facts["operator"], facts["mark"]) == ("01", "test, gas lost")
    assert (facts["amount"], facts["number"]) == ("9.00", "1")
    await crew.explain(SECOND)
    receipt = await crew.hand_over(900)
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 32, two_copies=False)
    use_language("en")
    (slip,) = slips(replace(receipt, originals=1), paper)
    printed = [line.text.split() for line in render(slip, 32)]
    assert ["test,", "gas", "lost", "1", "fills", "9.00"] in printed
    assert ["Confirmed", "by", "02"] in printed


def _told(receipt: Receipt) -> list[tuple[str, int, int, list[str]]]:
    return [
        (each["mark"], each["fills"], each["alone"], each["by"])
        for each in receipt.content["nobody"]
    ]


async def test_fills_of_nobody_stand_on_one_slip_and_again_if_they_change(
    crew: Crew,
) -> None:
    """Marked or not yet; those that the shift owes; then no more until one changes."""
    assert _told(await crew.hand_over(1_800)) == []
    world = crew.world
    crew.fills = (await world.sell(), await world.sell())
    paid = await world.sell()
    shift_no = await world.on_duty("1")
    await crew.mark(FillMark.DRIVE_OFF, second="02")
    await world.mark(paid, FillMark.CASH, shift_no)
    await world.off_duty(shift_no)
    receipt = await world.hand_over(shift_no, cash=900)
    assert _told(receipt) == [
        ("", 1, 0, []), ("cash", 1, 0, []), ("drive_off", 1, 0, ["02"])
    ]  # fmt: skip
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 32, two_copies=False)
    use_language("en")
    (slip,) = slips(replace(receipt, originals=1), paper)
    printed = [line.text.split() for line in render(slip, 32)]
    at = printed.index(["Nobody", "on", "duty", "3", "fills"])
    assert printed[at + 1 : at + 5] == [
        ["not", "marked", "yet", "1", "fills", "9.00"],
        ["cash", "1", "fills", "9.00"],
        ["driven", "off", "1", "fills", "9.00"],
        ["Confirmed", "by", "02"],
    ]
    shift_no = await world.on_duty("2")
    await crew.mark(FillMark.TEST, fill=1)
    await world.off_duty(shift_no)
    assert _told(await world.hand_over(shift_no)) == [("test", 1, 1, [])]
    shift_no = await world.on_duty("1")
    await world.off_duty(shift_no)
    assert _told(await world.hand_over(shift_no)) == []


async def test_what_another_open_shift_owes_stands_on_its_own_slip(crew: Crew) -> None:
    """A handover meanwhile neither takes it nor hides it."""
    await crew.hand_over(1_800)
    world = crew.world
    paid = await world.sell()
    first = await world.on_duty("1", (ONE,))
    other = await world.on_duty("2", (TWO,))
    await world.mark(paid, FillMark.CASH, first)
    await world.off_duty(other)
    assert _told(await world.hand_over(other)) == []
    await world.off_duty(first)
    assert _told(await world.hand_over(first, cash=900)) == [("cash", 1, 0, [])]


async def test_a_right_that_is_gone_signs_nothing(crew: Crew) -> None:
    """Asked once more in the transaction: the mark is not made."""
    approved = await crew.approve("02", CASHIER, crew.fills[0])
    await crew.world.db.write(
        lambda tx: operators.change(tx, "02", role="junior", reason="moved")
    )
    order = MarkOrder("MARK-9", crew.fills[0], FillMark.TEST, "because")
    with pytest.raises(Refusal):
        await crew.world.db.write(
            lambda tx: mark_fill(
                tx, order, CASHIER, cut_off_minute=0, approved=approved
            )
        )
    assert (await crew.world.accounts())["crew:1:cash"] == 1_800


async def test_a_mark_that_was_taken_back_counts_anew(crew: Crew) -> None:
    """Marked, marked as cash and marked again: the bound is the same as before."""
    one = MarkedAlone(1, 100_0000)
    await crew.mark(FillMark.DRIVE_OFF, alone=one)
    await crew.mark(FillMark.DRIVE_OFF, alone=one, fill=1)
    await crew.mark(FillMark.CASH, alone=one, fill=1)
    assert await crew.world.kinds() == []
    await crew.mark(FillMark.DRIVE_OFF, alone=one, fill=1)
    assert await crew.world.kinds() == ["fill_marked"]
    with pytest.raises(MarksUnseen):
        await crew.hand_over(0)
    await crew.explain(SECOND)
    slip = await crew.hand_over(0)
    (told,) = slip.content["marks"]
    assert (told["fills"], told["alone"], told["by"]) == (2, 1, ["02"])


async def test_who_took_a_mark_back_has_not_confirmed_it(crew: Crew) -> None:
    """Left to one person at last, it is told as that on the slip."""
    await crew.mark(FillMark.DRIVE_OFF)
    await crew.mark(FillMark.CASH)
    await crew.mark(FillMark.DRIVE_OFF, alone=MarkedAlone(1, 100_0000))
    assert await crew.world.kinds() == []
    slip = await crew.hand_over(9)
    (told,) = slip.content["marks"]
    assert (told["alone"], told["by"]) == (1, [])
