"""Answers for crews and shifts: show, on duty, off duty, handover, marks of fills."""

from collections.abc import Mapping, Sequence
from typing import Any

from cngstation.domain.fill_marks import CREW_TENDERS, FillMark
from cngstation.domain.tenders import Tender
from cngstation.errors import Refusal
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import shifts as contract
from cngstation.rpc.contract.till import TenderCount, TillCount
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import register_crews
from cngstation.services.answer_marks import approval_of
from cngstation.services.approve import Approvals
from cngstation.services.confirm_marks import wish_of
from cngstation.services.count_blind import is_counted, note_looking
from cngstation.services.counter_parts import actor_of
from cngstation.services.hand_over_shift import Handover
from cngstation.services.keep_shifts import Leaving, ShiftDesk
from cngstation.services.mark_fill import MarkOrder
from cngstation.services.show_shifts import (
    cash_fill_page,
    cash_fill_row,
    past_sheet,
    past_shifts,
    shifts_now,
)
from cngstation.services.take_payment import UnknownTender
from cngstation.storage import receipts
from cngstation.units import Money


class UnknownMark(Refusal):
    """A fill cannot be marked as that."""

    code = "refusal.unknown_mark"
    text = "{mark} is nothing that a fill can be. Nothing was done."


class ShiftAnswers:
    """Answers for crews and shifts."""

    def __init__(self, desk: ShiftDesk, approvals: Approvals) -> None:
        self._desk = desk
        self._approvals = approvals

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.SHIFT_SHOW, self.show)
        made.add(contract.SHIFT_ON_DUTY, self.go_on_duty)
        made.add(contract.SHIFT_OFF_DUTY, self.go_off_duty)
        made.add(contract.SHIFT_CHECK, self.check)
        made.add(contract.SHIFT_HAND_OVER, self.hand_over)
        made.add(contract.SHIFT_FORCE, self.force)
        made.add(contract.SHIFT_SETTLE, self.settle)
        made.add(contract.SHIFT_LIST, self.list_past)
        made.add(contract.SHIFT_SHEET, self.sheet)
        made.add(contract.FILL_LIST, self.list_fills)
        made.add(contract.FILL_MARK, self.mark)
        made.add(contract.CREW_WRITE, self.write_crew)
        made.add(contract.CREW_STAFF, self.write_staff)

    async def show(self, _: Nothing, call: CallContext) -> contract.ShiftsNow:
        """Say who is on duty."""
        return await self._desk.database.read(
            lambda connection: shifts_now(connection, self._desk)
        )

    async def go_on_duty(
        self, request: contract.DutyOrder, call: CallContext
    ) -> contract.ShiftsNow:
        """Put a crew on duty."""
        actor = actor_of(call)
        await self._desk.go_on_duty(request.crew_no, request.nozzles, actor)
        return await self.show(Nothing(), call)

    async def go_off_duty(
        self, request: contract.LeaveOrder, call: CallContext
    ) -> contract.ShiftsNow:
        """Let a crew leave."""
        await self._desk.go_off_duty(
            request.shift_no, actor_of(call), leave_unread=request.leave_unread
        )
        return await self.show(Nothing(), call)

    async def check(
        self, request: contract.ShiftRequest, call: CallContext
    ) -> contract.ShiftsNow:
        """Look for differences."""
        await self._desk.check(request.shift_no)
        return await self.show(Nothing(), call)

    async def hand_over(
        self, request: contract.HandoverOrder, call: CallContext
    ) -> contract.HandoverDone:
        """Hand a shift over."""
        return await self._hand_over(request, call, is_forced=False)

    async def force(
        self, request: contract.HandoverOrder, call: CallContext
    ) -> contract.HandoverDone:
        """Close the shift of a crew that is away."""
        return await self._hand_over(request, call, is_forced=True)

    async def _hand_over(
        self, request: contract.HandoverOrder, call: CallContext, *, is_forced: bool
    ) -> contract.HandoverDone:
        order = Handover(
            act_id=request.act_id,
            shift_no=request.shift_no,
            counted=_counted(request.counts),
            is_forced=is_forced,
            reason=request.reason,
        )
        leaving = Leaving(order, request.leave_unread, request.next_crew_no)
        number = await self._desk.hand_over(leaving, actor_of(call))
        made = await self._desk.database.read(lambda c: receipts.find(c, number))
        kept = made.content["counts"] if made else ()
        return contract.HandoverDone(
            shift_no=request.shift_no,
            receipt_no=number,
            counts=tuple(_till_count(count) for count in kept),
        )

    async def settle(
        self, request: contract.HandoverOrder, call: CallContext
    ) -> contract.PastShifts:
        """Take what an ended shift owes."""
        counted = _counted(request.counts)
        order = Handover(request.act_id, request.shift_no, counted)
        await self._desk.settle(order, actor_of(call))
        return await self.list_past(contract.ShiftQuery(limit=1), call)

    async def list_past(
        self, request: contract.ShiftQuery, call: CallContext
    ) -> contract.PastShifts:
        """Return ended shifts."""
        return await self._desk.database.read(lambda c: past_shifts(c, request))

    async def sheet(
        self, request: contract.ShiftRequest, call: CallContext
    ) -> contract.ShiftSheet:
        """Return the nozzles of an ended shift."""
        return await self._desk.database.read(lambda c: past_sheet(c, request.shift_no))

    async def list_fills(
        self, request: contract.FillQuery, call: CallContext
    ) -> contract.CashFillRows:
        """Return fills without a card; of a shift that is not counted by right."""
        actor, number = actor_of(call), request.shift_no
        database, is_blind = self._desk.database, self._desk.rules.is_count_blind
        if is_blind and not await database.read(
            lambda connection: is_counted(connection, number)
        ):
            await database.write(lambda tx: note_looking(tx, number, actor))
        return await database.read(
            lambda c: cash_fill_page(c, request, is_blind=is_blind)
        )

    async def mark(
        self, request: contract.FillMarkOrder, call: CallContext
    ) -> contract.CashFillRow:
        """Mark a fill."""
        try:
            mark = FillMark(request.mark)
        except ValueError as error:
            raise UnknownMark(mark=request.mark) from error
        order = MarkOrder(
            act_id=request.act_id,
            sale_seq=request.seq,
            mark=mark,
            reason=request.reason,
            company_no=request.company_no,
            shift_no=request.shift_no,
        )
        actor, given, approved = actor_of(call), approval_of(request.approval), None
        if given is not None:
            approved = await self._approvals.approve(
                given, wish_of(request.seq), actor, request.reason
            )
        async with self._approvals.noting(wish_of(request.seq), actor, approved):
            fill = await self._desk.mark_fill(order, actor, approved)
        is_blind = self._desk.rules.is_count_blind
        return await self._desk.database.read(
            lambda c: cash_fill_row(c, fill, is_blind=is_blind)
        )

    async def write_crew(
        self, request: contract.CrewDraft, call: CallContext
    ) -> contract.ShiftsNow:
        """Register a crew or change it."""
        actor = actor_of(call)
        await self._desk.database.write(
            lambda tx: register_crews.write_crew(
                tx,
                register_crews.Crew(
                    request.crew_no, request.name, int(request.retired)
                ),
                request.reason,
                actor,
            )
        )
        return await self.show(Nothing(), call)

    async def write_staff(
        self, request: contract.StaffDraft, call: CallContext
    ) -> contract.ShiftsNow:
        """Put a staff card into a crew."""
        actor = actor_of(call)
        await self._desk.database.write(
            lambda tx: register_crews.write_staff(
                tx,
                register_crews.Staff(
                    request.card_no,
                    request.crew_no,
                    request.name,
                    int(request.retired),
                ),
                actor,
                request.reason,
            )
        )
        return await self.show(Nothing(), call)


def _counted(counts: Sequence[TenderCount]) -> dict[Tender, Money]:
    counted = {}
    for count in counts:
        if count.tender not in CREW_TENDERS:
            raise UnknownTender(tender=count.tender)
        counted[Tender(count.tender)] = Money.from_fen(count.counted_fen)
    return counted


def _till_count(kept: Mapping[str, Any]) -> TillCount:
    expected, counted = kept["expected_e4"], kept.get("counted_e4")
    return TillCount(
        tender=kept["tender"],
        expected_e4=expected,
        counted_e4=counted,
        over_e4=0 if counted is None else counted - expected,
    )
