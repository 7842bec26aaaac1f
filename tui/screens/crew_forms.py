"""The forms of crews: registered, changed, retired, taken back; their staff cards."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from cngstation.language import mark
from cngstation.rpc.contract.shifts import (
    CREW_STAFF,
    CREW_WRITE,
    CrewDraft,
    CrewRow,
    StaffDraft,
)
from tui.desk import Desk
from tui.screens.form_screen import Field
from tui.screens.shift_forms import REASON, ShiftForm
from tui.texts import filled

if TYPE_CHECKING:
    from tui.screens.shifts import ShiftsScreen

_CREW = mark("Crew {crew} is registered.")
_STAFF = mark("Staff card {card} works in crew {crew}.")
_RETIRED = mark("Crew {crew} works no more.")
_BACK = mark("Crew {crew} works again.")
_STAFF_RETIRED = mark("Staff card {card} works no more.")


class CrewScreen(ShiftForm):
    """Registers a crew, or changes one with a reason."""

    TITLE_TEXT = mark("Crew")
    HELP = mark("A number and a name; one that there is is changed, with a reason.")
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("crew", mark("Crew"), mark("its number"), longest=4),
        Field("name", mark("Name")),
        Field("reason", mark("Reason"), mark("where it is changed"), longest=60),
    )

    async def save(self) -> str:
        """Register it."""
        draft = CrewDraft(
            crew_no=self.value("crew"),
            name=self.value("name"),
            reason=self.value("reason"),
        )
        await self.desk.link.call(CREW_WRITE, draft)
        return filled(_CREW, crew=draft.crew_no)


class StaffScreen(ShiftForm):
    """Says in which crew a staff card works."""

    TITLE_TEXT = mark("Staff card of a crew")
    HELP = mark("The number as the dispenser shows it; leading zeros do not matter.")
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("card", mark("Staff card"), mark("its number"), longest=20),
        Field("crew", mark("Crew"), mark("its number"), longest=4),
        Field("name", mark("Holder")),
    )

    async def save(self) -> str:
        """Put it into the crew."""
        draft = StaffDraft(
            card_no=self.value("card"),
            crew_no=self.value("crew"),
            name=self.value("name"),
        )
        await self.desk.link.call(CREW_STAFF, draft)
        return filled(_STAFF, card=draft.card_no, crew=draft.crew_no)


class RetireCrewScreen(ShiftForm):
    """Says that a crew works no more, or works again."""

    TITLE_TEXT = mark("Crew works no more, or again")
    HELP = mark(
        "Write down why. A crew that works no more goes on duty nowhere, and neither "
        "do its staff cards; its shifts stay. The same key takes it back."
    )
    FIELDS: ClassVar[Sequence[Field]] = (REASON,)

    def __init__(self, desk: Desk, shifts: "ShiftsScreen", row: CrewRow) -> None:
        super().__init__(desk, shifts)
        self._row = row

    async def save(self) -> str:
        """Retire it, or take it back."""
        retired = not self._row.retired
        draft = CrewDraft(
            crew_no=self._row.crew_no,
            name=self._row.name,
            retired=retired,
            reason=self.value("reason"),
        )
        await self.desk.link.call(CREW_WRITE, draft)
        return filled(_RETIRED if retired else _BACK, crew=draft.crew_no)


class RetireStaffScreen(ShiftForm):
    """Says that a staff card of a crew works no more."""

    TITLE_TEXT = mark("Staff card works no more")
    HELP = mark(
        "The number of the card and why. Going on duty with it is a row from then on; "
        "the key for staff cards takes it back."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("card", mark("Staff card"), mark("its number"), longest=20),
        REASON,
    )

    def __init__(self, desk: Desk, shifts: "ShiftsScreen", row: CrewRow) -> None:
        super().__init__(desk, shifts)
        self._row = row

    async def save(self) -> str:
        """Retire it."""
        draft = StaffDraft(
            card_no=self.value("card"),
            crew_no=self._row.crew_no,
            name="",
            retired=True,
            reason=self.value("reason"),
        )
        await self.desk.link.call(CREW_STAFF, draft)
        return filled(_STAFF_RETIRED, card=draft.card_no)
