"""The forms of a shift: on duty, off duty, handover, by force, a mark, a crew."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.figures import OpenRow
from cngstation.rpc.contract.shifts import (
    FILL_MARK,
    SHIFT_FORCE,
    SHIFT_HAND_OVER,
    SHIFT_OFF_DUTY,
    SHIFT_ON_DUTY,
    SHIFT_SETTLE,
    CashFillRow,
    DutyOrder,
    FillMarkOrder,
    HandoverDone,
    HandoverOrder,
    LeaveOrder,
    OpenShift,
    PastShift,
)
from cngstation.rpc.contract.till import TenderCount
from tui.act_form import ActForm
from tui.desk import Desk
from tui.figures import price_text
from tui.screens.explain_row import ExplainRowScreen
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import BOTH_PEOPLE, approval_of, hide_passwords
from tui.texts import filled
from tui.words import word

if TYPE_CHECKING:
    from tui.screens.shifts import ShiftsScreen

_READ_TIMEOUT_S = 60
_ON = mark("Crew {crew} is on duty.")
_OFF = mark("Shift {shift} has left its nozzles; its handover is due.")
_DONE = mark("Shift {shift} is handed over; receipt {receipt_no} is printed.")
_DIFFERS = mark(
    "Shift {shift} is handed over. {tender}: {amount} yuan {way}; it is a row now."
)
_BROUGHT = mark("What shift {shift} owed is in the till.")
_MARKED = mark("Fill {number} of nozzle {nozzle} is marked: {mark}.")
_YES = "y"
_LEAVE = Field("leave", mark("Leave those"), mark("y: unread nozzles too"), longest=1)
_NEXT = Field("next", mark("Next crew"), mark("its number, on duty at once"), longest=4)
_TENDERS = (
    Field("cash", mark("Counted cash"), mark("yuan, must be counted"), longest=12),
    Field("wechat", mark("WeChat"), mark("sum of its list"), longest=12),
    Field("alipay", mark("Alipay"), mark("sum of its list"), longest=12),
    Field("bank_card", mark("bank card"), mark("sum of the slips"), longest=12),
)
REASON = Field("reason", mark("Reason"), mark("must be filled in"), longest=60)
_MARKS = {
    "c": "cash", "t": "test", "k": "calibration", "l": "test_lost", "g": "company",
    "d": "drive_off", "w": "wechat", "a": "alipay", "b": "bank_card",
}  # fmt: skip


class NotANozzle(StationError):
    """What was typed is no list of nozzles."""

    code = "tui.not_a_nozzle"
    text = "{typed} is no list of nozzle numbers. Nothing was done."


class NotAMark(StationError):
    """The letter stands for nothing that a fill can be."""

    code = "tui.not_a_mark"
    text = "{typed} is no letter of the list. Nothing was done."


class ShiftForm(ActForm):
    """Goes back to the shifts once it is saved."""

    def __init__(self, desk: Desk, shifts: "ShiftsScreen") -> None:
        super().__init__(desk)
        self._shifts = shifts
        # The list behind may come anew while the form is filled in.
        self._opened_for = shifts.shift

    def leave_saved(self, done: str) -> None:
        """Say at the shifts what was done."""
        self.station_app.back_to(self._shifts)
        self._shifts.came_back(done)

    @property
    def _shift(self) -> OpenShift:
        shift = self._opened_for
        assert shift is not None, "forms of a shift are opened for one"
        return shift

    def _counts(self) -> tuple[TenderCount, ...]:
        return tuple(
            TenderCount(tender=field.name, counted_fen=self.fen(field.name))
            for field in _TENDERS
            if self.value(field.name)
        )


class ExplainDifferenceScreen(ExplainRowScreen):
    """Explains a difference and goes back to the shifts."""

    def __init__(self, desk: Desk, row: OpenRow, shifts: "ShiftsScreen") -> None:
        super().__init__(desk, row)
        self._shifts = shifts

    def leave_saved(self, done: str) -> None:
        """Say at the shifts what was done."""
        self.station_app.back_to(self._shifts)
        self._shifts.came_back(done)


class OnDutyScreen(ShiftForm):
    """Crew and nozzles."""

    TITLE_TEXT = mark("Go on duty")
    HELP = mark(
        "Type the number of the crew; without nozzles it takes over all at which "
        "nobody is. Each is taken over with what its totaliser says now."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("crew", mark("Crew"), mark("its number"), longest=4),
        Field("nozzles", mark("Nozzles"), mark("1 2 3; empty: all free ones")),
    )

    async def save(self) -> str:
        """Put the crew on duty."""
        crew, typed = self.value("crew"), self.value("nozzles")
        numbers = re.split(r"[ ,;]+", typed) if typed else []
        if not all(n.isascii() and n.isdigit() and int(n) for n in numbers):
            raise NotANozzle(typed=clean(typed))
        order = DutyOrder(crew_no=crew, nozzles=tuple(map(int, numbers)))
        link = self.desk.link
        await link.call(SHIFT_ON_DUTY, order, timeout_s=_READ_TIMEOUT_S)
        return filled(_ON, crew=crew)


class OffDutyScreen(ShiftForm):
    """Leaves the nozzles; the handover comes later."""

    TITLE_TEXT = mark("Go off duty")
    HELP = mark(
        "Enter leaves every nozzle that is at rest with what its totaliser says. A "
        "nozzle that fills or is off line stays, unless y leaves it with what the "
        "books have: what runs there belongs to the shift in which it ends."
    )
    FIELDS: ClassVar[Sequence[Field]] = (_LEAVE,)

    async def save(self) -> str:
        """Leave."""
        number = self._shift.shift_no
        leave = self.value("leave").lower() == _YES
        order = LeaveOrder(shift_no=number, leave_unread=leave)
        link = self.desk.link
        await link.call(SHIFT_OFF_DUTY, order, timeout_s=_READ_TIMEOUT_S)
        return filled(_OFF, shift=number)


class HandOverScreen(ShiftForm):
    """Counts by way of paying; who comes next."""

    TITLE_TEXT = mark("Hand the shift over")
    HELP = mark(
        "Count the cash and type it; the sums of other ways of paying if fills were "
        "marked with them. Enter on the cash alone hands over at once. What is over "
        "or short is a row for the manager. The next crew goes on duty at the same "
        "figures."
    )
    FIELDS: ClassVar[Sequence[Field]] = (*_TENDERS, _NEXT, _LEAVE)

    def action_next_field(self) -> None:
        """Enter on the counted cash hands over; arrows go to the other fields."""
        focused = self.focused
        if focused is not None and focused.id == "cash" and self.value("cash"):
            self.action_save()
        else:
            super().action_next_field()

    async def save(self) -> str:
        """Hand over."""
        self.typed_fen("cash")
        order = HandoverOrder(
            act_id=self.act_id,
            shift_no=self._shift.shift_no,
            counts=self._counts(),
            leave_unread=self.value("leave").lower() == _YES,
            next_crew_no=self.value("next"),
        )
        link = self.desk.link
        done = await link.call(SHIFT_HAND_OVER, order, timeout_s=_READ_TIMEOUT_S)
        return _handed_over(done)


class ForceScreen(ShiftForm):
    """Closes the shift of a crew that is away."""

    TITLE_TEXT = mark("Close the shift by force")
    HELP = mark(
        "For a crew that is away: give the reason. Nozzles that cannot be read are "
        "left with what the books have. What is not counted here stays owed by the "
        "crew, under a row, until it is brought."
    )
    FIELDS: ClassVar[Sequence[Field]] = (REASON, *_TENDERS)

    async def save(self) -> str:
        """Close it."""
        order = HandoverOrder(
            act_id=self.act_id,
            shift_no=self._shift.shift_no,
            counts=self._counts(),
            reason=self.value("reason"),
        )
        link = self.desk.link
        done = await link.call(SHIFT_FORCE, order, timeout_s=_READ_TIMEOUT_S)
        return _handed_over(done)


def _handed_over(done: HandoverDone) -> str:
    for count in done.counts:
        if count.over_e4:
            way = mark("over") if count.over_e4 > 0 else mark("short")
            return filled(
                _DIFFERS,
                shift=done.shift_no,
                tender=word(count.tender),
                amount=price_text(abs(count.over_e4)),
                way=way,
            )
    return filled(_DONE, shift=done.shift_no, receipt_no=done.receipt_no)


class SettleScreen(ShiftForm):
    """Takes what an ended shift still owes."""

    TITLE_TEXT = mark("Bring what a shift owes")
    HELP = mark("Count what the crew brings; what is over or short is a row.")
    FIELDS: ClassVar[Sequence[Field]] = _TENDERS

    def __init__(self, desk: Desk, shifts: "ShiftsScreen", past: PastShift) -> None:
        super().__init__(desk, shifts)
        self._past = past

    async def save(self) -> str:
        """Take it."""
        self.typed_fen("cash")
        number = self._past.shift_no
        order = HandoverOrder(
            act_id=self.act_id, shift_no=number, counts=self._counts()
        )
        await self.desk.link.call(SHIFT_SETTLE, order)
        return filled(_BROUGHT, shift=number)


class MarkFillScreen(ShiftForm):
    """Says what a fill without a card was."""

    TITLE_TEXT = mark("Mark a fill without a card")
    HELP = mark(
        "c cash, t test, k calibration, l a test whose gas did not go back, g a "
        "company owes it, d the driver left without paying, w WeChat, a Alipay, b "
        "bank card. The fill stays as it came; a correcting entry moves its money. "
        "What brings no money a second operator signs here, or closes its row later."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("mark", mark("What it was"), mark("c t k l g d w a b"), longest=1),
        REASON,
        Field("company", mark("Company"), mark("its number, with g"), longest=8),
        Field("shift", mark("Shift"), mark("that owes a fill of nobody's"), longest=9),
        *BOTH_PEOPLE,
    )

    def __init__(self, desk: Desk, shifts: "ShiftsScreen", row: CashFillRow) -> None:
        super().__init__(desk, shifts)
        self._row = row

    def on_mount(self) -> None:
        """Hide what is secret."""
        hide_passwords(self)

    async def save(self) -> str:
        """Mark it."""
        typed, shift = self.value("mark").lower(), self.value("shift")
        name = _MARKS.get(typed)
        if name is None or not (shift or "0").isdecimal():
            raise NotAMark(typed=clean(typed or shift) or _("nothing"))
        order = FillMarkOrder(
            act_id=self.act_id,
            seq=self._row.seq,
            mark=name,
            reason=self.value("reason"),
            company_no=self.value("company"),
            shift_no=int(shift or 0),
            approval=approval_of(self),
        )
        row = await self.desk.link.call(FILL_MARK, order)
        return filled(
            _MARKED, number=row.device_seq, nozzle=row.nozzle_no, mark=word(name)
        )


__all__ = [
    "ExplainDifferenceScreen", "ForceScreen", "FormScreen",
    "HandOverScreen", "MarkFillScreen", "OffDutyScreen", "OnDutyScreen",
    "SettleScreen", "ShiftForm",
]  # fmt: skip
