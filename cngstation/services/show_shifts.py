"""Shifts as the screen shows them: who is on duty, what is open, what has ended."""

from typing import Protocol

from cngstation.hygiene import clean
from cngstation.rpc.contract import shifts as contract
from cngstation.rpc.contract.figures import MOST_ROWS
from cngstation.services.change_duty import on_duty_at
from cngstation.services.confirm_marks import waits
from cngstation.services.count_blind import is_counted
from cngstation.services.mark_fill import NoSuchShift
from cngstation.services.open_rows import finding_row
from cngstation.services.shift_sheet import (
    NozzleSheet,
    nozzle_sheets,
    open_breaks_of,
    owed_by,
    sheets_of,
)
from cngstation.services.station_rules import StationRules
from cngstation.storage import cash_fills, crews, receipts, shifts
from cngstation.storage.cash_fills import CashFill
from cngstation.storage.shifts import Shift
from cngstation.storage.sqlite import Connection


class OpenHours(Protocol):
    """Who knows the nozzles and how long a shift may be open; the desk fits."""

    rules: StationRules

    def is_open_long(self, opened_at_ms: int) -> bool: ...


def shifts_now(connection: Connection, desk: OpenHours) -> contract.ShiftsNow:
    """Return the open shifts, the crews and the free nozzles."""
    found = shifts.open_shifts(connection)[: contract.MOST_SHIFTS]
    names = {crew.crew_no: crew.name for crew in crews.every_crew(connection)}
    return contract.ShiftsNow(
        shifts=tuple(
            _open_shift(
                connection,
                shift,
                names.get(shift.crew_no, ""),
                desk,
            )
            for shift in found
        ),
        crews=tuple(
            contract.CrewRow(
                crew_no=crew.crew_no,
                name=crew.name,
                retired=bool(crew.retired),
                staff_cards=_staff_cards(connection, crew.crew_no),
            )
            for crew in crews.every_crew(connection)[: contract.MOST_CREWS]
        ),
        free_nozzles=tuple(
            key.nozzle_no
            for key in desk.rules.nozzles
            if on_duty_at(connection, key) is None
        ),
    )


def past_shifts(
    connection: Connection, query: contract.ShiftQuery
) -> contract.PastShifts:
    """Return ended shifts that fit a query, newest first."""
    names = {crew.crew_no: crew.name for crew in crews.every_crew(connection)}
    wanted = shifts.Ended(
        query.before_no, query.crew_no, query.first_day, query.last_day
    )
    found = shifts.newest(connection, wanted, query.limit + 1)
    page = found[: query.limit]
    return contract.PastShifts(
        rows=tuple(
            _past_shift(connection, shift, names.get(shift.crew_no, ""))
            for shift in page
        ),
        next_no=page[-1].shift_no if len(found) > len(page) else 0,
    )


def past_sheet(connection: Connection, shift_no: int) -> contract.ShiftSheet:
    """Return the nozzles of an ended shift as they were handed over.

    Raises:
        NoSuchShift: there is none, or it is not ended.
    """
    shift = shifts.find(connection, shift_no)
    if shift is None or shift.sheet is None:
        raise NoSuchShift(shift=shift_no)
    crew = crews.find_crew(connection, shift.crew_no)
    sheets = sheets_of(shift.sheet)[: contract.MOST_NOZZLES]
    return contract.ShiftSheet(
        shift=_past_shift(connection, shift, crew.name if crew else ""),
        nozzles=tuple(_nozzle(sheet, is_money_told=True) for sheet in sheets),
    )


def cash_fill_page(
    connection: Connection, query: contract.FillQuery, *, is_blind: bool
) -> contract.CashFillRows:
    """Return fills without a card that fit a query, newest first."""
    wanted = cash_fills.Wanted(
        query.shift_no, query.before_seq, query.nozzle_no, query.only_unmarked
    )
    found = cash_fills.fitting(connection, wanted, query.limit + 1)
    page = found[: query.limit]
    return contract.CashFillRows(
        rows=tuple(cash_fill_row(connection, fill, is_blind=is_blind) for fill in page),
        next_seq=page[-1].seq if len(found) > len(page) else 0,
    )


def cash_fill_row(
    connection: Connection, fill: CashFill, *, is_blind: bool
) -> contract.CashFillRow:
    """Return a fill without a card for the screen; no money that is to be counted."""
    is_hidden = is_blind and not is_counted(connection, fill.shift_no)
    return contract.CashFillRow(
        seq=fill.seq,
        at_ms=fill.sale["at_ms"],
        shift_no=fill.shift_no,
        nozzle_no=fill.nozzle_no,
        device_seq=fill.sale["device_seq"],
        unit=fill.sale["unit"],
        quantity_milli=fill.sale["quantity_milli"],
        amount_e4=None if is_hidden else fill.amount_e4,
        marked=fill.marked,
        reason=fill.reason,
        waits=waits(connection, fill),
    )


def _open_shift(
    connection: Connection, shift: Shift, name: str, desk: OpenHours
) -> contract.OpenShift:
    sheets = nozzle_sheets(connection, shift.shift_no, desk.rules)
    rows = [finding_row(row) for row in open_breaks_of(connection, shift.shift_no)]
    return contract.OpenShift(
        shift_no=shift.shift_no,
        crew_no=shift.crew_no,
        crew_name=name,
        business_day=shift.business_day,
        since_ms=shift.opened_at_ms,
        is_open_long=desk.is_open_long(shift.opened_at_ms),
        nozzles=tuple(
            _nozzle(sheet, is_money_told=not desk.rules.is_count_blind)
            for sheet in sheets[: contract.MOST_NOZZLES]
        ),
        differences=tuple(
            contract.Difference(
                row_id=row.row_id, text=row.text, facts=row.facts, at_ms=row.at_ms
            )
            for row in rows[:MOST_ROWS]
        ),
    )


def _nozzle(sheet: NozzleSheet, *, is_money_told: bool) -> contract.ShiftNozzle:
    def told(figure: int) -> int | None:
        return figure if is_money_told else None

    left = not sheet.is_on_duty
    return contract.ShiftNozzle(
        nozzle_no=sheet.nozzle_no,
        staff_card=sheet.staff_card,
        unit=sheet.unit,
        since_ms=sheet.on_at_ms,
        until_ms=sheet.off_at_ms if left else None,
        fills=sheet.fills,
        price_e4=sheet.price_e4,
        quantity_milli=sheet.quantity_milli,
        amount_e4=told(sheet.amount_e4),
        taken_over_milli=sheet.taken_over_milli,
        taken_over_e4=sheet.taken_over_e4,
        handed_over_milli=sheet.off_milli,
        handed_over_e4=told(sheet.off_e4) if left else None,
        card_milli=told(sheet.card_milli),
        card_e4=told(sheet.card_e4),
        cash_milli=told(sheet.cash_milli),
        cash_e4=told(sheet.cash_e4),
        other_milli=told(sheet.other_milli),
        other_e4=told(sheet.other_e4),
        alone_milli=sheet.alone_milli,
        test_milli=sheet.test_milli,
        unexplained_milli=sheet.unexplained_milli,
        unexplained_e4=sheet.unexplained_e4,
    )


def _past_shift(connection: Connection, shift: Shift, name: str) -> contract.PastShift:
    sheet = shift.sheet or {"nozzles": [], "counts": []}
    counts = sheet["counts"]
    slip = receipts.of_entry(connection, sheet.get("entry", ""))
    due = sum(count["expected_e4"] for count in counts)
    counted = sum(count.get("counted_e4", 0) for count in counts)
    over = sum(
        count["counted_e4"] - count["expected_e4"]
        for count in counts
        if "counted_e4" in count
    )
    return contract.PastShift(
        shift_no=shift.shift_no,
        crew_no=shift.crew_no,
        crew_name=name,
        business_day=shift.business_day,
        since_ms=shift.opened_at_ms,
        ended_ms=shift.ended_at_ms,
        how=shift.ended_how,
        receipt_no=slip.receipt_no if slip else 0,
        fills=sum(nozzle["fills"] for nozzle in sheet["nozzles"]),
        due_e4=due,
        counted_e4=counted,
        over_e4=over,
        owed_e4=sum(owed_by(connection, shift.shift_no).values()),
    )


def _staff_cards(connection: Connection, crew_no: str) -> str:
    found = crews.staff_of_crew(connection, crew_no)
    told = ", ".join(
        f"{staff.card_no} {staff.name}".strip() for staff in found if not staff.retired
    )
    return clean(told, limit=200)
