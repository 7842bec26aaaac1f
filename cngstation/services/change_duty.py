"""On duty and off duty: nozzles are taken over and left at a reading each.

A nozzle is taken over with what its meter says then, which is compared with the figure
at which it was left. Where the meter cannot be asked it is what the books have last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cngstation.domain.totaliser import NO_TOTAL, Break, Place
from cngstation.errors import Refusal
from cngstation.services.name_breaks import check_nozzle, recheck_beside, stood_at
from cngstation.services.tell_day import shift_day, told_ms
from cngstation.storage import audit, crews, sales, shifts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import OFF, ON, Reading
from cngstation.storage.sqlite import Connection

FROM_METER, FROM_DISPENSER, FROM_BOOKS = "meter", "dispenser", "books"


class NoSuchCrew(Refusal):
    """There is no crew with this number, or it works no more."""

    code = "refusal.no_such_crew"
    text = "There is no crew {crew}. Nothing was done. Register it first (F8 5)."


class NozzleTaken(Refusal):
    """A nozzle has one shift at a time."""

    code = "refusal.nozzle_taken"
    text = (
        "Shift {shift} is on duty at nozzle {nozzle}. Nothing was done. Let it go off "
        "duty or hand over first."
    )


class NozzleUnknown(Refusal):
    """Neither the meter nor the books say where the totaliser of a nozzle stands."""

    code = "refusal.nozzle_unknown"
    text = (
        "Nozzle {nozzle} cannot be read and has no fill in the books: its totaliser "
        "is not known. Nothing was done. Bring it on line first."
    )


class NobodyOnDuty(Refusal):
    """There is nothing to leave."""

    code = "refusal.nobody_on_duty"
    text = "Nobody is on duty there. Nothing was done."


@dataclass(frozen=True, slots=True)
class Meter:
    """What the totaliser of a nozzle said, and the number of its last fill if told."""

    nozzle: NozzleKey
    total_quantity_milli: int
    total_amount_e4: int
    device_seq: int | None
    source: str
    staff_card: str = ""
    device_at: str = ""


@dataclass(frozen=True, slots=True)
class Arriving:
    """Who goes on duty where; a nozzle whose meter cannot be asked is its key alone."""

    crew_no: str
    meters: Sequence[Meter | NozzleKey]
    staff_card: str = ""


def go_on_duty(
    tx: Transaction, arriving: Arriving, actor: Actor, *, cut_off_minute: int
) -> int:
    """Put a crew on duty; return the number of its shift.

    It goes on in a shift of its own that is open and has not had these nozzles yet.

    Raises:
        NoSuchCrew, NozzleTaken, NozzleUnknown: nothing was done.
    """
    crew = crews.find_crew(tx.connection, arriving.crew_no)
    if arriving.crew_no and (crew is None or crew.retired):
        raise NoSuchCrew(crew=arriving.crew_no)
    wanted = [
        meter if isinstance(meter, NozzleKey) else meter.nozzle
        for meter in arriving.meters
    ]
    for nozzle in wanted:
        on = on_duty_at(tx.connection, nozzle)
        if on is not None:
            raise NozzleTaken(shift=on.shift_no, nozzle=nozzle.nozzle_no)
    mind_the_clock(tx)
    shift_no = _open_shift_of(tx.connection, arriving.crew_no, wanted)
    if not shift_no:
        last = shifts.last_day(tx.connection)
        day = shift_day(tx, last, cut_off_minute=cut_off_minute)
        shift_no = shifts.open_shift(tx, arriving.crew_no, day, actor)
    for meter in arriving.meters:
        _take_over(tx, shift_no, arriving.staff_card, meter, actor)
    audit.record(tx, actor, "shift.on_duty", f"shift {shift_no}")
    return shift_no


def leave_nozzle(
    tx: Transaction, on: Reading, meter: Meter | None, actor: Actor
) -> list[Break]:
    """End a shift's duty at one nozzle; name what its totaliser does not tell.

    Without a meter the last fill in the books, or the taking over, is the end; an
    amount that neither has is 0, not known.
    """
    mind_the_clock(tx)
    nozzle = on.nozzle
    stand = sales.stand_of(tx.connection, nozzle)
    newest = max(on.place, (stand.epoch, stand.device_seq or 0))
    if meter is None:
        total, amount = on.total_quantity_milli, on.total_amount_e4
        if newest > on.place:
            read = on.place, on.total_quantity_milli
            total = stood_at(tx.connection, nozzle, stand, read)
            amount = _amount_of(tx, nozzle)
        place, found = newest, None
        source, staff_card, device_at = FROM_BOOKS, "", ""
    else:
        place = _place(meter, newest)
        total, amount = meter.total_quantity_milli, meter.total_amount_e4
        found, source = total, meter.source
        staff_card, device_at = meter.staff_card, meter.device_at
    off = Reading(
        shift_no=on.shift_no,
        nozzle=nozzle,
        moment=OFF,
        epoch=place[0],
        device_seq=place[1],
        total_quantity_milli=total,
        total_amount_e4=amount,
        found_quantity_milli=found,
        source=source,
        staff_card=staff_card or on.staff_card,
        device_at=device_at,
    )
    shifts.read(tx, off, actor)
    return check_nozzle(tx, nozzle, on, off)


def look_at_nozzle(tx: Transaction, on: Reading, meter: Meter) -> list[Break]:
    """Name what a totaliser does not tell up to now; nobody goes off duty by it."""
    stand = sales.stand_of(tx.connection, on.nozzle)
    place = _place(meter, max(on.place, (stand.epoch, stand.device_seq or 0)))
    now = replace(
        on,
        epoch=place[0],
        device_seq=place[1],
        total_quantity_milli=meter.total_quantity_milli,
        total_amount_e4=meter.total_amount_e4,
    )
    return check_nozzle(tx, on.nozzle, on, now)


def on_duty_at(connection: Connection, nozzle: NozzleKey) -> Reading | None:
    """Return where the shift on duty has taken a nozzle over; None for nobody."""
    last = shifts.last_reading(connection, nozzle)
    return last if last is not None and last.moment == ON else None


def mind_the_clock(tx: Transaction) -> None:
    """Name a clock that jumped since the newest entry."""
    told_ms(tx)


def _place(meter: Meter, newest: tuple[int, int]) -> tuple[int, int]:
    """Return behind which fill a meter was read: the device's number, or the books'."""
    if meter.device_seq is None:
        return newest
    return max((newest[0], meter.device_seq), newest)


def _take_over(
    tx: Transaction,
    shift_no: int,
    staff_card: str,
    meter: Meter | NozzleKey,
    actor: Actor,
) -> None:
    nozzle = meter if isinstance(meter, NozzleKey) else meter.nozzle
    last = shifts.last_reading(tx.connection, nozzle)
    stand = sales.stand_of(tx.connection, nozzle)
    newest = (stand.epoch, stand.device_seq or 0)
    read = (last.place, last.total_quantity_milli) if last else None
    total = stood_at(tx.connection, nozzle, stand, read)
    amount, found = _amount_of(tx, nozzle), None
    if last is not None and last.place >= newest:
        newest, total = last.place, last.total_quantity_milli
        amount = last.total_amount_e4
    if not isinstance(meter, NozzleKey):
        newest = _place(meter, newest)
        total, amount = meter.total_quantity_milli, meter.total_amount_e4
        found = total
    elif last is None and (stand.device_seq is None or total == NO_TOTAL):
        raise NozzleUnknown(nozzle=nozzle.nozzle_no)
    on = Reading(
        shift_no=shift_no,
        nozzle=nozzle,
        moment=ON,
        epoch=newest[0],
        device_seq=newest[1],
        total_quantity_milli=total,
        total_amount_e4=amount,
        found_quantity_milli=found,
        source=FROM_BOOKS if isinstance(meter, NozzleKey) else meter.source,
        staff_card=staff_card,
        device_at="" if isinstance(meter, NozzleKey) else meter.device_at,
    )
    shifts.read(tx, on, actor)
    if last is not None:
        check_nozzle(tx, nozzle, last, on)
    elif stand.device_seq is not None:
        recheck_beside(tx, nozzle, Place(stand.epoch, stand.device_seq))


def _amount_of(tx: Transaction, nozzle: NozzleKey) -> int:
    """Return the amount totaliser of a nozzle's newest fill; 0 where it is not told."""
    newest = sales.newest_of_nozzle(tx.connection, nozzle)
    return newest["total_amount_e4"] if newest else 0


def _open_shift_of(
    connection: Connection, crew_no: str, nozzles: Sequence[NozzleKey]
) -> int:
    """Return a crew's open shift that has not had any of these nozzles; 0 for none."""
    for shift in shifts.open_shifts(connection):
        had = {
            each.nozzle for each in shifts.readings_of_shift(connection, shift.shift_no)
        }
        if shift.crew_no == crew_no and not had & set(nozzles):
            return shift.shift_no
    return 0
