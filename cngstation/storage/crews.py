"""Crews (班组) and the staff cards by which dispensers know them.

A staff card is kept without leading zeros: protocols differ in how wide they send it.
"""

from dataclasses import asdict, dataclass

from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Crew:
    """A crew of the register; its number never changes."""

    crew_no: str
    name: str
    retired: int = 0


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff card, whose it is, and the crew it works in."""

    card_no: str
    crew_no: str
    name: str
    retired: int = 0


def plain_card_no(card_no: str) -> str:
    """Return a staff card's number as the register keeps it."""
    return card_no.strip().lstrip("0")


def add_crew(tx: Transaction, crew: Crew, *, actor: Actor = STATION) -> None:
    """Register a crew."""
    registers.add(tx, "crew", asdict(crew), actor=actor)


def change_crew(tx: Transaction, crew: Crew, *, reason: str, actor: Actor) -> None:
    """Change a crew's name, or retire it."""
    values = {"name": crew.name, "retired": crew.retired}
    key = {"crew_no": crew.crew_no}
    registers.change(tx, "crew", key, values, reason=reason, actor=actor)


def put_staff(tx: Transaction, staff: Staff, *, actor: Actor = STATION) -> None:
    """Say in which crew a staff card works from now on."""
    row = asdict(staff)
    if staff_of(tx.connection, staff.card_no) is None:
        registers.add(tx, "crew_staff", row, actor=actor)
    else:
        key = {"card_no": row.pop("card_no")}
        registers.change(tx, "crew_staff", key, row, actor=actor)


def find_crew(connection: Connection, crew_no: str) -> Crew | None:
    """Return a crew by its number."""
    found = rows(connection, "SELECT * FROM crew WHERE crew_no=?", (crew_no,))
    return next((Crew(**row) for row in found), None)


def every_crew(connection: Connection) -> list[Crew]:
    """Return all crews, the retired ones too, by number."""
    found = rows(connection, "SELECT * FROM crew ORDER BY length(crew_no), crew_no")
    return [Crew(**row) for row in found]


def staff_of(connection: Connection, card_no: str) -> Staff | None:
    """Return a staff card of the register by its plain number."""
    found = rows(connection, "SELECT * FROM crew_staff WHERE card_no=?", (card_no,))
    return next((Staff(**row) for row in found), None)


def staff_of_crew(connection: Connection, crew_no: str) -> list[Staff]:
    """Return the staff cards of a crew."""
    sql = "SELECT * FROM crew_staff WHERE crew_no=? ORDER BY card_no"
    return [Staff(**row) for row in rows(connection, sql, (crew_no,))]
