"""What others do to a staff card while it is being written."""

from typing import Any

import pytest

from cngstation.drivers.staff_card import StaffReading
from cngstation.services.keep_operators import add_operator
from cngstation.services.keep_staff_cards import EndedWhileWritten
from cngstation.services.read_staff_card import NotStaffCard
from cngstation.services.watch_reader import BorrowedForStaff
from tests.small_station import CASHIER, somebody
from tests.unit.services.gate_door import RIGHT, Door
from tests.unit.services.test_second_step import CHIEF, Desk, needs


async def test_a_card_ended_while_it_is_written_stays_ended(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ends it before it is written is not overruled by the writing."""
    chief = somebody("02", login_name="chief", role="administrator")
    await add_operator(door.db, door.passwords, chief, RIGHT, CASHIER)
    desk = Desk(door)
    needs(desk, door.gate, "all")
    real = BorrowedForStaff.issue_staff

    async def issue(port: BorrowedForStaff, *given: Any) -> StaffReading:
        await desk.cards.end("00000001", "withdrawn", "he left", CHIEF)
        return await real(port, *given)

    monkeypatch.setattr(BorrowedForStaff, "issue_staff", issue)
    with pytest.raises(EndedWhileWritten):
        await desk.cards.issue("01", CHIEF)
    assert (await desk.card()).state == "withdrawn"
    await desk.refused(NotStaffCard)
