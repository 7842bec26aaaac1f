"""Registers crews (班组) and says which staff card works in which."""

from cngstation.hygiene import clean
from cngstation.services.approve import reason_of
from cngstation.services.change_duty import NoSuchCrew
from cngstation.services.register_customers import FieldEmpty
from cngstation.storage import audit, crews
from cngstation.storage.audit import Actor
from cngstation.storage.crews import Crew, Staff
from cngstation.storage.database import Transaction

LONGEST_NAME = 40


def write_crew(tx: Transaction, crew: Crew, reason: str, actor: Actor) -> None:
    """Register a crew; one that there is is changed, with a reason.

    Raises:
        FieldEmpty, ReasonMissing: nothing was done.
    """
    name = clean(crew.name, limit=LONGEST_NAME).strip()
    if not name:
        raise FieldEmpty(field="name")
    known = crews.find_crew(tx.connection, crew.crew_no)
    wanted = Crew(crew.crew_no, name, crew.retired)
    if known is None:
        crews.add_crew(tx, wanted, actor=actor)
    else:
        crews.change_crew(tx, wanted, reason=reason_of(reason), actor=actor)
    before = known.name if known else ""
    audit.record(
        tx, actor, "crew.write", crew.crew_no, reason=reason, before=before, after=name
    )


def write_staff(tx: Transaction, staff: Staff, actor: Actor) -> None:
    """Say in which crew a staff card works from now on.

    Raises:
        NoSuchCrew, FieldEmpty: nothing was done.
    """
    number = crews.plain_card_no(staff.card_no)
    if not number:
        raise FieldEmpty(field="card_no")
    if crews.find_crew(tx.connection, staff.crew_no) is None:
        raise NoSuchCrew(crew=staff.crew_no)
    name = clean(staff.name, limit=LONGEST_NAME).strip()
    crews.put_staff(tx, Staff(number, staff.crew_no, name, staff.retired), actor=actor)
    audit.record(tx, actor, "crew.staff", number, after=staff.crew_no)


__all__ = ["Crew", "Staff", "write_crew", "write_staff"]
