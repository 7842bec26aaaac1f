"""Takes what dispensers report of duty and of changed settings: kept, then acted on.

A crew that goes on duty by its staff card opens its shift or goes on in it; whoever was
on duty there before and did not say so has left with that. Old records are kept and
move nobody.
"""

from dataclasses import replace

from cngstation.domain.totaliser import NO_TOTAL
from cngstation.hygiene import clean
from cngstation.protocols.dispenser.forecourt import ParameterChange, ShiftRecord
from cngstation.services.change_duty import (
    FROM_DISPENSER,
    Arriving,
    Meter,
    go_on_duty,
    leave_nozzle,
    on_duty_at,
)
from cngstation.services.compare_duty import compare_duty
from cngstation.services.name_breaks import subject_of
from cngstation.storage import crews, duty_records, findings, sales, shifts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import Reading

UNKNOWN_STAFF = "unknown_staff_card"
PARAMETER_CHANGED = "parameter_changed"
DISPENSER = "dispenser"


class DutyBook:
    """Keeps duties and settings of dispensers."""

    def __init__(self, database: Database, *, cut_off_minute: int) -> None:
        self._database = database
        self._cut_off_minute = cut_off_minute

    async def duty(self, nozzle: NozzleKey, record: ShiftRecord) -> None:
        """Keep a duty and go by it; a repeat changes nothing.

        Raises:
            StorageError: nothing is recorded, and the dispenser keeps its record.
        """
        await self._database.write(lambda tx: self._duty(tx, nozzle, record))

    async def parameter(self, nozzle: NozzleKey, change: ParameterChange) -> None:
        """Keep a changed setting and name it for a person; a repeat changes nothing.

        Raises:
            StorageError: nothing is recorded, and the dispenser keeps its record.
        """
        await self._database.write(lambda tx: _parameter(tx, nozzle, change))

    def _duty(self, tx: Transaction, nozzle: NozzleKey, record: ShiftRecord) -> None:
        if not duty_records.keep(tx, duty_records.DUTY, nozzle, _duty_row(record)):
            return
        staff_card = crews.plain_card_no(record.employee_card or "")
        actor = Actor("", DISPENSER)
        on = on_duty_at(tx.connection, nozzle)
        meter = _meter(nozzle, record, staff_card)
        if record.is_off_duty:
            compare_duty(tx, nozzle, record)
            if on is not None:
                leave_nozzle(tx, on, _behind_its_fills(tx, on, meter, record), actor)
            return
        staff = crews.staff_of(tx.connection, staff_card)
        crew = crews.find_crew(tx.connection, staff.crew_no) if staff else None
        working = staff is not None and not staff.retired
        crew_no = crew.crew_no if crew and working and not crew.retired else ""
        if not crew_no:
            card = staff_card or "?"
            named: dict[str, str | int] = {"nozzle": nozzle.nozzle_no, "card": card}
            findings.open_once(tx, UNKNOWN_STAFF, card, named)
        if on is not None:
            shift = shifts.find(tx.connection, on.shift_no)
            if shift is not None and shift.crew_no == crew_no:
                return  # it was put on duty at the counter already
            leave_nozzle(tx, on, meter, actor)
        arriving = Arriving(crew_no, [meter or nozzle], staff_card)
        go_on_duty(tx, arriving, actor, cut_off_minute=self._cut_off_minute)


def _meter(nozzle: NozzleKey, record: ShiftRecord, staff_card: str) -> Meter | None:
    if record.gun_total_quantity_milli is None:
        return None
    return Meter(
        nozzle=nozzle,
        total_quantity_milli=record.gun_total_quantity_milli,
        total_amount_e4=record.gun_total_amount_e4 or 0,
        device_seq=None,
        source=FROM_DISPENSER,
        staff_card=staff_card,
        device_at=(record.ended_at if record.is_off_duty else record.started_at) or "",
    )


def _behind_its_fills(
    tx: Transaction, on: Reading, meter: Meter | None, record: ShiftRecord
) -> Meter | None:
    """Put the end of a duty behind every fill that the dispenser counted in it.

    Some may not be booked yet: then its totaliser is ahead of the books. Collections
    have numbers and are not counted, so the number is at least this one.
    """
    began_there = on.source == FROM_DISPENSER
    if meter is None or record.fills is None or not began_there:
        return meter
    stand = sales.stand_of(tx.connection, on.nozzle)
    last = stand.total_quantity_milli
    if last == NO_TOTAL or meter.total_quantity_milli <= last:
        return meter
    return replace(meter, device_seq=on.device_seq + record.fills)


def _duty_row(record: ShiftRecord) -> dict[str, object]:
    return {
        "device_seq": record.device_seq,
        "is_off_duty": int(record.is_off_duty),
        "device_shift_no": record.shift_no,
        "staff_card": record.employee_card or "",
        "device_started": record.started_at or "",
        "device_ended": record.ended_at or "",
        "total_quantity_milli": record.gun_total_quantity_milli,
        "total_amount_e4": record.gun_total_amount_e4,
        "shift_quantity_milli": record.shift_quantity_milli,
        "shift_amount_e4": record.shift_amount_e4,
        "fills": record.fills,
        "unit": str(record.unit or ""),
        "on_duty_seq": record.on_duty_seq,
        "raw_frame": record.raw,
    }


def _parameter(tx: Transaction, nozzle: NozzleKey, change: ParameterChange) -> None:
    row = {
        "device_seq": change.device_seq,
        "device_shift_no": change.shift_no,
        "card_no": change.card_no or "",
        "parameter": change.parameter,
        "decimals": change.decimals,
        "before": change.before,
        "after": change.after,
        "device_at": change.changed_at or "",
        "raw_frame": change.raw,
    }
    if duty_records.keep(tx, duty_records.PARAMETER, nozzle, row) is None:
        return
    facts: dict[str, str | int] = {
        "nozzle": nozzle.nozzle_no,
        "parameter": change.parameter,
        "before": _scaled(change.before, change.decimals),
        "after": _scaled(change.after, change.decimals),
        "card": clean(change.card_no or "?", limit=40),
    }
    findings.open_finding(tx, PARAMETER_CHANGED, subject_of(nozzle), facts)


def _scaled(value: int, decimals: int) -> str:
    """Write a setting as the display has it."""
    if not 0 < decimals < 10:
        return str(value)
    digits = str(abs(value)).rjust(decimals + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
