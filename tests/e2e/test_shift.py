"""A shift at real daemons: on duty by a staff card, checked, handed over, proved."""

from pathlib import Path

from ulid import ULID

from cngstation.rpc.contract import shifts as contract
from cngstation.rpc.contract.till import TenderCount
from cngstation.rpc.session import Nothing
from cngstation.services.verify_books import verify_file
from tests.e2e.live_station import (
    daemons,
    forecourt_screen,
    guns_at,
    prepared_station,
    query,
    until,
)

STAFF = "12"
READ_S = 60
_DUTIES = "SELECT * FROM duty_record"
_READINGS = "SELECT moment, source FROM shift_reading ORDER BY seq"


async def test_a_shift_from_the_staff_card_to_the_slip(tmp_path: Path) -> None:
    """The dispenser's duty opens it; the next crew goes on at the same figures."""
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "forecourt"),
        forecourt_screen(station) as screen,
        guns_at(station.nozzles[4]) as (gun,),
    ):
        link = screen.client
        for crew_no, name in (("1", "甲班"), ("2", "乙班")):
            crew = contract.CrewDraft(crew_no=crew_no, name=name)
            await link.call(contract.CREW_WRITE, crew)
        staff = contract.StaffDraft(card_no=STAFF, crew_no="1", name="Li")
        await link.call(contract.CREW_STAFF, staff)
        await gun.do("off_duty")
        await gun.do("on_duty", employee_card=STAFF.rjust(16, "0"), shift=1)
        await gun.do("parameter", parameter=7, decimals=2, before=398, after=99)
        await until(lambda: len(query(station, _DUTIES)) == 2, "two duties")
        await until(
            lambda: query(station, "SELECT * FROM parameter_change") != [], "a setting"
        )
        now = await link.call(contract.SHIFT_SHOW, Nothing())
        (shift,) = now.shifts
        assert shift.crew_no == "1"
        assert [n.nozzle_no for n in shift.nozzles] == [gun.nozzle_no]
        assert gun.nozzle_no not in now.free_nozzles
        request = contract.ShiftRequest(shift_no=shift.shift_no)
        checked = await link.call(contract.SHIFT_CHECK, request, timeout_s=READ_S)
        assert checked.shifts[0].differences == ()
        order = contract.HandoverOrder(
            act_id=str(ULID()),
            shift_no=shift.shift_no,
            counts=(TenderCount(tender="cash", counted_fen=0),),
            next_crew_no="2",
        )
        done = await link.call(contract.SHIFT_HAND_OVER, order, timeout_s=READ_S)
        again = await link.call(contract.SHIFT_HAND_OVER, order, timeout_s=READ_S)
        assert again == done
        now = await link.call(contract.SHIFT_SHOW, Nothing())
        assert [shift.crew_no for shift in now.shifts] == ["2"]
        past = await link.call(contract.SHIFT_LIST, contract.ShiftQuery(limit=5))
        assert [row.receipt_no for row in past.rows] == [done.receipt_no]
        sources = query(
            station, "SELECT moment, source FROM shift_reading ORDER BY seq"
        )
        assert [tuple(row.values()) for row in sources] == [
            ("on", "dispenser"),
            ("off", "meter"),
            ("on", "meter"),
        ]
    assert verify_file(station.database).first_bad is None
