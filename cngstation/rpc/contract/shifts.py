"""Crews and shifts: on duty, differences, handover, fills without a card."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_ROWS, Facts, IntentId, Word
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.contract.till import TenderCount, TillCount
from cngstation.rpc.method import LOGGED_IN, Line, Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_NOZZLES, MOST_SHIFTS, MOST_CREWS = 64, 64, 100
ShiftNo = Annotated[int, Field(ge=0, le=10**9)]
Day = Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
NozzleNo = Annotated[int, Field(ge=1, le=MOST_NOZZLES)]
Counts = Annotated[tuple[TenderCount, ...], Field(max_length=20)]


class CrewRow(Message):
    """A crew and the staff cards that are its own, as one text."""

    crew_no: Word
    name: Line
    retired: bool
    staff_cards: Text


class CrewDraft(Message):
    """A crew as it is to be; one that there is is changed, with a reason."""

    crew_no: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")]
    name: Line
    retired: bool = False
    reason: Text = ""


class StaffDraft(Message):
    """In which crew a staff card works from now on; retired, with a reason, in none."""

    card_no: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
    crew_no: Word
    name: Line
    retired: bool = False
    reason: Text = ""


class ShiftNozzle(Message):
    """A nozzle in a shift; what is handed over is None while the crew is at it.

    Money that is not told before it is counted is None, and so is what it was for.
    `alone_milli` was sold while nobody was on duty before.
    """

    nozzle_no: int
    staff_card: Word
    unit: Word
    since_ms: int
    until_ms: int | None
    fills: int
    price_e4: int
    quantity_milli: int
    amount_e4: int | None
    taken_over_milli: int
    taken_over_e4: int
    handed_over_milli: int | None
    handed_over_e4: int | None
    card_milli: int | None
    card_e4: int | None
    cash_milli: int | None
    cash_e4: int | None
    other_milli: int | None
    other_e4: int | None
    alone_milli: int
    test_milli: int
    unexplained_milli: int
    unexplained_e4: int


class Difference(Message):
    """What a totaliser moved without a fill, for somebody to explain."""

    row_id: Word
    text: Text
    facts: Facts
    at_ms: int


class OpenShift(Message):
    """A shift that is not handed over; money is not told before it is counted."""

    shift_no: int
    crew_no: Word
    crew_name: Line
    business_day: Word
    since_ms: int
    is_open_long: bool
    nozzles: Annotated[tuple[ShiftNozzle, ...], Field(max_length=MOST_NOZZLES)]
    differences: Annotated[tuple[Difference, ...], Field(max_length=MOST_ROWS)]


class ShiftsNow(Message):
    """The open shifts, the crews, and the nozzles at which nobody is on duty."""

    shifts: Annotated[tuple[OpenShift, ...], Field(max_length=MOST_SHIFTS)]
    crews: Annotated[tuple[CrewRow, ...], Field(max_length=MOST_CREWS)]
    free_nozzles: Annotated[tuple[int, ...], Field(max_length=MOST_NOZZLES)]


class DutyOrder(Message):
    """A crew goes on duty; without nozzles at all that are free."""

    crew_no: Word
    nozzles: Annotated[tuple[NozzleNo, ...], Field(max_length=MOST_NOZZLES)] = ()


class LeaveOrder(Message):
    """A crew leaves its nozzles; unread ones too, with what the books have."""

    shift_no: ShiftNo
    leave_unread: bool = False


class ShiftRequest(Message):
    """Which shift is meant."""

    shift_no: ShiftNo


class HandoverOrder(Message):
    """What was counted; a repeat has the same `act_id` and changes nothing."""

    act_id: IntentId
    shift_no: ShiftNo
    counts: Counts
    leave_unread: bool = False
    next_crew_no: Word = ""
    reason: Text = ""


class HandoverDone(Message):
    """A handover that is in the books, and its slip."""

    shift_no: int
    receipt_no: int
    counts: Annotated[tuple[TillCount, ...], Field(max_length=20)]


class PastShift(Message):
    """An ended shift; sums in 1/10 000 yuan, `owed_e4` is what it still owes."""

    shift_no: int
    crew_no: Word
    crew_name: Line
    business_day: Word
    since_ms: int
    ended_ms: int
    how: Word
    receipt_no: int
    fills: int
    due_e4: int
    counted_e4: int
    over_e4: int
    owed_e4: int


class PastShifts(Message):
    """Ended shifts, newest first; `next_no` is where the next page goes on, 0: none."""

    rows: Annotated[tuple[PastShift, ...], Field(max_length=MOST_ROWS)]
    next_no: int = 0


class ShiftQuery(Message):
    """Ended shifts before a number (0: the newest), of a crew, of some business days.

    An empty crew is any; days are YYYY-MM-DD, both included, empty: no end.
    """

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    before_no: ShiftNo = 0
    crew_no: Word = ""
    first_day: Day = ""
    last_day: Day = ""


class ShiftSheet(Message):
    """The nozzles of a shift: of an ended one as its slip has them."""

    shift: PastShift
    nozzles: Annotated[tuple[ShiftNozzle, ...], Field(max_length=MOST_NOZZLES)]


class FillQuery(Message):
    """Fills without a card of a shift, of nobody's for 0, before one (0: the newest).

    Of one nozzle or, for 0, of any; all, or those that nobody has marked.
    """

    shift_no: ShiftNo
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    before_seq: Annotated[int, Field(ge=0)] = 0
    nozzle_no: Annotated[int, Field(ge=0, le=MOST_NOZZLES)] = 0
    only_unmarked: bool = False


class CashFillRow(Message):
    """A fill without a card and what it was marked as; empty is cash.

    `waits` says that a second person has to look at the mark. `amount_e4` is None where
    a blind count of it is still to come.
    """

    seq: int
    at_ms: int
    shift_no: int
    nozzle_no: int
    device_seq: int
    unit: Word
    quantity_milli: int
    amount_e4: int | None
    marked: Word
    reason: Text
    waits: bool = False


class CashFillRows(Message):
    """Fills without a card, newest first; `next_seq` is where it goes on, 0: none."""

    rows: Annotated[tuple[CashFillRow, ...], Field(max_length=MOST_ROWS)]
    next_seq: int = 0


class FillMarkOrder(Message):
    """What a fill is; `shift_no` is the shift that is to owe a fill of nobody's.

    A mark that brings no money takes a second person, at once or afterwards.
    """

    act_id: IntentId
    seq: int
    mark: Word
    reason: Text
    company_no: Word = ""
    shift_no: ShiftNo = 0
    approval: Approval | None = None


SHIFT_SHOW = Method("shift.show", Nothing, ShiftsNow, LOGGED_IN, changes=False)
SHIFT_ON_DUTY = Method(
    "shift.on_duty", DutyOrder, ShiftsNow, "shift.keep", changes=True
)
SHIFT_OFF_DUTY = Method(
    "shift.off_duty", LeaveOrder, ShiftsNow, "shift.keep", changes=True
)
SHIFT_CHECK = Method("shift.check", ShiftRequest, ShiftsNow, "shift.keep", changes=True)
SHIFT_HAND_OVER = Method(
    "shift.hand_over", HandoverOrder, HandoverDone, "shift.keep", changes=True
)
SHIFT_FORCE = Method(
    "shift.force", HandoverOrder, HandoverDone, "shift.force", changes=True
)
SHIFT_SETTLE = Method(
    "shift.settle", HandoverOrder, PastShifts, "shift.keep", changes=True
)
SHIFT_LIST = Method("shift.list", ShiftQuery, PastShifts, LOGGED_IN, changes=False)
SHIFT_SHEET = Method("shift.sheet", ShiftRequest, ShiftSheet, LOGGED_IN, changes=False)
FILL_LIST = Method("fill.list", FillQuery, CashFillRows, LOGGED_IN, changes=False)
FILL_MARK = Method("fill.mark", FillMarkOrder, CashFillRow, "fill.mark", changes=True)
CREW_WRITE = Method("crew.write", CrewDraft, ShiftsNow, "crew.write", changes=True)
CREW_STAFF = Method("crew.staff", StaffDraft, ShiftsNow, "crew.write", changes=True)

SHIFT_METHODS = (
    SHIFT_SHOW,
    SHIFT_ON_DUTY,
    SHIFT_OFF_DUTY,
    SHIFT_CHECK,
    SHIFT_HAND_OVER,
    SHIFT_FORCE,
    SHIFT_SETTLE,
    SHIFT_LIST,
    SHIFT_SHEET,
    FILL_LIST,
    FILL_MARK,
    CREW_WRITE,
    CREW_STAFF,
)
