"""The desk of the shifts, as the screen asks it: meters first, then one commit."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cngstation.errors import DeviceTimeout
from cngstation.protocols.dispenser.canonical import Totals
from cngstation.rpc.contract import shifts as contract
from cngstation.rpc.contract.shifts import ShiftQuery
from cngstation.rpc.contract.till import TenderCount
from cngstation.rpc.session import Nothing
from cngstation.services import read_meter
from cngstation.services.answer_shifts import ShiftAnswers, UnknownMark
from cngstation.services.approve import Approvals, ReasonMissing
from cngstation.services.change_duty import (
    Meter,
    NobodyOnDuty,
    NoSuchCrew,
    NozzleTaken,
    NozzleUnknown,
)
from cngstation.services.hand_over_shift import NozzlesOnDuty, Unexplained
from cngstation.services.keep_shifts import NoSuchNozzle, ShiftDesk
from cngstation.services.read_meter import stable_meter
from cngstation.services.register_crews import CrewAtWork, NoSuchStaff
from cngstation.services.take_payment import UnknownTender
from cngstation.services.verify_books import verify_file
from cngstation.storage import crews, operators, shifts
from cngstation.storage.sales import NozzleKey
from tests.shift_world import BOTH, ONE, RULES, TWO, NoGate, ShiftWorld, shift_world
from tests.simulation.money_world import CALL
from tests.small_station import CASHIER, somebody

HOUR_MS = 3_600_000


@dataclass
class Line:
    """Meters of the world; some nozzles fill."""

    world: ShiftWorld
    filling: set[NozzleKey] = field(default_factory=set)

    async def meters(self, wanted: Sequence[NozzleKey]) -> dict[NozzleKey, Meter]:
        """Read what is at rest."""
        return {
            nozzle.key: self.world.meter(nozzle)
            for nozzle in BOTH
            if nozzle.key in wanted and nozzle.key not in self.filling
        }


@dataclass
class Station:
    """The world, its line, its desk and the answers of the socket."""

    world: ShiftWorld
    line: Line
    desk: ShiftDesk
    answers: ShiftAnswers

    async def now(self) -> contract.ShiftsNow:
        """Return what the screen shows."""
        return await self.answers.show(Nothing(), CALL)

    async def hand_over(
        self, shift_no: int, **changes: object
    ) -> contract.HandoverDone:
        """Hand over with 9.00 in cash."""
        given: dict[str, object] = {
            "act_id": f"HAND-{shift_no:04d}",
            "shift_no": shift_no,
            "counts": (TenderCount(tender="cash", counted_fen=900),),
            **changes,
        }
        return await self.answers.hand_over(contract.HandoverOrder(**given), CALL)  # type: ignore[arg-type]

    async def explain_all(self) -> None:
        """Explain every difference."""
        await self.world.explain_all()


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a station of two nozzles; at the end the books are proved."""
    path = tmp_path / "s.db"
    async with shift_world(path) as world:
        person = somebody("01", role="middle")
        await world.db.write(lambda tx: operators.add(tx, person))
        rules = replace(RULES, nozzles=tuple(nozzle.key for nozzle in BOTH))
        line = Line(world)
        desk = ShiftDesk(
            world.db, [line], rules, world.clock, open_hours=14, prints_wanted=1
        )
        yield Station(world, line, desk, ShiftAnswers(desk, Approvals(NoGate())))
    assert verify_file(path).first_bad is None


async def test_a_difference_is_looked_for_explained_and_handed_over(
    station: Station,
) -> None:
    """Refused, the crew is still on duty; done, the next one is, at the same figure."""
    world = station.world
    await station.answers.go_on_duty(contract.DutyOrder(crew_no="1"), CALL)
    await world.sell(ONE)
    world.total[TWO.key] = 500
    checked = await station.answers.check(contract.ShiftRequest(shift_no=1), CALL)
    (shift,) = checked.shifts
    assert [n.unexplained_milli for n in shift.nozzles] == [0, 500]
    assert len(shift.differences) == 1
    assert [n.handed_over_milli for n in shift.nozzles] == [None, None]
    with pytest.raises(Unexplained):
        await station.hand_over(1)
    assert (await station.now()).free_nozzles == ()
    await station.explain_all()
    done = await station.hand_over(1, next_crew_no="2")
    assert done.receipt_no == 1
    assert [(c.expected_e4, c.over_e4) for c in done.counts] == [(9_0000, 0)]
    (shift,) = (await station.now()).shifts
    assert (shift.shift_no, shift.crew_no) == (2, "2")
    assert [n.taken_over_milli for n in shift.nozzles] == [2_000, 500]
    assert await station.hand_over(1, next_crew_no="2") == done
    past = await station.answers.list_past(ShiftQuery(limit=10), CALL)
    (row,) = past.rows
    assert (row.receipt_no, row.fills, row.due_e4, row.owed_e4) == (1, 1, 9_0000, 0)


async def test_a_nozzle_that_fills_is_asked_for(station: Station) -> None:
    """Left to the next shift its fill belongs to that; otherwise nobody leaves."""
    world = station.world
    await station.answers.go_on_duty(contract.DutyOrder(crew_no="1"), CALL)
    await world.sell(ONE)
    station.line.filling = {TWO.key}
    with pytest.raises(NozzlesOnDuty):
        await station.hand_over(1)
    assert [s.shift_no for s in (await station.now()).shifts] == [1]
    await station.hand_over(1, leave_unread=True, next_crew_no="2")
    await world.sell(TWO)
    station.line.filling = set()
    await station.hand_over(2)
    past = await station.answers.list_past(ShiftQuery(limit=10), CALL)
    assert [(row.shift_no, row.due_e4) for row in past.rows] == [
        (2, 9_0000),
        (1, 9_0000),
    ]


async def test_off_duty_leaves_what_is_at_rest(station: Station) -> None:
    """The handover is due all the same; the nozzle that fills is named."""
    await station.answers.go_on_duty(contract.DutyOrder(crew_no="1"), CALL)
    station.line.filling = {TWO.key}
    with pytest.raises(NozzlesOnDuty) as said:
        await station.answers.go_off_duty(contract.LeaveOrder(shift_no=1), CALL)
    assert "Nozzles 2" in said.value.sentence()
    assert (await station.now()).free_nozzles == (1,)
    leave = contract.LeaveOrder(shift_no=1, leave_unread=True)
    assert (await station.answers.go_off_duty(leave, CALL)).free_nozzles == (1, 2)
    assert [s.shift_no for s in (await station.now()).shifts] == [1]


async def test_who_cannot_go_on_duty(station: Station) -> None:
    """Unknown crews and nozzles, taken ones, ones of which nothing is known."""
    desk = station.desk
    for crew_no in ("9", ""):
        with pytest.raises(NoSuchCrew):
            await desk.go_on_duty(crew_no, [], CASHIER)
    with pytest.raises(NoSuchNozzle):
        await desk.go_on_duty("1", [3], CASHIER)
    station.line.filling = {TWO.key}
    with pytest.raises(NozzleUnknown):
        await desk.go_on_duty("1", [2], CASHIER)
    station.line.filling = set()
    await desk.go_on_duty("1", [1, 1], CASHIER)
    with pytest.raises(NozzleTaken):
        await desk.go_on_duty("2", [1], CASHIER)
    await desk.go_on_duty("2", [], CASHIER)
    with pytest.raises(NobodyOnDuty):
        await desk.go_on_duty("2", [], CASHIER)
    assert (await station.now()).free_nozzles == ()


async def test_a_shift_open_for_too_long_is_a_row(station: Station) -> None:
    """Named once, shown, and closed with the shift, by force if need be."""
    await station.desk.go_on_duty("1", [], CASHIER)
    await station.desk.name_long_ones()
    assert await station.world.kinds() == []
    station.world.clock.forward(14 * HOUR_MS + 1)
    for _ in range(2):
        await station.desk.name_long_ones()
    assert await station.world.kinds() == ["shift_open_long"]
    (shift,) = (await station.now()).shifts
    assert shift.is_open_long
    order = contract.HandoverOrder(act_id="FORCE-001", shift_no=1, counts=())
    with pytest.raises(ReasonMissing):
        await station.answers.force(order, CALL)
    gone = order.model_copy(update={"reason": "ill"})
    await station.answers.force(gone, CALL)
    assert await station.world.kinds() == []


async def test_a_shift_handed_over_meanwhile_is_not_open_for_too_long(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing would ever close a row that is opened behind the handover."""
    await station.desk.go_on_duty("1", [], CASHIER)
    station.world.clock.forward(14 * HOUR_MS + 1)
    found = await station.world.db.read(shifts.open_shifts)
    await station.hand_over(1, counts=(TenderCount(tender="cash", counted_fen=0),))
    monkeypatch.setattr(shifts, "open_shifts", lambda _: found)
    await station.desk.name_long_ones()
    assert await station.world.kinds() == []


async def test_fills_without_a_card_are_listed_and_marked(station: Station) -> None:
    """By a word of the contract; nobody's fills are given to a shift."""
    alone = await station.world.sell(ONE)
    await station.desk.go_on_duty("1", [], CASHIER)
    own = await station.world.sell(ONE)
    mark = contract.FillMarkOrder(
        act_id="MARK-0001", seq=own, mark="test", reason="weights and measures"
    )
    row = await station.answers.mark(mark, CALL)
    assert (row.marked, row.shift_no) == ("test", 1)
    given = mark.model_copy(
        update={"act_id": "MARK-0002", "seq": alone, "mark": "cash", "shift_no": 1}
    )
    assert (await station.answers.mark(given, CALL)).shift_no == 1
    query = contract.FillQuery(shift_no=1, limit=10)
    found = await station.answers.list_fills(query, CALL)
    assert [row.seq for row in found.rows] == [own]
    odd = mark.model_copy(update={"act_id": "MARK-0003", "mark": "gift"})
    with pytest.raises(UnknownMark):
        await station.answers.mark(odd, CALL)
    with pytest.raises(UnknownTender):
        await station.hand_over(
            1, counts=(TenderCount(tender="cheque", counted_fen=1),)
        )


async def test_crews_and_their_cards_are_registered(station: Station) -> None:
    """A crew that there is is changed with a reason."""
    new = contract.CrewDraft(crew_no="3", name="丙班")
    now = await station.answers.write_crew(new, CALL)
    assert [crew.crew_no for crew in now.crews] == ["1", "2", "3"]
    with pytest.raises(ReasonMissing):
        await station.answers.write_crew(new, CALL)
    staff = contract.StaffDraft(card_no="0000077", crew_no="3", name="Li")
    now = await station.answers.write_staff(staff, CALL)
    assert now.crews[2].staff_cards == "77 Li"
    with pytest.raises(NoSuchCrew):
        await station.answers.write_staff(
            contract.StaffDraft(card_no="1", crew_no="9", name=""), CALL
        )


async def test_a_crew_works_no_more_and_again(station: Station) -> None:
    """Not while its shift is open; with a reason; then it goes on duty nowhere."""

    async def retire(crew_no: str, **changes: object) -> None:
        given = {"retired": True, "reason": "dissolved", **changes}
        draft = contract.CrewDraft(crew_no=crew_no, name="甲班", **given)  # type: ignore[arg-type]
        await station.answers.write_crew(draft, CALL)

    await station.answers.go_on_duty(contract.DutyOrder(crew_no="1"), CALL)
    with pytest.raises(CrewAtWork):
        await retire("1")
    with pytest.raises(ReasonMissing):
        await retire("2", reason="")
    await retire("2")
    assert (await station.now()).crews[1].retired
    await station.answers.go_off_duty(contract.LeaveOrder(shift_no=1), CALL)
    with pytest.raises(NoSuchCrew):
        await station.answers.go_on_duty(contract.DutyOrder(crew_no="2"), CALL)
    await retire("2", retired=False)
    await station.answers.go_on_duty(contract.DutyOrder(crew_no="2"), CALL)


async def test_a_staff_card_works_no_more(station: Station) -> None:
    """With a reason, and only one that the crew has; its holder's name stays."""
    staff = contract.StaffDraft(card_no="77", crew_no="1", name="Li")
    await station.answers.write_staff(staff, CALL)

    async def retire(reason: str, **changes: str) -> contract.ShiftsNow:
        draft = staff.model_copy(
            update={"retired": True, "name": "", "reason": reason, **changes}
        )
        return await station.answers.write_staff(draft, CALL)

    with pytest.raises(ReasonMissing):
        await retire("")
    with pytest.raises(NoSuchStaff):
        await retire("left", crew_no="2")
    with pytest.raises(NoSuchStaff):
        await retire("left", card_no="78")
    now = await retire("left")
    assert now.crews[0].staff_cards == ""
    kept = await station.world.db.read(lambda c: crews.staff_of(c, "77"))
    assert kept == crews.Staff("77", "1", "Li", 1)


@dataclass
class Meterless:
    """A line that answers as it is told."""

    answers: list[Totals | None]

    async def request_totals(self, gun: int) -> Totals:
        """Give the next answer."""
        answer = self.answers.pop(0)
        if answer is None:
            raise DeviceTimeout(device="gun", wait_ms=1)
        return answer


SEEN = Totals(7, 1_000, 2_000, 0, 0)


@pytest.mark.parametrize(
    ("answers", "rests", "read"),
    [
        ([SEEN, SEEN], [True, True], True),
        ([SEEN, replace(SEEN, gun_total_quantity_milli=1_001)], [True, True], False),
        ([SEEN, SEEN], [True, False], False),
        ([SEEN, SEEN], [False], False),
        ([SEEN, None], [True, True], False),
        ([None], [True], False),
    ],
)
async def test_a_meter_counts_when_it_says_the_same_twice_at_rest(
    monkeypatch: pytest.MonkeyPatch,
    answers: list[Totals | None],
    rests: list[bool],
    read: bool,
) -> None:
    """Read while gas flows, or once, a totaliser is not where it will stand."""
    monkeypatch.setattr(read_meter, "STABLE_MS", 1)
    line = Meterless(list(answers))
    at_rest = iter(rests)
    meter = await stable_meter(line, 1, ONE.key, lambda: next(at_rest))
    assert (meter is not None) is read
    if meter is not None:
        assert (meter.device_seq, meter.total_quantity_milli) == (7, 1_000)
