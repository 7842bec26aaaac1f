"""Registers crews (班组) and says which staff card works in which."""

from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.services.approve import reason_of
from cngstation.services.change_duty import NoSuchCrew
from cngstation.services.register_customers import FieldEmpty
from cngstation.storage import audit, crews, shifts
from cngstation.storage.audit import Actor
from cngstation.storage.crews import Crew, Staff
from cngstation.storage.database import Transaction

LONGEST_NAME = 40


class CrewAtWork(Refusal):
    """A crew that has a shift open cannot be retired."""

    code = "refusal.crew_at_work"
    text = (
        "Shift {shift} of crew {crew} is not handed over. Nothing was done. Hand it "
        "over first (F8)."
    )


class NoSuchStaff(Refusal):
    """A crew has no staff card with this number."""

    code = "refusal.no_such_staff"
    text = "Crew {crew} has no staff card {card}. Nothing was done."


def write_crew(tx: Transaction, crew: Crew, reason: str, actor: Actor) -> None:
    """Register a crew; one that there is is changed, or retired, with a reason.

    Raises:
        FieldEmpty, ReasonMissing, CrewAtWork: nothing was done.
    """
    name = clean(crew.name, limit=LONGEST_NAME).strip()
    if not name:
        raise FieldEmpty(field="name")
    known = crews.find_crew(tx.connection, crew.crew_no)
    if crew.retired:
        _require_no_shift(tx, crew.crew_no)
    wanted = Crew(crew.crew_no, name, crew.retired)
    if known is None:
        crews.add_crew(tx, wanted, actor=actor)
    else:
        crews.change_crew(tx, wanted, reason=reason_of(reason), actor=actor)
    before = known.name if known else ""
    audit.record(
        tx, actor, "crew.write", crew.crew_no, reason=reason, before=before, after=name
    )


def _require_no_shift(tx: Transaction, crew_no: str) -> None:
    for shift in shifts.open_shifts(tx.connection):
        if shift.crew_no == crew_no:
            raise CrewAtWork(crew=crew_no, shift=shift.shift_no)


def write_staff(tx: Transaction, staff: Staff, actor: Actor, reason: str = "") -> None:
    """Say in which crew a staff card works from now on; retired it works in none.

    Raises:
        NoSuchCrew, NoSuchStaff, FieldEmpty, ReasonMissing: nothing was done.
    """
    number = crews.plain_card_no(staff.card_no)
    if not number:
        raise FieldEmpty(field="card_no")
    if crews.find_crew(tx.connection, staff.crew_no) is None:
        raise NoSuchCrew(crew=staff.crew_no)
    name, after = clean(staff.name, limit=LONGEST_NAME).strip(), staff.crew_no
    known = crews.staff_of(tx.connection, number)
    if staff.retired:
        reason, after = reason_of(reason), ""
        if known is None or known.crew_no != staff.crew_no:
            raise NoSuchStaff(card=number, crew=staff.crew_no)
        name = known.name
    crews.put_staff(tx, Staff(number, staff.crew_no, name, staff.retired), actor=actor)
    before = known.crew_no if known and not known.retired else ""
    audit.record(
        tx, actor, "crew.staff", number, reason=reason, before=before, after=after
    )


__all__ = ["Crew", "Staff", "write_crew", "write_staff"]
