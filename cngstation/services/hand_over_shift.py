"""Hands a shift over: differences explained, money counted, one entry, one slip.

Up to the commit the shift is open and nothing has moved; after it the shift is ended,
the money is in the till and the slip waits for paper. Asked again, it is the same
handover. A crew that is away is closed by force, with a reason: what it owes stays
owed, under a row, until it is brought.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cngstation.domain import ledger
from cngstation.domain.fill_marks import CREW_TENDERS
from cngstation.domain.ledger import Posting, move
from cngstation.domain.tenders import Tender
from cngstation.errors import Refusal
from cngstation.services.act_result import ActIdTaken
from cngstation.services.approve import reason_of
from cngstation.services.book_entry import book_entry
from cngstation.services.change_duty import Meter, leave_nozzle, mind_the_clock
from cngstation.services.confirm_marks import (
    marks_of_nobody,
    marks_of_shift,
    require_seen,
)
from cngstation.services.count_blind import has_seen
from cngstation.services.keep_till import CashNotCounted
from cngstation.services.mark_fill import NoSuchShift
from cngstation.services.name_debt import name_debt
from cngstation.services.note_config import noted_digest
from cngstation.services.shift_sheet import (
    kept_sheets,
    nozzle_sheets,
    open_breaks_of,
    owed_by,
)
from cngstation.services.station_rules import StationRules
from cngstation.services.till_state import require_open
from cngstation.storage import (
    audit,
    crews,
    facts,
    findings,
    operators,
    receipts,
    shifts,
)
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import Reading, Shift
from cngstation.storage.sqlite import Connection
from cngstation.storage.tills import Count
from cngstation.units import Money, Unit, yuan_text

# Whoever hands over still sees what came of it, and can ask again after a lost answer.
SESSION_LEFT_MS = 2 * 60_000
KIND, FORCED, SETTLED = "shift.hand_over", "shift.force", "shift.settle"
LONG = "shift_open_long"


class NozzlesOnDuty(Refusal):
    """Some nozzles have no closing figure yet."""

    code = "refusal.nozzles_on_duty"
    text = (
        "Nozzles {nozzles} have no closing figure: they are off line or filling. "
        "Nothing was handed over and no money moved. Wait for them, or leave them to "
        "the next shift with what the books have."
    )


class Unexplained(Refusal):
    """A totaliser moved without a fill, and nobody has said why."""

    code = "refusal.unexplained"
    text = (
        "{count} differences of totalisers are not explained. Nothing was handed over "
        "and no money moved. Explain each first (E)."
    )


class TenderNotCounted(Refusal):
    """Fills were marked with a way of paying whose sum was not given."""

    code = "refusal.tender_not_counted"
    text = (
        "Fills of this shift were marked as paid by {tender}. Nothing was handed over "
        "and no money moved. Type the sum of its list, be it zero."
    )


class NothingOwed(Refusal):
    """There is nothing to bring."""

    code = "refusal.shift_owes_nothing"
    text = "Shift {shift} owes nothing. Nothing was done and no money moved."


@dataclass(frozen=True, slots=True)
class Handover:
    """What a crew hands over; `is_forced` ends the shift of a crew that is away."""

    act_id: str
    shift_no: int
    counted: Mapping[Tender, Money]
    is_forced: bool = False
    reason: str = ""


def leave_nozzles(
    tx: Transaction,
    shift_no: int,
    meters: Mapping[NozzleKey, Meter],
    actor: Actor,
    *,
    by_books: Sequence[NozzleKey] = (),
) -> list[int]:
    """Go off duty at the nozzles that were read; return those that were not.

    `by_books` are left with the last fill of the books: what runs there belongs to
    the shift in which it ends.
    """
    shift = _open(tx.connection, shift_no)
    left = []
    for on in nozzles_on_duty(tx.connection, shift.shift_no):
        meter = meters.get(on.nozzle)
        if meter is None and on.nozzle not in by_books:
            left.append(on.nozzle.nozzle_no)
        else:
            leave_nozzle(tx, on, meter, actor)
    audit.record(tx, actor, "shift.off_duty", f"shift {shift_no}")
    return left


def nozzles_on_duty(connection: Connection, shift_no: int) -> list[Reading]:
    """Return where a shift took over the nozzles that it has not left."""
    readings = shifts.readings_of_shift(connection, shift_no)
    left = {each.nozzle for each in readings if each.moment == shifts.OFF}
    return [
        each
        for each in readings
        if each.moment == shifts.ON and each.nozzle not in left
    ]


def hand_over(
    tx: Transaction,
    rules: StationRules,
    order: Handover,
    actor: Actor,
    *,
    prints_wanted: int,
) -> int:
    """End a shift, move its money into the till, make its slip; return the slip's no.

    Raises:
        NoSuchShift, NozzlesOnDuty, Unexplained, MarksUnseen, CashNotCounted,
        TenderNotCounted, TillClosed, ReasonMissing: nothing was done.
        ActIdTaken: the id belongs to another act.
    """
    entry_id = f"{order.act_id}.hand_over"
    done = receipts.of_entry(tx.connection, entry_id)
    if done is not None:
        if not _is_same(done.content, order):
            raise ActIdTaken
        return done.receipt_no
    reason = reason_of(order.reason) if order.is_forced else ""
    shift = _open(tx.connection, order.shift_no)
    _require_settled(tx.connection, order)
    mind_the_clock(tx)
    counts = _counts(tx.connection, order)
    _move_money(tx, rules, order, counts, entry=(entry_id, KIND), actor=actor)
    sheet: dict[str, Any] = {
        "nozzles": kept_sheets(nozzle_sheets(tx.connection, shift.shift_no, rules)),
        "counts": [_kept(count) for count in counts],
        "marks": marks_of_shift(tx.connection, shift.shift_no),
        "nobody": marks_of_nobody(tx.connection, shift.shift_no),
        "entry": entry_id,
    }
    if rules.is_count_blind:
        seen = has_seen(tx.connection, shift.shift_no, actor.operator_no)
        sheet["seen"] = int(seen)
    how = shifts.FORCED if order.is_forced else shifts.HANDED_OVER
    shifts.end_shift(tx, shift, how, actor, sheet=sheet, reason=reason)
    for row in findings.open_findings(tx.connection, _named(shift)):
        if row.kind == LONG:
            findings.close_finding(tx, row.seq, how, actor.operator_no)
    crew = crews.find_crew(tx.connection, shift.crew_no)
    content = {
        **sheet,
        "shift_no": shift.shift_no,
        "crew": f"{shift.crew_no} {crew.name if crew else ''}".strip(),
        "business_day": shift.business_day,
        "opened_at_ms": shift.opened_at_ms,
        "at_ms": tx.now.wall_ms,
        "operator_no": actor.operator_no,
        "reason": reason,
        "cash_e4": sum(count.counted_e4 or 0 for count in counts),
        "config": noted_digest(tx.connection),
        **receipts.anchor_of(tx),
    }
    act = FORCED if order.is_forced else KIND
    audit.record(tx, actor, act, _named(shift), reason=reason)
    _end_sessions(tx, rules, order, actor)
    return receipts.make(tx, entry_id, KIND, content, wanted=prints_wanted)


def _end_sessions(
    tx: Transaction, rules: StationRules, order: Handover, actor: Actor
) -> None:
    """Log out whoever handed over; a shift closed by force is another's."""
    if rules.shift_ends_session and not order.is_forced:
        here = (actor.operator_no, actor.terminal)
        operators.end_sessions_soon(tx, *here, SESSION_LEFT_MS, actor=actor)


def settle_shift(
    tx: Transaction, rules: StationRules, order: Handover, actor: Actor
) -> None:
    """Take what an ended shift still owes; what is short or over is a row.

    Raises:
        NothingOwed, NoSuchShift, CashNotCounted, TillClosed: nothing was done.
        ActIdTaken: the id belongs to what another shift has brought.
    """
    entry_id = f"{order.act_id}.settle"
    done = facts.entry_seq(tx.connection, entry_id)
    if done is not None:
        if not _was_brought(tx, rules, order, done):
            raise ActIdTaken
        return
    shift = shifts.find(tx.connection, order.shift_no)
    if shift is None or shift.is_open:
        raise NoSuchShift(shift=order.shift_no)
    if not owed_by(tx.connection, shift.shift_no):
        raise NothingOwed(shift=shift.shift_no)
    _require_counted(tx.connection, order)
    counts = _counts(tx.connection, order)
    _move_money(tx, rules, order, counts, entry=(entry_id, SETTLED), actor=actor)
    audit.record(tx, actor, SETTLED, _named(shift))


def _open(connection: Connection, shift_no: int) -> Shift:
    shift = shifts.find(connection, shift_no)
    if shift is None or not shift.is_open:
        raise NoSuchShift(shift=shift_no)
    return shift


def _named(shift: Shift) -> str:
    return f"shift {shift.shift_no}"


def _is_same(kept: Mapping[str, Any], order: Handover) -> bool:
    """Tell whether a handover that was done is the one that is asked for again."""
    counted = {each["tender"]: each.get("counted_e4") for each in kept["counts"]}
    given = {str(tender): amount.e4 for tender, amount in order.counted.items()}
    # What nobody owed and nobody brought is not kept.
    same = all(counted.get(name, 0) == given.get(name) for name in {*counted, *given})
    reason = reason_of(order.reason) if order.is_forced else ""
    return same and (kept["shift_no"], kept["reason"]) == (order.shift_no, reason)


def _was_brought(
    tx: Transaction, rules: StationRules, order: Handover, entry_seq: int
) -> bool:
    """Tell whether what an ended shift has brought is what is told again."""
    if facts.note_of(tx.connection, entry_seq) != f"shift {order.shift_no}":
        return False
    entry_id = f"{order.act_id}.settle"
    return all(
        facts.booked_by(
            tx.connection, entry_id, ledger.till_account(rules.till, tender)
        )
        == (order.counted[tender].e4 if tender in order.counted else 0)
        for tender in CREW_TENDERS
    )


def _require_settled(connection: Connection, order: Handover) -> None:
    """Refuse while something of the shift is open."""
    if on_duty := nozzles_on_duty(connection, order.shift_no):
        numbers = ", ".join(str(on.nozzle.nozzle_no) for on in on_duty)
        raise NozzlesOnDuty(nozzles=numbers)
    if rows := open_breaks_of(connection, order.shift_no):
        raise Unexplained(count=len(rows))
    require_seen(connection, order.shift_no)
    if not order.is_forced:
        _require_counted(connection, order)


def _require_counted(connection: Connection, order: Handover) -> None:
    if Tender.CASH not in order.counted:
        raise CashNotCounted
    for tender in owed_by(connection, order.shift_no):
        if tender not in order.counted:
            raise TenderNotCounted(tender=str(tender))


def _counts(connection: Connection, order: Handover) -> list[Count]:
    """Compare what was counted with what is owed; what is not counted stays owed."""
    owed = owed_by(connection, order.shift_no)
    return [
        Count(tender, owed.get(tender, 0), order.counted[tender].e4)
        if tender in order.counted
        else Count(tender, owed[tender], None)
        for tender in Tender
        if tender in owed or (order.counted.get(tender))
    ]


def _move_money(
    tx: Transaction,
    rules: StationRules,
    order: Handover,
    counts: Sequence[Count],
    *,
    entry: tuple[str, str],
    actor: Actor,
) -> None:
    postings: list[Posting] = []
    for count in counts:
        if count.counted_e4 is None:
            continue
        crew = ledger.crew_account(order.shift_no, count.tender)
        if count.counted_e4:
            require_open(tx.connection, rules.till, count.tender)
        till = ledger.till_account(rules.till, count.tender)
        postings += move(crew, till, Unit.CNY, count.counted_e4)
        postings += move(crew, ledger.OVER_SHORT, Unit.CNY, -count.over_e4)
    entry_id, kind = entry
    book_entry(
        tx,
        rules,
        actor,
        entry_id=entry_id,
        kind=kind,
        postings=postings,
        note=f"shift {order.shift_no}",
    )
    _name_differences(tx, order, counts, actor)


def _name_differences(
    tx: Transaction, order: Handover, counts: Sequence[Count], actor: Actor
) -> None:
    subject = f"shift {order.shift_no}"
    name_debt(tx, order.shift_no, why="brought", operator_no=actor.operator_no)
    for count in counts:
        if not count.over_e4 or count.counted_e4 is None:
            continue
        findings.open_finding(
            tx,
            "shift_over" if count.over_e4 > 0 else "shift_short",
            subject,
            {
                "shift": order.shift_no,
                "tender": str(count.tender),
                "counted": yuan_text(count.counted_e4),
                "expected": yuan_text(count.expected_e4),
                "difference": yuan_text(abs(count.over_e4)),
                "operator": actor.operator_no,
            },
        )


def _kept(count: Count) -> dict[str, str | int]:
    kept: dict[str, str | int] = {
        "tender": str(count.tender),
        "expected_e4": count.expected_e4,
    }
    if count.counted_e4 is not None:
        kept["counted_e4"] = count.counted_e4
    return kept
