"""Shifts: who was on duty at which nozzle, from which reading to which.

A fill belongs to the shift in which it ended: the order is that of the dispenser's own
numbers, in which a reading stands behind the last fill before it. No clock has a say.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from cngstation.storage.audit import Actor
from cngstation.storage.chain import canonical
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

ON, OFF = "on", "off"
OPENED, ENDED = "opened", "ended"
HANDED_OVER, FORCED = "handed_over", "forced"
NOBODY = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A nozzle's totaliser where it was taken over or handed over.

    `found_quantity_milli` is what the meter said, None where it was not asked.
    """

    shift_no: int
    nozzle: NozzleKey
    moment: str
    epoch: int
    device_seq: int
    total_quantity_milli: int
    total_amount_e4: int
    found_quantity_milli: int | None
    source: str
    staff_card: str = ""
    device_at: str = ""
    seq: int = 0
    at_ms: int = 0

    @property
    def place(self) -> tuple[int, int]:
        """The last fill before the reading: its life and its number."""
        return self.epoch, self.device_seq


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift as it stands; `ended_how` is empty while it is open."""

    shift_no: int
    crew_no: str
    business_day: str
    opened_at_ms: int
    opened_by: str
    ended_how: str = ""
    ended_at_ms: int = 0
    ended_by: str = ""
    reason: str = ""
    sheet: Mapping[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the crew still owes its handover."""
        return not self.ended_how


class Duty(NamedTuple):
    """The newest reading of a nozzle as bookings ask for it."""

    shift_no: int  # 0 while nobody is on duty
    business_day: str
    epoch: int
    device_seq: int
    total_quantity_milli: int


NO_DUTY = Duty(NOBODY, "", 0, 0, 0)
_OF_NOZZLE = "station_no=? AND dispenser_no=? AND nozzle_no=?"


def open_shift(tx: Transaction, crew_no: str, day: str, actor: Actor) -> int:
    """Record that a shift begins; return its number."""
    row = tx.connection.execute("SELECT max(shift_no) FROM shift_step").fetchone()
    shift_no = int(row[0] or 0) + 1
    _step(tx, shift_no, OPENED, actor, crew_no=crew_no, business_day=day)
    return shift_no


def end_shift(
    tx: Transaction,
    shift: Shift,
    how: str,
    actor: Actor,
    *,
    sheet: Mapping[str, Any],
    reason: str = "",
) -> int:
    """Record that a shift has ended and what was handed over; return the row's seq."""
    return _step(
        tx,
        shift.shift_no,
        ENDED,
        actor,
        how=how,
        crew_no=shift.crew_no,
        business_day=shift.business_day,
        sheet=canonical(sheet),
        reason=reason,
    )


def begun_and_ended(connection: Connection, shift_no: int) -> tuple[int, int]:
    """Return where in the chain a shift begins, and where the newest of all ended.

    Before the first has ended that is where the first began.
    """
    begun, ended = connection.execute(
        "SELECT (SELECT seq FROM shift_step WHERE shift_no=?1 AND step=?2),"
        " coalesce((SELECT max(seq) FROM shift_step WHERE step=?3),"
        "  (SELECT min(seq) FROM shift_step))",
        (shift_no, OPENED, ENDED),
    ).fetchone()
    return int(begun or 0), int(ended or 0)


def _step(tx: Transaction, shift_no: int, step: str, actor: Actor, **facts: str) -> int:
    empty = {"how": "", "crew_no": "", "business_day": "", "sheet": "", "reason": ""}
    row = {
        "shift_no": shift_no,
        "step": step,
        **empty,
        **facts,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    return prove_row(tx, "shift_step", str(shift_no), row)


def read(tx: Transaction, reading: Reading, actor: Actor) -> int:
    """Record a reading of a nozzle; return the row's seq."""
    row = {
        "shift_no": reading.shift_no,
        **asdict(reading.nozzle),
        "moment": reading.moment,
        "epoch": reading.epoch,
        "device_seq": reading.device_seq,
        "total_quantity_milli": reading.total_quantity_milli,
        "total_amount_e4": reading.total_amount_e4,
        "found_quantity_milli": reading.found_quantity_milli,
        "source": reading.source,
        "staff_card": reading.staff_card,
        "device_at": reading.device_at,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    return prove_row(tx, "shift_reading", str(reading.shift_no), row)


def last_reading(connection: Connection, nozzle: NozzleKey) -> Reading | None:
    """Return the newest reading of a nozzle; an `on` says that somebody is on duty."""
    return next(readings_of_nozzle(connection, nozzle), None)


def reading_before(connection: Connection, reading: Reading) -> Reading | None:
    """Return the reading of a nozzle before another one of it."""
    where = f"{_OF_NOZZLE} AND seq < ? ORDER BY seq DESC LIMIT 1"
    values = (*_values(reading.nozzle), reading.seq)
    return next(_readings(connection, where, values), None)


def readings_of_nozzle(connection: Connection, nozzle: NozzleKey) -> Iterator[Reading]:
    """Yield the readings of a nozzle, newest first."""
    return _readings(connection, f"{_OF_NOZZLE} ORDER BY seq DESC", _values(nozzle))


def readings_of_shift(connection: Connection, shift_no: int) -> list[Reading]:
    """Return the readings of a shift in the order in which they were taken."""
    return list(_readings(connection, "shift_no=? ORDER BY seq", (shift_no,)))


def every_reading(connection: Connection) -> Iterator[Reading]:
    """Yield all readings in the order in which they were taken."""
    return _readings(connection, "1 ORDER BY seq", ())


def _readings(
    connection: Connection, where: str, values: tuple[Any, ...]
) -> Iterator[Reading]:
    found = rows(connection, f"SELECT * FROM shift_reading WHERE {where}", values)  # noqa: S608
    return map(_reading, found)


def duty_at(connection: Connection, nozzle: NozzleKey) -> Duty | None:
    """Return who is on duty at a nozzle since which fill; None before any shift."""
    row = connection.execute(_DUTY, _values(nozzle)).fetchone()
    return None if row is None else Duty(*row)


_DUTY = (
    "SELECT iif(r.moment='on', r.shift_no, 0), s.business_day, r.epoch, r.device_seq,"  # noqa: S608 - ours
    " r.total_quantity_milli"
    " FROM shift_reading r JOIN shift_step s ON s.shift_no=r.shift_no"
    f" AND s.step='opened' WHERE {_OF_NOZZLE} ORDER BY r.seq DESC LIMIT 1"
)


def duty_of_fill(
    connection: Connection, nozzle: NozzleKey, epoch: int, device_seq: int
) -> Duty:
    """Return the duty that a fill ended in, by its own number."""
    found = connection.execute(_DUTIES, _values(nozzle))
    for row in found:
        duty = Duty(*row)
        if (epoch, device_seq) > (duty.epoch, duty.device_seq):
            return duty
    return NO_DUTY


_DUTIES = _DUTY.removesuffix(" LIMIT 1")


def find(connection: Connection, shift_no: int) -> Shift | None:
    """Return a shift by its number."""
    return next(iter(_shifts(connection, "o.shift_no=?", (shift_no,))), None)


def open_shifts(connection: Connection) -> list[Shift]:
    """Return the shifts that are not handed over, oldest first."""
    return _shifts(connection, "e.seq IS NULL ORDER BY o.shift_no", ())


class Ended(NamedTuple):
    """Which ended shifts are meant: before a number, of a crew, of some days."""

    before_no: int = 0
    crew_no: str = ""
    first_day: str = ""
    last_day: str = ""


def newest(connection: Connection, wanted: Ended, limit: int) -> list[Shift]:
    """Return the ended shifts that fit, newest first."""
    where = (
        "e.seq IS NOT NULL AND (?1=0 OR o.shift_no < ?1) AND (?2='' OR o.crew_no=?2)"
        " AND o.business_day >= ?3 AND (?4='' OR o.business_day <= ?4)"
        " ORDER BY o.shift_no DESC LIMIT ?5"
    )
    return _shifts(connection, where, (*wanted, limit))


def last_day(connection: Connection) -> str:
    """Return the business day of the newest shift; empty before any."""
    row = connection.execute(
        "SELECT business_day FROM shift_step WHERE step='opened'"
        " ORDER BY shift_no DESC LIMIT 1"
    ).fetchone()
    return "" if row is None else str(row[0])


def _shifts(connection: Connection, where: str, values: Iterable[Any]) -> list[Shift]:
    found = rows(
        connection,
        "SELECT o.*, e.how AS ended_how, e.at_ms AS ended_at_ms,"  # noqa: S608 - ours
        " e.operator_no AS ended_by, e.reason AS why, e.sheet AS ended_sheet"
        " FROM shift_step o LEFT JOIN shift_step e"
        " ON e.shift_no=o.shift_no AND e.step='ended'"
        f" WHERE o.step='opened' AND {where}",
        tuple(values),
    )
    return [
        Shift(
            shift_no=row["shift_no"],
            crew_no=row["crew_no"],
            business_day=row["business_day"],
            opened_at_ms=row["at_ms"],
            opened_by=row["operator_no"],
            ended_how=row["ended_how"] or "",
            ended_at_ms=row["ended_at_ms"] or 0,
            ended_by=row["ended_by"] or "",
            reason=row["why"] or "",
            sheet=json.loads(row["ended_sheet"]) if row["ended_sheet"] else None,
        )
        for row in found
    ]


def _reading(row: Mapping[str, Any]) -> Reading:
    names = ("station_no", "dispenser_no", "nozzle_no")
    kept = {
        name: row[name]
        for name in Reading.__dataclass_fields__
        if name not in {"nozzle"}
    }
    return Reading(nozzle=NozzleKey(*(row[name] for name in names)), **kept)


def _values(nozzle: NozzleKey) -> tuple[str, int, int]:
    return (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no)
